"""The two cookies: the secret of a login or a form, and the language."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from web.auth import COOKIE

LANGUAGE_COOKIE = "thidua_lang"
LOGIN_S = 7 * 86_400


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Give the browser its secret."""
    secure = request.app.state.services.settings.secure_cookies
    response.set_cookie(COOKIE, secret, httponly=True, samesite="lax", secure=secure, path="/", max_age=LOGIN_S)
