"""Another edition in mid-year: each act is held to the one in force when it happened; the timeline says what came."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from speech import DIGEST, RULES, TEXT, UNITS, Case, opening

from application.event_texts import texts_of
from domain.cycle import CYCLE
from domain.dates import parse_when
from domain.deviations import deviations
from domain.duties import Duty
from domain.edition_changes import changed_deadlines, changed_parts
from domain.obligations import extensible
from domain.rules import NO_RULES, Adoption, Edition, in_force
from domain.scoring.scores import ScoreSelf, SheetItem
from domain.steps.corrections import AcknowledgeDeviation
from domain.steps.drafting import PresentDraft
from domain.steps.extensions import GrantExtension
from domain.steps.lifecycle import AdoptEdition, ChangeCalendar
from domain.steps.signing import SignCovenant, SignJointly
from domain.steps.voting import Choice, RecordBallot
from domain.times import When, end_of, start_of
from domain.types import Document
from i18n.editions import edition_with_changes
from i18n.timeline import describe

PAPER = Document(title="Giao ước")
HEAD, DEPUTY, THIRD = UNITS
LATER = "f" * 64


def edition(**changes: Any) -> Edition:
    return Edition.model_validate({**RULES.model_dump(mode="json"), "title": "Bản mới", **changes})


def due(duty: str, month: int, day: int, article: str = "Điều mới") -> dict[str, Any]:
    return {"duty": duty, "due": {"month": month, "day": day}, "article": article}


class Register:
    """A backfilled register, which is told by the editions of its time."""

    def __init__(self, after: Edition, before: Edition = RULES) -> None:
        self.editions = {DIGEST: before, LATER: after}
        self.case = Case(opened=False, rules=before).when(opening("backfill"))

    def on(self, text: str, command: Any, **circumstances: Any) -> Case:
        self.case.when(command, happened=parse_when(text), **circumstances).happened()
        self.case.rules = in_force(CYCLE.adoptions(self.case.state), self.editions)
        return self.case

    def late(self) -> dict[str, object]:
        found = deviations(self.case.state, self.case.rules)
        return {str(one.facts["unit"]): one.facts["due"] for one in found if one.code == "late_act"}

    def due(self, unit: str, duty: Duty) -> object:
        (one,) = [o for o in extensible(self.case.state, self.case.rules) if (o.bearer, o.duty) == (unit, duty)]
        return one.due


def signed(after: Edition) -> Register:
    """A covenant that one unit signed in March; the edition adopted in July; another unit signed in August."""
    register = Register(after)
    register.on("01/02/2026", PresentDraft(kind="covenant", document=PAPER))
    register.on("10/03/2026", SignCovenant(unit=HEAD))
    register.on("01/07/2026", AdoptEdition(edition=LATER))
    register.on("20/08/2026", SignCovenant(unit=DEPUTY))
    return register


class TestActsAreHeldToTheirEdition:
    def test_an_edition_of_july_makes_no_departure_of_what_was_signed_in_march(self) -> None:
        assert HEAD not in signed(edition(deadlines=[due("signature", 2, 28)])).late()

    def test_a_deadline_that_had_passed_when_it_came_binds_nobody_the_one_before_it_does(self) -> None:
        register = signed(edition(deadlines=[due("signature", 2, 28)]))
        assert register.late() == {DEPUTY: date(2026, 3, 15)}
        assert register.due(THIRD, Duty.SIGNATURE) == end_of(date(2026, 3, 15))

    def test_a_later_day_counts_for_what_is_done_after_it_came_and_for_what_is_open(self) -> None:
        register = signed(edition(deadlines=[due("signature", 8, 31)]))
        assert register.late() == {}
        assert register.due(HEAD, Duty.SIGNATURE) == end_of(date(2026, 3, 15))
        assert register.due(THIRD, Duty.SIGNATURE) == end_of(date(2026, 8, 31))

    def test_a_deadline_that_is_dropped_is_dropped_for_what_is_open(self) -> None:
        register = signed(edition(deadlines=[]))
        assert (register.due(THIRD, Duty.SIGNATURE), register.due(HEAD, Duty.SIGNATURE)) == (
            None,
            end_of(date(2026, 3, 15)),
        )

    def test_a_new_deadline_of_an_earlier_day_is_none_but_can_be_set(self) -> None:
        after = edition(deadlines=[due("publication", 5, 1)])
        register = signed(after)
        assert register.due("mttq-hanoi", Duty.PUBLICATION) is None
        more = GrantExtension(duty=Duty.PUBLICATION, until=date(2026, 12, 1), reason=TEXT)
        register.on("21/08/2026", more)
        assert register.due("mttq-hanoi", Duty.PUBLICATION) == end_of(date(2026, 12, 1))

    def test_the_article_is_of_the_edition_that_was_in_force(self) -> None:
        register = Register(edition(articles={"bylaws_before_signing": "Điều 99"}))
        register.on("01/02/2026", PresentDraft(kind="covenant", document=PAPER))
        register.on("10/03/2026", SignJointly())
        register.on("20/03/2026", PresentDraft(kind="bylaws", document=PAPER))
        register.on("01/07/2026", AdoptEdition(edition=LATER))
        found = {one.code: one.article for one in deviations(register.case.state, register.case.rules)}
        assert found["bylaws_late"] == "Điều 9"

    def test_papers_that_a_later_edition_requires_do_not_undo_a_draft_that_was_complete(self) -> None:
        register = Register(edition(required_drafts=["plan", "criteria"]), edition(required_drafts=["plan"]))
        register.on("01/02/2026", PresentDraft(kind="plan", document=PAPER))
        register.on("01/07/2026", AdoptEdition(edition=LATER))
        (draft,) = [o for o in extensible(register.case.state, register.case.rules) if o.duty is Duty.DRAFT]
        assert draft.done is not None

    def test_a_covenant_that_a_later_edition_requires_does_not_undo_what_was_signed(self) -> None:
        both = {"covenants": ["covenant", "term-covenant"], "covenant_years": {"first": 2026, "last": 2030}}
        register = signed(edition(**both))
        register.on("01/12/2026", ChangeCalendar(clock="wall", since=start_of(date(2026, 12, 1))))
        done = {
            o.bearer: o.done for o in extensible(register.case.state, register.case.rules) if o.duty is Duty.SIGNATURE
        }
        assert done[HEAD] == parse_when("10/03/2026"), "under the earlier edition"
        assert (done[DEPUTY], done[THIRD]) == (None, None)

    def test_one_with_a_day_that_was_still_to_come_is_owed_by_all(self) -> None:
        both = {"covenants": ["covenant", "term-covenant"], "covenant_years": {"first": 2026, "last": 2030}}
        register = signed(edition(**both, deadlines=[due("signature", 9, 30)]))
        assert register.due(HEAD, Duty.SIGNATURE) == end_of(date(2026, 9, 30))
        register.on("20/09/2026", SignJointly(units=(HEAD,), covenant="term-covenant"))
        assert HEAD not in register.late()

    def test_a_vote_is_held_to_the_rule_of_its_time(self) -> None:
        rule = {"subject": "head", "threshold": "0.5", "base": "present", "article": "Điều 4"}
        before = edition(votes=[{**rule, "method": "show-of-hands"}])
        register = Register(edition(votes=[{**rule, "method": "secret-ballot"}]), before)
        ballot = RecordBallot(
            id="b", subject="head", method="show-of-hands", choices=(Choice(unit=HEAD, votes=3),), present=3, cast=3
        )
        register.on("10/03/2026", ballot)
        register.on("01/07/2026", AdoptEdition(edition=LATER))
        assert "voted_otherwise" not in {one.code for one in deviations(register.case.state, register.case.rules)}
        register.on("02/07/2026", ballot.model_copy(update={"id": "c", "round": 2}))
        assert "voted_otherwise" in {one.code for one in deviations(register.case.state, register.case.rules)}

    def test_an_act_of_an_earlier_day_that_is_entered_late_is_decided_by_the_edition_of_that_day(self) -> None:
        register = Register(edition(criteria=[{"id": "x", "title": "X", "max": "10"}], total="10"))
        register.on("01/07/2026", AdoptEdition(edition=LATER))
        sheet = tuple(SheetItem(criterion=name, points="1") for name in ("a1", "a2", "b"))
        register.on("10/03/2026", ScoreSelf(unit=THIRD, sheet=sheet))
        register.case.when(ScoreSelf(unit=HEAD, sheet=sheet), happened=parse_when("02/07/2026"))
        register.case.refused("no_such_criterion")

    def test_whoever_acknowledges_for_an_earlier_day_sees_the_deviations_of_now(self) -> None:
        register = signed(edition(deadlines=[due("signature", 8, 1)]))
        assert set(register.late()) == {DEPUTY}
        register.on("10/03/2026", AcknowledgeDeviation(key=f"late/signature/{DEPUTY}/", reason=TEXT))


class TestWhichIsInForce:
    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            ("30/06/2026", "test"),
            ("01/07/2026", "new"),
            ("2026-07-01T00:00+07:00", "new"),
            ("07/2026", "new"),
            ("06/2026", "test"),
            ("2026", "new"),
        ],
    )
    def test_the_edition_of_a_day(self, when: str, expected: str) -> None:
        rules = in_force(
            (Adoption(DIGEST), Adoption(LATER, start_of(date(2026, 7, 1)))), {DIGEST: RULES, LATER: edition(id="new")}
        )
        assert rules.at(parse_when(when)).id == expected
        assert rules.at(None).id == "new"

    def test_an_adoption_recorded_late_takes_its_place(self) -> None:
        register = Register(edition())
        register.editions["d" * 64] = edition(id="between")
        register.on("01/07/2026", AdoptEdition(edition=LATER))
        case = register.on("01/05/2026", AdoptEdition(edition="d" * 64))
        assert case.state.lifecycle.edition == LATER
        assert case.rules.at(When.on(date(2026, 6, 1))).id == "between"

    def test_from_the_day_that_the_act_says(self) -> None:
        register = Register(edition())
        register.on("01/07/2026", AdoptEdition(edition=LATER), effective=date(2026, 1, 1))
        assert register.case.rules.at(When.on(date(2026, 2, 1))).title == "Bản mới"

    def test_editions_that_are_not_known_are_no_rules(self) -> None:
        assert in_force((), {}) is NO_RULES
        assert in_force((Adoption(DIGEST),), {}) is NO_RULES


class TestTheTimelineSaysWhatCame:
    AFTER = edition(
        deadlines=[
            due("signature", 3, 31),
            due("stance", 2, 25),
            {"duty": "publication", "due": {"year": 1, "month": 1, "day": 15}, "article": "Điều 7"},
        ],
        awards=[{"id": "co", "title": "Cờ", "quota": 2}],
    )

    def test_dates_one_by_one_and_other_parts_by_name(self) -> None:
        changed = {one.duty: (one.before, one.after) for one in changed_deadlines(RULES, self.AFTER)}
        assert set(changed) == {
            Duty.DRAFT,
            Duty.SIGNATURE,
            Duty.MIDYEAR_REPORT,
            Duty.SELF_SCORE,
            Duty.CROSS_CHECK,
            Duty.PUBLICATION,
        }
        assert list(changed_parts(RULES, self.AFTER)) == ["award-rules"]
        text = edition_with_changes(RULES, self.AFTER)
        for words in ("“Bản mới”", "“Bản thử”", "31/03", "15/03", "15/01"):
            assert words in text
        assert "Bản thử" in edition_with_changes(RULES, RULES)

    async def test_the_sentence_of_the_adoption(self) -> None:
        class Stored:
            async def get(self, digests: Any) -> dict[str, str]:
                return {}

            async def edition(self, digest: str) -> str | None:
                return {DIGEST: RULES, LATER: TestTheTimelineSaysWhatCame.AFTER}[digest].model_dump_json()

        register = Register(self.AFTER)
        (adopted,) = [
            one
            for one in register.on("01/07/2026", AdoptEdition(edition=LATER)).history
            if one.event.NAME == "EditionAdopted"
        ]
        text = describe(adopted, {}, await texts_of(Stored(), [adopted]))  # type: ignore[arg-type]
        assert "“Bản mới”" in text
        assert "31/03" in text
        assert LATER not in text
        assert LATER not in describe(adopted, {}, {})
