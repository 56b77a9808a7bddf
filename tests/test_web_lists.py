"""Long lists come in pages: by links alone a reader reaches every row once, with the filters kept."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from board_help import NOW, ORGANISERS, made_up_lines, write_lines
from engine_help import CITY, enter_staff, open_cycle, units
from speech import RULES
from typer.testing import CliRunner
from web_help import Site, Visitor

from application.application import CommandInput
from application.gate import at_command_line
from cli import showing
from cli.app import app as command_line
from ledger.paging import PageRequest
from projections.board_table import Board

NEXT = re.compile(r'rel="next" href="([^"]+)"')


async def walk(visitor: Visitor, path: str, row: str, section: str = "") -> tuple[list[Any], int]:
    """What a pattern finds on a list's pages, from link to link, and how many pages there are.

    `section`: the anchor of the list, on a page that has several.
    """

    async def read(address: str) -> str:
        page = await visitor.get(address)
        return page.partition(f'<h2 id="{section}"')[2].partition("<h2")[0] if section else page

    shown = await read(path)
    found, pages = re.findall(row, shown), 1
    while (link := NEXT.search(shown)) is not None:
        pages += 1
        shown = await read(html.unescape(link.group(1)))
        found += re.findall(row, shown)
        assert f"trang {pages} / " in shown
    return found, pages


async def _board_of(
    site: Site, clusters: int = 40, years: tuple[int, ...] = (2024, 2025, 2026)
) -> list[dict[str, Any]]:
    lines = made_up_lines(7, clusters, years, ORGANISERS)
    for line in lines:
        for task in line["open"]:
            task["duty"] = "stance"
    await write_lines(site.app.ledger.pool, lines)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("kiem-tra", "thanh-tra", "auditor")
    return lines


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_board_late_units_deviations_tasks_and_clusters_are_read_page_by_page(site: Site) -> None:
    lines = await _board_of(site)
    secretary, auditor = await site.log_in("thu-ky"), await site.log_in("kiem-tra")
    row = r'<th scope="row"><a href="/cum/([^"#]+)'
    own, pages = await walk(secretary, "/bang", row)
    assert pages == 3
    assert sorted(own) == sorted(line["cycle"] for line in lines if line["cycle"].startswith(f"{CITY}/"))
    assert "1 đến 50 trong 120" in await secretary.get("/bang")
    # Rights: the auditor sees every organiser's, the secretariat only its own, in every list.
    everything, _pages = await walk(auditor, "/bang", row)
    assert sorted(everything) == sorted(line["cycle"] for line in lines)

    for path in ("/bang?loc=dang-mo", "/bang?loc=tre", "/bang?nam=2025&loc=khac&tim=đống", "/bang?buoc=filed"):
        named = r'<th scope="row"><a href="/cum/[^"]+">([^<]+)</a>.*?<small>(\d+)</small>'
        found, _pages = await walk(secretary, path, named)
        answer = await secretary.http.get(path.replace("/bang", "/bang.csv"))
        heading, *table = csv.reader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";")
        assert heading[:2] == ["cụm", "năm"]
        assert found == [tuple(one[:2]) for one in table] != []

    late_row = r'class="late-word">.*?<a href="/cum/([^"]+)"'
    late, pages = await walk(secretary, "/bang/don-doc", late_row)
    assert pages > 1
    assert {one.split("/")[0] for one in late} == {CITY}
    counted = re.search(r"<p>(\d+) việc quá hạn", await secretary.get("/bang/don-doc"))
    assert counted is not None
    assert int(counted.group(1)) == len(late)
    one_year, _pages = await walk(secretary, "/bang/don-doc?nam=2025", late_row)
    assert one_year == [one for one in late if one.split("/")[1] == "2025"] != []

    told, pages = await walk(auditor, "/diem-khac", r'<th scope="row"><a href="/cum/([^"#]+)')
    assert pages > 2
    assert len(told) == sum(len(line["found"]) for line in lines)
    settled, _pages = await walk(auditor, "/diem-khac?tinh=đã xử lý&nam=2026", row)
    by_code, _pages = await walk(auditor, "/diem-khac?tinh=settled&nam=2026", row)
    assert settled == by_code != []
    assert len(settled) == sum(one["settled"] for line in lines if "/2026/" in line["cycle"] for one in line["found"])

    mine, pages = await walk(secretary, "/cum", r'<h2><a href="/cum/([^"]+)"')
    assert (pages, sorted(mine)) == (3, sorted(own))
    tasks, pages = await walk(secretary, "/viec", r'<li class="task', "lam-duoc")
    await secretary.get("/viec")
    others = [
        re.search(rf'id="{name}">[^<]*<span class="count">(\d+)', secretary.page) for name in ("con-xa", "dang-cho")
    ]
    apart = sum(int(one.group(1)) for one in others if one is not None)  # what is due later, and what waits for others
    assert len(tasks) + apart == sum(task["unit"] == CITY for line in lines for task in line["open"])


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_a_page_that_is_not_there_leads_to_one_that_is(site: Site) -> None:
    await _board_of(site, 20, (2025, 2026, 2024))
    await site.person("an", "don-vi-1")
    secretary, an = await site.log_in("thu-ky"), await site.log_in("an")
    for typed, shown in (("99", 2), ("9" * 40, 2), ("0", 1), ("-1", 1), ("²", 1), ("x", 1), ("", 1), ("2", 2)):
        await secretary.get(f"/bang?trang={typed}")
        assert (secretary.status, f"trang {shown} / 2" in secretary.page) == (200, True), typed
    assert 'rel="prev"' in await secretary.get("/bang?trang=99")
    for path in ("/viec", "/cum", "/tep", "/ban-nhap", "/tim?q=a", "/bang/don-doc", "/nhat-ky-doc"):
        visitor = an if path in {"/viec", "/cum", "/tep", "/ban-nhap"} else secretary
        await visitor.get(f"{path}{'&' if '?' in path else '?'}trang=77")
        assert visitor.status == 200, path


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_what_is_done_on_a_page_of_the_board_leads_back_to_it(site: Site) -> None:
    await _board_of(site, 30, (2025, 2026))
    secretary = await site.log_in("thu-ky")
    await secretary.get("/bang?nam=2026&trang=1")
    assert "trang 1 / " not in secretary.page
    await secretary.get("/bang?loc=&trang=2")
    assert "51 đến 60 trong 60" in secretary.page
    await secretary.post("/bang", **{**secretary.hidden(), "_do": "remind"})
    assert "51 đến 60 trong 60" in secretary.page


async def test_drafts_files_readings_and_results_are_read_page_by_page(site: Site) -> None:
    pool = site.app.ledger.pool
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat")
    an, secretary = await site.log_in("an"), await site.log_in("thu-ky")
    paths = [f"/cum/{CITY}/2026/cum-{n}/lam/comment" for n in range(120)]
    for path in paths:
        await site.services.drafts.save("an", path, {"text": "x"})
    await site.services.drafts.save("an", "bat-dau-nam", {"no": "address"})
    assert len(re.findall(r"/lam/comment", await an.get("/viec"))) == 5
    assert "Xem tất cả 120 bản nháp" in an.page
    found, pages = await walk(an, "/ban-nhap", r'<li><a href="([^"]+)"')
    assert (sorted(found), pages) == (sorted(paths), 3)

    for n in range(60):
        await site.services.files.put(f"{n}.pdf", b"%PDF-1.7 " + bytes([n]), unit="don-vi-1", person="an")
    found, pages = await walk(an, "/tep", r'<a href="/tep/[^"]+">(\d+\.pdf)')
    assert (sorted(found), pages) == (sorted(f"{n}.pdf" for n in range(60)), 2)

    for n in range(120):
        await site.services.read_log.add("kiem-tra", "history", f"/cum/{CITY}/2026/cum-1/bien-nhan/{n}")
    found, pages = await walk(secretary, "/nhat-ky-doc", r"mục số (\d+)")
    assert (found, pages) == ([f"{n}" for n in reversed(range(120))], 3)

    entry = (
        "insert into projections.search_entry (stream, kind, ref, unit, titles, year, open, words) values "
        "($1, 'act', $2, '', $3, 2026, true, "
        "array_to_tsvector(array['bao', 'cao', '@3.2026', '~' || split_part($1, '/', 1)]))"
    )
    await pool.execute("insert into projections.search_tag values ('@3.2026') on conflict do nothing")
    await pool.executemany(entry, [(f"{CITY}/2026/cum-{n}", "1", f'{{"vi": "Báo cáo {n}"}}') for n in range(120)])
    found, pages = await walk(secretary, "/tim?q=báo cáo", r">(Báo cáo \d+)<")
    assert (len(set(found)), len(found), pages) == (120, 120, 3)
    assert "120 kết quả" in secretary.page
    await pool.executemany(entry, [(f"{CITY}/2025/cum-{n}", "1", '{"vi": "Báo cáo"}') for n in range(1000)])
    assert "Hơn 1000 kết quả" in await secretary.get("/tim?q=bao+cao")


async def test_a_long_year_of_a_cluster_is_read_page_by_page(site: Site) -> None:
    """Comments, what is in the register, its timeline, and the state at a moment."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    said = [f"Ý kiến thứ {n}." for n in range(120)]
    officer = await enter_staff(site.app, "don-vi-1")
    for first in range(0, len(said), 40):
        inputs = [
            CommandInput(stream, "comment", {"by": {"unit": "don-vi-1"}, "text": text}, uuid4())
            for text in said[first : first + 40]
        ]
        await site.app.submit(stream, at_command_line(officer), inputs)
    await site.person("kiem-tra", "thanh-tra", "auditor")
    auditor = await site.log_in("kiem-tra")
    found, pages = await walk(auditor, f"/cum/{stream}/y-kien", r'class="remark deep0">.*?(Ý kiến thứ \d+\.)')
    assert (found, pages) == (said, 3)
    stands, pages = await walk(auditor, f"/cum/{stream}/da-ghi", r"(Ý kiến thứ \d+\.)")
    assert (stands, pages) == ([*reversed(said)], 3)
    versions, pages = await walk(auditor, f"/cum/{stream}/so", r'<li value="(\d+)"')
    assert (versions, pages) == ([str(n) for n in range(len(versions), 0, -1)], 3), "the newest first"
    assert len(versions) == len(await site.app.history(stream))
    first, pages = await walk(auditor, f"/cum/{stream}/so?tu-dau=1", r'<li value="(\d+)"')
    assert (first, pages) == (versions[::-1], 3)
    assert f'href="/cum/{stream}/so"' in auditor.page, "and back to the newest"
    with_words, pages = await walk(auditor, f"/cum/{stream}/so?tim=y kien thu 1&tu-dau=1", r"(Ý kiến thứ \d+\.)")
    assert with_words == [text for text in said if "thứ 1" in text]
    whole = (await auditor.http.get(f"/cum/{stream}/thoi-diem.csv")).text.count("\n") - 1
    lines, pages = await walk(auditor, f"/cum/{stream}/thoi-diem", r"(Ý kiến thứ \d+\.)")
    assert (sorted(set(lines)), pages > 1, whole > 100) == (sorted(said), True, True)
    await auditor.get(f"/cum/{stream}/thoi-diem?sau=1&trang-doi=2")
    assert auditor.page.count("<ins>") == 50
    shown = re.search(r"1 đến 50 trong (\d+)", await auditor.get(f"/cum/{stream}/so-sanh?tu=1&den=121"))
    assert shown is not None
    changed = int(shown.group(1))
    assert changed >= len(said)
    last = -(-changed // 50)
    await auditor.get(f"/cum/{stream}/so-sanh?tu=1&den=121&trang-doi={last}")
    assert auditor.page.count("<ins>") == changed - 50 * (last - 1) > 0


async def test_what_will_follow_from_a_year_is_shown_page_by_page(site: Site) -> None:
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    await secretary.get("/bat-dau-nam")
    rows = "\n".join(f"Cụm số {n};Phường {n};phuong-{n}" for n in range(25))
    typed = {"year": "2031", "organiser_name": "Thành phố", "edition": "specimen-2020.yaml"}
    await secretary.post("/bat-dau-nam", **typed, table=f"cụm;đơn vị;mã đơn vị\n{rows}", _step="look")
    assert "Mở năm thi đua cho 25 cụm" in secretary.page
    found = re.findall(r"<h2>(Cụm số \d+)", secretary.page)
    assert len(found) == 10
    while (link := NEXT.search(secretary.page)) is not None:
        found += re.findall(r"<h2>(Cụm số \d+)", await secretary.get(html.unescape(link.group(1))))
        assert "Mở năm thi đua cho 25 cụm" in secretary.page
    assert len(found) == len(set(found)) == 25


LINK = re.compile(r'<([^>]+)>; rel="next"')


async def test_the_interface_names_the_next_page_and_the_count(site: Site) -> None:
    lines = await _board_of(site, 45, (2024, 2025, 2026))
    http = (await site.log_in("ai-do")).http
    head = {"Authorization": f"Bearer {await site.services.accounts.new_token('kiem-tra', 'thử', 'read', 1)}"}
    for path, count in (
        ("/api/v1/board?year=2026", 90),
        ("/api/v1/deviations", sum(len(line["found"]) for line in lines)),
        ("/api/v1/departures?limit=33", sum(len(line["found"]) for line in lines)),
        ("/api/v1/board?limit=100", 270),
    ):
        answer = await http.get(path, headers=head)
        rows = answer.json()
        assert len(rows) <= 100
        while link := LINK.search(answer.headers.get("Link", "")):
            assert int(answer.headers["X-Total-Count"]) == count
            answer = await http.get(link.group(1), headers=head)
            rows += answer.json()
        assert len(rows) == count == len({str(one) for one in rows}), path
    beyond = await http.get("/api/v1/board?page=99", headers=head)
    assert (beyond.json(), "Link" in beyond.headers, beyond.headers["X-Total-Count"]) == ([], False, "270")
    for wrong in ("page=0", "limit=0", "limit=1001", "page=x", "limit=²"):
        refused = await http.get(f"/api/v1/board?{wrong}", headers=head)
        assert (refused.status_code, set(refused.json())) == (422, {"code", "text", "place"}), wrong
    described = (await http.get("/api/v1/openapi.json")).json()["paths"]
    for path in ("/tasks", "/cycles", "/board", "/deviations", "/search", "/people"):
        get = described[path]["get"]
        assert {"page", "limit"} <= {one["name"] for one in get["parameters"]}
        assert set(get["responses"]["200"]["headers"]) == {"Link", "X-Total-Count"}, path


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], PageRequest(1, None)),
        (["--limit", "10"], PageRequest(1, 10)),
        (["--limit", "10", "--page", "3"], PageRequest(3, 10)),
        (["--page", "2"], PageRequest(2, 50)),
    ],
)
def test_the_command_line_gives_everything_unless_a_page_is_named(
    monkeypatch: pytest.MonkeyPatch, options: Sequence[str], asked: PageRequest
) -> None:
    seen = list[PageRequest]()

    async def noted(_what: str | None, asked: PageRequest, *, as_json: bool) -> int:
        seen.append(asked)
        return int(as_json)

    for command in (["board"], ["tasks", "--unit", "don-vi-1"], ["inbox", "--unit", "don-vi-1"]):
        monkeypatch.setattr(showing, command[0], noted)
        assert CliRunner().invoke(command_line, [*command, *options]).exit_code == 0
    assert seen == [asked] * 3
    assert CliRunner().invoke(command_line, ["board", "--limit", "0"]).exit_code == 2


async def test_a_page_of_notices_reads_only_cycles_that_may_have_newer_ones(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [await open_cycle(site.app, RULES, members=units(2)) for _ in range(4)]
    board = Board(site.app.ledger, site.app.texts)
    await board.catch_up()
    of_unit = await board.streams_of("don-vi-1")
    assert [stream for stream, _last in of_unit] == streams[::-1]
    whole, complete = await showing._newest_notices(site.app, of_unit, "don-vi-1", PageRequest(1, None))
    assert complete
    assert len(whole.rows) >= 4
    read = list[str]()
    notices_of = showing._notices_of

    async def noted(app: Any, stream: str, unit: str) -> Any:
        read.append(stream)
        return await notices_of(app, stream, unit)

    monkeypatch.setattr(showing, "_notices_of", noted)
    first, complete = await showing._newest_notices(site.app, of_unit, "don-vi-1", PageRequest(1, 1))
    assert (first.rows, complete, len(read)) == (whole.rows[:1], False, 2)
    assert await board.knows_unit("don-vi-1")
    assert not await board.knows_unit("don-vi-la")
    assert NOW.year == 2026
