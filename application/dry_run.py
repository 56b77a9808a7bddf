"""Dry runs: commands are decided on the current state, and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce

from application.application import Application
from application.persons import PersonEntry
from application.readable import ReadablePart
from application.work import of_many
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.cycle import CYCLE
from domain.records import AlreadyRecorded, Event, EventEnvelope, Refused
from domain.rules import NO_RULES, Edition
from domain.state import State
from domain.strengths import Strength
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.signing import BatchItem
from vault.persons import Contact, People, commitment_of


class DryRun:
    """A cycle in which commands are decided one after another without being recorded."""

    def __init__(
        self,
        app: Application,
        editions: Mapping[str, Edition],
        history: list[EventEnvelope[Event]],
        state: State,
        rules: Edition = NO_RULES,
    ) -> None:
        self._app, self._editions, self.history = app, editions, history
        self.state, self.rules = state, rules

    @property
    def unsaved_editions(self) -> Mapping[str, Edition]:
        """The editions that are not stored yet, by digest."""
        return self._editions

    @classmethod
    async def of(cls, app: Application, editions: Mapping[str, Edition], rows: Iterable[RecordedEvent]) -> DryRun:
        """Return a dry run on top of a stream's rows. `editions` holds editions that are not stored yet, by digest."""
        stored = list(rows)
        history = await of_many(len(stored), lambda: [to_envelope(row) for row in stored])
        dry_run = cls(app, editions, history, await of_many(len(history), CYCLE.fold, history))
        await dry_run.load_rules()
        return dry_run

    async def decide(
        self, item: BatchItem, person: str, unit: str, strength: Strength
    ) -> tuple[EventEnvelope[Event], ...]:
        """Decide one more command and return its events; none if it was recorded before.

        Raises:
            Refused
        """
        authenticated = _authenticated(item, person, unit, strength)
        try:
            envelopes = CYCLE.decide(authenticated, self.state, self.rules, len(self.history), tuple(self.history))
        except AlreadyRecorded:
            return ()
        self.history.extend(envelopes)
        # Corrected events are left out, which only a fold of the whole history can do.
        if authenticated.command.NAME == "correct":
            self.state = await of_many(len(self.history), CYCLE.fold, self.history)
        else:
            self.state = reduce(CYCLE.evolve, envelopes, self.state)
        await self.load_rules()
        return envelopes

    def decide_as_reader(
        self, item: BatchItem, person: str, unit: str, strength: str, part: ReadablePart
    ) -> tuple[EventEnvelope[Event], ...]:
        """Decide a command on what its issuer may read, and keep nothing; returns no events if it is refused."""
        readable = tuple(one for one in part.envelopes if one.meta.version in part.versions)
        authenticated = _authenticated(item, person, unit, strength)
        try:
            return CYCLE.decide(authenticated, part.state, part.rules, len(part.envelopes), readable)
        except (AlreadyRecorded, Refused):
            return ()

    async def load_rules(self) -> None:
        """Load the rules that are in force in the current state."""
        self.rules = await self._app.rules(CYCLE.adoptions(self.state), self._editions)


def _authenticated(item: BatchItem, person: str, unit: str, strength: str) -> AuthenticatedCommand:
    payload = CommandPayload.model_validate_json(item.payload)
    return payload.authenticated(
        item.stream, item.command_id, actor=person, unit=unit, issued=datetime.now(UTC), strength=strength
    )


class PersonsWithFile:
    """The person directory together with the persons of a file that is not entered yet."""

    def __init__(self, people: People, entries: Sequence[PersonEntry]) -> None:
        self._people, self._entries = people, {entry.id: entry for entry in entries}

    async def get(self, person: str, /) -> Contact | None:
        """Return the person with this id, or None."""
        contact, entry = await self._people.get(person), self._entries.get(person)
        if contact is not None or entry is None:
            return contact
        commitment = commitment_of(b"", entry.name)
        return Contact(entry.id, entry.unit, entry.name, entry.office, entry.email, entry.phone, commitment)
