"""The decider of a cycle: combines the steps of one cluster's year.

It decides itself only what concerns every command: when it happened, its provenance, and what a correction leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain import rights
from domain.commands import AuthenticatedCommand, parse_command
from domain.decider import compose
from domain.joint_acts import UnitNamed
from domain.parties import CLOCK_ONLY, Party
from domain.records import CLOCK, AlreadyRecorded, Command, Event, EventEnvelope, LastChange, Meta, Refused, StepDecider
from domain.rules import Adoption, Edition
from domain.scoring import scores
from domain.state import State
from domain.steps import (
    awards,
    clock,
    commenting,
    conclusion,
    corrections,
    cross_checks,
    drafting,
    escalation,
    extensions,
    letters,
    lifecycle,
    manual_reminders,
    meetings,
    membership,
    midyear,
    naming,
    signatories,
    signing,
    succession,
    targets,
    together,
    voting,
)
from domain.strengths import Strength, require_strength
from domain.times import ICT, When
from domain.types import Provenance

STEPS: tuple[StepDecider[Any, State, Edition], ...] = (
    lifecycle.decider,
    membership.decider,
    naming.decider,
    succession.decider,
    drafting.decider,
    commenting.decider,
    signing.decider,
    signing.term_decider,
    targets.decider,
    meetings.decider,
    letters.decider,
    midyear.decider,
    cross_checks.decider,
    scores.decider,
    voting.decider,
    conclusion.decider,
    awards.decider,
    together.decider,
    clock.decider,
    extensions.decider,
    escalation.decider,
    manual_reminders.decider,
    corrections.decider,
    signatories.decider,
)

SKEW = timedelta(minutes=5)
"""How far two machines' clocks may differ before a date is refused as being in the future."""


_COMPOSITION = compose(STEPS)
_SLICES = tuple(f.name for f in fields(State))
if unknown := {step.slice_name for step in STEPS} - {None, *_SLICES}:
    raise TypeError(f"slices of steps that the state does not have: {unknown}")

COMMANDS: tuple[type[Command], ...] = (*_COMPOSITION.decides, corrections.CorrectAct)
"""The commands of a cycle, in the order of the year; `CycleDecider` itself decides the last one."""
if undecided := [
    command.__qualname__
    for command in Command.KNOWN.values()
    if command.__module__.startswith(("domain.steps.", "domain.scoring.")) and command not in COMMANDS
]:
    raise TypeError(f"no step decides {', '.join(undecided)}")
EVENTS_OF: Mapping[type[Command], tuple[type[Event], ...]] = {
    **_COMPOSITION.events,
    corrections.CorrectAct: (corrections.ActCorrected,),
}
"""The event types that a command can lead to.

Not named: the signatories, which can follow any command, and the events of the command that a correction puts in the
wrong one's place.
"""


def _by_step() -> dict[str, tuple[type[Command], ...]]:
    """Return the commands by their step's title.

    Raises:
        TypeError: a step that decides commands has no title. This is a programming error, found at import.
    """
    by_title: dict[str, tuple[type[Command], ...]] = {}
    for step in STEPS:
        if not step.decides:
            continue
        if step.title is None:
            raise TypeError(f"the step of {next(iter(step.decides)).__qualname__} has no title")
        more = (corrections.CorrectAct,) if step is corrections.decider else ()
        by_title[step.title] = (*step.decides, *more)
    return by_title


COMMANDS_BY_STEP = _by_step()
"""The commands by the title of their step, in the order of the year."""
BINDING_EVENTS = frozenset(
    event for command, events in _COMPOSITION.events.items() if command.BINDING for event in events
)
"""Events that bind or publish: taking one back does so, too."""
ENTERED_BY_PERSONS = tuple(command for command in COMMANDS if command.ALLOWED != CLOCK_ONLY)


class CycleDecider:
    """The decider of one cluster's year (see `domain.decider.Decider`)."""

    def empty(self) -> State:
        return State()

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        state: State,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...] = (),
    ) -> tuple[EventEnvelope[Event], ...]:
        """See `domain.decider.Decider`."""
        if isinstance(authenticated.command, corrections.CorrectAct):
            return self._correct(authenticated, authenticated.command, state, rules, version, history)
        roles = _check_rights(authenticated, state)
        happened = _date_of_event(authenticated, state, roles)
        meta = authenticated.meta(version + 1, happened, _provenance(authenticated, state))
        envelopes = _decide_by_step(authenticated, meta, state, rules)
        _check_reading(authenticated, state)
        return envelopes

    def evolve(self, state: State, envelope: EventEnvelope[Event]) -> State:
        """Return the state after an event.

        Raises:
            KeyError: no step evolves from the event. This is a programming error.
        """
        event, meta = envelope.event, envelope.meta
        changes: dict[str, Any] = {
            name: change(getattr(state, name), event, meta) for name, change in _COMPOSITION.evolves[type(event)]
        }
        if (advanced := _advanced_lifecycle(changes.get("lifecycle", state.lifecycle), meta)) is not None:
            changes["lifecycle"] = advanced
        if (subjects := type(event).SUBJECTS) is not None:
            change_ = LastChange(meta.version, meta.actor, meta.unit)
            changes["changes"] = {**state.changes, **dict.fromkeys(subjects(event), change_)}
        if meta.actor != CLOCK and meta.recorded is not None:
            changes["clock_memory"] = clock.remembered(
                state.clock_memory,
                state.lifecycle.now,
                real_time=changes.get("lifecycle", state.lifecycle).clock == "wall",
                recorded=meta.recorded,
            )
        # Not `replace`: this runs for every event that is read, and takes 4 µs instead of 7.
        return State(*[changes[name] if name in changes else getattr(state, name) for name in _SLICES])

    def fold(self, history: Iterable[EventEnvelope[Event]], onto: State | None = None) -> State:
        """See `domain.decider.Decider`."""
        envelopes = tuple(history)
        corrected = {
            version
            for envelope in envelopes
            if isinstance(envelope.event, corrections.ActCorrected)
            for version in envelope.event.versions
        }
        before = State() if onto is None else onto
        slices: dict[str, Any] = {name: getattr(before, name) for name in _SLICES}
        slices["changes"] = last_changes = dict(before.changes)
        evolves = _COMPOSITION.evolves
        for event, meta in envelopes:
            if (subjects := type(event).SUBJECTS) is not None:
                last_changes.update(dict.fromkeys(subjects(event), LastChange(meta.version, meta.actor, meta.unit)))
            if meta.version in corrected:
                continue
            if isinstance(event, corrections.ActCorrected):
                last_changes.update(_taken_back(event, meta, envelopes))
            if corrected and isinstance(event, UnitNamed):
                event = event.without(corrected)  # noqa: PLW2901 - a named unit shares no act that was taken back
            earlier = slices["lifecycle"]
            for name, change in evolves[type(event)]:
                slices[name] = change(slices[name], event, meta)
            if (advanced := _advanced_lifecycle(slices["lifecycle"], meta)) is not None:
                slices["lifecycle"] = advanced
            if meta.actor != CLOCK and meta.recorded is not None:
                slices["clock_memory"] = clock.remembered(
                    slices["clock_memory"],
                    earlier.now,
                    real_time=slices["lifecycle"].clock == "wall",
                    recorded=meta.recorded,
                )
        return State(**slices)

    def adoptions(self, state: State) -> tuple[Adoption, ...]:
        return state.lifecycle.all_adoptions

    def now(self, state: State, real_now: datetime) -> datetime:
        return lifecycle.business_now(state.lifecycle, real_now)

    def next_due(self, state: State, rules: Edition) -> datetime | None:
        return clock.next_due(state, rules)

    def due(self, state: State, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
        return clock.due(state, rules, lifecycle.business_now(state.lifecycle, now))

    def _correct(
        self,
        authenticated: AuthenticatedCommand,
        command: corrections.CorrectAct,
        state: State,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...],
    ) -> tuple[EventEnvelope[Event], ...]:
        roles = _check_rights(authenticated, state)
        wrong = self._events_to_correct(authenticated, command.version, state, roles, history)
        if any(type(envelope.event) in BINDING_EVENTS for envelope in wrong):
            _require_binding_strength(authenticated)
        _require_decided(wrong[0].meta.unit, authenticated, state, roles)
        versions = tuple(envelope.meta.version for envelope in wrong)
        # A correction takes the date of the wrong act, so that a replay to a day in between is right, too.
        meta = authenticated.meta(version + 1, wrong[0].meta.happened, _provenance(authenticated, state))
        correction: EventEnvelope[Event] = EventEnvelope(
            corrections.ActCorrected(versions=versions, reason=command.reason), meta
        )
        if command.instead is None:
            return (correction, *_signatories(authenticated, meta, version + 2))
        fields_ = dict(command.instead)
        new = replace(authenticated, command=parse_command(str(fields_.pop("act", "")), fields_))
        if isinstance(new.command, corrections.CorrectAct):
            raise Refused("correction_stands_alone")
        roles = _check_rights(new, state, correcting=True)
        happened = wrong[0].meta.happened if authenticated.happened is None else _date_of_event(new, state, roles)
        meta = new.meta(version + 2, happened, meta.provenance)
        try:
            envelopes = _decide_by_step(new, meta, self.fold((*history, correction)), rules)
        except AlreadyRecorded:
            return (correction,)
        kinds = {type(envelope.event) for envelope in envelopes} - {signatories.SignatoriesNamed}
        if not roles & rights.DATES and not kinds <= {type(envelope.event) for envelope in wrong}:
            # A command of another kind would get the wrong act's date, which this actor may not state.
            raise Refused("not_yours_to_date", act=new.command.NAME)
        return (correction, *envelopes)

    def _events_to_correct(
        self,
        authenticated: AuthenticatedCommand,
        version: int,
        state: State,
        roles: frozenset[Party],
        history: tuple[EventEnvelope[Event], ...],
    ) -> list[EventEnvelope[Event]]:
        """Return the events of the command that caused the event `version`.

        Raises:
            Refused: there is no such event, or the actor may not correct it.
        """
        target = next((envelope for envelope in history if envelope.meta.version == version), None)
        if target is None:
            raise Refused("no_such_act", version=version)
        wrong = _events_of_same_command(target, history)
        if (refusal := _correction_refusal(target, wrong, state, authenticated.unit, roles)) is not None:
            raise refusal
        return wrong


def _require_binding_strength(authenticated: AuthenticatedCommand) -> None:
    """Check that the strength suffices for taking back what binds.

    Raises:
        Refused: as `strengths.require_strength`.
    """
    require_strength(authenticated.strength, for_organiser=False, binding=True)


def _require_decided(whose: str, authenticated: AuthenticatedCommand, state: State, roles: frozenset[Party]) -> None:
    """Check that head or deputy change an act that another unit entered only where a recorded meeting decided it.

    Raises:
        Refused: `meeting_must_decide`.
    """
    if Party.SECRETARIAT not in roles and whose != authenticated.unit and not state.is_recorded(authenticated.meeting):
        raise Refused("meeting_must_decide", unit=whose)


def _events_of_same_command(
    target: EventEnvelope[Event], history: Iterable[EventEnvelope[Event]]
) -> list[EventEnvelope[Event]]:
    """Return the events of the target's command. Of a correction, only those that replace the wrong ones."""
    return [
        envelope
        for envelope in history
        if envelope.meta.command_id == target.meta.command_id
        and not isinstance(envelope.event, corrections.ActCorrected)
    ]


def _correction_refusal(
    target: EventEnvelope[Event],
    same_command: Iterable[EventEnvelope[Event]],
    state: State,
    unit: str,
    roles: frozenset[Party],
) -> Refused | None:
    """Return why a person of `unit` cannot correct the target and the other events of its command; None if they can."""
    version = target.meta.version
    if version in state.corrections.corrected:
        return Refused("act_is_corrected", version=version, by=state.corrections.corrected[version])
    if isinstance(target.event, corrections.ActCorrected):
        return Refused("not_correctable", version=version)
    if not rights.may_correct(target.meta, unit, roles, state):
        return Refused("not_yours", act=corrections.CorrectAct.NAME)
    uncorrectable = any(not envelope.event.CORRECTABLE for envelope in same_command)
    return Refused("not_correctable", version=version) if uncorrectable else None


def permitted_commands(person: str, unit: str, state: State, now: datetime) -> tuple[type[Command], ...]:
    """Return the commands that a page may offer to a person now.

    This is no permission: `rights.check` decides on the command itself when it is issued.
    """
    roles = rights.roles_of(person, unit, state, now)
    return tuple(command for command in COMMANDS if roles & command.ALLOWED)


def correctable(
    history: Iterable[EventEnvelope[Event]], state: State, person: str, unit: str, now: datetime
) -> Mapping[int, Refused | None]:
    """Return by event version why a person could not correct the event now; None where they could.

    Pages use it to offer corrections. `decide` makes the same checks when the correction is issued.
    """
    envelopes, roles = tuple(history), rights.roles_of(person, unit, state, now)
    if not roles & corrections.CorrectAct.ALLOWED:
        not_yours = Refused("not_yours", act=corrections.CorrectAct.NAME)
        return {envelope.meta.version: not_yours for envelope in envelopes}
    by_command: dict[UUID, list[EventEnvelope[Event]]] = {}
    for envelope in envelopes:
        if not isinstance(envelope.event, corrections.ActCorrected):
            by_command.setdefault(envelope.meta.command_id, []).append(envelope)
    return {
        meta.version: _correction_refusal(
            EventEnvelope(event, meta), by_command.get(meta.command_id, ()), state, unit, roles
        )
        for event, meta in envelopes
    }


def _check_rights(authenticated: AuthenticatedCommand, state: State, *, correcting: bool = False) -> frozenset[Party]:
    """Return the actor's roles, as `rights.check`; commands of other streams, such as a year's, are refused as well."""
    command = type(authenticated.command)
    if command not in _COMPOSITION.decides and command is not corrections.CorrectAct:
        raise Refused("not_yours", act=command.NAME)
    return rights.check(authenticated, state, correcting=correcting)


def _taken_back(
    event: corrections.ActCorrected, meta: Meta, history: Iterable[EventEnvelope[Event]]
) -> dict[str, LastChange]:
    """Return a correction as the change of what the corrected events changed."""
    wrong = [envelope.event for envelope in history if envelope.meta.version in event.versions]
    of_each = ((type(one).SUBJECTS, one) for one in wrong)
    subjects = [subject for find, one in of_each if find is not None for subject in find(one)]
    return dict.fromkeys(subjects, LastChange(meta.version, meta.actor, meta.unit))


def _check_reading(authenticated: AuthenticatedCommand, state: State) -> None:
    """Refuse a command whose actor has not read what has changed since about the same subject.

    Raises:
        Refused: `changed_since`.
    """
    command, read = authenticated.command, authenticated.based_on
    subjects = type(command).READS
    if read is None or subjects is None:
        return
    found = (state.changes.get(subject) for subject in subjects(command))
    newer = [change for change in found if change is not None and change.version > read]
    if newer:
        last = max(newer, key=lambda change: change.version)
        raise Refused(
            "changed_since", act=command.NAME, version=last.version, unit=last.unit, actor=last.actor, read=read
        )


def _decide_by_step(
    authenticated: AuthenticatedCommand, meta: Meta, state: State, rules: Edition
) -> tuple[EventEnvelope[Event], ...]:
    """Return the events of the step that decides the command, and the signatories if they are named."""
    # An act is held to the edition that was in force when it happened; who acknowledges a deviation sees all of them.
    held_to = rules if isinstance(authenticated.command, corrections.AcknowledgeDeviation) else rules.at(meta.happened)
    events = _COMPOSITION.decides[type(authenticated.command)](authenticated.command, meta, state, held_to)
    envelopes: tuple[EventEnvelope[Event], ...] = tuple(
        EventEnvelope(event, meta._replace(version=meta.version + n)) for n, event in enumerate(events)
    )
    return (*envelopes, *_signatories(authenticated, meta, meta.version + len(envelopes)))


def _signatories(authenticated: AuthenticatedCommand, meta: Meta, version: int) -> tuple[EventEnvelope[Event], ...]:
    """Return the event that names who signed or issued the paper of the act, if the command names them."""
    if authenticated.signatories is None:
        return ()
    return (
        EventEnvelope(
            signatories.SignatoriesNamed(of=meta.version, signatories=authenticated.signatories),
            meta._replace(version=version),
        ),
    )


def _advanced_lifecycle(current: lifecycle.Lifecycle, meta: Meta) -> lifecycle.Lifecycle | None:
    """Return the lifecycle after any event; None if it does not change.

    In a backfilled cycle, time goes from the first event to the last, in whatever order they were entered. A rehearsed
    event marks the whole cycle as rehearsed.
    """
    rehearsed = current.rehearsed or meta.provenance.kind == "rehearsed"
    since, now = current.clock_since, current.now
    if current.clock == "backfill":
        earliest = meta.happened.earliest.astimezone(ICT)  # in one zone, so that states are equal as texts, too
        since = earliest if since is None or earliest <= since else since
        now = meta.happened.latest if now is None else max(now, meta.happened.latest)
    if (since, now, rehearsed) == (current.clock_since, current.now, current.rehearsed):
        return None
    return replace(current, clock_since=since, now=now, rehearsed=rehearsed)


def _date_of_event(authenticated: AuthenticatedCommand, state: State, roles: frozenset[Party]) -> When:
    """Return when the command's events happened.

    Raises:
        Refused: `when_is_missing`, `not_yours_to_date` or `in_the_future`.
    """
    command = authenticated.command
    if authenticated.actor == CLOCK and authenticated.happened is not None:
        return authenticated.happened
    if isinstance(command, lifecycle.OpenCycle):
        return authenticated.happened or When.at(command.starts)
    if isinstance(command, lifecycle.StepTo):
        return When.at(command.now)
    if isinstance(command, lifecycle.ChangeCalendar):
        return When.at(command.since)
    now = lifecycle.business_now(state.lifecycle, authenticated.issued)
    if authenticated.happened is None:
        if state.lifecycle.clock == "backfill":
            raise Refused("when_is_missing", act=command.NAME)
        return When.at(now)
    if not roles & rights.DATES:
        raise Refused("not_yours_to_date", act=command.NAME)
    latest = authenticated.issued if state.lifecycle.clock == "backfill" else now
    if authenticated.happened.earliest > latest + SKEW:
        raise Refused("in_the_future", on=authenticated.happened.day, now=latest.astimezone(ICT).date())
    return authenticated.happened


def _provenance(authenticated: AuthenticatedCommand, state: State) -> Provenance:
    """Return the provenance of the command's events: in a rehearsal always "rehearsed", else as stated."""
    clock = (
        authenticated.command.clock
        if isinstance(authenticated.command, (lifecycle.OpenCycle, lifecycle.ChangeCalendar))
        else state.lifecycle.clock
    )
    if clock == "stepped" or (authenticated.strength is Strength.REHEARSAL and clock == "wall"):
        source = authenticated.provenance.source if authenticated.provenance else ""
        return Provenance(kind="rehearsed", source=source)
    if authenticated.provenance is not None:
        return authenticated.provenance
    if clock == "backfill" and not isinstance(authenticated.command, _OF_THE_REGISTER):
        return Provenance(kind="unsourced")
    return Provenance(kind="stated", source="" if authenticated.actor != CLOCK else CLOCK)


_OF_THE_REGISTER = (
    lifecycle.OpenCycle,
    lifecycle.FileCycle,
    lifecycle.ReopenCycle,
    lifecycle.AdoptEdition,
    lifecycle.ChangeCalendar,
    corrections.CorrectAct,
    corrections.AcknowledgeDeviation,
)
"""Acts by which a register of a past year is kept: no source tells of them."""


CYCLE = CycleDecider()
