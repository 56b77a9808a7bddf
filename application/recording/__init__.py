"""Recording files: read, planned, matched with what the ledger holds, entered, and exported again."""
