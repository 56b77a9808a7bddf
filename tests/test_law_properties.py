"""Whatever is said, in whatever order: the invariants of a cycle hold."""

from __future__ import annotations

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st
from speech import CITY, NOW, STREAM, TEXT, UNITS, Case, day

from audit.replay import select
from domain.codec import decode, encode, plain, state_digest
from domain.commands import AuthenticatedCommand
from domain.cycle import CYCLE, correctable
from domain.deviations import deviations
from domain.obligations import obligations
from domain.records import Command, EventEnvelope, Refused
from domain.scoring.scores import ScoreSelf, SheetItem, calculated_scores
from domain.steps.commenting import TakeStance, TakeStanceTogether
from domain.steps.conclusion import Nominate
from domain.steps.corrections import CorrectAct
from domain.steps.drafting import PresentDraft
from domain.steps.letters import AnswerLetter, RecordLetter
from domain.steps.lifecycle import business_now
from domain.steps.membership import AdmitUnit, AssignRole, ReleaseUnit
from domain.steps.midyear import AcceptReport, ReportMidyear, SendBack
from domain.steps.signing import SignCovenant, SignJointly
from domain.steps.succession import CloseEarly, DissolveUnit, MergeUnits, SplitUnit
from domain.steps.targets import RegisterTargets, ReturnRegistration
from domain.strengths import Strength
from domain.types import Document, Participant
from domain.units import Unit

units = st.sampled_from([*UNITS, "tay-ho", "quan-khac"])
speakers = st.sampled_from([*UNITS, CITY, "tay-ho"])


heirs = st.sampled_from([*UNITS, "phuong-moi"]).map(lambda unit: Unit(id=unit, name=unit))
letters = st.sampled_from(["cv-1", "cv-2"])
voices = units.map(lambda unit: Participant(unit=unit))


def acts() -> st.SearchStrategy[Command]:
    paper = st.sampled_from(["một", "hai"]).map(lambda title: Document(title=title))
    points = st.decimals(min_value=0, max_value=45, places=2)
    return st.one_of(
        st.builds(PresentDraft, kind=st.sampled_from(["plan", "bylaws", "covenant"]), document=paper),
        st.builds(TakeStance, unit=units, stance=st.sampled_from(["agreed", "changes-requested"])),
        st.just(TakeStanceTogether(stance="agreed-in-substance", group="đại biểu")),
        st.builds(SignCovenant, unit=units, number=st.sampled_from([None, 1, 2])),
        st.just(SignJointly()),
        st.builds(AssignRole, role=st.sampled_from(["head", "deputy"]), holder=units, manner=st.just("elected")),
        st.builds(AdmitUnit, unit=units, name=st.just("Đơn vị")),
        st.builds(ReleaseUnit, unit=units),
        st.builds(ReportMidyear, unit=units, report=paper),
        st.builds(SendBack, unit=units, text=st.just(TEXT)),
        st.builds(AcceptReport, unit=units),
        st.builds(
            ScoreSelf,
            unit=units,
            sheet=st.tuples(*(st.builds(SheetItem, criterion=st.just(c), points=points) for c in ("a1", "a2", "b"))),
        ),
        st.builds(SignJointly, covenant=st.just("term-covenant")),
        st.builds(PresentDraft, kind=st.just("term-covenant"), document=paper),
        st.builds(MergeUnits, units=st.tuples(units, units), into=heirs),
        st.builds(SplitUnit, unit=units, into=st.tuples(heirs, heirs)),
        st.builds(DissolveUnit, unit=units, into=st.tuples(heirs)),
        st.builds(RegisterTargets, unit=units, titles=st.just(("Cờ",))),
        st.builds(ReturnRegistration, unit=units, reason=st.just(TEXT)),
        st.builds(RecordLetter, id=letters, kind=st.just("direction"), sender=voices, document=paper),
        st.builds(AnswerLetter, letter=letters, by=voices, document=paper, done=st.booleans()),
        st.builds(CloseEarly, reason=st.just(TEXT)),
        st.builds(Nominate, unit=units, award=st.just("co")),
        st.builds(CorrectAct, version=st.integers(1, 40), reason=st.just(TEXT)),
    )


story = st.lists(st.one_of(st.tuples(speakers, acts()), st.integers(1, 60)), max_size=40)


def tell(steps: list[tuple[str, Command] | int]) -> Case:
    case, now = Case(), day(1, 1)
    for step in steps:
        if isinstance(step, int):
            now += timedelta(days=step)
            case.step(now)
        else:
            case.when(step[1], by=step[0])
    return case


@settings(max_examples=120, deadline=None)
@given(story)
def test_every_story_keeps_the_invariants(steps: list[tuple[str, Command] | int]) -> None:
    case = tell(steps)
    assert [t.meta.version for t in case.history] == list(range(1, len(case.history) + 1))
    stored = [EventEnvelope(decode(t.event.NAME, t.event.SCHEMA, encode(t.event)), t.meta) for t in case.history]
    once, twice = CYCLE.fold(stored), CYCLE.fold(stored)
    assert state_digest(once) == state_digest(twice) == state_digest(case.state)
    corrected = set(case.state.corrections.corrected)
    signed = [
        (t.event.covenant, unit)
        for t in case.history
        if t.meta.version not in corrected
        for unit in (
            (t.event.unit,)
            if t.event.NAME == "CovenantSigned"
            else getattr(t.event, "units", ())
            if t.event.NAME == "CovenantSignedJointly"
            else ()
        )
    ]
    assert len(signed) == len(set(signed)), "signed twice"
    for result in calculated_scores(case.state, case.rules).values():
        assert 0 <= result.total <= case.rules.total


@settings(max_examples=60, deadline=None)
@given(story, speakers)
def test_what_is_offered_for_correction_is_what_the_law_lets_correct(
    steps: list[tuple[str, Command] | int], speaker: str
) -> None:
    case = tell(steps)
    now = business_now(case.state.lifecycle, NOW)
    offered = correctable(case.history, case.state, f"cb-{speaker}", speaker, now)
    for told in case.history:
        version = told.meta.version
        authenticated = AuthenticatedCommand(
            stream=STREAM,
            command=CorrectAct(version=version, reason=TEXT),
            actor=f"cb-{speaker}",
            unit=speaker,
            issued=NOW,
            command_id=uuid5(NAMESPACE_URL, "correction"),
            strength=Strength.OS_ACCOUNT,
        )
        try:
            let = CYCLE.decide(authenticated, case.state, case.rules, len(case.history), tuple(case.history)) != ()
        except Refused as refused:
            let = refused.code == "meeting_must_decide"  # the form asks for the meeting
        assert let == (offered[version] is None), told.event.NAME


@settings(max_examples=80, deadline=None)
@given(story, st.sets(st.integers(1, 80)))
def test_any_subset_of_a_history_folds(steps: list[tuple[str, Command] | int], missing: set[int]) -> None:
    case = tell(steps)
    state = CYCLE.fold(t for t in case.history if t.meta.version not in missing)
    obligations(state, case.rules)
    deviations(state, case.rules)
    plain(state)


@settings(max_examples=60, deadline=None)
@given(story, st.integers(0, 80))
def test_a_prefix_folds_like_the_running_state(steps: list[tuple[str, Command] | int], cut: int) -> None:
    case = tell(steps)
    running = CYCLE.empty()
    for told in case.history[:cut]:
        if told.event.NAME == "ActCorrected":
            return
        running = CYCLE.evolve(running, told)
    assert state_digest(running) == state_digest(CYCLE.fold(case.history[:cut]))


def test_the_fold_would_notice_a_lost_event() -> None:
    case = tell([(CITY, PresentDraft(kind="covenant", document=Document(title="một"))), (CITY, SignJointly())])
    assert state_digest(CYCLE.fold(case.history[:-1])) != state_digest(case.state)


def test_rows_are_selected_by_day_version_and_knowledge() -> None:
    assert select([], at=None) == ([], [])
