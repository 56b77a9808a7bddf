"""What the figures of a condition mean: each as a fact in words, green, yellow or red, with what there is to do.

The limits stand here once. The rules for Prometheus (`ops/prometheus-rules.yml`) repeat the red ones, and a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from application.condition import Lag, SystemCondition, seconds_since
from domain.times import ICT
from i18n import N_, _, ngettext
from i18n.messages import counted, size_in_words

UNCOVERED_S = 600.0
"""An event that no checkpoint covers after so long: two checkpoints in a row were not made."""

LAG_S = 120.0
"""A projection, or the reading of the post, that is so far behind."""

OVERDUE_S = 900.0
"""A mail that the post has not tried for so long after its time."""

FREE_LOW, FREE_LEAST = 0.2, 0.1
"""Shares of a disk that are free: below the first it is time to act, below the second appends will soon stop."""

CERTIFICATE_SOON, CERTIFICATE_LEAST = 60.0, 14.0
"""Days for which the certificates of the engine's door still hold."""

BACKUP_LATE_S, BACKUP_LATEST_S = 108_000.0, 604_800.0
"""Ages of the newest backup: a daily one is missing for some hours; a week of work would be lost."""

CLOCK_LOW_S, CLOCK_MOST_S = 2.0, 30.0
"""Differences between the clocks of this machine and of the database."""

LOGINS_MANY = 30
"""Failed logins in a quarter of an hour: more than people mistype."""


class Level(StrEnum):
    """How a fact is."""

    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"
    UNKNOWN = "unknown"
    """It could not be measured."""


_WORST_FIRST = (Level.BAD, Level.ATTENTION, Level.UNKNOWN, Level.GOOD)

WORDS_OF_LEVELS: Mapping[Level, str] = MappingProxyType(
    {
        Level.GOOD: N_("in order"),
        Level.ATTENTION: N_("needs attention"),
        Level.BAD: N_("act now"),
        Level.UNKNOWN: N_("not known"),
    }
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `subject` is a key of `SUBJECTS`; `text` is a sentence in the language in use."""

    subject: str
    level: Level
    text: str

    @property
    def rank(self) -> int:
        """The worst first: 0."""
        return _WORST_FIRST.index(self.level)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a fact is about: its title, and what to do when it is not good. Both are message ids."""

    title: str
    advice: str


SUBJECTS: Mapping[str, Subject] = MappingProxyType(
    {
        "postgresql": Subject(
            N_("Database"),
            N_(
                "Without the database no page can be read and nothing is recorded. Look at the end of its log in the "
                "folder of logs and at the free space of its disk, then start it again; `thidua up` does so by "
                "itself."
            ),
        ),
        "temporal": Subject(
            N_("Workflow engine"),
            N_(
                "Pages can be read; acts are not recorded, and what was typed is kept. Start the server again. When "
                "it says that a certificate is refused, see the certificates below."
            ),
        ),
        "worker": Subject(
            N_("Worker"),
            N_(
                "Acts stay pending, deadlines and mails wait; nothing is lost. Look at the end of the worker's log "
                "and start it again; `thidua up` does so by itself."
            ),
        ),
        "web": Subject(
            N_("Web pages"),
            N_("People cannot work. Look at the end of the log of the pages and start them again."),
        ),
        "appends": Subject(
            N_("Recording in the register"),
            N_(
                "The register takes nothing because a clock was found to be wrong. Set the clock of the machine "
                "right, then run `thidua resume --confirm-clock`."
            ),
        ),
        "checkpoint": Subject(
            N_("Checkpoints"),
            N_(
                "What no checkpoint covers could be cut off unnoticed. Look in the worker's log for the word "
                "`checkpoint`: the key of checkpoints may have been retired, its disk may be full, or the ledger may "
                "be an old copy."
            ),
        ),
        "projections": Subject(
            N_("Board, search and accounts"),
            N_(
                "Pages show what was known before. Look in the worker's log for the word `upkeep`. When a line stays "
                "away, `thidua rebuild` computes board and search anew; it takes seconds to minutes."
            ),
        ),
        "post": Subject(
            N_("Mail"),
            N_(
                "Notices wait and are not lost. Look in the worker's log for `mail server away` and `mail deferred`: "
                "it names the answer of the mail server. Whoever has no right mail address is named in the list of "
                "people."
            ),
        ),
        "logins": Subject(
            N_("Failed logins"),
            N_(
                "Somebody may be guessing passwords. Attempts are slowed down and no account is locked. Look at the "
                "log of accounts; reset the login of a person whose password may be known."
            ),
        ),
        "disk": Subject(
            N_("Free space"),
            N_(
                "A full disk stops recording; nothing that was recorded is lost. Remove what does not belong to the "
                "register (old logs, old backups), or enlarge the disk. Never delete anything in the folder of the "
                "database."
            ),
        ),
        "certificates": Subject(
            N_("Certificates of the engine"),
            N_(
                "When they end, nothing is recorded any more. `thidua up` renews them at its start: start it anew. "
                "With compose: `docker compose down`, then `docker compose up --detach`."
            ),
        ),
        "backup": Subject(
            N_("Backup"),
            N_(
                "What was entered since the newest backup would be lost with the machine. Make one now with "
                "`thidua backup`, and look why the daily one was not made: the log of its service, the free space of "
                "its disk."
            ),
        ),
        "clock": Subject(
            N_("Clocks"),
            N_(
                "Deadlines and recorded times go by the clock. Let both machines follow the same time server "
                "(`chronyc tracking` tells)."
            ),
        ),
        "law": Subject(
            N_("Version"),
            N_(
                "Another version of the program has put its law in force, so this one records nothing. Run the same "
                "version everywhere."
            ),
        ),
    }
)
"""In the order in which they are shown."""

_PARTS = ("postgresql", "temporal", "worker", "web")


def judged(condition: SystemCondition) -> list[Fact]:
    """Return all facts of a condition, in the order of `SUBJECTS`."""
    return [fact for subject in SUBJECTS for fact in _JUDGES[subject](condition)]


def worst(facts: list[Fact]) -> Level:
    """Return the worst level among facts."""
    return _WORST_FIRST[min((fact.rank for fact in facts), default=_WORST_FIRST.index(Level.UNKNOWN))]


def _part(name: str) -> Callable[[SystemCondition], Iterator[Fact]]:
    def judge(condition: SystemCondition) -> Iterator[Fact]:
        if name in condition.parts:
            answers = condition.parts[name]
            yield Fact(
                name, Level.GOOD if answers else Level.BAD, _("It answers.") if answers else _("It does not answer.")
            )

    return judge


def _unknown(subject: str) -> Fact:
    return Fact(subject, Level.UNKNOWN, _("It cannot be measured while the database does not answer."))


def _appends(condition: SystemCondition) -> Iterator[Fact]:
    if (ledger := condition.ledger) is None:
        yield _unknown("appends")
    elif ledger.clock_stopped is not None:
        yield Fact("appends", Level.BAD, _("Stopped: the clock was found to be wrong."))
    elif ledger.last_at is None:
        yield Fact("appends", Level.GOOD, _("Nothing is recorded yet."))
    else:
        text = _("{events}; the last one was recorded {ago} ago.")
        ago = span(seconds_since(ledger.last_at, condition))
        yield Fact("appends", Level.GOOD, text.format(events=counted("event", ledger.position), ago=ago))


def _checkpoint(condition: SystemCondition) -> Iterator[Fact]:
    if (ledger := condition.ledger) is None:
        yield _unknown("checkpoint")
        return
    waited = seconds_since(ledger.uncovered_since, condition)
    if ledger.uncovered_since is None:
        yield Fact("checkpoint", Level.GOOD, _("A checkpoint covers every event."))
        return
    text = _("No checkpoint covers the last {events}, the first of them for {time}.")
    level = Level.BAD if waited > UNCOVERED_S else Level.GOOD
    events = counted("event", ledger.position - ledger.covered)
    yield Fact("checkpoint", level, text.format(events=events, time=span(waited)))


_FOLLOWERS: Mapping[str, str] = {"board": N_("Board"), "search": N_("Search"), "accounts": N_("Accounts")}


def _projections(condition: SystemCondition) -> Iterator[Fact]:
    if not condition.lags:
        yield _unknown("projections")
        return
    behind = [(name, condition.lags[name]) for name in _FOLLOWERS if condition.lags[name].events]
    if not behind:
        yield Fact("projections", Level.GOOD, _("They show all that was recorded."))
    for name, lag in behind:
        text = _("{what} is behind by {events}, for {time}.")
        yield Fact(
            "projections",
            _of_lag(lag, condition),
            text.format(what=_(_FOLLOWERS[name]), events=counted("event", lag.events), time=_waited(lag, condition)),
        )


def _of_lag(lag: Lag, condition: SystemCondition) -> Level:
    return Level.BAD if seconds_since(lag.since, condition) > LAG_S else Level.GOOD


def _waited(lag: Lag, condition: SystemCondition) -> str:
    return span(seconds_since(lag.since, condition))


def _post(condition: SystemCondition) -> Iterator[Fact]:
    if (accounts := condition.accounts) is None:
        yield _unknown("post")
        return
    waited = seconds_since(accounts.overdue_since, condition)
    read = condition.lags["post"]
    if waited > OVERDUE_S:
        text = _("Mail that should have been sent waits for {time}.").format(time=span(waited))
        yield Fact("post", Level.BAD, text)
    elif seconds_since(read.since, condition) > LAG_S:
        text = _("What was recorded has been waiting for its notices for {time}.").format(time=_waited(read, condition))
        yield Fact("post", Level.BAD, text)
    elif condition.not_sent:
        text = ngettext(
            "{count} notice of the last 24 hours could not be sent.",
            "{count} notices of the last 24 hours could not be sent.",
            condition.not_sent,
        )
        yield Fact("post", Level.ATTENTION, text.format(count=condition.not_sent))
    else:
        text = ngettext(
            "{count} notice waits for its mail.", "{count} notices wait for their mails.", accounts.notices_waiting
        )
        yield Fact("post", Level.GOOD, text.format(count=accounts.notices_waiting))


def _logins(condition: SystemCondition) -> Iterator[Fact]:
    if (accounts := condition.accounts) is None:
        yield _unknown("logins")
        return
    level = Level.ATTENTION if accounts.failed_logins > LOGINS_MANY else Level.GOOD
    text = ngettext(
        "{count} failed in the last quarter of an hour.",
        "{count} failed in the last quarter of an hour.",
        accounts.failed_logins,
    )
    yield Fact("logins", level, text.format(count=accounts.failed_logins))


_ON_DISK: Mapping[str, str] = {"data": N_("Data"), "database": N_("Database")}


def _disk(condition: SystemCondition) -> Iterator[Fact]:
    for name, disk in condition.disks.items():
        share = disk.free / disk.total if disk.total else 0.0
        level = Level.BAD if share < FREE_LEAST else Level.ATTENTION if share < FREE_LOW else Level.GOOD
        text = _("{what}: {free} of {total} are free.")
        sizes = {"free": size_in_words(disk.free), "total": size_in_words(disk.total)}
        yield Fact("disk", level, text.format(what=_(_ON_DISK[name]), **sizes))
    if not condition.disks:
        yield Fact("disk", Level.UNKNOWN, _("No disk is named that could be looked at."))


def _certificates(condition: SystemCondition) -> Iterator[Fact]:
    if (days := condition.certificate_days) is None:
        yield Fact("certificates", Level.UNKNOWN, _("There are none here, as in a rehearsal, or they cannot be read."))
        return
    level = Level.BAD if days < CERTIFICATE_LEAST else Level.ATTENTION if days < CERTIFICATE_SOON else Level.GOOD
    if days < 0:
        yield Fact("certificates", level, _("They have ended."))
        return
    text = ngettext("They hold for {count} more day.", "They hold for {count} more days.", int(days))
    yield Fact("certificates", level, text.format(count=int(days)))


def _backup(condition: SystemCondition) -> Iterator[Fact]:
    if (known := condition.backup) is None:
        yield Fact("backup", Level.UNKNOWN, _("Nothing tells here of backups, as in a rehearsal."))
    elif known.made_at is None:
        yield Fact("backup", Level.ATTENTION, _("No backup has been made yet."))
    else:
        age = max(0.0, (condition.at - known.made_at).total_seconds())
        level = Level.BAD if age > BACKUP_LATEST_S else Level.ATTENTION if age > BACKUP_LATE_S else Level.GOOD
        yield Fact("backup", level, _("The newest one was made {ago} ago.").format(ago=span(age)))


def _clock(condition: SystemCondition) -> Iterator[Fact]:
    if (ahead := condition.clock_ahead_s) is None:
        yield _unknown("clock")
        return
    level = Level.BAD if abs(ahead) > CLOCK_MOST_S else Level.ATTENTION if abs(ahead) > CLOCK_LOW_S else Level.GOOD
    if level is Level.GOOD:
        yield Fact("clock", level, _("This machine and the database agree."))
        return
    text = (
        _("This machine is {time} ahead of the database.")
        if ahead > 0
        else _("This machine is {time} behind the database.")
    )
    yield Fact("clock", level, text.format(time=span(abs(ahead))))


def _law(condition: SystemCondition) -> Iterator[Fact]:
    text = _("Version {version}, law {law}.").format(version=condition.version, law=condition.law)
    if condition.ledger is None or condition.ledger.law is None:
        yield Fact("law", Level.GOOD, text)
        return
    in_force = condition.ledger.law
    if in_force == condition.law:
        yield Fact("law", Level.GOOD, text)
    else:
        yield Fact("law", Level.BAD, f"{text} " + _("In force is law {law}.").format(law=in_force))


_JUDGES: Mapping[str, Callable[[SystemCondition], Iterator[Fact]]] = {
    **{name: _part(name) for name in _PARTS},
    "appends": _appends,
    "checkpoint": _checkpoint,
    "projections": _projections,
    "post": _post,
    "logins": _logins,
    "disk": _disk,
    "certificates": _certificates,
    "backup": _backup,
    "clock": _clock,
    "law": _law,
}

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def span(seconds: float) -> str:
    """A time as people say it: in seconds, minutes, hours or days, whichever fits."""
    whole = int(seconds)
    if whole < 2 * _MINUTE:
        return ngettext("{count} second", "{count} seconds", whole).format(count=whole)
    if whole < 2 * _HOUR:
        return ngettext("{count} minute", "{count} minutes", whole // _MINUTE).format(count=whole // _MINUTE)
    if whole < 2 * _DAY:
        return ngettext("{count} hour", "{count} hours", whole // _HOUR).format(count=whole // _HOUR)
    return ngettext("{count} day", "{count} days", whole // _DAY).format(count=whole // _DAY)


def measured_at(condition: SystemCondition) -> str:
    """When a condition was measured: hour, minute, second, Vietnamese time."""
    return f"{condition.at.astimezone(ICT):%H:%M:%S}"
