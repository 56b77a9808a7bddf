"""Who may read what: one table for reading, as `rights` is for acting.

Members of a cluster read its papers, its comments and its minutes. Each event says who reads it before the results are
published (`readers`): scores are open only to the unit that they are about and to the unit that checks them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from enum import StrEnum

from domain.cycle import EVENTS_OF
from domain.deviations import BROUGHT_BY
from domain.obligations import cross_checkers
from domain.parties import Readers
from domain.records import Event, EventEnvelope
from domain.rules import Edition
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
    ACCOUNT_LOG = "account-log"
    """The log of what was done to accounts, by whom and by which door."""
    OPERATION = "operation"
    """How the installation is: its parts, disks, mail queue, failed logins. Nothing of what it holds."""


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
    Matter.ACCOUNT_LOG: _ADMINISTRATORS | {Reader.AUDITOR},
    Matter.OPERATION: _ADMINISTRATORS,
}


MAY_MANAGE: Mapping[str, frozenset[Reader]] = {
    "staff": _ACCOUNT_MANAGERS,
    "auditor": _ADMINISTRATORS,
    "secretariat": _ADMINISTRATORS,
}
"""Who may make and close accounts, by kind of account. Accounts of administrators are managed by administrators."""


def may_manage(kind: str, who: frozenset[Reader], *, administrator: bool = False) -> bool:
    """Return whether a visitor with the roles `who` may make or close an account of this kind. Auditors only read."""
    return Reader.AUDITOR not in who and bool(who & (_ADMINISTRATORS if administrator else MAY_MANAGE[kind]))


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


def reads_everything(who: frozenset[Reader], state: State) -> bool:
    """Return whether a visitor who may read the cycle may read all of its events now."""
    return may_read(Matter.ALL_SCORES, who) or state.conclusion.published is not None


def readable_versions(
    envelopes: Iterable[EventEnvelope[Event]], reader: str, who: frozenset[Reader], state: State, rules: Edition
) -> frozenset[int]:
    """Return the versions of the events of a cycle that a visitor of the unit `reader` may read.

    Pages, timelines, past states, search, files and interfaces ask this one question. It is answered by what each
    event's class says of its readers; an event whose class says nothing is closed to members until the results are
    published. A unit reads what it entered itself. `envelopes` is the history from its beginning, `state` the state
    now, `rules` the edition in force.
    """
    if not may_read(Matter.CYCLE, who):
        return frozenset()
    everything, found, checkers = reads_everything(who, state), set[int](), cross_checkers(state, rules)
    for event, meta in envelopes:
        # The organiser's unit also has persons who are not its secretariat.
        entered_it = meta.unit == reader and reader != state.lifecycle.organiser
        if everything or entered_it or _is_open(event, reader, found, checkers):
            found.add(meta.version)
    return frozenset(found)


def _is_open(event: Event, reader: str, readable: Container[int], checkers: Mapping[str, str]) -> bool:
    """Return whether a member reads an event before publication.

    `readable` are the earlier ones that it reads, `checkers` the unit that cross-checks a unit.
    """
    if event.READERS is Readers.OF_EARLIER_EVENTS:
        earlier = getattr(event, "versions", None) or (getattr(event, "of", 0),)
        return all(version in readable for version in earlier)
    if event.READERS is not Readers.OWN_AND_CHECKER:
        return event.READERS is Readers.ALL_MEMBERS
    unit: str = getattr(event, "unit", "")
    return reader in {unit, checkers.get(unit)}


def is_open_deviation(code: str) -> bool:
    """Return whether members see deviations with this code before publication.

    They do where all commands that can bring one are recorded in events that each member reads.
    """
    commands = BROUGHT_BY.get(code, ())
    return bool(commands) and all(is_open_to_members(event) for one in commands for event in EVENTS_OF[one])
