"""From a recording file to its acts in the order in which they are entered, each with its path in the file.

The acts of a meeting form a group, which is entered whole or not at all. An act outside meetings comes before the first
meeting that it certainly precedes, or else after all meetings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from application.application import CommandInput
from application.recording.file import (
    ActEntry,
    ClusterEntry,
    MeetingEntry,
    OutsideEntry,
    RecordFile,
    StatedHow,
    WhichCycle,
)
from application.yaml_files import YamlPath
from domain import limits
from domain.state import State
from domain.steps.lifecycle import ClusterFacts
from domain.steps.meetings import Meeting
from domain.times import When
from domain.types import Provenance
from domain.units import Role

ROLES: tuple[Role, ...] = ("head", "deputy")


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """An act of the file. Only exported files give `id`, and `corrects`: the id of the command that is corrected."""

    input: CommandInput
    yaml_path: YamlPath
    id: UUID | None = None
    corrects: UUID | None = None
    kind: str | None = None
    """Meeting, name and unit. Acts of one kind get numbered keys. None for an act that has its key or id already."""


@dataclass(slots=True)
class ActGroup:
    """Acts that are entered together, and when they happened."""

    acts: list[PlannedAct] = field(default_factory=list)
    when: When | None = None


class MissingDateError(Exception):
    """An act of a file has no date and stands in no meeting."""

    def __init__(self, yaml_path: YamlPath, act: str) -> None:
        super().__init__(yaml_path, act)
        self.yaml_path = yaml_path
        self.act = act


class Plan:
    """The acts of a file. `editions` has the digest of each cycle's rules, `before` is the cycle that is continued."""

    def __init__(self, file: RecordFile, editions: Mapping[WhichCycle, str], before: State | None) -> None:
        self._file, self._editions, self._before = file, editions, before

    def groups(self) -> list[ActGroup]:
        """Return all groups, without the acts that open a cycle: the run puts these before the first act in need.

        Raises:
            MissingDateError
        """
        meetings = [self._meeting_group(index, meeting) for index, meeting in enumerate(self._file.meetings)]
        outside = self._outside_groups()
        groups: list[ActGroup] = []
        for meeting in meetings:
            earlier = [one for one in outside if one.when and meeting.when and one.when.before(meeting.when)]
            groups.extend((*earlier, meeting))
            outside = [one for one in outside if one not in earlier]
        return self._with_sources([*groups, *outside])

    def _with_sources(self, groups: list[ActGroup]) -> list[ActGroup]:
        """Put the naming of a source before the first act of each cycle that the source states."""
        inputs = [act.input for group in groups for act in group.acts if act.input.act == "name-source"]
        named = {(one.stream, str(one.fields.get("id"))) for one in inputs}
        return [replace(group, acts=[*self._sources(group, named), *group.acts]) for group in groups]

    def _sources(self, group: ActGroup, named: set[tuple[str, str]]) -> Iterator[PlannedAct]:
        """Yield the namings that a group needs, and add them to `named`, the pairs of stream and source so far."""
        for one in [act.input for act in group.acts]:
            name = one.provenance.source if one.provenance and one.provenance.kind == "stated" else ""
            index = next((n for n, source in enumerate(self._file.sources) if source.id == name), None)
            if index is None or (one.stream, name) in named or one.act == "correct":
                continue
            named.add((one.stream, name))
            fields = self._file.sources[index].model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            naming = CommandInput(one.stream, "name-source", fields, happened=one.happened, provenance=one.provenance)
            yield PlannedAct(naming, ("sources", index), kind=f"-/name-source/{name}")

    def opening(self, which: WhichCycle, first: When, closing: State | None) -> list[PlannedAct]:
        """Return the acts that open a cycle provisionally at `first`, because no source states how it was opened.

        The next cycle has the units of the `closing` one as they are at that time, unless the file gives others.
        """
        file = self._file
        following = file.next if which == "next" else None
        cluster = (following.cluster if following else None) or file.cluster
        plan = following.plan if following else file.plan
        if following is None:
            inherited = None if cluster.units or cluster.unnamed else self._before
        else:
            inherited = None if following.cluster else closing
        units = _units_of(inherited) or [unit.model_dump(mode="json") for unit in cluster.units]
        fields = {
            "organiser": file.organiser,
            "organiser_name": file.organiser_name,
            "cluster_name": cluster.name,
            "year": following.year if following else file.year,
            "units": units,
            "unnamed": inherited.lifecycle.unnamed if inherited else cluster.unnamed,
            **_told_of(cluster),
            "overseer": _overseer(cluster, inherited),
            "year_plan": plan.model_dump(mode="json", exclude_none=True) if plan else None,
            "edition": self._editions[which],
            "clock": file.calendar,
            "starts": (file.starts or first.earliest).isoformat(),
        }
        sources = ", ".join(source.id for source in file.sources)[: limits.LABEL_CHARS]
        opening = self._inferred(which, "open-cycle", fields, first, sources)
        if self._before is None or which == "next":
            return [opening]
        return [opening, *self._taken_over(self._before, first)]

    def _taken_over(self, before: State, first: When) -> Iterator[PlannedAct]:
        """Yield the succession, then the roles whose holders were chosen, or appointed by a decision in force."""
        earlier = self._file.continued or ""
        yield self._inferred("this", "take-over", {"predecessors": [earlier]}, first, earlier)
        for role in ROLES:
            fields: dict[str, Any] | None = None
            terms = before.membership.terms.get(role)
            chosen, possible = before.conclusion.next.get(role), {*before.membership.members(), "unknown", "vacant"}
            if chosen is not None and chosen in possible:
                fields = {"holder": chosen, "manner": before.conclusion.manners[role]}
            elif terms and terms[-1].basis is not None and terms[-1].until is None and terms[-1].holder in possible:
                basis = terms[-1].basis.model_dump(mode="json", exclude_none=True)
                fields = {"holder": terms[-1].holder, "manner": terms[-1].manner, "basis": basis}
            if fields is not None:
                yield self._inferred("this", "assign-role", {"role": role, **fields}, first, earlier, role)

    def _inferred(
        self, which: WhichCycle, act: str, fields: dict[str, Any], first: When, inferred_from: str, number: str = ""
    ) -> PlannedAct:
        provenance = Provenance(kind="inferred", source=inferred_from)
        key = f"{act}/{number}" if number else act
        command_input = CommandInput(
            self._file.stream(which), act, fields, happened=first, provenance=provenance, act_key=key
        )
        return PlannedAct(command_input, ("cluster",))

    def _meeting_group(self, index: int, meeting: MeetingEntry) -> ActGroup:
        group = ActGroup(when=meeting.on)
        cycles = dict.fromkeys([meeting.cycle, *(entry.cycle or meeting.cycle for entry in meeting.acts)])
        fields = meeting.model_dump(
            mode="json", include=set(Meeting.model_fields), exclude_none=True, exclude_defaults=True
        )
        for which in cycles:
            # What it is, such as the final meeting, it is of its own cycle, not of the other one that it decides for.
            of_year = {} if which == meeting.cycle else {"of_year": self._year(meeting.cycle)}
            entry = ActEntry(act="record-meeting", fields={**of_year, **fields}, cycle=which)
            group.acts.append(self._planned(entry, meeting, meeting.id, ("meetings", index)))
        for number, entry in enumerate(meeting.acts):
            group.acts.append(self._planned(entry, meeting, meeting.id, ("meetings", index, "acts", number)))
        return group

    def _year(self, which: WhichCycle) -> int:
        return self._file.next.year if which == "next" and self._file.next else self._file.year

    def _outside_groups(self) -> list[ActGroup]:
        """Return the acts outside meetings. Neighbours with one meeting id form a group; corrections stand alone."""
        groups: list[ActGroup] = []
        last: OutsideEntry | None = None
        for index, entry in enumerate(self._file.acts):
            planned = self._planned(entry, None, entry.meeting, ("acts", index))
            together = last is not None and entry.meeting is not None and entry.meeting == last.meeting
            alone = entry.act == "correct" or (last is not None and last.act == "correct")
            if together and not alone:
                groups[-1].acts.append(planned)
            else:
                groups.append(ActGroup([planned], planned.input.happened))
            last = entry
        return groups

    def _planned(
        self, entry: ActEntry, meeting: MeetingEntry | None, meeting_id: str | None, yaml_path: YamlPath
    ) -> PlannedAct:
        when = entry.on or (meeting.on if meeting else None)
        if when is None:
            raise MissingDateError(yaml_path, entry.act)
        which = entry.cycle or (meeting.cycle if meeting else "this")
        kind = f"{meeting_id or '-'}/{entry.act}/{_unit_of(entry)}"
        command_input = CommandInput(
            self._file.stream(which),
            entry.act,
            entry.fields,
            happened=when,
            effective=entry.effective,
            signatories=entry.signatories,
            provenance=_provenance(entry, meeting),
            meeting=meeting_id,
            act_key=entry.key,
        )
        return PlannedAct(
            command_input, yaml_path, entry.id, entry.corrects, kind=None if entry.key or entry.id else kind
        )


def _units_of(before: State | None) -> list[dict[str, Any]]:
    if before is None:
        return []
    membership = before.membership
    return [
        {"id": unit, "name": membership.names[unit], "kind": membership.kinds.get(unit)}
        for unit in membership.members()
    ]


def _told_of(cluster: ClusterEntry) -> dict[str, Any]:
    """Return what the file tells of the cluster beside its units."""
    return cluster.model_dump(mode="json", include=set(ClusterFacts.model_fields), exclude_defaults=True)


def _overseer(cluster: ClusterEntry, before: State | None) -> dict[str, Any] | None:
    overseer = cluster.overseer or (before.membership.overseer if before else None)
    return overseer.model_dump(mode="json") if overseer else None


def _unit_of(entry: ActEntry) -> str:
    """Return the unit that an act is about, or else the one that acts; "-" without either."""
    by = entry.fields.get("by")
    return str(entry.fields.get("unit") or (by.get("unit") if isinstance(by, dict) else by) or "-")


def _provenance(*entries: StatedHow | None) -> Provenance:
    """Return the provenance of the first entry that has one: the act before its meeting."""
    for entry in entries:
        if entry is None:
            continue
        if entry.stated:
            return Provenance(kind="stated")
        if entry.rehearsed:
            return Provenance(kind="rehearsed", source=entry.source or "")
        if entry.inferred_from is not None:
            return Provenance(kind="inferred", source=entry.inferred_from)
        if entry.source is not None:
            return Provenance(kind="stated", source=entry.source)
    return Provenance(kind="unsourced")
