"""The parts of a rules edition that are edited by themselves: each with its fields, and where it stands in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from application.edition_texts import Values, as_file
from application.fields import FormField, form_fields
from domain.rules import Edition
from domain.scoring.criteria import Criterion, Scoring
from i18n import N_


@dataclass(frozen=True, slots=True)
class EditionPart:
    """A part. `id` stands in addresses; `fields` are names of the file, with a dot before those inside `scoring`."""

    id: str
    title: str
    about: str
    fields: tuple[str, ...]
    in_text: tuple[str, ...] = ()
    """Fields that are edited as text only."""


_IN_SCORING = "scoring"
PARTS: tuple[EditionPart, ...] = (
    EditionPart(
        "van-ban",
        N_("Title and papers"),
        N_("What the rules are called, who issued them, from when to when they hold, which papers they come from."),
        (
            "title",
            "number",
            "issued",
            "issuer",
            "valid_from",
            "valid_until",
            "replaces",
            "papers",
            "sources",
            "specimen",
        ),
        ("id",),
    ),
    EditionPart(
        "tieu-chi",
        N_("Table of criteria"),
        N_("Criteria and their groups, the points of each and how they are given, lines of bonus and penalty."),
        ("criteria",),
    ),
    EditionPart(
        "cach-tinh",
        N_("Totals and rounding"),
        N_("The total as printed, rounding, caps of bonus and penalty, pass marks, what decides between equals."),
        (
            "total",
            "scoring.stated_base",
            "scoring.rounding",
            "scoring.total_rounding",
            "scoring.bonus_cap",
            "scoring.penalty_least",
            "scoring.pass_marks",
            "scoring.tie_tolerance",
            "scoring.ties_by",
            "scoring.stated_contents",
            "scoring.stated_conditions",
        ),
    ),
    EditionPart(
        "xep-loai",
        N_("Classes"),
        N_("The classes of results, by points or by a share of the units, and the conditions for them."),
        ("scoring.classes_of", "scoring.classes", "scoring.facts", "scoring.class_conditions"),
    ),
    EditionPart(
        "vong-cham",
        N_("Rounds of scoring"),
        N_("Who scores after whom, and which criteria; who checks whom."),
        ("rounds", "cross_checks"),
    ),
    EditionPart(
        "khen-thuong",
        N_("Kinds of awards and quotas"),
        N_("What a cluster may nominate for, and how many."),
        ("awards",),
    ),
    EditionPart("bieu-quyet", N_("Votes"), N_("How each vote is taken, and which majority it needs."), ("votes",)),
    EditionPart(
        "thoi-han",
        N_("Deadlines"),
        N_("Until when each task is due, when the register reminds, proposes an escalation and closes it."),
        ("deadlines",),
    ),
    EditionPart(
        "viec",
        N_("Papers and tasks of the year"),
        N_("Papers that must be presented, covenants, time for corrections, what new units take over."),
        (
            "required_drafts",
            "covenants",
            "covenant_years",
            "answer_correction_days",
            "answer_correction_in",
            "inherits",
        ),
    ),
    EditionPart(
        "lich",
        N_("Period and calendar"),
        N_("From when to when the year runs, weekends, holidays, and days that are worked instead."),
        ("period", "calendar"),
    ),
    EditionPart(
        "dieu-khoan",
        N_("Cited articles"),
        N_("The articles that deviations cite. Without one, a deviation is only a remark."),
        ("articles",),
    ),
)
BY_ID: Mapping[str, EditionPart] = {part.id: part for part in PARTS}
CRITERIA = BY_ID["tieu-chi"]


def part_of_field(path: Iterable[str | int]) -> EditionPart:
    """Return the part that a place in the file belongs to; the first one for what no part has."""
    first, *rest = [*map(str, path), ""]
    name = f"{first}.{rest[0]}" if first == _IN_SCORING else first
    return next((part for part in PARTS if name in (*part.fields, *part.in_text)), PARTS[0])


def part_values(values: Mapping[str, Any], part: EditionPart) -> Values:
    """Return what a part holds, under the names of the file."""
    found: Values = {}
    for field in (*part.in_text, *part.fields):
        outer, _dot, inner = field.partition(".")
        inside = values.get(outer)
        if not inner and outer in values:
            found[outer] = deepcopy(inside)
        elif inner and isinstance(inside, Mapping) and inner in inside:
            found.setdefault(outer, {})[inner] = deepcopy(inside[inner])
    return as_file(found)


def with_part(values: Mapping[str, Any], part: EditionPart, new: Mapping[str, Any]) -> Values:
    """Return the values with another content of a part; what the part does not have is taken out of it."""
    found = deepcopy(dict(values))
    for field in (*part.in_text, *part.fields):
        outer, _dot, inner = field.partition(".")
        if not inner:
            found.pop(outer, None)
        elif isinstance(found.get(outer), dict):
            found[outer].pop(inner, None)
    for name, value in new.items():
        if name == _IN_SCORING and isinstance(value, Mapping) and isinstance(found.get(name, {}), dict):
            found[name] = {**found.get(name, {}), **value}
        else:
            found[name] = value
    return as_file(found)


def fields_of(part: EditionPart) -> tuple[FormField, ...]:
    """Return the fields of a part's form, in its order."""
    own = {field.name: field for field in form_fields(Edition)}
    inside = {field.name: field for field in form_fields(Scoring)}
    found: list[FormField] = []
    scoring: list[FormField] = []
    for name in part.fields:
        outer, _dot, inner = name.partition(".")
        if not inner:
            found.append(_without_text(own[outer]))
        else:
            scoring.append(inside[inner])
    if scoring:
        found.append(replace(own[_IN_SCORING], parts=tuple(scoring), required=True))
    return tuple(found)


def _without_text(field: FormField) -> FormField:
    """A field without the text of a document: papers of an edition have none of their own."""
    return replace(field, parts=tuple(_without_text(part) for part in field.parts if part.kind != "text"))


CRITERION_FIELDS: tuple[FormField, ...] = tuple(
    field for field in form_fields(Criterion) if field.name not in {"id", "children"}
)
"""The fields of one criterion's form."""
