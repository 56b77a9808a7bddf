"""What of a file can be looked at in a page: pages of a PDF and pictures as pictures, the text of a document.

The file is opened by a child process (`application/opened_files.py`): what comes back is a JPEG or plain text, and
never the file. The answers are kept in memory by the file's digest, the latest that fit; a caller must first have
shown that they may open the file. These children have a lane of their own, so that no table or comparison waits
for pictures.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from application.work import Children, WorkFailedError, WorkTooLongError
from vault.file_kinds import DOCX, JPEG, ODT, PDF, PNG

Opener = Literal["pdf", "picture", "document"]
"""How a file is opened."""

OPENERS: dict[str, Opener] = {
    PDF.media_type: "pdf",
    PNG.media_type: "picture",
    JPEG.media_type: "picture",
    DOCX.media_type: "document",
    ODT.media_type: "document",
}
"""By media type. Files of other kinds are only saved."""

PICTURE_TYPE = "image/jpeg"
PAGES_AT_ONCE = 4
"""So many pages of a PDF one child draws."""

MOST_PAGES = 300
"""Later pages of a PDF are not drawn."""

DOCUMENT_CHARS = 400_000
"""A document's text is read so far."""

SECONDS = 12.0
"""After this a child is killed."""

KEPT_BYTES = 48_000_000
"""So much is kept in memory, of all files."""

CHILDREN = Children(processes=1, waiting=24)

Problem = Literal["", "broken", "locked", "too_much", "too_long"]


@dataclass(frozen=True, slots=True)
class ChildAnswer:
    """What the child answers: pictures in base64, paragraphs of a document."""

    pages: int = 0
    pictures: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    cut: bool = False
    problem: Problem = ""


_SHAPE = TypeAdapter(ChildAnswer)


@dataclass(frozen=True, slots=True)
class FilePreview:
    """A part of a file to look at. `problem` says why there is none, "" where there is one."""

    pages: int
    """How many pictures there are in all."""
    pictures: tuple[bytes, ...]
    """Those of this part."""
    paragraphs: tuple[str, ...]
    cut: bool
    """The file has more than can be looked at here."""
    problem: Problem

    @property
    def size(self) -> int:
        """About how many bytes it holds in memory."""
        return 500 + sum(map(len, self.pictures)) + sum(4 * len(one) + 80 for one in self.paragraphs)


Body = Callable[[], Awaitable[bytes | None]]


def can_be_previewed(media_type: str) -> bool:
    """Whether files of a kind can be looked at in a page."""
    return media_type in OPENERS


class Previews:
    """The previews of one process. What two people ask for at once is made once."""

    def __init__(self, kept_bytes: int = KEPT_BYTES, children: Children = CHILDREN) -> None:
        self._most, self._children = kept_bytes, children
        self._kept: OrderedDict[tuple[str, int], FilePreview] = OrderedDict()
        self._bytes = 0
        self._running: dict[tuple[str, int], asyncio.Task[FilePreview]] = {}

    async def first(self, digest: str, media_type: str, body: Body) -> FilePreview:
        """The first part of a file, which knows how many pages there are.

        Raises:
            TooBusyError: too many files are being opened now.
        """
        return await self._part(digest, media_type, 0, body)

    async def picture(self, digest: str, media_type: str, number: int, body: Body) -> bytes | None:
        """The picture of a page, from 1; None where there is none.

        Raises:
            TooBusyError
        """
        if not 1 <= number <= MOST_PAGES:
            return None
        part, at = divmod(number - 1, PAGES_AT_ONCE)
        found = (await self._part(digest, media_type, part, body)).pictures
        return found[at] if at < len(found) else None

    async def _part(self, digest: str, media_type: str, part: int, body: Body) -> FilePreview:
        key = (digest, part)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        if (running := self._running.get(key)) is None:
            running = asyncio.create_task(self._made(key, OPENERS[media_type], body))
            self._running[key] = running
            running.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(running)  # who goes away does not take it from the others

    def _ended(self, key: tuple[str, int], done: asyncio.Task[FilePreview]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # all who waited for it may have gone

    async def _made(self, key: tuple[str, int], opener: Opener, body: Body) -> FilePreview:
        found = await self._opened(key[1], opener, await body())
        if found.problem != "too_long":  # on a calmer day it may not be
            self._keep(key, found)
        return found

    async def _opened(self, part: int, opener: Opener, body: bytes | None) -> FilePreview:
        if body is None:
            return _nothing("broken")
        asked = json.dumps({"opener": opener, "first": part * PAGES_AT_ONCE}).encode()
        try:
            sent = asked + b"\n" + body
            answer = await self._children.run("application.opened_files", sent, _SHAPE, seconds=SECONDS)
            pictures = tuple(base64.b64decode(one, validate=True) for one in answer.pictures)
        except WorkTooLongError:
            return _nothing("too_long")
        except (WorkFailedError, ValueError):
            return _nothing("broken")
        return FilePreview(answer.pages, pictures, answer.paragraphs, answer.cut, answer.problem)

    def _keep(self, key: tuple[str, int], found: FilePreview) -> None:
        self._kept[key] = found
        self._bytes += found.size
        while self._bytes > self._most:
            _key, gone = self._kept.popitem(last=False)
            self._bytes -= gone.size


def _nothing(problem: Problem) -> FilePreview:
    return FilePreview(0, (), (), cut=False, problem=problem)
