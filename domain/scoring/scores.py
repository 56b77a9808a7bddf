"""Scores of a unit by round: self-scoring, cross-check by a peer, appraisal by the level above, rounds of the edition.

No round overwrites another. A value that differs from an earlier round carries its reason. Points are decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Protocol

from pydantic import Field

from domain import limits
from domain.duties import Duty
from domain.joint_acts import JointContext, UnitNamed, acting_together
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, OWN_UNIT, SECRETARIAT, Readers, Section
from domain.problems import repeated
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.scoring.calculation import CalculationRules, UnitSheet, calculate_scores, signed
from domain.scoring.methods import ScoreEntry
from domain.scoring.results import UnitResult
from domain.times import When, earlier_of
from domain.types import IsRound, Participant, Slug, Text, UnitId, with_entry
from domain.units import (
    DoneJointly,
    JointFields,
    OwnActsContext,
    TogetherUnits,
    require_decided,
    require_member,
    require_own_or_decided,
)


class ScoresContext(JointContext, OwnActsContext, Protocol):
    """What scores read of the cycle."""

    @property
    def scores(self) -> Scores: ...

    def members(self) -> tuple[str, ...]:
        """Return the units that are members and have not left, in the order in which they joined."""

    def checker_of(self, unit: str, rules: Any) -> str | None:
        """Return the unit that cross-checks the unit by the edition or an assigning act; None when neither says so."""

    def kind_of(self, unit: str) -> str | None:
        """Return the kind of a unit, which limits criteria to some units; None when it has none."""

    def exclusion_of(self, unit: str) -> str | None:
        """Return why the unit is excluded from the evaluation (the digest of the reason); None when it is not."""

    def class_ruled_for(self, unit: str) -> str | None:
        """Return the unit's class by a ruling; None when there is none."""


class ScoringRules(CalculationRules, Protocol):
    """What scores read of a rules edition. An edition contains a score table, so this folder does not import it."""

    @property
    def rounds(self) -> Sequence[object]:
        """The declared rounds; empty when the edition declares none."""

    def rounds_in_order(self, scored: Iterable[str]) -> tuple[str, ...]:
        """Return all rounds, the one that counts most last. Undeclared rounds that were `scored` count least."""


class SheetItem(ScoreEntry):
    """A round's entry for one criterion, with the reason when it changes an earlier round."""

    reason: Text | None = None


Sheet = Annotated[tuple[SheetItem, ...], Field(min_length=1, max_length=limits.CRITERIA_PER_EDITION)]


# Commands --------------------------------------------------------------------------------


class ScoreSelf(
    Command,
    name="score-self",
    label=NC_("act", "score self"),
    summary=N_("Score your own unit."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.SELF_SCORE,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"score/{command.unit}",),
):
    unit: UnitId
    sheet: Sheet


class ScoreSelfTogether(
    Command,
    JointFields,
    name="score-self-together",
    label=NC_("act", "score self together"),
    summary=N_("Record that units scored themselves, where a source gives no score sheets."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    pass


class WithdrawScore(
    Command,
    name="withdraw-score",
    label=NC_("act", "withdraw score"),
    summary=N_("Withdraw a self-score that no other round has scored yet; the unit owes one again."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.SELF_SCORE,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"score/{command.unit}",),
):
    unit: UnitId


class CrossCheck(
    Command,
    name="cross-check",
    label=NC_("act", "cross check"),
    summary=N_("Score another unit as its peer."),
    allowed=OWN_UNIT,
    about="by",
    closed_by=Duty.CROSS_CHECK,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"score/{command.unit}",),
):
    unit: UnitId
    by: UnitId
    sheet: Sheet


class AppraiseScores(
    Command,
    name="appraise",
    label=NC_("act", "appraise"),
    summary=N_("Score a unit as the level above."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"score/{command.unit}",),
):
    unit: UnitId
    sheet: Sheet


class ScoreRound(
    Command,
    name="score-round",
    label=NC_("act", "score round"),
    summary=N_("Score a unit in a round that the rules edition declares."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"score/{command.unit}",),
):
    """The scorer can be the cluster, a team or one of several appraisers.

    A sheet can cover some criteria only. `by` is who scored; None: the unit that issues the command.
    """

    unit: UnitId
    round: Annotated[Slug, IsRound()]
    sheet: Sheet
    by: Participant | None = None


# Events ----------------------------------------------------------------------------------


class SelfScored(
    Event,
    name="SelfScored",
    schema=1,
    sentence=N_("{unit} scores itself: {sheet}."),
    readers=Readers.OWN_AND_CHECKER,
    correctable=True,
    in_summary=Section.SCORES,
    subjects=lambda event: ("scores", f"score/{event.unit}"),
):
    unit: UnitId
    sheet: tuple[SheetItem, ...]


class ScoredSelfTogether(
    Event,
    DoneJointly,
    name="ScoredSelfTogether",
    schema=1,
    sentence=lambda event: (
        N_("{units} score themselves."),
        {"units": TogetherUnits(units=event.units, unnamed=event.unnamed)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.SCORES,
    subjects=lambda event: ("scores", *(f"score/{unit}" for unit in event.units)),
):
    pass


class SelfScoreWithdrawn(
    Event,
    name="SelfScoreWithdrawn",
    schema=1,
    sentence=N_("{unit} takes its own score back."),
    sentence_if_decided=N_("By decision of the meeting, the self-score of {unit} is taken back."),
    readers=Readers.OWN_AND_CHECKER,
    correctable=True,
    in_summary=Section.SCORES,
    subjects=lambda event: ("scores", f"score/{event.unit}"),
):
    unit: UnitId


class CrossChecked(
    Event,
    name="CrossChecked",
    schema=1,
    sentence=N_("{by} cross-checks {unit}: {sheet}."),
    readers=Readers.OWN_AND_CHECKER,
    correctable=True,
    in_summary=Section.SCORES,
    subjects=lambda event: ("scores", f"score/{event.unit}"),
):
    unit: UnitId
    by: UnitId
    sheet: tuple[SheetItem, ...]


class ScoresAppraised(
    Event,
    name="ScoresAppraised",
    schema=1,
    sentence=N_("The score of {unit} is appraised: {sheet}."),
    correctable=True,
    in_summary=Section.SCORES,
    subjects=lambda event: ("scores", f"score/{event.unit}"),
):
    unit: UnitId
    sheet: tuple[SheetItem, ...]


class RoundScored(
    Event,
    name="RoundScored",
    schema=1,
    sentence=N_("The score of {unit} in the round {round}: {sheet}."),
    correctable=True,
    in_summary=Section.SCORES,
    subjects=lambda event: ("scores", f"score/{event.unit}"),
):
    unit: UnitId
    round: Annotated[Slug, IsRound()]
    sheet: tuple[SheetItem, ...]
    by: Participant


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScoredSheet:
    """One unit's sheet in one round; `by` is who scored: a unit's id, a person, or a group in words.

    The sheet is empty where only a joint act tells that the unit scored itself.
    """

    sheet: tuple[SheetItem, ...]
    by: str
    when: When
    sureness: str
    version: int
    first: When | None = None
    """When the round was first recorded: a later sheet does not make it late."""


Scores = Mapping[tuple[str, str], ScoredSheet]
"""By unit and round."""


def effective_score(unit: str, scores: Scores, rules: ScoringRules) -> tuple[SheetItem, ...]:
    """Return the items that count for a unit: of each criterion, the item of the last round that has one.

    When the edition declares no rounds, each sheet is a whole one, and only the last one counts.
    """
    order = rules.rounds_in_order(round_ for of, round_ in scores if of == unit)
    if not rules.rounds:
        order = next(((round_,) for round_ in reversed(order) if (unit, round_) in scores), ())
    effective = {
        item.criterion: item for round_ in order if (unit, round_) in scores for item in scores[unit, round_].sheet
    }
    return tuple(effective.values())


def calculated_scores(state: ScoresContext, rules: ScoringRules, round_: str | None = None) -> dict[str, UnitResult]:
    """Return the members' results by unit: of one round, or of the effective scores when `round_` is None."""
    return {result.unit: result for result in calculate_scores(rules, sheets_of(state, rules, round_))}


def sheets_of(state: ScoresContext, rules: ScoringRules, round_: str | None = None) -> list[UnitSheet]:
    """Return the members' sheets that have entries: of one round, or the effective ones when `round_` is None."""
    sheets = []
    for unit in state.members():
        if round_ is None:
            items = effective_score(unit, state.scores, rules)
        else:
            items = state.scores[unit, round_].sheet if (unit, round_) in state.scores else ()
        if items:
            sheets.append(sheet_of(unit, items, state))
    return sheets


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A unit's total and rank before and after something changed."""

    unit: str
    before: Decimal
    after: Decimal
    rank_before: int | None
    rank_after: int | None


def score_impact(
    before: ScoresContext, after: ScoresContext, rules: ScoringRules, *, whose: str = ""
) -> tuple[ScoreChange, ...]:
    """Return the units whose total differs between two states, except the unit `whose`.

    A score can change other units' totals, because a rule can be relative to the best unit.
    """
    old, new = calculated_scores(before, rules), calculated_scores(after, rules)
    return tuple(
        ScoreChange(unit, old[unit].total, result.total, old[unit].rank, result.rank)
        for unit, result in new.items()
        if unit != whose and unit in old and old[unit].total != result.total
    )


def sheet_of(unit: str, items: tuple[SheetItem, ...], state: ScoresContext) -> UnitSheet:
    """Return a unit's items as a sheet, with the unit's kind and its exclusion."""
    return UnitSheet(
        unit=unit,
        kind=state.kind_of(unit),
        excluded=state.exclusion_of(unit),
        entries=items,
        ruled_class=state.class_ruled_for(unit),
    )


# Decisions -------------------------------------------------------------------------------


def _require_valid_sheet(
    unit: str, sheet: tuple[SheetItem, ...], state: ScoresContext, rules: ScoringRules, *, whole: bool = True
) -> None:
    """Refuse a sheet that the edition does not allow: a repeated or unknown criterion, impossible points.

    `whole`: the sheet must have every criterion that applies to the unit.
    """
    leaves = rules.leaves()
    if not leaves:
        raise Refused("edition_without_criteria", edition=rules.id)
    seen = [item.criterion for item in sheet]
    if doubled := repeated(seen):
        raise Refused("criterion_twice", criterion=doubled[0])
    (result,) = calculate_scores(rules, (sheet_of(unit, sheet, state),))
    for line in result.lines:
        if line.undetermined is not None and line.undetermined.code == "figure_missing":
            raise Refused("figure_missing", criterion=line.criterion, figure=dict(line.undetermined.facts)["figure"])
    if not whole:
        return
    kind = state.kind_of(unit)
    owed = [
        leaf.id
        for leaf in leaves.values()
        if leaf.part == "base" and leaf.concerns(unit, kind) and kind not in leaf.exempt_kinds
    ]
    if missing := [criterion for criterion in owed if criterion not in seen]:
        raise Refused("criteria_missing", criteria=", ".join(missing), count=len(missing))


def signed_sheet(sheet: tuple[SheetItem, ...], rules: ScoringRules) -> tuple[SheetItem, ...]:
    """Return the sheet as it is recorded: points under a penalty carry their minus, however they were typed."""
    leaves = rules.leaves()
    return tuple(
        item.model_copy(update={"points": signed(leaves[item.criterion], item.points)})
        if item.points is not None and item.criterion in leaves and leaves[item.criterion].part == "penalty"
        else item
        for item in sheet
    )


_READ_BY_CHECKER = frozenset({"self", "cross-checked"})
"""The rounds that the unit and its checker read before publication."""


def _reads(rounds: Iterable[str], unit: str, meta: Meta, state: ScoresContext, rules: ScoringRules) -> bool:
    """Return whether the acting unit reads these rounds of a unit before publication."""
    if meta.unit == state.organiser:
        return True
    return meta.unit in {unit, state.checker_of(unit, rules)} and _READ_BY_CHECKER.issuperset(rounds)


def _require_reasons(sheet: tuple[SheetItem, ...], earlier: tuple[SheetItem, ...], *, read: bool = True) -> None:
    """Refuse an item without a reason that differs from the earlier items.

    Who does not `read` these gives a reason for each item: a refusal must not tell which one differs.
    """
    if not earlier:
        return
    if not read:
        if any(item.reason is None for item in sheet):
            raise Refused("each_needs_reason")
        return
    for item in differing(sheet, earlier):
        if item.reason is None:
            raise Refused("change_needs_reason", criterion=item.criterion)


def differing(sheet: Iterable[SheetItem], earlier: tuple[SheetItem, ...]) -> tuple[SheetItem, ...]:
    """Return the items that differ from the earlier ones: each needs a reason. Without earlier ones, none does."""
    by_criterion = {item.criterion: item.figures for item in earlier}
    return tuple(item for item in sheet if earlier and by_criterion.get(item.criterion) != item.figures)


def act_of_round(round_: str) -> type[Command]:
    """Return the act by which a unit's sheet of a round is recorded."""
    return _ACTS.get(round_, ScoreRound)


_ACTS: Mapping[str, type[Command]] = {"self": ScoreSelf, "cross-checked": CrossCheck, "appraised": AppraiseScores}


def compared_items(unit: str, round_: str, state: ScoresContext, rules: ScoringRules) -> tuple[SheetItem, ...]:
    """Return what a unit's sheet of a round is compared with: nothing, the self-score, or what has counted so far."""
    if round_ == "self":
        return ()
    if round_ == "cross-checked":
        claimed = state.scores.get((unit, "self"))
        return () if claimed is None else claimed.sheet
    if round_ == "appraised":
        return effective_score(unit, state.scores, rules)
    return effective_score(unit, _earlier_scores(unit, round_, state, rules), rules)


def _require_new(scored: ScoredSheet | None, by: str, sheet: tuple[SheetItem, ...], *, read: bool = True) -> None:
    """Answer that the sheet is recorded already, but not to who does not `read` the recorded one."""
    if read and scored is not None and scored.by == by and scored.sheet == sheet:
        raise AlreadyRecorded(scored.version)


def withdraw_score(
    command: WithdrawScore, meta: Meta, state: ScoresContext, rules: ScoringRules
) -> Iterator[SelfScoreWithdrawn]:
    if (command.unit, "self") not in state.scores:
        raise Refused("no_score", unit=command.unit)
    require_own_or_decided(command.unit, meta, state)
    if any(unit == command.unit and round_ != "self" for unit, round_ in state.scores):
        # Not in which round: rounds of other scorers can be closed to the unit.
        raise Refused("scored_upon", unit=command.unit)
    yield SelfScoreWithdrawn(unit=command.unit)


def score_self(command: ScoreSelf, meta: Meta, state: ScoresContext, rules: ScoringRules) -> Iterator[SelfScored]:
    require_member(command.unit, meta, state)
    sheet = signed_sheet(command.sheet, rules)
    scored = state.scores.get((command.unit, "self"))
    if scored is not None:
        require_own_or_decided(command.unit, meta, state)
    _require_new(scored, command.unit, sheet, read=_reads(("self",), command.unit, meta, state, rules))
    appraised = state.scores.get((command.unit, "appraised"))
    if appraised is not None and not meta.happened.before(appraised.when):
        raise Refused("score_is_appraised", unit=command.unit)
    _require_valid_sheet(command.unit, sheet, state, rules)
    yield SelfScored(unit=command.unit, sheet=sheet)


def score_together(
    command: ScoreSelfTogether, meta: Meta, state: ScoresContext, rules: ScoringRules
) -> Iterator[ScoredSelfTogether]:
    yield ScoredSelfTogether(**dict(acting_together("self-score", command, meta, state)))


def cross_check(command: CrossCheck, meta: Meta, state: ScoresContext, rules: ScoringRules) -> Iterator[CrossChecked]:
    require_member(command.unit, meta, state)
    require_member(command.by, meta, state)
    if command.by == command.unit:
        raise Refused("checks_itself", unit=command.unit)
    # Rights before every comparison: a refusal of who may not read the sheets must not depend on them.
    scored = state.scores.get((command.unit, "cross-checked"))
    require_own_or_decided(command.by if scored is None else scored.by, meta, state)
    if meta.unit != command.by or command.by != state.checker_of(command.unit, rules):
        require_decided(meta, state, "not_the_checker", unit=command.unit, by=command.by)
    read = _reads(_READ_BY_CHECKER, command.unit, meta, state, rules)
    sheet = signed_sheet(command.sheet, rules)
    _require_new(scored, command.by, sheet, read=read)
    _require_valid_sheet(command.unit, sheet, state, rules)
    _require_reasons(sheet, compared_items(command.unit, "cross-checked", state, rules), read=read)
    yield CrossChecked(unit=command.unit, by=command.by, sheet=sheet)


def appraise(
    command: AppraiseScores, meta: Meta, state: ScoresContext, rules: ScoringRules
) -> Iterator[ScoresAppraised]:
    require_member(command.unit, meta, state)
    sheet = signed_sheet(command.sheet, rules)
    _require_new(state.scores.get((command.unit, "appraised")), meta.unit, sheet)
    _require_valid_sheet(command.unit, sheet, state, rules)
    _require_reasons(sheet, compared_items(command.unit, "appraised", state, rules))
    yield ScoresAppraised(unit=command.unit, sheet=sheet)


def score_round(command: ScoreRound, meta: Meta, state: ScoresContext, rules: ScoringRules) -> Iterator[RoundScored]:
    require_member(command.unit, meta, state)
    if command.round in _OWN_COMMANDS:
        raise Refused("round_has_its_act", round=command.round, act=_OWN_COMMANDS[command.round])
    sheet, by = signed_sheet(command.sheet, rules), command.by or Participant(unit=meta.unit)
    read = _reads((command.round,), command.unit, meta, state, rules)
    _require_new(state.scores.get((command.unit, command.round)), _scorer(by), sheet, read=read)
    _require_valid_sheet(command.unit, sheet, state, rules, whole=False)
    earlier = compared_items(command.unit, command.round, state, rules)
    rounds = (round_ for _of, round_ in _earlier_scores(command.unit, command.round, state, rules))
    if _reads(rounds, command.unit, meta, state, rules):
        known = {item.criterion for item in earlier}
        _require_reasons(tuple(item for item in sheet if item.criterion in known), earlier)
    else:
        _require_reasons(sheet, earlier, read=False)
    yield RoundScored(unit=command.unit, round=command.round, sheet=sheet, by=by)


_OWN_COMMANDS = {"self": ScoreSelf.NAME, "cross-checked": CrossCheck.NAME, "appraised": AppraiseScores.NAME}


def _earlier_scores(unit: str, round_: str, state: ScoresContext, rules: ScoringRules) -> Scores:
    """Return the unit's rounds that come earlier in the edition's order than a round.

    The order of recording does not matter: the paper of an earlier round can come after that of a later one.
    """
    order = rules.rounds_in_order((round_, *(name for of, name in state.scores if of == unit)))
    earlier = set(order[: order.index(round_)])
    return {(of, name): scored for (of, name), scored in state.scores.items() if of == unit and name in earlier}


def _scorer(by: Participant) -> str:
    return by.unit or by.group or (by.person.office or by.person.id or "" if by.person is not None else "")


# Evolution -------------------------------------------------------------------------------


def _with_sheet(scores: Scores, unit: str, round_: str, by: str, sheet: tuple[SheetItem, ...], meta: Meta) -> Scores:
    existing = scores.get((unit, round_))
    first = earlier_of(None if existing is None else existing.first, meta.happened)
    if existing is not None and existing.sheet and meta.happened.before(existing.when):
        # A sheet of an earlier day that comes later does not replace a later one.
        return with_entry(scores, (unit, round_), replace(existing, first=first))
    return with_entry(
        scores, (unit, round_), ScoredSheet(sheet, by, meta.happened, meta.provenance.kind, meta.version, first)
    )


def _scored_together(scores: Scores, event: ScoredSelfTogether, meta: Meta) -> Scores:
    for unit in event.units:
        scores = _inferred(scores, unit, meta.happened, meta)
    return scores


def _unit_named(scores: Scores, event: UnitNamed, meta: Meta) -> Scores:
    shared = event.shared("self-score")
    return scores if shared is None else _inferred(scores, event.unit.id, shared.on, meta)


def _inferred(scores: Scores, unit: str, when: When, meta: Meta) -> Scores:
    """Return the scores with a self-score that only a joint act tells of; a unit's own sheet stays."""
    if (existing := scores.get((unit, "self"))) is not None:
        return with_entry(scores, (unit, "self"), replace(existing, first=earlier_of(existing.first, when)))
    kind = "rehearsed" if meta.provenance.kind == "rehearsed" else "inferred"
    return with_entry(scores, (unit, "self"), ScoredSheet((), unit, when, kind, meta.version, when))


decider: StepDecider[Scores, ScoresContext, ScoringRules] = StepDecider(
    title=N_("Scoring"),
    slice_name="scores",
    decides={
        ScoreSelf: score_self,
        ScoreSelfTogether: score_together,
        WithdrawScore: withdraw_score,
        CrossCheck: cross_check,
        AppraiseScores: appraise,
        ScoreRound: score_round,
    },
    evolves={
        SelfScored: lambda scores, event, meta: _with_sheet(scores, event.unit, "self", event.unit, event.sheet, meta),
        ScoredSelfTogether: _scored_together,
        UnitNamed: _unit_named,
        SelfScoreWithdrawn: lambda scores, event, meta: {
            key: scored for key, scored in scores.items() if key != (event.unit, "self")
        },
        CrossChecked: lambda scores, event, meta: _with_sheet(
            scores, event.unit, "cross-checked", event.by, event.sheet, meta
        ),
        ScoresAppraised: lambda scores, event, meta: _with_sheet(
            scores, event.unit, "appraised", meta.unit, event.sheet, meta
        ),
        RoundScored: lambda scores, event, meta: _with_sheet(
            scores, event.unit, event.round, _scorer(event.by), event.sheet, meta
        ),
    },
)
