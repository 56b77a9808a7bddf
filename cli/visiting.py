"""Logs in and reads one page without a browser: the demo checks that its pages can be used."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar


@dataclass(frozen=True, slots=True)
class Visit:
    """The page that a person got, its size in bytes, and whether it was the wanted one."""

    person: str
    page: str
    size: int
    good: bool


def visit(address: str, person: str, password: str, path: str) -> Visit:
    """Log in as a person and read a page."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    login = opener.open(f"{address}/dang-nhap", timeout=30).read().decode()
    token = re.search(r'name="_form" value="(\w+)"', login)
    form = {"_form": token.group(1) if token else "", "person": person, "_password": password, "_to": path}
    with opener.open(f"{address}/dang-nhap", urllib.parse.urlencode(form).encode(), timeout=30) as answer:
        body = answer.read()
        page = urllib.parse.urlsplit(answer.geturl()).path
    return Visit(person, page, len(body), page == path and b"<main" in body)
