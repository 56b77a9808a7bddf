"""The `thidua` command: for the secretariat, unit staff, auditors and operators of an installation.

It parses options, asks, prints tables and messages, and exits with a code. The use cases are in `application/`.
"""

CANCELLED = 130
"""The exit code of a command that was interrupted before it submitted anything."""
