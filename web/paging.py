"""Pages of long lists on web pages: the number in the address, and the links to the other pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from domain.numbers import MOST_DIGITS, whole_number
from ledger.paging import Paged
from web.urls import PAGE, with_query

_LAST = 10**MOST_DIGITS


def _number(typed: object) -> int:
    """Return the number of a page; what is no number leads to the first page, and a large one to the last."""
    text = str(typed).strip()
    number = whole_number(text[:MOST_DIGITS])
    if number is None:
        return 1
    return max(1, number) if len(text) <= MOST_DIGITS else _LAST


PageNumber = Annotated[int, BeforeValidator(_number), Field(ge=1, le=_LAST), WithJsonSchema({"type": "integer"})]
"""Which page, as an address carries it."""


@dataclass(frozen=True, slots=True)
class Pager:
    """The links of a list that comes in pages: `path` with the `query` that stays, and the number as `parameter`."""

    shown: Paged[Any]
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    parameter: str = PAGE
    anchor: str = ""

    def url(self, number: int) -> str:
        """The address of a page of the list."""
        address = with_query(self.path, {**self.query, self.parameter: number if number > 1 else ""})
        return f"{address}#{self.anchor}" if self.anchor else address
