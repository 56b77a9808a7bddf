"""No page stops the others: `/healthz` is answered while each costly page works on its largest allowed input.

What hangs behind the pages is told on a calm page: a database that says nothing, a Temporal server that says nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from conftest import eventually
from engine_help import open_cycle, units
from file_help import docx_of, pdf, picture_bomb
from frozen_help import CYCLE, WAITING, House, a_house, asked_meanwhile
from soak import SOAK
from speech import RULES
from web_help import Site

from application import work
from domain import limits
from domain.file_references import reference_of
from web import urls
from workflows.client import TemporalClient, open_client

EVENTS = 5_000 if SOAK else 600


@pytest.fixture(scope="module")
async def house(folder: Path) -> AsyncIterator[House]:
    where = folder / "house"
    where.mkdir(mode=0o755)
    async with a_house(where, EVENTS) as opened:
        yield opened


def workbook_bomb() -> bytes:
    """A workbook of a few kilobytes whose sheet unpacks to 300 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/'
            'workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument'
            '.spreadsheetml.worksheet+xml"/></Types>',
        )
        file.writestr(
            "xl/workbook.xml",
            '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.'
            'openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
            "</sheets></workbook>",
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
            'Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target='
            '"worksheets/sheet1.xml"/></Relationships>',
        )
        with file.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(
                b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>'
            )
            for _ in range(300):
                sheet.write(b'<c t="inlineStr"><is><t>' + b" " * 1_000_000 + b"</t></is></c>")
            sheet.write(b"</row></sheetData></worksheet>")
    return out.getvalue()


WIDE = ";".join(f"cot {n}" for n in range(30)) + "\n"
TABLE = "cụm;đơn vị;mã đơn vị\n" + "".join(f"Cụm {n // 30};Đơn vị {n};don-vi-{n}\n" for n in range(4_990))
FAULTY_RULES = b"".join(
    b"%b: [" % one + b"{x: 1}," * 490 + b"]\n" for one in (b"rounds", b"awards", b"votes", b"papers")
)
LONG_FAULTY_RULES = b"#" * 31_000 + b"\n" + FAULTY_RULES.replace(b"x:", b"a_name_that_rules_have_not:")
"""They are read, and checked, by a child process."""

MARKS = "a" + "\u0301\u0323" * (limits.TEXT_CHARS // 2 - 1)

Asked = Callable[[], Awaitable[httpx.Response]]
Prepared = Callable[[House], Awaitable[Asked]]


def page(person: str, path: str) -> Prepared:
    async def prepare(house: House) -> Asked:
        visitor = await house.visitor(person)
        return lambda: visitor.http.get(path)

    return prepare


def form(person: str, path: str, fields: dict[str, str], file: bytes = b"") -> Prepared:
    async def prepare(house: House) -> Asked:
        visitor = await house.visitor(person)
        sent = {"_form": house.tokens[person], **fields}
        files = {"file": ("tep.pdf", file)} if file else None
        return lambda: visitor.http.post(path, data=sent, files=files)

    return prepare


def program(method: str, path: str, body: bytes = b"", person: str = "can-bo") -> Prepared:
    async def prepare(house: House) -> Asked:
        visitor = await house.visitor(person)
        headers = {"Authorization": f"Bearer {house.secrets[person]}", "Content-Type": "application/json"}
        return lambda: visitor.http.request(method, f"/api/v1{path}", content=body, headers=headers)

    return prepare


def file_looked_at(name: str, body: bytes) -> Prepared:
    """A file that was handed in, opened to be looked at."""

    async def prepare(house: House) -> Asked:
        visitor = await house.visitor("can-bo")
        await visitor.http.post("/tep", data={"_form": house.tokens["can-bo"]}, files={"file": (name, body)})
        reference = reference_of(sha256(body).hexdigest(), name)
        return lambda: visitor.http.get(urls.preview_url(reference))

    return prepare


ACTS = CYCLE.replace("/cum/", "/cycles/") + "/acts/try"
COSTLY: dict[str, tuple[Prepared, int]] = {
    "comparison of two long drafts": (page("can-bo", f"{CYCLE}/du-thao/plan?tu=1&den=2"), 200),
    "cluster page": (page("can-bo", CYCLE), 200),
    "comments": (page("can-bo", f"{CYCLE}/y-kien"), 200),
    "what is in the register": (page("can-bo", f"{CYCLE}/da-ghi"), 200),
    "an entry of the register": (page("can-bo", f"{CYCLE}/muc/9"), 200),
    "timeline": (page("kiem-tra", f"{CYCLE}/so"), 200),
    "search in the timeline": (page("kiem-tra", f"{CYCLE}/so?{urls.WORDS}=y+kien"), 200),
    "timeline as CSV": (page("kiem-tra", f"{CYCLE}/so.csv"), 200),
    "timeline as a workbook": (page("kiem-tra", f"{CYCLE}/so.xlsx"), 200),
    "timeline as JSON": (page("kiem-tra", f"{CYCLE}/so.json"), 200),
    "time machine": (page("kiem-tra", f"{CYCLE}/thoi-diem?sau={EVENTS - 100}"), 200),
    "two moments": (page("kiem-tra", f"{CYCLE}/so-sanh?tu=100&den={EVENTS}"), 200),
    "timeline of the JSON interface": (
        program("GET", ACTS.replace("/acts/try", "/timeline?limit=1000"), person="kiem-tra"),
        200,
    ),
    "state of the JSON interface": (program("GET", ACTS.replace("/acts/try", "")), 200),
    "points of all clusters": (page("kiem-tra", "/bang/diem.xlsx"), 200),
    "board": (page("thu-ky", "/bang"), 200),
    "search": (page("kiem-tra", "/tim?q=" + "ế" * 120), 200),
    "workbook that unpacks to 300 MB": (
        form("thu-ky", urls.NEW_YEAR, {"year": "2027"}, workbook_bomb()),
        422,
    ),
    "table of lines that are empty": (form("thu-ky", urls.NEW_YEAR, {"year": "2027"}, b"\n" * 5_000_000), 422),
    "table of one line": (form("thu-ky", urls.NEW_YEAR, {"year": "2027"}, b";" * 5_000_000), 422),
    "year of the largest table": (
        form(
            "thu-ky",
            urls.NEW_YEAR,
            {"year": "2027", "organiser_name": "Thành phố", "edition": "specimen-2020.yaml"},
            TABLE.encode(),
        ),
        200,
    ),
    "form of the most fields": (
        form("can-bo", f"{CYCLE}/lam/score-self", {f"sheet.{n}.points": "1" for n in range(9_990)}),
        422,
    ),
    "form of the greatest size": (
        form("can-bo", f"{CYCLE}/lam/comment", {f"text.{n}": "ế" * 200_000 for n in range(6)}),
        422,
    ),
    "text of nothing but marks": (form("can-bo", f"{CYCLE}/lam/comment", {"by.unit": "don-vi-1", "text": MARKS}), 422),
    "rules with very many faults": (form("thu-ky", urls.EDITIONS, {"_do": "file"}, FAULTY_RULES), 200),
    "long rules with very many faults": (form("thu-ky", urls.EDITIONS, {"_do": "file"}, LONG_FAULTY_RULES), 200),
    "rules of more values than are read": (
        form("thu-ky", urls.EDITIONS, {"_do": "file"}, b"rounds: [" + b"{x: 1}," * 20_000 + b"]"),
        422,
    ),
    "rules whose total has millions of zeros": (
        form("thu-ky", urls.EDITIONS, {"_do": "file"}, b"total: 1e20000000"),
        200,
    ),
    "list of rules with very many faults": (page("thu-ky", urls.EDITIONS), 200),
    "file of the greatest size": (form("can-bo", "/tep", {}, b"%PDF-" + b"x" * 9_999_000), 200),
    "PDF of 5,000 pages looked at": (file_looked_at("dai.pdf", pdf(5_000)), 200),
    "picture bomb looked at": (file_looked_at("bom.png", picture_bomb()), 200),
    "document bomb looked at": (file_looked_at("bom.docx", docx_of(b"<a>" + b" " * 99_000_000 + b"</a>")), 200),
    "JSON of the most values": (
        program("POST", ACTS, b'{"act": "comment", "fields": {"text": [' + b"[]," * 14_000 + b"[]]}}"),
        422,
    ),
    "JSON of more values than are read": (
        program("POST", ACTS, b'{"act": "comment", "fields": {"text": [' + b"[]," * 900_000 + b"[]]}}"),
        413,
    ),
    "JSON of the greatest size": (
        program("POST", ACTS, json.dumps({"act": "comment", "fields": {"text": "ế" * 450_000}}).encode()),
        422,
    ),
}


ASKED = [
    "comparison of two long drafts",
    "cluster page",
    "timeline",
    "time machine",
    "timeline of the JSON interface",
    "year of the largest table",
    "table of lines that are empty",
    "form of the most fields",
    "text of nothing but marks",
    "rules with very many faults",
    "long rules with very many faults",
    "rules whose total has millions of zeros",
    "PDF of 5,000 pages looked at",
    "JSON of the most values",
    "JSON of more values than are read",
]


@pytest.mark.parametrize("name", COSTLY if SOAK else ASKED)
async def test_other_pages_are_answered_while_a_costly_one_works(house: House, name: str) -> None:
    prepare, status = COSTLY[name]
    ask = await prepare(house)
    found = await asked_meanwhile(house, ask())
    print(f"{name}: {found.status}, {found.before} answers before it, {found.waiting} waited at once")
    assert found.status == status, found.text[:2_000]
    assert not found.froze, found


async def test_the_control_a_page_that_blocks_is_found(house: House) -> None:
    visitor = await house.visitor("can-bo")

    def let_go(name: str, enough: bool) -> None:
        if enough:
            (house.folder / "outbox" / name).touch()

    blocked = await asked_meanwhile(
        house, visitor.http.get("/dung-hinh"), lambda _before, waiting: let_go("blocked", waiting > WAITING)
    )
    beside = await asked_meanwhile(
        house, visitor.http.get("/cham"), lambda before, _waiting: let_go("waited", before > 2 * WAITING)
    )
    assert (blocked.status, blocked.froze) == (200, True), blocked
    assert (beside.status, beside.froze) == (200, False), beside


async def test_a_page_is_made_while_all_threads_for_long_work_are_taken(house: House) -> None:
    """Not one of them, and no more than may wait: the pages that take them end only after the others are answered."""
    visitor = await house.visitor("can-bo")
    longest = [asyncio.create_task(visitor.http.get("/viec-dai", timeout=120)) for _ in range(3 * work.THREADS)]
    try:
        async with httpx.AsyncClient(base_url=house.address, timeout=30) as stranger:
            for path in (urls.LOGIN, "/khong-co"):
                assert "</html>" in (await stranger.get(path)).text
        assert "</html>" in (await visitor.http.get(urls.ME, timeout=30)).text
        assert not any(one.done() for one in longest)
    finally:
        (house.folder / "outbox" / "enough").touch()
    assert {(await one).status_code for one in longest} == {200}


# What hangs behind the pages ----------------------------------------------------------------------------------------


def signal_tree(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and its children, and theirs. Those that have just ended get none."""
    try:
        os.kill(pid, number)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (ProcessLookupError, FileNotFoundError):
        return
    for child in children:
        signal_tree(int(child), number)


@contextmanager
def stopped(pid: int, *, tree: bool = True) -> Iterator[None]:
    """A process that hangs while the context lasts, with its children or without them."""
    send = signal_tree if tree else os.kill
    send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pid, signal.SIGCONT)


PAGES = ["/viec", CYCLE, f"{CYCLE}/du-thao/plan", "/tim?q=cum", "/tep", "/toi", urls.LOGIN]


async def test_a_database_that_hangs_is_told_on_every_page_and_takes_nothing_typed(house: House) -> None:
    """Everything here is answered before the database goes on; afterwards all goes on by itself."""
    assert house.postgres.server is not None
    visitor = await house.visitor("can-bo")
    bearer = {"Authorization": f"Bearer {house.secrets['can-bo']}"}
    text = "Một ý kiến vừa gõ"
    fields = {"_form": house.tokens["can-bo"], "by.unit": "don-vi-1", "text": text, "_step": "look"}
    with stopped(house.postgres.server.pid):
        pages, typed, api, health, ready = await asyncio.gather(
            asyncio.gather(*(visitor.http.get(path, timeout=15) for path in PAGES * 3)),
            visitor.http.post(f"{CYCLE}/lam/comment", data=fields, timeout=15),
            visitor.http.get("/api/v1/tasks", headers=bearer, timeout=15),
            visitor.http.get("/healthz", timeout=15),
            visitor.http.get("/readyz", timeout=15),
        )
        slowest = max(one.elapsed.total_seconds() for one in [*pages, typed, api, ready])
        print(f"database stopped: the slowest of {len(pages) + 3} answers came after {slowest:.1f} s")
        assert (health.status_code, ready.status_code) == (200, 503)
        for one in [*pages, typed]:
            if one.url.path == urls.LOGIN:  # the form of the login needs no database
                continue
            assert (one.status_code, one.headers["retry-after"]) == (503, "5"), one.url
            assert "không trả lời" in one.text
        assert text in typed.text
        assert (api.status_code, set(api.json())) == (503, {"code", "text", "place"})
        at_once = await visitor.http.get("/viec", timeout=15)  # nobody waits for what is known
        assert at_once.status_code == 503
    await eventually(lambda: _answers(visitor.http, "/viec"))
    again = await asyncio.gather(*(visitor.http.get(path) for path in PAGES * 3))
    assert {one.status_code for one in again} == {200}
    assert (await visitor.http.post(f"{CYCLE}/lam/comment", data=fields)).status_code == 200


async def test_a_database_that_opens_no_connection_is_told_too(house: House) -> None:
    assert house.postgres.server is not None
    visitor = await house.visitor("can-bo")
    with stopped(house.postgres.server.pid, tree=False):
        # More at once than there are open connections: the others wait for one that cannot be opened.
        answers = await asyncio.gather(*(visitor.http.get("/viec", timeout=15) for _ in range(40)))
        assert {one.status_code for one in answers} <= {200, 503}
        assert (await visitor.http.get("/healthz")).status_code == 200
    await eventually(lambda: _answers(visitor.http, "/viec"))


async def _answers(http: httpx.AsyncClient, path: str) -> bool:
    return (await http.get(path)).status_code == 200


async def test_a_temporal_server_that_hangs_leaves_an_act_pending(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form comes back with what was typed, under the same command id."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    visitor = await site.log_in("an")
    path = urls.act_url(stream, "comment")
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    address = "{}:{}".format(*silent.sockets[0].getsockname())
    monkeypatch.setattr("workflows.client.ANSWER_DEADLINE_S", 1.0)
    async with open_client(address, "thidua", None, lazy=True) as client:
        site.services.application.client = TemporalClient(client)
        await visitor.get(path)
        hidden = visitor.hidden()
        await visitor.post(path, **{**hidden, "by.unit": "don-vi-1", "text": "Ý kiến", "_step": "send"})
        site.services.application.client = site.app.client
        del client
    silent.close()
    assert visitor.status == 503
    assert (hidden["_id"] in visitor.page, "Ý kiến" in visitor.page) == (True, True)
