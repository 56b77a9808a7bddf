"""The minutes of a meeting: the commands that follow from them, and whether they can all be entered.

Minutes are a draft until they are entered: all of it or nothing, for the closing and the opening year together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from textwrap import wrap
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from application import minutes_cells as cells
from application.application import Application, CommandInput
from application.command_preview import PreviewedEvent, deviations_by_key, names_in, previewed_events, readable_part
from application.dry_run import DryRun
from application.engine import RefusedError
from application.fields import form_fields, parse_day
from application.form_values import as_fields, without_empty_rows
from application.gate import GateClosedError
from application.minutes_cells import (
    EACH,
    JOINT,
    ON,
    SEED,
    SHEET,
    SIGN,
    STANCE,
    Minutes,
    MinutesAct,
    fields_of,
)
from application.one_voice import as_one_voice
from application.permitted_acts import require_permitted
from application.visits import ForbiddenError, VisitedCycle, Visitor, open_cycle
from domain.access import Matter
from domain.limits import LABEL_CHARS
from domain.msgids import N_
from domain.records import Command, Refused
from domain.steps.commenting import AddComment, TakeStance, TakeStanceTogether
from domain.steps.conclusion import ChooseNext, ExcludeUnit, Nominate, RankUnits, RecordTotals, RuleClass, Submit
from domain.steps.drafting import PresentDraft
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AssignRole
from domain.steps.signing import DeclineToSign, NameWitnesses, SignCovenant, SignJointly
from domain.steps.targets import StateContents
from domain.steps.voting import RecordBallot
from domain.times import ICT, When
from errors import InputError
from i18n import LANGUAGES, _, in_language
from i18n.cleaning import cleaning_notes
from i18n.state_text import deviation_text

NEAR_DAYS = 7
"""Meetings of one kind within so many days can be the same meeting."""

MEETING, PEOPLE, PAPERS, COMMENTS, VOTES, AWARDS, NEXT, SIGNING, REST = PARTS = (
    "meeting",
    "people",
    "papers",
    "comments",
    "votes",
    "awards",
    "next",
    "signing",
    "rest",
)
"""The parts of minutes in the order in which a meeting goes."""

_ACTS_OF_PART: Mapping[str, tuple[type[Command], ...]] = {
    PAPERS: (PresentDraft, StateContents),
    COMMENTS: (AddComment, TakeStance, TakeStanceTogether),
    VOTES: (RecordBallot,),
    AWARDS: (RankUnits, RuleClass, ExcludeUnit, Nominate, RecordTotals, Submit),
    NEXT: (ChooseNext, AssignRole),
    SIGNING: (NameWitnesses, DeclineToSign, SignCovenant, SignJointly),
}
_PART_OF = {act.NAME: part for part, acts in _ACTS_OF_PART.items() for act in acts}


def offered_acts(part: str, permitted: Iterable[type[Command]]) -> list[str]:
    """The acts that can be begun in a part, by name: what meetings decide most often first."""
    usual = [act.NAME for act in _ACTS_OF_PART.get(part, ())]
    found = [act.NAME for act in permitted if act.IN_MINUTES and part_of(act.NAME) == part]
    return sorted(found, key=lambda name: usual.index(name) if name in usual else len(usual))


def part_of(act: str) -> str:
    """The part of the minutes in which an act stands."""
    return _PART_OF.get(act, REST)


FIELDS_OF_PART: Mapping[str, tuple[str, ...]] = {
    MEETING: ("kind", "name", "place", "held", "also", "of_year", "postponed_from", "online"),
    PEOPLE: (
        "attendance",
        "attendance_exactness",
        "host",
        "opened_by",
        "concluded_by",
        "chairs",
        "guests",
        "present",
        "unclear",
    ),
    PAPERS: ("presenters", cells.PAPERS),
    REST: (cells.DISCUSSION, cells.CONCLUSIONS, cells.RESOLUTIONS, cells.NOTES),
}
"""Where the fields of the meeting itself stand."""


def part_of_field(name: str) -> str:
    """The part of the minutes in which a field of the meeting itself stands."""
    return next((part for part, names in FIELDS_OF_PART.items() if name in names), MEETING)


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """A command of the minutes, and the path of the cell that it comes from; "" for the meeting itself."""

    path: str
    part: str
    command: CommandInput


@dataclass(slots=True)
class MinutesCheck:
    """What the minutes would record: (stream, event) for each event; and which deviations would come."""

    events: list[tuple[str, PreviewedEvent]] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is changed in its texts before they are signed."""

    binding: bool = False
    """One of the commands signs or publishes: the password is asked for once more."""

    refused: list[RefusedError] = field(default_factory=list)
    """What rules forbid, each with the `index` of its command. The commands after it were decided without it."""


def require_minutes_keeper(cycle: VisitedCycle) -> None:
    """Check that the visitor may record a meeting of the cycle.

    Raises:
        ForbiddenError
    """
    require_permitted(cycle, RecordMeeting.NAME)


def held_on(minutes: Minutes, cycle: VisitedCycle) -> date:
    """The day of the meeting.

    Raises:
        InputError: it is no day, or has not come yet.
    """
    return day_come(minutes.on, cycle, ON)


def day_come(text: str, cycle: VisitedCycle, path: str) -> date:
    """A day as it was typed, which has come by the time of the cycle.

    Raises:
        InputError: it is no day, or `in_the_future`.
    """
    on, now = parse_day(text, path), cycle.now.astimezone(ICT).date()
    if on > now:
        raise InputError("in_the_future", path, on=on, now=now)
    return on


def planned(
    cycle: VisitedCycle, minutes: Minutes, *, names: Mapping[str, str] | None = None, prepared: Iterable[str] = ()
) -> list[PlannedCommand]:
    """The commands of the minutes: the meeting, then part by part what was said and decided.

    `names` are those of the units of all years that they decide for. `prepared` are the persons who wrote them, where
    they are more than the one who enters them.

    Raises:
        InputError: the day is none, or has not come yet.
    """
    when, names = When.on(held_on(minutes, cycle)), names or cycle.names

    def command(stream: str, act: str, fields: dict[str, Any], seed: str) -> CommandInput:
        command_id = uuid5(NAMESPACE_URL, f"{minutes.cells.get(SEED, '')}/{stream}/{seed}")
        return CommandInput(stream, act, fields, command_id, happened=when, meeting=minutes.id)

    meeting = command(minutes.stream, RecordMeeting.NAME, meeting_fields(minutes, names), "meeting")
    if writers := list(prepared):
        meeting = replace(meeting, signatories={"prepared": [{"person": {"id": person}} for person in writers]})
    found = [PlannedCommand("", MEETING, meeting)]
    for part in PARTS:
        for stream in minutes.streams:
            scope = minutes.scope(stream)
            if part == COMMENTS:
                for unit, stance in minutes.answers(stream, STANCE).items():
                    taken = command(stream, TakeStance.NAME, {"unit": unit, "stance": stance}, f"stance/{unit}")
                    found.append(PlannedCommand(f"{scope}{STANCE}.{unit}", part, taken))
            found.extend(
                PlannedCommand(one.path, part, command(stream, one.act, *_fields_and_seed(one, names)))
                for one in minutes.acts(stream)
                if part_of(one.act) == part
            )
            if part == SIGNING:
                found.extend(
                    PlannedCommand(path, part, command(stream, act, fields, seed))
                    for path, act, fields, seed in _signatures(minutes, stream)
                )
    return found


def act_fields(one: MinutesAct, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an act as it is recorded; `names` are those of units."""
    return as_one_voice(form_fields(Command.KNOWN[one.act]), without_empty_rows(fields_of(one)), names)[0]


def _fields_and_seed(one: MinutesAct, names: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    fields = act_fields(one, names)
    return fields, f"{one.path}/{sorted(fields.items())!r}"


def meeting_fields(minutes: Minutes, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the meeting itself, with the units that are ticked as present; `names` are those of units."""
    head, _joined = as_one_voice(form_fields(RecordMeeting), as_fields(RecordMeeting, minutes.head), names)
    typed = [one for one in head.get("present", ()) if isinstance(one, Mapping)]
    present = [*typed, *(one for unit in minutes.present if (one := {"unit": unit}) not in typed)]
    notes = [note for _path, note in notes_of(minutes)]
    return {
        **head,
        **({"present": present} if present else {}),
        **({"notes": notes} if notes else {}),
        "id": minutes.id,
    }


_NOTES_BEGIN: Mapping[str, str] = {
    cells.PAPERS: N_("Paper of the meeting: {text}"),
    cells.DISCUSSION: N_("Discussion: {text}"),
    cells.CONCLUSIONS: N_("Conclusion: {text}"),
    cells.RESOLUTIONS: N_("Resolution: {text}"),
}


def notes_by_kind(notes: Iterable[str]) -> dict[str, list[str]]:
    """The notes of a meeting by what they are, as `notes_of` has written them, without the words that they begin with.

    What goes on in a next note is one text again. Notes that begin with none of these words are other notes. Behind
    another kind they are lines of its text: the register does not tell the next line of a resolution from a note.
    """
    found: dict[str, list[str]] = {name: [] for name in (*cells.KINDS_OF_NOTES, cells.NOTES)}
    begins = []
    for language in LANGUAGES:  # who entered them may have read another one
        with in_language(language):
            begins += [(name, _(text).removesuffix("{text}")) for name, text in _NOTES_BEGIN.items()]
    last, before = cells.NOTES, ""
    for note in notes:
        name, begin = next(((name, begin) for name, begin in begins if note.startswith(begin)), (last, ""))
        text = note.removeprefix(begin)
        if begin or name == cells.NOTES:
            found[name].append(text)
        else:
            goes_on = len(before) + 1 + len(text.split(" ", 1)[0]) > LABEL_CHARS  # it was cut because it was full
            found[name][-1] += (" " if goes_on else "\n") + text
        last, before = name, note
    return found


def notes_of(minutes: Minutes) -> list[tuple[str, str]]:
    """The notes of the meeting as the register keeps them, each with the path of the row that it comes from.

    A paper, a discussion, a conclusion or a resolution begins with what it is, behind the notes that are none of these.
    What is longer than a note goes on in the next one.
    """
    begins = {name: _(text) for name, text in _NOTES_BEGIN.items()}
    found = []
    for name in (cells.NOTES, *cells.KINDS_OF_NOTES):
        for path, typed in minutes.rows(name):
            if typed and name == cells.NOTES:
                found.append((path, typed))
            elif typed:
                text = begins[name].format(text=typed)
                lines = [one for line in text.splitlines() for one in wrap(line, LABEL_CHARS, break_on_hyphens=False)]
                found.extend((path, line) for line in lines)
    return found


def _signatures(minutes: Minutes, stream: str) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """How the units of a cycle signed: on one joint sheet, or each for itself."""
    answers, sheet, scope = minutes.answers(stream, SIGN), minutes.sheet(stream), minutes.scope(stream)
    joint = [unit for unit, how in answers.items() if how == JOINT]
    if joint or sheet:
        fields: dict[str, Any] = {"units": joint} | ({"sheet": sheet} if sheet else {})
        yield f"{scope}{SHEET}", SignJointly.NAME, fields, f"joint/{'+'.join(joint)}/{sorted(sheet.items())!r}"
    for unit, how in answers.items():
        if how == EACH:
            yield f"{scope}{SIGN}.{unit}", SignCovenant.NAME, {"unit": unit}, f"sign/{unit}"


async def check(application: Application, visitor: Visitor, inputs: Sequence[CommandInput]) -> MinutesCheck:
    """Decide all commands one after another on top of what the ledger holds, and keep nothing.

    Where the meeting itself is refused, which is the first, nothing else is decided.

    Raises:
        InputError: a field cannot be used.
        GateClosedError: the visitor may not enter a command, or keeps no minutes of a cycle.
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
            checked.refused.append(RefusedError(error.code, error.facts, index))
            if index == 0:
                return checked
            continue
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


def is_near(first: date, second: date) -> bool:
    """Whether two days are near enough for one meeting."""
    return abs(first - second) <= timedelta(days=NEAR_DAYS)


def recorded_near(cycle: VisitedCycle, kind: str, on: date) -> list[str]:
    """The recorded meetings of a kind on a day, or near it: their ids."""
    return [
        id_
        for id_, held in cycle.readable_state().meetings.items()
        if kind in {held.event.kind, held.event.also} and is_near(held.when.earliest.astimezone(ICT).date(), on)
    ]
