"""`thidua compose`: secrets for `docker-compose.yml`, and what its one-shot services do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

from application.bootstrap import bootstrap
from application.metrics import program_version
from cli.backing_up import CHECKPOINTS_SETTING, tell_of_backup
from cli.outcome import Exit, answer, say, terminal
from domain.times import ICT
from errors import InputError
from i18n import _
from ledger.checkpoints import FILE as CHECKPOINT_FILE
from ledger.setup import address_of
from local.backup import BackupSource, back_up
from local.backup_key import BackupKey
from local.certificates import CERTIFICATES, Certificates, ClientTls
from local.daily_backups import daily_backups, remove_older
from local.engine import LOCK_POLL_S, try_lock
from local.installation import is_founded
from local.installing import found_ledger, installation_for
from local.last_backup import LAST_BACKUP, note_backup
from local.ownership import check_new
from local.paths import Paths, paths
from local.postgres import GivenServer
from local.private_files import secret_of
from local.process import EngineUnavailableError
from local.questions import answers, grpc_answers
from local.services import (
    SECRETS,
    TEMPORAL_PASSWORD,
    backup_url,
    check_no_traces,
    check_secrets,
    env_text,
    give_to_owner,
    hand_out,
    note_in_backups,
    write_env,
)
from web.settings import check_settings

BACKUP_KEY_SETTING = "THIDUA_BACKUP_KEY_FILE"
"""The file of the key that proves backups, where there is no data folder."""


async def env(address: str, file: Path, *, as_json: bool) -> int:
    """Write a new file of settings with random secrets."""
    check_settings({"THIDUA_WEB_ADDRESS": address})
    notes = {
        "COMPOSE_PROJECT_NAME": _("Settings of docker-compose.yml. Keep this file: nobody else can read it."),
        "THIDUA_WEB_ADDRESS": _("What people type into the browser; links in mail begin with it."),
        "THIDUA_WEB_PORT": _("The port of the pages on this machine, for a proxy with TLS on it."),
        "THIDUA_PAGES_NETWORK": _("A network that nothing else here uses; its proxy names who asks."),
        "THIDUA_TLS": _("For the TLS proxy: `internal`, a mail address, or two files; see ops/Caddyfile."),
        "THIDUA_SMTP_HOST": _("The mail server. Without it mail is kept, and reaches nobody."),
        "THIDUA_ALERTS_TO": _(
            "Who gets alerts by mail, with the profile `metrics`: an address, or several with commas."
        ),
        "THIDUA_BACKUPS": _("Where the daily backup goes; the docs say who must own it."),
        SECRETS[0]: _("Secrets. They cannot be changed here alone once the installation is founded."),
    }
    write_env(file, env_text(address, notes))
    text = _("{file} is written. Next: `docker compose up --detach`.").format(file=file)
    answer({"file": str(file)}, as_json=as_json, show=lambda: terminal().print(text, soft_wrap=True))
    return Exit.DONE


async def found(*, as_json: bool) -> int:
    """Make what the services need, where it is missing: roles, schema, keys, certificates; hand each its files.

    Run again it changes nothing but what an update brings: the law, new keys, certificates before they end.
    """
    from local.temporal import DYNAMIC_CONFIG, make_databases

    check_secrets(os.environ)
    owner, folders, backups = _setting("DATABASE_URL"), Path(_setting("THIDUA_PARTS")), Path(_setting("THIDUA_BACKUPS"))
    dirs = paths().make()
    try:
        async with _locked(dirs):
            if not is_founded(dirs.data):
                await check_new(dirs, owner)
                check_no_traces(folders, backups)
            installed = await installation_for(dirs, owner)
            try:
                note_in_backups(backups, installed.id, dirs.data.stat())
            except OSError as error:
                text = _("Nothing can be noted in {folder} ({problem}): that all volumes are lost will not be noticed.")
                say(text.format(folder=backups, problem=error.strerror))
            app, _reader, web = await found_ledger(dirs, installed, owner, bootstrap, address_of(owner))
            await make_databases(GivenServer(owner), os.environ[TEMPORAL_PASSWORD])
            certificates = Certificates(dirs.data / CERTIFICATES)
            # A server that runs has these, and takes no client with new ones.
            if certificates.last_moment() is None or not await _temporal_runs(certificates.client_tls):
                certificates.renew()
            urls = {"worker": app, "web": web, "backup": await backup_url(owner)}
            hand_out(dirs.data, folders, urls, DYNAMIC_CONFIG)
    finally:  # also after a refusal: a restore, which comes next then, runs as another user
        give_to_owner(dirs.data)
    text = _("The installation {id} is ready.").format(id=installed.id)
    answer({"installation": installed.id}, as_json=as_json, show=lambda: terminal().print(text))
    return Exit.DONE


async def backup(folder: Path, *, as_json: bool) -> int:
    """Write the database into a new folder, with what the service that does it each day is given: no key but one."""
    source = BackupSource(
        secret_of(os.environ, "THIDUA_DATABASE_URL") or _setting("THIDUA_DATABASE_URL"),
        Path(_setting(CHECKPOINTS_SETTING)) / CHECKPOINT_FILE,
        BackupKey.read(Path(_setting(BACKUP_KEY_SETTING))),
        program_version(),
        paths().cache,
    )
    made, digest = await back_up(source, folder)
    note_backup(Path(_setting(LAST_BACKUP)), made.made_at)
    tell_of_backup(folder, made, digest, None, _("The keys are not in it."), as_json=as_json)
    return Exit.DONE


async def backups(folder: Path, keep: int | None, *, as_json: bool) -> int:
    """List the daily backups that the key proves, and on request remove all but the newest of them."""
    key = BackupKey.read(Path(_setting(BACKUP_KEY_SETTING)))
    found = daily_backups(folder, key, datetime.now(ICT))
    if keep is not None:
        found = remove_older(found, keep)
    names = [one.name for one in found]

    def show() -> None:
        for name in names:
            terminal().print(name)

    answer({"backups": names}, as_json=as_json, show=show)
    return Exit.DONE


async def namespace() -> NoReturn:
    """Register our namespace with the Temporal server, and wait until it serves it. It ends the process.

    The bridge of Temporal's SDK crashes in some runs at interpreter exit (sdk-python issue 300), and a crash of this
    service keeps all the others from starting.
    """
    from local.temporal import register_namespace

    address, tls = _setting("TEMPORAL_ADDRESS"), ClientTls.of(os.environ)
    if tls is None:
        raise InputError("temporal_open", address=address)
    if not await register_namespace(address, tls):
        raise EngineUnavailableError("temporal_away", address=address)
    say(_("Temporal serves the namespace."))
    os._exit(Exit.DONE)


async def _temporal_runs(tls: ClientTls) -> bool:
    return await answers(partial(grpc_answers, _setting("TEMPORAL_ADDRESS"), tls.context(), tls.name))


@asynccontextmanager
async def _locked(dirs: Paths) -> AsyncIterator[None]:
    """Hold the folder's lock; wait for another command, such as a backup."""
    is_told = False
    while True:
        with try_lock(dirs) as mine:
            if mine:
                yield
                return
        if not is_told:
            say(_("waiting for another command that uses {folder}").format(folder=dirs.data))
            is_told = True
        await asyncio.sleep(LOCK_POLL_S)


def _setting(name: str) -> str:
    if not (found := os.environ.get(name)):
        raise InputError("setting_missing", setting=name)
    return found
