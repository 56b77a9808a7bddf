"""The demo: the seeds' two years, played on a real engine in an installation that may be thrown away."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from accounts import Kind
from accounts.store import Accounts
from audit.replay import SurenessIndex
from audit.verify import verify
from cli.outcome import Exit, answer, grid, say, terminal
from cli.scenario import Played, play
from cli.session import Session, session
from cli.visiting import Visit, visit
from domain import post
from domain.cycle import CYCLE
from domain.deviations import deviations
from domain.installation import POST_STREAM
from domain.obligations import obligations, steps
from errors import InputError
from i18n import _
from i18n.messages import counted, day, word
from ledger.mapping import to_envelope
from ledger.protocol import load_all
from local.engine import LOCK, serve, try_lock
from local.installation import is_rehearsal
from local.paths import Paths, paths
from resources import SCENARIOS

PLAYED = tuple(SCENARIOS / name for name in ("2020-cum-1.yaml", "2024-cum-2.yaml"))
POST_DEADLINE_S = 60


async def demo(*, as_json: bool) -> int:
    """Play, wait for the post, verify, and show."""
    started = time.monotonic()
    where = paths()
    if not is_rehearsal(where.data):
        raise InputError("real_installation", folder=str(where.data))
    _clear(where)
    say(
        _("data in {data}, cache in {cache}, logs in {logs}").format(
            data=where.data, cache=where.cache, logs=where.logs
        )
    )
    async with session("web", say, rehearsal=True) as open_:
        played = [await play(open_, file, say) for file in PLAYED]
        await _until_told(open_)
        rows = [await _row(open_, one) for one in played]
        people, password = await _let_in(open_)
        seconds = time.monotonic() - started
        commands = _next_commands()
        address = open_.endpoints.web_address or ""
        found = {
            "cycles": rows,
            "seconds": round(seconds, 1),
            "next": commands,
            "address": address,
            "accounts": [{"account": person, "kind": kind} for person, kind, _path in people],
        }
        if _watched() and not as_json:
            answer(found, as_json=False, show=lambda: _show(rows, commands, seconds))
            await _stay(open_, address, people, password)
            visits = []
        else:
            visits = [await asyncio.to_thread(visit, address, person, password, path) for person, _k, path in people]
            found["visits"] = [asdict(one) for one in visits]
            answer(found, as_json=as_json, show=lambda: _show(rows, commands, seconds, visits))
    whole = all(row["verified"] for row in rows) and all(one.good for one in visits)
    return Exit.DONE if whole else Exit.NOT_VERIFIED


async def _let_in(open_: Session) -> tuple[list[tuple[str, str, str]], str]:
    """Accounts for each kind of user: (account, kind, their first page). Only a rehearsal has them; one password."""
    accounts, password = Accounts(open_.ledger.pool), secrets.token_hex(6)
    await open_.people.enter("kiem-tra-dien-tap", "mttq-hanoi", "Người kiểm tra diễn tập", office="kiểm tra diễn tập")
    until = (datetime.now(UTC) + timedelta(days=30)).date()
    people: list[tuple[str, Kind, str]] = [
        ("cb-mttq-hanoi", "secretariat", "/bang"),
        ("cb-long-bien", "staff", "/viec"),
        ("cb-dong-da", "staff", "/viec"),
        ("kiem-tra-dien-tap", "auditor", "/diem-khac"),
    ]
    for person, kind, _path in people:
        await accounts.make(
            person, kind, administrator=kind == "secretariat", until=until if kind == "auditor" else None
        )
        await accounts.set_password(person, password)
    return [(person, str(kind), path) for person, kind, path in people], password


@asynccontextmanager
async def served(say_: Callable[[str], None]) -> AsyncIterator[tuple[str, str]]:
    """The demo's years behind its pages: the address, and the password of its accounts."""
    _clear(paths())
    async with session("web", say_, rehearsal=True) as open_:
        for file in PLAYED:
            await play(open_, file, say_)
        await _until_told(open_)
        _people, password = await _let_in(open_)
        yield open_.endpoints.web_address or "", password


def _watched() -> bool:
    """Somebody sits there and can end it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def _stay(open_: Session, address: str, people: list[tuple[str, str, str]], password: str) -> None:
    """Serve the pages until Ctrl-C; other commands find this engine meanwhile."""
    console = terminal()
    console.print(_("Web pages at {address}").format(address=address))
    for person, kind, _path in people:
        console.print(f"  {word('account', kind):<20} {person:<20} {password}", soft_wrap=True)
    console.print(_("Ctrl-C ends the demo."))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(open_.paths, open_.endpoints, stop)


def _clear(where: Paths) -> None:
    """Throw the last rehearsal away, but not from under a command that is using it."""
    with try_lock(where) as mine:
        if not mine:
            raise InputError("engine_runs", folder=str(where.data))
        for entry in where.data.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != LOCK:
                entry.unlink()


async def _until_told(open_: Session) -> None:
    """Wait until the post has read all that the scenarios wrote."""
    streams = [stream for stream, _head in await open_.ledger.streams() if stream != POST_STREAM]
    wanted = max([row.position for stream in streams if (row := await open_.ledger.last(stream)) is not None])
    deadline = time.monotonic() + POST_DEADLINE_S
    while await _told_to(open_) < wanted:
        if time.monotonic() > deadline:
            say(_("The post is slow; its notices will follow."))
            return
        await asyncio.sleep(0.1)


async def _told_to(open_: Session) -> int:
    last = await open_.ledger.last(POST_STREAM)
    return post.cursor(to_envelope(last)) if last is not None else 0


async def _row(open_: Session, played: Played) -> dict[str, Any]:
    history = await open_.history(played.stream)
    state, rules = await open_.state(played.stream)
    report = await verify(open_.ledger, open_.edition, open_.installed.id, open_.ledger.epoch)
    mine = {row.position for row, _told in history}
    sent = [
        told
        for told in map(to_envelope, await load_all(open_.ledger, POST_STREAM))
        if isinstance(told.event, post.NoticeSent) and told.event.position in mine
    ]
    register, sure = deviations(state, rules), SurenessIndex.of(told for _row, told in history)
    return {
        "cycle": played.stream,
        "cluster": CYCLE.fold(told for _row, told in history).lifecycle.cluster_name,
        "steps": [
            {
                "step": s.name,
                "done": s.done.day.isoformat() if s.done else None,
                "sureness": sure.by_when.get(s.done) if s.done else None,
            }
            for s in steps(obligations(state, rules), rules)
        ],
        "acts": len({row.command_id for row, _told in history}),
        "events": len(history),
        "stated": sum(row.provenance == "stated" for row, _told in history),
        "inferred": sum(row.provenance == "inferred" for row, _told in history),
        "rehearsed": sum(row.provenance == "rehearsed" for row, _told in history),
        "deviations": len([d for d in register if d.article and not d.settled]),
        "remarks": len([d for d in register if not d.article and not d.settled]),
        "notices": len(sent),
        "verified": report.ok,
    }


def _next_commands() -> list[dict[str, str]]:
    program = Path(sys.argv[0])
    here = Path.cwd()
    name = str(program.relative_to(here)) if program.is_relative_to(here) else str(program)
    mine = [name for name in ("THIDUA_DATA", "THIDUA_CACHE", "THIDUA_LOGS") if name in os.environ]
    setting = "".join(f"{name}={os.environ[name]} " for name in mine)
    return [
        {"who": _("secretariat"), "command": f"{setting}{name} board"},
        {"who": _("unit staff"), "command": f"{setting}{name} inbox --unit long-bien"},
        {"who": _("auditor"), "command": f"{setting}{name} audit replay 2020/cum-1 --at 2020-02-05"},
    ]


def _show(
    rows: list[dict[str, Any]], commands: list[dict[str, str]], seconds: float, visits: Sequence[Visit] = ()
) -> None:
    console = terminal()
    table = grid(_("cluster"), _("steps done"), _("acts"), _("deviations"), _("notices sent"), _("chain"))
    table.columns[1].no_wrap = True  # a date that is cut in two is no date
    for row in rows:
        done = "\n".join(
            f"{word('step', s['step'])}\n  "
            + (f"{day(s['done'])} {word('sureness', s['sureness'] or 'stated')}" if s["done"] else "-")
            for s in row["steps"]
        )
        table.add_row(
            f"{row['cluster']}\n{row['cycle']}",
            done,
            f"{counted('act', row['acts'])}, {counted('event', row['events'])}\n"
            + _("{stated} stated, {inferred} inferred, {rehearsed} rehearsed").format(**row),
            f"{counted('deviation', row['deviations'])}\n{counted('remark', row['remarks'])}",
            str(row["notices"]),
            _("verified") if row["verified"] else _("BROKEN"),
        )
    console.print(table)
    console.print(
        _("Everything after the signing is a rehearsal: no document tells of it. Done in {s} s. Next:").format(
            s=round(seconds)
        )
    )
    for one in commands:
        console.print(f"  {one['who']:<16} {one['command']}", soft_wrap=True, highlight=False)
    for seen in visits:
        good = _("good") if seen.good else _("NOT what it should be")
        console.print(_("page {page} for {person}: {good}").format(page=seen.page, person=seen.person, good=good))
