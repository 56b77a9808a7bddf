"""Whose a data folder and a database are: nothing is founded over what was lost, nor changed in what is another's."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from conftest import NewInstallation

from cli import accounts, auditing, demo, exporting, operating, recording, scoring, showing
from cli.outcome import explain
from cli.session import session
from errors import CodedError, InputError
from i18n import in_language
from ledger.setup import installation_of, takes_password
from local import engine as local_engine
from local.certificates import CERTIFICATES
from local.engine import Endpoints, open_engine
from local.installation import Installation, installation_in
from local.ownership import FOUNDED_FILE, check_new, check_own, note_founded
from local.paths import Paths, paths
from local.postgres import PostgresServer, create_database
from resources import ROOT


@dataclass(frozen=True, slots=True)
class Ours:
    """A real installation with a ledger, on a database that is named by DATABASE_URL."""

    endpoints: Endpoints
    installed: Installation
    where: Paths


def folders(folder: Path) -> Paths:
    """New folders, data and logs beside each other."""
    home = folder / f"founding-{uuid4().hex[:8]}"
    return Paths(home / "data", paths().cache, home / "logs")


@pytest.fixture
async def production(new_installation: NewInstallation) -> Ours:
    return Ours(*await new_installation(rehearsal=False))


Command = Callable[[], Awaitable[object]]
Asked = Callable[[Paths, str | None, Command], Awaitable[tuple[int, str]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Carries out a command in folders, with a DATABASE_URL or none; returns its exit code, and what an error says."""

    async def ask(where: Paths, database: str | None, command: Command) -> tuple[int, str]:
        monkeypatch.setenv("THIDUA_DATA", str(where.data))
        monkeypatch.setenv("THIDUA_LOGS", str(where.logs))
        monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
        monkeypatch.delenv("DATABASE_URL", raising=False)
        if database is not None:
            monkeypatch.setenv("DATABASE_URL", database)
        with in_language("en"):
            try:
                await command()
            except CodedError as error:
                code, said = explain(error)
                return int(code), said
        return 0, ""

    return ask


async def contents(owner_url: str) -> Any:
    """What must not change in a database that is looked at: its tables and the passwords of the server's roles."""
    owner = await asyncpg.connect(owner_url)
    try:
        tables = await owner.fetch("select oid, relname from pg_class order by oid")
        roles = await owner.fetch("select rolname, rolpassword, rolcanlogin from pg_authid order by 1")
        return [tuple(row) for row in [*tables, *roles]]
    finally:
        await owner.close()


async def create() -> None:
    """A command that writes, and founds."""
    await accounts.create(
        "an", "a", "An", kind="secretariat", administrator=False, email=None, until=None, as_json=True
    )


async def board() -> None:
    """One that only reads."""
    await showing.board(None, as_json=True)


async def rebuild() -> None:
    await operating.rebuild(as_json=True)


async def verify() -> None:
    await auditing.verify_([], None, None, as_json=True)


async def start_all() -> None:
    """What `thidua up` does."""
    async with session("web", print):
        pytest.fail("it was started")


async def play() -> None:
    await demo.demo(as_json=True)


# Another installation's database ----------------------------------------------------------------------------------


async def test_an_empty_folder_founds_nothing_on_a_database_with_a_ledger(
    production: Ours, folder: Path, asked: Asked
) -> None:
    where, url = folders(folder), production.endpoints.owner_url
    before = await contents(url)
    code, said = await asked(where, url, create)
    assert (code, "holds the ledger of an installation" in said) == (2, True), said
    assert not (where.data / "installation.json").exists()
    code, said = await asked(where, url, board)
    assert (code, "There is no installation in" in said) == (2, True), said
    assert await contents(url) == before
    assert await takes_password(url, "thidua_app", production.installed.passwords["thidua_app"])


async def test_another_installation_changes_nothing_in_a_database_whose_owner_it_is_not(
    production: Ours, folder: Path, asked: Asked
) -> None:
    where, url = folders(folder).make(), production.endpoints.owner_url
    other = installation_in(where.data)
    before = await contents(url)
    for command in (create, board, rebuild, verify):
        code, said = await asked(where, url, command)
        assert (code, f"belongs to installation {production.installed.id}" in said) == (2, True), (command, said)
        assert other.id in said
    assert await contents(url) == before
    assert await installation_of(url) == production.installed.id
    assert await takes_password(url, "thidua_app", production.installed.passwords["thidua_app"]), "it is not locked out"


async def test_an_empty_database_on_the_server_of_another_installation_is_refused(
    production: Ours, postgres: PostgresServer, folder: Path, asked: Asked
) -> None:
    """Roles belong to the server: a second installation on it would set the passwords of the first one's."""
    name = f"t{uuid4().hex[:12]}"
    await create_database(postgres, name)
    where, known = folders(folder), folders(folder).make()
    installation_in(known.data)
    before = await contents(postgres.url(name))
    for one in (where, known):
        code, said = await asked(one, postgres.url(name), create)
        assert (code, "serves another installation already" in said) == (2, True), said
    assert await contents(postgres.url(name)) == before
    assert not (where.data / "installation.json").exists()


async def test_the_control_its_own_installation_uses_the_database(production: Ours, asked: Asked) -> None:
    for command in (create, board, verify):
        code, said = await asked(production.where, production.endpoints.owner_url, command)
        assert code == 0, said


# Reading commands -------------------------------------------------------------------------------------------------

EXAMPLE = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "recording.md").read_text(), re.DOTALL)[0]
"""A recording file."""

READING: dict[str, Command] = {
    "board": board,
    "tasks": lambda: showing.tasks("a", as_json=True),
    "inbox": lambda: showing.inbox("a", as_json=True),
    "people": lambda: showing.people(as_json=True),
    "export record": lambda: exporting.export_record("2026/cum-1", None),
    "rules show": lambda: scoring.show_edition("a" * 64, as_json=True),
    "record --dry-run": lambda: recording.record(paths().logs / "file.yaml", "x", dry_run=True, as_json=True),
    "audit timeline": lambda: auditing.timeline("2026/cum-1", as_json=True),
    "audit replay": lambda: auditing.replay_("2026/cum-1", None, None, None, as_json=True),
    "audit verify": verify,
}


@pytest.mark.parametrize("name", READING)
async def test_a_reading_command_neither_founds_nor_makes_a_schema(
    postgres: PostgresServer, production: Ours, folder: Path, asked: Asked, name: str
) -> None:
    database = f"t{uuid4().hex[:12]}"
    await create_database(postgres, database)
    url, where = postgres.url(database), folders(folder).make()
    (where.logs / "file.yaml").write_text(EXAMPLE)
    code, said = await asked(where, url, READING[name])
    assert (code, "There is no installation in" in said) == (2, True), said
    assert not (where.data / "installation.json").exists()
    # The same roles, so that the server lets it in: it could make the schema, if it wanted.
    for file in production.where.data.glob("*.json"):
        shutil.copy(file, where.data)
    code, said = await asked(where, url, READING[name])
    assert (code, "The database has no ledger yet. `thidua up` makes it." in said) == (3, True), said
    assert not (where.data / CERTIFICATES).exists()
    owner = await asyncpg.connect(url)
    assert await owner.fetchval("select to_regnamespace('ledger')") is None
    await owner.close()


async def test_a_reading_command_sets_no_password(
    production: Ours, new_installation: NewInstallation, folder: Path, asked: Asked
) -> None:
    await new_installation()  # it shares the server's roles, so the first one's passwords are not set any more
    url = production.endpoints.owner_url
    before = await contents(url)
    code, said = await asked(production.where, url, board)
    assert (code, "`thidua up` sets them" in said) == (3, True), said
    assert await contents(url) == before
    assert (await asked(production.where, url, create))[0] == 0, "what writes sets them: the database is its own"
    assert (await asked(production.where, url, board))[0] == 0


async def test_a_reading_command_makes_no_database_server(folder: Path, asked: Asked) -> None:
    where = folders(folder).make()
    installation_in(where.data)
    code, said = await asked(where, None, board)
    assert (code, "has no ledger yet" in said) == (3, True), said
    assert not (where.data / "postgresql").exists()


# What was lost ----------------------------------------------------------------------------------------------------


async def test_a_lost_data_folder_is_not_replaced_by_a_new_installation(folder: Path, asked: Asked) -> None:
    where = folders(folder).make()
    installed = installation_in(where.data)
    note_founded(where, installed)
    shutil.rmtree(where.data)
    for command in (play, create, start_all):
        code, said = await asked(where, None, command)
        assert (code, f"There was an installation in {where.data}, and nothing of it is there now" in said) == (2, True)
        assert str(where.logs / FOUNDED_FILE) in said, "how to found a new one all the same"
        assert not (where.data / "installation.json").exists()
    (where.logs / FOUNDED_FILE).unlink()
    await check_new(where, None)


async def test_a_folder_that_lost_its_own_file_is_not_taken_for_a_new_one(folder: Path, asked: Asked) -> None:
    for trace in ("postgresql", "checkpoints"):
        where = folders(folder).make()
        (where.data / trace).mkdir()
        code, said = await asked(where, None, create)
        assert (code, "installation.json is not. Restore the file from the backup" in said) == (2, True), said
        assert {file.name for file in where.data.iterdir()} <= {trace, "engine.lock"}


async def test_a_lost_ledger_is_not_replaced_by_an_empty_one(
    production: Ours, postgres: PostgresServer, folder: Path, asked: Asked
) -> None:
    """Neither where the database server's folder is gone, nor where DATABASE_URL names an empty database."""
    note_founded(production.where, production.installed)
    name = f"t{uuid4().hex[:12]}"
    await create_database(postgres, name)
    for url in (None, postgres.url(name)):
        for command in (create, board):
            code, said = await asked(production.where, url, command)
            assert (code, "had a ledger, and the database at" in said) == (2, True), said
    assert not (production.where.data / "postgresql").exists()
    assert await installation_of(postgres.url(name)) is None


async def test_a_rehearsal_may_be_lost(folder: Path) -> None:
    where = folders(folder).make()
    note_founded(where, installation_in(where.data, rehearsal=True))
    shutil.rmtree(where.data)
    await check_new(where.make(), None)


async def test_an_installation_is_founded_once_with_its_certificates_and_noted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a PostgreSQL of its own, from nothing; a second start finds everything, and a lost ledger is noticed."""
    where = folders(folder)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for _ in range(2):
        async with open_engine(where, lambda *_known: None, need="ledger", report=print) as opened:
            endpoints, installed = opened
            assert await installation_of(endpoints.owner_url) == installed.id
            auditor = await asyncpg.connect(endpoints.reader_url)
            await auditor.close()
            # Its own roles, but an empty database: as after a restore that forgot the ledger.
            admin = endpoints.owner_url.rsplit("/", 1)[0] + "/postgres"
            with pytest.raises(InputError, match="ledger_gone"):
                await check_own(where, installed, admin, "x")
    noted = json.loads((where.logs / FOUNDED_FILE).read_text())
    assert noted == {str(where.data): installed.id}
    assert (where.data / CERTIFICATES / "client.pem").stat().st_mode & 0o777 == 0o600
    shutil.rmtree(where.data / "postgresql")
    with pytest.raises(InputError, match="ledger_gone"):
        async with open_engine(where, lambda *_known: None, need="ledger", report=print):
            pass


async def test_certificates_are_renewed_by_a_command(
    folder: Path, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    async def renew() -> None:
        await operating.renew_certificates(as_json=True)

    async def status() -> None:
        await operating.status(as_json=True)

    where, made = folders(folder).make(), set[str]()
    assert (await asked(where, None, renew))[0] == 2, "there is no installation"
    installation_in(where.data)
    for _ in range(2):
        assert await asked(where, None, renew) == (0, "")
        said = json.loads(capsys.readouterr().out)
        assert said["folder"] == str(where.data / CERTIFICATES)
        made.add((where.data / CERTIFICATES / "client.pem").read_text())
    assert len(made) == 2
    assert await asked(where, None, status) == (0, "")
    assert json.loads(capsys.readouterr().out)["certificates_until"] == said["until"]
    with local_engine.try_lock(where) as mine:
        assert mine
        code, refused = await asked(where, None, renew)
    assert (code, "stop it first" in refused) == (2, True), refused
    assert (where.data / CERTIFICATES / "client.pem").read_text() in made
