"""Texts beside the ledger: free text and documents by salted digest, erasable; rules editions by digest, for ever."""
