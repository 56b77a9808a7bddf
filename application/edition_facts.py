"""What tells a rules edition from others of the same name: its paper, when it holds, where it is in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain.numbers import whole_number
from domain.rules import Edition
from i18n import LANGUAGES, _, in_language, ngettext
from i18n.editions import edition_title
from i18n.messages import day, typed_day
from projections.board_lines import BoardLines


@dataclass(frozen=True, slots=True)
class EditionFacts:
    """Title and, in words, the paper (number, day, issuer) and the days on which it holds; "" where unknown."""

    title: str
    paper: str
    holds: str


def facts_of(values: Mapping[str, Any]) -> EditionFacts:
    """Return the facts of the values of a file, which can be of any shape."""
    given = {name: _line(values.get(name)) for name in ("title", "number", "issued", "issuer")}
    first, last = _line(values.get("valid_from")), _line(values.get("valid_until"))
    issued = _("of {day}").format(day=given["issued"]) if given["issued"] else ""
    paper = ", ".join(text for text in (given["number"], issued, given["issuer"]) if text)
    holds = ""
    if first and last:
        holds = _("holds from {first} to {last}").format(first=first, last=last)
    elif first:
        holds = _("holds from {first}").format(first=first)
    elif last:
        holds = _("holds until {last}").format(last=last)
    return EditionFacts(given["title"], paper, holds)


def facts_of_edition(edition: Edition) -> EditionFacts:
    """Return the facts of an edition."""
    names = ("title", "number", "issued", "issuer", "valid_from", "valid_until")
    return facts_of({name: getattr(edition, name) for name in names})


def _line(value: Any) -> str:
    if isinstance(value, date):
        return typed_day(value)
    return " ".join(value.split()) if isinstance(value, str) else ""


def told_apart(editions: Mapping[str, Edition], uses: Uses) -> dict[str, str]:
    """Return the titles of stored editions by digest; namesakes with their facts and clusters."""
    titles = {digest: edition_title(one) for digest, one in editions.items()}
    shared = Counter(titles.values())
    found: dict[str, str] = {}
    for digest, title in titles.items():
        facts = facts_of_edition(editions[digest])
        more = (facts.paper, facts.holds, *uses_in_words(uses.get(digest, ())))
        found[digest] = "; ".join((title, *filter(None, more))) if shared[title] > 1 else title
    return found


# Titles of copies -------------------------------------------------------------------------------------------------


def copy_title(title: str, taken: Iterable[str]) -> str:
    """Return the title of a copy: marked as one, and none of those that are taken."""
    plain, known = _without_mark(title), set(taken)
    first = _("{title} (copy)").format(title=plain)
    numbered = (_("{title} (copy {number})").format(title=plain, number=n) for n in range(2, len(known) + 3))
    return next(one for one in (first, *numbered) if one not in known)


def is_copy(title: str) -> bool:
    """Whether a title says that it is one of a copy, in any language."""
    return _without_mark(title) != title


def _without_mark(title: str) -> str:
    for language in LANGUAGES:
        with in_language(language):
            first = _("{title} (copy)").format(title="")
            before, after = _("{title} (copy {number})").format(title="", number="\n").split("\n")
        if title.endswith(first):
            return title.removesuffix(first)
        head, mark, number = title.removesuffix(after).rpartition(before)
        if mark and title.endswith(after) and whole_number(number) is not None:
            return head
    return title


# Where editions are in force --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EditionUse:
    """A cycle that follows an edition, or did: `since` is None where it began with it; `now`: none came after it."""

    stream: str
    cluster: str
    year: int
    since: datetime | None
    now: bool

    @property
    def title(self) -> str:
        """The cluster and the year."""
        return f"{self.cluster}, {self.year}"

    @property
    def told(self) -> str:
        """The cluster and the year, with the day from which on it counts there, and that it does no more."""
        since = _("from {day}").format(day=day(self.since)) if self.since is not None else ""
        ended = "" if self.now else _("no longer in force")
        more = ", ".join(text for text in (since, ended) if text)
        return f"{self.title} ({more})" if more else self.title


Uses = Mapping[str, tuple[EditionUse, ...]]
"""The cycles of an organiser by the digest of an edition, in the order of the board."""


async def uses_of(board: BoardLines, organiser: str) -> Uses:
    """Return where the editions of an organiser's cycles are in force, or once were."""
    found: dict[str, list[EditionUse]] = {}
    for stream, cluster, year, editions in await board.editions_of(organiser):
        for number, (digest, since) in enumerate(editions, 1):
            use = EditionUse(stream, cluster, year, since, now=number == len(editions))
            found.setdefault(digest, []).append(use)
    return {digest: tuple(uses) for digest, uses in found.items()}


_NAMED = 3


def uses_in_words(uses: Iterable[EditionUse]) -> tuple[str, ...]:
    """Return a line for each year, and for what is no longer in force: some clusters by name, more by their number."""
    groups: dict[tuple[bool, int], list[str]] = {}
    for one in uses:
        groups.setdefault((one.now, one.year), []).append(one.cluster)
    return tuple(
        (_("in force in {year}: {clusters}") if now else _("once in force in {year}: {clusters}")).format(
            year=year, clusters=_some(list(dict.fromkeys(names)))
        )
        for (now, year), names in sorted(groups.items(), key=lambda pair: (not pair[0][0], -pair[0][1]))
    )


def _some(names: list[str]) -> str:
    if len(names) <= _NAMED:
        return ", ".join(names)
    more = len(names) - _NAMED
    rest = ngettext("and {count} more cluster", "and {count} more clusters", more).format(count=more)
    return f"{', '.join(names[:_NAMED])} {rest}"
