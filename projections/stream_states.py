"""A cache of cycles' states for readers of the ledger: the next event costs one `evolve`, not a whole replay."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from domain.cycle import CYCLE
from domain.state import State
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all

STREAMS_IN_MEMORY = 350
"""More than the 332 clusters of the bench. The least recently used stream is dropped."""


class StreamStates:
    """States of cycles after an event, for one reader that reads in the order of positions."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._states: OrderedDict[str, tuple[int, State]] = OrderedDict()

    async def after(self, *rows: RecordedEvent) -> State:
        """Return the state of a cycle after these rows of it, which must follow each other.

        A correction changes the meaning of earlier events, so the stream is then folded from the beginning.
        """
        first, last = rows[0], rows[-1]
        version, state = self._states.pop(last.stream) if last.stream in self._states else (0, CYCLE.empty())
        if version == first.version - 1 and (version == 0 or not any(row.type == "ActCorrected" for row in rows)):
            state = CYCLE.fold(map(to_envelope, rows), state)
        elif version != last.version:
            past = await load_all(self._ledger, last.stream)
            state = CYCLE.fold(to_envelope(event) for event in past if event.version <= last.version)
        self._states[last.stream] = (last.version, state)
        while len(self._states) > STREAMS_IN_MEMORY:
            self._states.popitem(last=False)
        return state


@contextmanager
def without_cycle_collector() -> Iterator[None]:
    """Turn Python's cycle collector off while many events are folded: it takes a third of the time and finds nothing.

    States have no reference cycles, so reference counting frees them. Cycles of other code are collected afterwards.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
