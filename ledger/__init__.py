"""The ledger: append-only events in one order, chained by digests. Only `mapping` knows the domain."""
