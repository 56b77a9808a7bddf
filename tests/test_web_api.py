"""The JSON interface: tokens and their scope, acts with receipts; and schemathesis against its own description."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from engine_help import CITY, assert_ledger_verifies, open_cycle, submit, units
from speech import RULES
from web_help import Site


async def bearer(site: Site, person: str, scope: str) -> dict[str, str]:
    secret = await site.services.accounts.new_token(person, "thử", scope, 1)  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {secret}"}


async def test_a_token_reaches_as_far_as_its_scope(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await site.person("an", "don-vi-1")
    http = (await site.log_in("ai-do")).http
    way = f"/api/v1/cycles/{stream}/acts"
    comment = {"act": "comment", "fields": {"by": {"unit": "don-vi-1"}, "text": "Nhất trí."}}
    sign = {"act": "sign", "fields": {"unit": "don-vi-1"}, "command_id": str(uuid4())}
    read, act, sign_ = [await bearer(site, "an", scope) for scope in ("read", "act", "sign")]
    assert (await http.post(way, json=comment, headers=read)).status_code == 403
    assert (await http.post(way, json=comment, headers=act)).status_code == 201
    assert (await http.post(way, json=sign, headers=act)).json()["code"] == "token_too_weak"
    first = await http.post(way, json=sign, headers=sign_)
    again = await http.post(way, json=sign, headers=sign_)
    assert first.json()["versions"] == again.json()["versions"]
    assert (first.json()["known"], again.json()["known"]) == (False, True)
    other = await http.post(way, json={"act": "sign", "fields": {"unit": "don-vi-2"}}, headers=sign_)
    assert (other.status_code, other.json()["code"]) == (409, "not_yours")
    assert (await http.post(f"{way}/try", json=comment, headers=read)).status_code == 403
    assert (await http.post(f"{way}/try", json=comment, headers=act)).status_code == 200
    instead = {"act": "correct", "fields": {"version": 2, "reason": "x", "instead": {"act": "publish"}}}
    assert (await http.post(way, json=instead, headers=act)).json()["code"] == "token_too_weak"
    for (token,) in [(head["Authorization"].removeprefix("Bearer "),) for head in (read, act, sign_)]:
        assert token not in (await http.get("/api/v1/me", headers=read)).text
    await site.services.accounts.end_all("an")
    assert (await http.get("/api/v1/me", headers=read)).status_code == 401
    await assert_ledger_verifies(site.app)


async def test_the_interface_does_what_it_says(site: Site, tmp_path: Path) -> None:
    """Schemathesis makes requests from the description and holds every answer against it."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    organiser, year, cluster = stream.split("/")
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    head = await bearer(site, "thu-ky", "sign")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(
        f'[parameters]\n"path.organiser" = "{organiser}"\n"path.year" = "{year}"\n"path.cluster" = "{cluster}"\n'
    )
    child = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(settings),
        "run",
        f"{site.address}/api/v1/openapi.json",
        "--header",
        f"Authorization: {head['Authorization']}",
        "--max-examples",
        "15",
        "--seed",
        "1",
        "--workers",
        "1",
        "--no-color",
        "--request-timeout",
        "60",
        "--exclude-checks",
        "positive_data_acceptance,unsupported_method",
        "--generation-database",
        "none",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _err = await child.communicate()
    report = out.decode()
    print(report)
    assert child.returncode == 0, report
    await assert_ledger_verifies(site.app)
