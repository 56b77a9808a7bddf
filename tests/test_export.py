"""A cycle written as a recording file, and recorded into an empty register: the same state, to the digest."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from engine_help import CITY, assert_ledger_verifies, enter_staff, event_names, open_cycle, state_of, submit, units
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from soak import SOAK
from speech import RULES, day
from temporalio.client import Client

from application.application import CommandInput
from application.engine import RefusedError
from application.gate import at_command_line
from application.recording.export import export_cycle
from application.recording.run import record_file
from application.verification import verify_all
from cli.exporting import export_record
from cli.session import Session
from domain.codec import state_digest
from domain.times import When, start_of
from errors import InputError

ROOT = Path(__file__).parent.parent
REAL = ROOT / "scenarios" / "real"


Elsewhere = Callable[[], AbstractAsyncContextManager[Session]]


async def brought_over(
    app: Session, elsewhere: Elsewhere, client: Client, stream: str, folder: Path, person: str
) -> None:
    """Write the cycle, record it elsewhere, compare."""
    file = folder / f"{uuid4().hex}.yaml"
    file.write_text(await export_cycle(app, stream))
    digest, happened = state_digest(await state_of(app, stream)), await event_names(app, stream)
    # Both registers share one Temporal server here, where a cycle's name is a run's. An update that still runs would
    # be sent again, and so start the first register's run once more.
    await app.answers.settle(60)
    await client.get_workflow_handle(stream).terminate()
    async with elsewhere() as empty:
        done = await record_file(empty, file, person)
        assert await event_names(empty, stream) == happened
        assert done["cycles"][0]["state_digest"] == digest
        again = await record_file(empty, file, person)
        assert (again["counts"]["entered"], again["counts"]["corrected"]) == (0, 0)
        # What the file gave without text or name is no gap here: the signed command says so.
        assert (await verify_all(empty.ledger, empty.installed.id)).beside == []
        await empty.answers.settle(60)
    await client.get_workflow_handle(stream).terminate()


@pytest.mark.parametrize("name", ["HN-C1-2024-sign", "DL-C6-2015-final", "BP-K7-2018-final-sign"])
async def test_a_recorded_year_is_the_same_elsewhere(
    app: Session, elsewhere: Elsewhere, client: Client, tmp_path: Path, name: str
) -> None:
    text = (REAL / f"{name}.yaml").read_text()
    organiser = re.search(r"^organiser: (\S+)$", text, re.MULTILINE)
    assert organiser is not None
    file = tmp_path / "file.yaml"
    file.write_text(text.replace(organiser[1], f"o-{uuid4().hex[:8]}"))
    person = yaml.safe_load(text)["people"][0]["id"]
    done = await record_file(app, file, person)
    await brought_over(app, elsewhere, client, done["cycles"][0]["cycle"], tmp_path, person)


async def test_a_rehearsed_year_with_its_clock_is_the_same_elsewhere(
    app: Session, elsewhere: Elsewhere, client: Client, tmp_path: Path
) -> None:
    stream = await open_cycle(app, RULES, members=units(3))
    for act, fields in (
        ("present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}}),
        ("step-to", {"now": day(3, 1).isoformat()}),
        ("extend", {"duty": "signature", "until": "20/03/2026", "reason": "Hội nghị lùi ngày"}),
        ("step-to", {"now": day(4, 1).isoformat()}),
    ):
        await submit(app, stream, CITY, act, fields)
    assert "DeadlinePassed" in await event_names(app, stream)
    await brought_over(app, elsewhere, client, stream, tmp_path, f"cb-{CITY}-1")


@pytest.mark.usefixtures("clock_that_knew")
async def test_a_real_time_cycle_comes_out_as_one_that_was_entered_afterwards(
    app: Session, elsewhere: Elsewhere, client: Client, tmp_path: Path
) -> None:
    stream = await open_cycle(app, RULES, members=units(3), clock="wall", starts=start_of(date(2026, 1, 1)))
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    for unit in units(3):
        await submit(app, stream, unit, "sign", {"unit": unit})
    happened = await event_names(app, stream)
    assert "DeadlinePassed" in happened[: happened.index("DraftPresented")], "the clock spoke in between"
    wrong = happened.index("CovenantSigned") + 1
    await submit(app, stream, CITY, "correct", {"version": wrong, "reason": "Nhập nhầm"})
    await submit(app, stream, CITY, "confirm-escalation", {"duty": "stance"})
    before = await state_of(app, stream)
    file = tmp_path / "file.yaml"
    file.write_text(await export_cycle(app, stream))
    assert "confirm-escalation" in yaml.safe_load(file.read_text())["left_out"][0]
    await app.answers.settle(60)
    await client.get_workflow_handle(stream).terminate()
    async with elsewhere() as empty:
        await record_file(empty, file, f"cb-{CITY}-1")
        after = await state_of(empty, stream)
        assert set(after.signing.signatures) == set(before.signing.signatures) == set(units(3)[1:]), "the right one"
        assert after.lifecycle.clock == "backfill"
        assert "DeadlinePassed" not in await event_names(empty, stream)
        await assert_ledger_verifies(empty)


async def test_trying_an_exported_file_tells_what_recording_it_does(app: Session, tmp_path: Path) -> None:
    stream = await open_cycle(app, RULES, members=units(2), clock="backfill")
    june, secretary = When.on(date(2026, 6, 20)), await enter_staff(app, CITY)
    comment = CommandInput(stream, "comment", {"by": {"unit": "don-vi-1"}, "text": "Xin sửa mục 3"}, happened=june)
    await app.submit(stream, at_command_line(secretary), [comment])
    await app.submit(
        stream,
        at_command_line(secretary),
        [CommandInput(stream, "correct", {"version": 2, "reason": "Nhầm"}, happened=june)],
    )
    file = tmp_path / "file.yaml"
    file.write_text(await export_cycle(app, stream))
    for dry_run in (True, False):
        done = await record_file(app, file, secretary.id, dry_run=dry_run)
        assert done["counts"] == {"entered": 0, "known": 3, "corrected": 0}, dry_run


async def test_a_digest_of_a_text_that_nobody_stored_is_only_words(app: Session) -> None:
    stream = await open_cycle(app, RULES, members=units(2), clock="backfill")
    made_up = f"digest:{'ab' * 32}"
    comment = CommandInput(
        stream, "comment", {"by": {"unit": "don-vi-1"}, "text": made_up}, happened=When.on(date(2026, 6, 20))
    )
    await app.submit(stream, at_command_line(await enter_staff(app, CITY)), [comment])
    (standing,) = (await state_of(app, stream)).comments.comments.values()
    assert (await app.texts.get([standing.text]))[standing.text] == made_up


async def test_an_edited_file_corrects_what_the_register_itself_wrote(app: Session, tmp_path: Path) -> None:
    stream = await open_cycle(app, RULES, members=units(3), clock="backfill")
    june = When.on(date(2026, 6, 20))
    secretary = await enter_staff(app, CITY)
    await app.submit(
        stream,
        at_command_line(secretary),
        [CommandInput(stream, "nominate", {"unit": "don-vi-1", "award": "co"}, happened=june)],
    )
    file = tmp_path / "file.yaml"
    text = await export_cycle(app, stream)
    file.write_text(text)
    assert (await record_file(app, file, secretary.id))["counts"] == {"entered": 0, "known": 2, "corrected": 0}
    file.write_text(text.replace("unit: don-vi-1\n", "unit: don-vi-2\n"))
    assert (await record_file(app, file, secretary.id))["counts"] == {"entered": 0, "known": 1, "corrected": 1}
    assert (await record_file(app, file, secretary.id))["counts"] == {"entered": 0, "known": 2, "corrected": 0}
    assert set((await state_of(app, stream)).conclusion.nominations) == {("don-vi-2", "co")}


async def test_a_correction_in_the_file_is_not_edited_but_followed_by_another(app: Session, tmp_path: Path) -> None:
    stream = await open_cycle(app, RULES, members=units(2), clock="backfill")
    june, secretary = When.on(date(2026, 6, 20)), await enter_staff(app, CITY)
    await app.submit(
        stream,
        at_command_line(secretary),
        [CommandInput(stream, "nominate", {"unit": "don-vi-1", "award": "co"}, happened=june)],
    )
    wrong = CommandInput(stream, "correct", {"version": 2, "reason": "Nhập nhầm"}, happened=june)
    await app.submit(stream, at_command_line(secretary), [wrong])
    file = tmp_path / "file.yaml"
    file.write_text((await export_cycle(app, stream)).replace("Nhập nhầm", "Lý do khác"))
    with pytest.raises(InputError) as stopped:
        await record_file(app, file, secretary.id)
    assert stopped.value.code == "recording_stopped_outside"


async def test_a_file_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def exported(*_known: object) -> str:
        return "organiser: o\n"

    class NoSession:
        async def note_export(self, _path: str) -> None:
            pass

    @asynccontextmanager
    async def no_session(*_known: object, **_how: object) -> AsyncIterator[NoSession]:
        yield NoSession()

    monkeypatch.setattr("cli.exporting.export_cycle", exported)
    monkeypatch.setattr("cli.exporting.session", no_session)
    out = tmp_path / "file.yaml"
    assert await export_record("2020/cum-1", out) == 0
    for there, code in ((out, "file_exists"), (tmp_path / "khong-co" / "file.yaml", "file_unwritable")):
        with pytest.raises(InputError) as wrong:
            await export_record("2020/cum-1", there)
        assert wrong.value.code == code
    assert out.read_text() == "organiser: o\n"


async def test_what_was_erased_stays_so(app: Session, elsewhere: Elsewhere, client: Client, tmp_path: Path) -> None:
    stream = await open_cycle(app, RULES, members=units(2), clock="backfill")
    june, secretary = When.on(date(2026, 6, 20)), await enter_staff(app, CITY)
    comment = {"by": {"unit": "don-vi-1"}, "text": "Xin sửa mục 3"}
    await app.submit(stream, at_command_line(secretary), [CommandInput(stream, "comment", comment, happened=june)])
    (standing,) = (await state_of(app, stream)).comments.comments.values()
    assert "Xin sửa mục 3" in await export_cycle(app, stream)
    await app.texts.erase(standing.text)
    assert "Xin sửa mục 3" not in await export_cycle(app, stream)
    await brought_over(app, elsewhere, client, stream, tmp_path, secretary.id)


# Random years -----------------------------------------------------------------------------------------------------

UNITS = units(4)
DAYS = st.integers(0, 300).map(lambda n: When.on(date.fromordinal(date(2026, 1, 5).toordinal() + n)))
A_UNIT = st.sampled_from(UNITS)
NUMBER = st.integers(1, 3)


def act(name: str, made: Callable[..., dict[str, Any]], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An act with fields made of random parts."""
    return st.tuples(*parts).map(lambda found: (name, made(*found)))


ACTS = st.one_of(
    act("present-draft", lambda n: {"kind": "covenant", "document": {"title": f"Bản {n}"}}, NUMBER),
    act("sign", lambda u: {"unit": u}, A_UNIT),
    act("sign-jointly", dict),
    act("take-stance", lambda u, s: {"unit": u, "stance": s}, A_UNIT, st.sampled_from(["agreed", "changes-requested"])),
    act("comment", lambda u, n: {"by": {"unit": u}, "text": f"Sửa mục {n}"}, A_UNIT, NUMBER),
    act("assign-role", lambda u: {"role": "head", "holder": u, "manner": "elected"}, A_UNIT),
    act("merge-units", lambda a, b: {"units": [a, b], "into": {"id": "moi", "name": "Mới"}}, A_UNIT, A_UNIT),
    act("dissolve-unit", lambda u: {"unit": u, "outside": ["nơi khác"]}, A_UNIT),
    act("report-result", lambda u, n: {"unit": u, "title": "Nhà", "amount": f"{n},5", "measure": "m"}, A_UNIT, NUMBER),
    act("register-targets", lambda u: {"unit": u, "titles": ["Cờ thi đua"]}, A_UNIT),
    act("nominate", lambda u: {"unit": u, "award": "co"}, A_UNIT),
    act(
        "record-letter",
        lambda n: {"id": f"cv-{n}", "kind": "direction", "sender": {"unit": CITY}, "text": "Gấp"},
        NUMBER,
    ),
    act("answer-letter", lambda n: {"letter": f"cv-{n}", "by": {"unit": CITY}, "text": "Đã rõ"}, NUMBER),
)
CORRECTIONS = st.builds(lambda n, gone: ("correct", n, gone), st.integers(0, 30), st.booleans())


@settings(
    max_examples=40 if SOAK else 4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
@given(acts=st.lists(st.tuples(st.one_of(ACTS, ACTS, ACTS, CORRECTIONS), DAYS), min_size=5, max_size=25))
async def test_random_years_with_mergers_and_corrections(
    app: Session, elsewhere: Elsewhere, client: Client, tmp_path: Path, acts: list[Any]
) -> None:
    rules = RULES.model_copy(update={"inherits": ("signature", "role", "registration")})
    stream = await open_cycle(app, rules, members=UNITS, clock="backfill")
    secretary = await enter_staff(app, CITY)
    for one, happened in acts:
        await tried(app, stream, secretary, one, happened)
    event(f"about {len(await event_names(app, stream)) // 5 * 5} events")
    await brought_over(app, elsewhere, client, stream, tmp_path, secretary.id)


async def tried(app: Session, stream: str, secretary: Any, one: Any, happened: When) -> None:
    """Say an act, or correct one of those that were said; what cannot be true is refused, and that is well."""
    if one[0] != "correct":
        said = CommandInput(stream, *one, happened=happened)
    else:
        rows = [row for row, _told in await app.history(stream)]
        row = rows[one[1] % len(rows)]
        instead = None if one[2] else {"act": "nominate", "unit": UNITS[one[1] % len(UNITS)], "award": "co"}
        said = CommandInput(stream, "correct", {"version": row.version, "reason": "Nhập nhầm", "instead": instead})
        said = CommandInput(
            said.stream, said.act, {k: v for k, v in said.fields.items() if v is not None}, happened=happened
        )
    with contextlib.suppress(RefusedError):
        await app.submit(stream, at_command_line(secretary), [said])
