"""A score sheet that was filled in without a connection, in the form of its act: what it holds comes into the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

from application.offline_reading import read_offline_sheet, typed_values
from application.score_sheets import sheet_of
from application.tables import LONG_CHARS, table_of
from application.visits import VisitedCycle
from application.work import of_many
from domain.file_references import references_in, without_references
from domain.numbers import whole_number
from errors import CodedError, InputError
from i18n import _, ngettext
from i18n.messages import sentence
from web.act_form import ActForm

OFFLINE_STEP = "offline"
"""The step of the button that reads the file."""

_FILE = "_offline"


@dataclass(frozen=True, slots=True)
class OfflineForm:
    """The fields of the form with what was read, what must be mended (then they are as before), and what to tell."""

    body: dict[str, str]
    faults: list[CodedError]
    notes: list[str]


async def read_upload(cycle: VisitedCycle, act_form: ActForm, body: Mapping[str, str], posted: FormData) -> OfflineForm:
    """Read the file that came with a form.

    Raises:
        InputError: there is none, it cannot be read, or it belongs to another form.
    """
    sheet, upload = sheet_of(cycle, act_form.act, act_form.values), posted.get(_FILE)
    if sheet is None or not isinstance(upload, UploadFile) or not upload.filename:
        raise InputError("sheet_not_chosen")
    try:
        table = await table_of(await upload.read(), LONG_CHARS)
    except InputError as error:  # its sentence speaks of the table of a year
        raise InputError("sheet_too_much") if error.code == "table_too_much" else error from None
    read = await of_many(len(table.rows), read_offline_sheet, cycle, sheet, table.rows)
    if read.faults:
        return OfflineForm(dict(body), [*read.faults], [])
    filled = set(read.values)
    found = {name: value for name, value in body.items() if not _is_replaced(name, filled)}
    found = {**_too_long(body, filled), **found, **dict(typed_values(read, sheet.rows))}
    for number in filled:  # files were sent to the page, not put into the sheet
        name = f"sheet.{number}.evidence"
        kept = [one for one in references_in(body.get(name, "")) if one not in found.get(name, "")]
        found[name] = "\n".join(part for part in (found.get(name, ""), *kept) if part)
    count = len(filled)
    told = ngettext("{count} criterion was read from the file.", "{count} criteria were read from the file.", count)
    notes = [told.format(count=count), _("Nothing is sent yet."), *read.notes]
    notes += [sentence(code, facts) for _line, code, facts in table.remarks]
    return OfflineForm({**found}, [], notes)


def _is_replaced(name: str, filled: set[int]) -> bool:
    """Whether an input belongs to a row that the file fills in."""
    parts = name.split(".")
    return parts[0] == "sheet" and len(parts) > 1 and whole_number(parts[1]) in filled


def _too_long(body: Mapping[str, str], filled: set[int]) -> dict[str, str]:
    """The texts of rows that the file fills in but has no cell for, because they are too long."""
    names = {f"sheet.{number}.{name}" for number in filled for name in ("reason", "evidence")}
    return {name: body[name] for name in names & set(body) if len(without_references(body[name])) >= LONG_CHARS}
