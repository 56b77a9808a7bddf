"""What can be erased, beside the ledger: persons, texts, files. Events hold ids and digests of them only."""
