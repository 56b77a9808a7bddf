"""Recording files: what happened in one cluster's year, entered as it was.

Acts of one meeting travel together: all or none. What the register holds already is known; where the content has
changed, the earlier act is corrected, never rewritten. What is missing from a later file retracts nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from application.dry_run import DryRun, PersonsWithFile
from application.dry_run_texts import DryRunTexts
from application.engine import RefusedError
from application.fields import FieldFiller
from application.recording.editions import Editions, editions_of
from application.recording.file import RecordFile, Which
from application.recording.match import NOWHERE, Comparison, CorrectionDiffersError, KnownCycle, New
from application.recording.plan import Group, MissingDateError, Plan, Planned
from application.yaml_files import YamlPath, line_of, read_model, read_yaml, where
from application.year_file import enter_file_people, may_enter
from cli.outcome import Exit, answer, say, terminal
from cli.session import Session, session
from domain.codec import plain, state_digest
from domain.cycle import CYCLE, State, members_and_organiser
from domain.deviations import deviations
from domain.rules import Edition
from domain.steps.scores import ScoreChange, score_impact
from domain.types import Refused
from errors import InputError
from i18n import _
from i18n.messages import sentence
from i18n.state_text import deviation_text
from ledger.mapping import to_envelope
from ledger.signing import BatchItem
from vault.persons import Contact
from vault.texts import Texts


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
    for one in data["unheeded"]:
        console.print(_("Not heeded: {why}").format(why=sentence(one["code"], one["facts"])))
    for cycle in data["cycles"]:
        if moved := ", ".join(move["unit"] for move in cycle["moved"]):
            console.print(_("These corrections moved: {units}").format(units=moved))
    for cycle in data["cycles"]:
        if cycle["deviation_texts"]:
            console.print(f"{cycle['cycle']}:")
        for line in cycle["deviation_texts"]:
            console.print(f"  • {line}")


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
        await work.carry_out(await enter_file_people(open_, person, told.organiser, told.people, told.salts))
    return await work.report(dry_run=dry_run)


StateOf = Callable[[str], Awaitable[tuple[State, Edition]]]
"""What holds of a cycle now, and its rules."""


class _Work:
    """One file on its way into the ledger."""

    def __init__(
        self, open_: Session, told: RecordFile, editions: Editions, file: Path, lines: dict[YamlPath, int]
    ) -> None:
        self._open, self._told, self._editions, self._file, self._lines = open_, told, editions, file, lines
        self._cycles: dict[str, KnownCycle] = {}
        self._filler = FieldFiller(open_.texts, open_.people)
        self._comparison = Comparison(open_, self._cycles, self._order, file.name)
        self._tried: dict[str, DryRun] = {}
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
            self._cycles[stream] = KnownCycle(rows)
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
        texts = _Salted(self._open.texts, self._told.salts)
        self._filler = FieldFiller(texts, self._open.people, written_by_register=self._written)
        async for group in self._groups(self._open.state):
            new = await self._new(group)
            for one in new:
                if one.corrects:
                    await self._hand_in(contact, [one])
            await self._hand_in(contact, [one for one in new if not one.corrects])
        for stream in self._streams():
            if await self._open.ledger.last(stream) is not None:
                self._ends[stream] = await self._open.state(stream)

    @property
    def _written(self) -> bool:
        """True for a file that a register wrote."""
        return bool(self._told.salts) or any(entry.id is not None for entry in self._told.acts)

    async def _hand_in(self, contact: Contact, new: Sequence[New]) -> None:
        if not new:
            return
        strength = "rehearsal" if self._open.installed.rehearsal else "os-account"
        items = [await self._order(one) for one in new]
        try:
            await self._open.submit_items(items[0].stream, contact, items, strength=strength)
        except RefusedError as error:
            raise self._stopped(new[error.index or 0], error.code, error.facts) from None

    async def _order(self, one: New) -> BatchItem:
        try:
            return await self._open.item(one.said, self._filler)
        except (InputError, Refused) as error:
            raise self._stopped(one, error.code, error.facts) from None

    async def rehearse(self, person: str) -> None:
        """Decide everything as the register stands, and throw it away: not even a text is stored.

        Raises:
            InputError: as when it is carried out.
        """
        people = PersonsWithFile(self._open.people, self._told.people)
        self._filler = FieldFiller(DryRunTexts(self._open.texts), people, written_by_register=self._written)
        tried = self._tried = {
            stream: await DryRun.of(self._open, self._editions.by_digest, cycle.rows)
            for stream, cycle in self._cycles.items()
        }

        async def state_of(stream: str) -> tuple[State, Edition]:
            return tried[stream].state, tried[stream].rules

        async for group in self._groups(state_of):
            for one in await self._new(group):
                item = await self._order(one)
                try:
                    await tried[item.stream].decide(item, person, self._told.organiser)
                except Refused as error:
                    raise self._stopped(one, error.code, error.facts) from None
        self._ends = {stream: (dry_run.state, dry_run.rules) for stream, dry_run in tried.items() if dry_run.history}

    async def report(self, *, dry_run: bool) -> dict[str, Any]:
        """What came of it."""
        return {
            "dry_run": dry_run,
            "counts": asdict(self.counts),
            "unheeded": self._unheeded(),
            "cycles": [self._end(stream, state, rules) for stream, (state, rules) in self._ends.items()],
        }

    def _end(self, stream: str, state: State, rules: Edition) -> dict[str, Any]:
        names, departed = members_and_organiser(state), deviations(state, rules)
        return {
            "cycle": stream,
            "units": list(names),
            "state_digest": state_digest(state),
            "deviations": [plain(asdict(one)) for one in departed],
            "deviation_texts": [deviation_text(one, names) for one in departed],
            "moved": plain(self._moved(stream, state, rules)),
        }

    def _unheeded(self) -> list[dict[str, Any]]:
        """What the file's head tells of an open cycle otherwise than the register; units that only meetings know."""
        cycle, cluster = self._cycles[self._told.stream()], self._told.cluster
        strangers = [{"code": "body_unknown", "facts": {"unit": unit}} for unit in self._strangers()]
        if not cycle.opened:
            return strangers
        state = CYCLE.fold(to_envelope(row) for row in cycle.rows)
        names, found = state.membership.names, list[dict[str, Any]]()
        for unit in cluster.units:
            facts = {"unit": unit.id, "name": unit.name, "found": names.get(unit.id, "")}
            if unit.id not in names:
                found.append({"code": "unit_not_in_register", "facts": facts})
            elif names[unit.id] != unit.name:
                found.append({"code": "unit_called_otherwise", "facts": facts})
        if cluster.units and cluster.unnamed != state.lifecycle.unnamed:
            facts = {"found": str(state.lifecycle.unnamed), "told": str(cluster.unnamed)}
            found.append({"code": "unnamed_otherwise", "facts": facts})
        return [*found, *strangers]

    def _strangers(self) -> list[str]:
        """Units that meetings name and no cycle of the file has: bodies from elsewhere, or slips of the keyboard."""
        known = {unit for state, _rules in self._ends.values() for unit in members_and_organiser(state)}
        named: list[str | None] = []
        for meeting in self._told.meetings:
            voices = (*meeting.chairs, *meeting.present, *(presenter.by for presenter in meeting.presenters))
            named += [meeting.host, *(voice.unit for voice in voices)]
        return [unit for unit in dict.fromkeys(named) if unit is not None and unit not in known]

    def _moved(self, stream: str, state: State, rules: Edition) -> Sequence[ScoreChange]:
        """Whom corrections of scores moved."""
        if not self.counts.corrected:
            return ()
        before = CYCLE.fold(to_envelope(row) for row in self._cycles[stream].rows)
        return score_impact(before, state, rules)

    def _stopped(self, one: New | Planned, code: str, facts: dict[str, Any]) -> InputError:
        line = line_of(one.place, self._lines)
        stopped = "recording_stopped" if one.place[:1] == ("meetings",) else "recording_stopped_outside"
        return InputError(stopped, where(self._file, line), act=one.said.act, why=sentence(code, facts))

    # From the file to acts --------------------------------------------------------------------

    async def _groups(self, state_of: StateOf) -> AsyncIterator[Group]:
        """The file's groups; a cycle that is not open is opened together with the first act that needs it."""
        plan = Plan(self._told, self._editions.opening, self._before)
        try:
            groups = plan.groups()
        except MissingDateError as error:
            at = where(self._file, line_of(error.path, self._lines))
            why = sentence("when_is_missing_in_file")
            raise InputError("recording_stopped", at, act=error.act, why=why) from None
        groups = await self._comparison.placed(replace(group, acts=self._with_editions(group)) for group in groups)
        opened = {stream for stream, cycle in self._cycles.items() if cycle.opened}
        first: dict[str, datetime] = {}
        for one in (one for group in groups for one in group.acts):
            if one.said.happened is not None:
                earliest = one.said.happened.earliest
                first[one.said.stream] = min(earliest, first.get(one.said.stream, earliest))
        for group in groups:
            opening: list[Planned] = []
            this, entered = self._told.stream(), frozenset(opened)
            for one in group.acts:
                stream = one.said.stream
                if one.said.act != "open-cycle" and stream not in opened:
                    closing = (await state_of(this))[0] if this in entered and stream != this else None
                    opening += plan.opening("this" if stream == this else "next", first[stream], closing)
                opened.add(stream)
            yield replace(group, acts=[*opening, *group.acts])

    def _with_editions(self, group: Group) -> list[Planned]:
        return [
            replace(one, said=replace(one.said, fields=self._editions.in_fields(one.said.fields))) for one in group.acts
        ]

    # What of it is new ------------------------------------------------------------------------

    async def _new(self, group: Group) -> list[New]:
        found: list[New] = []
        for planned in group.acts:
            try:
                one = await self._comparison.of(planned, self._version)
            except CorrectionDiffersError as error:
                raise self._stopped(error.planned, "correction_is_told", {"version": error.version}) from None
            if one is None:
                self.counts.known += 1
                continue
            self.counts.corrected += one.corrects
            self.counts.entered += not one.corrects
            found.append(one)
        # First what was wrong: a new act may be what the earlier one said by mistake.
        return sorted(found, key=lambda one: not one.corrects)

    async def _version(self, stream: str, command: UUID) -> int:
        """The place in this register of the act that a correction is about: other registers count otherwise."""
        if self._tried:
            history = [(one.event.NAME, one.meta.command_id, one.meta.version) for one in self._tried[stream].history]
        else:
            rows = await self._open.ledger.load(stream, 0, None)
            history = [(row.type, row.command_id, row.version) for row in rows]
        found = [version for name, said, version in history if said == command and name != "ActCorrected"]
        return found[0] if found else NOWHERE


class _Salted:
    """Texts of a file that another register wrote have the digests that they have there."""

    def __init__(self, texts: Texts, salts: Mapping[str, str]) -> None:
        self._texts, self._salts = texts, salts

    async def put(self, body: str, /) -> str:
        """Take a text and return its digest."""
        salt = self._salts.get(sha256(body.encode()).hexdigest())
        return await self._texts.put(body, bytes.fromhex(salt) if salt else None)
