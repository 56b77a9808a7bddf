"""How rows get into the ledger."""
