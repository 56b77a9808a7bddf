"""Joint acts: what units did together, and how many of them no source names.

A joint act is recorded with the number of unnamed units that took part. Where all of them did, a unit that is named
later did, too: the event of its naming says which acts it shares, and each step infers the unit's own fact from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from domain.dates import Dated
from domain.msgids import N_
from domain.parties import Readers, Section
from domain.problems import repeated
from domain.records import Event, Meta, Refused
from domain.times import When
from domain.types import Document, FrozenModel, Label
from domain.units import DoneJointly, JointFields, Unit, Unnamed, known_count, require_member, require_unnamed

JointAct = Literal["signature", "term-signature", "registration", "midyear-report", "self-score"]
"""An act that units can do together, so that a source need not name them."""


class SharedAct(FrozenModel):
    """A joint act of all unnamed units: what was done, when, and the versions of the events that tell it."""

    act: JointAct
    on: Dated
    versions: tuple[int, ...]
    number: int | None = None
    """Of a signature, the number of the signed version."""
    titles: tuple[Label, ...] = ()
    document: Document | None = None


class UnitNamed(
    Event,
    name="UnitNamed",
    schema=1,
    sentence=N_("A unit that was not named so far is {unit}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEMBERS,
    subjects=lambda event: ("members",),
):
    """`shares` are the acts of all unnamed units so far."""

    unit: Unit
    shares: tuple[SharedAct, ...] = ()

    def shared(self, act: JointAct) -> SharedAct | None:
        """Return what the unit did with all others; None where they did not all do it."""
        return next((one for one in self.shares if one.act == act), None)

    def without(self, corrected: Iterable[int]) -> UnitNamed:
        """Return the event without acts that were taken back since."""
        gone = set(corrected)
        return self.model_copy(update={"shares": tuple(one for one in self.shares if not gone & set(one.versions))})


@dataclass(frozen=True, slots=True)
class UnnamedAct:
    """What a number of unnamed units did together."""

    unnamed: Unnamed
    when: When
    version: int
    whole: bool = False
    """The source says "the units", and how many of them there are is not known: all of them did it."""
    number: int | None = None
    titles: tuple[str, ...] = ()
    document: Document | None = None


UnnamedActs = Mapping[JointAct, tuple[UnnamedAct, ...]]
"""The joint acts in which unnamed units took part, in the order of recording."""


def missing(act: JointAct, acts: UnnamedActs, unnamed: Unnamed | None) -> Unnamed | Literal[0]:
    """Return how many of the unnamed units did not take part in a joint act; "unknown" where that is not known."""
    found = acts.get(act, ())
    if unnamed is None or any(one.whole for one in found):
        return 0
    uncounted = any(one.unnamed == "unknown" for one in found)
    if unnamed == "unknown":
        return 0 if found else "unknown"
    left = max(0, unnamed - sum(known_count(one.unnamed) for one in found))
    return "unknown" if left and uncounted else left


class JointContext(Protocol):
    """What the rule about joint acts asks."""

    def could_be_member(self, unit: str, when: When) -> bool:
        """Return whether the unit was a member at some instant of the range."""

    def members_on(self, when: When) -> tuple[str, ...]:
        """Return the units that were members at `when`."""

    @property
    def unnamed(self) -> Unnamed | None:
        """The number of units of the cluster that no source names."""

    @property
    def together(self) -> UnnamedActs: ...


def acting_together(act: JointAct, command: JointFields, meta: Meta, state: JointContext) -> DoneJointly:
    """Return who did a joint act. "The units" are all members, and those of the unnamed units that have not done it.

    Raises:
        Refused: `not_a_member`, `named_twice`, `more_than_unnamed` or `nobody_acts`.
    """
    named = command.units is not None
    units = command.units if command.units is not None else state.members_on(meta.happened)
    for unit in units:
        require_member(unit, meta, state)
    if doubled := repeated(units):
        raise Refused("named_twice", name=doubled[0])
    unnamed = command.unnamed
    if unnamed is None and not named:
        unnamed = missing(act, state.together, state.unnamed) or None
    before = sum(known_count(one.unnamed) for one in state.together.get(act, ()))
    require_unnamed(known_count(unnamed) + (before if unnamed else 0), state.unnamed)
    if not units and not unnamed:
        raise Refused("nobody_acts")
    return DoneJointly(units=units, named=named, unnamed=unnamed)
