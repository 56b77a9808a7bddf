"""Joint acts: what units did together, and how many of them no source names.

A joint act is recorded with the number of unnamed units that took part. Where all of them did, a unit that is named
later did, too: the event of its naming says which acts it shares, and each step infers the unit's own fact from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from domain.dates import Dated
from domain.msgids import N_
from domain.parties import Readers, Section
from domain.records import Event
from domain.times import When
from domain.types import Document, FrozenModel, Label
from domain.units import Unit, Unnamed, known_count

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
