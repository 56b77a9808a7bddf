"""Who may enter each act, when, and who reads it: tables that only a change of the law changes.

`tests/data/act-rules.txt` has a line for each command and each event. After a wanted change:
`PYTHONPATH=. .venv/bin/python tests/test_act_rules.py --write`; the difference goes into the changelog.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import administration, city_year, cycle, installation, law, post  # noqa: F401 - they define all commands and events
from domain.access import MAY_READ, Matter, Reader, may_manage, readers
from domain.records import Command, Event
from domain.state import State
from domain.steps.membership import Membership
from domain.types import Person

TABLE = Path(__file__).parent / "data" / "act-rules.txt"


def _lines() -> Iterator[str]:
    for name, command in sorted(Command.KNOWN.items()):
        flags = {
            "binding": command.BINDING,
            "after filing": command.AFTER_FILING,
            "in minutes": command.IN_MINUTES,
            "names any unit": command.NAMES_ANY_UNIT,
            "needs what was read": command.READS is not None,
        }
        said = [flag for flag, is_so in flags.items() if is_so]
        closed_by = [f"closed by {command.CLOSED_BY.value}"] if command.CLOSED_BY else []
        by = "+".join(sorted(party.value for party in command.ALLOWED))
        yield f"{name}: by {by}; about {command.ABOUT or 'no unit'}; {', '.join([*said, *closed_by]) or '-'}"
    for name, event in sorted(Event.KNOWN.items()):
        correctable = "correctable" if event.CORRECTABLE else "-"
        yield f"event {name} {event.SCHEMA}: read by {event.READERS.value}; {correctable}"


def test_the_table_of_acts_is_unchanged() -> None:
    assert TABLE.read_text().splitlines() == list(_lines())


ORGANISER, OTHER = "tp-a", "tp-b"
CYCLE = f"{ORGANISER}/2026/cum-1"


def _roles(kind: str, unit: str, stream: str | None, *, administrator: bool = False) -> set[Reader]:
    return set(readers("p", unit, kind, administrator=administrator, stream=stream)) - {Reader.ANYBODY}


@pytest.mark.parametrize(
    ("kind", "unit", "stream", "roles"),
    [
        ("secretariat", ORGANISER, CYCLE, {Reader.SECRETARIAT}),
        ("secretariat", OTHER, CYCLE, set()),  # sorts behind the organiser
        ("secretariat", "tp", CYCLE, set()),  # sorts before it
        ("secretariat", OTHER, None, {Reader.SECRETARIAT}),
        ("staff", ORGANISER, CYCLE, set()),
        ("staff", ORGANISER, None, set()),
        ("auditor", ORGANISER, CYCLE, {Reader.AUDITOR}),
        ("auditor", ORGANISER, None, {Reader.AUDITOR}),
    ],
)
def test_the_secretariat_reads_only_what_its_own_unit_organises(
    kind: str, unit: str, stream: str | None, roles: set[Reader]
) -> None:
    assert _roles(kind, unit, stream) == roles
    assert _roles(kind, unit, stream, administrator=True) == roles | {Reader.ADMINISTRATOR}


def test_only_the_overseer_and_members_of_the_cluster_read_it_besides() -> None:
    named = State(membership=Membership(names={"u1": "Đơn vị 1"}, overseer=Person(id="p", commitment="0" * 64)))
    for unit, state, roles in (
        ("u1", named, {Reader.MEMBER, Reader.OVERSEER}),
        ("u2", named, {Reader.OVERSEER}),
        ("u2", State(), set()),
    ):
        found = readers("p", unit, "staff", administrator=False, stream=CYCLE, state=state)
        assert found - {Reader.ANYBODY} == roles
    other = readers("q", "u2", "staff", administrator=False, stream=CYCLE, state=named)
    assert other == {Reader.ANYBODY}


def test_who_reads_what() -> None:
    read = {matter.value: "+".join(sorted(reader.value for reader in who)) for matter, who in MAY_READ.items()}
    assert read == {
        "own": "anybody",
        "board": "auditor+secretariat",
        "year": "secretariat",
        "cycle": "auditor+member+overseer+secretariat",
        "all-scores": "auditor+overseer+secretariat",
        "history": "auditor+secretariat",
        "people": "administrator+secretariat",
        "readings": "administrator+auditor+secretariat",
        "account-log": "administrator+auditor",
        "operation": "administrator",
    }
    assert set(read) == {matter.value for matter in Matter}


@pytest.mark.parametrize(
    ("who", "staff", "secretariat", "administrators"),
    [
        ({Reader.SECRETARIAT}, True, False, False),
        ({Reader.ADMINISTRATOR}, True, True, True),
        ({Reader.ADMINISTRATOR, Reader.AUDITOR}, False, False, False),
        ({Reader.MEMBER, Reader.OVERSEER}, False, False, False),
    ],
)
def test_who_manages_accounts(who: set[Reader], staff: bool, secretariat: bool, administrators: bool) -> None:
    by = frozenset(who)
    assert may_manage("staff", by) is staff
    assert may_manage("secretariat", by) is may_manage("auditor", by) is secretariat
    assert may_manage("staff", by, administrator=True) is administrators


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    TABLE.write_text("".join(f"{line}\n" for line in _lines()))
