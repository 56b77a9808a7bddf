"""Ids from names, and what an id must be."""

from __future__ import annotations

import re

from pydantic import TypeAdapter, ValidationError

from domain.types import Slug
from i18n.sorting import folded

MOST_CHARS = 60

SLUG: TypeAdapter[str] = TypeAdapter(Slug)
"""Validates an id that was typed."""


def slug_of(text: str, default: str = "don-vi", most: int = MOST_CHARS) -> str:
    """An id from a name: Quận Đống Đa gives quan-dong-da. `default` where the name has no letter."""
    return re.sub(r"[^a-z0-9]+", "-", folded(text)).strip("-")[:most].strip("-") or default


def account_name_of(name: str) -> str:
    """A short account name: the given name and the first letters before it, so Nguyễn Thị Hà gives hant."""
    *before, given = slug_of(name, "nguoi").split("-")
    return given + "".join(word[0] for word in before)


def is_slug(text: str) -> bool:
    """Whether a text can be an id."""
    try:
        SLUG.validate_python(text)
    except ValidationError:
        return False
    return True
