"""Scoring: the score table of an edition, sheets of points, and how they become totals, classes and ranks."""
