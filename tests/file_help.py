"""Files to look at, made for tests: PDFs, Word documents and pictures, whole and damaged."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from xml.sax.saxutils import escape

from PIL import Image

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(pages: int = 1, text: str = "Trang") -> bytes:
    """A PDF whose pages hold a line of text each."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(pages))}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        drawn = f"BT /F1 24 Tf 72 760 Td ({text} {number + 1}) Tj ET".encode()
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    begin = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, begin)
    return bytes(out)


def docx(paragraphs: Iterable[str], *, body: str = "") -> bytes:
    """A Word document of paragraphs; `body` is XML to stand behind them."""
    inside = "".join(f"<w:p><w:r><w:t>{escape(one)}</w:t></w:r></w:p>" for one in paragraphs)
    return docx_of(f'<w:document xmlns:w="{_W}"><w:body>{inside}{body}</w:body></w:document>'.encode())


def docx_of(document: bytes) -> bytes:
    """An archive as a Word document is one, with this as its text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", document)
    return out.getvalue()


def odt(content: str, manifest: str = "<manifest/>") -> bytes:
    """An OpenDocument text with this XML as its content."""
    out = io.BytesIO()
    names = "".join(f' xmlns:{one}="urn:{one}"' for one in ("office", "text", "table"))
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", f"<office:document-content{names}>{content}</office:document-content>")
    return out.getvalue()


def picture(width: int = 400, height: int = 300, kind: str = "PNG") -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (30, 92, 58)).save(out, kind)
    return out.getvalue()


def picture_bomb(side: int = 60_000) -> bytes:
    """A PNG of a few kilobytes that says it is so many pixels wide and high."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
