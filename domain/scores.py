"""Scores: what a unit claims, what a peer finds, what the level above decides, item by item, each kept apart.

No round overwrites another. Points are decimals. A change of somebody else's value carries its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from domain import limits
from domain.kernel import (
    Act,
    AlreadySaid,
    Event,
    Meta,
    Refused,
    Room,
    Text,
    UnitId,
    When,
    put,
)
from domain.membership import require_member
from domain.problems import repeated
from domain.reckoning import Result, UnitSheet, reckon
from domain.rules import Edition
from domain.ways import Entry

if TYPE_CHECKING:
    from domain.cycle import State

Round = Literal["self", "cross-checked", "appraised"]
ROUNDS: tuple[Round, ...] = ("self", "cross-checked", "appraised")


class Item(Entry):
    """What a round says of one criterion, and the reason where an earlier round is changed."""

    reason: Text | None = None


Sheet = Annotated[tuple[Item, ...], Field(min_length=1, max_length=limits.CRITERIA_PER_EDITION)]


# What people say -------------------------------------------------------------------------


class ScoreSelf(Act, name="score-self"):
    """A unit claims its points."""

    unit: UnitId
    sheet: Sheet


class CrossCheck(Act, name="cross-check"):
    """A peer scores the unit."""

    unit: UnitId
    by: UnitId
    sheet: Sheet


class AppraiseScores(Act, name="appraise"):
    """The level above scores the unit."""

    unit: UnitId
    sheet: Sheet


# What happened ---------------------------------------------------------------------------


class SelfScored(Event, name="SelfScored"):
    unit: UnitId
    sheet: tuple[Item, ...]


class CrossChecked(Event, name="CrossChecked"):
    unit: UnitId
    by: UnitId
    sheet: tuple[Item, ...]


class ScoresAppraised(Event, name="ScoresAppraised"):
    unit: UnitId
    sheet: tuple[Item, ...]


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scored:
    """One unit's sheet in one round; `by` is the unit that scored."""

    sheet: tuple[Item, ...]
    by: str
    when: When
    sureness: str
    version: int
    first: When | None = None
    """When the round was first entered: a refined sheet does not make it late."""


Scores = Mapping[tuple[str, Round], Scored]
"""By unit and round."""


def standing(unit: str, scores: Scores) -> Scored | None:
    """The sheet that counts: of the last round that the unit has."""
    return next((scores[unit, round_] for round_ in reversed(ROUNDS) if (unit, round_) in scores), None)


def reckoned(state: State, rules: Edition, round_: Round | None = None) -> dict[str, Result]:
    """The members' results, reckoned together: in one round, or each by the last round it has."""
    sheets = []
    for unit in state.membership.members():
        scored = standing(unit, state.scores) if round_ is None else state.scores.get((unit, round_))
        if scored is not None:
            sheets.append(UnitSheet(unit=unit, entries=scored.sheet))
    return {result.unit: result for result in reckon(rules, sheets)}


def _check(unit: str, sheet: tuple[Item, ...], rules: Edition) -> None:
    """Refuse what cannot be true under the edition: every criterion once, nothing else, no points beyond its way."""
    leaves = rules.leaves()
    if not leaves:
        raise Refused("edition_without_criteria", edition=rules.id)
    seen = [item.criterion for item in sheet]
    if doubled := repeated(seen):
        raise Refused("criterion_twice", criterion=doubled[0])
    (result,) = reckon(rules, (UnitSheet(unit=unit, entries=sheet),))
    for line in result.lines:
        if line.open is not None and line.open.code == "figure_missing":
            raise Refused("figure_missing", criterion=line.criterion, figure=dict(line.open.facts)["figure"])
    owed = [leaf.id for leaf in leaves.values() if leaf.part == "base" and leaf.concerns(unit, None)]
    if missing := [criterion for criterion in owed if criterion not in seen]:
        raise Refused("criteria_missing", criteria=", ".join(missing), count=len(missing))


def _reasons(sheet: tuple[Item, ...], before: Scored | None) -> None:
    if before is None:
        return
    earlier = {item.criterion: item for item in before.sheet}
    for item in sheet:
        was = earlier.get(item.criterion)
        if (was is None or was.figures != item.figures) and item.reason is None:
            shown = next((str(figure) for figure in was.figures if figure is not None), "-") if was else "-"
            raise Refused("change_needs_reason", criterion=item.criterion, was=shown)


def _same(unit: str, round_: Round, by: str, sheet: tuple[Item, ...], state: State) -> None:
    scored = state.scores.get((unit, round_))
    if scored is not None and scored.by == by and scored.sheet == sheet:
        raise AlreadySaid(scored.version)


def score_self(cmd: ScoreSelf, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    _same(cmd.unit, "self", cmd.unit, cmd.sheet, state)
    if (cmd.unit, "appraised") in state.scores:
        raise Refused("score_is_appraised", unit=cmd.unit)
    _check(cmd.unit, cmd.sheet, rules)
    yield SelfScored(**dict(cmd))


def cross_check(cmd: CrossCheck, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    require_member(cmd.by, meta, state)
    if cmd.by == cmd.unit:
        raise Refused("checks_itself", unit=cmd.unit)
    _same(cmd.unit, "cross-checked", cmd.by, cmd.sheet, state)
    _check(cmd.unit, cmd.sheet, rules)
    _reasons(cmd.sheet, state.scores.get((cmd.unit, "self")))
    yield CrossChecked(**dict(cmd))


def appraise(cmd: AppraiseScores, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    _same(cmd.unit, "appraised", meta.unit, cmd.sheet, state)
    _check(cmd.unit, cmd.sheet, rules)
    _reasons(cmd.sheet, standing(cmd.unit, state.scores))
    yield ScoresAppraised(**dict(cmd))


def _scored(round_: Round, by: str | None = None):  # type: ignore[no-untyped-def] # noqa: ANN202 - a table entry
    def evolve(scores: Scores, e: SelfScored | CrossChecked | ScoresAppraised, m: Meta) -> Scores:
        scorer = e.by if isinstance(e, CrossChecked) else m.unit if by is None else e.unit
        before = scores.get((e.unit, round_))
        first = m.happened if before is None else before.first
        scored = Scored(e.sheet, scorer, m.happened, m.provenance.kind, m.version, first)
        return put(scores, (e.unit, round_), scored)

    return evolve


room = Room(
    slice_name="scores",
    empty={},
    decides={ScoreSelf: score_self, CrossCheck: cross_check, AppraiseScores: appraise},
    evolves={
        SelfScored: _scored("self", by="unit"),
        CrossChecked: _scored("cross-checked"),
        ScoresAppraised: _scored("appraised"),
    },
)
