"""Minutes that several people write at once: cell by cell, nothing lost, and entered once, all of it or nothing."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from engine_help import CITY, YEAR, event_names, open_cycle, submit, unit_name, units
from minutes_help import Keeper
from speech import RULES
from web_help import Site

from application.form_values import flattened
from application.merged_cells import merged
from application.minutes_cells import group_text
from domain.times import ICT
from web import posted_minutes, quotas, urls

FIRST, SECOND, THIRD = units(3)


@pytest.fixture
async def stream(site: Site) -> str:
    """A cycle of three units; two secretaries, and an officer of its head."""
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "assign-role", {"role": "head", "holder": FIRST, "manner": "elected"})
    await submit(site.app, stream, CITY, "step-to", {"now": datetime(YEAR, 2, 1, 9, tzinfo=ICT).isoformat()})
    await site.person("lan", CITY, "secretariat")
    await site.person("minh", CITY, "secretariat")
    await site.person("truong", FIRST)
    await site.person("hai", SECOND)
    return stream


# Writing together -------------------------------------------------------------------------------------------------


async def test_everybody_who_keeps_the_minutes_sees_the_same_page_and_who_writes(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream, name="Hội nghị giao ban")
    assert lan.visitor.at == urls.minutes_url(stream, "hn-1")
    head = await Keeper.opens(site, "truong", stream, "people")
    assert "Nguyễn Lan đang ở phần: Hội nghị" in head.page
    read = dict(lan.fields())["_revision"]
    told = await head.types(f"present.{SECOND}", **{f"present.{SECOND}": "yes"})
    assert ("Tự động lưu" in told["saved"], told["attending"]) == (True, "1/3 đơn vị")
    look = f"{urls.minutes_changes_url(stream, 'hn-1')}?phan=thanh-phan&tu="
    changes = await lan.visitor.http.get(f"{look}{read}")
    assert changes.json()["changed"] == [f"present.{SECOND}"]
    assert "Nguyễn Truong đã ghi “dự họp”" in changes.json()["announce"]
    assert "Nguyễn Truong đang ở phần: Thành phần" in changes.json()["present"]
    await head.types("head.attendance", **{"head.attendance": "41"})
    own = (await head.visitor.http.get(f"{look}{told['revision']}")).json()
    assert (own["changed"], own["announce"]) == (["head.attendance"], ""), "of the same person, elsewhere"
    page = await lan.sees("people")
    assert re.search(rf'name="present\.{SECOND}" value="yes" checked', page)
    hai = await site.log_in("hai")
    for path in (urls.meetings_url(stream), lan.url, urls.minutes_changes_url(stream, "hn-1")):
        await hai.get(path)
        assert (hai.status, "giao ban" in hai.page) == (403, False), path


async def test_a_conflict_shows_both_values_and_nothing_is_overwritten(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    minh = await Keeper.opens(site, "minh", stream)
    await lan.types("head.place", **{"head.place": "Hội trường A"})
    (conflict,) = (await minh.types("head.place", **{"head.place": "Hội trường B"}))["conflicts"]
    for text in ("Nguyễn Lan đã ghi “Hội trường A”", "bạn ghi “Hội trường B”, chưa được lưu"):
        assert text in conflict["text"]
    page = await minh.presses(head__place="Hội trường B", head__name="Họp tháng Một")
    assert minh.visitor.status == 409
    assert "bạn ghi “Hội trường B”, chưa được lưu" in page, "without a script, too"
    assert 'value="Hội trường A"' in page
    assert 'value="Họp tháng Một"' in page, "what is in no conflict is saved"
    await minh.presses("_mine", "head.place Hội trường B")
    assert 'value="Hội trường B"' in await lan.sees("meeting")
    # A page that shows what a colleague has changed since, and changes something else, takes nothing back.
    await minh.types("head.place", **{"head.place": "Hội trường C"})
    page = await lan.presses(head__name="Họp đầu năm")
    assert (lan.visitor.status, 'value="Hội trường C"' in page, 'value="Họp đầu năm"' in page) == (200, True, True)


async def test_rows_and_acts_are_taken_out_and_put_back(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("people")
    row = await lan.adds("head.guests")
    await lan.presses(**{f"{row}.group": "Ban Dân vận"})
    assert 'value="Ban Dân vận"' in lan.page
    assert "Có thể khôi phục" in lan.page, "it asks before"
    page = await lan.presses("_out", row)
    assert 'value="Ban Dân vận"' not in page
    assert "Ban Dân vận" in page, "what was taken out is told"
    assert 'value="Ban Dân vận"' in await lan.presses("_back", row)
    await lan.sees("awards")
    act = await lan.adds("acts.nominate")
    await lan.presses(**{f"{act}.unit": SECOND, f"{act}.award": RULES.awards[0].id})
    await lan.presses("_out", act)
    assert unit_name(SECOND) in lan.page
    await lan.presses("_back", act)
    await lan.sees("votes")
    vote = await lan.adds("acts.record-ballot")
    await lan.presses(**{f"{vote}.choices.0.words": "Cả hai", f"{vote}.choices.1.words": "Không ai"})
    await lan.presses("_less", f"{vote}.choices.0")
    assert 'value="Cả hai"' not in lan.page
    assert 'value="Không ai"' in lan.page
    await lan.presses("_back", vote)
    assert 'value="Cả hai"' in lan.page


async def test_minutes_are_thrown_away_for_all_and_put_back(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream, name="Hội nghị chuyên đề")
    minh = await Keeper.opens(site, "minh", stream)
    await lan.sees("check")
    await lan.presses("_step", "drop")
    assert lan.visitor.at == urls.meetings_url(stream)
    answer = await minh.visitor.http.post(minh.url, data=dict(minh.fields()), headers={"HX-Request": "true"})
    assert (answer.status_code, "Có người đã xóa" in answer.text) == (409, True)
    await lan.visitor.post(urls.minutes_url(stream, "hn-1"), _step="undrop")
    assert 'value="Hội nghị chuyên đề"' in lan.page


async def test_a_cell_that_is_named_a_thousand_times_is_read_once(
    site: Site, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    read: list[Mapping[str, str]] = []

    def note(_path: str, body: Mapping[str, str]) -> str:
        read.append(body)
        return "{}"

    monkeypatch.setattr(posted_minutes, "cell_text", note)
    values = {f"sheet.f{n}": "x" for n in range(500)}
    await lan.types(*["sheet"] * 1_000, "nowhere", **values, **{f"nowhere.{'a.' * 40}": "x"})
    assert [len(one) for one in read] == [500]


async def test_ones_own_value_is_kept_as_if_it_was_typed(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    deep, stored = "[" * 20_000, {"a": {"b": 1}, "title": "Bản ký"}
    for own in (f"sheet {deep}", f"sheet {json.dumps(stored)}", f"stance.{SECOND} maybe", f"present.{SECOND} perhaps"):
        await lan.types(_mine=own)
    for part in ("signing", "comments", "people"):
        await lan.sees(part)
        assert lan.visitor.status == 200, part
    cells = {one.path: one.value for one in await site.services.shared.cells(urls.minutes_url(stream, "hn-1"))}
    assert (cells["sheet"], cells[f"stance.{SECOND}"], cells[f"present.{SECOND}"]) == ('{"title":"Bản ký"}', "", "")
    # A third value that came meanwhile is not written over, either.
    minh = await Keeper.opens(site, "minh", stream)
    await lan.sees("meeting")
    await lan.types("head.place", **{"head.place": "Hội trường C"})
    (conflict,) = (await minh.types(_mine="head.place Hội trường B"))["conflicts"]
    assert "Nguyễn Lan đã ghi “Hội trường C”" in conflict["text"]


# Beginning --------------------------------------------------------------------------------------------------------


async def test_a_second_minutes_of_the_same_meeting_is_warned_of(site: Site, stream: str) -> None:
    await Keeper.begins(site, "lan", stream)
    minh = await Keeper.begins(site, "minh", stream, "hn-2", _on=f"06/01/{YEAR}")
    assert (minh.visitor.status, "Có thể hội nghị này đã có biên bản" in minh.page) == (409, True)
    assert f'href="{urls.minutes_url(stream, "hn-1")}"' in minh.page
    minh = await Keeper.begins(site, "minh", stream, "hn-2", _on=f"06/01/{YEAR}", kind="thematic")
    assert minh.visitor.at == urls.minutes_url(stream, "hn-2"), "another kind is another meeting"
    minh = await Keeper.begins(site, "minh", stream, "hn-3", _on=f"06/01/{YEAR}", _sure="yes")
    assert minh.visitor.at == urls.minutes_url(stream, "hn-3")
    await minh.enters()
    lan = await Keeper.begins(site, "lan", stream, "hn-4")
    assert f'href="{urls.recorded_minutes_url(stream, "hn-3")}"' in lan.page, "of a recorded one, too"


async def test_a_day_to_come_is_refused_where_it_is_typed(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream, _on=f"05/06/{YEAR}", name="Tổng kết")
    assert (lan.visitor.status, 'aria-describedby="when-on-why"' in lan.page) == (422, True)
    assert 'value="Tổng kết"' in lan.page
    lan = await Keeper.begins(site, "lan", stream)
    told = await lan.types("on", on=f"05/06/{YEAR}")
    assert [(anchor, "chưa đến" in text) for anchor, text in told["faults"]] == [("f-on", True)]
    page = await lan.sees("check")
    assert f'{urls.minutes_url(stream, "hn-1", part="meeting", whole=True).replace("&", "&amp;")}#f-on"' in page


async def test_two_where_one_is_expected_are_told_at_the_line(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("people")
    row = await lan.adds("head.guests")
    told = await lan.types(row, **{f"{row}.unit": FIRST})
    assert told["faults"] == []
    told = await lan.types(row, **{f"{row}.person.id": "lan", f"{row}.group": "Ban Dân vận"})
    assert [anchor for anchor, _text in told["faults"]] == [f"f-{row.replace('.', '-')}"]


async def test_unit_name_and_office_are_one_person_and_what_is_recorded_is_told_before(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("people")
    chair, guest = await lan.adds("head.chairs"), await lan.adds("head.guests")
    told = await lan.types(chair, guest, **{f"{chair}.unit": FIRST, f"{guest}.group": "Bà Trần Thị Năm"})
    assert {text for _id, text, _kind in told["votes"]} == {""}
    person = {f"{chair}.unit": FIRST, f"{chair}.person.id": "truong", f"{chair}.person.office": "Chủ tịch"}
    words = {f"{guest}.unit": SECOND, f"{guest}.group": "Bà Trần Thị Năm", f"{guest}.person.office": "Phó Chủ tịch"}
    told = await lan.types(chair, guest, **person, **words)
    first, second = (
        f"Nguyễn Truong (Chủ tịch, {unit_name(FIRST)})",
        f"Bà Trần Thị Năm, Phó Chủ tịch, {unit_name(SECOND)}",
    )
    expected = [f"Sẽ ghi là: {first}", f"Sẽ ghi là: {second}"]
    assert (told["faults"], [text for _id, text, _kind in told["votes"] if text]) == ([], expected)
    page = html.unescape(await lan.sees("people"))
    assert all(one in page for one in expected)
    await lan.sees("comments")
    comment = await lan.adds("acts.comment")
    await lan.types(
        comment, **{f"{comment}.by.unit": SECOND, f"{comment}.by.group": "Ông Ba", f"{comment}.text": "Nhất trí"}
    )
    page = html.unescape(await lan.sees("check"))
    for text in (first, second, f"Ông Ba, {unit_name(SECOND)}"):
        assert text in page, text
    await lan.enters()
    state, _rules = await site.app.state(stream)
    held = state.meetings["hn-1"].event
    assert [one.person.office for one in held.chairs if one.person] == [f"Chủ tịch, {unit_name(FIRST)}"]
    assert [one.group for one in held.guests] == [second]


async def test_what_is_not_kept_is_told(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    told = await lan.types("head.place", "head.guests.0009-abcdef", **{"head.place": "Hà Nội"})
    assert ("chưa được lưu" in told["unkept"], [one["path"] for one in told["written"]]) == (True, ["head.place"])
    minh = await Keeper.opens(site, "minh", stream)
    await minh.types("head.place", **{"head.place": "Huế"})
    changes = await lan.visitor.http.get(f"{urls.minutes_changes_url(stream, 'hn-1')}?tu={told['revision']}")
    assert [(one["path"], one["value"]) for one in changes.json()["told"]] == [("head.place", "Huế")]


async def test_a_text_that_cannot_be_kept_is_told_at_its_field_and_holds_up_no_other(
    site: Site, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "MINUTES_CELL_CHARACTERS", 50)
    lan = await Keeper.begins(site, "lan", stream)
    wrong = {"head.place": "Hội\0trường"}
    told = await lan.types("head.place", "head.name", **wrong, **{"head.name": "Họp"})
    assert (list(told["refused"]), [one["path"] for one in told["written"]]) == (["f-head-place"], ["head.name"])
    assert "không lưu được" in told["refused"]["f-head-place"]
    await lan.sees("meeting")
    page = await lan.presses(head__place="x" * 51, head__name="Họp tháng Hai")
    assert (lan.visitor.status, "51 ký tự" in page) == (422, True), "without a script, too"
    assert f'value="{"x" * 51}" aria-invalid="true"' in re.sub(r'( aria-[^>]*?)( value="x+")', r"\2\1", page)
    assert 'value="Họp tháng Hai"' in page
    page = await lan.presses(head__place="Hà Nội")
    assert (lan.visitor.status, 'value="Hà Nội"' in page) == (200, True), "what was shown is no value that is kept"


# Votes ------------------------------------------------------------------------------------------------------------


async def test_two_who_add_a_choice_to_one_vote_keep_both(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("votes")
    vote = await lan.adds("acts.record-ballot")
    minh = await Keeper.opens(site, "minh", stream, "votes")
    base = {f"_base.{vote}": urlencode({f"{vote}.choices.0.unit": "", f"{vote}.choices.1.unit": ""})}
    await lan.types(vote, **{f"{vote}.choices.0.unit": FIRST, f"{vote}.cast": "15"}, **base)
    told = await minh.types(vote, **{f"{vote}.choices.1.unit": SECOND, f"{vote}.blank": "1"}, **base)
    assert (told["conflicts"], told["merged"]) == ([], [vote])
    kept = {one.path: one.value for one in await site.services.shared.cells(urls.minutes_url(stream, "hn-1"))}[vote]
    assert {"choices.0.unit": SECOND, "choices.1.unit": FIRST, "blank": "1", "cast": "15"}.items() <= json.loads(
        kept
    ).items()
    # Who has changed the same figure otherwise is told of both.
    (conflict,) = (await minh.types(vote, **{f"{vote}.cast": "16"}, **base))["conflicts"] or [None]
    assert conflict is None, "one's own cell"
    (conflict,) = (await lan.types(vote, **{f"{vote}.cast": "17"}, **base))["conflicts"]
    assert "Nguyễn Minh đã ghi" in conflict["text"]


async def test_a_row_is_not_taken_out_with_what_a_colleague_typed_into_it(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("votes")
    vote = await lan.adds("acts.record-ballot")
    rows = {f"{vote}.choices.{at}.{name}": "" for at in (0, 1) for name in ("unit", "votes")}
    first = {f"{vote}.choices.0.unit": FIRST, f"{vote}.choices.1.unit": SECOND}
    await lan.types(vote, **first)
    base = {f"_base.{vote}": urlencode({**rows, **first})}
    minh = await Keeper.opens(site, "minh", stream, "votes")
    counted = {f"{vote}.choices.0.votes": "9", f"{vote}.choices.1.votes": "5"}
    await minh.types(vote, **first, **counted, **base)
    (conflict,) = (await lan.types(vote, **first, **base, _less=f"{vote}.choices.1"))["conflicts"]
    assert "Nguyễn Minh đã ghi" in conflict["text"]
    kept = {one.path: one.value for one in await site.services.shared.cells(urls.minutes_url(stream, "hn-1"))}[vote]
    assert {"choices.0.votes": "9", "choices.1.votes": "5"}.items() <= json.loads(kept).items()


ROWS = [{"unit": "a", "votes": "9"}, {"unit": "b", "votes": "5"}]


@pytest.mark.parametrize(
    ("mine", "theirs", "both"),
    [
        ([*ROWS, {"unit": "c"}], [*ROWS, {"unit": "d"}], [*ROWS, {"unit": "c"}, {"unit": "d"}]),
        ([*ROWS, {"unit": "c"}], [*ROWS, {"unit": "c"}], [*ROWS, {"unit": "c"}]),
        ([{"unit": "a", "votes": "8"}, ROWS[1]], [ROWS[0], {"unit": "e", "votes": "5"}], "each row"),
        ([{"unit": "a", "votes": "9", "sign": "1"}, ROWS[1]], [{"unit": "a", "votes": "8"}, ROWS[1]], "parts of a row"),
        ([{"unit": "a", "votes": "8"}, ROWS[1]], [{"unit": "f", "votes": "9"}, ROWS[1]], None),
        ([{"unit": "f", "votes": "9"}, ROWS[1]], [{"unit": "a", "votes": "8"}, ROWS[1]], None),
        ([{"unit": "f", "votes": "9"}, ROWS[1]], [{"unit": "f", "votes": "9"}, ROWS[1]], "another in both"),
        (ROWS[1:], [{**ROWS[0], "sign": "1"}, ROWS[1]], None),
        (ROWS[1:], [*ROWS, {"unit": "d"}], [ROWS[1], {"unit": "d"}]),
        ([{"unit": "a", "votes": "8"}, ROWS[1]], [{"unit": "a", "votes": "7"}, ROWS[1]], None),
        ([{"unit": "a", "votes": "8"}, ROWS[1]], ROWS[1:], None),
    ],
)
def test_rows_that_two_have_changed_are_put_together(mine: Any, theirs: Any, both: Any) -> None:
    told = {
        "each row": [{"unit": "a", "votes": "8"}, {"unit": "e", "votes": "5"}],
        "parts of a row": [{"unit": "a", "votes": "8", "sign": "1"}, ROWS[1]],
        "another in both": [{"unit": "f", "votes": "9"}, ROWS[1]],
    }
    expected = told.get(both, both) if isinstance(both, str) else both
    base, own, other = (group_text(flattened({"choices": rows})) for rows in (ROWS, mine, theirs))
    found = merged(base, own, other)
    assert found == (None if expected is None else group_text(flattened({"choices": expected})))


async def test_a_vote_is_checked_by_the_law_as_it_is_typed(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("votes")
    vote = await lan.adds("acts.record-ballot")
    typed = {
        f"{vote}.id": "bq-1",
        f"{vote}.subject": "head",
        f"{vote}.method": "secret-ballot",
        f"{vote}.choices.0.unit": FIRST,
        f"{vote}.choices.0.votes": "9",
        f"{vote}.choices.1.unit": SECOND,
        f"{vote}.choices.1.votes": "5",
        f"{vote}.handed_out": "15",
        f"{vote}.cast": "15",
        f"{vote}.blank": "1",
        f"{vote}.spoiled": "0",
    }
    at = f"c-{vote.replace('.', '-')}"
    told = {id_: (text, kind) for id_, text, kind in (await lan.types(vote, **typed))["votes"]}
    assert told[f"{at}-sums"] == ("✓ khớp: 9 + 5 + 1 = 15", "ok")
    told = {
        id_: (text, kind) for id_, text, kind in (await lan.types(vote, **{**typed, f"{vote}.cast": "16"}))["votes"]
    }
    assert told[f"{at}-sums"][1] == "late"
    page = await lan.sees("votes")
    assert re.search(r'id="wrong-votes">[^<]*chưa khớp', page), "it is marked in the order at the side"
    # Also while nothing is said of what the vote is about.
    bare = {name: text for name, text in typed.items() if not name.endswith((".unit", ".subject", ".method"))}
    told = {id_: (text, kind) for id_, text, kind in (await lan.types(vote, **{**bare, f"{vote}.blank": "3"}))["votes"]}
    assert told[f"{at}-sums"][1] == "late"
    told = {
        id_: (text, kind) for id_, text, kind in (await lan.types(vote, **{**typed, f"{vote}.cast": "16"}))["votes"]
    }
    assert "phát ra" in told[f"{at}-sums"][0], "more came back than were handed out"
    faults = (await lan.types(vote, **{**typed, f"{vote}.cast": "mười"}))["faults"]
    assert [anchor for anchor, _text in faults] == [f"f-{vote.replace('.', '-')}-cast"]
    page = await lan.sees("votes")
    noted = "đơn vị chủ trì hội nghị đồng thời được"
    assert noted in page, "the head chairs, where nobody else is named"
    await lan.sees("people")
    chair = await lan.adds("head.chairs")
    await lan.presses(**{f"{chair}.group": "Ban Thường trực"})
    assert noted not in await lan.sees("votes"), "a chair in words is not the head"
    assert not re.search(r'<input(?![^>]*hidden)[^>]*name="[^"]*\.(id|subject)"', page), "nothing is typed as a code"


# Entering ---------------------------------------------------------------------------------------------------------


async def test_all_of_it_is_entered_once_and_the_writers_stand_in_the_record(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    truong = await Keeper.opens(site, "truong", stream, "people")
    await truong.presses("_all", "present")
    await truong.sees("next")
    act = await truong.adds("acts.choose-next")
    await truong.presses(**{f"{act}.role": "head", f"{act}.unit": SECOND, f"{act}.manner": "elected"})
    before = await event_names(site.app, stream)
    await lan.sees("check")
    fields = dict(lan.fields())
    await truong.sees("rest")
    note = await truong.adds("head.notes")
    await truong.presses(**{note: "Họp kín"})
    await lan.presses("_step", "enter")
    assert (lan.visitor.status, await event_names(site.app, stream)) == (409, before), "not what the page has shown"
    await lan.enters()
    assert lan.visitor.at == urls.recorded_minutes_url(stream, "hn-1")
    entered = (await event_names(site.app, stream))[len(before) :]
    assert [entered.count(name) for name in ("MeetingHeld", "NextChosen", "HandsNamed")] == [1, 1, 1]
    state, _rules = await site.app.state(stream)
    held = state.meetings["hn-1"]
    assert (held.when.day, len(held.event.present), held.event.notes) == (date(YEAR, 1, 5), 3, ("Họp kín",))
    prepared = state.signatories[held.version].prepared
    assert {one.person.id for one in prepared if one.person} == {"lan", "truong"}
    assert "Nguyễn Truong" in lan.page, "the record tells who prepared it"
    # Reload, Back and the same form again: nothing is entered twice.
    after = await event_names(site.app, stream)
    await lan.visitor.post(lan.url, **{**fields, "_step": "enter"})
    assert (lan.visitor.at, await event_names(site.app, stream)) == (urls.recorded_minutes_url(stream, "hn-1"), after)
    await lan.visitor.get(lan.url)
    assert lan.visitor.at == urls.recorded_minutes_url(stream, "hn-1")
    told = await truong.visitor.http.get(urls.minutes_changes_url(stream, "hn-1"))
    assert told.json() == {"over": True}
    await lan.visitor.get(urls.meetings_url(stream))
    assert urls.minutes_url(stream, "hn-1") not in lan.page


async def test_papers_discussion_conclusions_and_resolutions_are_kept_in_the_record(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    typed = {
        "papers": ("papers", "Báo cáo tổng kết số 12/BC-MTTQ"),
        "discussion": ("rest", "Bốn ý kiến, đều nhất trí.\r\nMột ý kiến bổ sung."),
        "conclusions": ("rest", " ".join(["Giao cụm trưởng hoàn thiện hồ sơ;"] * 12)),
        "resolutions": ("rest", "Nghị quyết thông qua kết quả thi đua"),
        "notes": ("rest", "Họp kín"),
    }
    for name, (part, text) in typed.items():
        await lan.sees(part)
        row = await lan.adds(f"head.{name}")
        await lan.presses(**{row: text})
        assert text.split("\r")[0] in html.unescape(await lan.sees(part))
    await lan.enters()
    assert lan.visitor.at == urls.recorded_minutes_url(stream, "hn-1"), lan.page
    state, _rules = await site.app.state(stream)
    notes = state.meetings["hn-1"].event.notes
    assert notes[:4] == (
        "Họp kín",
        "Văn bản của hội nghị: Báo cáo tổng kết số 12/BC-MTTQ",
        "Thảo luận: Bốn ý kiến, đều nhất trí.",
        "Một ý kiến bổ sung.",
    )
    assert (" ".join(notes[4:6])) == f"Kết luận: {typed['conclusions'][1]}", "what is longer goes on in the next note"
    assert notes[6:] == ("Nghị quyết: Nghị quyết thông qua kết quả thi đua",)
    assert all(one in html.unescape(lan.page) for one in notes)


async def test_that_nobody_has_points_is_told_to_those_who_may_read_points(site: Site, stream: str) -> None:
    remark = "Chưa đơn vị nào có điểm"
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("awards")
    act = await lan.adds("acts.nominate")
    await lan.presses(**{f"{act}.unit": SECOND})
    assert remark in html.unescape(await lan.sees("awards"))
    head = await Keeper.opens(site, "truong", stream, "awards")
    assert f'name="{act}.unit"' in head.page
    assert remark not in html.unescape(head.page), "a member does not learn whether others have points"
    sheet = [{"criterion": leaf, "points": "1"} for leaf in RULES.leaves()]
    await submit(site.app, stream, SECOND, "score-self", {"unit": SECOND, "sheet": sheet})
    assert remark not in html.unescape(await lan.sees("awards"))


async def test_what_is_wrong_is_told_at_its_line_and_nothing_is_entered(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("awards")
    act = await lan.adds("acts.nominate")
    page = await lan.presses(**{f"{act}.unit": SECOND})
    assert "why-wrong" not in page, "what is only half typed is no fault yet"
    await lan.enters()
    assert "Đề nghị khen thưởng" in lan.page
    assert f'#f-{act.replace(".", "-")}-award"' in lan.page
    page = await lan.visitor.get(urls.minutes_url(stream, "hn-1", part="awards", whole=True))
    assert f'id="f-{act.replace(".", "-")}-award-why"' in page
    assert "MeetingHeld" not in await event_names(site.app, stream)
    # What the law refuses leads to its line, too.
    await lan.sees("awards")
    await lan.presses(**{f"{act}.award": RULES.awards[0].id})
    await lan.sees("signing")
    await lan.presses(**{f"sign.{SECOND}": "each", f"sign.{THIRD}": "each"})
    await lan.enters()
    for unit in (SECOND, THIRD):
        assert f'#c-sign-{unit}"' in lan.page, "nothing was presented; all that is refused is told at once"
    assert "MeetingHeld" not in await event_names(site.app, stream)


async def test_a_joint_signature_with_its_scan(site: Site, stream: str) -> None:
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    lan = await Keeper.begins(site, "lan", stream)
    await lan.sees("signing")
    values = dict(lan.fields())
    body = {"_form": values["_form"], "_revision": values["_revision"], "_step": "file", "_cell": "sheet x"}
    sent = {"_file.sheet.title": ("ban-ky.pdf", b"%PDF-1.4 ban ky")}
    answer = await lan.visitor.http.post(lan.url, data=body, files=sent, headers={"HX-Request": "true"})
    assert (answer.status_code, "ban-ky.pdf" in answer.text) == (200, True), answer.text
    page = await lan.sees("signing")
    assert "ban-ky.pdf" in page
    await lan.presses("_all", "sign.joint")
    await lan.enters("sai")
    assert (lan.visitor.status, "Mật khẩu" in lan.page) == (422, True)
    await lan.enters()
    assert lan.visitor.at == urls.recorded_minutes_url(stream, "hn-1")
    state, _rules = await site.app.state(stream)
    assert set(state.signing.signatures) == set(units(3))
    assert "ban-ky.pdf" in lan.page


# Two years --------------------------------------------------------------------------------------------------------


async def test_who_keeps_one_year_only_neither_sees_nor_writes_the_other(site: Site, stream: str) -> None:
    opening = await open_cycle(site.app, RULES, members=[SECOND, "don-vi-9"])
    await submit(site.app, opening, CITY, "step-to", {"now": datetime(YEAR, 2, 1, 9, tzinfo=ICT).isoformat()})
    lan = await Keeper.begins(site, "lan", stream, _other=opening)
    page = await lan.sees("next")
    (start,) = set(re.findall(r'name="_add" value="(n[0-9a-f]{16}\.acts\.assign-role)"', page))
    act = await lan.adds(start)
    await lan.presses(**{f"{act}.role": "deputy", f"{act}.holder": "don-vi-9", f"{act}.manner": "elected"})
    truong = await Keeper.opens(site, "truong", stream, "next")
    for part in urls.MINUTES_PARTS:
        page = await truong.sees(part)
        assert (unit_name("don-vi-9") in page, act in page, opening in page) == (False, False, False), part
    told = await truong.visitor.http.get(f"{urls.minutes_changes_url(stream, 'hn-1')}?tu=0&phan=cum-truong")
    assert act not in told.text
    await truong.types(
        act, f"{act[:18]}stance.{SECOND}", **{f"{act}.role": "head", f"{act[:18]}stance.{SECOND}": "agreed"}
    )
    await truong.types("other", other="", _out="other", _mine="other ", _less="other.x")
    for button in ("_add", "_out"):
        await truong.sees("next")
        await truong.presses(button, start if button == "_add" else act)
    await truong.enters()
    assert "Người ghi biên bản của cả hai năm" in truong.page
    assert "MeetingHeld" not in await event_names(site.app, stream)
    assert f'value="{opening}"' in await lan.sees("meeting")
    unknown = await open_cycle(site.app, RULES, members=[THIRD, "don-vi-8"])
    await truong.sees("meeting")
    await truong.types(_mine=f"other {unknown}")
    await lan.enters()
    assert lan.visitor.at == urls.recorded_minutes_url(stream, "hn-1")
    assert (await event_names(site.app, opening))[-1] == "RoleAssigned"
    state, _rules = await site.app.state(opening)
    assert state.membership.holder("deputy") == "don-vi-9"


async def test_entered_minutes_are_printed_as_an_office_prints_them(site: Site, stream: str) -> None:
    lan = await Keeper.begins(site, "lan", stream, kind="final", name="Hội nghị tổng kết")
    await lan.presses(head__place="Hội trường A")
    await lan.sees("people")
    await lan.presses(**{f"present.{FIRST}": "yes", f"present.{SECOND}": "yes"})
    await lan.sees("rest")
    for kind, text in (("conclusions", "Thống nhất kết quả"), ("notes", "Bản gốc lưu ở phường")):
        note = await lan.adds(f"head.{kind}")
        await lan.presses(**{note: text})
    await lan.sees("votes")
    vote = await lan.adds("acts.record-ballot")
    choices = {f"{vote}.choices.0.unit": FIRST, f"{vote}.choices.0.votes": "9", f"{vote}.choices.1.unit": SECOND}
    papers = {"choices.1.votes": "5", "handed_out": "15", "cast": "15", "blank": "1", "spoiled": "0"}
    tally = {f"{vote}.{name}": value for name, value in papers.items()}
    await lan.presses(**{f"{vote}.subject": "head", f"{vote}.method": "secret-ballot", **choices, **tally})
    await lan.sees("awards")
    for unit in (FIRST, SECOND):
        act = await lan.adds("acts.nominate")
        await lan.presses(**{f"{act}.unit": unit, f"{act}.award": RULES.awards[0].id})
    assert f"Vắng mặt: {unit_name(THIRD)}" in await lan.sees("check")
    await lan.enters()
    printed = re.sub(
        r"(\s*<[^>]+>\s*)+", "\n", html.unescape(lan.page.split('class="official"')[1].split("</section>")[0])
    )
    for text in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "BIÊN BẢN\nHội nghị tổng kết",
        f"Hôm nay, ngày 05 tháng 01 năm {YEAR}, tại Hội trường A, ",
        "Thư ký hội nghị: Nguyễn Lan",
        f"Có mặt: 2/3 đơn vị: {unit_name(FIRST)}; {unit_name(SECOND)}",
        f"Vắng mặt: {unit_name(THIRD)}",
        "Số phiếu phát ra 15, số phiếu thu về 15, số phiếu hợp lệ 14, số phiếu trắng 1, số phiếu không hợp lệ 0.",
        f": {unit_name(FIRST)}; {unit_name(SECOND)}.",
        "Bản gốc lưu ở phường",
        "Kết luận\nThống nhất kết quả",
        "CHỦ TRÌ",
    ):
        assert text in printed, (text, printed)
    for name in ("Vòng 1", "Số người được ghi trên một phiếu", "Kết luận: "):
        assert name not in printed
