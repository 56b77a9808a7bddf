"""Comments as people read them: each with the answers to it below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from domain.steps.commenting import Comment


@dataclass(frozen=True, slots=True)
class ThreadedComment:
    """A comment, how many comments it answers one after another, and the comment that begins its thread."""

    comment: Comment
    depth: int
    begins: int


def threads(comments: Iterable[Comment]) -> list[ThreadedComment]:
    """Comments with their answers under them, in order; an answer to a withdrawn comment begins its own thread.

    Corrections can make comments answer each other in a circle: then the first of them begins the thread.
    """
    standing = {one.number: one for one in comments if not one.withdrawn}
    answers: dict[int, list[Comment]] = defaultdict(list)
    for one in standing.values():
        if one.answers in standing:
            answers[one.answers].append(one)
    found: dict[int, ThreadedComment] = {}
    begins = [one for one in standing.values() if one.answers not in standing]
    for first in (*begins, *standing.values()):
        left = [(first, 0)]  # no recursion: the ledger may hold a thread of any depth
        while left:
            one, depth = left.pop()
            if one.number not in found:
                found[one.number] = ThreadedComment(one, depth, first.number)
                left.extend((answer, depth + 1) for answer in reversed(answers[one.number]))
    return list(found.values())
