"""How the processes log: one JSON line for each thing, with request and command ids, without what anybody typed."""

from __future__ import annotations

import structlog


def configure() -> None:
    """Set structlog up for a process. Tracebacks are plain: the values of variables may be secrets."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
