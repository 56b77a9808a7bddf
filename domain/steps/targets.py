"""Targets and results: titles and targets that units register, contents of a covenant, results that units reach.

The contents of a covenant can be known by number only: "nine contents, 47 indicators". Where a source states one number
and lists another, both are kept. A result is a quantity with its measure, its exactness and its cut-off day.
Registration is no legal basis of an award any more (Emulation Law 06/2022, article 7); many regulations ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, Protocol

from pydantic import Field, NonNegativeInt

from domain import limits
from domain.joint_acts import JointContext, UnitNamed, acting_together
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, OWN_UNIT, Readers, Section
from domain.problems import repeated
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import CovenantKind, Edition
from domain.steps.succession import UnitsSucceeded
from domain.times import Day, When
from domain.types import (
    Amount,
    Document,
    Exactness,
    FrozenModel,
    IsKey,
    Label,
    Slug,
    Text,
    UnitId,
    Unknown,
    added_later,
    with_entry,
)
from domain.units import (
    DoneJointly,
    JointFields,
    OwnActsContext,
    SampledPlace,
    SampledPlaces,
    TogetherUnits,
    require_member,
    require_own_or_decided,
)


class TargetsContext(JointContext, OwnActsContext, Protocol):
    """What targets read of the cycle."""

    @property
    def targets(self) -> TargetsState: ...


class Target(FrozenModel):
    """A goal in words, with a quantity where one is set."""

    id: Slug
    title: Label
    amount: Amount | None = None
    measure: Label | None = None
    exactness: Exactness = added_later("exact")


class Content(FrozenModel):
    """One content of a covenant. `places` are places below the unit to which the content applies."""

    title: Label
    unit: UnitId | None = None
    indicators: NonNegativeInt | None = None
    places: SampledPlaces = ()


@dataclass(frozen=True, slots=True)
class ContentsTold:
    """Contents with their numbers, as far as a source tells them, for a sentence."""

    contents: tuple[Content, ...]
    stated: int | None
    listed: int | None
    indicators: int | None


Titles = Annotated[tuple[Label, ...], Field(max_length=limits.CLASSES_PER_EDITION)]
Targets = Annotated[tuple[Target, ...], Field(max_length=limits.CONDITIONS_PER_CRITERION)]
Contents = Annotated[tuple[Content, ...], Field(max_length=limits.CONDITIONS_PER_CRITERION)]


class ResultFields(FrozenModel):
    """The fields of a reported result, shared by command and event."""

    unit: UnitId | None = None
    title: Label
    amount: Amount | Unknown
    measure: Label
    exactness: Exactness = "exact"
    cut_off: Day | None = None
    target: Annotated[Slug, IsKey("target")] | None = None


# Commands --------------------------------------------------------------------------------


class RegisterTargets(
    Command,
    name="register-targets",
    label=NC_("act", "register targets"),
    summary=N_("Register the titles and targets that a unit aims for; a later registration replaces an earlier one."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"registration/{command.unit}",),
):
    unit: UnitId
    titles: Titles = ()
    targets: Targets = ()
    document: Document | None = None


class RegisterTogether(
    Command,
    JointFields,
    name="register-together",
    label=NC_("act", "register together"),
    summary=N_("Record that units registered titles or targets, where a source does not tell of each."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    titles: Titles = ()
    document: Document | None = None


class ReturnRegistration(
    Command,
    name="return-registration",
    label=NC_("act", "return registration"),
    summary=N_("Send a registration back to its unit."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"registration/{command.unit}",),
):
    unit: UnitId
    reason: Text


class AcceptRegistration(
    Command,
    name="accept-registration",
    label=NC_("act", "accept registration"),
    summary=N_("Accept a unit's registration."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"registration/{command.unit}",),
):
    unit: UnitId


class StateContents(
    Command,
    name="state-contents",
    label=NC_("act", "state contents"),
    summary=N_("Record what a covenant contains, or how many contents a source states and lists."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    covenant: CovenantKind = "covenant"
    contents: Contents = ()
    stated: NonNegativeInt | None = None
    listed: NonNegativeInt | None = None
    indicators: NonNegativeInt | None = None
    places: SampledPlaces = ()
    """Places below the units to which the covenant applies."""


class ReportResult(
    Command,
    ResultFields,
    name="report-result",
    label=NC_("act", "report result"),
    summary=N_("Report a result as a quantity, for one unit or for the whole cluster."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    pass


# Events ----------------------------------------------------------------------------------


class TargetsRegistered(
    Event,
    name="TargetsRegistered",
    schema=1,
    sentence=lambda event: (
        N_("{unit} registers: {titles}."),
        {**dict(event), "titles": (*event.titles, *(target.title for target in event.targets))},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.REGISTRATIONS,
    subjects=lambda event: (f"registration/{event.unit}",),
):
    unit: UnitId
    titles: tuple[Label, ...]
    targets: tuple[Target, ...]
    document: Document | None


class RegisteredTogether(
    Event,
    DoneJointly,
    name="RegisteredTogether",
    schema=1,
    sentence=lambda event: (
        N_("{units} register together: {titles}.") if event.titles else N_("{units} register together."),
        {**dict(event), "units": TogetherUnits(units=event.units, unnamed=event.unnamed)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.REGISTRATIONS,
    subjects=lambda event: tuple(f"registration/{unit}" for unit in event.units),
):
    titles: tuple[Label, ...]
    document: Document | None


class RegistrationReturned(
    Event,
    name="RegistrationReturned",
    schema=1,
    sentence=N_("The registration of {unit} is sent back: {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.REGISTRATIONS,
    subjects=lambda event: (f"registration/{event.unit}",),
):
    unit: UnitId
    reason: Text


class RegistrationAccepted(
    Event,
    name="RegistrationAccepted",
    schema=1,
    sentence=N_("The registration of {unit} is accepted."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.REGISTRATIONS,
    subjects=lambda event: (f"registration/{event.unit}",),
):
    unit: UnitId


class ContentsStated(
    Event,
    name="ContentsStated",
    schema=1,
    sentence=lambda event: (
        N_("Contents of the {covenant}: {contents}."),
        {
            "covenant": event.covenant,
            "contents": ContentsTold(event.contents, event.stated, event.listed, event.indicators),
        },
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    covenant: CovenantKind
    contents: tuple[Content, ...]
    stated: int | None
    listed: int | None
    indicators: int | None
    places: tuple[SampledPlace, ...]


class ResultReported(
    Event,
    ResultFields,
    name="ResultReported",
    schema=1,
    sentence=lambda event: (
        N_("{unit}, {title}: {amount} {measure}.")
        if event.exactness == "exact"
        else N_("{unit}, {title}: {exactness} {amount} {measure}."),
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.RESULTS,
):
    pass


# State -----------------------------------------------------------------------------------


RegistrationStatus = Literal["registered", "returned", "accepted"]


@dataclass(frozen=True, slots=True)
class Registration:
    """A unit's latest registration."""

    event: TargetsRegistered
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class RegistrationReply:
    """The cluster's answer to a unit's registration."""

    status: RegistrationStatus
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class ReportedResult:
    """One reported result."""

    event: ResultReported
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class TargetsState:
    """Registrations and replies by unit, contents by covenant, results in the order of recording."""

    registrations: Mapping[str, Registration] = field(default_factory=dict)
    replies: Mapping[str, RegistrationReply] = field(default_factory=dict)
    """By unit. A reply can be recorded before the registration that it answers."""
    contents: Mapping[str, ContentsStated] = field(default_factory=dict)
    results: tuple[ReportedResult, ...] = ()

    def registration_status(self, unit: str) -> RegistrationStatus:
        """The status of a unit's registration: a reply to an earlier registration does not count."""
        registration, reply = self.registrations.get(unit), self.replies.get(unit)
        if reply is None or (registration is not None and reply.when.before(registration.when)):
            return "registered"
        return reply.status


# Decisions -------------------------------------------------------------------------------


def register_targets(
    command: RegisterTargets, meta: Meta, state: TargetsContext, rules: Edition
) -> Iterator[TargetsRegistered]:
    require_member(command.unit, meta, state)
    if not command.titles and not command.targets and command.document is None:
        raise Refused("nothing_registered", unit=command.unit)
    if doubled := repeated(target.id for target in command.targets):
        raise Refused("named_twice", name=doubled[0])
    existing = state.targets.registrations.get(command.unit)
    if (
        existing is not None
        and dict(existing.event) == dict(command)
        and state.targets.registration_status(command.unit) != "returned"
    ):
        raise AlreadyRecorded(existing.version)
    if existing is not None:
        require_own_or_decided(command.unit, meta, state)
    yield TargetsRegistered(**dict(command))


def register_together(
    command: RegisterTogether, meta: Meta, state: TargetsContext, rules: Edition
) -> Iterator[RegisteredTogether]:
    who = acting_together("registration", command, meta, state)
    yield RegisteredTogether(**dict(who), titles=command.titles, document=command.document)


def _require_new_status(unit: str, status: RegistrationStatus, state: TargetsContext) -> None:
    reply = state.targets.replies.get(unit)
    if reply is not None and state.targets.registration_status(unit) == status:
        raise AlreadyRecorded(reply.version)


def return_registration(
    command: ReturnRegistration, meta: Meta, state: TargetsContext, rules: Edition
) -> Iterator[RegistrationReturned]:
    require_member(command.unit, meta, state)
    _require_new_status(command.unit, "returned", state)
    yield RegistrationReturned(**dict(command))


def accept_registration(
    command: AcceptRegistration, meta: Meta, state: TargetsContext, rules: Edition
) -> Iterator[RegistrationAccepted]:
    require_member(command.unit, meta, state)
    _require_new_status(command.unit, "accepted", state)
    yield RegistrationAccepted(**dict(command))


def state_contents(
    command: StateContents, meta: Meta, state: TargetsContext, rules: Edition
) -> Iterator[ContentsStated]:
    for content in command.contents:
        if content.unit is not None:
            require_member(content.unit, meta, state)
    yield ContentsStated(**dict(command))


def report_result(command: ReportResult, meta: Meta, state: TargetsContext, rules: Edition) -> Iterator[ResultReported]:
    if command.unit is not None:
        require_member(command.unit, meta, state)
    if (
        command.cut_off is not None
        and command.exactness != "estimated"
        and meta.happened.before(When.on(command.cut_off))
    ):
        raise Refused("cut_off_to_come", on=command.cut_off)
    yield ResultReported(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _registrations_inherited(targets: TargetsState, event: UnitsSucceeded, meta: Meta) -> TargetsState:
    """Successors take over the registrations of their predecessors, where the edition says so."""
    inherited = [targets.registrations[unit].event for unit in event.predecessors if unit in targets.registrations]
    if "registration" not in event.inherits or not inherited:
        return targets
    titles = tuple(dict.fromkeys(title for registered in inherited for title in registered.titles))
    by_id = {target.id: target for registered in inherited for target in registered.targets}
    registrations = dict(targets.registrations)
    for successor in event.successors:
        registered = TargetsRegistered(unit=successor.id, titles=titles, targets=tuple(by_id.values()), document=None)
        registrations.setdefault(successor.id, Registration(registered, meta.happened, meta.version))
    return replace(targets, registrations=registrations)


def _registered_together(targets: TargetsState, event: RegisteredTogether, meta: Meta) -> TargetsState:
    for unit in event.units:
        targets = _inferred(targets, unit, event.titles, event.document, meta.happened, meta)
    return targets


def _replied(targets: TargetsState, unit: str, status: RegistrationStatus, meta: Meta) -> TargetsState:
    """Return the targets with a reply; one of an earlier day that comes later does not replace a later one."""
    existing = targets.replies.get(unit)
    if existing is not None and meta.happened.before(existing.when):
        return targets
    reply = RegistrationReply(status, meta.happened, meta.version)
    return replace(targets, replies=with_entry(targets.replies, unit, reply))


def _unit_named(targets: TargetsState, event: UnitNamed, meta: Meta) -> TargetsState:
    shared = event.shared("registration")
    if shared is None:
        return targets
    return _inferred(targets, event.unit.id, shared.titles, shared.document, shared.on, meta)


def _inferred(
    targets: TargetsState, unit: str, titles: tuple[str, ...], document: Document | None, when: When, meta: Meta
) -> TargetsState:
    """Return the targets with a registration that only a joint act tells of; a unit's own registration stays."""
    if unit in targets.registrations:
        return targets
    registered = TargetsRegistered(unit=unit, titles=titles, targets=(), document=document)
    new = Registration(registered, when, meta.version)
    return replace(targets, registrations=with_entry(targets.registrations, unit, new))


decider: StepDecider[TargetsState, TargetsContext, Edition] = StepDecider(
    title=N_("Registrations and results"),
    slice_name="targets",
    decides={
        RegisterTargets: register_targets,
        RegisterTogether: register_together,
        ReturnRegistration: return_registration,
        AcceptRegistration: accept_registration,
        StateContents: state_contents,
        ReportResult: report_result,
    },
    evolves={
        TargetsRegistered: lambda targets, event, meta: replace(
            targets,
            registrations=with_entry(
                targets.registrations, event.unit, Registration(event, meta.happened, meta.version)
            ),
        ),
        RegisteredTogether: _registered_together,
        UnitNamed: _unit_named,
        RegistrationReturned: lambda targets, event, meta: _replied(targets, event.unit, "returned", meta),
        RegistrationAccepted: lambda targets, event, meta: _replied(targets, event.unit, "accepted", meta),
        UnitsSucceeded: _registrations_inherited,
        ContentsStated: lambda targets, event, meta: replace(
            targets, contents=with_entry(targets.contents, event.covenant, event)
        ),
        ResultReported: lambda targets, event, meta: replace(
            targets,
            results=(*targets.results, ReportedResult(event, meta.happened, meta.provenance.kind, meta.version)),
        ),
    },
)
