"""Putting an edition in force in clusters of one organiser: what would be recorded, whom it moves, and entering it.

Everything is decided first, on copies: where one cluster would not take it, nothing is entered anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from application.application import Application, CommandInput
from application.command_preview import deviations_by_key, names_in, readable_part
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.edition_checks import digest_of
from application.event_texts import Background, event_texts
from application.fields import FieldFiller
from application.visits import Visitor, open_cycle
from domain.due_dates import Obligation
from domain.duties import Duty
from domain.records import Refused
from domain.rules import Edition
from domain.steps.lifecycle import AdoptEdition, EditionAdopted
from domain.types import changed_key
from errors import CodedError
from i18n.editions import edition_title, edition_with_changes
from i18n.messages import sentence
from i18n.state_text import deviation_text
from i18n.timeline import EventText


@dataclass(frozen=True, slots=True)
class MovedTask:
    """An open task whose last day moves, and of which units; None: it has no last day."""

    duty: Duty
    before: datetime | None
    after: datetime | None
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterAdoption:
    """What putting the edition in force does in one cluster; `wrong` says why it would not be taken."""

    stream: str
    title: str
    events: tuple[EventText, ...] = ()
    moved: tuple[MovedTask, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    replaces: str = ""
    """The digest of the edition that was in force."""

    wrong: str = ""


@dataclass(frozen=True, slots=True)
class PlannedAdoption:
    """An edition to be put in force: in which cycles, from which day on, and the paper that says so."""

    edition: Edition
    streams: tuple[str, ...]
    effective: date | None
    basis: Mapping[str, Any]

    @property
    def body(self) -> str:
        """The edition's stored text."""
        return self.edition.model_dump_json()

    @property
    def digest(self) -> str:
        """The digest of the edition's stored text."""
        return digest_of(self.edition)

    def commands(self, ids: Mapping[str, UUID]) -> list[CommandInput]:
        """Return the command of each cycle; `ids` are those of the commands, by cycle."""
        fields: dict[str, Any] = {"edition": self.digest}
        if self.basis:
            fields["basis"] = dict(self.basis)
        return [
            CommandInput(stream, AdoptEdition.NAME, fields, ids[stream], effective=self.effective)
            for stream in self.streams
        ]


async def previewed(
    application: Application, visitor: Visitor, adoption: PlannedAdoption, ids: Mapping[str, UUID]
) -> list[ClusterAdoption]:
    """Decide the commands on copies of the cycles, and say of each what would be recorded.

    Raises:
        GateClosedError: the visitor may not enter them.
        InputError: the paper or a day cannot be used.
    """
    commands = adoption.commands(ids)
    await application.gate.check(visitor.submitter(), commands, trying=True)
    entered = {row.stream for row in await application.ledger.of_commands(list(ids.items()))}
    return [await _in_cluster(application, visitor, adoption, one, entered) for one in commands]


async def _in_cluster(
    application: Application,
    visitor: Visitor,
    adoption: PlannedAdoption,
    command: CommandInput,
    entered: Collection[str],
) -> ClusterAdoption:
    cycle = await open_cycle(application, command.stream, visitor)
    if cycle.stream in entered:  # by the same page, before
        return ClusterAdoption(cycle.stream, cycle.name)
    history = [envelope for _row, envelope in cycle.history]
    dry_run = DryRun(application, {adoption.digest: adoption.edition}, history, cycle.state, cycle.rules)
    item = await application.item(command, FieldFiller(DryRunTexts(application.texts), application.people))
    found = ClusterAdoption(cycle.stream, cycle.name)
    try:
        strength = application.gate.strength_of(visitor.submitter())
        envelopes = await dry_run.decide(item, visitor.contact.id, visitor.unit, strength)
    except Refused as error:
        facts = {**error.facts, "edition": adoption.edition.title}
        return replace(found, wrong=sentence(error.code, facts, cycle.names))
    then = readable_part(dry_run, cycle.stream, visitor)
    before, after, names = deviations_by_key(cycle.readable), deviations_by_key(then), names_in(dry_run)
    told = {adoption.digest: edition_title(adoption.edition)}
    for envelope in envelopes:
        if isinstance(envelope.event, EditionAdopted) and envelope.event.replaces is not None:
            earlier = await application.edition(envelope.event.replaces)
            if earlier is not None:
                key = changed_key(envelope.event.replaces, adoption.digest)
                told[key] = edition_with_changes(earlier, adoption.edition)
    background = Background(history, dry_run.rules, names)
    return replace(
        found,
        replaces=cycle.state.lifecycle.edition or "",
        events=await event_texts(application, background, envelopes, told),
        moved=_moved(cycle.readable.obligations, then.obligations, names),
        new=tuple(deviation_text(one, names) for key, one in after.items() if key not in before),
        gone=tuple(deviation_text(one, names) for key, one in before.items() if key not in after),
    )


def _moved(
    before: Sequence[Obligation], after: Sequence[Obligation], names: Mapping[str, str]
) -> tuple[MovedTask, ...]:
    dues = {(one.duty, one.bearer, one.subject): one.due for one in before if one.done is None}
    moved: dict[tuple[Duty, datetime | None, datetime | None], list[str]] = {}
    for one in after:
        key = (one.duty, one.bearer, one.subject)
        if one.done is None and key in dues and dues[key] != one.due:
            moved.setdefault((one.duty, dues[key], one.due), []).append(names.get(one.bearer, one.bearer))
    return tuple(
        MovedTask(duty, was, is_now, tuple(dict.fromkeys(units))) for (duty, was, is_now), units in moved.items()
    )


async def adopt(
    application: Application, visitor: Visitor, adoption: PlannedAdoption, ids: Mapping[str, UUID]
) -> list[tuple[str, CodedError | None]]:
    """Store the edition and enter the commands under one signature, once the password was asked for.

    Returns each cycle with what went wrong there, such as a server that is away; the same ids again repeat only that.

    Raises:
        InputError, GateClosedError, Refused: then nothing was entered.
    """
    await application.texts.put_edition(adoption.body)
    return await application.submit_to_each(visitor.submitter(confirmed=True), adoption.commands(ids))
