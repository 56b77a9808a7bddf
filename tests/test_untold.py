"""What no source tells: a publication without a decision, an award without a document, a fact without a source."""

from __future__ import annotations

from datetime import date

import pytest
from speech import CITY, TEXT, UNITS, Case, opening

from domain.deviations import deviations
from domain.records import Command
from domain.steps.awards import AnnulAward
from domain.steps.conclusion import DecideAwards, Grant, PublishResults
from domain.steps.corrections import NameSource
from domain.steps.lifecycle import FileCycle
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AssignRole
from domain.times import When
from domain.types import Document, Provenance
from i18n import in_language
from i18n.state_text import state_lines
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
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
        assert (found.article, found.on, found.settled) == (None, case.state.conclusion.published.day, False)
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
