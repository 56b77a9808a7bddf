"""Replay and verification from the ledger alone, without Temporal: past states, and proof that no row was changed."""
