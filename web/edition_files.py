"""What is sent into the box for a file of rules: rules as YAML, a table of criteria (Excel, CSV), or something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, UploadFile

from accounts.drafts import Drafts
from application.criteria_columns import TABLE
from application.edition_texts import Values
from application.edition_work import read_edition
from application.slugs import slug_of
from application.table_columns import find_head
from application.tables import is_yaml, table_of, text_of
from application.work import beside
from domain import limits
from domain.rules import Edition
from errors import InputError
from i18n.messages import sentence
from vault.file_kinds import DOC, ODT, PDF, ZIP, found_kind, shown_name

WITHOUT_NAME = "quy-dinh"
"""The id of rules that begin without one."""

_WORKBOOKS = frozenset({"Excel", ODT.label, "Word, Excel"})
"""Kinds whose files can be tables of today, or tell by themselves why they are none."""


@dataclass(frozen=True, slots=True)
class SentTable:
    """A table that came in the place of rules: its text, the file's name, and remarks on it in words."""

    table: str
    file: str
    notes: tuple[str, ...] = ()

    def values(self) -> Values:
        """Return the draft that begins with the table: called as the file is, without criteria yet."""
        title = " ".join(self.file.rpartition(".")[0].replace("_", " ").split()) or self.file
        return {"id": slug_of(title, WITHOUT_NAME), "title": title[: limits.LABEL_CHARS]}


async def sent_rules(form: FormData) -> Values | SentTable:
    """Return what the file of a form holds: the values of rules, or a table.

    Raises:
        InputError: there is none, or it is neither; the sentence says what it is, and what to do.
    """
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise InputError("file_empty", "file")
    body, name = await upload.read(), shown_name(upload.filename)
    if not body.strip():
        raise InputError("edition_no_table", name)
    found = found_kind(body)
    if found in _WORKBOOKS:
        return await _table(body, name)
    if found:
        raise InputError(_REFUSED.get(found, "edition_in_other_file"), name, name=name, found=found)
    return await _of_text(body, name)


_REFUSED = {
    DOC.label: "edition_in_word",
    PDF.label: "edition_in_word",
    "RTF": "edition_in_word",
    ZIP.label: "edition_in_archive",
    "RAR, 7Z, GZ": "edition_in_archive",
}


async def _of_text(body: bytes, name: str) -> Values | SentTable:
    """The rules of a text; a table of criteria, where it is none of YAML and has a column of criteria.

    Raises:
        InputError
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = InputError("file_not_utf8", name, position=error.start)
    else:
        try:
            values = await read_edition(text, name)
        except InputError as error:
            problem = error
        else:
            if not set(values) & set(Edition.model_fields):
                raise InputError("edition_without_rules", name, name=name)
            return values
        if is_yaml(text):
            raise problem
    try:
        return await _table(body, name, with_criteria=True)
    except InputError as error:
        raise error if error.code in _TOLD_BETTER else problem from None


_TOLD_BETTER = frozenset({"table_locked", "table_no_table", "table_old_workbook", "table_web_page"})
"""Codes that say what a file is, which no reader of YAML does."""


async def _table(body: bytes, name: str, *, with_criteria: bool = False) -> SentTable:
    sent = await table_of(body, indents=True)
    if with_criteria and (await beside(find_head, TABLE, sent.rows, {})).missing:
        raise InputError("table_head", name)
    return SentTable(text_of(sent.rows), name, tuple(sentence(code, facts) for _line, code, facts in sent.remarks))


# The table, until it is taken -------------------------------------------------------------------------------------


async def keep_table(drafts: Drafts, person: str, edition: str, sent: SentTable) -> None:
    """Keep a table for the page that takes it into an edition.

    Raises:
        QuotaError
    """
    await drafts.save(person, _kept(edition), {"table": sent.table, "file": sent.file, "notes": list(sent.notes)})


async def kept_table(drafts: Drafts, person: str, edition: str) -> SentTable | None:
    """Return the table that waits for being taken into an edition; None without one."""
    kept: tuple[dict[str, Any], object] | None = await drafts.load(person, _kept(edition))
    return None if kept is None else SentTable(kept[0]["table"], kept[0]["file"], tuple(kept[0]["notes"]))


async def drop_table(drafts: Drafts, person: str, edition: str) -> None:
    """Forget the table: it was taken, or its edition is deleted."""
    await drafts.drop(person, _kept(edition))


def _kept(edition: str) -> str:
    return f"bang-tieu-chi {edition}"
