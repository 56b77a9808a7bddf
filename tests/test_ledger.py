"""One contract for every ledger, then what only PostgreSQL can show: rights, order under load, checks at start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from nacl.signing import SigningKey

from domain.installation import KeyHolder, KeyRole, NamedKey
from domain.law import LAW
from i18n.messages import sentence
from ledger import writer
from ledger.bodies import BadBodyError, EventBody
from ledger.connection import is_lost
from ledger.events import NO_DIGEST, Draft, LedgerTip, StreamTip
from ledger.memory import MemoryLedger
from ledger.postgres import PostgresLedger, open_ledger
from ledger.protocol import (
    RAISES_LAW,
    Append,
    Appended,
    Behind,
    CommandReused,
    Diverged,
    Expired,
    KeysChanged,
    Ledger,
    LedgerError,
    Part,
    Stopped,
    load_all,
)
from ledger.setup import apply_schema, confirm_clock
from ledger.signing import BatchItem, Header, Keys, NotSignedError, SignedBatch, Signer
from local.engine import Endpoints
from local.installation import Installation
from local.paths import Paths
from local.postgres import PostgresServer, create_database

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
New = Callable[[], Awaitable[tuple[Endpoints, Installation, Paths]]]
OWN = 5
"""Events of the installation itself: its first event, the keys of command line, web and log, and its law."""

SIGNER = Signer("i", 1, "entry-1", SigningKey.generate())


def draft(command: UUID | None = None, payload: str = '{"a":1}', digest: bytes | None = None) -> Draft:
    return Draft(
        type="T",
        schema=1,
        law=LAW,
        payload=payload,
        command_id=command or uuid4(),
        command_digest=digest,
        actor="x",
        unit="u",
        stand_in_for=None,
        provenance="stated",
        source="báo",
        meeting=None,
        happened_earliest=NOW,
        happened_latest=NOW,
        effective=None,
    )


def law_draft(number: int) -> Draft:
    """The event that puts a law in force, as an upgrade makes it."""
    return replace(draft(payload=f'{{"law":{number}}}'), type=RAISES_LAW[1], law=number)


HIDDEN = '{"a":{"command_id":"x","type":"LawPutInForce","law":2}}'
"""A payload that looks like the beginning of the body of such an event."""


def append(stream: str, tip: StreamTip, *drafts: Draft) -> Append:
    return Append((Part(stream, tip, drafts),))


def verified(keys: Keys, batch: SignedBatch, items: list[BatchItem], *, any_epoch: bool = False) -> Header:
    return keys.verify(batch.header, batch.signature, items, any_epoch=any_epoch)


def signed(stream: str, payload: str, command: UUID | None = None) -> tuple[Append, UUID]:
    item = BatchItem(stream, command or uuid4(), payload)
    batch = SIGNER.sign([item], actor="x", unit="u", issued=datetime.now(UTC), strength="os-account", read=LedgerTip())
    kept = batch.command(item, "u")
    return Append(
        (Part(stream, StreamTip(), (draft(item.command_id, "{}", kept.digest),)),), ((item.command_id, kept),)
    ), item.command_id


@pytest.fixture(params=["memory", "postgres"])
async def ledger(request: pytest.FixtureRequest, new_installation: New) -> AsyncIterator[Ledger]:
    if request.param == "memory":
        memory = MemoryLedger()
        await memory.append(append("installation", StreamTip(), *(draft() for _ in range(OWN))))
        yield memory
        return
    endpoints, installed, _where = await new_installation()
    opened = await open_ledger(endpoints.database_url, installed.id)
    yield opened
    await opened.close()


class TestContract:
    async def test_what_was_appended_is_loaded(self, ledger: Ledger) -> None:
        answer = await ledger.append(append("s", StreamTip(), draft(), draft()))
        assert isinstance(answer, Appended)
        assert await load_all(ledger, "s") == answer.events
        assert [(row.version, row.position) for row in answer.events] == [(1, OWN + 1), (2, OWN + 2)]
        assert await ledger.load("s", 1) == answer.events[1:]
        assert (await ledger.read(OWN))[0] == answer.events[0]
        assert await ledger.last("s") == answer.events[1]
        assert await ledger.last("nobody") is None
        assert len(await ledger.load("s", 0, 0)) == 1

    async def test_every_row_is_chained_and_covered(self, ledger: Ledger) -> None:
        answer = await ledger.append(append("s", StreamTip(), draft(), draft()))
        first, second = answer.events
        assert first.previous == NO_DIGEST
        assert second.previous == first.digest
        for row in answer.events:
            assert row.expected_digest() == row.digest
            for name in ("position", "body", "recorded_at", "previous"):
                changed = msgspec.structs.replace(row, **{name: _other(getattr(row, name))})
                assert changed.expected_digest() != row.digest, name
            for name in ("stream", "version", "law", "command_id"):
                changed = msgspec.structs.replace(row, **{name: _other(getattr(row, name))})
                assert (changed.expected_digest(), changed.fault()) == (row.digest, "columns"), name

    async def test_a_known_command_answers_with_what_was_stored(self, ledger: Ledger) -> None:
        request, _command = signed("s", '{"say":1}')
        first = await ledger.append(request)
        again = await ledger.append(request)
        assert isinstance(again, Appended)
        assert (again.known, again.events) == (True, first.events)

    async def test_a_known_command_with_another_payload_is_refused(self, ledger: Ledger) -> None:
        request, command = signed("s", '{"say":1}')
        await ledger.append(request)
        other, _ = signed("s", '{"say":2}', command)
        with pytest.raises(CommandReused):
            await ledger.append(other)

    async def test_after_its_time_a_new_command_is_refused_and_a_known_one_answered(self, ledger: Ledger) -> None:
        late = datetime.now(UTC) - timedelta(seconds=1)
        request, _command = signed("s", '{"say":1}')
        with pytest.raises(Expired) as refused:
            await ledger.append(replace(request, expires=late))
        assert refused.value.facts == {"expires": late.isoformat()}
        assert await ledger.load("s") == ()
        first = await ledger.append(replace(request, expires=datetime.now(UTC) + timedelta(hours=1)))
        again = await ledger.append(replace(request, expires=late))
        assert isinstance(again, Appended)
        assert (again.known, again.events) == (True, first.events)

    async def test_a_command_is_kept_beside_its_events(self, ledger: Ledger) -> None:
        request, _command = signed("s", '{"say":1}')
        (row,) = (await ledger.append(request)).events
        kept = await ledger.command(row.command_digest or b"")
        assert kept == request.commands[0][1]
        assert await ledger.command(bytes(32)) is None

    async def test_who_is_behind_gets_the_tail_and_writes_nothing(self, ledger: Ledger) -> None:
        first = await ledger.append(append("s", StreamTip(), draft()))
        await ledger.append(append("s", first.events[-1].tip, draft(), draft()))
        answer = await ledger.append(append("s", first.events[-1].tip, draft()))
        assert isinstance(answer, Behind)
        assert [row.version for row in answer.tail] == [2, 3]
        assert len(await load_all(ledger, "s")) == 3

    async def test_another_past_is_divergence(self, ledger: Ledger) -> None:
        await ledger.append(append("s", StreamTip(), draft()))
        with pytest.raises(Diverged):
            await ledger.append(append("s", StreamTip(1, b"\x01" * 32), draft()))
        with pytest.raises(Diverged):
            await ledger.append(append("s", StreamTip(7, b"\x01" * 32), draft()))
        for stream in ("s", "empty"):
            with pytest.raises(Diverged):
                await ledger.append(append(stream, StreamTip(0, b"\x01" * 32), draft()))

    async def test_several_streams_are_one(self, ledger: Ledger) -> None:
        both = Append((Part("a", StreamTip(), (draft(),)), Part("b", StreamTip(), (draft(), draft()))))
        answer = await ledger.append(both)
        assert [row.stream for row in answer.events] == ["a", "b", "b"]
        stale = Append((Part("c", StreamTip(), (draft(),)), Part("b", StreamTip(), (draft(),))))
        assert isinstance(await ledger.append(stale), Behind)
        assert await load_all(ledger, "c") == ()
        assert [stream for stream, _ in await ledger.streams()] == ["installation", "a", "b"]

    async def test_pages_are_small_and_complete(self, ledger: Ledger) -> None:
        tip = StreamTip()
        for _ in range(3):
            answer = await ledger.append(
                append("s", tip, *(draft(payload='{"a":"' + "x" * 60_000 + '"}') for _ in range(3)))
            )
            tip = answer.events[-1].tip
        assert len(await ledger.load("s", 0, 256_000)) == 4
        assert len(await load_all(ledger, "s")) == 9
        assert len(await ledger.load("s", 0, 1)) == 1

    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            ("", "body_unreadable"),
            ("x", "body_unreadable"),
            ('{"a":1', "body_unreadable"),
            ('{"a":"\ud800"}', "body_unreadable"),
            ("[" * 100_000, "body_unreadable"),
            ("[]", "body_spelling"),
            ('{"a": 1}', "body_spelling"),
            ('{"a":1,"a":1}', "body_spelling"),
            ('{"a":{"b":[{"c":1,"c":2}]}}', "body_spelling"),
            ('{"a":"\\u0000"}', "body_spelling"),
            ('{"a":1},"stream":"t"', "body_spelling"),
            ('{"a":"' + "x" * 10_000_000 + '"}', "body_too_long"),
        ],
        ids=lambda value: value[:24],
    )
    async def test_an_event_that_makes_no_body_is_refused_alone(self, ledger: Ledger, payload: str, code: str) -> None:
        good, bad = await asyncio.gather(
            ledger.append(append("good", StreamTip(), draft(payload='{"a":"\\\\u0000"}'))),
            ledger.append(append("bad", StreamTip(), draft(payload=payload))),
            return_exceptions=True,
        )
        assert isinstance(bad, BadBodyError)
        assert bad.code == code
        assert sentence(bad.code, bad.facts)
        assert isinstance(good, Appended)
        assert [row.stream for row in await ledger.read(OWN)] == ["good"]

    async def test_the_instants_of_a_body_are_in_utc(self, ledger: Ledger) -> None:
        other = replace(draft(), happened_latest=NOW.astimezone(timezone(timedelta(hours=7))))
        with pytest.raises(BadBodyError, match="body_spelling"):
            await ledger.append(append("s", StreamTip(), other))

    async def test_what_was_read_when_it_was_signed_must_stand_in_the_ledger(self, ledger: Ledger) -> None:
        request, _command = signed("s", '{"say":1}')
        tip = await ledger.tip()
        assert tip.position == OWN
        for position, digest in ((OWN, bytes(32)), (OWN + 1, tip.digest), (1, tip.digest), (0, tip.digest)):
            with pytest.raises(Diverged) as refused:
                await ledger.append(replace(request, read=LedgerTip(position, digest)))
            assert (refused.value.code, refused.value.facts) == ("read_diverged", {"position": position})
            assert sentence(refused.value.code, refused.value.facts)
        assert await ledger.load("s") == ()
        first = await ledger.append(replace(request, read=tip))
        again = await ledger.append(replace(request, read=LedgerTip(OWN + 9, tip.digest)))
        assert isinstance(again, Appended)
        assert (again.known, again.events) == (True, first.events), "known ones are answered as ever"
        other, _command = signed("t", '{"say":1}')
        assert isinstance(await ledger.append(replace(other, read=LedgerTip())), Appended), "nothing had been read"

    async def test_signatures_must_be_checked_with_the_newest_keys(self, ledger: Ledger) -> None:
        request, _command = signed("s", '{"say":1}')
        with pytest.raises(KeysChanged):
            await ledger.append(replace(request, keys=OWN - 1))
        assert await ledger.load("s") == ()
        first = await ledger.append(replace(request, keys=OWN))
        again = await ledger.append(replace(request, keys=1))
        assert isinstance(again, Appended)
        assert (again.known, again.events) == (True, first.events), "known ones are answered as ever"

    async def test_only_the_event_that_puts_it_in_force_raises_the_law(self, ledger: Ledger) -> None:
        own = await ledger.load("installation")
        refused = (
            append("s", StreamTip(), replace(draft(), law=LAW + 1)),
            append("s", StreamTip(), draft(), replace(draft(), law=LAW + 1)),
            append("s", StreamTip(), law_draft(LAW + 1)),
            append("installation", own[-1].tip, replace(draft(), law=LAW + 1)),
            append("installation", own[-1].tip, replace(draft(payload=HIDDEN), law=LAW + 1)),
        )
        for request in refused:
            with pytest.raises(Stopped, match="law_not_in_force") as stopped:
                await ledger.append(request)
            assert stopped.value.facts == {"law": f"{LAW}"}
            assert sentence(stopped.value.code, stopped.value.facts)
        assert await ledger.read(OWN) == ()
        answer = await ledger.append(
            append("installation", own[-1].tip, law_draft(LAW + 1), replace(draft(), law=LAW + 1))
        )
        assert isinstance(answer, Appended)
        with pytest.raises(Stopped, match="older_law"):
            await ledger.append(append("t", StreamTip(), draft()))
        with pytest.raises(Stopped, match="law_not_in_force"):
            await ledger.append(append("t", StreamTip(), replace(draft(), law=LAW + 2), replace(draft(), law=LAW + 1)))
        with pytest.raises(Stopped, match="older_law"):
            await ledger.append(append("t", StreamTip(), replace(draft(), law=LAW + 1), draft()))
        assert isinstance(await ledger.append(append("t", StreamTip(), replace(draft(), law=LAW + 1))), Appended)
        assert [row.law for row in await ledger.read(OWN)] == [LAW + 1] * 3

    async def test_times_never_fall(self, ledger: Ledger) -> None:
        for n in range(5):
            await ledger.append(append(f"s{n}", StreamTip(), draft()))
        times = [row.recorded_at for row in await ledger.read()]
        assert times == sorted(times)
        assert (await ledger.now()).tzinfo is not None


def _other(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, bool | int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, datetime):
        return value.replace(microsecond=(value.microsecond + 1) % 1_000_000)
    if isinstance(value, UUID):
        return uuid4()
    return value


@pytest.fixture
async def place(new_installation: New) -> tuple[Endpoints, Installation, Paths]:
    return await new_installation()


@pytest.fixture
async def pg(place: tuple[Endpoints, Installation, Paths]) -> AsyncIterator[PostgresLedger]:
    opened = await open_ledger(place[0].database_url, place[1].id)
    yield opened
    await opened.close()


def test_a_missing_column_is_not_an_empty_one() -> None:
    one = draft()
    for name in ("meeting", "stand_in_for", "act_key"):
        assert replace(one, **{name: ""}).body("s", 1) != one.body("s", 1), name
    assert replace(one, command_digest=b"").body("s", 1) != one.body("s", 1)
    assert replace(one, effective=NOW.date()).body("s", 1) != one.body("s", 1)
    assert replace(one, actor="x" + one.unit, unit="").body("s", 1) != one.body("s", 1)


class TestPostgres:
    async def test_nothing_of_older_keys_stands_behind_an_event_about_keys(self, pg: PostgresLedger) -> None:
        rows = await load_all(pg, "installation")
        about_keys = append("installation", rows[-1].tip, draft())
        others = [replace(signed(f"s{n}", "{}")[0], keys=OWN) for n in range(40)]
        # In the midst of a group, if it were taken into one.
        requests = [*others[:5], about_keys, *others[5:]]
        answers = await asyncio.gather(*map(pg.append, requests), return_exceptions=True)
        position = answers.pop(5).events[0].position  # type: ignore[union-attr]
        appended = [answer.events[0].position for answer in answers if isinstance(answer, Appended)]
        assert all(before < position for before in appended)
        assert {type(answer) for answer in answers} <= {Appended, KeysChanged}
        assert len(await pg.read(OWN)) == len(appended) + 1

    async def test_many_writers_leave_no_gap(self, pg: PostgresLedger) -> None:
        async def write(name: str) -> None:
            tip = StreamTip()
            for _ in range(20):
                tip = (await pg.append(append(name, tip, draft()))).events[-1].tip

        await asyncio.gather(*(write(f"w{n}") for n in range(32)))
        rows = await pg.read(0, 10_000)
        assert [row.position for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) == OWN + 32 * 20

    async def test_writers_of_one_stream_are_all_answered(self, pg: PostgresLedger) -> None:
        async def write() -> None:
            tip, tries = StreamTip(), 0
            while True:
                answer = await pg.append(append("one", tip, draft()))
                if isinstance(answer, Appended):
                    return
                tip, tries = answer.tail[-1].tip, tries + 1
                assert tries < 50

        await asyncio.gather(*(write() for _ in range(16)))
        assert len(await load_all(pg, "one")) == 16

    async def test_a_failing_append_does_not_fail_its_neighbours(self, pg: PostgresLedger) -> None:
        bad = replace(draft(), payload="\x00")
        answers = await asyncio.gather(
            *(pg.append(append(f"n{n}", StreamTip(), bad if n == 3 else draft())) for n in range(8)),
            return_exceptions=True,
        )
        assert [isinstance(answer, Appended) for answer in answers] == [n != 3 for n in range(8)]

    async def test_nor_does_one_that_cannot_be_sent(self, pg: PostgresLedger) -> None:
        """What asyncpg refuses before the server sees it, such as a number that is too large."""
        requests = [append(f"m{n}", StreamTip(), draft()) for n in range(8)]
        requests[3] = replace(requests[3], keys=2**70)
        answers = await asyncio.gather(*map(pg.append, requests), return_exceptions=True)
        assert [isinstance(answer, Appended) for answer in answers] == [n != 3 for n in range(8)]
        assert isinstance(answers[3], asyncpg.DataError)

    async def test_a_lost_connection_is_an_error_once_and_then_forgotten(
        self, pg: PostgresLedger, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        await pg.append(append("s", StreamTip(), draft()))
        owner = await asyncpg.connect(place[0].owner_url)
        # Often: how the loss shows depends on what the loop reads first.
        for turn in range(20):
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            (answer,) = await asyncio.gather(
                pg.append(append(f"t{turn}", StreamTip(), draft())), return_exceptions=True
            )
            assert isinstance(answer, Appended) or is_lost(answer), answer
            assert isinstance(await pg.append(append(f"u{turn}", StreamTip(), draft())), Appended)
        await owner.close()

    async def test_what_cannot_be_stored_is_its_senders_error_alone(self, pg: PostgresLedger) -> None:
        bad = replace(draft(), source="\ud800")
        answers = await asyncio.gather(
            *(pg.append(append(f"n{n}", StreamTip(), bad if n == 3 else draft())) for n in range(30)),
            return_exceptions=True,
        )
        assert [isinstance(answer, Appended) for answer in answers] == [n != 3 for n in range(30)]

    async def test_who_is_behind_cannot_fail_who_was_appended(
        self, pg: PostgresLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await pg.append(append("known", StreamTip(), draft()))

        async def broken(*_request: object) -> Behind:
            raise asyncpg.TooManyConnectionsError("too many")

        monkeypatch.setattr(pg._writer, "_answer_unwritten", broken)
        streams = ["known" if n == 5 else f"n{n}" for n in range(20)]
        answers = await asyncio.gather(
            *(pg.append(append(stream, StreamTip(), draft())) for stream in streams), return_exceptions=True
        )
        assert [isinstance(answer, Appended) for answer in answers] == [n != 5 for n in range(20)]
        assert isinstance(answers[5], asyncpg.TooManyConnectionsError)
        assert len(await pg.read(0, 100)) == OWN + 1 + 19

    async def test_closing_answers_who_waits_and_takes_nothing_more(self, pg: PostgresLedger) -> None:
        waiting = [asyncio.create_task(pg.append(append(f"n{n}", StreamTip(), draft()))) for n in range(40)]
        await asyncio.sleep(0)
        await pg._writer.close()
        assert all(isinstance(answer, Appended) for answer in await asyncio.gather(*waiting))
        with pytest.raises(LedgerError, match="ledger_closed"):
            await pg.append(append("later", StreamTip(), draft()))

    async def test_an_append_has_a_size(self, pg: PostgresLedger) -> None:
        with pytest.raises(LedgerError, match="append_size"):
            await pg.append(Append((Part("s", StreamTip(), ()),)))

    @pytest.mark.parametrize("table", ["event", "command", "batch"])
    @pytest.mark.parametrize(
        "change", ["update ledger.{t} set digest = digest", "delete from ledger.{t}", "truncate ledger.{t}"]
    )
    async def test_even_the_owner_cannot_change_what_was_recorded(
        self, place: tuple[Endpoints, Installation, Paths], table: str, change: str
    ) -> None:
        owner = await asyncpg.connect(place[0].owner_url)
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await owner.execute(change.format(t=table))
        await owner.close()

    async def test_the_application_may_only_append_by_the_function(
        self, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        app = await asyncpg.connect(place[0].database_url)
        for statement in (
            "insert into ledger.event select * from ledger.event",
            "update ledger.installation set epoch = 9",
            "delete from ledger.event",
            "create table ledger.x (a int)",
            "alter table ledger.event disable trigger all",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        await app.close()

    async def test_the_reader_only_reads(self, place: tuple[Endpoints, Installation, Paths]) -> None:
        reader = await asyncpg.connect(place[0].reader_url)
        assert await reader.fetchval("select count(*) from ledger.event") == OWN
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch("select * from vault.person")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch("select ledger.append(" + "'{}', " * 20 + "1)")
        await reader.close()

    @pytest.mark.parametrize(("stream", "version"), [("other", 1), ("mine", 2), ("mine", 0)])
    async def test_the_function_takes_no_body_of_another_place(
        self, pg: PostgresLedger, monkeypatch: pytest.MonkeyPatch, stream: str, version: int
    ) -> None:
        """A stranger with the application's password reaches the function without the writer."""
        bodies = writer._bodies

        def exchanged(request: Append) -> list[bytes]:
            if request.parts[0].stream != "mine":
                return bodies(request)
            return [request.parts[0].events[0].body(stream, version)]

        monkeypatch.setattr(writer, "_bodies", exchanged)
        answers = await asyncio.gather(
            *(pg.append(append(name, StreamTip(), draft())) for name in ("a", "mine", "b")), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Appended, BadBodyError, Appended]
        assert [row.stream for row in await pg.read(OWN)] == ["a", "b"]

    @pytest.mark.parametrize("body", [b"x", b"\xff", b"[]", b'{"stream":1}', b'{"a":"\\u0000"}'])
    async def test_the_function_takes_nothing_that_is_no_body(
        self, pg: PostgresLedger, monkeypatch: pytest.MonkeyPatch, body: bytes
    ) -> None:
        monkeypatch.setattr(writer, "_bodies", lambda _request: [body])
        with pytest.raises(BadBodyError):
            await pg.append(append("s", StreamTip(), draft()))
        assert await pg.read(OWN) == ()

    async def test_a_view_shows_every_field_to_an_auditor(
        self, pg: PostgresLedger, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        one = replace(draft(digest=b"\x01" * 32), stand_in_for="y", meeting="m", effective=NOW.date(), act_key="k")
        await pg.append(append("s", StreamTip(), one, draft()))
        reader = await asyncpg.connect(place[0].reader_url)
        shown, plain = await reader.fetch("select * from ledger.event_fields where stream = 's' order by version")
        for name in EventBody.__struct_fields__:
            assert shown[name] is not None, name
        told = (shown["type"], shown["schema"], json.loads(shown["payload"]), shown["actor"], shown["effective"])
        assert told == ("T", "1", {"a": 1}, "x", "2026-03-01")
        assert (shown["happened_latest"], shown["command_digest"]) == ("2026-03-01T02:00:00Z", "01" * 32)
        assert (plain["meeting"], plain["command_digest"], plain["index_agrees"]) == (None, None, True)
        owner = await asyncpg.connect(place[0].owner_url)
        await owner.execute("alter table ledger.event disable trigger append_only")
        await owner.execute("update ledger.event set version = 9 where stream = 's' and version = 1")
        await owner.execute("update ledger.event set body = '\\xff' where stream = 's' and version = 2")
        await owner.close()
        rows = await reader.fetch("select type, index_agrees from ledger.event_fields where position > $1", OWN)
        await reader.close()
        assert [tuple(row) for row in rows] == [("T", False), (None, False)]

    async def test_a_ledger_of_another_format_is_refused_with_a_sentence(
        self, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        endpoints, installed, _where = place
        owner = await asyncpg.connect(endpoints.owner_url)
        at = urlsplit(endpoints.owner_url)
        for change, found in (
            ("update ledger.baseline set format = 3", 3),
            ("alter table ledger.baseline drop column format cascade", 1),
        ):
            await owner.execute(change)
            for opening in (apply_schema(endpoints.owner_url), open_ledger(endpoints.database_url, installed.id)):
                with pytest.raises(Stopped) as refused:
                    await opening
                name = f"127.0.0.1:{at.port}{at.path}"
                assert refused.value.code == "other_format"
                assert refused.value.facts == {"database": name, "found": found, "expected": 2}
                assert name in sentence(refused.value.code, refused.value.facts)
        await owner.close()

    async def test_another_epoch_is_refused(
        self, pg: PostgresLedger, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        owner = await asyncpg.connect(place[0].owner_url)
        await owner.execute("update ledger.installation set epoch = 2")
        await owner.close()
        with pytest.raises(Stopped, match="other_epoch"):
            await pg.append(append("s", StreamTip(), draft()))

    async def test_a_jump_of_the_clock_stops_appends_until_it_is_confirmed(
        self, pg: PostgresLedger, place: tuple[Endpoints, Installation, Paths], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await pg.append(append("s", StreamTip(), draft()))
        before = writer._clocks()
        monkeypatch.setattr(writer, "_clocks", lambda: (before[0] + 7200, before[1] + 1))
        with pytest.raises(Stopped, match="clock_stopped"):
            await pg.append(append("t", StreamTip(), draft()))
        monkeypatch.undo()
        pg._writer._clocks = writer._clocks()
        with pytest.raises(Stopped):
            await pg.append(append("t", StreamTip(), draft()))
        await confirm_clock(place[0].owner_url)
        await pg.append(append("t", StreamTip(), draft()))

    async def test_no_lane_appends_after_a_jump(self, pg: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        await asyncio.gather(*(pg.append(append(f"warm{n}", StreamTip(), draft())) for n in range(40)))
        before = writer._clocks()
        monkeypatch.setattr(writer, "_clocks", lambda: (before[0] + 7200, before[1] + 1))
        answers = await asyncio.gather(
            *(pg.append(append(f"s{n}", StreamTip(), draft())) for n in range(40)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {Stopped}
        assert len(await pg.read(0, 1_000)) == OWN + 40

    async def test_idleness_is_no_jump(self, pg: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        before = writer._clocks()
        monkeypatch.setattr(writer, "_clocks", lambda: (before[0] + 86_400, before[1] + 86_400))
        assert isinstance(await pg.append(append("t", StreamTip(), draft())), Appended)

    async def test_a_clock_that_fell_behind_the_ledger_stops_it(
        self, pg: PostgresLedger, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        await pg.append(append("s", StreamTip(), draft()))
        owner = await asyncpg.connect(place[0].owner_url)
        await owner.execute("alter table ledger.event disable trigger append_only")
        await owner.execute("update ledger.event set recorded_at = recorded_at + interval '2 hours'")
        await owner.close()
        with pytest.raises(Stopped, match="clock_stopped"):
            await pg.append(append("t", StreamTip(), draft()))
        await confirm_clock(place[0].owner_url)
        for number in range(3):
            assert isinstance(await pg.append(append(f"u{number}", StreamTip(), draft())), Appended)
        rows = await pg.read(0, 1_000)
        assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)

    async def test_unsafe_settings_and_other_ledgers_are_refused(
        self, place: tuple[Endpoints, Installation, Paths]
    ) -> None:
        endpoints, installed, _where = place
        with pytest.raises(Stopped, match="other_installation"):
            await open_ledger(endpoints.database_url, "another")
        owner = await asyncpg.connect(endpoints.owner_url)
        await owner.execute(
            "alter role thidua_app in database "
            + endpoints.database_url.rsplit("/", 1)[1]
            + " set synchronous_commit = off"
        )
        await owner.close()
        with pytest.raises(Stopped, match="unsafe_setting"):
            await open_ledger(endpoints.database_url, installed.id)

    async def test_a_database_without_a_ledger_says_so(self, place: tuple[Endpoints, Installation, Paths]) -> None:
        with pytest.raises(LedgerError, match="no_ledger"):
            await open_ledger(place[0].owner_url.rsplit("/", 1)[0] + "/postgres", None)

    async def test_the_schema_is_applied_once(self, postgres: PostgresServer) -> None:
        name = f"t{uuid4().hex[:12]}"
        await create_database(postgres, name)
        await asyncio.gather(*(apply_schema(postgres.url(name)) for _ in range(3)))
        owner = await asyncpg.connect(postgres.url(name))
        assert await owner.fetchval("select count(*) from ledger.baseline") == 1
        await owner.close()

    @pytest.mark.parametrize(
        "change",
        [
            "update ledger.baseline set digest = 'x'",
            "delete from ledger.baseline",
            # As made by the numbered files that came before the baseline.
            (
                "drop table ledger.baseline cascade; "
                "create table public.migration (name text primary key, digest text not null)"
            ),
        ],
    )
    async def test_a_database_of_another_schema_is_refused_and_not_changed(
        self, place: tuple[Endpoints, Installation, Paths], change: str
    ) -> None:
        endpoints, installed, where = place
        owner = await asyncpg.connect(endpoints.owner_url)
        await owner.execute(change)
        before = await owner.fetch("select relname from pg_class order by oid")
        at = urlsplit(endpoints.owner_url)
        for name, opening in (
            (str(where.data), apply_schema(endpoints.owner_url, str(where.data))),
            (f"127.0.0.1:{at.port}{at.path}", apply_schema(endpoints.owner_url)),
            (f"127.0.0.1:{at.port}{at.path}", open_ledger(endpoints.database_url, installed.id)),
        ):
            with pytest.raises(LedgerError) as refused:
                await opening
            assert (refused.value.code, refused.value.facts) == ("schema_differs", {"database": name})
            assert name in sentence(refused.value.code, refused.value.facts)
        assert await owner.fetch("select relname from pg_class order by oid") == before
        await owner.close()

    async def test_groups_are_announced(self, pg: PostgresLedger) -> None:
        woken = asyncio.Event()
        async with pg.notices(woken.set):
            await pg.append(append("s", StreamTip(), draft()))
            await asyncio.wait_for(woken.wait(), 10)


class TestSignatures:
    def item(self) -> BatchItem:
        return BatchItem("s", uuid4(), "{}")

    def keys(self, **changes: Any) -> Keys:
        public = NamedKey("entry-1", bytes(SIGNER.private.verify_key), KeyRole.ENTRY, KeyHolder.CLI)
        return Keys(**{"installation": "i", "epoch": 1, "public": {"entry-1": public}, **changes})

    def sign(self, *items: BatchItem) -> Any:
        return SIGNER.sign(items, actor="x", unit="u", issued=NOW, strength="os-account", read=LedgerTip())

    def test_a_signature_covers_its_list(self) -> None:
        one, two = self.item(), self.item()
        header = verified(self.keys(), self.sign(one, two), [one])
        assert (header.actor, header.unit, header.issued) == ("x", "u", NOW)
        with pytest.raises(NotSignedError, match="not_covered"):
            verified(self.keys(), self.sign(one), [two])
        with pytest.raises(NotSignedError, match="not_covered"):
            verified(self.keys(), self.sign(one), [replace(one, payload="{ }")])

    def test_every_byte_of_the_header_is_signed(self) -> None:
        item = self.item()
        batch = self.sign(item)
        with pytest.raises(NotSignedError, match="bad_signature"):
            verified(self.keys(), replace(batch, header=batch.header.replace('"u"', '"v"')), [item])

    @pytest.mark.parametrize(
        ("changes", "code"),
        [({"installation": "j"}, "other_installation"), ({"epoch": 2}, "other_epoch"), ({"public": {}}, "unknown_key")],
    )
    def test_another_installation_epoch_or_key(self, changes: dict[str, Any], code: str) -> None:
        item = self.item()
        with pytest.raises(NotSignedError, match=code):
            verified(self.keys(**changes), self.sign(item), [item])

    def test_an_old_epoch_is_still_proof(self) -> None:
        item = self.item()
        assert verified(self.keys(epoch=2), self.sign(item), [item], any_epoch=True)

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"format":"other"}', "null"])
    def test_a_malformed_header_is_said_to_be_one(self, text: str) -> None:
        with pytest.raises(NotSignedError, match="malformed"):
            Header.parse(text)

    def test_each_field_of_a_header_has_its_type_before_the_signature_is_checked(self) -> None:
        fields: dict[str, Any] = json.loads(self.sign(self.item()).header)
        wrong: list[dict[str, Any]] = [
            fields | {name: value} for name in fields for value in (7.5, {}, True, "\ud800", [["a", "b"]])
        ]
        wrong += [{name: fields[name] for name in fields if name != left} for left in fields]
        wrong += [fields | {"more": 1}, fields | {"issued": "2026-01-01T00:00:00"}, fields | {"actor": None}]
        assert Header.parse(json.dumps(fields))
        for each in wrong:
            with pytest.raises(NotSignedError, match="malformed"):
                Header.parse(json.dumps(each))
