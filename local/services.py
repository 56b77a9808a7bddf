"""What the services of `docker-compose.yml` are given: secrets in `.env`, and files, for each in a folder of its own.

One service founds the installation and hands out the files; each of the others mounts its own folder, and no other's
(`docs/operating.md`, "Docker Compose").
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

from errors import InputError
from ledger.checkpoints import FILE as CHECKPOINT_FILE
from ledger.connection import open_connection
from ledger.setup import as_role
from local.account_keys import ACCOUNT_KEY_FILE
from local.backup_files import BACKUP_FILE
from local.backup_key import BACKUP_KEY_FILE
from local.certificates import CERTIFICATES, Certificates
from local.key_files import LOG_KEY_FILE, WEB_KEY_FILE
from local.ownership import FOUNDED_FILE
from local.paths import CHECKPOINTS
from local.postgres import GivenServer, give_password
from local.private_files import open_unlinked, write_private

OWNER_PASSWORD = "THIDUA_OWNER_PASSWORD"  # noqa: S105 - names of settings
TEMPORAL_PASSWORD = "THIDUA_TEMPORAL_PASSWORD"  # noqa: S105 - as above
DASHBOARD_PASSWORD = "THIDUA_DASHBOARD_PASSWORD"  # noqa: S105 - as above
SECRETS = (OWNER_PASSWORD, TEMPORAL_PASSWORD, DASHBOARD_PASSWORD)
"""The passwords in `.env`: of the database's owner, of Temporal's role, of the dashboards' administrator."""

LEAST_CHARACTERS = 20
"""Of a password: letters and digits, some of which differ."""

LEAST_DIFFERENT = 8
_READ_MOST = 1 << 20
_LETTERS = frozenset(string.ascii_letters + string.digits)

BACKUP_ROLE = "thidua_backup"
"""The database role of the service that backs up."""

DATABASE_URL_FILE = "database-url"
DYNAMIC_FILE = "dynamic.yaml"

PARTS: Mapping[str, tuple[str, ...]] = {
    "temporal": ("authority.pem", "server.pem", DYNAMIC_FILE),
    "worker": ("authority.pem", "client.pem", LOG_KEY_FILE, DATABASE_URL_FILE),
    "web": ("authority.pem", "client.pem", WEB_KEY_FILE, ACCOUNT_KEY_FILE, DATABASE_URL_FILE),
    "backup": (BACKUP_KEY_FILE, DATABASE_URL_FILE),
}
"""The files of each service that gets any. Only its own user may read them."""


def env_text(address: str, notes: Mapping[str, str]) -> str:
    """Return the text of a new `.env` for a site at `address`. `notes` are the comments, by the setting below them."""
    settings = {
        "COMPOSE_PROJECT_NAME": "so-thi-dua",
        "THIDUA_WEB_ADDRESS": address,
        "THIDUA_WEB_PORT": "8320",
        "THIDUA_PAGES_NETWORK": "10.213.83.0/24",
        "THIDUA_TLS": "internal",
        "THIDUA_SMTP_HOST": "",
        "THIDUA_SMTP_PORT": "587",
        "THIDUA_SMTP_STARTTLS": "yes",
        "THIDUA_SMTP_USER": "",
        "THIDUA_SMTP_PASSWORD": "",
        "THIDUA_SENDER": "",
        "THIDUA_ALERTS_TO": "",
        "THIDUA_LANG": "vi",
        "THIDUA_BACKUPS": "/var/backups/so-thi-dua",
        **{name: "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32)) for name in SECRETS},
    }
    lines: list[str] = []
    for name, value in settings.items():
        if name in notes:
            lines += ["", *(f"# {line}" for line in notes[name].splitlines())]
        lines.append(f"{name}={value}")
    return "\n".join(lines).lstrip() + "\n"


def write_env(file: Path, text: str) -> None:
    """Write a new file that only its owner reads.

    Raises:
        InputError: `env_exists`; `file_unwritable`.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError("env_exists", file=str(file)) from None
    except OSError as error:
        raise InputError("file_unwritable", str(file), problem=error.strerror) from None
    with os.fdopen(descriptor, "w") as out:
        out.write(text)


def check_secrets(env: Mapping[str, str], names: tuple[str, ...] = (OWNER_PASSWORD, TEMPORAL_PASSWORD)) -> None:
    """Check the passwords that a service is given, before anything is made with them.

    Raises:
        InputError: `secret_missing`; `secret_weak`: too short, too simple, or with other characters than letters and
            digits; `secret_twice`: two parts would have the same.
    """
    found: dict[str, str] = {}
    for name in names:
        value = env.get(name, "")
        if not value:
            raise InputError("secret_missing", setting=name)
        if len(value) < LEAST_CHARACTERS or len(set(value)) < LEAST_DIFFERENT or not _LETTERS.issuperset(value):
            raise InputError("secret_weak", setting=name, least=LEAST_CHARACTERS)
        if value in found:
            raise InputError("secret_twice", first=found[value], second=name)
        found[value] = name


async def backup_url(owner_url: str) -> str:
    """Return the address of the database for the service that backs up: its role reads everything, and writes nothing.

    The role is made where it is missing, and gets a new password.
    """
    password = await give_password(GivenServer(owner_url), BACKUP_ROLE)
    connection = await open_connection(owner_url)
    try:
        await connection.execute(f"grant pg_read_all_data to {BACKUP_ROLE}")
        database = await connection.fetchval("select quote_ident(current_database())")
        await connection.execute(f"grant connect on database {database} to {BACKUP_ROLE}")
    finally:
        await connection.close()
    return as_role(owner_url, BACKUP_ROLE, password)


def check_no_traces(folders: Path, backups: Path) -> None:
    """Check, before an installation is founded, that none was in these volumes, and none has its backups here.

    Raises:
        InputError: `volumes_gone`.
    """
    traces = [*(folders / part / name for part, names in PARTS.items() for name in names)]
    for file in [backups / FOUNDED_FILE, *traces, *sorted(backups.glob(f"*/{BACKUP_FILE}"), reverse=True)]:
        if (found := _installation_in(file)) is not None:
            raise InputError("volumes_gone", file=str(file), found=found)


def note_in_backups(backups: Path, installation: str, owner: os.stat_result) -> None:
    """Note beside the backups whose they are, and hand their folder to the user that makes them, if it is root's.

    The folder lies outside of the volumes: so it is noticed when all of them are lost.

    Raises:
        InputError: `backups_of_another`.
        OSError: root may not write there, as on some network disks.
    """
    note = backups / FOUNDED_FILE
    found = _installation_in(note)
    if found not in {None, installation}:
        raise InputError("backups_of_another", folder=str(backups), found=found, own=installation)
    if found is None:
        write_private(note, json.dumps({"installation": installation}), owner=owner)
    folder = os.open(backups, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if os.fstat(folder).st_uid == 0 != owner.st_uid:
            os.fchmod(folder, 0o700)
            os.fchown(folder, owner.st_uid, owner.st_gid)
    finally:
        os.close(folder)


def _installation_in(file: Path) -> str | None:
    """The id of the installation that a file tells of, if it does."""
    try:
        with open_unlinked(file) as opened:
            return str(json.loads(opened.read(_READ_MOST))["installation"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def hand_out(data: Path, folders: Path, urls: Mapping[str, str], dynamic_config: str) -> None:
    """Put each part's files into its folder below `folders`, owned by the owner of that folder.

    `urls` are the addresses of the database, by part. Checkpoints that a restore has brought go where the worker goes
    on with them.

    Raises:
        InputError: as `read_private`: a file is missing.
    """
    certificates = Certificates(data / CERTIFICATES)
    for part, names in PARTS.items():
        folder = folders / part
        texts = {DYNAMIC_FILE: dynamic_config, DATABASE_URL_FILE: urls.get(part, "")}
        for name in names:
            source = (certificates.folder if name.endswith(".pem") else data) / name
            text = texts.get(name) or source.read_text()
            if not (folder / name).exists() or (folder / name).read_text() != text:
                write_private(folder / name, text)
        give_to_owner(folder)
    restored, checkpoints = data / CHECKPOINTS / CHECKPOINT_FILE, folders / CHECKPOINTS / CHECKPOINT_FILE
    if restored.exists() and not checkpoints.exists():
        # The service that backs up may read it: the folder has its group.
        write_private(checkpoints, restored.read_text(), owner=checkpoints.parent.stat(), mode=0o640)


def give_to_owner(folder: Path) -> None:
    """Give what lies in a folder to the owner of the folder: what root has made there others must be able to use."""
    owner = folder.stat()
    for found in folder.rglob("*"):
        of = found.lstat()
        if not found.is_symlink() and (of.st_uid, of.st_gid) != (owner.st_uid, owner.st_gid):
            os.chown(found, owner.st_uid, owner.st_gid, follow_symlinks=False)
