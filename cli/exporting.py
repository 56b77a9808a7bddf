"""From the ledger to a recording file: every act that people said of a cycle, in order, to be read and edited.

Recording the file into an empty register gives the same state: acts keep their ids and their order, texts and names the
salts of their digests. What the clock said is not in it; on a rehearsal's calendar it speaks again at the same steps,
and a cycle that is kept in real time comes out as one that was entered afterwards, without what answered the clock.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from application.command_to_form import to_form_values
from application.recording.editions import as_told
from cli.outcome import Exit, reader_may_leave, say
from cli.session import Session, session
from domain.commands import CommandPayload
from domain.dates import format_when
from domain.steps.lifecycle import CycleOpened
from domain.streams import parse_cycle_name
from domain.types import CLOCK, When
from errors import InputError, NotFoundError
from i18n import _
from ledger.events import RecordedEvent
from vault.texts import ERASED

CALENDAR, NAMING = "change-calendar", "name-source"
_DIGEST = re.compile(r"[0-9a-f]{64}")


async def export_record(cycle: str, out: Path | None) -> int:
    """Write the recording file of a cycle to a file, or to the terminal."""
    stream = parse_cycle_name(cycle)
    async with session("ledger", say) as open_:
        text = await written(open_, stream)
    if out is None:
        with reader_may_leave():
            sys.stdout.write(text)
            sys.stdout.flush()
        return Exit.DONE
    _write_new(out, text)
    say(_("Written: {file}. It holds names and texts; keep it as you keep the register.").format(file=out))
    return Exit.DONE


def _write_new(out: Path, text: str) -> None:
    # Names and salts: nobody else on the machine reads it.
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError("file_exists", str(out)) from None
    except OSError as error:
        raise InputError("file_unwritable", str(out), problem=error.strerror or str(error)) from None


async def written(open_: Session, stream: str) -> str:
    """The recording file of a cycle, as YAML.

    Raises:
        InputError: there is no such cycle.
    """
    history = await open_.history(stream)
    found = await _Export(open_, stream, [row for row, _told in history]).file(history[0][1].event)
    return yaml.safe_dump(found, allow_unicode=True, sort_keys=False, width=110)


class _Export:
    """One cycle on its way into a file."""

    def __init__(self, open_: Session, stream: str, rows: list[RecordedEvent]) -> None:
        self._open, self._stream, self._rows = open_, stream, rows
        self._digests: set[str] = set()
        self._persons: set[str] = set()
        self._forgotten: set[str] = set()
        self._texts: Mapping[str, str] = {}

    async def file(self, opened: object) -> dict[str, Any]:
        """The file as plain values."""
        organiser, cycle, cluster = self._stream.split("/")
        if not isinstance(opened, CycleOpened):
            raise NotFoundError("no_such_cycle", cycle=self._stream)
        said = await self._said()
        editions = await self._editions(command for _row, command in said)
        self._collect(said)
        self._texts = await self._open.texts.get(self._digests)
        people = await self._people(organiser)
        self._forgotten = self._persons - {str(one["id"]) for one in people}
        said, left_out = self._without_the_clock(said)
        acts = [self._entry(row, command, editions) for row, command in said]
        sources = sorted({row.source for row, _ in said if row.provenance == "stated" and row.source})
        named = {command.fields["id"]: self._plain(command.fields) for _, command in said if command.act == NAMING}
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
            },
            "sources": [named.get(source, {"id": source, "title": source}) for source in sources],
            "people": people,
            "acts": acts,
            **({"left_out": left_out} if left_out else {}),
            "editions": {name: as_told(body) for name, body in editions.values()},
            "salts": await self._salts(),
        }

    async def _said(self) -> list[tuple[RecordedEvent, CommandPayload]]:
        """Each signed command with the first row that followed from it, in order."""
        found: dict[UUID, tuple[RecordedEvent, CommandPayload]] = {}
        for row in self._rows:
            if row.command_id in found or row.command_digest is None:
                continue
            kept = await self._open.ledger.command(row.command_digest)
            if kept is not None:
                found[row.command_id] = row, CommandPayload.model_validate_json(kept.payload)
        return list(found.values())

    def _without_the_clock(
        self, said: list[tuple[RecordedEvent, CommandPayload]]
    ) -> tuple[list[tuple[RecordedEvent, CommandPayload]], list[str]]:
        """Of a cycle that was kept in real time, what can be said again afterwards; and what cannot, in words.

        Without the clock's own acts nobody can answer them, and turned back to real time it would speak at once about
        every deadline of the past.
        """
        clocks = {command.fields.get("clock") for _row, command in said if command.act in {"open-cycle", CALENDAR}}
        if "wall" not in clocks:
            return said, []
        closed_by_clock = {
            json.loads(row.payload)["duty"] for row in self._rows if row.type == "DutyClosed" and row.actor == CLOCK
        }
        found, left_out = [], list[str]()
        for row, command in said:
            answers_clock = command.act == "reopen-duty" and command.fields.get("duty") in closed_by_clock
            if command.act in {CALENDAR, "confirm-escalation"} or answers_clock:
                left_out.append(f"{command.act} {format_when(When(row.happened_earliest, row.happened_latest))}")
            else:
                found.append((row, command))
        return found, left_out

    async def _editions(self, commands: Iterable[CommandPayload]) -> dict[str, tuple[str, str]]:
        """Name and body by digest, of every edition that an act names."""
        found: dict[str, tuple[str, str]] = {}
        for command in commands:
            digest = command.fields.get("edition")
            body = await self._open.texts.edition(digest) if isinstance(digest, str) else None
            if isinstance(digest, str) and body is not None and digest not in found:
                name = str(json.loads(body)["id"])
                taken = {other for other, _body in found.values()}
                found[digest] = (f"{name}-{digest[:8]}" if name in taken else name, body)
        return found

    def _collect(self, said: Iterable[tuple[RecordedEvent, CommandPayload]]) -> None:
        for _row, command in said:
            for value in (command.fields, command.signatories.model_dump(mode="json") if command.signatories else None):
                self._note(value)

    def _note(self, value: Any) -> None:
        """Remember what looks like the digest of a text, and ids of persons."""
        if isinstance(value, str) and _DIGEST.fullmatch(value):
            self._digests.add(value)
        elif isinstance(value, Mapping):
            if "commitment" in value and value.get("id"):
                self._persons.add(str(value["id"]))
            for entry in value.values():
                self._note(entry)
        elif isinstance(value, list):
            for entry in value:
                self._note(entry)

    def _entry(
        self, row: RecordedEvent, command: CommandPayload, editions: Mapping[str, tuple[str, str]]
    ) -> dict[str, Any]:
        happened = When(row.happened_earliest, row.happened_latest)
        if command.act == "correct" and command.happened is not None:
            happened = command.happened  # of what stands instead; the correction itself has the date of what was wrong
        entry: dict[str, Any] = {"act": command.act, "on": format_when(happened), **_sureness(row)}
        if command.effective is not None:
            entry["effective"] = command.effective.isoformat()
        if row.meeting is not None:
            entry["meeting"] = row.meeting
        if command.signatories is not None:
            entry["hands"] = self._plain(command.signatories.model_dump(mode="json"))
        if row.act_key is not None:
            entry["key"] = row.act_key
        if command.act == "correct":
            wrong = command.fields["version"]
            entry["corrects"] = str(next(one.command_id for one in self._rows if one.version == wrong))
        return {**entry, "fields": self._fields(row, command, editions), "id": str(row.command_id)}

    def _fields(
        self, row: RecordedEvent, command: CommandPayload, editions: Mapping[str, tuple[str, str]]
    ) -> dict[str, Any]:
        fields: dict[str, Any] = self._plain(command.fields)
        edition = command.fields.get("edition")
        if isinstance(edition, str) and edition in editions:
            fields["edition"] = editions[edition][0]
        if command.act == "open-cycle" and fields["clock"] == "wall":
            fields["clock"] = "backfill"
        if command.act == "score-round":
            fields.setdefault("by", {"unit": row.unit})
        if command.act == "correct":
            del fields["version"]  # other registers count otherwise: `corrects` names the act
        return fields

    def _plain(self, value: Any) -> Any:
        return to_form_values(value, self._texts, self._forgotten)

    async def _people(self, organiser: str) -> list[dict[str, Any]]:
        """Persons whom acts name, and the organiser's people who entered them; who was forgotten stays so."""
        entered = {row.actor for row in self._rows if row.unit == organiser}
        found = []
        for person in sorted(self._persons | entered):
            contact = await self._open.people.get(person)
            if contact is not None and contact.name != ERASED:
                office = {"office": contact.office} if contact.office else {}
                found.append({"id": contact.id, "unit": contact.unit, "name": contact.name, **office})
        return found

    async def _salts(self) -> dict[str, str]:
        """By person's id, and by the plain digest of each text."""
        texts = await self._open.texts.salts(self._digests)
        people = await self._open.people.salts({row.actor for row in self._rows} | self._persons)
        plain = {sha256(self._texts[digest].encode()).hexdigest(): salt.hex() for digest, salt in texts.items()}
        return {**{person: salt.hex() for person, salt in people.items()}, **plain}


def _sureness(row: RecordedEvent) -> dict[str, Any]:
    if row.provenance == "inferred":
        return {"inferred_from": row.source}
    source = {"source": row.source} if row.source else {}
    return {"rehearsed": True, **source} if row.provenance == "rehearsed" else source
