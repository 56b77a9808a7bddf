"""What the pages work with: the office, accounts and what is stored beside them, projections, files, a mailer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from accounts.calendars import Calendars
from accounts.drafts import Drafts
from accounts.read_log import ReadLog
from accounts.stand_ins import StandIns
from accounts.store import Accounts
from application.application import Application
from ledger.postgres import open_ledger
from ledger.signing import Signer
from local.installation import entry_key
from mail import Mailer
from mail.folder import FolderMailer
from mail.smtp import SmtpMailer
from projections.board_table import Board
from projections.search import SearchIndex
from vault.files import Files
from vault.persons import People
from vault.texts import Texts
from web.settings import Settings
from workflows.client import TemporalClient, open_client


@dataclass(slots=True)
class Services:
    """One of each for the process. `jobs` are long works that go on while a page asks how far they are."""

    settings: Settings
    office: Application
    accounts: Accounts
    drafts: Drafts
    stand_ins: StandIns
    calendars: Calendars
    read_log: ReadLog
    board: Board
    search: SearchIndex
    files: Files
    mailer: Mailer | None
    pause_s: float = 1.0
    """The unit in which failed logins slow down; tests take a shorter one."""
    jobs: dict[str, Any] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def start(self, work: Any) -> None:
        """Let something go on in the background."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def services_of(office: Application, settings: Settings) -> Services:
    """The services around an office."""
    pool = office.ledger.pool
    mailer: Mailer | None = None
    if settings.smtp is not None:
        mailer = SmtpMailer(settings.smtp)
    elif settings.outbox is not None:
        mailer = FolderMailer(settings.outbox)
    board, search = Board(office.ledger, office.texts), SearchIndex(office.ledger)
    return Services(
        settings=settings,
        office=office,
        accounts=Accounts(pool),
        drafts=Drafts(pool),
        stand_ins=StandIns(pool),
        calendars=Calendars(pool),
        read_log=ReadLog(pool),
        board=board,
        search=search,
        files=Files(pool),
        mailer=mailer,
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Services]:
    """Services on an installation's database and engine, with the web's own role and key.

    Raises:
        LedgerError, OSError: there is no ledger, or nobody answers.
    """
    key = entry_key(settings.key_file)
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(settings.database_url, key.installation, writing=False)
        stack.push_async_callback(ledger.close)
        # Lazily: with the engine away, all pages read on.
        client = await stack.enter_async_context(open_client(settings.temporal, settings.namespace, lazy=True))
        signer = Signer(key.installation, ledger.epoch, key.key, key.private)
        office = Application(
            signer, key.rehearsal, ledger, Texts(ledger.pool), People(ledger.pool), TemporalClient(client)
        )
        del client
        yield services_of(office, settings)
        office.client = None


def services(request: Request) -> Services:
    """The services of the process that answers."""
    found: Services = request.app.state.services
    return found
