"""The application as an entry point uses it: ledger, vault, engine client, and the gate that signs for its users."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from application.answers import Answers
from application.dry_run_texts import DryRunTexts
from application.earlier_acts import add_earlier_act
from application.engine import RefusedError, UnreachableError
from application.fields import FieldFiller, clean_fields
from application.gate import Gate, Submitter
from application.pasted_text import Changes
from application.predecessors import TAKING_OVER, require_predecessors
from application.readable import ReadablePart
from application.work import of_many
from domain.codec import UnknownEventError, decode
from domain.commands import CommandPayload, parse_command, parse_signatories
from domain.cycle import CYCLE
from domain.earlier_acts import may_follow
from domain.records import Command, Event, EventEnvelope, Refused
from domain.rules import Adoption, Edition, edition_of, in_force
from domain.state import State
from domain.steps.lifecycle import ChangeCalendar, StepTo
from domain.steps.signatories import Signatories
from domain.streams import STREAM_CHARS, is_cycle, is_stream
from domain.times import When
from domain.types import Provenance
from errors import CodedError, InputError, NotFoundError
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import UnreadableRowError, load_all
from ledger.signing import BatchItem, SignedBatch
from vault.persons import Contact, People
from vault.texts import Texts

if TYPE_CHECKING:
    from application.engine import EngineClient
    from ledger.receipts import Receipt


STREAMS_AT_ONCE = 8
"""To so many streams commands are submitted side by side."""

MOVES_TIME = frozenset({ChangeCalendar.NAME, StepTo.NAME})
"""Commands after which one wants to see what has become due: their answer waits for the clock."""


@dataclass(frozen=True, slots=True)
class CommandInput:
    """A command as an entry point received it: texts in place of digests, persons without commitments.

    `act` is the command's name. Repeating the same `command_id` has no further effect.
    """

    stream: str
    act: str
    fields: dict[str, Any]
    command_id: UUID = field(default_factory=uuid4)
    happened: When | None = None
    effective: date | None = None
    provenance: Provenance | None = None
    meeting: str | None = None
    act_key: str | None = None
    signatories: dict[str, Any] | None = None
    based_on: int | None = None
    """The version of the stream that the actor had read, where the entry point knows it."""

    def cleaned(self) -> dict[str, Changes]:
        """Return what is changed in its texts before they are signed (`clean_fields`), by the paths of the fields.

        Raises:
            InputError: `bad_character`: a text holds what cannot be kept.
        """
        command_type = Command.KNOWN.get(self.act)
        found = clean_fields(command_type, self.fields).changes if command_type is not None else {}
        instead = self.fields.get("instead")
        if isinstance(instead, Mapping) and (replacing := Command.KNOWN.get(str(instead.get("act")))) is not None:
            found.update(clean_fields(replacing, instead).changes)
        return found


@dataclass(slots=True)
class Application:
    """An open installation. `client` is None when the entry point only reads."""

    gate: Gate
    ledger: PostgresLedger
    texts: Texts
    people: People
    client: EngineClient | None
    answers: Answers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.answers = Answers(self.ledger, self.rules)

    async def close(self) -> None:
        """Let submissions whose answer was given come to their end in the engine."""
        await self.answers.close()

    @property
    def rehearsal(self) -> bool:
        """Whether the installation is one for rehearsal."""
        return self.gate.rehearsal

    async def submit(self, stream: str, submitter: Submitter, inputs: Sequence[CommandInput]) -> Receipt:
        """Sign commands for a person and submit them to one stream. Texts are stored once the gate is open.

        Raises:
            InputError, GateClosedError, Refused, RefusedError, PendingError, UnreachableError
        """
        await self.gate.check(submitter, inputs)
        return await self.submit_items(stream, submitter, [await self.item(command_input) for command_input in inputs])

    async def submit_items(self, stream: str, submitter: Submitter, items: Sequence[BatchItem]) -> Receipt:
        """Sign items for a person and submit them to one stream.

        Raises:
            GateClosedError, RefusedError, PendingError, UnreachableError
        """
        try:
            return await self.submit_signed(stream, await self.gate.sign(submitter, items))
        except RefusedError as refusal:
            at = refusal.index or 0
            await self.tell_who_came_first(refusal, items[at].stream if at < len(items) else stream, submitter)
            raise

    async def submit_signed(self, stream: str, batch: SignedBatch) -> Receipt:
        """Submit a signed batch to one stream.

        Raises:
            RefusedError, PendingError, UnreachableError: see `application.answers`.
        """
        if self.client is None:
            raise RuntimeError("this application only reads")
        moves_time = is_cycle(stream) and any(_act(item) in MOVES_TIME for item in batch.items)
        return await self.answers.submit(self.client, stream, batch, to_the_end=moves_time)

    async def submit_to_each(
        self, submitter: Submitter, inputs: Sequence[CommandInput]
    ) -> list[tuple[str, CodedError | None]]:
        """Sign commands for many streams under one signature, and submit to each stream its own.

        Returns each stream with what went wrong there; None where the commands were entered.

        Raises:
            InputError, GateClosedError, Refused: then nothing was submitted.
        """
        await self.gate.check(submitter, inputs)
        batch = await self.gate.sign(submitter, [await self.item(one) for one in inputs])
        slots = asyncio.Semaphore(STREAMS_AT_ONCE)

        async def one(stream: str) -> tuple[str, CodedError | None]:
            async with slots:
                try:
                    if self.client is None:
                        raise UnreachableError
                    await self.submit_signed(stream, batch.only(stream))
                except CodedError as error:
                    if isinstance(error, Refused):
                        await self.tell_who_came_first(error, stream, submitter)
                    return stream, error
            return stream, None

        return list(
            await asyncio.gather(*(one(stream) for stream in dict.fromkeys(item.stream for item in batch.items)))
        )

    async def tell_who_came_first(self, refusal: Refused, stream: str, submitter: Submitter) -> None:
        """Add to a refusal of a cycle's command who did before what it tells of, and when."""
        if not may_follow(refusal.code) or not is_cycle(stream) or not await self.ledger.last(stream):
            return
        history = await self.history(stream)
        envelopes = tuple(envelope for _row, envelope in history)
        state = await of_many(len(envelopes), CYCLE.fold, envelopes)
        who = await self.gate.readers_of(submitter, stream, state)
        part = ReadablePart(submitter.unit, who, envelopes, state, await self.rules(CYCLE.adoptions(state)))
        await add_earlier_act(refusal, {row.version: row for row, _envelope in history}, part, self.people)

    async def item(
        self, command_input: CommandInput, filler: FieldFiller | None = None, coming: Iterable[str] = ()
    ) -> BatchItem:
        """Return the command as a batch item. Its texts are stored, unless another `filler` is given.

        `coming` are cycles that are not open yet and that the command may name.

        Raises:
            InputError, Refused: a field is invalid. Then no text was stored.
            NotFoundError: the stream has a name that no cycle and no year can have.
        """
        instead = command_input.fields.get("instead")
        replacing = instead if isinstance(instead, Mapping) else {}
        for act, fields in ((command_input.act, command_input.fields), (replacing.get("act"), replacing)):
            if act == TAKING_OVER:
                await require_predecessors(self.ledger, fields.get("predecessors"), coming)
        if filler is not None:
            return await self._item(command_input, filler)
        # The dry run comes first, so that an invalid command stores nothing.
        dry_run_texts = DryRunTexts(self.texts)
        item = await self._item(command_input, FieldFiller(dry_run_texts, self.people))
        if not dry_run_texts.used:
            return item
        return await self._item(command_input, FieldFiller(self.texts, self.people))

    async def _item(self, command_input: CommandInput, filler: FieldFiller) -> BatchItem:
        if len(command_input.stream) > STREAM_CHARS or not is_stream(command_input.stream):
            raise NotFoundError("no_such_cycle", cycle=command_input.stream[:STREAM_CHARS])
        command_type = Command.KNOWN.get(command_input.act)
        if command_type is None:
            raise Refused("unknown_act", act=command_input.act)
        filled = await filler.fill(command_type, command_input.fields)
        if command_input.act == "correct" and (instead := command_input.fields.get("instead")):
            if not isinstance(instead, Mapping):
                raise InputError("field_bad", "instead", place="instead", found=str(instead)[:80])
            replacing_type = Command.KNOWN.get(str(instead.get("act")))
            if replacing_type is not None:
                fields = {name: value for name, value in instead.items() if name != "act"}
                replacing = parse_command(replacing_type.NAME, await filler.fill(replacing_type, fields))
                filled["instead"] = {"act": replacing_type.NAME, **replacing.model_dump(mode="json")}
        signatories = None
        if command_input.signatories is not None:
            signatories = parse_signatories(await filler.fill(Signatories, command_input.signatories))
        known = await self.texts.known(filler.given) | await self.people.known(filler.given) if filler.given else set()
        payload = CommandPayload.of(
            parse_command(command_input.act, filled),
            happened=command_input.happened,
            effective=command_input.effective,
            provenance=command_input.provenance,
            meeting=command_input.meeting,
            act_key=command_input.act_key,
            signatories=signatories,
            based_on=command_input.based_on,
            not_here=tuple(sorted(filler.given - known)),
        )
        filler.given.clear()
        return BatchItem(command_input.stream, command_input.command_id, payload.model_dump_json())

    async def person(self, person: str) -> Contact:
        """Return the person with this id.

        Raises:
            InputError: `unknown_person`.
        """
        contact = await self.people.get(person)
        if contact is None:
            raise InputError("unknown_person", person=person)
        return contact

    async def history(self, stream: str) -> tuple[tuple[RecordedEvent, EventEnvelope[Event]], ...]:
        """Return the stream's rows, each with its event.

        Raises:
            NotFoundError: there is no such stream.
            UnreadableRowError: a row was changed and is no valid event, or this version does not know its type.
        """
        rows = await load_all(self.ledger, stream)
        if not rows:
            raise NotFoundError("no_such_cycle", cycle=stream)
        return await of_many(len(rows), _with_envelopes, rows)

    async def state(self, stream: str) -> tuple[State, Edition]:
        """Return the current state of a cycle and the rules in force."""
        state = CYCLE.fold(envelope for _row, envelope in await self.history(stream))
        return state, await self.rules(CYCLE.adoptions(state))

    async def rules(self, adoptions: Sequence[Adoption], unsaved: Mapping[str, Edition] | None = None) -> Edition:
        """Return the rules in force. `unsaved` holds editions that are not stored yet, by digest.

        Raises:
            InputError: `edition_missing`.
        """
        editions = dict(unsaved or {})
        for digest in {adoption.edition for adoption in adoptions} - set(editions):
            edition = await self.edition(digest)
            if edition is None:
                raise InputError("edition_missing", edition=digest)
            editions[digest] = edition
        return in_force(adoptions, editions)

    async def edition(self, digest: str) -> Edition | None:
        """Return a stored rules edition; None if there is none, or its text no longer fits the digest."""
        body = await self.texts.edition(digest)
        return edition_of(body) if body else None


def _act(item: BatchItem) -> str:
    return CommandPayload.model_validate_json(item.payload).act


def _with_envelopes(rows: Sequence[RecordedEvent]) -> tuple[tuple[RecordedEvent, EventEnvelope[Event]], ...]:
    return tuple((row, _envelope(row)) for row in rows)


READ_BEFORE = 4_000
"""So many payloads that were read last are remembered: every page of a cycle reads its whole history."""


@lru_cache(maxsize=READ_BEFORE)
def _decoded(name: str, schema: int, payload: bytes) -> Event:
    """The event of a payload. Events are frozen, and the key is all that was stored: a changed row is another one."""
    return decode(name, schema, payload)


def _envelope(row: RecordedEvent) -> EventEnvelope[Event]:
    try:
        return to_envelope(row, _decoded)
    except UnknownEventError:
        raise UnreadableRowError("row_unknown", cycle=row.stream, position=row.position, type=row.type) from None
    except ValueError:
        raise UnreadableRowError("row_unreadable", cycle=row.stream, position=row.position) from None
