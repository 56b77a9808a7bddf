"""The steps of the year: each module holds a step's commands, events, state, decisions and evolutions."""
