"""Texts for people: the sentence of a refusal or an error, words, numbers and days."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sized
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from domain.dates import as_written, from_iso
from domain.numbers import write_number
from domain.records import Command
from domain.times import ICT, When
from i18n import Plural, _, language, ngettext, page_texts, sentences
from i18n.acts import MEETINGS_VI, act_name, names_in_files
from i18n.earlier_acts import who_came_first
from i18n.fields import FIELDS, label_inside, place_in_words
from i18n.nearest import nearest_in_words
from i18n.problems import PROBLEMS
from i18n.words import COUNTS, WORDS, words_of_values

SENTENCES: Mapping[str, str | Plural] = {**sentences.SENTENCES, **page_texts.SENTENCES}

_KIND_OF_FACT: Mapping[str, str] = {
    "clock": "clock",
    "draft": "draft",
    "duty": "duty",
    "kind": "draft",
    "role": "role",
}
"""The kind of word that a fact of a refusal or a deviation is, by the fact's name."""

_UNITS = {"by", "organiser", "subject", "unit"}


def sentence(code: str, facts: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None) -> str:
    """The sentence of a code, in the language in use."""
    text = SENTENCES.get(code)
    given = {**_ACTS_IN.get(code, {}), **(facts or {})}
    if text is None:
        return _("Something is wrong that is not described yet.")
    if (problem := given.get("problem")) is not None:
        given["problem"] = problem_in_words(str(problem), given.get("given") or {})
    if (typed := _TYPED.get(code)) is not None:
        given["nearest"] = nearest_in_words(str(given.get(typed)), _possible(code, given))
    words = translated(text, given)
    told = filled(words, given, names or {})
    first = who_came_first(given)
    return (told[:1].upper() + told[1:] if words.startswith("{place}") else told) + (f" {first}" if first else "")


_ACTS_IN: Mapping[str, Mapping[str, str]] = {
    "cluster_differs": {"act": "admit-unit", "other_act": "release-unit"},
    "nobody_can_be_ranked": {"act": "record-totals"},
    "unit_has_no_score": {"act": "record-totals"},
    "unit_not_in_register": {"act": "admit-unit"},
}
"""The acts that a sentence tells to enter."""


def translated(text: str | Plural, facts: Mapping[str, Any]) -> str:
    """A marked text in the language in use; of a plural, the form for its fact."""
    if isinstance(text, Plural):
        return ngettext(text.one, text.many, _count(facts.get(text.count)))
    return _(text)


def _count(fact: Any) -> int:
    """The number that a plural goes by: the length of a list; 2 for a fraction, a text or a very large number."""
    if isinstance(fact, Sized) and not isinstance(fact, str):
        return len(fact)
    try:
        value = Decimal(str(fact))
    except InvalidOperation:
        return _MANY
    return int(value) if value.is_finite() and abs(value) < _LARGEST and value == int(value) else _MANY


_MANY = 2
_LARGEST = 1_000_000


def problem_in_words(problem: str, given: Mapping[str, Any]) -> str:
    """What is wrong with a value; a problem that is not in `PROBLEMS` is told by the validator's own message."""
    if problem == "extra_forbidden" and "fields" in given:
        problem = "no_such_field"
    text = PROBLEMS.get(problem)
    if text is None:
        return str(given.get("message", problem))
    facts = {name: _of_problem(name, str(fact)) for name, fact in given.items()}
    if (typed := _TYPED.get(problem)) is not None:
        facts["nearest"] = nearest_in_words(str(given.get(typed, "")), _possible(problem, given))
    if problem in _OF_CHOICES:
        facts["expected"] = ", ".join(_explained(_choices(given)).values())
    return fill(translated(text, given), facts)


def _of_problem(name: str, fact: str) -> str:
    """A fact of a problem: what is typed as it stands, such as ids and names of fields, is quoted."""
    if name == "duties":
        return ", ".join(word("duty", one) for one in fact.split(", "))
    return ", ".join(map(_as_typed, fact.split(", "))) if name in _TYPED_FACTS else fact


_TYPED_FACTS = frozenset({"fields", "criterion", "person", "unit", "units", "cluster", "source"})

_TYPED: Mapping[str, str] = {
    "enum": "typed",
    "field_unknown": "field",
    "body_unknown": "unit",
    "literal_error": "typed",
    "no_such_act_name": "act",
    "no_such_field": "field",
    "no_such_kind": "typed",
    "no_such_source": "source",
    "no_such_predecessor": "cycle",
    "no_such_unit": "unit",
    "unknown_act": "act",
}
"""Codes of what may be a typing error, each with the fact that was typed: their texts offer the nearest names."""

_OF_CHOICES = {"enum", "literal_error"}
_LISTS = {"no_such_field": "fields", "field_unknown": "fields", "no_such_source": "names"}


def _possible(code: str, facts: Mapping[str, Any]) -> Mapping[str, str]:
    """What could have been meant: what can be typed, each with what is shown of it."""
    if code in {"no_such_act_name", "unknown_act"}:
        return names_in_files()
    if code == "no_such_kind":
        return (
            {name: name for name in MEETINGS_VI}
            if language() == "vi"
            else {**MEETINGS_VI, **_same(MEETINGS_VI.values())}
        )
    if code in _OF_CHOICES:
        shown = _explained(values := _choices(facts))
        return {**shown, **{word: shown[value] for value, word in words_of_values(values).items()}}
    names = facts.get(_LISTS.get(code, "known"), "")
    listed = names.split(", ") if isinstance(names, str) else [str(name) for name in names]
    if code not in {"no_such_field", "field_unknown"}:
        return _same(listed)
    labels = {name: _(FIELDS[name]) for name in listed if name in FIELDS}
    shown = {
        name: f"{_as_typed(name)} ({label_inside(name)})" if name in labels else _as_typed(name) for name in listed
    }
    return {**shown, **{label: shown[name] for name, label in labels.items()}}


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


def _choices(given: Mapping[str, Any]) -> list[str]:
    """The values that a field takes, from pydantic's list of them."""
    return re.findall(r"'([^']*)'", str(given.get("expected", "")))


def _explained(values: list[str]) -> dict[str, str]:
    """Each value as it is shown: with its word in the language in use, where that is another."""
    words = words_of_values(values)
    return {value: _with_word(value, words.get(value, "")) for value in values}


def _with_word(name: str, word: str) -> str:
    """What is typed, as it stands, with the word for it."""
    return f"{_as_typed(name)} ({word})" if word and word != name else name


def _as_typed(name: str) -> str:
    return f"`{name}`"


def word(kind: str, value: object) -> str:
    """The word for a value of a kind (a key of `WORDS`); a value without a word is shown as it is."""
    found = WORDS[kind].words.get(str(value))
    return _(found) if found else str(value)


def counted(what: str, count: int) -> str:
    """A number of things (`what`: a key of `COUNTS`), such as "1 unit" or "3 units"."""
    return translated(COUNTS[what], {"count": count}).format(count=count)


def number(value: Decimal, *, grouped: bool = True) -> str:
    """A decimal as people write it, without trailing zeros: 9.000.000,5 in Vietnamese, 9,000,000.5 in English."""
    text = f"{value:,f}" if grouped else f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.translate(_VIETNAMESE_MARKS) if language() == "vi" else text


_VIETNAMESE_MARKS = str.maketrans(",.", ".,")


def number_ranges(numbers: Iterable[int]) -> str:
    """Numbers of entries as people list them: "3, 5-9"."""
    found: list[list[int]] = []
    for one in sorted(set(numbers)):
        if found and one == found[-1][-1] + 1:
            found[-1][1:] = [one]
        else:
            found.append([one])
    return ", ".join("-".join(map(str, ends)) for ends in found)


def size_in_words(size: int) -> str:
    """A number of bytes as people say it: 24 kB, 1,2 MB, 3,4 GB."""
    if size < 10**6:
        return f"{max(1, round(size / 1_000))} kB"
    power, unit = (9, "GB") if size >= 10**9 else (6, "MB")
    return f"{number(Decimal(size).scaleb(-power).quantize(Decimal('0.1')))} {unit}"


def typed_number(value: object) -> str:
    """A stored number as the reader types it into a field; a value that is no number as it is."""
    try:
        return write_number(Decimal(str(value)), "," if language() == "vi" else ".")
    except InvalidOperation:
        return str(value)


def day(value: str | date | datetime | When) -> str:
    """A date as people write it, Vietnamese time: dd/mm/yyyy; of a date known by month or year, these alone.

    A text is an instant or a date in ISO form: 2026-07-20, 2026-07, 2026, or two of these with a slash between.
    """
    if isinstance(value, str) and "T" not in value:
        return _day_of(value)
    if isinstance(value, When):
        return as_written(value)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(ICT).date()
    return f"{value:%d/%m/%Y}"


@lru_cache(maxsize=10_000)  # pages of many cycles have the same few days again and again
def _day_of(iso: str) -> str:
    return as_written(from_iso(iso))


def typed_day(value: object) -> str:
    """A stored day as people type it into a field; a value that is no day as it is."""
    try:
        return day(str(value))
    except (ValueError, OverflowError):
        return str(value)


def days_left(left: int, *, over: bool) -> str:
    """How many days a deadline is away, in words. `over`: it has passed; `left` may still be 0 on its last day."""
    if over:
        return ngettext("{count} day late", "{count} days late", -left).format(count=-left) if left < 0 else _("late")
    if left == 0:
        return _("today")
    return _("tomorrow") if left == 1 else ngettext("{count} day left", "{count} days left", left).format(count=left)


def filled(text: str, facts: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A translated text with its facts filled in, each put in words by its name."""
    return fill(text, {key: shown(key, value, names) for key, value in facts.items()})


def fill(text: str, words: Mapping[str, str]) -> str:
    """A translated text with words filled in; the space before an empty one goes at the end and before a mark."""
    full = text.format_map(_Blank({key: value or _EMPTY for key, value in words.items()}))
    return re.sub(rf"(?: {_EMPTY})+(?=[,.:; ]|$)", "", full).replace(_EMPTY, "")


_EMPTY = "\0"
"""Stands for an empty fact, so that the space before it goes at the end and before a punctuation mark."""


class _Blank(dict[str, str]):
    """Fills "…" in for a missing fact, so that a sentence is shown all the same."""

    def __missing__(self, key: str) -> str:
        return "…"


_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}(/[0-9]{4}(-[0-9]{2}){0,2})?")
"""A date as JSON writes it: a day, a month, a year, or the first and the last of a range."""

_DAY = re.compile(r"(19|20|21|22)[0-9]{2}-[0-9]{2}-[0-9]{2}")
"""A day as JSON writes it; numbers of documents do not look like this."""


def _is_date(key: str, value: str) -> bool:
    return bool(_DATE.fullmatch(value)) if key == "on" else key != "found" and bool(_DAY.fullmatch(value))


_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_SHOWN: Mapping[str, Callable[[str], str]] = {
    "act": lambda act: _in_quotes(act_name(act)) if act in Command.KNOWN else act,
    "fields": lambda names: ", ".join(map(_as_typed, names.split(", "))),
    "other_act": lambda act: _in_quotes(act_name(act)),
    "figure": lambda name: label_inside(name) if name in FIELDS else name,
    "place": lambda path: _("the act as a whole") if path in Command.KNOWN else place_in_words(path),
    "round": lambda round_: word("round", round_),
}
"""How facts are shown that name parts of the program."""


def _in_quotes(text: str) -> str:
    return _("“{title}”").format(title=text)


def shown(key: str, value: Any, names: Mapping[str, str]) -> str:
    """One fact in words, by its name."""
    if key in _KIND_OF_FACT:
        return word(_KIND_OF_FACT[key], getattr(value, "value", value))
    if (show := _SHOWN.get(key)) is not None and isinstance(value, str):
        return show(value)
    if key in _UNITS:
        return names.get(str(value), str(value or ""))
    if key == "known" and isinstance(value, str):
        return ", ".join(names.get(one) or (_as_typed(one) if _ID.fullmatch(one) else one) for one in value.split(", "))
    if key == "units":
        return ", ".join(names.get(str(unit), str(unit)) for unit in value)
    return _plain(key, value)


def _plain(key: str, value: Any) -> str:
    """A value that is no id and no name of the program, as people write it."""
    if isinstance(value, (date, datetime, When)):
        return day(value)
    if isinstance(value, str) and _is_date(key, value):
        with suppress(ValueError):  # a day that does not exist, such as 2020-02-30
            return day(value)
    if isinstance(value, Decimal):
        return number(value)
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
