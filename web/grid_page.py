"""The page of a score grid: what it shows of the sheets, of the changes of others, and of what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from uuid import uuid4

from fastapi import Request
from fastapi.responses import HTMLResponse

from accounts.shared_drafts import Look, SharedCell
from application.permitted_acts import may_date
from application.score_grid import UnitFigures, points_before
from application.score_sheets import most_points
from application.typed_sheets import EVIDENCE, MET, REASON, figures_of
from domain.scoring.criteria import Criterion
from domain.scoring.methods import AllOrNothing
from domain.scoring.scores import ScoreRound
from i18n import _, ngettext
from i18n.fields import field_label
from i18n.messages import number
from ledger.paging import Paged
from web import urls
from web.act_form import version_in
from web.form_problems import FormProblem
from web.open_grid import (
    OpenGrid,
    bar_text,
    button_text,
    count_text,
    ready_lines,
    reasons_mark,
    saved_sign,
    shown_value,
)
from web.paging import Pager
from web.render import clock_time, page
from web.services import get_services

Conflicts = Sequence[tuple[SharedCell, str]]
"""Cells that somebody else has changed, each with the value that was typed and is not saved."""


@dataclass(frozen=True, slots=True)
class GridPart:
    """Which part of a grid a page shows: the units of a page, or one unit as a list."""

    unit: str
    page: int


@dataclass(frozen=True, slots=True)
class PageNotes:
    """What a page says beside the sheets; `form` is the one that was sent, whose other fields stay."""

    conflicts: Conflicts = ()
    problems: Sequence[FormProblem] = ()
    text: str = ""
    good: str = ""
    notes: Sequence[str] = ()
    form: Mapping[str, str] = field(default_factory=dict)
    same_id: bool = False
    """The form can be sent again under the same id: it had no answer."""
    looked: bool = False
    """What would be recorded was asked for: the page opens there."""
    status: int = 200


async def grid_page(
    request: Request, opened: OpenGrid, part: GridPart, told: PageNotes, *, look: Look | None = None, entered: str = ""
) -> HTMLResponse:
    """The page. `look` is what the visitor had seen before, `entered` the versions that were entered just now.

    Where the register takes no sheets, the page shows what stands in it, and what was typed and not entered.
    """
    is_open, left = opened.grid.takes_entries, dict[str, str]()
    if not is_open:
        left = {path: one.value for path, one in opened.cells.items() if one.value != opened.recorded.get(path, "")}
        opened = replace(opened, saved={}, unkept={})
    await opened.settle()
    people, grid, cycle = get_services(request).application.people, opened.grid, opened.grid.cycle
    found: Paged[str] = opened.shown(part.unit, part.page)
    shown, is_list = found.rows, len(found.rows) == 1
    since = _since(opened, look)
    names = await people.names({one.person for one, _mine in told.conflicts} | {one.person for one in since})
    wrong = {path: text for unit in shown for path, text in opened.figures[unit].problems.items()}
    wrong |= {problem.path: problem.here for problem in told.problems if problem.path}
    texts = await get_services(request).application.texts.get(_reasons_before(opened, shown) if is_list else ())
    return page(
        request,
        "grid.html",
        told.status,
        **_sheets(opened, shown, wrong),
        is_list=is_list,
        alone=len(grid.units) == 1,
        rows=list(_list_rows(opened, shown[0])) if is_list else _grid_rows(opened, shown),
        heads=[] if is_list else _heads(opened),
        groups=[] if is_list else _groups(opened),
        bare=[opened.figures[unit] for unit in shown if opened.figures[unit].without_evidence],
        pager=Pager(found, urls.grid_url(cycle.stream, grid.round)),
        action=urls.grid_url(cycle.stream, grid.round, unit=part.unit, page=part.page),
        texts=texts,
        id=(told.same_id and told.form.get("_id")) or uuid4(),
        sent=told.form,
        read=len(cycle.history),
        mark=opened.mark(shown),
        bar=bar_text(opened, shown),
        button=button_text(opened, shown),
        ready_lines=ready_lines(opened, shown),
        looked=told.looked,
        saved=saved_sign(max(one.at for one in opened.cells.values())) if opened.cells else "",
        count_text=count_text,
        most_points=most_points,
        figures_of=figures_of,
        cell_id=cell_id,
        shown_value=shown_value,
        problems=told.problems,
        text=told.text,
        good=told.good,
        notes=told.notes,
        conflicts=in_words(opened, told.conflicts, names),
        since=[(one, names.get(one.person, _("Somebody"))) for one in since],
        new_rounds=_new_rounds(opened, shown, look),
        done=_entered(opened, entered),
        dated=may_date(cycle),
        must_date=cycle.state.lifecycle.clock == "backfill",
        teams=grid.act is ScoreRound,
        closed=grid.closed,
        is_open=is_open,
        left=left,
        wide=not is_list,
    )


async def reasons_part(request: Request, opened: OpenGrid, part: GridPart) -> HTMLResponse:
    """The part of the page that asks for the reasons of changes."""
    await opened.settle()
    return page(request, "grid_reasons.html", **_sheets(opened, opened.shown(part.unit, part.page).rows, {}))


def _sheets(opened: OpenGrid, shown: Sequence[str], wrong: Mapping[str, str]) -> dict[str, Any]:
    """What the templates of the sheets and of the reasons need."""
    return {
        "cycle": opened.grid.cycle,
        "opened": opened,
        "grid": opened.grid,
        "names": opened.grid.cycle.names,
        "shown": shown,
        "faulty": wrong,
        "points_before": points_before,
        "anchor_of": lambda path: anchor_of(opened, shown, path),
        "reasons_mark": reasons_mark(opened, shown),
    }


def with_posted(conflicts: Sequence[SharedCell], posted: Mapping[str, str]) -> Conflicts:
    """Conflicts, each with the value that was posted."""
    return [(one, posted.get(one.path, "")) for one in conflicts]


def conflicts_told(conflicts: Conflicts) -> str:
    """The sentence above a page whose form was refused for conflicts; empty where there are none."""
    if not conflicts:
        return ""
    return ngettext(
        "{count} cell has another value since you opened the page; yours is not saved. Choose below which one stands.",
        "{count} cells have other values since you opened the page; yours are not saved. Choose below which stand.",
        len(conflicts),
    ).format(count=len(conflicts))


def in_words(opened: OpenGrid, conflicts: Conflicts, names: Mapping[str, str]) -> list[tuple[SharedCell, str, str]]:
    """Conflicts with a sentence that tells both values."""
    text = _("{where}: {person} wrote {value} at {time}; you wrote {mine}, which is not saved.")
    return [
        (
            one,
            mine,
            text.format(
                where=opened.grid.where(one.path),
                person=names.get(one.person, _("somebody")),
                value=shown_value(one.value),
                time=clock_time(one.at),
                mine=shown_value(mine),
            ),
        )
        for one, mine in conflicts
    ]


def cell_id(row: int, index: int, figure: str) -> str:
    """The id of a cell's input, by the row of its unit and the index of its criterion."""
    if figure in {REASON, EVIDENCE}:
        return f"l-{row}-{index}" if figure == REASON else f"e-{index}"
    return f"o-{row}-{index}" if figure == "points" else f"o-{row}-{index}-{figure}"


def anchor_of(opened: OpenGrid, shown: Sequence[str], path: str) -> str:
    """The id of a cell's input; "" where the page has none."""
    unit, criterion, figure = path.split(".")
    index = opened.grid.index_of.get(criterion)
    return "" if unit not in shown or index is None else cell_id(shown.index(unit), index, figure)


def cell_problems(opened: OpenGrid, shown: Sequence[str], told: Iterable[tuple[str, str]]) -> list[FormProblem]:
    """What is wrong with cells, each with its path and its sentence, as the page lists it."""
    return [
        FormProblem(f"{opened.grid.where(path)}: {text}", text, path, anchor_of(opened, shown, path))
        for path, text in told
    ]


def _since(opened: OpenGrid, look: Look | None) -> list[SharedCell]:
    """The cells that others have saved since the visitor looked."""
    if look is None:
        return []
    own = opened.grid.cycle.visitor.contact.id
    later = [one for one in opened.cells.values() if one.revision > look.revision and one.person != own]
    return sorted(later, key=lambda one: one.revision)


def _new_rounds(opened: OpenGrid, shown: Sequence[str], look: Look | None) -> list[tuple[str, str]]:
    """The sheets of other rounds that were recorded since the visitor looked: unit and round."""
    if look is None:
        return []
    scores = opened.grid.cycle.readable_state().scores
    pairs = [(unit, name) for unit in shown for name in opened.grid.before[unit]]
    return [pair for pair in pairs if scores[pair].version > look.version]


def _entered(opened: OpenGrid, entered: str) -> list[tuple[str, int]]:
    """The units whose sheets the visitor's unit entered in this round under these versions, each with its version."""
    versions, cycle = {version_in(one) for one in entered.split("-")}, opened.grid.cycle
    scores = cycle.readable_state().scores
    versions &= {
        scores[unit, opened.grid.round].version for unit in opened.grid.units if (unit, opened.grid.round) in scores
    }
    return [
        (str(getattr(envelope.event, "unit", "")), row.version)
        for row, envelope in cycle.readable_history()
        if row.version in versions and envelope.meta.unit == cycle.visitor.unit
    ]


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell of the table: its input, and below it what the earlier rounds say; `met` in place of conditions."""

    path: str
    id: str
    labels: str
    value: str
    before: str
    differs: bool
    reason_id: str = ""
    met: str = ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """A unit's row of the table; a criterion that is not asked of it has None."""

    figures: UnitFigures
    name: str
    url: str
    has_proposals: bool
    cells: tuple[GridCell | None, ...]


def _heads(opened: OpenGrid) -> list[tuple[str, str]]:
    """The head of each column: the criterion, and the most points or which figure it is."""
    return [
        (one.title, field_label(figure) if figure != "points" else "" if one.max is None else number(one.max))
        for one, figure in opened.grid.columns
    ]


def _groups(opened: OpenGrid) -> list[tuple[str, int]]:
    """The heads above those of the columns: criteria of the first level, with their most points; [] without any."""
    tops = [(top, leaf.id) for top in opened.grid.cycle.rules.criteria for leaf in top.leaves()]
    top_of = {leaf: top for top, leaf in tops}
    found: list[tuple[str, int]] = []
    for top, columns in groupby((top_of[one.id] for one, _figure in opened.grid.columns), key=lambda top: top.id):
        first = top_of[next(leaf for of, leaf in tops if of.id == top)]
        most = f" ({number(first.max)})" if first.max is not None else ""
        found.append((f"{first.title}{most}" if first.children else "", len(list(columns))))
    return found if any(title for title, _count in found) else []


def _grid_rows(opened: OpenGrid, shown: Sequence[str]) -> list[GridRow]:
    grid = opened.grid
    columns = [(grid.index_of[one.id], one, figure) for one, figure in grid.columns]
    found = []
    for row, unit in enumerate(shown):
        figures, asked = opened.figures[unit], {one.id for one in grid.of_unit(unit)}
        changed = set(figures.differing) if grid.reads_earlier else set[str]()
        cells = tuple(
            _cell(opened, unit, (row, column), index, one, figure, differs=one.id in changed)
            if one.id in asked
            else None
            for column, (index, one, figure) in enumerate(columns)
        )
        url = urls.grid_url(grid.cycle.stream, grid.round, unit=unit)
        found.append(GridRow(figures, grid.cycle.names[unit], url, grid.has_proposals(unit), cells))
    return found


def _cell(
    opened: OpenGrid,
    unit: str,
    at: tuple[int, int],
    index: int,
    criterion: Criterion,
    figure: str,
    *,
    differs: bool,
) -> GridCell:
    grid, path = opened.grid, f"{unit}.{criterion.id}.{figure}"
    is_first, value = figure == figures_of(criterion)[0], opened.text_of(path)
    if figure == MET:
        conditions = criterion.way.conditions if isinstance(criterion.way, AllOrNothing) else ()
        list_id = cell_id(0, index, figure)
        return GridCell(path, list_id, "", value, "", differs, met=f"{len(value.split())}/{len(conditions)}")
    return GridCell(
        path,
        cell_id(at[0], index, figure),
        f"d{at[0]} c{at[1]}",
        value,
        grid.told_before[unit, criterion.id] if is_first else "",
        differs and is_first,
        cell_id(at[0], index, REASON),
    )


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row of a unit's list: a criterion with its index in the grid, or a heading, whose index is None."""

    depth: int
    criterion: Criterion
    index: int | None


def _list_rows(opened: OpenGrid, unit: str) -> Iterator[ListRow]:
    """The rows of a unit's list. Headings without rows are left out."""
    asked = {one.id for one in opened.grid.of_unit(unit)}

    def walk(nodes: Sequence[Criterion], depth: int) -> Iterator[ListRow]:
        for node in nodes:
            if node.children:
                if below := list(walk(node.children, depth + 1)):
                    yield ListRow(depth, node, None)
                    yield from below
            elif node.id in asked:
                yield ListRow(depth, node, opened.grid.index_of[node.id])

    return walk(opened.grid.cycle.rules.criteria, 0)


def _reasons_before(opened: OpenGrid, shown: Sequence[str]) -> set[str]:
    grid = opened.grid
    items = (
        grid.item_before(unit, name, one.id) for unit in shown for name in grid.before[unit] for one in grid.criteria
    )
    return {item.reason for item in items if item is not None and item.reason}
