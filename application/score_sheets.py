"""Score sheets as tables: a row for every criterion of the edition, earlier rounds beside it, totals as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from application.visits import VisitedCycle
from domain.records import Command
from domain.rules import USUAL_ROUNDS, Edition
from domain.scoring.calculation import calculate_scores, refused_entries
from domain.scoring.criteria import Criterion
from domain.scoring.remarks import most_possible
from domain.scoring.results import UnitResult
from domain.scoring.scores import SheetItem, act_of_round, compared_items
from domain.scoring.scores import sheet_of as unit_sheet
from domain.titles import TitleKind, title_key, titles_of_rules
from domain.types import TYPED
from i18n.messages import typed_number

_ITEM: TypeAdapter[SheetItem] = TypeAdapter(SheetItem)
_ROUNDS = {act_of_round(round_): round_ for round_ in USUAL_ROUNDS}
"""The rounds whose acts name none."""

FIGURES: Mapping[str, tuple[str, ...]] = {
    "linear": ("actual", "target"),
    "steps": ("actual", "target"),
    "bands": ("actual", "target"),
    "relative": ("actual", "target"),
    "count": ("count",),
    "all-or-nothing": ("met",),
}
"""The figures that each scoring method of an edition works from; by hand, the points themselves."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A criterion: a heading, or a leaf with what was typed for it."""

    criterion: Criterion
    depth: int
    number: int | None
    figures: tuple[str, ...]
    typed: Mapping[str, Any]
    before: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Round, points, evidence: the earlier rounds, as far as the visitor may see them."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a unit's sheet, with its result as far as it can be calculated.

    `names` has the titles of rounds (`domain.titles`).

    `problem` is the code and the facts of the first figure that cannot be used.
    """

    unit: str
    round: str
    rows: tuple[SheetRow, ...]
    result: UnitResult | None
    problem: tuple[str, Mapping[str, Any]] | None
    names: Mapping[str, str]
    most: Decimal | None = None
    """The most points that the unit can reach without bonus; None where it cannot be said."""


def most_points(cycle: VisitedCycle, unit: str) -> Decimal | None:
    """Return the most points that a unit can reach without bonus; None where it cannot be said, or there are none."""
    rules = cycle.rules
    most, _bonus = most_possible(rules.criteria, rules.scoring, unit, cycle.state.kind_of(unit))
    return most or None


def sheet_of(cycle: VisitedCycle, act: type[Command], values: Mapping[str, Any]) -> Sheet | None:
    """The sheet that an act fills in; None for other acts, and while no unit is named or no criteria are known."""
    unit = values.get("unit")
    if "sheet" not in act.model_fields or act.NAME == "sign-jointly":
        return None
    if not isinstance(unit, str) or unit not in cycle.names or not cycle.rules.leaves():
        return None
    round_ = _ROUNDS.get(act) or str(values.get("round", ""))
    entries = {str(entry.get("criterion")): entry for entry in values.get("sheet") or () if isinstance(entry, Mapping)}
    if not entries and round_ != "self":
        entries = _begun(cycle, unit, round_)
    rows = tuple(_rows(cycle, unit, round_, entries))
    result, problem = _result(cycle, unit, entries)
    return Sheet(unit, round_, rows, result, problem, cycle.names, most_points(cycle, unit))


def _begun(cycle: VisitedCycle, unit: str, round_: str) -> dict[str, Mapping[str, Any]]:
    """A later round begins with what stands, or with what it is compared with: only what changes must be typed."""
    state = cycle.readable_state()
    own = state.scores.get((unit, round_))
    items = own.sheet if own is not None else compared_items(unit, round_, state, cycle.rules)
    return {item.criterion: item_as_typed(item) for item in items}


def typed_item(entry: Mapping[str, Any]) -> SheetItem:
    """An entry as a person types it, as the law takes it.

    Raises:
        ValidationError
    """
    return _ITEM.validate_python(entry, context=TYPED)


def item_as_typed(item: SheetItem) -> dict[str, Any]:
    """An entry of an earlier round as a person would type it."""
    values = item.model_dump(mode="json", exclude={"reason"}, exclude_none=True)
    figures = {name: typed_number(value) for name, value in values.items() if isinstance(getattr(item, name), Decimal)}
    return {**values, **figures}


def _rows(cycle: VisitedCycle, unit: str, round_: str, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[SheetRow]:
    kind, count = cycle.state.membership.kinds.get(unit), 0
    rules: Edition = cycle.rules
    leaves, asked = rules.leaves(), {one.id for one in rules.leaves_of_round(round_)}
    stack = [(node, 0) for node in reversed(rules.criteria)]
    while stack:
        node, depth = stack.pop()
        if node.id in leaves:
            if node.id in asked and node.is_asked_of(unit, kind):
                yield SheetRow(
                    node,
                    depth,
                    count,
                    FIGURES.get(node.way.way, ("points",)),
                    entries.get(node.id, {}),
                    _before(cycle, unit, round_, node.id),
                )
                count += 1
            continue
        yield SheetRow(node, depth, None, (), {}, ())
        stack.extend((child, depth + 1) for child in reversed(node.children))


def _before(
    cycle: VisitedCycle, unit: str, round_: str, criterion: str
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    found = []
    for (of, name), scored in cycle.readable_state().scores.items():
        if of != unit or name == round_:
            continue
        for item in scored.sheet:
            if item.criterion == criterion:
                points = next((str(figure) for figure in item.figures if isinstance(figure, Decimal)), "-")
                found.append((name, points, item.evidence))
    return tuple(found)


def _result(
    cycle: VisitedCycle, unit: str, entries: Mapping[str, Mapping[str, Any]]
) -> tuple[UnitResult | None, tuple[str, Mapping[str, Any]] | None]:
    items = []
    for entry in entries.values():
        figures = {name: value for name, value in entry.items() if name not in {"reason", "evidence"}}
        if not set(figures) - {"criterion"}:
            continue
        try:
            items.append(typed_item(figures))
        except ValidationError:
            continue
    # One figure that cannot be used does not take the total of the others away.
    refused = refused_entries(cycle.rules, unit_sheet(unit, tuple(items), cycle.state))
    problem = next(((one.code, titled(one.facts, cycle.rules)) for one in refused.values()), None)
    usable = tuple(item for item in items if item.criterion not in refused)
    if not usable:
        return None, problem
    (result,) = calculate_scores(cycle.rules, (unit_sheet(unit, usable, cycle.state),))
    return result, problem


def titled(facts: Mapping[str, Any], rules: Edition) -> Mapping[str, Any]:
    """Facts of a refusal with titles in place of the ids of criteria, awards and rounds."""
    titles, found = titles_of_rules(rules), dict(facts)
    for name, kind in _TITLED.items():
        if name in facts:
            ids = str(facts[name]).split(", ")
            found[name] = ", ".join(titles.get(title_key(kind, one), one) for one in ids)
    return found


_TITLED: Mapping[str, TitleKind] = {
    "award": "award",
    "criteria": "criterion",
    "criterion": "criterion",
    "round": "round",
}
"""The facts that hold ids of the edition, by name."""
