"""The web process.

    python -m web

Settings by environment: THIDUA_WEB_DATABASE_URL (the web's role) or THIDUA_WEB_DATABASE_URL_FILE (a file with it),
THIDUA_TEMPORAL_ADDRESS, THIDUA_NAMESPACE, THIDUA_WEB_KEY_FILE (its entry key), THIDUA_ACCOUNT_KEY_FILE (for one-time
codes), THIDUA_WEB_HOST, THIDUA_WEB_PORT, THIDUA_WEB_ADDRESS (of the site), THIDUA_WEB_PROXIES, THIDUA_WEB_METRICS (a
port, on loopback unless THIDUA_METRICS_HOST says otherwise), THIDUA_LOG_FORMAT and OTEL_… (docs/watching.md),
THIDUA_OUTBOX or THIDUA_SMTP_HOST for invitations. What it shows to Temporal is set as for the worker. It ends on
SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from application.logs import configure
from application.metrics import served
from application.traces import traced
from application.work import beside
from errors import InputError
from i18n.messages import sentence
from local.key_files import read_key
from local.process import free_ports
from web.app import build
from web.render import load_templates
from web.services import opened
from web.settings import Settings

SWITCH_S = 0.001
"""How long a thread that works may keep the loop, which answers, from running."""

GARBAGE = 20_000
"""So many new objects are looked through for cycles at a time: a page of the board makes as many, and keeps none."""

log = structlog.get_logger()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the server listens, and which proxies it believes when they name client and scheme of a request."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,  # its lines go the way of ours (`application.logs`)
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=True,
        forwarded_allow_ips=settings.proxies,
        # Long addresses and headers reach the checks of requests, which tell in a sentence that they are too long.
        h11_max_incomplete_event_size=64_000,
    )


async def main() -> None:
    """Serve until told to stop."""
    configure("web")
    sys.setswitchinterval(SWITCH_S)
    settings = Settings.of(os.environ)
    read_key(settings.key_file, "web")
    client_port = free_ports(1)[0] if settings.metrics_port else None
    with traced("web", os.environ) as traces, served(os.environ, settings.metrics_port, client_port):
        await _serve(settings, client_port, traces=traces)


async def _serve(settings: Settings, client_port: int | None, *, traces: bool) -> None:
    async with opened(settings, client_port, traces=traces) as services:
        server = uvicorn.Server(server_config(build(services), settings))
        loading = asyncio.create_task(beside(load_templates))
        gc.collect()
        gc.set_threshold(GARBAGE, 20, 20)
        gc.freeze()  # modules and templates stay: no later collection looks at them again
        log.info("web ready", address=settings.address)
        await server.serve()
        await loading


if __name__ == "__main__":
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except InputError as error:  # of the settings, and of files that they name
        sys.exit(f"web: {sentence(error.code, error.facts)}")
