"""The worker process: wires workflows, activities, the post and the projector. Started as a process, imported by nobody.

    python -m worker

Settings by environment: THIDUA_DATABASE_URL (the application's role), THIDUA_TEMPORAL_ADDRESS, THIDUA_NAMESPACE,
THIDUA_INSTALLATION. It prints "ready" when it polls, and ends on SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta

import structlog
from temporalio.worker import Worker

from activities.ledger import LedgerActivities
from activities.telling import told_of
from activities.wire import TASK_QUEUE
from desk.temporal import open_client
from documents.postgres import Texts
from domain import installation
from eventstore.postgres import open_ledger
from eventstore.signing import Keys
from eventstore.store import load_all
from workflows.city_year import CityYear
from workflows.cluster_cycle import ClusterCycle

log = structlog.get_logger()


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"worker: {name} is not set")
    return value


async def main() -> None:
    """Run until told to stop."""
    ledger = await open_ledger(_setting("THIDUA_DATABASE_URL"), _setting("THIDUA_INSTALLATION"))
    founding = [told_of(row) for row in await load_all(ledger, installation.STREAM)]
    keys = Keys(_setting("THIDUA_INSTALLATION"), ledger.epoch, installation.keys(founding))
    acts = LedgerActivities(ledger, Texts(ledger.pool), keys)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_client(_setting("THIDUA_TEMPORAL_ADDRESS"), _setting("THIDUA_NAMESPACE")) as client:
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[ClusterCycle, CityYear],
            activities=[acts.load, acts.append, acts.speak, acts.edition],
            graceful_shutdown_timeout=timedelta(seconds=5),
        )
        async with worker:
            log.info("ready", installation=keys.installation, streams=len(await ledger.streams()))
            await stop.wait()
        del worker
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main())
