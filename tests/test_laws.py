"""The law in force: an event of the installation, made by the upgrade. What another law decided is counted."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from engine_help import CITY, open_cycle, submit, units
from independent_reader import Reader
from speech import RULES
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from test_format_2 import Dumped, _committed
from test_web_verify import verified
from web_help import Site

from activities.ledger import LedgerActivities
from application.application import CommandInput
from application.bootstrap import bootstrap
from application.gate import GateClosedError, at_command_line
from application.key_ring import KeyRing
from application.verification import verify_all
from application.verification_text import problem_text, result_text, verification_lines
from audit.chain import check_chain
from audit.report import VerificationReport
from cli.session import Session
from domain import installation, law
from domain.administration import ADMINISTRATION
from domain.commands import CommandPayload
from domain.cycle import _COMPOSITION
from domain.law import LawPutInForce, PutLawInForce
from domain.records import Event, EventEnvelope, Meta
from domain.steps.drafting import PresentDraft
from domain.strengths import Strength
from domain.times import When
from domain.types import Document, Provenance
from i18n import in_language
from i18n.messages import sentence
from ledger.bodies import encode_body
from ledger.events import RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.protocol import RAISES_LAW, Append, Appended, Part, Stopped, load_all
from ledger.signing import BatchItem, SignedBatch, Signer
from local.installing import prepare_ledger
from resources import CHILD_ENVIRONMENT
from workflows.messages import AppendRequest, DraftMessage, PartMessage, workflow_of

OURS = law.LAW
"""The law of this version. The tests here begin with law 1, whatever it is."""

PAPER = {"kind": "covenant", "document": {"title": "Giao ước"}}
OTHER = Document(title="Bản khác")


@pytest.fixture(autouse=True)
def first_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law, "LAW", 1)


def decide_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release does that changes a decision: every draft that is presented is another one."""
    decides: Any = _COMPOSITION.decides
    as_before = decides[PresentDraft]

    def changed(*arguments: Any) -> Iterator[Event]:
        for event in as_before(*arguments):
            yield event.model_copy(update={"document": OTHER})

    monkeypatch.setitem(decides, PresentDraft, changed)


async def upgrade(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the installation with a version that carries the next law."""
    monkeypatch.setattr(law, "LAW", law.LAW + 1)
    await prepare_ledger(app.endpoints.owner_url, bootstrap, app.installed)


async def recorded(app: Session) -> str:
    stream = await open_cycle(app, RULES, members=units(2))
    await submit(app, stream, CITY, "present-draft", PAPER)
    await submit(app, stream, "don-vi-1", "sign", {"unit": "don-vi-1"})
    await submit(app, stream, CITY, "step-to", {"now": "2026-03-30T09:00:00+07:00"})
    return stream


async def checked(app: Session) -> VerificationReport:
    return await verify_all(app.ledger, app.installed.id, root_key=app.installed.root_public_key, processes=0)


# The event ----------------------------------------------------------------------------------------------


def test_the_ledger_knows_the_event_by_its_stored_names() -> None:
    assert RAISES_LAW == (installation.STREAM, LawPutInForce.NAME)


async def test_the_founding_and_an_upgrade_put_the_law_in_force(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = await recorded(app)
    await upgrade(app, monkeypatch)
    await prepare_ledger(app.endpoints.owner_url, bootstrap, app.installed)
    rows = await load_all(app.ledger, installation.STREAM)
    named = [row for row in rows if row.type == LawPutInForce.NAME]
    assert [(json.loads(row.payload)["law"], row.law) for row in named] == [(1, 1), (2, 2)], "a second start adds none"
    assert len(rows) == 6
    await submit(app, stream, "don-vi-2", "sign", {"unit": "don-vi-2"})
    assert {row.law for row in await app.ledger.read(0, named[1].position - 1)} == {1}
    assert {row.law for row in await app.ledger.read(named[1].position - 1)} == {2}
    report = await checked(app)
    assert (report.problems, report.beside) == ([], [])
    lines = [row["line"] for row in await app.ledger.pool.fetch("table ledger.dump")]
    assert Reader(lines).found == []
    event = next(n for n, line in enumerate(lines) if '"version" : 6' in line and '"stream" : "installation"' in line)
    assert "not by the law in force" in {problem for _at, problem in Reader(lines[:event] + lines[event + 1 :]).found}


# Decided otherwise --------------------------------------------------------------------------------------


async def test_a_release_with_another_decision_counts_what_the_earlier_law_decided(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await recorded(app)
    before = len(await load_all(app.ledger, stream))
    decide_otherwise(monkeypatch)
    await upgrade(app, monkeypatch)
    await submit(app, stream, CITY, "present-draft", {**PAPER, "kind": "plan"})
    rows = await load_all(app.ledger, stream)
    assert json.loads(rows[-1].payload)["document"]["title"] == OTHER.title
    report = await checked(app)
    assert (report.ok, report.problems) == (True, [])
    assert report.undecided == {1: before}
    assert report.signatures == len({row.command_id for row in await app.ledger.read() if row.command_digest})
    with in_language("en"):
        (line,) = [line for line in verification_lines(report) if "decided by law" in line]
    assert line.startswith(f"{before} events were decided by law 1, and this version carries law 2: ")
    assert "The release with law 1 can check them" in line


async def test_without_a_new_number_it_is_decided_otherwise_by_the_same_law(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await recorded(app)
    presented = next(row for row in await load_all(app.ledger, stream) if row.type == "DraftPresented")
    decide_otherwise(monkeypatch)
    report = await checked(app)
    assert (report.ok, report.undecided, report.first_broken) == (False, {}, None)
    assert [(one.position, one.code) for one in report.problems] == [(presented.position, "does_not_follow")]
    assert report.first_decided_otherwise == presented.position
    with in_language("en"):
        told = result_text(report)
    assert told.startswith(f"Decided otherwise by the same law, first at position {presented.position}: ")
    owner = "alter table ledger.event disable trigger all"
    await _as_owner(app, owner, "update ledger.event set recorded_at = recorded_at + interval '1 s' where position = 7")
    report = await checked(app)
    assert (report.first_broken, report.first_decided_otherwise) == (7, presented.position)
    with in_language("en"):
        assert result_text(report) == "BROKEN at position 7"


async def _as_owner(app: Session, *statements: str) -> None:
    owner = await asyncpg.connect(app.endpoints.owner_url)
    for statement in statements:
        await owner.execute(statement)
    await owner.close()


async def test_a_copy_that_is_appended_later_is_found_under_an_earlier_law() -> None:
    """Its decision is not checked, so its time tells: the events of a command are stored at once."""
    ledger = Dumped(_committed()["acts"])
    assert [one.code for one in (await ledger.verified(2)).problems] == []
    last = next(row for row in reversed(ledger.rows) if row.command_digest)
    ledger.rows = [*ledger.rows[: last.position], again(last, last.recorded_at + timedelta(microseconds=1))]
    found = (await ledger.verified(2)).problems
    assert [(one.position, one.code) for one in found] == [(last.position + 1, "repeated")]


def again(row: RecordedEvent, recorded_at: datetime, **changes: Any) -> RecordedEvent:
    """An event once more, as the next one of its stream and of the ledger."""
    content = msgspec.structs.replace(row.content, version=row.version + 1, **changes)
    body = encode_body(content)
    made = msgspec.structs.replace(
        row,
        position=row.position + 1,
        version=content.version,
        law=content.law,
        body=body,
        recorded_at=recorded_at,
        previous=row.digest,
    )
    return msgspec.structs.replace(made, digest=made.expected_digest())


@pytest.mark.parametrize(("number", "carried", "code"), [(1, 1, ""), (7, 1, "law_not_in_force"), (1, 2, "law_fell")])
async def test_no_event_carries_another_law_than_the_one_in_force(number: int, carried: int, code: str) -> None:
    ledger = Dumped(_committed()["year"])
    rows = [row if row.position < 10 else relabelled(row, carried) for row in ledger.rows]
    in_force = msgspec.Raw(f'{{"law":{carried}}}'.encode())
    rows[9] = relabelled(rows[9], carried, stream=RAISES_LAW[0], type=RAISES_LAW[1], payload=in_force)
    last = rows[-1]
    ledger.rows = chained([*rows, again(last, last.recorded_at, law=number)])
    found = (await check_chain(ledger, frozenset())).problems  # type: ignore[arg-type]
    assert [(one.position, one.code) for one in found] == ([(last.position + 1, code)] if code else [])


def relabelled(row: RecordedEvent, number: int, **changes: Any) -> RecordedEvent:
    content = msgspec.structs.replace(row.content, law=number, **changes)
    return msgspec.structs.replace(row, law=number, body=encode_body(content), stream=content.stream)


def chained(rows: list[RecordedEvent]) -> list[RecordedEvent]:
    """The same events with versions and digests that fit together."""
    tips: dict[str, StreamTip] = {}
    made = []
    for row in rows:
        tip = tips.get(row.stream, StreamTip())
        body = encode_body(msgspec.structs.replace(row.content, version=tip.version + 1))
        one = msgspec.structs.replace(row, version=tip.version + 1, body=body, previous=tip.digest)
        made.append(msgspec.structs.replace(one, digest=one.expected_digest()))
        tips[row.stream] = made[-1].tip
    return made


# Who may put a law in force -----------------------------------------------------------------------------


def in_force_by(
    signer: Signer | None, named: int, signed: int, read: Any, strength: Strength = Strength.OS_ACCOUNT
) -> tuple[EventEnvelope[Event], Any]:
    """The event that puts a law in force, and the command that somebody signed for it."""
    command_id = uuid4()
    actor = "operator" if signer else "clock"
    meta = Meta(6, actor, "", When.at(datetime.now(UTC)), Provenance(kind="stated"), command_id)
    if signer is None:
        return EventEnvelope(LawPutInForce(law=named), meta), None
    payload = CommandPayload.of(PutLawInForce(law=signed)).model_dump_json()
    item = BatchItem(installation.STREAM, command_id, payload)
    batch = signer.sign([item], actor="operator", unit="", issued=datetime.now(UTC), strength=strength, read=read)
    return EventEnvelope(LawPutInForce(law=named), meta), batch.command(item, "")


@pytest.mark.parametrize(
    ("by", "named", "signed", "code"),
    [
        ("command line", 2, 2, ""),
        ("web", 2, 2, "law_key"),
        ("web", 1, 1, "law_key"),
        ("nobody", 2, 2, "clock_not_due"),
        ("command line", 2, 3, "does_not_follow"),
        ("command line", 2, 1, "does_not_follow"),
    ],
)
async def test_only_the_command_lines_key_puts_a_law_in_force(
    app: Session, by: str, named: int, signed: int, code: str
) -> None:
    """A stranger with the application's password appends anything; verification tells whose it is."""
    signers = {"command line": app.installed.key("cli").signer(1), "web": app.installed.key("web").signer(1)}
    strength = Strength.PASSWORD_AND_CODE if by == "web" else Strength.OS_ACCOUNT
    rows = await load_all(app.ledger, installation.STREAM)
    event, command = in_force_by(signers.get(by), named, signed, await app.ledger.tip(), strength)
    draft = replace(to_draft(event, command and command.digest), law=named)
    commands = ((event.meta.command_id, command),) if command else ()
    answer = await app.ledger.append(Append((Part(installation.STREAM, rows[-1].tip, (draft,)),), commands))
    assert isinstance(answer, Appended)
    report = await checked(app)
    position = answer.events[0].position
    assert [(one.position, one.code) for one in report.problems] == ([(position, code)] if code else [])
    assert report.first_broken == (position if code else None)
    assert all(problem_text(one) for one in report.problems)
    lines = [row["line"] for row in await app.ledger.pool.fetch("table ledger.dump")]
    noticed_as = {"law_key": {"the key is retired, or for other things"}, "clock_not_due": {"nobody signed it"}}
    assert {problem for _at, problem in Reader(lines).found} == noticed_as.get(code, set())


async def test_an_event_of_a_law_with_another_number_puts_none_in_force(app: Session) -> None:
    rows = await load_all(app.ledger, installation.STREAM)
    event, command = in_force_by(app.installed.key("cli").signer(1), 3, 3, await app.ledger.tip())
    draft = replace(to_draft(event, command.digest), law=2)
    part = Part(installation.STREAM, rows[-1].tip, (draft,))
    await app.ledger.append(Append((part,), ((event.meta.command_id, command),)))
    codes = {one.code for one in (await checked(app)).problems}
    assert codes == {"law_not_in_force", "does_not_follow"}


async def test_no_entry_point_signs_for_a_law(app: Session) -> None:
    person = await app.people.enter("thu-ky", CITY, "Thư ký")
    for stream in (f"{CITY}/2026", installation.STREAM):
        asked = CommandInput(stream, PutLawInForce.NAME, {"law": 2}, uuid4())
        with pytest.raises(GateClosedError) as closed:
            await app.gate.check(at_command_line(person), [asked])
        assert closed.value.code == "law_by_upgrade"
        assert sentence(closed.value.code, closed.value.facts)


@pytest.mark.parametrize("by", ["web", "command line"])
async def test_no_workflow_appends_a_law(app: Session, by: str) -> None:
    """The web's key signs the command and hands it to the engine, past the gate: the worker's activity refuses it."""
    read = await app.ledger.tip()
    signer = app.installed.key("web" if by == "web" else "cli").signer(1)
    rows = await load_all(app.ledger, installation.STREAM)
    event, _command = in_force_by(None, 2, 2, read)
    item = BatchItem(
        installation.STREAM, event.meta.command_id, CommandPayload.of(PutLawInForce(law=2)).model_dump_json()
    )
    strength = Strength.PASSWORD_AND_CODE if by == "web" else Strength.OS_ACCOUNT
    batch = signer.sign([item], actor="operator", unit="", issued=datetime.now(UTC), strength=strength, read=read)
    request = request_of(batch, event, rows[-1])
    activities = LedgerActivities(app.ledger, app.texts, KeyRing(app.ledger, app.installed.id, 1))
    environment = ActivityEnvironment()
    type_, id_ = workflow_of(installation.STREAM, app.installed.id)
    environment.info = replace(environment.info, is_local=True, workflow_type=type_, workflow_id=id_)
    with pytest.raises(ApplicationError, match="law_by_upgrade"):
        await environment.run(activities.append, request)
    assert len(await load_all(app.ledger, installation.STREAM)) == len(rows)


def request_of(batch: SignedBatch, event: EventEnvelope[Event], last: RecordedEvent) -> AppendRequest:
    draft = replace(to_draft(event), law=2)
    return AppendRequest(
        [PartMessage(installation.STREAM, last.version, last.digest.hex(), [DraftMessage(0, draft)])], batch
    )


# A version with another law -----------------------------------------------------------------------------


def worker_of(app: Session, number: int) -> subprocess.CompletedProcess[str]:
    """Start a worker that carries a law."""
    program = (
        f"from domain import law; law.LAW = {number}; import runpy; runpy.run_module('worker', run_name='__main__')"
    )
    env = {
        **CHILD_ENVIRONMENT,
        "PATH": os.environ["PATH"],
        "THIDUA_LANG": "en",
        "THIDUA_DATABASE_URL": app.endpoints.database_url,
        "THIDUA_INSTALLATION": app.installed.id,
        "THIDUA_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "THIDUA_NAMESPACE": "thidua",
        "THIDUA_OUTBOX": str(app.paths.data),
    }
    return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)


async def test_a_worker_with_another_law_does_not_start(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, told in ((2, "still follows law 1"), (1, "")):
        ended = await asyncio.to_thread(worker_of, app, number)
        assert ended.returncode != 0
        if told:
            assert told in ended.stderr
            assert "`thidua up`" in ended.stderr
        else:
            assert "law" not in ended.stderr.splitlines()[-1], "it only finds no Temporal"
        assert ("Traceback" in ended.stderr) == (not told)
    await upgrade(app, monkeypatch)
    ended = await asyncio.to_thread(worker_of, app, 1)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "Start the newer version" in ended.stderr


async def test_a_running_worker_of_an_earlier_version_records_nothing_more(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await recorded(app)
    tip = (await load_all(app.ledger, stream))[-1]
    as_before = to_draft(to_envelope(tip))
    await upgrade(app, monkeypatch)
    event = replace(as_before, command_id=uuid4())
    with pytest.raises(Stopped, match="older_law"):
        await app.ledger.append(Append((Part(stream, tip.tip, (event,)),)))
    monkeypatch.setattr(law, "LAW", 3)
    event = replace(to_draft(to_envelope(tip)), command_id=uuid4())
    with pytest.raises(Stopped, match="law_not_in_force"):
        await app.ledger.append(Append((Part(stream, tip.tip, (event,)),)))


async def test_an_earlier_version_may_read_and_not_start(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    await upgrade(app, monkeypatch)
    monkeypatch.setattr(law, "LAW", 1)
    before = await app.ledger.last_position()
    with pytest.raises(Stopped, match="older_law"):
        await prepare_ledger(app.endpoints.owner_url, bootstrap, app.installed)
    await prepare_ledger(app.endpoints.owner_url, bootstrap, app.installed, reading=True)
    monkeypatch.setattr(law, "LAW", 3)
    await prepare_ledger(app.endpoints.owner_url, bootstrap, app.installed, reading=True)
    assert await app.ledger.last_position() == before, "reading puts no law in force"


async def test_the_page_says_what_it_could_not_decide(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verification runs in a process of its own, with the law of this version; the ledger follows a newer one."""
    monkeypatch.setattr(law, "LAW", OURS)
    await upgrade(site.app, monkeypatch)
    stream = await recorded(site.app)
    await site.person("kiem-tra", "thanh-tra", "auditor")
    own = await load_all(site.app.ledger, installation.STREAM)
    events = len(await load_all(site.app.ledger, stream)) + sum(
        issubclass(Event.KNOWN[row.type], ADMINISTRATION) for row in own
    )
    auditor = await site.log_in("kiem-tra")
    page = await verified(site, auditor)
    assert (
        f"{events} mục được xử lý theo bộ quy tắc số {OURS + 1}, còn bản chương trình này cũ hơn, mang bộ số {OURS}"
        in page
    )
    assert "HỎNG" not in page
    found = json.loads(await auditor.get(f"{auditor.at}/ket-qua.json"))
    assert [found[name] for name in ("ok", "law", "undecided", "first_broken_position")] == [
        True,
        1,
        {"2": events},
        None,
    ]
