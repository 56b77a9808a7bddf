"""The post under SIGKILL: a worker process dies at every point of its work; nothing is lost, and told or sent twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from account_help import make_account
from conftest import eventually
from engine_help import CITY, assert_ledger_verifies, enter_staff, open_cycle, submit, units
from post_help import SENDER, Postman, mail_server, recorded_by_post
from soak import SOAK
from speech import RULES
from temporalio.client import Client

from accounts.store import Accounts
from cli.session import Session
from domain.post import NoticeFailed, NoticeGathered, NoticeSent, NoticeSkipped, NoticeUnknown
from local.engine import start_worker
from local.process import Server, start_server
from local.temporal import TemporalServer
from mail.smtp import SmtpSettings

POINTS = ("part", "accepted", "settled", "recorded")
"""Where the worker dies, in this order, each time another process: a part of what came of an event was recorded; the
mail server took a mail; that was noted; it was recorded."""

if SOAK:  # and also: a notice was put into a mail; a mail was taken
    POINTS = ("put", "put", "part", "part", "taken", "accepted", "taken", "settled", "recorded", "settled")

AT_ONCE, DAILY = 6, 3
"""How many persons get their mail at once, and how many one mail a day."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A mail server on loopback, as the worker's environment names it."""
    with mail_server(tmp_path) as (postman, settings):
        for name, value in environment(settings).items():
            monkeypatch.setenv(name, value)
        yield postman


def environment(settings: SmtpSettings) -> dict[str, str]:
    return {
        "THIDUA_SMTP_HOST": settings.host,
        "THIDUA_SMTP_PORT": str(settings.port),
        "THIDUA_SMTP_USER": settings.user or "",
        "THIDUA_SMTP_PASSWORD": settings.password or "",
        "THIDUA_SMTP_CA": settings.authorities or "",
        "THIDUA_SENDER": SENDER,
    }


class Killed:
    """Starts workers that die at a point."""

    def __init__(self, app: Session, temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self._app, self._patch = app, monkeypatch
        tls = temporal.tls.environment() if temporal.tls else {}
        self._endpoints = replace(app.endpoints, temporal=temporal.address, tls=tls)

    def start(self, point: str) -> Server:
        def start(name: str, _command: list[str], **options: Any) -> Server:
            env = {**options.pop("env"), "THIDUA_KILL": point}
            script = Path(__file__).with_name("killed_post.py")
            return start_server(name, [sys.executable, str(script)], env=env, **options)

        with self._patch.context() as patch:
            patch.setattr("local.engine.start_server", start)
            return start_worker(self._app.paths, self._endpoints, self._app.installed)


async def two_acts(app: Session) -> None:
    """The opening of a year and a draft, each of which everybody is told of."""
    *members, daily = units(AT_ONCE + 1)
    for unit in members:
        await enter_staff(app, unit)
    accounts = Accounts(app.ledger.pool)
    for number in range(DAILY):
        person = f"hang-ngay-{number}"
        await app.people.enter(person, daily, f"Cán bộ {number}", email=f"{person}@example.invalid")
        await make_account(app, person, "staff")
        await accounts.prefer(person, language="vi", digest="daily")
    stream = await open_cycle(app, RULES, members=[*members, daily])
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})


async def test_a_worker_that_is_killed_anywhere_loses_no_mail_and_sends_twice_what_it_was_killed_over_at_most(
    app: Session, client: Client, temporal: TemporalServer, server: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_acts(app)
    workers = Killed(app, temporal, monkeypatch)
    for point in POINTS:
        worker = workers.start(point)
        try:

            async def is_dead(worker: Server = worker) -> bool:
                return worker.process.poll() is not None

            await eventually(is_dead, 60)
        finally:
            await asyncio.to_thread(worker.stop)
        assert worker.process.returncode == -signal.SIGKILL, f"{point}: {worker.log.read_text()[-2000:]}"
    worker = workers.start("")
    try:

        async def all_are_sent() -> bool:
            return sum(isinstance(event, NoticeSent) for event in await recorded_by_post(app)) >= AT_ONCE * 2

        await eventually(all_are_sent, 60)
    finally:
        await asyncio.to_thread(worker.stop)
        await client.get_workflow_handle(f"post-{app.installed.id}").terminate()
    events = await recorded_by_post(app)

    told = [(e.position, e.unit, e.person) for e in events if isinstance(e, NoticeSent)]
    assert len(told) == len(set(told)) == AT_ONCE * 2
    waiting = [(e.position, e.unit, e.person) for e in events if isinstance(e, NoticeGathered)]
    assert len(waiting) == len(set(waiting)) == DAILY * 2, "recorded in parts, each once"
    assert not [event for event in events if isinstance(event, NoticeFailed | NoticeSkipped)]

    arrived = Counter(str(mail["Message-ID"]) for mail in server.arrived)
    to = {str(mail["To"]): str(mail["Message-ID"]) for mail in server.arrived}
    assert len(arrived) == len(to) == AT_ONCE, "each person has one mail, whatever was sent again"
    assert sorted(arrived.values()) == [1] * (AT_ONCE - 1) + [2], "twice only what was accepted and not noted"
    ((again, _count),) = arrived.most_common(1)
    first, second = (mail for mail in server.arrived if mail["Message-ID"] == again)
    assert first.get_content() == second.get_content()
    assert all("đã mở" in mail.get_content() and "Bản 1" in mail.get_content() for mail in server.arrived)
    doubtful = {event.message_id for event in events if isinstance(event, NoticeUnknown)}
    assert again in doubtful
    assert len(doubtful) == POINTS.count("taken") + 1, "what was taken and never tried is in doubt, too"
    await assert_ledger_verifies(app)
