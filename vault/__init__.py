"""Persons beside the ledger: names, offices and addresses, erasable. Events know ids and commitments only."""
