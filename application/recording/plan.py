"""From a recording file to acts in the order in which they are entered, each with its place in the file.

Acts of a meeting travel together. Acts outside meetings come before the first meeting that they certainly precede.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from application.application import CommandInput
from application.recording.file import ActEntry, ClusterEntry, MeetingEntry, OutsideEntry, RecordFile, StatedHow, Which
from application.yaml_files import YamlPath
from domain import limits
from domain.cycle import State
from domain.steps.meetings import Meeting
from domain.steps.membership import Role
from domain.types import Provenance, When

ROLES: tuple[Role, ...] = ("head", "deputy")


@dataclass(frozen=True, slots=True)
class Planned:
    """An act of the file. `id` is given only in files that the register wrote."""

    said: CommandInput
    place: YamlPath
    id: UUID | None = None
    corrects: UUID | None = None
    kind: str | None = None
    """Meeting, name and unit: acts of one kind are told apart by their number. None where the file tells the key."""


@dataclass(slots=True)
class Group:
    """Acts that travel together, and when they happened."""

    acts: list[Planned] = field(default_factory=list)
    when: When | None = None


class Plan:
    """The acts of a file. `editions` holds the digest of each cycle's rules, `before` the cycle that is continued."""

    def __init__(self, told: RecordFile, editions: Mapping[Which, str], before: State | None) -> None:
        self._told, self._editions, self._before = told, editions, before

    def groups(self) -> list[Group]:
        """All groups, but for the openings: those are put before the first act that needs them.

        Raises:
            MissingDateError: an act without a date, in no meeting.
        """
        meetings = [self._meeting(number, meeting) for number, meeting in enumerate(self._told.meetings)]
        outside = self._outside()
        found: list[Group] = []
        for group in meetings:
            earlier = [one for one in outside if one.when and group.when and one.when.before(group.when)]
            found.extend((*earlier, group))
            outside = [one for one in outside if one not in earlier]
        return self._with_sources([*found, *outside])

    def _with_sources(self, groups: list[Group]) -> list[Group]:
        """Each source is named in a cycle with the first acts that are stated by it."""
        told = [one.said for group in groups for one in group.acts if one.said.act == "name-source"]
        named = {(said.stream, str(said.fields.get("id"))) for said in told}
        return [replace(group, acts=[*self._sources(group, named), *group.acts]) for group in groups]

    def _sources(self, group: Group, named: set[tuple[str, str]]) -> Iterator[Planned]:
        for said in [one.said for one in group.acts]:
            name = said.provenance.source if said.provenance and said.provenance.kind == "stated" else ""
            number = next((n for n, source in enumerate(self._told.sources) if source.id == name), None)
            if number is None or (said.stream, name) in named or said.act == "correct":
                continue
            named.add((said.stream, name))
            fields = self._told.sources[number].model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            naming = CommandInput(
                said.stream, "name-source", fields, happened=said.happened, provenance=said.provenance
            )
            yield Planned(naming, ("sources", number), kind=f"-/name-source/{name}")

    def opening(self, which: Which, first: datetime, closing: State | None) -> list[Planned]:
        """The acts that open a cycle provisionally, because no source tells how it was opened.

        The next cycle has the units of the `closing` one as they stand then, unless the file tells others.
        """
        told = self._told
        following = told.next if which == "next" else None
        cluster = (following.cluster if following else None) or told.cluster
        plan = following.plan if following else told.plan
        if following is None:
            inherited = None if cluster.units or cluster.unnamed else self._before
        else:
            inherited = None if following.cluster else closing
        units = _units_of(inherited) or [unit.model_dump(mode="json") for unit in cluster.units]
        fields = {
            "organiser": told.organiser,
            "organiser_name": told.organiser_name,
            "cluster_name": cluster.name,
            "year": following.year if following else told.year,
            "units": units,
            "unnamed": inherited.lifecycle.unnamed if inherited else cluster.unnamed,
            "overseer": _overseer(cluster, inherited),
            "year_plan": plan.model_dump(mode="json", exclude_none=True) if plan else None,
            "edition": self._editions[which],
            "clock": told.calendar,
            "starts": (told.starts or first).isoformat(),
        }
        sources = ", ".join(source.id for source in told.sources)[: limits.LABEL_CHARS]
        opening = self._opening(which, "open-cycle", fields, first, sources)
        if self._before is None or which == "next":
            return [opening]
        return [opening, *self._taken_over(self._before, first)]

    def _taken_over(self, before: State, first: datetime) -> Iterator[Planned]:
        """What an earlier cycle leaves: that it went before, who was chosen, or appointed by a decision in force."""
        earlier = self._told.continued or ""
        yield self._opening("this", "take-over", {"predecessors": [earlier]}, first, earlier)
        for role in ROLES:
            fields: dict[str, Any] | None = None
            held = before.membership.terms.get(role)
            chosen, there = before.conclusion.next.get(role), {*before.membership.members(), "unknown", "vacant"}
            if chosen is not None and chosen in there:
                fields = {"holder": chosen, "manner": before.conclusion.manners[role]}
            elif held and held[-1].basis is not None and held[-1].until is None and held[-1].holder in there:
                basis = held[-1].basis.model_dump(mode="json", exclude_none=True)
                fields = {"holder": held[-1].holder, "manner": held[-1].manner, "basis": basis}
            if fields is not None:
                yield self._opening("this", "assign-role", {"role": role, **fields}, first, earlier, role)

    def _opening(
        self, which: Which, act: str, fields: dict[str, Any], first: datetime, inferred_from: str, number: str = ""
    ) -> Planned:
        sure = Provenance(kind="inferred", source=inferred_from)
        key = f"{act}/{number}" if number else act
        said = CommandInput(
            self._told.stream(which), act, fields, happened=When.at(first), provenance=sure, act_key=key
        )
        return Planned(said, ("cluster",))

    def _meeting(self, number: int, meeting: MeetingEntry) -> Group:
        group = Group(when=meeting.on)
        cycles = dict.fromkeys([meeting.cycle, *(entry.cycle or meeting.cycle for entry in meeting.acts)])
        fields = meeting.model_dump(
            mode="json", include=set(Meeting.model_fields), exclude_none=True, exclude_defaults=True
        )
        for which in cycles:
            entry = ActEntry(act="record-meeting", fields=fields, cycle=which)
            group.acts.append(self._planned(entry, meeting, meeting.id, ("meetings", number)))
        for place, entry in enumerate(meeting.acts):
            group.acts.append(self._planned(entry, meeting, meeting.id, ("meetings", number, "acts", place)))
        return group

    def _outside(self) -> list[Group]:
        found: list[Group] = []
        last: OutsideEntry | None = None
        for number, entry in enumerate(self._told.acts):
            planned = self._planned(entry, None, entry.meeting, ("acts", number))
            together = last is not None and entry.meeting is not None and entry.meeting == last.meeting
            alone = entry.act == "correct" or (last is not None and last.act == "correct")
            if together and not alone:
                found[-1].acts.append(planned)
            else:
                found.append(Group([planned], planned.said.happened))
            last = entry
        return found

    def _planned(self, entry: ActEntry, meeting: MeetingEntry | None, named: str | None, place: YamlPath) -> Planned:
        when = entry.on or (meeting.on if meeting else None)
        if when is None:
            raise MissingDateError(place, entry.act)
        which = entry.cycle or (meeting.cycle if meeting else "this")
        stream = self._told.stream(which)
        kind = f"{named or '-'}/{entry.act}/{_whose(entry)}"
        said = CommandInput(
            stream,
            entry.act,
            entry.fields,
            happened=when,
            effective=entry.effective,
            signatories=entry.signatories,
            provenance=_provenance(entry, meeting),
            meeting=named,
            act_key=entry.key,
        )
        return Planned(said, place, entry.id, entry.corrects, kind=None if entry.key or entry.id else kind)


class MissingDateError(Exception):
    """An act of a file says nowhere when it happened."""

    def __init__(self, path: YamlPath, act: str) -> None:
        super().__init__(path, act)
        self.path = path
        self.act = act


def _units_of(before: State | None) -> list[dict[str, Any]]:
    if before is None:
        return []
    members = before.membership
    return [{"id": unit, "name": members.names[unit], "kind": members.kinds.get(unit)} for unit in members.members()]


def _overseer(cluster: ClusterEntry, before: State | None) -> dict[str, Any] | None:
    overseer = cluster.overseer or (before.membership.overseer if before else None)
    return overseer.model_dump(mode="json") if overseer else None


def _whose(entry: ActEntry) -> str:
    by = entry.fields.get("by")
    return str(entry.fields.get("unit") or (by.get("unit") if isinstance(by, dict) else by) or "-")


def _provenance(*told: StatedHow | None) -> Provenance:
    for one in told:
        if one is None:
            continue
        if one.rehearsed:
            return Provenance(kind="rehearsed", source=one.source or "")
        if one.inferred_from is not None:
            return Provenance(kind="inferred", source=one.inferred_from)
        if one.source is not None:
            return Provenance(kind="stated", source=one.source)
    return Provenance(kind="stated")
