"""Extensions of deadlines: a unit asks for one, the secretariat grants or refuses it, or extends without a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol, TypeVar

from domain.due_dates import Obligation
from domain.duties import Duty
from domain.msgids import N_, NC_
from domain.parties import OWN_UNIT, SECRETARIAT, Readers
from domain.records import Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import Day, When, day_ending, end_of
from domain.types import Text, UnitId, with_entry


class ExtensionsContext(Protocol):
    """What extensions read of the cycle."""

    @property
    def deadlines(self) -> Extensions: ...

    def extensible(self, rules: Edition) -> tuple[Obligation, ...]:
        """Return all obligations, done or open, and those that a new unit is free of because their time had passed."""


Reason = Text
ALL = "*"
"""Stands for all units in a subject."""


def _extensions_of(duty: Duty, unit: str | None) -> tuple[str, ...]:
    """Return what an answer is about: the unit's own extensions and those of all units, or every one of the duty."""
    return (f"extension/{duty}",) if unit is None else (f"extension/{duty}/{unit}", f"extension/{duty}/{ALL}")


# Commands --------------------------------------------------------------------------------


class AskExtension(
    Command,
    name="ask-extension",
    label=NC_("act", "ask extension"),
    summary=N_("Ask for an extension of a unit's deadline."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    unit: UnitId
    duty: Duty
    until: Day
    reason: Reason


class GrantExtension(
    Command,
    name="extend",
    label=NC_("act", "extend"),
    summary=N_("Extend a deadline for one unit, or for all units; no request is needed."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: _extensions_of(command.duty, command.unit),
):
    duty: Duty
    until: Day
    unit: UnitId | None = None
    reason: Reason


class RefuseExtension(
    Command,
    name="refuse-extension",
    label=NC_("act", "refuse extension"),
    summary=N_("Refuse a unit's request for an extension."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: _extensions_of(command.duty, command.unit),
):
    unit: UnitId
    duty: Duty
    reason: Reason


# Events ----------------------------------------------------------------------------------


class ExtensionAsked(
    Event,
    name="ExtensionAsked",
    schema=1,
    sentence=N_("{unit} asks for more time until {until}: {duty}. {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    unit: UnitId
    duty: Duty
    until: Day
    reason: Reason


class ExtensionGranted(
    Event,
    name="ExtensionGranted",
    schema=1,
    sentence=N_("More time until {until} for {unit}: {duty}. {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
    subjects=lambda event: (f"extension/{event.duty}", f"extension/{event.duty}/{event.unit or ALL}"),
):
    duty: Duty
    until: date
    unit: UnitId | None
    reason: Reason


class ExtensionRefused(
    Event,
    name="ExtensionRefused",
    schema=1,
    sentence=N_("No more time for {unit}: {duty}. {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
    subjects=lambda event: (f"extension/{event.duty}", f"extension/{event.duty}/{event.unit or ALL}"),
):
    unit: UnitId
    duty: Duty
    reason: Reason


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension up to the end of a day; `granted` is when it was given, `reason` why."""

    until: date
    granted: When
    reason: Reason


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request for more time that was refused: the day that was asked for, when it was refused, and why.

    The day is None where the events of the request are not known.
    """

    until: date | None
    refused: When
    reason: Reason


@dataclass(frozen=True)
class Extensions:
    """Extensions, and open requests for them: a part of the slice `deadlines` (see `domain.cycle.Deadlines`)."""

    extensions: Mapping[tuple[Duty, str], Extension] = field(default_factory=dict)
    """By duty and unit ("" for all units)."""
    extension_requests: Mapping[tuple[str, Duty], ExtensionAsked] = field(default_factory=dict)
    refused_requests: Mapping[tuple[str, Duty], RefusedRequest] = field(default_factory=dict)
    """The last answer to a unit's requests, where it was a refusal."""

    def extended_to(self, duty: Duty, unit: str, done: When | None) -> datetime | None:
        """Return the extended deadline: the later one of the unit's own extension and that of all units.

        `done` is when the unit did its duty. An extension that was granted later does not make a late act timely.
        """
        found = self.extension_of(duty, unit, done) if self.extensions else None
        return end_of(found.until) if found is not None else None

    def extension_of(self, duty: Duty, unit: str, done: When | None = None) -> Extension | None:
        """Return the extension that counts for a unit, as `extended_to`."""
        extensions = [self.extensions[key] for key in ((duty, unit), (duty, "")) if key in self.extensions]
        counting = [one for one in extensions if done is None or not done.before(one.granted)]
        return max(counting, key=lambda one: one.until, default=None)


# Decisions -------------------------------------------------------------------------------


def _require_extension(duty: Duty, unit: str | None, until: date, state: ExtensionsContext, rules: Edition) -> None:
    """Refuse an extension that extends nothing; `unit` None: an extension for all units."""
    concerned = [
        obligation
        for obligation in state.extensible(rules)
        if obligation.duty == duty and (unit is None or obligation.bearer == unit)
    ]
    if not concerned:
        raise Refused("duty_not_owed", duty=duty, unit=unit or "")
    if unit is not None and all(obligation.done is not None for obligation in concerned):
        raise Refused("duty_is_done", duty=duty, unit=unit)
    dates = (obligation.due or obligation.lapsed for obligation in concerned)
    deadlines = [instant for instant in dates if instant is not None]
    if not deadlines:
        raise Refused("duty_has_no_deadline", duty=duty)
    # The earliest deadline counts: an extension for all leaves a later one of a single unit as it is.
    if end_of(until) <= min(deadlines):
        raise Refused("extension_is_no_extension", due=day_ending(min(deadlines)), duty=duty, unit=unit or "")


def ask_extension(
    command: AskExtension, meta: Meta, state: ExtensionsContext, rules: Edition
) -> Iterator[ExtensionAsked]:
    _require_extension(command.duty, command.unit, command.until, state, rules)
    if (command.unit, command.duty) in state.deadlines.extension_requests:
        raise Refused("extension_is_asked", unit=command.unit, duty=command.duty)
    yield ExtensionAsked(**dict(command))


def grant_extension(
    command: GrantExtension, meta: Meta, state: ExtensionsContext, rules: Edition
) -> Iterator[ExtensionGranted]:
    _require_extension(command.duty, command.unit, command.until, state, rules)
    yield ExtensionGranted(**dict(command))


def refuse_extension(
    command: RefuseExtension, meta: Meta, state: ExtensionsContext, rules: Edition
) -> Iterator[ExtensionRefused]:
    if (command.unit, command.duty) not in state.deadlines.extension_requests:
        raise Refused("extension_not_asked", unit=command.unit, duty=command.duty)
    yield ExtensionRefused(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _extension_asked(deadlines: Extensions, event: ExtensionAsked, meta: Meta) -> Extensions:
    asked = with_entry(deadlines.extension_requests, (event.unit, event.duty), event)
    return replace(_without_requests(deadlines, event.unit, event.duty), extension_requests=asked)


Of = TypeVar("Of")


def _without(entries: Mapping[tuple[str, Duty], Of], unit: str | None, duty: Duty) -> Mapping[tuple[str, Duty], Of]:
    return {
        (asking, asked_for): entry
        for (asking, asked_for), entry in entries.items()
        if asked_for != duty or (unit is not None and asking != unit)
    }


def _without_requests(deadlines: Extensions, unit: str | None, duty: Duty) -> Extensions:
    """Remove the requests for a duty, open or refused: those of one unit, or of all units when `unit` is None."""
    return replace(
        deadlines,
        extension_requests=_without(deadlines.extension_requests, unit, duty),
        refused_requests=_without(deadlines.refused_requests, unit, duty),
    )


def _extension_refused(deadlines: Extensions, event: ExtensionRefused, meta: Meta) -> Extensions:
    key = (event.unit, event.duty)
    asked = deadlines.extension_requests.get(key)
    refused = RefusedRequest(asked.until if asked is not None else None, meta.happened, event.reason)
    without = _without_requests(deadlines, event.unit, event.duty)
    return replace(without, refused_requests=with_entry(without.refused_requests, key, refused))


def _extension_granted(deadlines: Extensions, event: ExtensionGranted, meta: Meta) -> Extensions:
    extension = Extension(event.until, meta.happened, event.reason)
    return replace(
        _without_requests(deadlines, event.unit, event.duty),
        extensions=with_entry(deadlines.extensions, (event.duty, event.unit or ""), extension),
    )


decider: StepDecider[Extensions, ExtensionsContext, Edition] = StepDecider(
    title=N_("Extensions"),
    slice_name="deadlines",
    decides={AskExtension: ask_extension, GrantExtension: grant_extension, RefuseExtension: refuse_extension},
    evolves={
        ExtensionAsked: _extension_asked,
        ExtensionGranted: _extension_granted,
        ExtensionRefused: _extension_refused,
    },
)
