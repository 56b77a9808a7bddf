"""What an auditor can prove: every kind of change is found at its position, and a good ledger is called good."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from engine_help import CITY, YEAR, enter_staff, open_cycle, submit, units
from speech import RULES

from application.application import CommandInput
from application.verification import verify_all
from application.verification_text import compared_lines, origin_lines, result_text
from audit.marks import Marks
from audit.replay import broken_at, replay, replay_as_json, select
from audit.report import BesideProblem, Compared, VerificationReport
from audit.verify import verify
from cli.auditing import _warn_if_changed
from cli.outcome import Exit
from cli.session import Session
from domain.codec import state_digest
from domain.cycle import CYCLE
from domain.law import LAW
from domain.times import ICT
from errors import CodedError
from i18n import in_language
from ledger.checkpoints import CheckpointFile, CheckpointLog
from ledger.events import NO_DIGEST, Draft, StreamTip, chain_digest
from ledger.mapping import to_envelope
from ledger.notes import SignedCheckpoint
from ledger.protocol import Append, Part, load_all
from local.log_key import LOG_KEY_FILE, log_key
from vault.texts import ALTERED, TextAlteredError

Change = Callable[[str], Awaitable[None]]


async def check(app: Session, *kept: SignedCheckpoint) -> VerificationReport:
    marks = Marks().add("kept", kept)
    return await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch, marks=marks)


async def whole(app: Session, *kept: SignedCheckpoint, processes: int = 0) -> VerificationReport:
    """The verification as the command line makes it, with the vault."""
    marks = Marks().add("kept", kept)
    return await verify_all(
        app.ledger, app.installed.id, marks=marks, root_key=app.installed.root_public_key, processes=processes
    )


async def checkpoint(app: Session) -> SignedCheckpoint:
    file = CheckpointFile(app.paths.data / "checkpoints" / "checkpoints.jsonl")
    made = await CheckpointLog(app.ledger.pool, file, log_key(app.paths.data / LOG_KEY_FILE)).advance()
    assert made.signed is not None
    return made.signed


@pytest.fixture
async def recorded(app: Session) -> tuple[Session, str]:
    members = units(3)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    for unit in members:
        await submit(app, stream, unit, "sign", {"unit": unit})
    await submit(app, stream, CITY, "step-to", {"now": datetime(YEAR, 7, 30, 9, tzinfo=ICT).isoformat()})
    return app, stream


async def as_owner(app: Session, *statements: str) -> None:
    """What a database owner can do who means to: switch the triggers off first."""
    owner = await asyncpg.connect(app.endpoints.owner_url)
    for table in ("event", "command", "batch"):
        await owner.execute(f"alter table ledger.{table} disable trigger all")
    for statement in statements:
        await owner.execute(statement)
    await owner.close()


def respelled(old: str, new: str, where: str) -> str:
    """The statement that replaces a piece of text in bodies."""
    return (
        f"update ledger.event set body = convert_to(replace(convert_from(body, 'UTF8'), '{old}', '{new}'), 'UTF8') "  # noqa: S608 - ours
        f"where {where}"
    )


def with_other_command(name: str) -> str:
    """The statement that lets events of a type seem to be of another command: to the function that appends."""
    return (
        "update ledger.event set command_id = gen_random_uuid() "  # noqa: S608 - ours
        f"where convert_from(body, 'UTF8') like '%\"type\":\"{name}\"%'"
    )


async def test_a_key_must_be_named_by_a_key_known_before(recorded: tuple[Session, str]) -> None:
    app, _stream = recorded
    row = next(row for row in await app.ledger.read() if row.type == "KeyNamed")
    signed = f'"command_digest":"{(row.command_digest or b"").hex()}",'
    await as_owner(app, respelled(signed, "", f"position = {row.position}"))
    report = await check(app)
    # What the key signed does not count either.
    assert (report.first_broken, {p.code for p in report.problems}) == (
        row.position,
        {"digest", "unsigned", "signature"},
    )
    assert {p.detail for p in report.problems if p.code == "signature"} == {"unknown_key"}
    assert report.unexplained == 1
    assert "1 mục không rõ từ đâu hoặc không đọc được" in " ".join(origin_lines(report))


async def test_a_good_ledger_is_called_good(recorded: tuple[Session, str]) -> None:
    report = await check(recorded[0])
    assert report.problems == []
    assert (report.first_broken, report.ok) == (None, True)
    assert report.clock_acts > 5
    assert report.signatures >= 6
    # What led to them adds up, and each line says how many.
    assert report.signed_events + report.clock_acts + report.unsigned + report.founded == report.events
    told = [re.findall(r"(\d+) mục", line) for line in origin_lines(report)]
    assert sum(int(one) for (one, *_rest) in told) == report.events


@pytest.mark.parametrize(
    ("statement", "code", "version"),
    [
        (respelled("don-vi-2", "don-vi-3", "version {4}"), "digest", 4),
        (respelled('"happened_latest":"20', '"happened_latest":"21', "version {3}"), "digest", 3),
        ("update ledger.event set stream = 'mttq-hanoi/2026/x' where version {4}", "columns", 4),
        ("update ledger.event set version = version + 100 where version {4}", "columns", 4),
        ("update ledger.event set law = 7 where version {4}", "columns", 4),
        ("update ledger.event set command_id = gen_random_uuid() where version {4}", "columns", 4),
        ("update ledger.event set recorded_at = recorded_at - interval '1 day' where version {2}", "digest", 2),
        ("update ledger.event set body = 'x' where version {4}", "body_unreadable", 4),
        ("update ledger.event set body = '\\xff' where version {4}", "body_unreadable", 4),
        ("update ledger.event set body = body || ' ' where version {4}", "body_spelling", 4),
        (respelled('"version":', '"version":9,"version":', "version {4}"), "body_spelling", 4),
        (respelled('"payload":{', '"payload":{"unit":"x",', "version {4}"), "body_spelling", 4),
        (
            "update ledger.event set body = convert_to(repeat('x', 10000000), 'UTF8') where version {4}",
            "body_too_long",
            4,
        ),
        (
            respelled('"type":"CovenantSigned"', '"type":"Unknown"', "version {4}"),
            "unreadable",
            4,
        ),
        ("delete from ledger.event where version {3}", "gap", 4),
        (
            "update ledger.command set payload = payload || ' ' where payload like '%\"sign\"%don-vi-2%'",
            "command_missing",
            4,
        ),
        ("update ledger.batch set header = replace(header, 'don-vi-2', 'don-vi-3')", "command_missing", 4),
    ],
)
async def test_every_change_is_found_at_its_position(
    recorded: tuple[Session, str], statement: str, code: str, version: int
) -> None:
    app, stream = recorded
    places = {row.version: row.position for row in await load_all(app.ledger, stream)}
    position = places[version]
    await as_owner(app, re.sub(r"version \{(\d)\}", lambda found: f"position = {places[int(found[1])]}", statement))
    report = await check(app)
    assert code in {problem.code for problem in report.problems}
    assert report.first_broken == position


async def test_a_cut_tail_is_found_by_a_checkpoint(recorded: tuple[Session, str]) -> None:
    app, _stream = recorded
    kept = await checkpoint(app)
    report = await check(app, kept)
    assert report.ok
    assert report.proven == report.events == kept.checkpoint.size
    await as_owner(app, f"delete from ledger.event where position > {kept.checkpoint.size - 2}")  # noqa: S608 - as above
    report = await check(app)
    assert (report.ok, report.proven) == (True, 0), "without a checkpoint nobody can know"
    assert [problem.code for problem in (await check(app, kept)).problems] == ["tail_missing"]


async def test_what_was_compared_is_said(recorded: tuple[Session, str]) -> None:
    app, stream = recorded
    with in_language("en"):
        await _what_was_compared_is_said(app, stream)


async def _what_was_compared_is_said(app: Session, stream: str) -> None:
    report = await check(app)
    assert "elsewhere" in result_text(report)
    assert list(compared_lines(report)) == ["It was compared with no checkpoint."]
    kept = await checkpoint(app)
    assert result_text(await check(app, kept)).startswith("Nobody changed anything: ")
    await submit(app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    report = await check(app, kept)
    assert report.proven == kept.checkpoint.size < report.events
    assert result_text(report).startswith("Nobody changed anything in the first ")
    own = Marks().add("file", [kept])
    report = await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch, marks=own)
    assert (report.proven, report.compared) == (0, [Compared("file", 1, kept.checkpoint.size)])
    assert "elsewhere" in result_text(report)


@pytest.mark.parametrize("processes", [1, 2])
async def test_several_processes_find_the_same(recorded: tuple[Session, str], processes: int) -> None:
    app, _stream = recorded
    seen: set[int] = set()
    report = await verify_all(
        app.ledger, app.installed.id, processes=processes, progress=lambda part, _done, _all: seen.add(part)
    )
    assert report == await whole(app)
    assert (report.problems, report.beside, seen) == ([], [], {1, 2})
    await as_owner(
        app,
        "update ledger.command set payload = payload || ' ' where payload like '%\"sign\"%don-vi-2%'",
        "delete from vault.text",
        "delete from vault.person where id = 'cb-don-vi-3-1'",
    )
    report = await whole(app, processes=processes)
    assert report == await whole(app)
    assert report.problems[0].code == "command_missing"
    assert {one.code for one in report.beside} == {"person_missing"}


async def test_a_changed_stream_is_read_with_a_warning(
    recorded: tuple[Session, str], capsys: pytest.CaptureFixture[str]
) -> None:
    app, stream = recorded
    rows = await load_all(app.ledger, stream)
    assert broken_at(rows) is None
    assert _warn_if_changed(rows) == Exit.DONE
    position = rows[3].position
    await as_owner(app, respelled("don-vi-2", "don-vi-3", f"position = {position}"))
    changed = await load_all(app.ledger, stream)
    assert broken_at(changed) == position
    assert _warn_if_changed(changed) == Exit.NOT_VERIFIED
    assert str(position) in capsys.readouterr().err


async def test_a_rewritten_past_breaks_the_signatures_after_it(recorded: tuple[Session, str]) -> None:
    """Who owns the database chains a whole stream anew; the commands that were signed later had read what it was."""
    app, stream = recorded
    all_rows = await app.ledger.read(0, 1_000)
    after = {row.position - 1: row.recorded_at for row in all_rows}
    rows = await load_all(app.ledger, stream)
    changed = next(row for row in rows if after[row.position] > row.recorded_at)
    previous, statements = NO_DIGEST, list[str]()
    for row in rows:
        recorded_at = row.recorded_at + timedelta(microseconds=int(row is changed))
        digest = chain_digest(previous, row.position, recorded_at, row.body)
        statements.append(
            f"update ledger.event set recorded_at = '{recorded_at.isoformat()}', previous = '\\x{previous.hex()}', "  # noqa: S608 - ours
            f"digest = '\\x{digest.hex()}' where position = {row.position}"
        )
        previous = digest
    await as_owner(app, *statements)
    report = await check(app)
    assert {(problem.code, problem.detail) for problem in report.problems} == {("signature", "other_ledger")}
    later = [row.position for row in rows if row.position > changed.position and row.command_digest]
    assert [problem.position for problem in report.problems] == later


async def test_half_of_what_a_command_says_is_found_where_it_ends(recorded: tuple[Session, str]) -> None:
    """A correction takes an act out and puts another in its place: without the other, the wrong half is true."""
    app, stream = recorded
    await submit(app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    wrong = (await load_all(app.ledger, stream))[-1].version
    reason = {"version": wrong, "reason": "Ghi nhầm"}
    instead = {"act": "take-stance", "unit": "don-vi-1", "stance": "changes-requested"}
    await submit(app, stream, "don-vi-1", "correct", {**reason, "instead": instead})
    *_rest, correction, right = await load_all(app.ledger, stream)
    assert (correction.type, right.type) == ("ActCorrected", "StanceTaken")
    assert (await check(app)).ok
    await as_owner(app, f"delete from ledger.event where position >= {right.position}")  # noqa: S608 - a number of ours
    problems = (await check(app)).problems
    assert [(p.position, p.code, p.detail) for p in problems] == [(correction.position, "incomplete", "StanceTaken")]


async def test_an_event_that_nobody_signed_is_found(recorded: tuple[Session, str]) -> None:
    app, stream = recorded
    rows = await load_all(app.ledger, stream)
    now = datetime.now(UTC)

    def draft(actor: str, payload: str, name: str = "CovenantSigned") -> Draft:
        return Draft(name, 1, LAW, payload, uuid4(), None, actor, "don-vi-1", None, "stated", "", None, now, now, None)

    forged = draft("cb-don-vi-1-1", '{"unit":"don-vi-1","number":1}')
    due = '{"duty":"stance","unit":"don-vi-1","subject":null,"due":"2026-02-25T17:00:00Z"}'
    clock = draft("clock", due, "DeadlinePassed")
    answer = await app.ledger.append(Append((Part(stream, rows[-1].tip, (forged, clock)),)))
    report = await check(app)
    assert [(p.position, p.code) for p in report.problems] == [
        (answer.events[0].position, "unsigned"),
        (answer.events[1].position, "clock_not_due"),
    ]


async def test_an_event_that_does_not_follow_from_its_command_is_found(recorded: tuple[Session, str]) -> None:
    """Someone with the application's password puts another event behind a command that was really signed."""
    app, stream = recorded
    rows = await load_all(app.ledger, stream)
    step = rows[-1] if rows[-1].command_digest else next(row for row in reversed(rows) if row.command_digest)
    now = datetime.now(UTC)
    other = Draft(
        "CycleFiled",
        1,
        LAW,
        "{}",
        step.command_id,
        step.command_digest,
        step.actor,
        step.unit,
        None,
        "stated",
        "",
        None,
        now,
        now,
        None,
    )
    await as_owner(app, with_other_command("TimeStepped"))
    answer = await app.ledger.append(Append((Part(stream, rows[-1].tip, (other,)),)))
    codes = {p.code for p in (await check(app)).problems if p.position == answer.events[0].position}
    assert codes & {"does_not_follow", "not_decided"}


async def test_a_command_cannot_be_lent_to_another_person(recorded: tuple[Session, str]) -> None:
    app, stream = recorded
    rows = await load_all(app.ledger, stream)
    signed = next(row for row in rows if row.type == "CovenantSigned")
    now = datetime.now(UTC)
    lent = Draft(
        "CovenantSigned",
        1,
        LAW,
        signed.payload,
        signed.command_id,
        signed.command_digest,
        "ai-do",
        "don-vi-2",
        None,
        "stated",
        "",
        None,
        now,
        now,
        None,
    )
    await as_owner(app, with_other_command("CovenantSigned"))
    await app.ledger.append(Append((Part(stream, rows[-1].tip, (lent,)),)))
    codes = {(p.code, p.detail) for p in (await check(app)).problems}
    assert ("signature", "other_person") in codes
    assert ("signature", "not_covered") in codes


async def test_names_and_texts_cannot_be_exchanged_unseen(recorded: tuple[Session, str]) -> None:
    app, _stream = recorded
    digest = await app.texts.put("Lý do thật")
    person = await enter_staff(app, "don-vi-9")
    assert (await whole(app)).beside == []
    owner = await asyncpg.connect(app.endpoints.owner_url)
    await owner.execute("update vault.person set name = 'Người khác' where id = $1", person.id)
    await owner.execute("update vault.text set body = 'Lý do khác' where digest = $1", digest)
    await owner.close()
    assert (await whole(app)).beside == [
        BesideProblem("text_altered", digest),
        BesideProblem("person_renamed", person.id),
    ]


async def test_a_text_is_compared_with_its_digest_on_every_use(recorded: tuple[Session, str]) -> None:
    """The owner puts another text under the plain form of one that is about to be signed."""
    app, _stream = recorded
    stored, other = await app.texts.put("Đồng ý"), await app.texts.put("Không đồng ý")
    assert await app.texts.digest_of("Đồng ý") == await app.texts.put("Đồng ý") == stored
    plain = sha256("Đồng ý".encode()).digest()
    owner = await asyncpg.connect(app.endpoints.owner_url)
    await owner.execute("update vault.text set plain = 'x' where digest = $1", stored)
    await owner.execute("update vault.text set plain = $1 where digest = $2", plain, other)
    for use in (app.texts.put, app.texts.digest_of):
        with pytest.raises(TextAlteredError):
            await use("Đồng ý")
    assert {one.detail for one in (await whole(app)).beside} == {stored, other}
    await owner.execute("update vault.text set body = 'Không' where digest = $1", stored)
    assert (await app.texts.get([stored]))[stored] == ALTERED
    await owner.close()


async def test_a_command_is_not_issued_after_it_is_recorded(recorded: tuple[Session, str]) -> None:
    app, stream = recorded
    assert app.client is not None
    item = await app.item(CommandInput(stream, "take-stance", {"unit": "don-vi-1", "stance": "agreed"}))
    signer = app.installed.cli.signer(1)
    facts: dict[str, Any] = {"actor": "x", "unit": "don-vi-1", "strength": "os-account", "read": await app.ledger.tip()}
    batch = signer.sign([item], issued=datetime.now(UTC) + timedelta(minutes=10), **facts)
    with pytest.raises(CodedError, match="issued_later"):
        await app.client.submit(stream, batch)
    rows = await load_all(app.ledger, stream)
    # Somebody with the application's password appends it all the same.
    command, now = batch.command(item, "don-vi-1"), datetime.now(UTC)
    payload, signed = '{"unit":"don-vi-1","stance":"agreed"}', (item.command_id, command.digest)
    draft = Draft("StanceTaken", 1, LAW, payload, *signed, "x", "don-vi-1", None, "stated", "", None, now, now, None)
    await app.ledger.append(Append((Part(stream, rows[-1].tip, (draft,)),), ((item.command_id, command),)))
    assert "before_issued" in {problem.code for problem in (await check(app)).problems}


async def test_what_is_erased_stays_proved(recorded: tuple[Session, str]) -> None:
    app, _stream = recorded
    digest = await app.texts.put("Một đoạn chữ")
    assert await app.texts.erase(digest)
    assert not await app.texts.erase(digest)
    assert await app.people.erase("cb-don-vi-1-1")
    assert not await app.people.erase("cb-don-vi-1-1")
    assert (await app.texts.get([digest]))[digest] == "(erased)"
    person = await app.people.get("cb-don-vi-1-1")
    assert person is not None
    assert (person.name, person.email) == ("(erased)", None)
    assert (await check(app)).ok
    # Nobody named the text; the person signed, and the ledger does not tell of an erasure.
    assert (await whole(app)).beside == [BesideProblem("person_erased", "cb-don-vi-1-1")]


async def test_replay_to_a_day_a_version_and_a_knowledge(recorded: tuple[Session, str]) -> None:
    app, stream = recorded
    rows = await load_all(app.ledger, stream)
    found = replay(stream, rows, {}, at=date(YEAR, 2, 20))
    assert {t.type for t in select(rows, at=date(YEAR, 2, 20))[0]} >= {"CycleOpened", "CovenantSigned", "UnitReminded"}
    assert len(found.state.signing.signatures) == 3
    assert replay(stream, rows, {}, version=3).state.signing.signatures.keys() == {"don-vi-1"}
    assert replay(stream, rows, {}, known_on=date(2020, 1, 1)).events == 0
    assert state_digest(replay(stream, rows, {}).state) == state_digest(CYCLE.fold(map(to_envelope, rows)))
    data = replay_as_json(replay(stream, rows, {}), {})
    assert data["version"] == len(rows)
    assert {step["step"] for step in data["steps"]} >= {"signing"}


async def test_a_range_that_straddles_the_day_is_possible() -> None:
    when = {
        "happened_earliest": datetime(2020, 1, 1, tzinfo=UTC),
        "happened_latest": datetime(2020, 12, 31, tzinfo=UTC),
    }

    class Row:
        def __init__(self, **columns: Any) -> None:
            self.__dict__.update(columns)

    row: Any = Row(version=1, provenance="stated", recorded_at=datetime(2021, 1, 1, tzinfo=UTC), **when)
    assert select([row], at=date(2020, 6, 1)) == ([], [row])
    assert select([row], at=date(2021, 6, 1)) == ([row], [])
    assert select([row], at=date(2019, 6, 1)) == ([], [])


def test_head_of_nothing() -> None:
    assert StreamTip() == StreamTip(0, bytes(32))


def test_what_is_newer_than_a_checkpoint_is_counted() -> None:
    report = VerificationReport(events=2_766, compared=[Compared("database", 1, 2_758)])
    (line,) = compared_lines(report)
    assert "8 mục ghi sau mốc đó" in line
    assert "ghi sau" not in next(iter(compared_lines(VerificationReport(events=5, compared=[Compared("kept", 1, 5)]))))
