"""The Vietnamese guides in docs/vi as pages, one for each kind of user."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from markdown_it import MarkdownIt

from resources import GUIDES

NAMES = ("thu-ky", "can-bo", "bien-ban", "kiem-tra", "dang-nhap")

GUIDES_BY_KIND: Mapping[str, str] = {"secretariat": "thu-ky", "staff": "can-bo", "auditor": "kiem-tra"}
"""The guide that suits a kind of account."""

MINUTES_GUIDE = "bien-ban"


@lru_cache
def guide(name: str) -> str | None:
    """A guide as HTML; None when there is none of that name. Raw HTML in a guide is shown as text."""
    text = _text(name)
    if not text:
        return None
    found: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return found


@lru_cache
def guide_title(name: str) -> str:
    """For whom a guide is: its title up to the colon; "" when there is none of that name."""
    return _text(name).partition("\n")[0].removeprefix("# ").partition(":")[0]


def _text(name: str) -> str:
    file = GUIDES / f"huong-dan-{name}.md"
    return file.read_text(encoding="utf-8") if name in NAMES and file.exists() else ""
