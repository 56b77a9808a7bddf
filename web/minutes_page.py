"""The page of minutes: its parts, one at a time, what others write, what is wrong, and what would be recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from accounts.shared_drafts import SharedCell
from application.minutes import (
    AWARDS,
    COMMENTS,
    MEETING,
    PAPERS,
    PEOPLE,
    REST,
    SIGNING,
    VOTES,
    MinutesCheck,
)
from application.minutes_cells import (
    ACTS,
    HEAD,
    KINDS_OF_NOTES,
    NOTES,
    SIGN,
    STANCE,
    act_in,
    group_of,
    inside,
    words_in,
)
from application.one_voice import in_words
from application.votes_told import conflict_of_interest
from domain.steps.voting import RecordBallot
from i18n import _, ngettext
from i18n.messages import word
from web import urls
from web.act_form import suggested_persons
from web.form_problems import FormProblem
from web.minutes_faults import MinutesFault, all_faults, cell_anchor, input_id
from web.minutes_parts import MinutesPart, held_when, vote_lines, wrong_votes
from web.minutes_remarks import absent_of, remarks_of, remarks_on_points
from web.minutes_words import cell_title, cell_words, part_of_cell, part_title
from web.open_minutes import CHECK, PAGE_PARTS, STANCES, OpenMinutes, colleagues, note_presence, other_years
from web.posted_minutes import mark_of
from web.render import clock_time, page
from web.services import Services, get_services

Conflicts = Sequence[tuple[SharedCell, str]]
"""Cells that somebody else has changed, each with the value that was typed and is not saved."""


@dataclass(frozen=True, slots=True)
class MinutesNotes:
    """What the page says beside the minutes. `more` is a list inside a cell that wants rows."""

    conflicts: Conflicts = ()
    problems: Sequence[FormProblem] = ()
    faults: Sequence[MinutesFault] = ()
    text: str = ""
    good: str = ""
    faulty: str = ""
    checked: MinutesCheck | None = None
    shown: str = ""
    more: str = ""
    focus: str = ""
    whole: bool = False
    """Also what is not there yet is told: all of it was checked."""
    status: int = 200


async def minutes_page(request: Request, opened: OpenMinutes, name: str, told: MinutesNotes) -> HTMLResponse:
    """One part of the minutes."""
    services = get_services(request)
    await note_presence(services, opened, name)
    part = MinutesPart(opened, name, services.application.rehearsal, told.more)
    faults = [*told.faults]
    if name != CHECK:
        faults += await all_faults(services, opened, parts=(name,), unfinished=told.whole)
    names = await _names(services, told.conflicts, part.gone)
    present = await colleagues(services, opened)
    people = await suggested_persons(services, opened.cycle)
    contacts = await services.application.people.names(present)
    as_one = dict(await _told_as_one(services, part))
    return page(
        request,
        "minutes.html",
        told.status,
        cycle=opened.cycle,
        opened=opened,
        minutes=opened.minutes,
        part=part,
        part_name=name,
        parts=_index(opened, present, contacts),
        following=_following(name),
        part_title=part_title,
        title=meeting_title(opened),
        present=_present_text(present, contacts),
        saved=_saved_sign(opened),
        conflicts=_conflicts_told(opened, told.conflicts, names),
        gone=[
            (
                path,
                cell,
                cell_title(opened, path),
                cell_words(opened, path, cell.value, names),
                names.get(cell.person, ""),
            )
            for path, cell in part.gone
        ],
        faulty={
            **{one.problem.path: one.problem.here for one in reversed(faults) if one.problem.path},
            **{one.path: one.here for one in told.problems if one.path},
        },
        faults=told.faults if name == CHECK else (),
        problems=told.problems,
        told=told,
        units=opened.cycle.units(),
        people=people,
        others=await _other_years(services, opened) if name == MEETING else (),
        attending=_attending(opened),
        stance_options=[(one, word("stance", one)) for one in STANCES],
        sign_options=[("each", _("signs")), ("joint", _("on the joint sheet"))],
        vote_lines=lambda card: {id_: (text, kind) for id_, text, kind in vote_lines(card)},
        cell_anchor=cell_anchor,
        input_id=input_id,
        mark=lambda path: f"{path} {mark_of(opened.kept(path))}",
        value=opened.value,
        as_one=lambda path: as_one.get(path, ""),
        interest=lambda unit, cycle, subject: conflict_of_interest(unit, chairs(opened), cycle, subject),
        ballot=RecordBallot.NAME,
        acts_start=ACTS,
        count_text=count_text(opened) if name == CHECK else "",
        remarks=remarks_of(opened) if name == CHECK else remarks_on_points(opened) if name == AWARDS else (),
        absent=absent_of(opened) if name == CHECK else (),
        constants={
            "meeting": MEETING,
            "people": PEOPLE,
            "papers": PAPERS,
            "votes": VOTES,
            "awards": AWARDS,
            "signing": SIGNING,
            "rest": REST,
            "check": CHECK,
            "comments": COMMENTS,
        },
        wide=True,
    )


def meeting_title(opened: OpenMinutes) -> str:
    """The meeting's name, or its kind."""
    kind = opened.value(f"{HEAD}.kind")
    named = opened.value(f"{HEAD}.name") or (word("meeting", kind) if kind else _("Minutes of a meeting"))
    return f"{named[:1].upper()}{named[1:]}"


def chairs(opened: OpenMinutes) -> frozenset[str]:
    """The units that chair the meeting, by the minutes; the head, where they name no chair at all."""
    typed = opened.minutes.head.get("chairs", ())
    units = {str(one.get("unit")) for one in typed if isinstance(one, Mapping) and one.get("unit")}
    return frozenset(units if typed else {opened.cycle.state.membership.holder_on("head", held_when(opened))})


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A part in the index at the side: what is in it, who has it open, and whether a vote in it does not add up."""

    name: str
    title: str
    url: str
    badge: str
    who: str
    wrong: bool


def _index(opened: OpenMinutes, present: Mapping[str, str], names: Mapping[str, str]) -> list[IndexLine]:
    minutes = opened.minutes
    counts: dict[str, int] = {}
    for path, value in minutes.cells.items():
        name = part_of_cell(path)
        field = inside(path)[1] if path.startswith(f"{HEAD}.") else ""
        in_rows = field in {"presenters", NOTES, *KINDS_OF_NOTES} and bool(value)
        if act_in(path) is not None or in_rows or (value and name in {COMMENTS, SIGNING}):
            counts[name] = counts.get(name, 0) + 1
    badges = {name: str(count) for name, count in counts.items()}
    badges[PEOPLE] = "/".join(map(str, _attending(opened))) if minutes.present else ""
    badges[MEETING] = "✓" if minutes.on and opened.value(f"{HEAD}.kind") else ""
    return [
        IndexLine(
            name,
            part_title(name),
            urls.minutes_url(opened.cycle.stream, minutes.id, part=name),
            badges.get(name, ""),
            ", ".join(names.get(person, _("a colleague")) for person, at in present.items() if at == name),
            name == VOTES and wrong_votes(opened),
        )
        for name in PAGE_PARTS
    ]


def _attending(opened: OpenMinutes) -> tuple[int, int]:
    """How many of the members are ticked as present, and how many there are."""
    members = {unit for unit, _name in opened.cycle.members()}
    return len(members.intersection(opened.minutes.present)), len(members)


def _following(name: str) -> str:
    at = PAGE_PARTS.index(name)
    return PAGE_PARTS[at + 1] if at + 1 < len(PAGE_PARTS) else ""


def _present_text(present: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Who writes what at the moment."""
    text = _("{person} has this part open: {part}")
    return " · ".join(
        text.format(person=names.get(person, _("A colleague")), part=part_title(part))
        for person, part in present.items()
    )


def _saved_sign(opened: OpenMinutes, at: datetime | None = None) -> str:
    last = at or max(one.at for one in opened.saved.values())
    return _("saved at {time}; nothing is entered yet").format(time=clock_time(last))


async def _names(services: Services, conflicts: Conflicts, gone: Iterable[tuple[str, SharedCell]]) -> dict[str, str]:
    """The names of the persons of whom conflicts and what was taken out tell."""
    cells = [*(cell for cell, _mine in conflicts), *(cell for _path, cell in gone)]
    values = [*(cell.value for cell in cells), *(mine for _cell, mine in conflicts)]
    typed = {text for value in values for text in words_in(group_of(value) if value.startswith("{") else value)}
    return await services.application.people.names({*typed, *(cell.person for cell in cells)})


async def _told_as_one(services: Services, part: MinutesPart) -> list[tuple[str, str]]:
    """What will be recorded of persons that are told by unit, name and office: a sentence by cell, "" for none."""
    people = await services.application.people.names({id_ for one in part.joined.values() for id_ in words_in(one)})
    text = _("Will be recorded as: {who}")
    told = {path: "; ".join(in_words(one, people)) for path, one in part.joined.items()}
    return [(path, text.format(who=who) if who else "") for path, who in told.items()]


def _conflicts_told(
    opened: OpenMinutes, conflicts: Conflicts, names: Mapping[str, str]
) -> list[tuple[SharedCell, str, str]]:
    """Conflicts, each with a sentence that tells both values."""
    text = _("{where}: {person} wrote {value} at {time}; you wrote {mine}, which is not saved.")
    return [
        (
            one,
            mine,
            text.format(
                where=cell_title(opened, one.path),
                person=names.get(one.person, _("somebody")),
                value=f"“{cell_words(opened, one.path, one.value, names)}”",
                time=clock_time(one.at),
                mine=f"“{cell_words(opened, one.path, mine, names)}”",
            ),
        )
        for one, mine in conflicts
    ]


async def _other_years(services: Services, opened: OpenMinutes) -> list[tuple[str, str]]:
    """The cycles that the meeting can open, the one that is chosen among them."""
    found = await other_years(services, opened.cycle)
    if (other := opened.other) is None or other.stream in {stream for stream, _name in found}:
        return found
    return [(other.stream, other.name), *found]


def count_text(opened: OpenMinutes) -> str:
    """How much would be recorded for each year."""
    lines = []
    for cycle in opened.cycles:
        scope = opened.minutes.scope(cycle.stream)
        acts = len(opened.minutes.acts(cycle.stream))
        acts += sum(len(opened.minutes.answers(cycle.stream, what)) for what in (STANCE, SIGN))
        acts += 0 if scope else 1
        lines.append(
            _("nothing is written for {cycle} yet").format(cycle=cycle.name)
            if not acts
            else ngettext("{count} entry for {year}", "{count} entries for {year}", acts).format(
                count=acts, year=cycle.state.lifecycle.year
            )
        )
    return ", ".join(lines)


# For a page that is open --------------------------------------------------------------------------------------------


async def minutes_state(
    services: Services,
    opened: OpenMinutes,
    name: str,
    since: int,
    conflicts: Conflicts = (),
    written: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a script shows anew: what others have saved since a revision, what is wrong, what the law says of votes.

    `written` is what the script has saved just now, by path: later it tells what became of it.
    """
    await note_presence(services, opened, name)
    later = [one for one in opened.saved.values() if one.revision > since]
    names = await _names(services, conflicts, [(one.path, one) for one in later])
    present = await colleagues(services, opened)
    contacts = await services.application.people.names(present)
    part = MinutesPart(opened, name, services.application.rehearsal)
    refused = {one.path for one, _mine in conflicts}
    kept = {path: value for path, value in (written or {}).items() if path not in refused}
    faults = await all_faults(services, opened, parts=(name,), unfinished=False)
    # Of a page that only looks, what the same person has saved on another page is news, too.
    others = [
        one
        for one in later
        if (written is None or one.person != opened.person) and not one.path.startswith(("by.", "gone."))
    ]
    text = _("{person} wrote {value} at {time}: {where}")
    told = {
        one.path: text.format(
            person=names.get(one.person, _("Somebody")),
            value=f"“{cell_words(opened, one.path, one.value, names)}”",
            time=clock_time(one.at),
            where=cell_title(opened, one.path),
        )
        for one in others
    }
    return {
        "revision": opened.revision,
        "saved": _saved_sign(opened, datetime.now(UTC)),
        "present": _present_text(present, contacts),
        "attending": attending_text(opened),
        "changed": [one.path for one in others],
        "faults": [[one.problem.anchor, one.problem.here] for one in faults if one.problem.path],
        "votes": [
            *(line for year in part.years for card in year.cards if card.vote for line in vote_lines(card)),
            *((f"{cell_anchor(path)}-as", text, "") for path, text in await _told_as_one(services, part)),
        ],
        "conflicts": [
            {"path": one.path, "value": mine, "text": told}
            for one, mine, told in _conflicts_told(opened, conflicts, names)
        ],
        "announce": "; ".join(told[one.path] for one in others if one.person != opened.person),
        "told": [{"path": one.path, "value": one.value, "text": told[one.path]} for one in others],
        "written": [
            {"path": path, "value": value, "text": cell_words(opened, path, value, names)}
            for path, value in kept.items()
        ],
        "unkept": "",
        "merged": [],
        "refused": {},
        "wrong": wrong_votes(opened) if name == VOTES else None,
    }


def attending_text(opened: OpenMinutes) -> str:
    """How many members are there."""
    here, count = _attending(opened)
    return ngettext("{here} of {count} unit", "{here} of {count} units", count).format(here=here, count=count)
