"""Carries out a recording file: acts that are new are entered, acts that the file now says otherwise are corrected.

The acts of one meeting are entered together or not at all. An entered act is never rewritten: a correction follows it.
What a later version of the file leaves out stays in the ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from application.application import Application, CommandInput
from application.dry_run import DryRun, PersonsWithFile
from application.dry_run_texts import DryRunTexts
from application.engine import RefusedError
from application.fields import FieldFiller
from application.gate import at_command_line
from application.pasted_text import Changes
from application.recording.editions import Editions, find_editions
from application.recording.file import RecordFile
from application.recording.match import NO_VERSION, Comparison, CorrectionDiffersError, KnownCycle, NewAct
from application.recording.plan import ActGroup, MissingDateError, Plan, PlannedAct
from application.recording.read_back import Entry, ReadBack
from application.recording.report import Counts, Report
from application.yaml_files import YamlPath, line_of, read_model, read_yaml, where
from application.year_file import enter_file_people, may_enter
from domain.numbers import whole_number
from domain.records import Refused
from domain.rules import Edition
from domain.state import State
from domain.strengths import Strength
from domain.times import When
from domain.titles import title_key
from errors import InputError, NotFoundError
from i18n import _
from i18n.acts import act_name
from i18n.cleaning import cleaning_notes
from i18n.fields import place_in_words
from i18n.messages import sentence
from i18n.nearest import nearest_in_words
from ledger.mapping import to_envelope
from ledger.signing import BatchItem
from vault.persons import Contact
from vault.texts import Texts


async def record_file(app: Application, path: Path, person: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Enter a recording file for a person and return the report as plain values. A dry run stores nothing.

    Raises:
        InputError: the file is wrong, or an act of it is refused; the message names the line.
    """
    file = read_model(path, RecordFile)
    changes: dict[YamlPath, Changes] = {}
    _data, lines = read_yaml(path, changes)
    run = _Run(app, file, await find_editions(app, file, path, lines), path, lines)
    run.changes.update(changes)
    await run.load()
    if dry_run:
        await may_enter(app, person, file.organiser, file.people)
        await run.try_out(person)
    else:
        await run.carry_out(await enter_file_people(app, person, file.organiser, file.people, file.salts))
    return run.report(dry_run=dry_run).data()


StateOf = Callable[[str], Awaitable[tuple[State, Edition]]]
"""Returns the state of a stream now, and its rules."""


class _Run:
    """One run of one file."""

    def __init__(
        self, app: Application, file: RecordFile, editions: Editions, path: Path, lines: dict[YamlPath, int]
    ) -> None:
        self._app, self._file, self._editions, self._path, self._lines = app, file, editions, path, lines
        self._cycles: dict[str, KnownCycle] = {}
        self._filler = FieldFiller(app.texts, app.people)
        sources = [source.id for source in file.sources]
        self._comparison = Comparison(app, self._cycles, self._to_item, path.name, sources)
        self._dry_runs: dict[str, DryRun] = {}
        self.changes: dict[YamlPath, Changes] = {}
        """What was changed in the texts of the file when they were read."""
        self._before: State | None = None
        self._after: dict[str, tuple[State, Edition]] = {}
        self._counts = Counts()
        self._read_back: ReadBack | None = None
        """Only in a dry run."""

    async def load(self) -> None:
        """Load what the ledger has of the file's cycles.

        Raises:
            InputError: the cycle that the file continues does not exist.
        """
        for stream in self._file.streams():
            self._cycles[stream] = KnownCycle(await self._app.ledger.load(stream, 0, None))
        if (continued := self._file.continued) is not None:
            try:
                self._before, _rules = await self._app.state(continued)
            except NotFoundError as error:
                raise NotFoundError(error.code, self._where("continues"), **error.facts) from None

    def _where(self, *path: str | int) -> str:
        return where(self._path, line_of(path, self._lines))

    async def _count_openings(self) -> None:
        """Count the acts with which a file opened its cycles as known: that run counted them as entered."""
        told = {self._file.stream(entry.cycle or "this") for entry in self._file.acts if entry.act == "open-cycle"}
        for stream, cycle in self._cycles.items():
            for row in cycle.openings() if stream not in told else ():
                self._counts.known += 1
                if self._read_back is not None:
                    inferred = CommandInput(stream, _act_of_key(row.act_key or ""), {}, happened=None)
                    events = [to_envelope(one) for one in cycle.rows if one.command_id == row.command_id]
                    planned, line = PlannedAct(inferred, ("cluster",)), line_of(("cluster",), self._lines)
                    await self._read_back.add(planned, "known", line, events, self._dry_runs[stream])

    async def carry_out(self, contact: Contact) -> None:
        """Enter the groups one after another.

        Raises:
            InputError: an act is refused. The message names its line. Nothing of its group was entered.
        """
        await self._count_openings()
        await self._editions.store(self._app.texts)
        texts = _SaltedTexts(self._app.texts, self._file.salts)
        self._filler = FieldFiller(texts, self._app.people, is_export=self._file.is_exported)
        async for group in self._groups(self._app.state):
            new = await self._new_acts(group)
            for act in new:
                if act.corrects:
                    await self._submit(contact, [act])
            await self._submit(contact, [act for act in new if not act.corrects])
        for stream in self._file.streams():
            if await self._app.ledger.last(stream) is not None:
                self._after[stream] = await self._app.state(stream)

    async def _submit(self, contact: Contact, acts: Sequence[NewAct]) -> None:
        if not acts:
            return
        items = [await self._to_item(act) for act in acts]
        try:
            await self._app.submit_items(items[0].stream, at_command_line(contact), items)
        except RefusedError as error:
            raise self._stopped(acts[error.index or 0], error.code, error.facts) from None

    async def _to_item(self, act: NewAct) -> BatchItem:
        try:
            return await self._app.item(act.input, self._filler, self._file.streams())
        except InputError as error:
            raise self._stopped(act, error.code, error.facts, error.path) from None
        except Refused as error:
            raise self._stopped(act, error.code, error.facts) from None

    async def try_out(self, person: str) -> None:
        """Decide all acts on copies of the states in memory. Nothing is stored, not even a text.

        Raises:
            InputError: as `carry_out` does.
        """
        people = PersonsWithFile(self._app.people, self._file.people)
        self._filler = FieldFiller(DryRunTexts(self._app.texts), people, is_export=self._file.is_exported)
        dry_runs = self._dry_runs = {
            stream: await DryRun.of(self._app, self._editions.by_digest, cycle.rows)
            for stream, cycle in self._cycles.items()
        }

        named = {one.id: one.name for one in self._file.people}
        named |= {title_key("source", one.id): one.title for one in self._file.sources}
        self._read_back = ReadBack(self._app, named)
        await self._count_openings()

        async def state_of(stream: str) -> tuple[State, Edition]:
            return dry_runs[stream].state, dry_runs[stream].rules

        async for group in self._groups(state_of):
            for act in await self._new_acts(group):
                item = await self._to_item(act)
                dry_run = dry_runs[item.stream]
                try:
                    envelopes = await dry_run.decide(item, person, self._file.organiser, Strength.OS_ACCOUNT)
                except Refused as error:
                    raise self._stopped(act, error.code, error.facts) from None
                entry: Entry = "correction" if act.corrects else "new"
                await self._read_back.add(act, entry, line_of(act.yaml_path, self._lines), envelopes, dry_run)
        self._after = {stream: (one.state, one.rules) for stream, one in dry_runs.items() if one.history}

    def report(self, *, dry_run: bool) -> Report:
        """Return the report of the run."""
        told = self._read_back.data() if self._read_back else []
        notes = [
            f"{_('line {line}').format(line=line_of(path, self._lines))}: {note}"
            for path, one in self.changes.items()
            for note in cleaning_notes({str(path[-1]) if path else "": one})
        ]
        return Report(self._file, self._counts, self._cycles, self._after, told, notes, dry_run)

    def _stopped(self, act: NewAct | PlannedAct, code: str, facts: Mapping[str, Any], field: str = "") -> InputError:
        """Return the error of an act that is refused; `field` is the path of the field where it is known."""
        stopped = "recording_stopped" if act.yaml_path[:1] == ("meetings",) else "recording_stopped_outside"
        line = line_of(self._path_of(act, code, facts, field), self._lines)
        field_name = f"{place_in_words(field)}: " if field else ""
        name = act_name(_entered_name(act))
        return InputError(stopped, where(self._path, line), act=name, why=field_name + self._why(code, facts))

    def _why(self, code: str, facts: Mapping[str, Any]) -> str:
        """Return the sentence of a refusal; of a unit that the file does not know, with the nearest that it knows."""
        if code == "malformed_act":
            return sentence("file_field", {**facts, "place": facts["place"]})
        why, unit = sentence(code, facts), str(facts.get("unit", ""))
        known = [one.id for one in self._file.units()]
        offered = nearest_in_words(unit, known) if code == "not_a_member" and unit not in known else ""
        return f"{why} {offered}".rstrip()

    def _path_of(self, act: NewAct | PlannedAct, code: str, facts: Mapping[str, Any], field: str) -> YamlPath:
        """Return the path in the file of the field that an error is about, or of its act."""
        named = str(facts.get("place", "")) if code == "malformed_act" else field
        numbered = ((part, whole_number(part)) for part in named.split(".") if part)
        inside = tuple(part if number is None else number for part, number in numbered)
        at = (*act.yaml_path, "hands" if facts.get("act") == "hands" else "fields")
        # Of a meeting and a source, the fields stand beside the id.
        return (*(at if at in self._lines else act.yaml_path), *inside)

    # The groups of the file -------------------------------------------------------------------

    async def _groups(self, state_of: StateOf) -> AsyncIterator[ActGroup]:
        """Yield the groups with act keys. The first act of a cycle that is not open comes with acts that open it."""
        plan = Plan(self._file, self._editions.opening, self._before)
        try:
            planned = plan.groups()
        except MissingDateError as error:
            at = where(self._path, line_of(error.yaml_path, self._lines))
            why = sentence("when_is_missing_in_file")
            raise InputError("recording_stopped_outside", at, act=act_name(error.act), why=why) from None
        groups = await self._comparison.with_keys(replace(one, acts=self._with_editions(one)) for one in planned)
        first = _openings(groups)
        opened = {stream for stream, cycle in self._cycles.items() if cycle.opened}
        this = self._file.stream()
        for group in groups:
            opening: list[PlannedAct] = []
            this_was_open = this in opened
            for act in group.acts:
                stream = act.input.stream
                if act.input.act != "open-cycle" and stream not in opened:
                    closing = (await state_of(this))[0] if this_was_open and stream != this else None
                    opening += plan.opening("this" if stream == this else "next", first[stream], closing)
                opened.add(stream)
            yield replace(group, acts=[*opening, *group.acts])

    def _with_editions(self, group: ActGroup) -> list[PlannedAct]:
        return [
            replace(act, input=replace(act.input, fields=self._editions.in_fields(act.input.fields)))
            for act in group.acts
        ]

    async def _new_acts(self, group: ActGroup) -> list[NewAct]:
        """Return what has to be entered of a group, and count the rest."""
        found: list[NewAct] = []
        for planned in group.acts:
            try:
                act = await self._comparison.compare(planned, self._version)
            except CorrectionDiffersError as error:
                raise self._stopped(error.planned, "correction_is_told", {"version": error.version}) from None
            if act is None:
                self._counts.known += 1
                await self._read_back_known(planned)
                continue
            self._counts.corrected += act.corrects
            self._counts.entered += not act.corrects
            found.append(act)
        # Corrections come first: a new act can be what an earlier act said by mistake.
        return sorted(found, key=lambda act: not act.corrects)

    async def _read_back_known(self, planned: PlannedAct) -> None:
        if self._read_back is not None:
            stream = planned.input.stream
            events = [to_envelope(row) for row in self._cycles[stream].rows_of_act(planned.id, planned.input.act_key)]
            line = line_of(planned.yaml_path, self._lines)
            await self._read_back.add(planned, "known", line, events, self._dry_runs[stream])

    async def _version(self, stream: str, command: UUID) -> int:
        """Return the version in this ledger of the act that a correction is about; it differs between ledgers."""
        if self._dry_runs:
            history = [
                (one.event.NAME, one.meta.command_id, one.meta.version) for one in self._dry_runs[stream].history
            ]
        else:
            rows = await self._app.ledger.load(stream, 0, None)
            history = [(row.type, row.command_id, row.version) for row in rows]
        versions = (version for name, found, version in history if found == command and name != "ActCorrected")
        return next(versions, NO_VERSION)


def _act_of_key(key: str) -> str:
    return key.partition("/")[0]


def _entered_name(act: NewAct | PlannedAct) -> str:
    """Return the name of the act as the file has it: of a correction of the file, the act that is put in place."""
    instead = act.input.fields.get("instead")
    return str(instead["act"]) if isinstance(act, NewAct) and act.corrects and instead else act.input.act


_BEFORE_OPENING = {"answer-letter", "name-source", "note-disagreement", "record-letter"}
"""Acts that can be older than the cycle: a letter of an earlier day does not say that the cycle was open then."""


def _openings(groups: Sequence[ActGroup]) -> dict[str, When]:
    """Return for each stream when it was opened at the latest: with the first of its acts, as far as that is known.

    Letters and sources count only where a cycle has no other acts.
    """
    dates: dict[str, list[When]] = {}
    papers: dict[str, list[When]] = {}
    for act in (act for group in groups for act in group.acts):
        if act.input.happened is not None:
            into = papers if act.input.act in _BEFORE_OPENING else dates
            into.setdefault(act.input.stream, []).append(act.input.happened)
    return {
        stream: When(min(when.earliest for when in found), min(when.latest for when in found))
        for stream, found in {**papers, **dates}.items()
    }


class _SaltedTexts:
    """Stores the texts of an exported file with their salts there, so that they get the same digests again."""

    def __init__(self, texts: Texts, salts: Mapping[str, str]) -> None:
        self._texts, self._salts = texts, salts

    async def put(self, body: str, /) -> str:
        """Store a text and return its digest."""
        salt = self._salts.get(sha256(body.encode()).hexdigest())
        return await self._texts.put(body, bytes.fromhex(salt) if salt else None)
