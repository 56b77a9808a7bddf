"""Problems with input, as a code and facts. Entry points turn them into sentences in the reader's language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from domain.numbers import whole_number

T = TypeVar("T")
FOUND_CHARS = 80
"""How much of an invalid value is shown: one line of a terminal."""


def invalid(code: str, /, **facts: object) -> PydanticCustomError:
    """Return the error that a validator raises for `code`; `facts` fill the message."""
    return PydanticCustomError(code, code, {name: str(fact) for name, fact in facts.items()})


def repeated(names: Iterable[T]) -> list[T]:
    """Return the values that occur more than once, in the order of first appearance."""
    return [name for name, count in Counter(names).items() if count > 1]


_TYPE_ALTERNATIVES = {"constrained-int", "constrained-str", "decimal", "int", "str"}


def _is_type_alternative(part: int | str) -> bool:
    """Return whether pydantic added this part of a path for an alternative of a union, which no user knows."""
    return isinstance(part, str) and ("[" in part or part in _TYPE_ALTERNATIVES)


def first_problem(error: ValidationError) -> dict[str, Any]:
    """Return the first problem of a failed validation.

    `place` is the path: a tuple of field names and list indexes. `problem` is pydantic's code or one of ours, `given`
    the facts of that code, `found` the beginning of the invalid value.
    """
    first = error.errors(include_url=False)[0]
    try:
        text = repr(first["input"])
    except RecursionError:  # lists inside each other, hundreds deep
        text = "…"
    given = {name: str(fact) for name, fact in first.get("ctx", {}).items()}
    # YAML reads an unquoted 18,5 in a list as 18 and a key "5" without a value.
    is_key_without_value = first["type"] == "extra_forbidden" and first["input"] is None
    cut_figure = is_key_without_value and whole_number(str(first["loc"][-1])) is not None
    of_a_digest = first["type"] == "string_pattern_mismatch" and "{64}" in given.get("pattern", "")
    return {
        "place": tuple(part for part in first["loc"] if not _is_type_alternative(part)),
        "problem": "digest" if of_a_digest else "figure_unquoted" if cut_figure else first["type"],
        "given": {**given, "message": first["msg"]},
        "found": text if len(text) <= FOUND_CHARS else text[: FOUND_CHARS - 3] + "…",
    }
