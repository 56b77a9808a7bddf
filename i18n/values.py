"""Values in words, by the annotated type of their field, never by its name: for sentences of events and notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from domain.city_year import ClusterPlan
from domain.deviations import CODES_OF_KEYS
from domain.file_references import with_file_names
from domain.scoring.scores import SheetItem
from domain.steps.conclusion import BareTotal, RankedUnit
from domain.steps.corrections import SourceStatement
from domain.steps.cross_checks import CrossCheckPair
from domain.steps.meetings import MeetingTold
from domain.steps.signatories import Signatories, Signatory
from domain.steps.targets import Content, ContentsTold
from domain.steps.voting import Choice
from domain.times import day_ending
from domain.titles import title_key
from domain.types import (
    Document,
    IsAward,
    IsDeviationKey,
    IsEdition,
    IsLastInstant,
    IsLetter,
    IsPlace,
    IsRound,
    IsText,
    IsUnit,
    IsVoteSubject,
    Participant,
)
from domain.units import SampledPlace, TogetherUnits, Unit
from i18n import _, ngettext
from i18n.messages import day, number, shown, word
from i18n.words import DUTIES, kind_of


@dataclass(frozen=True, slots=True)
class Words:
    """The words that values stand for: names of units and persons by id, free texts by digest."""

    names: Mapping[str, str]
    texts: Mapping[str, str]


def in_words(model: type[BaseModel], facts: Mapping[str, Any], words: Words) -> dict[str, str]:
    """The facts in words. Each is a field of the model, whose type decides how its value is written.

    Files are named, without the digits of references to them.
    """
    shown = {name: _shown(_field_type(model, name), value, words) for name, value in facts.items()}
    return {name: with_file_names(text) for name, text in shown.items()}


@dataclass(frozen=True, slots=True)
class _FieldType:
    """What decides how a field's values are written, from its annotation.

    `marks` are the types of its marks, `kind` is the kind of word that its values have, `item` the model that it or its
    entries are.
    """

    marks: frozenset[type]
    kind: str | None
    item: type[BaseModel] | None


@lru_cache
def _field_type(model: type[BaseModel], name: str) -> _FieldType:
    field = model.model_fields[name]
    parts = tuple(_parts(field.annotation))
    item = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)
    marks = (*field.metadata, *(part for part in parts if not isinstance(part, type)))
    return _FieldType(frozenset(map(type, marks)), kind_of(field.annotation), item)


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield an annotation's types and marks, at any depth."""
    yield annotation
    for part in () if get_origin(annotation) is Literal else get_args(annotation):
        yield from _parts(part)


def _shown(of: _FieldType, value: Any, words: Words) -> str:
    """A field's value in words."""
    if isinstance(value, tuple):
        return _sheet(value) if of.item is SheetItem else _list(of, value, words)
    if value is not None:
        return _one(of, value, words)
    if IsText in of.marks or of.item is Document:
        return ""
    if IsPlace in of.marks:
        return _("place not named")
    return _("all units") if IsUnit in of.marks else "-"


def _list(of: _FieldType, values: tuple[Any, ...], words: Words) -> str:
    separator = "; " if of.item in _SEPARATED_BY_SEMICOLON else ", "
    empty = "" if of.item in _EMPTY_IS_NOT_SHOWN or IsUnit in of.marks else "-"
    return separator.join(_one(of, value, words) for value in values) or empty


_SEPARATED_BY_SEMICOLON = frozenset({BareTotal, ClusterPlan, Content, CrossCheckPair, Participant, SourceStatement})
_EMPTY_IS_NOT_SHOWN = frozenset({BareTotal, Choice, Participant, RankedUnit, SourceStatement})


def _one(of: _FieldType, value: Any, words: Words) -> str:
    """A value, or an entry of a list, in words."""
    if (show := _MODELS.get(type(value))) is not None:
        return show(value, words)
    if isinstance(value, str):
        return _text(of, value, words)
    if isinstance(value, datetime) and IsLastInstant in of.marks:
        return day(day_ending(value))
    return shown("", value, {})


def _text(of: _FieldType, value: str, words: Words) -> str:
    if IsText in of.marks or IsEdition in of.marks:
        return words.texts.get(value, "…")
    if IsUnit in of.marks:
        return words.names.get(value) or word("holder", value)
    for mark, show in _TITLED.items():
        if mark in of.marks:
            return show(value, words.names)
    return word(of.kind, value) if of.kind is not None else shown("", value, {})


def award_title(award: str, names: Mapping[str, str]) -> str:
    """The title of an award by its id; `names` are those of `domain.titles`."""
    return names.get(title_key("award", award)) or word("award", award)


def round_title(round_: str, names: Mapping[str, str]) -> str:
    """The title of a round of scoring by its id, or the words by which a source names it."""
    return names.get(title_key("round", round_)) or word("round", round_)


def vote_subject(subject: str, names: Mapping[str, str]) -> str:
    """What a vote is on: a role, the result, or an award by its title."""
    found = word("vote_subject", subject)
    return award_title(subject, names) if found == subject else found


def deviation_title(key: str, names: Mapping[str, str]) -> str:
    """What a deviation is called, by its key, with the unit and the duty that the key names."""
    kind, *parts = key.split("/")
    codes = CODES_OF_KEYS.get(kind, ())
    title = word("deviation", codes[0]) if len(codes) == 1 else word("deviation_key", kind)
    about = ", ".join(
        filter(None, (names.get(part) or (word("duty", part) if part in DUTIES else "") for part in parts))
    )
    return f"{title} ({about})" if about else title


_TITLED: Mapping[type, Callable[[str, Mapping[str, str]], str]] = {
    IsAward: award_title,
    IsDeviationKey: deviation_title,
    IsLetter: lambda letter, names: names.get(title_key("letter", letter)) or _("a letter"),
    IsRound: round_title,
    IsVoteSubject: vote_subject,
}
"""How an id is shown, by the mark of its field: by a title."""


def voice(by: Any, names: Mapping[str, str]) -> str:
    """Who did or said something (a `Participant`): a unit, a person with office, or a group in words."""
    if by.unit is not None:
        return names.get(by.unit, by.unit)
    if by.person is not None:
        known, office = names.get(by.person.id or ""), by.person.office
        return f"{known} ({office})" if known and office else str(known or office or _("a person without a name here"))
    return str(by.group)


def _signatories(value: Signatories, words: Words) -> str:
    parts = [
        (_("prepared by"), "; ".join(voice(one, words.names) for one in value.prepared)),
        (_("approved by"), "; ".join(voice(one, words.names) for one in value.approved)),
        (_("signed by"), "; ".join(_signatory(one, words.names) for one in value.signed)),
        (_("entered on behalf of"), voice(value.on_behalf_of, words.names) if value.on_behalf_of else ""),
    ]
    return ", ".join(f"{label} {who}" for label, who in parts if who)


def _signatory(value: Signatory, names: Mapping[str, str]) -> str:
    who = str(value.person.office or names.get(value.person.id or "") or _("a person without a name here"))
    return f"{value.capacity}. {who}" if value.capacity else who


def _sheet(sheet: tuple[SheetItem, ...]) -> str:
    given = [item.points for item in sheet if item.points is not None]
    by_figures = len(sheet) - len(given)
    points = number(sum(given, Decimal(0))) if given else "-"
    return (
        points
        if not by_figures
        else ngettext(
            "{points} and {count} criterion by its figures",
            "{points} and {count} criteria by their figures",
            by_figures,
        ).format(points=points, count=by_figures)
    )


def _document(value: Document, words: Words) -> str:
    issued = day(value.issued) if value.issued else ""
    return " ".join(part for part in (value.number, value.title) if part) or f"{value.issuer or ''} {issued}".strip()


def _ranked(value: RankedUnit, words: Words) -> str:
    return f"{value.rank}. {words.names.get(value.unit, value.unit)} ({number(value.total)})"


def _choice(value: Choice, words: Words) -> str:
    votes = word("amount", value.votes) if isinstance(value.votes, str) else str(value.votes)
    return f"{words.names.get(value.unit, value.unit) if value.unit else value.words}: {votes}"


def _contents(value: ContentsTold, words: Words) -> str:
    numbers = (
        (_("{count} stated"), value.stated),
        (_("{count} listed"), value.listed),
        (_("indicators: {count}"), value.indicators),
    )
    counts = ", ".join(text.format(count=count) for text, count in numbers if count is not None)
    titles = "; ".join(content.title for content in value.contents)
    return f"{titles} ({counts})" if titles and counts else titles or counts or "-"


def _total(value: BareTotal, words: Words) -> str:
    whose = words.names.get(value.unit, value.unit) if value.unit else value.words or _("unnamed")
    total = word("amount", value.total) if isinstance(value.total, str) else number(value.total)
    return f"{whose}: {total}"


def meeting_told(value: MeetingTold) -> str:
    """The kinds of a meeting and its form, in words."""
    kinds = [word("meeting", kind) for kind in (value.kind, value.also) if kind is not None]
    return ", ".join([*kinds, *([word("meeting_form", value.held)] if value.held is not None else [])])


def unnamed_units(count: int | str) -> str:
    """A number of units that no source names, in words; "unknown": no source counts them."""
    if isinstance(count, str):
        return _("units that are not named")
    return ngettext("{count} unit not named", "{count} units not named", count).format(count=count)


def units_together(units: Iterable[str], unnamed: int | str | None, names: Mapping[str, str]) -> str:
    """Who did something together: the named units, and those that no source names."""
    named = ", ".join(names.get(unit, unit) for unit in units)
    if not unnamed:
        return named
    others = unnamed_units(unnamed)
    return _("{units} and {others}").format(units=named, others=others) if named else others


_MODELS: Mapping[type, Callable[[Any, Words], str]] = {
    BareTotal: _total,
    ClusterPlan: lambda value, words: f"{value.name} ({', '.join(unit.name for unit in value.units) or '-'})",
    Choice: _choice,
    Content: lambda value, words: value.title,
    ContentsTold: _contents,
    CrossCheckPair: lambda value, words: _("{by} checks {unit}").format(
        by=words.names.get(value.by, value.by), unit=words.names.get(value.unit, value.unit)
    ),
    Document: _document,
    MeetingTold: lambda value, words: meeting_told(value),
    Participant: lambda value, words: voice(value, words.names),
    RankedUnit: _ranked,
    SampledPlace: lambda value, words: value.name,
    Signatories: _signatories,
    SourceStatement: lambda value, words: f"{value.source}: {value.says}",
    TogetherUnits: lambda value, words: units_together(value.units, value.unnamed, words.names),
    Unit: lambda value, words: value.name,
}
"""How a model is written in a sentence."""
