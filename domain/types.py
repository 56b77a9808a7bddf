"""Base types of the domain: commands, events and their metadata, dates with uncertainty, refusals, step deciders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from inspect import cleandoc
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, get_args, get_origin
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticOmit

from domain import limits
from domain.duties import Duty
from domain.keywords import Keywords, is_flag, is_text, register, tells_fields
from domain.msgids import CONTEXT_END, Plural
from domain.parties import Party, Readers, Section
from domain.problems import invalid
from errors import CodedError, Kind

ICT = timezone(timedelta(hours=7), "ICT")
"""Asia/Ho_Chi_Minh, as a fixed offset: Việt Nam has had no other since 1975, and a zone table is external input."""


# Text -------------------------------------------------------------------------------------


def normalize_text(text: str) -> str:
    """Return `text` in NFC without surrounding space.

    Raises:
        ValueError: it holds a control character or a bidirectional override, which could make a stored text look
            different from its content.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    normal = unicodedata.normalize("NFC", text).strip()
    for char in normal:
        if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} and char not in "\u200c\u200d":
            raise invalid("character", character=f"U+{ord(char):04X}")
    return normal


def _one_line(text: str) -> str:
    if "\n" in text:
        raise invalid("line_break")
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=limits.SLUG_CHARS)]
Label = Annotated[
    str,
    AfterValidator(normalize_text),
    AfterValidator(_one_line),
    StringConstraints(min_length=1, max_length=limits.LABEL_CHARS),
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


# JSON Schemas describe fields as they are typed, before an entry point fills them (`application.fields`).


class IsText:
    """Marks a field that holds a text's digest: an entry point stores the typed text and fills in the digest."""

    def __get_pydantic_json_schema__(self, _core_schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": limits.TEXT_CHARS}


class IsDerived:
    """Marks a field that an entry point computes from other fields: forms and JSON Schemas do not show it."""

    def __get_pydantic_json_schema__(self, _core_schema: Any, _handler: Any) -> dict[str, Any]:
        raise PydanticOmit


Text = Annotated[Digest, IsText()]
"""The salted digest of a free text, in hex. The text itself is stored in the vault, where it can be erased."""


def decimal_comma(value: object) -> object:
    """Turn a decimal comma, as written in Việt Nam, into a point: "9,5" becomes "9.5"; other values stay.

    Raises:
        ValueError: `decimal_comma`: the comma may separate thousands, or the text is no number.
    """
    if isinstance(value, str) and "," in value:
        if not re.fullmatch(r"-?\d+,\d+", value.strip()) or re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", value.strip()):
            raise invalid("decimal_comma")  # "1,000" can mean one or one thousand
        return value.strip().replace(",", ".")
    return value


def _typed_number(least: int, most: int) -> WithJsonSchema:
    number = {"type": "number", "minimum": least, "maximum": most}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": r"^\s*[+-]?\d+([.,]\d+)?\s*$"}]})


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


class IsLastInstant:
    """Marks a deadline: an instant at the end of its last day, and people say that day."""


UnitId = Annotated[Slug, IsUnit()]
PersonId = Annotated[Slug, IsPerson()]
LastInstant = Annotated[AwareDatetime, IsLastInstant()]


# Commands and events ------------------------------------------------------------------------------------


class FrozenModel(BaseModel):
    """Base of all models of the domain: frozen, unknown fields are errors, no default reads a clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


Sentence = str | Plural | Callable[[Any], tuple[str | Plural, Mapping[str, Any]]]
"""A msgid with the event's fields in braces, or a pure function of the event that returns the msgid and these fields.

`i18n` puts each field in words by its annotated type.
"""

OF_EARLIER_ACT = "(earlier act)"
"""In `Command.ABOUT`: the command changes an earlier act, and its decision checks whose act that is."""


class Command(FrozenModel):
    """A request by a person or by the clock, with everything that the program knows about it as class keywords.

    Rights, forms, minutes, the command line and the interfaces are derived from the keywords. A keyword that is missing
    is an error at import. The class's docstring begins with the summary.
    """

    NAME: ClassVar[str]
    """Stored, and the word on the command line and in files; it never changes."""
    LABEL: ClassVar[str]
    """What people call the act: a msgid in the context "act"."""
    SUMMARY: ClassVar[str]
    """What the act does, in one line: a msgid."""
    ALLOWED: ClassVar[frozenset[Party]]
    ABOUT: ClassVar[str | None]
    """The path of the field that names the unit whose own act it is, such as "by.unit"; None for acts of no unit."""
    CLOSED_BY: ClassVar[Duty | None]
    """After the hard close of this duty a unit may no longer issue the command. The secretariat still may."""
    BINDING: ClassVar[bool]
    """The command binds or publishes: an entry point asks for the password again before each submission."""
    AFTER_FILING: ClassVar[bool]
    """A filed cycle still accepts the command without being reopened."""
    IN_MINUTES: ClassVar[bool]
    """The minutes of a meeting can hold it, beside the presence, stance and signature of each unit."""
    NAMES_ANY_UNIT: ClassVar[bool]
    """The unit need not be known to the cycle: one that joins, or an outside body that writes."""
    KNOWN: ClassVar[dict[str, type[Command]]] = {}

    def __init_subclass__(  # noqa: PLR0913 - each keyword is one thing that the program knows of a command
        cls,
        *,
        name: str = "",
        label: str = "",
        summary: str = "",
        allowed: frozenset[Party] = frozenset(),
        about: str | None = None,
        closed_by: Duty | None = None,
        binding: bool = False,
        after_filing: bool = False,
        in_minutes: bool = False,
        names_any_unit: bool = False,
        **_unknown: object,
    ) -> None:
        """Declare the keywords' types. The defaults are never used: `__pydantic_init_subclass__` asks for each."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **record: Any) -> None:
        super().__pydantic_init_subclass__()
        given = Keywords(cls, record)
        cls.NAME = given.take("name", is_text)
        cls.LABEL = given.take("label", lambda label: is_text(label) and CONTEXT_END in label)
        cls.SUMMARY = given.take("summary", lambda text: is_text(text) and text.endswith(".") and "\n" not in text)
        cls.ALLOWED = given.take("allowed", _are_parties)
        cls.ABOUT = given.take("about", lambda path: path in {None, OF_EARLIER_ACT} or _names_unit(cls, path))
        cls.CLOSED_BY = given.take("closed_by", lambda duty: duty is None or isinstance(duty, Duty))
        cls.BINDING = given.take("binding", is_flag)
        cls.AFTER_FILING = given.take("after_filing", is_flag)
        cls.IN_MINUTES = given.take("in_minutes", is_flag)
        cls.NAMES_ANY_UNIT = given.take("names_any_unit", is_flag)
        given.finish()
        cls.__doc__ = "\n\n".join(filter(None, (cls.SUMMARY, cleandoc(cls.__doc__ or ""))))
        register(Command.KNOWN, cls.NAME, cls)


class Event(FrozenModel):
    """Something that happened, with everything that the program knows about it as class keywords.

    A keyword that is missing is an error at import, but for `readers`: without it no member reads the event before the
    results are published.
    """

    NAME: ClassVar[str]
    SCHEMA: ClassVar[int]
    """Name and schema are stored, so they never change."""
    SENTENCE: ClassVar[Sentence | None]
    """The event in the timeline; None for events of streams that have none, shown by their type and fields."""
    READERS: ClassVar[Readers]
    CORRECTABLE: ClassVar[bool]
    """A correction can take the event back. Otherwise a later command of the same kind puts a wrong one right."""
    IN_SUMMARY: ClassVar[Section | None]
    """The section of a state's summary that its facts are in; None: the summary does not show them."""
    KNOWN: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        schema: int = 1,
        sentence: Sentence | None = None,
        readers: Readers = Readers.NO_MEMBER,
        correctable: bool = False,
        in_summary: Section | None = None,
        **_unknown: object,
    ) -> None:
        """Declare the keywords' types. Only the default of `readers` is used."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **record: Any) -> None:
        super().__pydantic_init_subclass__()
        given = Keywords(cls, {"readers": Readers.NO_MEMBER, **record})
        cls.NAME = given.take("name", is_text)
        cls.SCHEMA = given.take("schema", lambda number: type(number) is int and number > 0)
        sentence = given.take("sentence", lambda text: text is None or callable(text) or tells_fields(cls, text))
        # A plain function would become a method of the event.
        cls.SENTENCE = staticmethod(sentence) if callable(sentence) else sentence
        cls.READERS = given.take("readers", lambda readers: isinstance(readers, Readers))
        cls.CORRECTABLE = given.take("correctable", is_flag)
        cls.IN_SUMMARY = given.take("in_summary", lambda section: section is None or isinstance(section, Section))
        given.finish()
        if cls.READERS is Readers.OWN_AND_CHECKER and "unit" not in cls.model_fields:
            raise TypeError(f"{cls.__qualname__}: readers={cls.READERS} needs a field `unit`")
        register(Event.KNOWN, cls.NAME, cls)


def _are_parties(value: object) -> bool:
    return isinstance(value, frozenset) and bool(value) and all(isinstance(one, Party) for one in value)


def _names_unit(model: type[BaseModel], path: object) -> bool:
    """Return whether `path` leads through the model's fields to a unit's id."""
    if not isinstance(path, str):
        return False
    name, _, rest = path.partition(".")
    field_ = model.model_fields.get(name)
    if field_ is None:
        return False
    if not rest:
        return any(isinstance(mark, IsUnit) for mark in (*field_.metadata, *_marks(field_.annotation)))
    inner = [part for part in (field_.annotation, *get_args(field_.annotation)) if isinstance(part, type)]
    return any(issubclass(part, BaseModel) and _names_unit(part, rest) for part in inner)


def _marks(annotation: Any) -> Iterator[Any]:
    """Yield the marks in an annotation, at any depth."""
    if get_origin(annotation) is Annotated:
        yield from get_args(annotation)[1:]
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _marks(part)


EARLIEST = datetime(1899, 12, 31, 17, tzinfo=UTC)
LATEST = datetime(2299, 12, 31, 17, tzinfo=UTC)
"""0:00 of 1 January 1900 and of 1 January 2300 in Việt Nam, in UTC, because comparing within one zone is faster.

Dates outside these bounds are typing errors.
"""


def _in_bounds(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise invalid("date_bounds", earliest=1900, latest=2299)
    return instant


def _parse_day(value: object) -> object:
    """Parse "20/07/2026", as written in Việt Nam, or "2026-07-20"; leave values that are no text to pydantic."""
    if isinstance(value, (int, float)):  # pydantic would take a number for seconds since 1970
        raise invalid("no_such_day")
    if not isinstance(value, str):
        return value
    # Only these two forms are parsed: pydantic would take "0" for a day of 1970.
    try:
        if written := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", value.strip()):
            day, month, year = map(int, written.groups())
            return date(year, month, day)
        return date.fromisoformat(value.strip())
    except ValueError:
        raise invalid("no_such_day") from None


def _day_in_bounds(day: date) -> date:
    _in_bounds(start_of(day))
    return day


Instant = Annotated[AwareDatetime, AfterValidator(_in_bounds)]
Day = Annotated[
    date,
    BeforeValidator(_parse_day),
    AfterValidator(_day_in_bounds),
    WithJsonSchema({"type": "string", "examples": ["20/07/2026", "2026-07-20"]}),
]


@dataclass(frozen=True, slots=True)
class When:
    """The range in which something happened: not before `earliest` and not after `latest`.

    Raises:
        ValueError: the range ends before it begins, or lies outside the bounds of dates.
    """

    earliest: AwareDatetime
    latest: AwareDatetime

    def __post_init__(self) -> None:
        if EARLIEST <= self.earliest <= self.latest <= LATEST:
            return
        if self.latest < self.earliest:
            raise invalid("range_backwards")
        _in_bounds(self.earliest)
        _in_bounds(self.latest)

    @classmethod
    def at(cls, instant: datetime) -> When:
        """Return the range of a known instant."""
        return cls(earliest=instant, latest=instant)

    @classmethod
    def on(cls, first: date, last: date | None = None) -> When:
        """Return the range from 0:00 of `first` to 24:00 of `last` (default: the same day), Vietnamese time."""
        return cls(earliest=start_of(first), latest=end_of(last or first))

    def before(self, other: When) -> bool:
        """Return whether this range ends before the other begins, so that the order is certain."""
        return self.latest < other.earliest

    @property
    def day(self) -> date:
        """The earliest possible day, in Vietnamese time."""
        return self.earliest.astimezone(ICT).date()


def start_of(day: date) -> datetime:
    """Return 0:00 of the day, Vietnamese time."""
    return datetime.combine(day, time(), ICT)


def end_of(day: date) -> datetime:
    """Return 24:00 of the day, Vietnamese time. An act at exactly this instant is still in time."""
    return start_of(day) + timedelta(days=1)


def day_ending(instant: datetime) -> date:
    """Return the day that ends at the instant, or that contains it: the inverse of `end_of`."""
    return (instant.astimezone(ICT) - timedelta(microseconds=1)).date()


Sureness = Literal["stated", "inferred", "rehearsed"]


class Provenance(FrozenModel):
    """Where a fact comes from: stated by a source, inferred from something, or rehearsed; `source` names it."""

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


class Document(FrozenModel):
    """A document. At least one field is known: title, number, date, issuer or text."""

    title: Label | None = None
    number: Label | None = None
    issued: Day | None = None
    issuer: Label | None = None
    text: Text | None = None

    @model_validator(mode="after")
    def _is_identified(self) -> Document:
        if not any((self.title, self.number, self.issued, self.issuer, self.text)):
            raise invalid("document_is_nothing")
        return self


# Metadata and outcomes -------------------------------------------------------------------

CLOCK = "clock"
"""The actor of commands that deadlines cause. Workflow, append and verify refuse signed commands of this actor."""

RESERVED = frozenset({CLOCK, "post", "installation"})
"""Ids that no person may have."""


class Meta(NamedTuple):
    """The metadata of an event: who acted, for which unit, when, and where the fact comes from.

    `version` counts the events of the stream from 1. `unit` is the unit that the actor acts for.
    """

    version: int
    actor: str
    unit: str
    happened: When
    provenance: Provenance
    command_id: UUID
    stand_in_for: str | None = None
    meeting: str | None = None
    effective: date | None = None
    act_key: str | None = None
    """The act's key in a recording file, by which a corrected file finds the event of the earlier version."""


E = TypeVar("E", bound=Event)
K = TypeVar("K")
V = TypeVar("V")


class EventEnvelope(NamedTuple, Generic[E]):
    """An event with its metadata, as `decide` returns it and `evolve` takes it."""

    event: E
    meta: Meta


class Refused(CodedError):  # noqa: N818 - an answer to the user, not a failure of the program
    """The command contradicts the state, the actor may not issue it, or it cannot be read (`UNREADABLE`)."""

    kind = Kind.REFUSED
    UNREADABLE: ClassVar[frozenset[str]] = frozenset(
        {"malformed_act", "malformed_command", "not_a_cycle_name", "too_many_commands", "unknown_act"}
    )
    """Codes of commands that no rule has checked: the input itself is invalid, so their kind is `Kind.INPUT`."""

    def __init__(self, code: str, /, **facts: Any) -> None:
        super().__init__(code, **facts)
        if code in self.UNREADABLE:
            self.kind = Kind.INPUT


class AlreadyRecorded(Exception):  # noqa: N818 - an answer to the user, not a failure of the program
    """The same command was recorded before, as the event with this version: its receipt is the answer."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


# Steps ------------------------------------------------------------------------------------


Slice = TypeVar("Slice")
Context_contra = TypeVar("Context_contra", contravariant=True)
Rules_contra = TypeVar("Rules_contra", contravariant=True)


@dataclass(frozen=True)
class StepDecider(Generic[Slice, Context_contra, Rules_contra]):
    """The decider of one step: the commands it decides, and how its slice of the state evolves from events.

    `Context_contra` is the step's protocol of what it reads of the whole state, its own slice included; `Rules_contra`
    is what it reads of a rules edition. `decides` maps a command type to `(command, meta, state, rules) -> events`;
    `evolves` maps an event type to `(slice, event, meta) -> slice`. A step may evolve from events of other steps, but
    only one step decides a command. A step with `slice_name` None keeps nothing: other steps react to its events.

    The key of both tables is the type of the function's argument. No type of Python says so, hence `Any` for it.
    """

    slice_name: str | None
    decides: Mapping[type[Command], Callable[[Any, Meta, Context_contra, Rules_contra], Iterable[Event]]]
    evolves: Mapping[type[Event], Callable[[Slice, Any, Meta], Slice]]


def with_entry(table: Mapping[K, V], key: K, value: V) -> dict[K, V]:
    """Return a copy of the table with one entry added or replaced: state is never changed in place."""
    return {**table, key: value}
