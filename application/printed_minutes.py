"""The minutes of a recorded meeting as an office prints them: who was there, what was presented, said and decided.

The form is that of minutes in Decree 30/2020/NĐ-CP. Everything comes from events that the reader may read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from application.minutes import notes_by_kind
from application.minutes_cells import CONCLUSIONS, DISCUSSION, NOTES, PAPERS, RESOLUTIONS
from application.visits import VisitedCycle
from application.votes_told import outcome_told
from domain.dates import as_written
from domain.file_references import with_file_names
from domain.msgids import N_
from domain.records import Event, EventEnvelope, Meta
from domain.steps.commenting import CommentAdded, StanceTaken, StanceTakenTogether
from domain.steps.conclusion import (
    ClassRuled,
    NextChosen,
    NominationsSubmitted,
    TotalsRecorded,
    UnitExcluded,
    UnitNominated,
    UnitsRanked,
    UnitUnranked,
)
from domain.steps.drafting import DraftPresented
from domain.steps.meetings import MeetingHeld, RecordedMeeting
from domain.steps.membership import RoleAssigned
from domain.steps.signatories import SignatoriesNamed
from domain.steps.signing import CovenantSigned, CovenantSignedJointly, SigningDeclined, WitnessesNamed
from domain.steps.targets import ContentsStated
from domain.steps.voting import Ballot, BallotRecorded, outcomes, valid_papers
from domain.times import ICT, When
from domain.types import Participant
from i18n import _, ngettext
from i18n.fields import field_label
from i18n.messages import number, number_ranges, word
from i18n.timeline import EventText
from i18n.values import award_title, voice, vote_subject

_BY_PAPER = frozenset({"secret-ballot", "written-poll"})
"""Methods of votes in which papers are counted; in the others people are."""


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table with a sentence before it; `figures` are the columns of numbers, by index."""

    intro: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: frozenset[int] = frozenset()


@dataclass(slots=True)
class PrintedSection:
    """A numbered part of what happened at a meeting."""

    title: str
    lines: list[str] = field(default_factory=list)
    tables: list[PrintedTable] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PrintedMinutes:
    """Minutes to print. `people` are (capacity, who); `secretary` and `chair` are names, "" where no one person is."""

    organ: str
    cluster: str
    title: str
    opening: str
    people: tuple[tuple[str, str], ...]
    sections: tuple[PrintedSection, ...]
    closing: str
    secretary: str
    chair: str


def absent_at(cycle: VisitedCycle, held: RecordedMeeting) -> list[str]:
    """The names of the members that did not take part in a meeting; [] where no unit is named as present."""
    event = held.event
    if not any(one.unit for one in event.present):
        return []
    took_part = (*event.present, *event.chairs, *(paper.by for paper in event.presenters))
    there = {one.unit for one in took_part if one.unit is not None}
    return absent_units(cycle, there | ({event.host} if event.host else set()), held.when)


def absent_units(cycle: VisitedCycle, there: Collection[str], when: When) -> list[str]:
    """The names of the members of a day that are not among those that were there."""
    return [cycle.names.get(unit, unit) for unit in cycle.state.membership.members_on(when) if unit not in there]


def printed_minutes(
    cycle: VisitedCycle,
    held: RecordedMeeting,
    told: Sequence[tuple[EventEnvelope[Event], EventText]],
    names: Mapping[str, str],
    writer: str,
) -> PrintedMinutes:
    """The minutes of a meeting. `told` are its events that stand, in words; `names` those of persons, units and titles.

    `writer` is the name of the one who has entered the minutes, "" where that is not told.
    """
    lifecycle, event = cycle.state.lifecycle, held.event
    title = event.name or word("meeting", event.kind)
    named = (one.event for one, _text in told if isinstance(one.event, SignatoriesNamed))
    prepared = next((one.signatories.prepared for one in named if one.of == held.version), ())
    secretary = "; ".join(voice(one, names) for one in prepared) or writer
    chairs = "; ".join(voice(one, names) for one in event.chairs)
    alone = event.chairs[0] if len(event.chairs) == 1 else None
    return PrintedMinutes(
        lifecycle.organiser_name,
        lifecycle.cluster_name,
        f"{title[:1].upper()}{title[1:]}",
        _opening(held, title, lifecycle.cluster_name),
        tuple(_people(cycle, held, names, chairs, secretary)),
        tuple(_filled(_sections(cycle, event, told, names))),
        _closing(held.version, [one.meta.version for one, _text in told]),
        secretary,
        chairs if alone is not None and alone.unit is None else "",
    )


def _opening(held: RecordedMeeting, title: str, cluster: str) -> str:
    place, form = held.event.place, held.event.held or ("online" if held.event.online else None)
    facts = {
        "when": _day_in_words(held.when),
        "place": _("at {place}").format(place=place) if place else "",
        "cluster": cluster,
        "meeting": f"{title[:1].lower()}{title[1:]}",
        "form": f" ({word('meeting_form', form)})" if form else "",
    }
    text = _("Today, {when}, {place}, {cluster} held: {meeting}{form}.")
    return text.format(**facts).replace(", , ", ", ")


def _day_in_words(when: When) -> str:
    if when.day != when.last_day:
        return as_written(when)
    on = _("the {day} of month {month}, {year}").format(
        day=f"{when.day:%d}", month=f"{when.day:%m}", year=when.day.year
    )
    if not when.is_instant:
        return on
    at = when.earliest.astimezone(ICT)
    return _("{hour} hours {minute}, {day}").format(hour=f"{at:%H}", minute=f"{at:%M}", day=on)


def _people(
    cycle: VisitedCycle, held: RecordedMeeting, names: Mapping[str, str], chairs: str, secretary: str
) -> Iterator[tuple[str, str]]:
    event, absent = held.event, absent_at(cycle, held)
    members = len(cycle.state.membership.members_on(held.when))
    units = members - len(absent) if any(one.unit for one in event.present) else 0
    here = "; ".join(voice(one, names) for one in event.present)
    count = ngettext("{here} of {count} unit", "{here} of {count} units", members).format(here=units, count=members)
    yield _("Chair"), chairs or _BLANK
    yield _("Minutes kept by"), secretary or _BLANK
    yield _("Present"), (f"{count}: {here}" if units else here) or _BLANK
    if units:
        yield _("Absent"), "; ".join(absent) or _("no unit")
    if event.attendance is not None:
        exactly = "" if event.attendance_exactness == "exact" else f"{word('exactness', event.attendance_exactness)} "
        yield _("How many people took part"), f"{exactly}{event.attendance}"
    if event.guests:
        yield _("Guests"), "; ".join(voice(one, names) for one in event.guests)
    for label, one in ((_("Opened by"), event.opened_by), (_("Concluded by"), event.concluded_by)):
        if one is not None:
            yield label, voice(one, names)


_BLANK = "…" * 20
"""What is left to be written by hand."""


def _filled(sections: Iterable[PrintedSection]) -> Iterator[PrintedSection]:
    return (one for one in sections if one.lines or one.tables)


_PARTS: Mapping[str, str] = {
    "papers": N_("What was presented"),
    "said": N_("Discussion and comments"),
    "votes": N_("Votes"),
    "awards": N_("Ranking, nominations"),
    "next": N_("Head and deputies"),
    "signing": N_("Signing of the covenant"),
    "end": N_("Conclusions"),
    "other": N_("Other contents"),
}
"""The parts of what happened at a meeting, in their order, each with its title."""

_PART_OF: Mapping[type[Event], str] = {
    DraftPresented: "papers",
    ContentsStated: "papers",
    CommentAdded: "said",
    StanceTakenTogether: "said",
    TotalsRecorded: "awards",
    UnitUnranked: "awards",
    ClassRuled: "awards",
    UnitExcluded: "awards",
    NominationsSubmitted: "awards",
    NextChosen: "next",
    RoleAssigned: "next",
    CovenantSignedJointly: "signing",
    WitnessesNamed: "signing",
    SigningDeclined: "signing",
}
"""Where events are told by their sentence; those of other types stand among the other contents."""

_TOLD_OTHERWISE = (MeetingHeld, SignatoriesNamed, UnitNominated, StanceTaken, CovenantSigned)
"""Events that the head of the minutes tells, or that are told together."""


def _sections(
    cycle: VisitedCycle,
    held: MeetingHeld,
    told: Sequence[tuple[EventEnvelope[Event], EventText]],
    names: Mapping[str, str],
) -> list[PrintedSection]:
    found = {name: PrintedSection(_(title)) for name, title in _PARTS.items()}
    notes, events = notes_by_kind(held.notes), [envelope.event for envelope, _text in told]
    text = _("{who} presented: {paper}.")
    found["papers"].lines += [text.format(who=voice(one.by, names), paper=one.paper) for one in held.presenters]
    found["papers"].lines += _lines_of(notes[PAPERS])
    for (event, meta), one in told:
        if isinstance(event, BallotRecorded):
            found["votes"].tables.append(_vote(cycle, event, meta, names))
        elif isinstance(event, UnitsRanked):
            found["awards"].tables.append(_ranking(event, names))
        elif not isinstance(event, _TOLD_OTHERWISE):
            found[_PART_OF.get(type(event), "other")].lines.append(_line(event, one))
    found["said"].lines += [*_stances(events, names), *_lines_of(notes[DISCUSSION])]
    found["awards"].lines += _nominations(events, names)
    signed = [names.get(one.unit, one.unit) for one in events if isinstance(one, CovenantSigned)]
    if signed:
        found["signing"].lines.append(_("The units that signed: {units}.").format(units="; ".join(signed)))
    found["other"].lines += notes[NOTES]
    resolutions = [_("Resolution: {text}").format(text=one) for one in notes[RESOLUTIONS]]
    found["end"].lines += _lines_of([*notes[CONCLUSIONS], *resolutions])
    return list(found.values())


def _lines_of(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in text.splitlines()]


def _line(event: Event, told: EventText) -> str:
    line = with_file_names(told.sentence)
    if isinstance(event, CommentAdded):
        return f"{line} ({_('asks for a change')})" if event.asks_for_change else line
    if type(event) in _PART_OF or not told.details:
        return line
    beside = "; ".join(f"{str(one)[:1].lower()}{str(one)[1:]}" for one in told.details)
    return f"{line.removesuffix('.')} ({beside})."


def _stances(events: Sequence[Event], names: Mapping[str, str]) -> Iterator[str]:
    """Who answered the drafts how: the units of one answer in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in events:
        if isinstance(one, StanceTaken):
            about = f" ({word('draft', one.on)})" if one.on else ""
            found.setdefault((word("stance", one.stance), about), []).append(names.get(one.unit, one.unit))
    for (stance, about), units in found.items():
        yield f"{stance[:1].upper()}{stance[1:]}{about}: {'; '.join(units)}."


def _nominations(events: Sequence[Event], names: Mapping[str, str]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for one in events:
        if isinstance(one, UnitNominated):
            found.setdefault(one.award, []).append(names.get(one.unit, one.unit))
    for award, units in found.items():
        yield _("Nominated for {award}: {units}.").format(award=award_title(award, names), units="; ".join(units))


def _ranking(event: UnitsRanked, names: Mapping[str, str]) -> PrintedTable:
    rows = tuple((str(one.rank), names.get(one.unit, one.unit), number(one.total)) for one in event.places)
    heads = (_("rank"), _("unit"), _("points"))
    return PrintedTable(_("The ranking by points:"), heads, rows, frozenset({0, 2}))


def _vote(cycle: VisitedCycle, tally: BallotRecorded, meta: Meta, names: Mapping[str, str]) -> PrintedTable:
    """A vote: how many papers there were in a sentence, and a table of its choices."""
    found = outcomes(Ballot(tally, meta.happened, meta.provenance.kind, meta.version), cycle.rules.at(meta.happened))
    by_paper = tally.method in _BY_PAPER
    heads = (_("choice"), field_label("votes") if by_paper else _("people for it"), _("outcome"))
    rows = tuple(
        (
            names.get(one.choice.unit, one.choice.unit) if one.choice.unit else str(one.choice.words),
            word("amount", one.choice.votes) if isinstance(one.choice.votes, str) else str(one.choice.votes),
            outcome_told(one),
        )
        for one in found
    )
    return PrintedTable(" ".join(_vote_in_words(tally, names)), heads, rows, frozenset({1}))


def _vote_in_words(tally: BallotRecorded, names: Mapping[str, str]) -> Iterator[str]:
    subject, method = vote_subject(tally.subject, names), word("vote_method", tally.method)
    text = _("The meeting voted on: {subject}, by {method}.")
    if tally.round > 1:
        text = _("The meeting voted on: {subject}, time {round}, by {method}.")
    yield text.format(subject=subject, method=method, round=tally.round)
    counts: list[tuple[str, Any]] = [
        (_("people who may vote"), tally.entitled),
        (_("people present"), tally.present),
        (_("people asked in writing"), tally.polled),
    ]
    if tally.method in _BY_PAPER:
        cast = None if tally.cast == "unknown" else tally.cast
        counts += [
            (_("papers handed out"), tally.handed_out),
            (_("papers returned"), cast),
            (_("valid papers"), None if cast is None else valid_papers(tally, cast)),
            (_("blank papers"), tally.blank),
            (_("invalid papers"), tally.spoiled),
        ]
    elif tally.cast != "unknown":
        counts.append((_("people who voted"), tally.cast))
    if known := [f"{label} {count}" for label, count in counts if count is not None]:
        yield f"{known[0][:1].upper()}{', '.join(known)[1:]}."
    if tally.names > 1:
        yield _("One paper could name {count}.").format(count=tally.names)
    if tally.tellers:
        yield _("The votes were counted by {who}.").format(who=_all(tally.tellers, names))


def _all(participants: Iterable[Participant], names: Mapping[str, str]) -> str:
    return "; ".join(voice(one, names) for one in participants)


def _closing(version: int, versions: Sequence[int]) -> str:
    numbers = number_ranges((version, *versions))
    text = ngettext(
        "These minutes stand in the register Sổ Thi Đua, item {numbers}.",
        "These minutes stand in the register Sổ Thi Đua, items {numbers}.",
        len({version, *versions}),
    )
    return text.format(numbers=numbers)
