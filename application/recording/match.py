"""Compares the acts of a recording file with the ledger: known, new, or the correction of an earlier act (ADR 8).

An act of the file is an act of the ledger if meeting, name and unit are the same and both say the same. An act of the
file without such a partner takes the key of a ledger act of that kind that the file no longer has, and corrects it. So
an act that is inserted, removed or moved in the file changes no other act.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from application.application import Application, CommandInput
from application.recording.plan import ActGroup, PlannedAct
from application.yaml_files import YamlPath
from domain.codec import plain
from domain.commands import CommandPayload
from domain.times import When
from i18n import _
from ledger.events import RecordedEvent
from ledger.signing import BatchItem

IDS = UUID("6f2c2b1e-7a54-5b7e-9d39-0f4d5a1c3e77")
"""The namespace of the command ids that follow from what a file says."""

NO_VERSION = 10**6
"""A version that no stream reaches. The rules of `correct` refuse it, so a correction of an unknown act is refused."""


INFERRED = ("open-cycle", "take-over/", "assign-role/")
"""How the act keys of acts begin that open a cycle for a file."""


@dataclass(frozen=True, slots=True)
class NewAct:
    """An act to be entered. `corrects` is true for the correction of an act that the file now says otherwise."""

    input: CommandInput
    yaml_path: YamlPath
    corrects: bool = False


class CorrectionDiffersError(Exception):
    """The ledger has a correction of the file already, at `version`, but that one says something else."""

    def __init__(self, planned: PlannedAct, version: int) -> None:
        super().__init__(planned, version)
        self.planned = planned
        self.version = version


@dataclass(slots=True)
class KnownCycle:
    """What the ledger has of a cycle."""

    rows: tuple[RecordedEvent, ...]

    @property
    def opened(self) -> bool:
        """True when the cycle is open, even if only provisionally."""
        return any(row.type == "CycleOpened" for row in self.rows)

    def rows_of_key(self, key: str | None) -> list[RecordedEvent]:
        """Return the last row of each command with this act key, in order: the first act, then its corrections."""
        rows = {row.command_id: row for row in self.rows if row.act_key == key and row.type != "ActCorrected"}
        return list(rows.values())

    def rows_of_act(self, command: UUID | None, key: str | None) -> list[RecordedEvent]:
        """Return all rows of the command that now holds for an act of the file, by its id or else by its key."""
        of_act = (self.rows_of_command(command) if command else []) or self.rows_of_key(key)
        return [row for row in self.rows if of_act and row.command_id == of_act[-1].command_id]

    def openings(self) -> list[RecordedEvent]:
        """Return the rows of the acts with which a file opened the cycle, one for each."""
        inferred = {row.act_key for row in self.rows if row.act_key and row.act_key.startswith(INFERRED)}
        return [self.rows_of_key(key)[-1] for key in sorted(inferred)]

    def keys(self, kind: str) -> list[str]:
        """Return the act keys of one kind, in order."""
        keys = (row.act_key for row in self.rows if row.act_key and row.act_key.rpartition("/")[0] == kind)
        return list(dict.fromkeys(keys))

    def correction(self, command: UUID | None) -> RecordedEvent | None:
        """Return the `ActCorrected` row of a command."""
        return next((row for row in self.rows if row.command_id == command and row.type == "ActCorrected"), None)

    def rows_of_command(self, command: UUID) -> list[RecordedEvent]:
        """Return the row of a command, followed by those of the acts that replaced it when it was corrected."""
        found = [row for row in self.rows if row.command_id == command and row.type != "ActCorrected"][:1]
        for row in self.rows:
            if found and row.type == "ActCorrected" and found[-1].version in json.loads(row.payload)["versions"]:
                after = [one for one in self.rows if one.command_id == row.command_id and one.version > row.version]
                found += after[:1]
        return found


class Comparison:
    """Compares a file with the ledger. `to_item` makes the command of an act; `file_name` goes into reasons.

    `sources` are the ids of the sources that the file names.
    """

    def __init__(
        self,
        app: Application,
        cycles: dict[str, KnownCycle],
        to_item: Callable[[NewAct], Awaitable[BatchItem]],
        file_name: str,
        sources: Iterable[str],
    ) -> None:
        self._app, self._cycles, self._to_item, self._file_name = app, cycles, to_item, file_name
        self._sources = frozenset(sources)
        self._corrected_in_file: set[UUID] = set()

    async def with_keys(self, groups: Iterable[ActGroup]) -> list[ActGroup]:
        """Return the groups with an act key for each act: that of its partner in the ledger, or a new one."""
        groups = list(groups)
        acts = [act for group in groups for act in group.acts]
        self._corrected_in_file = {act.corrects for act in acts if act.corrects is not None}
        by_kind: dict[tuple[str, str], list[PlannedAct]] = defaultdict(list)
        for act in acts:
            if act.kind is not None:
                by_kind[act.input.stream, act.kind].append(act)
        keys: dict[YamlPath, str] = {}
        for (stream, kind), of_kind in by_kind.items():
            for act, key in zip(of_kind, await self._keys(self._cycles[stream], kind, of_kind), strict=True):
                keys[(stream, *act.yaml_path)] = key
        return [
            replace(group, acts=[_with_key(act, keys.get((act.input.stream, *act.yaml_path))) for act in group.acts])
            for group in groups
        ]

    async def _keys(self, cycle: KnownCycle, kind: str, acts: Sequence[PlannedAct]) -> list[str]:
        """Return the keys of acts of one kind: first of equal acts, then what is left in order, then new ones."""
        free, chosen = cycle.keys(kind), dict[int, str]()
        for index, act in enumerate(acts):
            for key in free:
                if await self._has_act(cycle, key, act):
                    chosen[index] = key
                    free.remove(key)
                    break
        taken = {int(key.rpartition("/")[2]) for key in cycle.keys(kind)}
        fresh = (number for number in range(1, len(acts) + len(taken) + 1) if number not in taken)
        of_file = [key for key in free if self._is_of_file(cycle, key)]
        for index in range(len(acts)):
            if index not in chosen:
                chosen[index] = of_file.pop(0) if of_file else f"{kind}/{next(fresh)}"
        return [chosen[index] for index in range(len(acts))]

    def _is_of_file(self, cycle: KnownCycle, key: str) -> bool:
        """False when an act outside meetings is stated by a source that the file does not name.

        Then another file has entered it, and this one does not correct it.
        """
        row = cycle.rows_of_key(key)[-1]
        other = row.provenance == "stated" and row.source not in {"", *self._sources}
        return not (key.startswith("-/") and other)

    async def _has_act(self, cycle: KnownCycle, key: str, planned: PlannedAct) -> bool:
        """True when the act that now holds under a key is the planned one."""
        rows, with_key = cycle.rows_of_key(key), _with_key(planned, key)
        same_id = rows[-1].command_id == self._id(with_key.input, len(rows) - 1)
        return same_id or await self._says_the_same(rows[-1], with_key)

    async def compare(self, planned: PlannedAct, version: Callable[[str, UUID], Awaitable[int]]) -> NewAct | None:
        """Return the act as it is to be entered; None when the ledger has it.

        `version` returns the version of a command in a stream.

        Raises:
            CorrectionDiffersError
        """
        cycle = self._cycles[planned.input.stream]
        if planned.corrects is not None:
            fields = {**planned.input.fields, "version": await version(planned.input.stream, planned.corrects)}
            planned = replace(planned, input=replace(planned.input, fields=fields))
        command_input = planned.input
        if command_input.act == "correct" and (row := cycle.correction(planned.id)) is not None:
            if not await self._says_the_same(row, planned):
                raise CorrectionDiffersError(planned, row.version)
            return None
        rows = cycle.rows_of_command(planned.id) if planned.id else []
        if not rows and command_input.act != "correct":
            rows = cycle.rows_of_key(command_input.act_key)
        if not rows:
            command_id = planned.id or self._id(command_input, 0)
            return NewAct(replace(command_input, command_id=command_id), planned.yaml_path)
        # Where the file has an act and also its correction, the act itself says what was entered first.
        row = rows[0] if planned.id in self._corrected_in_file else rows[-1]
        same_id = row.command_id == self._id(command_input, len(rows) - 1)
        if same_id or await self._says_the_same(row, planned):
            return None
        fields = {
            "version": rows[-1].version,
            "reason": _("Corrected by the file {file}.").format(file=self._file_name),
            "instead": {"act": command_input.act, **command_input.fields},
        }
        command_id = self._id(command_input, len(rows))
        correction = replace(command_input, act="correct", fields=fields, command_id=command_id)
        return NewAct(correction, planned.yaml_path, corrects=True)

    async def _says_the_same(self, row: RecordedEvent, planned: PlannedAct) -> bool:
        """True when the command of the row and the planned act have the same content and circumstances."""
        stored = await self._app.ledger.command(row.command_digest) if row.command_digest else None
        if stored is None:
            return False
        recorded = CommandPayload.model_validate_json(stored.payload)
        item = await self._to_item(NewAct(planned.input, planned.yaml_path))
        wanted = CommandPayload.model_validate_json(item.payload)
        provenance = wanted.provenance is not None and (wanted.provenance.kind, wanted.provenance.source)
        if planned.input.act == "name-source":
            return wanted.parsed() == recorded.resulting_command()  # who states it and when follows from the acts
        happened, command = When(row.happened_earliest, row.happened_latest), recorded.resulting_command()
        if planned.input.act == "correct":
            happened, command = recorded.happened or happened, recorded.parsed()
        return (
            wanted.parsed() == command
            and (wanted.effective, wanted.signatories) == (recorded.effective, recorded.signatories)
            and wanted.happened == happened
            and (provenance, wanted.meeting) == ((row.provenance, row.source), row.meeting)
        )

    def _id(self, command_input: CommandInput, number: int) -> UUID:
        """Return the id of a command; `number` counts the commands with the same act key before it."""
        seed = (
            self._app.gate.installation,
            command_input.stream,
            command_input.act_key or "",
            _content(command_input),
            str(number),
        )
        return uuid5(IDS, "\n".join(seed))


def _with_key(planned: PlannedAct, key: str | None) -> PlannedAct:
    return planned if key is None else replace(planned, input=replace(planned.input, act_key=key))


def _content(command_input: CommandInput) -> str:
    """Return what a command says, as it goes into its id. Stored ids follow from this text: it must not change."""
    content = [command_input.fields, plain(command_input.happened), plain(command_input.provenance)]
    if command_input.effective is not None or command_input.signatories is not None:
        content.append([plain(command_input.effective), command_input.signatories])
    return json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
