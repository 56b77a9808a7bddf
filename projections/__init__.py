"""Projections over all clusters: tables computed from the ledger, which can be dropped and rebuilt at any time."""
