"""All documented meetings in one run: recorded on the real engine, each oddity looked for where it should show.

Run by `make cases`. What is odd, and how it shows, is data (`scenarios/oddities.yaml`); the table of docs/cases.md is
written from it by `--write`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter

from application.recording.file import RecordFile
from application.yaml_files import read_model, read_yaml
from audit.verify import verify
from cli.outcome import Exit, grid, run, say, terminal
from cli.recording import carry_out
from cli.session import Session, session
from domain.dates import Dated
from domain.types import FrozenModel, Label, Sureness, When
from ledger.events import RecordedEvent
from resources import ROOT, SCENARIOS

REAL = SCENARIOS / "real"
ODDITIES = SCENARIOS / "oddities.yaml"
TABLE = ROOT / "docs" / "cases.md"
HEAD = "| case | oddity | how it shows |"


class Seen(FrozenModel):
    """Where an oddity shows: a deviation of one of the cycles, or an event with these circumstances."""

    deviation: Label | None = None
    event: Label | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    on: Dated | None = None
    how: Sureness | None = None
    cycle: Label | None = None
    named: Label | None = None


class Oddity(FrozenModel):
    """Something odd that a source tells, and how the register shows it."""

    told: Label
    shows: Label
    seen: Seen


class Case(FrozenModel):
    """A documented meeting with its oddities."""

    case: Label
    oddities: tuple[Oddity, ...]

    def files(self) -> list[Path]:
        """Its recording files: one, or one for each of several clusters."""
        return sorted(REAL.glob(f"{self.case}*.yaml"))


def cases() -> tuple[Case, ...]:
    """All of them.

    Raises:
        InputError: the file of oddities cannot be read.
    """
    return TypeAdapter(tuple[Case, ...]).validate_python(read_yaml(ODDITIES)[0])


def table() -> str:
    """The oddities as a table in Markdown."""
    lines = [HEAD, "| --- | --- | --- |"]
    for case in cases():
        for number, one in enumerate(case.oddities):
            lines.append(f"| {'' if number else case.case} | {one.told} | {one.shows} |")
    return "\n".join(lines)


def write() -> int:
    """Write the table into the documentation, in place of the one that stands there."""
    before, _head, rest = TABLE.read_text(encoding="utf-8").partition(HEAD)
    after = rest.partition("\n\n")[2]
    TABLE.write_text(f"{before}{table()}\n\n{after}" if after else f"{before}{table()}\n", encoding="utf-8")
    return Exit.DONE


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of the files of one case."""

    entered: int
    deviations: tuple[str, ...]
    rows: tuple[tuple[str, RecordedEvent], ...]
    """Each with "this" or "next", after the file's cycle or the one that it opens."""


async def record_all() -> int:
    """Record every case, look for every oddity, verify the ledger; a table of what was seen."""
    found = list[tuple[Case, Recorded]]()
    async with session("worker", say, rehearsal=True) as open_:
        for case in cases():
            found.append((case, await recorded_of(open_, case)))
        report = await verify(open_.ledger, open_.edition, open_.installed.id, open_.ledger.epoch)
    unseen = _show(found)
    console = terminal()
    files = sum(len(case.files()) for case, _ in found)
    entered = sum(recorded.entered for _, recorded in found)
    console.print(f"{len(found)} cases, {files} files, {entered} acts, {report.events} events")
    console.print(f"chain whole: {report.ok}; oddities not seen: {unseen}")
    return Exit.DONE if report.ok and not unseen else Exit.NOT_VERIFIED


async def recorded_of(open_: Session, case: Case) -> Recorded:
    """Record the files of a case."""
    entered, deviations, rows = 0, list[str](), list[tuple[str, RecordedEvent]]()
    for file in case.files():
        told = read_model(file, RecordFile)
        done = await carry_out(open_, file, told.people[0].id)
        entered += done["counts"]["entered"]
        for number, cycle in enumerate(done["cycles"]):
            deviations += [one["code"] for one in cycle["deviations"]]
            which = "next" if number else "this"
            rows += [(which, row) for row, _told in await open_.history(cycle["cycle"])]
    return Recorded(entered, tuple(dict.fromkeys(deviations)), tuple(rows))


def _show(found: Sequence[tuple[Case, Recorded]]) -> int:
    shown = grid("case", "oddity", "how it shows", "seen")
    unseen = 0
    for case, recorded in found:
        for number, one in enumerate(case.oddities):
            there = is_seen(one.seen, recorded)
            unseen += not there
            shown.add_row("" if number else case.case, one.told, one.shows, "yes" if there else "NO")
        shown.add_row("", "", f"deviations: {', '.join(recorded.deviations) or '-'}", "", end_section=True)
    terminal().print(shown)
    return unseen


def is_seen(seen: Seen, recorded: Recorded) -> bool:
    """True when an oddity shows where it should."""
    if seen.deviation is not None:
        return seen.deviation in recorded.deviations
    return any(True for _ in _matching(seen, recorded))


def _matching(seen: Seen, recorded: Recorded) -> Iterator[RecordedEvent]:
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
    """True when everything that is wanted is there; of a list, each wanted entry somewhere."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_contains(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and all(any(_contains(one, entry) for one in found) for entry in wanted)
    return bool(found == wanted)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        sys.exit(write())
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        os.environ["THIDUA_DATA"] = folder
        sys.exit(run(record_all))
