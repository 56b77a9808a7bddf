"""The hall of a cycle: composes the rooms into the law of one cluster's year.

Nothing else is decided here than when a thing happened, how sure it is, and what a correction leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain import (
    awards,
    chasing,
    commenting,
    conclusion,
    deadlines,
    drafting,
    frame,
    hands,
    letters,
    meetings,
    membership,
    midyear,
    register,
    rights,
    scores,
    signing,
    succession,
    targets,
    voting,
)
from domain.kernel import CLOCK, ICT, Act, AlreadySaid, Event, Meta, Provenance, Refused, Room, Told, When
from domain.rights import Party
from domain.rules import Edition
from domain.saying import Saying, compose, parse_act

ROOMS: tuple[Room, ...] = (
    frame.room,
    membership.room,
    succession.room,
    succession.handover_room,
    drafting.room,
    commenting.room,
    signing.room,
    signing.term_room,
    targets.room,
    meetings.room,
    letters.room,
    midyear.room,
    scores.room,
    voting.room,
    conclusion.room,
    awards.room,
    deadlines.room,
    chasing.room,
    register.room,
    hands.room,
)

SKEW = timedelta(minutes=5)
"""How far two machines' clocks may differ before "in the future" is said."""

NOT_CORRECTABLE = (
    frame.CycleOpened,
    frame.CalendarChanged,
    frame.TimeStepped,
    frame.EditionAdopted,
    frame.DutyClosed,
    frame.DutyReopened,
    frame.CycleFiled,
    frame.CycleReopened,
    register.ActCorrected,
    deadlines.UnitReminded,
    deadlines.DeadlinePassed,
    deadlines.EscalationProposed,
)
"""What carries the register itself; a wrong one is put right by a later act of its own kind."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is held to be true of one cluster's year, one slice for each room."""

    frame: frame.Frame = field(default_factory=frame.Frame)
    membership: membership.Membership = field(default_factory=membership.Membership)
    drafts: drafting.Drafts = field(default_factory=dict)
    comments: commenting.Comments = field(default_factory=commenting.Comments)
    term_signing: signing.Signing = field(default_factory=signing.Signing)
    signing: signing.Signing = field(default_factory=signing.Signing)
    targets: targets.Targeting = field(default_factory=targets.Targeting)
    meetings: meetings.Meetings = field(default_factory=dict)
    letters: letters.Letters = field(default_factory=letters.Letters)
    midyear: midyear.Reports = field(default_factory=dict)
    scores: scores.Scores = field(default_factory=dict)
    ballots: voting.Ballots = field(default_factory=dict)
    conclusion: conclusion.Conclusion = field(default_factory=conclusion.Conclusion)
    awards: awards.Awards = field(default_factory=awards.Awards)
    deadlines: deadlines.Deadlines = field(default_factory=deadlines.Deadlines)
    chasing: chasing.Chasing = ()
    register: register.Register = field(default_factory=register.Register)
    hands: hands.AllHands = field(default_factory=dict)


_LAW = compose(ROOMS)
_SLICES = tuple(f.name for f in fields(State))
if unruled := set(_LAW.decides) ^ (set(rights.MAY) - {register.CorrectAct}):
    raise TypeError(f"acts without a rule of rights, or rights without an act: {unruled}")


class CycleLaw:
    """The law of one cluster's year (see `domain.saying.Law`)."""

    def empty(self) -> State:
        return State()

    def decide(
        self, saying: Saying, state: State, rules: Edition, version: int, history: tuple[Told[Event], ...] = ()
    ) -> tuple[Told[Event], ...]:
        """What happens if it is said now.

        Raises:
            Refused: it cannot be true, or is not this person's to say.
            AlreadySaid: the same act stands in the register.
        """
        if isinstance(saying.act, register.CorrectAct):
            return self._correct(saying, saying.act, state, rules, version, history)
        mine = rights.check(saying, state)
        happened = _happened(saying, state, mine)
        meta = saying.meta(version + 1, happened, _provenance(saying, state))
        return _told(saying, meta, state, rules)

    def evolve(self, state: State, told: Told[Event]) -> State:
        """The state after an event. An event that no room knows is a mistake of ours and a KeyError."""
        event, meta = told.event, told.meta
        changes: dict[str, Any] = {
            name: change(getattr(state, name), event, meta) for name, change in _LAW.evolves[type(event)]
        }
        if (moved := _moved_on(changes.get("frame", state.frame), meta)) is not None:
            changes["frame"] = moved
        # Not `replace`: this is done for every event that is read on, and takes 4 µs so in place of 7.
        return State(*[changes[name] if name in changes else getattr(state, name) for name in _SLICES])

    def fold(self, history: Iterable[Told[Event]], onto: State | None = None) -> State:
        """See `domain.saying.Law`."""
        told = tuple(history)
        left_out = {v for t in told if isinstance(t.event, register.ActCorrected) for v in t.event.versions}
        before = State() if onto is None else onto
        slices: dict[str, Any] = {name: getattr(before, name) for name in _SLICES}
        evolves = _LAW.evolves
        for one in told:
            meta = one.meta
            if meta.version in left_out:
                continue
            for name, change in evolves[type(one.event)]:
                slices[name] = change(slices[name], one.event, meta)
            if (moved := _moved_on(slices["frame"], meta)) is not None:
                slices["frame"] = moved
        return State(**slices)

    def edition(self, state: State) -> str | None:
        return state.frame.edition

    def now(self, state: State, real_now: datetime) -> datetime:
        return frame.business_now(state.frame, real_now)

    def next_due(self, state: State, rules: Edition) -> datetime | None:
        return deadlines.next_due(state, rules)

    def due(self, state: State, rules: Edition, now: datetime) -> tuple[datetime, tuple[Act, ...]] | None:
        return deadlines.due(state, rules, frame.business_now(state.frame, now))

    def _correct(
        self,
        saying: Saying,
        act: register.CorrectAct,
        state: State,
        rules: Edition,
        version: int,
        history: tuple[Told[Event], ...],
    ) -> tuple[Told[Event], ...]:
        mine = rights.check(saying, state)
        wrong = self._wrong(saying, act.version, state, mine, history)
        versions = tuple(told.meta.version for told in wrong)
        # A correction takes the date of what it corrects, so that a replay to a day between shows the right thing.
        meta = saying.meta(version + 1, wrong[0].meta.happened, _provenance(saying, state))
        correction: Told[Event] = Told(register.ActCorrected(versions=versions, reason=act.reason), meta)
        if act.instead is None:
            return (correction, *_hands(saying, meta, version + 2))
        fields_ = dict(act.instead)
        new = replace(saying, act=parse_act(str(fields_.pop("act", "")), fields_))
        if isinstance(new.act, register.CorrectAct):
            raise Refused("correction_stands_alone")
        mine = rights.check(new, state, correcting=True)
        happened = wrong[0].meta.happened if saying.happened is None else _happened(new, state, mine)
        meta = new.meta(version + 2, happened, meta.provenance)
        try:
            told = _told(new, meta, self.fold((*history, correction)), rules)
        except AlreadySaid:
            return (correction,)
        kinds = {type(t.event) for t in told} - {hands.HandsNamed}
        if not mine & rights.DATES and not kinds <= {type(t.event) for t in wrong}:
            # Another kind of act would borrow the date of this one.
            raise Refused("not_yours_to_date", act=new.act.NAME)
        return (correction, *told)

    def _wrong(
        self, saying: Saying, version: int, state: State, mine: frozenset[Party], history: tuple[Told[Event], ...]
    ) -> list[Told[Event]]:
        """The events of the act that is to be corrected, if the sayer may correct it."""
        found = next((told for told in history if told.meta.version == version), None)
        if found is None:
            raise Refused("no_such_act", version=version)
        wrong = _together(found, history)
        if (refusal := _refusal(found, wrong, state, saying.unit, mine)) is not None:
            raise refusal
        return wrong


def _together(found: Told[Event], history: Iterable[Told[Event]]) -> list[Told[Event]]:
    """The events of one command, but for the correction that it may have been."""
    return [
        told
        for told in history
        if told.meta.command_id == found.meta.command_id and not isinstance(told.event, register.ActCorrected)
    ]


def _refusal(
    found: Told[Event], together: Iterable[Told[Event]], state: State, unit: str, mine: frozenset[Party]
) -> Refused | None:
    """Why an event and those that came `together` with it cannot be corrected by somebody; None when they can."""
    version = found.meta.version
    if version in state.register.corrected:
        return Refused("act_is_corrected", version=version, by=state.register.corrected[version])
    if isinstance(found.event, register.ActCorrected):
        return Refused("not_correctable", version=version)
    if not rights.may_correct(found.meta, unit, mine, state):
        return Refused("not_yours", act=register.CorrectAct.NAME)
    fixed = any(isinstance(told.event, NOT_CORRECTABLE) for told in together)
    return Refused("not_correctable", version=version) if fixed else None


def correctable(
    history: Iterable[Told[Event]], state: State, person: str, unit: str, now: datetime
) -> Mapping[int, Refused | None]:
    """By its place, why somebody could not correct an event now; None for what they could: what a page may offer."""
    told, mine = tuple(history), rights.standing(person, unit, state, now)
    if not mine & rights.MAY[register.CorrectAct]:
        return {one.meta.version: Refused("not_yours", act=register.CorrectAct.NAME) for one in told}
    commands: dict[UUID, list[Told[Event]]] = {}
    for one in told:
        if not isinstance(one.event, register.ActCorrected):
            commands.setdefault(one.meta.command_id, []).append(one)
    return {one.meta.version: _refusal(one, commands.get(one.meta.command_id, ()), state, unit, mine) for one in told}


def _told(saying: Saying, meta: Meta, state: State, rules: Edition) -> tuple[Told[Event], ...]:
    """What a room decides, and whose hands it went through."""
    events = _LAW.decides[type(saying.act)](saying.act, meta, state, rules)
    told: tuple[Told[Event], ...] = tuple(
        Told(event, meta._replace(version=meta.version + n)) for n, event in enumerate(events)
    )
    return (*told, *_hands(saying, meta, meta.version + len(told)))


def _hands(saying: Saying, meta: Meta, version: int) -> tuple[Told[Event], ...]:
    if saying.hands is None:
        return ()
    return (Told(hands.HandsNamed(of=meta.version, hands=saying.hands), meta._replace(version=version)),)


def _moved_on(current: frame.Frame, meta: Any) -> frame.Frame | None:
    """What any event does to the frame: a backfilled register's time moves with it, a rehearsed one marks it all."""
    rehearsed = not current.rehearsed and meta.provenance.kind == "rehearsed"
    if current.clock == "backfill" and (current.now is None or meta.happened.latest > current.now):
        return replace(current, now=meta.happened.latest, rehearsed=current.rehearsed or rehearsed)
    return replace(current, rehearsed=True) if rehearsed else None


def _happened(saying: Saying, state: State, mine: frozenset[Party]) -> When:
    act = saying.act
    if saying.actor == CLOCK and saying.happened is not None:
        return saying.happened
    if isinstance(act, frame.OpenCycle):
        return saying.happened or When.at(act.starts)
    if isinstance(act, frame.StepTo):
        return When.at(act.now)
    if isinstance(act, frame.ChangeCalendar):
        return When.at(act.since)
    now = frame.business_now(state.frame, saying.issued)
    if saying.happened is None:
        if state.frame.clock == "backfill":
            raise Refused("when_is_missing", act=act.NAME)
        return When.at(now)
    if not mine & rights.DATES:
        raise Refused("not_yours_to_date", act=act.NAME)
    ceiling = saying.issued if state.frame.clock == "backfill" else now
    if saying.happened.earliest > ceiling + SKEW:
        raise Refused("in_the_future", on=saying.happened.day, now=ceiling.astimezone(ICT).date())
    return saying.happened


def _provenance(saying: Saying, state: State) -> Provenance:
    clock = saying.act.clock if isinstance(saying.act, (frame.OpenCycle, frame.ChangeCalendar)) else state.frame.clock
    if clock == "stepped" or (saying.strength == "rehearsal" and clock == "wall"):
        source = saying.provenance.source if saying.provenance else ""
        return Provenance(kind="rehearsed", source=source)
    return saying.provenance or Provenance(kind="stated", source="" if saying.actor != CLOCK else CLOCK)


CYCLE = CycleLaw()


def members_and_organiser(state: State) -> Mapping[str, str]:
    """Names of everybody who can owe something in the cycle."""
    return {**state.membership.names, state.frame.organiser: state.frame.organiser_name}
