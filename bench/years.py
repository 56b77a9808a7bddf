"""A city's ten years, loaded through decide and store: 332 clusters a year, about a million events.

Every command is decided by the law, and every event appended by the ledger's own function with its signature; only the
engine is left out: nobody waits for these years. The newest year is left in the middle, so that there are tasks.
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
from domain.rules import Edition
from domain.steps.deadlines import clock_command_id
from domain.types import CLOCK, ICT, Event, EventEnvelope, Refused, When, start_of
from ledger.events import Draft, StreamTip
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
    """A unit's id: the same in every year."""
    return f"u-{cluster}-{number}"


@dataclass(slots=True)
class _Year:
    """One cluster's year while it is decided."""

    stream: str
    rules: Edition
    signer: Signer
    state: Any = field(default_factory=CYCLE.empty)
    version: int = 0
    drafts: list[Draft] = field(default_factory=list)
    commands: list[tuple[UUID, SignedCommand]] = field(default_factory=list)

    def clock(self, now: datetime) -> None:
        """Let the clock say what is due by then."""
        while (ripe := CYCLE.due(self.state, self.rules, now)) is not None:
            instant, acts = ripe
            for act in acts:
                authenticated = AuthenticatedCommand(
                    stream=self.stream,
                    command=act,
                    actor=CLOCK,
                    unit="",
                    issued=instant,
                    command_id=clock_command_id(self.stream, act, instant),
                    happened=When.at(instant),
                )
                self._take(CYCLE.decide(authenticated, self.state, self.rules, self.version), None)

    def say(self, body: str, name: str, fields: dict[str, Any], now: datetime) -> None:
        """Somebody says an act."""
        act = parse_command(name, fields)
        item = BatchItem(
            self.stream,
            uuid5(SEED, f"{self.stream}/{self.version}/{name}/{body}"),
            CommandPayload.of(act).model_dump_json(),
        )
        batch = self.signer.sign([item], actor=f"cb-{body}", unit=body, issued=now, strength="password")
        authenticated = CommandPayload.of(act).authenticated(
            self.stream, item.command_id, actor=f"cb-{body}", unit=body, issued=now, strength="password"
        )
        told = CYCLE.decide(authenticated, self.state, self.rules, self.version)
        signed = batch.command(item, body)
        self.commands.append((item.command_id, signed))
        self._take(told, signed.digest)

    def _take(self, told: tuple[EventEnvelope[Event], ...], digest: bytes | None) -> None:
        self.drafts.extend(to_draft(one, digest) for one in told)
        self.state = reduce(CYCLE.evolve, told, self.state)
        self.version += len(told)


def _decided(cluster: int, year: int, rules: Edition, digest: str, signer: Signer, *, whole: bool) -> _Year:
    """One cluster's year, decided from its opening; to its filing, or to the signing."""
    found = _Year(f"{CITY}/{year}/cum-{cluster}", rules, signer)
    members = [unit(cluster, n) for n in range(MEMBERS)]
    opening = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": f"Cụm thi đua số {cluster}",
        "year": year,
        "units": [{"id": one, "name": f"Phường {one}"} for one in members],
        "edition": digest,
        "clock": "wall",
        "starts": start_of(date(year, 1, 5)).isoformat(),
    }
    found.say(CITY, "open-cycle", opening, datetime(year, 1, 5, 9, tzinfo=ICT))
    spoken = date(year, 1, 5)
    for when, body, name, fields in _acts(members, rules, year):
        if not whole and when > datetime(year, 3, 10, tzinfo=ICT):
            break
        if spoken != when.date():  # the clock speaks at 8:00 and at midnight; nobody acts before nine
            found.clock(when)
            spoken = when.date()
        try:
            found.say(body, name, fields, when)
        except Refused:
            continue
    return found


def _acts(members: list[str], rules: Edition, year: int) -> Iterator[tuple[datetime, str, str, dict[str, Any]]]:
    def at(month: int, day: int, n: int = 0) -> datetime:
        return datetime(year + (month == 0), month or 1, day, 9, tzinfo=ICT) + timedelta(minutes=n)

    sheet = [{"criterion": leaf.id, "points": str(leaf.max or 1)} for leaf in rules.leaves().values()]
    yield at(1, 6), CITY, "assign-role", {"role": "head", "holder": members[0], "manner": "elected"}
    for kind in ("plan", "bylaws", "covenant"):
        yield at(2, 1), members[0], "present-draft", {"kind": kind, "document": {"title": f"{kind} {year}"}}
    for n, one in enumerate(members):
        yield at(2, 20, n), one, "take-stance", {"unit": one, "stance": "agreed"}
    for n, one in enumerate(members):
        yield at(3, 5 if n % 3 else 14, n), one, "sign", {"unit": one}
    for n, one in enumerate(members):
        yield at(7, 2, n), one, "report-midyear", {"unit": one, "report": {"title": "Báo cáo 6 tháng"}}
    for n, one in enumerate(members):
        yield at(7, 28, n), CITY, "accept-report", {"unit": one}
    for n, one in enumerate(members):
        yield at(11, 5, n), one, "score-self", {"unit": one, "sheet": sheet}
    for n, one in enumerate(members):
        yield at(11, 15, n), one, "cross-check", {"unit": members[(n + 1) % MEMBERS], "by": one, "sheet": sheet}
    for n, one in enumerate(members):
        yield at(12, 1, n), CITY, "appraise", {"unit": one, "sheet": sheet}
    yield at(12, 10), members[0], "record-meeting", {"id": "tong-ket", "kind": "final"}
    yield at(12, 10, 1), members[0], "rank", {}
    yield at(12, 18), members[0], "submit", {"submission": {"title": "Tờ trình"}}
    grants = {"decision": {"number": "1/QĐ"}, "grants": [{"unit": members[0], "award": rules.awards[0].id}]}
    yield at(0, 20), CITY, "decide-awards", grants
    yield at(0, 25), CITY, "publish", {}
    yield at(0, 28), CITY, "file-cycle", {}


async def load(ledger: PostgresLedger, rules: Edition, digest: str, signer: Signer, clusters: int, years: int) -> int:
    """Load everything; returns how many events."""
    this_year = datetime.now(UTC).year
    slots, events, started = asyncio.Semaphore(AT_ONCE), 0, time.perf_counter()

    async def one(cluster: int, year: int) -> int:
        async with slots:
            found = _decided(cluster, year, rules, digest, signer, whole=year != this_year)
            tip = StreamTip()
            for first in range(0, len(found.drafts), 400):
                part = tuple(found.drafts[first : first + 400])
                ids = {draft.command_id for draft in part}
                commands = tuple(pair for pair in found.commands if pair[0] in ids)
                answer = await ledger.append(Append((Part(found.stream, tip, part),), commands))
                tip = answer.events[-1].tip  # type: ignore[union-attr]
            return len(found.drafts)

    for year in range(this_year - years + 1, this_year + 1):
        events += sum(await asyncio.gather(*(one(cluster, year) for cluster in range(1, clusters + 1))))
        print(f"  {year}: {events:,} events after {time.perf_counter() - started:.0f} s", flush=True)
    return events
