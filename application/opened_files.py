"""The child process that opens a file to be looked at: pages of a PDF, a picture, the text of a Word or ODT document.

Nothing in a file is run or followed: PDFium draws without scripts and forms; a document's links, fields and pictures
are left out. Pixels, pages, characters and what an archive unpacks to are bounded here; memory and time by `work.py`.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from application.previews import DOCUMENT_CHARS, MOST_PAGES, PAGES_AT_ONCE, ChildAnswer
from application.work import answer_as_child

if TYPE_CHECKING:
    from PIL import Image

PAGE_WIDTH, PAGE_HEIGHT = 1_100, 3_300
"""Pixels of a drawn page, at most: what is read on a screen without blur."""

PICTURE_SIDE = 1_600
MOST_PIXELS = 50_000_000
"""A picture of more is not unpacked; the largest telephones take some 50 million."""

XML_BYTES = 100_000_000
"""So much the text of a document may unpack to."""

_QUALITY = 82


def _answer(sent: bytes) -> dict[str, Any]:
    line, _end, body = sent.partition(b"\n")
    asked = json.loads(line)
    return asdict(_OPENED_BY[asked["opener"]](body, int(asked["first"])))


# PDF --------------------------------------------------------------------------------------


def _pdf(body: bytes, first: int) -> ChildAnswer:
    import pypdfium2 as pdfium  # noqa: PLC0415 - the child only

    try:
        document = pdfium.PdfDocument(body)
        pages = len(document)
    except pdfium.PdfiumError as error:
        return ChildAnswer(problem="locked" if "password" in str(error).lower() else "broken")
    shown = range(first, min(first + PAGES_AT_ONCE, pages, MOST_PAGES))
    pictures = tuple(_in_base64(_drawn(document, number)) for number in shown)
    if not pages:
        return ChildAnswer(problem="broken")
    return ChildAnswer(min(pages, MOST_PAGES), pictures, cut=pages > MOST_PAGES)


def _drawn(document: Any, number: int) -> Image.Image:
    page = document[number]
    width, height = page.get_size()
    scale = min(PAGE_WIDTH / max(width, 1), PAGE_HEIGHT / max(height, 1))
    drawn: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
    page.close()
    return drawn


# Pictures ---------------------------------------------------------------------------------


def _picture(body: bytes, _first: int) -> ChildAnswer:
    from PIL import Image, ImageOps  # noqa: PLC0415 - the child only

    Image.MAX_IMAGE_PIXELS = None  # ours is asked before a pixel is unpacked, and is no warning
    try:
        with Image.open(io.BytesIO(body), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MOST_PIXELS:
                return ChildAnswer(problem="too_much")
            image.draft("RGB", (PICTURE_SIDE, PICTURE_SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
            return ChildAnswer(1, (_in_base64(upright),))
    except (OSError, ValueError, SyntaxError):  # what Pillow says of a broken file
        return ChildAnswer(problem="broken")


def _in_base64(image: Image.Image) -> str:
    """A picture as JPEG, on white where it lets something through."""
    from PIL import Image as Images  # noqa: PLC0415 - the child only

    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Images.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear.getchannel("A"))
    out = io.BytesIO()
    (image if image.mode in {"RGB", "L"} else image.convert("RGB")).save(out, "JPEG", quality=_QUALITY)
    return base64.b64encode(out.getvalue()).decode()


# Documents --------------------------------------------------------------------------------


class _TooMuchError(Exception):
    """The document unpacks to more than is read."""


class _DocumentReader:
    """Collects the paragraphs of a Word document from the events of expat, as they read with all changes accepted.

    A table's row is one paragraph, its cells with bars between. `_places` are the lists that paragraphs go to, a cell's
    own above that of the document; `_rows` the cells of the rows that are open; `_open` the paragraphs that are, more
    than one where a text box stands in one.
    """

    def __init__(self) -> None:
        self.paragraphs: list[str] = []
        self.cut = False
        self._places: list[list[str]] = [self.paragraphs]
        self._rows: list[list[str]] = []
        self._open: list[list[str]] = []
        self._skipped = self._chars = 0
        self._in_run = self._in_text = self._unseen = False

    def read(self, parts: Iterator[bytes]) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_doctype
        for part in parts:
            parser.Parse(part)
            if self.cut:
                return
        parser.Parse(b"", True)

    def _start(self, name: str, given: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self._skipped or local in _SKIPPED:
            self._skipped += 1
            return
        match local:
            case "p":
                self._open.append([])
            case "numPr" if self._open and not self._open[-1]:
                self._open[-1].append("• ")
            case "tr":
                self._rows.append([])
            case "tc":
                self._places.append([])
            case "r":
                self._in_run, self._unseen = True, False
            case "vanish" if self._in_run:
                self._unseen = next(iter(given.values()), "1") not in {"0", "false", "off"}
            case "t":
                self._in_text = not self._unseen
            case _ if self._in_run:
                self._put(_SIGNS.get(local, ""))

    def _characters(self, text: str) -> None:
        if self._in_text and not self._skipped:
            self._put(text)

    def _put(self, text: str) -> None:
        if self._open:
            left = DOCUMENT_CHARS - self._chars
            self._open[-1].append(text[:left])
            self._chars += min(left, len(text))
            self.cut = self.cut or len(text) > left

    def _end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        match name.rpartition(" ")[2]:
            case "t":
                self._in_text = False
            case "r":
                self._in_run = False
            case "p" if self._open and (text := "".join(self._open.pop()).strip()):
                self._places[-1].append(text)
            case "tc" if len(self._places) > 1:
                cell = " ".join(self._places.pop())
                if self._rows:
                    self._rows[-1].append(cell)
            case "tr" if self._rows and any(cells := self._rows.pop()):
                self._places[-1].append(" | ".join(cells))


_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_SKIPPED = frozenset(
    {"moveFrom", "Fallback", "instrText", "pict", "tracked-changes", "annotation", "note", "sequence-decls"}
)
"""What was moved away or deleted, what stands in the place of something that is read, codes of fields, notes."""


class _OdtReader(_DocumentReader):
    """Collects the paragraphs of an OpenDocument text, where the letters stand in the paragraphs themselves."""

    def __init__(self) -> None:
        super().__init__()
        self._in_run = self._in_text = True

    def _start(self, name: str, given: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "s" and not self._skipped:
            self._put(" " * min(int(next(iter(given.values()), "1")), _MOST_BLANKS))
        super()._start(_AS_WORD.get(local, local), given)

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        super()._end(_AS_WORD.get(local, local))


_AS_WORD = {"h": "p", "table-row": "tr", "table-cell": "tc", "line-break": "br"}
"""What OpenDocument calls otherwise than Word."""

_MOST_BLANKS = 200


def _refuse_doctype(*_given: Any) -> None:
    raise ValueError("a document has no document type")


_UNREADABLE = (
    BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    expat.ExpatError,
    zlib.error,
)
"""What the archive or the parser says of a broken document."""


def _document(body: bytes, _first: int) -> ChildAnswer:
    reader = _DocumentReader()
    try:
        with ZipFile(io.BytesIO(body)) as archive:
            text = "word/document.xml"
            if text not in archive.namelist():
                reader, text = _OdtReader(), "content.xml"
                if b"encryption-data" in b"".join(_parts_of(archive.open("META-INF/manifest.xml"))):
                    return ChildAnswer(problem="locked")
            with archive.open(text) as file:
                reader.read(_parts_of(file))
    except _TooMuchError:
        return ChildAnswer(problem="too_much")
    except _UNREADABLE:
        return ChildAnswer(problem="broken")
    return ChildAnswer(paragraphs=tuple(reader.paragraphs), cut=reader.cut)


def _parts_of(file: Any) -> Iterator[bytes]:
    """The XML in parts, as far as it is allowed: what the archive says of its length may be untrue."""
    read = 0
    while part := file.read(1_000_000):
        read += len(part)
        if read > XML_BYTES:
            raise _TooMuchError
        yield part


_OPENED_BY: dict[str, Callable[[bytes, int], ChildAnswer]] = {"pdf": _pdf, "picture": _picture, "document": _document}

if __name__ == "__main__":
    answer_as_child(_answer)
