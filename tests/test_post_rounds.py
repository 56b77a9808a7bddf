"""Rounds of the post: any number of notices, notices that cannot be made, rows that cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import count
from typing import Any

import asyncpg
import pytest
from conftest import eventually
from engine_help import CITY, assert_ledger_verifies, enter_staff, open_cycle, submit, units
from post_help import Recorder, delivered, recorded_by_post, the_post
from speech import RULES
from structlog.testing import capture_logs
from temporalio.testing import ActivityEnvironment

from accounts.outgoing import FIRST_PAUSE, SENT, Outgoing
from cli.session import Session
from domain.installation import POST_STREAM
from domain.notices import NOTICES_OF
from domain.post import NoticeFailed, NoticeGathered, NoticeSent, NoticeSkipped, PostAdvanced
from domain.records import Event
from domain.steps.drafting import DraftPresented
from i18n import in_language
from i18n.notices import message_of
from i18n.timeline import describe
from ledger.mapping import to_envelope
from ledger.protocol import load_all

pytestmark = pytest.mark.usefixtures("brisk")

NUMBERS = count(1)


async def present(app: Session, stream: str) -> None:
    """Present another version of the plan."""
    document = {"title": f"Kế hoạch {next(NUMBERS)}"}
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": document})


async def cluster_of(app: Session, size: int) -> tuple[str, list[str]]:
    """A cluster whose units have an officer each."""
    members = units(size)
    for unit in members:
        await enter_staff(app, unit)
    return await open_cycle(app, RULES, members=members), members


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def keys(events: list[Any]) -> Counter[tuple[Any, ...]]:
    """How often each notice was told of to each person."""
    return Counter((event.position, event.kind, event.unit, getattr(event, "person", None)) for event in events)


async def tells_a_newcomer(app: Session, stream: str, unit: str) -> None:
    """What comes after a large round is told, and as soon as the post is called again."""
    await enter_staff(app, unit)
    await present(app, stream)
    mailer = Recorder()
    await ActivityEnvironment().run(the_post(app, mailer).deliver)
    await delivered(app, mailer)
    assert [mail["To"] for mail in mailer.mails] == [f"cb-{unit}@example.invalid"]


# Any number -----------------------------------------------------------------------------------------------------


async def test_a_round_of_2_400_notices_stops_no_mail(app: Session) -> None:
    """Forty acts in a cluster of sixty units, none of which has an address."""
    members = units(60)
    stream = await open_cycle(app, RULES, members=members)
    for _ in range(40):
        await present(app, stream)
    failed = of(NoticeFailed, await delivered(app, Recorder()))
    assert len(failed) == len(keys(failed)) == 41 * 60
    await tells_a_newcomer(app, stream, members[0])


async def readers_of_a_day(app: Session, members: list[str], each: int) -> None:
    """Persons who want one mail a day, so many in each unit."""
    owner = await asyncpg.connect(app.endpoints.owner_url)
    await owner.execute(
        "insert into vault.person (id, unit, name, email, salt, commitment) "
        "select unit || '-' || n, unit, 'Cán bộ', unit || '-' || n || '@example.invalid', '', '' "
        "from unnest($1::text[]) unit, generate_series(1, $2) n",
        members,
        each,
    )
    await owner.execute(
        "insert into accounts.account (person, kind, digest) "
        "select id, 'staff', 'daily' from vault.person where unit = any($1)",
        members,
    )
    await owner.close()


async def test_one_event_causes_5_000_notices_and_a_worker_that_ends_between_two_parts_tells_each_once(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = units(60)
    await readers_of_a_day(app, members, 84)
    await open_cycle(app, RULES, members=members)
    append, parts = app.ledger.append, 0

    async def lost(request: Any) -> Any:
        nonlocal parts
        answer = await append(request)
        parts += request.parts[0].stream == POST_STREAM
        if parts in {2, 3}:
            raise ConnectionResetError("the answer is lost")
        return answer

    monkeypatch.setattr(app.ledger, "append", lost)
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await ActivityEnvironment().run(the_post(app, Recorder()).deliver)
        assert 0 < len(of(NoticeGathered, await recorded_by_post(app))) < 60 * 84
    gathered = of(NoticeGathered, await delivered(app, Recorder()))
    assert len(gathered) == len(keys(gathered)) == 60 * 84
    assert parts > 10
    waiting = await app.ledger.pool.fetchval("select count(*) from accounts.notice where done_at is null")
    assert waiting == 60 * 84
    await assert_ledger_verifies(app)


# Notices that cannot be made --------------------------------------------------------------------------------------


def poisoned(monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Any], bool], how: Callable[[], tuple[str, str]]) -> None:
    """The text of some notices goes wrong."""

    def poisonous(notice: Any, *args: Any, **options: Any) -> tuple[str, str]:
        return how() if wrong(notice) else message_of(notice, *args, **options)

    monkeypatch.setattr("activities.post_notices.message_of", poisonous)


SECRET = "Nguyễn Thị Mật"


def bug() -> tuple[str, str]:
    raise KeyError(SECRET)


def unstorable() -> tuple[str, str]:
    return "subject", "a\0b"


@pytest.mark.parametrize(("how", "name"), [(bug, "KeyError"), (unstorable, "CharacterNotInRepertoireError")])
async def test_a_notice_that_cannot_be_made_is_skipped_and_told_of_and_the_round_goes_on(
    app: Session, monkeypatch: pytest.MonkeyPatch, how: Callable[[], tuple[str, str]], name: str
) -> None:
    stream, members = await cluster_of(app, 3)
    await present(app, stream)
    mailer = Recorder()
    with capture_logs() as logs, monkeypatch.context() as patch:
        poisoned(patch, lambda notice: notice.NAME == "draft_presented" and notice.to == members[1], how)
        events = await delivered(app, mailer)
    (skipped,) = of(NoticeSkipped, events)
    assert (skipped.kind, skipped.unit, skipped.error) == ("draft_presented", members[1], name)
    assert len(of(NoticeSent, events)) == 5, "all others: three of the opening, two of the draft"
    assert sorted(str(mail["To"]) for mail in mailer.mails) == [f"cb-{unit}@example.invalid" for unit in members]
    (line,) = [line for line in logs if line["event"] == "notice skipped"]
    assert (line["log_level"], line["position"], line["unit"]) == ("error", skipped.position, members[1])
    assert "_put_alike" in line["where"]
    assert SECRET not in str(logs), "what people wrote stands in no log"
    await present(app, stream)
    assert len(of(NoticeSkipped, await delivered(app, Recorder()))) == 1, "nothing is skipped again"


async def test_an_act_whose_notices_cannot_be_found_is_skipped(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, _members = await cluster_of(app, 2)
    await present(app, stream)

    def wrong(event: Any, state: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("domain.notices.NOTICES_OF", dict(NOTICES_OF) | {DraftPresented: wrong})
    events = await delivered(app, Recorder())
    (skipped,) = of(NoticeSkipped, events)
    assert (skipped.kind, skipped.unit, skipped.error) == (None, None, "ZeroDivisionError")
    assert len(of(NoticeSent, events)) == 2
    (row,) = [row for row in await load_all(app.ledger, POST_STREAM) if row.type == "NoticeSkipped"]
    texts = {
        "vi": "Không soạn được thư báo của một việc.",
        "en": "The notices of an act could not be written.",
    }
    for language, text in texts.items():
        with in_language(language):
            assert text in describe(to_envelope(row), {}, {})


async def spoil(app: Session, position: int) -> None:
    """What the owner of the database can do, or a broken disk: a body that nobody can read."""
    owner = await asyncpg.connect(app.endpoints.owner_url)
    await owner.execute("alter table ledger.event disable trigger all")
    await owner.execute("update ledger.event set body = '\\x00' where position = $1", position)
    await owner.close()


async def test_a_row_that_cannot_be_read_stops_its_own_cycle_only(app: Session) -> None:
    broken, members = await cluster_of(app, 2)
    await present(app, broken)
    await spoil(app, (await app.ledger.last(broken)).position)  # type: ignore[union-attr]
    sound = await open_cycle(app, RULES, members=members)
    await present(app, sound)
    with capture_logs() as logs:
        mailer = Recorder()
        events = await delivered(app, mailer)
    skipped = of(NoticeSkipped, events)
    assert {(event.kind, event.error) for event in skipped} == {(None, "BadBodyError")}
    assert len(skipped) == len([line for line in logs if line["event"] == "notice skipped"]) == 1
    assert len(of(NoticeSent, events)) == 2 + 4
    assert len(mailer.mails) == 2


async def test_a_database_that_is_away_makes_no_notice_skipped(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, _members = await cluster_of(app, 2)
    await present(app, stream)
    put, failures = Outgoing.put, [ConnectionResetError("gone"), asyncpg.DeadlockDetectedError("deadlock")]

    async def away(self: Outgoing, notices: Any) -> None:
        if failures:
            raise failures.pop()
        await put(self, notices)

    monkeypatch.setattr(Outgoing, "put", away)
    for error in (asyncpg.DeadlockDetectedError, ConnectionResetError):
        with pytest.raises(error):
            await ActivityEnvironment().run(the_post(app, Recorder()).deliver)
    events = await delivered(app, Recorder())
    assert (len(of(NoticeSkipped, events)), len(of(NoticeSent, events))) == (0, 4)


async def test_the_post_goes_on_where_its_own_last_event_cannot_be_read(app: Session) -> None:
    stream, _members = await cluster_of(app, 2)
    assert await delivered(app, Recorder())
    # Notices that were sent long ago are forgotten, so that only the position keeps them from being sent again.
    await app.ledger.pool.execute("delete from accounts.notice")
    rows = await load_all(app.ledger, POST_STREAM)
    assert [type(to_envelope(row).event) for row in rows[-2:]] == [NoticeSent, PostAdvanced]
    await spoil(app, rows[-1].position)
    await present(app, stream)
    mailer = Recorder()
    run = the_post(app, mailer)
    while await ActivityEnvironment().run(run.deliver):
        pass
    assert [mail["Subject"] for mail in mailer.mails] == ["[diễn tập] Cụm: có kế hoạch, bản 1"] * 2


# Mails that cannot be sent ----------------------------------------------------------------------------------------


class Faulty(Recorder):
    """A mailer with a fault that one addressee brings out."""

    def __init__(self, to: str) -> None:
        super().__init__()
        self.to: str | None = to

    async def send(self, message: EmailMessage) -> None:
        if message["To"] == self.to:
            raise RuntimeError(self.to)
        await super().send(message)


async def test_a_fault_of_the_mailer_delays_one_mail_alone(app: Session) -> None:
    _stream, members = await cluster_of(app, 3)
    first, second, third = (f"cb-{unit}@example.invalid" for unit in members)
    mailer, now = Faulty(second), [datetime.now(UTC)]
    delivering, environment = the_post(app, mailer, lambda: now[0]), ActivityEnvironment()
    with capture_logs() as logs:
        while await environment.run(delivering.deliver):
            pass
    assert sorted(str(mail["To"]) for mail in mailer.mails) == [first, third]
    assert [line["error"] for line in logs if line["event"] == "mail not sent"] == ["RuntimeError"]
    assert second not in str([line for line in logs if line["event"] == "mail not sent"])
    mailer.to, now[0] = None, now[0] + FIRST_PAUSE
    while await environment.run(delivering.deliver):
        pass
    assert sorted(str(mail["To"]) for mail in mailer.mails) == [first, second, third]


async def test_the_outcome_of_a_mail_waits_for_the_database(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes away after the mail server took the mail."""
    await cluster_of(app, 1)
    monkeypatch.setattr("activities.post_delivery.NOTE_PAUSE_S", 0.01)
    settle, outages = Outgoing.settle, [ConnectionResetError("gone")] * 3

    async def away(self: Outgoing, mail: Any, outcome: str) -> None:
        assert outcome == SENT
        if outages:
            raise outages.pop()
        await settle(self, mail, outcome)

    monkeypatch.setattr(Outgoing, "settle", away)
    mailer = Recorder()
    events = await delivered(app, mailer)
    assert (len(mailer.sent), len(of(NoticeSent, events)), len(outages)) == (1, 1, 0)


async def test_a_slow_mail_server_is_no_sign_of_death(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    await cluster_of(app, 1)
    monkeypatch.setattr("activities.post_delivery.BEAT_S", 0.01)
    beats = 0

    class Slow(Recorder):
        async def send(self, message: EmailMessage) -> None:
            nonlocal beats
            beats = 0

            async def thrice() -> bool:
                return beats > 2

            await eventually(thrice)
            await super().send(message)

    def beat(*_details: Any) -> None:
        nonlocal beats
        beats += 1

    environment, mailer = ActivityEnvironment(), Slow()
    environment.on_heartbeat = beat
    await environment.run(the_post(app, mailer).deliver)
    assert len(mailer.sent) == 1


async def test_a_worker_that_ends_begins_no_other_mail(app: Session) -> None:
    _stream, members = await cluster_of(app, 3)
    environment = ActivityEnvironment()

    class Last(Recorder):
        async def send(self, message: EmailMessage) -> None:
            await super().send(message)
            environment.worker_shutdown()

    mailer = Last()
    await environment.run(the_post(app, mailer).deliver)
    assert len(mailer.sent) == 1
    later = Recorder()
    await delivered(app, later)
    assert len(later.sent) == len(members) - 1
    assert not set(later.sent) & set(mailer.sent)
