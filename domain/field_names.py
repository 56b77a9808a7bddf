"""The problem of a failed validation together with the names that could have been meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from domain.problems import first_problem
from domain.types import IsDerived


def problem_of(error: ValidationError, model: type[BaseModel]) -> dict[str, Any]:
    """Return `first_problem` of a failed validation of `model`.

    Of an unknown field, `given` also has `field` and `fields`: the names that are possible at its place.
    """
    problem = first_problem(error)
    if problem["problem"] == "extra_forbidden":
        *parents, name = problem["place"]
        problem["given"] |= {"field": str(name), "fields": ", ".join(field_names(model, tuple(parents)))}
    return problem


def field_names(model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the names of the fields at a path inside a model, as they are typed, without derived ones."""
    models = [model]
    for part in path:
        if isinstance(part, str):
            fields = [info for one in models for name, info in one.model_fields.items() if part in {name, info.alias}]
            models = [inside for info in fields for inside in _models_in(info.annotation)]
    return tuple(
        info.alias or name
        for one in models[:1]
        for name, info in one.model_fields.items()
        if not any(isinstance(mark, IsDerived) for mark in info.metadata)
    )


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation: alone, in a union, in a tuple or a table."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inside in get_args(annotation):
        yield from _models_in(inside)
