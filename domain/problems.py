"""What is wrong with an input, as a code and facts: the sentence is made at the edge, in the reader's language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

T = TypeVar("T")
FOUND_CHARS = 80
"""As much of a wrong value as is shown: a line of a terminal."""


def wrong(code: str, /, **facts: object) -> PydanticCustomError:
    """The error that a validator of ours raises."""
    return PydanticCustomError(code, code, {name: str(fact) for name, fact in facts.items()})


def repeated(names: Iterable[T]) -> list[T]:
    """What stands more than once, in the order of first appearance."""
    return [name for name, count in Counter(names).items() if count > 1]


TYPES = {"constrained-int", "constrained-str", "decimal", "int", "str"}


def _of_a_type(part: int | str) -> bool:
    """True for what pydantic puts into a path for an alternative of a type: it says nothing to a person."""
    return isinstance(part, str) and (
        "[" in part or part in {"constrained-int", "constrained-str", "decimal", "int", "str"}
    )


def first_problem(error: ValidationError) -> dict[str, Any]:
    """Of a failed validation, the first problem.

    `place` is the path of field names and list positions, `problem` pydantic's code or ours, `given` the facts that
    belong to the code, `found` the beginning of what was found.
    """
    first = error.errors(include_url=False)[0]
    text = repr(first["input"])
    given = {name: str(fact) for name, fact in first.get("ctx", {}).items()}
    # 18,5 without quotes in a list of YAML is 18 and a field called 5.
    cut_figure = first["type"] == "extra_forbidden" and first["input"] is None and str(first["loc"][-1]).isdigit()
    of_a_digest = first["type"] == "string_pattern_mismatch" and "{64}" in given.get("pattern", "")
    return {
        "place": tuple(part for part in first["loc"] if not _of_a_type(part)),
        "problem": "digest" if of_a_digest else "figure_unquoted" if cut_figure else first["type"],
        "given": {**given, "message": first["msg"]},
        "found": text if len(text) <= FOUND_CHARS else text[: FOUND_CHARS - 3] + "…",
    }
