"""The JSON interface: tokens and their scope, acts with receipts; and schemathesis against its own description."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import jsonschema_rs
import pytest
from engine_help import CITY, assert_ledger_verifies, open_cycle, submit, units
from soak import SOAK
from speech import RULES
from test_format_2 import BY_THE_CLOCK, LEDGERS, Dumped, _committed
from web_help import Site

from application.act_descriptions import act_descriptions
from application.command_to_form import to_form_values
from application.fields import form_fields
from domain.cycle import ENTERED_BY_PERSONS
from domain.dates import format_when
from domain.records import Command
from domain.times import When
from web import api


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


@pytest.mark.shows_keys("a program sends ids that no unit has, and gets them back")
async def test_the_interface_does_what_it_says(site: Site, tmp_path: Path) -> None:
    """Schemathesis makes requests from the description and holds every answer against it.

    Its phase "coverage" makes 20,000 requests of the description of the acts, in two minutes, and is left out for them;
    in its place each act has an example from the description, and there are more random requests.
    """
    stream = await open_cycle(site.app, RULES, members=units(2))
    organiser, year, cluster = stream.split("/")
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    head = await bearer(site, "thu-ky", "sign")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(
        f'[parameters]\n"path.organiser" = "{organiser}"\n"path.year" = "{year}"\n"path.cluster" = "{cluster}"\n'
        f"[generation]\nmax-examples = {15 if SOAK else 5}\n"
        '[[operations]]\ninclude-path-regex = "/cycles/.*/acts"\n'
        f"phases.coverage.enabled = false\ngeneration.max-examples = {100 if SOAK else 20}\n"
    )
    child = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(settings),
        "run",
        f"{site.address}/api/v1/openapi.json",
        "--header",
        f"Authorization: {head['Authorization']}",
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


async def test_the_register_of_deviations_is_found_under_its_former_address(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))
    await site.person("kiem-tra", "thanh-tra", "auditor")
    http = (await site.log_in("ai-do")).http
    head = await bearer(site, "kiem-tra", "read")
    former = await http.get("/api/v1/departures", headers=head)
    assert (former.status_code, former.json()) == (
        200,
        (await http.get("/api/v1/deviations", headers=head)).json(),
    )
    paths = (await http.get("/api/v1/openapi.json")).json()["paths"]
    assert paths["/departures"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/deviations"]["get"]


# The description ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    services: Any = SimpleNamespace(application=SimpleNamespace(rehearsal=True))
    return api.build(services).openapi()


def schema_of_request(description: dict[str, Any], act: str) -> dict[str, Any]:
    """The schema of a request to enter the act, with everything that it refers to."""
    mapping = description["components"]["schemas"]["ActRequest"]["discriminator"]["mapping"]
    return {"$ref": mapping[act], "components": description["components"]}


def resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]


def test_every_act_is_described_with_its_fields(description: dict[str, Any]) -> None:
    request = description["components"]["schemas"]["ActRequest"]
    assert request["discriminator"]["propertyName"] == "act"
    assert len(request["oneOf"]) == len(ENTERED_BY_PERSONS)
    assert set(request["discriminator"]["mapping"]) == {act.NAME for act in ENTERED_BY_PERSONS}
    for act in ENTERED_BY_PERSONS:
        one = resolved(description, schema_of_request(description, act.NAME))
        assert one["properties"]["act"]["const"] == act.NAME
        assert set(one["properties"]) == set(api.ActRequest.model_fields)
        fields = resolved(description, one["properties"]["fields"])
        asked = form_fields(act)
        assert set(fields.get("properties", {})) == {field.name for field in asked}
        assert set(fields.get("required", ())) == {field.name for field in asked if field.required}
        assert ("fields" in one["required"]) == any(field.required for field in asked)
        for field in asked:
            if field.kind == "text":
                shown = json.dumps(fields["properties"][field.name])
                assert '"string"' in shown
                assert "0-9a-f" not in shown


def test_both_routes_that_take_an_act_take_each(description: dict[str, Any]) -> None:
    way = "/cycles/{organiser}/{year}/{cluster}/acts"
    for path in (way, f"{way}/try"):
        body = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert body == {"$ref": "#/components/schemas/ActRequest"}


def recorded_commands() -> dict[str, list[dict[str, Any]]]:
    """The fields of every recorded command of the dump, as people type them, by the command's name."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in LEDGERS:
        for signed in Dumped(_committed()[name]).signed.values():
            payload = json.loads(signed.payload)
            if payload["act"] in {act.NAME for act in ENTERED_BY_PERSONS}:
                found[payload["act"]].append(typed(Command.KNOWN[payload["act"]], payload["fields"]))
    return found


def typed(act: type[Command], fields: dict[str, Any]) -> dict[str, Any]:
    texts = {digest: "Nguyên văn." for field in form_fields(act) for digest in digests(field, fields.get(field.name))}
    plain: dict[str, Any] = to_form_values(fields, texts)
    return {name: as_date(value) for name, value in plain.items()}


def as_date(value: Any) -> Any:
    """A date as people write it, in place of its range; other values stay."""
    if not isinstance(value, dict) or set(value) != {"earliest", "latest"}:
        return value
    return format_when(When(*(datetime.fromisoformat(value[end]) for end in ("earliest", "latest"))))


def digests(field: Any, value: Any) -> set[str]:
    if isinstance(value, list):
        return {found for entry in value for found in digests(field.as_one(field.name), entry)}
    if isinstance(value, dict):
        return {found for part in field.parts for found in digests(part, value.get(part.name))}
    return {value} if field.kind == "text" and value is not None else set()


def test_recorded_commands_are_valid_as_people_type_them(description: dict[str, Any]) -> None:
    commands = recorded_commands()
    assert len(commands) > 70
    assert not BY_THE_CLOCK & set(commands)
    by_name = {one.act: one for one in act_descriptions(rehearsal=True)}
    for act, examples in commands.items():
        requests = jsonschema_rs.Draft202012Validator(schema_of_request(description, act))
        alone = jsonschema_rs.Draft202012Validator(by_name[act].fields)
        for fields in examples:
            requests.validate({"act": act, "fields": fields})
            alone.validate(fields)
        assert not requests.is_valid({"act": act, "fields": {**examples[0], "no-such-field": 1}})
        assert not requests.is_valid({"act": "no-such-act", "fields": examples[0]})


def test_every_answer_has_a_model(description: dict[str, Any]) -> None:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                schema = answer["content"]["application/json"]["schema"]
                assert "$ref" in schema.get("items", schema), (method, path, status)
