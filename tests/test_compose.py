"""The compose file keeps its promises: pinned images, health checks, no default secret. No Docker engine is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

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
        "temporal-ui",
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
    assert services["temporal"]["environment"]["NUM_HISTORY_SHARDS"] == "4"
    assert "history.maxInFlightUpdates" in FILE.read_text()
