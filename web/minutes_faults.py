"""What is wrong with minutes that are being written: sentences, and the inputs that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from application.dry_run_texts import DryRunTexts
from application.fields import FieldFiller
from application.minutes import act_fields, held_on, meeting_fields, notes_of, part_of, part_of_field
from application.minutes_cells import HEAD, NOTES, ON, MinutesAct, inside
from application.score_sheets import sheet_of
from application.visits import VisitedCycle
from domain.commands import parse_command
from domain.numbers import whole_number
from domain.records import Command, Refused
from domain.steps.meetings import RecordMeeting
from errors import CodedError, InputError
from i18n.acts import act_name
from i18n.fields import field_label
from i18n.messages import sentence
from web.form_problems import ActProblems, FormProblem, all_errors
from web.forms import inputs
from web.open_minutes import OpenMinutes
from web.services import Services

_UNFINISHED = frozenset({"missing", "choice_is_one", "voice_is_one", "person_is_nobody", "document_is_nothing"})
"""Problems of what is only half typed: they are told when all of it is checked."""


@dataclass(frozen=True, slots=True)
class MinutesFault:
    """What is wrong in a part of the minutes; the problem's `path` and `anchor` are those of the page's input."""

    part: str
    problem: FormProblem


async def all_faults(
    services: Services, opened: OpenMinutes, *, parts: Sequence[str] = (), unfinished: bool
) -> list[MinutesFault]:
    """What is wrong with the minutes, or with some parts of it. `unfinished`: also what is not there yet."""
    of_meeting = [*_of_day(opened), *await _of_head(services, opened, unfinished=unfinished)]
    found = [one for one in of_meeting if not parts or one.part in parts]
    for cycle in opened.cycles:
        for one in opened.minutes.acts(cycle.stream):
            if not parts or part_of(one.act) in parts:
                problems = await _of_act(services, opened, cycle, one, unfinished=unfinished)
                found.extend(MinutesFault(part_of(one.act), problem) for problem in problems)
    return found


async def _of_act(
    services: Services, opened: OpenMinutes, cycle: VisitedCycle, one: MinutesAct, *, unfinished: bool
) -> list[FormProblem]:
    act = Command.KNOWN[one.act]
    errors = await _errors(services, act, act_fields(one, opened.names), unfinished=unfinished)
    if not errors:
        return []
    sheet = sheet_of(cycle, act, one.values)
    found = ActProblems(cycle, act, one.values, inputs(act, one.values), sheet).of(errors)
    named = act_name(one.act)
    return [_at(problem, f"{one.path}.", one.path, f"{named[:1].upper()}{named[1:]}") for problem in found]


async def _errors(
    services: Services, act: type[Command], fields: Mapping[str, Any], *, unfinished: bool
) -> list[CodedError]:
    filler = FieldFiller(DryRunTexts(services.application.texts), services.application.people)
    try:
        parse_command(act.NAME, await filler.fill(act, fields))
    except (InputError, Refused) as error:
        found = await all_errors(services, act, fields, error)
        return [one for one in found if unfinished or not _is_unfinished(one, fields)]
    return []


def _is_unfinished(error: CodedError, fields: Mapping[str, Any]) -> bool:
    """Whether what is wrong is only half typed. Two where one is expected are too many at once."""
    if error.facts.get("problem") not in _UNFINISHED:
        return False
    value: Any = fields
    for part in str(error.facts.get("place", "")).split("."):
        if isinstance(value, list) and (index := whole_number(part)) is not None and index < len(value):
            value = value[index]
        elif isinstance(value, Mapping):
            value = value.get(part)
    return not (isinstance(value, Mapping) and len(_ONE_OF & value.keys()) > 1)


_ONE_OF = frozenset({"unit", "person", "group", "words"})
"""Names of which a participant, or a choice of a vote, has one."""


def _at(problem: FormProblem, start: str, cell: str, about: str) -> FormProblem:
    """A problem of an act as the page of the minutes tells it: its inputs have names of their own."""
    path = f"{start}{problem.path}" if problem.path else ""
    begins = problem.anchor[: len("f-")]  # those of a score sheet's inputs begin otherwise
    anchor = (
        f"{begins}{input_id(start)[len(begins) :]}{problem.anchor.removeprefix(begins)}"
        if begins
        else cell_anchor(cell)
    )
    return replace(problem, text=f"{about}: {problem.text}", path=path, anchor=anchor)


def input_id(path: str) -> str:
    """The id of the input of a name."""
    return f"f-{path.replace('.', '-')}"


def cell_anchor(path: str) -> str:
    """The id of the part of the page that holds a cell."""
    return f"c-{path.replace('.', '-')}"


def _of_day(opened: OpenMinutes) -> list[MinutesFault]:
    try:
        held_on(opened.minutes, opened.cycle)
    except InputError as error:
        text = sentence(error.code, error.facts)
        return [MinutesFault(part_of_field(ON), FormProblem(f"{field_label('_on')}: {text}", text, ON, input_id(ON)))]
    return []


async def _of_head(services: Services, opened: OpenMinutes, *, unfinished: bool) -> list[MinutesFault]:
    fields = meeting_fields(opened.minutes, opened.names)
    errors = await _errors(services, RecordMeeting, fields, unfinished=unfinished)
    problems = ActProblems(opened.cycle, RecordMeeting, fields, inputs(RecordMeeting, fields), None).of(errors)
    return [_in_head(opened, problem) for problem in problems]


def _in_head(opened: OpenMinutes, problem: FormProblem) -> MinutesFault:
    """A problem of the meeting's own fields: rows are found by their place among those in which something was typed."""
    name, *rest = problem.path.split(".") if problem.path else [""]
    path = f"{HEAD}.{problem.path}"
    if rest and (index := whole_number(rest[0])) is not None:
        in_order = opened.minutes.rows(name) if name != NOTES else notes_of(opened.minutes)
        rows = [row for row, typed in in_order if typed]
        path = ".".join((rows[index], *rest[1:])) if index < len(rows) else ""
    return MinutesFault(
        part_of_field(inside(path)[1] if path else name),
        replace(problem, path=path if name else "", anchor=input_id(path) if name and path else ""),
    )
