"""How deep the rows of a criteria table stand: from their numbering (I, 1, 1.1, a, -), else from their indents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from domain.numbers import whole_number

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_ROMANS = re.compile(r"(?=[ivxlc])(x{0,4})(ix|iv|v?i{0,3})", re.IGNORECASE)
_VIETNAMESE = "abcdđeghiklmnopqrstuvxy"
"""The letters of lists: without f, j, w and z, and without ă, â and their like."""

_TOKEN = re.compile(
    r"[0-9]{1,4}|[IVXLC]+(?![A-Za-zĐđ])|[ivxlc]+(?![A-Za-zĐđ])|[A-ZĐ](?![A-Za-zĐđ])|[a-zđ](?![A-Za-zĐđ])"
)
_NUMBERED = re.compile(
    r"(?P<number>(?:(?:phần|mục|tiêu chí|nhóm|tc|c|tt)\s*)?"
    r"(?:[IVXLC]{1,7}|[A-ZĐ]|[a-zđ]|[0-9]{1,3})(?:[.\-][0-9a-zđIVXLC]{1,4})*)(?P<end>[.):/]+|\s*[-–:](?=\s))\s*(?P<rest>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_DOTTED = re.compile(r"(?P<number>[0-9]{1,3}(?:\.[0-9]{1,3})+)\s+(?P<rest>\S.*)", re.DOTALL)
_BULLET = re.compile(r"(?P<bullet>[-–+•*●▪◦➢✓])\s*(?P<rest>\S.*)", re.DOTALL)

Style = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One reading of a number: its style, such as ("decimal", "decimal") for 1.1, and its last value."""

    style: Style
    value: int


def split_number(title: str) -> tuple[str, str]:
    """Return the number before a title, and the title without it: "1.1. Tuyên truyền" is "1.1", "Tuyên truyền"."""
    text = title.strip()
    if found := _DOTTED.fullmatch(text) or _NUMBERED.fullmatch(text):
        return found["number"].strip(), found["rest"].strip()
    if found := _BULLET.fullmatch(text):
        return found["bullet"], found["rest"].strip()
    return "", text


def _readings(number: str) -> list[Mark]:
    """What a number can be: "I" is the first Roman one or the ninth letter; "-" is a bullet."""
    text = number.strip().strip(".):/ ")
    if not text:
        return [Mark(("bullet", number.strip()), 0)] if number.strip() else []
    tokens = _TOKEN.findall(text)
    if not tokens:
        return [Mark(("bullet", text[:3]), 0)]
    readings = [_of_token(token) for token in tokens]
    before = tuple(kinds[0][0] for kinds in readings[:-1])
    return [Mark((*before, kind), value) for kind, value in readings[-1]]


def _of_token(token: str) -> list[tuple[str, int]]:
    if (number := whole_number(token)) is not None:
        return [("decimal", number)]
    case = "upper" if token == token.upper() else "lower"
    found: list[tuple[str, int]] = []
    if _ROMANS.fullmatch(token):
        found.append((f"{case} roman", _value_of_roman(token.lower())))
    if len(token) == 1 and token.lower() in _VIETNAMESE:
        found.append((f"{case} letter", _VIETNAMESE.index(token.lower()) + 1))
    return found or [(f"{case} letter", 0)]


def _value_of_roman(text: str) -> int:
    values = [_ROMAN[letter] for letter in text]
    return sum(-one if any(later > one for later in values[n + 1 :]) else one for n, one in enumerate(values))


@dataclass(slots=True)
class Outline:
    """Gives each row of a table its depth, one after the other."""

    _open: list[Mark] = field(default_factory=list)
    """The styles of the levels that are open, the outermost first, each with its last value."""

    def depth(self, number: str, indent: int) -> int:
        """Return the depth of the next row, 0 for the outermost; `indent` counts for a row without a number."""
        readings = _readings(number) or [Mark(("indent", f"{indent:03}"), 0)]
        mark = self._best(readings)
        styles = [one.style for one in self._open]
        if mark.style in styles:
            del self._open[styles.index(mark.style) :]
        elif mark.style[0] == "indent":
            # Less indented than the last rows without a number: those levels end.
            while self._open and self._open[-1].style[0] == "indent" and self._open[-1].style[1] > mark.style[1]:
                self._open.pop()
        elif mark.style[0] != "bullet":
            # A number ends what stands under the row before it without one.
            while self._open and self._open[-1].style[0] in {"indent", "bullet"}:
                self._open.pop()
        self._open.append(mark)
        return len(self._open) - 1

    def _best(self, readings: list[Mark]) -> Mark:
        """The reading that goes on with an open level; else the one that begins a level; else the first."""
        for level in reversed(self._open):
            for one in readings:
                if one.style == level.style and one.value == level.value + 1:
                    return one
        begun = [one for one in readings if one.value == 1]
        known = [one for one in readings if one.style in {level.style for level in self._open}]
        return next(iter((*begun, *known, *readings)))
