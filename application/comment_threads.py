"""Comments as people read them: each with the answers to it below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from domain.steps.commenting import Comment


@dataclass(frozen=True, slots=True)
class ThreadedComment:
    """A comment, how many comments it answers one after another, and the comment that begins its thread."""

    comment: Comment
    depth: int
    begins: int


def of_draft(comments: Mapping[int, Comment], kind: str) -> list[Comment]:
    """The comments on a draft and on all drafts, in order. An answer stands with the comment that it answers."""
    first = _firsts(comments)
    return [one for one in comments.values() if first[one.number].on in {None, kind}]


@dataclass(frozen=True, slots=True)
class HostAnswers:
    """The units' comments on a draft that stand, and those of them that no host has answered.

    A host answers a comment by saying that it was taken up, or why it was not. The register holds that as a comment
    which answers another one; which of both it says stands in its text only.
    """

    comments: tuple[Comment, ...]
    unanswered: tuple[Comment, ...]

    @property
    def answered(self) -> int:
        """How many have an answer of a host."""
        return len(self.comments) - len(self.unanswered)


def host_answers(comments: Mapping[int, Comment], kind: str, hosts: Collection[str]) -> HostAnswers:
    """Return how the `hosts`, units that present drafts, have answered the comments on a draft."""
    standing = [one for one in of_draft(comments, kind) if not one.withdrawn]
    answered = {one.answers for one in standing if one.answers is not None and one.by.unit in hosts}
    asked = [one for one in standing if one.answers is None and one.by.unit not in hosts]
    return HostAnswers(tuple(asked), tuple(one for one in asked if one.number not in answered))


def _firsts(comments: Mapping[int, Comment]) -> dict[int, Comment]:
    """By number, the comment that begins a comment's thread; in a circle, the last one before it closes."""
    found: dict[int, Comment] = {}
    for comment in comments.values():
        at, path = comment, {comment.number}
        while (above := comments.get(at.answers or 0)) is not None:
            if above.number in path or above.number in found:
                break
            path.add(above.number)
            at = above
        first = at if above is None else found.get(above.number, at)
        found.update(dict.fromkeys(path, first))
    return found


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
