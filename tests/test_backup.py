"""A backup is whole or it is none; it goes back into an empty place only, and counts once it is verified."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from cli import accounts, auditing, backing_up
from cli.outcome import explain
from errors import CodedError
from i18n import in_language
from ledger.setup import installation_of
from local import backup as on_disk
from local.backup_files import Kept, ProvedBackup
from local.backup_folders import drafted
from local.backup_key import BACKUP_KEY_FILE, BackupKey
from local.key_files import ROOT_KEY_FILE
from local.last_backup import LAST_BACKUP_FILE, LastBackup, last_backup
from local.ownership import FOUNDED_FILE
from local.paths import Paths, paths
from local.postgres import PostgresServer, create_database
from resources import ROOT

Run = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """An installation on a database that is named by DATABASE_URL, and a backup of it with its keys elsewhere."""

    url: str
    where: Paths
    backup: Path
    keys: Path
    digest: str


def folders(home: Path) -> Paths:
    return Paths(home / "data", paths().cache, home / "logs")


@pytest.fixture(scope="module")
async def server(folder: Path) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL of its own: the roles of an installation belong to the server."""
    home = folder / f"backup-{uuid4().hex[:8]}"
    home.mkdir(mode=0o755)
    running = PostgresServer(home / "postgresql", paths().cache, home / "postgresql.log").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def run() -> Run:
    """Carries out a command in folders on a database; returns its exit code, and its answer or what it says."""

    async def carry_out(where: Paths, url: str | None, command: Callable[[], Any]) -> tuple[int, Any]:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out, in_language("en"):
            patch.setenv("THIDUA_DATA", str(where.data))
            patch.setenv("THIDUA_LOGS", str(where.logs))
            patch.delenv("TEMPORAL_ADDRESS", raising=False)
            patch.delenv("DATABASE_URL", raising=False)
            if url is not None:
                patch.setenv("DATABASE_URL", url)
            try:
                code = await command()
            except (CodedError, OSError) as error:
                exit_code, said = explain(error)
                return int(exit_code), said
        return int(code), json.loads(out.getvalue())

    return carry_out


async def an_account(person: str) -> int:
    return await accounts.create(
        person, "a", "An", kind="secretariat", administrator=False, email=None, until=None, as_json=True
    )


def back_up(folder: Path, keys: Path | None = None, *, with_keys: bool = False) -> Callable[[], Any]:
    return lambda: backing_up.backup(folder, keys, with_keys=with_keys, as_json=True)


def put_back(folder: Path, keys: Path | None = None, digest: str | None = None) -> Callable[[], Any]:
    return lambda: backing_up.restore(folder, keys, digest, as_json=True)


async def verify() -> int:
    return await auditing.verify_([], None, 0, as_json=True)


async def new_database(server: PostgresServer) -> str:
    name = f"t{uuid4().hex[:12]}"
    await create_database(server, name)
    return server.url(name)


async def drop(url: str) -> None:
    rest, _slash, name = url.rpartition("/")
    owner = await asyncpg.connect(f"{rest}/postgres")
    await owner.execute(f'drop database "{name}" with (force)')
    await owner.close()


@pytest.fixture(scope="module")
async def taken(server: PostgresServer, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """It is left as it is by every test."""
    home = tmp_path_factory.mktemp("taken")
    url, where = await new_database(server), folders(home / "first")
    code, _said = await run(where, url, lambda: an_account("an"))
    assert code == 0
    assert (await run(where, url, verify))[0] == 0, "it makes a checkpoint"
    backup, keys = home / "elsewhere", home / "safe"
    code, said = await run(where, url, back_up(backup, keys))
    assert (code, said["events"] > 3, said["keys"]) == (0, True, str(keys))
    return Taken(url, where, backup, keys, said["digest"])


def is_clean(where: Paths) -> bool:
    """Whether a folder holds nothing of an installation."""
    names = {file.name for file in where.data.iterdir()} if where.data.exists() else set()
    return names <= {"engine.lock"} and not (where.logs / FOUNDED_FILE).exists()


def below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    found = [tuple(row) for row in await connection.fetch(query)]
    await connection.close()
    return found


async def test_the_log_of_the_database_holds_neither_statements_nor_rows(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("create temp table t (a text unique check (a <> 'Bí Mật'))")
    await connection.execute("insert into t values ('Nguyễn Thị Kín')")
    for value in ("Bí Mật", "Nguyễn Thị Kín"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute("insert into t values ($1)", value)
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("select 'Trần Văn Ẩn' from nowhere")
    await connection.close()
    told = server.log.read_text()
    assert told.count("violates") == 2, "that it failed is told"
    assert not [word for word in ("Bí Mật", "Nguyễn", "Trần Văn Ẩn", "insert into") if word in told]
    assert server.log.stat().st_mode & 0o777 == 0o640


# What it holds --------------------------------------------------------------------------------------------------------


async def test_the_keys_are_in_another_place_than_the_database_unless_asked(
    taken: Taken, run: Run, tmp_path: Path
) -> None:
    assert {file.name for file in taken.backup.iterdir()} == {
        "backup.json",
        "backup.code",
        "database.dump",
        "checkpoints.jsonl",
    }
    kept = {file.name for file in taken.keys.iterdir()}
    assert kept == {"keys.json", *on_disk.KEPT}
    for file in [taken.backup, taken.keys, *taken.backup.iterdir(), *taken.keys.iterdir()]:
        assert file.stat().st_mode & 0o077 == 0, file
    secrets = [json.loads((taken.keys / "cli-key.json").read_text())["private_key"].encode()]
    secrets += [
        one.encode() for one in json.loads((taken.keys / "installation.json").read_text())["passwords"].values()
    ]
    assert not [one for file in taken.backup.iterdir() for one in secrets if one in file.read_bytes()]
    together = tmp_path / "together"
    code, said = await run(taken.where, taken.url, back_up(together, with_keys=True))
    assert (code, said["keys"]) == (0, str(together / "keys"))
    (taken.where.data / ROOT_KEY_FILE).rename(tmp_path / "in-a-safe.json")
    code, _said = await run(taken.where, taken.url, back_up(tmp_path / "b", tmp_path / "k"))
    (tmp_path / "in-a-safe.json").rename(taken.where.data / ROOT_KEY_FILE)
    assert (code, (tmp_path / "k" / ROOT_KEY_FILE).exists()) == (0, False), "the root key may be taken away"


async def test_a_backup_goes_into_a_new_folder_only(taken: Taken, run: Run, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    file = tmp_path / "file"
    file.touch()
    before = below(tmp_path)
    for folder, keys, words in (
        (there, None, "is there already"),
        (file, None, "is there already"),
        (taken.backup, None, "is there already"),
        (tmp_path / "new", there, "is there already"),
        (tmp_path / "new", tmp_path / "new" / "keys", "outside of"),
        (tmp_path / "no" / "such" / "folder", None, "No such file or directory"),
    ):
        code, said = await run(taken.where, taken.url, back_up(folder, keys))
        assert (code, words in said) == (2, True), said
    (taken.where.data / "web-key.json").rename(tmp_path / "lost")
    for keys, inside in ((tmp_path / "new-keys", False), (None, True)):
        code, said = await run(taken.where, taken.url, back_up(tmp_path / "new", keys, with_keys=inside))
        assert (code, "web-key.json" in said) == (2, True), said
    (tmp_path / "lost").rename(taken.where.data / "web-key.json")
    assert below(tmp_path) == before


async def test_a_dump_that_fails_leaves_nothing(
    taken: Taken, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: here a program in the place of `pg_dump` says so."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setattr(on_disk, "programs_folder", lambda _cache: programs)
    for told, code, words in (
        ("could not write to output file: No space left on device", 70, "The disk is full"),
        ("server version mismatch", 70, "server version mismatch"),
    ):
        (programs / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump: error: {told}' >&2\nexit 1\n")
        (programs / "pg_dump").chmod(0o755)
        found, said = await run(taken.where, taken.url, back_up(tmp_path / "new", tmp_path / "new-keys"))
        assert (found, words in said) == (code, True), said
        assert not [one for one in below(tmp_path) if "new" in one.name]


def test_what_a_killed_backup_left_is_removed_by_the_next_one_and_what_is_being_made_stays(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from local.backup_folders import drafted\n"
        "with drafted(Path(sys.argv[1])) as draft:\n"
        "    (draft / 'database.dump').touch(); print(draft.name, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "2026-01-01")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as other:
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        with drafted(tmp_path / "2026-01-02"):
            assert (tmp_path / name / "database.dump").exists(), "that process lives"
        other.kill()
        other.wait()
        other.stdout.close()
    assert {one.name for one in tmp_path.iterdir()} == {name, "2026-01-02"}
    (tmp_path / ".mine").mkdir()
    with drafted(tmp_path / "2026-01-03"):
        assert not (tmp_path / name).exists()
    assert {one.name for one in tmp_path.iterdir()} == {"2026-01-02", "2026-01-03", ".mine"}


def test_the_note_of_the_last_backup_is_read_by_others_and_says_when(taken: Taken, tmp_path: Path) -> None:
    note = taken.where.data / LAST_BACKUP_FILE
    made_at = datetime.fromisoformat(json.loads((taken.backup / "backup.json").read_text())["made_at"])
    assert note.stat().st_mode & 0o777 == 0o644
    found = last_backup(note)
    assert found is not None
    assert found.made_at is not None
    assert found.made_at >= made_at, "later backups of other tests are noted, too"
    assert last_backup(tmp_path / "none") == LastBackup(None)
    (tmp_path / "bad").write_text("[]")
    assert last_backup(tmp_path / "bad") is None


# Back again -----------------------------------------------------------------------------------------------------------

LEDGER = "select * from ledger.event order by position"
GRANTS = (
    "select table_schema, table_name, grantee, privilege_type from information_schema.role_table_grants "
    "where grantee like 'thidua%' order by 1, 2, 3, 4"
)
TRIGGERS = "select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2"
DATABASE_GRANTS = "select datacl::text[] from pg_database where datname = current_database()"


async def test_what_was_backed_up_comes_back_and_goes_on(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    url, where = await new_database(server), folders(tmp_path / "second")
    code, said = await run(where, url, put_back(taken.backup, taken.keys))
    assert (code, said.get("remarks")) == (0, []), said
    for query in (LEDGER, GRANTS, TRIGGERS, DATABASE_GRANTS):
        assert await rows(url, query) == await rows(taken.url, query) != [], query
    assert await rows(url, "select epoch from ledger.installation") == [(2,)], "what was signed before does not count"
    for name in on_disk.KEPT:
        assert (where.data / name).read_text() == (taken.where.data / name).read_text()
        assert (where.data / name).stat().st_mode & 0o077 == 0
    assert (where.data / "checkpoints" / "checkpoints.jsonl").exists()
    assert (await run(where, url, lambda: an_account("binh")))[0] == 0, "it goes on"
    code, said = await run(where, url, verify)
    assert (code, said["problems"]) == (0, [])
    with pytest.raises(asyncpg.PostgresError, match=r"(?i)never|append|not be|cannot"):
        await rows(url, "delete from ledger.event returning 1")
    await drop(url)


async def test_the_local_engine_takes_it_into_a_folder_of_its_own(taken: Taken, run: Run, folder: Path) -> None:
    """With a PostgreSQL that it makes; then the same by the way back."""
    where = folders(folder / f"restored-{uuid4().hex[:8]}")
    code, said = await run(where, None, put_back(taken.backup, taken.keys))
    assert code == 0, said
    code, said = await run(where, None, verify)
    assert (code, said["events"]) == (0, len(await rows(taken.url, LEDGER)))
    code, said = await run(where, None, back_up(folder / f"again-{uuid4().hex[:8]}"))
    assert (code, said["events"]) == (0, len(await rows(taken.url, LEDGER)))
    code, said = await run(where, None, put_back(taken.backup, taken.keys))
    assert (code, "Nothing is restored over what is there" in said) == (2, True), said


# Refused --------------------------------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def changed(file: Path) -> None:
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(bytes(body))


def said_otherwise(**facts: Any) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))

    return change


def linked(file: Path) -> None:
    file.symlink_to(file.rename(file.with_name("elsewhere")))


def piped(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def opened(file: Path) -> None:
    file.chmod(0o644)


DAMAGES: list[tuple[str, str, Callable[[Path], None], str]] = [
    ("backup", "database.dump", Path.unlink, "is not complete"),
    ("backup", "database.dump", cut, "is not what was backed up"),
    ("backup", "database.dump", changed, "is not what was backed up"),
    ("backup", "database.dump", linked, "is not complete"),
    ("backup", "database.dump", piped, "is not what was backed up"),
    ("backup", "checkpoints.jsonl", Path.unlink, "is not complete"),
    ("backup", "backup.json", Path.unlink, "is not complete"),
    ("backup", "backup.json", cut, "does not say what a backup"),
    ("backup", "backup.json", said_otherwise(format=1), "does not say what a backup"),
    ("backup", "backup.json", said_otherwise(files={}), "does not say what a backup"),
    ("backup", "backup.json", said_otherwise(files={"../x": {"size": 0, "sha256": ""}}), "does not say what a backup"),
    ("backup", "backup.json", said_otherwise(schema="0" * 64), "made by release"),
    ("backup", "backup.json", said_otherwise(law=99), "made by release"),
    ("backup", "backup.json", said_otherwise(law="1"), "does not say what a backup"),
    ("backup", "backup.json", linked, "is not complete"),
    ("backup", "backup.json", piped, "is not complete"),
    ("backup", "backup.json", said_otherwise(made_at="2099-01-01T00:00:00+00:00"), "Set the clock first"),
    ("backup", "backup.json", said_otherwise(made_at="yesterday"), "does not say what a backup"),
    ("backup", "backup.json", said_otherwise(tip="0" * 64), "do not prove"),
    ("backup", "backup.code", Path.unlink, "do not prove"),
    ("backup", "backup.code", lambda file: file.write_text(""), "do not prove"),
    ("backup", "backup.code", lambda file: file.write_bytes(b"\xff"), "do not prove"),
    ("keys", "web-key.json", Path.unlink, "is not complete"),
    ("keys", "web-key.json", changed, "is not what was backed up"),
    ("keys", "web-key.json", linked, "is not complete"),
    ("keys", "web-key.json", opened, "Others may read or write"),
    ("keys", "keys.json", Path.unlink, "is not complete"),
    ("keys", "keys.json", said_otherwise(files={}), "does not say what a backup"),
    ("keys", "keys.json", said_otherwise(installation="0" * 16), "are of installation"),
    ("keys", "backup-key.json", changed, "is not what was backed up"),
]


async def test_a_damaged_or_incomplete_backup_is_refused_before_anything_is_made(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    url = await new_database(server)
    for number, (which, name, damage, words) in enumerate(DAMAGES):
        backup, keys = tmp_path / f"backup-{number}", tmp_path / f"keys-{number}"
        shutil.copytree(taken.backup, backup)
        shutil.copytree(taken.keys, keys)
        damage((backup if which == "backup" else keys) / name)
        where = folders(tmp_path / f"at-{number}")
        code, said = await run(where, url, put_back(backup, keys))
        assert (code, words in said) == (2, True), (name, said)
        assert is_clean(where), name
        assert await installation_of(url) is None, name
    where = folders(tmp_path / "keyless")
    code, said = await run(where, url, put_back(taken.backup))
    assert (code, "holds no keys" in said, is_clean(where)) == (2, True, True), said
    assert await rows(url, "select nspname from pg_namespace where nspname in ('ledger', 'vault')") == []
    await drop(url)


def without_key(keys: Path) -> None:
    """The key that proves backups is lost, and the list of the keys says so."""
    listed = json.loads((keys / "keys.json").read_text())
    del listed["files"][BACKUP_KEY_FILE]
    (keys / "keys.json").write_text(json.dumps(listed))
    (keys / BACKUP_KEY_FILE).unlink()


def proved_again(backup: Path, keys: Path) -> None:
    """As its maker could do, who has the key."""
    said = (backup / "backup.json").read_bytes()
    (backup / "backup.code").write_text(BackupKey.read(keys / BACKUP_KEY_FILE).code(said))


async def test_a_backup_that_somebody_wrote_who_has_not_the_key_is_not_taken(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    """Who can write where backups lie makes one that fits together: another dump, with all digests right."""
    url, where, backup, keys = await new_database(server), folders(tmp_path / "at"), tmp_path / "b", tmp_path / "k"
    shutil.copytree(taken.backup, backup)
    shutil.copytree(taken.keys, keys)
    said = json.loads((backup / "backup.json").read_text())
    (backup / "database.dump").write_bytes(b"anything")
    said["files"]["database.dump"] = asdict(Kept.of(backup / "database.dump"))
    (backup / "backup.json").write_text(json.dumps(said))
    foreign = BackupKey(said["installation"], bytes(32))
    for code in (None, foreign.code((backup / "backup.json").read_bytes())):
        if code:
            (backup / "backup.code").write_text(code)
        exit_code, words = await run(where, url, put_back(backup, keys))
        assert (exit_code, "do not prove" in words, is_clean(where)) == (2, True, True), words
    assert await installation_of(url) is None
    # What its maker has proved, and is not what it says, is found by the database itself.
    shutil.copy(taken.backup / "database.dump", backup)
    said |= {"files": json.loads((taken.backup / "backup.json").read_text())["files"], "tip": "0" * 64}
    (backup / "backup.json").write_text(json.dumps(said))
    proved_again(backup, keys)
    exit_code, words = await run(where, url, put_back(backup, keys))
    assert (exit_code, "is not what was backed up" in words, is_clean(where)) == (2, True, True), words
    await drop(url)


async def test_what_was_checked_is_what_is_loaded(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can write where backups lie puts other files there between the check and the loading."""
    backup, keys = tmp_path / "b", tmp_path / "k"
    shutil.copytree(taken.backup, backup)
    shutil.copytree(taken.keys, keys)
    load, seen = backing_up.load_database, list[Path]()

    async def swapped(copied: ProvedBackup, *given: Any) -> None:
        seen.append(copied.folder)
        assert copied.folder.is_relative_to(where.data), "on the disk of the data"
        assert copied.folder.stat().st_mode & 0o777 == 0o700
        for file in [*backup.iterdir(), *keys.iterdir()]:
            file.write_bytes(b"another's")
        await load(copied, *given)

    monkeypatch.setattr(backing_up, "load_database", swapped)
    url, where = await new_database(server), folders(tmp_path / "at")
    code, said = await run(where, url, put_back(backup, keys))
    assert code == 0, said
    assert await rows(url, LEDGER) == await rows(taken.url, LEDGER)
    assert (where.data / "web-key.json").read_text() == (taken.keys / "web-key.json").read_text()
    checkpoints = (where.data / "checkpoints" / "checkpoints.jsonl").read_text()
    assert checkpoints == (taken.backup / "checkpoints.jsonl").read_text()
    assert [one.exists() for one in seen] == [False], "the copy is removed"
    await drop(url)


async def test_where_the_key_is_lost_the_digest_that_was_noted_proves_a_backup(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    url, where, keys = await new_database(server), folders(tmp_path / "at"), tmp_path / "k"
    shutil.copytree(taken.keys, keys)
    without_key(keys)
    for digest, words in ((None, "the key that proves backups is lost"), ("0" * 64, "has another digest")):
        code, said = await run(where, url, put_back(taken.backup, keys, digest))
        assert (code, words in said, is_clean(where)) == (2, True, True), said
    code, said = await run(where, url, put_back(taken.backup, keys, taken.digest.upper()))
    assert code == 0, said
    again = tmp_path / "again"
    assert (await run(where, url, lambda: an_account("binh")))[0] == 0, "a command that writes makes a new key"
    assert (await run(where, url, back_up(again, tmp_path / "new-keys")))[0] == 0
    new = BackupKey.read(tmp_path / "new-keys" / BACKUP_KEY_FILE)
    assert new.proves((again / "backup.json").read_bytes(), (again / "backup.code").read_text())
    assert new.key != BackupKey.read(taken.keys / BACKUP_KEY_FILE).key
    await drop(url)


async def test_a_history_that_was_changed_before_the_backup_is_not_taken(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    url, where = await new_database(server), folders(tmp_path / "second")
    assert (await run(where, url, put_back(taken.backup, taken.keys)))[0] == 0
    owner = await asyncpg.connect(url)
    await owner.execute("alter table ledger.event disable trigger all")
    await owner.execute("update ledger.event set recorded_at = recorded_at + interval '1 ms' where position = 2")
    await owner.execute("alter table ledger.event enable trigger all")
    await owner.close()
    assert (await run(where, url, back_up(tmp_path / "b", tmp_path / "k")))[0] == 0
    await drop(url)
    url, where = await new_database(server), folders(tmp_path / "third")
    code, said = await run(where, url, put_back(tmp_path / "b", tmp_path / "k"))
    assert (code, "does not pass the verification" in said, is_clean(where)) == (2, True, True), said
    assert await installation_of(url) is None
    code, said = await run(where, url, put_back(taken.backup, taken.keys))
    assert code == 0, "the place is still empty, so an earlier backup goes there"
    await drop(url)


async def test_nothing_is_restored_over_what_is_there(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    empty, where = await new_database(server), folders(tmp_path / "second")
    before = await rows(taken.url, LEDGER)
    code, said = await run(where, taken.url, put_back(taken.backup, taken.keys))
    assert (code, "is not empty" in said, is_clean(where)) == (2, True, True), said
    assert await rows(taken.url, LEDGER) == before
    for name in ("installation.json", "web-key.json", "postgresql", "checkpoints", "certificates"):
        there = folders(tmp_path / f"with-{name}")
        (there.data / name).mkdir(parents=True)
        code, said = await run(there, empty, put_back(taken.backup, taken.keys))
        assert (code, name in said, "Nothing is restored over" in said) == (2, True, True), said
        assert {one.name for one in there.data.iterdir()} <= {name, "engine.lock"}
    noted = folders(tmp_path / "noted").make()
    for installation, expected in (
        ("0" * 16, 2),
        (json.loads((taken.keys / "keys.json").read_text())["installation"], 0),
    ):
        (noted.logs / FOUNDED_FILE).write_text(json.dumps({str(noted.data): installation}))
        code, said = await run(noted, empty, put_back(taken.backup, taken.keys))
        assert code == expected, said
    with backing_up.try_lock(where):
        code, said = await run(where, empty, put_back(taken.backup, taken.keys))
        assert (code, "Another command uses" in said) == (2, True), said
    await drop(empty)


@pytest.mark.parametrize("last", ["set_passwords", "finish"])
async def test_a_restore_that_fails_at_its_end_leaves_nothing(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    async def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    url, where = await new_database(server), folders(tmp_path / "second")
    monkeypatch.setattr(backing_up, last, full)
    code, said = await run(where, url, put_back(taken.backup, taken.keys))
    assert (code, "The disk is full" in said, is_clean(where)) == (70, True, True), said
    assert await installation_of(url) is None
    await drop(url)


async def test_a_server_of_another_installation_keeps_its_passwords(
    taken: Taken, server: PostgresServer, run: Run, tmp_path: Path
) -> None:
    empty, where = await new_database(server), folders(tmp_path / "second")
    owner = await asyncpg.connect(empty)
    await owner.execute("alter role thidua_app password 'another-installations'")
    code, said = await run(where, empty, put_back(taken.backup, taken.keys))
    assert (code, "serves another installation" in said, is_clean(where)) == (2, True, True), said
    own = json.loads((taken.where.data / "installation.json").read_text())["passwords"]["thidua_app"]
    await owner.execute(f"alter role thidua_app password '{own}'")
    await owner.close()
    await drop(empty)
