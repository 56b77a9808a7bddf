"""The facts of a refusal with names and titles in place of ids, for entry points that have opened no cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from application.application import Application
from application.score_sheets import titled
from domain.titles import names_of
from errors import NotFoundError

_UNITS = frozenset({"unit", "subject", "by", "holder", "name"})
"""The facts that hold the id of a unit."""


async def facts_in_words(application: Application, stream: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the facts with the names of units, and the titles of awards, criteria and rounds, of a cycle."""
    try:
        state, rules = await application.state(stream)
    except NotFoundError:
        return facts
    names, found = names_of(state, rules), dict(titled(facts, rules))
    return {name: names.get(str(fact), fact) if name in _UNITS else fact for name, fact in found.items()}
