"""The web application: routes, headers and log of every answer, and the answers to errors."""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts.secrets import new_secret
from application.visits import ForbiddenError
from errors import CodedError, InputError
from i18n import DEFAULT, LANGUAGES, in_language
from i18n.fields import path_label
from i18n.messages import sentence
from resources import DRAWINGS, STATIC
from web import api, gate, health, urls
from web.auth import COOKIE, CodeNeededError, LoginNeededError, carried_fields, checked_form
from web.cookies import LANGUAGE_COOKIE, set_cookie
from web.error_answers import ANSWERED, UNSTORABLE, answered, json_error, printable
from web.pages import routers
from web.reauthentication import retry_after
from web.render import page
from web.services import Services

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
        if request.method == "GET" and COOKIE not in request.cookies and not scope["path"].startswith(_WITHOUT_FORMS):
            request.state.new_cookie = new_secret()
        chosen = request.cookies.get(LANGUAGE_COOKIE, DEFAULT)
        answer = _Answer(request, send)
        with in_language(chosen if chosen in LANGUAGES else DEFAULT):
            try:
                if (refused := gate.refusal(scope)) is not None:
                    scope["query_string"] = b""  # the page that tells it must not be made from it
                    raise refused
                gate.without_ranges(scope)
                if _foreign(request):
                    raise ForbiddenError("form_not_ours")
                await self._app(scope, gate.LimitedBody(receive).receive, answer.send)
            except Exception as error:
                if answer.status:
                    raise
                await (await _answer(request, error, typed=False))(scope, receive, answer.send)
        answer.log()


def _foreign(request: Request) -> bool:
    """Whether another site sends the form, by what the browser says of its origin."""
    if request.method in {"GET", "HEAD", "OPTIONS"} or _is_api(request):
        return False
    origin = request.headers.get("origin")
    if origin is not None and _host_of(origin) != request.headers.get("host"):
        return True
    return request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_api(request: Request) -> bool:
    """Whether a program asks: it is answered in JSON, errors included."""
    path: str = request.scope["path"]
    return path == "/api" or path.startswith("/api/")


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
        if self._request.scope["path"].startswith("/static"):
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
            return
        headers.setdefault("Cache-Control", "no-store")
        if (seconds := retry_after()) is not None:
            headers["Retry-After"] = str(seconds)
        fresh = getattr(self._request.state, "new_cookie", None)
        if fresh is not None and not any(value.startswith(f"{COOKIE}=") for value in headers.getlist("set-cookie")):
            with_cookie = Response()
            set_cookie(self._request, with_cookie, fresh)
            headers.append("set-cookie", with_cookie.headers["set-cookie"])

    def log(self) -> None:
        seconds = time.perf_counter() - self._started
        route = getattr(self._request.scope.get("route"), "path", "-")  # never the URL: it may hold a secret
        visitor = getattr(self._request.state, "visitor", None)
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
    if _is_api(request):
        return json_error(error, status)
    return page(request, "error.html", status, text=sentence(error.code, error.facts), carried=[], code=error.code)


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
    if _is_api(request):
        return json_error(found)
    text = sentence("page_not_found" if found.code == "no_such_cycle" else found.code, found.facts)
    if found.code == "unstorable_text" and found.path:
        text = f"{path_label(found.path)}: {text}"
    return page(
        request,
        "error.html",
        found.http_status,
        text=text,
        carried=[(printable(name), UNSTORABLE.sub("", value)) for name, value in kept],
        code=found.code,
    )


async def _login_needed(request: Request) -> Response:
    if _is_api(request):
        return json_error(LoginNeededError())
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
        form = await checked_form(request, storable=False)
    except Exception:  # noqa: BLE001 - a form that is broken or not ours holds nothing to keep
        return []
    return carried_fields(form)
