"""Answers that the browser saves as files."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal
from urllib.parse import quote

from fastapi.responses import Response

from application.downloads import Table, csv_text, json_text
from application.spreadsheets import WORKBOOK, workbook
from application.work import beside, of_many

TableExtension = Literal["csv", "xlsx"]
"""Kinds of files for a spreadsheet."""

Extension = Literal["json", "csv", "xlsx"]


def as_attachment(body: bytes | str, name: str, media_type: str) -> Response:
    """A file to be saved under its name; the browser never shows it as a page of ours."""
    return Response(body, media_type=media_type, headers={"Content-Disposition": disposition(name)})


def disposition(name: str) -> str:
    """The header that names a file to be saved (RFC 6266): in full (RFC 5987), and in ASCII for old programs."""
    letters = "".join(one for one in unicodedata.normalize("NFD", name) if not unicodedata.combining(one))
    plain = re.sub(r"[^\w.() -]", "_", letters.translate(_LETTERS_WITHOUT_MARKS), flags=re.ASCII)
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


_LETTERS_WITHOUT_MARKS = str.maketrans("đĐ", "dD")


async def as_json(data: Any, name: str) -> Response:
    """Data as a JSON file; `name` is without extension."""
    return as_attachment(await beside(json_text, data), f"{name}.json", "application/json")


async def as_table(extension: TableExtension, name: str, *tables: Table) -> Response:
    """Tables as a file for a spreadsheet: a workbook with all of them, or CSV, which holds the first one only.

    `name` is without extension.
    """
    if extension == "xlsx":
        return as_attachment(await beside(workbook, tables), f"{name}.xlsx", WORKBOOK)
    text = await of_many(len(tables[0].rows), csv_text, tables[0])
    return as_attachment(text, f"{name}.csv", "text/csv; charset=utf-8")
