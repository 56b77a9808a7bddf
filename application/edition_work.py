"""Reading, writing, checking and trying out rules editions, whose texts people bring in.

What offices have is worked on in a thread. The time of more grows with it, and some steps let no other thread run: so
it is done by a child process with a deadline (`application.work`), which is this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from application.edition_checks import EditionCheck, Finding, check_edition
from application.edition_parts import BY_ID, PARTS
from application.edition_texts import Values, text_of, values_of
from application.trial_sheets import TrialSheets, trial_of
from application.work import CHILDREN, WorkFailedError, answer_as_child, beside
from domain.rules import Edition, edition_of
from errors import InputError
from i18n import in_language, language
from i18n.messages import sentence

CHARS_BESIDE = 30_000
"""A text of so many characters, or values whose JSON has so many, are read, written and checked in a thread."""

FIGURES_BESIDE = 1_500
"""So many criteria times units are calculated in a thread."""

SECONDS = 40.0
"""After this the child is killed. Where nothing else runs, the longest rules are read in a quarter of it."""

_DAY = "$day"

_ANSWER = TypeAdapter(str)


# What is asked for ------------------------------------------------------------------------------------------------


async def read_edition(text: str, name: str) -> Values:
    """Return the values of a file's text, as `values_of`.

    Raises:
        InputError: as `values_of`; `edition_takes_too_long`.
        TooBusyError
    """
    if len(text) <= CHARS_BESIDE:
        return await beside(values_of, text, name)
    try:
        answer = await _asked("read", text=text, name=name)
    except WorkFailedError:
        raise InputError("edition_takes_too_long", name) from None
    if "code" in answer:
        raise InputError(answer["code"], answer["path"], **answer["facts"])
    return dict(answer["values"])


async def written_edition(values: Mapping[str, Any]) -> str:
    """Return the text of values, as `text_of`.

    Raises:
        InputError: `edition_takes_too_long`.
        TooBusyError
    """
    if len(_dumped(values)) <= CHARS_BESIDE:
        return await beside(text_of, values)
    try:
        return str((await _asked("write", values=values))["text"])
    except WorkFailedError:
        raise InputError("edition_takes_too_long") from None


async def checked_edition(values: Mapping[str, Any], names: Mapping[str, str]) -> EditionCheck:
    """Check values, as `check_edition`. That it takes too long is one thing that is wrong with them.

    Raises:
        TooBusyError
    """
    if len(_dumped(values)) <= CHARS_BESIDE:
        return await beside(check_edition, values, names)
    try:
        answer = await _asked("check", values=values, names=dict(names))
    except WorkFailedError:
        text = sentence("edition_takes_too_long")
        return EditionCheck(None, (Finding(PARTS[0], text, text, wrong=True),), ended_early=True)
    findings = tuple(Finding(**{**one, "part": BY_ID[one["part"]]}) for one in answer["findings"])
    return EditionCheck(edition_of(answer["edition"]) if answer["edition"] else None, findings)


async def tried_edition(edition: Edition, units: list[Mapping[str, Any]]) -> TrialSheets:
    """Calculate a trial, as `trial_of`.

    Raises:
        InputError: `edition_takes_too_long`.
        TooBusyError
    """
    if len(edition.leaves()) * len(units) <= FIGURES_BESIDE:
        return await beside(trial_of, edition, units)
    try:
        answer = await _asked("try", edition=edition.model_dump_json(), units=units)
        return _SHEETS.validate_python(answer)
    except (WorkFailedError, ValueError):
        raise InputError("edition_takes_too_long") from None


_SHEETS = TypeAdapter(TrialSheets)


# The child --------------------------------------------------------------------------------------------------------


async def _asked(task: str, **facts: Any) -> dict[str, Any]:
    """What the child answers.

    Raises:
        WorkFailedError: nothing, or too late.
        TooBusyError
    """
    sent = _dumped({"task": task, "language": language(), **facts}).encode()
    answer = _loaded(await CHILDREN.run(__name__, sent, _ANSWER, seconds=SECONDS))
    if not isinstance(answer, dict):
        raise WorkFailedError(__name__)
    return answer


def _dumped(values: Any) -> str:
    """Values as JSON, with days marked as such."""
    return json.dumps(values, default=lambda one: {_DAY: one.isoformat()} if isinstance(one, date) else str(one))


def _loaded(text: str) -> Any:
    return json.loads(text, object_hook=_day)


def _day(table: dict[str, Any]) -> Any:
    if set(table) != {_DAY}:
        return table
    try:
        text = str(table[_DAY])
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:  # somebody's own name
        return table


def _read(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"values": values_of(asked["text"], asked["name"])}
    except InputError as error:
        return {"code": error.code, "path": error.path, "facts": dict(error.facts)}


def _write(asked: dict[str, Any]) -> dict[str, Any]:
    return {"text": text_of(asked["values"])}


def _check(asked: dict[str, Any]) -> dict[str, Any]:
    found = check_edition(asked["values"], asked["names"])
    return {
        "edition": found.edition.model_dump_json() if found.edition is not None else None,
        "findings": [{**asdict(one), "part": one.part.id} for one in found.findings],
    }


def _try(asked: dict[str, Any]) -> dict[str, Any]:
    found = trial_of(edition_of(asked["edition"]), asked["units"])
    return dict(_SHEETS.dump_python(found, mode="json"))


_TASKS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "read": _read,
    "write": _write,
    "check": _check,
    "try": _try,
}


def _answer(sent: bytes) -> str:
    asked = _loaded(sent.decode())
    with in_language(asked["language"]):
        return _dumped(_TASKS[asked["task"]](asked))


if __name__ == "__main__":
    answer_as_child(_answer)
