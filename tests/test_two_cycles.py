"""A meeting that closes one year and opens the next: acts of two cycles in one append, or none of them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from conftest import eventually
from engine_help import (
    CITY,
    YEAR,
    assert_ledger_verifies,
    enter_staff,
    event_names,
    open_cycle,
    state_of,
    unit_name,
    units,
)
from speech import RULES
from temporalio.client import Client

from application.application import CommandInput
from application.engine import RefusedError
from application.gate import at_command_line
from cli.session import Session
from domain.rules import Edition
from domain.streams import cycle_stream
from domain.times import When, start_of

STANCE = {"unit": "don-vi-1", "stance": "agreed"}
MEETING = When.on(date(2020, 1, 15))


async def opening(app: Session, cycle: str, cluster: str, year: int) -> CommandInput:
    edition = Edition.model_validate(
        {"id": f"ban-{year}", "title": "Bản", "criteria": [{"id": "a", "title": "A", "max": 10}]}
    )
    fields = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": "Cụm",
        "year": year,
        "edition": await app.texts.put_edition(edition.model_dump_json()),
        "clock": "backfill",
        "units": [{"id": unit, "name": unit_name(unit)} for unit in units(2)],
        "starts": "2019-01-01T00:00:00+07:00",
    }
    return CommandInput(cycle_stream(CITY, cycle, cluster), "open-cycle", fields)


def told(stream: str, act: str, fields: dict[str, Any]) -> CommandInput:
    return CommandInput(stream, act, fields, happened=MEETING, meeting="tong-ket")


@pytest.fixture
async def closing(app: Session) -> str:
    """The stream of a year that is open."""
    said = await opening(app, "2019", f"hai-nam-{uuid4().hex[:8]}", 2019)
    await app.submit(said.stream, at_command_line(await enter_staff(app, CITY)), [said])
    return said.stream


async def test_a_meeting_closes_one_year_and_opens_the_next(app: Session, client: Client, closing: str) -> None:
    following = await opening(app, "2020", closing.rpartition("/")[2], 2020)
    acts = [
        told(closing, "choose-next", {"role": "head", "unit": "don-vi-2", "manner": "elected"}),
        following,
        told(following.stream, "assign-role", {"role": "head", "holder": "don-vi-2", "manner": "elected"}),
        told(following.stream, "score-self", {"unit": "don-vi-1", "sheet": [{"criterion": "a", "points": 9}]}),
        told(closing, "nominate", {"unit": "don-vi-1", "award": "co-thi-dua"}),
    ]
    receipt = await app.submit(closing, at_command_line(await enter_staff(app, CITY)), acts)
    assert [outcome.versions for outcome in receipt.outcomes] == [[2], [1], [2], [3], [3]]
    rows = [row for stream in (closing, following.stream) for row, _told in await app.history(stream)][1:]
    assert len({row.recorded_at for row in rows}) == 1, "one transaction"
    assert sorted(row.position for row in rows) == list(range(rows[0].position, rows[0].position + 5))
    assert (await state_of(app, following.stream)).membership.holder("head") == "don-vi-2"
    await app.answers.settle(20)

    async def runs() -> bool:
        return bool((await client.get_workflow_handle(following.stream).query("status"))["version"] == 3)

    await eventually(runs)  # the opened year has its own workflow, for it will have deadlines
    again = await app.submit(closing, at_command_line(await enter_staff(app, CITY)), acts)
    assert [outcome.versions for outcome in again.outcomes] == [outcome.versions for outcome in receipt.outcomes]
    assert all(outcome.known for outcome in again.outcomes)
    await assert_ledger_verifies(app)


async def test_both_or_neither(app: Session, closing: str) -> None:
    following = await opening(app, "2020", closing.rpartition("/")[2], 2020)
    acts = [
        told(closing, "nominate", {"unit": "don-vi-1", "award": "co-thi-dua"}),
        following,
        told(following.stream, "nominate", {"unit": "khong-co", "award": "co-thi-dua"}),
    ]
    with pytest.raises(RefusedError) as refused:
        await app.submit(closing, at_command_line(await enter_staff(app, CITY)), acts)
    assert (refused.value.code, refused.value.index) == ("no_such_unit", 2)
    assert await event_names(app, closing) == ["CycleOpened"]
    assert await app.ledger.load(following.stream) == ()


async def test_the_other_years_workflow_goes_on_from_what_was_written(app: Session, closing: str) -> None:
    following = await opening(app, "2020", closing.rpartition("/")[2], 2020)
    secretary = await enter_staff(app, CITY)
    await app.submit(following.stream, at_command_line(secretary), [following])
    for number in range(3):
        both = [
            told(closing, "record-meeting", {"id": f"hop-{number}", "kind": "other"}),
            told(following.stream, "record-meeting", {"id": f"hop-{number}", "kind": "other"}),
        ]
        await app.submit((closing, following.stream)[number % 2], at_command_line(secretary), both)
        alone = told(following.stream, "record-meeting", {"id": f"rieng-{number}", "kind": "other"})
        await app.submit(following.stream, at_command_line(secretary), [alone])
    assert len(await event_names(app, closing)) == 4
    assert len(await event_names(app, following.stream)) == 7
    await assert_ledger_verifies(app)


async def test_the_other_years_workflow_is_told_at_once(app: Session, client: Client, closing: str) -> None:
    following = await opening(app, "2020", closing.rpartition("/")[2], 2020)
    secretary = await enter_staff(app, CITY)
    await app.submit(following.stream, at_command_line(secretary), [following])
    both = [told(stream, "record-meeting", {"id": "hop", "kind": "other"}) for stream in (closing, following.stream)]
    await app.submit(closing, at_command_line(secretary), both)

    async def heard() -> bool:
        return bool((await client.get_workflow_handle(following.stream).query("status"))["version"] == 2)

    await eventually(heard)


@pytest.mark.usefixtures("clock_that_knew")
async def test_what_is_due_in_the_other_year_comes_first(app: Session) -> None:
    first = await open_cycle(app, RULES, members=units(2), clock="backfill")
    other = await open_cycle(app, RULES, members=units(2), clock="wall", starts=start_of(date(YEAR, 1, 1)))
    acts = [told(first, "record-meeting", {"id": "a", "kind": "other"}), CommandInput(other, "take-stance", STANCE)]
    await app.submit(first, at_command_line(await enter_staff(app, CITY)), acts)
    found = await event_names(app, other)
    assert found.index("DeadlinePassed") < found.index("StanceTaken")
    await assert_ledger_verifies(app)


async def test_a_year_is_no_cycle(app: Session, closing: str) -> None:
    year = CommandInput(f"{CITY}/2019", "order-opening", {"clusters": ["cum-1"]})
    with pytest.raises(RefusedError) as refused:
        await app.submit(closing, at_command_line(await enter_staff(app, CITY)), [told(closing, "rank", {}), year])
    assert refused.value.code == "not_a_cycle_name"


async def test_whoever_has_no_right_in_one_of_them_has_none_in_the_other(app: Session, closing: str) -> None:
    following = await opening(app, "2020", closing.rpartition("/")[2], 2020)
    await app.submit(following.stream, at_command_line(await enter_staff(app, CITY)), [following])
    head = told(closing, "assign-role", {"role": "head", "holder": "don-vi-1", "manner": "elected"})
    await app.submit(closing, at_command_line(await enter_staff(app, CITY)), [head])
    acts = [
        told(closing, "nominate", {"unit": "don-vi-1", "award": "co"}),
        told(following.stream, "nominate", {"unit": "don-vi-1", "award": "co"}),
    ]
    with pytest.raises(RefusedError) as refused:
        await app.submit(closing, at_command_line(await enter_staff(app, "don-vi-1")), acts)
    assert (refused.value.code, refused.value.index) == ("not_yours", 1)
    assert await event_names(app, closing) == ["CycleOpened", "RoleAssigned"]
