"""The page of a paper: read it with what changed and what is said, answer and sign it there; who may look at files."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from file_help import docx, docx_of, odt, pdf, picture_bomb
from speech import RULES
from web_help import PASSWORD, Site, Visitor

from application.papers import SHOWN_CHARS
from domain.file_references import reference_of
from web import urls

TEXT = "Điều 1. Vận động quỹ đạt 100 %.\n\nĐiều 2. Báo cáo trước 15/07.\nĐiều 3. Tự chấm điểm."
LATER = TEXT.replace("100 %", "từ 105 %")
MOST_BYTES = 200_000


async def present(site: Site, stream: str, text: str | None = TEXT, kind: str = "covenant", **document: Any) -> None:
    fields = {"title": "Giao ước thi đua", **document} | ({} if text is None else {"text": text})
    await submit(site.app, stream, CITY, "present-draft", {"kind": kind, "document": fields})


async def cluster(site: Site, **options: Any) -> tuple[str, Visitor]:
    """A cluster of two units, and an officer of the first one who has logged in."""
    stream = await open_cycle(site.app, RULES, members=units(2), **options)
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    return stream, await site.log_in("an")


def fields_of(page: str, step: str) -> dict[str, str]:
    """The hidden fields of the form of the page whose button has a step."""
    form = next(one for one in page.split("<form")[1:] if f'value="{step}"' in one.split("</form>")[0])
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.split("</form>")[0]))


async def send(visitor: Visitor, step: str, **typed: str) -> str:
    """Press a button of the page that the visitor is on, without JavaScript."""
    fields = {**fields_of(visitor.page, step), **typed}
    return await visitor.post(visitor.at, **fields, _step=step)


async def events(site: Site, stream: str, name: str) -> list[Any]:
    history = await site.app.history(stream)
    return [envelope.event for _row, envelope in history if name == envelope.event.NAME]


class TestAnswers:
    async def test_a_comment_an_agreement_and_a_signature_are_entered_from_the_page_in_earnest(
        self, real_site: Site
    ) -> None:
        stream, an = await cluster(real_site)
        await present(real_site, stream)
        await present(real_site, stream, LATER)
        await an.get(urls.task_url(stream, "stance", "don-vi-1").partition("#")[0])
        assert an.at == f"/cum/{stream}/du-thao/covenant", "the task leads to the paper"
        await send(an, "comment", text="105 % cao so với năm 2025.", paragraph="1", asks_for_change="yes")
        assert (an.status, an.at) == (200, f"/cum/{stream}/du-thao/covenant"), an.page
        assert "data-done" in an.page, "it says that it stands in the register"
        (comment,) = await events(real_site, stream, "CommentAdded")
        assert (comment.on, comment.draft_version, comment.paragraph, comment.asks_for_change) == (
            "covenant",
            2,
            1,
            True,
        )
        beside = an.page.split('id="doan-1"')[1].split('id="doan-2"')[0]
        assert "105 % cao so với năm 2025." in beside, "it stands beside its paragraph"
        await send(an, "agree")
        (taken,) = await events(real_site, stream, "StanceTaken")
        assert (taken.unit, taken.stance, taken.on, taken.number) == ("don-vi-1", "agreed", "covenant", 2)
        await send(an, "sign", _password="khong phai mat khau")
        assert (an.status, await events(real_site, stream, "CovenantSigned")) == (422, [])
        await send(an, "sign", _password=PASSWORD)
        (signed,) = await events(real_site, stream, "CovenantSigned")
        assert (signed.unit, signed.number) == ("don-vi-1", 2)
        assert 'value="sign"' not in an.page, "what is signed is not signed again"

    async def test_what_is_signed_is_shown_and_a_version_that_came_meanwhile_is_not_signed(self, site: Site) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await an.get(urls.draft_url(stream, "covenant"))
        signing = an.page.split('id="ky"')[1].split("</section>")[0]
        (row,) = [row for row, one in await site.app.history(stream) if one.event.NAME == "DraftPresented"]
        text = row.payload.split('"text":"')[1][:8].upper() if '"text":"' in row.payload else row.payload
        assert f"{text[:4]}-{text[4:8]}" in signing, "the code of the very text"
        await present(site, stream, LATER)
        await send(an, "sign", _password=PASSWORD)
        assert (an.status, await events(site, stream, "CovenantSigned")) == (409, [])
        assert "Những mục đã ghi sau khi bạn đọc" in an.page
        await an.get(urls.draft_url(stream, "covenant"))
        await send(an, "sign", _password=PASSWORD)
        assert [one.number for one in await events(site, stream, "CovenantSigned")] == [2]

    async def test_a_deviation_is_told_beside_the_password_or_by_the_summary_before_anything_is_signed(
        self, site: Site
    ) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await an.get(urls.draft_url(stream, "covenant"))
        beside = an.page.split('id="ky"')[1].split("</section>")[0]
        assert "Nếu gửi bây giờ, sổ còn ghi kèm:" in beside, "signed before the bylaws were presented"
        await send(an, "sign", _password=PASSWORD, _told="")  # as from a page that told nothing
        assert an.at.endswith("/lam/sign")
        assert "Tóm tắt" in an.page
        assert await events(site, stream, "CovenantSigned") == []
        await an.get(urls.draft_url(stream, "covenant"))
        await send(an, "sign", _password=PASSWORD)
        assert [one.number for one in await events(site, stream, "CovenantSigned")] == [1]

    async def test_an_older_version_is_read_and_commented_and_neither_agreed_nor_signed(self, site: Site) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await present(site, stream, LATER)
        await an.get(urls.draft_url(stream, "covenant", 1))
        assert "Bản mới nhất là bản 2" in an.page
        assert 'value="comment"' in an.page
        assert 'value="agree"' not in an.page
        assert 'value="sign"' not in an.page

    async def test_what_was_cleaned_is_told_before_it_is_sent(self, site: Site) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await an.get(urls.draft_url(stream, "covenant"))
        await send(an, "comment", text="Dòng một\u200b và chữ ẩn")
        assert an.at.endswith("/lam/comment")
        assert "Tóm tắt" in an.page
        assert await events(site, stream, "CommentAdded") == []
        await an.post(an.at + "?on=covenant", **an.hidden(), _step="send")
        assert [one.on for one in await events(site, stream, "CommentAdded")] == ["covenant"]

    async def test_a_text_that_cannot_be_entered_stays_in_the_form(self, site: Site) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await an.get(urls.draft_url(stream, "covenant"))
        await send(an, "comment", text="Còn đây", paragraph="hai")
        assert an.status == 422
        assert ">Còn đây</textarea>" in an.page
        await send(an, "comment", text="Còn đây", paragraph="2")
        assert [one.paragraph for one in await events(site, stream, "CommentAdded")] == [2]

    async def test_an_answer_stands_under_its_comment(self, site: Site) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await site.person("binh", "don-vi-2")
        binh = await site.log_in("binh")
        await an.get(urls.draft_url(stream, "covenant"))
        await send(an, "comment", text="Giữ 100 %.", paragraph="1")
        await binh.get(urls.draft_url(stream, "covenant", answers=1))
        assert "Giữ 100 %." in binh.page.split('id="gop-y"')[1], "what is answered stands above the form"
        await send(binh, "comment", text="Thống nhất tại hội nghị.")
        assert [one.answers for one in await events(site, stream, "CommentAdded")] == [None, 1]
        beside = binh.page.split('id="doan-1"')[1].split('id="doan-2"')[0]
        assert beside.index("Giữ 100 %.") < beside.index("Thống nhất tại hội nghị.")

    async def test_the_host_says_what_was_taken_up_or_explains_and_the_next_version_tells_how_many_were(
        self, site: Site
    ) -> None:
        stream, an = await cluster(site)
        await present(site, stream, kind="plan")
        for unit, text in (("don-vi-1", "Bỏ chỉ tiêu 3."), ("don-vi-2", "Thêm kinh phí."), ("don-vi-2", "Rõ rồi.")):
            await submit(site.app, stream, unit, "comment", {"by": {"unit": unit}, "on": "plan", "text": text})
        await site.person("thu-ky", CITY, kind="secretariat")
        host, paper = await site.log_in("thu-ky"), f"/cum/{stream}/du-thao/plan"
        page = await host.get(paper)
        assert "3 ý kiến của các đơn vị: 0 đã trả lời (tiếp thu hoặc giải trình), 3 chưa trả lời" in page
        assert (page.count("Tiếp thu…"), page.count("Giải trình…")) == (3, 3)
        assert "Tiếp thu…" not in await an.get(paper), "a unit answers a comment, and takes nothing up"
        await host.get(f"{paper}?tra-loi=2&mo-dau=giai-trinh")
        assert "Giải trình: </textarea>" in host.page
        await send(host, "comment", text="Giải trình: kinh phí đã phân bổ.")
        assert (host.status, "3 ý kiến của các đơn vị: 1 đã trả lời" in await host.get(paper)) == (200, True)
        await host.get(f"{paper}?tra-loi=1&mo-dau=khac")
        assert "></textarea>" in host.page, "nothing else begins an answer"
        # A member's answer to another member is none of the host.
        answer = {"by": {"unit": "don-vi-1"}, "answers": 3, "text": "Đúng vậy."}
        await submit(site.app, stream, "don-vi-1", "comment", answer)
        way = f"/cum/{stream}/lam/present-draft"
        await host.get(way)
        await host.post(way, **{**host.hidden(), "kind": "plan", "document.title": "Kế hoạch, bản hai"}, _step="look")
        told = "3 ý kiến về văn bản này: 1 ý kiến đã được trả lời tiếp thu hoặc giải trình, 2 ý kiến chưa."
        assert told in host.page
        assert "Chưa trả lời ý kiến của: Đơn vị 1, Đơn vị 2." in host.page

    async def test_who_cannot_answer_is_offered_nothing_and_is_refused(self, site: Site) -> None:
        stream, _an = await cluster(site)
        await present(site, stream)
        await site.person("kiem-tra", "thanh-tra", "auditor")
        auditor = await site.log_in("kiem-tra")
        await auditor.get(urls.draft_url(stream, "covenant"))
        assert 'name="_step"' not in auditor.page
        sent = {"draft_version": "1", "text": "Tôi"}
        for step in ("agree", "comment", "sign"):
            await auditor.post(f"/cum/{stream}/du-thao/covenant", **sent, _step=step)
            assert auditor.status == 403
        names = {envelope.event.NAME for _row, envelope in await site.app.history(stream)}
        assert not names & {"CommentAdded", "StanceTaken", "CovenantSigned"}

    async def test_a_task_of_another_unit_leads_to_the_form_and_one_that_is_done_to_the_papers(
        self, site: Site
    ) -> None:
        stream, an = await cluster(site)
        await present(site, stream)
        await an.get(urls.task_url(stream, "signature", "don-vi-2").partition("#")[0])
        assert an.at.endswith("/lam/sign")
        await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
        await an.get(urls.task_url(stream, "stance", "don-vi-1").partition("#")[0])
        assert an.at == f"/cum/{stream}/du-thao"


class TestLongTexts:
    async def test_a_paper_and_a_comment_of_the_greatest_length_are_short_on_the_page_and_read_whole(
        self, site: Site
    ) -> None:
        stream, an = await cluster(site)
        first = "\n".join(f"Đoạn {number}: " + "ế" * 180 for number in range(1_000))[:199_000]
        await present(site, stream, first)
        await present(site, stream, first + "\nĐoạn cuối cùng.")
        long = {"by": {"unit": "don-vi-1"}, "text": "ự " * 99_000 + "HẾT", "on": "covenant"}
        await submit(site.app, stream, "don-vi-1", "comment", long)
        page = await an.get(urls.draft_url(stream, "covenant"))
        assert an.status == 200
        assert len(page.encode()) < MOST_BYTES
        assert "<ins>" in page, "what changed is shown though it is the end of a long text"
        assert "đoạn không đổi" in page
        assert "HẾT" not in page
        page = await an.get(urls.draft_text_url(stream, "covenant", 1))
        assert len(page.encode()) < MOST_BYTES
        assert f"Đoạn {0}:" in page
        last = max(int(one) for one in re.findall(r"trang=(\d+)", page))
        assert first[-100:] in await an.get(f"{urls.draft_text_url(stream, 'covenant', 1)}?trang={last}")
        page = await an.get(urls.comment_url(stream, 1))
        last = max(int(one) for one in re.findall(r"trang=(\d+)", page))
        assert "HẾT" in await an.get(f"{urls.comment_url(stream, 1)}?trang={last}")
        assert len(first) > SHOWN_CHARS

    async def test_texts_without_a_common_word_are_compared_when_it_is_asked_for(self, site: Site) -> None:
        stream, an = await cluster(site)
        await present(site, stream, "\n".join("cũ " * 40 for _ in range(60)))
        await present(site, stream, "\n".join("mới " * 41 for _ in range(60)))
        page = await an.get(urls.draft_url(stream, "covenant"))
        assert "<ins>" not in page
        page = await an.get(urls.draft_url(stream, "covenant", 2, old=1))
        assert "<ins>" in page
        assert "<del>" in page


class TestFiles:
    async def test_whoever_reads_the_paper_sees_its_files_and_nobody_else(self, site: Site) -> None:
        stream, an = await cluster(site)
        await site.person("thu-ky", CITY, "secretariat")
        await site.person("la", "don-vi-la")
        await site.person("kiem-tra", "thanh-tra", "auditor")
        file = await site.services.files.put("giao ước.pdf", pdf(12), unit=CITY, person="thu-ky")
        at = urls.preview_url(reference_of(file.digest, file.name))
        picture = urls.file_page_url(file.digest, file.name, 11)
        assert (await an.http.get(at)).status_code == 403, "the control: no paper names it yet"
        assert (await an.http.get(picture)).status_code == 403
        await present(site, stream, None, title=f"Giao ước {file.reference}")
        page = await an.get(urls.draft_url(stream, "covenant"))
        assert at in page

        async def shared() -> bool:
            return (await an.http.get(at)).status_code == 200

        await eventually(shared)
        page = (await an.http.get(at, headers={"hx-request": "true"})).text
        assert "<html" not in page
        assert page.count("<img") == 10, "the first ten pages"
        assert (await an.http.get(f"{at}?trang=2")).text.count("<img") == 2
        answer = await an.http.get(picture)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content.startswith(b"\xff\xd8\xff")
        stranger, auditor = await site.log_in("la"), await site.log_in("kiem-tra")
        for address in (at, picture):
            assert (await stranger.http.get(address)).status_code == 403
            assert (await auditor.http.get(address)).status_code == 200
        assert (await an.http.get(urls.file_page_url(file.digest, file.name, 13))).status_code == 404
        assert (await an.http.get(urls.file_page_url("0" * 64, file.name, 1))).status_code == 404
        rows = await site.services.read_log._pool.fetch("select path from accounts.read_log where person = 'kiem-tra'")
        assert {row["path"] for row in rows} >= {f"/tep/{file.digest}"}
        assert not any("giao" in row["path"] for row in rows), "no name of a file"

    @pytest.mark.parametrize(
        ("name", "body", "told"),
        [
            ("hỏng.pdf", b"%PDF-1.4 " + b"x" * 500, "Tệp bị hỏng"),
            ("hỏng.docx", docx_of(b"<a><b></a>"), "Tệp bị hỏng"),
            ("bom.png", picture_bomb(), "Tệp quá lớn"),
            ("bang.zip", b"PK\x05\x06" + b"\0" * 18, "mở bằng chương trình trên máy"),
            ("lời.docx", docx(["Điều 1 <b>"]), "Điều 1 &lt;b&gt;"),
            ("lời.odt", odt("<text:p>Điều 1 &lt;b></text:p>"), "Điều 1 &lt;b&gt;"),
        ],
    )
    async def test_a_file_that_cannot_be_shown_is_told_in_a_sentence_with_the_link(
        self, site: Site, name: str, body: bytes, told: str
    ) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("an")
        file = await site.services.files.put(name, body, unit="don-vi-1", person="an")
        page = await an.get(urls.preview_url(file.reference))
        assert an.status == 200
        assert told in page
        assert f'href="/{file.reference}"' in page

    async def test_several_files_are_handed_in_with_one_act_without_javascript(self, site: Site) -> None:
        stream, _an = await cluster(site)
        await site.person("thu-ky", CITY, "secretariat")
        secretary = await site.log_in("thu-ky")
        way = f"/cum/{stream}/lam/present-draft"
        await secretary.get(way)
        token = re.search(r'name="_form" value="(\w+)"', secretary.page)
        assert token is not None
        names = [f"{'văn bản dài tên ' * 8}{number}.pdf" for number in range(3)]
        files = [("_file.document.title", (name, pdf(text=name[:3]), "application/pdf")) for name in names]
        fields = {"_form": token[1], "_id": fields_of(secretary.page, "look")["_id"], "kind": "plan", "_step": "look"}
        answer = await secretary.http.post(way, data={**fields, "document.title": "Kế hoạch"}, files=files)
        assert answer.status_code == 200, answer.text
        secretary._keep(answer)
        await secretary.post(way, **secretary.hidden(), _step="send")
        (presented,) = await events(site, stream, "DraftPresented")
        assert presented.document.title.count("tep/") == 3
        page = await secretary.get(urls.draft_url(stream, "plan"))
        assert page.count("hx-get=") == 3
