"""The kinds of files that are taken, told by their contents and never by their names; and what to do with others.

Old Office files are compound files (OLE, MS-CFB), told apart by the streams inside; new ones and OpenDocument are ZIP
archives, told apart by the names inside. Only the list of names is read, and only where it is short.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from domain.file_references import NAME_CHARS, encoded_name
from errors import InputError


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of files. Names end in one of `endings`; one without gets the first. `label` is how people call it."""

    media_type: str
    label: str
    endings: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
PDF = FileKind("application/pdf", "PDF", (".pdf",))
PNG = FileKind("image/png", "PNG", (".png",))
JPEG = FileKind("image/jpeg", "JPEG", (".jpg", ".jpeg"))
ZIP = FileKind("application/zip", "ZIP", (".zip",))
DOC = FileKind("application/msword", "Word", (".doc",))
XLS = FileKind("application/vnd.ms-excel", "Excel", (".xls",))
PPT = FileKind("application/vnd.ms-powerpoint", "PowerPoint", (".ppt",))
DOCX = FileKind(f"{_OFFICE}.wordprocessingml.document", "Word", (".docx",))
XLSX = FileKind(f"{_OFFICE}.spreadsheetml.sheet", "Excel", (".xlsx",))
PPTX = FileKind(f"{_OFFICE}.presentationml.presentation", "PowerPoint", (".pptx",))
ODT = FileKind(f"{_ODF}.text", "ODF", (".odt",))
ODS = FileKind(f"{_ODF}.spreadsheet", "ODF", (".ods",))
ODP = FileKind(f"{_ODF}.presentation", "ODF", (".odp",))
KINDS = (PDF, JPEG, PNG, DOCX, DOC, XLSX, XLS, PPTX, PPT, ODT, ODS, ODP, ZIP)
ENDINGS = tuple(ending for kind in KINDS for ending in kind.endings)
_LABELS: Mapping[str, str] = {kind.media_type: kind.label for kind in KINDS}

_PDF_WITHIN = 1_024
"""Readers look for the beginning of a PDF so far: some scanners write something before it."""

_FIRST_BYTES: tuple[tuple[bytes, FileKind], ...] = ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG))
_IN_ZIP: tuple[tuple[str, FileKind], ...] = (
    ("word/document.xml", DOCX),
    ("xl/workbook.xml", XLSX),
    ("ppt/presentation.xml", PPTX),
)
_IN_OLE: tuple[tuple[bytes, FileKind], ...] = tuple(
    (name.encode("utf-16-le"), kind)
    for name, kind in (("PowerPoint Document", PPT), ("WordDocument", DOC), ("Workbook", XLS), ("Book", XLS))
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED, _MAIL = ("EncryptedPackage".encode("utf-16-le"), "__substg1.0_".encode("utf-16-le"))

_OTHERS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(first, re.DOTALL), kind, instead)
    for first, kind, instead in (
        (rb"....ftyp(avif|avis)", "AVIF", "JPEG"),
        (rb"....ftyp", "video", ""),
        (rb"GIF8|BM....\0\0\0\0|RIFF....WEBP", "GIF, BMP, WEBP", "JPEG, PNG"),
        (rb"II\*\0|MM\0\*", "TIFF", "PDF, JPEG"),
        (rb"Rar!\x1a|7z\xbc\xaf\x27\x1c|\x1f\x8b", "RAR, 7Z, GZ", "ZIP"),
        (rb"\{\\rtf", "RTF", "DOCX, PDF"),
    )
)
_HEIC = re.compile(rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)

MOST_NAMES = 5_000
MOST_NAME_BYTES = 1_000_000
_END_OF_ZIP, _END_BYTES = struct.Struct("<4s4H2LH"), 66_000
_LONG_END_OF_ZIP, _LOCATOR_BYTES = struct.Struct("<4sQ2H2L4Q"), 20
"""The end of a ZIP64 archive and its locator stand before the usual end; what they say counts."""


def label_of(media_type: str) -> str:
    """Return how people call a kind of files."""
    return _LABELS.get(media_type, media_type)


def kind_of(body: bytes, name: str) -> FileKind:
    """Return the kind of a file's contents. `name` is shown, and decides where an old Office file fits two kinds.

    Raises:
        InputError: `upload_type`, `upload_kind`, `upload_heic`, `upload_video`, `upload_locked`, `upload_macros`: what
            it is instead, and what to do.
    """
    if b"%PDF-" in body[:_PDF_WITHIN]:
        return PDF
    for first, kind in _FIRST_BYTES:
        if body.startswith(first):
            return kind
    if body.startswith(_OLE):
        return _old_office(body, name)
    if body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(body, name)
    if _HEIC.match(body):
        raise InputError("upload_heic", name=name)
    for pattern, found, instead in _OTHERS:
        if pattern.match(body):
            if found == "video":
                raise InputError("upload_video", name=name)
            raise InputError("upload_kind", name=name, found=found, instead=instead)
    raise InputError("upload_type", name=name)


def found_kind(body: bytes) -> str:
    """Return how people call the kind of a file that is no text, taken or not; "" for texts and what is not known."""
    try:
        return kind_of(body, "").label
    except InputError as error:
        return str(error.facts.get("found", _FOUND.get(error.code, "")))


_FOUND: Mapping[str, str] = {
    "upload_heic": "HEIC",
    "upload_video": "MP4",
    "upload_locked": "Word, Excel",
    "upload_macros": "Word, Excel",
}
"""By the code of a refusal that does not name the kind."""


def _old_office(body: bytes, name: str) -> FileKind:
    if _LOCKED in body:
        raise InputError("upload_locked", name=name)
    if _MAIL in body:
        raise InputError("upload_kind", name=name, found="MSG", instead="PDF")
    found = [kind for stream, kind in _IN_OLE if stream in body]
    fitting = [kind for kind in found if name.lower().endswith(kind.endings)]
    if not found:
        raise InputError("upload_type", name=name)
    return (fitting or found)[0]  # one document may hold another: then its name tells which


def _zip(body: bytes, name: str) -> FileKind:
    names = _names_in_zip(body)
    if "word/vbaProject.bin" in names or "xl/vbaProject.bin" in names or "ppt/vbaProject.bin" in names:
        raise InputError("upload_macros", name=name)
    if "xl/workbook.bin" in names:
        raise InputError("upload_kind", name=name, found="XLSB", instead="XLSX")
    for inside, kind in _IN_ZIP:
        if inside in names:
            return kind
    if "mimetype" in names and "META-INF/manifest.xml" in names:
        # OpenDocument stores its type first and uncompressed
        return next((kind for kind in (ODT, ODS, ODP) if kind.media_type.encode() in body[:200]), ZIP)
    return ZIP


def _names_in_zip(body: bytes) -> frozenset[str]:
    """Return the names in an archive; none where it has too many to look, or cannot be read."""
    end = body.rfind(b"PK\x05\x06", max(0, len(body) - _END_BYTES))
    if end < 0 or len(body) - end < _END_OF_ZIP.size:
        return frozenset()
    *_rest, count, size, _start, _comment = _END_OF_ZIP.unpack_from(body, end)
    long_at = end - _LOCATOR_BYTES - _LONG_END_OF_ZIP.size
    if long_at >= 0 and body.startswith(b"PK\x06\x06", long_at):
        *_rest, count, size, _start = _LONG_END_OF_ZIP.unpack_from(body, long_at)
    if count > MOST_NAMES or size > MOST_NAME_BYTES:
        return frozenset()
    try:
        with ZipFile(BytesIO(body)) as archive:
            return frozenset(archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError):
        return frozenset()


# Names ------------------------------------------------------------------------------------


def shown_name(name: str) -> str:
    """Return a file's own name without what is dangerous: folders, controls, directions, invisible signs."""
    last = re.split(r"[/\\]", name)[-1]
    if len(last) > _LONGEST:  # its ending is at the end
        last = last[: _LONGEST - _ENDING] + last[-_ENDING:]
    last = unicodedata.normalize("NFC", last)
    spaced = re.sub(r"\s+", " ", last)
    kept = "".join(
        char for char in spaced if unicodedata.category(char) not in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
    )
    return kept.strip(" .")


def name_for(name: str, kind: FileKind) -> str:
    """Return a name, as short as references can hold, that ends as its kind does.

    An ending of another kind that is taken is replaced, because the contents are not that.
    """
    stem, ending = shown_name(name), kind.endings[0]
    lower = stem.lower()
    if lower.endswith(kind.endings):
        stem, ending = stem[: stem.rindex(".")], stem[stem.rindex(".") :]
    elif lower.endswith(ENDINGS):
        stem = stem[: stem.rindex(".")]
        if stem.lower().endswith(kind.endings):  # x.zip.docx
            stem, ending = stem[: stem.rindex(".")], stem[stem.rindex(".") :]
    stem = stem.strip(" .") or _NAMELESS
    while len(encoded_name(stem + ending)) > NAME_CHARS:
        stem = stem[:-1].rstrip(" .")
    return stem + ending


_LONGEST, _ENDING = 300, 10
_NAMELESS = "tệp"
