"""Two texts compared for readers: paragraph by paragraph, and word by word inside those that changed.

The time of an exact comparison grows with the product of both lengths: two texts of 120 kB without a common paragraph
take most of a minute. So what is longer than a page is compared in a child process, as finely as its time allows: word
by word, else paragraph by paragraph, else as what stands between the common beginning and the common end.
"""

from __future__ import annotations

import difflib
import json
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from pydantic import TypeAdapter

from application.work import CHILDREN, TooBusyError, WorkFailedError, answer_as_child

Level = Literal["words", "paragraphs", "whole"]
"""How finely two texts were compared."""

Parts = list[tuple[str, str]]
"""Parts of a paragraph: (same, ins or del, words)."""

Paragraphs = list[tuple[str, Parts]]
"""Paragraphs: (same or changed, parts)."""

WORDS_AT_ONCE = 40_000
"""The product of two numbers of words that is compared at once, without a child: some 200 words each."""

SECONDS_BY_LEVEL: tuple[tuple[Level, float], ...] = (("words", 2.5), ("paragraphs", 1.0), ("whole", 1.0))
SECONDS = 6.0
"""After this the child is killed. It gives up each level earlier by itself."""


_ANSWER: TypeAdapter[tuple[Level, Paragraphs]] = TypeAdapter(tuple[Level, Paragraphs])


@dataclass(frozen=True, slots=True)
class TextComparison:
    """What changed from one text to another."""

    paragraphs: Paragraphs
    level: Level


def compared_at_once(old: str, new: str) -> TextComparison | None:
    """Two texts compared word by word; None where too much changed to do it without a child."""
    before, after = old.splitlines(), new.splitlines()
    first = _common(before, after)
    last = _common(before[first:][::-1], after[first:][::-1])
    changed = before[first : len(before) - last], after[first : len(after) - last]
    if _words_in(changed[0]) * _words_in(changed[1]) > WORDS_AT_ONCE:
        return None
    return TextComparison(_compared(before, after, "words"), "words")


async def compared(old: str, new: str) -> TextComparison:
    """Two texts compared, as finely as the time allows. It always has an answer, and never holds up other pages."""
    if (at_once := compared_at_once(old, new)) is not None:
        return at_once
    before, after = old.splitlines(), new.splitlines()
    try:
        level, found = await CHILDREN.run(__name__, json.dumps([before, after]).encode(), _ANSWER, seconds=SECONDS)
    except (WorkFailedError, TooBusyError):
        return TextComparison(_compared(before, after, "whole"), "whole")
    return TextComparison(found, level)


def _words_in(lines: Sequence[str]) -> int:
    return sum(line.count(" ") + 1 for line in lines)


def _compared(before: list[str], after: list[str], level: Level) -> Paragraphs:
    """Two texts compared at a level."""
    first = _common(before, after)
    last = _common(before[first:][::-1], after[first:][::-1])
    found: Paragraphs = [("same", [("same", line)]) for line in after[:first]]
    found.extend(_changed(before[first : len(before) - last], after[first : len(after) - last], level))
    found.extend(("same", [("same", line)]) for line in after[len(after) - last :])
    return found


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    """How many are the same at the beginning."""
    count = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        count += 1
    return count


def _changed(before: list[str], after: list[str], level: Level) -> Iterator[tuple[str, Parts]]:
    if level == "whole":
        if before or after:
            yield "changed", _replaced(before, after)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (("same", [("same", line)]) for line in after[j1:j2])
        elif level == "paragraphs":
            yield "changed", _replaced(before[i1:i2], after[j1:j2])
        elif i2 - i1 == j2 - j1:  # as many paragraphs as before: each was changed in itself
            yield from (("changed", list(_words(*pair))) for pair in zip(before[i1:i2], after[j1:j2], strict=True))
        else:
            yield "changed", list(_words("\n".join(before[i1:i2]), "\n".join(after[j1:j2])))


def _replaced(before: list[str], after: list[str]) -> Parts:
    """Lines that stand in the place of others."""
    return [*(("del", line) for line in before), *(("ins", line) for line in after)]


def _words(old: str, new: str) -> Iterator[tuple[str, str]]:
    before, after = old.split(" "), new.split(" ")
    first = _common(before, after)
    last = _common(before[first:][::-1], after[first:][::-1])
    yield from _if_any("same", after[:first])
    end = after[len(after) - last :]
    before, after = before[first : len(before) - last], after[first : len(after) - last]
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "same", " ".join(after[j1:j2])
        else:
            yield from _if_any("del", before[i1:i2])
            yield from _if_any("ins", after[j1:j2])
    yield from _if_any("same", end)


def _if_any(tag: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    if words:
        yield tag, " ".join(words)


class _OutOfTimeError(Exception):
    """A level took longer than it may."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _OutOfTimeError


def finest(
    before: list[str], after: list[str], seconds: Sequence[tuple[Level, float]] = SECONDS_BY_LEVEL
) -> tuple[Level, Paragraphs]:
    """The finest comparison that is done in time, in a process of its own: it uses the process's alarm."""
    signal.signal(signal.SIGALRM, _ring)
    for level, allowed in seconds:
        try:
            signal.setitimer(signal.ITIMER_REAL, allowed)
            found = _compared(before, after, level)
        except (_OutOfTimeError, MemoryError, RecursionError):
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return level, found
    return "whole", [("changed", _replaced(before, after))]


def _answer(sent: bytes) -> tuple[Level, Paragraphs]:
    before, after = json.loads(sent)
    return finest(before, after)


if __name__ == "__main__":
    answer_as_child(_answer)
