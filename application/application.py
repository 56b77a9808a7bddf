"""An office at work: the ledger, texts, people, a desk, and the key with which it signs for who was authenticated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from application.dry_run_texts import DryRunTexts
from application.fields import Filler
from domain.codec import UnknownEventError
from domain.commands import CommandPayload, parse_command, parse_signatories
from domain.rules import NO_RULES, Edition, edition_of
from domain.steps.signatories import Signatories
from domain.streams import decider_of
from domain.types import Command, Event, EventEnvelope, Provenance, Refused, When
from errors import InputError, NotFoundError
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import UnreadableRowError, load_all
from ledger.signing import BatchItem, SignedBatch, Signer
from vault.persons import Contact, People
from vault.texts import Texts

if TYPE_CHECKING:
    from application.engine import EngineClient
    from ledger.receipts import Receipt


@dataclass(frozen=True, slots=True)
class CommandInput:
    """One act on its way: for which stream, with what circumstances. `command_id` makes a repetition harmless."""

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


@dataclass(slots=True)
class Application:
    """What an entry point works with. `client` is None when it only reads."""

    signer: Signer
    rehearsal: bool
    ledger: PostgresLedger
    texts: Texts
    people: People
    client: EngineClient | None

    async def submit(
        self,
        stream: str,
        person: Contact,
        said: Sequence[CommandInput],
        *,
        strength: str = "os-account",
        stand_in_for: str | None = None,
    ) -> Receipt:
        """Sign acts for a person and hand them in to one stream.

        Raises:
            InputError, Refused, RefusedError, PendingError, UnreachableError
        """
        items = [await self.item(one) for one in said]
        return await self.submit_items(stream, person, items, strength=strength, stand_in_for=stand_in_for)

    async def submit_items(
        self,
        stream: str,
        person: Contact,
        items: Sequence[BatchItem],
        *,
        strength: str,
        stand_in_for: str | None = None,
    ) -> Receipt:
        """Sign orders for a person and hand them in to one stream.

        Raises:
            RefusedError, PendingError, UnreachableError
        """
        if self.client is None:
            raise RuntimeError("this application only reads")
        return await self.client.submit(stream, self.sign(person, items, strength, stand_in_for))

    def sign(
        self, person: Contact, items: Sequence[BatchItem], strength: str, stand_in_for: str | None = None
    ) -> SignedBatch:
        """Sign orders with this entry point's key."""
        return self.signer.sign(
            items,
            actor=person.id,
            commitment=person.commitment,
            unit=person.unit,
            issued=datetime.now(UTC),
            strength=strength,
            stand_in_for=stand_in_for,
        )

    async def item(self, said: CommandInput, filler: Filler | None = None) -> BatchItem:
        """The command that says an act, its texts stored, or taken as another filler takes them.

        Raises:
            InputError, Refused: a field cannot be used. Then no text was stored either.
        """
        if filler is not None:
            return await self._item(said, filler)
        dry_run_texts = DryRunTexts(self.texts)
        tried = await self._item(said, Filler(dry_run_texts, self.people))
        return await self._item(said, Filler(self.texts, self.people)) if dry_run_texts.met else tried

    async def _item(self, said: CommandInput, filler: Filler) -> BatchItem:
        known = Command.KNOWN.get(said.act)
        if known is None:
            raise Refused("unknown_act", act=said.act)
        filled = await filler.fill(known, said.fields)
        if said.act == "correct" and (instead := said.fields.get("instead")):
            if not isinstance(instead, Mapping):
                raise InputError("field_bad", "instead", place="instead", found=str(instead)[:80])
            inner = Command.KNOWN.get(str(instead.get("act")))
            if inner is not None:
                rest = {name: value for name, value in instead.items() if name != "act"}
                right = parse_command(inner.NAME, await filler.fill(inner, rest))
                filled["instead"] = {"act": inner.NAME, **right.model_dump(mode="json")}
        signatories = (
            None if said.signatories is None else parse_signatories(await filler.fill(Signatories, said.signatories))
        )
        command = CommandPayload.of(
            parse_command(said.act, filled),
            happened=said.happened,
            effective=said.effective,
            provenance=said.provenance,
            meeting=said.meeting,
            act_key=said.act_key,
            signatories=signatories,
        )
        return BatchItem(said.stream, said.command_id, command.model_dump_json())

    async def person(self, person: str) -> Contact:
        """Who acts.

        Raises:
            InputError: nobody is entered under the id.
        """
        contact = await self.people.get(person)
        if contact is None:
            raise InputError("unknown_person", person=person)
        return contact

    async def history(self, stream: str) -> tuple[tuple[RecordedEvent, EventEnvelope[Event]], ...]:
        """The stream's rows with what they tell.

        Raises:
            NotFoundError: there is no such stream.
            UnreadableRowError: a row is no event any more, or of a type that this version does not know.
        """
        rows = await load_all(self.ledger, stream)
        if not rows:
            raise NotFoundError("no_such_cycle", cycle=stream)
        return tuple((row, _told(row)) for row in rows)

    async def state(self, stream: str) -> tuple[Any, Edition]:
        """The state of a stream now, with the rules in force."""
        decider = decider_of(stream)
        state = decider.fold(told for _, told in await self.history(stream))
        return state, await self.rules(decider.edition(state))

    async def rules(self, digest: str | None) -> Edition:
        """A rules edition by digest."""
        if digest is None:
            return NO_RULES
        found = await self.edition(digest)
        if found is None:
            raise InputError("edition_missing", edition=digest)
        return found

    async def edition(self, digest: str) -> Edition | None:
        """A stored rules edition; None when there is none, or it no longer fits its digest."""
        body = await self.texts.edition(digest)
        return edition_of(body) if body else None


def _told(row: RecordedEvent) -> EventEnvelope[Event]:
    try:
        return to_envelope(row)
    except UnknownEventError:
        raise UnreadableRowError("row_unknown", cycle=row.stream, position=row.position, type=row.type) from None
    except ValueError:
        raise UnreadableRowError("row_unreadable", cycle=row.stream, position=row.position) from None
