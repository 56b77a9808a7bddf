"""Corrections as drafts: a wrong act's fields on its own form, and the command that takes the wrong act's place."""

from __future__ import annotations

from application.act_view import row_at
from application.application import Application, CommandInput
from application.command_to_form import CommandForm, form_of_row
from application.visits import VisitedCycle
from domain.records import Command, Refused
from ledger.events import RecordedEvent


async def correction_draft(
    application: Application, cycle: VisitedCycle, act: type[Command], version: int
) -> tuple[RecordedEvent, CommandForm]:
    """The row of a wrong act, and its fields as they were typed.

    Raises:
        InputError, ForbiddenError: as `row_at`.
        Refused: `not_correctable`: the row does not follow from this act.
    """
    row = row_at(cycle, version)
    form = await form_of_row(application, row)
    if form is None or form.act is not act:
        raise Refused("not_correctable", version=version)
    return row, form


async def completed_correction(
    application: Application, cycle: VisitedCycle, version: int, inputs: CommandInput
) -> CommandInput:
    """A correction with the circumstances of the wrong act that no form asks for.

    Raises:
        InputError, ForbiddenError: as `row_at`.
    """
    row = row_at(cycle, version)
    wrong = await form_of_row(application, row)
    return inputs if wrong is None else wrong.with_circumstances(inputs, row)
