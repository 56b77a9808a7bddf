"""An act's form as it stands: what was typed, what goes with it, and what it says when it is sent.

A form can correct: then what it says is a correction that puts its act in the place of the wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from application.application import CommandInput
from application.fields import parse_day, stated_by
from domain.steps.corrections import CorrectAct
from domain.types import Command, When
from errors import InputError
from web.forms import as_fields, typed
from web.sheets import without_empty_rows


@dataclass(frozen=True, slots=True)
class ActForm:
    """A form as it stands: the act, what was typed, and what goes with it."""

    act: type[Command]
    values: Mapping[str, Any]
    command_id: UUID
    on: str = ""
    source: str = ""
    meeting: str = ""
    corrects: int | None = None
    """The place of the wrong act, whose place this one takes."""
    reason: str = ""

    @property
    def extras(self) -> dict[str, str]:
        """What the form carries beside the act's fields."""
        carried = {"_id": str(self.command_id), "_on": self.on, "_source": self.source, "_meeting": self.meeting}
        return carried if self.corrects is None else {**carried, "_sua": str(self.corrects), "_reason": self.reason}

    @property
    def wrong(self) -> int | None:
        """The place of the act that it corrects or takes out; None for any other form."""
        return place_in(self.values.get("version")) if self.act is CorrectAct else self.corrects

    def said(self, stream: str) -> CommandInput:
        """What the form says.

        Raises:
            InputError: a date or a source cannot be read.
        """
        name, fields = self.act.NAME, as_fields(self.act, without_empty_rows(self.values))
        if self.corrects is not None:
            fields = {"version": self.corrects, "reason": self.reason, "instead": {"act": name, **fields}}
            name = CorrectAct.NAME
        return CommandInput(
            stream,
            name,
            fields,
            self.command_id,
            happened=_range(self.on) if self.on else None,
            provenance=stated_by(self.source, "_source") if self.source else None,
            meeting=self.meeting or None,
        )


def parse_act_form(act: type[Command], body: Mapping[str, Any]) -> ActForm:
    """A form as it was sent or kept."""
    return ActForm(
        act,
        typed(body),
        _uuid(body.get("_id")),
        str(body.get("_on", "")),
        str(body.get("_source", "")),
        str(body.get("_meeting", "")),
        place_in(body.get("_sua")),
        str(body.get("_reason", "")).replace("\r\n", "\n"),
    )


def place_in(value: Any) -> int | None:
    """The place of an act, as a form or an address gives it; None for anything else."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else None  # noqa: PLR2004


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        return uuid4()


def _range(text: str) -> When:
    first, _dash, last = text.partition(" - ")
    try:
        return When.on(parse_day(first, "_on"), parse_day(last, "_on") if last else None)
    except ValueError:
        raise InputError("range_backwards_web", "_on") from None
