"""Words as the search index holds them, and what a reader types as queries on them.

A word stands in the index without diacritics, and once more as it is written where that differs, so that "dong da"
finds Đống Đa and "đống đa" finds it before Đông Đa. Tags beside the words narrow a query to a group of rows, a year, a
cycle or an organiser.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from i18n.sorting import folded

MOST_CHARS_OF_WORD = 60
"""Longer words are found by so many first characters."""

MOST_WORDS_JOINED = 8
"""So many words of a name are also found when they are typed as one."""

EXCERPT_CHARS = 160
SCANNED_CHARS = 20_000
"""So far into a text an excerpt looks for the words; of longer texts it may be the beginning."""

NAMES, PAPERS, ACTS = 1, 2, 3
"""The groups of rows, in the order in which a page shows them."""

_WORD = re.compile(r"[\w\u0300-\u036f]+")
_AS_WRITTEN = "="
"""No character of a word, so a word as it is written differs from every plain one."""


def group_tag(group: int, year: int) -> str:
    """The tag of the rows of a group in a year."""
    return f"@{group}.{year}"


def stream_tag(stream: str) -> str:
    """The tag of the rows of a cycle, or of an organiser's."""
    return f"~{stream}"


@lru_cache(20_000)
def _plain(word: str) -> str:
    return folded(word)


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Yield each word without diacritics, and as it is written, in lower case."""
    for found in _WORD.finditer(unicodedata.normalize("NFC", text).lower()):
        written = found.group()[:MOST_CHARS_OF_WORD]
        if plain := _plain(written):
            yield plain, written


def plain_name(text: str) -> str:
    """A whole name as names are compared."""
    return " ".join(plain for plain, _written in _words(text))


def lexemes(text: str) -> set[str]:
    """What the index holds of a text."""
    found = set[str]()
    for plain, written in _words(text):
        found.add(plain)
        if plain != written:
            found.add(_AS_WRITTEN + written)
    return found


def joined(name: str) -> set[str]:
    """Neighbouring words of a name written as one: quandong, dongda and quandongda of Quận Đống Đa."""
    words = [plain for plain, _written in _words(name)][:MOST_WORDS_JOINED]
    runs = ("".join(words[start:end]) for start in range(len(words)) for end in range(start + 2, len(words) + 1))
    return {run for run in runs if len(run) <= MOST_CHARS_OF_WORD}


@dataclass(frozen=True, slots=True)
class TypedWords:
    """What a reader typed: words without diacritics, and as they were typed. The last may be the beginning of one."""

    plain: tuple[str, ...]
    written: tuple[str, ...]

    @classmethod
    def of(cls, typed: str) -> TypedWords:
        """Read what was typed."""
        pairs = tuple(_words(typed))
        return cls(tuple(plain for plain, _ in pairs), tuple(written for _, written in pairs))

    @property
    def name(self) -> str:
        """The words as a whole name (`plain_name`)."""
        return " ".join(self.plain)

    @property
    def whole(self) -> str:
        """The query for rows that hold all words whole."""
        return _all(map(_quoted, self.plain))

    @property
    def as_written(self) -> str:
        """The query for rows that hold the words with their diacritics; the last word may be the beginning of one."""
        return f"{_all(map(_quoted, self._written()))}:*"

    def complete(self, scope: Sequence[str] | None) -> list[str]:
        """Return the queries that find all rows, the best first. `scope`: tags of cycles or organisers."""
        begun = _all(map(_quoted, self.plain)) + ":*"
        return [self.within(scope), f"{begun} & !({self.whole}){_of(scope)}"]

    def newest(self, tags: Iterable[str], scope: Sequence[str] | None) -> list[str]:
        """Return the queries that find rows with the whole words, those with the diacritics first."""
        exact = _all(map(_quoted, self._written()))
        stages = [self.whole] if exact == self.whole else [exact, f"{self.whole} & !({exact})"]
        return [f"{stage} & {_quoted(tag)}{_of(scope)}" for stage in stages for tag in tags]

    def within(self, scope: Sequence[str] | None) -> str:
        """The query `whole` within a scope."""
        return self.whole + _of(scope)

    def _written(self) -> Iterator[str]:
        for plain, written in zip(self.plain, self.written, strict=True):
            yield plain if plain == written else _AS_WRITTEN + written

    def excerpt(self, text: str) -> str:
        """The part of a text around the first of the words, on one line; the beginning where none is found."""
        scanned = text[:SCANNED_CHARS]
        parts = "|".join(map(re.escape, self.plain))
        found = re.search(rf"\b(?:{parts})", scanned.translate(_LETTERS))
        start = max(0, found.start() - EXCERPT_CHARS // 2) if found else 0
        if start:
            start = next(
                (at + 1 for at in range(start, found.start() if found else start) if text[at].isspace()), start
            )
        end = start + EXCERPT_CHARS
        shown = " ".join(text[start:end].split())
        return f"{'… ' if start else ''}{shown}{' …' if len(text) > end else ''}"


class _Letters(dict[int, str]):
    """Each character without diacritics, one for one, so that places in the text stay; filled as they come."""

    def __missing__(self, code: int) -> str:
        plain = folded(chr(code))
        self[code] = plain if len(plain) == 1 else chr(code)
        return self[code]


_LETTERS = _Letters()


def _of(scope: Sequence[str] | None) -> str:
    return "" if scope is None else f" & ({' | '.join(map(_quoted, scope))})"


def _quoted(lexeme: str) -> str:
    return f"'{lexeme}'"


def _all(parts: Iterable[str]) -> str:
    return " & ".join(parts)
