"""Commands of whoever operates an installation: keep it up, see what runs, bring the engine back from the ledger."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from rich.table import Table

from application.bootstrap import bootstrap
from cli.outcome import Exit, answer, say, terminal
from cli.session import session
from domain.cycle import CYCLE
from domain.streams import is_cycle, is_year
from i18n import _, ngettext
from ledger.mapping import to_envelope
from ledger.protocol import load_all
from ledger.setup import confirm_clock as confirm
from local.engine import addresses, open_engine, parts_that_answer, running_engine, serve
from local.paths import paths


async def up() -> int:
    """Keep the engine running until Ctrl-C."""
    where = paths()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if running_engine(where) is not None:
        say(_("The engine of this folder runs already."))
        return Exit.DONE
    async with open_engine(where, bootstrap, need="web", say=say) as (endpoints, installed):
        say(_("Web pages at {address}").format(address=endpoints.web_address))
        say(_("Running: installation {id}, data in {data}. Ctrl-C stops it.").format(id=installed.id, data=where.data))
        await serve(where, endpoints, stop)
        say(_("Stopping."))
    return Exit.DONE


async def status(*, as_json: bool) -> int:
    """What runs where."""
    where = paths()
    endpoints = running_engine(where)
    data: dict[str, Any] = {
        "data": str(where.data),
        "cache": str(where.cache),
        "logs": str(where.logs),
        "installation": (where.data / "installation.json").exists(),
        "up": endpoints is not None,
        "parts": {},
    }
    if endpoints is not None:
        answers, listening = parts_that_answer(endpoints), addresses(endpoints)
        names = dict.fromkeys([*endpoints.pids, *listening])
        data["parts"] = {
            name: {"pid": endpoints.pids.get(name), "address": listening.get(name), "answers": answers[name]}
            for name in names
        }

    def show() -> None:
        table = Table(_("what"), _("where"))
        for name in ("data", "cache", "logs"):
            table.add_row(name, data[name])
        table.add_row(_("engine"), _("running") if data["up"] else _("not running; commands start what they need"))
        for name, part in data["parts"].items():
            where = [part["address"] or "", f"pid {part['pid']}" if part["pid"] else ""]
            where.append("" if part["answers"] else _("does not answer"))
            table.add_row(name, ", ".join(filter(None, where)))
        terminal().print(table)

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


async def resume(*, confirm_clock: bool, as_json: bool) -> int:
    """Start every open cycle's workflow again; each loads its stream from the ledger."""
    # Imported here: the other commands of this module do not need the engine's client.
    from temporalio.common import WorkflowIDConflictPolicy  # noqa: PLC0415

    from workflows.client import open_client  # noqa: PLC0415
    from workflows.messages import TASK_QUEUE, TASK_TIMEOUT  # noqa: PLC0415

    started: list[str] = []
    async with session("worker", say) as open_:
        if confirm_clock:
            await confirm(open_.endpoints.owner_url)
        async with open_client(open_.endpoints.temporal or "", open_.endpoints.namespace) as client:
            for stream, _head in await open_.ledger.streams():
                if not (is_cycle(stream) or is_year(stream)):
                    continue
                if is_cycle(stream):
                    state = CYCLE.fold(to_envelope(row) for row in await load_all(open_.ledger, stream))
                    if state.lifecycle.filed is not None:
                        continue
                await client.start_workflow(
                    "ClusterCycle" if is_cycle(stream) else "CityYear",
                    stream,
                    id=stream,
                    task_queue=TASK_QUEUE,
                    task_timeout=TASK_TIMEOUT,
                    id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
                )
                started.append(stream)
            del client
    text = ngettext(
        "{count} register started again from the ledger.",
        "{count} registers started again from the ledger.",
        len(started),
    ).format(count=len(started))
    answer({"started": started}, as_json=as_json, show=lambda: terminal().print(text))
    return Exit.DONE
