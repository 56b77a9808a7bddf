"""Minutes on their way into the register: what was typed of a meeting, what it says in all, whether it can be entered.

A draft until it is entered: all of it or nothing, for the closing and the opening year together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from application.application import CommandInput
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.engine import RefusedError
from application.fields import FieldFiller, parse_day
from audit.replay import digests_in
from domain.codec import plain
from domain.deviations import deviations
from domain.rights import is_binding
from domain.steps.meetings import RecordMeeting
from domain.types import Command, Event, EventEnvelope, Refused, When
from errors import InputError
from i18n.state_text import deviation_text
from i18n.timeline import describe
from web.auth import Cycle, ForbiddenError, Visitor, open_cycle
from web.forms import as_fields
from web.pages.acting import trial_names, words_in
from web.permitted_acts import permitted_acts
from web.services import Services
from web.sheets import without_empty_rows

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
    meeting_id: str = ""

    def body(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "on": self.on,
            "header": self.header,
            "other": self.other,
            "units": self.units,
            "acts": self.acts,
            "meeting_id": self.meeting_id,
        }


def place_of(cycle: Cycle, id_: str) -> str:
    """Where minutes are written, and under what their draft is kept."""
    return f"{cycle.path}/hoi-nghi/{id_}"


async def minutes_of(work: Services, cycle: Cycle, id_: str) -> Minutes:
    """The minutes that somebody keeps.

    Raises:
        ForbiddenError: not for the minutes keeper of this cycle.
        InputError: there are none.
    """
    must_keep_minutes(cycle)
    kept = await work.drafts.load(cycle.visitor.contact.id, place_of(cycle, id_))
    if kept is None:
        raise InputError("no_such_minutes", meeting=id_)
    return Minutes(id_, **kept[0])


def must_keep_minutes(cycle: Cycle) -> None:
    """Refuse whoever may not record a meeting.

    Raises:
        ForbiddenError
    """
    if RecordMeeting not in permitted_acts(cycle):
        raise ForbiddenError("not_yours_to_say")


async def keep(work: Services, cycle: Cycle, minutes: Minutes) -> None:
    """Save what was typed so far."""
    await work.drafts.save(cycle.visitor.contact.id, place_of(cycle, minutes.id), minutes.body())


@dataclass(slots=True)
class Checked:
    """What would be recorded in all, in each cycle, and which deviations would come."""

    told: list[tuple[str, str]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    binding: bool = False


def all_said(cycle: Cycle, minutes: Minutes) -> list[CommandInput]:
    """Everything that the minutes say: the meeting, what each unit said and signed, the other acts in their order.

    Raises:
        InputError
    """
    on = parse_day(minutes.on, "_on")
    header = as_fields(RecordMeeting, minutes.header)
    there = [{"unit": unit} for unit, told in minutes.units.items() if told.get("present")]
    known = [one for one in header.get("present", ()) if isinstance(one, Mapping)]
    present = [*known, *(one for one in there if one not in known)]
    if present:
        header["present"] = present

    def said(stream: str, act: str, fields: dict[str, Any], seed: str) -> CommandInput:
        command = uuid5(NAMESPACE_URL, f"{minutes.meeting_id}/{stream}/{seed}")
        return CommandInput(stream, act, fields, command, happened=When.on(on), meeting=minutes.id)

    found = [said(cycle.stream, "record-meeting", {**header, "id": minutes.id}, "meeting")]
    for unit, told in minutes.units.items():
        if told.get("stance") in STANCES:
            found.append(said(cycle.stream, "take-stance", {"unit": unit, "stance": told["stance"]}, f"stance/{unit}"))
    if joint := [unit for unit, told in minutes.units.items() if told.get("sign") == "joint"]:
        found.append(said(cycle.stream, "sign-jointly", {"units": joint}, f"joint/{'+'.join(joint)}"))
    found.extend(
        said(cycle.stream, "sign", {"unit": unit}, f"sign/{unit}")
        for unit, told in minutes.units.items()
        if told.get("sign") == "each"
    )
    for one in minutes.acts:
        act = Command.KNOWN[one["act"]]
        fields = as_fields(act, without_empty_rows(one["values"]))
        found.append(said(one["stream"], one["act"], fields, f"{one['id']}/{sorted(fields.items())!r}"))
    return found


async def check(work: Services, cycle: Cycle, said: Sequence[CommandInput]) -> Checked:
    """Decide all of it one after another, as the register stands, and keep nothing.

    Raises:
        InputError, Refused: something cannot be entered; a `RefusedError` names the line by its `index`.
    """
    trials: dict[str, DryRun] = {}
    before: dict[str, set[str]] = {}
    checked = Checked()
    visitor = cycle.visitor
    for number, one in enumerate(said):
        if one.stream not in trials:
            history = await work.office.history(one.stream)
            trials[one.stream] = await DryRun.of(work.office, {}, [row for row, _told in history])
            before[one.stream] = {d.key for d in deviations(trials[one.stream].state, trials[one.stream].rules)}
        dry_run = trials[one.stream]
        try:
            order = await work.office.item(one, FieldFiller(DryRunTexts(work.office.texts), work.office.people))
            told = await dry_run.decide(order, visitor.contact.id, visitor.unit, visitor.login.strength)
        except Refused as error:
            raise RefusedError(error.code, error.facts, number) from None
        checked.binding = checked.binding or is_binding(one.act, one.fields)
        checked.told.extend((one.stream, text) for text in await _sentences(work, dry_run, one, told))
    for stream, dry_run in trials.items():
        names = trial_names(dry_run)
        checked.new.extend(
            deviation_text(d, names) for d in deviations(dry_run.state, dry_run.rules) if d.key not in before[stream]
        )
    return checked


async def _sentences(
    work: Services, dry_run: DryRun, one: CommandInput, told: tuple[EventEnvelope[Event], ...]
) -> list[str]:
    texts = {**words_in(one.fields), **await work.office.texts.get(digests_in([plain(t.event) for t in told]))}
    return [describe(t, trial_names(dry_run), texts) for t in told]


async def other_of(work: Services, visitor: Visitor, minutes: Minutes) -> Cycle | None:
    """The other year's cycle that the meeting decides for."""
    if not minutes.other:
        return None
    try:
        other = await open_cycle(work, minutes.other, visitor)
        must_keep_minutes(other)
    except (InputError, ForbiddenError):
        return None
    return other
