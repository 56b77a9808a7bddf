"""A small language for domain tests: `Case().when(command, by=unit).happened("Event")`, or `.refused(code)`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.commands import AuthenticatedCommand
from domain.cycle import CYCLE
from domain.records import CLOCK, AlreadyRecorded, Command, Event, EventEnvelope, Refused
from domain.rules import Edition
from domain.state import State
from domain.steps.lifecycle import OpenCycle, StepTo
from domain.strengths import Strength
from domain.times import ICT, When
from domain.units import Unit

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
        "cross_checks": "next-in-list",
        "awards": [{"id": "co", "title": "Cờ", "quota": 1}],
        "articles": {"bylaws_before_signing": "Điều 9"},
    }
)


def day(month: int, of: int, hour: int = 9, year: int = 2026) -> datetime:
    """Return an instant of the test year."""
    return datetime(year, month, of, hour, tzinfo=ICT)


def opening(clock: str = "stepped", units: tuple[str, ...] = UNITS) -> OpenCycle:
    """Return the command that opens the test cluster's year on 1 January."""
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
    """A cycle in which commands are decided one after another. Its past comes from the decider, so it is possible."""

    def __init__(self, *, clock: str = "stepped", rules: Edition = RULES, opened: bool = True) -> None:
        self.rules = rules
        self.history: list[EventEnvelope[Event]] = []
        self.state: State = CYCLE.empty()
        self.outcome: tuple[EventEnvelope[Event], ...] | Refused | AlreadyRecorded = ()
        self.issued = 0
        if opened:
            self.when(opening(clock), by=CITY).happened()

    def when(self, command: Command, *, by: str = CITY, actor: str = "", **circumstances: Any) -> Case:
        """Issue a command for the unit `by`. Its outcome is kept, and its events are applied.

        Commands with the same `recorded` are appended together.
        """
        self.issued += 1
        recorded: datetime | None = circumstances.pop("recorded", None)
        authenticated = AuthenticatedCommand(
            stream=STREAM,
            command=command,
            actor=actor or f"cb-{by}",
            unit=by,
            issued=circumstances.pop("issued", NOW),
            command_id=uuid5(NAMESPACE_URL, str(self.issued)),
            strength=circumstances.pop("strength", Strength.OS_ACCOUNT),
            **circumstances,
        )
        try:
            self.outcome = CYCLE.decide(authenticated, self.state, self.rules, len(self.history), tuple(self.history))
        except (Refused, AlreadyRecorded) as outcome:
            self.outcome = outcome
            return self
        first = len(self.history) + 1
        assert [one.meta.version for one in self.outcome] == [*range(first, first + len(self.outcome))]
        # As the ledger would store it: a moment after it was issued, each append at a time of its own.
        stored = recorded or authenticated.issued + timedelta(seconds=self.issued)
        self.outcome = tuple(
            envelope._replace(meta=envelope.meta._replace(recorded=stored)) for envelope in self.outcome
        )
        self._apply(self.outcome)
        return self

    def _apply(self, envelopes: tuple[EventEnvelope[Event], ...]) -> None:
        self.history.extend(envelopes)
        if any(envelope.event.NAME == "ActCorrected" for envelope in envelopes):
            self.state = CYCLE.fold(self.history)
        else:
            for envelope in envelopes:
                self.state = CYCLE.evolve(self.state, envelope)

    def until(self, now: datetime) -> Case:
        """Issue all commands of the clock that are due up to an instant."""
        while (due := CYCLE.due(self.state, self.rules, now)) is not None:
            instant, commands = due
            for command in commands:
                self.when(command, by="", actor=CLOCK, happened=When.at(instant), issued=instant).happened()
        return self

    def step(self, now: datetime) -> Case:
        """Step a rehearsal to this instant."""
        self.when(StepTo(now=now), by=CITY).happened()
        return self.until(now)

    def happened(self, *names: str) -> Case:
        """Assert that the command was accepted; with names, that exactly these events followed."""
        assert isinstance(self.outcome, tuple), self.outcome
        if names:
            assert tuple(envelope.event.NAME for envelope in self.outcome) == names
        return self

    def refused(self, code: str) -> Case:
        """Assert that the command was refused with this code."""
        assert isinstance(self.outcome, Refused), self.outcome
        assert self.outcome.code == code
        return self

    def already(self) -> Case:
        """Assert that the command was recorded before."""
        assert isinstance(self.outcome, AlreadyRecorded), self.outcome
        return self

    def names(self) -> list[str]:
        """Return the names of all events."""
        return [envelope.event.NAME for envelope in self.history]


YESTERDAY = NOW - timedelta(days=1)
__all__ = ["CITY", "DIGEST", "NOW", "RULES", "STREAM", "TEXT", "UNITS", "UTC", "YESTERDAY", "Case", "day", "opening"]
