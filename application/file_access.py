"""Who may open a file: the people of its unit, and whoever may read an event that names it."""

from __future__ import annotations

from accounts.store import Accounts
from application.application import Application
from application.visits import Visitor, open_cycle
from domain.access import Reader
from projections.board_table import Board
from vault.files import StoredFile


async def closed_uploaders(accounts: Accounts, visitor: Visitor) -> frozenset[str]:
    """The persons whose files are not for the visitor, although they are of the visitor's unit.

    What the secretariat uploads is for the secretariat: its unit has other people, who do not read closed events.
    """
    if visitor.login.account.kind == "secretariat":
        return frozenset()
    return await accounts.secretaries() - {visitor.contact.id}


async def may_open(
    application: Application, accounts: Accounts, board: Board, visitor: Visitor, file: StoredFile
) -> bool:
    """Whether the file is of the visitor's unit, or the visitor may read an event that names it."""
    if Reader.AUDITOR in visitor.readers():
        return True
    if file.unit == visitor.unit and file.person not in await closed_uploaders(accounts, visitor):
        return True
    for stream in await board.shared_cycles(file.unit, visitor.unit, visitor.contact.id):
        cycle = await open_cycle(application, stream, visitor)
        if any(f"tep/{file.digest}/" in row.payload for row, _envelope in cycle.readable_history()):
            return True
    return False
