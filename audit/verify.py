"""Verification of a whole ledger: no row was changed, and an authorised command or a deadline explains every event.

The ledger is read once, in position order. There is no gap, every digest is right, every stream is chained, and every
event follows from a signed command or from the clock. The report names the first broken position.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import installation
from domain.city_year import CityState
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.decider import FoldedStream
from domain.records import CLOCK, RESERVED, AlreadyRecorded, Event, EventEnvelope, Refused
from domain.rules import NO_RULES, Adoption, Edition, in_force
from domain.state import State
from domain.steps.clock import clock_command_id
from domain.streams import folded, is_cycle, is_year
from domain.strengths import Strength
from domain.times import When
from ledger.checkpoints import Checkpoint, merkle_root
from ledger.events import NO_DIGEST, LedgerTip, RecordedEvent, StreamTip
from ledger.mapping import authenticate, to_envelope
from ledger.protocol import Ledger
from ledger.signing import BatchItem, Header, Keys, NotSignedError, SignedCommand

PAGE = 2_000
ROWS_PER_YIELD = 100
"""After so many rows, other tasks of the process run."""

PROBLEMS_KEPT = 50

EditionOf = Callable[[str], Awaitable[Edition | None]]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding. `code` is stable for users; `position` is None for a finding outside the ledger."""

    position: int | None
    stream: str
    code: str
    detail: str = ""


@dataclass(slots=True)
class VerificationReport:
    """The counts of what was checked, and the problems found."""

    events: int = 0
    streams: Counter[str] = field(default_factory=Counter)
    signatures: int = 0
    clock_acts: int = 0
    problems: list[Problem] = field(default_factory=list)
    root: str = ""
    commitments: dict[str, set[str]] = field(default_factory=dict)
    """The commitments to the actors' names in the signed headers, by person."""

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    @property
    def first_broken(self) -> int | None:
        """The lowest position with a problem; None if there is none."""
        return min((p.position for p in self.problems if p.position is not None), default=None)


@dataclass(slots=True)
class _Stream:
    """A stream while it is read: its tip as stored, its history and its folded state."""

    folded: FoldedStream[State] | FoldedStream[CityState] | None
    """None for the installation's own streams, which no decider decides."""
    tip: StreamTip = field(default_factory=StreamTip)
    history: list[EventEnvelope[Event]] = field(default_factory=list)
    rules: Edition = NO_RULES
    adoptions: tuple[Adoption, ...] = ()
    editions: dict[str, Edition] = field(default_factory=dict)
    position: int = 0
    """The position of the last event read."""
    expected: list[EventEnvelope[Event]] = field(default_factory=list)
    """The events that must still follow from the command that was decided again last."""
    commands: set[UUID] = field(default_factory=set)
    """The signed commands whose events were read."""


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
    """Check the whole ledger.

    `entry_key` is the installation's public key in hex, if the auditor has it from another source. `checkpoints` must
    match the ledger; `progress` is called with the number of events after each page.
    """
    verification = _Verification(ledger, edition_of, installation_id, epoch, checkpoints)
    verification.entry_key = entry_key
    return await verification.run(progress)


class _Verification:
    """The state of one run of `verify`."""

    def __init__(
        self, ledger: Ledger, edition_of: EditionOf, installation_id: str, epoch: int, marks: tuple[Checkpoint, ...]
    ) -> None:
        self.ledger, self.edition_of = ledger, edition_of
        self.keys = Keys(installation_id, epoch, {})
        self.marks = {mark.position: mark for mark in marks}
        self.entry_key: str | None = None
        self.rehearsal = False
        self.report = VerificationReport()
        self.streams: dict[str, _Stream] = {}
        self.leaves: list[bytes] = []
        self.recorded_at: datetime | None = None
        self.law = 1
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
                if position % ROWS_PER_YIELD == 0:
                    await asyncio.sleep(0)
            progress(self.report.events)
        for name, stream in self.streams.items():
            if stream.expected:
                missing = stream.expected[0].event.NAME
                self.report.problems.append(Problem(stream.position, name, "incomplete", missing))
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
            is_decided = is_cycle(row.stream) or is_year(row.stream)
            stream = self.streams[row.stream] = _Stream(folded(row.stream) if is_decided else None)
        if self.recorded_at is not None and row.recorded_at < self.recorded_at:
            self.problem(row, "time_fell")
        self.recorded_at = row.recorded_at
        if row.version != stream.tip.version + 1:
            self.problem(row, "version", f"{stream.tip.version + 1}")
        if row.previous != stream.tip.digest:
            self.problem(row, "previous")
        has_sound_body = self.check_body(row)
        stream.tip = row.tip
        mark = self.marks.get(row.position)
        if mark is not None and (mark.digest != row.digest.hex() or mark.root != merkle_root(self.leaves).hex()):
            self.problem(row, "checkpoint")
        try:
            envelope = to_envelope(row)
        except Exception as error:  # noqa: BLE001 - any manipulation of the payload must end as a finding
            if has_sound_body:
                self.problem(row, "unreadable", type(error).__name__)
            stream.expected.clear()
            return
        await self.check_origin(row, envelope, stream)
        await self.fold(row, envelope, stream)

    def check_body(self, row: RecordedEvent) -> bool:
        """Check digest, body, columns and law of a row. Return whether the body can be read as it is spelled."""
        if row.expected_digest() != row.digest:
            self.problem(row, "digest")
        fault = row.fault()
        if fault is not None:
            self.problem(row, fault)
        if row.law < self.law:
            self.problem(row, "law_fell", f"{row.law}")
        self.law = max(self.law, row.law)
        return fault is None

    async def check_origin(self, row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        """Check that the event comes from a signed command, the clock, the post or the bootstrap."""
        if row.command_digest is not None:
            await self.check_signature(row, stream)
            self.check_expected(row, envelope, stream)
            if isinstance(envelope.event, installation.EntryKeyNamed):
                await self.add_key(row, envelope.event)
        elif row.actor == CLOCK and stream.folded is not None:
            self.report.clock_acts += 1
            if not stream.expected:
                self.expect_clock_events(row, stream)
            self.check_expected(row, envelope, stream)
        elif isinstance(envelope.event, installation.InstallationFounded) and row.position == 1:
            if envelope.event.installation != self.keys.installation:
                self.problem(row, "other_installation")
            if self.entry_key is not None and envelope.event.public_key != self.entry_key:
                self.problem(row, "other_key")
            self.keys = Keys(self.keys.installation, self.keys.epoch, installation.keys([envelope]))
            self.rehearsal = envelope.event.rehearsal
        elif row.stream != installation.POST_STREAM:
            self.problem(row, "unsigned")

    async def check_signature(self, row: RecordedEvent, stream: _Stream) -> None:
        """Check the command's signature, actor and expiry, and decide it again at its first event."""
        if row.command_digest is None:
            return
        command = await self.ledger.command(row.command_digest)
        if command is None or command.digest != row.command_digest:
            self.problem(row, "command_missing")
            return
        item = BatchItem(row.stream, row.command_id, command.payload)
        try:
            header, covered = self.verified_header(command)
        except NotSignedError as error:
            self.problem(row, "signature", error.code)
            return
        if (item.stream, str(item.command_id), item.payload_digest) not in covered:
            self.problem(row, "signature", "not_covered")
        if (row.actor, row.unit, row.stand_in_for) != (header.actor, header.unit, header.stand_in_for):
            self.problem(row, "signature", "other_person")
        if (detail := self.impossible(row, header)) is not None:
            self.problem(row, "signature", detail)
        if row.recorded_at > header.expires:
            self.problem(row, "expired")
        if header.commitment is not None:
            self.report.commitments.setdefault(header.actor, set()).add(header.commitment)
        if stream.folded is not None and not stream.expected:
            self.expect_events(row, item, header, stream)

    def impossible(self, row: RecordedEvent, header: Header) -> str | None:
        """Return what no entry point of this installation signs, whatever its key; None when nothing is found."""
        if header.actor in RESERVED:
            return "reserved_name"
        if not self.stood_before(row, header.read):
            return "other_ledger"
        is_rehearsed = header.strength == Strength.REHEARSAL
        return "rehearsal_elsewhere" if is_rehearsed and not self.rehearsal else None

    def stood_before(self, row: RecordedEvent, read: LedgerTip) -> bool:
        """Return whether the event that was the newest when a command was signed stands before the command's own."""
        if read.position == 0:
            return read.digest == NO_DIGEST
        return read.position < row.position and self.leaves[read.position - 1] == read.digest

    async def add_key(self, row: RecordedEvent, event: installation.EntryKeyNamed) -> None:
        """Accept a key if the command that names it is signed with a key that was accepted before."""
        signed = await self.ledger.command(row.command_digest or b"")
        expected = installation.NameEntryKey(**dict(event))
        try:
            command = CommandPayload.model_validate_json(signed.payload).parsed() if signed is not None else None
        except (Refused, ValueError):
            command = None
        if command != expected or row.stream != installation.STREAM:
            self.problem(row, "does_not_follow")
            return
        public = {**self.keys.public, event.key: bytes.fromhex(event.public_key)}
        self.keys = Keys(self.keys.installation, self.keys.epoch, public)

    def expect_events(self, row: RecordedEvent, item: BatchItem, header: Header, stream: _Stream) -> None:
        """Decide the command again on the state before it, and keep its events as expected."""
        if stream.folded is None:
            return
        if item.command_id in stream.commands:
            # A copy of events behind a real signature follows from their command, too.
            self.problem(row, "repeated")
        stream.commands.add(item.command_id)
        try:
            authenticated = authenticate(item, header)
            history = tuple(stream.history)
            envelopes = stream.folded.decide(authenticated, stream.rules, row.version - 1, history)
        except (Refused, AlreadyRecorded) as answer:
            self.problem(row, "not_decided", str(answer.args[0]))
        except Exception as error:  # noqa: BLE001 - any manipulation of the command must end as a finding
            self.problem(row, "not_decided", type(error).__name__)
        else:
            stream.expected = list(envelopes)

    def check_expected(self, row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        """Check that the event is the next expected one, if events are expected."""
        if stream.folded is None:
            return
        if not stream.expected:
            return
        expected = stream.expected.pop(0)
        if (expected.event, expected.meta) != (envelope.event, envelope.meta._replace(recorded=None)):
            stream.expected.clear()
            self.problem(row, "does_not_follow")

    def verified_header(self, command: SignedCommand) -> tuple[Header, frozenset[tuple[str, str, str]]]:
        """Return the header of a command and the items it covers. The signature of a batch is verified once.

        Raises:
            NotSignedError: the signature is wrong.
        """
        known = self.verified.get(command.batch_digest)
        if known is None:
            header = self.keys.verify(command.header, command.signature, (), any_epoch=True)
            known = self.verified[command.batch_digest] = header, frozenset(header.items)
            self.report.signatures += 1
        return known

    def expect_clock_events(self, row: RecordedEvent, stream: _Stream) -> None:
        """Compute the clock's command from the state before it, and keep its events as expected."""
        if stream.folded is None or (due := stream.folded.due(stream.rules, row.recorded_at)) is None:
            self.problem(row, "clock_not_due")
            return
        instant, commands = due
        command = next((c for c in commands if clock_command_id(row.stream, c, instant) == row.command_id), None)
        if command is None:
            self.problem(row, "clock_not_due")
            return
        authenticated = AuthenticatedCommand(
            stream=row.stream,
            command=command,
            actor=CLOCK,
            unit="",
            issued=instant,
            command_id=row.command_id,
            happened=When.at(instant),
        )
        stream.expected = list(stream.folded.decide(authenticated, stream.rules, row.version - 1))

    async def fold(self, row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        """Add the event to the stream's state, and load the edition if it changes."""
        stream.position = row.position
        if stream.folded is None:
            return
        stream.history.append(envelope)
        if envelope.event.NAME == "ActCorrected":
            stream.folded.fold(stream.history)
        else:
            stream.folded.evolve(envelope)
        if (adoptions := stream.folded.adoptions()) != stream.adoptions:
            for digest in {adoption.edition for adoption in adoptions} - set(stream.editions):
                edition = await self.edition_of(digest)
                if edition is None:
                    self.problem(row, "edition_missing", digest)
                stream.editions[digest] = edition or NO_RULES
            stream.rules, stream.adoptions = in_force(adoptions, stream.editions), adoptions
