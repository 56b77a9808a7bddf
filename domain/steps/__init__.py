"""The steps of a cycle: each module holds the commands, events, state, decisions and evolution of one step."""
