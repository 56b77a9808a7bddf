"""The worker process: wires workflows, activities, the post and the projector. It is started, never imported.

    python -m worker

Settings by environment: THIDUA_DATABASE_URL (the application's role) or THIDUA_DATABASE_URL_FILE (a file with it),
THIDUA_TEMPORAL_ADDRESS, THIDUA_NAMESPACE, THIDUA_INSTALLATION (by default that of the log's key), THIDUA_OUTBOX (a
folder for messages, unless THIDUA_SMTP_HOST names a mail server), THIDUA_SENDER, THIDUA_WEB_ADDRESS (of the pages, for
links in mail), THIDUA_CHECKPOINTS (a folder) with THIDUA_LOG_KEY_FILE (what signs them), THIDUA_METRICS (a
port, on loopback unless THIDUA_METRICS_HOST says otherwise), THIDUA_WORKER_HEALTH (a port on loopback: whether it
polls), THIDUA_LOG_FORMAT and OTEL_… (docs/watching.md). What it shows to Temporal is set by
TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH, TEMPORAL_TLS_SERVER_CA_CERT_PATH and
TEMPORAL_TLS_SERVER_NAME; without them it works for rehearsals only. It logs "ready" when it polls, and ends on SIGTERM
or SIGINT.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from accounts.following import follow
from accounts.shared_drafts import remove_old
from activities.ledger import LedgerActivities
from activities.post import PostActivities
from application.bootstrap import check_law
from application.condition import measured
from application.condition_metrics import MEASURE_S, show
from application.heartbeat import Heartbeat
from application.key_ring import KeyRing, OwnKeyError
from application.log_keys import log_identity
from application.logs import configure
from application.metrics import served
from application.traces import traced
from application.upkeep import Upkeep
from domain import installation
from domain.installation import KeyRole
from errors import InputError
from i18n.messages import sentence
from ledger.checkpoints import FILE, CheckpointFile, CheckpointLog
from ledger.connection import RUNS_LOCK, is_lost
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger, open_ledger
from ledger.protocol import Stopped, UnreadableRowError, load_all
from ledger.turn import Turn
from local.certificates import ClientTls
from local.key_files import KeyFile, read_key
from local.private_files import secret_of
from local.process import free_ports
from mail.settings import MailSettings
from projections.board_table import Board
from projections.open_streams import decided_streams
from projections.search import SearchIndex
from vault.persons import People
from vault.texts import Texts
from web.notice_pages import pages_of
from web.settings import site_address
from workflows.city_year import CityYear
from workflows.client import open_client
from workflows.cluster_cycle import ClusterCycle
from workflows.installation import InstallationStream
from workflows.interceptor import worker_options
from workflows.messages import RUNS_IN_MEMORY, TASK_QUEUE
from workflows.polls import last_polls, server_answers
from workflows.post import Post
from workflows.runs import Runs, is_away
from workflows.unknown import Unknown

BOARD_S = 0.5
"""The least time between two runs of the board. A notice of an append starts one, so a page does not wait for the lines
of what its reader has just entered; but many appends at once cost one line for each cycle, not one for each act."""

SEARCH_S = 1.0
FOLLOW_S = 1.0
"""The same for what brings accounts after their events, where the process that entered them has died meanwhile."""

NAMESPACE_POLL_S = 0.2
CHECKPOINT_S = 300.0
OLD_DRAFTS_S = 6 * 3600.0
POLLS_S = 20.0
"""How often Temporal is asked whether this worker polls."""

RUNS_S = 30.0
"""How often the workflows that run are compared with those that must."""

NEW_NAMESPACE_S = 20.0
NAMED = 10
"""So many streams are named in the log, of those whose workflows were started."""

log = structlog.get_logger()


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"worker: {name} is not set")
    return value


def _secret(name: str) -> str:
    try:
        return secret_of(os.environ, name) or sys.exit(f"worker: {name} is not set")
    except InputError as error:
        sys.exit(f"worker: {sentence(error.code, error.facts)}")


def _installation() -> str:
    """The id that is set, or else that of the key of the log."""
    if not (file := os.environ.get("THIDUA_LOG_KEY_FILE")) or os.environ.get("THIDUA_INSTALLATION"):
        return _setting("THIDUA_INSTALLATION")
    try:
        return read_key(Path(file), "log").installation
    except InputError as error:
        sys.exit(f"worker: {sentence(error.code, error.facts)}")


def _folder(name: str) -> Path | None:
    return Path(value) if (value := os.environ.get(name)) else None


def _tls(*, rehearsal: bool) -> ClientTls | None:
    """Return what this worker shows to Temporal. Without a certificate it works for rehearsals only."""
    try:
        if (found := ClientTls.of(os.environ)) is None and not rehearsal:
            raise InputError("temporal_open", address=_setting("THIDUA_TEMPORAL_ADDRESS"))
    except InputError as error:
        sys.exit(f"worker: {sentence(error.code, error.facts)}")
    return found


async def _checkpoint(ledger: PostgresLedger, keys: KeyRing, *, wait: bool = False) -> None:
    """Make a checkpoint; where no folder is set for them, make none.

    Raises:
        OwnKeyError, InputError: the key of the log is not accepted, or its file cannot be read.
    """
    if (folder := _folder("THIDUA_CHECKPOINTS")) is None:
        return
    # The file is read each time, because a new key may have been put there.
    own = KeyFile(Path(_setting("THIDUA_LOG_KEY_FILE")), "log", _installation()).read()
    await keys.check_own(own.key, own.public, KeyRole.LOG, KeyRole.LOG)
    identity = log_identity(await keys.known(), own.note_signer.verifier)
    made = await CheckpointLog(ledger.pool, CheckpointFile(folder / FILE), own.note_signer, identity).advance(wait=wait)
    if made.recomputed and made.signed is not None:
        # Nothing is lost: the tree is computed from the events, and agrees with every checkpoint that was signed.
        log.warning("tree computed again", size=made.signed.checkpoint.size)


async def note_polls(client: Client, heartbeat: Heartbeat, queue: str = TASK_QUEUE) -> None:
    """Ask Temporal when this worker last polled."""
    try:
        found = await last_polls(client, queue)
    except RPCError:
        heartbeat.not_asked()
        return
    if client.identity in found:
        heartbeat.polled(found[client.identity])


async def _measure(ledger: PostgresLedger, client: Client, tls: ClientTls | None) -> None:
    """Measure the condition of the installation for the metrics."""
    ends = tls.last_moment if tls is not None else None
    show(await measured(ledger, {"temporal": partial(server_answers, client)}, ends))


async def _start_own(runs: Runs) -> None:
    """Start the workflows of the installation, its post and its own stream, unless they run.

    A server knows a namespace that was registered a moment ago only after its cache was refreshed, which takes some
    seconds. Until then it says that the namespace does not exist.
    """
    deadline = asyncio.get_running_loop().time() + NEW_NAMESPACE_S
    while True:
        try:
            await runs.start_own()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(NAMESPACE_POLL_S)
        else:
            return


async def compare_runs(runs: Runs, ledger: PostgresLedger, board: Board, turn: Turn) -> None:
    """Start the workflows that must run and do not, where it is this worker's turn; say so."""
    if not await turn.is_mine():
        return
    # Temporal's databases commit asynchronously. Where its server lived on while theirs had crashed, it remembers
    # what they have lost, and a run can wait for a task that nobody will send (ADR 21).
    anew = turn.was_lost
    await board.catch_up()
    started = await runs.compare(partial(decided_streams, ledger), anew=anew)
    if started:
        log.warning(
            "runs again from the ledger",
            missing=len(started.missing),
            replaced=len(started.replaced),
            database_was_away=anew,
            streams=[*started.missing, *started.replaced][:NAMED],
        )
    if started.error is not None:
        raise started.error
    turn.was_lost = False


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        configure("worker")
        with traced("worker", os.environ) as traces:
            await _work(traces=traces)
    except InputError as error:  # of the settings, and of files that they name
        sys.exit(f"worker: {sentence(error.code, error.facts)}")


async def _work(*, traces: bool) -> None:
    url, own = _secret("THIDUA_DATABASE_URL"), _installation()
    ledger = await open_ledger(url, own)
    keys = KeyRing(ledger, own, ledger.epoch)
    try:
        # Before the first append: a ledger that lacks what a checkpoint has seen is an old copy, and would fork.
        check_law(await load_all(ledger, installation.STREAM))
        await keys.refresh()  # otherwise the first batch that comes is sent twice
        await _checkpoint(ledger, keys, wait=True)
    except (OwnKeyError, InputError, Stopped, UnreadableRowError) as error:
        sys.exit(f"worker: {sentence(error.code, error.facts)}")
    first = await ledger.row(installation.STREAM, 1)
    tls = _tls(rehearsal=first is not None and installation.is_rehearsal(to_envelope(first).event))
    texts = Texts(ledger.pool)
    acts = LedgerActivities(ledger, texts, keys)
    settings, address = MailSettings.of(os.environ), site_address(os.environ)
    mailer = settings.mailer() or sys.exit("worker: THIDUA_OUTBOX is not set")
    post = PostActivities(
        ledger,
        People(ledger.pool),
        texts,
        mailer,
        settings.sender,
        lambda notice, stream: pages_of(notice, stream, address),
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = os.environ.get("THIDUA_METRICS")
    client_port = free_ports(1)[0] if port else None
    async with open_client(
        _setting("THIDUA_TEMPORAL_ADDRESS"), _setting("THIDUA_NAMESPACE"), tls, metrics_port=client_port, traces=traces
    ) as client:
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[ClusterCycle, CityYear, InstallationStream, Post, Unknown],
            activities=[acts.load, acts.append, acts.run_due_timers, acts.edition, acts.recall, post.deliver],
            # Tests run workflows inside the sandbox (ADR 5).
            workflow_runner=UnsandboxedWorkflowRunner(),
            **worker_options(keys),
            max_cached_workflows=RUNS_IN_MEMORY,
            graceful_shutdown_timeout=timedelta(seconds=5),
            # Together with the client's TASK_TIMEOUT: how long a command waits when its worker was killed.
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        )
        heartbeat, health = Heartbeat(), os.environ.get("THIDUA_WORKER_HEALTH")
        async with AsyncExitStack() as stack:
            # Only now: that there are metrics tells that Temporal was reached.
            stack.enter_context(served(os.environ, int(port) if port else None, client_port))
            await stack.enter_async_context(worker)
            if health:
                await stack.enter_async_context(heartbeat.served(int(health)))
            runs = Runs(client, own)
            await _start_own(runs)
            board, turn = Board(ledger, texts), Turn(ledger.url, RUNS_LOCK)
            upkeep = Upkeep(ledger, lambda error: is_lost(error) or is_away(error), (OwnKeyError, InputError))
            upkeep.after_appends(BOARD_S, "board", board.catch_up)
            upkeep.after_appends(SEARCH_S, "search", SearchIndex(ledger).catch_up)
            upkeep.after_appends(FOLLOW_S, "accounts", partial(follow, ledger.pool, ledger))
            upkeep.every(RUNS_S, "runs", partial(compare_runs, runs, ledger, board, turn), first_s=0.0)
            upkeep.every(POLLS_S, "polls", partial(note_polls, client, heartbeat))
            if port:
                upkeep.every(MEASURE_S, "condition", partial(_measure, ledger, client, tls), first_s=0.0)
            upkeep.every(OLD_DRAFTS_S, "drafts", partial(remove_old, ledger.pool))
            upkeep.every(CHECKPOINT_S, "checkpoint", partial(_checkpoint, ledger, keys))
            async with upkeep.running():
                log.info("ready", installation=own, streams=len(await ledger.streams()))
                await stop.wait()
            turn.close()
            del runs, upkeep  # they hold the client
        del worker
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main())
