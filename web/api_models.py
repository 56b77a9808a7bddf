"""What the JSON interface takes and answers, as its description (`/api/v1/openapi.json`) tells it.

An answer is built from values that the application gives. A key that its model does not know is an error: the
description has all of them.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PositiveInt,
    TypeAdapter,
    WithJsonSchema,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from application.met_deadlines import MetDeadline
from audit.report import Problem
from domain.cycle import ENTERED_BY_PERSONS
from domain.records import Command
from domain.times import Day
from i18n.timeline import EventText

IsoInstant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
IsoDate = Annotated[
    str, WithJsonSchema({"type": "string", "examples": ["2026-07-20", "2026-07", "2026", "2026-07-20/2026-07-25"]})
]
"""A date as exactly as it is known: a day, a month, a year, or the first and the last of a range."""


class Error(BaseModel):
    """What went wrong: a code for programs, a sentence for people, and where, if that is known."""

    code: str
    text: str
    place: str | None = None


ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Error, "description": "no token, or one that is void"},
    403: {"model": Error, "description": "not this person's to read or to say"},
    404: {"model": Error, "description": "there is none"},
    405: {"model": Error, "description": "this address is not asked in this way"},
    409: {"model": Error, "description": "a rule forbids it"},
    413: {"model": Error, "description": "what was sent is too large"},
    422: {"model": Error, "description": "what was sent cannot be used"},
    429: {"model": Error, "description": "too much for now: the header Retry-After says when to try again"},
    500: {"model": Error, "description": "a mistake of the program, or what is stored is damaged: tell the operator"},
    503: {
        "model": Error,
        "description": "no answer yet, or a part of the system is away: send the same command id again",
    },
}


ROWS_OF_API = 100
"""Rows of a list on a page, when none are named."""

MOST_ROWS = 1_000

PAGED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "X-Total-Count": {"description": "the count of all rows", "schema": {"type": "integer"}},
            "Link": {
                "description": 'the next page: `<address>; rel="next"`; left out on the last page',
                "schema": {"type": "string"},
            },
        }
    }
}
"""What an answer says of a list that comes in pages."""


# Acts -------------------------------------------------------------------------------------


class ActCircumstances(BaseModel):
    """What an act to be entered says beside its fields. The same `command_id` again does nothing twice."""

    model_config = ConfigDict(extra="forbid")

    command_id: UUID | None = None
    on: Day | None = None
    until: Day | None = None
    source: Annotated[str, Field(max_length=300)] | None = None
    meeting: Annotated[str, Field(max_length=60)] | None = None
    based_on: PositiveInt | None = None
    """The version of the cycle that was read: what came since about the same matter refuses the act."""


def _request_for(act: type[Command]) -> type[ActCircumstances]:
    """Return the model of a request with this act; `fields` can be left out where none is required."""
    required = any(field.is_required() for field in act.model_fields.values())
    fields: Any = {"act": (Literal[act.NAME], ...), "fields": (act, ... if required else {})}
    model: type[ActCircumstances] = create_model(f"{act.__name__}Request", __base__=ActCircumstances, **fields)
    model.__doc__ = act.SUMMARY
    return model


@cache
def _any_request() -> CoreSchema:
    """Return the schema of one request for each act. It is needed only when the description is asked for."""
    one_of: Any = reduce(or_, map(_request_for, ENTERED_BY_PERSONS))
    return TypeAdapter[Any](Annotated[one_of, Field(discriminator="act")]).core_schema


class ActRequest(ActCircumstances):
    """An act to be entered.

    It is described as one of the acts, each with its fields as they are typed. It is read in two stages: who may enter
    the act is asked before its fields are looked at, and what is wrong with a field is told as on pages.
    """

    act: Annotated[str, Field(max_length=60)]
    fields: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def __get_pydantic_json_schema__(cls, _core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(_any_request())


class VerificationRequest(BaseModel):
    """Checkpoints that were kept elsewhere, as text, and the key that signed them."""

    checkpoint: str = ""
    key: str = ""


# Answers ----------------------------------------------------------------------------------


class Answer(BaseModel):
    """Base of the answers that are built from plain values."""

    model_config = ConfigDict(extra="forbid")


class TokenHolder(Answer):
    """Whose token it is."""

    person: str
    unit: str
    kind: str
    administrator: bool


class OpenTask(Answer):
    """A task of the holder's unit. `way` and `more_time` are the pages on which it is done and more time is asked for.

    `subject` is the unit that the task is about, `waits_for` the units that must act first, `answered` the other
    members that owed it, too, and have done theirs: names. `awaited` is the duty that the task waits for, `closed` that
    the unit can no longer do it by itself: then there is no `way`. `owed_by` counts the units that still owe the same
    duty. `asked`: the unit has asked for more time, until `asked_until`; the reasons are those of the request, of the
    extension and of the refusal.
    """

    cycle: str
    cluster: str
    year: int
    duty: str
    subject: str
    subject_id: str
    due: datetime | None
    now: datetime
    extended: bool
    waits_for: list[str]
    awaited: str
    closed: bool
    answered: list[str]
    owed_by: int
    asked: bool
    asked_until: date | None
    asked_why: str
    extended_why: str
    refused_why: str
    article: str | None
    rehearsed: bool
    way: str | None
    more_time: str | None
    overdue: bool


class CycleLine(Answer):
    """A cycle of the holder's unit. `filed` is when it was filed."""

    cycle: str
    cluster: str
    year: int
    step: str
    rehearsed: bool
    filed: IsoInstant | None


class RegisteredDeviation(Answer):
    """A deviation in the register over all cycles. `what` and `state` are words; `article` and `on` may be empty.

    `reason` is why it was acknowledged; it is empty where it was not.
    """

    cycle: str
    cluster: str
    year: int
    key: str
    what: str
    article: str
    on: str
    unit: str
    state: str
    reason: str
    rehearsed: bool


class StepValues(Answer):
    """A step of the year: the date it was done, or the units that it waits for, and how many more without a name.

    `told` is None in a year that goes on; in one that is entered afterwards, whether a source tells of the step.
    """

    step: str
    done: IsoDate | None
    waiting_for: list[str]
    told: bool | None
    unnamed: int | str


class ObligationValues(Answer):
    """An obligation: `due` is the instant after which it is late, `done` the date it was done."""

    duty: str
    bearer: str
    subject: str | None
    due: IsoInstant | None
    done: IsoDate | None
    waits_for: list[str]


class CycleObligation(ObligationValues):
    """An obligation as it stands now. `article` is that of the rules."""

    article: str | None
    overdue: bool


class DeviationValues(Answer):
    """A deviation from the rules; `article` is null for a remark. `settled`: a later act put it right."""

    key: str
    code: str
    article: str | None
    on: IsoDate | None
    facts: dict[str, Any]
    settled: bool
    acknowledged: bool


class DetailInWords(Answer):
    """A field that was entered, as people read it: its label, and its value in one or more lines."""

    label: str
    text: str


class EventInWords(Answer):
    """An event as people read it: its sentence, and everything that was entered and the sentence does not tell."""

    type: str
    text: str
    details: list[DetailInWords]

    @classmethod
    def of(cls, type_: str, told: EventText | None, text: str = "") -> EventInWords:
        """The words of an event; `text` in their place where they are closed to the reader."""
        if told is None:
            return cls(type=type_, text=text, details=[])
        return cls(type=type_, text=told.sentence, details=[DetailInWords(**one) for one in told.values()])


class RecordedActInWords(EventInWords):
    """An event of an act that no correction took back. `version` is its number in the cycle."""

    version: int
    sureness: str


class CycleState(Answer):
    """A cycle as far as the holder may see it. `state` is the domain's; `texts` are those that it names, by digest.

    `acts` are those that stand, in order, with everything that was entered, in words.
    """

    cycle: str
    version: int
    state: dict[str, Any]
    texts: dict[str, str]
    steps: list[StepValues]
    obligations: list[CycleObligation]
    deviations: list[DeviationValues]
    acts: list[RecordedActInWords]


class TimelineEvent(Answer):
    """An event of a cycle, or of the register itself.

    `on` is the date on which it happened, as people write it: a day, a month, a year or two.
    """

    version: int
    position: int
    type: str
    text: str
    details: list[DetailInWords]
    on: str
    recorded: datetime
    actor: str
    unit: str
    stand_in_for: str | None
    sureness: str
    source: str
    meeting: str | None
    corrected_by: int | None
    digest: str
    command: str
    room: str
    who: str


class PossibleEvent(Answer):
    """An event that may have happened by the moment, or after it."""

    version: int
    type: str


class SureStep(StepValues):
    """A step, and how sure its day is."""

    sureness: str | None


class SureObligation(ObligationValues):
    """An obligation, and how sure the day is on which it was done."""

    late: bool
    extended: bool
    sureness: str | None


class SureDeviation(DeviationValues):
    """A deviation, and how sure its day is."""

    sureness: str | None


class MomentState(Answer):
    """The state of a cycle at a moment, with its digest; `lines` are what stood then, in words."""

    stream: str
    events: int
    version: int
    state_digest: str
    state: dict[str, Any]
    texts: dict[str, str]
    possible: list[PossibleEvent]
    steps: list[SureStep]
    deviations: list[SureDeviation]
    obligations: list[SureObligation]
    lines: list[str]


class ActReceipt(BaseModel):
    """What was recorded, in words. `known`: it had been recorded before, by this command or by a colleague.

    `notes` say what was changed in the texts before they were signed, such as invisible characters taken out.
    """

    command_id: UUID
    versions: list[int]
    known: bool
    notes: list[str]
    events: list[EventInWords]


class TriedAct(BaseModel):
    """What would be recorded, the deadlines of the duties it would do now, and what is changed in the texts first."""

    events: list[EventInWords]
    deadlines: list[MetDeadline]
    notes: list[str]


class Started(BaseModel):
    """A verification under way."""

    id: str


class ProblemBeside(Answer):
    """What lies beside the ledger and does not fit it."""

    code: str
    detail: str


class UntrustedCommands(BaseModel):
    """How many commands a compromised key signed after the position up to which it is trusted, and the first one."""

    key: str
    kind: str
    trusted_until: int
    position: int
    stream: str
    command_id: str
    commands: int


class Verified(BaseModel):
    """The progress of a verification, and its result. `proven`: so many events a checkpoint covers that was given.

    `undecided`: by law, the events decided by a law that this version does not carry; their decisions were not checked.
    A problem at `first_decided_otherwise_position` breaks nothing: by the same law, something else was decided.
    """

    state: Literal["running", "done", "failed"]
    seen: int
    events: int
    ok: bool | None = None
    problems: list[Problem | ProblemBeside] = Field(default_factory=list)
    untrusted: list[UntrustedCommands] = Field(default_factory=list)
    first_broken_position: int | None = None
    first_decided_otherwise_position: int | None = None
    undecided: dict[int, int] = Field(default_factory=dict)
    root: str | None = None
    proven: int = 0
