"""Recording files: what happened in one cluster's year, entered as it was.

Acts of one meeting travel together: all or none. An act's id follows from its place in the file and its content, so the
same file again changes nothing; where the content has changed, the earlier act is corrected, never rewritten. What is
missing from a later file retracts nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from activities.telling import told_of
from cli.fields import Filler, InputError
from cli.moves import as_json
from cli.outcome import Exit, answer, grid, say, terminal
from cli.reading import Place, line_of, read_model, read_yaml, where
from cli.record_editions import Editions, editions_of
from cli.record_file import RecordFile, Which
from cli.record_plan import Group, MissingDateError, Plan, Planned
from cli.record_trial import Expected, Trial, Untold
from cli.session import Said, Session, session
from cli.year_file import may_enter, secretary
from desk import RefusedError
from documents.postgres import Texts
from domain.codec import plain, state_digest
from domain.cycle import CYCLE, State, members_and_organiser
from domain.departures import deviations
from domain.kernel import Refused, When
from domain.rules import Edition
from domain.saying import Command
from domain.scores import Move, moves
from eventstore.envelope import Envelope
from eventstore.signing import Order
from i18n import _
from i18n.messages import sentence, word
from people.postgres import Contact

IDS = UUID("6f2c2b1e-7a54-5b7e-9d39-0f4d5a1c3e77")


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
    answer(data, as_json=as_json, show=lambda: _show(data))
    return Exit.DONE


def _show(data: dict[str, Any]) -> None:
    console = terminal()
    text = _("{cycle}: {entered} entered, {known} known before, {corrected} corrected")
    names = ", ".join(cycle["cycle"] for cycle in data["cycles"])
    console.print(text.format(cycle=names, **data["counts"]))
    if data["dry_run"]:
        console.print(_("Only tried: nothing was entered."))
    for cycle in data["cycles"]:
        if cycle["moved"]:
            console.print(
                _("These corrections moved: {units}").format(units=", ".join(m["unit"] for m in cycle["moved"]))
            )
    table = grid(_("cycle"), _("departure"), _("article"), _("settled"))
    for cycle in data["cycles"]:
        for one in cycle["deviations"]:
            settled = _("yes") if one["settled"] else _("no")
            table.add_row(cycle["cycle"], word(one["code"]), one["article"] or _("remark"), settled)
    if table.row_count:
        console.print(table)


async def carry_out(open_: Session, file: Path, person: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Enter what a file tells that is new, correct what it tells otherwise; returns what came of it.

    Raises:
        InputError: the file is wrong, or an act of it is refused; the message names the line.
    """
    told = read_model(file, RecordFile)
    _data, lines = read_yaml(file)
    work = _Work(open_, told, await editions_of(open_, told, file), file, lines)
    await work.look()
    if dry_run:
        await may_enter(open_, person, told.organiser, told.people)
        await work.rehearse(person)
    else:
        await work.carry_out(await secretary(open_, person, told.organiser, told.people, told.salts))
    return await work.report(dry_run=dry_run)


@dataclass(slots=True)
class _Cycle:
    """What the register holds of a cycle."""

    rows: tuple[Envelope, ...]
    opened: bool

    def before(self, key: str | None) -> list[Envelope]:
        """The last row of each command that was entered for a place of the file, in order."""
        found = {row.command_id: row for row in self.rows if row.act_key == key and row.type != "ActCorrected"}
        return list(found.values())

    def correction(self, command: UUID | None) -> Envelope | None:
        """The row in which a command corrects."""
        return next((row for row in self.rows if row.command_id == command and row.type == "ActCorrected"), None)

    def standing(self, command: UUID) -> list[Envelope]:
        """The row of a command, and those of the acts that took its place when it was corrected, in order."""
        found = [row for row in self.rows if row.command_id == command and row.type != "ActCorrected"][:1]
        for row in self.rows:
            if found and row.type == "ActCorrected" and found[-1].version in json.loads(row.payload)["versions"]:
                found += [one for one in self.rows if one.command_id == row.command_id and one.version > row.version][
                    :1
                ]
        return found


@dataclass(frozen=True, slots=True)
class _New:
    """An act that is to be entered: new, or the correction of an earlier one."""

    said: Said
    place: Place
    corrects: bool = False


Standing = Callable[[str], Awaitable[tuple[State, Edition]]]
"""What holds of a cycle now, and its rules."""


class _Work:
    """One file on its way into the ledger."""

    def __init__(
        self, open_: Session, told: RecordFile, editions: Editions, file: Path, lines: dict[Place, int]
    ) -> None:
        self._open, self._told, self._editions, self._file, self._lines = open_, told, editions, file, lines
        self._cycles: dict[str, _Cycle] = {}
        self._before: State | None = None
        self._ends: dict[str, tuple[State, Edition]] = {}
        self.counts = Counts()

    async def look(self) -> None:
        """Read what the register holds already.

        Raises:
            InputError: the cycle that is continued is not there.
        """
        for stream in self._streams():
            rows = await self._open.ledger.load(stream, 0, None)
            self._cycles[stream] = _Cycle(rows, any(row.type == "CycleOpened" for row in rows))
        if (continued := self._told.continued) is not None:
            self._before, _rules = await self._open.state(continued)

    def _streams(self) -> list[str]:
        whiches: tuple[Which, ...] = ("this", "next") if self._told.next else ("this",)
        return [self._told.stream(which) for which in whiches]

    async def carry_out(self, contact: Contact) -> None:
        """Enter the groups one after another.

        Raises:
            InputError: an act is refused; the message names its line, and nothing of its group was entered.
        """
        await self._editions.store(self._open.texts)
        filler = Filler(_Salted(self._open.texts, self._told.salts), self._open.people)
        async for group in self._groups(self._open.state):
            new = await self._new(group, filler)
            await self._hand_in(contact, [one for one in new if not one.corrects], filler)
            for one in new:
                if one.corrects:
                    await self._hand_in(contact, [one], filler)
        for stream in self._streams():
            if await self._open.ledger.last(stream) is not None:
                self._ends[stream] = await self._open.state(stream)

    async def _hand_in(self, contact: Contact, new: Sequence[_New], filler: Filler) -> None:
        if not new:
            return
        strength = "rehearsal" if self._open.installed.rehearsal else "os-account"
        orders = [await self._order(one, filler) for one in new]
        try:
            await self._open.hand_over(orders[0].stream, contact, orders, strength=strength)
        except RefusedError as error:
            raise self._stopped(new[error.place or 0], error.code, error.facts) from None

    async def _order(self, one: _New, filler: Filler) -> Order:
        try:
            return await self._open.order(one.said, filler)
        except (InputError, Refused) as error:
            raise self._stopped(one, error.code, error.facts) from None

    async def rehearse(self, person: str) -> None:
        """Decide everything as the register stands, and throw it away: not even a text is stored.

        Raises:
            InputError: as when it is carried out.
        """
        filler = Filler(Untold(), Expected(self._open.people, self._told.people))
        tried = {
            stream: await Trial.of(self._open, self._editions, cycle.rows) for stream, cycle in self._cycles.items()
        }

        async def standing(stream: str) -> tuple[State, Edition]:
            return tried[stream].state, tried[stream].rules

        async for group in self._groups(standing):
            for one in await self._new(group, filler):
                order = await self._order(one, filler)
                try:
                    await tried[order.stream].decide(order, person, self._told.organiser)
                except Refused as error:
                    raise self._stopped(one, error.code, error.facts) from None
        self._ends = {stream: (trial.state, trial.rules) for stream, trial in tried.items() if trial.history}

    async def report(self, *, dry_run: bool) -> dict[str, Any]:
        """What came of it."""
        return {
            "dry_run": dry_run, "counts": asdict(self.counts),
            "cycles": [
                {
                    "cycle": stream, "units": list(members_and_organiser(state)), "state_digest": state_digest(state),
                    "deviations": [plain(asdict(one)) for one in deviations(state, rules)],
                    "moved": as_json(self._moved(stream, state, rules)),
                }
                for stream, (state, rules) in self._ends.items()
            ],
        }  # fmt: skip

    def _moved(self, stream: str, state: State, rules: Edition) -> Sequence[Move]:
        """Whom corrections of scores moved."""
        before = CYCLE.fold(told_of(row) for row in self._cycles[stream].rows)
        return moves(before, state, rules) if self.counts.corrected else ()

    def _stopped(self, one: _New | Planned, code: str, facts: dict[str, Any]) -> InputError:
        line = line_of(one.place, self._lines)
        return InputError("recording_stopped", where(self._file, line), act=one.said.act, why=sentence(code, facts))

    # From the file to acts --------------------------------------------------------------------

    async def _groups(self, standing: Standing) -> AsyncIterator[Group]:
        """The file's groups; a cycle that is not open is opened together with the first act that needs it."""
        plan = Plan(self._told, self._editions.opening, self._before)
        try:
            groups = plan.groups()
        except MissingDateError as error:
            at = where(self._file, line_of(error.place, self._lines))
            why = sentence("when_is_missing_in_file")
            raise InputError("recording_stopped", at, act=error.act, why=why) from None
        opened = {stream for stream, cycle in self._cycles.items() if cycle.opened}
        whens = [group.when for group in groups if group.when is not None]
        first = min((when.earliest for when in whens), default=datetime.now(UTC))
        for group in groups:
            opening: list[Planned] = []
            this, entered = self._told.stream(), frozenset(opened)
            for one in group.acts:
                stream = one.said.stream
                if one.said.act != "open-cycle" and stream not in opened:
                    closing = (await standing(this))[0] if this in entered and stream != this else None
                    opening += plan.opening("this" if stream == this else "next", first, closing)
                opened.add(stream)
            yield replace(group, acts=[*opening, *group.acts])

    # What of it is new ------------------------------------------------------------------------

    async def _new(self, group: Group, filler: Filler) -> list[_New]:
        found: list[_New] = []
        for planned in group.acts:
            said = replace(planned.said, fields=self._editions.in_fields(planned.said.fields))
            one = await self._one(replace(planned, said=said), filler)
            if one is None:
                self.counts.known += 1
                continue
            self.counts.corrected += one.corrects
            self.counts.entered += not one.corrects
            found.append(one)
        return found

    async def _one(self, planned: Planned, filler: Filler) -> _New | None:
        """The act as it is to be entered; None where it stands in the register."""
        said, content, cycle = planned.said, _content(planned.said), self._cycles[planned.said.stream]
        if said.act == "correct" and (row := cycle.correction(planned.id)) is not None:
            if not await self._says(row, planned, filler):
                raise self._stopped(planned, "correction_is_told", {"version": row.version})
            return None
        by_id = cycle.standing(planned.id) if planned.id else []
        before = by_id or ([] if said.act == "correct" else cycle.before(said.act_key))
        if not before:
            return _New(replace(said, command_id=planned.id or self._id(said, content, 0)), planned.place)
        # A file of the register tells the act and its correction: the first row is then what this entry is about.
        for row in {before[-1].version: before[-1], **({before[0].version: before[0]} if by_id else {})}.values():
            if row.command_id == self._id(said, content, len(before) - 1) or await self._says(row, planned, filler):
                return None
        fields = {
            "version": before[-1].version,
            "reason": _("Corrected by the file {file}.").format(file=self._file.name),
            "instead": {"act": said.act, **said.fields},
        }  # fmt: skip
        command = self._id(said, content, len(before))
        return _New(replace(said, act="correct", fields=fields, command_id=command), planned.place, corrects=True)

    async def _says(self, row: Envelope, planned: Planned, filler: Filler) -> bool:
        """True when the register's act says what the file says."""
        kept = await self._open.ledger.command(row.command_digest) if row.command_digest else None
        if kept is None:
            return False
        command, wanted = Command.model_validate_json(kept.payload), await self._wanted(planned, filler)
        sure = wanted.provenance is not None and (wanted.provenance.kind, wanted.provenance.source)
        happened, said = When(row.happened_earliest, row.happened_latest), command.outcome()
        if planned.said.act == "correct":
            happened, said = command.happened or happened, command.parsed()
        return (
            wanted.parsed() == said
            and (wanted.effective, wanted.hands) == (command.effective, command.hands)
            and wanted.happened == happened
            and (sure, wanted.meeting) == ((row.provenance, row.source), row.meeting)
        )

    async def _wanted(self, planned: Planned, filler: Filler) -> Command:
        order = await self._order(_New(planned.said, planned.place), filler)
        return Command.model_validate_json(order.payload)

    def _id(self, said: Said, content: str, number: int) -> UUID:
        seed = (self._open.installed.id, said.stream, said.act_key or "", content, str(number))
        return uuid5(IDS, "\n".join(seed))


class _Salted:
    """Texts of a file that another register wrote have the digests that they have there."""

    def __init__(self, texts: Texts, salts: Mapping[str, str]) -> None:
        self._texts, self._salts = texts, salts

    async def put(self, body: str, /) -> str:
        """Take a text and return its digest."""
        salt = self._salts.get(sha256(body.encode()).hexdigest())
        return await self._texts.put(body, bytes.fromhex(salt) if salt else None)


def _content(said: Said) -> str:
    told = [said.fields, plain(said.happened), plain(said.provenance)]
    if said.effective is not None or said.hands is not None:
        told.append([plain(said.effective), said.hands])
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)
