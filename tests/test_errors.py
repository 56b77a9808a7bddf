"""Each coded error has a kind, and each kind its exit code and status. Only a lost connection is "away"."""

from __future__ import annotations

import ast
import asyncio
import errno
import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from conftest import eventually
from engine_help import CITY, open_cycle, units
from error_help import coded_errors
from speech import RULES
from structlog.testing import capture_logs
from test_web_api import bearer
from web_help import Site

from application.error_mapping import coded_error
from cli.outcome import Exit, explain
from errors import EXIT_CODES, HTTP_STATUSES, CodedError, Kind
from i18n.messages import SENTENCES
from ledger.connection import connect, is_lost, is_of_statement, is_overloaded
from ledger.postgres import PostgresLedger, open_pool
from local.process import free_ports
from resources import ROOT

ADDRESS = "có ký tự không dùng được"
AWAY, FULL, UNSTORABLE, BUG = "không trả lời", "Đĩa của máy chủ đã đầy", "ký tự không lưu được", "Phần mềm có lỗi"
LOST = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = $1"

# Kinds ------------------------------------------------------------------------------------------------------------


def test_every_kind_has_an_exit_code_and_a_status() -> None:
    assert set(EXIT_CODES) == set(HTTP_STATUSES) == set(Kind)
    table = (ROOT / "docs" / "cli.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert set(EXIT_CODES.values()) == {int(code) for code in Exit} - {Exit.DONE}
    assert set(EXIT_CODES.values()) <= documented


def test_every_coded_error_has_a_kind_an_exit_code_and_a_status() -> None:
    found = coded_errors()
    assert len(found) > 15
    for one in found:
        error = one.__new__(one)
        assert isinstance(error.kind, Kind), one
        assert error.exit_code == EXIT_CODES[error.kind], one
        assert 400 <= error.http_status <= 599, one
    own = {one.__name__ for one in found if "http_status" in vars(one)} - {"CodedError"}
    assert own == {"LoginNeededError", "QuotaError"}, "HTTP itself has statuses for these two"


def test_a_class_that_brings_its_own_code_brings_one_with_a_sentence() -> None:
    fixed = 0
    for one in coded_errors():
        try:
            made: Any = one()  # type: ignore[call-arg]
        except TypeError:  # its code is given where it is raised, and `test_words.py` looks there
            continue
        fixed += 1
        assert made.code in SENTENCES, one
    assert fixed >= 5


def _modules() -> list[Path]:
    return [file for file in ROOT.rglob("*.py") if file.relative_to(ROOT).parts[0] not in {"tests", ".venv"}]


def test_no_other_class_has_a_code_of_its_own() -> None:
    known, found = {one.__name__ for one in coded_errors()}, set[tuple[str, str]]()
    for file in _modules():
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ClassDef) or node.name == "CodedError":
                continue
            text = ast.unparse(node)
            if re.search(r"self\.code(: \w+)? = ", text):
                found.add((file.name, node.name))
            bases = {ast.unparse(base) for base in node.bases}
            if bases & known:
                assert node.name in known, f"{file}: {node.name} is not imported by the walk"
    assert found == set()


def test_the_base_imports_only_the_standard_library() -> None:
    tree = ast.parse((ROOT / "errors.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {str(name).split(".")[0] for name in modules} <= sys.stdlib_module_names


# What a foreign error means ---------------------------------------------------------------------------------------


def _unencodable() -> Exception:
    error = asyncpg.exceptions._base.DataError("invalid input for query argument $1")
    error.__cause__ = UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
    return error


@pytest.mark.parametrize(
    ("error", "is_its_own"),
    [
        (asyncpg.CharacterNotInRepertoireError("x"), True),
        (asyncpg.CheckViolationError("x"), True),
        (asyncpg.UndefinedColumnError("x"), True),
        (asyncpg.InsufficientPrivilegeError("x"), True),
        (asyncpg.exceptions._base.DataError("an integer is required"), True),
        (_unencodable(), True),
        (asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"), True),
        (asyncpg.InterfaceError("cannot perform operation: connection is closed"), False),
        (asyncpg.AdminShutdownError("x"), False),
        (asyncpg.DeadlockDetectedError("x"), False),
        (asyncpg.DiskFullError("x"), False),
        (asyncpg.OutOfMemoryError("x"), False),
        (asyncpg.QueryCanceledError("x"), False),
        (ConnectionResetError(errno.ECONNRESET, "x"), False),
        (KeyError("x"), False),
    ],
)
def test_a_statement_is_at_fault_where_another_one_would_succeed(error: Exception, is_its_own: bool) -> None:
    assert is_of_statement(error) == is_its_own


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("x"), Kind.AWAY),
        (ConnectionResetError(errno.ECONNRESET, "x"), Kind.AWAY),
        (OSError(errno.EHOSTUNREACH, "x"), Kind.AWAY),
        (socket.gaierror(socket.EAI_NONAME, "x"), Kind.AWAY),
        (TimeoutError(), Kind.AWAY),
        (asyncpg.AdminShutdownError("x"), Kind.AWAY),
        (asyncpg.CrashShutdownError("x"), Kind.AWAY),
        (asyncpg.CannotConnectNowError("x"), Kind.AWAY),
        (asyncpg.ConnectionDoesNotExistError("x"), Kind.AWAY),
        (asyncpg.TooManyConnectionsError("x"), Kind.AWAY),
        (asyncpg.InterfaceError("cannot call Connection.fetch(): the underlying connection is closed"), Kind.AWAY),
        (asyncpg.InterfaceError("cannot perform operation: connection is closed"), Kind.AWAY),
        (asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"), Kind.AWAY),
        (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), None),
        (asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"), None),
        (asyncpg.InternalClientError("no decoder for OID 1"), None),
        (asyncpg.UndefinedTableError("x"), None),
        (asyncpg.UndefinedColumnError("x"), None),
        (asyncpg.PostgresSyntaxError("x"), None),
        (asyncpg.QueryCanceledError("x"), Kind.AWAY),
        (asyncpg.DeadlockDetectedError("x"), Kind.AWAY),
        (asyncpg.LockNotAvailableError("x"), Kind.AWAY),
        (asyncpg.SerializationError("x"), Kind.AWAY),
        (asyncpg.OutOfMemoryError("x"), None),
        (asyncpg.CheckViolationError("x"), None),
        (asyncpg.InsufficientPrivilegeError("x"), None),
        (asyncpg.exceptions._base.DataError("an integer is required"), None),
        (PermissionError(errno.EACCES, "x"), None),
        (FileNotFoundError(errno.ENOENT, "x"), None),
        (KeyError("x"), None),
        (asyncpg.DiskFullError("x"), Kind.OURS),
        (OSError(errno.ENOSPC, "x"), Kind.OURS),
        (asyncpg.CharacterNotInRepertoireError("x"), Kind.INPUT),
        (asyncpg.UntranslatableCharacterError("x"), Kind.INPUT),
        (_unencodable(), Kind.INPUT),
    ],
)
def test_only_a_lost_connection_or_a_busy_database_is_away(
    error: Exception, kind: Kind | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THIDUA_LOGS", str(tmp_path))
    found = coded_error(error)
    assert (None if found is None else found.kind) == kind
    assert (is_lost(error) or is_overloaded(error)) == (kind is Kind.AWAY)
    assert not (is_lost(error) and is_overloaded(error))
    code, text = explain(error)
    assert code == EXIT_CODES[kind or Kind.OURS]
    assert (AWAY in text) == (kind is Kind.AWAY)
    assert (FULL in text) == (kind is Kind.OURS)
    kept = (tmp_path / "errors.log").exists()
    assert kept == (code == Exit.OUR_BUG), "the traceback is kept"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://x@127.0.0.1:{port}/x",
        "postgresql://x@localhost:{port}/x",
        "postgresql://x@127.0.0.1,127.0.0.1:{port}/x",
        "postgresql://x@no.such.host.invalid:{port}/x",
        "postgresql://x@/x?host=/nowhere/at/all",
        "no address",
    ],
)
async def test_an_address_where_no_database_answers_is_away(url: str) -> None:
    (port,) = free_ports(1)
    with pytest.raises((OSError, asyncpg.PostgresError)) as alone:
        await connect(url.format(port=port))
    assert is_lost(alone.value), alone.value
    pool = await open_pool(url.format(port=port))
    with pytest.raises((OSError, asyncpg.PostgresError)) as pooled:
        await pool.fetch("select 1")
    assert is_lost(pooled.value), pooled.value
    pool.terminate()


# Pages ------------------------------------------------------------------------------------------------------------


async def test_a_connection_lost_at_any_moment_is_away_and_then_forgotten(site: Site) -> None:
    """Twenty times, with reads under way: how the loss shows depends on what the loop reads first."""
    ledger: PostgresLedger = site.services.application.ledger
    owner = await asyncpg.connect(site.app.endpoints.owner_url)

    async def read() -> Exception | None:
        try:
            await ledger.pool.fetchval("select count(*) from ledger.event, pg_sleep(0.002)")
        except Exception as error:  # noqa: BLE001 - what it is, is the question
            return error
        return None

    met = list[str]()
    for _ in range(20):
        killing = owner.fetch(LOST, "thidua_web")
        answers = await asyncio.gather(*(read() for _ in range(6)), killing, *(read() for _ in range(6)))
        errors = [one for one in answers if isinstance(one, Exception)]
        assert all(is_lost(one) for one in errors), errors
        met += [type(one).__name__ for one in errors]

        async def answers_again() -> bool:
            return await read() is None

        await eventually(answers_again)
    assert met
    await owner.close()


async def test_our_own_wrong_statement_is_not_told_as_a_database_that_is_away(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    an, head = await site.log_in("an"), await bearer(site, "thu-ky", "act")
    way = f"/cum/{stream}/lam/comment"
    await an.get(way)
    fields = {**an.hidden(), "by.unit": "don-vi-1", "text": "Một ý kiến dài."}
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    await owner.execute("alter table accounts.draft rename to elsewhere")
    await owner.execute("alter table projections.board rename to elsewhere")
    await owner.close()
    with capture_logs() as logged:
        await an.post(way, **fields, _step="look")
    assert an.status == 500
    assert AWAY not in an.page
    assert BUG in an.page
    assert "Một ý kiến dài." in an.page, "nothing typed is lost"
    assert [type(one["exc_info"]).__name__ for one in logged if one["event"] == "our bug"] == ["UndefinedTableError"]
    await an.get("/viec")
    assert (an.status, AWAY in an.page) == (500, False)
    answer = await an.http.get("/api/v1/board", headers=head)
    assert (answer.status_code, answer.json()["code"]) == (500, "our_bug_web")


async def test_a_browser_that_leaves_in_the_middle_of_a_form_is_no_mistake_of_ours(site: Site) -> None:
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    host, port = site.address.removeprefix("http://").split(":")
    cookies = "; ".join(f"{name}={value}" for name, value in an.http.cookies.items())
    head = (
        f"POST /tep HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookies}\r\nContent-Length: 1000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n_form="
    )
    with capture_logs() as logged:
        _reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode())
        await writer.drain()
        writer.close()

        async def noted() -> bool:
            return any(one["event"] == "request" and one["method"] == "POST" for one in logged)

        await eventually(noted)
    assert [one["event"] for one in logged if one["event"] == "client left"] == ["client left"]
    assert [one for one in logged if one["log_level"] in {"error", "critical"}] == []


async def test_a_full_disk_is_told_as_such(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    way = f"/cum/{stream}/lam/comment"
    await an.get(way)
    fields = {**an.hidden(), "by.unit": "don-vi-1", "text": "Một ý kiến dài."}
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    await owner.execute(
        "create function accounts.full() returns trigger language plpgsql as "
        "$$ begin raise exception 'could not extend file' using errcode = '53100'; end $$"
    )
    await owner.execute("create trigger full_ before insert on accounts.draft execute function accounts.full()")
    await owner.close()
    with capture_logs() as logged:
        await an.post(way, **fields, _step="look")
    assert (an.status, FULL in an.page, AWAY in an.page) == (500, True, False)
    assert "quản trị" in an.page
    assert "Một ý kiến dài." in an.page
    assert [type(one["exc_info"]).__name__ for one in logged if one["event"] == "fault"] == ["DiskFullError"]


async def test_a_text_that_cannot_be_stored_is_wrong_input_and_its_field_is_named(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    an, head = await site.log_in("an"), await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/comment"
    await an.get(way)
    await an.post(way, **{**an.hidden(), "by.unit": "don-vi-1", "text": "a\0b"}, _step="look")
    assert (an.status, UNSTORABLE in an.page, AWAY in an.page) == (422, True, False)
    assert re.search(rf"Nội dung: [^<]*{UNSTORABLE}", an.page)
    await an.get("/dang-nhap")
    await an.post("/dang-nhap", person="a\0n", _password="x")
    assert (an.status, UNSTORABLE in an.page, AWAY in an.page) == (422, True, False)
    assert 'value="an"' in an.page, "what was typed is kept, but for what cannot be stored"
    for path in ("/bang?nam=%00", "/bang/don-doc?nam=20%0026"):
        await head.get(path)
        assert (head.status, ADDRESS in head.page, AWAY in head.page) == (422, True, False), path


async def test_an_api_field_that_cannot_be_stored_is_wrong_input_and_named(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    http, head = (await site.log_in("ai-do")).http, await bearer(site, "thu-ky", "act")
    head["Content-Type"] = "application/json"
    way = f"/api/v1/cycles/{stream}/acts"

    async def send(path: str, fields: dict[str, Any], **more: object) -> httpx.Response:
        body = {"act": "comment", "fields": {"by": {"unit": "don-vi-1"}, **fields}, **more}
        return await http.post(path, content=json.dumps(body), headers=head)  # half a pair only passes as an escape

    for fields, place in (
        ({"by": {"unit": "don-vi-1", "person": {"id": "a\0"}}, "text": "x"}, "fields.by.person.id"),
        ({"text": "x\ud800"}, "fields.text"),
        ({"text": "x", "k\ud800": 1}, "fields.k\\ud800"),
        ({"text": ["x", "\0"]}, "fields.text.1"),
    ):
        for path in (way, f"{way}/try"):
            answer = await send(path, fields)
            assert answer.status_code == 422, answer.text
            assert (answer.json()["code"], answer.json()["place"]) == ("unstorable_text", place)
            assert UNSTORABLE in answer.json()["text"]
    unknown = await send(way, {"text": "x"}, **{"k\ud800": 1})
    assert (unknown.status_code, unknown.json()["place"]) == (422, "k\\ud800")
    source = await send(way, {"text": "x"}, source="a\ue123b")
    assert (source.status_code, source.json()["code"]) == (422, "bad_character")
    answer = await http.get("/api/v1/board?year=%00", headers=head)
    assert (answer.status_code, answer.json()["code"], answer.json()["place"]) == (422, "bad_address", "year")


def test_the_control_a_coded_error_is_itself() -> None:
    error = CodedError("x", "where", code="y", path="z", self=1)
    assert coded_error(error) is error
    assert (error.code, error.path, error.facts) == ("x", "where", {"code": "y", "path": "z", "self": 1})
