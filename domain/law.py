"""The number of the law: of the decisions that this version of the program makes.

Every event carries the number under which it was decided, and along the ledger it never falls. It is raised when a
change makes `decide` answer an old command otherwise.
"""

LAW = 1
"""The law in force."""
