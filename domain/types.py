"""What every room shares: facts, time as people state it, who says a thing, refusals, and the word "room" itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar
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

from domain import limits
from domain.problems import wrong
from errors import CodedError, Kind

ICT = timezone(timedelta(hours=7), "ICT")
"""Asia/Ho_Chi_Minh. A fixed offset, because Việt Nam has had no other since 1975 and a table of zones is input."""


# Words ------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """Return `text` in NFC without surrounding space.

    Raises:
        ValueError: it holds a control or a bidirectional override character, which could make a
            record look different from what it says.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    normal = unicodedata.normalize("NFC", text).strip()
    for char in normal:
        if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} and char not in "\u200c\u200d":
            raise wrong("character", character=f"U+{ord(char):04X}")
    return normal


def _one_line(text: str) -> str:
    if "\n" in text:
        raise wrong("line_break")
    return text


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=limits.SLUG_CHARS)]
Label = Annotated[
    str,
    AfterValidator(clean),
    AfterValidator(_one_line),
    StringConstraints(min_length=1, max_length=limits.LABEL_CHARS),
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class IsText:
    """Marks a field that holds a text's digest, so that an entry point knows which input to store as a text."""


class IsWorkedOut:
    """Marks a field that an entry point works out from others: nobody is asked for it."""


Text = Annotated[Digest, IsText()]
"""A free text, by its salted digest; the text itself lies beside the ledger and can be erased."""


def decimal_comma(value: object) -> object:
    """9,5 for 9.5, as everybody in Việt Nam writes it."""
    if isinstance(value, str) and "," in value:
        if not re.fullmatch(r"-?\d+,\d+", value.strip()) or re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", value.strip()):
            raise wrong("decimal_comma")  # 1,000 is a thousand to some readers
        return value.strip().replace(",", ".")
    return value


# The bounds stand next to the type: pydantic checks them in its own core there, and in Python behind a validator.
Points = Annotated[
    Decimal,
    Field(ge=-limits.POINTS_MAX, le=limits.POINTS_MAX, decimal_places=limits.POINTS_DECIMALS, allow_inf_nan=False),
    BeforeValidator(decimal_comma),
]

Unknown = Literal["unknown"]
"""Nobody wrote it down; not the same as nothing, and not the same as vacant."""


class IsUnit:
    """Marks a field that holds a unit's id."""


class IsPerson:
    """Marks a field that holds a person's id."""


UnitId = Annotated[Slug, IsUnit()]
PersonId = Annotated[Slug, IsPerson()]


# Facts ------------------------------------------------------------------------------------


class Fact(BaseModel):
    """Frozen and exact, without defaults that could smuggle in a clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Command(Fact):
    """What somebody says: a command. `NAME` is its word on the command line and in files."""

    NAME: ClassVar[str] = ""
    KNOWN: ClassVar[dict[str, type[Command]]] = {}

    def __init_subclass__(cls, *, name: str = "", **config: Any) -> None:
        super().__init_subclass__(**config)
        if name:
            _register(Command.KNOWN, name, cls)
            cls.NAME = name


class Event(Fact):
    """What happened. `NAME` and `SCHEMA` are stored and therefore for ever."""

    NAME: ClassVar[str] = ""
    SCHEMA: ClassVar[int] = 1
    KNOWN: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(cls, *, name: str = "", schema: int = 1, **config: Any) -> None:
        super().__init_subclass__(**config)
        if name:
            _register(Event.KNOWN, name, cls)
            cls.NAME, cls.SCHEMA = name, schema


def _register(known: dict[str, Any], name: str, cls: type) -> None:
    # pydantic builds a class twice when it is a dataclass with slots; two different classes are a mistake.
    if name in known and known[name].__qualname__ != cls.__qualname__:
        raise TypeError(f"{name} is taken by {known[name]}")
    known[name] = cls


EARLIEST = datetime(1899, 12, 31, 17, tzinfo=UTC)
LATEST = datetime(2299, 12, 31, 17, tzinfo=UTC)
"""0:00 of the first day of 1900 and of 2300 in Việt Nam, in UTC, because comparing within one zone is faster.

No register tells of anything outside: beyond them lie slips of the keyboard, and the end of the calendar.
"""


def _in_bounds(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise wrong("date_bounds", earliest=1900, latest=2299)
    return instant


def _as_written_here(value: object) -> object:
    """20/07/2026, as everybody in Việt Nam writes it, for 2026-07-20."""
    if isinstance(value, (int, float)):  # seconds since 1970 are nobody's way to write a day
        raise wrong("no_such_day")
    if not isinstance(value, str):
        return value
    # Nothing but these two forms: pydantic would take "0" for a day of 1970.
    try:
        if written := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", value.strip()):
            day, month, year = map(int, written.groups())
            return date(year, month, day)
        return date.fromisoformat(value.strip())
    except ValueError:
        raise wrong("no_such_day") from None


def _day_in_bounds(day: date) -> date:
    _in_bounds(start_of(day))
    return day


Instant = Annotated[AwareDatetime, AfterValidator(_in_bounds)]
Day = Annotated[
    date,
    BeforeValidator(_as_written_here),
    AfterValidator(_day_in_bounds),
    WithJsonSchema({"type": "string", "examples": ["20/07/2026", "2026-07-20"]}),
]


@dataclass(frozen=True, slots=True)
class When:
    """When something happened: certainly not before `earliest`, certainly not after `latest`.

    Raises:
        ValueError: the range ends before it begins.
    """

    earliest: AwareDatetime
    latest: AwareDatetime

    def __post_init__(self) -> None:
        if EARLIEST <= self.earliest <= self.latest <= LATEST:
            return
        if self.latest < self.earliest:
            raise wrong("range_backwards")
        _in_bounds(self.earliest)
        _in_bounds(self.latest)

    @classmethod
    def at(cls, instant: datetime) -> When:
        """A known instant."""
        return cls(earliest=instant, latest=instant)

    @classmethod
    def on(cls, first: date, last: date | None = None) -> When:
        """A day, or some day of a range: from 0:00 of the first to 24:00 of the last, Vietnamese time."""
        return cls(earliest=start_of(first), latest=end_of(last or first))

    def before(self, other: When) -> bool:
        """True when no reading of the two ranges puts this one after the other."""
        return self.latest < other.earliest

    @property
    def day(self) -> date:
        """The earliest day it can have been, in Vietnam."""
        return self.earliest.astimezone(ICT).date()


def start_of(day: date) -> datetime:
    """0:00 of the day, Vietnamese time."""
    return datetime.combine(day, time(), ICT)


def end_of(day: date) -> datetime:
    """24:00 of the day, Vietnamese time: an act at this very instant is still in time."""
    return start_of(day) + timedelta(days=1)


def day_ending(instant: datetime) -> date:
    """The day that is over, or going on, at the instant; the inverse of `end_of`."""
    return (instant.astimezone(ICT) - timedelta(microseconds=1)).date()


Sureness = Literal["stated", "inferred", "rehearsed"]


class Provenance(Fact):
    """How sure a fact is: stated (by which source), inferred (from what), or rehearsed."""

    kind: Sureness
    source: Annotated[str, AfterValidator(clean)] = Field(default="", max_length=limits.LABEL_CHARS)


class Person(Fact):
    """A person by id. The name lies beside the ledger; the commitment keeps it from being changed unseen.

    `commitment` is sha256 over a salt and the name; None where only the office is known.
    """

    id: PersonId | None = None
    office: Label | None = None
    commitment: Annotated[Digest | None, IsWorkedOut()] = None

    @model_validator(mode="after")
    def _somebody(self) -> Person:
        if self.id is None and self.office is None:
            raise wrong("person_is_nobody")
        return self


class Document(Fact):
    """A document, known by as little as its title, its number, its date or who issued it."""

    title: Label | None = None
    number: Label | None = None
    issued: Day | None = None
    issuer: Label | None = None
    text: Text | None = None

    @model_validator(mode="after")
    def _something(self) -> Document:
        if not any((self.title, self.number, self.issued, self.issuer, self.text)):
            raise wrong("document_is_nothing")
        return self


# Saying -----------------------------------------------------------------------------------

CLOCK = "clock"
"""The actor of deadlines. No signed command carries it: check, append and verify refuse one that does."""

RESERVED = frozenset({CLOCK, "post", "installation"})
"""Ids that no person can have."""


class Meta(NamedTuple):
    """Who says a thing, for which unit, when it happened, how sure it is: all of an event but its content.

    `version` is the event's place in its stream. `unit` is the body spoken for.
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
    """The place of the act in a recording file: a file that was corrected finds there what it told before."""


E = TypeVar("E", bound=Event)


class EventEnvelope(NamedTuple, Generic[E]):
    """An event with its circumstances: what a fold takes in and a decision gives out."""

    event: E
    meta: Meta


class Refused(CodedError):  # noqa: N818 - a refusal is an answer to a person, not an error of ours
    """A command that no rule allows as things stand, or that cannot be read (`UNREADABLE`)."""

    kind = Kind.REFUSED
    UNREADABLE: ClassVar[frozenset[str]] = frozenset(
        {"malformed_act", "malformed_command", "not_a_cycle_name", "too_many_commands", "unknown_act"}
    )
    """Codes of commands that no rule has looked at: what was sent is wrong, so their kind is `Kind.INPUT`."""

    def __init__(self, code: str, /, **facts: Any) -> None:
        super().__init__(code, **facts)
        if code in self.UNREADABLE:
            self.kind = Kind.INPUT


class AlreadySaid(Exception):  # noqa: N818 - an answer, too
    """The same act for the same unit stands in the register already: its receipt is the answer."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


# Rooms ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepDecider:
    """One part of a law: what it owns in the state, and what it answers to.

    `decides` maps a command to `(act, meta, state, rules) -> events`; `evolves` maps an event to
    `(slice, event, meta) -> slice`. A room may evolve from another room's events; only one room decides
    a command.
    """

    slice_name: str
    empty: object
    decides: Mapping[type[Command], Callable[..., Iterable[Event]]]
    evolves: Mapping[type[Event], Callable[[Any, Any, Meta], Any]]
    acts: tuple[type[Command], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "acts", tuple(self.decides))


def put(table: Mapping[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    """The table with one more entry; tables of the state are never changed in place."""
    return {**table, key: value}
