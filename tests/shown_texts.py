"""Collects the texts that users read while tests run, and finds the program's own keys in them.

A key is a name that only the program uses: of an act, an event, a field, a class, a step's slice, a value of the
domain, a code of an error or a deviation, and the ids of criteria, awards and fields of the rules editions. All are
taken from the program, so that a new one is looked for as soon as it exists.
"""

from __future__ import annotations

import builtins
import csv
import html
import importlib
import inspect
import json
import os
import pkgutil
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from functools import lru_cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from icalendar import Calendar
from openpyxl import load_workbook

import domain
from application.spreadsheets import WORKBOOK
from cli import outcome
from domain.notice_kinds import Notice
from domain.records import Command, Event
from domain.rules import Edition
from domain.scoring.criteria import Criterion
from domain.state import State
from i18n import language
from i18n.messages import SENTENCES, sentence
from i18n.problems import PROBLEMS
from i18n.words import WORDS
from mail.folder import FolderMailer

ROOT = Path(__file__).parent.parent
App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that a user reads: on which surface (`page`, `mail`, …), where, in which language, and in which form."""

    surface: str
    where: str
    language: str
    packed: bytes
    """The text, compressed: some tests show thousands of pages."""
    form: str = "text/plain"

    @property
    def text(self) -> str:
        return zlib.decompress(self.packed).decode()


@dataclass(frozen=True, slots=True)
class Found:
    """A key in a text, with the words beside it."""

    key: str
    surface: str
    where: str
    language: str
    beside: str


COLLECTED: list[Shown] = []
"""What was shown since the test began, as it was sent: it is read when the test has ended."""


def collect(surface: str, where: str, text: str, tongue: str | None = None, form: str = "text/plain") -> None:
    packed = zlib.compress(text.encode(errors="replace"), 1)
    COLLECTED.append(Shown(surface, where, tongue or language(), packed, form))


# What users see -----------------------------------------------------------------------------------------------

_NOT_READ = re.compile(r"<(script|style|template|code)\b.*?</\1>|<!--.*?-->", re.DOTALL)
"""What stands in `code` is meant to be copied or compared as it is: digests, addresses, secrets, login names."""

_READ_ALOUD = re.compile(r"""<[^<>]*?\s(?:title|alt|aria-label|placeholder)="([^"]+)\"""")
_BLOCK = re.compile(
    r"</?(?:p|li|td|th|tr|div|option|dt|dd|h[1-4]|label|br|summary|legend|button|a|caption|title)\b[^>]*>"
)
_TAG = re.compile(r"<[^>]*>")


def of_page(markup: str) -> list[str]:
    """What is read of a page, with the attributes that are shown or read aloud."""
    read = _NOT_READ.sub(" ", markup)
    aloud = [found.group(1) for found in _READ_ALOUD.finditer(read)]
    parts = [*_TAG.sub("", _BLOCK.sub("\n", read)).split("\n"), *aloud]
    return [html.unescape(part).strip() for part in parts if part.strip()]


def of_calendar(feed: str) -> list[str]:
    """What a calendar program shows of a feed."""
    shown = ("SUMMARY", "DESCRIPTION", "LOCATION", "CATEGORIES", "X-WR-CALNAME", "X-WR-CALDESC")
    return [str(part[name]) for part in Calendar.from_ical(feed).walk() for name in shown if name in part]


def of_table(text: str) -> list[str]:
    """The cells of a CSV file."""
    return [cell for row in csv.reader(StringIO(text.removeprefix("\ufeff")), delimiter=";") for cell in row]


def of_workbook(body: bytes) -> list[str]:
    """The names of a workbook's sheets, and their cells."""
    sheets = load_workbook(BytesIO(body), read_only=True).worksheets
    cells = [str(cell) for one in sheets for row in one.iter_rows(values_only=True) for cell in row if cell is not None]
    return [*(one.title for one in sheets), *cells]


def of_answer(text: str) -> list[str]:
    """The sentence of an error that the JSON interface answers; its other values are for programs."""
    answer = json.loads(text)
    return [str(answer["text"])] if isinstance(answer, dict) and {"code", "text"} <= set(answer) else []


READERS: Mapping[str, Callable[[str], list[str]]] = {
    "text/html": of_page,
    "text/calendar": of_calendar,
    "text/csv": of_table,
    "application/json": of_answer,
    "text/plain": str.splitlines,
    WORKBOOK: str.splitlines,
}
SURFACES = {
    "text/html": "page",
    "text/calendar": "calendar",
    "text/csv": "download",
    WORKBOOK: "download",
    "application/json": "interface",
}


def collect_mail(message: EmailMessage) -> None:
    body = message.get_body(("plain",))
    text = f"{message['Subject']}\n{body.get_content() if body is not None else ''}"
    # Each mail is in the language of its addressee.
    collect("mail", str(message["Subject"]), text, "en" if re.search(r"\b(the|your)\b", text.lower()) else "vi")


def collecting(app: App) -> App:
    """The application of the pages; what it answers is collected."""

    async def collected(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        form, parts = "", list[bytes]()

        async def listen(message: MutableMapping[str, Any]) -> None:
            nonlocal form
            if message["type"] == "http.response.start":
                form = dict(message["headers"]).get(b"content-type", b"").decode().partition(";")[0]
            elif form in SURFACES:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    body = b"".join(parts)
                    text = "\n".join(of_workbook(body)) if form == WORKBOOK else body.decode(errors="replace")
                    tongue = "en" if '<html lang="en"' in text[:200] else "vi"
                    collect(SURFACES[form], str(scope["path"]), text, tongue, form)
            await send(message)

        await app(scope, receive, listen if scope["type"] == "http" else send)

    return collected


# Keys ---------------------------------------------------------------------------------------------------------


def _closed_values(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (value for value in get_args(annotation) if isinstance(value, str))
    elif inspect.isclass(annotation) and issubclass(annotation, StrEnum):
        yield from (member.value for member in annotation)
    else:
        for part in get_args(annotation):
            yield from _closed_values(part)


def _of_the_domain() -> Iterator[str]:
    """Names of classes and their fields, and the values of closed types."""
    for info in pkgutil.walk_packages(domain.__path__, "domain."):
        for name, value in vars(importlib.import_module(info.name)).items():
            yield from _closed_values(value)
            if inspect.isclass(value) and str(value.__module__).startswith("domain"):
                yield name
                for field, declared in getattr(value, "model_fields", {}).items():
                    yield field
                    yield from _closed_values(declared.annotation)
                yield from getattr(value, "__slots__", ())


def _ids(criteria: Iterable[Criterion]) -> Iterator[str]:
    for one in criteria:
        yield one.id
        yield from _ids(one.children)


def editions() -> Iterator[Edition]:
    """The editions that the project ships and that its tests use."""
    for file in sorted(ROOT.glob("**/*.yaml")):
        if ".venv" in file.parts:
            continue
        with suppress(ValueError, yaml.YAMLError, UnicodeDecodeError):
            yield Edition.model_validate(yaml.safe_load(file.read_text()))


def _of_editions() -> Iterator[str]:
    for edition in editions():
        yield from _ids(edition.criteria)
        yield from (award.id for award in edition.awards)
        yield edition.id


@lru_cache
def keys() -> frozenset[str]:
    """All names that only the program uses."""
    found = {
        *Command.KNOWN,
        *Event.KNOWN,
        *Notice.KNOWN,
        *SENTENCES,
        *PROBLEMS,
        *WORDS,
        *(value for table in WORDS.values() for value in table.words),
        *State.__dataclass_fields__,
        *_of_the_domain(),
        *_of_editions(),
    }
    return frozenset(key for key in found if len(key) > 1 and not key.startswith("_"))


ALSO_VIETNAMESE = frozenset({"GitHub", "PowerPoint", "UniKey", "long-bien-2020", "web"})
"""Words of Vietnamese pages that look like keys: programs, the label that somebody gave a source, "trang web"."""

ALSO_ENGLISH = frozenset({"cross-check", "in-person", "mid-year", "self-score"})
"""Keys with a hyphen that are the trade's English words, too: values of rounds, meetings and forms of meetings."""

FACT = re.compile(r"\{\w+(?:!r)?\}")
"""A fact in a text of the catalogue."""

_TYPED = re.compile(r"`[^`]*`|'[^']*'|(?<!\S)--[\w-]+")
"""On the command line: what is typed as it stands, or was."""

_COPIED = re.compile(
    r"(?:ài khoản|ên đăng nhập|ụm nào có đơn vị|account|account name|account is) “[^”]*”|"
    r"https?://\S+|(?<!\S)(?:\S+@\S+|\S+\.(?:pdf|docx|xlsx|csv|yaml|json|md|png|jpg|log)\b)|"
    r"(?<![\w+/])[\w+/]{40,}="
)
"""What is followed, opened, compared or typed as it stands: addresses, files, the name of an account where it is told,
a unit that somebody typed and that there is not, a checksum in base64. A word is looked at from its beginning only: a
text can be one word of 200 000 letters."""

_KEY_NAMES = re.compile(r"\b(?:root|cli|web|log)-\d+\b")
"""Names of the keys that sign: auditors compare them, operators type them (docs/keys.md)."""

_TOKEN = re.compile(r"(?<![\w.…-])[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*(?![\w…-]|\.\w)")
_PLACE = re.compile(r"(?<![\w.])[a-z_]+\.(?:[0-9]+\.)?[a-z_]+(?:\.\w+)*(?![\w.])")
_COMPOUND = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)+|[A-Z][a-z]+([A-Z][a-z]+)+")


_ACCOUNT_LIST = re.compile(r"^/nguoi-dung/danh-sach/tai-khoan\.")
"""The download whose cells hold the names of accounts, to be typed at the login."""


@lru_cache(maxsize=200_000)
def found_in(text: str, surface: str, tongue: str) -> tuple[tuple[str, str], ...]:
    """The keys in a text, each with the words beside it.

    Vietnamese has no small words with hyphens or underscores: there each such word is a key, an id of a unit or a
    person among them. English has them, and shares its short words with the keys. On the command line ids of units,
    persons and cycles are what is typed.
    """
    read, known, found = _KEY_NAMES.sub(" ", _COPIED.sub(" ", text)), keys(), []
    if surface in {"terminal", "interface"}:
        read = _TYPED.sub(" ", read)
    for one in (*_TOKEN.finditer(read), *_PLACE.finditer(read)):
        key = one.group()
        compound = _COMPOUND.fullmatch(key) is not None
        if "." in key:
            is_key = key.partition(".")[0] in known
        elif tongue == "vi":
            is_key = key not in ALSO_VIETNAMESE and (key in known or (compound and surface != "terminal"))
        else:
            is_key = compound and key in known and key not in ALSO_ENGLISH
        if is_key:
            found.append((key, " ".join(read[max(0, one.start() - 40) : one.end() + 40].split())))
    return tuple(found)


def report(texts: Iterable[Shown]) -> list[Found]:
    """The keys in texts, each once for each surface; added to the file `THIDUA_SHOWN_KEYS`, too, if it is set."""
    found: dict[tuple[str, str], Found] = {}
    for shown in dict.fromkeys(texts):
        for line in READERS[shown.form](shown.text):
            if _ACCOUNT_LIST.match(shown.where) and _COMPOUND.fullmatch(line):
                continue
            for key, beside in found_in(line, shown.surface, shown.language):
                one = Found(key, shown.surface, shown.where, shown.language, beside)
                found.setdefault((key, shown.surface), one)
    if found and (file := os.environ.get("THIDUA_SHOWN_KEYS")):
        with Path(file).open("a") as out:
            for one in found.values():
                out.write(f"{one.key}\t{one.surface}\t{one.where}\t{one.language}\t{one.beside}\n")
    return list(found.values())


def install() -> None:
    """Collect what mailers send and what commands say, beside the pages of `collecting`."""
    sending, saying, explaining = FolderMailer.send, builtins.print, sentence

    async def send(self: FolderMailer, message: EmailMessage) -> None:
        collect_mail(message)
        await sending(self, message)

    def say(*words: object, file: Any = None, **options: Any) -> None:
        if file is not None:  # stdout takes JSON
            collect("terminal", "", " ".join(map(str, words)))
        saying(*words, file=file, **options)

    def explain(code: str, *facts: Any) -> str:
        text = explaining(code, *facts)
        collect("terminal", code, text)
        return text

    FolderMailer.send = send  # type: ignore[method-assign]
    vars(outcome).update(sentence=explain, print=say)
