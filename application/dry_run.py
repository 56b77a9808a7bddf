"""Trying what somebody means to enter: it is decided as the register stands, and nothing is kept, not even a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce

from application.application import Application
from application.persons import PersonEntry
from domain.commands import CommandPayload
from domain.cycle import CYCLE
from domain.rules import NO_RULES, Edition
from domain.types import AlreadyRecorded, Event, EventEnvelope
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.signing import BatchItem
from vault.persons import Contact, People, commitment_of


class DryRun:
    """A cycle in which commands are decided without being entered."""

    def __init__(
        self, open_: Application, editions: Mapping[str, Edition], history: list[EventEnvelope[Event]]
    ) -> None:
        self._open, self._editions, self.history = open_, editions, history
        self.state, self.rules = CYCLE.fold(history), NO_RULES

    @classmethod
    async def of(cls, open_: Application, editions: Mapping[str, Edition], rows: Iterable[RecordedEvent]) -> DryRun:
        """On top of what the register holds."""
        dry_run = cls(open_, editions, [to_envelope(row) for row in rows])
        await dry_run.look_at_rules()
        return dry_run

    async def decide(
        self, item: BatchItem, person: str, unit: str, strength: str = "os-account"
    ) -> tuple[EventEnvelope[Event], ...]:
        """Decide one more command; returns what would happen, which is nothing when it was said before.

        Raises:
            Refused
        """
        command = CommandPayload.model_validate_json(item.payload)
        authenticated = command.authenticated(
            item.stream, item.command_id, actor=person, unit=unit, issued=datetime.now(UTC), strength=strength
        )
        try:
            told = CYCLE.decide(authenticated, self.state, self.rules, len(self.history), tuple(self.history))
        except AlreadyRecorded:
            return ()
        self.history.extend(told)
        # What was corrected is left out of the fold, which only the whole history can do.
        corrected = authenticated.command.NAME == "correct"
        self.state = CYCLE.fold(self.history) if corrected else reduce(CYCLE.evolve, told, self.state)
        await self.look_at_rules()
        return told

    async def look_at_rules(self) -> None:
        """Take the rules that are in force now."""
        digest = CYCLE.edition(self.state)
        self.rules = self._editions.get(digest or "") or await self._open.rules(digest)


class PersonsWithFile:
    """The book with the persons of a file that is only tried."""

    def __init__(self, people: People, expected: Sequence[PersonEntry]) -> None:
        self._people, self._expected = people, {one.id: one for one in expected}

    async def get(self, person: str, /) -> Contact | None:
        """The person under an id."""
        if (found := await self._people.get(person)) is not None or (one := self._expected.get(person)) is None:
            return found
        return Contact(one.id, one.unit, one.name, one.office, one.email, one.phone, commitment_of(b"", one.name))
