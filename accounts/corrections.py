"""What a correction of a person means for the account: it is noted, and links that went to an old address are void."""

from __future__ import annotations

from accounts.log import AccountChange, By, note
from accounts.logins import void_links
from ledger.connection import Connection
from vault.persons import Then


def noting(person: str, by: By) -> Then:
    """What `People.correct` does in its transaction when `by` corrects a person."""

    async def then(connection: Connection, changed: tuple[str, ...]) -> None:
        await note(connection, AccountChange.CONTACT_CHANGED, person, by, fields=", ".join(changed))
        if "email" in changed:
            await void_links(connection, person)

    return then
