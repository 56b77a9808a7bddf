"""Files: told by their contents, called as their people called them, sent once, and never shown as 64 digits."""

from __future__ import annotations

import re
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser_help import a_user
from conftest import eventually
from engine_help import CITY, open_cycle, units
from playwright.async_api import Browser, Request
from speech import RULES
from web_help import PASSWORD, Site, Visitor

from domain.file_references import (
    REFERENCE,
    file_name,
    reference_of,
    references_in,
    with_file_names,
    without_references,
)
from errors import InputError
from vault.file_kinds import (
    DOC,
    DOCX,
    JPEG,
    ODT,
    PDF,
    PNG,
    PPT,
    PPTX,
    XLS,
    XLSX,
    ZIP,
    FileKind,
    kind_of,
    name_for,
)
from vault.files import StoredFile
from web import urls
from web.downloads import disposition

NAMES = (Path(__file__).parent / "data" / "file-names.txt").read_text(encoding="utf-8").splitlines()
DIGITS = re.compile("[0-9a-f]{64}")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def zipped(*names: str, first: bytes = b"") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, first if name == "mimetype" else b"x")
    return out.getvalue()


def old_office(stream: str) -> bytes:
    return OLE + b"\0" * 512 + stream.encode("utf-16-le") + b"\0" * 512


ODT_TYPE = b"application/vnd.oasis.opendocument.text"
CONTENTS: dict[str, tuple[bytes, FileKind]] = {
    "pdf": (b"%PDF-1.7 x", PDF),
    "pdf after a scanner's own lines": (b"\r\n\r\n%PDF-1.4", PDF),
    "png": (b"\x89PNG\r\n\x1a\nx", PNG),
    "jpeg": (b"\xff\xd8\xff\xe0x", JPEG),
    "docx": (zipped("[Content_Types].xml", "word/document.xml"), DOCX),
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), XLSX),
    "pptx": (zipped("[Content_Types].xml", "ppt/presentation.xml"), PPTX),
    "odt": (zipped("mimetype", "META-INF/manifest.xml", first=ODT_TYPE), ODT),
    "zip of a docx": (zipped("word/document.docx"), ZIP),
    "zip": (zipped("ảnh 1.jpg"), ZIP),
    "empty zip": (zipped(), ZIP),
    "doc": (old_office("WordDocument"), DOC),
    "xls": (old_office("Workbook"), XLS),
    "ppt": (old_office("PowerPoint Document"), PPT),
}
REFUSED: dict[str, tuple[bytes, str]] = {
    "heic": (b"\0\0\0\x18ftypheic", "upload_heic"),
    "video": (b"\0\0\0\x18ftypisom", "upload_video"),
    "tiff": (b"II*\0", "upload_kind"),
    "rar": (b"Rar!\x1a\x07", "upload_kind"),
    "rtf": (b"{\\rtf1", "upload_kind"),
    "mail of Outlook": (old_office("__substg1.0_0037001F"), "upload_kind"),
    "locked docx": (old_office("EncryptedPackage"), "upload_locked"),
    "macros": (zipped("word/document.xml", "word/vbaProject.bin"), "upload_macros"),
    "xlsb": (zipped("[Content_Types].xml", "xl/workbook.bin"), "upload_kind"),
    "program": (b"MZ\x90", "upload_type"),
    "page": (b"<html>", "upload_type"),
    "another compound file": (old_office("Something"), "upload_type"),
}


class TestKinds:
    @pytest.mark.parametrize("case", CONTENTS)
    def test_the_contents_tell(self, case: str) -> None:
        body, kind = CONTENTS[case]
        assert kind_of(body, "x.pdf") == kind

    @pytest.mark.parametrize("case", REFUSED)
    def test_what_is_not_taken_says_what_it_is(self, case: str) -> None:
        body, code = REFUSED[case]
        with pytest.raises(InputError) as raised:
            kind_of(body, "ảnh (1).HEIC")
        assert (raised.value.code, raised.value.facts["name"]) == (code, "ảnh (1).HEIC")

    def test_an_archive_with_too_many_names_is_not_looked_into(self) -> None:
        assert kind_of(zipped("word/document.xml", *map(str, range(5_001))), "x") == ZIP

    @pytest.mark.parametrize(("more", "kind"), [(0, DOCX), (5_001, ZIP)])
    def test_a_zip64_record_that_tells_of_more_names_than_the_usual_end_counts(self, more: int, kind: FileKind) -> None:
        whole = zipped("word/document.xml", *map(str, range(more)))
        body, end = whole[:-22], whole[-22:]
        count, size, start = struct.unpack("<HLL", end[10:20])
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1)
        few = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 60, start, 0)
        assert kind_of(body + record + locator + few, "x") == kind

    def test_a_document_that_holds_another_goes_by_its_name(self) -> None:
        both = old_office("WordDocument") + old_office("Workbook")
        assert [kind_of(both, name) for name in ("a.doc", "a.XLS", "a")] == [DOC, XLS, DOC]


KIND_OF_NAME = {".docx": DOCX, ".zip": ZIP, ".pdf": PDF, ".heic": JPEG, ".doc": DOC, ".xls": XLS}


class TestNames:
    @pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(".HEIC")])
    def test_the_name_stays_as_it_was(self, name: str) -> None:
        assert name_for(name, KIND_OF_NAME[Path(name).suffix.lower()]) == name

    @pytest.mark.parametrize(
        ("sent", "kind", "stored"),
        [
            ("../../etc/Báo cáo.pdf", PDF, "Báo cáo.pdf"),
            ("C:\\Users\\an\\Báo cáo.pdf", PDF, "Báo cáo.pdf"),
            ("x\u202efdp.exe", PDF, "xfdp.exe.pdf"),
            ("a\u200bb\x00c\r\nd.pdf", PDF, "abc d.pdf"),
            ("", PDF, "tệp.pdf"),
            ("..", PDF, "tệp.pdf"),
            ("ảnh.png", JPEG, "ảnh.jpg"),
            ("anh minh chung.zip.docx", ZIP, "anh minh chung.zip"),
            ("Bie\u0302n ba\u0309n.doc", DOC, "Biên bản.doc"),
            ("100% đạt; “tốt”.pdf", PDF, "100% đạt; “tốt”.pdf"),
        ],
    )
    def test_only_what_is_dangerous_goes(self, sent: str, kind: FileKind, stored: str) -> None:
        assert name_for(sent, kind) == stored

    @pytest.mark.parametrize("name", [*NAMES, "100% đạt; “tốt”.pdf", "ệ" * 500 + ".pdf", "a b" * 200 + ".pdf"])
    def test_a_reference_holds_the_name_and_fits_in_a_field(self, name: str) -> None:
        stored = name_for(name, PDF)
        reference = reference_of("a" * 64, stored)
        found = REFERENCE.fullmatch(reference)
        assert found is not None
        assert (file_name(found), len(reference) < 280) == (stored, True)
        text = f"Kế hoạch {reference} và {reference}, 2026"
        assert references_in(text) == [reference]
        assert with_file_names(text) == f"Kế hoạch {stored} và {stored}, 2026"

    def test_a_reference_that_was_typed_shows_no_sign_that_nobody_sees(self) -> None:
        assert with_file_names(f"tep/{'a' * 64}/Kq%0D%0ABcc%00%E2%80%AEfdp.exe") == "KqBccfdp.exe"

    def test_a_field_without_its_files(self) -> None:
        reference = reference_of("a" * 64, "Báo cáo 1.pdf")
        assert without_references(f"12/KH\n{reference}\nbiên bản") == "12/KH\nbiên bản"
        assert without_references(f"Kế hoạch {reference}") == "Kế hoạch"
        assert without_references("không có  tệp\n\nnào") == "không có  tệp\n\nnào"

    @pytest.mark.parametrize("name", NAMES)
    def test_a_download_is_saved_under_it(self, name: str) -> None:
        header = disposition(name)
        assert header.isascii()
        named = re.search(r"filename\*=UTF-8''(\S+)$", header) or re.search('filename="([^"]*)"', header)
        assert named is not None
        assert unquote(named.group(1)) == name
        assert disposition("Đề nghị.pdf").startswith('attachment; filename="De nghi.pdf"; ')
        assert '"' not in disposition('a"b\r\n.pdf').replace('filename="a_b__.pdf"', "")


async def officer(site: Site) -> tuple[Visitor, str]:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    return await site.log_in("an"), stream


def shown(page: str) -> str:
    """What a reader sees of a page: texts, without the values of inputs and addresses."""
    return re.sub(r"<[^>]*>", " ", page)


async def test_a_file_is_shown_and_given_back_by_its_own_name(site: Site) -> None:
    an, _stream = await officer(site)
    for name, (case, size) in {
        "Báo cáo tổng kết cụm số 1.docx": ("docx", "Word"),
        "anh minh chung.zip": ("zip", "ZIP"),
        "Biên bản.doc": ("doc", "Word"),
        "Bảng điểm.xls": ("xls", "Excel"),
        "đđđ.pdf": ("pdf", "PDF"),
    }.items():
        await an.get("/tep")
        token = {"_form": an.hidden()["_form"]}
        answer = await an.http.post("/tep", data=token, files={"file": (name, CONTENTS[case][0])})
        assert re.search(rf'<a href="/tep/[^"]*">{re.escape(name)}</a> <small>\({size}, \d+ kB\)', answer.text), name
        assert not DIGITS.search(shown(answer.text))
        link = re.search(rf'href="(/tep/[^"]+)">{re.escape(name)}', answer.text)
        assert link is not None
        given = await an.http.get(link.group(1))
        assert (given.content, given.headers["content-disposition"]) == (CONTENTS[case][0], disposition(name))
    # The same bytes under another name are another file.
    answer = await an.http.post("/tep", data=token, files={"file": ("Bản khác.pdf", CONTENTS["pdf"][0])})
    assert ("Bản khác.pdf" in answer.text, "đđđ.pdf" in answer.text) == (True, True)


async def test_what_is_not_taken_says_what_to_do(site: Site) -> None:
    an, _stream = await officer(site)
    await an.get("/tep")
    token = {"_form": an.hidden()["_form"]}
    for case, said in (("heic", "Hãy lưu lại dạng JPEG"), ("tiff", "PDF, JPEG"), ("macros", "macro"), ("page", "PDF")):
        answer = await an.http.post("/tep", data=token, files={"file": ("ảnh (1).HEIC", REFUSED[case][0])})
        assert (answer.status_code, said in answer.text, "ảnh (1).HEIC" in answer.text) == (422, True, True)


async def test_titles_sentences_and_links_name_the_file(site: Site) -> None:
    """A scan in place of a title: receipt, timeline, cluster page, search, and the JSON sentences show its name."""
    an, stream = await officer(site)
    await site.person("thu-ky", CITY, "secretariat")
    path = urls.act_url(stream, "report-midyear")
    await an.get(path)
    fields = {**an.hidden(), "unit": "don-vi-1", "_step": "look"}
    answer = await an.http.post(path, data=fields, files={"_file.report.title": ("Báo cáo 6 tháng.pdf", b"%PDF-1.7 y")})
    an.page = answer.text
    assert "Báo cáo 6 tháng.pdf</a> <small>(PDF, 1 kB)" in an.page
    assert not DIGITS.search(shown(an.page))
    await an.post(path, **an.hidden(), _step="send")
    assert ("Báo cáo 6 tháng.pdf</a>" in an.page, "/bien-nhan/" in an.at) == (True, True)
    last = await site.app.ledger.last_position()
    await eventually(lambda: site.services.board.wait_until_reached(last))
    secretary = await site.log_in("thu-ky")
    for where in (urls.cycle_url(stream), urls.timeline_url(stream)):
        await secretary.get(where)
        assert "Báo cáo 6 tháng.pdf" in secretary.page, where
    assert "Báo cáo 6 tháng.pdf</a>" in secretary.page
    rows = (await secretary.http.get(urls.timeline_url(stream, "json"))).json()
    told = [row["text"] for row in rows]
    assert any("Báo cáo 6 tháng.pdf" in text for text in told)
    assert not DIGITS.search(" ".join(told))


async def test_without_a_script_a_file_is_kept_once_and_can_be_taken_out(site: Site) -> None:
    an, stream = await officer(site)
    path = f"/cum/{stream}/lam/score-self?unit=don-vi-1"
    await an.get(path)
    fields = {**an.hidden(), "unit": "don-vi-1", "sheet.0.criterion": next(iter(RULES.leaves())), "_step": "save"}
    fields["sheet.0.evidence"] = "12/BC"
    name = "Minh chứng (1).pdf"
    answer = await an.http.post(path, data=fields, files={"_file.sheet.0.evidence": (name, b"%PDF-1.7 z")})
    an.page = answer.text
    assert f"{name}</a> <small>(PDF, 1 kB)" in an.page
    kept = re.search(r'name="_files.sheet.0.evidence" value="([^"]+)"', an.page)
    assert kept is not None
    assert re.search(r'name="sheet.0.evidence" rows="2">12/BC</textarea>', an.page)
    # Sent on without the file: the draft and the form still have it.
    fields |= {"_files.sheet.0.evidence": kept.group(1)}
    await an.post(path, **fields)
    draft = await site.services.drafts.load("an", path)
    assert draft is not None
    assert draft[0]["sheet.0.evidence"] == f"12/BC\n{kept.group(1)}"
    await an.get(path)
    assert f"{name}</a>" in an.page
    await an.post(path, **fields, _remove=f"sheet.0.evidence {kept.group(1)}")
    assert name not in an.page
    draft = await site.services.drafts.load("an", path)
    assert draft is not None
    assert draft[0]["sheet.0.evidence"] == "12/BC"


async def test_in_a_browser_a_file_is_sent_once(
    site: Site, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen, then typing on: one request carries its bytes, and every later one only its reference."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    path = f"/cum/{stream}/lam/report-midyear"
    file = tmp_path / "Báo cáo tổng kết.pdf"
    file.write_bytes(b"%PDF-1.7 " + b"0123456789" * 20_000)
    wrong = tmp_path / "ảnh (1).HEIC"
    wrong.write_bytes(REFUSED["heic"][0] + b"\0" * 1_000)
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        posted, stored, put = list[Request](), list[str](), site.services.files.put

        async def counted(name: str, body: bytes, **whose: str) -> StoredFile:
            stored.append(name)
            return await put(name, body, **whose)

        monkeypatch.setattr(site.services.files, "put", counted)
        an.page.on("request", lambda one: posted.append(one) if one.method == "POST" else None)
        await an.goto(path)
        await an.page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        await an.page.set_input_files("[name='_file.report.title']", wrong)
        await an.page.get_by_text("Hãy lưu lại dạng JPEG").wait_for()
        await an.page.set_input_files("[name='_file.report.title']", file)
        await an.page.locator(".files").get_by_role("link", name=file.name).first.wait_for()
        assert await an.page.locator("[name='_file.report.title']").input_value() == ""
        for words in ("một", "hai"):
            async with an.page.expect_response(lambda answer: answer.request.method == "POST"):
                await an.page.locator("[name='report.title']").press_sequentially(words)
        await an.goto(path)
        assert await an.page.locator(".files ul li", has_text=file.name).count() == 1
        assert await an.page.locator("[name='report.title']").input_value() == "mộthai"
        await an.press("Xem tóm tắt")
        assert file.name in await an.page.inner_text("main")
        assert not DIGITS.search(await an.page.inner_text("body"))
    assert stored == [wrong.name, file.name]
    assert len(posted) > 3
