"""The golden corpus: a digest of all that is decided in each of many years, to notice when decisions change.

The years are those of the ledgers in `data/format-2.json.xz` (the demo, the documented meetings of `scenarios/real/`, a
whole year, and every other act), and a thousand years by chance (`random_years.py`). The commands are as they were
signed; today's code decides each on the state before it, and the clock's acts that are due. `data/decisions.json` has
the digests with the law by which they were made.

`make golden` writes it anew; CONTRIBUTING.md, "Changing a decision", says when that may be. To see what is decided in a
case, and to compare it with another version: `PYTHONPATH=. .venv/bin/python tests/golden.py --show "random year 17"`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from random_years import CITY, EDITIONS, YEAR, Entered, RandomYear
from test_format_2 import FILE as LEDGERS
from test_format_2 import Dumped, ledgers_in

from domain import law
from domain.commands import AuthenticatedCommand, parse_command
from domain.records import CLOCK, AlreadyRecorded, Event, EventEnvelope, Refused
from domain.rules import NO_RULES, Edition, edition_of, in_force
from domain.steps.clock import clock_command_id
from domain.streams import folded, is_cycle, is_year
from domain.strengths import Strength
from domain.times import When
from domain.types import Provenance
from ledger.events import RecordedEvent
from ledger.mapping import authenticate, to_draft, to_envelope
from ledger.signing import BatchItem, Header, SignedCommand
from resources import ROOT

FILE = Path(__file__).parent / "data" / "decisions.json"
CHANGELOG = ROOT / "CHANGELOG.md"
RANDOM_YEARS = 1_000
DIGITS = 16
"""Of a digest: enough to tell two by chance."""


@dataclass
class Decisions:
    """A stream on which commands are decided one after another; `lines` tells of each decision."""

    stream: str
    editions: Mapping[str, Edition]
    lines: list[str] = field(default_factory=list)
    history: list[EventEnvelope[Event]] = field(default_factory=list)
    rules: Edition = NO_RULES

    def __post_init__(self) -> None:
        self.folded = folded(self.stream)

    def decide(self, authenticated: AuthenticatedCommand) -> tuple[EventEnvelope[Event], ...]:
        """Decide a command and tell of it: its events as they would be stored, or that there are none."""
        history = tuple(self.history) if authenticated.command.NAME == "correct" else ()
        try:
            decided = self.folded.decide(authenticated, self.rules, len(self.history), history)
        except Refused:
            self.lines.append(f"{authenticated.command.NAME}: refused")
            return ()
        except AlreadyRecorded as earlier:
            self.lines.append(f"{authenticated.command.NAME}: recorded as {earlier.version}")
            return ()
        self.lines.extend(self._told(one) for one in decided)
        return decided

    def _told(self, envelope: EventEnvelope[Event]) -> str:
        # Without the number of the law, which says nothing of what is decided.
        draft = replace(to_draft(envelope), law=law.FIRST_LAW)
        return draft.body(self.stream, envelope.meta.version).decode()

    def apply(self, envelopes: Iterable[EventEnvelope[Event]]) -> None:
        """Fold stored events."""
        for envelope in envelopes:
            self.history.append(envelope)
            if envelope.event.NAME == "ActCorrected":
                self.folded.fold(self.history)
            else:
                self.folded.evolve(envelope)
        self.rules = in_force(self.folded.adoptions(), self.editions)

    def digest(self) -> str:
        """The digest of all that was decided."""
        return sha256("\n".join(self.lines).encode()).hexdigest()[:DIGITS]


# Recorded years and documented meetings ---------------------------------------------------------------


def recorded_cases() -> dict[str, Decisions]:
    """Decide every command of the recorded ledgers again, on the stored events before it."""
    found = {}
    for name, data in ledgers_in(LEDGERS).items():
        ledger = Dumped(data)
        editions = {digest: edition_of(body) for digest, body in data["editions"].items()}
        for stream in data["streams"]:
            if is_cycle(stream) or is_year(stream):
                rows = [row for row in ledger.rows if row.stream == stream]
                found[f"{name} {stream}"] = _decided_again(Decisions(stream, editions), rows, ledger.signed)
    return found


def _decided_again(run: Decisions, rows: Iterable[RecordedEvent], signed: Mapping[bytes, SignedCommand]) -> Decisions:
    seen = set()
    for row in rows:
        if row.command_id not in seen:
            seen.add(row.command_id)
            if row.command_digest is not None:
                command = signed[row.command_digest]
                item = BatchItem(row.stream, row.command_id, command.payload)
                run.decide(authenticate(item, Header.parse(command.header)))
            else:
                _decide_due(run, row)
        run.apply([to_envelope(row)])
        if row.command_digest is not None:
            run.lines.append(f"next due: {run.folded.next_due(run.rules)}")
    return run


def _decide_due(run: Decisions, row: RecordedEvent) -> None:
    """Decide the act of the clock that the ledger has here, if it is due."""
    due = run.folded.due(run.rules, row.recorded_at)
    for command in due[1] if due is not None else ():
        if due is not None and clock_command_id(row.stream, command, due[0]) == row.command_id:
            run.decide(_by_the_clock(run.stream, command, due[0]))
            return
    run.lines.append(f"not due: {row.type}")


def _by_the_clock(stream: str, command: Any, instant: datetime) -> AuthenticatedCommand:
    return AuthenticatedCommand(
        stream=stream,
        command=command,
        actor=CLOCK,
        unit="",
        issued=instant,
        command_id=clock_command_id(stream, command, instant),
        happened=When.at(instant),
    )


# Random years ------------------------------------------------------------------------------------------


def random_case(number: int) -> Decisions:
    """Decide a random year."""
    year = RandomYear(number)
    run = Decisions(f"{CITY}/{YEAR}/cum-{number}", EDITIONS)
    opened = datetime.fromisoformat(year.opening()["starts"])
    _hand_in(run, Entered(opened, CITY, "open-cycle", year.opening()))
    for entered in year.acts():
        if year.clock == "wall":
            _run_clock(run, entered.now)
        _hand_in(run, entered)
        if entered.act == "step-to":
            _run_clock(run, entered.now)
    return run


def _hand_in(run: Decisions, entered: Entered) -> None:
    try:
        command = parse_command(entered.act, entered.fields)
    except Refused:
        run.lines.append(f"{entered.act}: malformed")
        return
    authenticated = AuthenticatedCommand(
        stream=run.stream,
        command=command,
        actor=f"cb-{entered.unit}",
        unit=entered.unit,
        issued=entered.now,
        command_id=uuid5(NAMESPACE_URL, f"{run.stream}/{len(run.lines)}"),
        strength=Strength.OS_ACCOUNT,
        happened=None if entered.on is None else When.on(entered.on),
        provenance=None if entered.on is None else Provenance(kind="stated", source="hồ sơ"),
        meeting=entered.meeting,
    )
    _store(run, run.decide(authenticated), entered.now)


def _run_clock(run: Decisions, now: datetime) -> None:
    while (due := run.folded.due(run.rules, now)) is not None:
        for command in due[1]:
            _store(run, run.decide(_by_the_clock(run.stream, command, due[0])), now)


def _store(run: Decisions, decided: tuple[EventEnvelope[Event], ...], now: datetime) -> None:
    """Apply what was decided as the ledger stores it: a moment later."""
    recorded = now + timedelta(seconds=1)
    run.apply(one._replace(meta=one.meta._replace(recorded=recorded)) for one in decided)


# The corpus --------------------------------------------------------------------------------------------

RANDOM = "random year"
NAMED = 12
"""So many random years are named in a line; the others are counted."""


class NotRenewedError(Exception):
    """The corpus may not be written anew; the text says why."""


@dataclass(frozen=True)
class Corpus:
    """The digests by case, the law by which they were made, and the line of the changelog that tells of them."""

    law: int
    changelog: str
    digests: Mapping[str, str]

    @classmethod
    def read(cls, file: Path) -> Corpus:
        """Read a corpus that is kept."""
        return cls(**json.loads(file.read_text()))

    def write(self, file: Path) -> None:
        """Keep it, a case a line."""
        data = {"law": self.law, "changelog": self.changelog, "digests": self.digests}
        file.write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n")

    def changed(self, now: Mapping[str, str]) -> list[str]:
        """The cases among `now` that are decided otherwise than here, or are not here."""
        return [case for case, digest in now.items() if self.digests.get(case) != digest]


def decided(numbers: Iterable[int]) -> dict[str, str]:
    """Decide the recorded years and the random years with these numbers; returns a digest for each case."""
    found = {case: run.digest() for case, run in recorded_cases().items()}
    return found | {f"{RANDOM} {number}": random_case(number).digest() for number in numbers}


def named(cases: Iterable[str]) -> str:
    """Cases in a line: random years as numbers."""
    recorded, numbers = list[str](), list[str]()
    for case in cases:
        (numbers.append(case.split()[2]) if case.startswith(RANDOM) else recorded.append(case))
    if numbers:
        more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
        recorded.append(f"random years {', '.join(numbers[:NAMED])}{more}")
    return "; ".join(recorded)


def is_released(changelog: str) -> bool:
    """Whether there was a release: a version in the changelog that is not called unreleased."""
    return any(not title.endswith("unreleased") for title in re.findall(r"^## (.+)$", changelog, re.MULTILINE))


def renewed(kept: Corpus | None, now: Mapping[str, str], number: int, *, released: bool) -> Corpus:
    """The corpus of today's decisions, made by the law with this number.

    Raises:
        NotRenewedError: the law fell; or there was a release, decisions changed, and the law has no new number.
    """
    mark = sha256("".join(now.values()).encode()).hexdigest()[:8]
    if kept is None:
        return Corpus(number, f"Decisions by law {number} are kept as a corpus ({mark}): {len(now)} cases.", now)
    changed = kept.changed(now) + [f"{case} (gone)" for case in kept.digests.keys() - now.keys()]
    otherwise = [case for case in changed if case.removesuffix(" (gone)") in kept.digests]
    if number < kept.law:
        raise NotRenewedError(f"The corpus was made by law {kept.law}; LAW in domain/law.py fell to {number}.")
    if otherwise and released and number == kept.law:
        raise NotRenewedError(
            f"Decisions of released law {number} changed: {named(otherwise)}.\n"
            "Ledgers hold what it decided. Mend that, or add 1 to LAW in domain/law.py and run `make golden` again."
        )
    if not changed and number == kept.law:
        return replace(kept, digests=now)
    what = f"otherwise or new: {named(sorted(changed, key=_order))}" if changed else "none are otherwise"
    return Corpus(number, f"Decisions by law {number} (corpus {mark}), {what}.", now)


def _order(case: str) -> tuple[bool, int, str]:
    is_random = case.startswith(RANDOM)
    return is_random, int(case.split()[2]) if is_random else 0, case


def stands_in(line: str, changelog: str) -> bool:
    """Whether a line stands in the changelog, however it is wrapped there."""
    return " ".join(line.split()) in " ".join(changelog.split())


def main(arguments: list[str]) -> str | None:
    """Write the corpus anew, or show a case; returns an error."""
    if arguments[:1] == ["--show"]:
        (case,) = arguments[1:]
        run = random_case(int(case.split()[-1])) if case.startswith(RANDOM) else recorded_cases()[case]
        print(*run.lines, sep="\n")
        return None
    changelog = CHANGELOG.read_text()
    kept = Corpus.read(FILE) if FILE.exists() else None
    try:
        new = renewed(kept, decided(range(RANDOM_YEARS)), law.LAW, released=is_released(changelog))
    except NotRenewedError as error:
        return str(error)
    new.write(FILE)
    if not stands_in(new.changelog, changelog):
        print(f"Put this line into CHANGELOG.md, and say there what is decided otherwise and why:\n* {new.changelog}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
