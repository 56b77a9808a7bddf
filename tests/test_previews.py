"""Files that are looked at in a page: what comes out of a child process, and what of damaged and hostile files."""

from __future__ import annotations

import asyncio
import io

import pytest
from file_help import docx, docx_of, odt, pdf, picture, picture_bomb
from PIL import Image

from application import previews
from application.previews import MOST_PAGES, PAGES_AT_ONCE, FilePreview, Previews
from application.work import Children
from vault.file_kinds import DOCX, JPEG, ODT, PDF, PNG, FileKind


class Opened:
    """Previews of one file; `reads` counts how often its bytes were asked for."""

    def __init__(self, body: bytes | None, kind: FileKind, kept_bytes: int = previews.KEPT_BYTES) -> None:
        self.reads, self._body, self._kind = 0, body, kind
        self.previews = Previews(kept_bytes, Children(processes=2, waiting=20))

    async def body(self) -> bytes | None:
        self.reads += 1
        return self._body

    async def first(self) -> FilePreview:
        return await self.previews.first("d", self._kind.media_type, self.body)

    async def picture(self, number: int) -> bytes | None:
        return await self.previews.picture("d", self._kind.media_type, number, self.body)


def size_of(body: bytes | None) -> tuple[int, int]:
    assert body is not None
    with Image.open(io.BytesIO(body), formats=("JPEG",)) as image:
        image.load()
        return image.size


async def test_a_pdf_is_drawn_a_few_pages_at_a_time_and_each_once() -> None:
    opened = Opened(pdf(6), PDF)
    found = await opened.first()
    assert (found.pages, len(found.pictures), found.problem, found.cut) == (6, PAGES_AT_ONCE, "", False)
    width, height = size_of(found.pictures[0])
    assert 1_000 <= width <= 1_100
    assert width < height
    with Image.open(io.BytesIO(found.pictures[0])) as image:
        assert min(image.convert("L").tobytes()) < 100, "the text is drawn"
    pages = await asyncio.gather(*(opened.picture(number) for number in (1, 4, 5, 6, 5)))
    assert [size_of(one) for one in pages] == [(width, height)] * 5
    assert await opened.picture(7) is None
    assert await opened.picture(0) is None
    assert opened.reads == 2, "four pages with the first look, two more with the second"


async def test_of_a_pdf_of_500_pages_so_many_are_offered() -> None:
    opened = Opened(pdf(500), PDF)
    found = await opened.first()
    assert (found.pages, found.cut) == (MOST_PAGES, True)
    size_of(await opened.picture(MOST_PAGES))
    assert await opened.picture(MOST_PAGES + 1) is None


async def test_what_does_not_fit_into_memory_is_let_go() -> None:
    opened = Opened(pdf(5), PDF, kept_bytes=1)
    await opened.first()
    await opened.first()
    assert opened.reads == 2
    assert opened.previews._bytes == 0


LONG_PAGE = pdf().replace(b"[0 0 595 842]", b"[0 0 9e9 1]  ")


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        pytest.param(b"%PDF-" + b"x" * 1_000, PDF, "broken", id="pdf that is none"),
        pytest.param(pdf(2)[:-12], PDF, "", id="pdf without its last line, which PDFium mends"),
        pytest.param(pdf(0), PDF, "broken", id="pdf without pages"),
        pytest.param(picture_bomb(), PNG, "too_much", id="picture bomb"),
        pytest.param(picture()[:200], PNG, "broken", id="half a picture"),
        pytest.param(b"\xff\xd8\xff" + b"x" * 100, JPEG, "broken", id="jpeg that is none"),
        pytest.param(b"PK\x03\x04" + b"x" * 100, DOCX, "broken", id="archive that is none"),
        pytest.param(docx_of(b"<a><b></a>"), DOCX, "broken", id="text that is no XML"),
        pytest.param(docx_of(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), DOCX, "broken", id="entities"),
        pytest.param(docx_of(b"<a>" + b" " * 120_000_000 + b"</a>"), DOCX, "too_much", id="document bomb"),
        pytest.param(odt("<a>"), ODT, "broken", id="OpenDocument that is no XML"),
        pytest.param(odt("", "<a><encryption-data/></a>"), ODT, "locked", id="OpenDocument with a password"),
        pytest.param(None, PDF, "broken", id="erased meanwhile"),
    ],
)
async def test_damaged_and_hostile_files_are_told(body: bytes | None, kind: FileKind, problem: str) -> None:
    found = await Opened(body, kind).first()
    assert found.problem == problem
    assert bool(found.pictures) == (not problem)


async def test_a_page_of_a_strange_size_is_drawn_small() -> None:
    found = await Opened(LONG_PAGE, PDF).first()
    assert found.problem or all(max(size_of(one)) <= 3_300 for one in found.pictures)


async def test_a_child_that_takes_too_long_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened(pdf(), PDF)
    monkeypatch.setattr(previews, "SECONDS", 0.01)
    assert (await opened.first()).problem == "too_long"
    monkeypatch.setattr(previews, "SECONDS", 30.0)
    assert (await opened.first()).problem == ""


async def test_a_picture_is_shown_upright_and_not_larger_than_a_screen() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (2_400, 1_200)).save(out, "JPEG", exif=exif)
    found = await Opened(out.getvalue(), JPEG).first()
    assert size_of(found.pictures[0]) == (800, 1_600)


async def test_a_document_is_read_as_a_person_reads_it_with_all_changes_accepted() -> None:
    def run(inside: str, before: str = "") -> str:
        return f"<w:r>{before}{inside}</w:r>"

    body = (
        f"<w:p>{run('<w:t>giữ </w:t>')}<w:del>{run('<w:delText>bỏ</w:delText>')}</w:del>"
        f"<w:ins>{run('<w:t>thêm</w:t>')}</w:ins><w:moveFrom>{run('<w:t>dời</w:t>')}</w:moveFrom></w:p>"
        f"<w:p><w:pPr><w:numPr/></w:pPr>{run('<w:t>mục</w:t><w:tab/><w:t>một</w:t>')}</w:p>"
        f"<w:p>{run('<w:t>ẩn</w:t>', '<w:rPr><w:vanish/></w:rPr>')}</w:p>"
        f"<w:tbl><w:tr><w:tc><w:p>{run('<w:t>Quỹ</w:t>')}</w:p></w:tc><w:tc><w:p>{run('<w:t>105 %</w:t>')}</w:p>"
        f"<w:p>{run('<w:t>năm</w:t>')}</w:p></w:tc></w:tr></w:tbl>"
        f"<w:p>{run('<w:instrText>PAGE</w:instrText>')}{run('<w:t>cuối</w:t><w:br/><w:t>dòng</w:t>')}</w:p>"
    )
    found = await Opened(docx(["Điều 1 & <2>"], body=body), DOCX).first()
    assert found.paragraphs == ("Điều 1 & <2>", "giữ thêm", "• mục\tmột", "Quỹ | 105 % năm", "cuối\ndòng")
    assert (found.problem, found.pages, found.cut) == ("", 0, False)


async def test_an_opendocument_text_is_read_the_same_way() -> None:
    body = (
        "<text:tracked-changes><text:p>bỏ</text:p></text:tracked-changes><text:h>Điều 1</text:h>"
        '<text:p>giữ<text:s text:c="2"/><text:span>thêm</text:span><office:annotation><text:p>ẩn</text:p>'
        "</office:annotation><text:line-break/>dòng</text:p><table:table-row><table:table-cell><text:p>Quỹ</text:p>"
        "</table:table-cell><table:table-cell><text:p>105 %</text:p></table:table-cell></table:table-row>"
    )
    found = await Opened(odt(body), ODT).first()
    assert found.paragraphs == ("Điều 1", "giữ  thêm\ndòng", "Quỹ | 105 %")
    assert (found.problem, found.pages, found.cut) == ("", 0, False)


async def test_a_long_document_is_cut() -> None:
    found = await Opened(docx(["từ " * 1_000] * 300), DOCX).first()
    assert found.cut
    assert sum(map(len, found.paragraphs)) <= previews.DOCUMENT_CHARS
