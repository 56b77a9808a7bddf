"""What the form of an act is filled in with before anything is typed: what the register knows already."""

from __future__ import annotations

from typing import Any

from application.visits import VisitedCycle
from domain.duties import Duty
from domain.records import Command
from domain.scoring.scores import CrossCheck
from domain.steps.conclusion import DecideAwards, Submit
from i18n import _


def default_values(cycle: VisitedCycle, act: type[Command]) -> dict[str, Any]:
    """Default field values of an act's form: the visitor's own unit, the version that the page shows, nominations."""
    found = _of_unit(cycle, act)
    if act is Submit:
        found["submission"] = {"title": _("Submission of the nominations of {year}").format(year=_year(cycle))}
    if act is DecideAwards and (grants := _grants(cycle)):
        title = _("Decision on the awards of {year}").format(year=_year(cycle))
        found |= {"decision": {"title": title}, "grants": grants}
    return found


def _year(cycle: VisitedCycle) -> int | str:
    return cycle.state.lifecycle.year


def _of_unit(cycle: VisitedCycle, act: type[Command]) -> dict[str, Any]:
    unit = cycle.visitor.unit
    if unit == cycle.state.lifecycle.organiser:
        return {}
    fields = act.model_fields
    found: dict[str, Any] = {"unit": unit} if "unit" in fields and fields["unit"].is_required() else {}
    if act.NAME == "sign" and (drafts := cycle.state.drafts.get("covenant")):
        found["number"] = str(drafts[-1].number)  # the version that the page shows
    if act is CrossCheck:
        found["unit"] = _assigned(cycle, unit)
    if "by" in fields:
        found["by"] = unit if act is CrossCheck else {"unit": unit}
    return found


def _assigned(cycle: VisitedCycle, unit: str) -> str:
    """The first unit that this one owes a cross-check of; "" where it owes none."""
    owed = (one for one in cycle.readable.obligations if one.duty is Duty.CROSS_CHECK and one.bearer == unit)
    return next((one.subject for one in owed if one.done is None), "")


def _grants(cycle: VisitedCycle) -> list[dict[str, str]]:
    """What was decided, or before a decision what was nominated: the visitor takes out what is not granted."""
    conclusion = cycle.readable_state().conclusion
    decided = [(one.unit, one.award) for one in conclusion.grants]
    nominated = [(unit, award) for unit, award in conclusion.nominations if unit not in conclusion.excluded]
    return [{"unit": unit, "award": award} for unit, award in decided or nominated]
