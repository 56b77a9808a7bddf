"""Joint acts of units that no source names: how many took part in which, so that a step can be done without names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain.joint_acts import JointAct, UnitNamed, UnnamedAct, UnnamedActs
from domain.records import Event, Meta, StepDecider
from domain.rules import Edition
from domain.scoring.scores import ScoredSelfTogether
from domain.steps.midyear import MidyearReportedTogether
from domain.steps.signing import CovenantSignedJointly
from domain.steps.targets import RegisteredTogether
from domain.types import with_entry
from domain.units import known_count


def _with_act(act: JointAct, **facts: str) -> Callable[[UnnamedActs, Any, Meta], UnnamedActs]:
    """Return the function that adds an event as a joint act; `facts` are fields of the event by those of the act."""

    def evolve(acts: UnnamedActs, event: Any, meta: Meta) -> UnnamedActs:
        if event.unnamed is None:
            return acts
        known = {name: getattr(event, field_) for name, field_ in facts.items()}
        whole = not event.named and event.unnamed == "unknown"
        new = UnnamedAct(event.unnamed, meta.happened, meta.version, whole, **known)
        return with_entry(acts, act, (*acts.get(act, ()), new))

    return evolve


def _signed(acts: UnnamedActs, event: CovenantSignedJointly, meta: Meta) -> UnnamedActs:
    act: JointAct = "signature" if event.covenant == "covenant" else "term-signature"
    return _with_act(act, number="number", document="sheet")(acts, event, meta)


def _named(acts: UnnamedActs, event: UnitNamed, meta: Meta) -> UnnamedActs:
    """Take the unit out of the number of those that did what all unnamed units did."""
    for shared in event.shares:
        found = acts.get(shared.act, ())
        if not found or found[-1].unnamed == "unknown":
            continue
        *earlier, last = found
        left = known_count(last.unnamed) - 1
        rest = (*earlier, replace(last, unnamed=left)) if left else tuple(earlier)
        acts = with_entry(acts, shared.act, rest)
    return acts


_EVOLVES: dict[type[Event], Callable[..., UnnamedActs]] = {
    CovenantSignedJointly: _signed,
    RegisteredTogether: _with_act("registration", titles="titles", document="document"),
    MidyearReportedTogether: _with_act("midyear-report", document="report"),
    ScoredSelfTogether: _with_act("self-score"),
    UnitNamed: _named,
}

decider: StepDecider[UnnamedActs, object, Edition] = StepDecider(slice_name="together", decides={}, evolves=_EVOLVES)
