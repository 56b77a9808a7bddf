"""Folded streams that a reader of the ledger keeps, so that the next event costs one step and not the whole past."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from activities.telling import told_of
from domain.streams import law_of
from eventstore.envelope import Envelope
from eventstore.store import Ledger, load_all

KEPT = 128
"""Streams that are kept; years have a few dozen clusters, of which few act at the same time."""


class Folds:
    """What streams held to be true after an event, for one reader that goes on in position order."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    async def after(self, row: Envelope) -> Any:
        """The state of the row's stream once the row is folded."""
        law = law_of(row.stream)
        version, state = self._kept.pop(row.stream, (0, law.empty()))
        if version > row.version or row.type == "ActCorrected":
            version, state = 0, law.empty()
        if version == row.version - 1 and row.type != "ActCorrected":
            state = law.evolve(state, told_of(row))
        elif version < row.version:
            past = [event for event in await load_all(self._ledger, row.stream) if event.version <= row.version]
            state = law.fold(told_of(event) for event in past)
        self._kept[row.stream] = (row.version, state)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return state
