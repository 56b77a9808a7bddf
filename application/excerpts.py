"""The beginning of a long text, where lists show texts: neither long lines nor many of them make a page long."""

from __future__ import annotations

from typing import NamedTuple

CHARS = 400
LINES = 5


class Excerpt(NamedTuple):
    """The beginning of a text; `cut`: there is more of it."""

    text: str
    cut: bool


def excerpt(text: str, chars: int = CHARS, lines: int = LINES) -> Excerpt:
    """The first lines of a text, of `chars` characters at most, cut between words where there is a blank near."""
    shown = text[:chars]
    if len(text) > chars and (head := shown.rpartition(" ")[0]) and len(head) > chars * 3 // 4:
        shown = head
    shown = "\n".join(shown.split("\n", lines)[:lines]).rstrip()
    return Excerpt(shown, len(shown) < len(text.rstrip()))
