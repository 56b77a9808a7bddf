"""What a verification finds, and what it compared the ledger with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from typing import Literal

from domain import installation

PROBLEMS_KEPT = 50

DECISIONS = frozenset({"does_not_follow", "not_decided", "clock_not_due", "incomplete"})
"""Codes of findings in which nothing is broken: by the law that it was decided by, something else follows."""

Source = Literal["kept", "file", "database"]
"""Where a checkpoint came from: kept elsewhere and given; the file of this installation; the row in the database."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding. `code` is stable for users; `position` is None for a finding outside the ledger."""

    position: int | None
    stream: str
    code: str
    detail: str = ""

    @property
    def is_decision(self) -> bool:
        """Whether the event is whole and signed, and only the decision is another by the same law."""
        return self.code in DECISIONS and self.stream not in {installation.STREAM, installation.POST_STREAM}


@dataclass(frozen=True, slots=True)
class BesideProblem:
    """A finding beside the events: in the vault, the file of checkpoints, the rows that belong to no event."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Checkpoints of one source that the ledger agrees with: how many, and how many events the largest one covers."""

    source: Source
    checkpoints: int
    size: int


@dataclass(slots=True)
class Untrusted:
    """Commands that a key signed after the position up to which it is trusted: how many, and the first of them."""

    key: str
    kind: str
    """What `thidua key add` calls such a key."""
    trusted_until: int
    position: int
    stream: str
    command_id: str
    commands: int = 1


@dataclass(slots=True)
class StreamReport:
    """What the second part found in one stream."""

    signatures: int = 0
    """Signed commands; each has its signature checked once, however many events it led to."""
    signed_events: int = 0
    """Events that name a signed command."""
    clock_acts: int = 0
    founded: int = 0
    """1 in the stream that begins with the founding of the installation, before there was a key to sign with."""
    unsigned: int = 0
    """Events of the post, which are not signed."""
    epoch: int = 0
    """The highest writer epoch in a signed header."""
    undecided: dict[int, int] = field(default_factory=dict)
    """By law: the events decided by a law that this version does not carry. Their decisions were not checked."""
    problems: list[Problem] = field(default_factory=list)
    beside: list[BesideProblem] = field(default_factory=list)
    untrusted: list[Untrusted] = field(default_factory=list)
    """One for each key that was retired as compromised and signed more than it is trusted for."""

    def problem(self, position: int | None, stream: str, code: str, detail: str = "") -> None:
        """Note a problem; beyond `PROBLEMS_KEPT` they are dropped, because the first ones tell."""
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(Problem(position, stream, code, detail))


def add_untrusted(found: list[Untrusted], one: Untrusted) -> None:
    """Add commands of a key to those that were found before."""
    for other in found:
        if other.key == one.key:
            other.commands += one.commands
            if one.position < other.position:
                other.position, other.stream, other.command_id = one.position, one.stream, one.command_id
            return
    found.append(replace(one))


@dataclass(slots=True)
class VerificationReport:
    """The counts of what was checked, the problems found, and what the ledger was compared with."""

    events: int = 0
    streams: int = 0
    signatures: int = 0
    signed_events: int = 0
    clock_acts: int = 0
    founded: int = 0
    unsigned: int = 0
    epoch: int = 0
    law: int = 0
    """The law by which decisions were checked: the one of the version that verified."""
    undecided: dict[int, int] = field(default_factory=dict)
    """See `StreamReport`. They are no problem: the release with that law can decide them again."""
    problems: list[Problem] = field(default_factory=list)
    beside: list[BesideProblem] = field(default_factory=list)
    remarks: list[BesideProblem] = field(default_factory=list)
    """What a reader should know and what is no sign of a change."""
    untrusted: list[Untrusted] = field(default_factory=list)
    root: str = ""
    compared: list[Compared] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems and not self.beside and not self.untrusted

    @property
    def first_broken(self) -> int | None:
        """The lowest position at which the ledger is broken; None if there is none."""
        return min((p.position for p in self.problems if p.position is not None and not p.is_decision), default=None)

    @property
    def first_decided_otherwise(self) -> int | None:
        """The lowest position of an event that is decided otherwise by the same law; None if there is none."""
        return min((p.position for p in self.problems if p.position is not None and p.is_decision), default=None)

    @property
    def proven(self) -> int:
        """How many events are shown to be unchanged: those that a checkpoint covers that was kept elsewhere."""
        return max((one.size for one in self.compared if one.source == "kept"), default=0) if self.ok else 0

    @property
    def unexplained(self) -> int:
        """How many events nothing led to that may: each is among the problems, as far as they are kept."""
        return self.events - self.signed_events - self.clock_acts - self.founded - self.unsigned

    def add(self, part: StreamReport) -> None:
        """Add what was found in a stream."""
        self.signatures += part.signatures
        self.signed_events += part.signed_events
        self.clock_acts += part.clock_acts
        self.founded += part.founded
        self.unsigned += part.unsigned
        self.epoch = max(self.epoch, part.epoch)
        for law, events in part.undecided.items():
            self.undecided[law] = self.undecided.get(law, 0) + events
        self.problems = first_problems([*self.problems, *part.problems])
        self.beside = list(dict.fromkeys([*self.beside, *part.beside]))[:PROBLEMS_KEPT]
        for one in part.untrusted:
            add_untrusted(self.untrusted, one)


def first_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems at the lowest positions, in their order."""
    return nsmallest(PROBLEMS_KEPT, problems, key=lambda one: one.position or 0)
