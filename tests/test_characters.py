"""Every route with every kind of bad character, number, date, length and body, wherever a request can carry one.

`make soak` tries every combination; `make test` a sample that is the same each time.
"""

from __future__ import annotations

import ast
from collections.abc import Coroutine, Iterable, Iterator
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_origin

import pytest
from annotated_types import Le, Lt
from asgi_help import Answer, ask
from engine_help import CITY, open_cycle, submit, units
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.routing import iter_route_contexts
from fuzz_help import (
    FORM,
    JSON,
    Fuzzer,
    Route,
    fields_of_description,
    problems,
    routes_of,
    try_forms,
    try_headers,
    try_json,
    try_paths,
    try_queries,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from soak import SOAK
from speech import RULES
from starlette.routing import Mount
from web_help import Site

from application.fields import parse_day
from domain.cycle import COMMANDS, ENTERED_BY_PERSONS
from domain.dates import parse_when
from domain.numbers import uuid_of, whole_number
from domain.types import Points
from errors import InputError
from i18n.page_texts import STEPS
from resources import ROOT
from web import request_checks
from web.app import build
from web.auth import checked_form
from web.checks import Number
from web.json_bodies import DEPTH, read_json
from web.request_rate import RequestRate
from web.services import get_services


@pytest.fixture
async def fuzzer(site: Site) -> Fuzzer:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    await site.person("can-bo", "don-vi-1")
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    site.services.rate = RequestRate(person=(1e6, 1e6), address=(1e6, 1e6))
    site.services.throttle.unit_s = 0.0
    secret = await site.services.accounts.open("thu-ky", "rehearsal")
    token = await site.services.accounts.new_token("thu-ky", "thử", "sign", 1)
    organiser, year, cluster = stream.split("/")
    values = {
        "organiser": organiser,
        "year": year,
        "cluster": cluster,
        "act": "comment",
        "version": "1",
        "meeting": "hn-1",
    }
    values |= {"unit": "don-vi-1", "kind": "covenant", "job": "x", "person": "can-bo", "number": "moi", "digest": "x"}
    values |= {"name": "x", "extension": "csv", "secret": "x", "language": "en", "path": "desk.css"}
    values |= {"round": "appraised", "criterion": "a1"}
    own = "id: thu\ntitle: Thử\ncriteria: [{id: a, title: A, max: 5}]\n"
    draft = await site.services.edition_drafts.add(CITY, "Thử", own, "thu-ky")
    values |= {"edition": draft, "part": "xep-loai", "place": "0"}
    fuzzer = Fuzzer(build(site.services), site, {name: value.encode() for name, value in values.items()}, secret, token)
    begin = next(one for one in routes_of(fuzzer.app) if (one.path.endswith("/hoi-nghi"), one.method) == (True, "POST"))
    body = fuzzer.form(begin, (b"id", b"hn-1"))
    await ask(fuzzer.app, "POST", fuzzer.at(begin), b"", [*fuzzer.headers(begin), (b"content-type", FORM)], body)
    return fuzzer


# The cases ------------------------------------------------------------------------------------------------------------

FEW = {"path": 16, "query": 32, "header": 120, "form": 80, "field": 480}
"""Of so many cases of a kind one is sent."""


async def try_everything(fuzzer: Fuzzer, samples: dict[str, int]) -> None:
    description = (await ask(fuzzer.app, "GET", b"/api/v1/openapi.json")).json()
    fields = fields_of_description(description)
    assert len({act for act, _path in fields}) > len(ENTERED_BY_PERSONS) * 0.9  # the others have no fields
    for route in routes_of(fuzzer.app):
        fuzzer.sample = samples["path"]
        await try_paths(fuzzer, route)
        fuzzer.sample = samples["query"]
        await try_queries(fuzzer, route)
        fuzzer.sample = samples["header"]
        await try_headers(fuzzer, route)
        if route.method == "POST" and route.path.endswith(("/acts", "/acts/try")):
            fuzzer.sample = samples["field"]
            await try_json(fuzzer, route, fields)
        elif route.method == "POST" and not route.is_api:
            fuzzer.sample = samples["form"]
            await try_forms(fuzzer, route)


async def test_every_route_answers_bad_input_with_a_sentence(fuzzer: Fuzzer) -> None:
    await try_everything(fuzzer, dict.fromkeys(FEW, 1) if SOAK else FEW)
    print(dict(fuzzer.kinds), dict(fuzzer.statuses))
    assert fuzzer.findings == [], "\n".join(fuzzer.findings)
    assert set(fuzzer.kinds) == {"path", "query", "header", "form", "body", "JSON", "field"}
    assert {route.path for route in routes_of(fuzzer.app)} == fuzzer.paths


async def test_a_route_that_breaks_is_found(fuzzer: Fuzzer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative controls: each kind of request finds the route that lacks what it looks for."""

    @fuzzer.app.get("/hong/{number}")
    async def broken_page(number: str, wanted: str = "1") -> Response:
        return PlainTextResponse(f"{int(number)} {int(wanted)}")

    @fuzzer.app.get("/hong")
    async def silent_page(wanted: int = 1) -> Response:
        return PlainTextResponse("", 200 if wanted == 1 else 422)

    @fuzzer.app.post("/hong")
    async def broken_form(request: Request) -> Response:
        form = await checked_form(request)
        await get_services(request).accounts.get(str(form.get("chair", "")))
        return PlainTextResponse(str(int(str(form.get("chair", "1")))))

    @fuzzer.app.get("/api/hong/{number}")
    async def other_shape(number: str) -> Response:
        return JSONResponse({"detail": "none"}, 404)

    @fuzzer.app.post("/api/hong")
    async def reads_it_itself(request: Request) -> Response:
        return JSONResponse((await request.json())["act"] + 1)

    fuzzer.values["number"] = b"7"
    routes = {(one.method, one.path): one for one in routes_of(fuzzer.app)}
    page, silent, form = (routes[one] for one in (("GET", "/hong/{number}"), ("GET", "/hong"), ("POST", "/hong")))
    await try_paths(fuzzer, page)
    assert any("number=squared" in one and "status 500" in one for one in fuzzer.findings)
    await found_by(fuzzer, try_queries(fuzzer, page), "wanted=no number: status 500")
    await found_by(fuzzer, try_queries(fuzzer, silent), "wanted=30 digits: no sentence")
    await found_by(fuzzer, try_forms(fuzzer, form), "chair=fraction: status 500")
    api = Route("/api", "/hong/{number}", "GET", (), other_shape)
    await found_by(fuzzer, try_paths(fuzzer, api), "not {code, text, place}")
    await found_by(fuzzer, try_json(fuzzer, Route("/api", "/hong", "POST", (), reads_it_itself), []), "status 500")
    monkeypatch.setattr(request_checks, "refusal", lambda _scope: None)
    board = next(one for one in routes_of(fuzzer.app) if one.path == "/bang.{extension}")
    await found_by(fuzzer, try_queries(fuzzer, board), "nul: status 200")
    await found_by(fuzzer, try_queries(fuzzer, board), "surrogate: status 200")


async def found_by(fuzzer: Fuzzer, trying: Coroutine[Any, Any, None], finding: str) -> None:
    fuzzer.findings.clear()
    await trying
    assert any(finding in one for one in fuzzer.findings), (finding, fuzzer.findings)


def test_an_answer_without_sentence_language_or_shape_is_a_problem() -> None:
    told = b'<html lang="vi"><div class="message wrong" role="alert">Sai.</div>'
    assert list(problems(Answer(422, {}, told), is_api=False)) == []
    assert list(problems(Answer(404, {}, b'{"code":"page_not_found","text":"x","place":null}'), is_api=True)) == []
    for status, body, is_api in (
        (400, told, False),
        (500, told, False),
        (503, told, False),
        (422, told.replace(b"vi", b"en"), False),
        (422, b'<html lang="vi">', False),
        (422, told.replace(b"Sai.", b"bad_request"), False),
        (200, b"Traceback (most recent call last)", False),
        (404, b'{"code":"page_not_found","text":"x"}', True),
        (404, b'{"code":"no such code","text":"x","place":null}', True),
        (404, told, True),
    ):
        assert list(problems(Answer(status, {}, body), is_api=is_api)), (status, body)


# Programs -------------------------------------------------------------------------------------------------------------


async def test_programs_get_code_text_and_place_for_every_error(fuzzer: Fuzzer) -> None:
    way, token = fuzzer.at(acts_route(fuzzer)), (b"authorization", b"Bearer " + fuzzer.token.encode())
    json_ = (b"content-type", JSON)
    for method, path, headers, body, status, code in (
        ("GET", b"/api", (), b"", 404, "page_not_found"),
        ("GET", b"/api/v2/me", (), b"", 404, "page_not_found"),
        ("GET", b"/api/v1/khong-co", (), b"", 404, "page_not_found"),
        ("GET", b"/api/v1/%00", (), b"", 404, "page_not_found"),
        ("DELETE", b"/api/v1/me", (), b"", 405, "method_not_allowed"),
        ("GET", b"/api/v1/me", (), b"", 401, "token_needed"),
        ("GET", b"/api/v1/search", (token,), b"", 422, "bad_request"),
        ("POST", way, (token, json_), b"{", 422, "json_unreadable"),
        ("POST", way, (token, json_), b'{"act": 1}', 422, "bad_request"),
        ("POST", way, (token,), b"{}", 422, "json_expected"),
        ("POST", way, (token, json_), b'{"act": "comment", "fields": {"text": "\\ud800"}}', 422, "unstorable_text"),
        ("POST", way, (token, json_, (b"content-length", b"13000000")), b"{}", 413, "too_large"),
        ("POST", way, (token, json_, (b"content-length", b"abc")), b"{}", 422, "bad_header"),
    ):
        answer = await ask(fuzzer.app, method, path, b"", headers, body)
        told = answer.json()
        assert (answer.status, told["code"], set(told)) == (status, code, {"code", "text", "place"}), (path, body)
        assert told["text"] not in {"", code}
    place = (await ask(fuzzer.app, "POST", way, b"", (token, json_), b'{"act": "a\\u0000"}')).json()["place"]
    assert place == "act"


def acts_route(fuzzer: Fuzzer) -> Route:
    return next(one for one in routes_of(fuzzer.app) if one.path.endswith("/acts") and one.method == "POST")


async def test_no_parser_meets_a_header_that_it_would_read_for_seconds(
    fuzzer: Fuzzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quoted cookies, and parameters of a media type, are parsed in time by the square of their length."""
    parsed = list[str]()
    monkeypatch.setattr("starlette.requests.cookie_parser", lambda text: parsed.append(text) or {})
    token = (b"authorization", b"Bearer " + fuzzer.token.encode())
    for name, value, status in (
        (b"cookie", b'a="' + b"\\\\" * 4_000 + b'"', 422),
        (b"cookie", b"a=" + b"b" * 8_001, 422),
        (b"content-type", b'application/json; x="' + b";" * 7_000 + b'"', 422),
        (b"content-type", b'text/html; x="' + b";" * 150, 422),
        (b"cookie", b'a="' + b"\\\\" * 3_000 + b'"; b=1; c="d"', 401),
    ):
        for method, path in (("GET", b"/toi"), ("POST", b"/toi"), ("GET", b"/healthz"), ("POST", b"/api/v1/x")):
            answer = await ask(fuzzer.app, method, path, b"", [(name, value), token])
            assert status in {answer.status, 401}, (path, value[:20], answer.status)
    assert set(parsed) <= {" b=1"}, [one[:40] for one in parsed]
    assert parsed, "the rest of the cookies is read"


async def test_usual_media_types_are_read(fuzzer: Fuzzer) -> None:
    way, token = fuzzer.at(acts_route(fuzzer)), (b"authorization", b"Bearer " + fuzzer.token.encode())
    for kind in (b"application/json", b'application/json; charset="utf-8"', b"application/json;charset=utf-8; x=y"):
        answer = await ask(fuzzer.app, "POST", way, b"", (token, (b"content-type", kind)), b"{")
        assert answer.json()["code"] == "json_unreadable", kind


async def test_a_refused_address_is_told_in_the_language_of_the_reader(fuzzer: Fuzzer) -> None:
    for language, words in ((b"vi", "Địa chỉ quá dài"), (b"en", "The address is too long")):
        cookie = (b"cookie", b"thidua_lang=" + language)
        answer = await ask(fuzzer.app, "GET", b"/dang-nhap", b"den=%ff", [cookie])
        assert (answer.status, words in answer.text) == (422, True)


async def test_what_was_typed_stands_in_the_form_again_where_one_field_cannot_be_stored(fuzzer: Fuzzer) -> None:
    route = next(one for one in routes_of(fuzzer.app) if one.path.endswith("/lam/{act}") and one.method == "POST")
    body = fuzzer.form(route, (b"text", b"Gi%E1%BB%AF+l%E1%BA%A1i"), (b"by.group", b"a%00"))
    answer = await ask(
        fuzzer.app, "POST", fuzzer.at(route), b"", [*fuzzer.headers(route), (b"content-type", FORM)], body
    )
    assert (answer.status, "Giữ lại" in answer.text) == (422, True)


async def test_a_form_is_refused_where_it_is_ill_formed_and_not_where_that_sign_was_typed(fuzzer: Fuzzer) -> None:
    route = next(one for one in routes_of(fuzzer.app) if (one.path, one.method) == ("/toi", "POST"))
    headers = [*fuzzer.headers(route), (b"content-type", FORM)]
    for value, status in ((b"%FF", 422), (b"%ED%A0%80", 422), (b"%00", 422), (b"%EF%BF%BD", 200), (b"%E1%BA%A1", 200)):
        body = fuzzer.form(route, (b"_do", b"nothing"), (b"name", value))
        answer = await ask(fuzzer.app, "POST", fuzzer.at(route), b"", headers, body)
        assert answer.status == status, value


# What reads them ------------------------------------------------------------------------------------------------------


def test_numbers_and_ids_are_read_strictly() -> None:
    assert [whole_number(one) for one in ("0", "7", "007", "123456789")] == [0, 7, 7, 123_456_789]
    for bad in ("", "²", "٣", "１", "1_0", " 1", "1 ", "+1", "-1", "1.0", "1" * 10, "9" * 5_000, "a\ud800", None, 7):
        assert whole_number(bad) is None, bad
    text = "6f2c2b1e-7a54-5b7e-9d39-0f4d5a1c3e77"
    assert str(uuid_of(text)) == str(uuid_of(text.upper())) == text
    for bad in ("", f"{{{text}}}", f"urn:uuid:{text}", text.replace("6", "٦"), text.replace("-", ""), None):
        assert uuid_of(bad) is None, bad


@pytest.mark.parametrize("typed", ["٩,٥", "１２", "1_000", "9,5\u0665"])
def test_points_are_written_with_the_digits_0_to_9(typed: str) -> None:
    assert str(TypeAdapter(Points).validate_python(" 9,5\u00a0")) == "9.5"
    with pytest.raises(ValidationError, match="decimal_parsing"):
        TypeAdapter(Points).validate_python(typed)


@pytest.mark.parametrize(
    "typed", ["٠١/٠٢/٢٠٢٦", "31/02/2026", "01/01/0000", "01/01/99999", "0000-01-01", "１/２/２０２６"]
)
def test_days_are_days_of_the_calendar_in_the_digits_0_to_9(typed: str) -> None:
    for read in (parse_day, parse_when):
        with pytest.raises((InputError, PydanticCustomError)):
            read(typed)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "json_unreadable"),
        (b"\xff", "json_unreadable"),
        (b"NaN", "json_unreadable"),
        (b"9" * 5_000, "json_unreadable"),
        (b"[" * 100_000, "json_too_deep"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "json_too_deep"),
        (b'{"a": 1, "a": 2}', "json_key_twice"),
        (b'{"a": 1e400}', "number_too_large"),
        (b"[9999999999999999]", "number_too_large"),
        (b'"\\ud800"', "unstorable_text"),
        (b'{"\\u0000": 1}', "unstorable_text"),
    ],
)
def test_json_is_read_within_bounds(body: bytes, code: str) -> None:
    with pytest.raises(InputError) as wrong:
        read_json(body)
    assert wrong.value.code == code
    assert read_json(b'{"a": [1, 2.5, "\\ud83d\\ude00", null]}') == {"a": [1, 2.5, "\U0001f600", None]}


# New routes and new code ----------------------------------------------------------------------------------------------


def loose_readings(tree: ast.AST) -> Iterator[str]:
    """Where numbers and ids are read in a way that takes more than the digits 0 to 9, or raises."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="isdigit" | "isdecimal" | "isnumeric"):
                yield f"{node.lineno}: {node.attr}"
            case ast.Call(func=ast.Name(id="UUID"), args=[argument]) if not isinstance(argument, ast.Constant):
                yield f"{node.lineno}: UUID"
            case ast.Constant(value=str(text)) if r"\d" in text:
                yield f"{node.lineno}: \\d"
            case _:
                pass


def test_numbers_and_ids_are_read_in_one_module() -> None:
    assert len(list(loose_readings(ast.parse(r"x.isdigit(); UUID(x); re.compile('\\d'); UUID('a')")))) == 3
    found = {}
    for folder in ("accounts", "application", "cli", "domain", "i18n", "vault", "web"):
        for file in (ROOT / folder).rglob("*.py"):
            if file.name != "numbers.py" and (loose := list(loose_readings(ast.parse(file.read_text())))):
                found[str(file.relative_to(ROOT))] = loose
    assert found == {}


def numbers_in(annotation: Any, marks: Iterable[Any]) -> Iterator[bool]:
    """For each number in a type, whether it has a greatest value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for inner in annotation.model_fields.values():
            yield from numbers_in(inner.annotation, inner.metadata)
    elif annotation in {int, float}:
        yield any(isinstance(bound, (Le, Lt)) for mark in marks for bound in getattr(mark, "metadata", (mark,)))
    elif get_origin(annotation) is Annotated:
        first, *more = get_args(annotation)
        yield from numbers_in(first, more)
    else:
        for inner_type in get_args(annotation):
            yield from numbers_in(inner_type, marks)


def unbounded_numbers(app: FastAPI) -> tuple[list[str], int]:
    """Parameters of addresses that are numbers without a greatest value; and how many numbers there are."""
    loose, count = [], 0

    def look(path: str, dependant: Any) -> None:
        nonlocal count
        for one in (*dependant.path_params, *dependant.query_params):
            bounded = list(numbers_in(one.field_info.annotation, one.field_info.metadata))
            count += len(bounded)
            if not all(bounded):
                loose.append(f"{path} {one.name}")
        for inner in dependant.dependencies:
            look(path, inner)

    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            inner_loose, inner_count = unbounded_numbers(route.app)
            loose, count = loose + inner_loose, count + inner_count
        elif (dependant := getattr(context, "dependant", None)) is not None:
            look(str(context.path), dependant)
    return loose, count


def test_every_number_in_an_address_has_bounds() -> None:
    services: Any = SimpleNamespace(application=SimpleNamespace(rehearsal=True))
    app = build(services)
    loose, count = unbounded_numbers(app)
    assert (loose, count >= 8) == ([], True)

    @app.get("/hong")
    async def unbounded(wanted: int, page: Annotated[Number, Query()] = 0) -> Response:
        return PlainTextResponse(f"{wanted} {page}")

    assert unbounded_numbers(app) == (["/hong wanted"], count + 2)


def test_every_step_of_an_act_or_event_has_a_heading() -> None:
    """The choice of acts and the timeline show them; a step without one breaks the page."""
    acts = {act.__module__.rsplit(".", 1)[-1] for act in COMMANDS}
    assert acts <= set(STEPS)
