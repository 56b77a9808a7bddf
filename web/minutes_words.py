"""What the cells of minutes are called, and what they hold, in words: for conflicts, and for what was taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from application.fields import FormField, form_fields
from application.minutes import (
    AWARDS,
    COMMENTS,
    MEETING,
    NEXT,
    PAPERS,
    PEOPLE,
    REST,
    SIGNING,
    VOTES,
    part_of,
    part_of_field,
)
from application.minutes_cells import (
    EMPTY_ROW,
    HEAD,
    OTHER,
    PRESENT,
    SHEET,
    SIGN,
    STANCE,
    act_in,
    field_of,
    group_of,
    inside,
)
from domain.file_references import with_file_names
from domain.steps.meetings import RecordMeeting
from domain.titles import TitleKind, title_key
from i18n import N_, _
from i18n.acts import act_name
from i18n.fields import field_label
from i18n.messages import word
from i18n.values import vote_subject
from i18n.words import kind_of
from web.open_minutes import CHECK, OpenMinutes

_PARTS: Mapping[str, str] = {
    MEETING: N_("The meeting"),
    PEOPLE: N_("Who was there"),
    PAPERS: N_("Papers presented"),
    COMMENTS: N_("Opinions"),
    VOTES: N_("Votes"),
    AWARDS: N_("Ranking and nominations"),
    NEXT: N_("Next head and deputy"),
    SIGNING: N_("Signing the covenant"),
    REST: N_("Conclusions and other matters"),
    CHECK: N_("Check and enter"),
}


def part_title(part: str) -> str:
    """What a part of the minutes is called."""
    return _(_PARTS[part])


def part_of_cell(path: str) -> str:
    """The part of the minutes in which a cell stands."""
    match inside(path):
        case ("head", name, *_row):
            return part_of_field(name)
        case ("present", _unit):
            return PEOPLE
        case ("stance", _unit):
            return COMMENTS
        case ("sign" | "sheet", *_unit):
            return SIGNING
        case ("acts", act, _id):
            return part_of(act)
    return MEETING


def cell_title(opened: OpenMinutes, path: str) -> str:
    """What a cell is called."""
    cycle, parts = opened.cycle_of(path), inside(path)
    if (act := act_in(path)) is not None:
        return _first_large(act_name(act.NAME))
    if parts[0] == HEAD:
        return _first_large(field_label(parts[1], RecordMeeting.NAME))
    labels = {
        PRESENT: _("present"),
        STANCE: _("stance"),
        SIGN: _("signature"),
        SHEET: _("The joint sheet"),
        "other": _("The year it opens"),
    }
    label = _first_large(labels.get(parts[0]) or field_label("_on"))
    return f"{label}: {cycle.names.get(parts[1], '')}" if len(parts) > 1 else label


def _first_large(text: str) -> str:
    return text[:1].upper() + text[1:]


def cell_words(opened: OpenMinutes, path: str, value: str, names: Mapping[str, str]) -> str:
    """What a cell holds, in words; `names` are those of the persons that it names."""
    if not value or value == EMPTY_ROW:
        return _("nothing")
    known = {**names, **opened.cycle_of(path).background.titled}
    parts = inside(path)
    if (act := act_in(path)) is not None:
        fields = {field.name: field for field in form_fields(act)}
        found = [
            leaf
            for name, one in group_of(value).items()
            if name in fields
            for leaf in _leaves(fields[name], one, known)
        ]
        return "; ".join(found) or _("nothing")
    if parts[0] == SHEET:
        return "; ".join(f"{field_label(name)}: {with_file_names(str(one))}" for name, one in group_of(value).items())
    if (field := field_of(path)) is not None:
        typed = group_of(value) if field.parts else value
        return "; ".join(_leaves(field, typed, known, labelled=bool(field.parts))) or _("nothing")
    if parts[0] == STANCE:
        return word("stance", value)
    if parts[0] == SIGN:
        return _("on the joint sheet") if value == "joint" else _("signs")
    if parts[0] == OTHER:
        return opened.other.name if opened.other is not None and opened.other.stream == value else _("another year")
    return _("present") if parts[0] == PRESENT else value


def _leaves(field: FormField, value: Any, names: Mapping[str, str], *, labelled: bool = True) -> list[str]:
    """The innermost values of a field, each in words with its label; keys are left out."""
    if field.name == "id" and field.kind == "line":
        return []
    if isinstance(value, Mapping):
        parts = {part.name: part for part in field.parts}
        return [leaf for name, entry in value.items() for leaf in _leaves(parts.get(name, field), entry, names)]
    if isinstance(value, (list, tuple)):
        return [leaf for entry in value for leaf in _leaves(field, entry, names)]
    kind, text = kind_of(field.choice_type), str(value)
    if field.kind == "flag":
        return [f"{field_label(field.name)}: {_('yes') if text == 'yes' else _('no')}"]
    title = next((names[key] for key in (text, *(title_key(one, text) for one in _TITLED)) if names.get(key)), None)
    if title is None and field.name == "subject" and kind is None:
        title = vote_subject(text, names)
    said = title or (word(kind, text) if kind else with_file_names(text))
    return [f"{field_label(field.name)}: {said}" if labelled else said]


_TITLED: tuple[TitleKind, ...] = ("award", "criterion", "round", "letter")
