"""Logging of the processes: one JSON line per entry, with request and command ids, without user input."""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Configure structlog for a process. Tracebacks show no values of variables, which may be secret."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )


def to_stderr() -> None:
    """Configure structlog for a command, whose stdout is its answer."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
