"""What an operator watches: metrics, logs and traces of a worker and a web process that do an act; rules, dashboard."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from account_help import make_account
from conftest import NewInstallation, eventually, open_app
from engine_help import enter_staff, open_cycle, units
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from soak import SOAK
from speech import RULES
from temporalio.client import Client
from temporalio.service import RPCError

from accounts.store import Accounts
from application import judgement
from application.logs import KEYS
from application.traces import ATTRIBUTES
from ledger.connection import open_pool
from local.engine import start_web, start_worker
from local.process import free_ports, port_answers
from local.temporal import TemporalServer

ROOT = Path(__file__).parent.parent
RULES_FILE, DASHBOARD = ROOT / "ops" / "prometheus-rules.yml", ROOT / "ops" / "grafana-dashboard.json"
TEXT = "Nguyễn Văn Mật xin ý kiến"
SECRET = "bi-mat-trong-dia-chi"


@dataclass(slots=True)
class Span:
    """A span as a collector got it."""

    name: str
    id: str
    parent: str
    trace: str
    service: str
    attributes: dict[str, Any]
    began: float
    took: float
    """Milliseconds."""
    bytes: str
    """Everything that came of it, as text."""


@dataclass(slots=True)
class Watched:
    """What was seen of an act."""

    metrics: Mapping[str, str]
    spans: list[Span]
    logs: Mapping[str, list[str]]
    secrets: list[str]


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """A collector of traces on loopback: its address, and the spans that came."""
    spans: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sent = ExportTraceServiceRequest.FromString(body)
            for resource in sent.resource_spans:
                (service,) = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
                for one in [span for scope in resource.scope_spans for span in scope.spans]:
                    given = {a.key: a.value.string_value or a.value.int_value for a in one.attributes}
                    spans.append(
                        Span(
                            one.name,
                            one.span_id.hex(),
                            one.parent_span_id.hex(),
                            one.trace_id.hex(),
                            service,
                            given,
                            one.start_time_unix_nano / 1e6,
                            (one.end_time_unix_nano - one.start_time_unix_nano) / 1e6,
                            str(one),
                        )
                    )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


@pytest.fixture(scope="module")
async def watched(
    client: Client, new_installation: NewInstallation, temporal: TemporalServer
) -> AsyncIterator[Watched]:
    """A comment by the JSON interface of a real web process, carried out by a real worker."""
    with collector() as (address, spans), pytest.MonkeyPatch.context() as patch:
        ports = dict(zip(("worker", "web", "pages"), free_ports(3), strict=True))
        for name, value in {
            "THIDUA_METRICS": str(ports["worker"]),
            "THIDUA_WEB_METRICS": str(ports["web"]),
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }.items():
            patch.setenv(name, value)
        async with open_app(client, new_installation) as app:
            stream = await open_cycle(app, RULES, members=units(2))
            person = (await enter_staff(app, "don-vi-1")).id
            await make_account(app, person)
            pool = await open_pool(app.endpoints.web_url)
            token = await Accounts(pool).new_token(person, "thử", "act", 1)
            pool.terminate()
            tls = temporal.tls.environment() if temporal.tls else {}
            endpoints = replace(app.endpoints, temporal=temporal.address, tls=tls)
            worker = start_worker(app.paths, endpoints, app.installed)
            web, _endpoints = start_web(app.paths, endpoints, ports["pages"])
            logs = {server.name: server.log for server in (worker, web)}
            try:

                async def is_up() -> bool:
                    return "ready" in worker.log.read_text() and port_answers(ports["pages"])

                await eventually(is_up, 60)
                # Another workflow than that of the test's own worker, which does not trace.
                with suppress(RPCError):
                    await client.get_workflow_handle(stream).terminate()
                async with httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{ports['pages']}",
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=60,
                ) as http:
                    body = {
                        "act": "comment",
                        "fields": {"by": {"unit": "don-vi-1"}, "text": TEXT},
                        "command_id": str(uuid4()),
                    }
                    answer = await http.post(f"/api/v1/cycles/{stream}/acts", json=body)
                    assert answer.status_code == 201, answer.text
                    for path in (f"/khong-co/{SECRET}?x={SECRET}", f"/lich/{SECRET}.ics"):
                        assert (await http.get(path)).status_code == 404

                async def has_come() -> bool:
                    return {"append", "update submit"} <= {span.name for span in spans}

                await eventually(has_come)

                async def is_measured() -> bool:
                    return "thidua_ledger_position 0.0" not in scraped(ports["worker"])

                await eventually(is_measured)
                metrics = {name: scraped(ports[name]) for name in ("worker", "web")}
            finally:
                for server in (web, worker):
                    await asyncio.to_thread(server.stop)
                with suppress(RPCError):
                    await client.get_workflow_handle(f"post-{app.installed.id}").terminate()
            secrets = [token, TEXT, SECRET, *app.installed.passwords.values(), f"cb-{person}@", "Cán bộ"]
            yield Watched(metrics, spans, {name: file.read_text().splitlines() for name, file in logs.items()}, secrets)


# Metrics --------------------------------------------------------------------------------------


def families(text: str) -> set[str]:
    return {found.name for found in text_string_to_metric_families(text)}


def named_in(text: str) -> set[str]:
    """The metrics that rules or panels name, without what histograms and counters add."""
    found = re.findall(r"\b(?:thidua|temporal|process)_[a-z_]+", text)
    return {re.sub(r"_(bucket|total|count|sum)$", "", name) for name in found}


def test_each_metric_of_rules_and_dashboard_is_given_by_a_running_part(watched: Watched) -> None:
    given = families(watched.metrics["worker"]) | families(watched.metrics["web"])
    expressions = [rule["expr"] for rule in rules()]
    expressions += [target["expr"] for panel in panels() for target in panel["targets"]]
    named = named_in("\n".join(expressions))
    assert len(named) > 30
    assert named - given == set()


def test_an_act_is_counted_where_it_is_done(watched: Watched) -> None:
    web, worker = watched.metrics["web"], watched.metrics["worker"]
    assert 'thidua_submissions_total{outcome="recorded"} 1.0' in web
    assert re.search(r'thidua_web_requests_total\{method="POST",route="/cycles/[^"]+",status="201"\} 1\.0', web)
    assert re.search(r'thidua_appends_total\{outcome="appended"\} [1-9]', worker)
    assert 'thidua_part_answers{part="postgresql"} 1.0' in worker
    assert 'thidua_part_answers{part="temporal"} 1.0' in worker
    assert re.search(r'thidua_disk_free_bytes\{disk="data"\} [1-9]', worker)


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES_FILE.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def test_each_alert_has_its_chapter_and_says_where() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).strip().lower().replace(" ", "-")
        for line in (ROOT / "docs" / "watching.md").read_text().splitlines()
        if line.startswith("#")
    }
    for rule in rules():
        name = rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/watching.md#{name.lower()}"
        assert name.lower() in headings, name
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_limits_of_rules_are_those_of_the_page() -> None:
    by_name = {rule["alert"]: rule["expr"] for rule in rules()}
    for name, numbers in {
        "EventsNotCovered": [judgement.UNCOVERED_S],
        "PostStuck": [judgement.OVERDUE_S, judgement.LAG_S],
        "ProjectionBehind": [judgement.LAG_S],
        "DiskFull": [judgement.FREE_LEAST],
        "CertificatesEnd": [judgement.CERTIFICATE_LEAST],
        "BackupOld": [judgement.BACKUP_LATE_S],
        "ClocksDiffer": [judgement.CLOCK_MOST_S],
        "ManyFailedLogins": [judgement.LOGINS_MANY],
    }.items():
        assert [float(found) for found in re.findall(r"[<>] ([\d.]+)", by_name[name])] == numbers, name


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    whole = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in whole["panels"]]
    assert len(ids) == len(set(ids))
    source = yaml.safe_load((ROOT / "ops" / "grafana-provisioning" / "datasources.yml").read_text())
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["datasources"][0]["uid"]}


@pytest.mark.skipif(not SOAK, reason="make soak")
def test_prometheus_takes_rules_and_settings(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("NOT TRIED: Debian's package prometheus is not installed")
    checked = subprocess.run([promtool, "check", "rules", str(RULES_FILE)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    settings = tmp_path / "prometheus.yml"
    text = (ROOT / "ops" / "prometheus.yml").read_text()
    settings.write_text(text.replace("/etc/prometheus/prometheus-rules.yml", str(RULES_FILE)))
    checked = subprocess.run([promtool, "check", "config", str(settings)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


# Logs -----------------------------------------------------------------------------------------


def test_each_line_of_a_log_is_json_with_the_same_keys_and_no_secret(watched: Watched) -> None:
    for part, lines in watched.logs.items():
        assert lines
        for line in lines:
            entry = json.loads(line)
            assert list(entry)[: len(KEYS)] == list(KEYS), line
            assert entry["part"] == part
            assert not [secret for secret in watched.secrets if secret in line], line


# Traces ---------------------------------------------------------------------------------------


def test_the_spans_of_an_act_are_one_tree_from_the_request_to_the_append(watched: Watched) -> None:
    by_id = {span.id: span for span in watched.spans}
    (request,) = [span for span in watched.spans if span.name.startswith("POST ")]
    own = [span for span in watched.spans if span.trace == request.trace]
    print(drawn(request, own))
    assert [span.name for span in own if not span.parent] == [request.name]
    assert all(span.parent in by_id for span in own if span is not request)

    def above(span: Span) -> list[str]:
        return [span.name, *(above(by_id[span.parent]) if span.parent else [])]

    (append,) = [span for span in own if span.name == "append"]
    assert above(append) == ["append", "activity append", "update submit", "submit", "fastapi.endpoint", request.name]
    assert append.attributes["thidua.outcome"] == "appended"
    (decide,) = [span for span in own if span.name == "decide"]
    assert above(decide) == ["decide", "update submit", "submit", "fastapi.endpoint", request.name]
    assert {by_id[span.id].service for span in own} == {"thidua-web", "thidua-worker"}
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["http.route"] == "/api/v1/cycles/{organiser}/{year}/{cluster}/acts"


def drawn(top: Span, spans: list[Span], depth: int = 0) -> str:
    """A trace as lines: when a span began after the first, how long it took, its part, its name."""
    first = min(span.began for span in spans)
    line = f"{top.began - first:7.1f} {top.took:7.1f} ms  {top.service:14} {'  ' * depth}{top.name}"
    below = sorted((span for span in spans if span.parent == top.id), key=lambda span: span.began)
    return "\n".join([line, *(drawn(span, spans, depth + 1) for span in below)])


def test_a_span_holds_nothing_but_what_is_listed(watched: Watched) -> None:
    assert {name for span in watched.spans for name in span.attributes} <= ATTRIBUTES
    for span in watched.spans:
        assert not [secret for secret in watched.secrets if secret in span.bytes]
