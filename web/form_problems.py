"""What is wrong with a form: sentences that name the line and the field, and the inputs that they are about.

A page shows them at its top, each as a link to its input, and marks the input. What was typed stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from application.dry_run_texts import DryRunTexts
from application.fields import FieldFiller
from application.score_sheets import Sheet, titled
from application.visits import VisitedCycle
from domain.numbers import whole_number
from domain.problems import all_problems
from domain.records import Command, Refused
from errors import CodedError, InputError
from i18n import _
from i18n.fields import field_label
from i18n.messages import problem_in_words, sentence
from web.forms import Input
from web.services import Services

MOST = 20
"""How many problems of a form are told at once."""

_LABEL_CHARS = 48
"""A longer title of a criterion is cut: the line is found by its beginning."""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """A sentence, the name of the input that it is about ("" for the form as a whole), and the input's id.

    `here` is the sentence as it stands beside the input: without its line and field.
    """

    text: str
    here: str
    path: str = ""
    anchor: str = ""


# Forms of the pages' own ---------------------------------------------------------------------------------------------

_FIELD_OF: Mapping[str, str] = {
    "account_closed": "person",
    "auditor_needs_end": "until",
    "bad_email": "email",
    "code_does_not_fit": "_code",
    "code_missing": "_code",
    "file_empty": "file",
    "id_reserved": "id",
    "id_taken": "id",
    "last_day_past": "until",
    "login_does_not_fit": "_password",
    "meeting_without_kind": "kind",
    "nothing_chosen": "cycle",
    "password_does_not_fit": "_password",
    "password_common": "_new",
    "password_own_name": "_new",
    "password_too_long": "_new",
    "password_too_short": "_new",
    "passwords_differ": "_again",
    "reason_missing": "reason",
    "stand_in_dates": "since",
    "stand_in_unknown": "person",
    "edition_missing": "edition",
    "table_broken": "table",
    "table_cell_bad": "table",
    "table_cell_missing": "table",
    "table_empty": "table",
    "table_encoding": "table",
    "table_formula": "table",
    "table_head": "table",
    "table_letters_lost": "table",
    "table_line_too_long": "table",
    "table_locked": "table",
    "table_no_table": "table",
    "table_old_workbook": "table",
    "table_too_large": "table",
    "table_too_long": "table",
    "table_too_much": "table",
    "table_too_wide": "table",
    "table_unit_elsewhere": "table",
    "table_web_page": "table",
    "table_without_units": "table",
    "table_wrong": "table",
    "token_needs_code": "scope",
    "unit_elsewhere": "unit",
    "unit_unknown_web": "unit",
}
"""The field of a form that an error is about, where the error does not name it itself."""


def faulty_field(error: CodedError) -> str:
    """The name of the input that an error is about; "" where it is about the form as a whole."""
    if error.path:
        return error.path
    return str(error.facts.get("place", "")) if error.code == "field_bad" else _FIELD_OF.get(error.code, "")


def form_sentence(error: CodedError) -> str:
    """The sentence of an error in a form of the pages' own; a field is named by its label."""
    facts = dict(error.facts)
    if error.code == "field_bad":
        label = field_label(str(facts.get("place", "")))
        if not facts.get("found"):
            return f"{label}: {problem_in_words('missing', {})}"
        facts["place"] = label
    return sentence(error.code, facts)


# Forms of acts -------------------------------------------------------------------------------------------------------


class ActProblems:
    """Finds the line, the field and the input of what is wrong with the form of an act."""

    def __init__(
        self,
        cycle: VisitedCycle,
        act: type[Command],
        values: Mapping[str, Any],
        fields: Sequence[Input],
        sheet: Sheet | None,
    ) -> None:
        self._cycle, self._act, self._sheet = cycle, act, sheet
        self._ids = {**_OWN_INPUTS, **dict(_ids(fields)), **_sheet_ids(sheet)}
        self._filled = _filled_rows(values, sheet)

    def of(self, errors: Iterable[CodedError]) -> tuple[FormProblem, ...]:
        """Each error with its sentence and its input; of an input only the first thing that is wrong."""
        found: dict[str, FormProblem] = {}
        for error in errors:
            problem = self._problem(error)
            found.setdefault(problem.path or problem.text, problem)
        return tuple(found.values())[:MOST]

    def _problem(self, error: CodedError) -> FormProblem:
        path = self._path(error)
        at = self._input_at(path)
        where = self._where(path)
        text = _what(error, self._cycle)
        here = text[:1].upper() + text[1:]
        return FormProblem(f"{where}: {text}" if where else here, here, at, self._ids.get(at, ""))

    def _path(self, error: CodedError) -> str:
        """The path of the input that an error is about, as the form names it; "" where the error names none."""
        if error.code in _NEEDS_MEETING:
            return "_meeting"
        if (criterion := error.facts.get("criterion")) and self._sheet is not None:
            number = next((row.number for row in self._sheet.rows if row.criterion.id == criterion), None)
            return f"sheet.{number}.points" if number is not None else "sheet"
        path = error.path or str(error.facts.get("place", "") if error.code in _INVALID else "")
        path = path.removeprefix("instead.")
        parts = path.split(".")
        if parts[0] == "sheet" and len(parts) > 1 and (index := whole_number(parts[1])) is not None:
            parts[1] = str(self._filled[index]) if index < len(self._filled) else parts[1]
        return "" if parts == [self._act.NAME] else ".".join(parts)

    def _input_at(self, path: str) -> str:
        """The path itself, or the nearest group of inputs that it stands in; "" when there is none."""
        while path and path not in self._ids:
            path = path.rpartition(".")[0]
        return path

    def _where(self, path: str) -> str:
        """The line and the field of a path, in words."""
        *groups, last = [part for part in path.split(".") if part] or [""]
        if not last:
            return ""
        row = self._row(path)
        if row:
            line = _("Line “{title}”").format(title=row)
            return line if last in {"points", groups[-1] if groups else ""} else f"{line}, {field_label(last)}"
        words: list[str] = []
        for part in (*groups, last):
            if (number := whole_number(part)) is not None:
                words.append(_("line {line}").format(line=number + 1))
            else:
                words.append(field_label(part.lstrip("_"), self._act.NAME if not words else ""))
        return ", ".join(words)

    def _row(self, path: str) -> str:
        """The title of the criterion whose row a path leads into."""
        parts = path.split(".")
        if self._sheet is None or parts[0] != "sheet" or len(parts) < len(("sheet", "0")):
            return ""
        title = next((row.criterion.title for row in self._sheet.rows if str(row.number) == parts[1]), "")
        return title if len(title) <= _LABEL_CHARS else f"{title[:_LABEL_CHARS].rsplit(' ', 1)[0]}…"


_OWN_INPUTS = {
    "_on": "when-on",
    "_source": "when-source",
    "_meeting": "when-meeting",
    "reason": "f-why",
    "_reason": "f-why",
}
"""Inputs that stand beside an act's fields; an act's own `reason` comes after them and wins."""

_NEEDS_MEETING = frozenset({"enter_what_meeting_decided", "meeting_must_decide", "not_the_checker"})


def _ids(fields: Iterable[Input]) -> Iterable[tuple[str, str]]:
    for one in fields:
        yield one.path, f"f-{one.path.replace('.', '-')}"
        yield from _ids((*one.parts, *one.rows))


def _sheet_ids(sheet: Sheet | None) -> dict[str, str]:
    rows = [] if sheet is None else [row for row in sheet.rows if row.number is not None]
    found = {}
    for row in rows:
        start = f"sheet.{row.number}"
        found[start] = found[f"{start}.points"] = f"s-{row.number}-{row.figures[0]}"
        for name in (*row.figures, "evidence", "reason"):
            found[f"{start}.{name}"] = f"s-{row.number}-{name}"
    return found


def _filled_rows(values: Mapping[str, Any], sheet: Sheet | None) -> list[int]:
    """The numbers of the rows in which something was typed: the others are not sent."""
    entries = values.get("sheet")
    numbers = {} if sheet is None else {row.criterion.id: row.number for row in sheet.rows if row.number is not None}
    rows = [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []
    filled = [one for one in rows if set(one) - {"criterion"}]
    return [numbers.get(str(one.get("criterion")), n) or 0 for n, one in enumerate(filled)]


_INVALID = frozenset({"malformed_act", "file_field"})
"""Codes of a value that its type does not take, with the path (`place`), the `problem` and what is `given`."""

_DAYS = frozenset({"date_from_datetime_parsing", "date_parsing", "no_such_date", "no_such_day", "no_such_issue_date"})
"""Problems of a day that was typed: the sentence names it."""


def _what(error: CodedError, cycle: VisitedCycle) -> str:
    """What is wrong, without where."""
    facts = titled(error.facts, cycle.rules)
    if error.code in _INVALID:
        given = facts.get("given") or {}
        if facts.get("problem") in _DAYS and given.get("typed"):
            return sentence("bad_day", {"found": given["typed"]})
        return problem_in_words(str(facts.get("problem", "")), given)
    return sentence(error.code, facts, cycle.names)


async def all_errors(
    services: Services, act: type[Command], fields: Mapping[str, Any], first: CodedError
) -> list[CodedError]:
    """An error of an act's fields, with what else is wrong with them: a person mends all of it at once."""
    if not first.path and first.code != "malformed_act":
        return [first]
    filler = FieldFiller(DryRunTexts(services.application.texts), services.application.people)
    found: list[CodedError] = [first]
    unfilled: list[tuple[str, ...]] = []
    filled: dict[str, Any] = {}
    for name, value in fields.items():
        rows = value if isinstance(value, list) else None
        entries = [value] if rows is None else [[row] for row in rows]
        results = [await _filled_or_error(filler, act, name, entry) for entry in entries]
        for number, result in enumerate(results):
            if isinstance(result, InputError):
                path = result.path if rows is None else result.path.replace(f"{name}.0", f"{name}.{number}", 1)
                found.append(InputError(result.code, path, **result.facts))
                unfilled.append((name,) if rows is None else (name, str(number)))
        values = [entry if isinstance(one, InputError) else one for entry, one in zip(entries, results, strict=True)]
        filled[name] = values[0] if rows is None else [row for one in values for row in one]
    for problem in _invalid(act, filled):
        place = tuple(map(str, problem["place"]))
        if not any(place[: len(start)] == start for start in unfilled):
            found.append(_as_error(problem))
    return found


async def _filled_or_error(filler: FieldFiller, act: type[Command], name: str, value: Any) -> Any:
    """A field's value with digests in place of texts, or why it cannot be had."""
    try:
        return (await filler.fill(act, {name: value}))[name]
    except InputError as error:
        return error


def _invalid(act: type[Command], fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        act.model_validate(dict(fields))
    except ValidationError as error:
        return all_problems(error)
    return []


def _as_error(problem: Mapping[str, Any]) -> CodedError:
    """A problem as the command itself tells it."""
    return Refused("malformed_act", **{**problem, "place": ".".join(map(str, problem["place"]))})
