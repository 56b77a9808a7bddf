"""What the buttons of the page of minutes do: rows and acts are begun, taken out and put back, and all are ticked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accounts.shared_drafts import LATEST
from application.minutes_cells import (
    ACTS,
    EACH,
    EMPTY_ROW,
    HEAD,
    HEAD_FIELDS,
    JOINT,
    PRESENT,
    SIGN,
    STANCE,
    TICKED,
    group_text,
    inside,
    is_row_or_act,
    scope_in,
)
from application.permitted_acts import permitted_acts
from web import urls
from web.act_form import LESS
from web.forms import made_id
from web.minutes_faults import cell_anchor
from web.minutes_words import part_of_cell
from web.open_minutes import (
    PAGE_PARTS,
    STANCES,
    OpenMinutes,
    add_cell,
    drop_minutes,
    put_back,
    save_cells,
    take_out,
)
from web.posted_minutes import MINE
from web.services import Services

ADD, OUT, BACK, ALL, GO = "_add", "_out", "_back", "_all", "_go"
"""Buttons: their values are where a row or an act begins, the path of a cell, what is ticked for all, and the part of
the minutes to go on with."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button has done: `anew` where rows or acts came or went, which cell to go to, which part comes next."""

    anew: bool = False
    focus: str = ""
    part: str = ""
    url: str = ""


async def press(
    services: Services, opened: OpenMinutes, body: Mapping[str, str], shorter: Mapping[str, str]
) -> Pressed:
    """Do what the button of a form says. `shorter` are the cells without the row that it takes out of them.

    Raises:
        QuotaError: `too_many_acts_in_minutes`, `not_kept`.
    """
    if (start := body.get(ADD, "")) and (value := _beginning(opened, start)) is not None:
        path = await add_cell(services, opened, start, value)
        return Pressed(anew=True, focus=cell_anchor(path), part=part_of_cell(path))
    if opened.accepts(path := body.get(OUT, "")) and is_row_or_act(path):
        await take_out(services, opened, path)
        return Pressed(anew=True)
    if body.get(LESS):
        for path, left in shorter.items():
            await take_out(services, opened, path, left)
        return Pressed(anew=True)
    if opened.accepts(path := body.get(BACK, "")):
        await put_back(services, opened, path)
        return Pressed(anew=True, focus=cell_anchor(path))
    if what := body.get(ALL, ""):
        await save_cells(services, opened, dict(_ticked(opened, what)), LATEST)
        return Pressed(anew=True)
    if opened.accepts(path := body.get(MINE, "").partition(" ")[0]):  # it was saved with what was typed
        return Pressed(anew=True, focus=cell_anchor(path))
    if (step := body.get("_step")) in {"drop", "undrop"}:
        await drop_minutes(services, opened, dropped=step == "drop")
        return Pressed(url=urls.meetings_url(opened.cycle.stream) if step == "drop" else "")
    go = body.get(GO, "")
    return Pressed(part=go if go in PAGE_PARTS else "")


def _beginning(opened: OpenMinutes, start: str) -> str | None:
    """What a new row or act holds; None where the visitor may not begin one there."""
    scope = scope_in(start)
    if not opened.writes_scope(scope):
        return None
    match inside(start):
        case (head, name) if head == HEAD and not scope and name in HEAD_FIELDS and HEAD_FIELDS[name].many:
            return group_text({}) if HEAD_FIELDS[name].parts else EMPTY_ROW
        case (acts, name) if acts == ACTS:
            offered = {act.NAME: act for act in permitted_acts(opened.cycle_of(start)) if act.IN_MINUTES}
            return group_text(made_id(offered[name])) if name in offered else None
    return None


def _ticked(opened: OpenMinutes, what: str) -> Iterator[tuple[str, str]]:
    """What a button fills in for all members for whom nothing was said."""
    scope, (kind, *choice) = scope_in(what), inside(what)
    if not opened.writes_scope(scope):
        return
    chosen = {PRESENT: (TICKED,), STANCE: STANCES, SIGN: (EACH, JOINT)}.get(kind, ())
    value = next((one for one in chosen if choice in ([], [one])), "")
    cycle = opened.cycle_of(what)
    signed = cycle.readable_state().signing.signatures if kind == SIGN else {}
    for unit, _name in cycle.members():
        path = f"{scope}{kind}.{unit}"
        if value and not opened.value(path) and unit not in signed:
            yield path, value
