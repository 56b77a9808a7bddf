"""Keys that are named, replaced, retired and stolen: who accepts what they sign, and what a verification says of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from engine_help import CITY, YEAR, enter_staff, open_cycle, submit, units
from independent_reader import Reader
from nacl.signing import SigningKey
from speech import RULES
from typer.main import get_command
from web_help import Site

import worker
from application.engine import RefusedError
from application.key_ring import KeyRing, OwnKeyError
from application.keys import KeyAdministration, signed_by_root
from application.log_keys import log_identity, log_of_given
from application.verification import marks_of, verify_all
from audit.report import BesideProblem, Untrusted, VerificationReport
from cli.app import app as cli_app
from cli.outcome import explain
from cli.session import Session
from domain import installation
from domain.installation import KeyHolder, Keyring, KeyRole, NamedKey, NameKey, RetireKey
from domain.records import Command, Event, EventEnvelope, Meta, Refused
from domain.times import When
from domain.types import Provenance
from errors import CodedError, InputError
from i18n.messages import sentence
from ledger.checkpoints import FILE, CheckpointFile, CheckpointLog, given_checkpoints
from ledger.events import LedgerTip, RecordedEvent
from ledger.mapping import to_draft
from ledger.protocol import Append, KeysChanged, Part, UnreadableRowError
from ledger.signing import BatchItem, SignedBatch
from local.key_files import KEY_FILES, LOG_KEY_FILE, ROOT_KEY_FILE, PrivateKey, read_key
from resources import ROOT

PUBLIC = "ab" * 32
KNOWN: Keyring = {
    "root-1": NamedKey("root-1", bytes(32), KeyRole.ROOT),
    "web-1": NamedKey("web-1", bytes([1] * 32), KeyRole.ENTRY, KeyHolder.WEB),
    "cli-1": NamedKey("cli-1", bytes([2] * 32), KeyRole.ENTRY, KeyHolder.CLI),
    "log-1": NamedKey("log-1", bytes([3] * 32), KeyRole.LOG, origin="a/b"),
}


# Decisions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (NameKey(key="web-1", public_key=PUBLIC, role=KeyRole.ENTRY, holder=KeyHolder.WEB), "key_known"),
        (NameKey(key="web-2", public_key="01" * 32, role=KeyRole.ENTRY, holder=KeyHolder.WEB), "key_known"),
        (NameKey(key="web-2", public_key=PUBLIC, role=KeyRole.ENTRY), "key_incomplete"),
        (NameKey(key="log-2", public_key=PUBLIC, role=KeyRole.LOG), "key_incomplete"),
        (NameKey(key="root-2", public_key=PUBLIC, role=KeyRole.ROOT, holder=KeyHolder.CLI), "key_incomplete"),
        (RetireKey(key="web-9"), "no_such_key"),
        (RetireKey(key="root-1"), "last_key"),
        (RetireKey(key="log-1"), "last_key"),
        (RetireKey(key="web-1", trusted_until=8), "not_read_yet"),
        (RetireKey(key="web-1", trusted_until=7), None),
        (RetireKey(key="web-1"), None),
        (NameKey(key="root-2", public_key=PUBLIC, role=KeyRole.ROOT), None),
    ],
)
def test_what_is_decided_about_keys(command: Command, code: str | None) -> None:
    event, refused = decided(command, KNOWN)
    assert refused == code
    assert event is None or dict(event) == dict(command)


def test_a_key_is_the_last_of_its_role_when_the_others_are_retired() -> None:
    known = KNOWN
    for command in (NameKey(key="root-2", public_key=PUBLIC, role=KeyRole.ROOT), RetireKey(key="root-1")):
        event, _refused = decided(command, known)
        assert event is not None
        known = installation.evolve(known, event)
    assert decided(RetireKey(key="root-2"), known) == (None, "last_key")


def test_a_statement_about_a_stolen_key_can_be_made_later_and_changed() -> None:
    known = KNOWN
    for position, code in ((None, None), (None, "key_gone"), (4, None), (4, "key_gone"), (6, None), (None, "key_gone")):
        event, refused = decided(RetireKey(key="web-1", trusted_until=position), known)
        assert refused == code
        if event is not None:
            known = installation.evolve(known, event)
            assert (known["web-1"].retired, known["web-1"].trusted_until) == (True, position)


def decided(command: Command, known: Keyring) -> tuple[Event | None, str | None]:
    """The event that follows when position 7 was read, or the code of the refusal, which has a sentence."""
    try:
        return installation.decide(command, known, 7), None
    except Refused as error:
        code, told = error.code, sentence(error.code, error.facts)
    assert "{" not in told
    return None, code


def test_what_each_key_may_sign() -> None:
    naming, act = '{"act":"name-key","fields":{}}', '{"act":"sign","fields":{}}'
    asked = [("installation", naming, "os-account"), ("a/2026/c", act, "os-account"), ("a/2026/c", act, "password")]
    asked.append(("a/2026/c", naming, "password"))  # no year decides it
    may = {name: [key.may_sign(*one) for one in asked] for name, key in KNOWN.items()}
    assert may == {
        "root-1": [True, False, False, False],
        "cli-1": [False, True, True, True],
        "web-1": [False, False, True, True],
        "log-1": [False, False, False, False],
    }


# Help -------------------------------------------------------------------------------------


def administration(app: Session, root_file: Path | None = None) -> KeyAdministration:
    return KeyAdministration(app.ledger, app.installed, root_file)


async def signed_with(
    app: Session, key: PrivateKey, stream: str, unit: str, strength: str = "rehearsal"
) -> SignedBatch:
    """A stance that a process with this key signs, whatever the gate says."""
    person = await enter_staff(app, unit)
    payload = json.dumps({"act": "take-stance", "fields": {"unit": unit, "stance": "agreed"}})
    item = BatchItem(stream, uuid4(), payload)
    return key.signer(app.ledger.epoch).sign(
        [item],
        actor=person.id,
        commitment=person.commitment,
        unit=unit,
        issued=datetime.now(UTC),
        strength=strength,
        read=await app.ledger.tip(),
    )


async def answer_to(app: Session, stream: str, batch: SignedBatch) -> str:
    """What a running worker answers to a batch: the code of the refusal; empty when it was entered."""
    assert app.client is not None
    try:
        await app.client.submit(stream, batch)
    except RefusedError as error:
        code, told = error.code, sentence(error.code, error.facts)
    else:
        return ""
    assert "{" not in told
    return code


async def verified(app: Session) -> VerificationReport:
    return await verify_all(app.ledger, app.installed.id, root_key=app.installed.root_public_key)


async def read_by_others(app: Session) -> list[int]:
    """The positions at which the independent reader finds something."""
    auditor = await asyncpg.connect(app.endpoints.reader_url)
    lines = [row["line"] for row in await auditor.fetch("table ledger.dump")]
    await auditor.close()
    return sorted({at for at, _problem in Reader(lines).found})


async def opened(app: Session) -> tuple[str, list[str]]:
    """A cycle in which stances are taken."""
    members = units(4)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    return stream, members


async def stance_on_page(site: Site, visitor: Any, stream: str, unit: str) -> str:
    """Take a stance on the page, and return the page that answers."""
    way = f"/cum/{stream}/lam/take-stance"
    await visitor.get(f"{way}?unit={unit}")
    await visitor.post(way, **{**visitor.hidden(), "unit": unit, "stance": "agreed"}, _step="look")
    await visitor.post(way, **visitor.hidden(), _step="send")
    return str(visitor.page)


async def keys_of(app: Session, stream: str) -> list[str]:
    """The keys that signed the events of a stream, in order."""
    rows = [row for row, _envelope in await app.history(stream) if row.command_digest]
    signed = [await app.ledger.command(row.command_digest) for row in rows if row.command_digest]
    return [json.loads(one.header)["key"] for one in signed if one is not None]


# Rotation, retirement, theft --------------------------------------------------------------


async def test_a_new_key_takes_over_while_the_old_one_is_still_accepted(site: Site) -> None:
    app = site.app
    stream, members = await opened(app)
    await site.person("an", members[0])
    an, old = await site.log_in("an"), app.installed.web
    made, named = await administration(app).add("web")
    assert (made.key, named.type) == ("web-2", "KeyNamed")
    # The web process has its new key from the file, and the worker takes both.
    assert "Đã ghi vào sổ" in await stance_on_page(site, an, stream, members[0])
    assert await answer_to(app, stream, await signed_with(app, old, stream, members[1])) == ""
    assert (await keys_of(app, stream))[-2:] == ["web-2", "web-1"]
    row = await administration(app).retire("web-1")
    assert row.type == "KeyRetired"
    assert await answer_to(app, stream, await signed_with(app, old, stream, members[2])) == "key_retired"
    await site.person("binh", members[2])
    assert "Đã ghi vào sổ" in await stance_on_page(site, await site.log_in("binh"), stream, members[2])
    report = await verified(app)
    assert (report.ok, report.problems, await read_by_others(app)) == (True, [], [])
    lines = {one.key.key: one for one in await administration(app).lines()}
    assert list(lines) == ["root-1", "cli-1", "web-1", "log-1", "web-2"]
    assert (lines["web-1"].retired, lines["web-2"].retired) == (row, None)


async def test_a_process_whose_key_was_retired_says_so_and_what_mends_it(site: Site) -> None:
    app = site.app
    stream, members = await opened(app)
    await site.person("an", members[0])
    an, before = await site.log_in("an"), len(await app.history(stream))
    await administration(app).retire("web-1")
    page = await stance_on_page(site, an, stream, members[0])
    assert an.status == 503
    assert "khóa mà trang web dùng để ký đã bị thu hồi" in page
    # The thief, who passes no gate, is refused by the worker, which was not started again either.
    thief = await signed_with(app, app.installed.web, stream, members[0])
    assert await answer_to(app, stream, thief) == "key_retired"
    assert len(await app.history(stream)) == before
    await submit(app, stream, members[1], "take-stance", {"unit": members[1], "stance": "agreed"})
    await administration(app).add("web")
    assert "Đã ghi vào sổ" in await stance_on_page(site, an, stream, members[0])
    await administration(app).retire("cli-1")
    with pytest.raises(OwnKeyError, match="own_key_retired") as said:
        await submit(app, stream, members[2], "take-stance", {"unit": members[2], "stance": "agreed"})
    assert "thidua key add cli" in sentence(said.value.code, said.value.facts)
    assert (await verified(app)).ok


async def test_a_key_that_the_ledger_does_not_know_signs_nothing(app: Session) -> None:
    stream, members = await opened(app)
    file = app.paths.data / KEY_FILES["cli"]
    PrivateKey.make("cli", app.installed.id, rehearsal=True).write(file)
    with pytest.raises(OwnKeyError, match="own_key_unknown"):
        await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    assert (
        await answer_to(app, stream, await signed_with(app, read_key(file, "cli"), stream, members[0]))
        == "bad_signature"
    )


async def test_what_a_stolen_key_signed_after_a_position_is_named(app: Session) -> None:
    stream, members = await opened(app)
    stolen = app.installed.web
    assert await answer_to(app, stream, await signed_with(app, stolen, stream, members[0])) == ""
    trusted = await app.ledger.last_position()
    for unit in members[1:3]:
        assert await answer_to(app, stream, await signed_with(app, stolen, stream, unit)) == ""
    await submit(app, stream, members[3], "take-stance", {"unit": members[3], "stance": "agreed"})
    assert (await verified(app)).ok, "nothing was said about the key yet"
    await administration(app).retire("web-1", trusted)
    report = await verified(app)
    first = next(row for row, _envelope in await app.history(stream) if row.position > trusted)
    expected = Untrusted("web-1", "web", trusted, first.position, stream, str(first.command_id), commands=2)
    assert (report.untrusted, report.problems, report.ok, report.proven) == ([expected], [], False, 0)
    assert await read_by_others(app) == [first.position, first.position + 1]
    by_processes = await verify_all(app.ledger, app.installed.id, processes=2)
    assert by_processes.untrusted == [expected]
    # When people have looked at all of it, the root key says that it is theirs.
    await administration(app).retire("web-1", first.position + 1)
    assert (await verified(app)).ok
    assert await read_by_others(app) == []


async def forge(app: Session, key: PrivateKey, items: list[tuple[BatchItem, Event]], stream: str, **facts: Any) -> int:
    """Append events that a key signed, as somebody does who has the password of the worker; return the position."""
    facts = {"actor": "operator", "unit": "", "strength": "os-account", "read": await app.ledger.tip(), **facts}
    batch = key.signer(1).sign([item for item, _event in items], issued=datetime.now(UTC), **facts)
    last = await app.ledger.last(stream)
    assert last is not None
    drafts, commands = [], []
    for item, event in items:
        command = batch.command(item, facts["unit"])
        meta = Meta(
            last.version + len(drafts) + 1,
            facts["actor"],
            facts["unit"],
            When.at(datetime.now(UTC)),
            Provenance(kind="stated"),
            item.command_id,
        )
        drafts.append(to_draft(EventEnvelope(event, meta), command.digest))
        commands.append((item.command_id, command))
    answer = await app.ledger.append(Append((Part(stream, last.tip, tuple(drafts)),), tuple(commands)))
    return answer.events[0].position  # type: ignore[union-attr]


def key_item(key: PrivateKey, command: Command) -> BatchItem:
    (item,), _batch = signed_by_root(key, 1, [command], LedgerTip())
    return item


async def test_only_a_root_key_names_keys_and_it_signs_nothing_else(app: Session) -> None:
    stream, members = await opened(app)
    root = app.installed.key("root")
    assert await answer_to(app, stream, await signed_with(app, root, stream, members[0])) == "wrong_key"
    own = SigningKey.generate()
    command = NameKey(key="web-9", public_key=bytes(own.verify_key).hex(), role=KeyRole.ENTRY, holder=KeyHolder.WEB)
    event = installation.KeyNamed(**dict(command))
    position = await forge(app, app.installed.cli, [(key_item(app.installed.cli, command), event)], "installation")
    report = await verified(app)
    assert [(one.position, one.code) for one in report.problems] == [(position, "wrong_key")]
    assert await read_by_others(app) == [position]


async def test_the_web_key_cannot_say_that_somebody_sat_at_the_machine(app: Session) -> None:
    stream, members = await opened(app)
    for key, code in ((app.installed.web, "wrong_key"), (app.installed.cli, "")):
        batch = await signed_with(app, key, stream, members[0], "os-account")
        assert await answer_to(app, stream, batch) == code


async def test_what_is_appended_past_the_checks_is_found(app: Session) -> None:
    """Somebody with the worker's password needs no worker, and a retired key still makes good signatures."""
    stream, members = await opened(app)
    web, root = app.installed.web, app.installed.key("root")
    await administration(app).retire("web-1")
    found: dict[int, tuple[str, str]] = {}
    for key, strength, code in (
        (web, "rehearsal", ("signature", "key_retired")),
        (root, "rehearsal", ("wrong_key", "root-1")),
    ):
        unit = members[len(found)]
        person = await enter_staff(app, unit)
        item = BatchItem(
            stream, uuid4(), json.dumps({"act": "take-stance", "fields": {"unit": unit, "stance": "agreed"}})
        )
        event = Event.KNOWN["StanceTaken"](unit=unit, stance="agreed")
        facts = {"actor": person.id, "unit": unit, "strength": strength}
        found[await forge(app, key, [(item, event)], stream, **facts)] = code
    report = await verified(app)
    assert {one.position: (one.code, one.detail) for one in report.problems if one.code != "does_not_follow"} == found
    assert await read_by_others(app) == list(found)


# The root key elsewhere -------------------------------------------------------------------


async def test_the_root_key_lies_elsewhere(app: Session, tmp_path: Path) -> None:
    stream, members = await opened(app)
    away = tmp_path / "usb.json"
    shutil.move(app.paths.data / ROOT_KEY_FILE, away)
    await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    for work in (administration(app).add("web"), administration(app).retire("web-1"), administration(app).check_root()):
        with pytest.raises(InputError, match="root_key_away"):
            await work
    for file, code in ((app.paths.data / KEY_FILES["cli"], "key_file_kind"), (tmp_path / "none", "key_file_missing")):
        with pytest.raises(InputError, match=code):
            await administration(app, file).add("web")
    assert (await administration(app, away).add("web"))[0].key == "web-2"
    # A root key is replaced by one that it names; then the new one retires it.
    old = read_key(away, "root")
    with pytest.raises(Refused, match="last_key"):
        await administration(app, away).retire("root-1")
    await administration(app, away).add("root")
    assert read_key(away, "root").key == "root-2"
    await administration(app, away).retire("root-1")
    kept = tmp_path / "old.json"
    old.write(kept)
    with pytest.raises(InputError, match="root_key_retired"):
        await administration(app, kept).add("web")
    PrivateKey.make("root", app.installed.id, rehearsal=True).write(kept)
    with pytest.raises(InputError, match="root_key_unknown"):
        await administration(app, kept).add("web")
    assert (await administration(app, away).add("cli"))[0].key == "cli-2"
    report = await verified(app)
    assert (report.ok, await read_by_others(app)) == (True, [])
    other = await verify_all(app.ledger, app.installed.id, root_key=old.public_key[:-2] + "00")
    assert [one.code for one in other.problems] == ["other_key"]


async def test_an_interrupted_call_is_finished_by_the_next_one(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = administration(app)

    def killed(_file: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("application.keys.Path.rename", killed)
        patched.setattr("local.private_files.Path.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            await keys.add("web")
    before = [one.key.key for one in await keys.lines()]
    made, _row = await keys.add("web")
    assert made.key == "web-2"
    assert [one.key.key for one in await keys.lines()] == ["root-1", "cli-1", "web-1", "log-1", "web-2"]
    assert before in (["root-1", "cli-1", "web-1", "log-1"], ["root-1", "cli-1", "web-1", "log-1", "web-2"])
    assert app.installed.web == made


# Appends ----------------------------------------------------------------------------------


async def test_signatures_are_checked_with_the_newest_keys(app: Session) -> None:
    """A worker that has not heard of a retirement is told by the ledger, in the append itself."""
    stream, _members = await opened(app)
    ring = KeyRing(app.ledger, app.installed.id, 1)
    version = (await ring.current()).version
    assert version == 5
    last = await app.ledger.last(stream)
    assert last is not None
    await administration(app).retire("web-1")
    part = Part(stream, last.tip, (to_draft(_reminder(last)),))
    with pytest.raises(KeysChanged):
        await app.ledger.append(Append((part,), keys=version))
    assert (await ring.current()).version == version
    assert (await ring.refresh()).public["web-1"].retired
    assert await app.ledger.last(stream) == last
    assert (await app.ledger.append(Append((part,), keys=version + 1))).events  # type: ignore[union-attr]


def _reminder(last: RecordedEvent) -> EventEnvelope[Event]:
    event = Event.KNOWN["StanceTaken"](unit="don-vi-1", stance="agreed")
    when = When.at(datetime(YEAR, 2, 1, tzinfo=UTC))
    return EventEnvelope(event, Meta(last.version + 1, "x", "", when, Provenance(kind="stated"), uuid4()))


# Keys of checkpoints ----------------------------------------------------------------------


async def test_the_log_goes_on_under_a_new_key(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = app.paths.data / "checkpoints"
    monkeypatch.setenv("THIDUA_CHECKPOINTS", str(folder))
    monkeypatch.setenv("THIDUA_LOG_KEY_FILE", str(app.paths.data / LOG_KEY_FILE))
    monkeypatch.setenv("THIDUA_INSTALLATION", app.installed.id)
    ring, file = KeyRing(app.ledger, app.installed.id, 1), CheckpointFile(folder / FILE)
    old = app.installed.key("log")
    await worker._checkpoint(app.ledger, ring)
    first = await app.ledger.last_position()
    await opened(app)
    await worker._checkpoint(app.ledger, ring)
    middle = await app.ledger.last_position()
    await administration(app).add("log")
    await worker._checkpoint(app.ledger, ring)  # the same worker, with the new key
    new = app.installed.key("log")
    assert (new.key, new.origin) == ("log-2", old.origin)
    identity = log_identity(await ring.known(), new.note_signer.verifier)
    sizes = [one.checkpoint.size for one in file.read(identity)]  # type: ignore[union-attr]
    assert sizes == [first, middle, middle + 1]
    marks = await marks_of(app.ledger, identity, file.path)
    report = await verify_all(app.ledger, app.installed.id, marks=marks)
    assert (report.ok, [(one.source, one.checkpoints) for one in report.compared]) == (
        True,
        [("file", 3), ("database", 1)],
    )
    # The old key was stolen: what it says of more than the first events is no proof, and no sign of a change.
    await administration(app).retire("log-1", first)
    known = await ring.known()
    identity = log_identity(known, new.note_signer.verifier)
    marks = await marks_of(app.ledger, identity, file.path)
    report = await verify_all(app.ledger, app.installed.id, marks=marks)
    assert (report.ok, report.remarks) == (True, [BesideProblem("checkpoint_untrusted", "2")])
    assert report.compared[0].checkpoints == 2
    given = log_of_given(known, old.note_signer.verifier)
    notes = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert [one.checkpoint.size for one in given_checkpoints(notes[0], given)] == [first]
    with pytest.raises(InputError, match="checkpoint_file_untrusted"):
        given_checkpoints(notes[1], given)
    assert len(given_checkpoints("\n".join(map(json.dumps, notes[:2])), given)) == 1
    # A worker that still has the old file makes no checkpoint, and says so.
    old.write(app.paths.data / LOG_KEY_FILE)
    with pytest.raises(OwnKeyError, match="own_key_retired") as said:
        await worker._checkpoint(app.ledger, ring)
    assert "thidua key add log" in sentence(said.value.code, said.value.facts)
    made = await CheckpointLog(app.ledger.pool, file, new.note_signer, identity).advance()
    assert made.signed is not None


# Files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KEY_FILES))
def test_a_key_file_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, kind: str) -> None:
    file = tmp_path / KEY_FILES[kind]
    made = PrivateKey.make(kind, "abc", rehearsal=False, origin="a/abc" if kind == "log" else "")
    made.write(file)
    assert read_key(file, kind, "abc") == made

    def code(installation_id: str = "abc", asked: str = kind) -> str:
        with pytest.raises(InputError) as said:
            read_key(file, asked, installation_id)
        text = sentence(said.value.code, said.value.facts)
        assert str(file) in text
        assert "{" not in text
        return said.value.code

    for mode in (0o640, 0o604, 0o660, 0o610, 0o777):
        file.chmod(mode)
        assert code() == "key_file_open", oct(mode)
    for mode in (0o600, 0o400):
        file.chmod(mode)
        assert read_key(file, kind, "abc") == made
    file.chmod(0o600)
    assert code("another") == "key_file_foreign"
    assert code(asked="web" if kind != "web" else "cli") == "key_file_kind"
    whole = file.read_bytes()
    for damaged in (
        whole[:40],
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        whole.replace(b'"private_key": "', b'"private_key": "zz'),
    ):
        file.write_bytes(damaged)
        assert code() == "key_file_bad", damaged
    file.unlink()
    assert code() == "key_file_missing"


async def test_processes_end_with_a_sentence_when_their_key_file_is_open(app: Session, tmp_path: Path) -> None:
    data = app.paths.data
    settings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "THIDUA_LANG": "en",
        "THIDUA_DATABASE_URL": app.endpoints.database_url,
        "THIDUA_WEB_DATABASE_URL": app.endpoints.web_url,
        "THIDUA_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "THIDUA_NAMESPACE": "x",
        "THIDUA_INSTALLATION": app.installed.id,
        "THIDUA_CHECKPOINTS": str(tmp_path),
        "THIDUA_LOG_KEY_FILE": str(data / KEY_FILES["log"]),
        "THIDUA_WEB_KEY_FILE": str(data / KEY_FILES["web"]),
        "THIDUA_ACCOUNT_KEY_FILE": str(data / "account-key.json"),
        "THIDUA_OUTBOX": str(tmp_path),
        "THIDUA_WEB_PORT": "8329",
        "THIDUA_WEB_ADDRESS": "http://127.0.0.1:1",
    }
    for module, kind in (("worker", "log"), ("web", "web")):
        (data / KEY_FILES[kind]).chmod(0o644)
        done = subprocess.run(  # noqa: ASYNC221 - nothing else runs
            [sys.executable, "-m", module], env=settings, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert "Others may read or write the key file" in done.stderr
        assert "Traceback" not in done.stderr


async def test_a_changed_event_about_keys_names_no_keys_and_is_found(app: Session, thidua: Run) -> None:
    owner = await asyncpg.connect(app.endpoints.owner_url)
    await owner.execute("alter table ledger.event disable trigger all")
    await owner.execute("update ledger.event set body = body || 'x' where position = 2")
    await owner.close()
    with pytest.raises(UnreadableRowError, match="row_unreadable"):
        await KeyRing(app.ledger, app.installed.id, 1).current()
    report = await thidua("audit", "verify", code=4)
    assert (report["ok"], report["first_broken_position"]) == (False, 2)


# The command line, and the page for a stolen key ------------------------------------------


Run = Callable[..., Awaitable[Any]]


@pytest.fixture
def thidua(app: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the installation of a test, beside what runs there: its answer, or what it says."""
    monkeypatch.setenv("THIDUA_DATA", str(app.paths.data))
    monkeypatch.setenv("THIDUA_LOGS", str(app.paths.logs))
    monkeypatch.setenv("DATABASE_URL", app.endpoints.owner_url)
    monkeypatch.setattr(sys, "stdin", StringIO())
    works: list[Any] = []
    monkeypatch.setattr("cli.app._finish", works.append)

    async def run(*words: str, code: int = 0) -> Any:
        get_command(cli_app)([*words, "--json"], standalone_mode=False)
        capsys.readouterr()
        try:
            ended, said = await works.pop()(), ""
        except CodedError as error:
            ended, said = explain(error)
        assert ended == code, (words, said)
        return said or json.loads(capsys.readouterr().out)

    return run


async def test_dangerous_commands_ask_and_wrong_ones_change_nothing(thidua: Run) -> None:
    for words, says in (
        (("add", "web"), "--yes"),
        (("add", "other", "--yes"), "`cli`, `web`, `log`"),
        (("retire", "web-1"), "--yes"),
        (("retire", "web-1", "--compromised", "--yes"), "--trusted-until"),
        (("retire", "web-1", "--trusted-until", "3", "--yes"), "--compromised"),
    ):
        assert says in await thidua("key", *words, code=2), words
    for words, says in (
        (("retire", "web-9", "--yes"), "`web-9`"),
        (("retire", "root-1", "--yes"), "khóa cuối cùng"),
        (("retire", "web-1", "--compromised", "--trusted-until", "999", "--yes"), "999"),
    ):
        assert says in await thidua("key", *words, code=10), words
    listed = await thidua("key", "list")
    assert [(one["key"], one["kind"], one["here"], one["retired"]) for one in listed] == [
        ("root-1", "root", True, None),
        ("cli-1", "cli", True, None),
        ("web-1", "web", True, None),
        ("log-1", "log", True, None),
    ]


def steps_for_a_stolen_key() -> list[list[str]]:
    """The commands of the manual's page, in their order."""
    page = (ROOT / "docs" / "keys.md").read_text().split("## A stolen key")[1].split("\n## ")[0]
    return [shlex.split(line.strip()) for line in re.findall(r"^ +thidua .*$", page, re.MULTILINE)]


async def test_the_page_for_a_stolen_key_is_right(site: Site, thidua: Run) -> None:
    """Follow docs/keys.md while worker and web run; each step does what the page says of it."""
    app = site.app
    stream, members = await opened(app)
    await site.person("an", members[0])
    await site.person("binh", members[1])
    an, binh, stolen = await site.log_in("an"), await site.log_in("binh"), app.installed.web
    assert "Đã ghi vào sổ" in await stance_on_page(site, an, stream, members[0])
    trusted = await app.ledger.last_position()
    assert await answer_to(app, stream, await signed_with(app, stolen, stream, members[2])) == ""
    given = {"POSITION": str(trusted), "LATER": str(await app.ledger.last_position()), "CYCLE": stream}
    answers: list[tuple[str, Any]] = []
    for step in steps_for_a_stolen_key():
        words = [given.get(word, word) for word in step[1:]]
        command = " ".join(words[:2])
        answer = await thidua(
            *words,
            *(["--yes"] if command in {"key add", "key retire"} else []),
            code=4 if command == "audit verify" and not any(one == "audit timeline" for one, _answer in answers) else 0,
        )
        answers.append((command, answer))
        if [one for one, _answer in answers] == ["key add", "key retire"]:
            # What runs was not started again.
            thief = await signed_with(app, stolen, stream, members[3])
            assert await answer_to(app, stream, thief) == "key_retired"
            assert "Đã ghi vào sổ" in await stance_on_page(site, binh, stream, members[1]), "the pages go on"
    wanted = ["key add", "key retire", "audit verify", "audit timeline", "key retire", "audit verify", "key list"]
    assert [command for command, _answer in answers] == wanted
    _added, _retired, first, timeline, _again, last, listed = (answer for _command, answer in answers)
    (named,) = first["untrusted"]
    assert (named["key"], named["position"], named["commands"]) == ("web-1", trusted + 1, 1)
    assert [one["type"] for one in timeline if one["position"] == named["position"]] == ["StanceTaken"]
    assert (last["ok"], last["untrusted"]) == (True, [])
    by_name = {one["key"]: one for one in listed}
    assert (by_name["web-1"]["trusted_until"], by_name["web-2"]["here"]) == (int(given["LATER"]), True)
