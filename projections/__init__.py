"""Read models over all clusters: each line is a function of one folded stream, so they can be rebuilt at any time."""
