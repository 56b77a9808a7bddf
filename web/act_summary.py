"""What a form as it stands would record: on a page of its own before it is sent, and on the form's own page.

The form's page carries the mark of what it showed. Sending takes nothing that would be recorded otherwise than it was
shown: the summary is a page of its own then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from application.application import CommandInput
from application.command_preview import CommandPreview, preview
from application.corrections import completed_correction
from application.form_values import flattened
from application.papers import earlier_answers
from application.visits import ForbiddenError, VisitedCycle
from domain.records import Refused
from domain.steps.drafting import PresentDraft
from i18n import _, ngettext
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
    remarks: tuple[str, ...] = ()
    """What the act changes for others, in sentences."""

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
    binding = await services.application.gate.binds(command)
    return Summary(clean, notes, command, found, binding, _remarks(cycle, clean))


def _remarks(cycle: VisitedCycle, act_form: ActForm) -> tuple[str, ...]:
    """For a new version of a draft, how many units have answered or signed those before it."""
    if act_form.act is not PresentDraft or act_form.corrects is not None:
        return ()
    told = []
    for one in earlier_answers(cycle, str(act_form.values.get("kind", ""))):
        if one.answered:
            text = ngettext(
                "{count} unit has answered version {number}; its answer is not one to the new version.",
                "{count} units have answered version {number}; their answers are not answers to the new version.",
                one.answered,
            )
            told.append(text.format(count=one.answered, number=one.number))
        if one.signers:
            text = _("Signed version {number} already: {units}. Their signatures are of version {number}.")
            told.append(text.format(number=one.number, units=", ".join(one.signers)))
    return tuple(told)


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


async def command_of(services: Services, cycle: VisitedCycle, act_form: ActForm) -> CommandInput:
    """The command of the form.

    Raises:
        InputError, ForbiddenError
    """
    command = act_form.command_input(cycle.stream)
    if act_form.corrects is None:
        return command
    return await completed_correction(services.application, cycle, act_form.corrects, command)
