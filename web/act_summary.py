"""What a form as it stands would record: on a page of its own before it is sent, and on the form's own page.

The form's page carries the mark of what it showed. Sending takes nothing that would be recorded otherwise than it was
shown: the summary is a page of its own then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any

from application.act_remarks import remarks_on
from application.application import CommandInput
from application.command_preview import CommandPreview, preview
from application.corrections import completed_correction
from application.fields import parse_day
from application.form_values import flattened
from application.permitted_acts import may_date
from application.visits import ForbiddenError, VisitedCycle
from domain.records import Command, Refused
from domain.steps.awards import AnnulAward, AnswerComplaint
from domain.steps.conclusion import DecideAwards, PublishResults, Submit
from domain.steps.letters import RecordLetter, RecordSiteCheck
from domain.steps.voting import RecordBallot
from domain.times import ICT, When
from errors import InputError
from web.act_form import FORM_ERRORS, ActForm, error_text
from web.forms import without_made
from web.services import Services

IN_TIME = "_in_time"
"""The field of a summary that said that its act is in time."""

SHOWN = "_shown"
"""The field of a form's own page that says which summary it showed."""

FROM_FORM = "shown"
"""The step of the button on the form's own page, which enters only what was shown there."""


NOT_TYPED_YET = "malformed_act"
"""The code of what is refused because a field is empty or cannot be read."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a form would record. `notes` say what is changed in its texts; `binding`: the password is asked for."""

    act_form: ActForm
    """The cleaned one: as it is signed."""
    notes: Sequence[str]
    command: CommandInput
    found: CommandPreview
    binding: bool
    remarks: Sequence[str] = ()
    """What one should know before it is entered (`application.act_remarks`)."""

    @property
    def in_time(self) -> Mapping[str, str]:
        """The field by which sending knows that the summary said "in time"."""
        deadlines = self.found.deadlines
        return {IN_TIME: "1"} if deadlines and not any(one.late for one in deadlines) else {}

    @property
    def carried(self) -> dict[str, str]:
        """The fields of the form, as inputs that would send them."""
        values = without_made(self.act_form.act, self.act_form.values)
        return {**flattened(values), **self.act_form.extras}

    @property
    def mark(self) -> str:
        """A digest of what is shown: other values, other events, deviations or deadlines give another one."""
        found = self.found
        shown = [
            {name: value for name, value in self.carried.items() if name != "_read"},
            [[one.type, repr(one.told)] for one in found.events],
            [*found.new, "", *found.gone, "", *self.notes, "", *self.remarks],
            [[one.duty, one.due.isoformat(), one.late] for one in found.deadlines],
            [[one.duty, one.bearer, one.subject, repr(one.due)] for one in found.reopened],
        ]
        return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]


async def summary_of(services: Services, cycle: VisitedCycle, act_form: ActForm) -> Summary:
    """Decide the form's command on a copy of the state.

    Raises:
        FORM_ERRORS, ForbiddenError: it would not be taken.
    """
    clean, notes = act_form.cleaned()
    command = await command_of(services, cycle, clean)
    found = await preview(services.application, cycle, command)
    remarks = remarks_on(cycle, clean.act, clean.values) if clean.corrects is None else ()
    return Summary(clean, notes, command, found, await services.application.gate.binds(command), remarks)


async def summary_so_far(services: Services, cycle: VisitedCycle, act_form: ActForm) -> tuple[Summary | None, str]:
    """The summary of a form that may not be complete yet; or None, and why the register would not take it.

    Nothing is said of what is not typed yet.
    """
    try:
        return await summary_of(services, cycle, act_form), ""
    except Refused as refusal:
        return None, "" if refusal.code == NOT_TYPED_YET else error_text(refusal, cycle)
    except (ForbiddenError, *FORM_ERRORS):
        return None, ""


_ISSUED_BY_ACT: Mapping[type[Command], str] = {
    AnnulAward: "decision",
    AnswerComplaint: "document",
    DecideAwards: "decision",
    PublishResults: "notice",
    RecordBallot: "minutes",
    RecordLetter: "document",
    RecordSiteCheck: "minutes",
    Submit: "submission",
}
"""By act, its field with the document that it issues. What an act rests on, or hands in, is of an earlier day: a paper
that is handed in late, or presented to be answered, is not so on the day that is written on it."""


def day_of_document(cycle: VisitedCycle, act: type[Command], values: Mapping[str, Any]) -> date | None:
    """The past day on which the document of a form was issued, where the visitor may say when an act happened.

    It is when the act happened, until another day is typed.
    """
    document = values.get(_ISSUED_BY_ACT.get(act, ""))
    if not isinstance(document, Mapping) or not document.get("issued") or not may_date(cycle):
        return None
    try:
        found = parse_day(str(document["issued"]))
    except InputError:  # a month, a year, or what the form itself refuses
        return None
    is_past = cycle.state.lifecycle.clock == "backfill" or found < cycle.now.astimezone(ICT).date()
    return found if is_past else None


async def command_of(services: Services, cycle: VisitedCycle, act_form: ActForm) -> CommandInput:
    """The command of the form.

    Raises:
        InputError, ForbiddenError
    """
    command = act_form.command_input(cycle.stream)
    if act_form.corrects is None:
        day = day_of_document(cycle, act_form.act, act_form.values) if not act_form.on else None
        return command if day is None else replace(command, happened=When.on(day))
    return await completed_correction(services.application, cycle, act_form.corrects, command)
