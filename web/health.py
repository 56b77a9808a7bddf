"""Health, readiness and metrics. Metrics are served on a port of their own, on loopback (`THIDUA_WEB_METRICS`)."""

from __future__ import annotations

import asyncio

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import Counter, Histogram

from ledger.connection import DATABASE_ERRORS, is_lost
from web.services import get_services

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)

READY_S = 4.0
"""Deadline of `/readyz`."""

_REQUESTS = Counter("thidua_web_requests_total", "Answers of the web process", ("method", "route", "status"))
_SECONDS = Histogram(
    "thidua_web_request_seconds",
    "Time to answer",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 1, 3, 10, 30),
)


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer."""
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)


@router.get("/healthz")
async def alive() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """The database answers, so pages can be read; they can be read without the engine, too.

    It says no at the latest when the deadline has passed.
    """
    try:
        async with asyncio.timeout(READY_S):
            await get_services(request).application.ledger.now()
    except DATABASE_ERRORS as error:
        if not is_lost(error):
            log.exception("not ready")
        return JSONResponse({"database": False}, 503)
    return JSONResponse({"database": True})
