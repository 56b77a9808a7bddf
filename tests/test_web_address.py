"""The web process and what stands before it: its settings, proxies, its own address, TLS."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from conftest import eventually
from fastapi import FastAPI, Request
from structlog.testing import capture_logs
from web_help import PASSWORD, Site

from cli import operating
from errors import InputError
from i18n.messages import sentence
from local import engine
from local.engine import Endpoints, start_web
from local.paths import Paths
from local.questions import host_and_port
from mail.settings import MailSettings
from web.__main__ import server_config
from web.settings import Settings, check_settings, default_address

SETTINGS = Settings("", "", "", Path(), MailSettings(), port=0)
SITE = "https://thidua.example.vn"


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        (
            "THIDUA_WEB_PROXIES",
            ("proxy.local", "10.0.0.1/8", "*", "1.2.3.4,x", "1.2.3.4;5.6.7.8"),
            "10.0.0.7, fd00::/8",
        ),
        ("THIDUA_WEB_HOST", ("example.vn", "127.0.0.1:80", "1.2.3"), "::"),
        ("THIDUA_WEB_PORT", ("abc", "0", "65536", "-1", "²"), "8320"),
        ("THIDUA_WEB_METRICS", ("x",), "9000"),
        ("THIDUA_METRICS_HOST", ("a b", "http://x", "x:80"), "worker-metrics"),
        ("THIDUA_WEB_ADDRESS", ("thidua.example.vn", "ftp://x", "https://", "https://x/y", "https://x:99999"), SITE),
    ],
)
def test_a_wrong_setting_is_a_sentence_before_anything_starts(name: str, wrong: tuple[str, ...], right: str) -> None:
    for value in wrong:
        with pytest.raises(InputError) as found:
            check_settings({name: value})
        text = sentence(found.value.code, found.value.facts)
        assert name in text, text
        assert value.split(",")[-1] in text, text
    check_settings({name: right})
    check_settings({name: ""})


async def test_up_refuses_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THIDUA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("THIDUA_WEB_PROXIES", "proxy.local")
    with pytest.raises(InputError, match="setting_bad_proxies"):
        await operating.up()
    assert not (tmp_path / "data").exists(), "nothing was started"


def test_up_passes_every_setting_of_the_pages_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All that docs/web.md lists, but for what is the engine's own."""
    started: dict[str, Any] = {}
    monkeypatch.setattr(engine, "start_server", lambda *_started, **given: started.update(given))
    listed = {
        "THIDUA_WEB_ADDRESS": SITE,
        "THIDUA_WEB_METRICS": "9000",
        "THIDUA_WEB_PROXIES": "10.0.0.7,192.168.4.0/24",
        "THIDUA_WEB_HOST": "::1",
        "THIDUA_SENDER": "so@example.vn",
    }
    for name, value in {**listed, "THIDUA_WEB_DATABASE_URL": "of another", "HOME": "/x"}.items():
        monkeypatch.setenv(name, value)
    endpoints = Endpoints("", "", "", "the web's own", None, "thidua", {})
    _server, found = start_web(Paths(tmp_path, tmp_path, tmp_path), endpoints)
    assert {name: started["env"].get(name) for name in listed} == listed
    assert (started["env"]["THIDUA_WEB_DATABASE_URL"], "HOME" in started["env"]) == ("the web's own", False)
    port = started["env"]["THIDUA_WEB_PORT"]
    assert found.web_address == f"http://[::1]:{port}"
    assert host_and_port(engine.addresses(found)["web"]) == ("::1", int(port))
    read = {**started["env"], "THIDUA_TEMPORAL_ADDRESS": "x"}
    settings = Settings.of(read)
    assert (settings.proxies, settings.host, settings.address) == ("10.0.0.7,192.168.4.0/24", "::1", SITE)


def test_without_an_address_the_site_is_where_it_listens() -> None:
    found = [default_address(host, 1) for host in ("127.0.0.1", "0.0.0.0", "::", "::1", "10.0.0.7", "localhost")]  # noqa: S104
    loopback = "http://127.0.0.1:1"
    assert found == [loopback, loopback, loopback, "http://[::1]:1", "http://10.0.0.7:1", "http://localhost:1"]


@asynccontextmanager
async def serving(proxies: str) -> AsyncIterator[httpx.AsyncClient]:
    """A server with the settings of the web process that answers by whom it believes to be asked."""
    app = FastAPI()

    @app.get("/")
    async def who(request: Request) -> list[str]:
        return [request.client.host if request.client else "-", request.url.scheme]

    server = uvicorn.Server(server_config(app, replace(SETTINGS, proxies=proxies)))
    running = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    await running


@pytest.mark.parametrize(
    ("proxies", "found"),
    [
        ("10.0.0.7", ["127.0.0.1", "http"]),  # a stranger says so
        ("127.0.0.1", ["203.0.113.9", "https"]),
        ("10.0.0.7,127.0.0.0/8", ["203.0.113.9", "https"]),
        ("127.0.0.1,203.0.113.0/24", ["198.51.100.1", "https"]),  # a proxy before the proxy
    ],
)
async def test_only_a_named_proxy_says_who_asks(proxies: str, found: list[str]) -> None:
    said = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    async with serving(proxies) as client:
        assert (await client.get("/", headers=said)).json() == found


async def test_a_form_is_ours_by_the_configured_address_or_by_the_host(site: Site) -> None:
    await site.person("an", "don-vi-1")
    site.services.settings = replace(site.services.settings, address="http://thidua.example.vn")
    visitor = await site.log_in("an")
    host = site.address.removeprefix("http://")

    async def status(origin: str, **headers: str) -> int:
        await visitor.get("/toi")
        token = visitor.page.split('name="_form" value="')[1].split('"')[0]
        answer = await visitor.http.post(
            "/toi", data={"_form": token, "_do": "nothing"}, headers={"Origin": origin, **headers}
        )
        visitor._keep(answer)
        return answer.status_code

    assert await status(f"http://{host}") == 200
    assert await status("http://thidua.example.vn") == 200, "the proxy does not pass Host"
    assert await status("http://THIDUA.example.vn:80") == 200
    assert await status("http://thidua.example.vn", Host="thidua.example.vn:80") == 200
    for foreign in ("http://thidua.example.vn:8080", "https://evil.example", "null", "http://[", ""):
        with capture_logs() as logs:
            assert await status(foreign) == 403, foreign
        assert "http://thidua.example.vn" in visitor.page, "where the register is served"
        (refused,) = [one for one in logs if one["event"] == "form refused"]
        assert (refused["origin"], refused["host"], refused["address"]) == (foreign, host, "http://thidua.example.vn")
    assert await status("http://thidua.example.vn", **{"Sec-Fetch-Site": "cross-site"}) == 403


async def test_behind_tls_cookies_are_the_hosts_own_and_browsers_are_told_to_stay_with_tls(site: Site) -> None:
    await site.person("an", "don-vi-1")
    async with httpx.AsyncClient(base_url=site.address) as plain:
        before = await plain.get("/dang-nhap")
        assert "strict-transport-security" not in before.headers
        assert set(plain.cookies) == {"thidua_forms"}
    site.services.settings = replace(site.services.settings, address=SITE)
    async with httpx.AsyncClient(base_url=site.address) as client:
        old = {"thidua": "x" * 43, "thidua_forms": "y" * 43}
        page = await client.get("/dang-nhap", headers={"Cookie": "; ".join(f"{k}={v}" for k, v in old.items())})
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        sent = page.headers.get_list("set-cookie")
        assert [one for one in sent if one.startswith("thidua=") and "Max-Age=0" in one], "the old one goes"
        assert [one for one in sent if one.startswith("thidua_forms=") and "Max-Age=0" in one]
        (fresh,) = [one for one in sent if one.startswith("__Host-thidua_forms=")]
        assert all(part in fresh for part in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"))
        assert "Domain" not in fresh
        forms = fresh.split(";")[0]
        token = page.text.split('name="_form" value="')[1].split('"')[0]
        login = {"_form": token, "person": "an", "_password": PASSWORD}
        answer = await client.post("/dang-nhap", data=login, headers={"Cookie": forms})
        assert answer.status_code == 303
        (secret, *_more) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-thidua=")]
        (language,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("thidua_lang=")]
        assert "Secure" in secret
        assert "Secure" in language
        name, value = secret.split(";")[0].split("=", 1)
        assert (await client.get("/toi", headers={"Cookie": f"{name}={value}"})).status_code == 200
        # The plain name says nothing any more: another host of the domain could have set it.
        assert (await client.get("/toi", headers={"Cookie": f"thidua={value}"})).status_code == 303
    # Back without TLS, the prefixed name says nothing either.
    site.services.settings = replace(site.services.settings, address="http://127.0.0.1:8320")
    async with httpx.AsyncClient(base_url=site.address) as client:
        assert (await client.get("/toi", headers={"Cookie": f"{name}={value}"})).status_code == 303
        assert (await client.get("/toi", headers={"Cookie": f"thidua={value}"})).status_code == 200
    assert os.environ.get("THIDUA_WEB_ADDRESS") is None
