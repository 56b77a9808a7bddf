"""The other answer to what was handed in, beside the form of the one: accepting and sending back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from application.form_values import flattened
from application.permitted_acts import permitted_acts
from application.visits import VisitedCycle
from domain.records import Command
from domain.steps.midyear import AcceptReport, SendBack
from domain.steps.targets import AcceptRegistration, ReturnRegistration
from web import urls
from web.act_form import ActForm


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """An act that answers the same as the form does. `field`: the one text that it needs; "" where it needs none."""

    act: str
    url: str
    field: str
    values: Mapping[str, str]
    """What both have in common, such as the unit."""
    command_id: UUID


_OTHERS: Mapping[type[Command], tuple[type[Command], str]] = {
    AcceptReport: (SendBack, "text"),
    SendBack: (AcceptReport, ""),
    AcceptRegistration: (ReturnRegistration, "reason"),
    ReturnRegistration: (AcceptRegistration, ""),
}


def other_answer(cycle: VisitedCycle, act_form: ActForm) -> OtherAnswer | None:
    """The other answer that the visitor can give instead; None where there is none."""
    other, field = _OTHERS.get(act_form.act, (None, ""))
    if other is None or other not in permitted_acts(cycle):
        return None
    common = flattened({name: one for name, one in act_form.values.items() if name in other.model_fields})
    common.pop(field, None)
    url = urls.act_url(cycle.stream, other.NAME, **common)
    return OtherAnswer(other.NAME, url, field, common, uuid4())
