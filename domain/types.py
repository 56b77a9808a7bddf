"""Base types of the domain: texts and ids, the base of all models, provenance, persons, documents."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticOmit

from domain import limits
from domain.dates import as_iso, as_written, parse_when, written_ends
from domain.file_references import references_in, without_references
from domain.numbers import JSON_PATTERN, is_canonical, read_number
from domain.problems import invalid
from domain.times import When

# Text -------------------------------------------------------------------------------------


def normalize_text(text: str) -> str:
    """Return `text` in NFC without surrounding space.

    Raises:
        ValueError: it holds a control character or a bidirectional override, which could make a stored text look
            different from its content; or more combining marks on one letter than any language has.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    require_few_marks(text)
    normal = unicodedata.normalize("NFC", text).strip()
    for char in normal:
        if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} and char not in "\u200c\u200d":
            raise invalid("character", character=f"U+{ord(char):04X}")
    return normal


def require_few_marks(text: str) -> None:
    """Refuse a letter with so many marks that putting them in order, which takes the square of their number, is slow.

    The bound is that of Unicode's stream-safe text format (UAX 15, section 13).
    """
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > MARKS_ON_A_LETTER:
            raise invalid("marks", most=MARKS_ON_A_LETTER)


MARKS_ON_A_LETTER = 30


def _one_line(text: str) -> str:
    if "\n" in text:
        raise invalid("line_break")
    return text


def _of_label_length(text: str) -> str:
    # `StringConstraints` after a validator are told as those of a list: "at least 1 entry".
    if not text:
        raise invalid("string_too_short", min_length=1)
    if len(text) > limits.LABEL_CHARS:
        raise invalid("string_too_long", max_length=limits.LABEL_CHARS)
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=limits.SLUG_CHARS)]
Label = Annotated[
    str,
    AfterValidator(normalize_text),
    AfterValidator(_one_line),
    AfterValidator(_of_label_length),
    StringConstraints(min_length=1, max_length=limits.LABEL_CHARS),
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _of_title_length(text: str) -> str:
    """The words of a title count as those of a label; the files that are named behind them have their own bound."""
    words = " ".join(without_references(text).split())
    files = references_in(text)
    if words or not files:
        _of_label_length(words)
    if len(files) > limits.FILES_PER_TITLE or len(text) > _TITLE_CHARS:
        raise invalid("string_too_long", max_length=_TITLE_CHARS)
    return text


_TITLE_CHARS = limits.LABEL_CHARS + limits.FILES_PER_TITLE * limits.FILE_REFERENCE_CHARS
DocumentTitle = Annotated[
    str,
    AfterValidator(normalize_text),
    AfterValidator(_one_line),
    AfterValidator(_of_title_length),
    StringConstraints(min_length=1, max_length=_TITLE_CHARS),
]
"""What a document is called, and references to the files that it consists of (`domain.file_references`)."""


# JSON Schemas describe fields as they are typed, before an entry point fills them (`application.fields`).


class IsText:
    """Marks a field that holds a text's digest: an entry point stores the typed text and fills in the digest."""

    def __get_pydantic_json_schema__(self, _core_schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": limits.TEXT_CHARS}


class IsDerived:
    """Marks a field that an entry point computes from other fields: forms and JSON Schemas do not show it."""

    def __get_pydantic_json_schema__(self, _core_schema: Any, _handler: Any) -> dict[str, Any]:
        raise PydanticOmit


class IsEdition:
    """Marks a field that holds the digest of a rules edition."""


EditionDigest = Annotated[Digest, IsEdition()]


def changed_key(before: str, after: str) -> str:
    """Return the key under which the words stand for an edition and what it changes of the one before."""
    return f"{before}>{after}"


Text = Annotated[Digest, IsText()]
"""The salted digest of a free text, in hex. The text itself is stored in the vault, where it can be erased."""


TYPED = {"typed": True}
"""The validation context of what a person has written: there "1.250" is asked about. Stored numbers are as they are."""


def decimal_comma(value: object, info: ValidationInfo) -> object:
    """Read a number as it is written in Việt Nam (`read_number`); a stored one and other values stay.

    Raises:
        PydanticCustomError: as `read_number`, and `decimal_parsing` for other characters than those of a number.
    """
    if not isinstance(value, str) or (is_canonical(value) and not (info.context or {}).get("typed")):
        return value
    number = read_number(value)
    if not number.isascii() or "_" in number:  # `Decimal` would take the digits of other scripts, and 1_000
        raise invalid("decimal_parsing")
    return number


def _whole(value: object) -> object:
    return read_number(value, whole=True) if isinstance(value, str) else value


class IsWhole(BeforeValidator):
    """The type of `Whole`: such a number is written in groups of three digits, unlike a year."""


Whole = IsWhole(_whole)
"""Marks a whole number outside the fields of acts, which people type as they do others: 1.250 people."""


def _typed_number(least: int, most: int) -> WithJsonSchema:
    number = {"type": "number", "minimum": least, "maximum": most}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": JSON_PATTERN}]})


# The bounds come before the validator: there pydantic checks them in its compiled core, behind it in Python.
Points = Annotated[
    Decimal,
    Field(ge=-limits.POINTS_MAX, le=limits.POINTS_MAX, decimal_places=limits.POINTS_DECIMALS, allow_inf_nan=False),
    BeforeValidator(decimal_comma),
    _typed_number(-limits.POINTS_MAX, limits.POINTS_MAX),
]

Amount = Annotated[
    Decimal,
    Field(ge=0, le=limits.AMOUNT_MAX, decimal_places=limits.AMOUNT_DECIMALS, allow_inf_nan=False),
    BeforeValidator(decimal_comma),
    _typed_number(0, limits.AMOUNT_MAX),
]
"""A measured quantity: an actual result, a target, a share in percent."""

Exactness = Literal["exact", "more-than", "estimated", "nearly", "at-least", "about", "less-than"]
"""How exact a number is, in the words of the source."""

Unknown = Literal["unknown"]
"""The sources do not tell. Different from "none" and from "vacant"."""


class IsUnit:
    """Marks a field that holds a unit's id."""


class IsPerson:
    """Marks a field that holds a person's id."""


class IsPlace:
    """Marks a field that names a place; without a value the place is not named."""


class IsVoteSubject:
    """Marks a field that holds the subject of a vote: a role, an award's id or another word."""


class IsAward:
    """Marks a field that holds the id of an award; it is shown by its title (`domain.titles`)."""


AwardId = Annotated[Slug, IsAward()]


class IsRound:
    """Marks a field that holds a round of scoring: an id, or words of a source. It is shown by its title."""


class IsLetter:
    """Marks a field that holds the id of a letter; it is shown by what is written on the letter."""


class IsDeviationKey:
    """Marks a field that holds the key of a deviation; it is shown by what the deviation is called."""


@dataclass(frozen=True, slots=True)
class IsKey:
    """Marks a field that holds the key of a thing of a kind, such as a criterion; it is shown by its title."""

    of: Literal["cluster", "condition", "criterion", "cycle", "target"]


class IsLastInstant:
    """Marks a deadline: an instant at the end of its last day, and people say that day."""


UnitId = Annotated[Slug, IsUnit()]
PersonId = Annotated[Slug, IsPerson()]
LastInstant = Annotated[AwareDatetime, IsLastInstant()]


class FrozenModel(BaseModel):
    """Base of all models of the domain: frozen, unknown fields are errors, no default reads a clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


def added_later(default: Any = None) -> Any:
    """Return a model's field that was added when events or commands without it were already stored.

    With its default it is not written, so that those are written as the same bytes as before.
    """
    return Field(default=default, exclude_if=lambda value: value == default)


Sureness = Literal["stated", "inferred", "rehearsed", "unsourced"]


class Provenance(FrozenModel):
    """Where a fact comes from: stated by a source, inferred from something, or rehearsed; `source` names it.

    Acts that persons issue themselves are stated without a source. "unsourced" are facts of a past year for which the
    one who enters them names no source.
    """

    kind: Sureness
    source: Annotated[str, AfterValidator(normalize_text)] = Field(default="", max_length=limits.LABEL_CHARS)


class Person(FrozenModel):
    """A person by id, or by office where the person is unknown. The name is stored in the vault.

    `commitment` is sha256 over a salt and the name, so that a changed name is noticed; None where only the office is
    known.
    """

    id: PersonId | None = None
    office: Label | None = None
    commitment: Annotated[Digest | None, IsDerived()] = None

    @model_validator(mode="after")
    def _is_identified(self) -> Person:
        if self.id is None and self.office is None:
            raise invalid("person_is_nobody")
        return self


class Participant(FrozenModel):
    """A unit, a person, or a group in words: exactly one of the three."""

    unit: UnitId | None = None
    person: Person | None = None
    group: Label | None = None

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Participant:
        if sum(part is not None for part in (self.unit, self.person, self.group)) != 1:
            raise invalid("voice_is_one")
        return self


Participants = Annotated[tuple[Participant, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


def _issue_date(value: object) -> When:
    when = parse_when(value)
    if written_ends(when) is None or " - " in as_written(when):
        raise invalid("no_such_issue_date")
    return when


IssueDate = Annotated[
    When,
    BeforeValidator(_issue_date),
    PlainSerializer(as_iso, return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["20/07/2026", "07/2026", "2026"]}),
]
"""The date of a document, by day, month or year; a day is stored as 2026-07-20, as before months were possible."""


class Document(FrozenModel):
    """A document. At least one field is known: title, number, date, issuer or text."""

    title: DocumentTitle | None = None
    number: Label | None = None
    issued: IssueDate | None = None
    issuer: Label | None = None
    text: Text | None = None

    @model_validator(mode="after")
    def _is_identified(self) -> Document:
        if not any((self.title, self.number, self.issued, self.issuer, self.text)):
            raise invalid("document_is_nothing")
        return self


K = TypeVar("K")
V = TypeVar("V")


def with_entry(table: Mapping[K, V], key: K, value: V) -> dict[K, V]:
    """Return a copy of the table with one entry added or replaced: state is never changed in place."""
    return {**table, key: value}
