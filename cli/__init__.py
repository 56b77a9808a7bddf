"""The `thidua` command: for the secretariat, unit staff, auditors and whoever operates an installation."""
