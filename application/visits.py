"""Visitors and the cycles that they open: what pages and the JSON interface share about who asks, and for what.

It knows no cookie and no token: the web layer proves who the visitor is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from accounts import Login
from application.application import Application
from application.event_texts import Background, persons_in
from application.gate import Submitter
from application.kept import KeptValues
from application.readable import ReadablePart
from application.work import of_many
from domain.access import Matter, Reader, may_read, readers
from domain.cycle import CYCLE
from domain.records import Event, EventEnvelope
from domain.rules import Edition
from domain.state import State, members_and_organiser
from domain.steps.lifecycle import business_now
from domain.streams import is_cycle
from domain.titles import titles_of_acts, titles_of_rules
from errors import CodedError, Kind, NotFoundError
from ledger.events import RecordedEvent
from vault.persons import Contact

History = tuple[tuple[RecordedEvent, EventEnvelope[Event]], ...]
"""A stream's rows, each with its event."""


class ForbiddenError(CodedError):
    """The visitor may not read or do this, or the form is not one of ours."""

    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who is logged in. `contact` acts; `absent` is the person that they stand in for."""

    login: Login
    contact: Contact
    absent: Contact | None = None

    @property
    def unit(self) -> str:
        """The unit that the visitor acts for."""
        return self.contact.unit if self.absent is None else self.absent.unit

    def submitter(self, *, confirmed: bool = False) -> Submitter:
        """The visitor as the gate knows them. `confirmed`: the password was asked for once more, and it fitted."""
        return Submitter(self.contact, self.login.strength, self.absent, confirmed)

    @property
    def sees_people_of(self) -> str | None:
        """The organiser whose people the visitor sees, once they may read `Matter.PEOPLE`; None: everybody."""
        return None if self.login.account.administrator else self.unit

    def readers(self, stream: str | None = None, state: State | None = None) -> frozenset[Reader]:
        """The visitor's reader roles for a stream, or for what belongs to none."""
        account = self.login.account
        return readers(
            self.contact.id, self.unit, account.kind, administrator=account.administrator, stream=stream, state=state
        )

    def may(self, matter: Matter, stream: str | None = None, state: State | None = None) -> bool:
        """Whether the visitor may read a matter."""
        return may_read(matter, self.readers(stream, state))


@dataclass(frozen=True)
class VisitedCycle:
    """A cycle that a visitor has opened: its history, its state now, and the names that its pages show.

    `history` and `state` are the whole ones, for decisions. What is shown comes from `readable`.
    """

    stream: str
    history: History
    state: State
    rules: Edition
    names: Mapping[str, str]
    visitor: Visitor

    @property
    def name(self) -> str:
        """The cluster and the year."""
        lifecycle = self.state.lifecycle
        return f"{lifecycle.cluster_name}, {lifecycle.year}"

    @property
    def rows(self) -> list[RecordedEvent]:
        """The rows of its history."""
        return [row for row, _envelope in self.history]

    @property
    def now(self) -> datetime:
        """The business time: that of the cycle's own clock."""
        return business_now(self.state.lifecycle, datetime.now(UTC))

    @property
    def readers(self) -> frozenset[Reader]:
        """The visitor's reader roles for this cycle."""
        return self.visitor.readers(self.stream, self.state)

    def may(self, matter: Matter) -> bool:
        """Whether the visitor may read a matter of this cycle."""
        return may_read(matter, self.readers)

    @cached_property
    def readable(self) -> ReadablePart:
        """What the visitor may read of the cycle."""
        envelopes = tuple(envelope for _row, envelope in self.history)
        return ReadablePart(self.visitor.unit, self.readers, envelopes, self.state, self.rules)

    @cached_property
    def by_version(self) -> Mapping[int, tuple[RecordedEvent, EventEnvelope[Event]]]:
        """Its history by version."""
        return {row.version: (row, envelope) for row, envelope in self.history}

    @cached_property
    def background(self) -> Background:
        """What the words of the events need that the visitor may read."""
        envelopes = [envelope for _row, envelope in self.readable_history()]
        return Background(envelopes, self.rules, self.names)

    def readable_history(self) -> History:
        """The part of the history that the visitor may read."""
        return tuple(pair for pair in self.history if pair[0].version in self.readable.versions)

    def readable_state(self) -> State:
        """The state that follows from the events that the visitor may read: closed facts are not in it."""
        return self.readable.state

    def members(self) -> list[tuple[str, str]]:
        """The member units: (id, name)."""
        return [(unit, self.names.get(unit, unit)) for unit in self.state.membership.members()]

    def units(self) -> list[tuple[str, str]]:
        """The member units and the organiser: (id, name)."""
        organiser = self.state.lifecycle.organiser
        return [*self.members(), (organiser, self.names.get(organiser, organiser))]


_Read = tuple[bytes, History, State, Edition]

_READ_LATELY = KeptValues[str, _Read](8)
"""Cycles as they were read last, each with the digest of its last event, for pages that ask every few seconds."""

_LONGEST_KEPT = 2_000
"""Of longer histories none is kept: eight of them are as much as one page of a long one takes."""


async def open_cycle(
    application: Application, stream: str, visitor: Visitor, *, again_and_again: bool = False
) -> VisitedCycle:
    """Open a cycle for a visitor. It is not checked here whether the visitor may read it.

    `again_and_again`: what was read before is taken, as long as the stream still ends with the same event. The others
    read all rows anew, and so notice one that was changed.

    Raises:
        NotFoundError: `no_such_cycle`.
    """
    if not is_cycle(stream):
        raise NotFoundError("no_such_cycle", cycle=stream)
    if again_and_again and (last := await application.ledger.last(stream)) is not None:
        found = _READ_LATELY.get(stream)
        if found is None or found[0] != last.digest:
            found = await _read(application, stream)
            if len(found[1]) <= _LONGEST_KEPT:
                _READ_LATELY.put(stream, found)
    else:
        found = await _read(application, stream)
    _last, history, state, rules = found
    people = await application.people.names(persons_of(state))
    names = {**people, **members_and_organiser(state), **titles_of_rules(rules)}
    cycle = VisitedCycle(stream, history, state, rules, names, visitor)
    # It is kept: from here on it costs nothing.
    names.update(titles_of_acts(await of_many(len(history), cycle.readable_state)))
    return cycle


async def _read(application: Application, stream: str) -> _Read:
    history = await application.history(stream)
    state = await of_many(len(history), CYCLE.fold, (envelope for _row, envelope in history))
    return history[-1][0].digest, history, state, await application.rules(CYCLE.adoptions(state))


def persons_of(state: State) -> set[str]:
    """Ids of the persons that pages of a cycle name."""
    named = (
        *(comment.by for comment in state.comments.comments.values()),
        *state.signing.witnesses,
        *(held.event for held in state.meetings.values()),
        *(letter.event for letter in state.letters.letters.values()),
        *(complaint.by for complaint in state.awards.complaints.values()),
        state.membership.overseer,
    )
    return persons_in(named)
