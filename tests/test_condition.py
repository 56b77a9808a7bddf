"""The condition of an installation: each fact at its limits, the page for administrators, parts that are away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from engine_help import CITY, open_cycle, units
from prometheus_client import REGISTRY
from speech import RULES
from temporalio.client import Client
from web_help import Site

from accounts.figures import AccountFigures, account_figures
from application.condition import Disk, Lag, SystemCondition, measured
from application.condition_metrics import show
from application.judgement import SUBJECTS, Level, judged, span, worst
from application.logs import log_format, without_texts
from application.metrics import HOST, served
from application.traces import asked_for, check_traces
from cli.session import Session
from errors import InputError
from i18n import in_language
from ledger.figures import LedgerFigures
from local.certificates import Authority, Certificates
from local.last_backup import LAST_BACKUP, LastBackup, note_backup
from local.process import free_ports
from local.temporal import NAMESPACE
from web import urls
from workflows.client import TemporalClient

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
GOOD = SystemCondition(
    at=NOW,
    parts={"postgresql": True, "temporal": True, "worker": True, "web": True},
    disks={"data": Disk(80, 100), "database": Disk(80, 100)},
    certificate_days=400.0,
    backup=LastBackup(NOW - timedelta(hours=20)),
    ledger=LedgerFigures(NOW, None, 10_000_000, 100, 100, NOW - timedelta(minutes=3), None, 1, 7),
    accounts=AccountFigures(2, 0, None, 3, 7),
    lags={name: Lag(0, None) for name in ("board", "search", "accounts", "post")},
    not_sent=0,
    clock_ahead_s=0.1,
    version="1.0",
    law=1,
)


def levels(condition: SystemCondition) -> Mapping[str, Level]:
    """The worst level of each subject."""
    facts = judged(condition)
    return {subject: worst([one for one in facts if one.subject == subject]) for subject in SUBJECTS}


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_what_is_in_order_is_green_and_told_in_words() -> None:
    assert set(levels(GOOD).values()) == {Level.GOOD}
    with in_language("en"):
        told = {fact.subject: fact.text for fact in judged(GOOD)}
    assert told["appends"] == "100 events; the last one was recorded 3 minutes ago."
    assert told["law"] == "Version 1.0, law 1."


LEDGER, ACCOUNTS = GOOD.ledger, GOOD.accounts
assert LEDGER is not None
assert ACCOUNTS is not None


@pytest.mark.parametrize(
    ("subject", "changes", "level"),
    [
        ("worker", {"parts": {"worker": False}}, Level.BAD),
        ("appends", {"ledger": replace(LEDGER, clock_stopped="jumped 70 s")}, Level.BAD),
        ("checkpoint", {"ledger": replace(LEDGER, covered=90, uncovered_since=ago(601))}, Level.BAD),
        ("checkpoint", {"ledger": replace(LEDGER, covered=90, uncovered_since=ago(599))}, Level.GOOD),
        ("projections", {"lags": {**GOOD.lags, "search": Lag(5, ago(121))}}, Level.BAD),
        ("projections", {"lags": {**GOOD.lags, "search": Lag(5, ago(119))}}, Level.GOOD),
        ("post", {"accounts": replace(ACCOUNTS, overdue_since=ago(901))}, Level.BAD),
        ("post", {"lags": {**GOOD.lags, "post": Lag(5, ago(121))}}, Level.BAD),
        ("post", {"not_sent": 1}, Level.ATTENTION),
        ("logins", {"accounts": replace(ACCOUNTS, failed_logins=31)}, Level.ATTENTION),
        ("disk", {"disks": {"data": Disk(9, 100)}}, Level.BAD),
        ("disk", {"disks": {"data": Disk(19, 100)}}, Level.ATTENTION),
        ("disk", {"disks": {}}, Level.UNKNOWN),
        ("certificates", {"certificate_days": 13.9}, Level.BAD),
        ("certificates", {"certificate_days": 59.0}, Level.ATTENTION),
        ("certificates", {"certificate_days": None}, Level.UNKNOWN),
        ("backup", {"backup": LastBackup(ago(107_999))}, Level.GOOD),
        ("backup", {"backup": LastBackup(ago(108_001))}, Level.ATTENTION),
        ("backup", {"backup": LastBackup(ago(604_801))}, Level.BAD),
        ("backup", {"backup": LastBackup(None)}, Level.ATTENTION),
        ("backup", {"backup": None}, Level.UNKNOWN),
        ("clock", {"clock_ahead_s": -31.0}, Level.BAD),
        ("clock", {"clock_ahead_s": 3.0}, Level.ATTENTION),
        ("law", {"ledger": replace(LEDGER, law=2)}, Level.BAD),
        ("appends", {"ledger": None}, Level.UNKNOWN),
    ],
)
def test_a_fact_at_its_limit(subject: str, changes: dict[str, Any], level: Level) -> None:
    found = levels(replace(GOOD, **changes))
    assert found[subject] is level
    if changes.keys() & {"backup", "disks", "certificate_days", "clock_ahead_s", "not_sent"}:
        assert {one for name, one in found.items() if name != subject} == {Level.GOOD}


def test_times_are_told_in_the_unit_that_fits() -> None:
    with in_language("en"):
        assert [span(seconds) for seconds in (1, 119, 120, 7_199, 7_200, 172_800)] == [
            "1 second",
            "119 seconds",
            "2 minutes",
            "119 minutes",
            "2 hours",
            "2 days",
        ]


# The page -------------------------------------------------------------------------------------


async def test_an_administrator_sees_how_it_is_and_what_to_do(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    visitor = await site.log_in("quan-tri")
    await visitor.get(urls.PEOPLE)
    assert urls.CONDITION in visitor.page
    await visitor.get(urls.CONDITION)
    assert visitor.status == 200
    assert "Tình trạng hệ thống" in visitor.page
    assert visitor.page.count("Đang trả lời.") == 4  # database, engine, worker, pages
    connection = await asyncpg.connect(site.app.endpoints.owner_url)
    await connection.execute("update ledger.installation set clock_stopped = 'jumped 70 s'")
    await connection.close()
    await visitor.get(urls.CONDITION)
    assert "Có việc cần xử lý ngay" in visitor.page
    first_row = visitor.page.split("<tbody>")[1].split("</tr>")[0]
    assert "Ghi vào sổ" in first_row
    assert "xử lý ngay" in first_row
    assert "<code>thidua resume --confirm-clock</code>" in visitor.page


async def test_the_page_works_while_engine_and_worker_are_away(site: Site) -> None:
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    visitor = await site.log_in("quan-tri")
    # A client that connects when it is first asked, as that of the pages: to a port where nothing listens.
    away = await Client.connect(f"127.0.0.1:{free_ports(1)[0]}", namespace=NAMESPACE, lazy=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.services.application, "client", TemporalClient(away))
        await visitor.get(urls.CONDITION)
    assert visitor.status == 200
    assert visitor.page.count("Không trả lời.") == 2


async def test_what_the_database_cannot_tell_is_not_known(app: Session) -> None:
    found = await measured(app.ledger, {}, None, {})
    assert found.parts == {"postgresql": True}
    assert found.ledger is not None
    assert found.ledger.position > 0
    await app.ledger.pool.close()
    found = await measured(app.ledger, {}, None, {})
    assert found.parts == {"postgresql": False}
    assert levels(found)["checkpoint"] is Level.UNKNOWN


async def test_the_note_of_the_last_backup_becomes_a_fact_and_a_metric(tmp_path: Path) -> None:
    note, name = tmp_path / "last-backup.json", "thidua_backup_timestamp_seconds"
    assert (await measured(None, {}, None, {})).backup is None
    found = await measured(None, {}, None, {LAST_BACKUP: str(note)})
    assert found.backup == LastBackup(None)
    show(found)
    assert REGISTRY.get_sample_value(name) == 0.0, "the alert counts from 1970"
    note_backup(note, NOW.isoformat())
    show(found := await measured(None, {}, None, {LAST_BACKUP: str(note)}))
    assert found.backup == LastBackup(NOW)
    assert REGISTRY.get_sample_value(name) == NOW.timestamp()
    show(await measured(None, {}, None, {}))
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    assert isnan(value), "no alert where nothing tells of backups"


async def test_the_web_role_sees_counts_of_the_post_and_no_mail(app: Session) -> None:
    connection = await asyncpg.connect(app.endpoints.web_url)
    try:
        assert await connection.fetchval("select notices_waiting from accounts.figures") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from accounts.mail")
    finally:
        await connection.close()


async def test_a_mail_whose_time_has_passed_is_overdue_and_a_deferred_one_is_not(app: Session) -> None:
    pool, mail = app.ledger.pool, "insert into accounts.mail (id, person, tries, next_try_at) values "
    await pool.execute(mail + "(gen_random_uuid(), 'a', 3, now() + interval '1 hour')")
    found = await account_figures(pool)
    assert (found.mails_deferred, found.overdue_since) == (1, None)
    await pool.execute(mail + "(gen_random_uuid(), 'b', 0, now() - interval '20 minutes')")
    found = await account_figures(pool)
    assert found.overdue_since is not None


def test_certificates_hold_as_long_as_the_first_that_ends(tmp_path: Path) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    authority, certificates = Authority.make(), Certificates(tmp_path / "certificates")
    authority.write(certificates)
    certificates.client.write_bytes(authority.issue("client.thidua", until=until))
    certificates.client.chmod(0o600)
    assert certificates.client_tls.last_moment() == until
    certificates.client.write_text("nothing")
    assert certificates.client_tls.last_moment() is None
    certificates.client.unlink()
    with pytest.raises(InputError, match="key_file_missing"):
        certificates.client_tls.last_moment()


# Settings -------------------------------------------------------------------------------------


def test_a_setting_that_cannot_be_used_is_told() -> None:
    with pytest.raises(InputError, match="setting_bad_log_format"):
        log_format({"THIDUA_LOG_FORMAT": "xml"})
    assert log_format({}) is None
    with pytest.raises(InputError, match="setting_bad_traces"):
        check_traces({"OTEL_TRACES_EXPORTER": "zipkin"})
    with pytest.raises(InputError, match="setting_bad_traces"):
        check_traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_traces_are_off_unless_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    address = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}
    assert asked_for({}) is None
    assert asked_for({**address, "OTEL_SDK_DISABLED": "true"}) is None
    assert asked_for({**address, "OTEL_TRACES_EXPORTER": "none"}) is None
    assert asked_for(address) == "OTEL_EXPORTER_OTLP_ENDPOINT"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(InputError, match="traces_not_installed"):
        check_traces(address)


def test_a_port_that_is_taken_is_told_and_one_is_free_again_afterwards() -> None:
    (port,) = free_ports(1)
    with served({}, port), pytest.raises(InputError, match="metrics_port_taken"), served({}, port):
        pass
    with pytest.raises(InputError, match="metrics_port_taken"), served({HOST: "no-such-name.invalid"}, port):
        pass
    with served({}, port):
        pass


def test_a_log_has_class_code_and_place_of_an_error_and_not_its_text() -> None:
    name, folder = "Nguyễn Văn Mật", "/bi/mat"
    try:
        try:
            raise KeyError(name)
        except KeyError as inner:
            raise InputError("no_installation", folder=folder) from inner
    except InputError as error:
        entry = without_texts(
            None,
            "",
            {
                "event": "x",
                "exc_info": error,
                "reason": "550 <mat@thidua.example> no",
                "facts": {"to": ["mat@thidua.example"]},
            },
        )
    assert entry["error"] == "InputError(no_installation) < KeyError"
    assert "test_condition.py" in entry["where"]
    assert name not in str(entry)
    assert folder not in str(entry)
    assert "mat@" not in str(entry)
