"""Speed, measured side by side in one run: `make bench`. Ratios, not promises."""
