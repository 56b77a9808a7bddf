"""Who administers accounts on pages: always in their own name, for whomever they stand in."""

from __future__ import annotations

from dataclasses import replace

from application.gate import Submitter
from application.visits import Visitor


def administrator(visitor: Visitor) -> Submitter:
    """The visitor as who administers."""
    return replace(visitor.submitter(), absent=None)
