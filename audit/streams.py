"""The second part of a verification: signatures and decisions, stream by stream.

Streams depend on each other only by the keys, which the stream of the installation names, so several processes can
check them side by side (`audit/processes.py`). Of a stream its history is kept, of the post a page.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from audit.keys import KeyHistory
from audit.laws import faults_of_law
from audit.report import BesideProblem, StreamReport, Untrusted, add_untrusted
from domain import installation, law
from domain.administration import ADMINISTRATION
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.records import CLOCK, RESERVED, AlreadyRecorded, Event, EventEnvelope, Refused
from domain.references import Named, references
from domain.rules import NO_RULES, Adoption, Edition, in_force
from domain.steps.clock import clock_command_id
from domain.streams import AnyFoldedStream, folded, is_decided
from domain.strengths import Strength
from domain.times import When
from ledger.connection import DATABASE_ERRORS
from ledger.events import NO_DIGEST, LedgerTip, RecordedEvent
from ledger.mapping import authenticate, to_envelope
from ledger.protocol import Ledger
from ledger.signing import LIFETIME, SKEW, BatchItem, Header, Keys, NotSignedError, SignedCommand

_ADMINISTRATION = frozenset(event.NAME for event in ADMINISTRATION)

EditionOf = Callable[[str], Awaitable[Edition | None]]


class NamedOutside(Protocol):
    """Checks what events name outside the ledger (`audit.beside.Vault`)."""

    async def check(self, texts: set[str], persons: set[Named], files: set[str], found: StreamReport) -> None:
        """Note the texts, persons and files that are gone or are others than those that were named."""

    async def check_commands(self, used: array[int]) -> list[BesideProblem]:
        """Return the signed commands that no event has. `used`: how the digests of those begin that have one."""


@dataclass(frozen=True, slots=True)
class Tip:
    """How far a stream is checked: up to the event that the first part read last."""

    version: int
    digest: bytes


@dataclass(slots=True)
class _Stream:
    """A stream while it is read: its history and its folded state."""

    name: str
    folded: AnyFoldedStream | None
    """None for the post, whose events no decider decides."""
    found: StreamReport = field(default_factory=StreamReport)
    history: list[EventEnvelope[Event]] = field(default_factory=list)
    rules: Edition = NO_RULES
    adoptions: tuple[Adoption, ...] = ()
    editions: dict[str, Edition] = field(default_factory=dict)
    last: RecordedEvent | None = None
    """The event read last."""
    expected: list[EventEnvelope[Event]] = field(default_factory=list)
    """The events that must still follow from the command that was decided again last."""
    commands: set[UUID] = field(default_factory=set)
    """The signed commands whose events were read."""
    not_here: set[str] = field(default_factory=set)
    """Digests and commitments of which a signed command says that nothing was stored for them."""
    texts: set[str] = field(default_factory=set)
    persons: set[Named] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    @property
    def position(self) -> int | None:
        """The position of the event read last; None before the first."""
        return None if self.last is None else self.last.position

    def problem(self, row: RecordedEvent, code: str, detail: str = "") -> None:
        self.found.problem(row.position, row.stream, code, detail)

    def is_undecided(self, row: RecordedEvent) -> bool:
        """Return whether a decider decided the event by a law that this version does not carry."""
        if row.stream == installation.STREAM and row.type not in _ADMINISTRATION:
            return False  # events about keys and laws hold under every law
        return self.folded is not None and row.law != law.LAW

    def count_undecided(self, row: RecordedEvent) -> None:
        """Count an event whose decision is not checked."""
        self.found.undecided[row.law] = self.found.undecided.get(row.law, 0) + 1

    def goes_on_in(self, row: RecordedEvent) -> bool:
        """Return whether an event can be the next one of the command of the event read last.

        The events of a command are appended together, so a copy that is appended later has another time or place.
        """
        last = self.last
        return last is not None and (last.command_id, last.position + 1, last.recorded_at) == (
            row.command_id,
            row.position,
            row.recorded_at,
        )


class StreamChecker:
    """Checks streams of one ledger, with the keys that its installation names."""

    def __init__(
        self, ledger: Ledger, edition_of: EditionOf, keys: KeyHistory, outside: NamedOutside | None = None
    ) -> None:
        self._ledger, self._edition_of, self._keys, self._outside = ledger, edition_of, keys, outside
        self._commands: dict[bytes, SignedCommand] = {}
        """The signed commands of the page that is checked."""
        self._read: dict[int, bytes] = {}
        """The digests of the events that were the newest when these commands were signed."""
        self._header: tuple[bytes, Keys, Header, frozenset[tuple[str, str, str]]] | None = None
        """The batch whose signature was checked last, with which keys, its header and the items that it covers."""

    async def check(self, name: str, tip: Tip) -> StreamReport:
        """Check a stream up to its tip."""
        stream = _Stream(name, folded(name) if is_decided(name) else None)
        version, digest = 0, b""
        while version < tip.version:
            page = [row for row in await self._ledger.load(name, version) if row.version <= tip.version]
            if not page:
                break
            digests = {one for one in map(_command_digest, page) if one is not None}
            self._commands = await self._ledger.commands(digests)
            self._read = await self._ledger.digests_at(
                {one.position for one in map(_read_of, self._commands.values()) if one}
            )
            for row in page:
                await self._check(row, stream)
            version, digest = page[-1].version, page[-1].digest
            await self._check_named(stream)
        if (version, digest) != (tip.version, tip.digest):
            # It was whole in the first part: somebody changes the ledger while it is verified.
            stream.found.problem(stream.position, name, "changed_meanwhile")
        if stream.expected:
            stream.found.problem(stream.position, name, "incomplete", stream.expected[0].event.NAME)
        return stream.found

    async def _check_named(self, stream: _Stream) -> None:
        if self._outside is not None:
            persons = {(person, name) for person, name in stream.persons if name not in stream.not_here}
            await self._outside.check(stream.texts - stream.not_here, persons, stream.files, stream.found)
        for names in (stream.texts, stream.persons, stream.files):
            names.clear()

    async def _check(self, row: RecordedEvent, stream: _Stream) -> None:
        fault = row.fault()
        if fault in {"body_spelling", "body_too_long"}:
            stream.problem(row, fault)
        try:
            envelope = to_envelope(row)
        except Exception as error:  # noqa: BLE001 - any manipulation of the payload must end as a finding
            if fault is None:  # otherwise one of the parts tells of the body
                stream.problem(row, "unreadable", type(error).__name__)
            stream.expected.clear()
            return
        self._note_named(row, envelope, stream)
        try:
            self._check_origin(row, envelope, stream)
            await self._fold(row, envelope, stream)
        except DATABASE_ERRORS:
            raise  # nothing is wrong with the event
        except Exception as error:  # noqa: BLE001 - an event of another kind of stream, which no step evolves from
            stream.problem(row, "does_not_follow", type(error).__name__)
            stream.expected.clear()

    @staticmethod
    def _note_named(row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        texts, persons = references(envelope.event)
        stream.texts |= texts
        stream.persons |= persons
        if "tep/" in row.payload:
            stream.files.add(row.payload)

    def _check_origin(self, row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        """Check that the event comes from a signed command, the clock, the post or the bootstrap."""
        if row.command_digest is not None:
            stream.found.signed_events += 1
            self._check_command(row, row.command_digest, stream)
            self._check_expected(row, envelope, stream)
        elif row.actor == CLOCK and stream.folded is not None:
            stream.found.clock_acts += 1
            if stream.is_undecided(row):
                stream.count_undecided(row)
            elif not stream.expected:
                self._expect_clock_events(row, stream)
            self._check_expected(row, envelope, stream)
        elif row.stream == installation.POST_STREAM:
            stream.found.unsigned += 1
        elif row.position == 1 and isinstance(envelope.event, installation.InstallationFounded):
            stream.found.founded += 1
        else:
            stream.problem(row, "unsigned")

    def _check_command(self, row: RecordedEvent, digest: bytes, stream: _Stream) -> None:
        """Check the command's signature, actor and times, and decide it again at its first event."""
        command = self._commands.get(digest)
        if command is None or command.digest != digest:
            stream.problem(row, "command_missing")
            return
        item = BatchItem(row.stream, row.command_id, command.payload)
        try:
            header, covered = self._verified(command, row.position)
        except NotSignedError as error:
            stream.problem(row, "signature", error.code)
            return
        of_law = faults_of_law(row, header, command, self._keys)
        for fault in (*self._faults(row, item, header, covered, command), *of_law):
            stream.problem(row, *fault)
        if '"not_here":' in command.payload:
            with suppress(ValueError):  # the decision tells of a payload that cannot be read
                stream.not_here.update(CommandPayload.model_validate_json(command.payload).not_here)
        stream.found.epoch = max(stream.found.epoch, header.epoch)
        if header.commitment is not None:
            stream.persons.add((header.actor, header.commitment))
        if not stream.expected:
            self._decide_again(row, item, header, stream)

    def _decide_again(self, row: RecordedEvent, item: BatchItem, header: Header, stream: _Stream) -> None:
        """Decide the command of an event that no earlier one of the command announced, unless by another law."""
        undecided = stream.is_undecided(row)
        if row.command_id not in stream.commands:
            stream.commands.add(row.command_id)
            stream.found.signatures += 1
            self._check_trust(row, header.key, stream)
        elif not (undecided and stream.goes_on_in(row)):
            # A copy of events behind a real signature follows from their command, too.
            stream.problem(row, "repeated")
        if undecided:
            stream.count_undecided(row)
        else:
            self._expect_events(row, item, header, stream)

    def _check_trust(self, row: RecordedEvent, key: str, stream: _Stream) -> None:
        """Note a command that was signed with a compromised key after the position up to which it is trusted."""
        limit = self._keys.trusted_until(key)
        if limit is not None and row.position > limit:
            one = Untrusted(key, self._keys.newest[key].kind, limit, row.position, row.stream, str(row.command_id))
            add_untrusted(stream.found.untrusted, one)

    def _faults(
        self,
        row: RecordedEvent,
        item: BatchItem,
        header: Header,
        covered: frozenset[tuple[str, str, str]],
        command: SignedCommand,
    ) -> Iterable[tuple[str, str] | tuple[str]]:
        """Yield what is wrong with a signed command beside its events: code and detail."""
        if (item.stream, str(item.command_id), item.payload_digest) not in covered:
            yield "signature", "not_covered"
        if (row.actor, row.unit, row.stand_in_for) != (header.actor, header.unit, header.stand_in_for):
            yield "signature", "other_person"
        if command.unit != header.unit:
            yield "command_unit", command.unit
        if not self._stood_before(row, header.read):
            yield "signature", "other_ledger"
        if row.recorded_at > header.expires:
            yield ("expired",)
        if row.recorded_at + SKEW < header.issued:
            yield "before_issued", header.issued.isoformat()
        yield from self._signer_faults(item, header)

    def _signer_faults(self, item: BatchItem, header: Header) -> Iterable[tuple[str, str]]:
        """Yield what its signer should not have signed: code and detail."""
        if not self._keys.newest[header.key].may_sign(item.stream, item.payload, header.strength):
            yield "wrong_key", header.key
        # What no entry point of this installation signs, even if a stranger holds its key.
        if header.actor in RESERVED:
            yield "signature", "reserved_name"
        if header.strength == Strength.REHEARSAL and not self._keys.rehearsal:
            yield "signature", "rehearsal_elsewhere"
        if header.expires - header.issued != LIFETIME:
            yield "signature", "lifetime"

    def _stood_before(self, row: RecordedEvent, read: LedgerTip) -> bool:
        """Return whether the event that was the newest when a command was signed stands before the command's own."""
        if read.position == 0:
            return read.digest == NO_DIGEST
        return read.position < row.position and self._read.get(read.position) == read.digest

    def _verified(self, command: SignedCommand, position: int) -> tuple[Header, frozenset[tuple[str, str, str]]]:
        """Return the header of a command and the items it covers.

        Raises:
            NotSignedError: the signature is wrong.
        """
        keys = self._keys.at(position)
        # A key may have been retired between two events of a batch.
        if self._header is None or self._header[0] != command.batch_digest or self._header[1] is not keys:
            header = keys.verify(command.header, command.signature, (), any_epoch=True)
            self._header = command.batch_digest, keys, header, frozenset(header.items)
        return self._header[2:]

    def _expect_events(self, row: RecordedEvent, item: BatchItem, header: Header, stream: _Stream) -> None:
        """Decide the command again on the state before it, and keep its events as expected."""
        if stream.folded is None or (row.stream == installation.STREAM and row.type not in _ADMINISTRATION):
            return  # the first event and keys: `audit.keys` checks them
        try:
            authenticated = authenticate(item, header)
            history = tuple(stream.history) if authenticated.command.NAME == "correct" else ()
            envelopes = stream.folded.decide(authenticated, stream.rules, row.version - 1, history)
        except (Refused, AlreadyRecorded) as answer:
            stream.problem(row, "not_decided", str(answer.args[0]))
        except Exception as error:  # noqa: BLE001 - any manipulation of the command must end as a finding
            stream.problem(row, "not_decided", type(error).__name__)
        else:
            stream.expected = list(envelopes)

    @staticmethod
    def _check_expected(row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        """Check that the event is the next expected one, if events are expected."""
        if not stream.expected:
            return
        expected = stream.expected.pop(0)
        if (expected.event, expected.meta) != (envelope.event, envelope.meta._replace(recorded=None)):
            stream.expected.clear()
            stream.problem(row, "does_not_follow")

    @staticmethod
    def _expect_clock_events(row: RecordedEvent, stream: _Stream) -> None:
        """Compute the clock's command from the state before it, and keep its events as expected."""
        if stream.folded is None or (due := stream.folded.due(stream.rules, row.recorded_at)) is None:
            stream.problem(row, "clock_not_due")
            return
        instant, commands = due
        command = next((c for c in commands if clock_command_id(row.stream, c, instant) == row.command_id), None)
        if command is None:
            stream.problem(row, "clock_not_due")
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

    async def _fold(self, row: RecordedEvent, envelope: EventEnvelope[Event], stream: _Stream) -> None:
        """Add the event to the stream's state, and load the edition if it changes."""
        stream.last = row
        if stream.folded is None:
            return
        stream.history.append(envelope)
        if envelope.event.NAME == "ActCorrected":
            stream.folded.fold(stream.history)
        else:
            stream.folded.evolve(envelope)
        if (adoptions := stream.folded.adoptions()) != stream.adoptions:
            for digest in {adoption.edition for adoption in adoptions} - set(stream.editions):
                edition = await self._edition_of(digest)
                if edition is None:
                    stream.problem(row, "edition_missing", digest)
                stream.editions[digest] = edition or NO_RULES
            stream.rules, stream.adoptions = in_force(adoptions, stream.editions), adoptions


def _command_digest(row: RecordedEvent) -> bytes | None:
    try:
        return row.command_digest
    except ValueError:
        return None  # the first part tells of a body that cannot be read


def _read_of(command: SignedCommand) -> LedgerTip | None:
    try:
        return Header.parse(command.header).read
    except NotSignedError:
        return None


def stream_tips(tips: Mapping[str, tuple[int, bytes]]) -> dict[str, Tip]:
    """Return the streams to be checked, the longest first: so that no process is left with a long one at the end."""
    ordered = sorted(tips.items(), key=lambda one: -one[1][0])
    return {name: Tip(version, digest) for name, (version, digest) in ordered}
