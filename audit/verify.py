"""Verify: nobody changed what was recorded, and everything recorded was somebody's to say.

Read once in position order: no gap, every digest right, every stream chained, every event covered by a signed command
or due by the clock. The first broken position is what an auditor asks for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain import installation
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.decider import Decider
from domain.rules import NO_RULES, Edition
from domain.steps.deadlines import clock_command_id
from domain.streams import decider_of, is_cycle, is_year
from domain.types import CLOCK, RESERVED, AlreadyRecorded, Event, EventEnvelope, Refused, When
from ledger.checkpoints import Checkpoint, merkle_root
from ledger.events import RecordedEvent, StreamTip
from ledger.mapping import authenticate, to_envelope
from ledger.protocol import Ledger
from ledger.signing import BatchItem, Header, Keys, NotSignedError, SignedCommand

PAGE = 2_000
BREATH = 100
PROBLEMS_KEPT = 50

EditionOf = Callable[[str], Awaitable[Edition | None]]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that must not be. `position` is None for what lies beside the ledger."""

    position: int | None
    stream: str
    code: str
    detail: str = ""


@dataclass(slots=True)
class VerificationReport:
    """What was checked, and what was found. `ok` is the answer."""

    events: int = 0
    streams: Counter[str] = field(default_factory=Counter)
    signatures: int = 0
    clock_acts: int = 0
    problems: list[Problem] = field(default_factory=list)
    root: str = ""
    commitments: dict[str, str] = field(default_factory=dict)
    """What the signed headers say of the names of those who acted, by person."""

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    @property
    def first_broken(self) -> int | None:
        """The lowest position at which something is wrong."""
        return min((p.position for p in self.problems if p.position is not None), default=None)


@dataclass(slots=True)
class _Stream:
    """One stream while it is read: its head as stored, and its folded state."""

    decider: Decider | None
    tip: StreamTip = field(default_factory=StreamTip)
    told: list[EventEnvelope[Event]] = field(default_factory=list)
    state: Any = None
    rules: Edition = NO_RULES
    digest: str | None = None
    position: int = 0
    """Of the event that was read last."""
    expected: list[EventEnvelope[Event]] = field(default_factory=list)
    """What must follow from the command or clock act whose first event was read last."""


async def verify(
    ledger: Ledger,
    edition_of: EditionOf,
    installation_id: str,
    epoch: int,
    *,
    checkpoints: tuple[Checkpoint, ...] = (),
    entry_key: str | None = None,
    progress: Progress = lambda _: None,
) -> VerificationReport:
    """Check the whole ledger. `entry_key` is the installation's public key in hex, where the checker has it apart."""
    verification = _Verification(ledger, edition_of, installation_id, epoch, checkpoints)
    verification.entry_key = entry_key
    return await verification.run(progress)


class _Verification:
    def __init__(
        self, ledger: Ledger, edition_of: EditionOf, installation_id: str, epoch: int, marks: tuple[Checkpoint, ...]
    ) -> None:
        self.ledger, self.edition_of = ledger, edition_of
        self.keys = Keys(installation_id, epoch, {})
        self.marks = {mark.position: mark for mark in marks}
        self.entry_key: str | None = None
        self.report = VerificationReport()
        self.streams: dict[str, _Stream] = {}
        self.leaves: list[bytes] = []
        self.recorded_at: datetime | None = None
        self.verified: dict[bytes, tuple[Header, frozenset[tuple[str, str, str]]]] = {}

    async def run(self, progress: Progress) -> VerificationReport:
        position = 0
        while page := await self.ledger.read(position, PAGE):
            for row in page:
                position += 1
                if row.position != position:
                    self.problem(row, "gap", f"{position}")
                    position = row.position
                await self.check(row)
                if position % BREATH == 0:
                    await asyncio.sleep(0)  # others in this process answer in between
            progress(self.report.events)
        for name, stream in self.streams.items():
            if stream.expected:
                wanted = stream.expected[0].event.NAME
                self.report.problems.append(Problem(stream.position, name, "incomplete", wanted))
        for mark in self.marks.values():
            if mark.position > position:
                self.report.problems.append(Problem(mark.position, "", "tail_missing", mark.recorded_at))
        self.report.root = merkle_root(self.leaves).hex()
        return self.report

    def problem(self, row: RecordedEvent, code: str, detail: str = "") -> None:
        if len(self.report.problems) < PROBLEMS_KEPT:
            self.report.problems.append(Problem(row.position, row.stream, code, detail))

    async def check(self, row: RecordedEvent) -> None:
        self.report.events += 1
        self.report.streams[row.stream] += 1
        self.leaves.append(row.digest)
        stream = self.streams.get(row.stream)
        if stream is None:
            decider = decider_of(row.stream) if is_cycle(row.stream) or is_year(row.stream) else None
            stream = self.streams[row.stream] = _Stream(decider, state=decider.empty() if decider else None)
        if self.recorded_at is not None and row.recorded_at < self.recorded_at:
            self.problem(row, "time_fell")
        self.recorded_at = row.recorded_at
        if row.version != stream.tip.version + 1:
            self.problem(row, "version", f"{stream.tip.version + 1}")
        if row.previous != stream.tip.digest:
            self.problem(row, "previous")
        if row.expected_digest() != row.digest:
            self.problem(row, "digest")
        stream.tip = row.tip
        mark = self.marks.get(row.position)
        if mark is not None and (mark.digest != row.digest.hex() or mark.root != merkle_root(self.leaves).hex()):
            self.problem(row, "checkpoint")
        try:
            told = to_envelope(row)
        except Exception as error:  # noqa: BLE001 - whatever was done to the payload must end as a finding
            self.problem(row, "unreadable", type(error).__name__)
            stream.expected.clear()
            return
        await self.authority(row, told, stream)
        await self.fold(row, told, stream)

    async def authority(self, row: RecordedEvent, told: EventEnvelope[Event], stream: _Stream) -> None:
        """Was it somebody's to say?"""
        if row.command_digest is not None:
            await self.signature(row, stream)
            self.follows(row, told, stream)
            if isinstance(told.event, installation.EntryKeyNamed):
                await self.key_named(row, told.event)
        elif row.actor == CLOCK and stream.decider is not None:
            self.report.clock_acts += 1
            if not stream.expected:
                self.expect_clock(row, stream)
            self.follows(row, told, stream)
        elif isinstance(told.event, installation.InstallationFounded) and row.position == 1:
            if told.event.installation != self.keys.installation:
                self.problem(row, "other_installation")
            if self.entry_key is not None and told.event.public_key != self.entry_key:
                self.problem(row, "other_key")
            self.keys = Keys(self.keys.installation, self.keys.epoch, installation.keys([told]))
        elif row.stream != installation.POST_STREAM:
            self.problem(row, "unsigned")

    async def signature(self, row: RecordedEvent, stream: _Stream) -> None:
        """Was it this person's, in time, and what must follow from it?"""
        if row.command_digest is None:
            return
        command = await self.ledger.command(row.command_digest)
        if command is None or command.digest != row.command_digest:
            self.problem(row, "command_missing")
            return
        item = BatchItem(row.stream, row.command_id, command.payload)
        try:
            header, covered = self.header(command)
        except NotSignedError as error:
            self.problem(row, "signature", error.code)
            return
        if (item.stream, str(item.command_id), item.payload_digest) not in covered:
            self.problem(row, "signature", "not_covered")
        if (row.actor, row.unit, row.stand_in_for) != (header.actor, header.unit, header.stand_in_for):
            self.problem(row, "signature", "other_person")
        if header.actor in RESERVED:
            self.problem(row, "signature", "reserved_name")
        if row.recorded_at > header.expires:
            self.problem(row, "expired")
        if header.commitment is not None:
            self.report.commitments.setdefault(header.actor, header.commitment)
        if stream.decider is not None and not stream.expected:
            self.expect(row, item, header, stream)

    async def key_named(self, row: RecordedEvent, event: installation.EntryKeyNamed) -> None:
        """A key is one of ours when the command that names it was signed with a key that was one before."""
        command = await self.ledger.command(row.command_digest or b"")
        named = installation.NameEntryKey(**dict(event))
        try:
            said = CommandPayload.model_validate_json(command.payload).parsed() if command is not None else None
        except (Refused, ValueError):
            said = None
        if said != named or row.stream != installation.STREAM:
            self.problem(row, "does_not_follow")
            return
        public = {**self.keys.public, event.key: bytes.fromhex(event.public_key)}
        self.keys = Keys(self.keys.installation, self.keys.epoch, public)

    def expect(self, row: RecordedEvent, item: BatchItem, header: Header, stream: _Stream) -> None:
        """Decide the command again on the state before it."""
        if stream.decider is None:
            return
        try:
            authenticated = authenticate(item, header)
            told = stream.decider.decide(authenticated, stream.state, stream.rules, row.version - 1, tuple(stream.told))
        except (Refused, AlreadyRecorded) as answer:
            self.problem(row, "not_decided", str(answer.args[0]))
        except Exception as error:  # noqa: BLE001 - whatever was done to the command must end as a finding
            self.problem(row, "not_decided", type(error).__name__)
        else:
            stream.expected = list(told)

    def follows(self, row: RecordedEvent, told: EventEnvelope[Event], stream: _Stream) -> None:
        """Does the event follow from what was signed, or from what was due?"""
        if stream.decider is None:
            return
        if not stream.expected:
            return
        wanted = stream.expected.pop(0)
        if (wanted.event, wanted.meta) != (told.event, told.meta):
            stream.expected.clear()
            self.problem(row, "does_not_follow")

    def header(self, command: SignedCommand) -> tuple[Header, frozenset[tuple[str, str, str]]]:
        """A header whose signature is right, with the commands it covers; each is verified once."""
        known = self.verified.get(command.batch_digest)
        if known is None:
            header = self.keys.verify(command.header, command.signature, any_epoch=True)
            known = self.verified[command.batch_digest] = header, frozenset(header.items)
            self.report.signatures += 1
        return known

    def expect_clock(self, row: RecordedEvent, stream: _Stream) -> None:
        """Work out what the clock said, from the state before it and the ledger's time."""
        if stream.decider is None or (ripe := stream.decider.due(stream.state, stream.rules, row.recorded_at)) is None:
            self.problem(row, "clock_not_due")
            return
        instant, acts = ripe
        act = next((act for act in acts if clock_command_id(row.stream, act, instant) == row.command_id), None)
        if act is None:
            self.problem(row, "clock_not_due")
            return
        authenticated = AuthenticatedCommand(
            stream=row.stream,
            command=act,
            actor=CLOCK,
            unit="",
            issued=instant,
            command_id=row.command_id,
            happened=When.at(instant),
        )
        stream.expected = list(stream.decider.decide(authenticated, stream.state, stream.rules, row.version - 1))

    async def fold(self, row: RecordedEvent, told: EventEnvelope[Event], stream: _Stream) -> None:
        stream.position = row.position
        if stream.decider is None:
            return
        stream.told.append(told)
        if told.event.NAME == "ActCorrected":
            stream.state = stream.decider.fold(stream.told)
        else:
            stream.state = stream.decider.evolve(stream.state, told)
        digest = stream.decider.edition(stream.state)
        if digest is not None and digest != stream.digest:
            edition = await self.edition_of(digest)
            if edition is None:
                self.problem(row, "edition_missing", digest)
            stream.rules, stream.digest = edition or NO_RULES, digest
