"""A cache of rules editions for projections and mails: an edition never changes, so each is read once."""

from __future__ import annotations

from domain.cycle import CYCLE
from domain.rules import NO_RULES, Edition, edition_of, in_force
from domain.state import State
from vault.texts import Texts


class KnownEditions:
    """The editions in the vault, by digest."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: dict[str, Edition] = {}

    async def in_force(self, state: State) -> Edition:
        """Return the rules in force in a cycle; `NO_RULES` for an edition that is not stored."""
        adoptions = CYCLE.adoptions(state)
        for digest in {adoption.edition for adoption in adoptions} - set(self._known):
            body = await self._texts.edition(digest)
            self._known[digest] = edition_of(body) if body else NO_RULES
        return in_force(adoptions, self._known)
