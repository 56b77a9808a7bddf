"""What the pages work with: the application, accounts and what is stored beside them, projections, files, mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from fastapi import Request

from accounts.attempts import Attempts
from accounts.calendars import Calendars
from accounts.codes import Codes
from accounts.drafts import Drafts
from accounts.edition_drafts import EditionDrafts
from accounts.log import AccountLog
from accounts.read_log import ReadLog
from accounts.shared_drafts import SharedDrafts
from accounts.stand_ins import StandIns
from accounts.store import Accounts
from accounts.throttle import Throttle
from application.administration import Administration
from application.application import Application
from application.condition import Asked
from application.file_access import FileAccess
from application.gate import Gate
from application.jobs import Jobs
from application.previews import Previews
from errors import InputError
from ledger.postgres import open_ledger
from ledger.watch import DatabaseWatch
from local.account_keys import AccountKeys
from local.key_files import KeyFile, read_key
from mail import Mailer
from projections.board_table import Board
from projections.home_lines import HomeLines
from projections.people import PeopleDirectory
from projections.search import SearchIndex
from vault.files import Files
from vault.persons import People
from vault.texts import Texts
from web import quotas
from web.request_rate import RequestRate
from web.settings import Settings
from workflows.client import TemporalClient, open_client


@dataclass(slots=True)
class Services:
    """One of each for the process."""

    settings: Settings
    application: Application
    accounts: Accounts
    codes: Codes
    throttle: Throttle
    drafts: Drafts
    shared: SharedDrafts
    edition_drafts: EditionDrafts
    stand_ins: StandIns
    calendars: Calendars
    read_log: ReadLog
    account_log: AccountLog
    administration: Administration
    board: Board
    home: HomeLines
    search: SearchIndex
    people: PeopleDirectory
    files: Files
    mailer: Mailer | None
    jobs: Jobs = field(default_factory=Jobs)
    previews: Previews = field(default_factory=Previews)
    rate: RequestRate = field(default_factory=RequestRate)
    mails: set[asyncio.Task[None]] = field(default_factory=set)
    """Mails that are being sent after an answer."""
    deferred_mails: set[asyncio.Task[None]] = field(default_factory=set)
    """Those that wait for another try."""
    year_scores: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the points of a year are put together, which takes seconds of processor: one at a time."""

    @property
    def parts(self) -> Asked:
        """The parts that can be asked whether they answer."""
        client = self.application.client
        return {"temporal": client.answers, "worker": client.has_worker} if isinstance(client, TemporalClient) else {}

    @property
    def file_access(self) -> FileAccess:
        """Which files a visitor may open."""
        return FileAccess(self.application, self.accounts, self.board, self.search, self.files)


def services_of(application: Application, settings: Settings) -> Services:
    """The services around an application."""
    pool = application.ledger.pool
    return Services(
        settings=settings,
        application=application,
        accounts=Accounts(pool),
        codes=Codes(pool, AccountKeys(settings.account_key_file)),
        throttle=Throttle(Attempts(pool)),
        drafts=Drafts(pool, quotas.DRAFTS, quotas.DRAFT_CHARACTERS),
        shared=SharedDrafts(pool, quotas.SHARED_DRAFT_CHARACTERS),
        edition_drafts=EditionDrafts(pool, quotas.EDITION_DRAFTS, quotas.EDITION_CHARACTERS),
        stand_ins=StandIns(pool),
        calendars=Calendars(pool),
        read_log=ReadLog(pool),
        account_log=AccountLog(pool),
        administration=Administration(application),
        board=Board(application.ledger, application.texts),
        home=HomeLines(pool),
        search=SearchIndex(application.ledger),
        people=PeopleDirectory(pool),
        files=Files(pool, quotas.UPLOAD_BYTES_A_DAY),
        mailer=settings.mail.mailer(),
    )


@asynccontextmanager
async def opened(
    settings: Settings, client_port: int | None = None, *, traces: bool = False
) -> AsyncIterator[Services]:
    """Services on an installation's database and engine, with the web's own role and key.

    `client_port` on loopback serves the metrics of Temporal's client; with `traces` it carries a trace to the workers.

    Raises:
        LedgerError, OSError: there is no ledger, or the database does not answer.
        InputError: the key file cannot be used; `temporal_open`: nothing is set to be shown to Temporal, and this is no
            rehearsal; `roles_in_earnest`: this is no rehearsal, and a file lets visitors choose whom to be; or as
            `ClientTls.config`.
    """
    key = read_key(settings.key_file, "web")
    if settings.tls is None and not key.rehearsal:
        raise InputError("temporal_open", address=settings.temporal)
    if settings.roles_file is not None and not key.rehearsal:
        raise InputError("roles_in_earnest", file=str(settings.roles_file))
    async with AsyncExitStack() as stack:
        watch = DatabaseWatch(settings.database_url)
        ledger = await open_ledger(settings.database_url, key.installation, writing=False, watch=watch)
        stack.push_async_callback(ledger.close)
        await stack.enter_async_context(watch.running())
        # Connected at the first submission: pages can be read while the engine does not run.
        client = await stack.enter_async_context(
            open_client(
                settings.temporal,
                settings.namespace,
                settings.tls,
                lazy=True,
                metrics_port=client_port,
                traces=traces,
            )
        )
        gate = Gate(KeyFile(settings.key_file, "web", key.installation), ledger, rehearsal=key.rehearsal)
        application = Application(gate, ledger, Texts(ledger.pool), People(ledger.pool), TemporalClient(client))
        # The client must have no other holder than the application, which lets go of it below.
        del client
        stack.push_async_callback(application.close)
        yield services_of(application, settings)
        application.client = None


def get_services(request: Request) -> Services:
    """The services of the process that answers."""
    found: Services = request.app.state.services
    return found
