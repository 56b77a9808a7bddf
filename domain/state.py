"""The state of one cluster's year, and its answers to what the steps ask of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain import deviations, obligations
from domain.due_dates import Obligation
from domain.joint_acts import UnnamedActs
from domain.records import LastChange
from domain.rules import CovenantKind, DraftKind, Edition
from domain.scoring import scores
from domain.scoring.results import UnitResult
from domain.steps import (
    awards,
    clock,
    commenting,
    conclusion,
    corrections,
    cross_checks,
    drafting,
    escalation,
    extensions,
    letters,
    lifecycle,
    manual_reminders,
    meetings,
    membership,
    midyear,
    signatories,
    signing,
    targets,
    voting,
)
from domain.times import When
from domain.units import Unnamed


@dataclass(frozen=True)
class Deadlines(clock.ClockRecord, extensions.Extensions, escalation.Escalations):
    """One slice of three steps, each of which reads and changes its own fields only. Its stored form is one table."""


@dataclass(frozen=True, slots=True)
class State:
    """The state of one cluster's year: the slices of the steps, and the answers to what steps ask of each other.

    The questions are documented where they are asked: in the protocol `...Context` of each step.
    """

    lifecycle: lifecycle.Lifecycle = field(default_factory=lifecycle.Lifecycle)
    membership: membership.Membership = field(default_factory=membership.Membership)
    drafts: drafting.Drafts = field(default_factory=dict)
    comments: commenting.Comments = field(default_factory=commenting.Comments)
    term_signing: signing.Signing = field(default_factory=signing.Signing)
    signing: signing.Signing = field(default_factory=signing.Signing)
    targets: targets.TargetsState = field(default_factory=targets.TargetsState)
    meetings: meetings.Meetings = field(default_factory=dict)
    letters: letters.Letters = field(default_factory=letters.Letters)
    midyear: midyear.MidyearReports = field(default_factory=dict)
    cross_checks: cross_checks.Checkers = field(default_factory=dict)
    scores: scores.Scores = field(default_factory=dict)
    ballots: voting.Ballots = field(default_factory=dict)
    conclusion: conclusion.Conclusion = field(default_factory=conclusion.Conclusion)
    together: UnnamedActs = field(default_factory=dict)
    awards: awards.AwardsState = field(default_factory=awards.AwardsState)
    deadlines: Deadlines = field(default_factory=Deadlines)
    manual_reminders: manual_reminders.ManualReminders = ()
    corrections: corrections.Corrections = field(default_factory=corrections.Corrections)
    signatories: signatories.SignatoriesByVersion = field(default_factory=dict)
    changes: Mapping[str, LastChange] = field(default_factory=dict, compare=False)
    """The last change of each subject (`Event.SUBJECTS`): an index of the history, no fact of the year."""
    clock_memory: clock.Memory | None = field(default=None, compare=False)
    """What the clock can know of the past. It comes from when events were stored, so it is no fact of the year."""

    def could_be_member(self, unit: str, when: When) -> bool:
        return self.membership.could_be_member(unit, when)

    @property
    def organiser(self) -> str:
        return self.lifecycle.organiser

    @property
    def unnamed(self) -> Unnamed | None:
        return self.lifecycle.unnamed

    @property
    def closed_early(self) -> When | None:
        return self.lifecycle.closed_early

    @property
    def handed_to(self) -> tuple[str, ...]:
        return self.lifecycle.handed_to

    @property
    def predecessors(self) -> tuple[str, ...]:
        return self.lifecycle.predecessors

    @property
    def clock_since(self) -> datetime | None:
        runs = self.lifecycle.clock != "backfill" and self.lifecycle.filed is None
        since = self.lifecycle.clock_since if runs else None
        if since is None or self.clock_memory is None or self.clock_memory.issued_until is None:
            return since
        return max(since, self.clock_memory.issued_until)

    def is_recorded(self, meeting: str | None) -> bool:
        return meeting in self.meetings

    def members(self) -> tuple[str, ...]:
        return self.membership.members()

    def members_on(self, when: When) -> tuple[str, ...]:
        return self.membership.members_on(when)

    def kind_of(self, unit: str) -> str | None:
        return self.membership.kinds.get(unit)

    def exclusion_of(self, unit: str) -> str | None:
        return self.conclusion.excluded.get(unit)

    def draft_numbers(self, kind: CovenantKind) -> tuple[int, ...]:
        return tuple(version.number for version in self.drafts.get(kind, ()))

    def draft_read(self, kind: DraftKind, when: When) -> int | None:
        presented = (version.number for version in self.drafts.get(kind, ()) if not when.before(version.when))
        return max(presented, default=None)

    def signed_version(self, kind: DraftKind, by: When) -> int | None:
        signed = {"covenant": self.signing, "term-covenant": self.term_signing}.get(kind)
        return signed.signed_version if signed is not None and signed.is_signed(by) else None

    def covenant_is_signed(self, by: When) -> bool:
        return self.signing.is_signed(by)

    def class_ruled_for(self, unit: str) -> str | None:
        ruling = self.conclusion.class_rulings.get(unit)
        return None if ruling is None else ruling.to

    def results(self, rules: Edition) -> Mapping[str, UnitResult]:
        return scores.calculated_scores(self, rules)

    def checker_of(self, unit: str, rules: Edition) -> str | None:
        return obligations.cross_checkers(self, rules).get(unit)

    def obligations(self, rules: Edition) -> tuple[Obligation, ...]:
        return obligations.obligations(self, rules)

    def extensible(self, rules: Edition) -> tuple[Obligation, ...]:
        return obligations.extensible(self, rules)

    def has_deviation(self, key: str, rules: Edition) -> bool:
        return any(deviation.key == key for deviation in deviations.deviations(self, rules))


def members_and_organiser(state: State) -> Mapping[str, str]:
    """Return the names of all units that can have duties in the cycle, by id."""
    return {**state.membership.names, state.lifecycle.organiser: state.lifecycle.organiser_name}
