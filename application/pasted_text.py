"""What becomes of text that people paste from Word, mail and chat: one function for every door.

What only one program means by a character becomes the character that everybody reads; what is invisible is taken out
and counted, so that the person is told; what cannot be known is refused, with its line and the words beside it.

What Word puts into the clipboard as plain text:

* bullets of the fonts Symbol and Wingdings as U+F000 and the font's code: Microsoft reserves U+F020 to U+F0FF for them
  ("Handling of PUA Characters in Microsoft Software", SIL). Its gallery of bullets has Symbol B7, Wingdings 76, A7, D8
  and FC, and an "o" of Courier New; programs that pass through HTML drop the F000;
* a line break inside a paragraph (Shift+Enter) as U+000B, a page break as U+000C;
* a hyphen that does not break as U+001E, one that may as U+001F, a picture as U+FFFC.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from application.old_fonts import old_line
from domain.problems import invalid
from domain.types import require_few_marks

Changes = Mapping[str, int]
"""What a person is told of a text, each with its count: `bullets` (signs of lists replaced), `invisible` (characters
taken out), `joined` (line breaks of a field of one line), `objects` (such as pictures, left out)."""


@dataclass(frozen=True, slots=True)
class CleanText:
    """A text as it is stored and signed, and how often what was changed that the person should know of."""

    text: str
    changes: Changes


def clean_text(text: str, *, one_line: bool = False) -> CleanText:
    """Return a text in NFC, without surrounding space and without what came along when it was copied.

    Cleaning a clean text changes nothing. `one_line`: line breaks and tabs become blanks.

    Raises:
        PydanticCustomError: `marks`, as `normalize_text`; `character_at`, `sign_of_font`, `letter_lost`: a character
            that cannot be kept, with `line` and `words`; `old_font`: a line in an encoding from before Unicode.
    """
    if text.isascii() and text.isprintable():
        return CleanText(text.strip(), {})
    require_few_marks(text)
    changes: Counter[str] = Counter()
    lines = _LINE_END.sub("\n", text)
    if (old := old_line(lines)) is not None:  # before anything is taken out: there U+00AD is the letter ư
        number, line, font = old
        raise invalid("old_font", line=number, words=_shortened(line.strip()), font=font)
    composed = unicodedata.normalize("NFC", lines)
    seen = _UNSEEN.sub("", composed)
    changes["invisible"] += len(composed) - len(seen)
    found = _STRANGE.sub(lambda strange: _instead(strange, changes), _with_bullets(seen, changes))
    found = _BLANKS.sub(" ", found).strip()
    if one_line:
        parts = [part for line in found.replace("\t", " ").split("\n") if (part := line.strip())]
        changes["joined"] += max(len(parts) - 1, 0)
        found = " ".join(parts)
    else:
        found = found.replace("\t", "    ")
    return CleanText(found, {kind: count for kind, count in changes.items() if count})


_LINE_END = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+")
"""Most of what is invisible, taken out at once: soft hyphens, blanks without width, directions, byte order marks."""

_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
"""The no-break space and its kin: blanks of other widths."""

_STRANGE = re.compile(
    "[^\t\n -~\u00a0-\u00ac\u00ae-\u02ff\u0300-\u034e\u0370-\u0377\u1e00-\u1eff\u2000-\u200a\u2010-\u2027\u202f-\u205f"
    "\u2070-\u2e7f\u2800\u3000]"
)
"""Whatever is no plain sign or letter of Latin or Greek, and is looked up one by one."""


# Bullets ----------------------------------------------------------------------------------

_BULLETS: Mapping[str, str] = {
    "\uf02d": "–",
    "\uf06c": "●",
    "\uf06e": "■",
    "\uf06f": "□",
    "\uf071": "❑",
    "\uf072": "❒",
    "\uf073": "⬧",
    "\uf075": "◆",
    "\uf076": "❖",
    "\uf077": "⬥",
    "\uf0a7": "▪",
    "\uf0a8": "◻",
    "\uf0b7": "•",
    "\uf0be": "–",
    "\uf0d8": "➢",
    "\uf0e0": "→",
    "\uf0e8": "➔",
    "\uf0f0": "⇨",
    "\uf0fb": "✗",
    "\uf0fc": "✓",
    "\uf0fd": "☒",
    "\uf0fe": "☑",
}
"""Codes of Wingdings (Symbol for B7, 2D and BE) at the beginning of a line; another one becomes "•"."""

_INSIDE: Mapping[str, str] = {
    **{code: _BULLETS[code] for code in "\uf06f\uf071\uf0a7\uf0a8\uf0b7\uf0e0\uf0e8\uf0fc\uf0fd\uf0fe"},
    "\uf04a": "☺",
    "\uf04b": "😐",
    "\uf04c": "☹",
}
"""What Word writes inside a line by itself (:-) and -->), boxes and ticks of forms. Other codes are a sign in one font
and another sign in the other, such as ≤ and a star."""

_OF_HTML: Mapping[str, str] = {"·": "•", "§": "▪", "Ø": "➢", "ü": "✓", "o": "◦"}
"""The same without the F000, where a tab or no-break spaces follow."""

_FIRST = re.compile("^([ \t\u00a0]*)([\uf020-\uf0ff])[ \t\u00a0]*", re.MULTILINE)
_FIRST_OF_HTML = re.compile(f"^([ \t\u00a0]*)([{''.join(_OF_HTML)}])(?:\t|\u00a0[ \u00a0])[ \t\u00a0]*", re.MULTILINE)


def _with_bullets(text: str, changes: Counter[str]) -> str:
    text, fonts = _FIRST.subn(lambda found: f"{found[1]}{_BULLETS.get(found[2], '•')} ", text)
    text, html = _FIRST_OF_HTML.subn(lambda found: f"{found[1]}{_OF_HTML[found[2]]} ", text)
    changes["bullets"] += fonts + html
    return text


# Single characters ------------------------------------------------------------------------

_LOOKED_THROUGH = {"\u200c", "\u200d", *map(chr, range(0xFE00, 0xFE10))}
"""Joiners and variants: they belong to an emoji or to a letter of some scripts, and mean nothing after other signs."""

_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0")
_FILLED = ("Lo", "Mc", "Mn", "Sk", "So")
_CONTROLS: Mapping[str, str] = {"\x1e": "-", "\x02": "", "\x05": "", "\x07": "", "\x1f": "", "\x7f": ""}
"""What Word's own text has beside letters: hyphens, marks of notes and comments, ends of cells."""

_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_REFUSED = {"Cc", "Cn", "Co", "Cs"}


def _instead(found: re.Match[str], changes: Counter[str]) -> str:
    """What stands in place of a strange character."""
    char, category = found.group(), unicodedata.category(found.group())
    if char in _LOOKED_THROUGH:
        before = found.string[found.start() - 1 : found.start()]
        if before and (unicodedata.category(before) in _FILLED or before in _LOOKED_THROUGH):
            return char
        changes["invisible"] += 1
        return ""
    if char == "\ufffc":
        changes["objects"] += 1
        return ""
    if char == "\x1e":
        return "-"
    if char in _CONTROLS or char in _INVISIBLE_LETTERS or (category == "Cf" and char not in _VISIBLE_FORMATS):
        changes["invisible"] += 1
        return ""
    if char in _INSIDE:
        changes["bullets"] += 1
        return _INSIDE[char]
    if category in _REFUSED or category == "Cf" or char == "\ufffd":
        problem = "letter_lost" if char == "\ufffd" else "sign_of_font" if category == "Co" else "character_at"
        raise invalid(problem, character=f"U+{ord(char):04X}", **where_in(found.string, found.start()))
    return char


def where_in(text: str, index: int) -> dict[str, str]:
    """Return the line of a character, and the words beside it, with "▯" in its place."""
    line = text.count("\n", 0, index) + 1
    before = text[:index].rpartition("\n")[2]
    after = text[index + 1 :].partition("\n")[0]
    left = before if len(before) <= _BESIDE else f"…{before[-_BESIDE:].partition(' ')[2] or before[-_BESIDE:]}"
    right = after if len(after) <= _BESIDE else f"{after[:_BESIDE].rpartition(' ')[0] or after[:_BESIDE]}…"
    return {"line": str(line), "words": _UNREADABLE.sub("▯", f"{left}▯{right}".strip())}


_BESIDE = 24
_UNREADABLE = re.compile(
    "[\0-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\uf8ff\ufeff\ufff9-\uffff]"
)


def _shortened(line: str) -> str:
    most = 2 * _BESIDE
    return _UNREADABLE.sub("▯", line if len(line) <= most else f"{line[:most]}…")
