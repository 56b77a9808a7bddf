"""From the ledger to a recording file: every act that people entered in a cycle, in order, to be read and edited.

Recorded in an empty ledger, the file gives the same state. For that, acts keep their ids and their order, and texts and
names keep the salts of their digests. Acts of the clock are not in the file: on the calendar of a rehearsal the clock
acts again at the same steps. A cycle kept in real time is exported as one that was entered afterwards, without the acts
that answered the clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import yaml

from application.application import Application
from application.command_to_form import to_form_values
from application.recording.editions import edition_to_file
from domain.commands import CommandPayload
from domain.dates import format_when
from domain.records import CLOCK
from domain.steps.lifecycle import ClusterFacts, CycleOpened
from domain.times import When
from errors import NotFoundError
from ledger.events import RecordedEvent
from vault.texts import ERASED

CALENDAR, NAMING = "change-calendar", "name-source"
_DIGEST = re.compile(r"[0-9a-f]{64}")


async def export_cycle(app: Application, stream: str) -> str:
    """Return the recording file of a cycle, as YAML.

    Raises:
        NotFoundError: there is no such cycle.
    """
    history = await app.history(stream)
    opened = history[0][1].event
    if not isinstance(opened, CycleOpened):
        raise NotFoundError("no_such_cycle", cycle=stream)
    values = await _Export(app, stream, [row for row, _envelope in history]).file(opened)
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=110)


@dataclass(frozen=True, slots=True)
class EnteredAct:
    """A signed command with the first row that followed from it."""

    row: RecordedEvent
    payload: CommandPayload


class _Export:
    """The export of one cycle."""

    def __init__(self, app: Application, stream: str, rows: list[RecordedEvent]) -> None:
        self._app, self._stream, self._rows = app, stream, rows
        self._digests: set[str] = set()
        self._persons: set[str] = set()
        self._forgotten: set[str] = set()
        self._texts: Mapping[str, str] = {}
        self._editions: Mapping[str, tuple[str, str]] = {}

    async def file(self, opened: CycleOpened) -> dict[str, Any]:
        """Return the file as plain values."""
        organiser, cycle, cluster = self._stream.split("/")
        all_acts = await self._entered_acts()
        self._editions = await self._load_editions(all_acts)
        self._collect(all_acts)
        self._texts = await self._app.texts.get(self._digests)
        people = await self._people(organiser)
        former = await self._app.people.former_commitments(self._persons)
        self._forgotten = (self._persons - {str(one["id"]) for one in people}) | former
        acts, left_out = self._without_clock(all_acts)
        sources = sorted({act.row.source for act in acts if act.row.provenance == "stated" and act.row.source})
        named = {act.payload.fields["id"]: self._plain(act.payload.fields) for act in acts if act.payload.act == NAMING}
        return {
            "organiser": organiser,
            "organiser_name": opened.organiser_name,
            "year": opened.year,
            "cycle": cycle,
            "cluster": {
                "id": cluster,
                "name": opened.cluster_name,
                "units": [unit.model_dump(mode="json", exclude_none=True) for unit in opened.units],
                **({"unnamed": opened.unnamed} if opened.unnamed is not None else {}),
                **opened.model_dump(mode="json", include=set(ClusterFacts.model_fields), exclude_defaults=True),
            },
            "sources": [named.get(source, {"id": source, "title": source}) for source in sources],
            "people": people,
            "acts": [self._act(act) for act in acts],
            **({"left_out": left_out} if left_out else {}),
            "editions": {name: edition_to_file(body) for name, body in self._editions.values()},
            "salts": await self._salts(),
        }

    async def _entered_acts(self) -> list[EnteredAct]:
        """Return the acts that people entered, in order."""
        found: dict[UUID, EnteredAct] = {}
        for row in self._rows:
            if row.command_id in found or row.command_digest is None:
                continue
            stored = await self._app.ledger.command(row.command_digest)
            if stored is not None:
                found[row.command_id] = EnteredAct(row, CommandPayload.model_validate_json(stored.payload))
        return list(found.values())

    def _without_clock(self, acts: list[EnteredAct]) -> tuple[list[EnteredAct], list[str]]:
        """Return the acts of a cycle in real time that can be entered afterwards, and the others as texts.

        Two kinds cannot: an answer to an act of the clock, because that act is missing; and a change of the calendar
        back to real time, because the clock would act at once on every deadline of the past.
        """
        clocks = {act.payload.fields.get("clock") for act in acts if act.payload.act in {"open-cycle", CALENDAR}}
        if "wall" not in clocks:
            return acts, []
        closed_by_clock = {
            json.loads(row.payload)["duty"] for row in self._rows if row.type == "DutyClosed" and row.actor == CLOCK
        }
        kept, left_out = list[EnteredAct](), list[str]()
        for act in acts:
            payload = act.payload
            answers_clock = payload.act == "reopen-duty" and payload.fields.get("duty") in closed_by_clock
            if payload.act in {CALENDAR, "confirm-escalation"} or answers_clock:
                left_out.append(f"{payload.act} {format_when(_happened(act.row))}")
            else:
                kept.append(act)
        return kept, left_out

    async def _load_editions(self, acts: Sequence[EnteredAct]) -> dict[str, tuple[str, str]]:
        """Return name and body by digest, of every edition that an act names."""
        found: dict[str, tuple[str, str]] = {}
        for act in acts:
            digest = act.payload.fields.get("edition")
            body = await self._app.texts.edition(digest) if isinstance(digest, str) else None
            if isinstance(digest, str) and body is not None and digest not in found:
                name = str(json.loads(body)["id"])
                taken = {other for other, _body in found.values()}
                found[digest] = (f"{name}-{digest[:8]}" if name in taken else name, body)
        return found

    def _collect(self, acts: Iterable[EnteredAct]) -> None:
        """Collect the digests of texts, and the ids of persons, that the acts name."""
        for act in acts:
            signatories = act.payload.signatories
            for value in (act.payload.fields, signatories.model_dump(mode="json") if signatories else None):
                self._collect_from(value)

    def _collect_from(self, value: Any) -> None:
        if isinstance(value, str) and _DIGEST.fullmatch(value):
            self._digests.add(value)
        elif isinstance(value, Mapping):
            if "commitment" in value and value.get("id"):
                self._persons.add(str(value["id"]))
            for entry in value.values():
                self._collect_from(entry)
        elif isinstance(value, list):
            for entry in value:
                self._collect_from(entry)

    def _act(self, act: EnteredAct) -> dict[str, Any]:
        """Return an act as an entry of the file."""
        row, payload = act.row, act.payload
        happened = _happened(row)
        if payload.act == "correct" and payload.happened is not None:
            happened = payload.happened  # that of the act put in place; the row has the date of the wrong act
        entry: dict[str, Any] = {"act": payload.act, "on": format_when(happened), **_provenance(row)}
        if payload.effective is not None:
            entry["effective"] = payload.effective.isoformat()
        if row.meeting is not None:
            entry["meeting"] = row.meeting
        if payload.signatories is not None:
            entry["hands"] = self._plain(payload.signatories.model_dump(mode="json"))
        if row.act_key is not None:
            entry["key"] = row.act_key
        if payload.act == "correct":
            wrong = payload.fields["version"]
            entry["corrects"] = str(next(one.command_id for one in self._rows if one.version == wrong))
        return {**entry, "fields": self._fields(act), "id": str(row.command_id)}

    def _fields(self, act: EnteredAct) -> dict[str, Any]:
        payload = act.payload
        fields: dict[str, Any] = self._plain(payload.fields)
        edition = payload.fields.get("edition")
        if isinstance(edition, str) and edition in self._editions:
            fields["edition"] = self._editions[edition][0]
        if payload.act == "open-cycle" and fields["clock"] == "wall":
            fields["clock"] = "backfill"
        if payload.act == "score-round":
            fields.setdefault("by", {"unit": act.row.unit})
        if payload.act == "correct":
            del fields["version"]  # versions differ between ledgers: `corrects` names the act
        return fields

    def _plain(self, value: Any) -> Any:
        return to_form_values(value, self._texts, self._forgotten)

    async def _people(self, organiser: str) -> list[dict[str, Any]]:
        """Return the persons whom acts name, and those of the organiser who entered acts; without erased persons."""
        actors = {row.actor for row in self._rows if row.unit == organiser}
        found = []
        for person in sorted(self._persons | actors):
            contact = await self._app.people.get(person)
            if contact is not None and contact.name != ERASED:
                office = {"office": contact.office} if contact.office else {}
                found.append({"id": contact.id, "unit": contact.unit, "name": contact.name, **office})
        return found

    async def _salts(self) -> dict[str, str]:
        """Return salts in hex: by a person's id, and by the unsalted digest of a text."""
        of_texts = await self._app.texts.salts(self._digests)
        of_people = await self._app.people.salts({row.actor for row in self._rows} | self._persons)
        unsalted = {sha256(self._texts[digest].encode()).hexdigest(): salt.hex() for digest, salt in of_texts.items()}
        return {**{person: salt.hex() for person, salt in of_people.items()}, **unsalted}


def _happened(row: RecordedEvent) -> When:
    return When(row.happened_earliest, row.happened_latest)


def _provenance(row: RecordedEvent) -> dict[str, Any]:
    """Return the fields of an entry that say how sure it is."""
    if row.provenance == "inferred":
        return {"inferred_from": row.source}
    source = {"source": row.source} if row.source else {}
    if row.provenance == "stated" and not row.source:
        return {"stated": True}
    return {"rehearsed": True, **source} if row.provenance == "rehearsed" else source
