"""`thidua backup` and `thidua restore`: the installation as files, and back into an empty place."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from application.key_ring import KeyRing
from application.log_keys import keys_to_verify_with, log_identity
from application.metrics import program_version
from application.verification import marks_of, verify_all
from cli.outcome import Exit, answer, say, terminal
from cli.session import session
from domain.law import LAW
from domain.times import ICT
from errors import InputError
from i18n import _, ngettext
from i18n.messages import size_in_words
from ledger.checkpoints import FILE as CHECKPOINT_FILE
from ledger.postgres import open_ledger
from ledger.setup import address_of, can_log_in, takes_password
from local.backup import (
    BackupSource,
    back_up,
    back_up_keys,
    finish,
    forget_database,
    forget_files,
    load_database,
)
from local.backup_files import KEYS_INSIDE, AskedBackup, proved_backup
from local.backup_folders import check_new_folder
from local.backup_key import BACKUP_KEY_FILE, BackupKey
from local.certificates import CERTIFICATES, Certificates
from local.engine import try_lock
from local.installation import ROLES, Installation, read_installation
from local.installing import DATABASE, set_passwords
from local.key_files import LOG_KEY_FILE, read_key
from local.last_backup import LAST_BACKUP, LAST_BACKUP_FILE, note_backup
from local.ownership import check_empty, note_founded
from local.paths import CHECKPOINTS, POSTGRESQL, Paths, paths
from local.postgres import PostgresServer, create_database

if TYPE_CHECKING:
    from audit.report import VerificationReport
    from local.backup_files import Backup, ProvedBackup

CHECKPOINTS_SETTING = "THIDUA_CHECKPOINTS"
"""The folder of the worker's checkpoints, where it is not in the data folder, as in compose."""


async def backup(folder: Path, keys: Path | None, *, with_keys: bool, as_json: bool) -> int:
    """Write the database into a new folder, and on request the keys into another one, or into the same."""
    if keys is not None and (with_keys or keys == folder or folder in keys.parents or keys in folder.parents):
        raise InputError("backup_keys_place", folder=str(folder))
    for one in filter(None, (folder, keys)):
        check_new_folder(one)
    async with session("ledger", say, reads=True) as app:
        data = app.paths.data
        if keys is not None:
            await asyncio.to_thread(back_up_keys, data, keys, app.installed.id)
        try:
            source = BackupSource(
                app.endpoints.owner_url,
                Path(os.environ.get(CHECKPOINTS_SETTING) or data / CHECKPOINTS) / CHECKPOINT_FILE,
                BackupKey.read(data / BACKUP_KEY_FILE),
                program_version(),
                app.paths.cache,
            )
            made, digest = await back_up(source, folder, data if with_keys else None)
        except BaseException:
            if keys is not None:
                shutil.rmtree(keys, ignore_errors=True)
            raise
    note_backup(Path(os.environ.get(LAST_BACKUP) or data / LAST_BACKUP_FILE), made.made_at)
    keys = folder / KEYS_INSIDE if with_keys else keys
    if keys is None:
        note = _("The keys are not in it. Once, and after each new key: `thidua backup DIR --keys OTHER_DIR`.")
    elif with_keys:
        note = _("The keys are in it: guard it as the keys themselves.")
    else:
        note = _("The keys are in {folder}. Keep them in another place than the database.").format(folder=keys)
    tell_of_backup(folder, made, digest, keys, note, as_json=as_json)
    return Exit.DONE


def tell_of_backup(folder: Path, made: Backup, digest: str, keys: Path | None, note: str, *, as_json: bool) -> None:
    """Tell of a backup that was made. `note` is about the keys; `digest` is what the operator can prove it by."""
    size = sum(kept.size for kept in made.files.values())
    told = {
        "folder": str(folder),
        "installation": made.installation,
        "events": made.events,
        "bytes": size,
        "keys": str(keys) if keys else None,
        "digest": digest,
    }

    def show() -> None:
        text = ngettext("{count} event, {size} in {folder}.", "{count} events, {size} in {folder}.", made.events)
        console = terminal()
        console.print(text.format(count=made.events, size=size_in_words(size), folder=folder), soft_wrap=True)
        console.print(note, soft_wrap=True)
        console.print(_("Digest of this backup: {digest}").format(digest=digest), soft_wrap=True, highlight=False)

    answer(told, as_json=as_json, show=show)


async def restore(folder: Path, keys: Path | None, digest: str | None = None, *, as_json: bool) -> int:
    """Put a backup into an empty place: everything is checked first, and verified before it counts."""
    dirs = paths()
    with try_lock(dirs) as mine:
        if not mine:
            raise InputError("folder_in_use", folder=str(dirs.data))
        with proved_backup(AskedBackup(folder, keys, digest), dirs.data, program_version(), LAW) as copied:
            made, installed = copied.made, replace(read_installation(copied.keys), folder=dirs.data)
            check_empty(dirs, made.installation)
            async with _empty_database(dirs, installed) as owner_url:
                report = await _put_back(copied, dirs, installed, owner_url)
    data = {
        "folder": str(dirs.data),
        "installation": made.installation,
        "events": report.events,
        "made_at": made.made_at,
        "remarks": [one.code for one in report.remarks],
    }
    text = ngettext(
        "Restored and verified: {count} event, installation {id}, in {folder}. The backup is of {time}.",
        "Restored and verified: {count} events, installation {id}, in {folder}. The backup is of {time}.",
        report.events,
    ).format(
        count=report.events,
        id=made.installation,
        folder=dirs.data,
        time=datetime.fromisoformat(made.made_at).astimezone(ICT).strftime("%H:%M %d/%m/%Y"),
    )
    answer(data, as_json=as_json, show=lambda: terminal().print(text, soft_wrap=True))
    return Exit.DONE


async def _put_back(copied: ProvedBackup, dirs: Paths, installed: Installation, owner_url: str) -> VerificationReport:
    """Load, verify, and only then make it the installation of the data folder. After an error nothing is there."""
    await load_database(copied, owner_url, dirs.cache)
    try:
        report = await _verified(copied, installed, owner_url)
        certificates = Certificates(dirs.data / CERTIFICATES)
        try:
            certificates.make()
            await set_passwords(owner_url, installed)
            await finish(copied, dirs.data, owner_url)
        except BaseException:
            forget_files(copied, dirs.data)
            shutil.rmtree(certificates.folder, ignore_errors=True)
            raise
    except BaseException:
        await forget_database(owner_url)
        raise
    note_founded(dirs, installed)
    return report


async def _verified(copied: ProvedBackup, installed: Installation, owner_url: str) -> VerificationReport:
    ledger = await open_ledger(owner_url, installed.id, writing=False)
    try:
        own = read_key(copied.keys / LOG_KEY_FILE, "log", installed.id).note_signer.verifier
        known = await keys_to_verify_with(KeyRing(ledger, installed.id, ledger.epoch))
        marks = await marks_of(ledger, log_identity(known, own), copied.folder / CHECKPOINT_FILE)
        report = await verify_all(ledger, installed.id, marks=marks, root_key=installed.root_public_key)
    finally:
        await ledger.close()
    if not report.ok:
        raise InputError("backup_not_verified", folder=str(copied.source), position=report.first_broken or "-")
    return report


@asynccontextmanager
async def _empty_database(dirs: Paths, installed: Installation) -> AsyncIterator[str]:
    """Yield the owner's address of an empty database: the one that is set, or a new one in the data folder."""
    if (given := os.environ.get("DATABASE_URL")) is not None:
        role = ROLES[0]
        if await can_log_in(given, role) and not await takes_password(given, role, installed.passwords[role]):
            raise InputError("database_server_taken", database=address_of(given))
        yield given
        return
    server = PostgresServer(dirs.data / POSTGRESQL, dirs.cache, dirs.logs / "postgresql.log")
    try:
        await asyncio.to_thread(server.start)
        await create_database(server, DATABASE)
        yield server.url(DATABASE)
    except BaseException:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(server.folder, ignore_errors=True)
        raise
    await asyncio.to_thread(server.stop)
