"""What is wrong, unknown or contradictory in a rules edition, in words, each at its part and its field.

The command `thidua rules check` and the pages of editions ask here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from application.edition_parts import BY_ID, CRITERIA, PARTS, EditionPart, part_of_field
from domain.edition_remarks import edition_remarks
from domain.numbers import is_canonical, whole_number
from domain.problems import all_problems
from domain.rules import Edition
from domain.scoring.remarks import Remark, remarks
from domain.types import TYPED
from i18n import _
from i18n.edition_fields import edition_label
from i18n.messages import number, problem_in_words, sentence

_PART_OF_REMARK: Mapping[str, str] = {
    "class_gap_closed": "xep-loai",
    "class_gap_open": "xep-loai",
    "class_needs_pass_mark": "xep-loai",
    "class_never_given": "xep-loai",
    "class_never_reached": "xep-loai",
    "class_unreachable": "xep-loai",
    "class_unreachable_for": "xep-loai",
    "count_differs": "cach-tinh",
    "cross_checks_by_act": "vong-cham",
    "deadline_without_covenant": "viec",
    "due_before_period_ends": "thoi-han",
    "figures_after_due": "thoi-han",
    "in_force_before_its_date": "van-ban",
    "pass_mark_unreachable": "cach-tinh",
    "pass_mark_unreachable_for": "cach-tinh",
    "term_without_years": "viec",
    "total_exceeds": "cach-tinh",
    "total_rounded": "cach-tinh",
    "total_unseen": "cach-tinh",
    "total_unstated": "cach-tinh",
    "total_with_bonus_differs": "cach-tinh",
    "totals_above_classes": "xep-loai",
    "years_without_term": "viec",
}
"""The part that a remark is about which is about no criterion; others are about the table of criteria."""


MOST_FINDINGS = 200
"""So many are told of an edition; the others are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about a part. `wrong`: with it the edition cannot be put in force; else it is a remark.

    `path` is the place in the file, with dots; `here` the sentence without its place. `criterion` is the id of the
    criterion that it is about, "" for none.
    """

    part: EditionPart
    text: str
    here: str
    path: str = ""
    criterion: str = ""
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class EditionCheck:
    """What was found in an edition; `edition` is None while something is wrong in it.

    `ended_early`: the time did not suffice this time, so another check can find something else.
    """

    edition: Edition | None
    findings: tuple[Finding, ...]
    ended_early: bool = False

    @property
    def digest(self) -> str:
        """The digest under which the edition would be stored; "" while something is wrong in it."""
        return "" if self.edition is None else digest_of(self.edition)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What keeps it from being put in force."""
        return tuple(one for one in self.findings if one.wrong)

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """The others."""
        return tuple(one for one in self.findings if not one.wrong)

    def of(self, part: EditionPart) -> tuple[Finding, ...]:
        """Return what was found in a part."""
        return tuple(one for one in self.findings if one.part is part)


def digest_of(edition: Edition) -> str:
    """Return the digest of an edition's stored text."""
    return sha256(edition.model_dump_json().encode()).hexdigest()


def all_remarks(edition: Edition) -> tuple[Remark, ...]:
    """Return what is unknown, open or contradictory in an edition that can be read."""
    found = (*remarks(edition.criteria, edition.scoring, edition.total), *edition_remarks(edition))
    return tuple(one for one in found if not _is_bonus(one, edition))


def check_edition(values: Mapping[str, Any], names: Mapping[str, str]) -> EditionCheck:
    """Check the values of a file. `names` are those of units, by id."""
    titles = {**names, **_titles(values)}
    try:
        edition = Edition.model_validate(dict(values), context=TYPED)
    except ValidationError as error:
        return EditionCheck(None, tuple(dict.fromkeys(_problems(error, values, titles))))
    found = all_remarks(edition)
    told = [_remark(one, edition, titles) for one in found[:MOST_FINDINGS]]
    return EditionCheck(edition, (*told, *_more(len(found) - MOST_FINDINGS, wrong=False)))


def _more(count: int, *, wrong: bool) -> Iterator[Finding]:
    """What stands for the findings that are not told one by one."""
    if count > 0:
        text = _("and {count} more").format(count=count)
        yield Finding(PARTS[0], text, text, wrong=wrong)


def _is_bonus(one: Remark, edition: Edition) -> bool:
    """Whether what the criteria lack to the stated total is just the bonus, which that total includes."""
    if one.code != "total_unseen" or edition.scoring.stated_base is not None or edition.total is None:
        return False
    bonus = sum((top.max for top in edition.criteria if top.part == "bonus" and top.max is not None), Decimal(0))
    cap = edition.scoring.bonus_cap
    return edition.total - Decimal(dict(one.facts)["seen"]) == (bonus if cap is None else min(bonus, cap))


_POINTS = frozenset({"seen", "stated", "low", "high", "least", "most", "usual"})
"""Facts of remarks that are points."""


def remark_text(one: Remark, titles: Mapping[str, str]) -> str:
    """Return the sentence of a remark; `titles` are those of what has an id in the edition, by id."""
    facts = dict(one.facts)
    for name in ("whose", "what"):
        if name in facts:
            facts[name] = titles.get(facts[name]) or edition_label(facts[name]).lower()
    code = one.code
    if code == "total_unseen" and facts.get("unknown") == "0":
        code = "total_falls_short"
        facts["lacking"] = number(Decimal(facts["stated"]) - Decimal(facts["seen"]))
    if code != "share_needs_units":  # there it is a number of units
        facts |= {name: number(Decimal(facts[name])) for name in _POINTS & set(facts) if is_canonical(facts[name])}
    return sentence(code, facts)


def _remark(one: Remark, edition: Edition, titles: Mapping[str, str]) -> Finding:
    facts, text = dict(one.facts), remark_text(one, titles)
    if one.criterion is not None:
        title = titles.get(one.criterion, "")
        return Finding(CRITERIA, f"{title}: {text}", text, criterion=one.criterion)
    part = BY_ID.get(_PART_OF_REMARK.get(one.code, ""), CRITERIA)
    if one.code == "share_needs_units":
        is_award = facts.get("name") in {award.title for award in edition.awards}
        part = BY_ID["khen-thuong" if is_award else "xep-loai"]
    return Finding(part, text, text)


def _problems(error: ValidationError, values: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[Finding]:
    all_found = [(_place(one["place"]), one) for one in all_problems(error)]
    above = {path[:length] for path, _one in all_found for length in range(len(path))}
    # A list whose only entry is wrong is told to be too short, too.
    found = [
        (path, one)
        for path, one in all_found
        if _is_meant(path, one["problem"], values) and not (one["problem"] == "too_short" and path in above)
    ]
    for path, one in found[:MOST_FINDINGS]:
        given = {name: _titled(name, fact, titles) for name, fact in one["given"].items()}
        given = {name: fact for name, fact in given.items() if name not in {"expected", "fields"}}
        code = _IN_FORMS.get(one["problem"], one["problem"])
        here = sentence(code, given) if code in _IN_FORMS.values() else problem_in_words(code, given)
        here = here[:1].upper() + here[1:]
        part = _part_of_problem(path, one["problem"])
        where = _where(path, values)
        yield Finding(
            part,
            f"{where}: {here}" if where else here,
            here,
            ".".join(map(str, path)),
            _criterion(path, values),
            wrong=True,
        )
    yield from _more(len(found) - MOST_FINDINGS, wrong=True)


_IN_FORMS: Mapping[str, str] = {
    "extra_forbidden": "edition_no_such_field",
    "literal_error": "edition_no_such_choice",
    "enum": "edition_no_such_choice",
    "union_tag_invalid": "edition_no_such_choice",
    "union_tag_not_found": "edition_no_way",
    "string_pattern_mismatch": "edition_bad_name",
}
"""Problems whose own sentences tell what is typed into a file, and the ones that say the same of a form."""

_PARTS_OF_PROBLEMS: Mapping[str, str] = {
    "deadline_twice": "thoi-han",
    "vote_rule_twice": "bieu-quyet",
    "holidays_overlap": "lich",
    "named_again": "khen-thuong",
    "round_of_no_criterion": "vong-cham",
    "criterion_stands_twice": "tieu-chi",
    "criteria_too_deep": "tieu-chi",
    "no_such_class": "xep-loai",
    "no_such_fact": "xep-loai",
}
"""The part of a problem that the edition as a whole has."""


def _part_of_problem(path: tuple[str | int, ...], problem: str) -> EditionPart:
    whole = not path or path == ("scoring",)
    return BY_ID[_PARTS_OF_PROBLEMS[problem]] if whole and problem in _PARTS_OF_PROBLEMS else part_of_field(path)


_OF_YEAR, _OF_PERIOD = frozenset({"year", "month", "day"}), frozenset({"counted_from", "days"})


def _place(path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The place of a problem in the file: pydantic names the alternative of a union, too, such as a scoring method."""
    found: list[int | str] = []
    for index, part in enumerate(path):
        before = path[index - 1] if index else ""
        of_union = (part in {"YearDay", "PeriodDay"} and before == "due") or (
            before == "way" and isinstance(part, str) and part != "way" and index >= _AFTER_WAY
        )
        if not of_union and not (isinstance(part, str) and re.search(r"[\[\](]", part)):
            found.append(part)
    return tuple(found)


def _is_meant(path: tuple[int | str, ...], problem: str, values: Mapping[str, Any]) -> bool:
    """Whether a problem of a last day is one of the alternative that was meant: a day of the year, or of the period."""
    if len(path) < 2 or path[-2] != "due":  # noqa: PLR2004 - the field and its part
        return True
    due = _at(values, list(path[:-1]))
    of_period = isinstance(due, Mapping) and bool(_OF_PERIOD & set(due))
    other, own = (_OF_YEAR, _OF_PERIOD) if of_period else (_OF_PERIOD, _OF_YEAR)
    return not ((path[-1] in other and problem == "missing") or (path[-1] in own and problem == "extra_forbidden"))


_AFTER_WAY = 3
"""`criteria`, the number of one, `way`: what follows is the method's name."""


def _at(values: Any, path: list[int | str]) -> Any:
    for part in path:
        if isinstance(values, Mapping):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return None
    return values


def _where(path: tuple[int | str, ...], values: Mapping[str, Any]) -> str:
    """The place in words: the criterion by its title, lines by their numbers, fields by their labels."""
    words: list[str] = []
    names: list[str] = []
    for index, part in enumerate(path):
        if isinstance(part, int):
            one = _at(values, list(path[: index + 1]))
            title = one.get("title") if isinstance(one, Mapping) else None
            if isinstance(title, str) and title and names[-1:] in (["criteria"], ["children"]):
                words = [_("“{title}”").format(title=title[:60])]
            else:
                words.append(_("line {line}").format(line=part + 1))
        elif part not in {"criteria", "children", "scoring"} or index == len(path) - 1:
            names.append(part)
            words.append(edition_label(part, names[-2] if len(names) > 1 else ""))
        else:
            names.append(part)
    return ", ".join(words)


def _criterion(path: tuple[int | str, ...], values: Mapping[str, Any]) -> str:
    """The id of the innermost criterion of a place."""
    found = ""
    for index, part in enumerate(path):
        if isinstance(part, int) and path[index - 1] in {"criteria", "children"}:
            one = _at(values, list(path[: index + 1]))
            found = str(one.get("id", "")) if isinstance(one, Mapping) else found
    return found


def _titled(name: str, fact: Any, titles: Mapping[str, str]) -> Any:
    """A fact with titles in the place of ids."""
    if name in {"criterion", "round", "name", "names", "classes"} and isinstance(fact, str):
        return ", ".join(titles.get(one, one) for one in fact.split(", "))
    return fact


def _titles(values: Mapping[str, Any]) -> dict[str, str]:
    """The titles of what has an id, by id."""
    found: dict[str, str] = {}
    scoring = values.get("scoring")
    lists = [values.get("rounds"), values.get("awards")]
    lists += [scoring.get("classes"), scoring.get("facts")] if isinstance(scoring, Mapping) else []
    for entries in lists:
        for one in entries if isinstance(entries, list) else ():
            if isinstance(one, Mapping) and isinstance(one.get("title"), str):
                found[str(one.get("id"))] = one["title"]
    found |= {str(node.get("id")): str(node.get("title", "")) for _path, _depth, node in nodes_of(values)}
    return found


Place = tuple[int, ...]
"""Where a criterion stands: its number on each level, from the top."""


def nodes_of(values: Mapping[str, Any]) -> Iterator[tuple[Place, int, dict[str, Any]]]:
    """Yield the criteria of a file with place and depth, a group before what is in it; what is none is left out."""
    yield from _walk(values.get("criteria"), ())


def _walk(entries: Any, before: Place) -> Iterator[tuple[Place, int, dict[str, Any]]]:
    for at, one in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(one, dict):
            place = (*before, at)
            yield place, len(before), one
            yield from _walk(one.get("children"), place)


def place_of(text: str) -> Place:
    """Return a place that an address holds, such as 0-2-1; empty for anything else."""
    numbers = [whole_number(part) for part in text.split("-")]
    return tuple(one for one in numbers if one is not None) if None not in numbers else ()
