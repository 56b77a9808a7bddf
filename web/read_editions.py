"""What was read of rules editions last: the values of drafts, what was found in editions, what lists say of drafts.

Each is computed once for a text that never changes: a draft with its revision, a stored edition, one of the program's.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.edition_drafts import EditionDraft
from application.edition_checks import EditionCheck, nodes_of
from application.edition_facts import EditionFacts, facts_of
from application.edition_texts import Values
from application.edition_work import checked_edition, read_edition
from application.kept import KeptValues
from errors import InputError
from i18n import language

MOST_CHARACTERS = 2_000_000
"""Of the texts of all drafts whose values are known; a value takes some ten times the memory of its text."""


@dataclass(frozen=True, slots=True)
class DraftInList:
    """What the list says of a draft: its facts, how much is wrong in it, whether it has criteria."""

    facts: EditionFacts
    wrong: int
    criteria: bool
    holds: bool
    """False: the time did not suffice this time."""


_VALUES = KeptValues[Hashable, Values](MOST_CHARACTERS)
_CHECKS = KeptValues[Hashable, EditionCheck](100)
_IN_LISTS = KeptValues[Hashable, DraftInList](5_000)


async def draft_values(organiser: str, draft: EditionDraft) -> Values:
    """Return the values of a draft's text, which must not be changed in place.

    Raises:
        InputError: the text cannot be read any more.
        TooBusyError
    """
    key = (organiser, draft.id, draft.revision)
    return await _VALUES.awaited(key, lambda: read_edition(draft.body, draft.title), len(draft.body))


async def check_of_text(key: tuple[Hashable, ...], values: Values, names: Mapping[str, str]) -> EditionCheck:
    """Return what is found in the values of a text, in the reader's language; `names` are those of units, by id.

    Raises:
        TooBusyError
    """
    whole = (key, language(), frozenset(names.items()))
    return await _CHECKS.awaited(
        whole, lambda: checked_edition(values, names), holds=lambda found: not found.ended_early
    )


async def draft_in_list(organiser: str, draft: EditionDraft, names: Mapping[str, str]) -> DraftInList:
    """Return what the list says of a draft.

    Raises:
        TooBusyError
    """
    key = (organiser, draft.id, draft.revision)

    async def made() -> DraftInList:
        try:
            values = await draft_values(organiser, draft)
        except InputError as error:
            holds = error.code != "edition_takes_too_long"
            return DraftInList(facts_of({"title": draft.title}), 1, criteria=True, holds=holds)
        check = await check_of_text(key, values, names if names_units(values) else {})
        criteria = any(True for _one in nodes_of(values))
        return DraftInList(facts_of(values), len(check.wrong), criteria, holds=not check.ended_early)

    return await _IN_LISTS.awaited((key, language()), made, holds=lambda found: found.holds)


def names_units(values: Mapping[str, Any]) -> bool:
    """Whether some criteria of an edition are limited to units, which it names."""
    return any(node.get("units") for _place, _depth, node in nodes_of(values))
