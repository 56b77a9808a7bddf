"""Benchmarks, run with `make bench`. Figures are compared side by side in one run, as ratios."""
