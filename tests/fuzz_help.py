"""Bad values, and everything that can be asked of the application with them: for `test_characters.py`.

Routes, parameters and fields come from the application itself, so a new route is tried as soon as it exists.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes
from zlib import crc32

from asgi_help import Answer, Headers, ask
from engine_help import CITY
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount
from structlog.testing import capture_logs
from web_help import Site

from application.fields import FormField, form_fields
from application.year_columns import COLUMNS
from domain.records import Command
from i18n.messages import SENTENCES
from web.auth import form_token
from web.cookies import FORMS, LOGIN

# What is sent ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bad:
    """A bad value: its bytes, and whether no address may hold it: then the answer is 404 or 422."""

    name: str
    raw: bytes
    refused: bool = False

    @property
    def escaped(self) -> bytes:
        """The bytes as an address or a form sends them."""
        return self.raw if self.name.startswith("escape") else quote_from_bytes(self.raw, safe="").encode()

    @property
    def json(self) -> bytes:
        """The value as a JSON string, with lone surrogates where the bytes are those of some."""
        return json.dumps(self.raw.decode("utf-8", "surrogatepass" if "surrogate" in self.name else "replace")).encode()


def _bad(name: str, text: str, *, refused: bool = False) -> Bad:
    return Bad(name, text.encode("utf-8", "surrogatepass"), refused)


VALUES = (
    _bad("nul", "a\0b", refused=True),
    _bad("surrogate", "a\ud800", refused=True),
    _bad("surrogate pair", "\ud83d\ude00", refused=True),
    Bad("ill-formed", b"\xff\xfe", refused=True),
    Bad("cut off", b"\xe1\xba", refused=True),
    Bad("escape broken", b"a%zz", refused=True),
    Bad("escape cut off", b"a%", refused=True),
    _bad("control", "a\x07\x1b", refused=True),
    _bad("100 kB", "a" * 100_000, refused=True),
    _bad("100 kB of letters", "ạ" * 34_000, refused=True),
    _bad("100 kB of digits", "7" * 100_000, refused=True),
    _bad("squared", "²"),
    _bad("Arabic-Indic", "٣"),
    _bad("full width", "１２"),
    _bad("fraction", "½"),
    _bad("30 digits", "9" * 30),
    _bad("minus", "-1"),
    _bad("grouped", "1_000"),
    _bad("exponent", "1e400"),
    _bad("no number", "NaN"),
    _bad("empty", ""),
    _bad("31/02", "31/02/2026"),
    _bad("year 0000", "01/01/0000"),
    _bad("ISO year 0000", "0000-01-01"),
    _bad("year 99999", "01/01/99999"),
    _bad("Arabic-Indic day", "٠١/٠٢/٢٠٢٦"),
    _bad("lines", "a\r\nSet-Cookie: b=c"),
    _bad("turned", "a\u202eb\ufeff"),
    _bad("no character", "\uffff\U0010ffff"),
    _bad("upwards", "../../etc/passwd"),
    _bad("other site", "//example.invalid/\\x"),
    _bad("braces", "{0}{x!r}%s%(a)s${y}"),
    _bad("quotes", "'\"><script>alert(1)</script>"),
)

IN_HEADERS = (
    b"a\0b",
    b"\xff\xfe\xe1\xba",
    b"\xb2",
    b"abc",
    b"-1",
    b"9" * 5_000,
    b"[",
    b"http://[",
    b"http://[::1",
    b"bytes=9-1,x",
    b"bytes=999999999-",
    b"a" * 100_000,
    b"Bearer \xed\xa0\x80",
    b'thidua="\\777;;=;',
    b"",
)
HEADER_NAMES = (
    b"cookie",
    b"accept-language",
    b"authorization",
    b"content-length",
    b"content-type",
    b"origin",
    b"sec-fetch-site",
    b"host",
    b"range",
    b"if-none-match",
    b"if-modified-since",
    b"hx-request",
    b"x-forwarded-for",
    b"user-agent",
    b"accept-encoding",
    b"expect",
)

FORM = b"application/x-www-form-urlencoded"
BODIES = (
    (b"multipart/form-data", b"x"),
    (b"multipart/form-data; boundary=", b"x"),
    (b"multipart/form-data; boundary=\xff\xb2", b"--\xff\xb2\r\n\r\nx"),
    (b"multipart/form-data; boundary=b", b"x"),
    (b"multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n"),
    (b"multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a\0"\r\n\r\nx\r\n--b--\r\n'),
    (b"multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n'),
    (b"multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut'),
    (
        b"multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="\0\xff.pdf"\r\n\r\n%PDF-\r\n--b--\r\n',
    ),
    (
        b"multipart/form-data; charset=punycode; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff-\r\n--b--',
    ),
    (
        b"multipart/form-data; charset=\0; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--',
    ),
    (FORM + b"; charset=utf-16", b"a=1"),
    (FORM + b"; charset=\xff", b"a=1"),
    (FORM, b"&&==&=&%"),
    (FORM, b"a=%FF&%ED%A0%80=1"),
    (FORM, b"a=1" + b"&b=1" * 12_000),
    (FORM, b"a=" + b"1" * 13_000_000),
    (FORM, b"\xff\x00\xb2=\x01"),
    (FORM, b"sheet.\xc2\xb2.points=1&" + b".".join([b"a"] * 2_000) + b"=1&sheet." + b"9" * 5_000 + b".points=1"),
    (b"application/json", b"{}"),
    (b"text/plain", b"a=1"),
    (b"\xff/\xff", b"a"),
    (b"", b"a"),
)
JSON = b"application/json"
JSON_BODIES = (
    (JSON, b""),
    (JSON, b"{"),
    (JSON, b"\xff\xfe"),
    (JSON, b"\xef\xbb\xbf{}"),
    (JSON, "{}".encode("utf-16")),
    (JSON + b"; charset=utf-16", "{}".encode("utf-16")),
    (JSON, b"null"),
    (JSON, b"[]"),
    (JSON, b'"x"'),
    (JSON, b"7" * 5_000),
    (JSON, b"NaN"),
    (JSON, b'{"act": "comment", "fields": {"text": ' + b"9" * 4_000 + b"}}"),
    (JSON, b'{"act": "comment", "fields": {"answers": 1e400}}'),
    (JSON, b'{"act": "comment", "fields": {"answers": -Infinity}}'),
    (JSON, b"[" * 100_000),
    (JSON, b'{"act": "comment", "fields": ' + b'{"by":' * 900 + b"1" + b"}" * 901),
    (JSON, b'{"act": "correct", "fields": {"version": 2, "reason": "x", "instead": ' + b"[" * 900 + b"]" * 900 + b"}}"),
    (JSON, b'{"act": "comment", "fields": {"by": ' + b"[" * 300 + b"]" * 300 + b"}}"),
    (JSON, b'{"act": "comment", "act": "sign"}'),
    (JSON, b'{"act": "comment\\u0000"}'),
    (JSON, b'{"act": "comment", "fields": {"\\ud800": 1, "": 2}}'),
    (JSON, b'{"fields": {"a": [' + b"0," * 500_000 + b"0]}}"),
    (JSON, b'{"act": "' + b"a" * 13_000_000 + b'"}'),
    (b"text/plain", b"{}"),
    (b"multipart/form-data", b"{}"),
    (b"application/\xff", b"{}"),
    (b"", b"{}"),
)

# What is asked --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the application: where it is mounted, its path, its method, the parameters of its query."""

    mount: str
    path: str
    method: str
    query: tuple[str, ...]
    endpoint: Any

    @property
    def is_api(self) -> bool:
        return self.mount.startswith("/api")

    @property
    def parts(self) -> list[str]:
        return re.findall(r"{(\w+)", self.path)

    def at(self, values: dict[str, bytes]) -> bytes:
        """The address, with the parts of the path filled in."""
        pieces = re.split(r"{(\w+)[^}]*}", self.mount + self.path)
        return b"".join(values[piece] if n % 2 else piece.encode() for n, piece in enumerate(pieces))


def routes_of(app: FastAPI, mount: str = "") -> Iterator[Route]:
    """Every route of an application and of those that are mounted in it."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount):
            if isinstance(route.app, FastAPI):
                yield from routes_of(route.app, mount + route.path)
            else:
                yield Route(mount, f"{route.path}/{{path}}", "GET", ("v",), route.app)
            continue
        dependant = getattr(context, "dependant", None)
        query = () if dependant is None else tuple(_names(dependant))
        for method in sorted((context.methods or {"GET"}) - {"HEAD"}):
            yield Route(mount, context.path or "", method, query, getattr(context, "endpoint", None))


def _names(dependant: Any) -> Iterator[str]:
    for one in dependant.query_params:
        model = one.field_info.annotation
        inner = getattr(model, "model_fields", None)
        yield from (part.alias or name for name, part in inner.items()) if inner else (one.alias,)
    for inner_dependant in dependant.dependencies:
        yield from _names(inner_dependant)


def form_names(route: Route) -> tuple[str, ...]:
    """Names of form fields that the module of a page mentions, and the paths of the fields of some acts."""
    source = inspect.getsource(sys.modules[route.endpoint.__module__])
    names = set(re.findall(r"""(?:form|typed|body|posted)(?:\.get|\.getlist)?[\[(]"(\w+)\"""", source))
    if route.path.endswith(("/{act}", "/hoi-nghi")):
        names |= {path for act in ACTS for one in form_fields(Command.KNOWN[act]) for path in paths(one)}
        names |= {"sheet.²", "sheet.²٣.points", f"sheet.{'9' * 5_000}.points", "a." * 2_000, "\0", "_on", "_file.by.x"}
    if route.path.endswith("/{round}"):
        names |= {f"don-vi-1.a1.{name}" for name in ("points", "evidence", "reason")}
        names |= {"_take", "_mine", "_revision", "_shown", "_read", "_on", "_source", "_file.don-vi-1.a1.evidence"}
    if route.path.endswith("/{meeting}"):
        names |= {f"acts.{act}.0001-abcdef.{path}" for act in ("comment", "record-ballot") for path in ("id", "text")}
        names |= {"on", "other", "head.place", "head.guests.0001-abcdef.group", "present.don-vi-1", "sheet.title"}
        names |= {"_cell", "_add", "_out", "_back", "_all", "_mine", "_go", "_shown", "_revision", "_file.sheet.title"}
    return tuple(sorted(names | {"_do", "_step", "_id", "_more", "_less", "_form", "no_such_field"}))


def paths(one: FormField) -> Iterator[str]:
    """The names of a field's inputs."""
    inner = [f"{one.name}.0"] if one.many else [one.name]
    for start in inner:
        if one.parts:
            for part in one.parts:
                yield from (f"{start}.{path}" for path in paths(part))
        else:
            yield start


ACTS = ("comment", "score-self", "present-draft", "record-meeting", "record-ballot", "ask-extension", "correct")

BASES: dict[str, dict[str, str]] = {
    "/dang-nhap": {"person": "ai-do", "_password": "x"},
    "/nguoi-dung": {"name": "An", "unit": "don-vi-1", "kind": "auditor", "until": "01/01/2030", "email": "a@b.invalid"},
    "/nguoi-dung/{person}": {"_do": "until", "until": "01/01/2030"},
    "/nguoi-dung/moi/tat-ca": {"_seal": "x"},
    "/nguoi-dung/danh-sach/tai-khoan/lien-ket": {"person": "can-bo", "_confirmed": "yes"},
    "/toi": {"_do": "stand-in", "person": "can-bo", "since": "01/01/2030", "until": "02/01/2030"},
    "/bang": {
        "_do": "extend",
        "cycle": "mttq-hanoi/2026/cum-khong-co",
        "until": "01/01/2030",
        "reason": "x",
        "duty": "signature",
    },
    "/bang/don-doc": {"_task": "mttq-hanoi/2026/cum-khong-co|signature|don-vi-1", "_do": "telephoned", "text": "x"},
    "/viec": {
        "_do": "grant",
        "_line": "mttq-hanoi/2026/cum-khong-co|1|don-vi-1",
        "_duty": "signature",
        "_until": "2030-01-01",
        "reason": "x",
    },
    "/ban-quy-dinh/{edition}/phan/{part}": {"_step": "check"},
    "/ban-quy-dinh/{edition}/van-ban/{part}": {"_step": "save"},
    "/ban-quy-dinh/{edition}/nhap-bang": {"table": "Tiêu chí\tĐiểm\nMột\t5\n", "_step": "look"},
    "/ban-quy-dinh/{edition}/tieu-chi/{place}": {"title": "A", "_step": "check"},
    "/ban-quy-dinh/{edition}/cham-thu": {"_units": "1"},
    "/ban-quy-dinh/{edition}/ap-dung": {"_all": "yes", "_id": "0b7a2f5e-3c53-5a51-8a55-7a4f3f0f2c90", "_step": "look"},
    "/bat-dau-nam": {
        "year": "2027",
        "table": ";".join(COLUMNS) + "\nCụm 1;Đơn vị 1;don-vi-1;;;;;;\n",
        "plan_number": "1/KH",
        "plan_title": "Kế hoạch",
        "plan_issued": "01/01/2027",
    },
    "/cum/{organiser}/{year}/{cluster}/lam/{act}": {"by.unit": CITY, "text": "Góp ý.", "_step": "send"},
    "/cum/{organiser}/{year}/{cluster}/hoi-nghi": {"kind": "final", "_on": "01/01/2026"},
    "/cum/{organiser}/{year}/{cluster}/hoi-nghi/{meeting}": {"_cell": "head.place x", "head.place": "Hội trường"},
}
"""What a form is sent with beside the bad value, so that it goes as far as it can."""


BROWSER = "mot-trinh-duyet"
"""The secret of the browser's forms."""

SLOW = {"/dang-nhap", "/acts"}
"""A password is compared slowly on purpose, and all acts are described."""


@dataclass(slots=True)
class Fuzzer:
    """One application, with a login and a token that open everything, and what was found."""

    app: FastAPI
    site: Site
    values: dict[str, bytes]
    secret: str
    token: str
    sample: int = 1
    """Of so many cases one is sent."""
    paths: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def headers(self, route: Route) -> list[tuple[bytes, bytes]]:
        if route.is_api:
            return [(b"authorization", b"Bearer " + self.token.encode())]
        return [(b"cookie", f"{LOGIN}={self.secret}; {FORMS}={BROWSER}".encode())]

    def form(self, route: Route, *pairs: tuple[bytes, bytes]) -> bytes:
        """The body of a form: what goes with it, then the pairs."""
        known = {name.encode(): value.encode() for name, value in BASES.get(route.path, {}).items()}
        own = {name for name, _value in pairs}
        base = {b"_form": form_token(BROWSER, "thu-ky").encode(), **known}
        fields = [
            *((name, quote_from_bytes(value).encode()) for name, value in base.items() if name not in own),
            *pairs,
        ]
        return b"&".join(quote_from_bytes(name).encode() + b"=" + value for name, value in fields)

    def chosen(self, route: Route, *key: object, each: int = 1) -> bool:
        """Whether a case is in the sample; `each` times as often as others, and seldom where an answer takes long."""
        of = self.sample * (4 if route.path in SLOW and self.sample > 1 else 1)
        return crc32(repr((route.path, route.method, *key)).encode()) % max(1, of // each) == 0

    async def try_(
        self,
        kind: str,
        route: Route,
        what: str,
        *,
        path: bytes | None = None,
        query: bytes = b"",
        headers: Headers = (),
        body: bytes = b"",
        allowed: set[int] | None = None,
    ) -> None:
        """Send one request and note what is wrong with the answer."""
        if route.path == "/dang-xuat" and route.method == "POST":
            self.secret = await self.site.services.accounts.open("thu-ky", "rehearsal")
        sent = [*self.headers(route), *headers]
        replaced = {name for name, _value in headers}
        sent = [pair for n, pair in enumerate(sent) if pair[0] not in replaced or n >= len(self.headers(route))]
        with capture_logs() as logs:
            answer = await ask(self.app, route.method, self.at(route) if path is None else path, query, sent, body)
        self.kinds[kind] += 1
        self.paths.add(route.path)
        self.statuses[answer.status] += 1
        wrong = [*problems(answer, is_api=route.is_api, allowed=allowed), *bugs_in(logs)]
        if wrong:
            self.findings.append(f"{route.method} {route.mount}{route.path} {kind} {what}: {'; '.join(wrong)}")

    def at(self, route: Route) -> bytes:
        return route.at(self.values)


REFUSED = {401, 403, 404, 405, 413, 422}
DONE = {200, 201, 202, 303, 304, 307}


def problems(answer: Answer, *, is_api: bool, allowed: set[int] | None = None) -> Iterator[str]:
    """What is wrong with an answer: its status, no sentence, another language, another shape, a stack trace."""
    if answer.status not in (allowed or REFUSED | DONE | {409}):
        yield f"status {answer.status} {answer.body[-300:]!r}"
        return
    if b"Traceback (most recent call last)" in answer.body:
        yield "a stack trace"
    if answer.status < 400:
        return
    if is_api:
        try:
            told = answer.json()
        except ValueError:
            yield f"no JSON: {answer.body[:200]!r}"
            return
        if set(told) != {"code", "text", "place"} or told["code"] not in SENTENCES or not told["text"]:
            yield f"not {{code, text, place}}: {told}"
        return
    said = re.search(r'<div class="message wrong" role="alert"[^>]*>\s*(.+?)\s*</div>', answer.text, re.DOTALL)
    is_part = "data-autosave-failed" in answer.text  # of a page, for the script that saves its form
    if not (is_part or '<html lang="vi">' in answer.text) or said is None or said.group(1) in SENTENCES:
        yield f"no sentence: {answer.body[:200]!r}"


def bugs_in(logs: Iterable[Any]) -> list[str]:
    """What the log calls a mistake of the program, or a database that is away."""
    return [
        f"log: {one['event']} {one.get('code', '')} {one.get('text', '')} {one.get('exc_info')!r}"
        for one in logs
        if one["log_level"] in {"error", "critical", "warning"} and one["event"] != "form refused"  # an origin is bad
    ]


async def try_paths(fuzzer: Fuzzer, route: Route) -> None:
    for part in route.parts:
        for bad in VALUES:
            if fuzzer.chosen(route, "path", part, bad.name):
                path = route.at({**fuzzer.values, part: bad.escaped})
                allowed = {404, 422} if bad.refused else None
                await fuzzer.try_(
                    "path",
                    route,
                    f"{part}={bad.name}",
                    path=path,
                    allowed=allowed,
                    body=_body(fuzzer, route),
                    headers=_type(route),
                )


async def try_queries(fuzzer: Fuzzer, route: Route) -> None:
    for name in dict.fromkeys((*route.query, "q", "_sua", "den", "no_such_parameter")):
        for bad in VALUES:
            if fuzzer.chosen(route, "query", name, bad.name):
                query = name.encode() + b"=" + bad.escaped
                allowed = {404, 422} if bad.refused else None
                await fuzzer.try_(
                    "query",
                    route,
                    f"{name}={bad.name}",
                    query=query,
                    allowed=allowed,
                    body=_body(fuzzer, route),
                    headers=_type(route),
                )


async def try_forms(fuzzer: Fuzzer, route: Route) -> None:
    for name in form_names(route):
        for bad in VALUES:
            if fuzzer.chosen(route, "form", name, bad.name):
                body = fuzzer.form(route, (name.encode(), bad.escaped))
                await fuzzer.try_(
                    "form", route, f"{name[:40]}={bad.name}", body=body, headers=[(b"content-type", FORM)]
                )
        if fuzzer.chosen(route, "twice", name):
            body = fuzzer.form(route, (name.encode(), b"a"), (name.encode(), b"b"))
            await fuzzer.try_("form", route, f"{name[:40]} twice", body=body, headers=[(b"content-type", FORM)])
    for kind, body in BODIES:
        if fuzzer.chosen(route, "body", kind, body[:40], each=2):
            await fuzzer.try_(
                "body", route, f"{kind!r} {body[:40]!r}", body=body, headers=[(b"content-type", kind)], allowed=REFUSED
            )


async def try_headers(fuzzer: Fuzzer, route: Route) -> None:
    for name in HEADER_NAMES:
        for value in IN_HEADERS:
            if fuzzer.chosen(route, "header", name, value[:20]):
                headers = [*(one for one in _type(route) if one[0] != name), (name, value)]
                await fuzzer.try_(
                    "header", route, f"{name!r}: {value[:20]!r}", headers=headers, body=_body(fuzzer, route)
                )


async def try_json(fuzzer: Fuzzer, route: Route, fields: list[tuple[str, tuple[str, ...]]]) -> None:
    for kind, body in JSON_BODIES:
        await fuzzer.try_(
            "JSON", route, f"{kind!r} {body[:40]!r}", body=body, headers=[(b"content-type", kind)], allowed=REFUSED
        )
    for act, path in fields:
        for bad in VALUES:
            if fuzzer.chosen(route, "field", act, path, bad.name):
                body = _nested(act, path, bad.json)
                await fuzzer.try_(
                    "field", route, f"{act} {'.'.join(path)}={bad.name}", body=body, headers=[(b"content-type", JSON)]
                )


def _nested(act: str, path: tuple[str, ...], value: bytes) -> bytes:
    """The JSON body of a request for an act with one value at a path; a part "[]" is a list of one entry."""
    inner = value
    for part in reversed(path):
        inner = b"[" + inner + b"]" if part == "[]" else b"{" + json.dumps(part).encode() + b": " + inner + b"}"
    if path[0] != "fields":
        return b'{"act": "comment", ' + inner[1:] if path[0] != "act" else inner
    return b'{"act": ' + json.dumps(act).encode() + b", " + inner[1:]


def _body(fuzzer: Fuzzer, route: Route) -> bytes:
    if route.method != "POST":
        return b""
    return b'{"act": "comment"}' if route.is_api else fuzzer.form(route, (b"_step", b"edit"), (b"_do", b"nothing"))


def _type(route: Route) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", JSON if route.is_api else FORM)] if route.method == "POST" else []


def fields_of_description(description: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Every field of a request to enter an act, as the interface describes it: (act, path)."""
    schemas = description["components"]["schemas"]
    found = [("comment", (name,)) for name in ("act", "command_id", "on", "until", "source", "meeting", "fields")]

    def leaves(schema: dict[str, Any], path: tuple[str, ...], within: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if (ref := schema.get("$ref")) is not None:
            if ref not in within:
                yield from leaves(schemas[ref.rsplit("/", 1)[-1]], path, (*within, ref))
            return
        for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from leaves(one, path, within)
        if "items" in schema:
            yield from leaves(schema["items"], (*path, "[]"), within)
        for name, inner in schema.get("properties", {}).items():
            yield (*path, name)
            yield from leaves(inner, (*path, name), within)

    for act, ref in schemas["ActRequest"]["discriminator"]["mapping"].items():
        request = schemas[ref.rsplit("/", 1)[-1]]
        found += [(act, path) for path in dict.fromkeys(leaves(request["properties"]["fields"], ("fields",), ()))]
    return list(dict.fromkeys(found))
