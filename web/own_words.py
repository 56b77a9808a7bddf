"""The words that belong to a person: no password may consist of them."""

from __future__ import annotations

from vault.persons import Contact
from web.services import Services


async def own_words(services: Services, contact: Contact | None) -> tuple[str, ...]:
    """Name, id, addresses and unit of a person, and the unit's names in its clusters."""
    if contact is None:
        return ()
    units = await services.board.names_of(contact.unit)
    own = (contact.id, contact.name, contact.unit, contact.email, contact.phone, *units)
    return tuple(word for word in own if word)
