"""An office at work: the ledger, texts, people, a desk, and the key with which it signs for who was authenticated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from activities.telling import told_of
from documents.postgres import Texts
from domain.codec import UnknownEventError
from domain.hands import Hands
from domain.kernel import Act, Event, Provenance, Refused, Told, When
from domain.rules import NO_RULES, Edition, edition_of
from domain.saying import Command, hands_of, parse_act
from domain.streams import law_of
from eventstore.envelope import Envelope
from eventstore.postgres import PostgresLedger
from eventstore.signing import Handover, Order, Signer
from eventstore.store import LedgerError, load_all
from office.fields import Filler, InputError
from office.untold import Untold
from people.postgres import Contact, People

if TYPE_CHECKING:
    from activities.wire import Receipt
    from desk import Desk


@dataclass(frozen=True, slots=True)
class Said:
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
    hands: dict[str, Any] | None = None


@dataclass(slots=True)
class Office:
    """What an entry point works with. `desk` is None when it only reads."""

    signer: Signer
    rehearsal: bool
    ledger: PostgresLedger
    texts: Texts
    people: People
    desk: Desk | None

    async def hand_in(
        self,
        stream: str,
        person: Contact,
        said: Sequence[Said],
        *,
        strength: str = "os-account",
        stand_in_for: str | None = None,
    ) -> Receipt:
        """Sign acts for a person and hand them in to one stream.

        Raises:
            InputError, Refused, RefusedError, PendingError, UnreachableError
        """
        orders = [await self.order(one) for one in said]
        return await self.hand_over(stream, person, orders, strength=strength, stand_in_for=stand_in_for)

    async def hand_over(
        self, stream: str, person: Contact, orders: Sequence[Order], *, strength: str, stand_in_for: str | None = None
    ) -> Receipt:
        """Sign orders for a person and hand them in to one stream.

        Raises:
            RefusedError, PendingError, UnreachableError
        """
        if self.desk is None:
            raise RuntimeError("this office only reads")
        return await self.desk.hand_in(stream, self.sign(person, orders, strength, stand_in_for), orders)

    def sign(
        self, person: Contact, orders: Sequence[Order], strength: str, stand_in_for: str | None = None
    ) -> Handover:
        """Sign orders with this entry point's key."""
        return self.signer.sign(
            orders,
            actor=person.id,
            commitment=person.commitment,
            unit=person.unit,
            issued=datetime.now(UTC),
            strength=strength,
            stand_in_for=stand_in_for,
        )

    async def order(self, said: Said, filler: Filler | None = None) -> Order:
        """The command that says an act, its texts stored, or taken as another filler takes them.

        Raises:
            InputError, Refused: a field cannot be used. Then no text was stored either.
        """
        if filler is not None:
            return await self._order(said, filler)
        untold = Untold(self.texts)
        tried = await self._order(said, Filler(untold, self.people))
        return await self._order(said, Filler(self.texts, self.people)) if untold.met else tried

    async def _order(self, said: Said, filler: Filler) -> Order:
        known = Act.KNOWN.get(said.act)
        if known is None:
            raise Refused("unknown_act", act=said.act)
        filled = await filler.fill(known, said.fields)
        if said.act == "correct" and (instead := said.fields.get("instead")):
            if not isinstance(instead, Mapping):
                raise InputError("field_bad", "instead", place="instead", found=str(instead)[:80])
            inner = Act.KNOWN.get(str(instead.get("act")))
            if inner is not None:
                rest = {name: value for name, value in instead.items() if name != "act"}
                right = parse_act(inner.NAME, await filler.fill(inner, rest))
                filled["instead"] = {"act": inner.NAME, **right.model_dump(mode="json")}
        hands = None if said.hands is None else hands_of(await filler.fill(Hands, said.hands))
        command = Command.of(
            parse_act(said.act, filled),
            happened=said.happened,
            effective=said.effective,
            provenance=said.provenance,
            meeting=said.meeting,
            act_key=said.act_key,
            hands=hands,
        )
        return Order(said.stream, said.command_id, command.model_dump_json())

    async def person(self, person: str) -> Contact:
        """Who acts.

        Raises:
            InputError: nobody is entered under the id.
        """
        contact = await self.people.get(person)
        if contact is None:
            raise InputError("unknown_person", person=person)
        return contact

    async def history(self, stream: str) -> tuple[tuple[Envelope, Told[Event]], ...]:
        """The stream's rows with what they tell.

        Raises:
            InputError: there is no such stream.
            LedgerError: `row_unreadable`: a row was changed so that it is no event any more; `row_unknown`: of a kind
                that this version does not know.
        """
        rows = await load_all(self.ledger, stream)
        if not rows:
            raise InputError("no_such_cycle", cycle=stream)
        return tuple((row, _told(row)) for row in rows)

    async def state(self, stream: str) -> tuple[Any, Edition]:
        """The state of a stream now, with the rules in force."""
        law = law_of(stream)
        state = law.fold(told for _, told in await self.history(stream))
        return state, await self.rules(law.edition(state))

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


def _told(row: Envelope) -> Told[Event]:
    try:
        return told_of(row)
    except UnknownEventError:
        raise LedgerError("row_unknown", cycle=row.stream, position=row.position, type=row.type) from None
    except ValueError:
        raise LedgerError("row_unreadable", cycle=row.stream, position=row.position) from None
