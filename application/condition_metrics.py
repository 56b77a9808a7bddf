"""A condition as gauges for Prometheus. The worker measures it again and again; the limits are in `judgement`."""

from __future__ import annotations

from math import nan

from prometheus_client import Gauge

from application.condition import SystemCondition, seconds_since

MEASURE_S = 15.0
"""How often the worker measures."""

_MEASURED = Gauge("thidua_measured_timestamp_seconds", "When the condition of the installation was last measured")
_PART = Gauge("thidua_part_answers", "Whether a part answers the worker (1) or not (0)", ("part",))
_DISK_FREE = Gauge("thidua_disk_free_bytes", "Free space of the disk", ("disk",))
_DISK_SIZE = Gauge("thidua_disk_size_bytes", "Size of the disk", ("disk",))
_CERTIFICATES = Gauge("thidua_certificate_days", "Days for which the certificates of the engine's door still hold")
_BACKUP = Gauge(
    "thidua_backup_timestamp_seconds",
    "When the newest backup was made; 0 before the first one, NaN where nothing tells of backups",
)
_POSITION = Gauge("thidua_ledger_position", "Position of the newest event")
_COVERED = Gauge("thidua_checkpoint_position", "Position up to which the newest checkpoint reaches")
_UNCOVERED = Gauge("thidua_uncovered_seconds", "Age of the oldest event that no checkpoint covers; 0 without one")
_STOPPED = Gauge("thidua_appends_stopped", "1 while the ledger takes nothing because a clock was found to be wrong")
_LAW = Gauge("thidua_law_in_force", "The law that the ledger has in force")
_CARRIED = Gauge("thidua_law_carried", "The law that this version of the program carries")
_DATABASE = Gauge("thidua_database_bytes", "Size of the database")
_CLOCK = Gauge("thidua_clock_ahead_seconds", "By how much the worker's clock is ahead of the database's")
_LAG_EVENTS = Gauge("thidua_lag_events", "Events that something is behind the ledger", ("what",))
_LAG_SECONDS = Gauge("thidua_lag_seconds", "Age of the oldest event that something has not followed", ("what",))
_WAITING = Gauge("thidua_notices_waiting", "Notices whose mail is not sent yet")
_DEFERRED = Gauge("thidua_mails_deferred", "Mails that wait because their recipient was refused for now")
_OVERDUE = Gauge("thidua_mail_overdue_seconds", "For how long the first mail waits that the post should have tried")
_NOT_SENT = Gauge("thidua_notices_not_sent", "Notices of the last 24 hours that could not be mailed")
_LOGINS = Gauge("thidua_failed_logins", "Failed passwords and codes of the last quarter of an hour")


def show(condition: SystemCondition) -> None:
    """Set the gauges. Those of what was not measured keep their values; the time of measuring tells of it."""
    for part, answers in condition.parts.items():
        _PART.labels(part).set(answers)
    for name, disk in condition.disks.items():
        _DISK_FREE.labels(name).set(disk.free)
        _DISK_SIZE.labels(name).set(disk.total)
    if condition.certificate_days is not None:
        _CERTIFICATES.set(condition.certificate_days)
    backup = condition.backup
    _BACKUP.set(nan if backup is None else backup.made_at.timestamp() if backup.made_at is not None else 0.0)
    if condition.ledger is None or condition.accounts is None:
        return
    ledger, accounts = condition.ledger, condition.accounts
    _POSITION.set(ledger.position)
    _COVERED.set(ledger.covered)
    _UNCOVERED.set(seconds_since(ledger.uncovered_since, condition))
    _STOPPED.set(ledger.clock_stopped is not None)
    _LAW.set(ledger.law or 0)
    _CARRIED.set(condition.law)
    _DATABASE.set(ledger.database_bytes)
    _CLOCK.set(condition.clock_ahead_s or 0.0)
    for what, lag in condition.lags.items():
        _LAG_EVENTS.labels(what).set(lag.events)
        _LAG_SECONDS.labels(what).set(seconds_since(lag.since, condition))
    _WAITING.set(accounts.notices_waiting)
    _DEFERRED.set(accounts.mails_deferred)
    _OVERDUE.set(seconds_since(accounts.overdue_since, condition))
    _NOT_SENT.set(condition.not_sent or 0)
    _LOGINS.set(accounts.failed_logins)
    _MEASURED.set(condition.at.timestamp())
