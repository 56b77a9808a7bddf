"""Who may read what: one table, as `rights` is for acting.

Inside a cluster everybody reads the papers, the comments and what was read out in the meetings. Points stay with whom
they are about until the results are published, but for who must check them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.cycle import State


class Reader(StrEnum):
    """What somebody who has come in is to what they want to read."""

    SECRETARIAT = "secretariat"
    """Of the organiser whose cycle it is; for what belongs to no cycle, of any."""
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    OVERSEER = "overseer"
    MEMBER = "member"
    """Of a unit that is, or once was, a member of the cluster."""
    ANYBODY = "anybody"


class Matter(StrEnum):
    """What there is to read."""

    OWN = "own"
    """One's own account, tasks, drafts and receipts; help; what a search finds among what one may read."""
    BOARD = "board"
    YEAR = "year"
    """What starts a year: clusters, units, overseers, dates."""
    CYCLE = "cycle"
    """A cluster's page: members, papers, comments, signatures, meetings, deadlines."""
    ALL_SCORES = "all-scores"
    """Every unit's points in every round, before publication, too."""
    HISTORY = "history"
    """Each event with who entered it, the state at any moment, the register of deviations, the chain."""
    PEOPLE = "people"
    """Accounts, stand-ins, telephone numbers."""
    READINGS = "readings"
    """What auditors have read."""


S, A, M, O, U, E = Reader  # noqa: E741 - one letter each keeps the table readable

MAY_READ: Mapping[Matter, frozenset[Reader]] = {
    Matter.OWN: frozenset({E}),
    Matter.BOARD: frozenset({S, A}),
    Matter.YEAR: frozenset({S}),
    Matter.CYCLE: frozenset({S, A, O, U}),
    Matter.ALL_SCORES: frozenset({S, A, O}),
    Matter.HISTORY: frozenset({S, A}),
    Matter.PEOPLE: frozenset({S, M}),
    Matter.READINGS: frozenset({S, A, M}),
}


MAY_MANAGE: Mapping[str, frozenset[Reader]] = {
    "staff": frozenset({S, M}),
    "auditor": frozenset({M}),
    "secretariat": frozenset({M}),
}
"""Who may make and close accounts, by the account's kind; that of an administrator, administrators only."""


def may_manage(kind: str, who: frozenset[Reader], *, administrator: bool = False) -> bool:
    """Whether one of these may make or close such an account."""
    return bool(who & (frozenset({M}) if administrator else MAY_MANAGE[kind]))


def readers(
    person: str, unit: str, kind: str, *, administrator: bool, stream: str | None = None, state: State | None = None
) -> frozenset[Reader]:
    """What somebody is to a stream, or to what belongs to none. `kind` is that of the account."""
    found = {Reader.ANYBODY}
    if administrator:
        found.add(Reader.ADMINISTRATOR)
    if kind == "auditor":
        found.add(Reader.AUDITOR)
        return frozenset(found)
    if kind == "secretariat" and (stream is None or stream.split("/")[0] == unit):
        found.add(Reader.SECRETARIAT)
    if state is not None:
        if unit in state.membership.names:
            found.add(Reader.MEMBER)
        overseer = state.membership.overseer
        if overseer is not None and overseer.id == person:
            found.add(Reader.OVERSEER)
    return frozenset(found)


def may_read(matter: Matter, who: frozenset[Reader]) -> bool:
    """Whether one of these may read it."""
    return bool(MAY_READ[matter] & who)


OPEN_ROUNDS = frozenset({"self", "cross-checked"})
"""What the units themselves write. The rounds of those above stay closed until publication."""


def may_see_sheet(unit: str, round_: str, reader: str, who: frozenset[Reader], state: State) -> bool:
    """Whether a reader of the unit `reader` may see a unit's sheet in a round.

    A unit sees what it claims and what its peer finds; who cross-checks a unit sees what that one claims; after
    publication the members see all of it.
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
"""Deviations that tell of points or of a decision before either is published."""


def may_see_deviation(code: str, who: frozenset[Reader], state: State) -> bool:
    """Whether a reader may see a deviation from the rules."""
    open_ = state.conclusion.published is not None or may_read(Matter.ALL_SCORES, who)
    return open_ or code not in CLOSED_DEVIATIONS
