"""Who may open a file: the people of its unit, and readers of an event that names it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.store import Accounts
from application.act_view import may_open as may_open_row
from application.application import Application
from application.visits import ForbiddenError, VisitedCycle, Visitor, open_cycle
from domain.access import Reader
from errors import NotFoundError
from projections.board_table import Board
from projections.search import SearchIndex
from vault.files import Files, StoredFile


async def closed_uploaders(accounts: Accounts, visitor: Visitor) -> frozenset[str]:
    """The persons whose files are not for the visitor, although they are of the visitor's unit.

    What the secretariat uploads is for the secretariat: its unit has other people, who do not read closed events.
    """
    if visitor.login.account.kind == "secretariat":
        return frozenset()
    return await accounts.secretaries() - {visitor.contact.id}


@dataclass(frozen=True, slots=True)
class CorrectedUse:
    """A corrected act that names a file: in which cycle, and the version of the correction."""

    stream: str
    cluster: str
    year: int
    corrected: int
    may_open: bool
    """The visitor may open the correction's receipt."""


async def corrected_uses(
    application: Application, search: SearchIndex, visitor: Visitor, files: Iterable[StoredFile]
) -> dict[str, list[CorrectedUse]]:
    """The corrected acts that name files, by the file's digest, as far as the visitor may read them."""
    found: dict[str, list[CorrectedUse]] = {}
    cycles: dict[str, VisitedCycle] = {}
    for digest, stream, version, corrected in await search.corrected_uses({one.digest for one in files}):
        if stream not in cycles:
            cycles[stream] = await open_cycle(application, stream, visitor)
        cycle = cycles[stream]
        if {version, corrected} <= cycle.readable.versions:
            lifecycle, row = cycle.state.lifecycle, next(row for row in cycle.rows if row.version == corrected)
            use = CorrectedUse(stream, lifecycle.cluster_name, lifecycle.year, corrected, may_open_row(cycle, row))
            found.setdefault(digest, []).append(use)
    return found


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Opens files for visitors who may."""

    application: Application
    accounts: Accounts
    board: Board
    search: SearchIndex
    files: Files

    async def opened(self, visitor: Visitor, digest: str, name: str) -> StoredFile:
        """The file with a digest that the visitor may open; of those with the same bytes the one with the name first.

        Raises:
            NotFoundError: `page_not_found`: there is none, or it was erased.
            ForbiddenError: `not_yours_to_read`.
        """
        found = sorted(await self.files.of_digest(digest), key=lambda one: one.name != name)
        if not found:
            raise NotFoundError("page_not_found")
        for one in found:
            if await self._may_open(visitor, one):
                return one
        raise ForbiddenError("not_yours_to_read")

    async def _may_open(self, visitor: Visitor, file: StoredFile) -> bool:
        """Whether the file is of the visitor's unit, or the visitor may read an event that names it."""
        if Reader.AUDITOR in visitor.readers():
            return True
        if file.unit == visitor.unit and file.person not in await closed_uploaders(self.accounts, visitor):
            return True
        shared = await self.board.shared_cycles(file.unit, visitor.unit, visitor.contact.id)
        # The index knows where it is named, but may be a moment behind: the other cycles come after.
        named = await self.search.streams_naming(file.digest)
        for stream in sorted(shared, key=lambda one: one not in named):
            cycle = await open_cycle(self.application, stream, visitor)
            if any(f"tep/{file.digest}/" in row.payload for row, _envelope in cycle.readable_history()):
                return True
        return False
