"""The score grid: several people fill in the same sheets cell by cell, and what is ready is entered, all or nothing."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from engine_help import CITY, open_cycle, submit, unit_name, units
from speech import RULES
from web_help import Site, Visitor

from accounts.shared_drafts import remove_old
from application import visits
from application.application import Application
from domain.steps.lifecycle import CycleOpened
from errors import QuotaError
from web import quotas, urls
from web.grid_entering import SHOWN

FIRST, SECOND, THIRD = units(3)
CLAIMED = {"a1": "30", "a2": "15", "b": "35"}


def sheet(points: dict[str, str]) -> list[dict[str, str]]:
    return [{"criterion": name, "points": value} for name, value in points.items()]


@pytest.fixture
async def stream(site: Site) -> str:
    """A cycle of three units that have scored themselves; two appraisers, and an officer of each unit."""
    stream = await open_cycle(site.app, RULES, members=units(3))
    for unit in units(3):
        await submit(site.app, stream, unit, "score-self", {"unit": unit, "sheet": sheet(CLAIMED)})
        await site.person(f"cb-{unit}", unit)
    await site.person("lan", CITY, "secretariat")
    await site.person("minh", CITY, "secretariat")
    return stream


class Desk:
    """Somebody at a grid, with a script and without one."""

    def __init__(self, visitor: Visitor, path: str) -> None:
        self.visitor, self.path = visitor, path

    @classmethod
    async def of(cls, site: Site, person: str, path: str) -> Desk:
        desk = cls(await site.log_in(person), path)
        await desk.visitor.get(path)
        return desk

    async def types(self, **sent: Any) -> dict[str, Any]:
        """What the script sends, with the revision that the page has read."""
        cells = {name.replace("__", "."): value for name, value in sent.items()}
        hidden = self.visitor.hidden_in(self.path)
        body = {"_form": hidden["_form"], "_revision": hidden["_revision"], "_step": "save", **cells}
        answer = await self.visitor.http.post(self.path, data=body, headers={"HX-Request": "true"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def presses(self, step: str = "enter", **cells: str) -> str:
        """The one button of a browser without a script: the whole form goes."""
        hidden = self.visitor.hidden_in(self.path)
        await self.visitor.post(self.path, **{**hidden, **cells, "_step": step})
        return self.visitor.page


def cell(unit: str, criterion: str) -> str:
    return f"{unit}.{criterion}.points"


def whole(unit: str, points: dict[str, str] = CLAIMED) -> dict[str, str]:
    return {cell(unit, name): value for name, value in points.items()}


async def rounds(site: Site, stream: str) -> set[tuple[str, str]]:
    state, _rules = await site.app.state(stream)
    return set(state.scores)


# Shared drafts ------------------------------------------------------------------------------------------------


async def test_a_shared_draft_keeps_each_value_that_nobody_has_read(site: Site) -> None:
    shared = site.services.shared
    assert await shared.save("d", {"x": "1", "y": "2"}, read=0, person="an") == ()
    read = max(one.revision for one in await shared.cells("d"))
    (conflict,) = await shared.save("d", {"x": "3", "z": "4"}, read=0, person="binh")
    assert (conflict.path, conflict.value, conflict.person) == ("x", "1", "an")
    assert [one.path for one in await shared.cells("d")] == ["x", "y"], "none of them is saved"
    assert await shared.save("d", {"x": "3"}, read=read, person="binh") == ()
    assert [one.value for one in await shared.cells("d") if one.revision > read] == ["3"]
    assert await shared.save("d", {"x": "3"}, read=0, person="an") == (), "the same value is no conflict"
    assert await shared.save("d", {"y": "5"}, read=0, person="an") == (), "nor is one's own"
    (own,) = await shared.save("d", {"y": "6", "z": "1"}, read=0, person="an", own_tabs=True, apart=True)
    assert (own.path, own.value) == ("y", "5"), "but for a whole page of another window"
    assert {one.path: one.value for one in await shared.cells("d")} == {"x": "3", "y": "5", "z": "1"}
    # What was sent is no draft any more, what came since stays, and an older page is told of both.
    await shared.save("e", {"x": "1", "y": "2"}, read=0, person="an")
    seen = max(one.revision for one in await shared.cells("e"))
    await shared.save("e", {"y": "3"}, read=seen, person="an")
    await shared.mark_sent("e", ["x", "y"], until=seen)
    sent, left = await shared.cells("e")
    assert [(one.path, one.value, one.sent) for one in (sent, left)] == [("x", "1", True), ("y", "3", False)]
    await shared.mark_sent("e", ["y"], until=left.revision)
    (told,) = await shared.save("e", {"y": "9"}, read=seen, person="binh")
    assert (told.value, told.sent) == ("3", True)
    await shared.save("e", {"x": "7"}, read=left.revision, person="an")
    assert [(one.value, one.sent) for one in await shared.cells("e") if one.revision > left.revision] == [("7", False)]
    # It is bounded, and what is too much changes nothing.
    shared._characters = 10
    await shared.save("f", {"x": "12345678"}, read=0, person="an")
    for draft, cells in (("f", {"y": "123"}), ("g", {"x": "1" * 20_001})):
        with pytest.raises(QuotaError, match="not_kept"):
            await shared.save(draft, cells, read=0, person="an")
    assert [one.path for one in await shared.cells("f")] == ["x"]


async def test_a_draft_that_was_left_for_half_a_year_is_removed_with_what_was_seen_of_it(site: Site) -> None:
    shared, pool = site.services.shared, site.services.shared._pool
    for draft in ("left", "lately"):
        await shared.save(draft, {"x": "1", "y": "2"}, read=0, person="an")
        await shared.look(draft, "binh", revision=1, version=1)
    await pool.execute("update accounts.shared_look set at = now() - interval '181 days'")
    await pool.execute("update accounts.shared_draft set at = now() - interval '181 days' where draft = 'left'")
    await pool.execute("update accounts.shared_draft set at = now() - interval '181 days' where path = 'x'")
    assert await remove_old(site.app.ledger.pool) == 2, "with what the worker may do"
    assert await remove_old(site.app.ledger.pool) == 0
    assert await shared.cells("left") == ()
    assert [one.path for one in await shared.cells("lately")] == ["x", "y"], "a cell of a draft that is used stays"
    assert [row["draft"] for row in await pool.fetch("select draft from accounts.shared_look")] == ["lately"]


# Filling in ---------------------------------------------------------------------------------------------------


async def test_cells_are_saved_as_one_types_and_totals_follow(site: Site, stream: str) -> None:
    desk = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    assert "30" in desk.visitor.page, "the earlier round stands below"
    found = await desk.types(**{cell(FIRST, "a1"): "30"})
    assert found["units"][FIRST]["count"] == "1/3 tiêu chí"
    found = await desk.types(**whole(FIRST))
    first = found["units"][FIRST]
    assert (first["total"], first["rank"], first["count"], first["spread"]) == ("80", "1", "", "0")
    assert found["mark"]
    assert "1 đơn vị đã điền đủ" in found["bar"]
    found = await desk.types(**{cell(FIRST, "a1"): "41", cell(SECOND, "b"): "mười"})
    assert "41 điểm, nhưng chỉ được từ 0 đến 40" in found["units"][FIRST]["problems"][cell(FIRST, "a1")]
    assert found["units"][SECOND]["problems"][cell(SECOND, "b")] == "hãy gõ số, ví dụ 9,5"
    assert found["units"][FIRST]["total"] == "50", "one wrong number takes no total away"
    assert found["mark"] == ""
    found = await desk.types(**{cell(FIRST, "a1"): "29"})
    assert (found["units"][FIRST]["differing"], found["units"][FIRST]["unexplained"]) == (["a1"], ["a1"])
    found = await desk.types(**{f"{FIRST}.a1.reason": "Thiếu báo cáo"})
    assert (found["units"][FIRST]["unexplained"], found["units"][FIRST]["spread"]) == ([], "1")


async def test_a_colleague_sees_what_is_typed_and_a_conflict_shows_both_values(site: Site, stream: str) -> None:
    path = urls.grid_url(stream, "appraised")
    lan, minh = await Desk.of(site, "lan", path), await Desk.of(site, "minh", path)
    await lan.types(**{cell(FIRST, "a1"): "29"})
    found = await minh.types(**{cell(FIRST, "a1"): "28"})
    (conflict,) = found["conflicts"]
    assert (conflict["value"], conflict["mine"]) == ("29", "28")
    assert "Nguyễn Lan đã ghi “29” lúc" in conflict["text"]
    assert "bạn ghi “28”, chưa được lưu" in conflict["text"]
    changes = await minh.visitor.http.get(f"{urls.grid_changes_url(stream, 'appraised')}?tu=0")
    assert [(one["path"], one["value"], one["mine"]) for one in changes.json()["cells"]] == [
        (cell(FIRST, "a1"), "29", False)
    ]
    page = await minh.presses("save", **{cell(FIRST, "a1"): "28", cell(FIRST, "a2"): "15"})
    assert "bạn ghi “28”, chưa được lưu" in page, "without a script, too"
    assert f'name="{cell(FIRST, "a2")}"' in page
    await minh.visitor.post(path, **{**minh.visitor.hidden_in(path), "_mine": f"{cell(FIRST, 'a1')} 28"})
    cells = await lan.visitor.http.get(f"{urls.grid_changes_url(stream, 'appraised')}?tu=0")
    assert {one["path"]: one["value"] for one in cells.json()["cells"]} == {
        cell(FIRST, "a1"): "28",
        cell(FIRST, "a2"): "15",
    }
    await lan.visitor.get(path)
    assert "Thay đổi từ lần bạn xem trước" in lan.visitor.page
    await lan.visitor.get(path)
    assert "Thay đổi từ lần bạn xem trước" not in lan.visitor.page


async def test_as_proposed_for_a_cell_a_row_and_all(site: Site, stream: str) -> None:
    desk = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    found = await desk.types(_take=f"{FIRST}.a1")
    assert [(one["path"], one["value"]) for one in found["cells"]] == [(cell(FIRST, "a1"), "30")]
    await desk.types(**{cell(SECOND, "b"): "34"})
    found = await desk.types(_take=SECOND)
    assert {one["path"] for one in found["cells"] if one["path"].startswith(SECOND)} == set(whole(SECOND))
    assert next(one["value"] for one in found["cells"] if one["path"] == cell(SECOND, "b")) == "34", "typed ones stay"
    page = await desk.presses("save", _take="all")
    assert page.count('value="35"') == 2


async def test_a_text_that_cannot_be_kept_is_told_at_its_cell_and_holds_up_no_other(site: Site, stream: str) -> None:
    path = urls.grid_url(stream, "appraised")
    desk = await Desk.of(site, "lan", path)
    lost, long, raw = f"{FIRST}.a1.reason", f"{FIRST}.a2.evidence", cell(FIRST, "a2")
    wrong = {lost: "Thi\ufffdu b\ue123o", long: "x" * 20_001, raw: "1\0"}
    found = await desk.types(**{cell(FIRST, "a1"): "29", **wrong, cell(FIRST, "b"): "35"})
    assert set(found["unkept"]) == {lost, long, raw}
    assert "không dùng được" in found["unkept"][lost]
    assert "20001" in found["unkept"][long]
    kept = {cell(FIRST, "a1"): "29", cell(FIRST, "b"): "35"}
    assert {one["path"]: one["value"] for one in found["cells"]} == kept
    found = await desk.types(**{lost: "Thiếu báo cáo"})
    assert found["unkept"] == {}
    # Without a script the page shows the text again, says at its cell why, and sends nothing.
    await desk.visitor.get(path)
    page = await desk.presses(**whole(FIRST, {**CLAIMED, "a1": "28"}), **{f"{FIRST}.a1.reason": "Sai\ue123"})
    assert desk.visitor.status == 422
    assert 'aria-describedby="l-0-0-why">Sai\ue123</textarea>' in page
    assert re.search(r'id="l-0-0-why">[^<]*không dùng được', page)
    saved = {one.path: one.value for one in await site.services.shared.cells(f"{path} {CITY}")}
    assert (saved[cell(FIRST, "a1")], saved[lost]) == ("28", "Thiếu báo cáo")
    assert (FIRST, "appraised") not in await rounds(site, stream)


async def test_each_unit_of_a_grid_has_as_many_files_as_an_act(
    site: Site, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "FILES_PER_ACT", 1)
    desk = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    pdf = ("a.pdf", b"%PDF-1.7 a")

    async def sends(*cells: str) -> httpx.Response:
        files = [(f"_file.{one}.evidence", pdf) for one in cells]
        hidden = desk.visitor.hidden_in(desk.path)
        return await desk.visitor.http.post(desk.path, data={**hidden, "_step": "save"}, files=files)

    assert (await sends(f"{FIRST}.a1", f"{SECOND}.a1")).status_code == 200, "one for each"
    answer = await sends(f"{FIRST}.a1", f"{SECOND}.a1", f"{SECOND}.b")
    assert answer.status_code == 413
    assert f"{unit_name(SECOND)}: 2 tệp, phiếu điểm chỉ nhận nhiều nhất 1 tệp" in html.unescape(answer.text)


async def test_what_an_open_page_asks_by_itself_keeps_no_login_alive(site: Site, stream: str) -> None:
    desk = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    pool = site.services.shared._pool

    async def quiet() -> bool:
        return bool(await pool.fetchval("select seen_at < now() - interval '2 hours' from accounts.login"))

    await pool.execute("update accounts.login set seen_at = now() - interval '3 hours'")
    polled = await desk.visitor.http.get(urls.grid_changes_url(stream, "appraised"), headers={"HX-Request": "true"})
    assert (polled.status_code, await quiet()) == (200, True)
    await desk.types(**{cell(FIRST, "a1"): "30"})
    assert not await quiet(), "somebody types"
    await pool.execute("update accounts.login set seen_at = now() - interval '9 hours'")
    polled = await desk.visitor.http.get(urls.grid_changes_url(stream, "appraised"), headers={"HX-Request": "true"})
    assert polled.url.path == urls.LOGIN, "it has run out"


async def test_a_grid_reads_its_cycle_anew_only_when_something_was_recorded(
    site: Site, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, times = visits._read, list[str]()

    async def counted(application: Application, name: str) -> visits._Read:
        times.append(name)
        return await read(application, name)

    monkeypatch.setattr(visits, "_read", counted)
    desk = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    await desk.types(**{cell(FIRST, "a1"): "30"})
    before = times.count(stream)
    for points in ("29", "28"):
        await desk.types(**{cell(FIRST, "a1"): points})
    assert times.count(stream) == before
    await submit(site.app, stream, FIRST, "score-self", {"unit": FIRST, "sheet": sheet({**CLAIMED, "a1": "28"})})
    found = await desk.types(**{cell(SECOND, "a1"): "30"})
    assert (times.count(stream), found["units"][FIRST]["differing"]) == (before + 1, [])
    first = await site.log_in(f"cb-{FIRST}")
    await first.get(urls.grid_url(stream, "appraised"))
    assert first.status == 403, "who may read it is asked each time"


# Entering -----------------------------------------------------------------------------------------------------


async def test_without_a_script_one_button_says_what_would_be_entered_and_then_enters_it(
    site: Site, stream: str
) -> None:
    desk = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    page = await desk.presses()
    assert (desk.visitor.status, "Chưa gõ điểm nào" in page) == (422, True)
    page = await desk.presses(**{**whole(FIRST), cell(SECOND, "a1"): "30"})
    assert (desk.visitor.status, "1 đơn vị đã điền đủ · 1 đơn vị đang điền dở" in page) == (200, True)
    assert ("appraised" in {name for _unit, name in await rounds(site, stream)}) is False
    await desk.presses(**{**whole(FIRST), cell(SECOND, "a1"): "30"})
    assert "/bien-nhan/" in desk.visitor.at
    assert (FIRST, "appraised") in await rounds(site, stream)
    await desk.visitor.get(desk.path)
    page = await desk.presses(**{cell(SECOND, "a1"): "41"})
    assert (desk.visitor.status, 'href="#o-1-0"' in page) == (422, True), "wrong numbers are named by cell"
    assert f"{unit_name(SECOND)}, A1: " in page
    assert f"{unit_name(SECOND)}, B: chưa có điểm" in page


async def test_all_sheets_are_entered_or_none(site: Site, stream: str) -> None:
    path = urls.grid_url(stream, "appraised")
    desk = await Desk.of(site, "lan", path)
    await desk.types(**whole(FIRST), **whole(SECOND))
    await desk.visitor.get(path)
    # The second unit has changed its claim meanwhile: the page does not show it.
    await submit(site.app, stream, SECOND, "score-self", {"unit": SECOND, "sheet": sheet({**CLAIMED, "b": "36"})})
    page = await desk.presses(**whole(FIRST), **whole(SECOND))
    assert not any(name == "appraised" for _unit, name in await rounds(site, stream)), "none of them"
    assert desk.visitor.status in {409, 422}, page
    await desk.visitor.get(path)
    assert f'name="{cell(SECOND, "b")}"' in desk.visitor.page
    kept = re.search(rf'name="{re.escape(cell(SECOND, "b"))}"[^>]* value="35"', desk.visitor.page)
    assert kept, "and nothing that was typed is lost"
    await desk.types(**{f"{SECOND}.b.reason": "Theo hồ sơ"})
    await desk.visitor.get(path)
    page = await desk.presses(**whole(FIRST), **whole(SECOND), **{f"{SECOND}.b.reason": "Theo hồ sơ"})
    assert "Đã ghi vào sổ: 2 đơn vị" in page, page
    assert {(FIRST, "appraised"), (SECOND, "appraised")} <= await rounds(site, stream)
    assert {one.sent for one in await site.services.shared.cells(f"{path} {CITY}")} == {True}


async def test_what_a_colleague_has_changed_since_is_not_entered_unseen(site: Site, stream: str) -> None:
    path = urls.grid_url(stream, "appraised")
    lan, minh = await Desk.of(site, "lan", path), await Desk.of(site, "minh", path)
    await lan.types(**whole(FIRST))
    await lan.visitor.get(path)
    await minh.visitor.get(path)
    await minh.types(**{cell(FIRST, "a1"): "20", f"{FIRST}.a1.reason": "Sai"})
    hidden = lan.visitor.hidden_in(path)
    await lan.visitor.post(path, **{"_step": "enter", **hidden})  # as a page whose script has not heard of it
    assert (lan.visitor.status, "khác với phần tóm tắt" in lan.visitor.page) == (409, True)
    assert (FIRST, "appraised") not in await rounds(site, stream)
    assert hidden[SHOWN] not in {"", lan.visitor.hidden_in(path)[SHOWN]}


async def test_a_page_from_before_a_colleague_entered_undoes_nothing(site: Site, stream: str) -> None:
    path = urls.grid_url(stream, "appraised")
    lan, minh = await Desk.of(site, "lan", path), await Desk.of(site, "minh", path)
    changed = {cell(FIRST, "a1"): "29", f"{FIRST}.a1.reason": "Thiếu báo cáo"}
    await minh.types(**{**whole(FIRST), **changed})
    await minh.visitor.get(path)
    assert "Đã ghi vào sổ" in await minh.presses(**{**whole(FIRST), **changed})
    page = await lan.presses(**whole(FIRST))
    assert lan.visitor.status == 409
    assert "“29”" in page, "both values are told"
    assert "“30”" in page
    assert re.search(r'role="alert"[^>]*>[\d ]+ô đã có giá trị khác', page), "and a sentence above the page says so"
    state, _rules = await site.app.state(stream)
    assert [str(one.points) for one in state.scores[FIRST, "appraised"].sheet if one.criterion == "a1"] == ["29"]


async def test_a_unit_scores_itself_in_a_list_with_evidence(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", FIRST)
    path = urls.grid_url(stream, "self")
    desk = await Desk.of(site, "an", path)
    assert 'class="sheet"' in desk.visitor.page
    assert f'href="{path}"' in await desk.visitor.get(f"/cum/{stream}"), "from the cluster's tasks"
    await desk.visitor.get(path)
    page = await desk.presses(**whole(FIRST), **{f"{FIRST}.a1.evidence": "12/BC-MTTQ\nhttps://example.vn/anh"})
    assert "Chưa có minh chứng" in page
    await desk.presses(**whole(FIRST), **{f"{FIRST}.a1.evidence": "12/BC-MTTQ\nhttps://example.vn/anh"})
    assert "/bien-nhan/" in desk.visitor.at, desk.visitor.page
    state, _rules = await site.app.state(stream)
    assert state.scores[FIRST, "self"].sheet[0].evidence == ("12/BC-MTTQ", "https://example.vn/anh")


async def test_what_is_closed_or_filed_is_read_and_not_filled_in(site: Site, stream: str) -> None:
    path, asked = urls.grid_url(stream, "self"), f'name="{cell(FIRST, "a1")}"'
    first = await Desk.of(site, f"cb-{FIRST}", path)
    assert asked in first.visitor.page
    await first.types(**{cell(FIRST, "a1"): "12,5"})
    await submit(site.app, stream, CITY, "appraise", {"unit": FIRST, "sheet": sheet(CLAIMED)})
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
    await submit(site.app, stream, CITY, "publish", {})
    await submit(site.app, stream, CITY, "close-duty", {"duty": "self-score"})
    page = await first.visitor.get(path)
    assert asked not in page
    assert "Đề nghị thư ký" in page
    assert "<b>30</b>" in page
    assert "đã gõ, chưa ghi vào sổ: 12,5" in page, "what was typed is not lost from sight"
    assert "các vòng trước" not in page, "the appraisal came later"
    lan = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    assert asked in lan.visitor.page, "the organiser can enter what is closed to units"
    assert 'value="agree"' in await first.visitor.get(urls.draft_url(stream, "plan"))
    await submit(site.app, stream, CITY, "file-cycle", {})
    page = await lan.visitor.get(lan.path)
    assert "đã được lưu" in page
    assert asked not in page
    page = await first.visitor.get(path)
    assert "Đề nghị thư ký" not in page, "a filed year takes no request for time"
    assert 'value="agree"' not in await first.visitor.get(urls.draft_url(stream, "plan"))
    secretary = lan.visitor
    for act, is_open in (("register-targets", False), ("file-complaint", True), ("reopen-cycle", True)):
        page = await secretary.get(urls.act_url(stream, act))
        assert ('name="_step" value="look"' in page) is is_open, act
        assert ("đã được lưu" in page) is not is_open, act
    page = await secretary.get(urls.acts_url(stream))
    assert (urls.act_url(stream, "register-targets") in page, urls.act_url(stream, "file-complaint") in page) == (
        False,
        True,
    )
    page = await secretary.get(urls.meetings_url(stream))
    assert ("đã được lưu" in page, 'name="kind"' in page) == (True, False), "no minutes are begun"
    assert "đã được lưu" in await secretary.get(urls.cycle_url(stream))


# Who sees what ------------------------------------------------------------------------------------------------


async def test_nobody_fills_in_or_reads_the_sheets_of_others(site: Site, stream: str) -> None:
    lan = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    await lan.types(**{cell(FIRST, "a1"): "11,5"})
    first = await site.log_in(f"cb-{FIRST}")
    for path in (
        urls.grid_url(stream, "appraised"),
        urls.grid_changes_url(stream, "appraised"),
        urls.grid_reasons_url(stream, "appraised"),
        urls.grid_cell_url(stream, "appraised", FIRST, "a1"),
    ):
        await first.get(path)
        assert (first.status, "11,5" in first.page) == (403, False), path
    # The first unit checks the second one, and nobody else; its own checker's cells are closed to it.
    await first.get(urls.grid_url(stream, "cross-checked"))
    assert unit_name(SECOND) in first.page
    assert unit_name(THIRD) not in first.page
    await first.get(urls.grid_cell_url(stream, "cross-checked", THIRD, "a1"))
    assert first.status == 404
    third = await Desk.of(site, f"cb-{THIRD}", urls.grid_url(stream, "cross-checked"))
    await third.types(**{cell(FIRST, "a1"): "22,5"})
    for round_ in ("self", "cross-checked"):
        await first.get(urls.grid_url(stream, round_))
        assert "22,5" not in first.page
    await first.get(urls.grid_url(stream, "khong-co"))
    assert first.status == 404
    assert CycleOpened.NAME not in first.page


async def test_a_checker_enters_its_sheet_and_reads_no_other_round(site: Site, stream: str) -> None:
    await submit(site.app, stream, CITY, "appraise", {"unit": SECOND, "sheet": sheet(CLAIMED | {"b": "35"})})
    path = urls.grid_url(stream, "cross-checked")
    desk = await Desk.of(site, f"cb-{FIRST}", path)
    assert "thẩm định" not in desk.visitor.page, "the appraisal is closed"
    page = await desk.presses("save", _take="all")
    assert "1 đơn vị đã điền đủ" in page
    await desk.presses(**whole(SECOND))
    assert "/bien-nhan/" in desk.visitor.at, desk.visitor.page
    assert (SECOND, "cross-checked") in await rounds(site, stream)


async def test_a_total_is_told_with_the_most_that_there_is_in_words(site: Site, stream: str) -> None:
    """A stroke between both was read as a fraction."""
    most = f"{sum(one.max or 0 for one in RULES.criteria)} điểm"
    lan = await Desk.of(site, "lan", urls.grid_url(stream, "appraised"))
    page = html.unescape(await lan.presses("look", **whole(FIRST)))
    assert f"{unit_name(FIRST)}: 80 trên {most}" in page
    officer = await site.log_in(f"cb-{FIRST}")
    total = (await officer.get(f"/cum/{stream}/bang-diem/{FIRST}")).partition(">Tổng<")[2].partition("</tr>")[0]
    assert ("80" in total, most.removesuffix(" điểm") in total) == (True, True)
