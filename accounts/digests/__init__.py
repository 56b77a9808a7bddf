"""Notices that wait for a daily or weekly mail."""
