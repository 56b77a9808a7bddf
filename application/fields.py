"""From what a person typed to what an act holds: texts are stored and become digests, persons get their commitment.

Fields are found by the act's own types, so a new act needs nothing here.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from domain import limits
from domain.problems import first_problem
from domain.types import Day, IsDerived, IsPerson, IsText, IsUnit, Person, Provenance, normalize_text
from errors import InputError
from vault.persons import Contact

_DAY: TypeAdapter[date] = TypeAdapter(Day)


def parse_day(text: str, path: str = "") -> date:
    """A day as somebody typed it.

    Raises:
        InputError: it is none.
    """
    try:
        return _DAY.validate_python(text)
    except ValidationError:
        raise InputError("bad_day", path, found=text) from None


def stated_by(source: str, path: str) -> Provenance:
    """That a source says so, as somebody typed its name.

    Raises:
        InputError: no source can be called so.
    """
    try:
        return Provenance(kind="stated", source=source)
    except ValidationError as error:
        raise input_error(error, path) from None


def input_error(error: ValidationError, path: str = "") -> InputError:
    """What is wrong with something that was typed; `path` says where, unless the error itself does."""
    problem = first_problem(error)
    inside = ".".join(map(str, problem.pop("place")))
    return InputError("file_field", place=path or inside or "-", **problem)


class TextStore(Protocol):
    """Where texts become digests."""

    async def put(self, body: str, /) -> str:
        """Take a text and return its digest."""


class PersonDirectory(Protocol):
    """Where persons are found."""

    async def get(self, person: str, /) -> Contact | None:
        """The person under an id."""


KNOWN_DIGEST = "digest:"
"""Before the digest of a text that cannot be had any more."""


class FieldFiller:
    """Fills the fields of acts for one installation."""

    def __init__(self, texts: TextStore, people: PersonDirectory, *, written_by_register: bool = False) -> None:
        self._texts = texts
        self._people = people
        # A register's own file tells the digests of what was erased; from anybody else they would be of nothing.
        self._digests = written_by_register

    async def fill(self, model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with texts stored and persons committed to.

        Raises:
            InputError: a text is too long or holds characters that are not allowed; a person is unknown.
        """
        return {name: await self._value(_annotation(model, name), value, name) for name, value in fields.items()}

    async def _value(self, annotation: Any, value: Any, path: str) -> Any:
        if value is None or annotation is None:
            return value
        if _is_text(annotation):
            return await self._text(value, path)
        typed = not self._digests and isinstance(value, str) and Decimal in _parts(annotation)
        if typed and re.fullmatch(r"-?[1-9]\d{0,2}(\.\d{3})+", value.strip()):
            raise InputError("thousands_dot", path, found=value.strip())
        for inner in _parts(annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, Mapping):
                filled = await self.fill(inner, value)
                return await self._person(filled, path) if issubclass(inner, Person) else filled
            if get_origin(inner) is tuple and isinstance(value, (list, tuple)):
                return [await self._value(get_args(inner)[0], entry, f"{path}[{n}]") for n, entry in enumerate(value)]
        return value

    async def _text(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not value.strip():
            raise InputError("text_expected", path, found=repr(value)[:80])
        if self._digests and re.fullmatch(rf"{KNOWN_DIGEST}[0-9a-f]{{64}}", value):
            return value.removeprefix(KNOWN_DIGEST)
        if len(value) > limits.TEXT_CHARS:
            raise InputError("text_too_long", path, found=len(value), most=limits.TEXT_CHARS)
        try:
            return await self._texts.put(normalize_text(value.replace("\r\n", "\n").replace("\t", "    ")))
        except PydanticCustomError as error:
            raise InputError("bad_character", path, problem=error.type, given=error.context) from None

    async def _person(self, fields: dict[str, Any], path: str) -> dict[str, Any]:
        if (person := fields.get("id")) is None:
            return fields
        contact = await self._people.get(str(person))
        if contact is None:
            if self._digests and fields.get("commitment"):
                return fields
            raise InputError("unknown_person", path, person=person)
        if fields.get("commitment") not in {None, contact.commitment}:
            raise InputError("other_commitment", path, person=person)
        return {**fields, "commitment": contact.commitment}


def _annotation(model: type[BaseModel], name: str) -> Any:
    field = model.model_fields.get(name)
    if field is None:
        return None
    if any(isinstance(mark, IsText) for mark in field.metadata):
        return Annotated[str, IsText()]
    return field.annotation


def _is_text(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return any(isinstance(mark, IsText) for mark in get_args(annotation)[1:])
    return any(_is_text(part) for part in _members(annotation))


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else ()


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The annotation's alternatives, without their marks."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    members = _members(annotation)
    return tuple(part for member in members for part in _parts(member)) if members else (annotation,)


FieldKind = Literal["text", "line", "day", "moment", "number", "flag", "unit", "person"]
"""What a field without choices and parts holds: free text, a line, a date, an instant, a number, yes or no, an id."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field as people are asked for it. `parts` are the fields inside it, `many` says that it takes a list."""

    name: str
    required: bool
    choices: tuple[str, ...]
    parts: tuple[FormField, ...]
    many: bool
    closed: bool
    """Nothing but a choice will do."""
    kind: FieldKind = "line"
    choice_type: Any = None
    """The enum or `Literal` that the choices are the values of: each has its own words."""

    def as_one(self, name: str) -> FormField:
        """One entry of a list."""
        return replace(self, name=name, required=True, many=False)

    def paths(self) -> list[str]:
        """The names of its innermost parts, as options and files use them (`by.unit`)."""
        return [f"{self.name}.{path}" for part in self.parts for path in part.paths()] or [self.name]


def form_fields(model: type[BaseModel]) -> tuple[FormField, ...]:
    """The fields of an act, or of a part of one, but for those that the filler works out."""
    return tuple(
        _question(name, field)
        for name, field in model.model_fields.items()
        if not any(isinstance(mark, IsDerived) for mark in field.metadata)
    )


def _question(name: str, field: FieldInfo) -> FormField:
    alternatives = _parts(field.annotation)
    lists = [part for part in alternatives if get_origin(part) is tuple]
    kinds = [inner for part in lists for inner in _parts(get_args(part)[0])] or list(alternatives)
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    # A criterion holds criteria: what contains itself is asked for as a whole.
    parts = form_fields(models[0]) if models and not _holds_itself(models[0]) else ()
    closed = all(kind is type(None) or get_origin(kind) is Literal or _is_enum(kind) for kind in kinds)
    kind = _kind([*field.metadata, *(mark for part in lists for mark in _marks(part))], field.annotation)
    choice_type = next((part for part in kinds if get_origin(part) is Literal or _is_enum(part)), None)
    return FormField(name, field.is_required(), _choices(kinds), parts, bool(lists), closed, kind, choice_type)


_MARKED: tuple[tuple[type, FieldKind], ...] = ((IsText, "text"), (IsUnit, "unit"), (IsPerson, "person"))


def _kind(marks: list[Any], annotation: Any) -> FieldKind:
    marks = [*marks, *_marks(annotation)]
    plain = {part for part in _flat(annotation) if isinstance(part, type)}
    for mark, kind in _MARKED:
        if any(isinstance(found, mark) for found in marks):
            return kind
    if datetime in plain:
        return "moment"
    if date in plain:
        return "day"
    if bool in plain:
        return "flag"
    return "number" if plain & {int, Decimal} else "line"


def _marks(annotation: Any) -> tuple[Any, ...]:
    """The marks of an annotation, and of what it is made of."""
    own = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return (*own, *(mark for part in _inside(annotation) for mark in _marks(part)))


def _flat(annotation: Any) -> tuple[Any, ...]:
    """The plain types that an annotation is made of."""
    inside = _inside(annotation)
    return tuple(part for one in inside for part in _flat(one)) if inside else (annotation,)


def _inside(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[:1]
    if get_origin(annotation) is tuple:
        return tuple(part for part in get_args(annotation) if part is not Ellipsis)
    return _members(annotation)


def _holds_itself(model: type[BaseModel]) -> bool:
    return any(model in get_args(part) for field in model.model_fields.values() for part in _parts(field.annotation))


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _choices(kinds: list[Any]) -> tuple[str, ...]:
    found: list[str] = []
    for kind in kinds:
        if get_origin(kind) is Literal:
            found.extend(str(value) for value in get_args(kind))
        elif _is_enum(kind):
            found.extend(str(member.value) for member in kind)
    return tuple(found)
