"""What of a recording file is new to the register, known to it, or told otherwise than before.

An act of a file is the register's act of the same meeting, name and unit that says the same; where none does, it takes
the place of one that the file no longer tells: then that one is corrected. So an act that is put in, taken out or moved
changes no other.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from application.application import CommandInput
from application.recording.plan import Group, Planned
from application.yaml_files import YamlPath
from cli.session import Session
from domain.codec import plain
from domain.commands import CommandPayload
from domain.types import When
from i18n import _
from ledger.events import RecordedEvent
from ledger.signing import BatchItem

IDS = UUID("6f2c2b1e-7a54-5b7e-9d39-0f4d5a1c3e77")
NOWHERE = 10**6
"""A place in a stream that no act has: a correction of what is not there is refused by its own rule."""


@dataclass(frozen=True, slots=True)
class New:
    """An act that is to be entered: new, or the correction of an earlier one."""

    said: CommandInput
    place: YamlPath
    corrects: bool = False


class CorrectionDiffersError(Exception):
    """A correction of the file stands in the register, but says something else."""

    def __init__(self, planned: Planned, version: int) -> None:
        super().__init__(planned, version)
        self.planned = planned
        self.version = version


@dataclass(slots=True)
class KnownCycle:
    """What the register holds of a cycle."""

    rows: tuple[RecordedEvent, ...]

    @property
    def opened(self) -> bool:
        """True when the cycle is open, however provisionally."""
        return any(row.type == "CycleOpened" for row in self.rows)

    def at(self, key: str | None) -> list[RecordedEvent]:
        """The last row of each command that was entered for a place of a file, in order."""
        found = {row.command_id: row for row in self.rows if row.act_key == key and row.type != "ActCorrected"}
        return list(found.values())

    def keys(self, kind: str) -> list[str]:
        """The places of acts of one kind, in order."""
        found = (row.act_key for row in self.rows if row.act_key and row.act_key.rpartition("/")[0] == kind)
        return list(dict.fromkeys(found))

    def correction(self, command: UUID | None) -> RecordedEvent | None:
        """The row in which a command corrects."""
        return next((row for row in self.rows if row.command_id == command and row.type == "ActCorrected"), None)

    def of(self, command: UUID) -> list[RecordedEvent]:
        """The row of a command, and those of the acts that took its place when it was corrected, in order."""
        found = [row for row in self.rows if row.command_id == command and row.type != "ActCorrected"][:1]
        for row in self.rows:
            if found and row.type == "ActCorrected" and found[-1].version in json.loads(row.payload)["versions"]:
                after = [one for one in self.rows if one.command_id == row.command_id and one.version > row.version]
                found += after[:1]
        return found


class Comparison:
    """A file against the register. `item` makes the command that says an act; `file` is its name."""

    def __init__(
        self, open_: Session, cycles: dict[str, KnownCycle], item: Callable[[New], Awaitable[BatchItem]], file: str
    ) -> None:
        self._open, self._cycles, self._order, self._file = open_, cycles, item, file
        self._corrected_in_file: set[UUID] = set()

    async def placed(self, groups: Iterable[Group]) -> list[Group]:
        """The groups with each act at its place: one that the register has, or a new one."""
        found = list(groups)
        self._corrected_in_file = {one.corrects for group in found for one in group.acts if one.corrects is not None}
        kinds: dict[tuple[str, str], list[Planned]] = defaultdict(list)
        for one in (one for group in found for one in group.acts):
            if one.kind is not None:
                kinds[one.said.stream, one.kind].append(one)
        keys: dict[YamlPath, str] = {}
        for (stream, kind), acts in kinds.items():
            for one, key in zip(acts, await self._keys(self._cycles[stream], kind, acts), strict=True):
                keys[(stream, *one.place)] = key
        return [
            replace(group, acts=[_at(one, keys.get((one.said.stream, *one.place))) for one in group.acts])
            for group in found
        ]

    async def _keys(self, cycle: KnownCycle, kind: str, acts: Sequence[Planned]) -> list[str]:
        free, chosen = cycle.keys(kind), dict[int, str]()
        for number, one in enumerate(acts):
            for key in free:
                if await self._stands(cycle, key, one):
                    chosen[number] = key
                    free.remove(key)
                    break
        taken = {int(key.rpartition("/")[2]) for key in cycle.keys(kind)}
        fresh = (number for number in range(1, len(acts) + len(taken) + 1) if number not in taken)
        for number in range(len(acts)):
            if number not in chosen:
                chosen[number] = free.pop(0) if free else f"{kind}/{next(fresh)}"
        return [chosen[number] for number in range(len(acts))]

    async def _stands(self, cycle: KnownCycle, key: str, planned: Planned) -> bool:
        before, said = cycle.at(key), replace(planned.said, act_key=key)
        same = before[-1].command_id == self._id(said, len(before) - 1)
        return same or await self._says(before[-1], replace(planned, said=said))

    async def of(self, planned: Planned, version: Callable[[str, UUID], Awaitable[int]]) -> New | None:
        """The act as it is to be entered; None where it stands in the register.

        Raises:
            CorrectionDiffersError
        """
        said, cycle = planned.said, self._cycles[planned.said.stream]
        if planned.corrects is not None:
            said = replace(said, fields={**said.fields, "version": await version(said.stream, planned.corrects)})
            planned = replace(planned, said=said)
        if said.act == "correct" and (row := cycle.correction(planned.id)) is not None:
            if not await self._says(row, planned):
                raise CorrectionDiffersError(planned, row.version)
            return None
        by_id = cycle.of(planned.id) if planned.id else []
        before = by_id or ([] if said.act == "correct" else cycle.at(said.act_key))
        if not before:
            return New(replace(said, command_id=planned.id or self._id(said, 0)), planned.place)
        # A file that tells an act and its correction is, at the act itself, about what was said first.
        row = before[0] if planned.id in self._corrected_in_file else before[-1]
        if row.command_id == self._id(said, len(before) - 1) or await self._says(row, planned):
            return None
        fields = {
            "version": before[-1].version,
            "reason": _("Corrected by the file {file}.").format(file=self._file),
            "instead": {"act": said.act, **said.fields},
        }
        command = self._id(said, len(before))
        return New(replace(said, act="correct", fields=fields, command_id=command), planned.place, corrects=True)

    async def _says(self, row: RecordedEvent, planned: Planned) -> bool:
        """True when the register's act says what the file says."""
        kept = await self._open.ledger.command(row.command_digest) if row.command_digest else None
        if kept is None:
            return False
        command = CommandPayload.model_validate_json(kept.payload)
        wanted = CommandPayload.model_validate_json((await self._order(New(planned.said, planned.place))).payload)
        sure = wanted.provenance is not None and (wanted.provenance.kind, wanted.provenance.source)
        happened, said = When(row.happened_earliest, row.happened_latest), command.resulting_command()
        if planned.said.act == "correct":
            happened, said = command.happened or happened, command.parsed()
        return (
            wanted.parsed() == said
            and (wanted.effective, wanted.signatories) == (command.effective, command.signatories)
            and wanted.happened == happened
            and (sure, wanted.meeting) == ((row.provenance, row.source), row.meeting)
        )

    def _id(self, said: CommandInput, number: int) -> UUID:
        seed = (self._open.installed.id, said.stream, said.act_key or "", _content(said), str(number))
        return uuid5(IDS, "\n".join(seed))


def _at(planned: Planned, key: str | None) -> Planned:
    return planned if key is None else replace(planned, said=replace(planned.said, act_key=key))


def _content(said: CommandInput) -> str:
    told = [said.fields, plain(said.happened), plain(said.provenance)]
    if said.effective is not None or said.signatories is not None:
        told.append([plain(said.effective), said.signatories])
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)
