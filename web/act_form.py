"""An act's form as it stands: what was typed, what goes with it, and the command that it sends.

A form can correct: then its command is a correction that puts its act in the place of the wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.responses import Response
from pydantic_core import PydanticCustomError
from starlette.datastructures import FormData, QueryParams

from application.application import CommandInput
from application.edition_facts import told_apart, uses_of
from application.engine import PendingError, UnreachableError
from application.fields import clean_fields, clean_line, parse_day, stated_by, unusable_text
from application.form_values import as_fields, nested, without_empty_rows
from application.gate import GateClosedError
from application.pasted_text import clean_text
from application.score_sheets import titled
from application.titled_choices import Choices, titled_choices
from application.visits import VisitedCycle, persons_of
from domain.access import Matter
from domain.numbers import uuid_of, whole_number
from domain.records import Command, Refused
from domain.rules import edition_of
from domain.steps.corrections import CorrectAct
from domain.steps.lifecycle import AdoptEdition
from domain.times import When
from errors import CodedError, InputError
from i18n.cleaning import cleaning_notes
from i18n.fields import path_label
from i18n.messages import problem_in_words, sentence
from vault.persons import Contact
from web.act_files import KEPT, put_together
from web.error_answers import note_retry
from web.forms import without_made
from web.render import page
from web.services import Services
from web.urls import CORRECTS, SUMMARY

FORM_ERRORS = (InputError, Refused, GateClosedError, PendingError, UnreachableError)
"""Errors that are shown beside the form that was sent. Any other error has a page of its own."""

READ = "_read"
"""The field of a form that says which version of the cycle its page showed."""


@dataclass(frozen=True, slots=True)
class ActForm:
    """A form as it stands: the act, what was typed, and what goes with it."""

    act: type[Command]
    values: Mapping[str, Any]
    command_id: UUID
    on: str = ""
    source: str = ""
    meeting: str = ""
    corrects: int | None = None
    """The version of the wrong act that this one replaces."""
    reason: str = ""
    read: int | None = None
    """The version of the cycle that the page showed."""

    @property
    def extras(self) -> dict[str, str]:
        """The hidden fields of the form: what it carries beside the act's fields."""
        carried = {"_id": str(self.command_id), "_on": self.on, "_source": self.source, "_meeting": self.meeting}
        if self.read is not None:
            carried[READ] = str(self.read)
        return carried if self.corrects is None else {**carried, CORRECTS: str(self.corrects), "_reason": self.reason}

    @property
    def fields(self) -> dict[str, Any]:
        """The act's fields as they were typed."""
        return as_fields(self.act, without_empty_rows(without_made(self.act, self.values)))

    @property
    def wrong(self) -> int | None:
        """The version of the act that the form corrects or takes out; None for any other form."""
        return version_in(self.values.get("version")) if self.act is CorrectAct else self.corrects

    def cleaned(self) -> tuple[ActForm, list[str]]:
        """The form as it is signed, and what was changed in its texts, in sentences.

        Raises:
            InputError: `bad_character`: a text holds what cannot be kept.
        """
        fields = clean_fields(self.act, self.values)
        source = clean_line(self.source, "_source")
        try:
            reason = clean_text(self.reason)
        except PydanticCustomError as error:
            raise unusable_text(error, "reason") from None
        changes = {**fields.changes, "source": source.changes, "reason": reason.changes}
        clean = replace(self, values=fields.values, source=source.text, reason=reason.text)
        return clean, cleaning_notes({path: one for path, one in changes.items() if one})

    def command_input(self, stream: str) -> CommandInput:
        """The command that the form sends.

        Raises:
            InputError: a date or a source cannot be read.
        """
        name, fields = self.act.NAME, self.fields
        if self.corrects is not None:
            fields = {"version": self.corrects, "reason": self.reason, "instead": {"act": name, **fields}}
            name = CorrectAct.NAME
        return CommandInput(
            stream,
            name,
            fields,
            self.command_id,
            happened=_range(self.on) if self.on else None,
            provenance=stated_by(self.source, "_source") if self.source else None,
            meeting=self.meeting or None,
            # What happened on an earlier day is a fact, whatever has been read since.
            based_on=None if self.on else self.read,
        )


def parse_act_form(act: type[Command], body: Mapping[str, Any]) -> ActForm:
    """A form as it was sent or kept."""
    return ActForm(
        act,
        nested(body.items()),
        _uuid(body.get("_id")),
        str(body.get("_on", "")),
        str(body.get("_source", "")),
        str(body.get("_meeting", "")),
        version_in(body.get(CORRECTS)),
        str(body.get("_reason", "")).replace("\r\n", "\n"),
        version_in(body.get(READ)) or None,
    )


def asked(request: Request) -> str:
    """The query of the link to a form, in an order of its own."""
    return urlencode(sorted(pair for pair in request.query_params.multi_items() if pair[0] != SUMMARY))


def draft_path(request: Request, path: str) -> str:
    """The path of a form with the query of its link: the form's draft is kept under it."""
    query = asked(request)
    return path + (f"?{query}" if query else "")


def typed_values(sent: FormData | QueryParams) -> dict[str, Any]:
    """The fields of an act as a form or an address holds them."""
    return nested(sent.multi_items())


def typed_text(form: FormData) -> dict[str, str]:
    """A form's fields by name; the files that were sent before are named in the fields that they belong to."""
    body = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    put_together(body)
    return body


LESS = "_less"
"""The button that takes a row out of a list: its value is the path of the row."""


def without_row(body: dict[str, str]) -> str:
    """Take the row out whose button was pressed, and return the path of its list; "" where none was pressed."""
    row = body.pop(LESS, "")
    if not row:
        return ""
    for name in [name for name in body if _is_inside(name.removeprefix(KEPT), row)]:
        del body[name]
    return row.rpartition(".")[0]


def _is_inside(path: str, row: str) -> bool:
    return path == row or path.startswith(f"{row}.")


def version_in(value: Any) -> int | None:
    """The version of an act, as a form or an address gives it; None for anything else."""
    return whole_number(value)


async def suggested_persons(services: Services, cycle: VisitedCycle) -> Sequence[Contact]:
    """The persons that inputs suggest: those of the cycle's units, and its overseer.

    Visitors who may not see accounts are offered themselves, their own unit's persons, and those of the cycle's units
    whom its pages name to them, by no more than these names. Others they name in words, and no visitor types an id.
    """
    people, visitor, overseer = services.application.people, cycle.visitor, cycle.state.membership.overseer
    units = {unit for unit, _name in cycle.units()}
    if not cycle.may(Matter.PEOPLE):
        own = await people.of_unit(visitor.unit)
        others = [
            replace(one, office=None, email=None, phone=None)
            for one in await people.some(persons_of(cycle.readable_state()))
            if one.unit in units or (overseer is not None and one.id == overseer.id)
        ]
        found = [visitor.contact, *own, *others]
    else:
        of_units = await people.of_units(units)
        found = [one for persons in of_units.values() for one in persons]
        if overseer is not None and overseer.id and (contact := await people.get(overseer.id)) is not None:
            found.append(contact)
    return list({one.id: one for one in reversed(found)}.values())[::-1]


async def offered_choices(services: Services, cycle: VisitedCycle, act: type[Command]) -> Mapping[str, Choices]:
    """The choices of an act's fields by name: `titled_choices`, and the editions and cycles that it can name."""
    found = dict(titled_choices(cycle, act))
    if act is AdoptEdition:
        stored = await services.application.texts.editions()
        uses = await uses_of(services.board, cycle.state.lifecycle.organiser)
        titles = told_apart({digest: edition_of(body) for digest, body in stored}, uses)
        found["edition"] = tuple(sorted(titles.items(), key=lambda pair: pair[1]))
    if "handed_to" in act.model_fields:
        open_cycles = await services.board.open_cycles(cycle.state.lifecycle.organiser)
        others = ((stream, f"{name}, {year}") for stream, name, year in open_cycles if stream != cycle.stream)
        found["handed_to"] = tuple(others)
    return {name: choices for name, choices in found.items() if choices}


def error_text(error: CodedError, cycle: VisitedCycle) -> str:
    """The sentence of an error; a field that cannot be used is named as on the page."""
    facts = titled(error.facts, cycle.rules)
    if error.code in {"bad_character", "unstorable_text"} and error.path:
        return f"{path_label(error.path)}: {sentence(error.code, error.facts)}"
    if error.code != "malformed_act":
        return sentence(error.code, facts, cycle.names)
    problem = problem_in_words(str(facts.get("problem", "")), facts.get("given") or {})
    return f"{path_label(str(facts.get('place', '')))}: {problem}"


def file_list(
    request: Request, cycle: VisitedCycle, body: dict[str, str], path: str, problem: InputError | None
) -> Response:
    """The list of a field's files, with what is wrong with the one that was sent."""
    text, status = ("", 200) if problem is None else (error_text(problem, cycle), problem.http_status)
    if problem is not None:
        note_retry(problem)
    return page(request, "file_list.html", status, path=path, value=body.get(path, ""), text=text)


def _uuid(value: Any) -> UUID:
    return uuid_of(value) or uuid4()


def _range(text: str) -> When:
    first, _dash, last = text.partition(" - ")
    try:
        return When.on(parse_day(first, "_on"), parse_day(last, "_on") if last else None)
    except ValueError:
        raise InputError("range_backwards_web", "_on") from None
