"""Reads pasted or uploaded tables, CSV and XLSX, as text.

A workbook is an untrusted file. A child process opens it, with limited memory and time, and without this process's
secrets: its environment holds only the folder of our modules. It returns plain cells.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import resource
import sys

from errors import InputError
from resources import CHILD_ENVIRONMENT

MOST_ROWS = 5_000
MOST_COLUMNS = 30
MOST_CHARS = 500
SECONDS = 20
MEMORY = 1_000_000_000
FILE_BYTES = 5_000_000
_ZIP = b"PK\x03\x04"

Rows = list[list[str]]


async def rows_of(body: bytes) -> Rows:
    """Return the rows of a pasted or uploaded table.

    Raises:
        InputError: the table is too large or unreadable.
    """
    if len(body) > FILE_BYTES:
        raise InputError("table_too_large", found=len(body), most=FILE_BYTES)
    return await _workbook(body) if body.startswith(_ZIP) else _text(body)


def _text(body: bytes) -> Rows:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("file_not_utf8", position=error.start) from None
    lines = text.splitlines()
    first = lines[0] if lines else ""
    delimiter = max("\t;,", key=first.count)
    try:
        return _bounded(list(csv.reader(io.StringIO(text), delimiter=delimiter)))
    except csv.Error as error:
        raise InputError("table_unreadable", problem=str(error)) from None


async def _workbook(body: bytes) -> Rows:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-s",
        "-m",
        "application.tables",
        env=CHILD_ENVIRONMENT,
        cwd="/",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=_limits,
    )
    try:
        out, _err = await asyncio.wait_for(child.communicate(body), SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
        raise InputError("table_unreadable", problem="too slow") from None
    if child.returncode != 0:
        raise InputError("table_unreadable", problem="XLSX")
    return _bounded(json.loads(out))


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _bounded(rows: Rows) -> Rows:
    if len(rows) > MOST_ROWS or any(len(row) > MOST_COLUMNS for row in rows):
        raise InputError("table_too_large", found=len(rows), most=MOST_ROWS)
    return [[cell.strip()[:MOST_CHARS] for cell in row] for row in rows if any(cell.strip() for cell in row)]


def _open(body: bytes) -> Rows:
    """Return the first sheet's cells as text. Formulas are not computed: their stored results are read."""
    from openpyxl import load_workbook  # noqa: PLC0415 - the child only

    sheet = load_workbook(io.BytesIO(body), read_only=True, data_only=True).worksheets[0]
    return [
        ["" if cell is None else str(cell) for cell in row[:MOST_COLUMNS]]
        for row in sheet.iter_rows(max_row=MOST_ROWS + 1, values_only=True)
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_open(sys.stdin.buffer.read()), ensure_ascii=False))
