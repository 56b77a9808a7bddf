"""Activities: what a workflow may ask of the world. Loading and appending are local activities only."""
