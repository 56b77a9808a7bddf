"""Folded streams that a reader of the ledger keeps, so that the next event costs one step and not the whole past."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from domain.streams import decider_of
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all

STREAMS_IN_MEMORY = 350
"""More than the 332 clusters of the bench."""


class StreamStates:
    """What streams held to be true after an event, for one reader that goes on in position order."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    async def after(self, *rows: RecordedEvent) -> Any:
        """The state of a stream once these rows of it, which follow each other, are folded."""
        first, last = rows[0], rows[-1]
        decider = decider_of(last.stream)
        version, state = self._kept.pop(last.stream, (0, None))
        if version == first.version - 1 and (version == 0 or not any(row.type == "ActCorrected" for row in rows)):
            state = decider.fold(map(to_envelope, rows), state)
        elif version != last.version:
            past = await load_all(self._ledger, last.stream)
            state = decider.fold(to_envelope(event) for event in past if event.version <= last.version)
        self._kept[last.stream] = (last.version, state)
        while len(self._kept) > STREAMS_IN_MEMORY:
            self._kept.popitem(last=False)
        return state


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Fold many events without the cycle collector, which takes a third of the time and finds nothing.

    Facts are trees: counting references frees them. What else the process leaves in the meantime is collected after.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
