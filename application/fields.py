"""From typed fields to command fields, and from a command's types to form fields.

Texts are stored and become digests, and persons get their commitment. Fields are found by the types of the command, so
a new command needs no code here.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from application.pasted_text import Changes, CleanText, clean_text
from domain import limits
from domain.numbers import read_number
from domain.problems import first_problem
from domain.times import Day, When
from domain.types import IsDerived, IsPerson, IsText, IsUnit, Person, Provenance, normalize_text
from errors import InputError
from vault.persons import Contact

_DAY: TypeAdapter[date] = TypeAdapter(Day)


def parse_day(text: str, path: str = "", *, code: str = "bad_day") -> date:
    """Parse a typed day.

    Raises:
        InputError: it is no day, with `code`.
    """
    try:
        return _DAY.validate_python(text)
    except ValidationError:
        raise InputError(code, path, found=text) from None


def optional_day(text: str, path: str = "") -> date | None:
    """A day as a person typed it; None for an empty field. Errors name `path`.

    Raises:
        InputError: it is none.
    """
    return parse_day(text, path) if text.strip() else None


def stated_by(source: str, path: str) -> Provenance:
    """Return the provenance "stated by `source`", a typed name.

    Raises:
        InputError: the name is invalid.
    """
    try:
        return Provenance(kind="stated", source=clean_line(source, path).text)
    except ValidationError as error:
        raise input_error(error, path) from None


def input_error(error: ValidationError, path: str = "") -> InputError:
    """Return the first problem of a failed validation. Without `path` the error names the path inside the model."""
    problem = first_problem(error)
    inside = ".".join(map(str, problem.pop("place")))
    return InputError("file_field", place=path or inside or "-", **problem)


def unusable_text(error: PydanticCustomError, path: str) -> InputError:
    """Return the error of a text that cannot be kept, by `clean_text` or `normalize_text`."""
    return InputError("bad_character", path, problem=error.type, given=error.context or {})


def clean_line(text: str, path: str) -> CleanText:
    """Return a typed line as it is stored (`clean_text`).

    Raises:
        InputError: `bad_character`: it holds what cannot be kept.
    """
    try:
        return clean_text(text, one_line=True)
    except PydanticCustomError as error:
        raise unusable_text(error, path) from None


@dataclass(frozen=True, slots=True)
class CleanFields:
    """Typed fields as they are stored, and what was changed in each that the person should know of, by path."""

    values: dict[str, Any]
    changes: dict[str, Changes]


def clean_fields(model: type[BaseModel], fields: Mapping[str, Any]) -> CleanFields:
    """Return the typed fields of a command, or of a part of it, with each text cleaned (`clean_text`).

    Raises:
        InputError: `bad_character`: a text holds what cannot be kept.
    """
    changes: dict[str, Changes] = {}
    return CleanFields(_clean_parts(form_fields(model), fields, "", changes), changes)


def _clean_parts(
    parts: tuple[FormField, ...], values: Mapping[str, Any], prefix: str, changes: dict[str, Changes]
) -> dict[str, Any]:
    known = {part.name: part for part in parts}
    return {
        name: _clean(known[name], value, f"{prefix}{name}", changes) if name in known else value
        for name, value in values.items()
    }


def _clean(field: FormField, value: Any, path: str, changes: dict[str, Changes]) -> Any:
    if isinstance(value, Mapping) and field.parts:
        return _clean_parts(field.parts, value, f"{path}.", changes)
    if isinstance(value, (list, tuple)) and field.many:
        one = field.as_one(field.name)
        return [_clean(one, entry, f"{path}.{number}", changes) for number, entry in enumerate(value)]
    if not isinstance(value, str) or len(value) > limits.TEXT_CHARS:  # too long: that is told, not what is in it
        return value
    try:
        clean = clean_text(value, one_line=field.kind != "text" and not field.many)
    except PydanticCustomError as error:
        raise unusable_text(error, path) from None
    if clean.changes:
        changes[path] = clean.changes
    return clean.text


class TextStore(Protocol):
    """Turns texts into digests: `vault.texts.Texts`, or a dry run."""

    async def put(self, body: str, /) -> str:
        """Store a text and return its digest."""


class PersonDirectory(Protocol):
    """Finds persons: `vault.persons.People`, or a dry run."""

    async def get(self, person: str, /) -> Contact | None:
        """Return the person with this id, or None."""


KNOWN_DIGEST = "digest:"
"""Prefix of the digest of an erased text in exported files."""


class FieldFiller:
    """Turns typed fields into command fields for one installation."""

    def __init__(self, texts: TextStore, people: PersonDirectory, *, is_export: bool = False) -> None:
        self._texts = texts
        self._people = people
        # Only a file that this program exported may hold digests of erased texts and commitments of unknown persons.
        self._is_export = is_export
        self.given: set[str] = set()
        """Digests and commitments that an exported file gave, as they are in the fields."""

    async def fill(self, model: type[BaseModel], fields: Mapping[str, Any], inside: str = "") -> dict[str, Any]:
        """Return the fields with digests in place of texts, and with the commitments of persons.

        `inside` is the path of the field that the model is the value of: errors name paths, such as `sheet.0.points`.

        What was pasted is cleaned (`clean_fields`), except in exported files, whose texts stand as they were stored.

        Raises:
            InputError: a text is too long or holds forbidden characters, or a person is unknown.
        """
        clean = fields if self._is_export or inside else clean_fields(model, fields).values
        prefix = f"{inside}." if inside else ""
        return {
            name: await self._value(_annotation(model, name), value, prefix + name) for name, value in clean.items()
        }

    async def _value(self, annotation: Any, value: Any, path: str) -> Any:
        if value is None or annotation is None:
            return value
        if _is_text(annotation):
            return await self._text(value, path)
        if isinstance(value, str) and not self._is_export and {int, Decimal} & set(_parts(annotation)):
            return _number(value, path, whole=Decimal not in _parts(annotation))
        for inner in _parts(annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, Mapping):
                filled = await self.fill(inner, value, path)
                return await self._person(filled, path) if issubclass(inner, Person) else filled
            if get_origin(inner) is tuple and isinstance(value, (list, tuple)):
                return [await self._value(get_args(inner)[0], entry, f"{path}.{n}") for n, entry in enumerate(value)]
        return value

    async def _text(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not value.strip():
            raise InputError("text_expected", path, found=repr(value)[:80])
        if self._is_export and re.fullmatch(rf"{KNOWN_DIGEST}[0-9a-f]{{64}}", value):
            digest = value.removeprefix(KNOWN_DIGEST)
            self.given.add(digest)
            return digest
        if len(value) > limits.TEXT_CHARS:
            raise InputError("text_too_long", path, found=len(value), most=limits.TEXT_CHARS)
        try:
            return await self._texts.put(normalize_text(value.replace("\r\n", "\n").replace("\t", "    ")))
        except PydanticCustomError as error:
            raise unusable_text(error, path) from None

    async def _person(self, fields: dict[str, Any], path: str) -> dict[str, Any]:
        if (person := fields.get("id")) is None:
            return fields
        contact = await self._people.get(str(person))
        if contact is None:
            if self._is_export and fields.get("commitment"):
                self.given.add(str(fields["commitment"]))
                return fields
            raise InputError("unknown_person", path, person=person)
        if self._is_export and fields.get("commitment"):
            self.given.add(str(fields["commitment"]))
            return fields  # a former name's, or that of a name that another installation knows
        if fields.get("commitment") not in {None, contact.commitment}:
            raise InputError("other_commitment", path, person=person)
        return {**fields, "commitment": contact.commitment}


def _number(text: str, path: str, *, whole: bool) -> str:
    try:
        return read_number(text, whole=whole)
    except PydanticCustomError as error:
        raise InputError(error.type, path, **{"found": text.strip(), **(error.context or {})}) from None


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
    """Return the alternatives of an annotation, without their marks."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    members = _members(annotation)
    return tuple(part for member in members for part in _parts(member)) if members else (annotation,)


FieldKind = Literal["text", "line", "day", "moment", "number", "flag", "unit", "person"]
"""The content of a field without choices and parts; "text" is a free text, "line" one line, "moment" an instant."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form. `parts` are the fields inside it; `many` tells that it takes a list."""

    name: str
    required: bool
    choices: tuple[str, ...]
    parts: tuple[FormField, ...]
    many: bool
    closed: bool
    """Only the choices are allowed."""
    kind: FieldKind = "line"
    choice_type: Any = None
    """The enum or `Literal` that the choices are the values of: each has its own words."""
    default: str | int | Decimal | tuple[str | int, ...] | None = None
    """What holds where nothing is said, if that is a plain value or a list of some; None: nothing."""

    def as_one(self, name: str) -> FormField:
        """Return the field of one entry of a list."""
        return replace(self, name=name, required=True, many=False)

    def paths(self) -> list[str]:
        """Return the paths of the innermost parts, as options and files use them, such as `by.unit`."""
        return [f"{self.name}.{path}" for part in self.parts for path in part.paths()] or [self.name]


@lru_cache(maxsize=1_000)
def form_fields(model: type[BaseModel]) -> tuple[FormField, ...]:
    """Return the fields of a command, or of a part of it, without those that `FieldFiller` derives.

    Each row of a form asks for them, so they are found once.
    """
    return tuple(
        _form_field(name, field)
        for name, field in model.model_fields.items()
        if not any(isinstance(mark, IsDerived) for mark in field.metadata)
    )


def _form_field(name: str, field: FieldInfo) -> FormField:
    alternatives = _parts(field.annotation)
    lists = [part for part in alternatives if get_origin(part) is tuple]
    kinds = [inner for part in lists for inner in _parts(get_args(part)[0])] or list(alternatives)
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    # A recursive model, such as a criterion with children, is one field without parts.
    parts = _parts_of(models) if models and not _holds_itself(models[0]) else ()
    closed = all(kind is type(None) or get_origin(kind) is Literal or _is_enum(kind) for kind in kinds)
    kind = _kind([*field.metadata, *(mark for part in lists for mark in _marks(part))], field.annotation)
    choice_type = next((part for part in kinds if get_origin(part) is Literal or _is_enum(part)), None)
    default = field.default if isinstance(field.default, (str, int, Decimal, tuple)) and field.default != () else None
    return FormField(name, field.is_required(), _choices(kinds), parts, bool(lists), closed, kind, choice_type, default)


def _parts_of(models: list[type[BaseModel]]) -> tuple[FormField, ...]:
    """Return the fields of a model; of several models that a value can be, the fields of all.

    Of these none is required, and fields of the same name are one, with the choices of all.
    """
    if len(models) == 1:
        return form_fields(models[0])
    found: dict[str, FormField] = {}
    for part in (part for model in models for part in form_fields(model)):
        before = found.get(part.name, part)
        choices = tuple(dict.fromkeys((*before.choices, *part.choices)))
        found[part.name] = replace(before, required=False, choices=choices)
    return tuple(found.values())


_MARKED: tuple[tuple[type, FieldKind], ...] = ((IsText, "text"), (IsUnit, "unit"), (IsPerson, "person"))


def _kind(marks: list[Any], annotation: Any) -> FieldKind:
    marks = [*marks, *_marks(annotation)]
    plain = {part for part in _flat(annotation) if isinstance(part, type)}
    for mark, kind in _MARKED:
        if any(isinstance(one, mark) for one in marks):
            return kind
    if datetime in plain:
        return "moment"
    if plain & {date, When}:
        return "day"
    if bool in plain:
        return "flag"
    return "number" if plain & {int, Decimal} else "line"


def _marks(annotation: Any) -> tuple[Any, ...]:
    """Return the marks of an annotation and of its parts."""
    own = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return (*own, *(mark for part in _inside(annotation) for mark in _marks(part)))


def _flat(annotation: Any) -> tuple[Any, ...]:
    """Return the plain types in an annotation."""
    inside = _inside(annotation)
    return tuple(plain for part in inside for plain in _flat(part)) if inside else (annotation,)


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
    choices: list[str] = []
    for kind in kinds:
        if get_origin(kind) is Literal:
            choices.extend(str(value) for value in get_args(kind))
        elif _is_enum(kind):
            choices.extend(str(member.value) for member in kind)
    return tuple(choices)
