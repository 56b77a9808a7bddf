"""Roles in a cycle: the parties that issue commands, and the readers of an event before publication."""

from __future__ import annotations

from enum import Enum, StrEnum, auto


class Party(StrEnum):
    """A role in a cycle that rights are granted to."""

    SECRETARIAT = "secretariat"
    HEAD = "head"
    DEPUTY = "deputy"
    OWN = "own"
    """A member unit, for commands about itself."""
    OVERSEER = "overseer"
    CLOCK = "clock"


SECRETARIAT = frozenset({Party.SECRETARIAT})
CLOCK_ONLY = frozenset({Party.CLOCK})
MINUTES_KEEPERS = frozenset({Party.SECRETARIAT, Party.HEAD, Party.DEPUTY})
"""The parties that may enter what a meeting decided."""
OWN_UNIT = MINUTES_KEEPERS | {Party.OWN}
ANY_PERSON = OWN_UNIT | {Party.OVERSEER}


class Readers(StrEnum):
    """The members that may read an event before the results are published. City staff and overseer read every event.

    The unit that entered an event reads it, too.
    """

    ALL_MEMBERS = "all-members"
    OWN_AND_CHECKER = "own-and-checker"
    """The unit that the event is about, and the unit that cross-checks it."""
    OF_EARLIER_EVENTS = "of-earlier-events"
    """The readers of the earlier events that it is about, whose versions its field `of` or `versions` holds."""
    NO_MEMBER = "no-member"


class Section(Enum):
    """A section of a state's summary, in the order of the summary. An event names the section that its facts are in."""

    MEMBERS = auto()
    STANCES = auto()
    COMMENTS = auto()
    SIGNATURES = auto()
    WITNESSES = auto()
    LETTERS = auto()
    REGISTRATIONS = auto()
    RESULTS = auto()
    DRAFTS = auto()
    MEETINGS = auto()
    MIDYEAR_REPORTS = auto()
    SCORES = auto()
    TOTALS = auto()
    RANKING = auto()
    NOMINATIONS = auto()
    NEXT_ROLES = auto()
    SUBMISSION = auto()
    DECISION = auto()
    PUBLICATION = auto()
