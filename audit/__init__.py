"""What an auditor can prove from the ledger alone, with Temporal switched off.

What was held true when, and that nobody changed it.
"""
