"""Editions, stored forms, the organiser's year, names of streams, and what text may hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from speech import CITY, DIGEST, NOW

from domain import codec
from domain.city_year import CITY_YEAR, ArrangeClusters, ClusterPlan, IssueYearPlan, OrderOpening
from domain.commands import AuthenticatedCommand, CommandPayload, parse_command
from domain.decider import compose
from domain.problems import first_problem
from domain.records import AlreadyRecorded, Event, Refused, StepDecider
from domain.references import references
from domain.rules import NO_RULES, Adoption, Edition, YearDay
from domain.steps.lifecycle import CycleFiled, OpenCycle
from domain.steps.signing import SignCovenant
from domain.steps.signing import decider as signing_step
from domain.streams import cycle_stream, folded, is_cycle, is_year, parse_cycle_name, year_stream
from domain.strengths import Strength
from domain.times import When, day_ending, end_of
from domain.types import MARKS_ON_A_LETTER, Document, Person, Provenance, normalize_text
from domain.units import Unit


class TestEdition:
    def test_a_criterion_stands_once(self) -> None:
        one = {"id": "a", "title": "A", "max": 1}
        with pytest.raises(ValidationError, match="criterion_stands_twice"):
            Edition.model_validate({"id": "e", "title": "E", "criteria": [one, one]})

    def test_one_deadline_a_duty(self) -> None:
        one = {"duty": "stance", "due": {"month": 2, "day": 1}, "article": "1"}
        with pytest.raises(ValidationError, match="deadline_twice"):
            Edition.model_validate({"id": "e", "title": "E", "deadlines": [one, one]})

    def test_a_deadline_names_a_day_that_every_year_has(self) -> None:
        for month, day in ((2, 29), (2, 30), (4, 31)):
            with pytest.raises(ValidationError):
                YearDay(month=month, day=day)
        assert YearDay(year=1, month=3, day=26).of(2018) == date(2019, 3, 26)

    def test_nesting_is_bounded(self) -> None:
        node: dict[str, Any] = {"id": "z", "title": "Z", "max": 1}
        for depth in range(9):
            node = {"id": f"n{depth}", "title": "N", "max": 1, "children": [node]}
        with pytest.raises(ValidationError, match="criteria_too_deep"):
            Edition.model_validate({"id": "e", "title": "E", "criteria": [node]})


class TestProblems:
    @pytest.mark.parametrize(
        ("wrong", "place"),
        [
            ({"id": "e", "titel": "E"}, ("titel",)),
            ({"id": "e", "title": "E", "criteria": [{"id": "a", "titel": "A"}]}, ("criteria", 0, "titel")),
        ],
    )
    def test_a_mistyped_name_is_told_and_not_the_one_that_is_missing(self, wrong: Any, place: Any) -> None:
        with pytest.raises(ValidationError) as told:
            Edition.model_validate(wrong)
        problem = first_problem(told.value)
        assert (problem["place"], problem["problem"]) == (place, "extra_forbidden")

    @pytest.mark.parametrize(
        ("wrong", "found"), [([1, 2], "…"), ({"a": 1}, "…"), (5, "5"), (date(2026, 3, 1), "01/03/2026")]
    )
    def test_what_was_found_is_told_as_a_person_would_write_it(self, wrong: Any, found: str) -> None:
        with pytest.raises(ValidationError) as told:
            Edition.model_validate({"id": "e", "title": wrong})
        assert first_problem(told.value)["found"] == found

    def test_a_text_is_found_in_its_field(self) -> None:
        texts, _persons = references(Document(title="KH", text=DIGEST))
        assert texts == {DIGEST}


class TestTextAndTime:
    def test_text_is_normalised(self) -> None:
        assert normalize_text("  Đo\u0302\u0301ng  ") == "Đống"

    @pytest.mark.parametrize("bad", ["a\x00b", "a\u202eb", "a\x1b[31m", "a\u2066b"])
    def test_control_and_override_characters_are_refused(self, bad: str) -> None:
        with pytest.raises(ValueError, match="character"):
            normalize_text(bad)

    def test_a_letter_has_at_most_thirty_marks(self) -> None:
        thirty = "e" + "\u0323" * MARKS_ON_A_LETTER
        assert normalize_text(thirty * 2).count("\u0323") >= MARKS_ON_A_LETTER
        with pytest.raises(ValueError, match="marks"):
            normalize_text(f"{thirty}\u0323")

    def test_a_label_is_one_line(self) -> None:
        with pytest.raises(ValidationError, match="line_break"):
            Document(title="a\nb")

    def test_a_day_is_a_range_and_ends_at_midnight_there(self) -> None:
        when = When.on(date(2026, 3, 15))
        assert when.latest == datetime(2026, 3, 15, 17, tzinfo=UTC)
        assert day_ending(end_of(date(2026, 3, 15))) == date(2026, 3, 15)
        with pytest.raises(ValueError, match="range_backwards"):
            When(earliest=when.latest, latest=when.earliest)

    def test_before_means_for_every_reading(self) -> None:
        march, april = When.on(date(2026, 3, 1), date(2026, 3, 31)), When.on(date(2026, 4, 2))
        assert march.before(april)
        assert not april.before(march)
        assert not When.on(date(2026, 1, 1), date(2026, 12, 31)).before(april)

    def test_a_document_and_a_person_are_known_by_something(self) -> None:
        with pytest.raises(ValidationError):
            Document()
        with pytest.raises(ValidationError):
            Person(commitment=DIGEST)


class TestCodec:
    def test_every_stored_event_comes_back(self) -> None:
        assert codec.decode("CycleFiled", 1, codec.encode(CycleFiled())) == CycleFiled()

    def test_a_newer_or_unknown_event_is_said_to_be_one(self) -> None:
        for name, schema in (("CycleFiled", 2), ("CycleBurnt", 1)):
            with pytest.raises(codec.UnknownEventError):
                codec.decode(name, schema, "{}")

    def test_old_forms_are_brought_up_to_date(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Renamed(Event, name="TestRenamed", schema=3, sentence="x", correctable=True, in_summary=None):
            title: str
            number: int

        monkeypatch.setattr(
            codec,
            "UPCASTS",
            {
                ("TestRenamed", 1): lambda d: {"title": d["name"]},
                ("TestRenamed", 2): lambda d: {**d, "number": 1},
            },
        )
        assert codec.decode("TestRenamed", 1, json.dumps({"name": "x"})) == Renamed(title="x", number=1)
        del Event.KNOWN["TestRenamed"]

    def test_plain_values_are_exact(self) -> None:
        assert codec.plain({("a", 1): (Decimal("8.50"), date(2026, 1, 2))}) == {"a|1": ["8.50", "2026-01-02"]}

    def test_a_name_is_given_once(self) -> None:
        with pytest.raises(TypeError, match="CycleFiled is taken"):

            class Other(Event, name="CycleFiled", schema=1, sentence="x", correctable=True, in_summary=None):
                pass

    def test_a_command_is_decided_by_one_step(self) -> None:
        with pytest.raises(TypeError, match="two steps decide"):
            compose((signing_step, signing_step))

    def test_a_step_without_a_slice_cannot_evolve(self) -> None:
        with pytest.raises(TypeError, match="without a slice"):
            compose((replace(signing_step, slice_name=None),))

    def test_steps_that_change_one_slice_by_one_event_do_so_one_after_the_other(self) -> None:
        def adding(letter: str) -> StepDecider[str, object, object]:
            return StepDecider("word", {}, {CycleFiled: lambda word, _event, _meta: word + letter})

        ((name, change),) = compose((adding("a"), adding("b"))).evolves[CycleFiled]
        assert (name, change("", CycleFiled(), None)) == ("word", "ab")


class TestCommands:
    def test_a_command_goes_there_and_back(self) -> None:
        command = CommandPayload.of(SignCovenant(unit="dong-da"))
        assert CommandPayload.model_validate_json(command.model_dump_json()).parsed() == SignCovenant(unit="dong-da")

    def test_what_is_wrong_is_named(self) -> None:
        with pytest.raises(Refused) as wrong:
            parse_command("sign", {"unit": "Đống Đa" * 30})
        assert wrong.value.code == "malformed_act"
        assert wrong.value.facts["place"] == "unit"
        with pytest.raises(Refused) as extra:
            parse_command("sign", {"unit": "a", "colour": "red"})
        assert extra.value.facts["place"] == "colour"
        with pytest.raises(Refused, match="unknown_act"):
            parse_command("fly", {})

    def test_a_cycle_names_each_unit_once(self) -> None:
        base = {
            "organiser": CITY,
            "organiser_name": "T",
            "cluster_name": "C",
            "year": 2026,
            "edition": DIGEST,
            "clock": "wall",
            "starts": NOW,
        }
        unit = Unit(id="a", name="A")
        with pytest.raises(ValidationError, match="units_twice"):
            OpenCycle(**base, units=(unit, unit))
        with pytest.raises(ValidationError, match="organiser"):
            OpenCycle(**base, units=(Unit(id=CITY, name="C"),))


class TestStreams:
    def test_names(self) -> None:
        assert parse_cycle_name("2020/cum-1") == cycle_stream("mttq-hanoi", "2020", "cum-1")
        assert parse_cycle_name("bo-gddt/2021-2022/cum-2") == "bo-gddt/2021-2022/cum-2"
        for bad in ("2020", "2020/Cụm 1", "a/b/c/d", "../x", "2020/cum-1;x"):
            with pytest.raises(Refused, match="not_a_cycle_name"):
                parse_cycle_name(bad)
        for bad in ("a/b/\0", "a/b/", "a/b/c\n", "a//c"):
            assert not is_cycle(bad)
            assert not is_year(bad)
        assert is_cycle("a/b/c")
        assert is_year(year_stream("a", "b"))
        with pytest.raises(KeyError):
            folded("post")


class Year:
    """The organiser's year, said to."""

    def __init__(self) -> None:
        self.state, self.version = CITY_YEAR.empty(), 0

    def when(self, act: Any, unit: str = CITY, **more: Any) -> tuple[Any, ...]:
        more = {"strength": Strength.OS_ACCOUNT, **more}
        authenticated = AuthenticatedCommand(
            stream=f"{CITY}/2026", command=act, actor="x", unit=unit, issued=NOW, command_id=uuid4(), **more
        )
        told = CITY_YEAR.decide(authenticated, self.state, NO_RULES, self.version)
        self.state, self.version = CITY_YEAR.fold([*self.history(), *told]), self.version + len(told)
        self._told = [*self.history(), *told]
        return told

    def history(self) -> list[Any]:
        return getattr(self, "_told", [])


PLAN = IssueYearPlan(organiser=CITY, organiser_name="T", year=2026, plan=Document(number="37/KH"), edition=DIGEST)


def cluster(name: str, *units: str) -> ClusterPlan:
    return ClusterPlan(id=name, name=name, units=tuple(Unit(id=u, name=u) for u in units))


class TestCityYear:
    def test_plan_clusters_opening(self) -> None:
        year = Year()
        with pytest.raises(Refused, match="no_year_plan"):
            year.when(ArrangeClusters(clusters=(cluster("c1", "a"),)))
        year.when(PLAN)
        with pytest.raises(AlreadyRecorded):
            year.when(PLAN)
        year.when(ArrangeClusters(clusters=(cluster("c1", "a"), cluster("c2", "b"))))
        with pytest.raises(AlreadyRecorded):
            year.when(ArrangeClusters(clusters=(cluster("c1", "a"),)))
        with pytest.raises(Refused, match="no_such_cluster"):
            year.when(OrderOpening(clusters=("c9",)))
        year.when(OrderOpening(clusters=("c1", "c2")))
        with pytest.raises(AlreadyRecorded):
            year.when(OrderOpening(clusters=("c2",)))
        assert CITY_YEAR.adoptions(year.state) == (Adoption(DIGEST),)

    def test_a_unit_has_one_cluster(self) -> None:
        year = Year()
        year.when(PLAN)
        with pytest.raises(Refused, match="unit_in_two_clusters"):
            year.when(ArrangeClusters(clusters=(cluster("c1", "a"), cluster("c2", "a"))))
        with pytest.raises(Refused, match="cluster_twice"):
            year.when(ArrangeClusters(clusters=(cluster("c1", "a"), cluster("c1", "b"))))
        with pytest.raises(ValidationError, match="units_twice"):
            cluster("c1", "a", "a")

    def test_only_the_organiser(self) -> None:
        with pytest.raises(Refused, match="not_yours"):
            Year().when(PLAN, unit="quan-khac")

    def test_a_rehearsal_is_marked(self) -> None:
        (told,) = Year().when(PLAN, strength=Strength.REHEARSAL)
        assert told.meta.provenance.kind == "rehearsed"
        (told,) = Year().when(PLAN, strength=Strength.REHEARSAL, provenance=Provenance(kind="stated", source="báo"))
        assert told.meta.provenance.kind == "stated"
