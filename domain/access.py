"""Who may read what: one table for reading, as `rights` is for acting.

Members of a cluster read its papers, its comments and its minutes. Scores are open only to the unit that they are about
and to those who check them, until the results are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.cycle import State


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


OPEN_ROUNDS = frozenset({"self", "cross-checked"})
"""Rounds that the units themselves fill in. All other rounds stay closed until publication."""


def may_see_sheet(unit: str, round_: str, reader: str, who: frozenset[Reader], state: State) -> bool:
    """Return whether a visitor of the unit `reader` may see the score sheet of `unit` in a round.

    A unit sees its self-score and its cross-check. The unit that cross-checks it sees both, too. After publication
    all sheets are open to every visitor who may read the cycle.
    """
    if may_read(Matter.ALL_SCORES, who) or state.conclusion.published is not None:
        return True
    if round_ not in OPEN_ROUNDS:
        return False
    members = state.membership.members()
    checks_it = reader in members and unit in members and members[(members.index(reader) + 1) % len(members)] == unit
    return unit == reader or (checks_it and len(members) > 1)


CLOSED_DEVIATIONS = frozenset(
    {
        "granted_unnominated",
        "granted_while_held",
        "annulled_ungranted",
        "award_of_other_kind",
        "scored_by_other",
        "scored_beyond_round",
        "scored_after_ranking",
        "round_undeclared",
        "ranked_before_appraisal",
    }
)
"""Codes of deviations that would reveal points or a decision before publication."""


def may_see_deviation(code: str, who: frozenset[Reader], state: State) -> bool:
    """Return whether a visitor may see a deviation with this code."""
    open_ = state.conclusion.published is not None or may_read(Matter.ALL_SCORES, who)
    return open_ or code not in CLOSED_DEVIATIONS
