"""Reads pasted or uploaded tables, text and workbooks, as rows of plain cells.

A workbook is an untrusted file, so a child process opens it (`application.workbooks`). Only as much of a table is read
as may be used. What cannot be read is refused with its real cause and what to do in the program it comes from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from application.old_fonts import old_line, spelled_in_vietnamese
from application.work import CHILDREN, WorkFailedError, WorkTooLongError, beside
from errors import InputError
from vault.file_kinds import DOC, PPT, ZIP, found_kind

MOST_ROWS = 5_000
MOST_LINES = 4 * MOST_ROWS
"""Rows with the blank ones between them."""

MOST_COLUMNS = 30
MOST_CHARS = 500
MOST_LINE = 2 * MOST_COLUMNS * MOST_CHARS
"""Characters of a line of text."""

SECONDS = 20
FILE_BYTES = 5_000_000

Rows = list[list[str]]
"""The cells of each row. The first row is line 1, as people see it: a blank row is an empty list."""


@dataclass(frozen=True, slots=True)
class ReadTable:
    """What was read, and remarks (line, code, facts) on what a person may not expect; line 0 for the whole."""

    rows: Rows
    remarks: tuple[tuple[int, str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class SheetAnswer:
    """What the child tells of a workbook: the cells of its first visible sheet, or the code of why there are none."""

    rows: Rows
    hidden: int = 0
    """Hidden rows among them."""

    sheet: str = ""
    others: tuple[str, ...] = ()
    """The names of other visible sheets that hold something."""

    problem: str = ""


_ANSWER = TypeAdapter(SheetAnswer)


LONG_CHARS = 20_000
"""Of a cell of a sheet that the program made itself, and that is filled in with texts."""


async def table_of(body: bytes, chars: int = MOST_CHARS, *, indents: bool = False) -> ReadTable:
    """Return the rows of a pasted or uploaded table; of each cell so many characters.

    `indents`: blanks before the text of a cell stay.

    Raises:
        InputError: the table is too large or unreadable.
    """
    if len(body) > FILE_BYTES:
        raise InputError("table_too_large", most=FILE_BYTES // 1_000_000)
    _refuse_other_kind(body)
    if body.startswith(_ZIP):
        return await _workbook(body, chars, indents=indents)
    return ReadTable(await beside(_of_bytes, body, chars, indents=indents))


async def rows_of_text(text: str, *, indents: bool = False) -> Rows:
    """The rows that `text_of` wrote.

    Raises:
        InputError: the text is another one, and too large.
    """
    return await beside(_text, text, "\t", MOST_CHARS, indents=indents)


def _of_bytes(body: bytes, chars: int, *, indents: bool) -> Rows:
    return _text(*_delimiter(_decoded(body)), chars, indents=indents)


def text_of(rows: Rows) -> str:
    """A table as text, a line for each row, cells between tabs: `rows_of_text` gives the same rows again."""
    return "\n".join("\t".join(map(_written, row)) for row in rows)


def _written(cell: str) -> str:
    indent = len(cell) - len(cell.lstrip(" "))
    line = " " * indent + " ".join(cell.split())
    return '"' + line.replace('"', '""') + '"' if line.startswith('"') else line


# Kinds of files ---------------------------------------------------------------------------

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKED_UP = re.compile(rb"(?i)\A(\xef\xbb\xbf)?\s*<(\?xml|!doctype|html|head|meta|table|style)\b")
_NAME_AND_VALUE = re.compile(r"[a-z_]+:( .*)?")
_OTHER_LINE = re.compile(r"( +\S|- |-$|#|---$).*")
_LINES_LOOKED_AT, _NAMES_OF_YAML = 12, 2


def _refuse_other_kind(body: bytes) -> None:
    """Refuse a file that is neither a text nor a workbook of today, and a text that is YAML.

    Raises:
        InputError: `table_locked`, `table_old_workbook`, `table_no_table` with what it is, `table_web_page`,
            `table_of_rules`.
    """
    found = found_kind(body)
    if body.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in body:
            raise InputError("table_locked")
        if found in {DOC.label, PPT.label, "MSG"}:
            raise InputError("table_no_table", found=found)
        raise InputError("table_old_workbook")
    if found and not body.startswith(_ZIP):
        raise InputError("table_no_table", found=found)
    if _MARKED_UP.match(body[:1_000]):
        raise InputError("table_web_page")
    if is_yaml(body[:2_000].decode("utf-8", "replace")):
        raise InputError("table_of_rules")


def is_yaml(text: str) -> bool:
    """Whether a text begins as a YAML file of names and values does, and not as a table."""
    lines = [line.rstrip() for line in text.removeprefix("\ufeff").split("\n") if line.strip()][:_LINES_LOOKED_AT]
    names = [line for line in lines if _NAME_AND_VALUE.fullmatch(line)]
    others = [line for line in lines if line not in names and not _OTHER_LINE.fullmatch(line)]
    return len(names) >= _NAMES_OF_YAML and not others and "\t" not in text


# Text -------------------------------------------------------------------------------------


_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def _decoded(body: bytes) -> str:
    """The text of a file, by its byte order mark, else as UTF-8, else as Vietnamese Windows writes.

    Raises:
        InputError: `table_encoding`, `table_letters_lost`.
    """
    encoding = next((encoding for mark, encoding in _MARKS if body.startswith(mark)), "")
    if not encoding:
        # Text of Latin letters in UTF-16 has a zero in most of its pairs, on the side of the high byte.
        low, high = body[:400:2].count(0), body[1:400:2].count(0)
        encoding = "utf-8" if (low + high) * 8 <= len(body[:400]) else "utf-16-le" if low < high else "utf-16-be"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        text = _of_windows(body)
    return _without_losses(text)


def _of_windows(body: bytes) -> str:
    """A text of windows-1258, whose tones stand behind their letters.

    Raises:
        InputError: `table_encoding`.
    """
    western = body.decode("latin-1")
    try:
        text = unicodedata.normalize("NFC", body.decode("cp1258"))
    except UnicodeDecodeError:
        text = ""
    if text and spelled_in_vietnamese(text):
        return text
    if old_line(western) is not None:  # refused by `clean_text`, with the name of the encoding and what to do
        return western
    if text and _LOST.search(text):
        return text
    raise InputError("table_encoding")


_LOST = re.compile(r"(?<=[^\W0-9_])\?(?=[^\W0-9_])|\?(?=[^\W0-9_])|(?<=[^\W0-9_])\?$")
_MIXED_UP = re.compile("á[»º]|Ã[\u0080-\u00bf]|Ä[\u0080-\u00bf‘]|Æ[°¡]")
"""What UTF-8 looks like to a program that takes it for a text of western Windows."""

_MOST_TO_LOOK_THROUGH = 2 * MOST_LINES
"""Lines; a cell can have some."""

_WORDS = re.compile(r"[\s;,\"]+")


def _without_losses(text: str) -> str:
    """The same text, when no letters were lost before it came here.

    Raises:
        InputError: `table_letters_lost`: it has question marks for letters, or two letters for one; `table_too_long`,
            `table_line_too_long`: it is more than is looked through.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines.count("\n") > _MOST_TO_LOOK_THROUGH:
        raise InputError("table_too_long", most=MOST_ROWS)
    for number, line in enumerate(lines.split("\n"), start=1):
        if len(line) > MOST_LINE:
            raise InputError("table_line_too_long", most=MOST_LINE)
        if "?" in line or not line.isascii():
            lost = [word for word in _WORDS.split(line) if _LOST.search(word) or _MIXED_UP.search(word)]
            if len(lost) > 1:
                raise InputError("table_letters_lost", line=number, words=", ".join(lost[:3])[:80])
    return text


def _text(text: str, delimiter: str, chars: int, *, indents: bool) -> Rows:
    rows: Rows = []
    found = 0
    for row in _records(text, delimiter):
        cells = _trimmed(row, indents=indents)
        found += bool(cells)
        rows.append(cells)
        if found > MOST_ROWS or len(rows) > MOST_LINES:
            raise InputError("table_too_long", most=MOST_ROWS)
    return _bounded(rows, chars)


def _delimiter(text: str) -> tuple[str, str]:
    """A text without its line `sep=`, which spreadsheets do not show, and what stands between its cells.

    Without that line it is what most of the first lines have; of those that equally many have, tabs before semicolons
    before commas, because names have commas.
    """
    text = text.removeprefix("\ufeff")
    if said := re.match(r'"?sep=(.)"?[;,\t ]*(\r\n|\r|\n)', text):
        return text[said.end() :], said[1]
    lines = [line for line in text[: 20 * MOST_LINE].split("\n", 40)[:40] if line.strip()][:12]
    return text, max("\t;,", key=lambda one: sum(one in line for line in lines))


_LINE_END = re.compile(r"[\r\n]")


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each record.

    A cell stands in quotation marks only where a closing one ends it and those inside are doubled. Any other one is a
    part of its name: `"Đoàn kết" cụm 1`, or one that is never closed.

    Raises:
        InputError: `table_line_too_long`.
    """
    one = re.escape(delimiter)
    quoted_cell = rf'"((?:[^"]|""){{0,{4 * MOST_CHARS}}})"(?={one}|[\r\n]|\Z)'
    cell = re.compile(rf"(?:{quoted_cell}|([^{one}\r\n]*))({one}|\r\n|\r|\n|\Z)")
    at = 0
    while at < len(text):
        found = _LINE_END.search(text, at)
        end = len(text) if found is None else found.start()
        if '"' not in (line := text[at:end]):
            yield line.rstrip(delimiter).split(delimiter)
            at = end + 1 + text.startswith("\r\n", end)
            continue
        row, begun, ending = [], at, delimiter
        while ending == delimiter and at - begun <= MOST_LINE:
            found = cell.match(text, at)
            if found is None:  # cannot be: the second branch takes whatever is no end of a cell
                raise InputError("table_broken")
            quoted, plain, ending = found.groups()
            at = found.end()
            row.append(plain if quoted is None else quoted.replace('""', '"'))
        if ending == delimiter:
            raise InputError("table_line_too_long", most=MOST_LINE)
        yield row


def _trimmed(row: list[str], *, indents: bool) -> list[str]:
    """The cells up to the last that holds something; with `indents`, blanks before their texts stay."""
    cells = [_BLANKS.sub(" ", cell.rstrip()) if indents and cell.strip() else cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


_BLANKS = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")
"""Blanks of other widths, by which texts are indented, too."""


def _bounded(rows: Rows, chars: int) -> Rows:
    if any(len(row) > MOST_COLUMNS for row in rows):
        raise InputError("table_too_wide", most=MOST_COLUMNS)
    if sum(map(bool, rows)) > MOST_ROWS:
        raise InputError("table_too_long", most=MOST_ROWS)
    while rows and not rows[-1]:
        rows.pop()
    return [[cell[:chars] for cell in row] for row in rows]


# Workbooks --------------------------------------------------------------------------------


async def _workbook(body: bytes, chars: int, *, indents: bool) -> ReadTable:
    try:
        sent = b"%d\n%b" % (chars, body)
        found = await CHILDREN.run("application.workbooks", sent, _ANSWER, seconds=SECONDS)
    except WorkTooLongError:
        raise InputError("table_too_much") from None
    except WorkFailedError:
        raise InputError("table_broken") from None
    if found.problem:
        raise InputError(found.problem, most=MOST_ROWS, found=found_kind(body) or ZIP.label)
    remarks: list[tuple[int, str, Mapping[str, Any]]] = []
    if found.others:
        remarks.append((0, "sheets_not_read", {"sheet": found.sheet, "others": ", ".join(found.others)[:200]}))
    if found.hidden:
        remarks.append((0, "rows_hidden", {"count": found.hidden}))
    return ReadTable(_bounded([_trimmed(row, indents=indents) for row in found.rows], chars), tuple(remarks))
