"""The parts of minutes as their page shows them: the meeting's own fields, the answers of the units, acts, votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accounts.shared_drafts import SharedCell
from application.fields import form_fields
from application.minutes import FIELDS_OF_PART, SIGNING, held_on, offered_acts, part_of
from application.minutes_cells import (
    HEAD,
    HEAD_FIELDS,
    SHEET,
    SIGN,
    STANCE,
    MinutesAct,
    act_in,
    field_of,
    fields_of,
    group_of,
    is_group,
    words_in,
)
from application.one_voice import as_one_voice
from application.permitted_acts import permitted_acts
from application.score_sheets import Sheet, sheet_of
from application.titled_choices import Choices, titled_choices
from application.visits import VisitedCycle
from application.votes_told import VoteTold, vote_told
from domain.records import Command
from domain.steps.meetings import RecordMeeting
from domain.steps.signing import DeclineToSign, SignCovenant, SignJointly
from domain.steps.voting import RecordBallot
from domain.times import ICT, When
from errors import InputError
from web.forms import Input, field_input, inputs, is_asked
from web.minutes_faults import cell_anchor
from web.minutes_words import part_of_cell
from web.open_minutes import OpenMinutes

_FOLDED = frozenset(
    {
        "also",
        "attendance_exactness",
        "concluded_by",
        "host",
        "of_year",
        "online",
        "opened_by",
        "postponed_from",
        "present",
        "unclear",
    }
)
"""Fields of the meeting that are asked for seldom."""

_IN_VOTE_TABLE = frozenset({"id", "subject", "method", "choices", "handed_out", "cast", "blank", "spoiled"})
_LEAST_CHOICES = 2
"""Rows of a new vote: a vote is between two at least."""


@dataclass(frozen=True, slots=True)
class ActCard:
    """An act of the minutes with its inputs, and what the law says of a vote."""

    one: MinutesAct
    act: type[Command]
    cycle: VisitedCycle
    fields: tuple[Input, ...]
    titled: Mapping[str, Choices]
    sheet: Sheet | None
    vote: VoteTold | None
    start: str

    @property
    def by_name(self) -> Mapping[str, Input]:
        """Its inputs by the names of the fields."""
        return {one.path.removeprefix(self.start): one for one in self.fields}

    @property
    def units(self) -> list[tuple[str, str]]:
        """The units that it offers: who has signed does not sign anew."""
        if self.act not in {SignCovenant, SignJointly, DeclineToSign}:
            return list(self.cycle.units())
        signed = set(self.cycle.readable_state().signing.signatures) - set(words_in(self.one.values))
        return [(unit, name) for unit, name in self.cycle.units() if unit not in signed]

    @property
    def rest(self) -> list[Input]:
        """Of a vote: its inputs that stand folded below its table."""
        return [one for name, one in self.by_name.items() if name not in _IN_VOTE_TABLE]


@dataclass(frozen=True, slots=True)
class YearPart:
    """A part of the minutes for one of the years that they decide for."""

    cycle: VisitedCycle
    scope: str
    cards: Sequence[ActCard]
    choices: Sequence[str]
    answers: Mapping[str, str]
    sheet: Input | None
    signed: frozenset[str]

    @property
    def all_signed(self) -> bool:
        """All members have signed before."""
        return all(unit in self.signed for unit, _name in self.cycle.members())


@dataclass(frozen=True)
class MinutesPart:
    """A part of the minutes as its page shows it."""

    opened: OpenMinutes
    name: str
    rehearsal: bool
    more: str = ""

    @cached_property
    def singles(self) -> list[Input]:
        """The fields of the meeting that stand in it, each with one value."""
        return [
            field_input(field, f"{HEAD}.{name}", _typed(self.opened, f"{HEAD}.{name}"), act=RecordMeeting.NAME)
            for name, field in self._fields.items()
            if not field.many
        ]

    @cached_property
    def lists(self) -> list[tuple[Input, list[Input]]]:
        """The lists of the meeting that stand in it: each with its rows."""
        found = []
        for name, field in self._fields.items():
            if field.many:
                rows = self.opened.minutes.rows(name)
                one = field_input(field, f"{HEAD}.{name}", None, act=RecordMeeting.NAME)
                row = replace(field.as_one(name), required=bool(field.parts))  # an empty line is no note
                found.append((one, [field_input(row, path, typed) for path, typed in rows]))
        return found

    def is_folded(self, one: Input) -> bool:
        """Whether a field is asked for seldom, and stands below the others."""
        return one.path.removeprefix(f"{HEAD}.") in _FOLDED

    @property
    def has_folded(self) -> bool:
        """Whether there are such fields."""
        return any(name in _FOLDED for name in self._fields)

    def opens_folded(self, faulty: Mapping[str, str]) -> bool:
        """Whether something stands in such fields, or is wrong there."""
        starts = tuple(f"{HEAD}.{name}" for name in self._fields if name in _FOLDED)
        return any(path.startswith(starts) for path in (*self.opened.minutes.cells, *faulty))

    @property
    def _fields(self) -> Mapping[str, Any]:
        names = (name for name in FIELDS_OF_PART.get(self.name, ()) if is_asked(name, self.opened.minutes.head))
        return {name: HEAD_FIELDS[name] for name in names}

    @cached_property
    def years(self) -> list[YearPart]:
        """What it decides for each of the years."""
        return [self._year(cycle) for cycle in self.opened.cycles]

    def _year(self, cycle: VisitedCycle) -> YearPart:
        minutes = self.opened.minutes
        what = {SIGNING: SIGN}.get(self.name, STANCE)
        scope = minutes.scope(cycle.stream)
        offered = offered_acts(self.name, permitted_acts(cycle))
        cards = [self._card(cycle, one) for one in minutes.acts(cycle.stream) if part_of(one.act) == self.name]
        sheet = None
        if self.name == SIGNING:
            (document,) = (
                one
                for one in inputs(SignJointly, {"sheet": minutes.sheet(cycle.stream)}, start=scope)
                if one.path == f"{scope}{SHEET}"
            )
            sheet = document
        signed = frozenset(cycle.readable_state().signing.signatures)
        return YearPart(cycle, scope, cards, offered, minutes.answers(cycle.stream, what), sheet, signed)

    def _card(self, cycle: VisitedCycle, one: MinutesAct) -> ActCard:
        act, start = Command.KNOWN[one.act], f"{one.path}."
        more = [self.more] if self.more.startswith(start) else []
        vote = None
        if act is RecordBallot:
            vote = vote_told(cycle, fields_of(one), held_when(self.opened))
            if missing := _LEAST_CHOICES - len(one.values.get("choices", ())):
                more = [*more, f"{start}choices {missing}"] if missing > 0 and not more else more
        fields = inputs(act, one.values, more, rehearsal=self.rehearsal, start=start)
        titled = {
            f"/{start}{name[1:]}" if name.startswith("/") else name: some
            for name, some in titled_choices(cycle, act).items()
        }
        return ActCard(one, act, cycle, fields, titled, sheet_of(cycle, act, one.values), vote, start)

    @cached_property
    def joined(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Of each cell of several inputs: the persons told there by unit, name and office, as they are recorded."""
        found = {}
        for path, value in self.opened.minutes.cells.items():
            if part_of_cell(path) == self.name and is_group(path):
                act, field, typed = act_in(path), field_of(path), group_of(value)
                fields = form_fields(act) if act is not None else () if field is None else (field,)
                typed = typed if act is not None or field is None else {field.name: typed}
                found[path] = as_one_voice(fields, typed, self.opened.names)[1]
        return found

    @property
    def gone(self) -> list[tuple[str, SharedCell]]:
        """What was taken out of it and can be put back: the cell's path, and what it held."""
        return [(path, cell) for path, cell in self.opened.taken_out.items() if part_of_cell(path) == self.name]


def held_when(opened: OpenMinutes) -> When:
    """When the meeting was; now where its day is not known."""
    try:
        return When.on(held_on(opened.minutes, opened.cycle))
    except InputError:
        return When.on(opened.cycle.now.astimezone(ICT).date())


def _typed(opened: OpenMinutes, path: str) -> Any:
    held = opened.value(path)
    return group_of(held) if held.startswith("{") else held


def wrong_votes(opened: OpenMinutes) -> bool:
    """Whether the papers of a vote do not add up, by the law."""
    votes = ((cycle, one) for cycle in opened.cycles for one in opened.minutes.acts(cycle.stream))
    when = held_when(opened)
    return any(
        vote_told(cycle, fields_of(one), when).fits is False for cycle, one in votes if one.act == RecordBallot.NAME
    )


def vote_lines(card: ActCard) -> list[tuple[str, str, str]]:
    """What the law says of a vote: the id of the place, the text, and the kind of its chip."""
    vote, at = card.vote, cell_anchor(card.one.path)
    if vote is None:
        return []
    rows = list(vote.rows)
    count = max(len(card.by_name["choices"].rows), len(rows))
    kinds = {True: "ok", False: "late", None: ""}
    outcomes = [rows[n] if n < len(rows) else ("", None) for n in range(count)]
    return [
        (f"{at}-rule", vote.rule, ""),
        (f"{at}-sums", vote.sums, kinds[vote.fits]),
        *((f"{at}-row-{n}", text, "ok" if carried else "") for n, (text, carried) in enumerate(outcomes)),
    ]
