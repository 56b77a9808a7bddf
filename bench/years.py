"""Ten years of a city for benchmarks: 332 clusters a year, about a million events.

The decider decides every command, and the ledger's own function appends every event with its signature. Only the engine
is left out. The newest year stops after the signing, so that there are open tasks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID, uuid5

from domain.commands import AuthenticatedCommand, CommandPayload, parse_command
from domain.cycle import CYCLE
from domain.records import CLOCK, Event, EventEnvelope, Refused
from domain.rules import Edition
from domain.state import State
from domain.steps.clock import clock_command_id
from domain.strengths import Strength
from domain.times import ICT, When, start_of
from ledger.events import Draft, LedgerTip, StreamTip
from ledger.mapping import to_draft
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Part
from ledger.signing import BatchItem, SignedCommand, Signer

CITY = "bench-city"
CLUSTERS = 332
YEARS = 10
MEMBERS = 24
AT_ONCE = 12
SEED = UUID("6a1cd5c5-77a4-5ee6-9a0c-6c3c9d9c0e01")


def unit(cluster: int, number: int) -> str:
    """Return a unit's id, which is the same in every year."""
    return f"u-{cluster}-{number}"


@dataclass(slots=True)
class _Year:
    """One cluster's year while it is decided: its state, and the events and commands to append."""

    stream: str
    rules: Edition
    signer: Signer
    state: State = field(default_factory=CYCLE.empty)
    version: int = 0
    drafts: list[Draft] = field(default_factory=list)
    commands: list[tuple[UUID, SignedCommand]] = field(default_factory=list)

    def run_due_timers(self, now: datetime) -> None:
        """Decide the commands of the clock that are due by `now`."""
        while (due := CYCLE.due(self.state, self.rules, now)) is not None:
            instant, commands = due
            for command in commands:
                authenticated = AuthenticatedCommand(
                    stream=self.stream,
                    command=command,
                    actor=CLOCK,
                    unit="",
                    issued=instant,
                    command_id=clock_command_id(self.stream, command, instant),
                    happened=When.at(instant),
                )
                self._apply(CYCLE.decide(authenticated, self.state, self.rules, self.version), None)

    def issue(self, unit: str, name: str, fields: dict[str, Any], now: datetime) -> None:
        """Decide a command of a unit's officer."""
        payload = CommandPayload.of(parse_command(name, fields))
        item = BatchItem(
            self.stream,
            uuid5(SEED, f"{self.stream}/{self.version}/{name}/{unit}"),
            payload.model_dump_json(),
        )
        batch = self.signer.sign(
            [item], actor=f"cb-{unit}", unit=unit, issued=now, strength=Strength.OS_ACCOUNT, read=LedgerTip()
        )
        authenticated = payload.authenticated(
            self.stream, item.command_id, actor=f"cb-{unit}", unit=unit, issued=now, strength=Strength.OS_ACCOUNT
        )
        envelopes = CYCLE.decide(authenticated, self.state, self.rules, self.version)
        signed = batch.command(item, unit)
        self.commands.append((item.command_id, signed))
        self._apply(envelopes, signed.digest)

    def _apply(self, envelopes: tuple[EventEnvelope[Event], ...], digest: bytes | None) -> None:
        self.drafts.extend(to_draft(envelope, digest) for envelope in envelopes)
        self.state = reduce(CYCLE.evolve, envelopes, self.state)
        self.version += len(envelopes)


def _decide_year(cluster: int, year: int, rules: Edition, digest: str, signer: Signer, *, whole: bool) -> _Year:
    """Decide one cluster's year from its opening to its filing, or without `whole` to the signing."""
    cluster_year = _Year(f"{CITY}/{year}/cum-{cluster}", rules, signer)
    members = [unit(cluster, n) for n in range(MEMBERS)]
    opening = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": f"Cụm thi đua số {cluster}",
        "year": year,
        "units": [{"id": member, "name": f"Phường {member}"} for member in members],
        "edition": digest,
        "clock": "wall",
        "starts": start_of(date(year, 1, 5)).isoformat(),
    }
    cluster_year.issue(CITY, "open-cycle", opening, datetime(year, 1, 5, 9, tzinfo=ICT))
    timers_run = date(year, 1, 5)
    for when, unit_, name, fields in _acts(members, rules, year):
        if not whole and when > datetime(year, 3, 10, tzinfo=ICT):
            break
        if timers_run != when.date():  # timers are due at 8:00 and at midnight, and all commands come after 9:00
            cluster_year.run_due_timers(when)
            timers_run = when.date()
        try:
            cluster_year.issue(unit_, name, fields, when)
        except Refused:
            continue
    return cluster_year


def _acts(members: list[str], rules: Edition, year: int) -> Iterator[tuple[datetime, str, str, dict[str, Any]]]:
    """Yield the commands of a year as (instant, unit, name, fields)."""

    def at(month: int, day: int, n: int = 0) -> datetime:
        return datetime(year + (month == 0), month or 1, day, 9, tzinfo=ICT) + timedelta(minutes=n)

    sheet = [{"criterion": leaf.id, "points": str(leaf.max or 1)} for leaf in rules.leaves().values()]
    yield at(1, 6), CITY, "assign-role", {"role": "head", "holder": members[0], "manner": "elected"}
    for kind in ("plan", "bylaws", "covenant"):
        yield at(2, 1), members[0], "present-draft", {"kind": kind, "document": {"title": f"{kind} {year}"}}
    for n, member in enumerate(members):
        yield at(2, 20, n), member, "take-stance", {"unit": member, "stance": "agreed"}
    for n, member in enumerate(members):
        yield at(3, 5 if n % 3 else 14, n), member, "sign", {"unit": member}
    for n, member in enumerate(members):
        yield at(7, 2, n), member, "report-midyear", {"unit": member, "report": {"title": "Báo cáo 6 tháng"}}
    for n, member in enumerate(members):
        yield at(7, 28, n), CITY, "accept-report", {"unit": member}
    for n, member in enumerate(members):
        yield at(11, 5, n), member, "score-self", {"unit": member, "sheet": sheet}
    for n, member in enumerate(members):
        yield at(11, 15, n), member, "cross-check", {"unit": members[(n + 1) % MEMBERS], "by": member, "sheet": sheet}
    for n, member in enumerate(members):
        yield at(12, 1, n), CITY, "appraise", {"unit": member, "sheet": sheet}
    yield at(12, 10), members[0], "record-meeting", {"id": "tong-ket", "kind": "final"}
    yield at(12, 10, 1), CITY, "rank", {}
    yield at(12, 18), members[0], "submit", {"submission": {"title": "Tờ trình"}}
    grants = {"decision": {"number": "1/QĐ"}, "grants": [{"unit": members[0], "award": rules.awards[0].id}]}
    yield at(0, 20), CITY, "decide-awards", grants
    yield at(0, 25), CITY, "publish", {}
    yield at(0, 28), CITY, "file-cycle", {}


async def load(ledger: PostgresLedger, rules: Edition, digest: str, signer: Signer, clusters: int, years: int) -> int:
    """Append all years; return the number of events."""
    this_year = datetime.now(UTC).year
    slots, events, started = asyncio.Semaphore(AT_ONCE), 0, time.perf_counter()

    async def append_year(cluster: int, year: int) -> int:
        async with slots:
            cluster_year = _decide_year(cluster, year, rules, digest, signer, whole=year != this_year)
            tip = StreamTip()
            for first in range(0, len(cluster_year.drafts), 400):
                part = tuple(cluster_year.drafts[first : first + 400])
                ids = {draft.command_id for draft in part}
                commands = tuple(pair for pair in cluster_year.commands if pair[0] in ids)
                answer = await ledger.append(Append((Part(cluster_year.stream, tip, part),), commands))
                tip = answer.events[-1].tip  # type: ignore[union-attr]
            return len(cluster_year.drafts)

    for year in range(this_year - years + 1, this_year + 1):
        events += sum(await asyncio.gather(*(append_year(cluster, year) for cluster in range(1, clusters + 1))))
        print(f"  {year}: {events:,} events after {time.perf_counter() - started:.0f} s", flush=True)
    return events
