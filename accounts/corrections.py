"""What a correction of a person means for the account: links that went to an old address are void.

A person's own correction is noted in the log. That by another is recorded in the ledger before.
"""

from __future__ import annotations

from accounts.log import AccountChange, By, note
from accounts.logins import void_links
from ledger.connection import Connection
from vault.persons import Then


def noting(person: str) -> Then:
    """What `People.correct` does in its transaction when a person corrects how they are called and reached."""

    async def then(connection: Connection, changed: tuple[str, ...]) -> None:
        await note(connection, AccountChange.CONTACT_CHANGED, person, By(person), fields=", ".join(changed))
        await _void_links(connection, person, changed)

    return then


def recorded(person: str) -> Then:
    """What it does when another has corrected a person, as the ledger tells."""

    async def then(connection: Connection, changed: tuple[str, ...]) -> None:
        await _void_links(connection, person, changed)

    return then


async def _void_links(connection: Connection, person: str, changed: tuple[str, ...]) -> None:
    if "email" in changed:
        await void_links(connection, person)
