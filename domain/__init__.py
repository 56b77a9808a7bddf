"""The rules of an emulation year as pure functions: commands, events, state, deadlines and rights.

No clock, no randomness, no input or output; only the standard library and pydantic. Each module in `domain.steps` holds
one step of the year: what it reads of the other steps, its commands and events, and the functions that decide and
evolve. `cycle` and `city_year` combine the steps into the decider of a stream. `scoring` holds the step of the scores,
and the score table that an edition contains.
"""
