"""The steps of a cycle: each module holds the commands, events, state, decisions and evolution of one step.

Its protocol `...Context` says what a step reads of the cycle: its own slice, and answers to its questions. A step
imports no slice of another step, only commands that it issues and events that it reacts to.
"""
