"""`thidua demo`: plays two documented years and a rehearsed city on a real engine, where it may delete all."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from accounts import Kind
from accounts.store import Accounts
from application.city_player import CityPlayer, city_player
from application.rehearsal_partner import RehearsalPartner
from application.rehearsal_roles import RehearsalRoles
from application.scenario import Played, Stage, play
from audit.replay import SurenessIndex
from audit.verify import verify
from cli.outcome import Exit, answer, grid, say, terminal
from cli.session import Session, session
from cli.visiting import Visit, take_role, visit
from domain import post
from domain.administration import MakeAccount
from domain.cycle import CYCLE
from domain.dates import as_iso
from domain.deviations import deviations
from domain.installation import POST_STREAM
from domain.obligations import steps
from errors import InputError
from i18n import _, ngettext
from i18n.messages import counted, day, word
from ledger.mapping import to_envelope
from ledger.protocol import load_all
from local.engine import LOCK, serve, try_lock
from local.paths import ROLES_FILE, Paths, is_rehearsal, paths
from local.private_files import write_private
from resources import SCENARIOS
from web import urls

CITY = SCENARIOS / "rehearsed-city.yaml"
AUDITOR = "kiem-tra-dien-tap"
PROGRESS_STEPS = 10
PLAYED = tuple(SCENARIOS / name for name in ("2020-cum-1.yaml", "2024-cum-2.yaml"))
POST_DEADLINE_S = 60


async def demo(*, as_json: bool) -> int:
    """Play the scenarios, wait for the post, verify, print the results, and serve the pages or visit them."""
    started = time.monotonic()
    dirs = paths()
    if not is_rehearsal(dirs.data):
        raise InputError("real_installation", folder=str(dirs.data))
    _clear(dirs)
    say(_("data in {data}, cache in {cache}, logs in {logs}").format(data=dirs.data, cache=dirs.cache, logs=dirs.logs))
    async with session("web", say, rehearsal=True) as app:
        shown = await _play(app, say)
        say(_("Verifying all of it."))
        report = await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch)
        rows = [{**row, "verified": report.ok} for row in shown.rows]
        city = await _city_row(app, shown.city)
        seconds = time.monotonic() - started
        commands = _next_commands()
        address = app.endpoints.web_address or ""
        found = {
            "cycles": rows,
            "city": city,
            "seconds": round(seconds, 1),
            "next": commands,
            "address": address + urls.ROLES,
            "accounts": [{"account": person, "kind": kind} for person, kind, _path in shown.people],
        }
        if _is_interactive() and not as_json:
            answer(found, as_json=False, show=lambda: _show(rows, city, commands, seconds))
            await _serve_until_interrupted(app, address, shown)
            visits = []
        else:
            visits = await asyncio.to_thread(_visits, address, shown)
            found["visits"] = [asdict(one) for one in visits]
            answer(found, as_json=as_json, show=lambda: _show(rows, city, commands, seconds, visits))
    good = all(row["verified"] for row in rows) and all(one.good for one in visits)
    return Exit.DONE if good else Exit.NOT_VERIFIED


@dataclass(frozen=True, slots=True)
class _Shown:
    """The documented years and the city that were played, and who may look at them with which password.

    `people`: account, kind, path of the first page.
    """

    rows: list[dict[str, Any]]
    city: CityPlayer
    people: list[tuple[str, Kind, str]]
    roles: RehearsalRoles


async def _play(app: Session, say_: Callable[[str], None]) -> _Shown:
    """Play the documented years and the city, and make the accounts."""
    documented = [await play(app, file, _progress(say_)) for file in PLAYED]
    await _wait_for_post(app)  # the table counts their notices; those of the city are sent while it is visited
    rows = [await _row(app, one) for one in documented]
    city = city_player(app, CITY, _city_progress(say_))
    text = _("Rehearsed city: {clusters} clusters with {wards} wards, {count} acts")
    facts = {"clusters": len(city.city.clusters), "wards": len(city.city.people), "count": city.total}
    say_(text.format(**facts))
    await city.play()
    people: list[tuple[str, Kind, str]] = [
        ("cb-mttq-hanoi", "secretariat", urls.BOARD),
        ("cb-long-bien", "staff", urls.TASKS),
        ("cb-dong-da", "staff", urls.TASKS),
        (AUDITOR, "auditor", urls.DEVIATIONS),
    ]
    roles = RehearsalRoles(
        password=f"dien-tap-{secrets.randbelow(9_000) + 1_000}",
        roles=city.roles(AUDITOR),
        documented=tuple(one.stream for one in documented),
    )
    known = {person for person, _kind, _path in people}
    people += [(role.person, "staff", urls.TASKS) for role in roles.roles if role.person not in known]
    await _create_accounts(app, people, roles.password)
    write_private(app.paths.data / ROLES_FILE, roles.model_dump_json())
    return _Shown(rows, city, people, roles)


async def _create_accounts(app: Session, people: list[tuple[str, Kind, str]], password: str) -> None:
    """Create accounts with one password."""
    accounts = Accounts(app.ledger.pool)
    await app.people.enter(AUDITOR, "mttq-hanoi", "Người kiểm tra diễn tập", office="kiểm tra diễn tập")
    until = (datetime.now(UTC) + timedelta(days=30)).date()
    for person, kind, _path in people:
        last_day = until if kind == "auditor" else None
        made = MakeAccount(person=person, kind=kind, administrator=kind == "secretariat", until=last_day)
        await app.administer(made)
        await accounts.set_password(person, password)


def _visits(address: str, shown: _Shown) -> list[Visit]:
    """Look at the pages as everybody: with the password, and with one click."""
    password = shown.roles.password
    by_password = [visit(address, person, password, path) for person, _kind, path in shown.people]
    by_click = [
        take_role(address, role.person, urls.act_url(role.cycle, "sign") if role.part == "head" else urls.ME)
        for role in shown.roles.roles
    ]
    return by_password + by_click


def _city_progress(say_: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return a function that prints how much of the city is entered, each tenth of it."""
    told = 0

    def report(done: int, total: int) -> None:
        nonlocal told
        if (tenth := done * PROGRESS_STEPS // total) > told:
            told = tenth
            say_(_("Rehearsed city: {done} of {count} acts").format(done=done, count=total))

    return report


def _progress(say_: Callable[[str], None]) -> Callable[[Stage, str, int], None]:
    """Return a function that prints which stage of a scenario begins."""

    def report(stage: Stage, title: str, count: int) -> None:
        if stage == "stated":
            text = ngettext("{title}: {count} stated act", "{title}: {count} stated acts", count)
        else:
            text = _("{title}: rehearsing the rest of the year")
        say_(text.format(title=title, count=count))

    return report


@asynccontextmanager
async def served(say_: Callable[[str], None]) -> AsyncIterator[tuple[str, RehearsalRoles]]:
    """Play the demo and serve its pages. Yield their address, and whom one may be there with which password."""
    _clear(paths())
    async with session("web", say_, rehearsal=True) as app:
        shown = await _play(app, say_)
        yield app.endpoints.web_address or "", shown.roles


def _is_interactive() -> bool:
    """True when a person sits at the terminal, who can end the demo."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def _serve_until_interrupted(app: Session, address: str, shown: _Shown) -> None:
    """Serve the pages until Ctrl-C. Meanwhile other commands find this engine and use it."""
    console = terminal()
    console.print(_("Open {address} and choose whom to be.").format(address=address + urls.ROLES), soft_wrap=True)
    console.print(_("Everybody's password, where one is asked for: {password}").format(password=shown.roles.password))
    console.print(_("Ctrl-C ends the demo."))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    visited = frozenset(role.unit for role in shown.roles.roles)
    others = asyncio.create_task(RehearsalPartner(shown.city, visited).run())
    try:
        await serve(app.paths, app.endpoints, stop)
    finally:
        others.cancel()
        with suppress(asyncio.CancelledError):
            await others


def _clear(dirs: Paths) -> None:
    """Delete the data of the last rehearsal.

    Raises:
        InputError: another command is using it.
    """
    with try_lock(dirs) as mine:
        if not mine:
            raise InputError("engine_runs", folder=str(dirs.data))
        for entry in dirs.data.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != LOCK:
                entry.unlink()


async def _wait_for_post(app: Session) -> None:
    """Wait until the post has read all events of the scenarios, but not longer than `POST_DEADLINE_S`."""
    streams = [stream for stream, _tip in await app.ledger.streams() if stream != POST_STREAM]
    last = max([row.position for stream in streams if (row := await app.ledger.last(stream)) is not None])
    deadline = time.monotonic() + POST_DEADLINE_S
    while await _post_cursor(app) < last:
        if time.monotonic() > deadline:
            say(_("The mail is slow; its notices will follow."))
            return
        await asyncio.sleep(0.1)


async def _post_cursor(app: Session) -> int:
    last = await app.ledger.last(POST_STREAM)
    return post.cursor(to_envelope(last)) if last is not None else 0


async def _row(app: Session, played: Played) -> dict[str, Any]:
    history = await app.history(played.stream)
    state, rules = await app.state(played.stream)
    positions = {row.position for row, _envelope in history}
    sent = [
        envelope
        for envelope in map(to_envelope, await load_all(app.ledger, POST_STREAM))
        if isinstance(envelope.event, post.NoticeSent) and envelope.event.position in positions
    ]
    found, sure = deviations(state, rules), SurenessIndex.of(envelope for _row, envelope in history)
    return {
        "cycle": played.stream,
        "cluster": CYCLE.fold(envelope for _row, envelope in history).lifecycle.cluster_name,
        "steps": [
            {
                "step": step.name,
                "done": as_iso(step.done) if step.done else None,
                "sureness": sure.by_when.get(step.done) if step.done else None,
            }
            for step in steps(state, rules)
        ],
        "acts": len({row.command_id for row, _envelope in history}),
        "events": len(history),
        "stated": sum(row.provenance == "stated" for row, _envelope in history),
        "inferred": sum(row.provenance == "inferred" for row, _envelope in history),
        "rehearsed": sum(row.provenance == "rehearsed" for row, _envelope in history),
        "deviations": len([one for one in found if one.article and not one.settled]),
        "remarks": len([one for one in found if not one.article and not one.settled]),
        "notices": len(sent),
    }


async def _city_row(app: Session, player: CityPlayer) -> dict[str, Any]:
    """What the rehearsed city holds."""
    events, found = 0, 0
    for cluster in player.city.clusters:
        history = await app.history(player.stream(cluster))
        state, rules = await app.state(player.stream(cluster))
        events += len(history)
        found += len([one for one in deviations(state, rules) if one.article and not one.settled])
    return {
        "clusters": len(player.city.clusters),
        "wards": len(player.city.people),
        "acts": player.total,
        "events": events,
        "deviations": found,
        "now": player.city.now.date().isoformat(),
    }


def _next_commands() -> list[dict[str, str]]:
    program = Path(sys.argv[0])
    here = Path.cwd()
    name = str(program.relative_to(here)) if program.is_relative_to(here) else str(program)
    names = [name for name in ("THIDUA_DATA", "THIDUA_CACHE", "THIDUA_LOGS") if name in os.environ]
    setting = "".join(f"{name}={os.environ[name]} " for name in names)
    return [
        {"who": _("secretariat"), "command": f"{setting}{name} board"},
        {"who": _("unit staff"), "command": f"{setting}{name} inbox --unit long-bien"},
        {"who": _("auditor"), "command": f"{setting}{name} audit replay 2020/cum-1 --at 2020-02-05"},
    ]


def _show(
    rows: list[dict[str, Any]],
    city: Mapping[str, Any],
    commands: list[dict[str, str]],
    seconds: float,
    visits: Sequence[Visit] = (),
) -> None:
    console = terminal()
    table = grid(_("cluster"), _("steps done"), _("acts"), _("deviations"), _("notices sent"), _("chain"))
    table.columns[1].no_wrap = True  # a date in two lines cannot be read
    for row in rows:
        done = "\n".join(
            f"{word('step', step['step'])}\n  "
            + (f"{day(step['done'])} {word('sureness', step['sureness'] or 'stated')}" if step["done"] else "-")
            for step in row["steps"]
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
        _("Rehearsed city: {clusters} clusters with {wards} wards; it is {today} there.").format(
            clusters=city["clusters"], wards=city["wards"], today=day(city["now"])
        )
        + f" {counted('act', city['acts'])}, {counted('event', city['events'])}, "
        + counted("deviation", city["deviations"])
        + "."
    )
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
