"""The `thidua` command: for the secretariat, unit staff, auditors and whoever operates an installation."""

CANCELLED = 130
"""The exit code of a command that was stopped before anything was handed in."""
