"""Names like one that was mistyped: messages offer them, in the language in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from i18n import _
from i18n.sorting import folded

MOST = 3
LEAST_LIKENESS = 0.6
"""How alike two names must be, from 0 to 1, as `difflib` measures it."""


def nearest(typed: str, names: Iterable[str] | Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that are most like the typed one, at most three, without regard to case and diacritics.

    Of a table, the keys are what can be typed and the values what is shown.
    """
    shown = names if isinstance(names, Mapping) else {name: name for name in names}
    by_key: dict[str, str] = {}
    for name, text in shown.items():
        by_key.setdefault(_key(name), text)
    key = _key(typed)
    with_all_words = [other for other in by_key if key and set(key.split()) <= set(other.split())]
    alike = get_close_matches(key, by_key, MOST, LEAST_LIKENESS)
    return tuple(dict.fromkeys(by_key[other] for other in (*alike, *with_all_words)))[:MOST]


def nearest_in_words(typed: str, names: Iterable[str] | Mapping[str, str]) -> str:
    """The nearest names as a part of a sentence; "" where none is like the typed one."""
    found = nearest(typed, names)
    return _("(nearest: {names})").format(names=", ".join(found)) if found else ""


def _key(name: str) -> str:
    return " ".join(folded(name).replace("-", " ").replace("_", " ").split())
