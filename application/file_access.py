"""Who may open a file: the people of its unit, and whoever may read an event that names it."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.store import Accounts
from application.application import Application
from application.visits import Visitor, open_cycle
from domain.access import Reader
from projections.board_table import Board
from vault.files import StoredFile


async def files_of(accounts: Accounts, visitor: Visitor, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Those of the files that belong to the visitor's unit, as far as they are for accounts of the visitor's kind.

    What the secretariat uploads is for the secretariat: its unit has other people, who do not read closed events.
    """
    own = [one for one in files if one.unit == visitor.unit]
    if visitor.login.account.kind == "secretariat":
        return own
    found = {one: await accounts.get(one) for one in {file.person for file in own}}
    secretaries = {person for person, account in found.items() if account is not None and account.kind == "secretariat"}
    return [one for one in own if one.person not in secretaries or one.person == visitor.contact.id]


async def may_open(application: Application, board: Board, visitor: Visitor, file: StoredFile) -> bool:
    """Whether the visitor may read an event that names a file, in a cycle of the unit that uploaded it."""
    if Reader.AUDITOR in visitor.readers():
        return True
    streams = await board.streams_of(file.unit, {visitor.unit, f"@{visitor.contact.id}"})
    for stream in streams:
        cycle = await open_cycle(application, stream, visitor)
        if any(file.reference in row.payload for row, _envelope in cycle.readable_history()):
            return True
    return False
