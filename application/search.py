"""Search as a visitor may: auditors over everything, the secretariat its own cycles, others what they may read."""

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
        return await index.find(words, asked=asked)
    if Reader.SECRETARIAT in roles:
        return await index.find(words, streams=visitor.unit, asked=asked)
    return await index.find_as_member(words, unit=visitor.unit, person=visitor.contact.id, asked=asked)
