"""Logs in and reads one page without a browser: the demo checks that its pages can be used."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar

from web import urls


@dataclass(frozen=True, slots=True)
class Visit:
    """The page that a person got, its size in bytes, and whether it was the wanted one."""

    person: str
    page: str
    size: int
    good: bool


def visit(address: str, person: str, password: str, path: str) -> Visit:
    """Log in as a person and read a page."""
    return _sent(f"{address}{urls.LOGIN}", {"person": person, "_password": password}, path)


def take_role(address: str, person: str, path: str) -> Visit:
    """Choose on the first page of a rehearsal whom to be, and read a page."""
    return _sent(f"{address}{urls.ROLES}", {"person": person}, path)


def _sent(entrance: str, fields: dict[str, str], path: str) -> Visit:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = opener.open(entrance, timeout=30).read().decode()
    token = re.search(r'name="_form" value="(\w+)"', page)
    form = {"_form": token.group(1) if token else "", **fields, "_to": path}
    with opener.open(entrance, urllib.parse.urlencode(form).encode(), timeout=30) as answer:
        body = answer.read()
        found = urllib.parse.urlsplit(answer.geturl()).path
    return Visit(fields["person"], found, len(body), found == path and b"<main" in body)
