"""The ledger: events appended once, in one order, chained by digests, never changed. It knows no domain."""
