"""The law of an emulation year, pure: what may be said, what then happened, what is due, who may.

No clock, no random, no input or output; only the standard library and pydantic. One file for each step
of the year (a *room*) holds its commands, its events, what it decides and how its part of the state
evolves; `cycle.py` and `city_year.py` are the *halls* that compose rooms into one law.
"""
