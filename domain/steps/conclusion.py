"""Conclusion of the year after the scores: ranking, nominations, next head and deputy, award decision, publication."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from pydantic import Field, PositiveInt

from domain import limits
from domain.dates import as_iso
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, SECRETARIAT, Readers, Section
from domain.problems import repeated
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.scoring.results import UnitResult
from domain.times import When
from domain.types import (
    AwardId,
    Document,
    FrozenModel,
    IsRound,
    Label,
    Points,
    Slug,
    Text,
    UnitId,
    Unknown,
    with_entry,
)
from domain.units import (
    Manner,
    OwnActsContext,
    Role,
    UnitsContext,
    Unnamed,
    known_count,
    require_decided,
    require_member,
)


class ConclusionContext(UnitsContext, OwnActsContext, Protocol):
    """What conclusion reads of the cycle."""

    @property
    def conclusion(self) -> Conclusion: ...

    def members(self) -> tuple[str, ...]:
        """Return the units that are members and have not left, in the order in which they joined."""

    @property
    def unnamed(self) -> Unnamed | None:
        """The number of units of the cluster that no source names."""

    def results(self, rules: Edition) -> Mapping[str, UnitResult]:
        """Return each scored member's result by the scores that count."""


class RankedUnit(FrozenModel):
    """A unit with its rank. Units with equal totals share a rank."""

    unit: UnitId
    rank: int
    total: Points


NoClass = Literal["none"]
"""In place of a class: the unit gets none."""

WhyUnranked = Literal["points-open", "table-incomplete"]
"""Why a unit has no rank: some of its points are undetermined, or the score table lacks some."""


class Grant(FrozenModel):
    """One award that is granted to one unit."""

    unit: UnitId
    award: AwardId


class BareTotal(FrozenModel):
    """A total without a score sheet.

    `words` names a unit that has no id; without `unit` and `words` the source does not say whose total it is.
    """

    unit: UnitId | None = None
    words: Label | None = None
    total: Points | Unknown
    rank: PositiveInt | None = None


Grants = Annotated[tuple[Grant, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


# Commands --------------------------------------------------------------------------------


class RecordTotals(
    Command,
    name="record-totals",
    label=NC_("act", "record totals"),
    summary=N_("Record the totals that a source gives without score sheets."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    """`scale` is the highest total without bonus."""

    round: Annotated[Label, IsRound()]
    totals: Annotated[tuple[BareTotal, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]
    scale: Points | None = None


class RankUnits(
    Command,
    name="rank",
    label=NC_("act", "rank"),
    summary=N_("Rank the units by their current scores."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("scores", "ranking"),
):
    pass


class RuleClass(
    Command,
    name="rule-class",
    label=NC_("act", "rule class"),
    summary=N_("Decide the class of a unit where the rules edition leaves it open, with the reason."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"class/{command.unit}", f"score/{command.unit}"),
):
    """`to` is a class of the edition, or `none`."""

    unit: UnitId
    to: Slug
    reason: Text


class Nominate(
    Command,
    name="nominate",
    label=NC_("act", "nominate"),
    summary=N_("Nominate a unit for an award."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("nominations", "ranking"),
):
    unit: UnitId
    award: AwardId


class ChooseNext(
    Command,
    name="choose-next",
    label=NC_("act", "choose next"),
    summary=N_("Record which unit will be head or deputy next year, and how it was chosen."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"next/{command.role}",),
):
    """`unit` is `vacant` when no unit was chosen, `unknown` when the source does not say."""

    role: Role
    unit: UnitId | Literal["unknown", "vacant"]
    manner: Manner


class ExcludeUnit(
    Command,
    name="exclude-unit",
    label=NC_("act", "exclude unit"),
    summary=N_("Exclude a unit from this year's evaluation, with the reason."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("ranking",),
):
    unit: UnitId
    reason: Text
    basis: Document | None = None


class Submit(
    Command,
    name="submit",
    label=NC_("act", "submit"),
    summary=N_("Submit the nominations to the level above."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=True,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("nominations", "ranking"),
):
    submission: Document


class DecideAwards(
    Command,
    name="decide-awards",
    label=NC_("act", "decide awards"),
    summary=N_("Record the award decision of the level above. A grant without a nomination needs a reason."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=True,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: ("decision", "nominations"),
):
    """Without `decision`, no source tells by which document they were decided."""

    decision: Document | None = None
    grants: Grants
    reason: Text | None = None


class PublishResults(
    Command,
    name="publish",
    label=NC_("act", "publish"),
    summary=N_("Publish the results to the units."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=True,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: ("decision",),
):
    notice: Document | None = None


# Events ----------------------------------------------------------------------------------


class TotalsRecorded(
    Event,
    name="TotalsRecorded",
    schema=1,
    sentence=N_("Totals, {round}: {totals}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.TOTALS,
):
    round: Annotated[Label, IsRound()]
    totals: tuple[BareTotal, ...]
    scale: Points | None


class UnitsRanked(
    Event,
    name="UnitsRanked",
    schema=1,
    sentence=N_("The units are ranked: {places}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.RANKING,
    subjects=lambda event: ("ranking",),
):
    places: tuple[RankedUnit, ...]


class UnitUnranked(
    Event,
    name="UnitUnranked",
    schema=1,
    sentence=N_("{unit} is not ranked: {why}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=Section.RANKING,
    subjects=lambda event: ("ranking",),
):
    unit: UnitId
    why: WhyUnranked


class ClassRuled(
    Event,
    name="ClassRuled",
    schema=1,
    sentence=N_("{unit} is classed by decision: {title}. Reason: {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
    subjects=lambda event: (f"class/{event.unit}",),
):
    """`title` is the class in the edition's words."""

    unit: UnitId
    to: Slug
    title: Label | NoClass
    reason: Text


class UnitNominated(
    Event,
    name="UnitNominated",
    schema=1,
    sentence=N_("{unit} is nominated: {award}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.NOMINATIONS,
    subjects=lambda event: ("nominations",),
):
    unit: UnitId
    award: AwardId


class NextChosen(
    Event,
    name="NextChosen",
    schema=1,
    sentence=N_("{unit} will be {role} next year ({manner})."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.NEXT_ROLES,
    subjects=lambda event: (f"next/{event.role}",),
):
    role: Role
    unit: UnitId
    manner: Manner


class UnitExcluded(
    Event,
    name="UnitExcluded",
    schema=1,
    sentence=N_("{unit} is not considered: {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
    subjects=lambda event: ("ranking",),
):
    unit: UnitId
    reason: Text
    basis: Document | None


class NominationsSubmitted(
    Event,
    name="NominationsSubmitted",
    schema=1,
    sentence=N_("The nominations are submitted: {submission}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.SUBMISSION,
    subjects=lambda event: ("nominations",),
):
    submission: Document


class AwardsDecided(
    Event,
    name="AwardsDecided",
    schema=1,
    sentence=lambda event: (
        N_("The awards are decided: {decision}.")
        if event.decision is not None
        else N_("The awards are decided; no document is named."),
        dict(event),
    ),
    correctable=True,
    in_summary=Section.DECISION,
    subjects=lambda event: ("decision",),
):
    decision: Document | None
    grants: tuple[Grant, ...]
    reason: Text | None


class ResultsPublished(
    Event,
    name="ResultsPublished",
    schema=1,
    sentence=N_("The results are published."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.PUBLICATION,
    subjects=lambda event: ("decision",),
):
    notice: Document | None


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClassRuling:
    """A decided class: `to` is its id, or `none`; `reason` is the digest of a text."""

    to: str
    reason: str
    version: int


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The results of the year."""

    totals: Mapping[str, tuple[BareTotal, ...]] = field(default_factory=dict)
    """Totals without sheets, by round; no round overwrites another."""

    scales: Mapping[str, Decimal] = field(default_factory=dict)
    """The highest total without bonus, by round, where the source states it."""

    excluded: Mapping[str, str] = field(default_factory=dict)
    """Excluded units, with the digest of the reason."""
    ranking: tuple[RankedUnit, ...] = ()
    ranked: When | None = None
    unranked: Mapping[str, WhyUnranked] = field(default_factory=dict)
    class_rulings: Mapping[str, ClassRuling] = field(default_factory=dict)
    nominations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By unit and award, the version of the event."""
    next: Mapping[Role, str] = field(default_factory=dict)
    manners: Mapping[Role, Manner] = field(default_factory=dict)
    """How the next head and deputy were chosen."""
    submission: Document | None = None
    submitted: When | None = None
    submitted_version: int = 0
    decision: Document | None = None
    decided: When | None = None
    decided_version: int = 0
    grants: tuple[Grant, ...] = ()
    published: When | None = None


# Decisions -------------------------------------------------------------------------------


def record_totals(
    command: RecordTotals, meta: Meta, state: ConclusionContext, rules: Edition
) -> Iterator[TotalsRecorded]:
    if command.round in state.conclusion.totals:
        raise Refused("totals_are_recorded", round=command.round)
    units = [total.unit for total in command.totals if total.unit is not None]
    for unit in units:
        require_member(unit, meta, state)
    if doubled := repeated(units):
        raise Refused("named_twice", name=doubled[0])
    known = len(state.members()) + known_count(state.unnamed)
    if isinstance(state.unnamed, int) and len(command.totals) > known:
        raise Refused("more_than_unnamed", found=len(command.totals), known=known)
    yield TotalsRecorded(**dict(command))


def rank(
    command: RankUnits, meta: Meta, state: ConclusionContext, rules: Edition
) -> Iterator[UnitsRanked | UnitUnranked]:
    require_decided(meta, state)  # a ranking opens the totals to all members
    submitted = state.conclusion.submitted
    if submitted is not None and not meta.happened.before(submitted):
        raise Refused("nominations_are_submitted")
    results = state.results(rules)
    for unit in state.members():
        if unit not in results and unit not in state.conclusion.excluded:
            raise Refused("unit_has_no_score", unit=unit)
    ranked = [
        RankedUnit(unit=unit, total=result.total, rank=result.rank)
        for unit, result in results.items()
        if result.rank is not None
    ]
    if not ranked:
        raise Refused("nobody_can_be_ranked")
    yield UnitsRanked(places=tuple(sorted(ranked, key=lambda unit: unit.rank)))
    for unit, result in results.items():
        if result.unranked is not None and result.excluded is None:
            yield UnitUnranked(
                unit=unit, why="table-incomplete" if result.unranked == "table_incomplete" else "points-open"
            )


def rule_class(command: RuleClass, meta: Meta, state: ConclusionContext, rules: Edition) -> Iterator[ClassRuled]:
    require_member(command.unit, meta, state)
    classes = {one.id: one.title for one in rules.scoring.classes}
    if command.to not in {*classes, "none"}:
        raise Refused("no_such_class_here", known=", ".join(classes.values()))
    existing = state.conclusion.class_rulings.get(command.unit)
    if existing is not None and (existing.to, existing.reason) == (command.to, command.reason):
        raise AlreadyRecorded(existing.version)
    result = state.results(rules).get(command.unit)
    if result is None:
        raise Refused("unit_has_no_score", unit=command.unit)
    if existing is None and result.class_open is None:
        raise Refused("class_is_determined", unit=command.unit)  # not which: it can be closed to who asks
    yield ClassRuled(**dict(command), title=classes.get(command.to, "none"))


def nominate(command: Nominate, meta: Meta, state: ConclusionContext, rules: Edition) -> Iterator[UnitNominated]:
    require_member(command.unit, meta, state)
    if (version := state.conclusion.nominations.get((command.unit, command.award))) is not None:
        raise AlreadyRecorded(version)
    if rules.awards and rules.award(command.award) is None:
        raise Refused(
            "no_such_award", award=command.award, edition=rules.id, known=", ".join(a.id for a in rules.awards)
        )
    yield UnitNominated(**dict(command))


def choose_next(command: ChooseNext, meta: Meta, state: ConclusionContext, rules: Edition) -> Iterator[NextChosen]:
    yield NextChosen(**dict(command))


def exclude(command: ExcludeUnit, meta: Meta, state: ConclusionContext, rules: Edition) -> Iterator[UnitExcluded]:
    require_member(command.unit, meta, state)
    if command.unit in state.conclusion.excluded:
        raise Refused("unit_is_excluded", unit=command.unit)
    yield UnitExcluded(**dict(command))


def submit(command: Submit, meta: Meta, state: ConclusionContext, rules: Edition) -> Iterator[NominationsSubmitted]:
    if not state.conclusion.nominations:
        raise Refused("nothing_nominated")
    if state.conclusion.submission == command.submission:
        raise AlreadyRecorded(state.conclusion.submitted_version)
    yield NominationsSubmitted(**dict(command))


def decide_awards(
    command: DecideAwards, meta: Meta, state: ConclusionContext, rules: Edition
) -> Iterator[AwardsDecided]:
    is_decided = state.conclusion.decided is not None
    if is_decided and (state.conclusion.decision, state.conclusion.grants) == (command.decision, command.grants):
        raise AlreadyRecorded(state.conclusion.decided_version)
    for grant in command.grants:
        if (grant.unit, grant.award) not in state.conclusion.nominations and command.reason is None:
            raise Refused("grant_needs_reason", unit=grant.unit, award=grant.award)
    yield AwardsDecided(**dict(command))


def publish(
    command: PublishResults, meta: Meta, state: ConclusionContext, rules: Edition
) -> Iterator[ResultsPublished]:
    if state.conclusion.published is not None:
        raise Refused("results_are_published", on=as_iso(state.conclusion.published))
    yield ResultsPublished(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _is_overtaken(recorded: When | None, meta: Meta) -> bool:
    """Return whether a paper of an earlier day comes after a later one was entered: that one counts."""
    return recorded is not None and meta.happened.before(recorded)


decider: StepDecider[Conclusion, ConclusionContext, Edition] = StepDecider(
    title=N_("Ranking, nominations and the award decision"),
    slice_name="conclusion",
    decides={
        RecordTotals: record_totals,
        RankUnits: rank,
        RuleClass: rule_class,
        Nominate: nominate,
        ChooseNext: choose_next,
        ExcludeUnit: exclude,
        Submit: submit,
        DecideAwards: decide_awards,
        PublishResults: publish,
    },
    evolves={
        TotalsRecorded: lambda conclusion, event, meta: replace(
            conclusion,
            totals=with_entry(conclusion.totals, event.round, event.totals),
            scales=conclusion.scales
            if event.scale is None
            else with_entry(conclusion.scales, event.round, event.scale),
        ),
        UnitsRanked: lambda conclusion, event, meta: (
            conclusion
            if _is_overtaken(conclusion.ranked, meta)
            else replace(conclusion, ranking=event.places, ranked=meta.happened, unranked={})
        ),
        UnitUnranked: lambda conclusion, event, meta: (
            conclusion
            if _is_overtaken(conclusion.ranked, meta)
            else replace(conclusion, unranked=with_entry(conclusion.unranked, event.unit, event.why))
        ),
        ClassRuled: lambda conclusion, event, meta: replace(
            conclusion,
            class_rulings=with_entry(
                conclusion.class_rulings, event.unit, ClassRuling(event.to, event.reason, meta.version)
            ),
        ),
        UnitNominated: lambda conclusion, event, meta: replace(
            conclusion, nominations=with_entry(conclusion.nominations, (event.unit, event.award), meta.version)
        ),
        NextChosen: lambda conclusion, event, meta: replace(
            conclusion,
            next=with_entry(conclusion.next, event.role, event.unit),
            manners=with_entry(conclusion.manners, event.role, event.manner),
        ),
        UnitExcluded: lambda conclusion, event, meta: replace(
            conclusion, excluded=with_entry(conclusion.excluded, event.unit, event.reason)
        ),
        NominationsSubmitted: lambda conclusion, event, meta: (
            conclusion
            if _is_overtaken(conclusion.submitted, meta)
            else replace(
                conclusion, submission=event.submission, submitted=meta.happened, submitted_version=meta.version
            )
        ),
        AwardsDecided: lambda conclusion, event, meta: (
            conclusion
            if _is_overtaken(conclusion.decided, meta)
            else replace(
                conclusion,
                decision=event.decision,
                decided=meta.happened,
                grants=event.grants,
                decided_version=meta.version,
            )
        ),
        ResultsPublished: lambda conclusion, event, meta: replace(conclusion, published=meta.happened),
    },
)
