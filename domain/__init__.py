"""The rules of an emulation year as pure functions: commands, events, state, deadlines and rights.

No clock, no randomness, no input or output; only the standard library and pydantic. Each module in `domain.steps` holds
one step of the year: its commands and events, and the functions that decide and evolve. `cycle` and `city_year` combine
the steps into the decider of a stream.
"""
