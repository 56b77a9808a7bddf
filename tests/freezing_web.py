"""A web process with two more pages, of which one blocks the event loop: what a test of freezing must find.

python tests/freezing_web.py, with the environment of `python -m web`.
"""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from web import __main__ as program
from web.app import build as whole
from web.services import Services

BLOCKED_S = 2


async def blocking() -> PlainTextResponse:
    """Work on the event loop, after something that is awaited."""
    await asyncio.sleep(0.05)
    time.sleep(BLOCKED_S)  # noqa: ASYNC251 - the fault that the test must find
    return PlainTextResponse("at last")


async def waiting() -> PlainTextResponse:
    """As slow, but beside the event loop."""
    await asyncio.to_thread(time.sleep, BLOCKED_S)
    return PlainTextResponse("at last")


def build(services: Services) -> FastAPI:
    app = whole(services)
    app.add_api_route("/dung-hinh", blocking)
    app.add_api_route("/cham", waiting)
    return app


if __name__ == "__main__":
    program.build = build
    asyncio.run(program.main())
