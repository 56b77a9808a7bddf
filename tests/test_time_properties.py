"""Random days at the bounds of deadlines, random admissions and mergers, random orders of entry, by plain reckoning."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from soak import SOAK
from speech import CITY, RULES, TEXT, UNITS, Case, day, opening
from test_file_orders import compared, differences

from domain import obligations as owed_by_units
from domain.codec import plain
from domain.dates import parse_when
from domain.deviations import deviations
from domain.duties import Duty
from domain.obligations import obligations
from domain.records import Command, Refused
from domain.rules import Edition
from domain.scoring.scores import AppraiseScores, ScoreSelf, SheetItem
from domain.steps import conclusion
from domain.steps.awards import FileComplaint
from domain.steps.clock import DeadlinePassed, UnitReminded
from domain.steps.commenting import TakeStance
from domain.steps.conclusion import ChooseNext, DecideAwards, ExcludeUnit, Grant, Nominate, PublishResults, Submit
from domain.steps.drafting import PresentDraft
from domain.steps.extensions import GrantExtension
from domain.steps.letters import AnswerLetter, RecordLetter
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import BEGINNING, AdmitUnit, AssignRole, Membership, ReleaseUnit
from domain.steps.midyear import AcceptReport, AnswerCorrection, ReportMidyear, SendBack
from domain.steps.signing import DeclineToSign, SignCovenant, SignJointly
from domain.steps.succession import DissolveUnit, MergeUnits, SplitUnit
from domain.steps.targets import AcceptRegistration, RegisterTargets, ReportResult, ReturnRegistration
from domain.steps.voting import RecordBallot
from domain.summaries import deviation_values, obligation_values
from domain.times import When, end_of
from domain.types import Document, Participant
from domain.units import Unit
from domain.workdays import Calendar

FIRST, SECOND, THIRD = UNITS
PAPER = Document(title="Văn bản")
SHEET = tuple(SheetItem(criterion=name, points="1") for name in ("a1", "a2", "b"))
LATER = day(12, 31, year=2028)

# Days at the bounds -------------------------------------------------------------------------------------------------

ACTS: dict[Duty, tuple[str, Command]] = {
    Duty.SIGNATURE: (FIRST, SignJointly(units=(FIRST,))),
    Duty.MIDYEAR_REPORT: (FIRST, ReportMidyear(unit=FIRST, report=PAPER)),
    Duty.SELF_SCORE: (FIRST, ScoreSelf(unit=FIRST, sheet=SHEET)),
    Duty.FINAL_MEETING: (CITY, RecordMeeting(id="tk", kind="final")),
    Duty.DRAFT: (CITY, PresentDraft(kind="plan", document=PAPER)),
}


@dataclass(frozen=True)
class Spell:
    """A deadline, and days around it."""

    duty: Duty
    named: date
    if_off: str
    off: tuple[date, ...]
    first: date
    last: date
    more: tuple[date, date] | None
    """An extension: when it was granted, and until which day."""


@st.composite
def spells(draw: st.DrawFn) -> Spell:
    named = draw(st.dates(date(2026, 1, 10), date(2026, 12, 20)).filter(lambda one: (one.month, one.day) != (2, 29)))
    near = st.integers(-4, 6).map(lambda days: named + timedelta(days=days))
    off = draw(st.lists(near, unique=True, max_size=3))
    first = draw(near)
    last = draw(st.sampled_from([first, first + timedelta(days=2), first + timedelta(days=40)]))
    if draw(st.integers(0, 5)) == 0:  # known by month only
        first = first.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    more = (draw(near), draw(near)) if draw(st.booleans()) else None
    if_off = draw(st.sampled_from(["stays", "next", "previous"]))
    return Spell(draw(st.sampled_from(list(ACTS))), named, if_off, tuple(off), first, last, more)


def last_day(spell: Spell) -> date:
    """The last day of a deadline, as one finds it in a calendar."""
    found = spell.named
    while spell.if_off != "stays" and (found.weekday() >= 5 or found in spell.off):
        found += timedelta(days=1 if spell.if_off == "next" else -1)
    return found


def is_late(spell: Spell) -> bool:
    """Whether the act certainly came after its last day; more time that was granted after the act helps nothing."""
    due = last_day(spell)
    if spell.more is not None and spell.more[1] > due and not spell.last < spell.more[0]:
        due = spell.more[1]
    return spell.first > due


def check_lateness(spell: Spell) -> None:
    deadline = {
        "duty": spell.duty,
        "due": {"month": spell.named.month, "day": spell.named.day},
        "if_day_off": spell.if_off,
        "article": "Điều 1",
    }
    off = [{"first": one.isoformat(), "title": f"Nghỉ {n}"} for n, one in enumerate(spell.off)]
    rules = {"deadlines": [deadline], "calendar": {"days_off": off}, "required_drafts": ["plan"]}
    case = Case(opened=False, rules=Edition.model_validate({**RULES.model_dump(mode="json"), **rules}))
    case.when(opening("backfill")).happened()
    bearer, act = ACTS[spell.duty]
    acts: list[tuple[Command, When]] = [(act, When.on(spell.first, spell.last))]
    if spell.more is not None and spell.more[1] > last_day(spell):
        more = GrantExtension(duty=spell.duty, unit=bearer, until=spell.more[1], reason=TEXT)
        acts.insert(0, (more, When.on(spell.more[0])))
    for command, when in acts:
        case.when(command, happened=when, issued=LATER).happened()
    late = {one.facts["duty"] for one in deviations(case.state, case.rules) if one.code == "late_act"}
    assert late == ({spell.duty} if is_late(spell) else set())


@settings(max_examples=3_000 if SOAK else 120, deadline=None)
@given(spells())
def test_an_act_is_late_as_one_finds_it_in_a_calendar(spell: Spell) -> None:
    check_lateness(spell)


# Units that come and go ---------------------------------------------------------------------------------------------

OF_UNITS = (Duty.STANCE, Duty.SIGNATURE, Duty.MIDYEAR_REPORT, Duty.SELF_SCORE)
DUE = {
    Duty(one.duty): end_of(one.due.of(2026))
    for one in RULES.deadlines
    if one.duty in OF_UNITS and hasattr(one.due, "of")
}


def does(duty: Duty, unit: str) -> Command:
    """The act by which a unit does a duty."""
    match duty:
        case Duty.STANCE:
            return TakeStance(unit=unit, stance="agreed")
        case Duty.SIGNATURE:
            return SignCovenant(unit=unit)
        case Duty.MIDYEAR_REPORT:
            return ReportMidyear(unit=unit, report=PAPER)
        case _:
            return ScoreSelf(unit=unit, sheet=SHEET)


@dataclass
class Book:
    """What one would keep beside the register: since when each unit has duties, and what it has done."""

    inherits: bool
    since: dict[str, datetime | None] = field(default_factory=lambda: dict.fromkeys(UNITS))
    """None: from the beginning. A unit that has left is not in it."""
    done: set[tuple[str, Duty]] = field(default_factory=set)

    def join(self, unit: str, now: datetime, after: tuple[str, ...] = ()) -> None:
        """A unit joins at an instant, `after` its predecessors; one that is there goes on."""
        since = self.since.get(unit, now)
        if self.inherits and after:
            known = [since, *(self.since[one] for one in after)]
            since = None if None in known else min(one for one in known if one is not None)
        self.since[unit] = since

    def open(self) -> set[tuple[str, Duty]]:
        """Who owes what: of each unit, what falls due after it has duties, and is not done."""
        return {
            (unit, duty)
            for unit, since in self.since.items()
            for duty, due in DUE.items()
            if (since is None or due > since) and (unit, duty) not in self.done
        }


Step = tuple[int, int, str, int, int]
"""Days and hours that pass, what happens, and two numbers that choose the units."""
HAPPENS = ("admit", "admit-again", "release", "merge", "merge-into", "split", "split-on", "dissolve", "act", "act")
STEPS = st.lists(
    st.tuples(
        st.integers(0, 70),
        st.sampled_from([0, 9]),
        st.sampled_from(HAPPENS),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=8,
)


class Year:
    """A cycle and the book beside it, through the same steps."""

    def __init__(self, *, inherits: bool) -> None:
        rules = {**RULES.model_dump(), "inherits": ("duties",) if inherits else ()}
        self.case, self.book = Case(rules=Edition.model_validate(rules)), Book(inherits)
        for kind in ("plan", "bylaws", "covenant"):
            self.case.when(PresentDraft(kind=kind, document=PAPER)).happened()
        self.now, self._new, self._gone = day(1, 1, 0), 0, list[str]()

    def pass_time(self, now: datetime) -> None:
        """Time goes on; the clock marks what one would mark: each open duty whose last day has passed."""
        owed, before, seen = self.book.open(), self.now, len(self.case.history)
        self.case.step(now)
        self.now = now
        events = [one.event for one in self.case.history[seen:]]
        marked = {(one.unit, one.duty) for one in events if isinstance(one, DeadlinePassed) and one.duty in DUE}
        assert marked == {(unit, duty) for unit, duty in owed if before < DUE[duty] <= now}
        spoken_of = {one.unit for one in events if isinstance(one, (DeadlinePassed, UnitReminded))}
        assert spoken_of <= {*self.book.since, CITY}

    def take(self, step: Step) -> None:
        """One step, if it is possible then."""
        days, hour, what, one, other = step
        now = (self.now + timedelta(days=days)).replace(hour=hour)
        if now > self.now:
            if now.year > 2026:
                return
            self.pass_time(now)
        members = list(self.book.since)
        command = self._command(what, members, members[one % len(members)], members[other % len(members)], other)
        if command is None:
            return
        checks = self._checks()
        self.case.when(command).happened()
        if isinstance(command, AdmitUnit) and self.now >= DUE[Duty.SELF_SCORE]:
            assert self._checks() == checks, "a unit that comes late moves no other unit's check"

    def _command(self, what: str, members: list[str], unit: str, with_: str, number: int) -> Command | None:
        if what == "act":
            duty = OF_UNITS[number % len(OF_UNITS)]
            if (unit, duty) in self.book.done:
                return None
            self.book.done.add((unit, duty))
            return does(duty, unit)
        if what in {"admit", "admit-again"}:
            again = [one for one in self._gone if one not in self.book.since]
            new = again[-1] if what == "admit-again" and again else self._fresh().id
            self.book.since[new] = self.now
            return AdmitUnit(unit=new, name=new)
        return self._succession(what, unit, with_, number) if len(members) > 2 else None

    def _succession(self, what: str, unit: str, with_: str, number: int) -> Command | None:
        """What ends a unit, and the units that go on from it."""
        own = Unit(id=unit, name=unit)
        match what:
            case "release":
                self._take_over((), unit)
                return ReleaseUnit(unit=unit)
            case "dissolve":
                heirs = (self._fresh(),) if number % 2 else ()
                self._take_over(heirs, unit)
                return DissolveUnit(unit=unit, into=heirs)
            case "split" | "split-on":
                parts = (self._fresh(), self._fresh() if what == "split" else own)
                self._take_over(parts, unit)
                return SplitUnit(unit=unit, into=parts)
            case _ if unit != with_:
                into = self._fresh() if what == "merge" else own
                self._take_over((into,), unit, with_)
                return MergeUnits(units=(unit, with_), into=into)
        return None

    def _take_over(self, successors: tuple[Unit, ...], *units: str) -> None:
        for successor in successors:
            self.book.join(successor.id, self.now, units)
        for gone in {*units} - {one.id for one in successors}:
            self._gone.append(gone)
            del self.book.since[gone]

    def _fresh(self) -> Unit:
        """A unit that comes for the first time, or in place of one that had left."""
        self._new += 1
        again = [one for one in self._gone if one not in self.book.since]
        name = again[0] if again and self._new % 3 == 0 else f"moi-{self._new}"
        return Unit(id=name, name=name)

    def _checks(self) -> set[tuple[str, str, bool]]:
        owed = obligations(self.case.state, self.case.rules)
        return {(o.bearer, o.subject, o.done is not None) for o in owed if o.duty is Duty.CROSS_CHECK}

    def check(self) -> None:
        """The register tells what stands in the book."""
        owed = [one for one in obligations(self.case.state, self.case.rules) if one.done is None]
        assert {(o.bearer, o.duty) for o in owed if o.duty in DUE} == self.book.open()
        assert {o.bearer for o in owed} | {o.subject for o in owed} <= {*self.book.since, CITY, ""}
        assert not [
            one for one in deviations(self.case.state, self.case.rules) if "late" in one.key and self._free(one)
        ]

    def _free(self, late: Any) -> bool:
        """Whether an act is called late of a duty that the unit had not when it was due."""
        since, duty = self.book.since.get(late.facts["unit"]), late.facts["duty"]
        return since is not None and duty in DUE and DUE[duty] <= since


def run(steps: list[Step], *, inherits: bool) -> None:
    year = Year(inherits=inherits)
    for step in steps:
        year.take(step)
        year.check()
    if year.now < day(12, 31, 0):
        year.pass_time(day(12, 31, 0))
        year.check()


@settings(max_examples=1_500 if SOAK else 50, deadline=None)
@given(STEPS, st.booleans())
def test_units_that_come_and_go_owe_what_one_would_expect(steps: list[Step], inherits: bool) -> None:
    run(steps, inherits=inherits)


# Orders of entry ----------------------------------------------------------------------------------------------------

A_UNIT = Participant(unit=FIRST)
GRANTS = (Grant(unit=SECOND, award="co"),)
BALLOT = {"id": "v", "subject": "head", "method": "secret-ballot", "choices": [{"unit": FIRST, "votes": 3}], "cast": 3}
FACTS: tuple[tuple[str, Command], ...] = (
    ("01/2026", AssignRole(role="head", holder=FIRST, manner="elected")),
    ("01/07/2026", AssignRole(role="head", holder=SECOND, manner="elected")),
    ("02/2026", PresentDraft(kind="plan", document=PAPER)),
    ("03/02/2026", PresentDraft(kind="bylaws", document=PAPER)),
    ("10/03/2026", PresentDraft(kind="covenant", document=PAPER)),
    ("10/02/2026", TakeStance(unit=SECOND, stance="changes-requested")),
    ("20/02/2026", TakeStance(unit=SECOND, stance="agreed")),
    ("02/2026", DeclineToSign(unit=THIRD, reason=TEXT)),
    ("10/03/2026", SignJointly(units=(FIRST, SECOND))),
    ("04/2026", SignJointly(units=(THIRD,))),
    ("01/06/2026", AdmitUnit(unit="tay-ho", name="Tây Hồ")),
    ("05/07/2026", ReportMidyear(unit="tay-ho", report=PAPER)),
    ("06/07/2026", ReportMidyear(unit=FIRST, report=Document(title="Bản đầu"))),
    ("13/07/2026", ReportMidyear(unit=FIRST, report=PAPER)),
    ("15/07/2026", SendBack(unit=FIRST, text=TEXT)),
    ("08/2026", AnswerCorrection(unit=FIRST, text=TEXT)),
    ("01/09/2026", AcceptReport(unit=FIRST)),
    ("15/07/2026", RecordMeeting(id="so-ket", kind="mid-year")),
    ("12/2026", RecordMeeting(id="tong-ket", kind="final")),
    ("20/01/2026", RecordLetter(id="cv", kind="direction", sender=Participant(unit=CITY), recipients=(A_UNIT,))),
    ("10/01/2026", AnswerLetter(letter="cv", by=A_UNIT, document=PAPER)),
    ("05/2026", RegisterTargets(unit=THIRD, titles=("Cờ",))),
    ("06/2026", ReturnRegistration(unit=THIRD, reason=TEXT)),
    ("07/2026", AcceptRegistration(unit=THIRD)),
    ("11/2026", ReportResult(unit=THIRD, title="Nhà", amount="12", measure="nhà")),
    ("05/11/2026", ScoreSelf(unit=SECOND, sheet=SHEET)),
    ("11/11/2026", ScoreSelf(unit=SECOND, sheet=(*SHEET[:2], SHEET[2].model_copy(update={"points": Decimal(2)})))),
    (
        "25/11/2026",
        AppraiseScores(unit=SECOND, sheet=tuple(item.model_copy(update={"reason": TEXT}) for item in SHEET)),
    ),
    ("12/2026", RecordBallot.model_validate(BALLOT)),
    ("12/2026", Nominate(unit=SECOND, award="co")),
    ("12/2026", ExcludeUnit(unit=THIRD, reason=TEXT)),
    ("12/2026", ChooseNext(role="head", unit=THIRD, manner="elected")),
    ("20/12/2026", Submit(submission=PAPER)),
    ("01/2027", DecideAwards(grants=GRANTS, reason=TEXT)),
    ("15/02/2027", DecideAwards(decision=PAPER, grants=GRANTS, reason=TEXT)),
    ("03/2027", PublishResults()),
    ("04/2027", FileComplaint(by=A_UNIT, text=TEXT)),
    ("31/12/2026", ReleaseUnit(unit=THIRD)),
)
"""Facts of a year as sources tell them, in the order of their days, with some that a later one overtakes."""


def told_after(order: Iterable[int]) -> Any:
    """What the register tells when facts are entered in this order; what needs another fact waits for it."""
    case = Case(opened=False).when(opening("backfill")).happened()
    waiting = [FACTS[number] for number in order]
    while waiting:
        left, why = [], []
        for on, command in waiting:
            case.when(command, happened=parse_when(on), issued=LATER)
            if isinstance(case.outcome, Refused):
                left.append((on, command))
                why.append(f"{on} {command.NAME}: {case.outcome.code}")
        assert len(left) < len(waiting), why
        waiting = left
    values = plain(case.state)
    for slice_, name in (("conclusion", "nominations"), ("signing", "declined")):  # without the versions of events
        values[slice_][name] = sorted(values[slice_][name])
    found = {
        "state": values,
        "deviations": [deviation_values(one) for one in deviations(case.state, case.rules)],
        "obligations": [obligation_values(one) for one in obligations(case.state, case.rules)],
    }
    return compared(json.loads(json.dumps(found, default=str)))


@cache
def told_in_order() -> Any:
    """What the register tells when facts are entered in the order of their days."""
    return told_after(range(len(FACTS)))


def check_order(order: list[int]) -> None:
    found = differences(told_in_order(), told_after(order))
    assert not found, "\n".join(found)


@settings(max_examples=5_000 if SOAK else 100, deadline=None)
@given(st.permutations(range(len(FACTS))))
def test_facts_in_any_order_end_in_the_same_state(order: list[int]) -> None:
    check_order(order)


# Negative controls --------------------------------------------------------------------------------------------------


def _merged_again(membership: Membership, unit: str) -> datetime:
    """Since when a unit has duties, without a thought of what it inherits."""
    stays = membership.stays.get(unit)
    return stays[-1].since if stays else BEGINNING


WRONG: dict[str, tuple[object, str, Callable[..., object], Callable[[], None]]] = {
    "an act of the next day is in time": (
        When,
        "after",
        lambda when, due: when.earliest > due,
        given(spells())(check_lateness),
    ),
    "a day off moves nothing": (
        Calendar,
        "settled",
        lambda _calendar, one, _if_off: one,
        given(spells())(check_lateness),
    ),
    "what was due before is owed": (
        owed_by_units,
        "_begins",
        lambda _obligation, _state: BEGINNING,
        given(STEPS)(lambda steps: run(steps, inherits=False)),
    ),
    "duties are not inherited": (
        Membership,
        "has_duties_since",
        _merged_again,
        given(STEPS)(lambda steps: run(steps, inherits=True)),
    ),
    "whoever comes late is in the list of checks": (
        owed_by_units,
        "_listed_for_checks",
        lambda state, _rules: state.membership.members(),
        given(st.just([(320, 9, "admit", 0, 0)]))(lambda steps: run(steps, inherits=False)),
    ),
    "what is entered last counts": (
        conclusion,
        "_is_overtaken",
        lambda _recorded, _meta: False,
        given(st.permutations(range(len(FACTS))))(check_order),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_law_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told_in_order()
    where, name, instead, check = WRONG[what]
    monkeypatch.setattr(where, name, instead)
    examples = settings(max_examples=400, deadline=None, database=None, phases=[Phase.generate], derandomize=True)
    with pytest.raises(AssertionError):
        examples(check)()
