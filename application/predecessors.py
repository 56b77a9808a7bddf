"""The cycles that a cycle goes on from: those that an act names must exist, which no decider of one cycle can know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.streams import is_cycle
from errors import InputError
from ledger.protocol import Ledger

TAKING_OVER = "take-over"


async def require_predecessors(ledger: Ledger, named: Any, coming: Iterable[str] = ()) -> None:
    """Check that each named cycle exists, or will be opened (`coming`); "unknown" stands for one that no source names.

    What is no list of names is left to the command itself.

    Raises:
        InputError: `no_such_predecessor`.
    """
    if not isinstance(named, (list, tuple)):
        return
    known = {*coming, *(stream for stream, _tip in await ledger.streams() if is_cycle(stream))}
    for index, name in enumerate(named):
        if isinstance(name, str) and name != "unknown" and name not in known:
            raise InputError("no_such_predecessor", f"predecessors.{index}", cycle=name, known=sorted(known))
