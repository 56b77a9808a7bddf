"""The documented meetings in `scenarios/real`, and how the ledger shows what is odd about each of them.

The oddities are data (`scenarios/oddities.yaml`). A test and `make cases` record all cases and look for every oddity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter

from application.application import Application
from application.recording.file import RecordFile
from application.recording.run import record_file
from application.yaml_files import read_model, read_yaml
from domain.dates import Dated
from domain.times import When
from domain.types import FrozenModel, Label, Sureness
from ledger.events import RecordedEvent
from resources import SCENARIOS

REAL = SCENARIOS / "real"
ODDITIES = SCENARIOS / "oddities.yaml"


class Seen(FrozenModel):
    """Where an oddity shows: a deviation of one of the cycles, or an event with these circumstances.

    `deviation` is a code. `with` is a part of the event's payload. `cycle` is "this" or "next", after the file's cycle
    or the one that it opens; `named` is the middle part of the stream's name.
    """

    deviation: Label | None = None
    event: Label | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    on: Dated | None = None
    how: Sureness | None = None
    cycle: Label | None = None
    named: Label | None = None


class Oddity(FrozenModel):
    """Something odd that a source tells (`told`), and how the ledger shows it, in words and to be looked for."""

    told: Label
    shows: Label
    seen: Seen


class Case(FrozenModel):
    """A documented meeting with its oddities."""

    case: Label
    oddities: tuple[Oddity, ...]

    def files(self) -> list[Path]:
        """Return its recording files: one, or one for each of several clusters."""
        return sorted(REAL.glob(f"{self.case}*.yaml"))


def all_cases() -> tuple[Case, ...]:
    """Return all cases.

    Raises:
        InputError: the file of oddities cannot be read.
    """
    return TypeAdapter(tuple[Case, ...]).validate_python(read_yaml(ODDITIES)[0])


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """What the ledger has after the files of a case were recorded. `deviations` are codes."""

    entered: int
    deviations: tuple[str, ...]
    rows: tuple[tuple[str, RecordedEvent], ...]
    """Each row with "this" or "next", after the file's cycle or the one that it opens."""


async def record_case(app: Application, case: Case) -> RecordedCase:
    """Record the files of a case, each for its first person."""
    entered, deviations, rows = 0, list[str](), list[tuple[str, RecordedEvent]]()
    for path in case.files():
        person = read_model(path, RecordFile).people[0].id
        report = await record_file(app, path, person)
        entered += report["counts"]["entered"]
        for index, cycle in enumerate(report["cycles"]):
            deviations += [one["code"] for one in cycle["deviations"]]
            which = "next" if index else "this"
            rows += [(which, row) for row, _envelope in await app.history(cycle["cycle"])]
    return RecordedCase(entered, tuple(dict.fromkeys(deviations)), tuple(rows))


def is_seen(seen: Seen, recorded: RecordedCase) -> bool:
    """True when an oddity shows where it should."""
    if seen.deviation is not None:
        return seen.deviation in recorded.deviations
    return any(True for _ in _matching(seen, recorded))


def _matching(seen: Seen, recorded: RecordedCase) -> Iterator[RecordedEvent]:
    for which, row in recorded.rows:
        on = When(row.happened_earliest, row.happened_latest)
        if (
            row.type == seen.event
            and (seen.cycle or which) == which
            and (seen.how or row.provenance) == row.provenance
            and (seen.on is None or seen.on == on)
            and (seen.named or row.stream.split("/")[1]) == row.stream.split("/")[1]
            and _contains(json.loads(row.payload), seen.with_)
        ):
            yield row


def _contains(found: Any, wanted: Any) -> bool:
    """True when all wanted keys are found with these values; each entry of a wanted list matches some found entry."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_contains(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and all(any(_contains(one, entry) for one in found) for entry in wanted)
    return bool(found == wanted)
