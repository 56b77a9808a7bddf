"""The minutes of a meeting: what was typed so far, the commands that follow, and whether they can all be entered.

Minutes are a draft until they are entered: all of it or nothing, for the closing and the opening year together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from application.application import Application, CommandInput
from application.command_preview import PreviewedEvent, deviations_by_key, names_in, previewed_events, readable_part
from application.dry_run import DryRun
from application.engine import RefusedError
from application.fields import parse_day
from application.form_values import as_fields, without_empty_rows
from application.gate import GateClosedError
from application.permitted_acts import permitted_acts
from application.visits import ForbiddenError, VisitedCycle, Visitor, open_cycle
from domain.access import Matter
from domain.records import Command, Refused
from domain.steps.meetings import RecordMeeting
from domain.times import When
from errors import InputError
from i18n.cleaning import cleaning_notes
from i18n.state_text import deviation_text

STANCES = ("agreed", "agreed-in-substance", "changes-requested")


@dataclass(slots=True)
class Minutes:
    """What was typed of a meeting so far. `units` says of each unit whether it was there, its stance, its signature."""

    id: str
    on: str
    header: dict[str, Any]
    other: str = ""
    """The stream of another cycle that the meeting decides for, too: the year it opens."""
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    acts: list[dict[str, Any]] = field(default_factory=list)
    """Each with `id`, `act`, `values` and `stream`."""
    meeting_id: str = ""
    """Seeds the command ids, so that the same minutes are entered once."""
    saved_at: datetime | None = None
    """When the draft was saved; None for minutes that are being saved now."""

    def draft(self) -> dict[str, Any]:
        """The minutes as their draft is stored; the id is part of the draft's key."""
        values = asdict(self)
        del values["id"], values["saved_at"]
        return values


@dataclass(slots=True)
class MinutesCheck:
    """What the minutes would record: (stream, event) for each event; and which deviations would come."""

    events: list[tuple[str, PreviewedEvent]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is changed in its texts before they are signed."""

    binding: bool = False
    """One of the commands signs or publishes: the password is asked for once more."""


def require_minutes_keeper(cycle: VisitedCycle) -> None:
    """Check that the visitor may record a meeting of the cycle.

    Raises:
        ForbiddenError
    """
    if RecordMeeting not in permitted_acts(cycle):
        raise ForbiddenError("not_yours_to_say")


def command_inputs(cycle: VisitedCycle, minutes: Minutes) -> list[CommandInput]:
    """The commands of the minutes: the meeting, each unit's stance and signature, the other acts in their order.

    Raises:
        InputError
    """
    on = parse_day(minutes.on, "_on")
    header = as_fields(RecordMeeting, minutes.header)
    ticked = [{"unit": unit} for unit, answers in minutes.units.items() if answers.get("present")]
    typed = [one for one in header.get("present", ()) if isinstance(one, Mapping)]
    present = [*typed, *(one for one in ticked if one not in typed)]
    if present:
        header["present"] = present

    def inputs(stream: str, act: str, fields: dict[str, Any], seed: str) -> CommandInput:
        command_id = uuid5(NAMESPACE_URL, f"{minutes.meeting_id}/{stream}/{seed}")
        return CommandInput(stream, act, fields, command_id, happened=When.on(on), meeting=minutes.id)

    found = [inputs(cycle.stream, "record-meeting", {**header, "id": minutes.id}, "meeting")]
    for unit, answers in minutes.units.items():
        if (stance := answers.get("stance")) in STANCES:
            found.append(inputs(cycle.stream, "take-stance", {"unit": unit, "stance": stance}, f"stance/{unit}"))
    if joint := [unit for unit, answers in minutes.units.items() if answers.get("sign") == "joint"]:
        found.append(inputs(cycle.stream, "sign-jointly", {"units": joint}, f"joint/{'+'.join(joint)}"))
    found.extend(
        inputs(cycle.stream, "sign", {"unit": unit}, f"sign/{unit}")
        for unit, answers in minutes.units.items()
        if answers.get("sign") == "each"
    )
    for one in minutes.acts:
        fields = as_fields(Command.KNOWN[one["act"]], without_empty_rows(one["values"]))
        found.append(inputs(one["stream"], one["act"], fields, f"{one['id']}/{sorted(fields.items())!r}"))
    return found


async def check(application: Application, visitor: Visitor, inputs: Sequence[CommandInput]) -> MinutesCheck:
    """Decide all commands one after another on top of what the ledger holds, and keep nothing.

    Raises:
        InputError: a field cannot be used.
        GateClosedError: the visitor may not enter a command, or keeps no minutes of a cycle.
        RefusedError: a rule forbids a command; `index` is its index in `inputs`.
    """
    await application.gate.check(visitor.submitter(), inputs, trying=True)
    for stream in dict.fromkeys(one.stream for one in inputs[1:] if one.stream != inputs[0].stream):
        if await other_cycle(application, visitor, stream) is None:  # what is tried there would tell of it
            raise GateClosedError("not_yours_to_say")
    dry_runs: dict[str, DryRun] = {}
    before: dict[str, set[str]] = {}
    checked = MinutesCheck()
    for index, one in enumerate(inputs):
        if one.stream not in dry_runs:
            history = await application.history(one.stream)
            dry_runs[one.stream] = await DryRun.of(application, {}, [row for row, _envelope in history])
            before[one.stream] = set(deviations_by_key(readable_part(dry_runs[one.stream], one.stream, visitor)))
        part = readable_part(dry_runs[one.stream], one.stream, visitor)
        try:
            events = await previewed_events(application, dry_runs[one.stream], one, visitor, part)
        except Refused as error:
            await application.tell_who_came_first(error, one.stream, visitor.submitter())
            raise RefusedError(error.code, error.facts, index) from None
        checked.notes.extend(cleaning_notes(one.cleaned()))
        checked.binding = checked.binding or await application.gate.binds(one)
        checked.events.extend((one.stream, event) for event in events)
    for stream, dry_run in dry_runs.items():
        names, after = names_in(dry_run), deviations_by_key(readable_part(dry_run, stream, visitor))
        checked.new.extend(deviation_text(one, names) for key, one in after.items() if key not in before[stream])
    return checked


async def other_cycle(application: Application, visitor: Visitor, stream: str) -> VisitedCycle | None:
    """The other cycle that a meeting decides for; None where the visitor may not read it and keep its minutes."""
    if not stream:
        return None
    try:
        other = await open_cycle(application, stream, visitor)
        if not other.may(Matter.CYCLE):
            return None
        require_minutes_keeper(other)
    except (InputError, ForbiddenError):
        return None
    return other
