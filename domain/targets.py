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
from domain.drafting import CovenantKind
from domain.kernel import (
    Act,
    AlreadySaid,
    Day,
    Document,
    Event,
    Fact,
    Label,
    Meta,
    Refused,
    Room,
    Slug,
    Text,
    UnitId,
    Unknown,
    When,
    put,
    start_of,
)
from domain.letters import SampledPlace, SampledPlaces
from domain.membership import require_member
from domain.problems import repeated
from domain.rules import Edition
from domain.succession import UnitsSucceeded
from domain.ways import Amount

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


class RegisterTargets(Act, name="register-targets"):
    """A unit registers titles to win and targets to reach; a later registration takes the place of this one."""

    unit: UnitId
    titles: Titles = ()
    targets: Targets = ()
    document: Document | None = None


class ReturnRegistration(Act, name="return-registration"):
    """A registration is sent back to its unit."""

    unit: UnitId
    reason: Text


class AcceptRegistration(Act, name="accept-registration"):
    """A registration is accepted."""

    unit: UnitId


class StateContents(Act, name="state-contents"):
    """What a covenant contains, as far as it is known: contents, or how many a source states and how many it lists."""

    covenant: CovenantKind = "covenant"
    contents: Contents = ()
    stated: NonNegativeInt | None = None
    listed: NonNegativeInt | None = None
    indicators: NonNegativeInt | None = None
    places: SampledPlaces = ()
    """Places below the units that the covenant is bound to."""


class ReportResult(Act, name="report-result"):
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


@dataclass(frozen=True, slots=True)
class Registration:
    """A unit's registration as it stands."""

    told: TargetsRegistered
    when: When
    version: int
    standing: Literal["registered", "returned", "accepted"] = "registered"
    settled: int = 0
    """The version of the event that returned or accepted it."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result as reported."""

    told: ResultReported
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class Targeting:
    """Registrations by unit, contents by covenant, results in the order they came."""

    registrations: Mapping[str, Registration] = field(default_factory=dict)
    contents: Mapping[str, ContentsStated] = field(default_factory=dict)
    results: tuple[Result, ...] = ()


def register(cmd: RegisterTargets, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if not cmd.titles and not cmd.targets and cmd.document is None:
        raise Refused("nothing_registered", unit=cmd.unit)
    if doubled := repeated(target.id for target in cmd.targets):
        raise Refused("named_twice", name=doubled[0])
    standing = state.targets.registrations.get(cmd.unit)
    if standing is not None and standing.standing != "returned" and dict(standing.told) == dict(cmd):
        raise AlreadySaid(standing.version)
    yield TargetsRegistered(**dict(cmd))


def _registered(unit: str, state: State) -> Registration:
    standing = state.targets.registrations.get(unit)
    if standing is None:
        raise Refused("not_registered", unit=unit)
    return standing


def send_back(cmd: ReturnRegistration, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    standing = _registered(cmd.unit, state)
    if standing.standing == "returned":
        raise AlreadySaid(standing.settled)
    yield RegistrationReturned(**dict(cmd))


def accept(cmd: AcceptRegistration, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    standing = _registered(cmd.unit, state)
    if standing.standing == "accepted":
        raise AlreadySaid(standing.settled)
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


def _settled(standing: Literal["returned", "accepted"]):  # type: ignore[no-untyped-def] # noqa: ANN202 - a table entry
    def evolve(t: Targeting, e: RegistrationReturned | RegistrationAccepted, m: Meta) -> Targeting:
        if (before := t.registrations.get(e.unit)) is None:
            return t
        now = replace(before, standing=standing, settled=m.version)
        return replace(t, registrations=put(t.registrations, e.unit, now))

    return evolve


def _inherited(t: Targeting, e: UnitsSucceeded, m: Meta) -> Targeting:
    """Who takes over from units has registered for what they had, where the edition says so."""
    before = [t.registrations[unit] for unit in e.gone if unit in t.registrations]
    if "registration" not in e.inherits or not before:
        return t
    titles = tuple(dict.fromkeys(title for one in before for title in one.told.titles))
    targets = {target.id: target for one in before for target in one.told.targets}
    found = dict(t.registrations)
    for heir in e.successors:
        told = TargetsRegistered(unit=heir.id, titles=titles, targets=tuple(targets.values()), document=None)
        found.setdefault(heir.id, Registration(told, m.happened, m.version))
    return replace(t, registrations=found)


room = Room(
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
        RegistrationReturned: _settled("returned"),
        RegistrationAccepted: _settled("accepted"),
        UnitsSucceeded: _inherited,
        ContentsStated: lambda t, e, m: replace(t, contents=put(t.contents, e.covenant, e)),
        ResultReported: lambda t, e, m: replace(
            t, results=(*t.results, Result(e, m.happened, m.provenance.kind, m.version))
        ),
    },
)
