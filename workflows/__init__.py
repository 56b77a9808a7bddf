"""Workflows, one for each stream: they cache its state, watch its deadlines and decide. The ledger stays the truth."""
