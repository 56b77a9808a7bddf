"""Final evaluation after the scores: ranking, nominations, next head and deputy, submission, decision, publication."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt

from domain import limits
from domain.problems import repeated
from domain.rules import Edition
from domain.steps.lifecycle import counted
from domain.steps.membership import Manner, Role, require_member
from domain.steps.scores import calculated_scores
from domain.types import (
    AlreadySaid,
    Command,
    Document,
    Event,
    FrozenModel,
    Label,
    Meta,
    Points,
    Refused,
    Slug,
    StepDecider,
    Text,
    UnitId,
    Unknown,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State


class Place(FrozenModel):
    """A unit's place in the ranking. Equal totals share a rank."""

    unit: UnitId
    rank: int
    total: Points


class Grant(FrozenModel):
    """One award for one unit."""

    unit: UnitId
    award: Slug


class BareTotal(FrozenModel):
    """A total without a sheet. Neither `unit` nor `words`: the source does not say whose it is."""

    unit: UnitId | None = None
    words: Label | None = None
    total: Points | Unknown
    rank: PositiveInt | None = None


Grants = Annotated[tuple[Grant, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


# What people say -------------------------------------------------------------------------


class RecordTotals(Command, name="record-totals"):
    """Totals as a source tells them, without sheets: by unit, by another name, or nameless; `scale` is the most."""

    round: Label
    totals: Annotated[tuple[BareTotal, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]
    scale: Points | None = None


class RankUnits(Command, name="rank"):
    """Rank the units by the scores that stand now."""


class Nominate(Command, name="nominate"):
    """The cluster puts a unit forward for an award."""

    unit: UnitId
    award: Slug


class ChooseNext(Command, name="choose-next"):
    """Who will be head or deputy next year, and in which way that was found; `vacant`: nobody was chosen."""

    role: Role
    unit: UnitId | Literal["unknown", "vacant"]
    manner: Manner


class ExcludeUnit(Command, name="exclude-unit"):
    """A unit is not considered this year, and why."""

    unit: UnitId
    reason: Text
    basis: Document | None = None


class Submit(Command, name="submit"):
    """The nominations go up."""

    submission: Document


class DecideAwards(Command, name="decide-awards"):
    """The decision of the level above, with its number. A grant that was not nominated needs a reason."""

    decision: Document
    grants: Grants
    reason: Text | None = None


class PublishResults(Command, name="publish"):
    """From now on the units see the results."""

    notice: Document | None = None


# What happened ---------------------------------------------------------------------------


class TotalsRecorded(Event, name="TotalsRecorded"):
    round: Label
    totals: tuple[BareTotal, ...]
    scale: Points | None


class UnitsRanked(Event, name="UnitsRanked"):
    places: tuple[Place, ...]


class UnitNominated(Event, name="UnitNominated"):
    unit: UnitId
    award: Slug


class NextChosen(Event, name="NextChosen"):
    role: Role
    unit: UnitId
    manner: Manner


class UnitExcluded(Event, name="UnitExcluded"):
    unit: UnitId
    reason: Text
    basis: Document | None


class NominationsSubmitted(Event, name="NominationsSubmitted"):
    submission: Document


class AwardsDecided(Event, name="AwardsDecided"):
    decision: Document
    grants: tuple[Grant, ...]
    reason: Text | None


class ResultsPublished(Event, name="ResultsPublished"):
    notice: Document | None


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How the year ended."""

    totals: Mapping[str, tuple[BareTotal, ...]] = field(default_factory=dict)
    """Totals told without sheets, by round; no round overwrites another."""

    excluded: Mapping[str, str] = field(default_factory=dict)
    """Units that are not considered, with the digest of the reason."""
    places: tuple[Place, ...] = ()
    ranked: When | None = None
    nominations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    next: Mapping[Role, str] = field(default_factory=dict)
    manners: Mapping[Role, Manner] = field(default_factory=dict)
    """In which way each of the next was found."""
    submission: Document | None = None
    submitted: When | None = None
    submitted_version: int = 0
    decision: Document | None = None
    decided: When | None = None
    decided_version: int = 0
    grants: tuple[Grant, ...] = ()
    published: When | None = None


def record_totals(cmd: RecordTotals, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.round in state.conclusion.totals:
        raise Refused("totals_are_recorded", round=cmd.round)
    named = [one.unit for one in cmd.totals if one.unit is not None]
    for unit in named:
        require_member(unit, meta, state)
    if doubled := repeated(named):
        raise Refused("named_twice", name=doubled[0])
    known = len(state.membership.members()) + counted(state.lifecycle.unnamed)
    if isinstance(state.lifecycle.unnamed, int) and len(cmd.totals) > known:
        raise Refused("more_than_unnamed", found=len(cmd.totals), known=known)
    if cmd.scale is not None and (
        over := next((one.total for one in cmd.totals if one.total != "unknown" and one.total > cmd.scale), None)
    ):
        raise Refused("total_beyond_scale", total=over, scale=cmd.scale)
    yield TotalsRecorded(**dict(cmd))


def rank(cmd: RankUnits, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.conclusion.submitted is not None:
        raise Refused("nominations_are_submitted")
    results = calculated_scores(state, rules)
    for unit in state.membership.members():
        if unit not in results and unit not in state.conclusion.excluded:
            raise Refused("unit_has_no_score", unit=unit)
    places = [Place(unit=r.unit, total=r.total, rank=r.rank) for r in results.values() if r.rank is not None]
    yield UnitsRanked(places=tuple(sorted(places, key=lambda place: place.rank)))


def nominate(cmd: Nominate, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if (version := state.conclusion.nominations.get((cmd.unit, cmd.award))) is not None:
        raise AlreadySaid(version)
    if rules.awards and rules.award(cmd.award) is None:
        raise Refused("no_such_award", award=cmd.award, edition=rules.id, known=", ".join(a.id for a in rules.awards))
    yield UnitNominated(**dict(cmd))


def choose(cmd: ChooseNext, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield NextChosen(**dict(cmd))


def exclude(cmd: ExcludeUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if cmd.unit in state.conclusion.excluded:
        raise Refused("unit_is_excluded", unit=cmd.unit)
    yield UnitExcluded(**dict(cmd))


def submit(cmd: Submit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if not state.conclusion.nominations:
        raise Refused("nothing_nominated")
    if state.conclusion.submission == cmd.submission:
        raise AlreadySaid(state.conclusion.submitted_version)
    yield NominationsSubmitted(**dict(cmd))


def decide_awards(cmd: DecideAwards, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (state.conclusion.decision, state.conclusion.grants) == (cmd.decision, cmd.grants):
        raise AlreadySaid(state.conclusion.decided_version)
    for grant in cmd.grants:
        if (grant.unit, grant.award) not in state.conclusion.nominations and cmd.reason is None:
            raise Refused("grant_needs_reason", unit=grant.unit, award=grant.award)
    yield AwardsDecided(**dict(cmd))


def publish(cmd: PublishResults, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.conclusion.decided is None:
        raise Refused("nothing_decided")
    if state.conclusion.published is not None:
        raise Refused("results_are_published", on=state.conclusion.published.day)
    yield ResultsPublished(**dict(cmd))


decider = StepDecider(
    slice_name="conclusion",
    empty=Conclusion(),
    decides={
        RecordTotals: record_totals,
        RankUnits: rank,
        Nominate: nominate,
        ChooseNext: choose,
        ExcludeUnit: exclude,
        Submit: submit,
        DecideAwards: decide_awards,
        PublishResults: publish,
    },
    evolves={
        TotalsRecorded: lambda c, e, m: replace(c, totals=with_entry(c.totals, e.round, e.totals)),
        UnitsRanked: lambda c, e, m: replace(c, places=e.places, ranked=m.happened),
        UnitNominated: lambda c, e, m: replace(c, nominations=with_entry(c.nominations, (e.unit, e.award), m.version)),
        NextChosen: lambda c, e, m: replace(
            c, next=with_entry(c.next, e.role, e.unit), manners=with_entry(c.manners, e.role, e.manner)
        ),
        UnitExcluded: lambda c, e, m: replace(c, excluded=with_entry(c.excluded, e.unit, e.reason)),
        NominationsSubmitted: lambda c, e, m: replace(
            c, submission=e.submission, submitted=m.happened, submitted_version=m.version
        ),
        AwardsDecided: lambda c, e, m: replace(
            c, decision=e.decision, decided=m.happened, grants=e.grants, decided_version=m.version
        ),
        ResultsPublished: lambda c, e, m: replace(c, published=m.happened),
    },
)
