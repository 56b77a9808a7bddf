"""What an event holds beside its sentence: every field that was entered, in words, with its label.

The fields are those of the event's class, so a new one is shown without code of its own. What is left out stands in
`NOT_SHOWN`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.city_year import ClusterPlan
from domain.file_references import with_file_names
from domain.records import Event
from domain.scoring.scores import SheetItem
from domain.steps.lifecycle import UnnamedKind
from domain.steps.signatories import Signatories, Signatory
from domain.steps.targets import Content
from domain.times import ICT
from domain.titles import title_key
from domain.types import Document, IsDerived, IsLastInstant, IsUnit, IsWhole
from domain.units import SampledPlace, Unit
from i18n import _
from i18n.fields import field_label, label_inside
from i18n.messages import day, number, word
from i18n.values import (
    MODELS,
    FieldType,
    Words,
    field_type,
    one_in_words,
    person_named,
    title_told,
    unnamed_units,
    voice,
)

NOT_SHOWN: Mapping[tuple[str, str], str] = {
    ("BallotRecorded", "id"): "a key: acts that mean this vote show its subject",
    ("LetterRecorded", "id"): "a key: acts that mean this letter show its number and title",
    ("MeetingHeld", "id"): "a key: acts of this meeting show its name and day",
    ("SiteChecked", "id"): "a key: nothing else names a site check",
    ("Target", "id"): "a key: results show the target's words",
    ("Unit", "id"): "a key: everything shows the unit's name",
    ("ClusterPlan", "id"): "a key: everything shows the cluster's name",
    ("ClassRuled", "to"): "a key: `title` has the words of the class",
    ("CovenantSignedJointly", "named"): "follows from `units`, which are shown",
    ("RegisteredTogether", "named"): "follows from `units`, which are shown",
    ("MidyearReportedTogether", "named"): "follows from `units`, which are shown",
    ("ScoredSelfTogether", "named"): "follows from `units`, which are shown",
    ("UnitNamed", "shares"): "follows from joint acts, which show what was done",
    ("UnitsSucceeded", "predecessors"): "those that end are `gone`, one that goes on is among the successors",
    ("UnitsSucceeded", "inherits"): "a rule of the edition, which nobody enters",
    ("CycleOpened", "organiser_name"): "the words of `organiser`, which are shown",
    ("YearPlanIssued", "organiser_name"): "the words of `organiser`, which are shown",
    ("EditionAdopted", "replaces"): "nobody enters it: the edition's words tell what it changes",
    ("InstallationFounded", "key"): "the operator's name of a key: the key itself is shown",
    ("Person", "commitment"): "a check value, which nobody enters",
}
"""By class and field, why a field is not shown."""


@dataclass(frozen=True, slots=True)
class Detail:
    """A field in words: its label, and its value in one or more lines."""

    label: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The value where files cannot be links: they are named."""
        return with_file_names("\n".join(self.lines))

    def __str__(self) -> str:
        return f"{self.label}: {with_file_names('; '.join(self.lines))}"


def details(
    event: Event, facts: Mapping[str, Any], shown: Mapping[str, str], version: int, words: Words
) -> Iterator[Detail]:
    """Yield the fields that a sentence does not tell in full.

    `facts` are those of the sentence, `shown` how it tells them.
    """
    said = {}
    for name, text in shown.items():
        said[name] = text
        if is_dataclass(facts[name]) and not isinstance(facts[name], type):
            said.update(dict.fromkeys((part.name for part in fields(facts[name])), text))
    for name, info in type(event).model_fields.items():
        value = getattr(event, name)
        if _is_not_shown(type(event), name, info, value):
            continue
        before = words.earlier.get(version, {})
        lines = tuple(_lines(field_type(type(event), name), value, _Telling(words, event, before)))
        if lines and not all(_stands_in(line, said.get(name, "")) for line in lines):
            yield Detail(field_label(name, event.NAME), lines)


def _is_not_shown(model: type[BaseModel], name: str, info: FieldInfo, value: object) -> bool:
    """Whether a field is left out: nothing was entered, what goes without saying, or what is not for readers."""
    if (model.__name__, name) in NOT_SHOWN or any(isinstance(mark, IsDerived) for mark in info.metadata):
        return True
    if value is None or value == () or (value is False and info.is_required()):
        return True
    if name == "number" and value == 0:
        return True  # no version was presented
    return not info.is_required() and value == info.get_default()


def _stands_in(line: str, text: str) -> bool:
    """Whether a text has a line as a whole, and not as a part of a word or a number."""
    at = text.find(line)
    while at >= 0:
        before, after = text[max(0, at - 2) : at], text[at + len(line) : at + len(line) + 2]
        if not _goes_on(before[::-1]) and not _goes_on(after):
            return True
        at = text.find(line, at + 1)
    return False


def _goes_on(beside: str) -> bool:
    """Whether a word or a number goes on there: 9 is not told by "9,5", nor by "0,9"."""
    return beside[:1].isalnum() or (beside[:1] in {",", "."} and beside[1:] in set("0123456789"))


@dataclass(frozen=True, slots=True)
class _Telling:
    """What the words of an event's fields are made with: the event, and what stood of its criteria before."""

    words: Words
    event: Event
    before: Mapping[str, SheetItem]


def _lines(of: FieldType, value: Any, on: _Telling) -> Iterator[str]:
    """Yield a value in words, in full: a list has a line for each entry that is more than a word."""
    if isinstance(value, tuple):
        if of.item is None and (IsUnit in of.marks or of.kind is not None or not isinstance(value[0], str)):
            yield ", ".join(_text(of, entry, on) for entry in value)
        else:
            for entry in value:
                yield from _lines(of, entry, on)
    elif isinstance(value, BaseModel):
        if (tell := _MODELS.get(type(value))) is not None:
            yield from tell(value, on)
        elif type(value) in MODELS:
            yield one_in_words(of, value, on.words)
        else:
            yield _parts(value, on)
    else:
        yield _text(of, value, on)


def _text(of: FieldType, value: Any, on: _Telling) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return number(Decimal(value)) if value >= _GROUPED_FROM or IsWhole in of.marks else str(value)
    if isinstance(value, datetime) and IsLastInstant not in of.marks:
        local = value.astimezone(ICT)
        return f"{local:%H:%M}, {day(value)}" if (local.hour, local.minute) != (0, 0) else day(value)
    if of.key == "target" and (
        own := on.words.names.get(title_key("target", f"{getattr(on.event, 'unit', None)}/{value}"))
    ):
        return own
    return one_in_words(of, value, on.words)


_GROUPED_FROM = 10_000
"""Whole numbers from here on are written in groups: smaller ones can be years, unless they are marked as counts."""


def _parts(value: BaseModel, on: _Telling, *, but: frozenset[str] = frozenset()) -> str:
    """A model in words: its fields with their labels."""
    found = []
    for name, info in type(value).model_fields.items():
        entry = getattr(value, name)
        if name not in but and not _is_not_shown(type(value), name, info, entry):
            text = "; ".join(_lines(field_type(type(value), name), entry, on))
            found.append(f"{label_inside(name)}: {text}")
    return "; ".join(found)


def _document(value: Document, on: _Telling) -> Iterator[str]:
    parts = [
        " ".join(part for part in (value.number, title_told(value.title or "")) if part),
        _("of {day}").format(day=day(value.issued)) if value.issued else "",
        _("issued by {issuer}").format(issuer=value.issuer) if value.issuer else "",
    ]
    if named := ", ".join(part for part in parts if part):
        yield named
    if value.text is not None:
        yield on.words.texts.get(value.text, "…")


def _sheet_item(value: SheetItem, on: _Telling) -> Iterator[str]:
    """A criterion with its figures, each with what it was before where that is another, and what is told of them."""
    before = on.before.get(value.criterion)
    figures = []
    for name in ("points", "actual", "target", "count", "met"):
        now, then = getattr(value, name), None if before is None else getattr(before, name)
        if now is None and then is None:
            continue
        of = field_type(SheetItem, name)
        told = "-" if now is None else "; ".join(_lines(of, now, on)) or "-"
        if then is not None and then != now:
            earlier = "; ".join(_lines(of, then, on)) or "-"
            told = _("{now} (before: {earlier})").format(now=told, earlier=earlier)
        elif before is not None and then == now:
            told = _("{now} (as before)").format(now=told)
        elif before is not None:
            told = _("{now} (before: {earlier})").format(now=told, earlier="-")
        figures.append(told if name == "points" else f"{label_inside(name)} {told}")
    rest = _parts(value, on, but=frozenset({"criterion", "points", "actual", "target", "count", "met"}))
    told = "; ".join(part for part in (", ".join(figures), rest) if part)
    yield f"{on.words.names.get(title_key('criterion', value.criterion), value.criterion)}: {told}"


def _signatories(value: Signatories, on: _Telling) -> Iterator[str]:
    names = on.words.names
    if value.prepared:
        yield f"{_('prepared by')} {'; '.join(voice(one, names) for one in value.prepared)}"
    if value.approved:
        yield f"{_('approved by')} {'; '.join(voice(one, names) for one in value.approved)}"
    if value.signed:
        yield f"{_('signed by')} {'; '.join(_signatory(one, names) for one in value.signed)}"
    if value.on_behalf_of is not None:
        yield f"{_('entered on behalf of')} {voice(value.on_behalf_of, names)}"


def _signatory(value: Signatory, names: Mapping[str, str]) -> str:
    who = person_named(value.person, names)
    return f"{value.capacity}. {who}" if value.capacity else who


def _content(value: Content, on: _Telling) -> Iterator[str]:
    more = _parts(value, on, but=frozenset({"title"}))
    yield f"{value.title} ({more})" if more else value.title


def _place(value: SampledPlace, _on: _Telling) -> Iterator[str]:
    yield f"{value.name} ({value.kind})" if value.kind else value.name


def _unit(value: Unit, _on: _Telling) -> Iterator[str]:
    yield f"{value.name} ({label_inside('kind')}: {value.kind})" if value.kind else value.name


def _unnamed_kind(value: UnnamedKind, _on: _Telling) -> Iterator[str]:
    count = word("amount", value.count) if isinstance(value.count, str) else str(value.count)
    yield f"{value.kind}: {count}"


def _cluster(value: ClusterPlan, on: _Telling) -> Iterator[str]:
    units = [line for unit in value.units for line in _unit(unit, on)]
    units += [unnamed_units(value.unnamed)] if value.unnamed is not None else []
    overseer = ""
    if value.overseer is not None:
        overseer = f"; {label_inside('overseer')}: {person_named(value.overseer, on.words.names)}"
    yield f"{value.name}: {', '.join(units)}{overseer}"


_MODELS: Mapping[type, Callable[[Any, _Telling], Iterator[str]]] = {
    ClusterPlan: _cluster,
    Content: _content,
    Document: _document,
    SampledPlace: _place,
    SheetItem: _sheet_item,
    Signatories: _signatories,
    Unit: _unit,
    UnnamedKind: _unnamed_kind,
}
"""Models that are told in more words than a sentence has for them; others are told as in sentences, or by field."""
