"""Targets and results: what units register for, what the covenant contains as countable items, what came of it.

A covenant can be countable without its text: "nine contents, 47 indicators". Where a source counts otherwise than it
lists, both stand. A result is a quantity with its measure, and says how exact it is and up to which day it counts.
Registration is no legal basis of an award any more (Emulation Law 06/2022, article 7); many regulations ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeInt

from domain import limits
from domain.problems import repeated
from domain.rules import Edition
from domain.steps.drafting import CovenantKind
from domain.steps.letters import SampledPlace, SampledPlaces
from domain.steps.membership import require_member
from domain.steps.scoring_methods import Amount
from domain.steps.succession import UnitsSucceeded
from domain.types import (
    AlreadySaid,
    Command,
    Day,
    Document,
    Event,
    Fact,
    Label,
    Meta,
    Refused,
    Slug,
    StepDecider,
    Text,
    UnitId,
    Unknown,
    When,
    put,
    start_of,
)

if TYPE_CHECKING:
    from domain.cycle import State

Exactness = Literal["exact", "more-than", "estimated"]


class Target(Fact):
    """Something to reach: words, and a quantity where one is set."""

    id: Slug
    title: Label
    amount: Amount | None = None
    measure: Label | None = None


class Content(Fact):
    """One content of a covenant; `places` are those below the unit that it is bound to."""

    title: Label
    unit: UnitId | None = None
    indicators: NonNegativeInt | None = None
    places: SampledPlaces = ()


Titles = Annotated[tuple[Label, ...], Field(max_length=limits.CLASSES_PER_EDITION)]
Targets = Annotated[tuple[Target, ...], Field(max_length=limits.CONDITIONS_PER_CRITERION)]
Contents = Annotated[tuple[Content, ...], Field(max_length=limits.CONDITIONS_PER_CRITERION)]


# What people say -------------------------------------------------------------------------


class RegisterTargets(Command, name="register-targets"):
    """A unit registers titles to win and targets to reach; a later registration takes the place of this one."""

    unit: UnitId
    titles: Titles = ()
    targets: Targets = ()
    document: Document | None = None


class ReturnRegistration(Command, name="return-registration"):
    """A registration is sent back to its unit."""

    unit: UnitId
    reason: Text


class AcceptRegistration(Command, name="accept-registration"):
    """A registration is accepted."""

    unit: UnitId


class StateContents(Command, name="state-contents"):
    """What a covenant contains, as far as it is known: contents, or how many a source states and how many it lists."""

    covenant: CovenantKind = "covenant"
    contents: Contents = ()
    stated: NonNegativeInt | None = None
    listed: NonNegativeInt | None = None
    indicators: NonNegativeInt | None = None
    places: SampledPlaces = ()
    """Places below the units that the covenant is bound to."""


class ReportResult(Command, name="report-result"):
    """A result as a quantity; of one unit, or of the whole cluster where none is named."""

    unit: UnitId | None = None
    title: Label
    amount: Amount | Unknown
    measure: Label
    exactness: Exactness = "exact"
    cut_off: Day | None = None
    target: Slug | None = None


# What happened ---------------------------------------------------------------------------


class TargetsRegistered(Event, name="TargetsRegistered"):
    unit: UnitId
    titles: tuple[Label, ...]
    targets: tuple[Target, ...]
    document: Document | None


class RegistrationReturned(Event, name="RegistrationReturned"):
    unit: UnitId
    reason: Text


class RegistrationAccepted(Event, name="RegistrationAccepted"):
    unit: UnitId


class ContentsStated(Event, name="ContentsStated"):
    covenant: CovenantKind
    contents: tuple[Content, ...]
    stated: int | None
    listed: int | None
    indicators: int | None
    places: tuple[SampledPlace, ...]


class ResultReported(Event, name="ResultReported"):
    unit: UnitId | None
    title: Label
    amount: Amount | Unknown
    measure: Label
    exactness: Exactness
    cut_off: Day | None
    target: Slug | None


# What we hold to be true -----------------------------------------------------------------


RegistrationStatus = Literal["registered", "returned", "accepted"]


@dataclass(frozen=True, slots=True)
class Registration:
    """A unit's registration as it stands."""

    told: TargetsRegistered
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said of a unit's registration."""

    status: RegistrationStatus
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class ReportedResult:
    """A result as reported."""

    told: ResultReported
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class Targeting:
    """Registrations by unit, contents by covenant, results in the order they came."""

    registrations: Mapping[str, Registration] = field(default_factory=dict)
    replies: Mapping[str, Reply] = field(default_factory=dict)
    """By unit. A paper may come late: the reply before the registration that it is about."""
    contents: Mapping[str, ContentsStated] = field(default_factory=dict)
    results: tuple[ReportedResult, ...] = ()

    def registration_status(self, unit: str) -> RegistrationStatus:
        """Where a unit's registration stands."""
        mine, reply = self.registrations.get(unit), self.replies.get(unit)
        return "registered" if reply is None or (mine is not None and reply.when.before(mine.when)) else reply.status


def register(cmd: RegisterTargets, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if not cmd.titles and not cmd.targets and cmd.document is None:
        raise Refused("nothing_registered", unit=cmd.unit)
    if doubled := repeated(target.id for target in cmd.targets):
        raise Refused("named_twice", name=doubled[0])
    before = state.targets.registrations.get(cmd.unit)
    if (
        before is not None
        and dict(before.told) == dict(cmd)
        and state.targets.registration_status(cmd.unit) != "returned"
    ):
        raise AlreadySaid(before.version)
    yield TargetsRegistered(**dict(cmd))


def _must_be_new(unit: str, registration_status: RegistrationStatus, state: State) -> None:
    reply = state.targets.replies.get(unit)
    if reply is not None and state.targets.registration_status(unit) == registration_status:
        raise AlreadySaid(reply.version)


def send_back(cmd: ReturnRegistration, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    _must_be_new(cmd.unit, "returned", state)
    yield RegistrationReturned(**dict(cmd))


def accept(cmd: AcceptRegistration, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    _must_be_new(cmd.unit, "accepted", state)
    yield RegistrationAccepted(**dict(cmd))


def state_contents(cmd: StateContents, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for content in cmd.contents:
        if content.unit is not None:
            require_member(content.unit, meta, state)
    yield ContentsStated(**dict(cmd))


def report(cmd: ReportResult, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.unit is not None:
        require_member(cmd.unit, meta, state)
    if cmd.cut_off is not None and cmd.exactness != "estimated" and start_of(cmd.cut_off) > meta.happened.latest:
        raise Refused("cut_off_to_come", on=cmd.cut_off)
    yield ResultReported(**dict(cmd))


def _inherited(t: Targeting, e: UnitsSucceeded, m: Meta) -> Targeting:
    """Who takes over from units has registered for what they had, where the edition says so."""
    before = [t.registrations[unit] for unit in e.predecessors if unit in t.registrations]
    if "registration" not in e.inherits or not before:
        return t
    titles = tuple(dict.fromkeys(title for one in before for title in one.told.titles))
    targets = {target.id: target for one in before for target in one.told.targets}
    found = dict(t.registrations)
    for heir in e.successors:
        told = TargetsRegistered(unit=heir.id, titles=titles, targets=tuple(targets.values()), document=None)
        found.setdefault(heir.id, Registration(told, m.happened, m.version))
    return replace(t, registrations=found)


decider = StepDecider(
    slice_name="targets",
    empty=Targeting(),
    decides={
        RegisterTargets: register,
        ReturnRegistration: send_back,
        AcceptRegistration: accept,
        StateContents: state_contents,
        ReportResult: report,
    },
    evolves={
        TargetsRegistered: lambda t, e, m: replace(
            t, registrations=put(t.registrations, e.unit, Registration(e, m.happened, m.version))
        ),
        RegistrationReturned: lambda t, e, m: replace(
            t, replies=put(t.replies, e.unit, Reply("returned", m.happened, m.version))
        ),
        RegistrationAccepted: lambda t, e, m: replace(
            t, replies=put(t.replies, e.unit, Reply("accepted", m.happened, m.version))
        ),
        UnitsSucceeded: _inherited,
        ContentsStated: lambda t, e, m: replace(t, contents=put(t.contents, e.covenant, e)),
        ResultReported: lambda t, e, m: replace(
            t, results=(*t.results, ReportedResult(e, m.happened, m.provenance.kind, m.version))
        ),
    },
)
