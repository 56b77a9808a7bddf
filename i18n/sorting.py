"""Vietnamese alphabetical order: ă and â after a, đ after d; tones decide only between words with the same letters.

Numbers within texts count as numbers: Phường 2 comes before Phường 10. It is done here because the database may lack
ICU (the embedded one does) and the operating system a Vietnamese locale.
"""

from __future__ import annotations

import re
import unicodedata

_LETTERS = "0123456789aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_ORDER = {letter: rank for rank, letter in enumerate(_LETTERS, start=1)}
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
"""No mark, huyền, hỏi, ngã, sắc, nặng: the order of the dictionaries."""

Key = tuple[tuple[int, ...], tuple[int, ...]]


_NUMBER = re.compile(r"([0-9]+)")


def alphabetical(text: str) -> Key:
    """The sort key of a text."""
    letters: list[int] = []
    tones: list[int] = []
    for number, part in enumerate(_NUMBER.split(unicodedata.normalize("NFC", text.lower()))):
        if number % 2:
            letters.extend(_of_number(part.lstrip("0")))
            tones.extend([0] * len(part))  # so that 1 and 01 differ
            continue
        for char in part:
            parts = unicodedata.normalize("NFD", char)
            tone = next((_TONES[mark] for mark in parts if mark in _TONES), 0)
            letter = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in _TONES))
            letters.append(_ORDER.get(letter, 0))
            tones.append(tone)
    return tuple(letters), tuple(tones)


def _of_number(digits: str) -> list[int]:
    """Rank a number: by how many digits it has, then by the digits. All ranks are below those of letters."""
    tens, rest = divmod(len(digits), 10)
    return [*([_ORDER["9"]] * tens), rest, *(_ORDER[digit] for digit in digits)]


def by_given_name(name: str) -> tuple[Key, Key]:
    """The sort key of a person's name: the given name, which stands last, counts first."""
    return alphabetical(name.rsplit(" ", 1)[-1]), alphabetical(name)


def name_key(name: str) -> str:
    """`by_given_name` as a text that a database sorts by its bytes."""
    return _as_text(*by_given_name(name))


def natural_key(text: str) -> str:
    """`alphabetical` as a text that a database sorts by its bytes."""
    return _as_text(alphabetical(text))


def _as_text(*keys: Key) -> str:
    return " ".join("".join(chr(_FIRST + rank) for rank in part) for key in keys for part in key)


_FIRST = ord("!")
"""Above the space, so that a shorter text comes first."""

_FOLDED = str.maketrans({"đ": "d", "Đ": "D"})


def folded(text: str) -> str:
    """A text in lower case without diacritics, as people type it into a filter."""
    # Marks that stand alone go first: to put many of them on one letter in order takes the square of their number.
    plain = unicodedata.normalize("NFD", _without_marks(text.translate(_FOLDED).lower()))
    return _without_marks(plain)


def _without_marks(text: str) -> str:
    return "".join(char for char in text if not unicodedata.combining(char))
