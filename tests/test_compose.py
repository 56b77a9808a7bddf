"""The compose file keeps its promises: pinned images, health checks, no default secret. No Docker engine is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.certificates import SERVER_NAME, Certificates, ClientTls
from local.temporal import DATABASES, DYNAMIC_CONFIG, ROLE, ROLE_SETTINGS

FILE = Path(__file__).parent.parent / "docker-compose.yml"
ONE_SHOT = {"temporal-schema", "temporal-namespace"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def test_every_image_is_pinned_and_every_server_has_a_health_check(services: dict[str, Any]) -> None:
    assert set(services) == {
        "postgresql",
        "temporal-schema",
        "temporal",
        "temporal-namespace",
        "worker",
        "web",
        "mail",
    }
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+", service["image"]), name
        assert ("healthcheck" in service) != (name in ONE_SHOT), name
        for other in service.get("depends_on", {}):
            assert other in services


def test_secrets_have_no_default_and_ports_are_loopback(services: dict[str, Any]) -> None:
    text = FILE.read_text()
    assert not re.search(r"\$\{\w+:?-", text)
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", text)) == {
        "POSTGRES_PASSWORD",
        "TEMPORAL_POSTGRES_PASSWORD",
        "THIDUA_CERTIFICATES",
        "THIDUA_SERVER_CERTIFICATES",
        "THIDUA_DATABASE_URL",
        "THIDUA_INSTALLATION",
        "THIDUA_WEB_ADDRESS",
        "THIDUA_WEB_DATABASE_URL",
        "THIDUA_WEB_KEY_FILE",
        "THIDUA_ACCOUNT_KEY_FILE",
        "THIDUA_LOG_KEY_FILE",
        "THIDUA_WEB_PROXIES",
    }
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_temporal_is_set_up_as_ours_is(services: dict[str, Any]) -> None:
    whole = yaml.safe_load(FILE.read_text())
    server = services["temporal"]["environment"]
    assert server["NUM_HISTORY_SHARDS"] == "4"
    dynamic = yaml.safe_load(whole["configs"]["temporal-dynamic"]["content"])
    ours = yaml.safe_load(DYNAMIC_CONFIG)
    assert set(dynamic) == {name for name in ours if not name.endswith("shutdownDrainDuration")}
    assert all(dynamic[name] == ours[name] for name in dynamic)


def test_temporal_asks_everybody_for_a_certificate_and_every_client_shows_one(services: dict[str, Any]) -> None:
    certificates, server = Certificates(Path("/x")), services["temporal"]["environment"]
    names = {"/run/secrets/server-authority": str(certificates.authority)}
    names["/run/secrets/temporal-server"] = str(certificates.server)
    set_here = {name: names.get(value, value) for name, value in server.items() if name.startswith("TEMPORAL_TLS_")}
    assert set_here == certificates.server_environment()
    assert set(services["temporal"]["secrets"]) == {"temporal-server", "server-authority"}
    for client in ("temporal-namespace", "worker", "web"):
        shown = ClientTls.of(services[client]["environment"])
        assert shown == ClientTls(
            Path("/run/secrets/temporal-client"),
            Path("/run/secrets/temporal-client"),
            Path("/run/secrets/temporal-authority"),
            SERVER_NAME,
        )
        assert {"temporal-client", "temporal-authority"} <= set(services[client]["secrets"])
    for name, one in services.items():
        assert ("TEMPORAL_ADDRESS" in str(one.get("environment"))) <= (name in {"worker", "web"}), "no other door"


def test_temporals_databases_belong_to_a_role_of_their_own(services: dict[str, Any]) -> None:
    role = yaml.safe_load(FILE.read_text())["configs"]["temporal-role"]["content"]
    assert "create role temporal login password" in role
    for word in ("superuser", "createdb", "createrole"):
        assert word not in role
    for name, value in ROLE_SETTINGS.items():
        assert f"alter role temporal set {name} = {value};" in role, "as locally"
    for database in DATABASES:
        assert f"create database {database} owner temporal" in role
    assert services["temporal"]["environment"]["POSTGRES_USER"] == ROLE
    assert services["temporal-schema"]["environment"]["SQL_USER"] == ROLE
    for name in ("temporal", "temporal-schema"):
        assert "{POSTGRES_PASSWORD" not in str(services[name]), "the owner's password is not Temporal's"
