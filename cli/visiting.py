"""A visitor without a browser: logs in and reads one page, to see that what is served can be used."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor saw: which page, how large, and whether it was the one that was wanted."""

    person: str
    page: str
    size: int
    good: bool


def visit(address: str, person: str, password: str, path: str) -> Visit:
    """Log in as somebody and read a page of theirs."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    login = opener.open(f"{address}/dang-nhap", timeout=30).read().decode()
    token = re.search(r'name="_form" value="(\w+)"', login)
    form = {"_form": token.group(1) if token else "", "person": person, "_password": password, "_to": path}
    with opener.open(f"{address}/dang-nhap", urllib.parse.urlencode(form).encode(), timeout=30) as answer:
        body = answer.read()
        at = urllib.parse.urlsplit(answer.geturl()).path
    return Visit(person, at, len(body), at == path and b"<main" in body)
