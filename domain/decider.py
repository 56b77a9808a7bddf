"""The decider of a kind of stream, and the function that combines step deciders into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import UnionType
from typing import Any, Generic, Protocol, TypeVar, get_args, get_type_hints

from domain.commands import AuthenticatedCommand
from domain.records import Command, Event, EventEnvelope, Meta, StepDecider
from domain.rules import Adoption, Edition

S = TypeVar("S")
C = TypeVar("C")

Decide = Callable[[Any, Meta, C, Edition], Iterable[Event]]
"""`(command, meta, state, rules) -> events`; the command is of the type that the decision stands under."""

Evolve = Callable[[Any, Any, Meta], Any]
"""`(slice, event, meta) -> slice`; the type of the slice is the step's own."""


class Decider(Protocol[S]):
    """The rules of one kind of stream, for workflow, replay and audit. Pure: no clock, no input or output."""

    def empty(self) -> S:
        """Return the state before the first event."""

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        state: S,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...] = (),
    ) -> tuple[EventEnvelope[Event], ...]:
        """Return the events that follow from a command, without changing the state.

        `version` is that of the stream's last event. `history` is needed for corrections only.

        Raises:
            Refused: the command contradicts the state, or the actor may not issue it.
            AlreadyRecorded: the same command was recorded before.
        """

    def evolve(self, state: S, envelope: EventEnvelope[Event]) -> S:
        """Return the state after an event."""

    def fold(self, history: Iterable[EventEnvelope[Event]], onto: S | None = None) -> S:
        """Return the state after a history, without the events that were corrected.

        `onto` is the state that the history continues. Events that it contains stay in it, so a history that corrects
        one of them must be folded from the beginning.
        """

    def adoptions(self, state: S) -> tuple[Adoption, ...]:
        """Return the rules editions that the stream has followed, the one in force last (`rules.in_force`)."""

    def now(self, state: S, real_now: datetime) -> datetime:
        """Return the stream's time. In a rehearsal it stands still until a command steps it."""

    def next_due(self, state: S, rules: Edition) -> datetime | None:
        """Return the next instant, in the stream's time, at which the clock will issue a command."""

    def due(self, state: S, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
        """Return the earliest instant that has passed with commands due, and these commands."""


@dataclass(slots=True)
class FoldedStream(Generic[S]):
    """A decider with a state that it has folded. Code for streams of any kind uses the two only together.

    So no state gets to the decider of another kind, and the type of the state stays known.
    """

    decider: Decider[S]
    state: S

    def copy(self) -> FoldedStream[S]:
        """Return a second one with the same state, for decisions that may be given up."""
        return FoldedStream(self.decider, self.state)

    def fold(self, history: Iterable[EventEnvelope[Event]]) -> None:
        """Fold the whole history, from the beginning."""
        self.state = self.decider.fold(history)

    def evolve(self, envelope: EventEnvelope[Event]) -> None:
        """Fold one more event."""
        self.state = self.decider.evolve(self.state, envelope)

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...] = (),
    ) -> tuple[EventEnvelope[Event], ...]:
        """See `Decider.decide`."""
        return self.decider.decide(authenticated, self.state, rules, version, history)

    def adoptions(self) -> tuple[Adoption, ...]:
        """See `Decider.adoptions`."""
        return self.decider.adoptions(self.state)

    def now(self, real_now: datetime) -> datetime:
        """See `Decider.now`."""
        return self.decider.now(self.state, real_now)

    def next_due(self, rules: Edition) -> datetime | None:
        """See `Decider.next_due`."""
        return self.decider.next_due(self.state, rules)

    def due(self, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
        """See `Decider.due`."""
        return self.decider.due(self.state, rules, now)


@dataclass(frozen=True)
class Composition(Generic[C]):
    """Step deciders combined: one decision for each command type; for each event type, (slice name, evolve) pairs.

    A slice name stands once in these pairs: changes of several steps to one slice are combined in the steps' order.
    `events` has the event types that a command can lead to.
    """

    decides: Mapping[type[Command], Decide[C]]
    events: Mapping[type[Command], tuple[type[Event], ...]]
    evolves: Mapping[type[Event], tuple[tuple[str, Evolve], ...]]


def compose(steps: Iterable[StepDecider[Any, C, Edition]]) -> Composition[C]:
    """Combine step deciders; `Any` stands for the slices, which are of another type for each step.

    Raises:
        TypeError: two steps decide the same command, a decision does not name its events, no step evolves from one of
            them, or a step without a slice evolves. These are programming errors, found at import.
    """
    decides: dict[type[Command], Decide[C]] = {}
    evolves: dict[type[Event], dict[str, Evolve]] = {}
    for decider in steps:
        if doubled := decides.keys() & decider.decides.keys():
            raise TypeError(f"two steps decide {doubled}")
        decides.update(decider.decides)
        for event, change in decider.evolves.items():
            if decider.slice_name is None:
                raise TypeError(f"a step without a slice evolves from {event}")
            by_slice = evolves.setdefault(event, {})
            earlier = by_slice.get(decider.slice_name)
            by_slice[decider.slice_name] = change if earlier is None else _one_after_the_other(earlier, change)
    events = {command: _yielded(decide) for command, decide in decides.items()}
    if unknown := [event.__qualname__ for yielded in events.values() for event in yielded if event not in evolves]:
        raise TypeError(f"no step evolves from {', '.join(unknown)}")
    return Composition(decides, events, {event: tuple(by_slice.items()) for event, by_slice in evolves.items()})


def _yielded(decide: Callable[..., Iterable[Event]]) -> tuple[type[Event], ...]:
    """Return the event types that a decision yields, from its return type: `Iterator[A]` or `Iterator[A | B]`.

    Raises:
        TypeError: it names none.
    """
    (yielded,) = get_args(get_type_hints(decide)["return"]) or (None,)
    events = get_args(yielded) if isinstance(yielded, UnionType) else (yielded,)
    if not all(isinstance(event, type) and issubclass(event, Event) and event is not Event for event in events):
        raise TypeError(f"{decide.__qualname__}: the return type names no events, such as Iterator[CovenantSigned]")
    return events


def _one_after_the_other(first: Evolve, then: Evolve) -> Evolve:
    return lambda part, event, meta: then(first(part, event, meta), event, meta)
