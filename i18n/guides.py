"""The Vietnamese guides in docs/vi as pages, one for each kind of user."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt

from resources import GUIDES

NAMES = ("thu-ky", "can-bo", "bien-ban", "kiem-tra", "dang-nhap")


@lru_cache
def guide(name: str) -> str | None:
    """A guide as HTML; None when there is none of that name. Raw HTML in a guide is shown as text."""
    file = GUIDES / f"huong-dan-{name}.md"
    if name not in NAMES or not file.exists():
        return None
    found: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(file.read_text(encoding="utf-8"))
    return found
