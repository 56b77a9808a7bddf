"""Recording files: what happened in one cluster's year, entered as it was.

Acts of one meeting travel together: all or none. An act's id follows from its place in the file and its content, so the
same file again changes nothing; where the content has changed, the earlier act is corrected, never rewritten. What is
missing from a later file retracts nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from activities.telling import told_of
from cli.fields import InputError
from cli.outcome import Exit, answer, grid, say, terminal
from cli.reading import Place, line_of, read_model, read_yaml, where
from cli.record_file import Entry, MeetingEntry, RecordFile
from cli.session import Said, Session, session
from cli.year_file import edition_file, may_enter, secretary
from desk import RefusedError
from domain import limits
from domain.codec import plain
from domain.cycle import CYCLE, members_and_organiser
from domain.departures import deviations
from domain.kernel import AlreadySaid, Provenance, Refused, When
from domain.rules import NO_RULES, Edition
from domain.saying import Command, Saying
from eventstore.envelope import Envelope
from eventstore.signing import Order
from i18n import _
from i18n.messages import sentence, word
from people.postgres import Contact

IDS = UUID("6f2c2b1e-7a54-5b7e-9d39-0f4d5a1c3e77")


@dataclass(slots=True)
class Group:
    """Acts that travel together, each with its place in the file."""

    said: list[Said] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """What became of the acts of a file."""

    entered: int = 0
    known: int = 0
    corrected: int = 0


async def record(file: Path, person: str | None, *, dry_run: bool, as_json: bool) -> int:
    """Carry a recording file out, or only say what would come of it."""
    if person is None:
        raise InputError("who_acts")
    read_model(file, RecordFile)  # before an engine is started for it
    async with session("ledger" if dry_run else "worker", say) as open_:
        data = await carry_out(open_, file, person, dry_run=dry_run)

    def show() -> None:
        console = terminal()
        text = _("{cycle}: {entered} entered, {known} known before, {corrected} corrected")
        console.print(text.format(cycle=data["cycle"], **data["counts"]))
        if dry_run:
            console.print(_("Only tried: nothing was entered."))
        if data["deviations"]:
            table = grid(_("departure"), _("article"), _("settled"))
            for one in data["deviations"]:
                settled = _("yes") if one["settled"] else _("no")
                table.add_row(word(one["code"]), one["article"] or _("remark"), settled)
            console.print(table)

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


async def carry_out(open_: Session, file: Path, person: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Enter what a file tells that is new, correct what it tells otherwise; returns what came of it.

    Raises:
        InputError: the file is wrong, or an act of it is refused; the message names the line.
    """
    told = read_model(file, RecordFile)
    _data, lines = read_yaml(file)
    edition = read_model(edition_file(file.parent, told.edition), Edition) if told.edition else NO_RULES
    work = _Work(open_, told, edition, file, lines)
    await work.look()
    if dry_run:
        await may_enter(open_, person, told.organiser, told.people)
        await work.rehearse(person)
    else:
        await work.carry_out(await secretary(open_, person, told.organiser, told.people))
    return await work.report(dry_run=dry_run)


class _Work:
    """One file on its way into the ledger."""

    def __init__(self, open_: Session, told: RecordFile, edition: Edition, file: Path, lines: dict[Place, int]) -> None:
        self._open, self._told, self._edition, self._file, self._lines = open_, told, edition, file, lines
        self._rows: tuple[Envelope, ...] = ()
        self._ordinals: Counter[str] = Counter()
        self.counts = Counts()

    async def look(self) -> None:
        """Read what the register holds already."""
        self._rows = await self._open.ledger.load(self._told.stream, 0, None)

    async def carry_out(self, contact: Contact) -> None:
        """Enter the groups one after another.

        Raises:
            InputError: an act is refused; the message names its line, and nothing of its group was entered.
        """
        digest = await self._open.texts.put_edition(self._edition.model_dump_json())
        for group in self._groups(digest):
            new, places, corrections = self._new(group)
            if new:
                await self._hand_in(contact, new, places)
                self.counts.entered += len(new)
            for said, place in corrections:
                await self._hand_in(contact, [said], [place])
                self.counts.corrected += 1

    async def _hand_in(self, contact: Contact, said: Sequence[Said], places: Sequence[Place]) -> None:
        strength = "rehearsal" if self._open.installed.rehearsal else "os-account"
        orders = [await self._order(one, place) for one, place in zip(said, places, strict=True)]
        try:
            await self._open.hand_over(self._told.stream, contact, orders, strength=strength)
        except RefusedError as error:
            number = error.place or 0
            raise self._at(places[number], said[number].act, error.code, error.facts) from None

    async def _order(self, said: Said, place: Place) -> Order:
        try:
            return await self._open.order(said)
        except (InputError, Refused) as error:
            raise self._at(place, said.act, error.code, error.facts) from None

    async def rehearse(self, person: str) -> None:
        """Decide everything as the register stands, and throw it away.

        Raises:
            InputError: as when it is carried out.
        """
        history = [told_of(row) for row in self._rows]
        state = CYCLE.fold(history)
        rules = await self._open.rules(state.frame.edition) if self._rows else self._edition
        for group in self._groups("0" * 64):
            new, places, corrections = self._new(group)
            for said, place in [*zip(new, places, strict=True), *corrections]:
                order = await self._order(said, place)
                try:
                    command = Command.model_validate_json(order.payload)
                    saying = Saying(
                        self._told.stream, command.parsed(), person, self._told.organiser, datetime.now(UTC),
                        said.command_id, happened=said.happened, provenance=said.provenance, meeting=said.meeting,
                    )  # fmt: skip
                    told = CYCLE.decide(saying, state, rules, len(history), tuple(history))
                except AlreadySaid:
                    continue
                except Refused as error:
                    raise self._at(place, said.act, error.code, error.facts) from None
                history.extend(told)
                # What was corrected is left out of the fold, which only the whole history can do.
                state = CYCLE.fold(history) if said.act == "correct" else reduce(CYCLE.evolve, told, state)
            self.counts.entered += len(new)
            self.counts.corrected += len(corrections)
        self._state, self._rules = state, rules

    async def report(self, *, dry_run: bool) -> dict[str, Any]:
        """What came of it."""
        if not dry_run:
            self._state, self._rules = await self._open.state(self._told.stream)
        return {
            "cycle": self._told.stream, "dry_run": dry_run, "counts": asdict(self.counts),
            "units": list(members_and_organiser(self._state)),
            "deviations": [plain(asdict(one)) for one in deviations(self._state, self._rules)],
        }  # fmt: skip

    def _at(self, place: Place, act: str, code: str, facts: dict[str, Any]) -> InputError:
        line = line_of(place, self._lines)
        return InputError("recording_stopped", where(self._file, line), act=act, why=sentence(code, facts))

    # From the file to acts --------------------------------------------------------------------

    def _groups(self, edition: str) -> Iterator[Group]:
        told = self._told
        if not self._rows or not any(row.type == "CycleOpened" for row in self._rows):
            yield self._opening(edition)
        for number, meeting in enumerate(told.meetings):
            group = Group()
            fields = meeting.model_dump(
                mode="json", exclude={"acts", "on", "source", "inferred_from", "rehearsed"}, exclude_none=True
            )
            self._add(group, Entry(act="record-meeting", fields=fields), meeting, ("meetings", number))
            for place, entry in enumerate(meeting.acts):
                self._add(group, entry, meeting, ("meetings", number, "acts", place))
            yield group
        for place, entry in enumerate(told.acts):
            group = Group()
            self._add(group, entry, None, ("acts", place))
            yield group

    def _opening(self, edition: str) -> Group:
        told = self._told
        dates = [m.on for m in told.meetings] + [a.on for a in told.acts if a.on is not None]
        begins = min((when.earliest for when in dates), default=datetime.now(UTC))
        fields = {
            "organiser": told.organiser, "organiser_name": told.organiser_name, "cluster_name": told.cluster.name,
            "year": told.year, "units": [unit.model_dump(mode="json") for unit in told.cluster.units],
            "unnamed": told.cluster.unnamed,
            "overseer": told.cluster.overseer.model_dump(mode="json") if told.cluster.overseer else None,
            "year_plan": told.plan.model_dump(mode="json", exclude_none=True) if told.plan else None,
            "edition": edition, "clock": "backfill", "starts": begins.isoformat(),
        }  # fmt: skip
        sure = Provenance(kind="inferred", source=", ".join(source.id for source in told.sources)[: limits.LABEL_CHARS])
        key = "open-cycle"
        said = Said(
            told.stream, "open-cycle", fields, self._id(key, "", 0), happened=When.at(begins), provenance=sure,
            act_key=key,
        )  # fmt: skip
        return Group([said], [("cluster",)])

    def _add(self, group: Group, entry: Entry, meeting: MeetingEntry | None, place: Place) -> None:
        when = entry.on or (meeting.on if meeting else None)
        if when is None:
            raise self._at(place, entry.act, "when_is_missing_in_file", {})
        # The place among equals, so that an act put in between moves nobody's key.
        kind = f"{meeting.id if meeting else '-'}/{entry.act}/{_whose(entry)}"
        self._ordinals[kind] += 1
        key = f"{kind}/{self._ordinals[kind]}"
        group.said.append(
            Said(
                self._told.stream,
                entry.act,
                entry.fields,
                happened=when,
                provenance=_provenance(entry, meeting),
                meeting=meeting.id if meeting else None,
                act_key=key,
            )
        )
        group.places.append(place)

    # What of it is new ------------------------------------------------------------------------

    def _new(self, group: Group) -> tuple[list[Said], list[Place], list[tuple[Said, Place]]]:
        new: list[Said] = []
        places: list[Place] = []
        corrections: list[tuple[Said, Place]] = []
        for said, place in zip(group.said, group.places, strict=True):
            before = self._before(said.act_key or "")
            content = _content(said)
            if before and before[-1].command_id == self._id(said.act_key or "", content, len(before) - 1):
                self.counts.known += 1
                continue
            command = self._id(said.act_key or "", content, len(before))
            if not before:
                new.append(replace(said, command_id=command))
                places.append(place)
                continue
            fields = {
                "version": before[-1].version,
                "reason": _("Corrected by the file {file}.").format(file=self._file.name),
                "instead": {"act": said.act, **said.fields},
            }  # fmt: skip
            correction = Said(
                said.stream, "correct", fields, command, happened=said.happened, provenance=said.provenance,
                meeting=said.meeting, act_key=said.act_key,
            )  # fmt: skip
            corrections.append((correction, place))
        return new, places, corrections

    def _before(self, key: str) -> list[Envelope]:
        """The last row of each command that was entered for a place of the file, in order."""
        found: dict[UUID, Envelope] = {}
        for row in self._rows:
            if row.act_key == key and row.type != "ActCorrected":
                found[row.command_id] = row
        return list(found.values())

    def _id(self, key: str, content: str, number: int) -> UUID:
        return uuid5(IDS, "\n".join((self._open.installed.id, self._told.stream, key, content, str(number))))


def _whose(entry: Entry) -> str:
    by = entry.fields.get("by")
    return str(entry.fields.get("unit") or (by.get("unit") if isinstance(by, dict) else by) or "-")


def _content(said: Said) -> str:
    told = [said.fields, plain(said.happened), plain(said.provenance)]
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)


def _provenance(entry: Entry, meeting: MeetingEntry | None) -> Provenance:
    for told in (entry, meeting):
        if told is None:
            continue
        if told.rehearsed:
            return Provenance(kind="rehearsed")
        if told.inferred_from is not None:
            return Provenance(kind="inferred", source=told.inferred_from)
        if told.source is not None:
            return Provenance(kind="stated", source=told.source)
    return Provenance(kind="stated")
