"""The web application: routes, headers and log of every answer, and the answers to errors."""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts.secrets import new_secret
from application.visits import ForbiddenError
from errors import CodedError, QuotaError
from i18n import DEFAULT, LANGUAGES, in_language
from i18n.fields import path_label
from i18n.messages import sentence
from resources import DRAWINGS, STATIC
from web import api, health, quotas, urls
from web.auth import COOKIE, CodeNeededError, LoginNeededError, carried_fields, checked_form, cookie_secret
from web.cookies import LANGUAGE_COOKIE, set_cookie
from web.error_answers import ANSWERED, UNSTORABLE, answered, printable
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
_WITHOUT_FORMS = ("/static", "/hinh", "/api", "/healthz", "/readyz")
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
        request = Request(scope, receive)
        request.state.request_id = uuid4().hex[:12]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request.state.request_id)
        if (
            request.method == "GET"
            and COOKIE not in request.cookies
            and not request.url.path.startswith(_WITHOUT_FORMS)
        ):
            request.state.new_cookie = new_secret()
        chosen = request.cookies.get(LANGUAGE_COOKIE, DEFAULT)
        answer = _Answer(request, send)
        with in_language(chosen if chosen in LANGUAGES else DEFAULT):
            await self._answered(request, _LimitedBody(request, receive), answer)
        answer.log()

    async def _answered(self, request: Request, body: _LimitedBody, answer: _Answer) -> None:
        readable = False
        try:
            if _foreign(request):
                raise ForbiddenError("form_not_ours")
            readable = body.length <= _KEPT_BYTES
            _count(request)
            readable = False
            await self._app(request.scope, body.receive, answer.send)
        except Exception as error:
            if answer.status:
                raise
            unread = Request(request.scope, body.receive)
            response = await _answer(unread, error, typed=readable)
            await response(request.scope, body.receive, answer.send)


def _count(request: Request) -> None:
    """Count the request for its person, or for its address.

    Raises:
        QuotaError: `too_many_requests`.
    """
    if not request.url.path.startswith(_UNCOUNTED):
        get_services(request).rate.take(_secret(request), address_of(request))


def _secret(request: Request) -> str:
    """The secret of the login, or the token, that came with the request; "" without one."""
    _scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    return token or cookie_secret(request)


def _foreign(request: Request) -> bool:
    """Whether another site sends the form, by what the browser says of its origin."""
    if request.method in {"GET", "HEAD", "OPTIONS"} or request.url.path.startswith("/api/"):
        return False
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return True
    return request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}


class _LimitedBody:
    """The body of a request, refused once it is too large, whatever its header says of its length.

    The time to read JSON goes by its values, so those are counted, too, before it is read.
    """

    def __init__(self, request: Request, receive: Receive) -> None:
        self._is_json = request.url.path.startswith("/api/")
        self._most = quotas.API_BYTES if self._is_json else quotas.REQUEST_BYTES
        self._receive, self._left, self._parts = receive, self._most, quotas.API_PARTS
        self.length = int(request.headers.get("content-length") or 0)
        if self.length > self._most:
            self._left = -1

    async def receive(self) -> Message:
        message = await self._receive()
        body = message.get("body", b"")
        self._left -= len(body)
        if self._is_json:
            self._parts -= body.count(b",") + body.count(b"[") + body.count(b"{")
        if self._left < 0:
            raise QuotaError("too_large", most=self._most // 1_000_000)
        if self._parts < 0:
            raise QuotaError("too_many_parts", most=quotas.API_PARTS)
        return message


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
        headers["X-Request-ID"] = self._request.state.request_id
        if self._request.url.path.startswith("/static"):
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
            return
        headers.setdefault("Cache-Control", "no-store")
        fresh = getattr(self._request.state, "new_cookie", None)
        if fresh is not None and not any(value.startswith(f"{COOKIE}=") for value in headers.getlist("set-cookie")):
            with_cookie = Response()
            set_cookie(self._request, with_cookie, fresh)
            headers.append("set-cookie", with_cookie.headers["set-cookie"])

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
    code = codes.get(status, "bad_request")
    if request.url.path.startswith("/api/"):
        return JSONResponse({"code": code, "text": sentence(code)}, status)
    return page(request, "error.html", status, text=sentence(code), carried=[], code=code)


async def _malformed(request: Request, _error: Exception) -> Response:
    return page(request, "error.html", 422, text=sentence("bad_request"), carried=[], code="bad_request")


async def _answer(request: Request, error: Exception, *, typed: bool = True) -> Response:
    """The answer to an error: a page that keeps what was typed, or JSON for programs.

    `typed` is False where the form was read already and cannot be read again.
    """
    if isinstance(error, LoginNeededError):
        return await _login_needed(request)
    if isinstance(error, CodeNeededError):
        return RedirectResponse(urls.CODE, 303)
    kept = await carried(request) if typed else []
    found = answered(request, error, dict(kept))
    text = sentence("page_not_found" if found.code == "no_such_cycle" else found.code, found.facts)
    if request.url.path.startswith("/api/"):
        body = {"code": found.code, "text": text, "place": found.path or None}
        return JSONResponse(body, found.http_status, _headers(found))
    if found.code == "unstorable_text" and found.path:
        text = f"{path_label(found.path)}: {text}"
    response = page(
        request,
        "error.html",
        found.http_status,
        text=text,
        carried=[(printable(name), UNSTORABLE.sub("", value)) for name, value in kept],
        code=found.code,
    )
    response.headers.update(_headers(found))
    return response


def _headers(error: CodedError) -> dict[str, str]:
    """When to try again, for an error that may be over by then."""
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


async def _login_needed(request: Request) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"code": "login_needed", "text": sentence("login_needed"), "place": None}, 401)
    back_to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method == "GET":
        return RedirectResponse(urls.login_url(back_to), 303)
    # What was typed goes through the login page and back into its form.
    return page(
        request, "login.html", 401, to=back_to, carried=await carried(request), text=sentence("login_ran_out"), who=""
    )


async def carried(request: Request) -> list[tuple[str, str]]:
    """The fields of the form that was sent, without its token and secrets, so that it can be sent again."""
    if request.method != "POST":
        return []
    try:
        form = await checked_form(request)
    except Exception:  # noqa: BLE001 - a form that is broken or not ours holds nothing to keep
        return []
    return carried_fields(form)
