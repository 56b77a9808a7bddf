"""What a person and their unit have entered lately, in all of their cycles, each with the beginning of its text."""

from __future__ import annotations

from dataclasses import replace

from application.excerpts import excerpt
from application.visits import Visitor
from domain.access import Matter
from ledger.paging import Paged, PageRequest
from projections.home_lines import HomeLines, OwnAct
from vault.texts import Texts

_CHARS = 160
"""So much of a text is told."""


async def own_acts(home: HomeLines, texts: Texts, visitor: Visitor, asked: PageRequest) -> Paged[OwnAct]:
    """A page of what the visitor's unit has entered, the latest first."""
    found = await home.acts(visitor.unit, asked, organises=visitor.may(Matter.BOARD))
    words = await texts.get({one.text for one in found.rows if one.text is not None})
    return found.map(lambda one: _with_text(one, words.get(one.text or "", "")))


def _with_text(one: OwnAct, text: str) -> OwnAct:
    """The act with the beginning of its text, where its sentence tells a text."""
    if not text:
        return one
    told = excerpt(" ".join(text.split()), _CHARS, 1)
    return replace(one, sentence=one.sentence.replace("…", f"{told.text}…" if told.cut else told.text, 1))
