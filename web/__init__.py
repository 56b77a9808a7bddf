"""The web pages and the JSON interface: thin. They read projections and replays, and submit signed commands."""
