"""Search as a visitor may: auditors over everything, the secretariat its own cycles, units their own."""

from __future__ import annotations

from application.visits import Visitor
from domain.access import Reader
from ledger.paging import Paged, PageRequest
from projections.search import SearchHit, SearchIndex


async def found_for(index: SearchIndex, visitor: Visitor, words: str, asked: PageRequest) -> Paged[SearchHit]:
    """A page of what fits the words, as far as the visitor may find it."""
    if not words.strip():
        return Paged.of((), asked)
    roles = visitor.readers()
    if Reader.AUDITOR in roles:
        return await index.find(words, streams=None, unit=None, everything=True, asked=asked)
    if Reader.SECRETARIAT in roles:
        return await index.find(words, streams=visitor.unit, unit=None, everything=True, asked=asked)
    return await index.find(words, streams=None, unit=visitor.unit, everything=False, asked=asked)
