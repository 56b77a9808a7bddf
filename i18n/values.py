"""Values in words, by the annotated type of their field, never by its name: for sentences of events and notices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from domain.city_year import ClusterPlan
from domain.deviations import CODES_OF_KEYS
from domain.file_references import references_in, with_file_names, without_references
from domain.records import Event, EventEnvelope
from domain.scoring.scores import SheetItem
from domain.steps.conclusion import BareTotal, Grant, RankedUnit
from domain.steps.corrections import SourceStatement
from domain.steps.cross_checks import CrossCheckPair
from domain.steps.meetings import MeetingTold, Presenter
from domain.steps.signatories import Signatories, Signatory
from domain.steps.targets import Content, ContentsTold, Target
from domain.steps.voting import Choice
from domain.times import day_ending
from domain.titles import title_key
from domain.types import (
    Document,
    IsAward,
    IsDeviationKey,
    IsEdition,
    IsKey,
    IsLastInstant,
    IsLetter,
    IsPerson,
    IsPlace,
    IsRound,
    IsText,
    IsUnit,
    IsVoteSubject,
    Participant,
    Person,
)
from domain.units import SampledPlace, TogetherUnits, Unit
from i18n import _, ngettext
from i18n.messages import day, number, shown, word
from i18n.words import DUTIES, kind_of


@dataclass(frozen=True, slots=True)
class Words:
    """The words that values stand for: names of units and persons by id, titles (`domain.titles`), texts by digest."""

    names: Mapping[str, str]
    texts: Mapping[str, str]
    earlier: Mapping[int, Mapping[str, SheetItem]] = field(default_factory=dict)
    """What stood of a criterion before a score, by the version of the score's event and the criterion."""
    withdrawn: Mapping[int, EventEnvelope[Event]] = field(default_factory=dict)
    """The event that a withdrawal takes back, by the version of the withdrawal."""


def in_words(model: type[BaseModel], facts: Mapping[str, Any], words: Words) -> dict[str, str]:
    """The facts in words. Each is a field of the model, whose type decides how its value is written.

    Files are named, without the digits of references to them.
    """
    shown = {name: _shown(field_type(model, name), value, words) for name, value in facts.items()}
    return {name: with_file_names(text) for name, text in shown.items()}


@dataclass(frozen=True, slots=True)
class FieldType:
    """What decides how a field's values are written, from its annotation.

    `marks` are the types of its marks, `kind` is the kind of word that its values have, `item` the model that it or its
    entries are, `key` says of what its values are keys.
    """

    marks: frozenset[type]
    kind: str | None
    item: type[BaseModel] | None
    key: str | None


@lru_cache
def field_type(model: type[BaseModel], name: str) -> FieldType:
    """What decides how a field's values are written."""
    info = model.model_fields[name]
    parts = tuple(_parts(info.annotation))
    item = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)
    marks = (*info.metadata, *(part for part in parts if not isinstance(part, type)))
    key = next((mark.of for mark in marks if isinstance(mark, IsKey)), None)
    return FieldType(frozenset(map(type, marks)), kind_of(info.annotation), item, key)


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield an annotation's types and marks, at any depth."""
    yield annotation
    for part in () if get_origin(annotation) is Literal else get_args(annotation):
        yield from _parts(part)


def _shown(of: FieldType, value: Any, words: Words) -> str:
    """A field's value in words."""
    if isinstance(value, tuple):
        return _sheet(value) if of.item is SheetItem else _list(of, value, words)
    if value is not None:
        return one_in_words(of, value, words)
    if IsText in of.marks or of.item is Document:
        return ""
    if IsPlace in of.marks:
        return _("place not named")
    return _("all units") if IsUnit in of.marks else "-"


def _list(of: FieldType, values: tuple[Any, ...], words: Words) -> str:
    separator = "; " if of.item in _SEPARATED_BY_SEMICOLON else ", "
    empty = "" if of.item in _EMPTY_IS_NOT_SHOWN or IsUnit in of.marks else "-"
    return separator.join(one_in_words(of, value, words) for value in values) or empty


_SEPARATED_BY_SEMICOLON = frozenset(
    {BareTotal, ClusterPlan, Content, CrossCheckPair, Grant, Participant, SourceStatement, Target}
)
_EMPTY_IS_NOT_SHOWN = frozenset({BareTotal, Choice, Grant, Participant, RankedUnit, SourceStatement})


def one_in_words(of: FieldType, value: Any, words: Words) -> str:
    """A value, or an entry of a list, in words."""
    if (show := MODELS.get(type(value))) is not None:
        return show(value, words)
    if isinstance(value, str):
        return _text(of, value, words)
    if isinstance(value, datetime) and IsLastInstant in of.marks:
        return day(day_ending(value))
    return shown("", value, {})


def _text(of: FieldType, value: str, words: Words) -> str:
    if IsText in of.marks or IsEdition in of.marks:
        return words.texts.get(value, "…")
    if IsUnit in of.marks:
        return words.names.get(value) or word("holder", value)
    if IsPerson in of.marks:
        return words.names.get(value) or _("a person without a name here")
    for mark, show in _TITLED.items():
        if mark in of.marks:
            return show(value, words.names)
    if of.key is not None and (value != "unknown" or of.kind is None):
        return words.names.get(f"{of.key}/{value}") or value
    return word(of.kind, value) if of.kind is not None else shown("", value, {})


def award_title(award: str, names: Mapping[str, str]) -> str:
    """The title of an award by its id; `names` are those of `domain.titles`."""
    return names.get(title_key("award", award)) or word("award", award)


def short_unit(name: str) -> str:
    """The part of a unit's name in which it differs from others, as lists show it: "Phường Bồ Đề".

    A name that does not begin as those of committees of the Front do stays as it is.
    """
    rest = _COMMITTEE.sub("", name)
    return rest[:1].upper() + rest[1:]


_COMMITTEE = re.compile(r"^(?:Ủy|Uỷ) ban (?:MTTQ|Mặt trận Tổ quốc)(?: Việt Nam)? (?=\S)", re.IGNORECASE)


def open_deviations_told(deviations: int, remarks: int) -> str:
    """How many deviations are not dealt with, remarks among them, as the register of deviations counts them."""
    every = deviations + remarks
    if not remarks:
        return _("{count} open").format(count=every)
    text = ngettext("{all} open, {remarks} of them a remark", "{all} open, {remarks} of them remarks", remarks)
    return text.format(all=every, remarks=remarks)


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
    return person_named(by.person, names) if by.person is not None else str(by.group)


def person_named(person: Person, names: Mapping[str, str]) -> str:
    """A person by name and office, as far as they are known; "…" where neither is."""
    known = names.get(person.id or "")
    return f"{known} ({person.office})" if known and person.office else known or person.office or "…"


def _signatories(value: Signatories, words: Words) -> str:
    parts = [
        (_("prepared by"), "; ".join(voice(one, words.names) for one in value.prepared)),
        (_("approved by"), "; ".join(voice(one, words.names) for one in value.approved)),
        (_("signed by"), "; ".join(_signatory(one, words.names) for one in value.signed)),
        (_("entered on behalf of"), voice(value.on_behalf_of, words.names) if value.on_behalf_of else ""),
    ]
    return ", ".join(f"{label} {who}" for label, who in parts if who)


def _signatory(value: Signatory, names: Mapping[str, str]) -> str:
    who = person_named(value.person, names)
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
    title = title_told(value.title or "")
    return " ".join(part for part in (value.number, title) if part) or f"{value.issuer or ''} {issued}".strip()


def title_told(title: str) -> str:
    """The title of a document, its files behind it; they stay references."""
    words, files = without_references(title), references_in(title)
    return _("{title}; files: {files}").format(title=words, files=", ".join(files)) if words and files else title


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


def total_told(value: BareTotal, words: Words) -> str:
    """A total that was read out: whose, how much, and the rank that was told with it."""
    named = words.names.get(value.unit, value.unit) if value.unit else ""
    whose = f"{named} ({value.words})" if named and value.words else named or value.words or _("unnamed")
    rank = "" if value.rank is None else f" ({_('rank')} {value.rank})"
    return f"{whose}: {quantity(value.total)}{rank}"


def quantity(value: Decimal | str, exactness: str = "exact", measure: str | None = None) -> str:
    """An amount as people write it: "at least 9.000.000.000 đồng"; or that it is unknown."""
    told = word("amount", value) if isinstance(value, str) else number(value)
    exactly = "" if exactness == "exact" else word("exactness", exactness)
    return " ".join(part for part in (exactly, told, measure) if part)


def target_told(value: Target, words: Words) -> str:
    """A target: its words, and how much of what."""
    if value.amount is None:
        return f"{value.title} ({value.measure})" if value.measure else value.title
    return f"{value.title}: {quantity(value.amount, value.exactness, value.measure)}"


def grant_told(value: Grant, words: Words) -> str:
    """Which unit is granted which award."""
    return f"{words.names.get(value.unit, value.unit)}: {award_title(value.award, words.names)}"


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


MODELS: Mapping[type, Callable[[Any, Words], str]] = {
    BareTotal: total_told,
    ClusterPlan: lambda value, words: f"{value.name} ({', '.join(unit.name for unit in value.units) or '-'})",
    Choice: _choice,
    Content: lambda value, words: value.title,
    ContentsTold: _contents,
    CrossCheckPair: lambda value, words: _("{by} checks {unit}").format(
        by=words.names.get(value.by, value.by), unit=words.names.get(value.unit, value.unit)
    ),
    Document: _document,
    Grant: grant_told,
    MeetingTold: lambda value, words: meeting_told(value),
    Participant: lambda value, words: voice(value, words.names),
    RankedUnit: _ranked,
    SampledPlace: lambda value, words: value.name,
    Signatories: _signatories,
    Person: lambda value, words: person_named(value, words.names),
    Presenter: lambda value, words: f"{voice(value.by, words.names)}: {value.paper}",
    SourceStatement: lambda value, words: f"{value.source}: {value.says}",
    Target: target_told,
    TogetherUnits: lambda value, words: units_together(value.units, value.unnamed, words.names),
    Unit: lambda value, words: value.name,
}
"""How a model is written in a sentence."""
