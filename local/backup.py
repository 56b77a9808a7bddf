"""A backup of an installation: a folder with the database and the checkpoints, and one with its keys.

The folder of a backup holds `database.dump` (`pg_dump`, which reads one moment while people work), the checkpoints that
were there before, `backup.code`, which proves it (`local/backup_key.py`), and `backup.json`, written last, which tells
size and sha256 of dump and checkpoints, and how far the ledger reaches (`local/backup_files.py`). The keys lie in a
folder of their own with `keys.json`, because database and keys together let others write a ledger that fits
(`docs/keys.md`). ADR 22 says why.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from errors import InputError, InternalError
from ledger.checkpoints import FILE as CHECKPOINT_FILE
from ledger.connection import open_connection
from ledger.setup import FORMAT as LEDGER_FORMAT
from ledger.setup import SCHEMAS, address_of, make_roles, raise_epoch, schema_digest
from local.backup_files import (
    BACKUP_FILE,
    CODE_FILE,
    DUMP_FILE,
    FORMAT,
    KEYS_FILE,
    KEYS_INSIDE,
    Backup,
    Kept,
    ProvedBackup,
)
from local.backup_folders import drafted
from local.backup_key import BackupKey
from local.key_files import ROOT_KEY_FILE
from local.ownership import KEPT
from local.paths import CHECKPOINTS, INSTALLATION_FILE
from local.postgres import programs_folder
from local.private_files import write_private

# Making one -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BackupSource:
    """What is backed up: the address of a database, for a role that may read all of it, and a file of checkpoints.

    `program` is the release that makes the backup, `key` what proves it. `cache` may hold PostgreSQL's programs.
    """

    database_url: str
    checkpoints: Path
    key: BackupKey
    program: str
    cache: Path


async def back_up(source: BackupSource, folder: Path, keys: Path | None = None) -> tuple[Backup, str]:
    """Write database and checkpoints of an installation into a new folder.

    Returns what the backup says of itself, and the sha256 of that, in hex. No part has to stop: the dump is of
    one moment. After an error there is no folder. With `keys`, the data folder, the keys are put into it, too.

    Raises:
        InputError: `backup_in_the_way`, `file_unwritable`.
        InternalError: `dump_failed`: `pg_dump` ended with an error.
        OSError: the disk is full.
    """
    with drafted(folder) as draft:
        # Before the database: so it holds what every checkpoint has seen.
        if source.checkpoints.exists():
            _copy(source.checkpoints, draft / CHECKPOINT_FILE)
        async with _snapshot(source.database_url) as (snapshot, row):
            dump = draft / DUMP_FILE
            options = ["--format=custom", f"--snapshot={snapshot}", f"--file={dump}"]
            await _run("pg_dump", options, source.database_url, source.cache)
        await _run("pg_restore", ["--list", f"--file={os.devnull}", str(dump)], None, source.cache)
        made = Backup(
            installation=source.key.installation,
            program=source.program,
            schema=schema_digest(),
            ledger_format=LEDGER_FORMAT,
            law=row["law"],
            events=row["events"],
            tip=row["tip"],
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files={file.name: Kept.of(file) for file in sorted(draft.iterdir())},
        )
        for name in made.files:
            _sync(draft / name)
        if keys is not None:
            (draft / KEYS_INSIDE).mkdir(mode=0o700)
            _write_keys(keys, draft / KEYS_INSIDE, made.installation)
        said = json.dumps(asdict(made), indent=1)
        write_private(draft / CODE_FILE, source.key.code(said.encode()) + "\n")
        write_private(draft / BACKUP_FILE, said)
    return made, sha256(said.encode()).hexdigest()


def back_up_keys(data: Path, folder: Path, installation: str) -> list[str]:
    """Write the keys of a data folder into a new folder; return the names of the files.

    Raises:
        InputError: `backup_in_the_way`, `file_unwritable`; `key_file_missing`: one is not there. After an error there
            is no folder.
    """
    with drafted(folder) as draft:
        return _write_keys(data, draft, installation)


def _write_keys(data: Path, folder: Path, installation: str) -> list[str]:
    for name in KEPT:
        if name == ROOT_KEY_FILE and not (data / name).exists():
            continue
        try:
            _copy(data / name, folder / name)
        except FileNotFoundError as error:
            raise InputError("key_file_missing", file=str(data / name), problem=error.strerror) from None
    files = {file.name: asdict(Kept.of(file)) for file in sorted(folder.iterdir())}
    said = {"format": FORMAT, "installation": installation, "files": files}
    write_private(folder / KEYS_FILE, json.dumps(said, indent=1))
    return list(files)


@asynccontextmanager
async def _snapshot(owner_url: str) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Hold one moment of the database; yield its name, and how far the ledger reaches in it."""
    connection = await open_connection(owner_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = await connection.fetchrow(
                "select count(*) as events, coalesce(max(law), 0) as law, coalesce((select encode(digest, 'hex') "
                "from ledger.event order by position desc limit 1), '') as tip from ledger.event"
            )
            yield await connection.fetchval("select pg_export_snapshot()"), dict(row or {})
    finally:
        await connection.close()


# Putting one back -----------------------------------------------------------------------------------------------------


async def load_database(backup: ProvedBackup, owner_url: str, cache: Path) -> None:
    """Load the database of a backup into an empty one, in one transaction; check that it reaches as far.

    Raises:
        InputError: `database_not_empty`: something is there already, and was not changed; `backup_damaged`.
        InternalError: `dump_failed`.
        OSError: the disk is full.
    """
    connection = await open_connection(owner_url)
    try:
        others = await connection.fetchval(
            "select count(*) from pg_namespace n where nspname <> 'information_schema' and nspname !~ '^pg_' "
            "and (nspname <> 'public' or exists (select from pg_class where relnamespace = n.oid))"
        )
    finally:
        await connection.close()
    if others:
        raise InputError("database_not_empty", database=address_of(owner_url))
    await make_roles(owner_url)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", f"--dbname={_without_password(owner_url)}"]
    await _run("pg_restore", [*options, str(backup.folder / DUMP_FILE)], owner_url, cache)
    async with _snapshot(owner_url) as (_name, row):
        reaches_as_far = (row["events"], row["tip"]) == (backup.made.events, backup.made.tip)
    if not reaches_as_far:
        await forget_database(owner_url)
        raise InputError("backup_damaged", file=str(backup.source / DUMP_FILE))


async def forget_database(owner_url: str) -> None:
    """Remove what `load_database` has made."""
    connection = await open_connection(owner_url)
    try:
        await connection.execute(f"drop schema if exists {', '.join(SCHEMAS)} cascade")
    finally:
        await connection.close()


async def finish(backup: ProvedBackup, data: Path, owner_url: str) -> None:
    """Raise the writer epoch, so that nothing counts that was signed before the loss, and put the files into place.

    The file of the installation is the last one: until then there is none in the folder.
    """
    await raise_epoch(owner_url)
    await _end_logins(owner_url)
    if CHECKPOINT_FILE in backup.made.files:
        (data / CHECKPOINTS).mkdir(exist_ok=True)
        shutil.copyfile(backup.folder / CHECKPOINT_FILE, data / CHECKPOINTS / CHECKPOINT_FILE)
    for name in sorted(backup.key_files, key=lambda one: one == INSTALLATION_FILE):
        write_private(data / name, (backup.keys / name).read_text())


async def _end_logins(owner_url: str) -> None:
    """End all logins: some may have been ended after the backup."""
    connection = await open_connection(owner_url)
    try:
        await connection.execute("delete from accounts.login")
    finally:
        await connection.close()


def forget_files(backup: ProvedBackup, data: Path) -> None:
    """Remove what `finish` has put into a folder that was empty."""
    for name in backup.key_files:
        with suppress(FileNotFoundError):
            (data / name).unlink()
    shutil.rmtree(data / CHECKPOINTS, ignore_errors=True)


# Programs -------------------------------------------------------------------------------------------------------------


async def _run(program: str, options: list[str], url: str | None, cache: Path) -> None:
    """Run one of PostgreSQL's programs; the password is in its environment, because arguments are seen by all."""
    password = urlsplit(url).password if url else None
    env = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C",
        "PGAPPNAME": "thidua",
        **({"PGPASSWORD": unquote(password)} if password else {}),
    }
    if program == "pg_dump" and url:
        options = [*options, f"--dbname={_without_password(url)}"]
    process = await asyncio.create_subprocess_exec(
        str(programs_folder(cache) / program),
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )
    try:
        _out, told = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        text = told.decode(errors="replace").strip()
        if os.strerror(errno.ENOSPC) in text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise InternalError("dump_failed", program=program, problem=text.splitlines()[0][:300] if text else "-")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=user + parts.netloc.rsplit("@", 1)[-1]).geturl()


def _copy(source: Path, target: Path) -> None:
    target.touch(mode=0o600)
    shutil.copyfile(source, target)


def _sync(file: Path) -> None:
    file.chmod(0o600)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
