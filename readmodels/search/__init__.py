"""The index of what can be searched."""
