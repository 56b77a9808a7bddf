"""The words for what acts name by an id: names of units, and titles from the rules edition and from earlier acts.

A unit's name stands under its id. Titles stand under the kind and the id, such as `award/co-thi-dua`: an id has no
slash, so they never meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from domain.rules import Edition
from domain.state import State, members_and_organiser
from domain.types import Document

TitleKind = Literal[
    "award",
    "ballot",
    "cluster",
    "condition",
    "criterion",
    "cycle",
    "letter",
    "meeting",
    "round",
    "source",
    "target",
]


def title_key(kind: TitleKind, id_: str) -> str:
    """Return the key under which the title of an award, a criterion, … stands."""
    return f"{kind}/{id_}"


def names_of(state: State, rules: Edition) -> Mapping[str, str]:
    """Return the names of the cycle's units by id, and the titles of awards, criteria, rounds, letters and meetings."""
    return {**members_and_organiser(state), **titles_of_rules(rules), **titles_of_acts(state)}


def cluster_title(cluster: str, organiser_name: str, *, namesake: bool) -> str:
    """Return how a cluster is named outside its own pages. `namesake`: another organiser has a cluster of this name."""
    return f"{cluster} ({organiser_name})" if namesake else cluster


def titles_of_rules(rules: Edition) -> Mapping[str, str]:
    """Return the titles that an edition gives."""
    found: dict[str, str] = {title_key("award", one.id): one.title for one in rules.awards}
    found |= {title_key("criterion", id_): leaf.title for id_, leaf in rules.leaves().items()}
    return found | {title_key("round", one.id): one.title for one in rules.rounds}


def titles_of_acts(state: State) -> Mapping[str, str]:
    """Return what is written on letters, the names of meetings that have one, and what votes were on."""
    letters = {title_key("letter", id_): _title(one.event.document) for id_, one in state.letters.letters.items()}
    meetings = {title_key("meeting", id_): one.event.name or "" for id_, one in state.meetings.items()}
    ballots = {title_key("ballot", id_): one.tally.subject for id_, one in state.ballots.items()}
    return {key: title for key, title in {**letters, **meetings, **ballots}.items() if title}


def _title(document: Document | None) -> str:
    return "" if document is None else " ".join(part for part in (document.number, document.title) if part)
