"""Lines of the board without events: made up, and written as the projection writes its own."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.duties import Duty
from ledger.connection import Pool
from projections.board_table import write_line

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
ORGANISERS = ("mttq-hanoi", "mttq-noi-khac")
NAMES = ("Cụm Đống Đa", "Cụm Hoàn Kiếm", "Cụm Long Biên", "Cụm Ứng Hòa", "Khối cơ quan")
STEPS = ("plan-draft", "signing", "midyear-check", "filed")
CODES = ("head_nominated", "late_signature", "unknown-code")


def made_up_line(dice: random.Random, organiser: str, year: int, number: int) -> dict[str, Any]:
    """A line as `line_of` gives it: tasks are late, coming or undated; the clock is its own or the real one."""
    units = [f"don-vi-{dice.randrange(8)}" for _ in range(3)]
    names = {**{unit: f"Phường {unit[-1]} Đông" for unit in units}, organiser: "Thành phố"}
    filed = dice.random() < 0.3
    own_now = NOW + timedelta(days=dice.randrange(-90, 90)) if dice.random() < 0.4 else None
    open_ = [] if filed else [_made_up_task(dice, [*names]) for _ in range(dice.randrange(4))]
    return {
        "cycle": f"{organiser}/{year}/cum-{number}",
        "cluster": dice.choice(NAMES),
        "organiser_name": "Thành phố",
        "year": year,
        "step": "filed" if filed else dice.choice(STEPS[:-1]),
        "steps": [],
        "clock": "wall" if own_now is None else "stepped",
        "rehearsed": dice.random() < 0.5,
        "now": own_now.isoformat() if own_now else None,
        "names": names,
        "members": list(dict.fromkeys(units)),
        "head": units[0],
        "overseer": "phu-trach" if dice.random() < 0.3 else None,
        "duties_done": {},
        "open": open_,
        "extensions_asked": [{"unit": units[0], "duty": "signature", "until": "2026-07-01", "reason": "e" * 64}]
        if dice.random() < 0.3
        else [],
        "extensions_refused": [],
        "closed": [],
        "done_by": {},
        "escalations": [{"duty": "signature", "units": units[:1]}] if dice.random() < 0.2 else [],
        "deviations": {"open": dice.randrange(2), "remarks": 0, "all": 1},
        "found": [_made_up_deviation(dice, units, n) for n in range(dice.randrange(4))],
        "chased": [{"units": [*names][:2], "duty": "stance", "channel": "telephone", "on": "2026-06-01"}]
        if number % 2
        else [],
        "done": {unit: [_made_up_done(dice) for _ in range(2)] for unit in units[:1]},
        "heat": [],
        "reports": {},
        "filed": NOW.isoformat() if filed else None,
    }


def _made_up_task(dice: random.Random, bearers: list[str]) -> dict[str, Any]:
    due = NOW + timedelta(days=dice.randrange(-60, 60)) if dice.random() < 0.8 else None
    return {
        "unit": dice.choice(bearers),
        "duty": dice.choice([Duty.SIGNATURE, Duty.STANCE, Duty.SUBMISSION]).value,
        "subject": None,
        "due": due.isoformat() if due else None,
        "waits_for": [],
        "awaited": None,
        "extended": False,
        "extended_why": None,
        "article": "Điều 5",
    }


def _made_up_done(dice: random.Random) -> dict[str, Any]:
    done = NOW - timedelta(days=dice.randrange(300))
    return {"duty": "stance", "subject": None, "late": False, "on": f"{done:%Y-%m-%d}", "until": done.isoformat()}


def _made_up_deviation(dice: random.Random, units: list[str], number: int) -> dict[str, Any]:
    facts = {} if dice.random() < 0.3 else {"unit": dice.choice([*units, "la"])}
    return {
        "key": f"khoa-{number}",
        "code": dice.choice(CODES),
        "article": dice.choice(["Điều 9", None]),
        "on": None,
        "facts": facts,
        "settled": dice.random() < 0.3,
        "acknowledged": dice.random() < 0.3,
    }


async def write_lines(pool: Pool, lines: list[dict[str, Any]]) -> None:
    """Write lines beside those that are there."""
    organisers: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        organisers[line["cluster"]].add(line["cycle"].split("/")[0])
    async with pool.acquire() as connection, connection.transaction():
        for line in lines:
            await write_line(connection, line["cycle"], 0, line)
            line["namesake"] = len(organisers[line["cluster"]]) > 1  # what stands there once all are written


def made_up_lines(
    seed: int, clusters: int, years: tuple[int, ...], organisers: tuple[str, ...] = ORGANISERS
) -> list[dict[str, Any]]:
    """Lines of some clusters of each organiser in each year."""
    dice = random.Random(seed)  # noqa: S311 - data of a test
    return [
        made_up_line(dice, organiser, year, number)
        for organiser in organisers
        for year in years
        for number in range(1, clusters + 1)
    ]
