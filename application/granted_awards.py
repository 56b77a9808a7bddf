"""The awards that a year's decision grants, and which of them were handed over: where handing over begins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from application.visits import VisitedCycle
from domain import limits
from i18n.values import award_title


@dataclass(frozen=True, slots=True)
class GrantedAward:
    """One award of the decision."""

    unit: str
    name: str
    award: str
    title: str
    object: str
    """By what the object that is handed over is called: the award's title, with the unit where several get one."""
    is_handed_over: bool
    is_held: bool
    is_annulled: bool

    @property
    def can_be_handed_over(self) -> bool:
        """It was not handed over yet, and nothing holds it back."""
        return not (self.is_handed_over or self.is_held or self.is_annulled)


def granted_awards(cycle: VisitedCycle) -> tuple[GrantedAward, ...]:
    """The awards of the decision, as far as the visitor may read it."""
    state = cycle.readable_state()
    awards, grants = state.awards, state.conclusion.grants
    count = Counter(one.award for one in grants)
    found = []
    for one in grants:
        name, title = cycle.names.get(one.unit, one.unit), award_title(one.award, cycle.names)
        called = (title if count[one.award] == 1 else f"{title}: {name}")[: limits.LABEL_CHARS]
        hold = awards.holds.get((one.unit, one.award))
        found.append(
            GrantedAward(
                one.unit,
                name,
                one.award,
                title,
                called,
                awards.objects.get(called) == one.unit,
                hold is not None and hold.released is None,
                (one.unit, one.award) in awards.annulled,
            )
        )
    return tuple(found)
