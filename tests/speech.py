"""How domain tests speak: given(history).when(command).then(events), or .refused(code)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.commands import AuthenticatedCommand
from domain.cycle import CYCLE, State
from domain.rules import Edition
from domain.steps.lifecycle import OpenCycle, StepTo, Unit
from domain.types import CLOCK, ICT, AlreadyRecorded, Command, Event, EventEnvelope, Refused, When

CITY = "mttq-hanoi"
STREAM = f"{CITY}/2026/cum-1"
UNITS = ("dong-da", "hoan-kiem", "ba-dinh")
NOW = datetime(2026, 11, 1, 9, tzinfo=ICT)
DIGEST = "e" * 64
TEXT = "a" * 64

RULES = Edition.model_validate(
    {
        "id": "test",
        "title": "Bản thử",
        "deadlines": [
            {"duty": "draft", "due": {"month": 2, "day": 15}, "article": "Điều 1"},
            {
                "duty": "stance",
                "due": {"month": 2, "day": 25},
                "article": "Điều 2",
                "remind_days_before": [7, 1],
                "escalate_days_after": 3,
            },
            {"duty": "signature", "due": {"month": 3, "day": 15}, "article": "Điều 3", "remind_days_before": [7]},
            {
                "duty": "midyear-report",
                "due": {"month": 7, "day": 10},
                "article": "Điều 4",
                "remind_days_before": [3],
                "close_days_after": 10,
            },
            {"duty": "self-score", "due": {"month": 11, "day": 10}, "article": "Điều 5"},
            {"duty": "cross-check", "due": {"month": 11, "day": 20}, "article": "Điều 5"},
        ],
        "criteria": [
            {
                "id": "a",
                "title": "A",
                "max": "60",
                "children": [{"id": "a1", "title": "A1", "max": "40"}, {"id": "a2", "title": "A2", "max": "20"}],
            },
            {"id": "b", "title": "B", "max": "40"},
        ],
        "total": "100",
        "awards": [{"id": "co", "title": "Cờ", "quota": 1}],
        "articles": {"bylaws_before_signing": "Điều 9"},
    }
)


def day(month: int, of: int, hour: int = 9, year: int = 2026) -> datetime:
    """An instant of the test year."""
    return datetime(year, month, of, hour, tzinfo=ICT)


def opening(clock: str = "stepped", units: tuple[str, ...] = UNITS) -> OpenCycle:
    """A cluster's year is opened on 1 January."""
    return OpenCycle(
        organiser=CITY,
        organiser_name="Thành phố",
        cluster_name="Cụm 1",
        year=2026,
        units=tuple(Unit(id=unit, name=unit) for unit in units),
        edition=DIGEST,
        clock=clock,
        starts=day(1, 1, 0),
    )


class Case:
    """A cycle that acts are said in, one after another. Setting it up uses the law itself, so no impossible past."""

    def __init__(self, *, clock: str = "stepped", rules: Edition = RULES, opened: bool = True) -> None:
        self.rules = rules
        self.history: list[EventEnvelope[Event]] = []
        self.state: State = CYCLE.empty()
        self.outcome: tuple[EventEnvelope[Event], ...] | Refused | AlreadyRecorded = ()
        self.said = 0
        if opened:
            self.when(opening(clock), by=CITY).happened()

    def when(self, act: Command, *, by: str = CITY, actor: str = "", **circumstances: Any) -> Case:
        """Somebody of a unit says an act; what it answers is kept, and takes effect."""
        self.said += 1
        authenticated = AuthenticatedCommand(
            stream=STREAM,
            command=act,
            actor=actor or f"cb-{by}",
            unit=by,
            issued=circumstances.pop("issued", NOW),
            command_id=uuid5(NAMESPACE_URL, str(self.said)),
            **circumstances,
        )
        try:
            self.outcome = CYCLE.decide(authenticated, self.state, self.rules, len(self.history), tuple(self.history))
        except (Refused, AlreadyRecorded) as answer:
            self.outcome = answer
            return self
        self._take(self.outcome)
        return self

    def _take(self, told: tuple[EventEnvelope[Event], ...]) -> None:
        self.history.extend(told)
        if any(t.event.NAME == "ActCorrected" for t in told):
            self.state = CYCLE.fold(self.history)
        else:
            for one in told:
                self.state = CYCLE.evolve(self.state, one)

    def until(self, now: datetime) -> Case:
        """The clock says everything that is due up to an instant."""
        while (ripe := CYCLE.due(self.state, self.rules, now)) is not None:
            instant, acts = ripe
            for act in acts:
                self.when(act, by="", actor=CLOCK, happened=When.at(instant), issued=instant).happened()
        return self

    def step(self, now: datetime) -> Case:
        """In a rehearsal: it is now this instant."""
        self.when(StepTo(now=now), by=CITY).happened()
        return self.until(now)

    def happened(self, *names: str) -> Case:
        """It was accepted; with names, exactly these events followed."""
        assert isinstance(self.outcome, tuple), self.outcome
        if names:
            assert tuple(t.event.NAME for t in self.outcome) == names
        return self

    def refused(self, code: str) -> Case:
        """It was refused for this reason."""
        assert isinstance(self.outcome, Refused), self.outcome
        assert self.outcome.code == code
        return self

    def already(self) -> Case:
        """It stood in the register already."""
        assert isinstance(self.outcome, AlreadyRecorded), self.outcome
        return self

    def names(self) -> list[str]:
        """Everything that happened, by name."""
        return [t.event.NAME for t in self.history]


YESTERDAY = NOW - timedelta(days=1)
__all__ = ["CITY", "DIGEST", "NOW", "RULES", "STREAM", "TEXT", "UNITS", "UTC", "YESTERDAY", "Case", "day", "opening"]
