"""Ledgers that older code wrote are read, verified, folded and written by today's code with the same bytes.

`data/format-2.json.xz` was dumped with the code of commit 68bc594, in format 1, and put into format 2 once: bodies made
from the columns, headers signed anew with other keys, which a root key names. It holds four whole ledgers: the demo,
`make cases`, `scenarios/year-2019-2020.yaml`, and "acts", which adds the acts that the other three lack. Together they
hold all event types and all acts of that commit. The engine wrote every event, except the last five of the post's
stream in "acts" (mail that was gathered or that broke): these were appended directly.

Stored bytes never change. What follows from them does, when a decision changes: `data/format-2-changes.json` lists
every place where today's code tells a state, an obligation or a deviation otherwise, or finds an act of the clock that
was not due, with both values. After a change of decisions, `PYTHONPATH=. .venv/bin/python tests/test_format_2.py
--changes` writes it anew: read the difference, and name the change in the changelog.

To check other dumps of the same shape: `.venv/bin/python tests/test_format_2.py FILE ...`. It prints one line for each
ledger, or fails with the first difference.
"""

from __future__ import annotations

import asyncio
import json
import lzma
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import msgspec
import pytest
from nacl.signing import SigningKey

from audit.replay import replay
from audit.verify import VerificationReport, verify
from domain import law
from domain.codec import plain, state_digest
from domain.commands import CommandPayload
from domain.deviations import deviations
from domain.obligations import obligations
from domain.records import Command, Event
from domain.rules import Edition, edition_of
from domain.streams import is_cycle, is_year
from domain.summaries import deviation_values
from ledger.events import RecordedEvent, chain_digest
from ledger.mapping import to_draft, to_envelope
from ledger.signing import BatchItem, Header, SignedCommand, Signer

RENAMED: Mapping[str, str] = {
    "state/frame": "lifecycle",
    "state/chasing": "manual_reminders",
    "state/register": "corrections",
    "state/hands": "signatories",
    "state/targets/replies/*/standing": "status",
    "state/targets/registrations/*/told": "event",
    "state/targets/results/*/told": "event",
    "state/letters/letters/*/told": "event",
    "state/letters/answers/*/*/told": "event",
    "state/letters/checks/*/told": "event",
    "state/meetings/*/told": "event",
    "state/comments/together": "collective_stances",
    "state/conclusion/places": "ranking",
    "state/deadlines/spoken": "recorded",
    "state/deadlines/asked": "extension_requests",
}
"""Old name -> new name of a field of a state, a deviation or an obligation. Stored names never stand here.

"frame" renames that key wherever it stands. A name with "/" is a pattern for the whole place, in old names, counted
from the stream: "state/frame/clock", "state/midyear/*/first", "obligations/*/bearer". A pattern comes before a name.
Use one where the same key is also data (a unit, a role) or a field of an event that the state holds.
"""

FILE = Path(__file__).parent / "data" / "format-2.json.xz"
CHANGES = FILE.with_name("format-2-changes.json")
LEDGERS = ("demo", "cases", "year", "acts")
EVENT_TYPES = 87
BY_THE_CLOCK = {"mark-overdue", "propose-escalation", "remind"}
SHOWN_CHARS = 200

COLUMNS = {
    "command_id": UUID,
    "body": str.encode,
    "recorded_at": datetime.fromisoformat,
    "previous": bytes.fromhex,
    "digest": bytes.fromhex,
}
"""How a column is read from JSON. Those that are not here are text or numbers as they are."""


class Dumped:
    """A ledger of a dump, with what `audit.verify` asks of a ledger."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.rows = [_row(data["columns"], values) for values in data["events"]]
        self.signed = {
            bytes.fromhex(digest): SignedCommand(*data["batches"][index], payload, unit)
            for digest, payload, unit, index in data["commands"]
        }
        self.headers = [header for header, _signature in data["batches"]]

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[RecordedEvent, ...]:
        return tuple(self.rows[after : after + limit])

    async def load(self, stream: str, after: int = 0, limit_bytes: int | None = None) -> tuple[RecordedEvent, ...]:
        return tuple(row for row in self.rows if row.stream == stream and row.version > after)

    async def commands(self, digests: Collection[bytes]) -> dict[bytes, SignedCommand]:
        return {digest: self.signed[digest] for digest in digests if digest in self.signed}

    async def digests_at(self, positions: Collection[int]) -> dict[int, bytes]:
        return {at: self.rows[at - 1].digest for at in positions if 0 < at <= len(self.rows)}

    async def last_position(self) -> int:
        return len(self.rows)

    async def edition(self, digest: str) -> Edition | None:
        body = self.data["editions"].get(digest)
        return edition_of(body) if body is not None and sha256(body.encode()).hexdigest() == digest else None

    async def verified(self, number: int = 1) -> VerificationReport:
        """Verify with today's decisions, as a version that carries this law; all events are of law 1."""
        key = self.data["keys"]["root-1"]
        with patch.object(law, "LAW", number):
            return await verify(self, self.edition, self.data["installation"], self.data["epoch"], root_key=key)


def _row(columns: list[str], values: list[Any]) -> RecordedEvent:
    return RecordedEvent(
        **{name: COLUMNS.get(name, lambda same: same)(value) for name, value in zip(columns, values, strict=True)}
    )


def ledgers_in(file: Path) -> dict[str, Any]:
    with lzma.open(file) as opened:
        data = json.load(opened)
    assert data["format"] == 2
    return {ledger["name"]: ledger for ledger in data["ledgers"]}


@cache
def _committed() -> dict[str, Any]:
    return ledgers_in(FILE)


# Comparing -------------------------------------------------------------------------------


def renamed(value: Any, names: Mapping[str, str], place: tuple[str, ...] = ()) -> Any:
    """The value with its keys renamed at any depth."""
    if isinstance(value, list):
        return [renamed(entry, names, (*place, str(n))) for n, entry in enumerate(value)]
    if not isinstance(value, dict):
        return value
    new = {_name((*place, key), names): renamed(entry, names, (*place, key)) for key, entry in value.items()}
    assert len(new) == len(value), f"{'/'.join(place)}: two keys have the same new name: {sorted(value)}"
    return new


def _name(place: tuple[str, ...], names: Mapping[str, str]) -> str:
    whole = "/".join(place)
    by_place = (new for old, new in names.items() if "/" in old and fnmatchcase(whole, old))
    return next(by_place, names.get(place[-1], place[-1]))


def differences(dumped: Any, now: Any, place: str) -> Iterator[str]:
    """Each place where two JSON values differ, with both values."""
    if isinstance(dumped, dict) and isinstance(now, dict):
        for key in sorted(dumped.keys() | now.keys()):
            if key not in now:
                yield f"{place}: key {key!r} is missing now; dumped: {_shown(dumped[key])}"
            elif key not in dumped:
                yield f"{place}: key {key!r} is new; now: {_shown(now[key])}"
            else:
                yield from differences(dumped[key], now[key], f"{place}/{key}")
    elif isinstance(dumped, list) and isinstance(now, list):
        for n, (one, other) in enumerate(zip(dumped, now, strict=False)):
            yield from differences(one, other, f"{place}/{n}")
        if len(dumped) != len(now):
            yield f"{place}: {len(dumped)} entries dumped, {len(now)} now"
    elif type(dumped) is not type(now) or dumped != now:
        yield f"{place}: dumped {_shown(dumped)}, now {_shown(now)}"


def without_empty(value: Any, dumped: Any) -> Any:
    """The value without keys that the dump does not have and that say nothing: fields that were added since."""
    if isinstance(value, dict) and isinstance(dumped, dict):
        return {
            key: without_empty(entry, dumped.get(key))
            for key, entry in value.items()
            if key in dumped or entry not in (None, False, "", [], {})
        }
    if isinstance(value, list) and isinstance(dumped, list):
        return [without_empty(entry, dumped[n] if n < len(dumped) else None) for n, entry in enumerate(value)]
    return value


def by_key(kind: str, found: Any) -> Any:
    """Obligations and deviations by what they are about, so that one more or less does not move the others."""
    if kind == "obligations":
        return {f"{one['duty']}/{one['bearer']}/{one['subject']}": one for one in found}
    return {one["key"]: one for one in found} if kind == "deviations" else found


def first_difference(dumped: Any, now: Any, place: str) -> str | None:
    """The first place where two JSON values differ, with both values; None when they are equal."""
    return next(differences(dumped, now, place), None)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def json_digest(value: Any) -> str:
    """The digest of a state, without the code that is tested."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def broken_digests(rows: list[RecordedEvent]) -> list[int]:
    """Positions of rows whose digest is not the one of their body, or whose body is none."""
    return [row.position for row in rows if row.expected_digest() != row.digest or row.fault() is not None]


# What is checked --------------------------------------------------------------------------


def check_digests(ledger: Dumped) -> None:
    """Digests of events, commands and editions, computed again, are the dumped ones."""
    assert broken_digests(ledger.rows) == []
    assert [digest for digest, command in ledger.signed.items() if command.digest != digest] == []
    for digest, body in ledger.data["editions"].items():
        assert sha256(body.encode()).hexdigest() == digest


def check_written_bytes(ledger: Dumped) -> None:
    """What was read from a row, a command or a header is written as the same bytes again."""
    for row in ledger.rows:
        draft = replace(to_draft(to_envelope(row), row.command_digest), law=row.law)
        assert draft.body(row.stream, row.version) == row.body, row.position
    for signed in ledger.signed.values():
        command = CommandPayload.model_validate_json(signed.payload)
        circumstances = {
            name: getattr(command, name) for name in CommandPayload.model_fields if name not in {"act", "fields"}
        }
        assert CommandPayload.of(command.parsed(), **circumstances).model_dump_json() == signed.payload
    payloads = {sha256(signed.payload.encode()).hexdigest(): signed.payload for signed in ledger.signed.values()}
    for header in ledger.headers:
        assert _signed_again(Header.parse(header), payloads) == header


def _signed_again(header: Header, payloads: Mapping[str, str]) -> str:
    """The header as a signer writes it; the dump has no private key, so the signature itself is another."""
    signer = Signer(header.installation, header.epoch, header.key, SigningKey.generate())
    items = [BatchItem(stream, UUID(command_id), payloads[digest]) for stream, command_id, digest in header.items]
    return signer.sign(
        items,
        actor=header.actor,
        unit=header.unit,
        issued=header.issued,
        strength=header.strength,
        read=header.read,
        commitment=header.commitment,
        stand_in_for=header.stand_in_for,
    ).header


def found_otherwise(ledger: Dumped, report: VerificationReport) -> list[str]:
    """What `audit.verify` finds in the dump by today's decisions, a line each."""
    types = {row.position: row.type for row in ledger.rows}
    return [f"{one.stream}: {types.get(one.position or 0)} {one.position}: {one.code}" for one in report.problems]


def changes_of(name: str) -> Mapping[str, list[str]]:
    """The known changes of a ledger: `verify` and `states`."""
    known: Mapping[str, list[str]] = json.loads(CHANGES.read_text()).get(name, {})
    return known


async def check_verified(ledger: Dumped) -> None:
    """`audit.verify` decides every command again, and finds what it found when the ledger was dumped."""
    report = await ledger.verified()
    known = changes_of(ledger.data["name"]).get("verify", [])
    assert found_otherwise(ledger, report) == known, report.problems[:3]
    # The dump counted signatures by batch; they are counted by command now.
    dumped = {name: value for name, value in ledger.data["report"].items() if name != "signatures"}
    assert {name: getattr(report, name) for name in dumped} == dumped
    assert report.signatures == len({(row.stream, row.command_id) for row in ledger.rows if row.command_digest})
    assert report.streams == len(ledger.data["streams"])


def check_states(ledger: Dumped, names: Mapping[str, str] = RENAMED) -> None:
    """Every stream folds to the dumped state, with the same deviations and obligations, but for known changes."""
    known = changes_of(ledger.data["name"]).get("states", [])
    found = list(state_differences(ledger, names))
    assert not (new := [line for line in found if line not in known]), new[0]
    assert found == known, "a known change is gone"


def state_differences(ledger: Dumped, names: Mapping[str, str] = RENAMED) -> Iterator[str]:
    """Where the states, deviations and obligations of a ledger differ from those that were dumped."""
    editions = {digest: edition_of(body) for digest, body in ledger.data["editions"].items()}
    for stream, dumped in ledger.data["streams"].items():
        if not (is_cycle(stream) or is_year(stream)):
            continue
        assert json_digest(dumped["state"]) == dumped["state_digest"], f"{stream}: the dump itself was changed"
        found = replay(stream, [row for row in ledger.rows if row.stream == stream], editions)
        now: dict[str, Any] = {"state": plain(found.state)}
        if is_cycle(stream):
            now["deviations"] = [deviation_values(one) for one in deviations(found.state, found.rules)]
            now["obligations"] = [plain(asdict(one)) for one in obligations(found.state, found.rules)]
        assert state_digest(found.state) == json_digest(now["state"]), stream
        wanted = {kind: by_key(kind, renamed(dumped[kind], names, (kind,))) for kind in now}
        now = {kind: by_key(kind, value) for kind, value in now.items()}
        yield from differences(wanted, without_empty(now, wanted), stream)


async def check_ledger(ledger: Dumped) -> None:
    """All of it."""
    check_digests(ledger)
    check_written_bytes(ledger)
    await check_verified(ledger)
    check_states(ledger)


def check(file: Path) -> None:
    """Check a dump, and print what was checked.

    Raises:
        AssertionError: something differs.
    """
    for name, data in ledgers_in(file).items():
        ledger = Dumped(data)
        asyncio.run(check_ledger(ledger))
        types = len({row.type for row in ledger.rows})
        print(
            f"{file.name}, {name}: {len(ledger.rows)} events of {types} types, {len(data['streams'])} streams, "
            f"{len(ledger.signed)} commands, root {data['report']['root']}: the same"
        )


# Tests ------------------------------------------------------------------------------------


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest) -> Dumped:
    return Dumped(_committed()[request.param])


def test_the_dump_holds_every_event_and_every_command_of_its_time() -> None:
    assert tuple(_committed()) == LEDGERS
    ledgers = [Dumped(data) for data in _committed().values()]
    types = {row.type for ledger in ledgers for row in ledger.rows}
    assert len(types) == EVENT_TYPES
    assert types <= set(Event.KNOWN)
    acts = {json.loads(command.payload)["act"] for ledger in ledgers for command in ledger.signed.values()}
    assert len(acts) + len(BY_THE_CLOCK) == 80
    assert acts | BY_THE_CLOCK <= set(Command.KNOWN)


def test_digests_are_the_same(ledger: Dumped) -> None:
    check_digests(ledger)


def test_events_commands_and_headers_are_written_as_the_same_bytes(ledger: Dumped) -> None:
    check_written_bytes(ledger)


async def test_chain_signatures_and_decisions_verify(ledger: Dumped) -> None:
    await check_verified(ledger)


def test_states_deviations_and_obligations_are_the_same(ledger: Dumped) -> None:
    check_states(ledger)


# Controls: each check can fail ------------------------------------------------------------


def first_new(ledger: Dumped, report: VerificationReport) -> int | None:
    """The lowest position with a problem that is no known change."""
    known = changes_of(ledger.data["name"]).get("verify", [])
    problems = zip(found_otherwise(ledger, report), report.problems, strict=True)
    return min((one.position for line, one in problems if line not in known and one.position), default=None)


def _spoilt(text: str) -> str:
    """The text with one character changed to another of one byte."""
    middle = len(text) // 2
    return f"{text[:middle]}{'y' if text[middle] == 'x' else 'x'}{text[middle + 1 :]}"


def _with_spoilt_payload(row: RecordedEvent) -> RecordedEvent:
    body = row.body.replace(row.payload.encode(), _spoilt(row.payload).encode())
    return msgspec.structs.replace(row, body=body)


def test_one_changed_byte_in_any_payload_breaks_its_digest(ledger: Dumped) -> None:
    spoilt = [_with_spoilt_payload(row) for row in ledger.rows]
    assert [row.position for row in spoilt if row.expected_digest() != row.digest] == [row.position for row in spoilt]


async def test_one_changed_byte_in_a_payload_is_found_by_the_audit(ledger: Dumped) -> None:
    place = len(ledger.rows) // 2
    row = ledger.rows[place]
    ledger.rows[place] = _with_spoilt_payload(row)
    report = await ledger.verified()
    assert first_new(ledger, report) == row.position
    assert "digest" in {problem.code for problem in report.problems if problem.position == row.position}


@pytest.mark.parametrize("part", ["payload", "header", "signature"])
async def test_one_changed_byte_in_a_command_is_found_by_the_audit(ledger: Dumped, part: str) -> None:
    row = next(row for row in ledger.rows if row.command_digest and is_cycle(row.stream))
    signed, digest = ledger.signed[row.command_digest], row.command_digest
    other = {
        "payload": _spoilt(signed.payload),
        "header": _spoilt(signed.header),
        "signature": signed.signature[:-1] + ("0" if signed.signature[-1] != "0" else "1"),
    }
    ledger.signed[digest] = replace(signed, **{part: other[part]})
    report = await ledger.verified()
    assert first_new(ledger, report) == row.position
    assert "command_missing" in {problem.code for problem in report.problems if problem.position == row.position}


REPEATABLE = ("ComplaintAnswered", "ContentsStated", "NextChosen", "OverseerNamed", "UnitsRanked", "UnitsReminded")
"""Events whose command would be accepted again by the state after them: only its id tells that it is there twice."""


@pytest.mark.parametrize("kind", REPEATABLE)
async def test_a_copy_behind_a_real_signature_is_found_by_the_audit(kind: str) -> None:
    ledgers = (Dumped(data) for data in _committed().values())
    ledger, index = next(
        (one, n) for one in ledgers for n, row in enumerate(one.rows) if row.type == kind and row.command_digest
    )
    row, earlier = ledger.rows[index], ledger.rows[: index + 1]
    tip = [one for one in earlier if one.stream == row.stream][-1]
    position, version = len(earlier) + 1, tip.version + 1
    body = replace(to_draft(to_envelope(row), row.command_digest), law=row.law).body(row.stream, version)
    digest = chain_digest(tip.digest, position, tip.recorded_at, body)
    copy = msgspec.structs.replace(
        row,
        position=position,
        version=version,
        body=body,
        previous=tip.digest,
        digest=digest,
        recorded_at=tip.recorded_at,
    )
    ledger.rows = [*earlier, copy]
    report = await ledger.verified()
    assert "repeated" in {problem.code for problem in report.problems if problem.position == position}


def test_another_state_is_shown_with_its_place_and_both_values(ledger: Dumped) -> None:
    stream = next(name for name in ledger.data["streams"] if is_cycle(name))
    other = json.loads(json.dumps(ledger.data))
    state = other["streams"][stream]["state"]
    state[min(state)] = "khác"
    with pytest.raises(AssertionError, match="the dump itself was changed"):
        check_states(Dumped(other))
    other["streams"][stream]["state_digest"] = json_digest(state)
    with pytest.raises(AssertionError, match=rf'{stream}/state/\w+: dumped "khác", now '):
        check_states(Dumped(other))


def test_names_are_mapped_by_key_or_by_place() -> None:
    dumped = {"frame": {"clock": "wall", "units": {"clock": "a unit"}}, "chasing": [{"clock": 1}, {"clock": 2}]}
    names = {"frame": "lifecycle", "clock": "calendar", "state/frame/units/clock": "clock", "*/chasing/1/*": "second"}
    assert renamed(dumped, names, ("state",)) == {
        "lifecycle": {"calendar": "wall", "units": {"clock": "a unit"}},
        "chasing": [{"calendar": 1}, {"second": 2}],
    }
    with pytest.raises(AssertionError, match="the same new name"):
        renamed({"a": 1, "b": 2}, {"a": "b"})


@pytest.mark.parametrize(
    ("dumped", "now", "difference"),
    [
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, 's/a/1/b: dumped "x", now "y"'),
        ({"a": 1}, {"b": 1}, "s: key 'a' is missing now; dumped: 1"),
        ({}, {"b": [2]}, "s: key 'b' is new; now: [2]"),
        ([1], [1, 2], "s: 1 entries dumped, 2 now"),
        (True, 1, "s: dumped true, now 1"),
        ({"a": [1], "b": None}, {"b": None, "a": [1]}, None),
    ],
)
def test_the_first_difference_is_readable(dumped: Any, now: Any, difference: str | None) -> None:
    assert first_difference(dumped, now, "s") == difference


def write_changes() -> None:
    """Write every difference between the committed dump and today's decisions."""
    changes = {}
    for name, data in _committed().items():
        ledger = Dumped(data)
        verified = found_otherwise(ledger, asyncio.run(ledger.verified()))
        changes[name] = {"verify": verified, "states": list(state_differences(ledger))}
    CHANGES.write_text(json.dumps(changes, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--changes"]:
        write_changes()
        sys.exit()
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        check(Path(name))
