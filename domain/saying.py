"""A command as it reaches the law: the act, and who said it, when, how surely. And the order in which laws compose.

The signed bytes of a command hold `Command`; the header that carries the signature holds the person. `Saying` is
both together, after the signature was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import ValidationError

from domain.hands import Hands
from domain.kernel import Act, Event, Fact, Label, Meta, Provenance, Refused, Room, Slug, Told, When
from domain.problems import first_problem
from domain.rules import Edition


class Command(Fact):
    """The payload of a signed command. Times are given only where an earlier date than now is stated."""

    act: str
    fields: dict[str, Any]
    happened: When | None = None
    effective: date | None = None
    provenance: Provenance | None = None
    meeting: Slug | None = None
    act_key: Label | None = None
    hands: Hands | None = None

    @classmethod
    def of(cls, act: Act, **circumstances: Any) -> Command:
        """The command that says `act`.

        Raises:
            Refused: `malformed_act`: a circumstance cannot be, such as a meeting's id.
        """
        try:
            return cls(act=act.NAME, fields=act.model_dump(mode="json"), **circumstances)
        except ValidationError as error:
            raise _malformed(act.NAME, error) from None

    def said(
        self,
        stream: str,
        command_id: UUID,
        *,
        actor: str,
        unit: str,
        issued: datetime,
        strength: str,
        stand_in_for: str | None = None,
    ) -> Saying:
        """The command as somebody says it.

        Raises:
            Refused: as `parsed`.
        """
        return Saying(
            stream=stream,
            act=self.parsed(),
            actor=actor,
            unit=unit,
            issued=issued,
            command_id=command_id,
            strength=strength,
            stand_in_for=stand_in_for,
            happened=self.happened,
            effective=self.effective,
            provenance=self.provenance,
            meeting=self.meeting,
            act_key=self.act_key,
            hands=self.hands,
        )

    def outcome(self) -> Act:
        """The act that holds in the end: of a correction, what stands in the place of what was wrong.

        Raises:
            Refused: as `parsed`.
        """
        act = self.parsed()
        instead = self.fields.get("instead") if self.act == "correct" else None
        if not instead:
            return act
        return parse_act(str(instead["act"]), {name: value for name, value in instead.items() if name != "act"})

    def parsed(self) -> Act:
        """The act.

        Raises:
            Refused: `unknown_act` or `malformed_act`, naming the field.
        """
        return parse_act(self.act, self.fields)


def parse_act(name: str, fields: Mapping[str, Any]) -> Act:
    """Build an act from its name and plain fields.

    Raises:
        Refused: `unknown_act`, or `malformed_act` with the place, what was found and what was expected.
    """
    known = Act.KNOWN.get(name)
    if known is None:
        raise Refused("unknown_act", act=name)
    try:
        return known.model_validate(dict(fields))
    except ValidationError as error:
        raise _malformed(name, error) from None


def hands_of(fields: Mapping[str, Any]) -> Hands:
    """Whose hands an act went through, from plain fields.

    Raises:
        Refused: `malformed_act`, as `parse_act`.
    """
    try:
        return Hands.model_validate(dict(fields))
    except ValidationError as error:
        raise _malformed("hands", error) from None


def _malformed(act: str, error: ValidationError) -> Refused:
    problem = first_problem(error)
    place = ".".join(map(str, problem.pop("place"))) or act
    return Refused("malformed_act", act=act, place=place, **problem)


@dataclass(frozen=True, slots=True)
class Saying:
    """Somebody says an act, in a stream. `issued` is when it was signed; `strength` how the person was known."""

    stream: str
    act: Act
    actor: str
    unit: str
    issued: datetime
    command_id: UUID
    strength: str = "os-account"
    stand_in_for: str | None = None
    happened: When | None = None
    effective: date | None = None
    provenance: Provenance | None = None
    meeting: Label | None = None
    act_key: str | None = None
    hands: Hands | None = None

    def meta(self, version: int, happened: When, provenance: Provenance) -> Meta:
        """The circumstances of an event that follows from this saying."""
        return Meta(
            version=version,
            actor=self.actor,
            unit=self.unit,
            happened=happened,
            provenance=provenance,
            command_id=self.command_id,
            stand_in_for=self.stand_in_for,
            meeting=self.meeting,
            effective=self.effective,
            act_key=self.act_key,
        )


S = TypeVar("S")

Decide = Callable[[Act, Meta, Any, Edition], Iterable[Event]]
Evolve = Callable[[Any, Event, Meta], Any]


class Law(Protocol):
    """What a workflow, a replay and an audit need of a kind of stream."""

    def empty(self) -> Any:
        """The state before anything happened."""

    def decide(
        self, saying: Saying, state: Any, rules: Edition, version: int, history: tuple[Told[Event], ...] = ()
    ) -> tuple[Told[Event], ...]:
        """What happens if it is said now; `version` is that of the last event, `history` for corrections only."""

    def evolve(self, state: Any, told: Told[Event]) -> Any:
        """The state after an event."""

    def fold(self, history: Iterable[Told[Event]], onto: Any = None) -> Any:
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

    def due(self, state: Any, rules: Edition, now: datetime) -> tuple[datetime, tuple[Act, ...]] | None:
        """What the clock says at the earliest instant that has come."""


@dataclass(frozen=True)
class Composition:
    """Rooms put together: one decision per command, any number of rooms evolving from an event."""

    decides: Mapping[type[Act], Decide]
    evolves: Mapping[type[Event], tuple[tuple[str, Evolve], ...]]


def compose(rooms: Iterable[Room]) -> Composition:
    """Compose rooms into one law.

    Raises:
        TypeError: two rooms decide the same command. A mistake of ours, found when the module is imported.
    """
    decides: dict[type[Act], Decide] = {}
    evolves: dict[type[Event], tuple[tuple[str, Evolve], ...]] = {}
    for room in rooms:
        if doubled := decides.keys() & room.decides.keys():
            raise TypeError(f"two rooms decide {doubled}")
        decides.update(room.decides)
        for event, change in room.evolves.items():
            evolves[event] = (*evolves.get(event, ()), (room.slice_name, change))
    return Composition(decides, evolves)
