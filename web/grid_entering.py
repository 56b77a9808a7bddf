"""Entering the sheets of a score grid: one act for each unit, all of them or none, and what to say where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from application.application import CommandInput
from domain.records import Refused
from domain.scoring.scores import CrossCheck, ScoreRound
from errors import CodedError, Kind
from i18n import _
from i18n.messages import sentence
from web import urls
from web.act_form import FORM_ERRORS, READ, ActForm, version_in
from web.answers import command_id, note_position
from web.form_problems import FormProblem
from web.grid_page import GridPart, PageNotes, anchor_of, cell_problems, grid_page
from web.open_grid import OpenGrid, error_told, refused_unit, wrong_cells
from web.services import get_services

SHOWN = "_shown"
"""The field that says which sheets the page has shown as ready: a digest of them."""


async def enter_ready(
    request: Request, opened: OpenGrid, part: GridPart, form: Mapping[str, str], notes: Sequence[str]
) -> Response:
    """Enter the sheets that are ready, if they are those that the page has shown; or say what is missing."""
    await opened.settle()
    shown = opened.shown(part.unit, part.page).rows
    ready, mark = opened.ready(shown), opened.mark(shown)
    if not ready:
        problems = cell_problems(opened, shown, wrong_cells(opened, shown))
        none = sentence("no_sheet_begun")
        told = PageNotes(problems=problems or [FormProblem(none, none)], notes=notes, form=form, status=422)
        return await grid_page(request, opened, part, told)
    if not form.get(SHOWN):
        good = _("Saved. What is ready is named at the foot of the page; nothing is sent yet.")
        return await grid_page(request, opened, part, PageNotes(good=good, notes=notes, form=form, looked=True))
    if mark != form[SHOWN]:
        text = _("This is not what the page showed when you sent it. Nothing is sent yet: look at it once more.")
        return await grid_page(request, opened, part, PageNotes(text=text, notes=notes, form=form, status=409))
    try:
        versions = await _submitted(request, opened, ready, form)
    except FORM_ERRORS as error:
        return await grid_page(request, opened, part, _not_entered(opened, shown, ready, form, error))
    stream = opened.grid.cycle.stream
    if len(ready) == 1:
        return RedirectResponse(urls.receipt_url(stream, versions[0]), 303)
    here = urls.grid_url(stream, opened.grid.round, page=part.page)
    return RedirectResponse(urls.with_query(here, {urls.ENTERED_AS: "-".join(map(str, versions))}), 303)


async def _submitted(
    request: Request, opened: OpenGrid, ready: Sequence[str], form: Mapping[str, str]
) -> tuple[int, ...]:
    """Enter the sheets of units under one signature, all or none; returns the versions of their events.

    Raises:
        FORM_ERRORS: nothing was entered.
    """
    services, cycle = get_services(request), opened.grid.cycle
    commands = _commands(opened, ready, form)
    receipt = await services.application.submit(cycle.stream, cycle.visitor.submitter(), commands)
    sent = [path for path in opened.cells if path.partition(".")[0] in ready]
    await services.shared.mark_sent(opened.draft, sent, until=opened.revision)
    await note_position(request)
    return tuple(version for one in receipt.outcomes for version in one.versions[:1])


def _commands(opened: OpenGrid, ready: Sequence[str], form: Mapping[str, str]) -> list[CommandInput]:
    grid, cycle = opened.grid, opened.grid.cycle
    own = {"unit": cycle.visitor.unit}
    more: Mapping[type, dict[str, Any]] = {
        CrossCheck: {"by": cycle.visitor.unit},
        ScoreRound: {"round": grid.round, "by": {"group": group} if (group := form.get("_group", "").strip()) else own},
    }
    commands = []
    for unit, sheet in opened.sheets(ready).items():
        values = {"unit": unit, "sheet": sheet, **more.get(grid.act, {})}
        act_form = ActForm(
            grid.act,
            values,
            command_id(str(form.get("_id", "")), grid.act.NAME, cycle.stream, unit),
            on=form.get("_on", "").strip(),
            source=form.get("_source", "").strip(),
            read=version_in(form.get(READ)),
        )
        clean, _notes = act_form.cleaned()
        commands.append(clean.command_input(cycle.stream))
    return commands


def _not_entered(
    opened: OpenGrid, shown: Sequence[str], ready: Sequence[str], form: Mapping[str, str], error: CodedError
) -> PageNotes:
    """Why nothing was entered, and at which cell."""
    text = error_told(opened, error, ready)
    if error.kind in {Kind.PENDING, Kind.AWAY}:
        again = _("Nothing you typed is lost. The same button again does nothing twice.")
        return PageNotes(text=f"{text} {again}", form=form, same_id=True, status=503)
    path, anchor, criterion = "", "", error.facts.get("criterion")
    if error.path in _DATE_INPUTS:
        path, anchor = error.path, _DATE_INPUTS[error.path]
    elif isinstance(error, Refused) and criterion and (unit := refused_unit(error, ready)):
        path = opened.grid.first_path(unit, str(criterion))
        anchor = anchor_of(opened, shown, path)
    return PageNotes(problems=[FormProblem(text, text, path, anchor)], form=form, status=error.http_status)


_DATE_INPUTS = {"_on": "when-on", "_source": "when-source"}
"""The inputs beside the sheets, by the path of an error."""
