"""Cross-checks: which unit checks the self-score of which, as the rules edition or an assigning act says.

Without either it is not known, so no unit owes a cross-check: the sources name no general rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Protocol

from pydantic import Field

from domain import limits
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, Readers
from domain.problems import repeated
from domain.records import Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.types import Document, FrozenModel, UnitId
from domain.units import OwnActsContext, UnitsContext, require_decided, require_member


class CrossChecksContext(UnitsContext, OwnActsContext, Protocol):
    """What assigning reads of the cycle."""

    @property
    def cross_checks(self) -> Checkers: ...


Checkers = Mapping[str, str]
"""By unit, the unit that checks it."""


class CrossCheckPair(FrozenModel):
    """`by` checks the self-score of `unit`."""

    by: UnitId
    unit: UnitId


class AssignmentFields(FrozenModel):
    """The fields of an assignment, shared by command and event. It replaces an earlier one as a whole."""

    pairs: Annotated[tuple[CrossCheckPair, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]
    basis: Document | None = None


class AssignCrossChecks(
    Command,
    AssignmentFields,
    name="assign-cross-checks",
    label=NC_("act", "assign cross-checks"),
    summary=N_("Say which unit cross-checks the self-score of which."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("cross-checks",),
):
    pass


class CrossChecksAssigned(
    Event,
    AssignmentFields,
    name="CrossChecksAssigned",
    schema=1,
    sentence=N_("Cross-checks are assigned: {pairs}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
    subjects=lambda event: ("cross-checks",),
):
    pass


def assign(
    command: AssignCrossChecks, meta: Meta, state: CrossChecksContext, rules: Edition
) -> Iterator[CrossChecksAssigned]:
    require_decided(meta, state)  # an assigned checker reads closed sheets
    for pair in command.pairs:
        require_member(pair.by, meta, state)
        require_member(pair.unit, meta, state)
        if pair.by == pair.unit:
            raise Refused("checks_itself", unit=pair.unit)
    if doubled := repeated(pair.unit for pair in command.pairs):
        raise Refused("named_twice", name=doubled[0])
    if state.cross_checks == _by_unit(command.pairs):
        raise Refused("cross_checks_are_so")
    yield CrossChecksAssigned(**dict(command))


def _by_unit(pairs: tuple[CrossCheckPair, ...]) -> Checkers:
    return {pair.unit: pair.by for pair in pairs}


def checkers(members: tuple[str, ...], assigned: Checkers, rules: Edition) -> Checkers:
    """Return which member checks which: as assigned, else as the edition says. It is empty when neither does."""
    if assigned:
        return {unit: by for unit, by in assigned.items() if unit in members and by in members}
    if rules.cross_checks != "next-in-list" or len(members) < 2:  # noqa: PLR2004 - no unit checks itself
        return {}
    return {unit: members[index - 1] for index, unit in enumerate(members)}


decider: StepDecider[Checkers, CrossChecksContext, Edition] = StepDecider(
    title=N_("Cross-checks"),
    slice_name="cross_checks",
    decides={AssignCrossChecks: assign},
    evolves={CrossChecksAssigned: lambda _earlier, event, meta: _by_unit(event.pairs)},
)
