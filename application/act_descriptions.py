"""The acts that persons enter, described for programs: command line and JSON interface give the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from domain.cycle import ENTERED_BY_PERSONS
from domain.parties import Party
from domain.records import Command
from domain.steps.lifecycle import REHEARSAL_COMMANDS
from i18n import _


@dataclass(frozen=True, slots=True)
class ActDescription:
    """An act: what it does, the parties that may enter it, and the JSON Schema of its fields. `solemn`: it binds."""

    act: str
    about: str
    who: list[Party]
    solemn: bool
    fields: dict[str, Any]


def describe_act(act: type[Command]) -> ActDescription:
    """Return the description of an act. Fields are described as they are typed: texts in full, persons by id."""
    return ActDescription(
        act=act.NAME,
        about=_(act.SUMMARY),
        who=sorted(act.ALLOWED),
        solemn=act.BINDING,
        fields=_schema_of(act),
    )


@cache
def _schema_of(act: type[Command]) -> dict[str, Any]:
    """The JSON Schema of an act's fields, in no language. All acts together take half a second."""
    return act.model_json_schema()


def act_descriptions(*, rehearsal: bool) -> list[ActDescription]:
    """Return the descriptions of all acts that an installation offers. `rehearsal`: it is one for rehearsal."""
    return [describe_act(act) for act in offered_acts(rehearsal=rehearsal)]


def offered_acts(*, rehearsal: bool) -> tuple[type[Command], ...]:
    """Return the acts that an installation offers; `rehearsal`: it is one for rehearsal."""
    return tuple(act for act in ENTERED_BY_PERSONS if rehearsal or act not in REHEARSAL_COMMANDS)
