"""What an event or a command names outside the ledger: free texts by digest, persons by id and commitment.

They are found by the types of the fields, as `IsText` and `Person` mark them, so a new event needs no code here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from domain.types import IsText, Person

Named = tuple[str, str]
"""A digest of a text and "", or the id of a person and the commitment to the name."""

_Finder = Callable[[Any], Iterator[Named]]


def references(model: BaseModel) -> tuple[set[str], set[Named]]:
    """Return the digests of the texts that a model names, and its persons, each with the commitment to the name."""
    texts, persons = set[str](), set[Named]()
    for first, commitment in _named(model):
        if commitment:
            persons.add((first, commitment))
        else:
            texts.add(first)
    return texts, persons


def _named(model: BaseModel) -> Iterator[Named]:
    if isinstance(model, Person):
        if model.id is not None and model.commitment is not None:
            yield model.id, model.commitment
        return
    for name, find in _plan(type(model)):
        if (value := getattr(model, name)) is not None:
            yield from find(value)


@lru_cache(maxsize=1_000)
def _plan(model: type[BaseModel]) -> tuple[tuple[str, _Finder], ...]:
    """Return the fields of a model that can name something, each with what finds it."""
    found = []
    for name, field in model.model_fields.items():
        marked = any(isinstance(mark, IsText) for mark in field.metadata)
        if marked or _is_text(field.annotation):
            found.append((name, _texts))
        elif _holds_models(field.annotation):
            found.append((name, _models))
    return tuple(found)


def _texts(value: Any) -> Iterator[Named]:
    for one in value if isinstance(value, (tuple, list)) else (value,):
        if isinstance(one, str):
            yield one, ""


def _models(value: Any) -> Iterator[Named]:
    if isinstance(value, BaseModel):
        yield from _named(value)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _models(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _models(one)


def _is_text(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        kind, *marks = get_args(annotation)
        return any(isinstance(mark, IsText) for mark in marks) or _is_text(kind)
    return any(_is_text(part) for part in get_args(annotation))


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_holds_models(part) for part in get_args(annotation))
