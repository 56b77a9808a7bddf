"""What minutes contradict or leave open in themselves. A remark forbids nothing: it is told before they are entered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from application.act_remarks import has_no_points, remarks_on
from application.minutes import meeting_fields
from application.minutes_cells import fields_of, words_in
from application.printed_minutes import absent_units
from application.visits import VisitedCycle
from domain.numbers import whole_number
from domain.steps.conclusion import ChooseNext, Nominate, RankUnits
from domain.steps.meetings import RecordMeeting
from domain.steps.voting import RecordBallot
from i18n import _
from i18n.messages import word
from web.minutes_parts import held_when
from web.open_minutes import OpenMinutes


def remarks_of(opened: OpenMinutes) -> list[str]:
    """The remarks on minutes, each a sentence."""
    found = [] if opened.minutes.present else [_("No unit is ticked as present.")]
    for cycle in opened.cycles:
        found.extend(_of_elections(opened, cycle))
    return [*found, *remarks_on_points(opened)]


def remarks_on_points(opened: OpenMinutes) -> list[str]:
    """The remarks on rankings and nominations before any unit has points."""
    return [one for cycle in opened.cycles for one in _of_points(opened, cycle)]


def absent_of(opened: OpenMinutes) -> list[str]:
    """The names of the members that did not take part, as the minutes stand; [] where no unit is ticked."""
    head = meeting_fields(opened.minutes, opened.names)
    also = words_in([head.get(name) for name in ("chairs", "presenters", "host")])
    there = frozenset((*opened.minutes.present, *also))
    return absent_units(opened.cycle, there, held_when(opened)) if opened.minutes.present else []


def _of_points(opened: OpenMinutes, cycle: VisitedCycle) -> Iterator[str]:
    acts = {one.act for one in opened.minutes.acts(cycle.stream)}
    # Whether there are points at all is closed to a keeper to whom those of others are.
    if not has_no_points(cycle):
        return
    if RankUnits.NAME in acts:
        yield _("No unit has points yet, so that no ranking can be made.")
    elif Nominate.NAME in acts:
        yield _("No unit has points yet: it is nominated without a ranking.")
    else:
        yield from remarks_on(cycle, RecordMeeting, opened.minutes.head)


def _of_elections(opened: OpenMinutes, cycle: VisitedCycle) -> Iterator[str]:
    """Yield where the vote elects one unit to a role and another is chosen for it."""
    acts = [(one.act, fields_of(one)) for one in opened.minutes.acts(cycle.stream)]
    elected = {str(one.get("subject")): _first(one) for act, one in acts if act == RecordBallot.NAME}
    for act, one in acts:
        role, unit = str(one.get("role", "")), str(one.get("unit", ""))
        winner = elected.get(role, "")
        if act == ChooseNext.NAME and unit and winner and winner != unit:
            yield _("{role}: the vote gives the most votes to {elected}, but {chosen} is chosen.").format(
                role=word("role", role).capitalize(),
                elected=cycle.names.get(winner, winner),
                chosen=cycle.names.get(unit, unit),
            )


def _first(vote: Mapping[str, object]) -> str:
    """The unit with the most votes; "" for a tie, a choice in words, and where a number is missing."""
    rows = vote.get("choices")
    choices = [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
    counts = [whole_number(str(one.get("votes", ""))) for one in choices]
    known = [one for one in counts if one is not None]
    if not known or len(known) < len(counts) or known.count(max(known)) > 1:
        return ""
    return str(choices[known.index(max(known))].get("unit") or "")
