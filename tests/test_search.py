"""The search index: what is found by which words, in which order, by whom; and what is erased from it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from conftest import NewInstallation, eventually, open_app
from engine_help import CITY, enter_staff, open_cycle, submit, unit_name, units
from speech import RULES
from temporalio.client import Client
from web_help import Site

from application.application import CommandInput
from application.gate import at_command_line
from cli.session import Session
from i18n import in_language
from ledger.paging import PageRequest
from projections.board_table import Board
from projections.search import SearchHit, SearchIndex
from projections.search_words import TypedWords, joined, lexemes
from vault.texts import Texts

YEAR_ROWS = (
    "select stream, kind, ref, unit, titles, at, words, kept, actor, position, corrected, withdrawn "
    "from projections.search_entry order by 1, 2, 3"
)


def titles(found: Sequence[SearchHit], kind: str) -> list[str]:
    return [one.title for one in found if one.kind == kind]


async def test_the_rows_do_not_depend_on_the_workers_language(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch số 1"}})
    await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    index, rows = SearchIndex(app.ledger), {}
    for language in ("en", "vi"):
        monkeypatch.setenv("THIDUA_LANG", language)
        await index.forget()
        await index.catch_up()
        rows[language] = await app.ledger.pool.fetch(YEAR_ROWS)
    assert len(rows["en"]) >= 6
    assert rows["en"] == rows["vi"]


async def test_what_was_withdrawn_is_marked_alike_by_an_index_that_is_kept_up_and_by_one_that_is_made_anew(
    app: Session,
) -> None:
    first, second = members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    index, marked = SearchIndex(app.ledger), list[set[tuple[str, int]]]()

    async def enter(unit: str, act: str, **fields: Any) -> None:
        await submit(app, stream, unit, act, {"unit": unit, **fields})
        await index.catch_up()
        rows = await app.ledger.pool.fetch("select ref, withdrawn from projections.search_entry where withdrawn > 0")
        marked.append({(row["ref"], row["withdrawn"]) for row in rows})

    await enter(first, "take-stance", stance="agreed")
    await enter(second, "take-stance", stance="changes-requested")
    await enter(first, "withdraw-stance")
    await enter(first, "take-stance", stance="agreed-in-substance")
    await enter(first, "withdraw-stance")
    start = int(next(ref for ref, _by in sorted(marked[2])))
    assert marked == [
        set(),
        set(),
        {(str(start), start + 2)},
        {(str(start), start + 2)},
        {(str(start), start + 2), (str(start + 3), start + 4)},
    ]
    kept_up = await app.ledger.pool.fetch(YEAR_ROWS)
    await index.forget()
    await index.catch_up()
    assert await app.ledger.pool.fetch(YEAR_ROWS) == kept_up
    positions = [row["position"] for row in kept_up if row["actor"] is not None]
    assert len(set(positions)) == len(positions) >= 5, "each act has one row that stands for the whole of it"


async def test_an_act_is_found_by_the_words_of_either_language_and_named_in_the_readers(app: Session) -> None:
    members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    index = SearchIndex(app.ledger)
    await index.catch_up()
    expected = {"vi": f"{unit_name(members[0])}: thống nhất.", "en": f"{unit_name(members[0])}: agreed."}
    for language, title in expected.items():
        for words in ("thong nhat", "agreed"):
            with in_language(language):
                found = await index.find(words, streams=CITY)
            assert [one.title for one in found.rows] == [title], (language, words)
    with in_language("en"):
        (unit,) = (await index.find(members[1], streams=CITY)).rows
    assert (unit.kind, unit.title) == ("unit", unit_name(members[1]))


NAMES = {
    "p-10": "Phường 10",
    "p-2": "Phường 2",
    "p-1": "Phường 1",
    "p-11": "Phường 11",
    "phuong-1": "Phương 1",
    "tan-binh": "Phường 1 Tân Bình",
    "dong-da": "Quận Đống Đa",
    "dong-da-khac": "Xã Đông Đa",
}


@pytest.fixture(scope="module")
async def named(client: Client, new_installation: NewInstallation) -> AsyncIterator[tuple[SearchIndex, str]]:
    """An index of one cycle for tests that only read."""
    async with open_app(client, new_installation) as app:
        stream = await open_cycle(app, RULES, members=units(2))
        person = at_command_line(await enter_staff(app, CITY))
        admitted = [{"unit": unit, "name": name} for unit, name in NAMES.items()]
        inputs = [CommandInput(stream, "admit-unit", fields, uuid4()) for fields in admitted]
        await app.submit(stream, person, inputs)
        index = SearchIndex(app.ledger)
        await index.catch_up()
        await Board(app.ledger, app.texts).catch_up()
        yield index, stream


async def test_names_come_in_the_order_in_which_they_fit(named: tuple[SearchIndex, str]) -> None:
    """Diacritics as typed first, whole names before longer ones, numbers as numbers."""
    index, _stream = named
    wanted = {
        "phường 1": ["Phường 1", "Phường 1 Tân Bình", "Phường 10", "Phường 11", "Phương 1"],
        "PHUONG 1": ["Phương 1", "Phường 1", "Phường 1 Tân Bình", "Phường 10", "Phường 11"],
        "phường": ["Phường 1", "Phường 1 Tân Bình", "Phường 2", "Phường 10", "Phường 11", "Phương 1"],
        "đống đa": ["Quận Đống Đa", "Xã Đông Đa"],
        "đông đa": ["Xã Đông Đa", "Quận Đống Đa"],
        "dongda": ["Quận Đống Đa", "Xã Đông Đa"],
        "quandongda": ["Quận Đống Đa"],
        "dongd": ["Quận Đống Đa", "Xã Đông Đa"],
        "tan": ["Phường 1 Tân Bình"],
        "phường 3": [],
    }
    found = {words: titles((await index.find(words, streams=CITY)).rows, "unit") for words in wanted}
    assert found == wanted


async def test_a_member_finds_the_own_cluster_and_no_other(named: tuple[SearchIndex, str]) -> None:
    index, stream = named
    for words in ("cụm", "cum 2026", "cụm thành phố"):
        (cluster,) = (await index.find_as_member(words, unit="dong-da", person="an")).rows
        assert (cluster.stream, cluster.kind, cluster.title) == (stream, "cluster", "Cụm")
    assert (await index.find_as_member("cụm", unit="don-vi-la", person="la")).total == 0


async def test_a_page_after_the_last_is_the_last(named: tuple[SearchIndex, str]) -> None:
    index, _stream = named
    first = await index.find("phuong", streams=CITY, asked=PageRequest(1, 4))
    last = await index.find("phuong", streams=CITY, asked=PageRequest(9, 4))
    assert (last.number, last.total) == (first.pages, first.total)
    assert last.rows
    assert {one.ref for one in last.rows}.isdisjoint(one.ref for one in first.rows)


async def test_comments_papers_and_minutes_are_found_where_members_read_them(app: Session) -> None:
    """Comments by words in the midst of them, together with words of who said it. Reasons of scores are closed."""
    members = units(3)
    stream = await open_cycle(app, RULES, members=members)
    paper = {"title": "Kế hoạch", "text": "Mục tiêu: trồng mười nghìn cây xanh."}
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": paper})
    said = "Đề nghị bổ sung chỉ tiêu về hoà giải ở cơ sở. " * 20 + "Cần thêm kinh phí."
    await submit(app, stream, members[0], "comment", {"by": {"unit": members[0]}, "on": "plan", "text": said})
    meeting = {"id": "hn-1", "kind": "final", "place": "Hội trường Lê Lợi", "present": [{"unit": members[0]}]}
    await submit(app, stream, CITY, "record-meeting", meeting)
    closed = {"unit": members[0], "reason": "Vì lý do bímật."}
    await submit(app, stream, CITY, "exclude-unit", closed)
    index = SearchIndex(app.ledger)
    await index.catch_up()
    await Board(app.ledger, app.texts).catch_up()

    async def found(words: str, unit: str = members[1]) -> list[tuple[str, str]]:
        rows = (await index.find_as_member(words, unit=unit, person="an")).rows
        return [(one.kind, one.about) for one in rows]

    assert await found("kinh phí") == [("text", "draft/plan")]
    assert await found("đơn vị 1 hoa giai") == [("text", "draft/plan")]
    assert await found("cây xa") == [("text", "draft/plan")]
    assert await found("cây xanh") == [("text", "draft/plan")]
    assert await found("le loi") == [("minutes", "meeting/hn-1")]
    (comment,) = (await index.find_as_member("kinh phí", unit=members[2], person="an")).rows
    assert comment.text.endswith("Cần thêm kinh phí.")
    assert len(comment.text) < 200
    assert comment.at is not None
    await app.ledger.pool.execute("update projections.search_entry set open = false where about = 'meeting/hn-1'")
    assert await found("le loi") == [], "what is closed is not found by members"
    (told,) = (await index.find("bimat", streams=CITY)).rows
    assert told.text == "Vì lý do bímật."
    is_open = await app.ledger.pool.fetchval("select open from projections.search_entry where ref = $1", told.ref)
    assert (await found("bimat") == []) is not is_open, "members find the reasons that they read"
    digest = await app.ledger.pool.fetchval("select digest from vault.text where body = $1", said.strip())
    assert await Texts(app.ledger.pool).erase(digest)
    assert await found("kinh phí") == []
    assert await found("đơn vị 1 hoa giai") == []
    kept = (await index.find("don vi 1", streams=CITY)).rows
    assert ("act", "draft/plan") in [(one.kind, one.about) for one in kept], "the act is found by who entered it"
    left = await app.ledger.pool.fetch(
        "select words from projections.search_entry where words @@ 'kinh & phi'::tsquery"
    )
    assert left == []


async def test_what_is_closed_before_publication_is_found_by_whom_it_is_open_to_alone(app: Session) -> None:
    """A reason on a score sheet, and what an award is withheld for: found by the city, by members once published."""
    members = units(3)
    stream = await open_cycle(app, RULES, members=members)
    sheet = [{"criterion": leaf.id, "points": "7", "reason": "Trừ vì bímật."} for leaf in RULES.leaves().values()]
    await submit(app, stream, CITY, "appraise", {"unit": members[0], "sheet": sheet})
    index = SearchIndex(app.ledger)

    async def found_by() -> dict[str, int]:
        await index.catch_up()
        await Board(app.ledger, app.texts).catch_up()
        counts = {unit: (await index.find_as_member("bimat", unit=unit, person="an")).total for unit in members}
        return {**counts, CITY: (await index.find("bimat", streams=CITY)).total}

    before = await found_by()
    assert before.pop(CITY) > 0
    assert set(before.values()) == {0}
    await submit(app, stream, CITY, "decide-awards", {"decision": {"number": "1/QĐ"}, "grants": []})
    await submit(app, stream, CITY, "publish", {})
    after = await found_by()
    assert min(after.values()) > 0, "the same search finds it once it is published"


async def test_the_page_says_where_and_when_and_leads_there(site: Site) -> None:
    members = units(2)
    stream = await open_cycle(site.app, RULES, members=members)
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
    comment = {"by": {"unit": members[0]}, "on": "plan", "text": "Nên <b>trồng</b> thêm cây xanh."}
    await submit(site.app, stream, members[0], "comment", comment)
    await site.person("an", members[1])
    an = await site.log_in("an")

    async def found() -> bool:
        return "Cụm, 2026" in await an.get("/tim?q=cay+xanh")

    await eventually(found)
    page = an.page
    line = next(one for one in page.splitlines() if "cây xanh" in one)
    assert "Đơn vị 1: Nên &lt;b&gt;trồng&lt;/b&gt; thêm cây xanh." in line
    assert f'href="/cum/{stream}/du-thao/plan"' in line
    assert "Cụm, 2026 · " in line
    assert f'href="/cum/{stream}"' in await an.get("/tim?q=cum")


def test_words_are_held_plain_and_as_written() -> None:
    assert lexemes("Phường 1, KH 37/KH-MTTQ") == {"phuong", "=phường", "1", "kh", "37", "mttq"}
    assert joined("Quận Đống Đa") == {"quandong", "dongda", "quandongda"}
    assert TypedWords.of("' or 1=1 --\0").plain == ("or", "1", "1")
    assert json.dumps(TypedWords.of("  ").plain) == "[]"
    assert TypedWords.of("x" * 500).plain == ("x" * 60,)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Một. " * 100 + "Cây xanh.", "… " + "Một. " * 15 + "Cây xanh."),
        ("Cây  xanh.\n" + "x" * 300, None),
        ("không có", "không có"),
    ],
)
def test_an_excerpt_holds_the_words(text: str, shown: str | None) -> None:
    found = TypedWords.of("cay").excerpt(text)
    assert found == shown if shown is not None else (found.startswith("Cây xanh. x") and found.endswith(" …"))
