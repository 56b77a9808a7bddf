"""What of a cycle a visitor may read: its events, and the state, obligations and deviations that follow from these.

Whatever shows facts of a cycle takes them from here. Nothing of a closed event is in them: no total, date or deviation
that follows from one either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from domain.access import Reader, is_open_deviation, readable_versions, reads_everything
from domain.cycle import CYCLE
from domain.deviations import Deviation, deviations
from domain.due_dates import Obligation
from domain.obligations import obligations
from domain.records import Event, EventEnvelope
from domain.rules import Edition
from domain.state import State


@dataclass(frozen=True)
class ReadablePart:
    """The part of a cycle that a visitor of `unit` with the roles `who` may read.

    `envelopes` is the whole history, `whole` the state after it.
    """

    unit: str
    who: frozenset[Reader]
    envelopes: Sequence[EventEnvelope[Event]]
    whole: State
    rules: Edition

    @cached_property
    def versions(self) -> frozenset[int]:
        """The versions of the events."""
        return readable_versions(self.envelopes, self.unit, self.who, self.whole, self.rules)

    @cached_property
    def everything(self) -> bool:
        """Whether no event of the cycle is closed to the visitor, whatever comes."""
        return reads_everything(self.who, self.whole)

    @cached_property
    def state(self) -> State:
        """The state that follows from the events."""
        readable = [envelope for envelope in self.envelopes if envelope.meta.version in self.versions]
        if len(readable) == len(self.envelopes):
            return self.whole
        state = CYCLE.fold(readable)
        # Every event moves a backfilled cycle's clock, and marks a rehearsal: neither is a fact of the closed event.
        lifecycle = replace(state.lifecycle, now=self.whole.lifecycle.now, rehearsed=self.whole.lifecycle.rehearsed)
        return replace(state, lifecycle=lifecycle)

    @cached_property
    def owed(self) -> tuple[Obligation, ...]:
        """All obligations, with what only closed events tell of them: for counts that all may see."""
        return obligations(self.whole, self.rules)

    @cached_property
    def obligations(self) -> tuple[Obligation, ...]:
        """What is owed, and what was done as far as the visitor may read it.

        An obligation that a closed event fulfilled is left out: it is not open, and when it was done is closed.
        """
        if self.state is self.whole:
            return self.owed
        done = {(one.duty, one.bearer, one.subject): one.done for one in obligations(self.state, self.rules)}
        return tuple(
            one for one in self.owed if one.done is None or one.done == done.get((one.duty, one.bearer, one.subject))
        )

    @cached_property
    def deviations(self) -> tuple[Deviation, ...]:
        """The deviations that follow from what the visitor may read.

        Without the closed events some would be found that are none, or the reverse: a kind that closed events can
        bring is left out. Late acts follow from the obligations above.
        """
        found = deviations(self.state, self.rules, self.obligations)
        return tuple(one for one in found if self.everything or one.code == "late_act" or is_open_deviation(one.code))
