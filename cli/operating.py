"""Commands for operators: keep an installation running, see what runs, start the workflows again from the ledger."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from rich.table import Table

from application.bootstrap import bootstrap
from application.condition import DISKS, MEASURED_S, SystemCondition, measured
from application.judgement import SUBJECTS, WORDS_OF_LEVELS, Level, judged
from application.logs import configure, log_format
from cli.outcome import Exit, answer, say, terminal
from cli.session import session
from domain.times import ICT
from errors import InputError
from i18n import _, ngettext
from i18n.messages import day
from ledger.connection import DATABASE_ERRORS
from ledger.postgres import open_ledger
from ledger.protocol import Stopped
from ledger.setup import confirm_clock as confirm
from local.certificates import CERTIFICATES, Certificates, ClientTls
from local.engine import (
    Endpoints,
    addresses,
    open_engine,
    parts_that_answer,
    running_engine,
    serve,
    try_lock,
)
from local.installation import is_founded
from local.last_backup import LAST_BACKUP, LAST_BACKUP_FILE
from local.paths import POSTGRESQL, Paths, is_rehearsal, paths
from mail.smtp import SmtpSettings
from projections.board_table import Board
from projections.open_streams import decided_streams
from projections.search import SearchIndex
from web.settings import check_settings


async def up() -> int:
    """Keep the engine, a worker and the web pages running until Ctrl-C."""
    check_settings(os.environ)
    report = say
    if log_format(os.environ) is not None:
        configure("supervisor")
        report = structlog.get_logger().info
    dirs = paths()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if running_engine(dirs) is not None:
        report(_("The engine of this folder runs already."))
        return Exit.DONE
    async with open_engine(dirs, bootstrap, need="web", report=report) as (endpoints, installed):
        report(_("Web pages at {address}").format(address=endpoints.web_address))
        if SmtpSettings.of(os.environ) is None:
            folder = dirs.data / "outbox"
            report(
                _("No mail server is set (THIDUA_SMTP_HOST): mail stays in {folder}, and reaches nobody.").format(
                    folder=folder
                )
            )
        report(
            _("Running: installation {id}, data in {data}. Ctrl-C stops it.").format(id=installed.id, data=dirs.data)
        )
        await serve(dirs, endpoints, stop)
        report(_("Stopping."))
    return Exit.DONE


async def _condition(endpoints: Endpoints, dirs: Paths) -> SystemCondition:
    """Measure the installation whose engine runs."""
    env = {
        DISKS["data"]: str(dirs.data),
        DISKS["database"]: str(dirs.data / POSTGRESQL),
        **({} if is_rehearsal(dirs.data) else {LAST_BACKUP: str(dirs.data / LAST_BACKUP_FILE)}),
        **os.environ,
    }
    if "DATABASE_URL" in os.environ:
        del env[DISKS["database"]]
    ledger = None
    try:
        async with asyncio.timeout(MEASURED_S):
            ledger = await open_ledger(endpoints.database_url, None, writing=False)
    except DATABASE_ERRORS:
        pass  # the facts say so
    except Stopped:
        pass  # as above: another schema, such as during an upgrade
    try:
        tls = ClientTls.of(endpoints.tls)
        found = await measured(ledger, {}, tls.last_moment if tls is not None else None, env)
        return replace(found, parts=await parts_that_answer(endpoints))
    finally:
        if ledger is not None:
            await ledger.close()


async def status(*, as_json: bool) -> int:
    """Print what runs where, and how the installation is."""
    dirs = paths()
    endpoints = running_engine(dirs)
    data: dict[str, Any] = {
        "data": str(dirs.data),
        "cache": str(dirs.cache),
        "logs": str(dirs.logs),
        "installation": (dirs.data / "installation.json").exists(),
        "up": endpoints is not None,
        "certificates_until": _until(Certificates(dirs.data / CERTIFICATES)),
        "parts": {},
        "facts": [],
    }
    if endpoints is not None:
        condition, listening = await _condition(endpoints, dirs), addresses(endpoints)
        data["facts"] = [
            {"subject": one.subject, "level": one.level.value, "text": one.text} for one in judged(condition)
        ]
        data["parts"] = {
            name: {
                "pid": endpoints.pids.get(name),
                "address": listening.get(name),
                "answers": condition.parts.get(name, False),
            }
            for name in dict.fromkeys([*endpoints.pids, *listening])
        }

    def show() -> None:
        table = Table(_("what"), _("where"))
        for name in ("data", "cache", "logs"):
            table.add_row(name, data[name])
        if data["installation"]:
            until = data["certificates_until"]
            table.add_row(_("certificates"), day(until) if until else _("unusable; the next start makes new ones"))
        table.add_row(_("engine"), _("running") if data["up"] else _("not running; commands start what they need"))
        for name, part in data["parts"].items():
            details = [part["address"] or "", f"pid {part['pid']}" if part["pid"] else ""]
            details.append("" if part["answers"] else _("does not answer"))
            table.add_row(name, ", ".join(filter(None, details)))
        terminal().print(table)
        _show_facts(data["facts"])

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


def _show_facts(facts: list[dict[str, str]]) -> None:
    """Print each fact with its level, and what to do about those that are not good."""
    if not facts:
        return
    table = Table(_("what"), _("how it is"), _("found"))
    for fact in facts:
        table.add_row(_(SUBJECTS[fact["subject"]].title), _(WORDS_OF_LEVELS[Level(fact["level"])]), fact["text"])
    terminal().print(table)
    for subject in dict.fromkeys(one["subject"] for one in facts if one["level"] in {Level.BAD, Level.ATTENTION}):
        title, advice = _(SUBJECTS[subject].title), _(SUBJECTS[subject].advice)
        terminal().print(f"{title}: {advice}", soft_wrap=True, markup=False)


async def renew_certificates(*, as_json: bool) -> int:
    """Make new certificates for the installation. A server that runs elsewhere must be given them."""
    dirs = paths()
    if not is_founded(dirs.data):
        raise InputError("no_installation", folder=str(dirs.data))
    with try_lock(dirs) as mine:
        if not mine:
            raise InputError("certificates_in_use", folder=str(dirs.data))
        certificates = Certificates(dirs.data / CERTIFICATES)
        until = certificates.make().astimezone(ICT).date().isoformat()
    text = _("New certificates in {folder}, good until {day}. The earlier ones are void.")
    answer(
        {"folder": str(certificates.folder), "until": until},
        as_json=as_json,
        show=lambda: terminal().print(text.format(folder=certificates.folder, day=day(until)), soft_wrap=True),
    )
    return Exit.DONE


def _until(certificates: Certificates) -> str | None:
    last = certificates.last_moment()
    return last.astimezone(ICT).date().isoformat() if last else None


async def rebuild(*, as_json: bool) -> int:
    """Compute the projections anew: board, tasks and deviations, people's lists, search."""
    async with session("ledger", say, founded=True) as app:
        board, search = Board(app.ledger, app.texts), SearchIndex(app.ledger)
        await board.forget()
        await search.forget()
        position = min(await board.catch_up(), await search.catch_up())
    text = ngettext(
        "Board and search were computed anew from {count} event.",
        "Board and search were computed anew from {count} events.",
        position,
    ).format(count=position)
    answer({"events": position}, as_json=as_json, show=lambda: terminal().print(text))
    return Exit.DONE


async def resume(*, confirm_clock: bool, as_json: bool) -> int:
    """Start the workflows of the installation, its post, every year and every open cycle again.

    Each loads its stream from the ledger.
    """
    # Imported here: the other commands of this module need no Temporal client.
    from workflows.client import open_client
    from workflows.runs import POST, Runs

    async with session("worker", say, founded=True) as app:
        if confirm_clock:
            await confirm(app.endpoints.owner_url)
        tls = ClientTls.of(app.endpoints.tls)
        async with open_client(app.endpoints.temporal or "", app.endpoints.namespace, tls) as client:
            await Board(app.ledger, app.texts).catch_up()
            runs = Runs(client, app.installed.id)
            found = await runs.compare(partial(decided_streams, app.ledger), anew=True)
            del runs, client
    if found.error is not None:
        raise found.error
    started = sorted({*found.missing, *found.replaced} - {POST})
    text = ngettext(
        "{count} register started again from the ledger.",
        "{count} registers started again from the ledger.",
        len(started),
    ).format(count=len(started))
    answer({"started": started}, as_json=as_json, show=lambda: terminal().print(text))
    return Exit.DONE
