"""The cookies: the secret of a login, the secret of the browser's forms, the device's, and the language.

Behind TLS the first three have the prefix `__Host-` (RFC 6265bis, section 4.1.3.2): no other host, and no page without
TLS, can set them. A cookie under the name of the other setting is not read, and is deleted.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import MutableHeaders

from accounts.secrets import new_secret
from i18n import DEFAULT, LANGUAGES
from web.services import get_services

LOGIN, FORMS, DEVICE, LANGUAGE = "thidua", "thidua_forms", "thidua_device", "thidua_lang"
LOGIN_S = 7 * 86_400
DEVICE_S = FORMS_S = LANGUAGE_S = 365 * 86_400
_PREFIX = "__Host-"


def cookie_secret(request: Request) -> str:
    """The secret of the login that the browser sent; "" without one."""
    return request.cookies.get(_name(request, LOGIN), "")


def sent_device(request: Request) -> str:
    """What names the device of an earlier login; "" without it.

    It is no login: others' failures do not slow this device down.
    """
    return request.cookies.get(_name(request, DEVICE), "")


def set_device(request: Request, response: Response, secret: str) -> None:
    """Let the browser name its device."""
    _set(request, response, DEVICE, secret, DEVICE_S)


def browser_secret(request: Request) -> str:
    """The secret that proves that a form was made for this browser. A browser without one gets a new one."""
    if secret := request.cookies.get(_name(request, FORMS)):
        return secret
    if not hasattr(request.state, "new_browser_secret"):
        request.state.new_browser_secret = new_secret()
    fresh: str = request.state.new_browser_secret
    return fresh


def sent_browser_secret(request: Request) -> str:
    """The secret that the browser sent; "" without one."""
    return request.cookies.get(_name(request, FORMS), "")


def language_of(request: Request) -> str:
    """The language that the browser remembers."""
    chosen = request.cookies.get(LANGUAGE, DEFAULT)
    return chosen if chosen in LANGUAGES else DEFAULT


def set_login(request: Request, response: Response, secret: str) -> None:
    """Give the browser the secret of its login."""
    _set(request, response, LOGIN, secret, LOGIN_S)


def forget_login(request: Request, response: Response) -> None:
    """Take the secret of the login from the browser."""
    _delete(response, _name(request, LOGIN), secure=_behind_tls(request))


def set_language(request: Request, response: Response, language: str) -> None:
    """Let the browser remember the language."""
    secure = _behind_tls(request)
    response.set_cookie(LANGUAGE, language, httponly=True, samesite="lax", secure=secure, path="/", max_age=LANGUAGE_S)


def add_cookies(request: Request, headers: MutableHeaders) -> None:
    """Add to an answer the secret that a browser lacks, and delete cookies under the names of the other setting."""
    answer = Response()
    if fresh := getattr(request.state, "new_browser_secret", ""):
        _set(request, answer, FORMS, fresh, FORMS_S)
    for plain in (LOGIN, FORMS, DEVICE):
        other = plain if _behind_tls(request) else f"{_PREFIX}{plain}"
        if other in request.cookies:
            _delete(answer, other, secure=other != plain)
    for value in MutableHeaders(raw=answer.raw_headers).getlist("set-cookie"):
        headers.append("set-cookie", value)


def _behind_tls(request: Request) -> bool:
    return get_services(request).settings.behind_tls


def _name(request: Request, plain: str) -> str:
    return f"{_PREFIX}{plain}" if _behind_tls(request) else plain


def _set(request: Request, response: Response, plain: str, secret: str, seconds: int) -> None:
    name, secure = _name(request, plain), _behind_tls(request)
    response.set_cookie(name, secret, httponly=True, samesite="lax", secure=secure, path="/", max_age=seconds)


def _delete(response: Response, name: str, *, secure: bool) -> None:
    # Browsers take a deletion of a prefixed cookie only with the attributes that it must have.
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
