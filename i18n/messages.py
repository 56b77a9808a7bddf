"""Whole sentences: a refusal, an error, a notice, each from its code and its facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.cycle import State, members_and_organiser
from domain.notices import Notice
from domain.types import ICT
from i18n import _, language, page_texts
from i18n.problems import PROBLEMS
from i18n.sentences import DUTIES, NOTICES, ROLES
from i18n.sentences import SENTENCES as _SENTENCES
from i18n.sentences import WORDS as _WORDS

SENTENCES: Mapping[str, str] = {**_SENTENCES, **page_texts.SENTENCES}
WORDS: Mapping[str, str] = {**_WORDS, **page_texts.WORDS}

_LABELS: Mapping[str, Mapping[str, str]] = {
    "duty": DUTIES,
    "role": ROLES,
    "kind": WORDS,
    "draft": WORDS,
    "clock": WORDS,
}
_UNITS = {"unit", "subject", "organiser"}


def sentence(code: str, facts: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None) -> str:
    """The sentence of a code; a code without one is shown with its facts, so that nothing is hidden."""
    text = SENTENCES.get(code)
    given = dict(facts or {})
    if text is None:
        return f"{code}: {given}" if given else code
    if (problem := given.get("problem")) is not None:
        given["problem"] = problem_in_words(str(problem), given.get("given") or {})
    return filled(_(text), given, names or {})


def problem_in_words(problem: str, given: Mapping[str, Any]) -> str:
    """What is wrong with a value; for a problem that has no words of ours, those that came with it."""
    text = PROBLEMS.get(problem)
    if text is None:
        return str(given.get("message", problem))
    return _(text).format_map(_Blank({name: str(fact) for name, fact in given.items()}))


def label(kind: str, value: object) -> str:
    """A word for a value of the domain: a duty, a role, a draft."""
    found = _LABELS.get(kind, WORDS).get(str(value))
    return _(found) if found else str(value)


def word(value: object) -> str:
    """A word for any value that has one: a step, a stance, a manner, how sure a fact is."""
    return label("word", value)


def number(value: Decimal) -> str:
    """A decimal without idle zeros, with a comma where the language writes one."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") if language() == "vi" else text


def day(value: str | date | datetime) -> str:
    """dd/mm/yyyy, Vietnamese time."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(ICT).date()
    return f"{value:%d/%m/%Y}"


def days_left(left: int, *, over: bool) -> str:
    """How far a deadline is, in words; `over` says that it has passed."""
    if over:
        return _("{count} days late").format(count=max(1, -left)) if left < 0 else _("late")
    if left == 0:
        return _("today")
    return _("tomorrow") if left == 1 else _("{count} days left").format(count=left)


def message_of(notice: Notice, state: State, stream: str, *, rehearsed: bool) -> tuple[str, str]:
    """Subject and body of a notice."""
    names = members_and_organiser(state)
    subject, text = NOTICES[notice.kind]
    mark = f"[{_('rehearsal')}] " if rehearsed else ""
    headline = filled(_(subject), notice.facts, names)
    lines = [
        filled(_(text), notice.facts, names),
        "",
        f"{state.lifecycle.cluster_name} ({stream})",
        state.lifecycle.organiser_name,
    ]
    if rehearsed:
        lines.append(_("This message belongs to a rehearsal: nothing in it happened."))
    return f"{mark}{state.lifecycle.cluster_name}: {headline}", "\n".join(lines)


def filled(text: str, facts: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The text with its facts in the words of the language in use."""
    told = text.format_map(_Blank({key: shown(key, value, names) or _NOTHING for key, value in facts.items()}))
    return re.sub(rf" {_NOTHING}(?=[,.:;])", "", told).replace(_NOTHING, "")


_NOTHING = "\0"
"""A fact that says nothing: no blank is left before the mark behind it."""


class _Blank(dict[str, str]):
    """A fact that is not given leaves a blank instead of an error in the middle of a sentence."""

    def __missing__(self, key: str) -> str:
        return "…"


_DAY = re.compile(r"(19|20|21|22)\d\d-\d\d-\d\d")
"""A day as it comes through JSON; no document number is written so."""


def shown(key: str, value: Any, names: Mapping[str, str]) -> str:
    """One fact in words, by its name."""
    if key in _LABELS:
        return label(key, getattr(value, "value", value))
    if key in _UNITS:
        return names.get(str(value), str(value or ""))
    if key == "units":
        return ", ".join(names.get(str(unit), str(unit)) for unit in value)
    if isinstance(value, (date, datetime)):
        return day(value)
    if key != "found" and isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):  # spelled like a day, and none
            return day(value)
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return str(value)
