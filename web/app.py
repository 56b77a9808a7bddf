"""The web application: routes, headers and log of every answer, and the answers to errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from opentelemetry import trace
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.visits import ForbiddenError
from errors import CodedError, InputError
from i18n import _, in_language
from i18n.fields import path_label
from i18n.messages import sentence
from ledger.connection import DATABASE_ERRORS
from resources import DRAWINGS, STATIC
from web import api, health, request_checks, urls
from web.auth import (
    CodeNeededError,
    LoginNeededError,
    OtherPersonsFormError,
    SentForm,
    carried_fields,
    made_for_another,
    sent_form,
)
from web.autosave import autosave_failed, is_autosave
from web.cookies import add_cookies, cookie_secret, language_of
from web.error_answers import ANSWERED, UNSTORABLE, answered, forget_retry, json_error, printable, retry_after
from web.other_persons_form import other_persons_form
from web.pages import routers
from web.reauthentication import address_of
from web.render import page
from web.services import Services, get_services

log = structlog.get_logger()

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HSTS = "max-age=31536000"
"""Said behind TLS only. Other hosts of the domain are not ours to bind."""

_UNCOUNTED = ("/static/", "/hinh/", "/healthz", "/readyz")
"""Answered without the database, and read by machines that ask often."""

_KEPT_BYTES = 2_000_000
"""A form of at most so many bytes is read and given back when its request is one too many."""


def build(services: Services) -> FastAPI:
    """The application around its services."""
    app = FastAPI(title="Sổ Thi Đua", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/hinh", StaticFiles(directory=DRAWINGS, check_dir=False), name="pictures")
    app.include_router(health.router)
    app.mount("/api/v1", api.build(services))
    for router in routers():
        app.include_router(router)
    app.add_middleware(RequestMiddleware)
    for known in ANSWERED:
        app.add_exception_handler(known, _answer)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(RequestValidationError, _malformed)
    return app


class RequestMiddleware:
    """Middleware: language, a cookie for forms, security headers, and one line in the log for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = request_checks.refusal(scope)
        request_checks.without_unreadable(scope)  # before anything parses a header, such as the cookie of the language
        request = Request(scope, receive)
        request.state.request_id = uuid4().hex[:12]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request.state.request_id)
        answer = _Answer(request, send)
        forget_retry()
        # FastAPI makes the span of a request, where traces are asked for (`application.traces`).
        trace.get_current_span().set_attribute("thidua.request", request.state.request_id)
        with in_language(language_of(request)):
            await self._answered(request, request_checks.LimitedBody(scope, receive), answer, refused)
        answer.log()

    async def _answered(
        self, request: Request, body: request_checks.LimitedBody, answer: _Answer, refused: CodedError | None
    ) -> None:
        scope, readable = request.scope, False
        try:
            if refused is not None:
                scope["query_string"] = b""  # the page that tells it must not be made from it
                raise refused
            request_checks.without_ranges(scope)
            _require_own_origin(request)
            readable = _is_short(request)
            _count(request)
            readable = False
            await self._app(scope, body.receive, answer.send)
        except ClientDisconnect:  # in the middle of what it sent: nobody is there to be answered
            log.info("client left")
        except Exception as error:
            if answer.status:
                raise
            response = await _answer(Request(scope, body.receive), error, typed=readable)
            await response(scope, body.receive, answer.send)


def _is_short(request: Request) -> bool:
    return int(request.headers.get("content-length", _KEPT_BYTES + 1)) <= _KEPT_BYTES


def _count(request: Request) -> None:
    """Count the request for its person, or for its address.

    Raises:
        QuotaError: `too_many_requests`.
    """
    if not request.scope["path"].startswith(_UNCOUNTED):
        get_services(request).rate.take(_secret(request), address_of(request).network)


def _secret(request: Request) -> str:
    """The secret of the login, or the token, that came with the request; "" without one."""
    _scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    return token or cookie_secret(request)


def _require_own_origin(request: Request) -> None:
    """Refuse a form of another site, by what the browser says of its origin.

    Ours are the address that is configured, and the host that the request names: a proxy may not pass the host on.

    Raises:
        ForbiddenError: `form_from_other_address`, `form_not_ours`.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"} or request_checks.is_api(request.scope):
        return
    origin, address = request.headers.get("origin"), request.app.state.services.settings.address
    if origin is not None and not _same_site(origin, address, request.headers.get("host", "")):
        host = request.headers.get("host", "")
        log.warning("form refused", origin=origin[:200], host=host[:200], address=address)
        raise ForbiddenError("form_from_other_address", found=origin[:80], address=address)
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise ForbiddenError("form_not_ours")


_USUAL_PORTS = {"http": 80, "https": 443}


def _same_site(origin: str, address: str, host: str) -> bool:
    """Whether an origin is the configured address, or the host that the request names."""
    try:
        found = urlsplit(origin)
        if found.scheme not in _USUAL_PORTS or not found.hostname:  # "null": the page has no origin
            return False
        places = {_place(found.scheme, netloc) for netloc in (urlsplit(address).netloc, host) if netloc}
        own = found.scheme == urlsplit(address).scheme
        return _place(found.scheme, found.netloc) in (places if own else {_place(found.scheme, host)})
    except ValueError:
        return False


def _place(scheme: str, netloc: str) -> tuple[str | None, int | None]:
    """Host and port; the port that goes without saying is said."""
    parts = urlsplit(f"{scheme}://{netloc}")
    return parts.hostname, parts.port or _USUAL_PORTS.get(scheme)


class _Answer:
    """The answer while it is sent: headers are added, status and time noted."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request, self._send, self._started = request, send, time.perf_counter()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._add_headers(MutableHeaders(scope=message))
        await self._send(message)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self._request.app.state.services.settings.behind_tls:
            headers["Strict-Transport-Security"] = HSTS
        headers["X-Request-ID"] = self._request.state.request_id
        if self._request.scope["path"].startswith("/static"):
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
            return
        headers.setdefault("Cache-Control", "no-store")
        if (seconds := retry_after(self.status)) is not None:
            headers["Retry-After"] = str(seconds)
        if not request_checks.is_api(self._request.scope):
            add_cookies(self._request, headers)

    def log(self) -> None:
        seconds = time.perf_counter() - self._started
        route = getattr(self._request.scope.get("route"), "path", "-")  # never the URL: it may hold a secret
        visitor = getattr(self._request.state, "visitor", None)
        if visitor is not None:
            get_services(self._request).rate.learn(_secret(self._request), visitor.contact.id)
        health.count(self._request.method, route, self.status, seconds)
        log.info(
            "request",
            method=self._request.method,
            route=route,
            status=self.status,
            ms=round(seconds * 1000, 1),
            person=visitor.contact.id if visitor is not None else None,
        )


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    codes: dict[int, str] = {
        HTTPStatus.NOT_FOUND: "page_not_found",
        HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    }
    if status not in codes:  # such as 400, where a part of the framework could not read something
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _told(request, InputError(codes.get(status, "bad_request")), status)


async def _malformed(request: Request, _error: Exception) -> Response:
    return _told(request, InputError("bad_request"), 422)


def _told(request: Request, error: CodedError, status: int) -> Response:
    """An error as a page, or as JSON for programs, of a request that carries nothing to keep."""
    if request_checks.is_api(request.scope):
        return json_error(error, status)
    return page(request, "error.html", status, text=sentence(error.code, error.facts), carried=[], code=error.code)


async def _answer(request: Request, error: Exception, *, typed: bool = True) -> Response:
    """The answer to an error: a page that keeps what was typed, or JSON for programs.

    `typed` is False where the form was read already and cannot be read again.
    """
    sent = await _sent(request) if typed else None
    if is_autosave(request):
        return await autosave_failed(request, error, sent)
    if sent is not None and made_for_another(request, sent):
        return await other_persons_form(request, sent, may_read=isinstance(error, OtherPersonsFormError))
    kept = [] if sent is None else carried_fields(sent.fields)
    if isinstance(error, LoginNeededError):
        return _login_needed(request, kept)
    if isinstance(error, CodeNeededError) and not kept:
        return RedirectResponse(urls.CODE, 303)
    found = answered(request, error, dict(kept))
    if request_checks.is_api(request.scope):
        return json_error(found)
    code = "page_not_found" if found.code in {"no_such_cycle", "not_a_cycle_name"} else found.code
    text = sentence(code, await _with_title(request, found.facts))
    if found.code == "unstorable_text" and found.path:
        text = f"{path_label(found.path)}: {text}"
    return page(
        request,
        "error.html",
        found.http_status,
        text=text,
        carried=[(printable(name), UNSTORABLE.sub("", value)) for name, value in kept],
        code=code,
    )


async def _with_title(request: Request, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts of an error with the title of a cluster in place of its stream; without one, where none is known."""
    if "cycle" not in facts:
        return facts
    titles: Mapping[str, str] = {}
    with suppress(*DATABASE_ERRORS):
        titles = await get_services(request).board.titles({str(facts["cycle"])})
    return {**facts, "cycle": titles.get(str(facts["cycle"]), _("a register"))}


def _login_needed(request: Request, kept: list[tuple[str, str]]) -> Response:
    if request_checks.is_api(request.scope):
        return json_error(LoginNeededError())
    back_to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method == "GET":
        return RedirectResponse(urls.login_url(back_to), 303)
    # What was typed goes through the login page and back into its form.
    who = getattr(request.state, "made_for", "")
    return page(request, "login.html", 401, to=back_to, carried=kept, text=sentence("login_ran_out"), who=who)


async def _sent(request: Request) -> SentForm | None:
    """The form that was sent; None where it is broken or not ours, and so holds nothing to keep."""
    if request.method != "POST":
        return None
    try:
        return await sent_form(request, storable=False)
    except Exception:  # noqa: BLE001 - as said above
        return None
