"""Fills every field of a model of the domain, found by its annotations; and says in which words people read each value.

A new field is filled without code here; one of a type that is not known here is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from domain.times import ICT, When
from domain.types import (
    IsAward,
    IsDerived,
    IsDeviationKey,
    IsEdition,
    IsKey,
    IsLastInstant,
    IsLetter,
    IsPerson,
    IsRound,
    IsText,
    IsUnit,
    IsVoteSubject,
    IsWhole,
    Participant,
    Person,
)
from i18n.details import NOT_SHOWN
from i18n.messages import day, number, word
from i18n.values import deviation_title
from i18n.words import kind_of


class Leaf(NamedTuple):
    """An innermost field: its model and name, and the words in which people read its value."""

    model: str
    name: str
    words: str


class Kind(NamedTuple):
    """An alternative of an annotation: its type, with the marks that stand on it."""

    type: Any
    marks: Mapping[type, Any]


@dataclass
class Known:
    """What ids, digests and keys stand for."""

    names: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def kinds_of(annotation: Any, marks: tuple[Any, ...] = ()) -> Iterator[Kind]:
    """Yield the alternatives of an annotation, but None."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        inside = (mark for one in more for mark in (one.metadata if isinstance(one, FieldInfo) else (one,)))
        yield from kinds_of(inner, (*marks, *inside))
    elif get_origin(annotation) in {tuple, Literal} or not get_args(annotation):
        if annotation is not type(None):
            yield Kind(annotation, {type(mark): mark for mark in marks})
    else:
        for part in get_args(annotation):
            yield from kinds_of(part, marks)


def key_kind(kind: Kind) -> str | None:
    """The kind of thing that a field's values are keys of; None for other fields."""
    if IsKey in kind.marks:
        return str(kind.marks[IsKey].of)
    of = {IsAward: "award", IsLetter: "letter", IsRound: "round", IsVoteSubject: "award"}
    return next((name for mark, name in of.items() if mark in kind.marks), None)


def is_hidden(model: type[BaseModel], name: str) -> bool:
    """Whether people do not read a field, for a reason that stands in `NOT_SHOWN`."""
    return (model.__name__, name) in NOT_SHOWN


def _is_derived(info: FieldInfo) -> bool:
    return any(isinstance(mark, IsDerived) for mark in info.metadata)


@dataclass
class Filler:
    """Gives each field a value that occurs nowhere else.

    `units` are those to choose from; without any, each is a new one. `typed`: texts are given as people type them, and
    not by their digests.
    """

    known: Known = field(default_factory=Known)
    units: tuple[str, ...] = ()
    typed: bool = False
    given: int = 0
    persons: dict[str, str] = field(default_factory=dict)
    """Names by id of the persons that were made up."""

    def mark(self) -> str:
        """A word that occurs nowhere else, and is a valid id."""
        self.given += 1
        return f"dauvet{self.given:04d}x"

    def fill(self, model: type[BaseModel], /, **fixed: Any) -> dict[str, Any]:
        """The values of every field of a model; `fixed` are those that are given, None for one that is left out."""
        unknown = set(fixed) - set(model.model_fields)
        assert not unknown, (model.__name__, unknown)
        values = {
            name: fixed[name] if name in fixed else self._field(info)
            for name, info in model.model_fields.items()
            if not _is_derived(info)
        }
        return {name: value for name, value in values.items() if value is not None}

    def _field(self, info: FieldInfo) -> Any:
        kinds = list(kinds_of(info.annotation, tuple(info.metadata)))
        usual = None if info.is_required() else info.get_default()
        return self._value(next((one for one in kinds if get_origin(one.type) is not Literal), kinds[0]), usual)

    def _value(self, kind: Kind, usual: Any) -> Any:
        if get_origin(kind.type) is Literal:
            return next(one for one in get_args(kind.type) if one != usual)
        if get_origin(kind.type) is tuple:
            (entry, *_more) = kinds_of(get_args(kind.type)[0])
            return self._entries(entry)
        if isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
            return {"person": self.fill(Person)} if kind.type is Participant else self.fill(kind.type)
        if isinstance(kind.type, type) and issubclass(kind.type, Enum):
            return list(kind.type)[1].value
        if kind.type is bool:
            return not usual
        return self._text(kind) if kind.type is str else self._figure(kind)

    def _entries(self, entry: Kind) -> list[Any]:
        """Entries of a list: one of each form of a model that takes one thing or another."""
        if entry.type is Participant:
            unit = self._text(Kind(str, {IsUnit: IsUnit()}))
            return [{"unit": unit}, {"person": self.fill(Person)}, {"group": self.mark()}]
        if getattr(entry.type, "__name__", "") == "Choice":
            return [self.fill(entry.type, unit=None), self.fill(entry.type, words=None)]
        return [self._value(entry, None), self._value(entry, None)]

    def _text(self, kind: Kind) -> str:
        known, mark = self.known, self.mark()
        if IsText in kind.marks or IsEdition in kind.marks:
            body = f"{mark} {self.mark()}"
            digest = sha256(mark.encode()).hexdigest()
            known.texts[digest] = body
            return body if self.typed and IsText in kind.marks else digest
        if IsUnit in kind.marks:
            if self.units:
                return self.units[self.given % len(self.units)]
            known.names[f"u{mark}"] = f"Đơn vị {self.mark()}"
            return f"u{mark}"
        if IsPerson in kind.marks:
            self.persons[f"p{mark}"] = known.names[f"p{mark}"] = f"Người {self.mark()}"
            return f"p{mark}"
        if (of := key_kind(kind)) is not None:
            key = f"a/b/{mark}" if of == "cycle" else mark
            known.names[f"{of}/{key}"] = f"Tên {self.mark()}"
            return key
        return f"head-unknown/{mark}" if IsDeviationKey in kind.marks else mark

    def _figure(self, kind: Kind) -> Any:
        self.given += 1
        if kind.type is int:
            least = max(11, kind.marks[Ge].ge if Ge in kind.marks else 61)
            most = kind.marks[Le].le if Le in kind.marks else 9_999
            return least + self.given % (most - least + 1)
        if kind.type is Decimal:
            return str(Decimal(61_000) + self.given + Decimal("0.5"))
        on = date(2020, 1, 1) + timedelta(days=self.given)
        if kind.type in {date, When}:
            return on.isoformat()
        if kind.type in {datetime, AwareDatetime}:
            return datetime(on.year, on.month, on.day, 7, self.given % 60, tzinfo=ICT).isoformat()
        raise TypeError(f"{kind.type} is new here")


def leaves(model: type[BaseModel], values: Mapping[str, Any], known: Known) -> Iterator[Leaf]:
    """Yield the values that people read, each in the words in which they read it, in the language in use."""
    for name, value in values.items():
        if not is_hidden(model, name) and not _is_derived(model.model_fields[name]):
            info = model.model_fields[name]
            for leaf_model, leaf_name, words in _leaves(info.annotation, tuple(info.metadata), value, known):
                yield Leaf(leaf_model or model.__name__, leaf_name or name, words)


def hidden(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the marks in the fields that people do not read."""
    for name, value in values.items():
        inner = value if isinstance(value, list) else [value]
        if is_hidden(model, name):
            yield from (one for one in inner if isinstance(one, str) and one.startswith("dauvet"))
        for kind in kinds_of(model.model_fields[name].annotation):
            (part, *_more) = kinds_of(get_args(kind.type)[0]) if get_origin(kind.type) is tuple else (kind,)
            if isinstance(part.type, type) and issubclass(part.type, BaseModel):
                for one in inner:
                    if isinstance(one, dict):
                        yield from hidden(part.type, one)


def _leaves(annotation: Any, marks: tuple[Any, ...], value: Any, known: Known) -> Iterator[tuple[str, str, str]]:
    kinds = list(kinds_of(annotation, marks))
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, list):
        entry = next(get_args(kind.type)[0] for kind in kinds if get_origin(kind.type) is tuple)
        for one in value:
            yield from _leaves(entry, (), one, known)
    elif isinstance(value, dict):
        model = next(kind.type for kind in kinds if isinstance(kind.type, type) and issubclass(kind.type, BaseModel))
        yield from leaves(model, value, known)
    else:
        of_literal = (one for one in kinds if get_origin(one.type) is Literal and value in get_args(one.type))
        other = (one for one in kinds if get_origin(one.type) is not Literal)
        yield "", "", _words(next(of_literal, None) or next(other), annotation, value, known)


def _words(kind: Kind, annotation: Any, value: Any, known: Known) -> str:
    if get_origin(kind.type) is Literal or (isinstance(kind.type, type) and issubclass(kind.type, Enum)):
        table = kind_of(annotation)
        return str(value) if table is None else word(table, value)
    if kind.type is Decimal:
        return number(Decimal(str(value)))
    if kind.type is int:
        return number(Decimal(value)) if int(value) >= 10_000 or IsWhole in kind.marks else str(value)
    if kind.type in {date, When}:
        return day(value)
    if kind.type in {datetime, AwareDatetime}:
        at = datetime.fromisoformat(value).astimezone(ICT)
        return day(at) if IsLastInstant in kind.marks or (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}, {day(at)}"
    if IsDeviationKey in kind.marks:
        return str(deviation_title(value, known.names))
    if (of := key_kind(kind)) is not None:
        return known.names.get(f"{of}/{value}", value)
    return known.names.get(value) or known.texts.get(value) or str(value)


def models_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and the models in its fields that people read, at any depth."""
    yield model
    for name, info in model.model_fields.items():
        for kind in () if is_hidden(model, name) else kinds_of(info.annotation):
            (part, *_more) = kinds_of(get_args(kind.type)[0]) if get_origin(kind.type) is tuple else (kind,)
            if isinstance(part.type, type) and issubclass(part.type, BaseModel):
                yield from models_in(part.type)
