"""Scores: what a unit claims, what a peer finds, what the level above decides, item by item, each kept apart.

No round overwrites another. Points are decimals. A change of somebody else's value carries its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from domain import limits
from domain.problems import repeated
from domain.rules import Edition
from domain.steps.commenting import Voice
from domain.steps.membership import require_member
from domain.steps.score_calculation import UnitResult, UnitSheet, calculate_scores
from domain.steps.scoring_methods import ScoreEntry
from domain.types import (
    AlreadySaid,
    Command,
    Event,
    Meta,
    Refused,
    Slug,
    StepDecider,
    Text,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State


class Item(ScoreEntry):
    """What a round says of one criterion, and the reason where an earlier round is changed."""

    reason: Text | None = None


Sheet = Annotated[tuple[Item, ...], Field(min_length=1, max_length=limits.CRITERIA_PER_EDITION)]


# What people say -------------------------------------------------------------------------


class ScoreSelf(Command, name="score-self"):
    """A unit claims its points."""

    unit: UnitId
    sheet: Sheet


class WithdrawScore(Command, name="withdraw-score"):
    """A unit takes its claim back before anybody has scored on it; it owes one again."""

    unit: UnitId


class CrossCheck(Command, name="cross-check"):
    """A peer scores the unit."""

    unit: UnitId
    by: UnitId
    sheet: Sheet


class AppraiseScores(Command, name="appraise"):
    """The level above scores the unit."""

    unit: UnitId
    sheet: Sheet


class ScoreRound(Command, name="score-round"):
    """Somebody scores a unit in a round that the edition declares: the cluster, a team, one of several appraisers.

    A sheet may cover some criteria only; `by` is who scored, where a source says it.
    """

    unit: UnitId
    round: Slug
    sheet: Sheet
    by: Voice | None = None


# What happened ---------------------------------------------------------------------------


class SelfScored(Event, name="SelfScored"):
    unit: UnitId
    sheet: tuple[Item, ...]


class SelfScoreWithdrawn(Event, name="SelfScoreWithdrawn"):
    unit: UnitId


class CrossChecked(Event, name="CrossChecked"):
    unit: UnitId
    by: UnitId
    sheet: tuple[Item, ...]


class ScoresAppraised(Event, name="ScoresAppraised"):
    unit: UnitId
    sheet: tuple[Item, ...]


class RoundScored(Event, name="RoundScored"):
    unit: UnitId
    round: Slug
    sheet: tuple[Item, ...]
    by: Voice


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scored:
    """One unit's sheet in one round; `by` is who scored, in a unit's id or in words."""

    sheet: tuple[Item, ...]
    by: str
    when: When
    sureness: str
    version: int
    first: When | None = None
    """When the round was first entered: a refined sheet does not make it late."""


Scores = Mapping[tuple[str, str], Scored]
"""By unit and round."""


def effective_score(unit: str, scores: Scores, rules: Edition) -> tuple[Item, ...]:
    """What counts for a unit: of each criterion, what the last round that speaks of it says.

    Where an edition declares no rounds, each sheet is a whole one, and the last of them counts alone.
    """
    order = rules.rounds_in_order(round_ for of, round_ in scores if of == unit)
    if not rules.rounds:
        order = next(((round_,) for round_ in reversed(order) if (unit, round_) in scores), ())
    found = {
        item.criterion: item for round_ in order if (unit, round_) in scores for item in scores[unit, round_].sheet
    }
    return tuple(found.values())


def calculated_scores(state: State, rules: Edition, round_: str | None = None) -> dict[str, UnitResult]:
    """The members' results, reckoned together: in one round, or by what counts of all of them."""
    sheets = []
    for unit in state.membership.members():
        if round_ is None:
            items = effective_score(unit, state.scores, rules)
        else:
            items = state.scores[unit, round_].sheet if (unit, round_) in state.scores else ()
        if items:
            sheets.append(sheet_of(unit, items, state))
    return {result.unit: result for result in calculate_scores(rules, sheets)}


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A unit's total and rank before and after something changed."""

    unit: str
    before: Decimal
    after: Decimal
    rank_before: int | None
    rank_after: int | None


def score_impact(before: State, after: State, rules: Edition, *, whose: str = "") -> tuple[ScoreChange, ...]:
    """Units, other than the one whose score it was, whose total a change moves: a rule is relative to the best."""
    was, now = calculated_scores(before, rules), calculated_scores(after, rules)
    return tuple(
        ScoreChange(unit, was[unit].total, result.total, was[unit].rank, result.rank)
        for unit, result in now.items()
        if unit != whose and unit in was and was[unit].total != result.total
    )


def sheet_of(unit: str, items: tuple[Item, ...], state: State) -> UnitSheet:
    """A unit's items with what the register knows of the unit itself."""
    kind, cause = state.membership.kinds.get(unit), state.conclusion.excluded.get(unit)
    return UnitSheet(unit=unit, kind=kind, excluded=cause, entries=items)


def _check(unit: str, sheet: tuple[Item, ...], state: State, rules: Edition, *, whole: bool = True) -> None:
    """Refuse what cannot be true under the edition: a criterion twice or unknown, points beyond its way.

    `whole`: every criterion that the unit owes must be there.
    """
    leaves = rules.leaves()
    if not leaves:
        raise Refused("edition_without_criteria", edition=rules.id)
    seen = [item.criterion for item in sheet]
    if doubled := repeated(seen):
        raise Refused("criterion_twice", criterion=doubled[0])
    (result,) = calculate_scores(rules, (sheet_of(unit, sheet, state),))
    for line in result.lines:
        if line.open is not None and line.open.code == "figure_missing":
            raise Refused("figure_missing", criterion=line.criterion, figure=dict(line.open.facts)["figure"])
    if not whole:
        return
    kind = state.membership.kinds.get(unit)
    owed = [
        leaf.id
        for leaf in leaves.values()
        if leaf.part == "base" and leaf.concerns(unit, kind) and kind not in leaf.exempt_kinds
    ]
    if missing := [criterion for criterion in owed if criterion not in seen]:
        raise Refused("criteria_missing", criteria=", ".join(missing), count=len(missing))


def _reasons(sheet: tuple[Item, ...], before: tuple[Item, ...]) -> None:
    if not before:
        return
    earlier = {item.criterion: item for item in before}
    for item in sheet:
        was = earlier.get(item.criterion)
        if (was is None or was.figures != item.figures) and item.reason is None:
            # What it was is not told: whoever asks may be one who must not see it yet.
            raise Refused("change_needs_reason", criterion=item.criterion)


def _same(unit: str, round_: str, by: str, sheet: tuple[Item, ...], state: State) -> None:
    scored = state.scores.get((unit, round_))
    if scored is not None and scored.by == by and scored.sheet == sheet:
        raise AlreadySaid(scored.version)


def withdraw(cmd: WithdrawScore, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (cmd.unit, "self") not in state.scores:
        raise Refused("no_score", unit=cmd.unit)
    if built := [round_ for unit, round_ in state.scores if unit == cmd.unit and round_ != "self"]:
        raise Refused("scored_upon", unit=cmd.unit, round=built[0])
    yield SelfScoreWithdrawn(unit=cmd.unit)


def score_self(cmd: ScoreSelf, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    _same(cmd.unit, "self", cmd.unit, cmd.sheet, state)
    if (cmd.unit, "appraised") in state.scores:
        raise Refused("score_is_appraised", unit=cmd.unit)
    _check(cmd.unit, cmd.sheet, state, rules)
    yield SelfScored(**dict(cmd))


def cross_check(cmd: CrossCheck, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    require_member(cmd.by, meta, state)
    if cmd.by == cmd.unit:
        raise Refused("checks_itself", unit=cmd.unit)
    _same(cmd.unit, "cross-checked", cmd.by, cmd.sheet, state)
    _check(cmd.unit, cmd.sheet, state, rules)
    claimed = state.scores.get((cmd.unit, "self"))
    _reasons(cmd.sheet, claimed.sheet if claimed is not None else ())
    yield CrossChecked(**dict(cmd))


def appraise(cmd: AppraiseScores, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    _same(cmd.unit, "appraised", meta.unit, cmd.sheet, state)
    _check(cmd.unit, cmd.sheet, state, rules)
    _reasons(cmd.sheet, effective_score(cmd.unit, state.scores, rules))
    yield ScoresAppraised(**dict(cmd))


def score_round(cmd: ScoreRound, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if cmd.round in _OWN_ACTS:
        raise Refused("round_has_its_act", round=cmd.round, act=_OWN_ACTS[cmd.round])
    _same(cmd.unit, cmd.round, _scorer(cmd.by or Voice(unit=meta.unit)), cmd.sheet, state)
    _check(cmd.unit, cmd.sheet, state, rules, whole=False)
    earlier = {item.criterion: item for item in _said_before(cmd, state, rules)}
    _reasons(tuple(item for item in cmd.sheet if item.criterion in earlier), tuple(earlier.values()))
    yield RoundScored(**{**dict(cmd), "by": cmd.by or Voice(unit=meta.unit)})


_OWN_ACTS = {"self": ScoreSelf.NAME, "cross-checked": CrossCheck.NAME, "appraised": AppraiseScores.NAME}


def _said_before(cmd: ScoreRound, state: State, rules: Edition) -> tuple[Item, ...]:
    """What earlier rounds say, by the edition's order: a round's paper may come after that of a later one."""
    order = rules.rounds_in_order((cmd.round, *(round_ for of, round_ in state.scores if of == cmd.unit)))
    earlier = set(order[: order.index(cmd.round)])
    scores = {(of, round_): scored for (of, round_), scored in state.scores.items() if round_ in earlier}
    return effective_score(cmd.unit, scores, rules)


def _scorer(by: Voice) -> str:
    return by.unit or by.group or (by.person.office or by.person.id or "" if by.person is not None else "")


def _entered(scores: Scores, unit: str, round_: str, by: str, sheet: tuple[Item, ...], m: Meta) -> Scores:
    before = scores.get((unit, round_))
    first = m.happened if before is None else before.first
    return with_entry(scores, (unit, round_), Scored(sheet, by, m.happened, m.provenance.kind, m.version, first))


decider = StepDecider(
    slice_name="scores",
    empty={},
    decides={
        ScoreSelf: score_self,
        WithdrawScore: withdraw,
        CrossCheck: cross_check,
        AppraiseScores: appraise,
        ScoreRound: score_round,
    },
    evolves={
        SelfScored: lambda s, e, m: _entered(s, e.unit, "self", e.unit, e.sheet, m),
        SelfScoreWithdrawn: lambda s, e, m: {key: one for key, one in s.items() if key != (e.unit, "self")},
        CrossChecked: lambda s, e, m: _entered(s, e.unit, "cross-checked", e.by, e.sheet, m),
        ScoresAppraised: lambda s, e, m: _entered(s, e.unit, "appraised", m.unit, e.sheet, m),
        RoundScored: lambda s, e, m: _entered(s, e.unit, e.round, _scorer(e.by), e.sheet, m),
    },
)
