"""Text pasted from Word, mail and chat: what becomes of it, at every door, and what is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest
from engine_help import open_cycle, units
from pydantic_core import PydanticCustomError
from speech import RULES
from test_web_api import bearer
from web_help import Site, Visitor

from application.fields import clean_fields
from application.old_fonts import old_line
from application.pasted_text import clean_text
from application.persons import parse_person
from application.yaml_files import read_yaml
from application.year_table import read_table
from domain.records import Command
from errors import InputError
from i18n import in_language
from i18n.cleaning import cleaning_notes
from i18n.messages import sentence
from web import urls

FROM_WORD = (Path(__file__).parent / "data" / "word-paste.txt").read_bytes().decode()
CLEAN = """Giao ước thi đua năm 2026
• Nội dung 1: 100% khu dân cư tổ chức Ngày hội
(kể cả tổ dân phố mới sáp nhập)
• Nội dung 2: Quỹ “Vì người nghèo” đạt kế hoạch
đoànkết"""
NOTE = "đã bỏ 4 ký tự không nhìn thấy, đã đổi 2 dấu đầu dòng thành dấu thường (•)"
OLD = "B¸o c¸o tæng kÕt"


class TestWhatBecomesOfIt:
    def test_word(self) -> None:
        found = clean_text(FROM_WORD)
        assert (found.text, found.changes) == (CLEAN, {"invisible": 4, "bullets": 2})
        assert cleaning_notes({"text": found.changes}) == [f"Nội dung: {NOTE}."]

    @pytest.mark.parametrize(
        ("typed", "clean", "changes"),
        [
            ("\uf0a7\tMột\n\uf0d8 Hai\n\uf076Ba\n\uf0e9 Bốn", "▪ Một\n➢ Hai\n❖ Ba\n• Bốn", {"bullets": 4}),
            ("·\tMột\no\tHai\n§\u00a0\u00a0 Ba\nØ\tBốn", "• Một\n◦ Hai\n▪ Ba\n➢ Bốn", {"bullets": 4}),
            ("xong \uf0fc, chuyển \uf0e0 phường", "xong ✓, chuyển → phường", {"bullets": 2}),
            ("một\u000bhai\u2028ba\u2029bốn\u0085năm\rsáu\r\nbảy", "một\nhai\nba\nbốn\nnăm\nsáu\nbảy", {}),
            ("a\u200bb\ufeffc\u00add\u2060e\u200ef\u202eg\u2066h\x07", "abcdefgh", {"invisible": 8}),
            ("hình \ufffc đây", "hình  đây", {"objects": 1}),
            ("Số\u00a0: 15\u202f000\u3000đồng", "Số : 15 000 đồng", {}),
            ("số 1\u001e2", "số 1-2", {}),
            ("👨\u200d👩\u200d👧 ❤\ufe0f", "👨\u200d👩\u200d👧 ❤\ufe0f", {}),
            ("đoàn\u200dkết\ufe0f", "đoànkết", {"invisible": 2}),
            ("Đo\u0302\u0301ng", "Đống", {}),
            ("a\tb", "a    b", {}),
        ],
    )
    def test_signs(self, typed: str, clean: str, changes: dict[str, int]) -> None:
        found = clean_text(typed)
        assert (found.text, found.changes) == (clean, changes)
        assert clean_text(found.text) == type(found)(found.text, {}), "cleaning a clean text changes nothing"

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\v", "\f", "\u0085", "\u2028", "\u2029", " \n\n "])
    def test_one_line_stays_one(self, end: str) -> None:
        found = clean_text(f"Hội nghị{end}tổng kết", one_line=True)
        assert (found.text, found.changes) == ("Hội nghị tổng kết", {"joined": 1})

    @pytest.mark.parametrize(
        ("typed", "problem", "line", "words"),
        [
            ("Mục tiêu\nsố hộ nghèo \uf0a3 5", "sign_of_font", "2", "số hộ nghèo ▯ 5"),
            ("tổ ch\ufffdc", "letter_lost", "1", "tổ ch▯c"),
            ("Kế\nho\x93ạch", "character_at", "2", "ho▯ạch"),
            ("a\x00b", "character_at", "1", "a▯b"),
            ("dòng đúng\n" + OLD, "old_font", "2", OLD),
        ],
    )
    def test_what_cannot_be_known_is_refused_with_its_place(
        self, typed: str, problem: str, line: str, words: str
    ) -> None:
        with pytest.raises(PydanticCustomError) as raised:
            clean_text(typed)
        facts = raised.value.context or {}
        assert (raised.value.type, facts["line"], facts["words"]) == (problem, line, words)

    def test_only_some_words_stand_beside_it(self) -> None:
        with pytest.raises(PydanticCustomError) as raised:
            clean_text("từ " * 50 + "\ue123" + " từ" * 50)
        words = (raised.value.context or {})["words"]
        assert words.startswith("…")
        assert words.endswith("…")
        assert len(words) < 60

    def test_the_fields_of_an_act(self) -> None:
        """Free texts keep their lines, other fields are one line; parts and lists are reached, choices stay."""
        typed = {"by": {"group": "Tổ\u2028dân phố"}, "text": "một\u000bhai", "on": "plan"}
        found = clean_fields(Command.KNOWN["comment"], typed)
        assert found.values == {"by": {"group": "Tổ dân phố"}, "text": "một\nhai", "on": "plan"}
        assert found.changes == {"by.group": {"joined": 1}}


class TestOldFonts:
    @pytest.mark.parametrize(
        ("line", "font"),
        [
            (OLD, "TCVN3 (ABC)"),
            ("Céng hßa x· héi chñ nghÜa ViÖt Nam", "TCVN3 (ABC)"),
            ("phong tr\u00b5o thi ®ua, chØ tiªu n¨m 2026", "TCVN3 (ABC)"),
            ("gi÷ g×n, l\u00adu giữ hß", "TCVN3 (ABC)"),
            ("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", "VNI"),
            ("ÑÔN VÒ: UÛY BAN MAËT TRAÄN", "VNI"),
            ("Cộng hòa xã hội chủ nghĩa Việt Nam", None),
            ("Müller Straße Köln für Señor Peña, São Paulo", None),
            ("garçon à l'été où déjà, naïve café Citroën", None),
            ("«Ước mơ» 5 m², 10 µm · Sony® §", None),
            ("B¸o", None),
        ],
    )
    def test_a_line_is_told_by_what_it_becomes(self, line: str, font: str | None) -> None:
        found = old_line(f"một\n{line}")
        assert (found and found[2]) == font
        assert found is None or found[:2] == (2, line)

    def test_no_text_of_the_project_is_taken_for_one(self) -> None:
        root = Path(__file__).parent.parent
        files = [root / "i18n" / "catalogues" / "vi.po", *root.glob("docs/vi/*.md"), *root.glob("scenarios/**/*.yaml")]
        lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        assert len(lines) > 5_000
        assert [line for line in lines if old_line(line)] == []


@pytest.fixture
async def stream(site: Site) -> str:
    return await open_cycle(site.app, RULES, members=units(2))


async def officer(site: Site) -> Visitor:
    await site.person("an", "don-vi-1")
    return await site.log_in("an")


async def stored_text(site: Site, words: str) -> list[str]:
    rows = await site.app.ledger.pool.fetch("select body from vault.text where body like '%' || $1 || '%'", words)
    return [row["body"] for row in rows]


async def test_a_page_says_what_it_took_out_and_records_what_the_summary_shows(site: Site, stream: str) -> None:
    an, path = await officer(site), urls.act_url(stream, "comment")
    await an.get(path)
    await an.post(path, **{**an.hidden(), "by.unit": "don-vi-1", "text": FROM_WORD, "_step": "save"})
    assert NOTE in an.page
    await an.post(path, **{**an.hidden(), "by.unit": "don-vi-1", "text": FROM_WORD, "_step": "look"})
    assert NOTE in an.page
    assert "\uf0b7" not in an.page
    await an.post(path, **{**an.hidden(), "_step": "send"})
    assert "/bien-nhan/" in an.at
    assert await stored_text(site, "Giao ước thi đua năm 2026") == [CLEAN]


async def test_a_page_names_line_and_words_of_what_it_refuses_and_keeps_the_text(site: Site, stream: str) -> None:
    an, path = await officer(site), urls.act_url(stream, "comment")
    for typed, said in (
        ("Đồng ý\nsố hộ \uf0a3 5", "dòng 2, chỗ “số hộ ▯ 5”: dấu ở ▯ chỉ có trong phông chữ Symbol"),
        (f"Đồng ý\n{OLD}", f"dòng 2, “{OLD}”, gõ theo bảng mã cũ TCVN3"),
        ("Đồng ý\nmất\x00chữ", "ở dòng 2, chỗ “mất▯chữ”"),
    ):
        await an.get(path)
        fields = {**an.hidden(), "by.unit": "don-vi-1", "text": typed, "_step": "look"}
        await an.post(path, **fields)
        assert (an.status, said in an.page) == (422, True), an.page
        assert "Đồng ý" in an.page.split("<textarea", 1)[1], "the text stays on the page"
        assert 'aria-invalid="true"' in an.page
        await an.post(path, **{**fields, "_step": "drop"})


async def test_a_script_that_saves_is_told(site: Site, stream: str) -> None:
    an, path = await officer(site), urls.act_url(stream, "comment")
    await an.get(path)
    fields = {"_form": an.hidden()["_form"], "by.unit": "don-vi-1", "_step": "save"}
    good = await an.http.post(path, data={**fields, "text": FROM_WORD}, headers={"HX-Request": "true"})
    bad = await an.http.post(path, data={**fields, "text": OLD}, headers={"HX-Request": "true"})
    assert "đã bỏ 4 ký tự không nhìn thấy" in good.text
    assert ("lưu lúc" in bad.text, "bảng mã cũ" in bad.text) == (True, True)


async def test_a_title_is_one_line_at_every_door(site: Site, stream: str) -> None:
    an, path = await officer(site), urls.act_url(stream, "report-midyear")
    await an.get(path)
    title = "Báo cáo\u2028sáu tháng\u200b \ufffc"
    await an.post(path, **{**an.hidden(), "unit": "don-vi-1", "report.title": title, "_step": "look"})
    assert "Báo cáo sáu tháng" in an.page
    for note in ("đã đổi 1 chỗ xuống dòng", "đã bỏ 1 ký tự không nhìn thấy", "đã bỏ 1 hình ảnh hoặc đối tượng"):
        assert note in an.page


async def test_the_interface_cleans_and_says_so(site: Site, stream: str) -> None:
    await site.person("an", "don-vi-1")
    headers, way = await bearer(site, "an", "act"), f"/api/v1/cycles/{stream}/acts"
    body = {"act": "comment", "fields": {"by": {"unit": "don-vi-1"}, "text": FROM_WORD}}
    old = {"act": "comment", "fields": {"by": {"unit": "don-vi-1"}, "text": OLD}}
    http = (await site.log_in("ai-do")).http
    tried = await http.post(f"{way}/try", json=body, headers=headers)
    done = await http.post(way, json=body, headers=headers)
    refused = await http.post(way, json=old, headers=headers)
    assert tried.json()["notes"] == done.json()["notes"]
    assert done.json()["notes"] == [f"Nội dung: {NOTE}."]
    assert (refused.status_code, refused.json()["code"], refused.json()["place"]) == (422, "bad_character", "text")
    assert await stored_text(site, "Giao ước thi đua năm 2026") == [CLEAN]


async def test_a_persons_name_and_mail(site: Site) -> None:
    an = await officer(site)
    await an.get("/toi")
    fields = {"name": "Nguyễn\u2028Thị\u200b An", "office": "chuyên\u00a0viên", "email": "an@example.invalid\u200b"}
    await an.post("/toi", _do="contact", _password="mot cau dai de nho", phone="024 0000 0000", **fields)
    assert "đã bỏ 1 ký tự không nhìn thấy" in an.page, an.page
    contact = await site.app.people.get("an")
    assert contact is not None
    assert (contact.name, contact.office, contact.email) == ("Nguyễn Thị An", "chuyên viên", "an@example.invalid")


class TestTheTableOfAYear:
    HEAD: ClassVar = {
        "organiser": "mttq",
        "organiser_name": "Thành phố",
        "year": 2026,
        "plan": {"title": "KH"},
        "edition": "specimen-2020.yaml",
    }

    def test_its_cells(self) -> None:
        rows = [
            ["\ufeffcụm", "đơn\u00a0vị", "người liên hệ"],
            ["Cụm\u00a01", "Phường\u200b Một", "Nguyễn\nVăn A"],
            ["Cụm 1", "Phường Hai", ""],
        ]
        found = read_table(rows, self.HEAD)
        (cluster,) = found.year.clusters
        assert (cluster.name, [unit.name for unit in cluster.units]) == ("Cụm 1", ["Phường Một", "Phường Hai"])
        assert [person.name for person in found.year.people] == ["Nguyễn Văn A"]
        with in_language("vi"):
            assert cleaning_notes(found.changes) == [
                "Đơn vị: đã bỏ 1 ký tự không nhìn thấy.",
                "Người liên hệ: đã đổi 1 chỗ xuống dòng thành dấu cách.",
            ]

    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            ("Phường \ufffdn", "Cột “đơn vị”, dòng 3, chỗ “Phường ▯n”: chữ ở ▯ đã bị mất khi sao chép"),
            (OLD, f"Cột “đơn vị”, dòng 3, “{OLD}”, gõ theo bảng mã cũ"),
        ],
    )
    def test_what_is_refused_is_named_with_column_and_line(self, cell: str, text: str) -> None:
        with pytest.raises(InputError) as refused:
            read_table([["cụm", "đơn vị"], ["Cụm 1", "Phường Một"], ["Cụm 1", cell]], self.HEAD)
        with in_language("vi"):
            assert sentence(refused.value.code, refused.value.facts).startswith(text)


def test_a_person_on_the_command_line() -> None:
    person = parse_person(
        id="an", unit="u", name="Nguyễn\u2028Thị\u200b An", email="an@example.invalid\u200b", phone=None
    )
    assert (person.name, person.email, person.phone) == ("Nguyễn Thị An", "an@example.invalid", None)


class TestFiles:
    def test_a_recording_file(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(json.dumps({"a": [{"text": FROM_WORD}]}), encoding="utf-8")
        changes: dict[tuple[str | int, ...], object] = {}
        assert read_yaml(file, changes)[0] == {"a": [{"text": CLEAN}]}  # type: ignore[arg-type]
        assert changes == {("a", 0, "text"): {"invisible": 4, "bullets": 2}}

    def test_texts_of_an_exported_file_stand_as_they_were_stored(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(json.dumps({"salts": {}, "text": "a\u00a0b\u2028c"}), encoding="utf-8")
        assert read_yaml(file)[0]["text"] == "a\u00a0b\u2028c"

    def test_what_is_refused_is_named_with_its_line(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_text(f"a: 1\nb: {OLD}\n", encoding="utf-8")
        with pytest.raises(InputError) as raised:
            read_yaml(file)
        assert (raised.value.path, raised.value.facts["problem"]) == (f"{file}:2", "old_font")


def test_notes_in_english() -> None:
    with in_language("en"):
        assert cleaning_notes({"by.group": {"joined": 1, "invisible": 2}}) == [
            "People together, in words: 1 line break became a space, 2 invisible characters were removed."
        ]
