"""One machine's engine: embedded PostgreSQL and a Temporal server, started when needed, stopped again.

Nothing here knows the domain. Production uses servers of its own (docker-compose.yml); this package
exists so that a laptop, a test and the demo run the same engine as production without Docker.
"""
