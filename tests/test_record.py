"""The record of a command, an event and a notice: what is missing fails at import, and what is not opened is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from speech import CITY, TEXT, UNITS, Case
from test_format_2 import LEDGERS, Dumped, _committed

from application.timeline import timeline_of
from application.visible_state import visible_state
from application.visits import VisitedCycle, Visitor
from domain import cycle
from domain.access import Reader, is_open_deviation, is_open_to_members, readable_versions
from domain.cycle import COMMANDS, CYCLE, ENTERED_BY_PERSONS
from domain.deviations import BROUGHT_BY
from domain.duties import Duty
from domain.msgids import N_, NC_, Plural
from domain.notice_kinds import OVERSEER, Notice
from domain.notices import NOTICES_OF, notices
from domain.parties import OWN_UNIT, Party, Readers, Section
from domain.records import Command, Event, EventEnvelope, Meta
from domain.rights import subject_unit
from domain.rules import NO_RULES, Edition
from domain.scoring import scores
from domain.scoring.scores import ScoreRound, ScoreSelf
from domain.state import State, members_and_organiser
from domain.steps import letters
from domain.steps.awards import AwardsState
from domain.steps.corrections import CorrectAct
from domain.steps.membership import AssignRole
from domain.streams import is_cycle
from domain.types import Document, Label, UnitId
from ledger.mapping import to_draft, to_envelope
from projections.search import SearchIndex

FIELDS = Path(__file__).parent / "data" / "event-fields.json"

COMMAND: dict[str, Any] = {
    "name": "test-lend",
    "label": NC_("act", "test lend"),
    "summary": N_("Lend something."),
    "allowed": OWN_UNIT,
    "about": "unit",
    "closed_by": Duty.STANCE,
    "binding": True,
    "after_filing": False,
    "in_minutes": True,
    "names_any_unit": False,
}
EVENT: dict[str, Any] = {
    "name": "TestLent",
    "schema": 1,
    "sentence": N_("{unit} lends {thing}."),
    "readers": Readers.ALL_MEMBERS,
    "correctable": True,
    "in_summary": Section.LETTERS,
}
NOTICE: dict[str, Any] = {
    "name": "test_lent",
    "subject": N_("{unit} has lent something"),
    "body": Plural("The thing number {things} is lent.", "The things number {things} are lent.", "things"),
    "before_publication": False,
}


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    """Forget the classes that a test has made."""
    yield
    for table in (Command.KNOWN, Event.KNOWN, Notice.KNOWN):
        for name in [name for name in table if name.lower().startswith("test")]:
            del table[name]


def lend(record: dict[str, Any]) -> type[Command]:
    class TestLend(Command, **record):
        unit: UnitId
        thing: Label

    return TestLend


def lent(record: dict[str, Any]) -> type[Event]:
    class TestLent(Event, **record):
        unit: UnitId
        thing: Label

    return TestLent


def notify_lent(record: dict[str, Any]) -> type[Notice]:
    class TestLentNotice(Notice, **record):
        unit: UnitId
        things: tuple[int, ...]

    return TestLentNotice


def test_a_record_that_is_whole_is_taken() -> None:
    assert lend(COMMAND).CLOSED_BY is Duty.STANCE
    assert lend(COMMAND).__doc__ == "Lend something."
    assert lent(EVENT).IN_SUMMARY is Section.LETTERS


@pytest.mark.parametrize("keyword", COMMAND)
def test_a_command_without_a_keyword_is_no_command(keyword: str) -> None:
    with pytest.raises(TypeError, match=rf"TestLend: the keyword `{keyword}` is missing"):
        lend({name: value for name, value in COMMAND.items() if name != keyword})


@pytest.mark.parametrize("keyword", [keyword for keyword in EVENT if keyword != "readers"])
def test_an_event_without_a_keyword_is_no_event(keyword: str) -> None:
    with pytest.raises(TypeError, match=rf"TestLent: the keyword `{keyword}` is missing"):
        lent({name: value for name, value in EVENT.items() if name != keyword})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("name", ""),
        ("label", "test lend"),
        ("summary", "Lend something"),
        ("allowed", {Party.OWN}),
        ("allowed", frozenset({"own"})),
        ("about", "thing"),
        ("about", "by.unit"),
        ("about", 1),
        ("closed_by", "stance"),
        ("binding", None),
        ("after_filing", 1),
        ("in_minutes", "yes"),
        ("names_any_unit", None),
    ],
)
def test_a_command_whose_keyword_cannot_be_is_no_command(keyword: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"TestLend: {keyword}=.* is not possible"):
        lend({**COMMAND, keyword: value})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("name", ""),
        ("schema", 0),
        ("schema", True),
        ("sentence", "{unit} lends {object}."),
        ("sentence", 1),
        ("readers", "all-members"),
        ("correctable", None),
        ("in_summary", "letters"),
    ],
)
def test_an_event_whose_keyword_cannot_be_is_no_event(keyword: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"TestLent: {keyword}=.* is not possible"):
        lent({**EVENT, keyword: value})


@pytest.mark.parametrize("keyword", NOTICE)
def test_a_notice_without_a_keyword_is_no_notice(keyword: str) -> None:
    with pytest.raises(TypeError, match=rf"TestLentNotice: the keyword `{keyword}` is missing"):
        notify_lent({name: value for name, value in NOTICE.items() if name != keyword})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("name", ""),
        ("subject", ""),
        ("subject", "{units} have lent something"),
        ("body", ""),
        ("body", "{unit} has lent {thing}."),
        ("body", Plural("one", "many", "count")),
        ("before_publication", None),
    ],
)
def test_a_notice_whose_keyword_cannot_be_is_no_notice(keyword: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"TestLentNotice: {keyword}=.* is not possible"):
        notify_lent({**NOTICE, keyword: value})


def test_an_unknown_keyword_is_no_keyword() -> None:
    with pytest.raises(TypeError, match="TestLentNotice: unknown keywords tittle"):
        notify_lent({**NOTICE, "tittle": "Lent"})
    with pytest.raises(TypeError, match="TestLend: unknown keywords bindng"):
        lend({**COMMAND, "bindng": True})
    with pytest.raises(TypeError, match="TestLent: unknown keywords reader"):
        lent({**EVENT, "reader": Readers.ALL_MEMBERS})


def test_readers_by_unit_need_a_unit() -> None:
    with pytest.raises(TypeError, match=r"TestGiven: .* needs a field `unit`"):

        class TestGiven(Event, **{**EVENT, "sentence": "x", "readers": Readers.OWN_AND_CHECKER}):
            thing: Label


def test_whose_act_a_command_is() -> None:
    sheet = [{"criterion": "1", "points": "1"}]
    assert subject_unit(scores.CrossCheck(unit="a", by="b", sheet=sheet)) == "b"
    assert subject_unit(letters.AnswerLetter(letter="l", by={"unit": "c"}, text="0" * 64)) == "c"
    assert subject_unit(letters.AnswerLetter(letter="l", by={"group": "D"}, text="0" * 64)) is None


def test_a_cycle_decides_the_commands_of_its_steps() -> None:
    steps = [
        command
        for command in Command.KNOWN.values()
        if command.__module__.startswith(("domain.steps.", "domain.scoring."))
    ]
    assert set(COMMANDS) == set(steps)
    assert set(COMMANDS) - set(ENTERED_BY_PERSONS) == {
        Command.KNOWN[name] for name in ("remind", "mark-overdue", "propose-escalation")
    }


# Stored fields ----------------------------------------------------------------------------


def test_no_event_is_stored_under_other_keys() -> None:
    """A change of a command, or of fields that it shares with its event, must not change what is stored."""
    now = {
        name: {"schema": event.SCHEMA, "keys": [field.alias or key for key, field in event.model_fields.items()]}
        for name, event in Event.KNOWN.items()
    }
    assert now == json.loads(FIELDS.read_text())


# Who reads what ---------------------------------------------------------------------------


def test_what_members_do_not_read_before_publication() -> None:
    closed = {name for name, event in Event.KNOWN.items() if not is_open_to_members(event)}
    of_other_streams = {
        name for name in closed if not Event.KNOWN[name].__module__.startswith(("domain.steps.", "domain.scoring."))
    }
    assert closed - of_other_streams == {
        "ActCorrected",
        "AwardAnnulled",
        "AwardHeld",
        "AwardReleased",
        "AwardReturned",
        "AwardsDecided",
        "ComplaintAnswered",
        "ComplaintFiled",
        "CrossChecked",
        "DeviationAcknowledged",
        "HandsNamed",
        "RoundScored",
        "ScoresAppraised",
        "SelfScoreWithdrawn",
        "SelfScored",
    }


MEMBER = frozenset({Reader.ANYBODY, Reader.MEMBER})
STAFF = frozenset({Reader.ANYBODY, Reader.AUDITOR})


def test_a_state_without_closed_events_can_be_folded() -> None:
    rows = [row for name in LEDGERS for row in Dumped(_committed()[name]).rows if is_cycle(row.stream)]
    seen = 0
    for stream in {row.stream for row in rows}:
        envelopes = [to_envelope(row) for row in rows if row.stream == stream]
        for length in range(len(envelopes) + 1):
            now = CYCLE.fold(envelopes[:length])
            if now.conclusion.published is None:
                versions = readable_versions(envelopes[:length], "nobody", MEMBER, now, NO_RULES)
                open_ = [one for one in envelopes[:length] if one.meta.version in versions]
                state = CYCLE.fold(open_)
                assert state.conclusion.grants == ()
                assert state.scores == {}
                seen += len(open_) < length
    assert seen


def test_what_follows_an_event_has_its_readers() -> None:
    """Who signed a closed paper, and why a closed act was wrong, are as closed as these."""
    case = Case()
    sheet = [{"criterion": leaf, "points": 7} for leaf in ("a1", "a2", "b")]
    own, other, third = UNITS
    for unit in (own, third):
        case.when(ScoreSelf.model_validate({"unit": unit, "sheet": sheet}), by=unit).happened("SelfScored")
    version = len(case.history)
    case.when(CorrectAct(version=version, reason=TEXT), by=CITY).happened("ActCorrected")

    def read_by(reader: str, who: frozenset[Reader] = MEMBER) -> set[int]:
        return {1, version - 1, version, version + 1} & readable_versions(
            case.history, reader, who, case.state, case.rules
        )

    assert read_by(third) == {1, version - 1, version, version + 1}, "it checks the first"
    assert read_by(other) == {1, version, version + 1}, "it checks the third"
    assert read_by(own) == {1, version - 1}
    assert read_by("city", STAFF) == {1, version - 1, version, version + 1}
    assert read_by(third, frozenset({Reader.ANYBODY})) == set()


def test_a_unit_reads_what_it_entered_but_the_organisers_people_do_not() -> None:
    case = Case()
    case.when(AssignRole(role="head", holder=UNITS[0], manner="elected"), by=CITY).happened()
    sheet = [{"criterion": leaf, "points": 7} for leaf in ("a1", "a2", "b")]
    for by in (UNITS[0], CITY):
        scored = ScoreRound.model_validate({"unit": UNITS[2], "round": f"vong-{by}", "sheet": sheet})
        case.when(scored, by=by).happened("RoundScored")
    by_head, by_city = (one.meta.version for one in case.history[-2:])
    versions = readable_versions(case.history, UNITS[0], MEMBER, case.state, case.rules)
    assert (by_head in versions, by_city in versions) == (True, False)
    assert not {by_head, by_city} & readable_versions(case.history, UNITS[2], MEMBER, case.state, case.rules)
    assert by_city not in readable_versions(case.history, CITY, MEMBER, case.state, case.rules)


def test_deviations_that_closed_events_can_bring_are_closed() -> None:
    """The others follow from what every member reads; a code that nothing is known of is closed."""
    assert not is_open_deviation("unheard_of")
    closed = {code for code in BROUGHT_BY if not is_open_deviation(code)}
    # `late_act` is taken from the obligations that a visitor may read (`application.readable`).
    assert closed == {
        "annulled_ungranted",
        "class_above",
        "class_between",
        "class_of_unknown_fact",
        "class_tied",
        "complaint",
        "decision_undocumented",
        "granted_unnominated",
        "granted_while_held",
        "late_act",
        "number_used_twice",
        "published_undecided",
        "ranked_before_appraisal",
        "returned_unannulled",
        "round_undeclared",
        "scored_after_ranking",
        "scored_beyond_round",
        "scored_by_other",
    }


class Texts:
    async def get(self, digests: Any) -> dict[str, str]:
        return {}

    async def edition(self, _digest: str) -> None:
        """No edition is stored."""


class NoEditions:
    """An editions cache without any."""

    async def in_force(self, state: State) -> Edition:
        return NO_RULES


class States:
    def __init__(self, state: State) -> None:
        self._state = state

    async def after(self, *rows: Any) -> State:
        return self._state


class People:
    async def names(self, ids: Any) -> dict[str, str]:
        return {}


def visited(history: Any, state: State, kind: Any, unit: str) -> VisitedCycle:
    login: Any = SimpleNamespace(account=SimpleNamespace(kind=kind, administrator=False))
    contact: Any = SimpleNamespace(id="p", unit=unit)
    return VisitedCycle("hn/2026/c", history, state, NO_RULES, members_and_organiser(state), Visitor(login, contact))


def with_closed_event(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, State]:
    """A history that ends in an event whose class says nothing about its readers, and the state after it."""

    class TestDecided(
        Event, name="TestDecided", schema=1, sentence="{unit}: {paper}", correctable=True, in_summary=None
    ):
        unit: UnitId
        paper: Document

    def changed(awards: AwardsState, event: TestDecided, meta: Meta) -> AwardsState:
        return replace(awards, objects={"secret": event.unit})

    monkeypatch.setitem(cycle._COMPOSITION.evolves, TestDecided, (("awards", changed),))
    opening = next(row for row in Dumped(_committed()["acts"]).rows if row.type == "CycleOpened")
    event = TestDecided(unit="don-vi-1", paper=Document(title="Closed paper"))
    meta = to_envelope(opening).meta._replace(version=2)
    body = to_draft(EventEnvelope(event, meta)).body(opening.stream, 2)
    last = msgspec.structs.replace(opening, version=2, body=body)
    history = tuple((row, to_envelope(row)) for row in (opening, last))
    return history, CYCLE.fold(envelope for _row, envelope in history)


def test_a_notice_of_what_members_do_not_read_waits_for_publication(monkeypatch: pytest.MonkeyPatch) -> None:
    (_opening, (_row, envelope)), state = with_closed_event(monkeypatch)
    kind, member, organiser = notify_lent(NOTICE), next(iter(state.membership.names)), state.lifecycle.organiser

    def told(*_event_and_state: Any) -> list[Notice]:
        return [kind(to=to, unit=member, things=(1,)) for to in (member, organiser, OVERSEER)]

    monkeypatch.setitem(NOTICES_OF, type(envelope.event), told)
    state = replace(state, lifecycle=replace(state.lifecycle, clock="wall"))
    assert [one.to for one in notices(envelope, state)] == [organiser, OVERSEER]
    published = replace(state, conclusion=replace(state.conclusion, published=envelope.meta.happened))
    assert [one.to for one in notices(envelope, published)] == [member, organiser, OVERSEER]


async def test_a_new_event_without_a_word_on_its_readers_is_closed_to_members(monkeypatch: pytest.MonkeyPatch) -> None:
    history, state = with_closed_event(monkeypatch)
    (_opening, _first), (row, envelope) = history
    assert state.awards.objects == {"secret": "don-vi-1"}
    app: Any = SimpleNamespace(texts=Texts(), people=People())
    member = next(iter(state.membership.names))

    # The question itself.
    envelopes = [one for _row, one in history]

    def may_read(reader: str, who: frozenset[Reader], state: State) -> bool:
        return envelope.meta.version in readable_versions(envelopes, reader, who, state, NO_RULES)

    assert not may_read(member, MEMBER, state)
    assert not may_read("don-vi-1", MEMBER, state)
    assert may_read(member, STAFF, state)
    published = replace(state, conclusion=replace(state.conclusion, published=envelope.meta.happened))
    assert may_read(member, MEMBER, published)
    assert not may_read("stranger", frozenset({Reader.ANYBODY}), published)

    # The timeline, and the interface's state.
    for kind, unit, sees in (("staff", member, False), ("auditor", "city", True)):
        seen = visited(history, state, kind, unit)
        entries = await timeline_of(app, seen)
        assert [entry.row.type for entry in entries] == ["CycleOpened", "TestDecided"][: 1 + sees]
        answer = await visible_state(app, seen)
        assert answer["state"]["awards"]["objects"] == ({"secret": "don-vi-1"} if sees else {})
        assert ("secret" in json.dumps(answer)) is sees

    # What the search index offers to members: neither its paper, nor its sentence to units that did not enter it.
    index: Any = SearchIndex(SimpleNamespace(pool=None))  # type: ignore[arg-type]
    index._states, index._editions = States(state), NoEditions()

    class NoTexts:
        async def fetch(self, *_query: object) -> list[object]:
            return []

    kinds = {entry.kind: (entry.unit, entry.open) for entry in await index._entries(NoTexts(), [row])}
    assert kinds == {"document": (row.unit, False), "act": (row.unit, False)}
    assert row.unit not in state.membership.names
