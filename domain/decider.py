"""The decider of a kind of stream: what workflow, replay and audit need of it, and how steps are combined into one."""

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
    """What a workflow, a replay and an audit need of a kind of stream."""

    def empty(self) -> Any:
        """The state before anything happened."""

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        state: Any,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...] = (),
    ) -> tuple[EventEnvelope[Event], ...]:
        """What happens if it is said now; `version` is that of the last event, `history` for corrections only."""

    def evolve(self, state: Any, told: EventEnvelope[Event]) -> Any:
        """The state after an event."""

    def fold(self, history: Iterable[EventEnvelope[Event]], onto: Any = None) -> Any:
        """The state after a history, acts that were corrected left out.

        `onto` is the state that the history goes on from. What was folded into it stays in it, so a history that
        corrects some of that is folded whole.
        """

    def edition(self, state: Any) -> str | None:
        """The digest of the rules edition in force."""

    def now(self, state: Any, real_now: datetime) -> datetime:
        """What time it is in the stream: a rehearsal's time stands still until somebody steps it."""

    def next_due(self, state: Any, rules: Edition) -> datetime | None:
        """When, in the stream's time, the clock will next have something to say."""

    def due(self, state: Any, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
        """What the clock says at the earliest instant that has come."""


@dataclass(frozen=True)
class Composition:
    """Rooms put together: one decision per command, any number of rooms evolving from an event."""

    decides: Mapping[type[Command], Decide]
    evolves: Mapping[type[Event], tuple[tuple[str, Evolve], ...]]


def compose(steps: Iterable[StepDecider]) -> Composition:
    """Compose rooms into one law.

    Raises:
        TypeError: two steps decide the same command. A mistake of ours, found when the module is imported.
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
