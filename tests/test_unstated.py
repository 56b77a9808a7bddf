"""What no source tells: a publication without a decision, an award without a document, a fact without a source."""

from __future__ import annotations

from datetime import date

import pytest
from speech import CITY, RULES, TEXT, UNITS, Case, opening

from domain.deviations import deviations
from domain.records import Command
from domain.rules import Edition
from domain.steps.awards import AnnulAward
from domain.steps.conclusion import DecideAwards, Grant, PublishResults
from domain.steps.corrections import NameSource
from domain.steps.letters import AnswerLetter, RecordLetter
from domain.steps.lifecycle import FileCycle
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AssignRole
from domain.steps.targets import Content, ReportResult, StateContents
from domain.steps.voting import RecordBallot, outcomes
from domain.times import When
from domain.types import Document, Participant, Provenance
from i18n import in_language
from i18n.state_text import state_lines
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
VOTE = {"id": "v", "subject": "head", "method": "secret-ballot"}
PAPER = Document(number="12/QĐ")
FLAG = (Grant(unit=HEAD, award="co"),)
ON = When.on(date(2026, 3, 1))
NEWS = Provenance(kind="stated", source="bao-vi-du")


def codes(case: Case) -> set[str]:
    return {one.code for one in deviations(case.state, case.rules)}


def sentence(case: Case, language: str = "en") -> str:
    with in_language(language):
        return describe(case.history[-1], {HEAD: "Đống Đa"}, {TEXT: "vì sai"})


def lines(case: Case) -> list[str]:
    with in_language("en"):
        return list(state_lines(case.state, {}))


class TestPublication:
    def test_results_are_published_without_a_decision(self) -> None:
        case = Case().when(PublishResults()).happened("ResultsPublished")
        (found,) = [one for one in deviations(case.state, case.rules) if one.code == "published_undecided"]
        assert (found.article, found.on, found.settled) == (None, case.state.conclusion.published, False)
        case.when(PublishResults()).refused("results_are_published")

    @pytest.mark.parametrize(("decided", "found"), [(date(2026, 3, 1), False), (date(2026, 3, 3), True)])
    def test_the_order_is_that_of_the_facts(self, decided: date, *, found: bool) -> None:
        case = Case(opened=False).when(opening("backfill"))
        case.when(PublishResults(), happened=When.on(date(2026, 3, 2)), provenance=NEWS).happened()
        assert "published_undecided" in codes(case)
        act = DecideAwards(decision=PAPER, grants=FLAG, reason=TEXT)
        case.when(act, happened=When.on(decided), provenance=NEWS).happened()
        assert ("published_undecided" in codes(case)) is found


class TestAwards:
    def test_a_flag_without_a_document(self) -> None:
        case = Case().when(DecideAwards(grants=FLAG, reason=TEXT)).happened("AwardsDecided")
        (found,) = [one for one in deviations(case.state, case.rules) if one.code == "decision_undocumented"]
        assert found.article is None
        assert sentence(case) == "The awards are decided; no document is named."
        case.when(DecideAwards(grants=FLAG, reason=TEXT)).already()
        case.when(DecideAwards(decision=PAPER, grants=FLAG, reason=TEXT)).happened()
        assert "decision_undocumented" not in codes(case)
        assert sentence(case) == "The awards are decided: 12/QĐ."

    def test_before_the_first_decision_nothing_is_known_already(self) -> None:
        Case().when(DecideAwards(grants=())).happened("AwardsDecided")

    @pytest.mark.parametrize(
        ("known", "told"),
        [
            ({}, "co of Đống Đa is annulled."),
            ({"reason": TEXT}, "co of Đống Đa is annulled: vì sai"),
            ({"decision": PAPER}, "co of Đống Đa is annulled by 12/QĐ."),
            ({"decision": PAPER, "reason": TEXT}, "co of Đống Đa is annulled by 12/QĐ: vì sai"),
        ],
    )
    def test_an_annulment_tells_what_is_known(self, known: dict[str, object], told: str) -> None:
        act = AnnulAward.model_validate({"unit": HEAD, "award": "co", **known})
        assert sentence(Case().when(act).happened()) == told


class TestSources:
    def backfilled(self) -> Case:
        return Case(opened=False).when(opening("backfill"), by=CITY, provenance=NEWS).happened()

    @pytest.mark.parametrize(
        ("act", "told"),
        [
            (RecordMeeting(id="tk", kind="final"), "no source named"),
            (AssignRole(role="head", holder=HEAD, manner="elected"), "no source named"),
        ],
    )
    def test_a_fact_of_a_past_year_without_a_source_is_not_stated(self, act: Command, told: str) -> None:
        case = self.backfilled().when(act, happened=ON).happened()
        assert case.history[-1].meta.provenance == Provenance(kind="unsourced")
        assert any(line.endswith(f"({told})") for line in lines(case)), lines(case)
        stated = self.backfilled().when(act, happened=ON, provenance=NEWS).happened()
        assert any(line.endswith("(stated)") for line in lines(stated)), lines(stated)

    def test_keeping_the_register_needs_no_source(self) -> None:
        case = self.backfilled().when(FileCycle(), happened=ON).happened()
        assert case.history[-1].meta.provenance.kind == "stated"
        case = self.backfilled().when(NameSource(id="b", title="Báo"), happened=ON, provenance=NEWS).happened()
        assert case.history[-1].meta.provenance == NEWS

    def test_in_a_year_that_goes_on_the_actor_states_it(self) -> None:
        case = Case(opened=False).when(opening("wall")).happened()
        case.when(RecordMeeting(id="tk", kind="final")).happened()
        assert case.history[-1].meta.provenance == Provenance(kind="stated")


class TestNumbers:
    """A sentence states no number that nobody told."""

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"cast": "unknown"}, "A vote is taken on head unit (secret ballot), without a tally in the source."),
            (
                {"cast": "unknown", "choices": [{"unit": HEAD, "votes": "unknown"}]},
                "A vote is taken on head unit (secret ballot): Đống Đa: unknown; the source gives no tally.",
            ),
            (
                {"cast": 3, "choices": [{"unit": HEAD, "votes": 3}]},
                "A vote is taken on head unit (secret ballot): Đống Đa: 3; 3 cast.",
            ),
            (
                {"cast": 3, "choices": [{"unit": HEAD, "votes": 3}], "blank": 0},
                "A vote is taken on head unit (secret ballot): Đống Đa: 3; 3 cast, 0 blank.",
            ),
            (
                {"cast": 3, "choices": [{"unit": HEAD, "votes": 2}], "spoiled": 1},
                "A vote is taken on head unit (secret ballot): Đống Đa: 2; 3 cast, 1 spoiled.",
            ),
            (
                {"cast": 3, "choices": [{"unit": HEAD, "votes": 2}], "spoiled": 1, "blank": 0},
                "A vote is taken on head unit (secret ballot): Đống Đa: 2; 3 cast, 0 blank, 1 spoiled.",
            ),
        ],
    )
    def test_a_vote(self, fields: dict[str, object], told: str) -> None:
        assert sentence(Case().when(RecordBallot.model_validate({**VOTE, **fields})).happened()) == told

    def test_papers_of_which_nobody_tells_may_have_been_blank(self) -> None:
        one = [{"unit": HEAD, "votes": 2}]
        case = Case().when(RecordBallot.model_validate({**VOTE, "cast": 3, "choices": one})).happened()
        (found,) = [one for one in deviations(case.state, case.rules) if one.code == "papers_unexplained"]
        assert (found.facts["papers"], found.article) == (1, None)
        case = Case().when(RecordBallot.model_validate({**VOTE, "cast": 3, "choices": one, "blank": 1})).happened()
        assert "papers_unexplained" not in codes(case)
        whole = {**VOTE, "cast": 3, "choices": one, "blank": 0, "spoiled": 0}
        Case().when(RecordBallot.model_validate(whole)).refused("tally_differs")
        Case().when(RecordBallot.model_validate({**VOTE, "cast": 1, "choices": one})).refused("tally_differs")
        more = {**VOTE, "cast": 3, "choices": one, "spoiled": 2}
        Case().when(RecordBallot.model_validate(more)).refused("tally_differs")

    @pytest.mark.parametrize(
        ("fields", "base"),
        [
            ({"blank": 1, "spoiled": 1}, 8),
            ({}, 7),
            ({"names": 2}, None),
            ({"choices": [{"unit": HEAD, "votes": "unknown"}]}, None),
        ],
    )
    def test_the_valid_papers_are_known_or_not(self, fields: dict[str, object], base: int | None) -> None:
        votes = [
            {"subject": "head", "method": "secret-ballot", "base": "valid", "threshold": "1/2", "article": "Điều 1"}
        ]
        rules = Edition.model_validate({**RULES.model_dump(mode="json", by_alias=True), "votes": votes})
        choices = [{"unit": HEAD, "votes": 5}, {"unit": DEPUTY, "votes": 2 if "blank" not in fields else 3}]
        ballot = {**VOTE, "cast": 10, "choices": choices, **fields}
        case = Case(rules=rules).when(RecordBallot.model_validate(ballot)).happened()
        assert {one.base for one in outcomes(case.state.ballots["v"], rules)} == {base}

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"stated": 9}, "Contents of the covenant: 9 stated."),
            ({"indicators": 47, "stated": 9}, "Contents of the covenant: 9 stated, indicators: 47."),
            ({"listed": 7}, "Contents of the covenant: 7 listed."),
            ({"contents": (Content(title="A"), Content(title="B"))}, "Contents of the covenant: A; B."),
            ({"contents": (Content(title="A"),), "stated": 1}, "Contents of the covenant: A (1 stated)."),
        ],
    )
    def test_contents(self, fields: dict[str, object], told: str) -> None:
        assert sentence(Case().when(StateContents.model_validate(fields)).happened()) == told

    @pytest.mark.parametrize(
        ("amount", "exactness", "told"),
        [
            ("396", "exact", "396 nhà"),
            ("unknown", "exact", "unknown nhà"),
            ("396", "nearly", "nearly 396 nhà"),
            ("61.5", "more-than", "more than 61.5 nhà"),
            ("5", "at-least", "at least 5 nhà"),
            ("5", "about", "about 5 nhà"),
            ("5", "less-than", "less than 5 nhà"),
        ],
    )
    def test_a_result_is_as_exact_as_its_source(self, amount: str, exactness: str, told: str) -> None:
        act = ReportResult(title="Nhà", amount=amount, measure="nhà", exactness=exactness, unit=HEAD)
        case = Case().when(act).happened()
        assert sentence(case) == f"Đống Đa, Nhà: {told}."
        assert any(f", Nhà: {told} (" in line for line in lines(case))

    def test_a_letter_without_paper_or_recipients(self) -> None:
        case = Case().when(RecordLetter(id="a", kind="direction", sender=Participant(unit=HEAD), text=TEXT)).happened()
        assert sentence(case) == "Đống Đa (direction): vì sai"
        case.when(AnswerLetter(letter="a", by=Participant(unit=HEAD), document=PAPER)).happened()
        assert sentence(case) == "Đống Đa answers a letter: 12/QĐ"
