"""A cycle in which each event that is closed before publication has marks: words and numbers that occur nowhere else.

Readers of the event may find its marks; other visitors find them on no page and in no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from account_help import make_account
from engine_help import CITY, enter_staff, open_cycle, submit, units
from minutes_help import keep_minutes, minutes_cells
from web_help import Site

from application.application import CommandInput
from application.gate import at_command_line
from application.typed_sheets import EVIDENCE, REASON
from audit.replay import digests_in
from domain.codec import plain
from domain.deviations import deviations
from domain.records import Event, EventEnvelope
from domain.rules import Edition
from domain.scoring.scores import calculated_scores
from domain.types import Provenance
from i18n import in_language
from i18n.messages import number
from ledger.events import RecordedEvent
from vault.files import StoredFile
from web import urls

RULES = Edition.model_validate(
    {
        "id": "danh-dau",
        "title": "Bản quy định",
        "cross_checks": "next-in-list",
        "deadlines": [
            {"duty": "self-score", "due": {"month": 11, "day": 10}, "article": "Điều 5"},
            {"duty": "cross-check", "due": {"month": 11, "day": 20}, "article": "Điều 5"},
            {"duty": "appraisal", "due": {"month": 11, "day": 25}, "article": "Điều 6"},
        ],
        "criteria": [
            {"id": "a", "title": "A", "max": 40},
            {"id": "b", "title": "B", "max": 20, "way": {"way": "linear"}},
            {"id": "c", "title": "C", "max": 10, "way": {"way": "count", "each": "0.5"}},
            {"id": "d", "title": "D", "max": 30, "way": {"way": "relative"}},
        ],
        "total": "100",
        "scoring": {"rounding": {"places": 4}},
        "awards": [{"id": "co", "title": "Cờ", "quota": 1}],
    }
)
CHECKER, SUBJECT, CHECKED, HEAD, DEPUTY, FORMER = units(6)
"""The checker checks the subject, and the subject the checked unit."""
MEETING = "hn-1"

_MARK = re.compile(r"dauvet\d{3}x|(?<![\d.,])\d+[.,]7\d\d9(?![\d])")


def marks_in(text: str) -> set[str]:
    """The marks in a text, numbers with a decimal point."""
    return {found.replace(",", ".") for found in _MARK.findall(text)}


@dataclass(slots=True)
class Marks:
    """Gives marks, each once."""

    given: int = 0

    def word(self) -> str:
        """A word that is a valid id, too."""
        self.given += 1
        return f"dauvet{self.given:03d}x"

    def points(self, whole: int = 5) -> str:
        """A number of points."""
        self.given += 1
        assert self.given < 900
        return f"{whole + self.given // 100}.7{self.given % 100:02d}9"


@dataclass(slots=True)
class ClosedCycle:
    """The cycle, as its ledger has it, with the marks of each event by version."""

    stream: str
    history: tuple[tuple[RecordedEvent, EventEnvelope[Event]], ...] = ()
    marks: dict[int, set[str]] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)
    drafts: dict[str, set[str]] = field(default_factory=dict)
    """Marks of drafts that were not sent, by the person whose they are."""
    texts: Mapping[str, str] = field(default_factory=dict)
    totals: set[str] = field(default_factory=set)
    """The totals among the marks."""

    def found_in(self, text: str) -> set[str]:
        """The marks in an answer."""
        plain_numbers = text.replace(",", ".")
        return marks_in(text) | {total for total in self.totals if total in plain_numbers}

    @property
    def envelopes(self) -> list[EventEnvelope[Event]]:
        """The events in order."""
        return [envelope for _row, envelope in self.history]

    def all_marks(self) -> set[str]:
        """Every mark of an event."""
        return set().union(*self.marks.values())

    def given(self) -> set[str]:
        """Every mark of an event or a draft."""
        return self.all_marks().union(*self.drafts.values())

    def of(self, versions: Any) -> set[str]:
        """The marks of the events with these versions."""
        return set().union(*(self.marks.get(version, set()) for version in versions))

    def named(self, *names: str) -> list[int]:
        """The versions of the events of these types."""
        return [envelope.meta.version for envelope in self.envelopes if envelope.event.NAME in names]


@dataclass(slots=True)
class _Writer:
    site: Site
    stream: str
    marks: Marks = field(default_factory=Marks)
    files: list[StoredFile] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)
    """By reference of a file, the mark in its contents."""

    async def file(self, unit: str) -> str:
        """Upload a file whose name and contents are marks; return its reference."""
        content = self.marks.word()
        person = await enter_staff(self.site.app, unit)
        if unit == CITY and await self.site.services.accounts.get(person.id) is None:
            await make_account(self.site.app, person.id, "secretariat")
        stored = await self.site.services.files.put(
            f"{self.marks.word()}.pdf", f"%PDF-1.7 {content}".encode(), unit=unit, person=person.id
        )
        self.files.append(stored)
        self.contents[stored.reference] = content
        return stored.reference

    async def document(self, unit: str = "", *, text: bool = True) -> dict[str, Any]:
        """A document, with a scan of `unit`."""
        scan = f" {await self.file(unit)}" if unit else ""
        document: dict[str, Any] = {name: self.marks.word() for name in ("title", "number", "issuer")}
        document["title"] += scan
        return {**document, "issued": "2025-12-30", **({"text": self.marks.word()} if text else {})}

    async def sheet(self, unit: str, *, reasons: bool = False) -> list[dict[str, Any]]:
        """A score sheet with a file of `unit`."""
        mark = self.marks
        sheet: list[dict[str, Any]] = [
            {"criterion": "a", "points": mark.points(), "evidence": [await self.file(unit), mark.word()]},
            {"criterion": "b", "actual": mark.points(), "target": mark.points(60)},
            {"criterion": "c", "count": mark.points()},
            {"criterion": "d", "actual": mark.points()},
        ]
        return [{**item, "reason": mark.word()} for item in sheet] if reasons else sheet

    async def enter(self, unit: str, act: str, fields: dict[str, Any], **circumstances: Any) -> int:
        """Enter an act; return the version of its first event."""
        command = CommandInput(self.stream, act, fields, uuid4(), **circumstances)
        person = await enter_staff(self.site.app, unit)
        receipt = await self.site.app.submit(self.stream, at_command_line(person), [command])
        version: int = receipt.outcomes[0].versions[0]
        return version


async def marked_cycle(site: Site) -> ClosedCycle:
    """Enter the cycle. Nothing is published."""
    app = site.app
    stream = await open_cycle(app, RULES, members=units(6))
    write = _Writer(site, stream)
    mark, enter = write.marks, write.enter
    await app.people.enter("phu-trach", "lanh-dao", "Người phụ trách")
    await submit(app, stream, CITY, "name-overseer", {"overseer": {"id": "phu-trach"}})
    for role, unit in (("head", HEAD), ("deputy", DEPUTY)):
        await submit(app, stream, CITY, "assign-role", {"role": role, "holder": unit, "manner": "elected"})
    await submit(app, stream, CITY, "release-unit", {"unit": FORMER})
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    # Scores: one that was wrong, one that is taken back, one through the minutes.
    wrong = await enter(SUBJECT, "score-self", {"unit": SUBJECT, "sheet": await write.sheet(SUBJECT, reasons=True)})
    instead = {"act": "score-self", "unit": SUBJECT, "sheet": await write.sheet(SUBJECT, reasons=True)}
    await enter(SUBJECT, "correct", {"version": wrong, "reason": mark.word(), "instead": instead})
    for unit in (CHECKED, CHECKER):
        await enter(unit, "score-self", {"unit": unit, "sheet": await write.sheet(unit, reasons=True)})
    await enter(CHECKER, "withdraw-score", {"unit": CHECKER})
    for by, unit in ((CHECKER, SUBJECT), (SUBJECT, CHECKED)):
        checked = {"unit": unit, "by": by, "sheet": await write.sheet(by, reasons=True)}
        await enter(by, "cross-check", checked)
    await enter(HEAD, "record-meeting", {"id": MEETING, "kind": "final", "present": [{"unit": HEAD}]})
    team = {"unit": SUBJECT, "round": mark.word(), "sheet": await write.sheet(HEAD, reasons=True)}
    await enter(HEAD, "score-round", {**team, "by": {"person": {"office": mark.word()}}}, meeting=MEETING)
    of_city = {"unit": CHECKED, "round": mark.word(), "sheet": await write.sheet(CITY, reasons=True)}
    await enter(CITY, "score-round", {**of_city, "by": {"group": mark.word()}}, meeting=MEETING)
    for unit in (SUBJECT, CHECKED):
        await enter(CITY, "appraise", {"unit": unit, "sheet": await write.sheet(CITY, reasons=True)})
    for unit in (CHECKER, HEAD, DEPUTY):  # so that the others can be ranked
        await enter(CITY, "exclude-unit", {"unit": unit, "reason": "Không xét"})
    await enter(HEAD, "nominate", {"unit": SUBJECT, "award": "co"}, meeting=MEETING)
    # The decision, with who signed it and from which source; one that was wrong before it.
    for attempt in ("wrong", "right"):
        granted = mark.word()
        decision = {
            "decision": await write.document(CITY),
            "grants": [{"unit": CHECKED, "award": one} for one in (granted, "co")],
        }
        version = await enter(
            CITY,
            "decide-awards",
            {**decision, "reason": mark.word()},
            provenance=Provenance(kind="stated", source=mark.word()),
            signatories={
                "prepared": [{"group": mark.word()}],
                "approved": [{"person": {"office": mark.word()}}],
                "signed": [{"person": {"office": mark.word()}, "capacity": "TM"}],
                "on_behalf_of": {"person": {"office": mark.word()}},
            },
        )
        if attempt == "wrong":
            await enter(CITY, "correct", {"version": version, "reason": mark.word()})
    held, annulled = mark.word(), mark.word()
    hold = {"unit": SUBJECT, "award": held, "cause": "complaint", "reason": mark.word()}
    await enter(CITY, "hold-award", {**hold, "basis": await write.document(CITY)})
    await enter(CITY, "release-award", {"unit": SUBJECT, "award": held, "reason": mark.word()})
    annul = {"unit": SUBJECT, "award": annulled, "reason": mark.word()}
    await enter(CITY, "annul-award", {**annul, "decision": await write.document(CITY)})
    returned = {"unit": SUBJECT, "award": annulled, "what": "money", "amount": mark.points(1000)}
    await enter(CITY, "record-return", {**returned, "receipt": await write.document(CITY)})
    for unit, by in ((SUBJECT, {"unit": SUBJECT}), (CITY, {"person": {"office": mark.word()}})):
        complaint = {"by": by, "text": mark.word(), "award": mark.word(), "document": await write.document(unit)}
        await enter(unit, "file-complaint", complaint)
    await enter(CITY, "answer-complaint", {"number": 1, "text": mark.word(), "document": await write.document(CITY)})
    state, rules = await app.state(stream)
    key = next(one.key for one in deviations(state, rules) if one.code == "granted_unnominated")
    await enter(CITY, "acknowledge", {"key": key, "reason": mark.word()})
    cycle = ClosedCycle(stream, files=write.files)
    await _keep_drafts(site, cycle, mark)
    await _read(site, cycle, write.contents)
    return cycle


async def _keep_drafts(site: Site, cycle: ClosedCycle, mark: Marks) -> None:
    """Keep drafts that were not sent: a nomination, minutes, and a decision."""
    way = f"/cum/{cycle.stream}/lam"
    kept: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("can-bo-4", f"{way}/nominate", {"unit": SUBJECT, "award": mark.word()}),
        ("thu-ky", f"{way}/decide-awards", {"decision.number": mark.word()}),
    )
    for person, path, body in kept:
        await site.services.drafts.save(person, path, body)
        cycle.drafts.setdefault(person, set()).update(marks_in(json.dumps(body)))
    acts = [("nominate", {"unit": SUBJECT, "award": mark.word()})]
    cells = minutes_cells("05/01/2026", {"kind": "final", "name": mark.word()}, acts)
    await keep_minutes(site, "can-bo-4", cycle.stream, "nhap", cells)
    for person in _KEEPERS:
        cycle.drafts.setdefault(person, set()).update(marks_in(json.dumps(cells)))
    for round_, unit, scored, people in _GRIDS:
        cells = {f"{scored}.a.points": mark.points(), f"{scored}.a.{EVIDENCE}": mark.word()}
        if round_ != "self":  # which is compared with nothing
            cells[f"{scored}.a.{REASON}"] = mark.word()
        name = f"{urls.grid_url(cycle.stream, round_)} {unit}"
        await site.services.shared.save(name, cells, read=0, person=people[0])
        for person in people:
            cycle.drafts.setdefault(person, set()).update(marks_in(json.dumps(cells)))


_KEEPERS = ("can-bo-4", "can-bo-5", "thu-ky", "thu-ky-quan-tri")
"""Who keeps the cycle's minutes, and shares those that are being written."""

_GRIDS = (
    ("self", SUBJECT, SUBJECT, ("can-bo-2", "dong-nghiep-2", "thay-2")),
    ("cross-checked", SUBJECT, CHECKED, ("can-bo-2", "dong-nghiep-2", "thay-2")),
    ("cross-checked", CHECKER, SUBJECT, ("can-bo-1",)),
    ("appraised", CITY, SUBJECT, ("thu-ky", "thu-ky-quan-tri")),
)
"""Sheets that are being filled in: the round, whose draft it is, the unit that is scored, and who shares it."""


async def _read(site: Site, cycle: ClosedCycle, contents: Mapping[str, str]) -> None:
    """Read the history, and which marks each of its closed events has."""
    cycle.history = await site.app.history(cycle.stream)
    cycle.texts = await site.app.texts.get(digests_in([plain(one.event) for one in cycle.envelopes]))
    for row, envelope in cycle.history:
        said = json.dumps([*leaves(plain(envelope.event), cycle.texts), row.source], ensure_ascii=False)
        found = marks_in(said) | {mark for reference, mark in contents.items() if reference in said}
        if found:
            cycle.marks[row.version] = found
    # Totals follow from sheets: they are as closed as these.
    state, rules = await site.app.state(cycle.stream)
    for (unit, round_), scored in state.scores.items():
        with in_language("en"):
            total = number(calculated_scores(state, rules, round_)[unit].total)
        cycle.marks[scored.version].add(total)
        cycle.totals.add(total)


def leaves(value: Any, texts: Mapping[str, str], name: str = "") -> Iterator[str]:
    """The leaves of an event's fields, texts in place of their digests; without those that tell nothing."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from leaves(entry, texts, key)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from leaves(entry, texts, name)
    elif value is not None and not isinstance(value, int) and name not in _NO_SECRET:
        yield texts.get(value, value) if isinstance(value, str) else str(value)


_NO_SECRET = frozenset({"unit", "by", "criterion", "issued", "capacity", "cause", "what", "commitment"})
"""Fields without a mark: what they take is chosen from a list, or is a day; and versions and other whole numbers."""
