"""Problems with input, as a code and facts. Entry points turn them into sentences in the reader's language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

T = TypeVar("T")
FOUND_CHARS = 80
"""How much of an invalid value is shown: one line of a terminal."""


def invalid(code: str, /, **facts: object) -> PydanticCustomError:
    """Return the error that a validator raises for `code`; `facts` fill the message."""
    return PydanticCustomError(code, code, {name: str(fact) for name, fact in facts.items()})


def invalid_at(path: tuple[int | str, ...], value: object, code: str, /, **facts: object) -> ValidationError:
    """Return the error that the validator of a whole model raises for `code`, where the cause stands at `path`."""
    details = InitErrorDetails(type=invalid(code, **facts), loc=path, input=value)
    return ValidationError.from_exception_data(code, [details])


def repeated(names: Iterable[T]) -> list[T]:
    """Return the values that occur more than once, in the order of first appearance."""
    return [name for name, count in Counter(names).items() if count > 1]


_TYPE_ALTERNATIVES = {"constrained-int", "constrained-str", "decimal", "int", "str"}


def _is_type_alternative(part: int | str) -> bool:
    """Return whether pydantic added this part of a path for an alternative of a union, which no user knows."""
    return isinstance(part, str) and ("[" in part or part in _TYPE_ALTERNATIVES)


def all_problems(error: ValidationError) -> list[dict[str, Any]]:
    """Return all problems of a failed validation, each as `first_problem` returns one."""
    return [_problem(one) for one in error.errors(include_url=False)]


def first_problem(error: ValidationError) -> dict[str, Any]:
    """Return the first problem of a failed validation.

    `place` is the path: a tuple of field names and list indexes. `problem` is pydantic's code or one of ours, `given`
    the facts of that code, `found` the beginning of the invalid value.
    """
    errors = error.errors(include_url=False)
    first = errors[0]
    if first["type"] == "missing":  # mostly because the name is mistyped
        mistyped = (one for one in errors if one["type"] == "extra_forbidden" and one["loc"][:-1] == first["loc"][:-1])
        first = next(mistyped, first)
    return _problem(first)


def _problem(found: ErrorDetails) -> dict[str, Any]:
    text = _as_written(found["input"])
    given = {name: str(fact) for name, fact in found.get("ctx", {}).items()}
    typed = {"typed": found["input"]} if isinstance(found["input"], str) else {}
    return {
        "place": tuple(part for part in found["loc"] if not _is_type_alternative(part)),
        "problem": _cause(found["type"], found["loc"], found["input"], given),
        "given": {**given, **typed, "message": found["msg"]},
        "found": text if len(text) <= FOUND_CHARS else text[: FOUND_CHARS - 3] + "…",
    }


def _cause(code: str, path: tuple[int | str, ...], value: object, given: dict[str, str]) -> str:
    """Return the code of a problem, or a more exact one where the cause is how YAML read the file."""
    if code == "extra_forbidden" and value is None:
        # YAML reads an unquoted 18,5 in a list as 18 and a key "5" without a value; "A, B" as "A" and a key "B".
        name = str(path[-1])
        return "figure_unquoted" if re.fullmatch(r"[0-9]+", name) else "text_unquoted" if not _is_name(name) else code
    if code == "string_type" and isinstance(value, dict):
        return "text_with_colon"
    if code == "string_pattern_mismatch" and "{64}" in given.get("pattern", ""):
        return "digest"
    return code


def _is_name(text: str) -> bool:
    """Return whether a text looks like the name of a field: ASCII letters in one word."""
    return text.isascii() and text.isidentifier()


def _as_written(value: object) -> str:
    """Return a value as a person would write it: days as day/month/year, of a list or a table three dots."""
    if isinstance(value, (Mapping, list, tuple)):
        return "…"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return repr(value)
