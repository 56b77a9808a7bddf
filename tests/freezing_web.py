"""A web process with three more pages, of which one blocks the event loop: what a test of freezing must find.

python tests/freezing_web.py, with the environment of `python -m web`.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from application.work import beside
from web import __main__ as program
from web.app import build as whole
from web.services import Services

DEADLINE_S = 60


def until(name: str) -> None:
    """Wait, and let nothing else run in this thread, until the test has made a file."""
    file, end = Path(os.environ["THIDUA_OUTBOX"]) / name, time.monotonic() + DEADLINE_S
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.01)


async def blocking() -> PlainTextResponse:
    """Work on the event loop, after something that is awaited: the fault that the test must find."""
    await asyncio.sleep(0.05)
    until("blocked")
    return PlainTextResponse("at last")


async def waiting() -> PlainTextResponse:
    """The same beside the event loop."""
    await asyncio.to_thread(until, "waited")
    return PlainTextResponse("at last")


async def filling() -> PlainTextResponse:
    """Long work in one of the threads for it."""
    await beside(until, "enough")
    return PlainTextResponse("at last")


def build(services: Services) -> FastAPI:
    app = whole(services)
    app.add_api_route("/dung-hinh", blocking)
    app.add_api_route("/cham", waiting)
    app.add_api_route("/viec-dai", filling)
    return app


if __name__ == "__main__":
    program.build = build
    asyncio.run(program.main())
