"""The law in force along a ledger: which events put one in force, and whether they may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from audit.keys import KeyHistory
from domain import installation
from domain.commands import CommandPayload
from domain.law import LawPutInForce, PutLawInForce
from domain.records import Refused
from ledger.bodies import EventBody
from ledger.events import RecordedEvent
from ledger.signing import Header, SignedCommand


def puts_in_force(number: int, law: int, content: EventBody | None) -> bool:
    """Return whether an event with this content puts a higher law than `law` in force: the one with this number."""
    if content is None or number <= law or (content.stream, content.type) != _RAISES_LAW:
        return False
    with suppress(ValueError):
        return LawPutInForce.model_validate_json(bytes(content.payload)).law == number == content.law
    return False


def faults_of_law(row: RecordedEvent, header: Header, command: SignedCommand, keys: KeyHistory) -> Iterator[tuple[str]]:
    """Yield the codes of what is wrong with a signed event that puts a law in force; nothing for any other event."""
    if row.type != LawPutInForce.NAME:
        return
    if not keys.is_command_line(header.key, row.position):
        yield ("law_key",)
    if not _follows(row, command):
        yield ("does_not_follow",)


def _follows(row: RecordedEvent, command: SignedCommand) -> bool:
    with suppress(Refused, ValueError):
        signed = CommandPayload.model_validate_json(command.payload).parsed()
        named = LawPutInForce.model_validate_json(row.payload).law
        return signed == PutLawInForce(law=named) and named == row.law
    return False


_RAISES_LAW = (installation.STREAM, LawPutInForce.NAME)
