"""Who may read what: one table for reading, as `rights` is for acting.

Members of a cluster read its papers, its comments and its minutes. Each event says who reads it before the results are
published (`readers`): scores are open only to the unit that they are about and to the unit that checks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.obligations import cross_checkers
from domain.parties import Readers
from domain.records import Event
from domain.rules import NO_RULES, Edition
from domain.scoring.scores import CrossChecked, RoundScored, ScoresAppraised, SelfScored

if TYPE_CHECKING:
    from domain.state import State


class Reader(StrEnum):
    """A role of a logged-in visitor towards a stream, or towards what belongs to no stream."""

    SECRETARIAT = "secretariat"
    """The secretariat of the stream's organiser; outside a stream, of any organiser."""
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    OVERSEER = "overseer"
    MEMBER = "member"
    """A person of a unit that is, or once was, a member of the cluster."""
    ANYBODY = "anybody"


class Matter(StrEnum):
    """A kind of content, as the access table distinguishes it."""

    OWN = "own"
    """The visitor's own account, tasks, drafts and receipts; help; search, which shows only readable streams."""
    BOARD = "board"
    YEAR = "year"
    """The start of a year: clusters, units, overseers, dates."""
    CYCLE = "cycle"
    """A cluster's page: members, papers, comments, signatures, meetings, deadlines."""
    ALL_SCORES = "all-scores"
    """Every unit's points in every round, also before publication."""
    HISTORY = "history"
    """Each event with its actor, past states, the list of deviations, the hash chain."""
    PEOPLE = "people"
    """Accounts, stand-ins, telephone numbers."""
    READINGS = "readings"
    """The log of what auditors have read."""


_CITY_STAFF = frozenset({Reader.SECRETARIAT, Reader.AUDITOR})
_ACCOUNT_MANAGERS = frozenset({Reader.SECRETARIAT, Reader.ADMINISTRATOR})
_ADMINISTRATORS = frozenset({Reader.ADMINISTRATOR})

MAY_READ: Mapping[Matter, frozenset[Reader]] = {
    Matter.OWN: frozenset({Reader.ANYBODY}),
    Matter.BOARD: _CITY_STAFF,
    Matter.YEAR: frozenset({Reader.SECRETARIAT}),
    Matter.CYCLE: _CITY_STAFF | {Reader.OVERSEER, Reader.MEMBER},
    Matter.ALL_SCORES: _CITY_STAFF | {Reader.OVERSEER},
    Matter.HISTORY: _CITY_STAFF,
    Matter.PEOPLE: _ACCOUNT_MANAGERS,
    Matter.READINGS: _CITY_STAFF | _ADMINISTRATORS,
}


MAY_MANAGE: Mapping[str, frozenset[Reader]] = {
    "staff": _ACCOUNT_MANAGERS,
    "auditor": _ADMINISTRATORS,
    "secretariat": _ADMINISTRATORS,
}
"""Who may make and close accounts, by kind of account. Accounts of administrators are managed by administrators."""


def may_manage(kind: str, who: frozenset[Reader], *, administrator: bool = False) -> bool:
    """Return whether a visitor with the roles `who` may make or close an account of this kind."""
    return bool(who & (_ADMINISTRATORS if administrator else MAY_MANAGE[kind]))


def readers(
    person: str, unit: str, kind: str, *, administrator: bool, stream: str | None = None, state: State | None = None
) -> frozenset[Reader]:
    """Return the visitor's reader roles for a stream, or outside a stream. `kind` is that of the visitor's account."""
    roles = {Reader.ANYBODY}
    if administrator:
        roles.add(Reader.ADMINISTRATOR)
    if kind == "auditor":
        roles.add(Reader.AUDITOR)
        return frozenset(roles)
    if kind == "secretariat" and (stream is None or stream.split("/")[0] == unit):
        roles.add(Reader.SECRETARIAT)
    if state is not None:
        if unit in state.membership.names:
            roles.add(Reader.MEMBER)
        overseer = state.membership.overseer
        if overseer is not None and overseer.id == person:
            roles.add(Reader.OVERSEER)
    return frozenset(roles)


def may_read(matter: Matter, who: frozenset[Reader]) -> bool:
    """Return whether a visitor with the roles `who` may read the matter."""
    return bool(MAY_READ[matter] & who)


def is_open_to_members(event: type[Event]) -> bool:
    """Return whether each member reads events of this type before the results are published."""
    return event.READERS is Readers.ALL_MEMBERS


def may_read_event(event: Event, reader: str, who: frozenset[Reader], state: State, rules: Edition = NO_RULES) -> bool:
    """Return whether a visitor of the unit `reader` may read an event of a cycle.

    Pages, timelines, past states, search and interfaces ask this one question. An event whose class says nothing about
    its readers is closed to members until the results are published.
    """
    return may_read(Matter.CYCLE, who) and _is_open(
        event.READERS, getattr(event, "unit", None), reader, who, state, rules
    )


def may_see_sheet(
    unit: str, round_: str, reader: str, who: frozenset[Reader], state: State, rules: Edition = NO_RULES
) -> bool:
    """Return whether a visitor of the unit `reader` may see the score sheet of `unit` in a round."""
    return _is_open(_EVENT_OF_ROUND.get(round_, RoundScored).READERS, unit, reader, who, state, rules)


_EVENT_OF_ROUND: Mapping[str, type[Event]] = {
    "self": SelfScored,
    "cross-checked": CrossChecked,
    "appraised": ScoresAppraised,
}
"""The event that sets a sheet, by round. All other rounds are set by `RoundScored`."""


def _is_open(
    readers: Readers, unit: str | None, reader: str, who: frozenset[Reader], state: State, rules: Edition
) -> bool:
    """Return whether facts about `unit` with these readers are open to the visitor."""
    if may_read(Matter.ALL_SCORES, who) or state.conclusion.published is not None:
        return True
    if readers is not Readers.OWN_AND_CHECKER:
        return readers is Readers.ALL_MEMBERS
    return unit is not None and reader in {unit, cross_checkers(state, rules).get(unit)}


OPEN_DEVIATIONS = frozenset(
    {
        "accepted_unregistered",
        "answer_without_letter",
        "answered_before",
        "answered_late",
        "bylaws_late",
        "complaint",
        "contents_differ",
        "cross_checks_open",
        "edition_out_of_time",
        "final_next_year",
        "head_nominated",
        "head_unknown",
        "late_act",
        "letter_unanswered",
        "meeting_unusual",
        "nominated_excluded",
        "not_carried",
        "number_used_twice",
        "papers_untold",
        "quorum_missed",
        "quota_exceeded",
        "returned_unannulled",
        "signed_text_open",
        "signed_unpresented",
        "signing_unusual",
        "sources_disagree",
        "stance_unpresented",
        "unit_declined",
        "voted_otherwise",
    }
)
"""Codes of deviations that members see before publication; the others could reveal points or a decision."""


def may_see_deviation(code: str, who: frozenset[Reader], state: State) -> bool:
    """Return whether a visitor may see a deviation with this code."""
    open_ = state.conclusion.published is not None or may_read(Matter.ALL_SCORES, who)
    return open_ or code in OPEN_DEVIATIONS
