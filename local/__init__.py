"""The engine on one machine: embedded PostgreSQL, a Temporal server, a worker, started when needed and stopped again.

Nothing here knows the domain. With it a laptop, a test and the demo run the same engine as production, without Docker.
Production uses servers of its own (docker-compose.yml).
"""
