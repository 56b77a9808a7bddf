"""The cookies: the secret of a login or of the forms before it, the device's, and the language."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from web.auth import COOKIE
from web.services import get_services

LANGUAGE_COOKIE = "thidua_lang"
DEVICE_COOKIE = "thidua_device"
"""Names a device that somebody has logged in with. It is no login: others' failures do not slow this device down."""

LOGIN_S = 7 * 86_400
LANGUAGE_S = 365 * 86_400
DEVICE_S = 365 * 86_400


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Give the browser its secret."""
    secure = get_services(request).settings.secure_cookies
    response.set_cookie(COOKIE, secret, httponly=True, samesite="lax", secure=secure, path="/", max_age=LOGIN_S)


def set_device(request: Request, response: Response, secret: str) -> None:
    """Let the browser name its device."""
    secure = get_services(request).settings.secure_cookies
    response.set_cookie(DEVICE_COOKIE, secret, httponly=True, samesite="lax", secure=secure, path="/", max_age=DEVICE_S)


def set_language(response: Response, language: str) -> None:
    """Let the browser remember the language."""
    response.set_cookie(LANGUAGE_COOKIE, language, samesite="lax", path="/", max_age=LANGUAGE_S)
