"""A paper as its page shows it: its text with paragraphs to point at, what changed, and how each unit has answered.

Texts have up to 200,000 characters. What a page shows of one is bounded, and the whole is read page by page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from application.comment_threads import HostAnswers, host_answers
from application.comparison import Parts, TextComparison
from application.visits import VisitedCycle
from domain.obligations import covenants_to_sign
from domain.rules import DraftKind
from domain.steps.commenting import Comment, RecordedStance
from domain.steps.drafting import DraftVersion
from domain.steps.midyear import MidyearReport
from domain.steps.signing import Signature, Signing
from errors import InputError, NotFoundError

SHOWN_CHARS = 16_000
"""So much of a text stands on the page of a paper."""

COMMENT_CHARS = 600
"""So much of a comment."""

WHOLE_CHARS = 30_000
"""A page of a text that is read whole."""

AROUND = 1
"""So many unchanged paragraphs stay beside a changed one where a long text is shortened."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a text. `number` counts those of the version that is shown, None for what is only left out."""

    number: int | None
    parts: Parts
    """(same, ins or del, words)"""
    skipped: int = 0
    """So many unchanged paragraphs are left out here; then there are no parts."""

    @property
    def is_changed(self) -> bool:
        """Whether something was put in or left out."""
        return any(kind != "same" for kind, _words in self.parts)

    @property
    def chars(self) -> int:
        """How many characters it shows."""
        return sum(len(words) for _kind, words in self.parts)


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text as the page shows it. `changes` counts changed paragraphs; `cut`: the text goes on."""

    paragraphs: tuple[Paragraph, ...]
    changes: int
    cut: bool


def paragraphs_of(text: str) -> list[str]:
    """The paragraphs of a text: its lines that are not empty."""
    return [line for line in text.splitlines() if line.strip()]


def shown_text(text: str, chars: int = SHOWN_CHARS) -> ShownText:
    """A text without marks."""
    found = [Paragraph(number, [("same", line)]) for number, line in enumerate(paragraphs_of(text), 1)]
    return _cut(found, 0, chars)


def shown_comparison(compared: TextComparison, chars: int = SHOWN_CHARS) -> ShownText:
    """A text with what changed marked; of a long one the changed paragraphs and what stands beside them."""
    found = list(_numbered(compared))
    changes = sum(one.is_changed for one in found)
    if changes and sum(one.chars for one in found) > chars:
        found = list(_around_changes(found))
    return _cut(found, changes, chars)


def _numbered(compared: TextComparison) -> Iterator[Paragraph]:
    number = 0
    for _kind, parts in compared.paragraphs:
        if compared.level == "words":  # the parts of a changed paragraph are pieces of its lines
            lines = len(paragraphs_of(" ".join(words for kind, words in parts if kind != "del")))
        else:
            lines = sum(bool(words.strip()) for kind, words in parts if kind != "del")
        if lines or any(words.strip() for _kind, words in parts):
            yield Paragraph(number + 1 if lines else None, parts)
        number += lines


def _around_changes(found: Sequence[Paragraph]) -> Iterator[Paragraph]:
    kept = {near for at, one in enumerate(found) if one.is_changed for near in range(at - AROUND, at + AROUND + 1)}
    skipped = 0
    for at, one in enumerate(found):
        if at not in kept:
            skipped += 1
            continue
        if skipped:
            yield Paragraph(None, [], skipped)
        skipped = 0
        yield one
    if skipped:
        yield Paragraph(None, [], skipped)


def _cut(found: Iterable[Paragraph], changes: int, chars: int) -> ShownText:
    shown: list[Paragraph] = []
    left = chars
    for one in found:
        if left <= 0:
            return ShownText(tuple(shown), changes, cut=True)
        if one.chars > left:
            shown.append(replace(one, parts=_cut_parts(one.parts, left)))
            return ShownText(tuple(shown), changes, cut=True)
        shown.append(one)
        left -= one.chars
    return ShownText(tuple(shown), changes, cut=False)


def _cut_parts(parts: Parts, left: int) -> Parts:
    found: Parts = []
    for kind, words in parts:
        if left <= 0:
            break
        found.append((kind, words if len(words) <= left else words[:left].rstrip() + " …"))
        left -= len(words)
    return found


def pages_of(text: str, chars: int = WHOLE_CHARS) -> list[str]:
    """A text in parts of so many characters, cut between lines where one fits."""
    parts, part = [], ""
    for line in text.splitlines(keepends=True):
        if part and len(part) + len(line) > chars:
            parts.append(part)
            part = ""
        while len(line) > chars:
            parts.append(line[:chars])
            line = line[chars:]  # noqa: PLW2901 - the rest of the line
        part += line
    return [*parts, part] if part or not parts else parts


# Answers of the units ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitAnswer:
    """How a unit has answered a paper. `comments` are those that answer no other one.

    Each answer is about a version: the one that it names, or else the latest that had been presented then.
    """

    unit: str
    name: str
    shown: int
    """The number of the version that is looked at."""
    stance: RecordedStance | None
    stance_on: int | None
    comments: tuple[Comment, ...]
    comments_on: tuple[int | None, ...]
    signature: Signature | None
    declined_on: int | None
    """The version that was not signed; 0: one that is not known. None: the unit has not declined."""

    @property
    def has_ever_answered(self) -> bool:
        """Whether the unit has said anything of any version."""
        return bool(self.stance or self.comments or self.signature or self.has_declined)

    @property
    def has_answered(self) -> bool:
        """Whether the unit has said anything of the version that is looked at."""
        signed = self.signature.number if self.signature is not None else None
        # Of a signature by a source that names no paper the version is not known: 0.
        found = {self.stance_on, signed, self.declined_on, *self.comments_on}
        return self.shown in found or 0 in found

    @property
    def agrees(self) -> bool:
        """Whether the unit has agreed to the version that is looked at, and has asked for no change since."""
        agreed = self.stance is not None and self.stance.stance == "agreed" and self.stance_on == self.shown
        return agreed and self.asked_since is None

    @property
    def has_declined(self) -> bool:
        """Whether the unit has declined to sign."""
        return self.declined_on is not None

    @property
    def first_comment(self) -> int | None:
        """The number of its first comment."""
        return self.comments[0].number if self.comments else None

    @property
    def asked_since(self) -> Comment | None:
        """The latest change that the unit asks for and that it entered after its stance; None where there is none."""
        if self.stance is None or self.stance.stance == "changes-requested":
            return None
        later = [one for one in self.comments if one.asks_for_change and one.version > self.stance.version]
        return later[-1] if later else None


def versions_of(cycle: VisitedCycle, kind: str) -> tuple[DraftVersion, ...]:
    """The versions of a paper that was presented.

    Raises:
        InputError: `nothing_presented`.
    """
    if not (versions := cycle.readable_state().drafts.get(kind, ())):  # type: ignore[call-overload]
        raise InputError("nothing_presented", kind=kind)
    return tuple(versions)


def signing_of(cycle: VisitedCycle, kind: str) -> Signing | None:
    """The signing of a paper; None for one that is not signed."""
    state = cycle.readable_state()
    return {"covenant": state.signing, "term-covenant": state.term_signing}.get(kind)


def is_to_sign(cycle: VisitedCycle, kind: str) -> bool:
    """Whether units sign this paper this year."""
    return kind in covenants_to_sign(cycle.readable_state(), cycle.rules)


def _latest_then(versions: Sequence[DraftVersion], said: RecordedStance | Comment) -> int | None:
    """The latest version that had been presented when something was said; of one day what was entered first."""
    known = [one for one in versions if not said.when.before(one.when)]
    before = [one for one in known if one.when.before(said.when) or one.version < said.version]
    return max((one.number for one in before or known), default=None)


def answers(cycle: VisitedCycle, kind: str, shown: int) -> list[UnitAnswer]:
    """How each member unit has answered a paper: first those that have not answered version `shown`."""
    state, signing = cycle.readable_state(), signing_of(cycle, kind)
    comments, versions = state.comments, state.drafts.get(cast("DraftKind", kind), ())
    own: dict[str, list[Comment]] = defaultdict(list)
    for comment in comments.comments.values():
        if comment.on in {None, kind} and comment.answers is None and not comment.withdrawn and comment.by.unit:
            own[comment.by.unit].append(comment)
    found = []
    for unit, name in cycle.members():
        # Of what it said of this paper and of all of them, what it said last.
        said = [one for key in (kind, "") if (one := comments.stances.get((unit, key))) is not None]
        stance = max(said, key=lambda one: one.version, default=None)
        declined = signing.declined.get(unit) if signing is not None else None
        before = [] if declined is None else [one.number for one in versions if one.version < declined]
        found.append(
            UnitAnswer(
                unit,
                name,
                shown,
                stance,
                None if stance is None else stance.number or _latest_then(versions, stance),
                tuple(own[unit]),
                tuple(one.draft_version or _latest_then(versions, one) for one in own[unit]),
                None if signing is None else signing.signatures.get(unit),
                None if declined is None else max(before, default=0),
            )
        )
    return sorted(found, key=lambda one: one.has_answered)


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """What units have said of a version that a new one replaces: how many answered it, and the names of the signers."""

    number: int
    answered: int
    signers: tuple[str, ...]


def earlier_answers(cycle: VisitedCycle, kind: str) -> tuple[EarlierAnswers, ...]:
    """What has been answered of each version of a paper, of those that somebody answered or signed."""
    found = []
    for version in cycle.readable_state().drafts.get(cast("DraftKind", kind), ()):
        of = answers(cycle, kind, version.number)
        signers = tuple(one.name for one in of if one.signature is not None and one.signature.number == version.number)
        if (answered := sum(one.has_answered for one in of)) or signers:
            found.append(EarlierAnswers(version.number, answered, signers))
    return tuple(found)


def host_answers_to(cycle: VisitedCycle, kind: str) -> HostAnswers:
    """How those who present drafts have answered the comments on a paper."""
    state = cycle.readable_state()
    roles = (state.membership.holder("head"), state.membership.holder("deputy"))
    hosts = {state.lifecycle.organiser, *(unit for unit in roles if unit is not None)}
    return host_answers(state.comments.comments, kind, hosts)


def not_answered_yet(cycle: VisitedCycle, unit: str) -> DraftKind | None:
    """The first paper that a unit has not answered; None where there is none."""
    for kind in cycle.readable_state().drafts:
        if not any(one.has_ever_answered for one in answers(cycle, kind, 1) if one.unit == unit):
            return kind
    return None


def not_signed_yet(cycle: VisitedCycle, unit: str) -> DraftKind | None:
    """The first covenant that a unit has yet to sign and that was presented; None where there is none."""
    for kind in covenants_to_sign(cycle.readable_state(), cycle.rules):
        signing = signing_of(cycle, kind)
        if kind in cycle.readable_state().drafts and signing is not None and unit not in signing.signatures:
            return kind
    return None


def report_of(cycle: VisitedCycle, unit: str) -> MidyearReport:
    """The mid-year report of a unit.

    Raises:
        NotFoundError: `page_not_found`: the unit has handed in none.
    """
    if (found := cycle.readable_state().midyear.get(unit)) is None:
        raise NotFoundError("page_not_found")
    return found
