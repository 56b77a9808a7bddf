"""Commands and events with everything that the program knows about them, their metadata, refusals, step deciders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from inspect import cleandoc
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from domain.duties import Duty
from domain.keywords import Keywords, is_flag, is_text, register, tells_fields
from domain.msgids import CONTEXT_END, Plural
from domain.parties import Party, Readers, Section
from domain.times import When, start_of
from domain.types import FrozenModel, IsUnit, Provenance
from errors import CodedError, Kind

Sentence = str | Plural | Callable[[Any], tuple[str | Plural, Mapping[str, Any]]]
"""A msgid with the event's fields in braces, or a pure function of the event that returns the msgid and these fields.

`i18n` puts each field in words by its annotated type.
"""

Subjects = Callable[[Any], tuple[str, ...]]
"""A pure function of a command or an event that returns the subjects that it is about."""

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
    READS: ClassVar[Subjects | None]
    """What its actor must have read as it stands now (`Event.SUBJECTS`), where the command says what it is based on."""
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
        reads: Subjects | None = None,
        **_unknown: object,
    ) -> None:
        """Declare the keywords' types. Only the default of `reads` is used."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **record: Any) -> None:
        super().__pydantic_init_subclass__()
        given = Keywords(cls, {"reads": None, **record})
        cls.NAME = given.take("name", is_text)
        reads = given.take("reads", lambda subjects: subjects is None or callable(subjects))
        cls.READS = None if reads is None else staticmethod(reads)
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

    A keyword that is missing is an error at import, but for `sentence_if_decided` and `readers`: without `readers` no
    member reads the event before the results are published.
    """

    NAME: ClassVar[str]
    SCHEMA: ClassVar[int]
    """Name and schema are stored, so they never change."""
    SENTENCE: ClassVar[Sentence]
    """The event in the timeline."""
    SENTENCE_IF_DECIDED: ClassVar[str | None]
    """The sentence where another unit entered it, as a meeting had decided; None: the same sentence."""
    READERS: ClassVar[Readers]
    CORRECTABLE: ClassVar[bool]
    """A correction can take the event back. Otherwise a later command of the same kind puts a wrong one right."""
    IN_SUMMARY: ClassVar[Section | None]
    """The section of a state's summary that its facts are in; None: the summary does not show them."""
    SUBJECTS: ClassVar[Subjects | None]
    """What the event changes, such as "role/head": a command whose actor has read an earlier state of it is refused."""
    KNOWN: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        schema: int = 1,
        sentence: Sentence = "",
        sentence_if_decided: str | None = None,
        readers: Readers = Readers.NO_MEMBER,
        correctable: bool = False,
        in_summary: Section | None = None,
        subjects: Subjects | None = None,
        **_unknown: object,
    ) -> None:
        """Declare the keywords' types. Of the defaults only the last three are used."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **record: Any) -> None:
        super().__pydantic_init_subclass__()
        given = Keywords(cls, {"readers": Readers.NO_MEMBER, "sentence_if_decided": None, "subjects": None, **record})
        cls.NAME = given.take("name", is_text)
        cls.SCHEMA = given.take("schema", lambda number: type(number) is int and number > 0)
        sentence = given.take("sentence", lambda text: bool(text) and (callable(text) or tells_fields(cls, text)))
        # A plain function would become a method of the event.
        cls.SENTENCE = staticmethod(sentence) if callable(sentence) else sentence
        cls.SENTENCE_IF_DECIDED = given.take(
            "sentence_if_decided", lambda text: text is None or ("unit" in cls.model_fields and tells_fields(cls, text))
        )
        cls.READERS = given.take("readers", lambda readers: isinstance(readers, Readers))
        cls.CORRECTABLE = given.take("correctable", is_flag)
        cls.IN_SUMMARY = given.take("in_summary", lambda section: section is None or isinstance(section, Section))
        subjects = given.take("subjects", lambda subjects: subjects is None or callable(subjects))
        cls.SUBJECTS = None if subjects is None else staticmethod(subjects)
        given.finish()
        needed = {Readers.OWN_AND_CHECKER: {"unit"}, Readers.OF_EARLIER_EVENTS: {"of", "versions"}}.get(cls.READERS)
        if needed is not None and not needed & set(cls.model_fields):
            names = " or ".join(f"`{name}`" for name in sorted(needed))
            raise TypeError(f"{cls.__qualname__}: readers={cls.READERS} needs a field {names}")
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


# Metadata and outcomes -------------------------------------------------------------------

CLOCK = "clock"
"""The actor of commands that deadlines cause. Workflow, append and verify refuse signed commands of this actor."""

RESERVED = frozenset({CLOCK, "post", "installation"})
"""Actors of unsigned events. No signed command has one."""

OPERATOR = "operator"
"""The actor of commands of the machine's command line: an account of the operating system, and no person."""

NO_PERSONS = RESERVED | {OPERATOR}
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
    recorded: datetime | None = None
    """When the ledger stored it; None for an event that is not stored yet. Only the clock's memory depends on it."""


def effective_from(meta: Meta) -> datetime:
    """Return the instant from which an event is in force: its effective day, otherwise its earliest date."""
    return meta.happened.earliest if meta.effective is None else start_of(meta.effective)


E = TypeVar("E", bound=Event)


class EventEnvelope(NamedTuple, Generic[E]):
    """An event with its metadata, as `decide` returns it and `evolve` takes it."""

    event: E
    meta: Meta


class LastChange(NamedTuple):
    """Who changed a subject last, and by which event."""

    version: int
    actor: str
    unit: str


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
    The return type of a decision names the events that it yields. `title` heads the step's commands in documents: a
    msgid; None for a step that decides none.
    """

    slice_name: str | None
    decides: Mapping[type[Command], Callable[[Any, Meta, Context_contra, Rules_contra], Iterable[Event]]]
    evolves: Mapping[type[Event], Callable[[Slice, Any, Meta], Slice]]
    title: str | None = None
