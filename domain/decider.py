"""The decider of a kind of stream, and the function that combines step deciders into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.commands import AuthenticatedCommand
from domain.rules import Edition
from domain.types import Command, Event, EventEnvelope, Meta, StepDecider

Decide = Callable[[Command, Meta, Any, Edition], Iterable[Event]]
Evolve = Callable[[Any, Event, Meta], Any]


class Decider(Protocol):
    """The rules of one kind of stream, for workflow, replay and audit. Pure: no clock, no input or output."""

    def empty(self) -> Any:
        """Return the state before the first event."""

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        state: Any,
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

    def evolve(self, state: Any, envelope: EventEnvelope[Event]) -> Any:
        """Return the state after an event."""

    def fold(self, history: Iterable[EventEnvelope[Event]], onto: Any = None) -> Any:
        """Return the state after a history, without the events that were corrected.

        `onto` is the state that the history continues. Events that it contains stay in it, so a history that corrects
        one of them must be folded from the beginning.
        """

    def edition(self, state: Any) -> str | None:
        """Return the digest of the rules edition in force; None when there is none."""

    def now(self, state: Any, real_now: datetime) -> datetime:
        """Return the stream's time. In a rehearsal it stands still until a command steps it."""

    def next_due(self, state: Any, rules: Edition) -> datetime | None:
        """Return the next instant, in the stream's time, at which the clock will issue a command."""

    def due(self, state: Any, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
        """Return the earliest instant that has passed with commands due, and these commands."""


@dataclass(frozen=True)
class Composition:
    """Step deciders combined: one decision for each command type; for each event type, (slice name, evolve) pairs."""

    decides: Mapping[type[Command], Decide]
    evolves: Mapping[type[Event], tuple[tuple[str, Evolve], ...]]


def compose(steps: Iterable[StepDecider]) -> Composition:
    """Combine step deciders.

    Raises:
        TypeError: two steps decide the same command. This is a programming error, found at import.
    """
    decides: dict[type[Command], Decide] = {}
    evolves: dict[type[Event], tuple[tuple[str, Evolve], ...]] = {}
    for decider in steps:
        if doubled := decides.keys() & decider.decides.keys():
            raise TypeError(f"two steps decide {doubled}")
        decides.update(decider.decides)
        for event, change in decider.evolves.items():
            evolves[event] = (*evolves.get(event, ()), (decider.slice_name, change))
    return Composition(decides, evolves)
