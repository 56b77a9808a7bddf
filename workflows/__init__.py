"""Workflows: one for each stream, a cache of it and its clock. They decide; the ledger remembers."""
