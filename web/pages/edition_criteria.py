"""The table of criteria of a rules edition: as a whole, one criterion by itself, and brought in from a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from application.criteria_columns import TABLE
from application.criteria_moves import added, moved, node_at, replaced, without
from application.criteria_table import CriteriaTable, read_criteria, taken_over
from application.criteria_workbook import EXAMPLE, criteria_workbook
from application.edition_checks import Finding, Place, place_of
from application.edition_parts import CRITERIA, with_part
from application.edition_summary import criterion_lines
from application.edition_texts import Values, mark_of
from application.edition_work import checked_edition
from application.form_values import nested
from application.slugs import slug_of
from application.spreadsheets import WORKBOOK
from application.table_columns import UNUSED, Head, find_head
from application.tables import Rows, rows_of_text, table_of, text_of
from application.visits import Visitor
from application.work import beside
from domain.numbers import whole_number
from errors import CodedError, InputError, NotFoundError
from i18n import _
from i18n.messages import sentence
from web import urls
from web.act_form import typed_text, without_row
from web.auth import checked_form
from web.criteria_rows import CRITERIA_WORDS, CriteriaRow, criteria_rows
from web.downloads import as_attachment
from web.edition_files import drop_table, kept_table
from web.edition_forms import edition_form
from web.edition_inputs import criterion_fields, criterion_inputs, typed_part
from web.form_problems import form_sentence
from web.open_edition import SHOWN, Opened, OpenedDraft, OpenEdition, Secretary, change, conflict_of, unit_names
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)

NEW = "moi"
"""In the place of a criterion's place: one that is not in the table yet."""

_COLUMN = "column-"


# The whole table --------------------------------------------------------------------------------------------------


@router.get(urls.EDITION_CRITERIA)
async def table(request: Request, _visitor: Secretary, opened: Opened) -> Response:
    """The table of criteria, with what was found beside each."""
    return page(
        request,
        "edition_criteria.html",
        opened=opened,
        part=CRITERIA,
        rows=criteria_rows(opened.values, opened.check.of(CRITERIA), opened.names),
        others=[one for one in opened.check.of(CRITERIA) if not one.criterion],
        saved=urls.ENTERED_AS in request.query_params,
        **CRITERIA_WORDS,
    )


@router.get(urls.CRITERIA_TEMPLATE)
async def template(_visitor: Secretary) -> Response:
    """The template of the table, with a few lines to show how."""
    body = await beside(criteria_workbook, EXAMPLE, {}, with_all=True)
    return as_attachment(body, "mau-bang-tieu-chi.xlsx", WORKBOOK)


@router.get(urls.CRITERIA_FILE)
async def spreadsheet(request: Request, visitor: Secretary, opened: Opened) -> Response:
    """The table as a spreadsheet, to be changed there and brought back."""
    names = await unit_names(get_services(request), visitor)
    body = await beside(criteria_workbook, opened.values, names)
    return as_attachment(body, f"{slug_of(opened.title, 'bang-tieu-chi')}.xlsx", WORKBOOK)


# From a spreadsheet -----------------------------------------------------------------------------------------------


@router.get(urls.CRITERIA_TABLE)
async def bring_in(request: Request, visitor: Secretary, opened: OpenedDraft) -> Response:
    """The form that takes a table; with one that was sent into the box for a file of rules, as it was read."""
    services, read = get_services(request), mark_of(opened.values.get("criteria"))
    kept = await kept_table(services.drafts, visitor.contact.id, opened.key)
    if kept is None:
        return await _bring_in(request, opened, "", read)
    names = await unit_names(services, visitor)
    reading = await _read_rows(await rows_of_text(kept.table, indents=True), {}, opened, names)
    reading.notes[:0] = [_("“{name}” is a table, so rules of this name were begun for it.").format(name=kept.file)]
    reading.notes.extend(kept.notes)
    return await _bring_in(request, opened, kept.table, read, names=names, reading=reading)


@router.post(urls.CRITERIA_TABLE)
async def read_table(request: Request, visitor: Secretary, opened: OpenedDraft) -> Response:
    """Read a table and show what becomes of it; take it where that was seen."""
    form = await checked_form(request)
    services, read = get_services(request), str(form.get(SHOWN, ""))
    names = await unit_names(services, visitor)
    typed = str(form.get("table", "")).replace("\r\n", "\n")
    try:
        rows, notes = await _sent_rows(form, typed)
    except InputError as error:
        return await _bring_in(
            request, opened, typed, read, reading=_TableReading(errors=[error]), status=error.http_status
        )
    typed = text_of(rows)
    reading = await _read_rows(rows, _choices(form), opened, names)
    reading.notes[:0] = notes
    found = reading.found
    takes = form.get("_step") == "take" and not _has_file(form)
    if found is None or found.faults or not takes:
        return await _bring_in(request, opened, typed, read, names=names, reading=reading)
    keeps_total = form.get("_total") == "yes"
    try:
        now = await change(
            services,
            visitor,
            opened,
            CRITERIA,
            lambda whole: whole.get("criteria"),
            read,
            lambda whole: _taken(whole, found, with_total=keeps_total),
        )
    except InputError as error:
        reading.errors = [error]
        return await _bring_in(request, opened, typed, read, names=names, reading=reading, status=error.http_status)
    if now is not None:
        conflict = await conflict_of(request, now, CRITERIA, ())
        read = mark_of(now.values.get("criteria"))
        return await _bring_in(request, now, typed, read, names=names, reading=reading, conflict=conflict, status=409)
    await drop_table(services.drafts, visitor.contact.id, opened.key)
    return RedirectResponse(urls.with_query(urls.criteria_url(opened.key), {urls.ENTERED_AS: "1"}), 303)


@dataclass
class _TableReading:
    """What came of a table: what it holds, or the errors; `head` says what its columns are."""

    found: CriteriaTable | None = None
    errors: list[InputError] = field(default_factory=list)
    head: Head | None = None

    @property
    def notes(self) -> list[str]:
        """What a person may want to know of it."""
        return self.found.notes if self.found is not None else []


async def _read_rows(
    rows: Rows, choices: Mapping[int, str], opened: OpenEdition, names: Mapping[str, str]
) -> _TableReading:
    try:
        found = await beside(read_criteria, rows, choices, opened.values, names)
    except InputError as error:
        return _TableReading(
            errors=[error], head=find_head(TABLE, rows, choices) if error.code == "table_head" else None
        )
    return _TableReading(found, list(found.faults), found.head)


def _taken(whole: Values, found: CriteriaTable, *, with_total: bool) -> Values:
    values = with_part(whole, CRITERIA, {"criteria": found.criteria})
    if not with_total or found.total is None:
        return values
    if values.get("total") == found.total or not found.is_total_without_bonus:
        return {**values, "total": found.total}
    scoring = values.get("scoring")
    return {**values, "scoring": {**(scoring if isinstance(scoring, dict) else {}), "stated_base": found.total}}


def _has_file(form: FormData) -> bool:
    upload = form.get("file")
    return isinstance(upload, UploadFile) and bool(upload.filename)


async def _sent_rows(form: FormData, typed: str) -> tuple[Rows, list[str]]:
    """The rows that were pasted or uploaded, and what is to be told of a file.

    Raises:
        InputError
    """
    upload = form.get("file")
    if isinstance(upload, UploadFile) and upload.filename:
        sent = await table_of(await upload.read(), indents=True)
        return sent.rows, [sentence(code, facts) for _line, code, facts in sent.remarks]
    if "\t" in typed:
        return await rows_of_text(typed, indents=True), []
    return (await table_of(typed.encode(), indents=True)).rows, []


def _choices(form: FormData) -> dict[int, str]:
    """What a person chose for the columns of the table, by index."""
    found: dict[int, str] = {}
    for name, value in form.multi_items():
        number = whole_number(name.removeprefix(_COLUMN)) if name.startswith(_COLUMN) else None
        if number is not None and value in {*TABLE.columns, UNUSED}:
            found[number] = str(value)
    return found


async def _bring_in(
    request: Request,
    opened: OpenEdition,
    typed: str,
    read: str,
    *,
    names: Mapping[str, str] | None = None,
    reading: _TableReading | None = None,
    conflict: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    known, found = reading or _TableReading(), reading.found if reading is not None else None
    problems = [form_sentence(one) for one in known.errors]
    rows: list[CriteriaRow] = []
    findings: tuple[Finding, ...] = ()
    told = ""
    if found is not None and not found.faults:
        values = _taken(opened.values, found, with_total=found.total is not None)
        check = await checked_edition(values, names or {})
        rows, told = criteria_rows(values, check.of(CRITERIA), names or {}), taken_over(found, opened.values)
        findings = tuple(one for one in check.findings if one.part is CRITERIA or one.part.id == "cach-tinh")
    return page(
        request,
        "edition_table.html",
        422 if problems and status < 400 else status,  # noqa: PLR2004 - the first status of an error
        opened=opened,
        columns=TABLE.columns,
        typed=typed,
        read=read,
        errors=problems,
        found=found,
        rows=rows,
        told=told,
        findings=[one for one in findings if not one.criterion],
        head=known.head,
        conflict=conflict,
        **CRITERIA_WORDS,
    )


# One criterion ----------------------------------------------------------------------------------------------------


@router.get(urls.CRITERION)
async def criterion(request: Request, visitor: Secretary, opened: OpenedDraft, place: str) -> Response:
    """The form of a criterion; for a new one the address says where it comes."""
    node = {} if place == NEW else _node(opened.values, place_of(place))
    return await _criterion(request, visitor, opened, place, node)


def _node(values: Values, place: Place) -> Values:
    found = node_at(values, place)
    if found is None:
        raise NotFoundError("page_not_found")
    return found


async def _criterion(
    request: Request,
    visitor: Visitor,
    opened: OpenEdition,
    place: str,
    node: Values,
    *,
    more: tuple[str, ...] = (),
    read: str = "",
    into: str = "",
    error: CodedError | None = None,
    conflict: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    at = place_of(place)
    whole = opened.values if place == NEW else replaced(opened.values, at, node)
    check = await opened.check_of(whole)
    stored = node_at(opened.values, at) if place != NEW else None
    names = await unit_names(get_services(request), visitor)
    return edition_form(
        request,
        "edition_criterion.html",
        opened,
        criterion_inputs(node, more, opened.values),
        [one for one in check.of(CRITERIA) if one.criterion and one.criterion == str(node.get("id"))],
        within=None if place == NEW else _path_of(at),
        error=error,
        status=status,
        place=place,
        node=node,
        units=list(names.items()),
        read=read or mark_of(_own(stored or {})),
        into=into or request.query_params.get(urls.PART_OF, ""),
        conflict=conflict,
        parent=node_at(opened.values, at[:-1]) if len(at) > 1 else None,
    )


def _path_of(place: Place) -> str:
    """The path of a criterion in the file, with a dot at its end."""
    return ".".join(f"{'children' if n else 'criteria'}.{number}" for n, number in enumerate(place)) + "."


def _own(node: Mapping[str, Any]) -> Values:
    """A criterion without what is in it."""
    return {name: value for name, value in node.items() if name != "children"}


@router.post(urls.CRITERION)
async def save_criterion(request: Request, visitor: Secretary, opened: OpenedDraft, place: str) -> Response:
    """Save a criterion, move it, take it out, or add it."""
    form = await checked_form(request)
    body = typed_text(form)
    stored = {} if place == NEW else _node(opened.values, place_of(place))
    shorter, step = without_row(body), body.get("_step", "")
    read, into = body.get(SHOWN, ""), body.get("_into", "")
    node = _typed_node(stored, body)
    if step in {"up", "down", "out"} and place != NEW:
        return await _move(request, visitor, opened, place, node, step=step, read=read)
    if "_more" in body or shorter or step != "save":
        return await _criterion(
            request, visitor, opened, place, node, more=(body.get("_more", ""),), read=read, into=into
        )
    if not str(node.get("title", "")).strip():
        error = InputError("criterion_without_title", "title")
        return await _criterion(request, visitor, opened, place, node, read=read, into=into, error=error)
    at = place_of(place)
    within = place_of(into)
    if place == NEW:
        return await _added(request, visitor, opened, node, within, read=read)
    return await _changed(request, visitor, opened, place, node, lambda whole: replaced(whole, at, node), read=read)


def _typed_node(stored: Values, body: Mapping[str, str]) -> Values:
    """The criterion as it was typed, with its id and what is in it, in the writing of the file."""
    values = nested(body.items())
    shape = {**stored, **({"way": values["way"]} if isinstance(values.get("way"), Mapping) else {})}
    typed = typed_part(criterion_fields(shape), values)
    if isinstance(typed.get("way"), Mapping) and typed["way"].get("way") in {None, "hand"} and len(typed["way"]) == 1:
        del typed["way"]
    kept = {name: stored[name] for name in ("id", "children") if name in stored}
    found = with_part({}, CRITERIA, {"criteria": [{**kept, **typed}]}).get("criteria") or [{}]
    return dict(found[0])


async def _added(
    request: Request, visitor: Visitor, opened: OpenEdition, node: Values, within: Place, *, read: str
) -> Response:
    """Add a criterion at the end of its group: whatever others change meanwhile, it does not get in their way."""
    try:
        await change(
            get_services(request),
            visitor,
            opened,
            CRITERIA,
            lambda _whole: None,
            mark_of(None),
            lambda whole: added(whole, within, node),
        )
    except InputError as error:
        return await _criterion(request, visitor, opened, NEW, node, read=read, error=error)
    return RedirectResponse(urls.with_query(urls.criteria_url(opened.key), {urls.ENTERED_AS: "1"}), 303)


async def _move(
    request: Request, visitor: Visitor, opened: OpenEdition, place: str, node: Values, *, step: str, read: str
) -> Response:
    at = place_of(place)
    new = (lambda whole: without(whole, at)) if step == "out" else (lambda whole: moved(whole, at, up=step == "up"))
    return await _changed(request, visitor, opened, place, node, new, read=read)


async def _changed(
    request: Request, visitor: Visitor, opened: OpenEdition, place: str, node: Values, new: Any, *, read: str
) -> Response:
    at = place_of(place)
    try:
        now = await change(
            get_services(request), visitor, opened, CRITERIA, lambda whole: _own(node_at(whole, at) or {}), read, new
        )
    except InputError as error:
        return await _criterion(request, visitor, opened, place, node, read=read, error=error)
    if now is not None:
        there = node_at(now.values, at)
        told = await conflict_of(request, now, CRITERIA, [("", criterion_lines(there, now.names))] if there else [])
        if there is None:
            return await _criterion(request, visitor, now, NEW, _own(node), conflict=told, status=409)
        return await _criterion(
            request, visitor, now, place, {**node, "id": there.get("id")}, conflict=told, status=409
        )
    return RedirectResponse(urls.with_query(urls.criteria_url(opened.key), {urls.ENTERED_AS: "1"}), 303)
