"""Votes: tallies that add up, what carries them under a rule, and the deviations that follow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech import RULES, UNITS, Case

from domain.codec import decode, encode
from domain.deviations import deviations
from domain.rules import Edition, VoteRule
from domain.steps.conclusion import ChooseNext, Nominate
from domain.steps.voting import Ballot, RecordBallot, outcomes

HEAD, DEPUTY, THIRD = UNITS
RULE = {"subject": "co", "method": "secret-ballot", "threshold": "0,5", "base": "entitled", "article": "Điều 9"}


def rules(**changes: Any) -> Edition:
    rule = VoteRule.model_validate({**RULE, **changes})
    return RULES.model_copy(update={"votes": (rule,)})


def ballot(*votes: int, **more: Any) -> RecordBallot:
    """A secret ballot on the flag; votes for the units in their order."""
    choices = [{"unit": unit, "votes": n} for unit, n in zip(UNITS, votes, strict=False)]
    fields = {"id": "bp-1", "subject": "co", "method": "secret-ballot", "choices": choices, "cast": sum(votes), **more}
    return RecordBallot.model_validate(fields)


def codes(case: Case) -> dict[str, str | None]:
    return {d.code: d.article for d in deviations(case.state, case.rules)}


class TestTallies:
    def test_a_vote_is_kept_and_its_repetition_known(self) -> None:
        case = (
            Case()
            .when(ballot(9, 4, 1, blank=1, spoiled=2, cast=17, entitled=20, present=17))
            .happened("BallotRecorded")
        )
        case.when(ballot(9, 4, 1, blank=1, spoiled=2, cast=17, entitled=20, present=17)).already()
        case.when(ballot(9, 4, cast=13)).refused("ballot_is_recorded")
        (told,) = [t for t in case.history if t.event.NAME == "BallotRecorded"]
        assert decode("BallotRecorded", 1, encode(told.event)) == told.event

    @pytest.mark.parametrize(
        ("vote", "code"),
        [
            (ballot(9, 4, cast=14, blank=0, spoiled=0), "tally_differs"),
            (ballot(9, 4, cast=13, blank=1), "tally_differs"),
            (ballot(9, 4, cast=12), "tally_differs"),
            (ballot(9, 4, blank=20, cast=13), "tally_differs"),
            (ballot(9, 9, cast=9, names=2, spoiled=1), "tally_differs"),
            (ballot(9, 4, entitled=12), "votes_beyond_voters"),
            (ballot(9, 4, present=12), "votes_beyond_voters"),
            (ballot(2, 1, took_part=[HEAD, DEPUTY]), "votes_beyond_voters"),
            (ballot(1, 1, entitled=2, present=3), "votes_beyond_voters"),
            (ballot(1, 1, took_part=[HEAD, HEAD]), "named_twice"),
            (ballot(1, 1, took_part=[HEAD, "quan-khac"]), "not_a_member"),
        ],
    )
    def test_what_cannot_be_is_refused(self, vote: RecordBallot, code: str) -> None:
        Case().when(vote).refused(code)

    def test_the_absent_who_were_polled_count_as_voters(self) -> None:
        Case().when(ballot(9, 4, present=12, polled=1)).happened()

    def test_a_paper_can_carry_several_names(self) -> None:
        Case().when(ballot(9, 8, 3, names=2, cast=10)).happened()

    def test_a_unit_does_not_keep_the_minutes(self) -> None:
        Case().when(ballot(2, 1), by=THIRD).refused("not_yours")


class TestOutcomes:
    def carried(self, vote: RecordBallot, **rule: Any) -> list[bool | None]:
        case = Case().when(vote).happened()
        return [one.carried for one in outcomes(case.state.ballots["bp-1"], rules(**rule))]

    def test_the_base_and_the_strictness_decide(self) -> None:
        vote = ballot(10, 7, entitled=20, present=18, cast=18, spoiled=1)
        assert self.carried(vote) == [False, False], "more than half of twenty is eleven"
        assert self.carried(vote, strict=False) == [True, False]
        assert self.carried(vote, base="present") == [True, False]
        assert self.carried(vote, base="valid", threshold="0,4") == [True, True]

    def test_ninety_percent_is_exact(self) -> None:
        assert self.carried(ballot(18, 0, entitled=20), strict=False, threshold="0,9") == [True, False]
        assert self.carried(ballot(17, 0, entitled=20), strict=False, threshold="0,9") == [False, False]

    def test_what_the_source_does_not_say_stays_open(self) -> None:
        assert self.carried(ballot(10, 7)) == [None, None]
        assert self.carried(ballot(10, 7), subject="bang") == [None, None]

    def test_too_few_voters_another_method_and_a_nomination_that_was_not_carried(self) -> None:
        case = Case(rules=rules(quorum="0,8"))
        case.when(ballot(10, 5, entitled=20, present=15, method="show-of-hands")).happened()
        case.when(Nominate(unit=HEAD, award="co")).happened()
        found = codes(case)
        assert {found[code] for code in ("quorum_missed", "voted_otherwise", "not_carried")} == {"Điều 9"}

    def test_a_later_round_counts(self) -> None:
        case = Case(rules=rules())
        case.when(ballot(10, 5, 5, entitled=20)).when(ballot(12, 8, id="bp-2", entitled=20, round=2)).happened()
        case.when(Nominate(unit=HEAD, award="co")).happened()
        assert "not_carried" not in codes(case)
        case.when(ChooseNext(role="head", unit=DEPUTY, manner="handed-over")).happened()
        assert "not_carried" not in codes(case), "no rule speaks of the head"


@given(st.lists(st.integers(0, 60), min_size=1, max_size=3), st.integers(0, 9), st.integers(0, 9), st.integers(0, 200))
def test_whatever_is_recorded_adds_up(votes: list[int], blank: int, spoiled: int, cast: int) -> None:
    case = Case().when(ballot(*votes, blank=blank, spoiled=spoiled, cast=cast))
    if "bp-1" in case.state.ballots:
        kept: Ballot = case.state.ballots["bp-1"]
        assert sum(one.votes for one in kept.tally.choices) + kept.tally.blank + kept.tally.spoiled == kept.tally.cast
    else:
        assert sum(votes) + blank + spoiled != cast


def test_a_tally_may_be_unknown_or_half_known() -> None:
    told = {"id": "bau", "subject": "head", "method": "secret-ballot", "cast": "unknown"}
    case = Case().when(RecordBallot.model_validate(told)).happened("BallotRecorded")
    assert outcomes(case.state.ballots["bau"], case.rules) == ()
    some = {**told, "id": "bau-2", "choices": [{"unit": UNITS[0], "votes": 11}, {"unit": UNITS[1], "votes": "unknown"}]}
    case.when(RecordBallot.model_validate(some)).happened()
    case.when(RecordBallot.model_validate({**some, "id": "bau-3", "cast": 10})).refused("tally_differs")
    case.when(RecordBallot.model_validate({**some, "id": "bau-3", "entitled": 10})).refused("votes_beyond_voters")
    case.when(RecordBallot.model_validate({**told, "id": "bau-3", "cast": 10})).refused("tally_without_choices")
    three = {**told, "id": "bau-4", "entitled": 3, "choices": [{"unit": unit, "votes": 2} for unit in UNITS[:2]]}
    case.when(RecordBallot.model_validate(three)).refused("votes_beyond_voters")
    case.when(RecordBallot.model_validate({**three, "names": 2})).happened()


@pytest.mark.parametrize(("took_part", "missed"), [(6, False), (5, True)])
def test_two_thirds_are_exact(took_part: int, missed: bool) -> None:
    two_thirds = VoteRule(
        subject="head",
        method="secret-ballot",
        threshold="2/3",
        strict=False,
        base="entitled",
        quorum="2/3",
        article="Điều 1",
    )
    case = Case(rules=RULES.model_copy(update={"votes": (two_thirds,)}))
    told = {
        "id": "b",
        "subject": "head",
        "method": "secret-ballot",
        "entitled": 9,
        "present": took_part,
        "cast": took_part,
    }
    case.when(RecordBallot.model_validate({**told, "choices": [{"unit": UNITS[0], "votes": took_part}]})).happened()
    assert ("quorum_missed" in {d.code for d in deviations(case.state, case.rules)}) is missed
    assert outcomes(case.state.ballots["b"], case.rules)[0].carried is not missed
