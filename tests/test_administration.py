"""Account administration and erasures as events: who may, what is recorded, what the tables do, what is verified."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from account_help import make_account
from conftest import eventually
from engine_help import CITY, enter_staff, open_cycle, submit, units
from speech import RULES
from web_help import Site, person_name

from accounts.following import follow
from accounts.logins import today
from application.administration import DirectEngine
from application.engine import RefusedError
from application.gate import GateClosedError, Submitter, at_command_line, operator
from application.verification import verify_all
from audit.report import VerificationReport
from cli.session import Session
from domain import administration as a
from domain.administration import INSTALLATION
from domain.city_year import OrderOpening
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.installation import STREAM
from domain.records import OPERATOR, AlreadyRecorded, Command, Event, EventEnvelope, Meta, Refused
from domain.rules import NO_RULES
from domain.strengths import Strength
from domain.times import When
from domain.types import Provenance
from ledger.mapping import to_draft
from ledger.protocol import Append, Part, load_all
from ledger.signing import BatchItem, Signer

DAY = date(2026, 3, 2)


# Decisions --------------------------------------------------------------------------------


class History:
    """Decides commands one after another, as the workflow does."""

    def __init__(self) -> None:
        self.events: list[EventEnvelope[Event]] = []

    def issue(
        self,
        command: Command,
        actor: str = OPERATOR,
        *,
        strength: Strength | None = None,
        on: date = DAY,
        absent: str | None = None,
    ) -> Event:
        strength = strength or (Strength.OS_ACCOUNT if actor == OPERATOR else Strength.PASSWORD_AND_CODE)
        issued = datetime(on.year, on.month, on.day, 3, tzinfo=UTC)
        one = AuthenticatedCommand(STREAM, command, actor, CITY, issued, uuid4(), strength, absent)
        state = INSTALLATION.fold(self.events)
        (envelope,) = INSTALLATION.decide(one, state, NO_RULES, len(self.events))
        self.events.append(envelope)
        return envelope.event

    def refused(self, command: Command, actor: str = OPERATOR, **circumstances: Any) -> str:
        with pytest.raises(Refused) as refusal:
            self.issue(command, actor, **circumstances)
        return refusal.value.code


@pytest.fixture
def history() -> History:
    """An administrator, a secretary, two officers, an auditor."""
    made = History()
    for person, kind, administrator in (
        ("quan-tri", "secretariat", True),
        ("thu-ky", "secretariat", False),
        ("an", "staff", False),
        ("binh", "staff", False),
    ):
        made.issue(a.MakeAccount(person=person, kind=kind, administrator=administrator))  # type: ignore[arg-type]
    made.issue(a.MakeAccount(person="kiem-tra", kind="auditor", until=DAY + timedelta(days=9)))
    return made


ALL: list[Command] = [
    a.MakeAccount(person="moi", kind="staff"),
    a.InviteToAccount(person="an"),
    a.CloseAccount(person="an"),
    a.SetLastDay(person="an", until=DAY + timedelta(days=3)),
    a.ChangeAccountKind(person="an", kind="staff", administrator=True),
    a.ResetLogin(person="an"),
    a.RemoveCodes(person="an"),
    a.CorrectContact(person="an", fields=("email",)),
    a.NameStandIn(person="binh", for_person="an", since=DAY, until=DAY),
    a.EndStandIn(person="binh", for_person="an"),
    a.EraseText(text="0" * 64),
    a.ErasePerson(person="an"),
]
OF_ADMINISTRATORS = {"change-account-kind", "erase-text", "erase-person"}


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.NAME)
def test_who_may_administer(history: History, command: Command) -> None:
    for actor, strength in (
        ("an", None),
        ("kiem-tra", None),
        ("ai-do", None),
        (OPERATOR, Strength.PASSWORD_AND_CODE),  # only the account of the operating system makes an operator
    ):
        assert history.refused(command, actor, strength=strength) == "not_yours_to_manage", actor
    assert history.refused(command, "quan-tri", absent="thu-ky") == "not_yours_to_manage", "in another's name"
    assert history.refused(command, "quan-tri", strength=Strength.PASSWORD) == "organiser_needs_code"
    if command.NAME in OF_ADMINISTRATORS:
        assert history.refused(command, "thu-ky") == "not_yours_to_manage"
    else:
        assert history.issue(command, "thu-ky").NAME
        history.events.pop()
    assert history.issue(command, "quan-tri").NAME
    history.events.pop()
    assert history.issue(command).NAME


def test_accounts_of_the_secretariat_are_managed_by_administrators_only(history: History) -> None:
    for command in (
        a.CloseAccount(person="quan-tri"),
        a.MakeAccount(person="moi", kind="secretariat"),
        a.MakeAccount(person="moi", kind="auditor", until=DAY),
        a.CorrectContact(person="quan-tri", fields=("phone",)),
        a.CorrectContact(person="kiem-tra", fields=("name", "email")),
    ):
        assert history.refused(command, "thu-ky") == "not_yours_to_manage", command
    assert history.issue(a.CorrectContact(person="kiem-tra", fields=("phone",)), "thu-ky")


def test_who_was_closed_or_is_over_administers_nothing(history: History) -> None:
    close = a.CloseAccount(person="an")
    history.issue(a.SetLastDay(person="thu-ky", until=DAY))
    assert history.refused(close, "thu-ky", on=DAY + timedelta(days=1)) == "not_yours_to_manage"
    history.issue(a.CloseAccount(person="quan-tri"))
    assert history.refused(close, "quan-tri") == "not_yours_to_manage"
    history.issue(a.OpenAccount(person="quan-tri"))
    assert history.issue(close, "quan-tri")


def test_what_contradicts_the_state_is_refused(history: History) -> None:
    yesterday = DAY - timedelta(days=1)
    for command, code in (
        (a.MakeAccount(person="an", kind="staff"), "account_exists"),
        (a.MakeAccount(person="moi", kind="auditor"), "auditor_needs_end"),
        (a.MakeAccount(person="moi", kind="staff", until=yesterday), "last_day_past"),
        (a.InviteToAccount(person="moi"), "unknown_person"),
        (a.ResetLogin(person="moi"), "unknown_person"),
        (a.SetLastDay(person="an", until=yesterday), "last_day_past"),
        (a.SetLastDay(person="kiem-tra"), "auditor_needs_end"),
        (a.ChangeAccountKind(person="an", kind="auditor"), "auditor_needs_end"),
        (a.NameStandIn(person="thu-ky", for_person="an", since=DAY, until=DAY), "stand_in_unknown"),
        (a.NameStandIn(person="binh", for_person="an", since=DAY, until=yesterday), "stand_in_dates"),
        (OrderOpening(clusters=("cum-1",)), "not_yours"),
    ):
        assert history.refused(command) == code, command
    later = DAY + timedelta(days=20)
    for command in (a.InviteToAccount(person="kiem-tra"), a.OpenAccount(person="kiem-tra")):
        assert history.refused(command, on=later) == "last_day_was"


def test_what_is_so_already_is_recorded_once(history: History) -> None:
    history.issue(a.CloseAccount(person="an"))
    history.issue(a.EraseText(text="0" * 64))
    count = len(history.events)
    for command, version in (
        (a.CloseAccount(person="an"), count - 1),
        (a.OpenAccount(person="binh"), 4),
        (a.ChangeAccountKind(person="binh", kind="staff"), 4),
        (a.EraseText(text="0" * 64), count),
    ):
        with pytest.raises(AlreadyRecorded) as earlier:
            history.issue(command)
        assert earlier.value.version == version


# Pages ------------------------------------------------------------------------------------


async def recorded(app: Session) -> list[tuple[str, str, dict[str, Any]]]:
    """What was administered: type, actor, payload."""
    types = {event.NAME for event in a.ADMINISTRATION}
    return [
        (row.type, row.actor, envelope.event.model_dump(mode="json"))
        for row, envelope in await app.history(STREAM)
        if row.type in types
    ]


async def verified(app: Session) -> VerificationReport:
    return await verify_all(app.ledger, app.installed.id)


def vn(days: int) -> str:
    return (today() + timedelta(days=days)).strftime("%d/%m/%Y")


async def known_units(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))

    async def known() -> bool:
        return "don-vi-1" in dict(await site.services.people.units(CITY))

    await eventually(known)


async def test_each_act_of_administration_on_pages_is_an_event_with_who_did_it(site: Site) -> None:
    await known_units(site)
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("binh", "don-vi-1")
    before = len(await recorded(site.app))
    secretary = await site.log_in("thu-ky")
    await secretary.get("/nguoi-dung")
    new = {"id": "an", "name": "Trần An", "unit": "don-vi-1", "kind": "staff", "email": "an@example.invalid"}
    await secretary.post("/nguoi-dung", **new)
    assert secretary.status == 200, secretary.page
    way = "/nguoi-dung/an"
    contact = {"name": "Trần Văn An", "email": "moi@example.invalid"}
    days = {"since": vn(0), "until": vn(2)}
    for fields in (
        {"_do": "invite"},
        {"_do": "contact", **contact},
        {"_do": "code"},
        {"_do": "until", "until": vn(30)},
        {"_do": "stand-in", "person": "binh", **days},
        {"_do": "end-stand-in", "person": "binh"},
        {"_do": "close"},
        {"_do": "open"},
    ):
        await secretary.get(way)
        await secretary.post(way, **fields)
        assert secretary.status == 200, (fields, secretary.page)
    an = {"person": "an"}
    since, until, last = ((today() + timedelta(days=n)).isoformat() for n in (0, 2, 30))
    assert (await recorded(site.app))[before:] == [
        ("AccountMade", "thu-ky", {**an, "kind": "staff", "administrator": False, "until": None}),
        ("InvitedToAccount", "thu-ky", an),
        ("InvitedToAccount", "thu-ky", an),
        ("ContactCorrected", "thu-ky", {**an, "fields": ["name", "email"]}),
        ("CodesRemoved", "thu-ky", an),
        ("LastDaySet", "thu-ky", {**an, "until": last}),
        ("StandInNamed", "thu-ky", {"person": "binh", "for_person": "an", "since": since, "until": until}),
        ("StandInEnded", "thu-ky", {"person": "binh", "for_person": "an"}),
        ("AccountClosed", "thu-ky", an),
        ("AccountOpened", "thu-ky", an),
    ]
    bodies = b"".join(row.body for row in await load_all(site.app.ledger, STREAM))
    assert not [word for word in ("Trần", "example.invalid") if word.encode() in bodies], "persons by their id only"
    report = await verified(site.app)
    assert (report.problems, report.beside) == ([], [])
    # One fact, one place: the log of accounts has none of it.
    assert await site.app.ledger.pool.fetchval("select count(*) from accounts.log where by_person <> person") == 0


async def test_what_is_refused_on_pages_leaves_no_event(site: Site) -> None:
    await known_units(site)
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("an", "don-vi-1")
    await site.person("kiem-tra", CITY, "auditor")
    before = await recorded(site.app)
    secretary = await site.log_in("thu-ky")
    for person, fields, status in (
        ("quan-tri", {"_do": "close"}, 403),
        ("quan-tri", {"_do": "contact", "name": "Khác"}, 403),
        ("an", {"_do": "until", "until": vn(-1)}, 422),
        ("an", {"_do": "make", "kind": "staff"}, 409),
        ("an", {"_do": "stand-in", "person": "an", "since": vn(0), "until": vn(1)}, 422),
        ("an", {"_do": "end-stand-in", "person": "khong-co"}, 200),
    ):
        await secretary.get("/nguoi-dung/an")
        await secretary.post(f"/nguoi-dung/{person}", **fields)
        assert secretary.status == status, (person, fields)
    for person in ("an", "kiem-tra"):
        other = await site.log_in(person)
        await other.get("/toi")
        await other.post("/nguoi-dung/an", _do="close")
        assert other.status == 403
    assert await recorded(site.app) == before


async def test_where_the_engine_is_away_nothing_is_lost_of_what_was_typed(site: Site) -> None:
    await known_units(site)
    await site.person("thu-ky", CITY, "secretariat")
    before, client = await recorded(site.app), site.services.application.client
    secretary = await site.log_in("thu-ky")
    site.services.application.client = Away()
    await secretary.get("/nguoi-dung")
    await secretary.post("/nguoi-dung", name="Trần An", unit="don-vi-1", kind="staff", email="an@example.invalid")
    assert (secretary.status, "an@example.invalid" in secretary.page) == (503, True)
    assert await recorded(site.app) == before
    site.services.application.client = client


class Away:
    """An engine that does not answer."""

    async def submit(self, stream: str, batch: Any) -> Any:
        from application.engine import UnreachableError  # noqa: PLC0415 - of this class only

        raise UnreachableError


# The gate ---------------------------------------------------------------------------------


async def test_the_gate_asks_for_an_account_that_manages_accounts(real_site: Site) -> None:
    app, gate = real_site.app, real_site.services.application.gate
    for person, kind, administrator in (("quan-tri", "staff", True), ("thu-ky", "secretariat", False)):
        await app.people.enter(person, CITY, person)
        await make_account(app, person, kind, administrator=administrator)  # type: ignore[arg-type]
    for person, kind in (("an", "staff"), ("kiem-tra", "auditor")):
        await app.people.enter(person, "don-vi-1", person)
        await make_account(app, person, kind)  # type: ignore[arg-type]
    items = [BatchItem(STREAM, uuid4(), CommandPayload.of(a.CloseAccount(person="an")).model_dump_json())]

    async def code(person: str, strength: Strength = Strength.PASSWORD_AND_CODE, **more: Any) -> str:
        contact = await app.people.get(person)
        assert contact is not None
        try:
            await gate.sign(Submitter(contact, strength, **more), items)
        except GateClosedError as error:
            return error.code
        return ""

    assert [await code(person) for person in ("quan-tri", "thu-ky")] == ["", ""]
    assert await code("an") == "not_yours_to_manage"
    assert await code("kiem-tra") == "auditors_only_read"
    assert await code("thu-ky", Strength.PASSWORD) == "organiser_needs_code"
    assert await code("thu-ky", Strength.TOKEN_TO_READ) == "token_too_weak"
    assert await code("thu-ky", absent=await app.people.get("quan-tri")) == "not_yours_to_manage"


async def test_the_operator_is_no_person(site: Site) -> None:
    await known_units(site)
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    administrator = await site.log_in("quan-tri")
    await administrator.get("/nguoi-dung")
    await administrator.post("/nguoi-dung", id=OPERATOR, name="Vận Hành", unit="don-vi-1", kind="staff")
    assert administrator.status == 422
    assert await site.app.people.get(OPERATOR) is None


# Tables -----------------------------------------------------------------------------------


async def record_only(app: Session, command: Command) -> None:
    """What is left when a process dies between the event and the tables."""
    item = BatchItem(STREAM, uuid4(), CommandPayload.of(command).model_dump_json())
    await DirectEngine(app.ledger).submit(STREAM, await app.gate.sign(operator(), [item]))


async def test_tables_follow_events_whose_process_died(site: Site) -> None:
    app, accounts = site.app, site.services.accounts
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    assert an.at != "/dang-nhap"
    await record_only(app, a.CloseAccount(person="an"))
    await record_only(app, a.SetLastDay(person="an", until=today()))
    assert not (await accounts.must("an")).disabled, "the tables lag behind"
    # Many at once, of both roles: each event is carried out once.
    pools = [app.ledger.pool, site.services.application.ledger.pool] * 4
    versions = await asyncio.gather(*(follow(pool, app.ledger) for pool in pools))
    account = await accounts.must("an")
    assert (account.disabled, account.until, set(versions)) == (True, today(), {len(await app.history(STREAM))})
    assert await app.ledger.pool.fetchval("select count(*) from accounts.login where person = 'an'") == 0
    # Nothing is carried out a second time: what came after stays.
    await app.ledger.pool.execute("update accounts.account set disabled_at = null")
    assert await follow(app.ledger.pool, app.ledger) == versions[0]
    assert not (await accounts.must("an")).disabled


async def test_lost_tables_are_made_anew_from_the_events(site: Site) -> None:
    app = site.app
    await site.person("an", "don-vi-1")
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    await app.administer(a.CloseAccount(person="an"))
    before = await site.services.accounts.everyone()
    owner = await asyncpg.connect(app.endpoints.owner_url)
    await owner.execute("delete from accounts.login")
    await owner.execute("delete from accounts.account")
    await owner.execute("update accounts.followed set version = 0")
    await owner.close()
    await follow(app.ledger.pool, app.ledger)
    assert await site.services.accounts.everyone() == tuple(replace(one, password=False) for one in before)


async def test_workflow_and_command_line_decide_beside_each_other(site: Site) -> None:
    """The command line appends while the workflow runs: what the workflow does not know yet, it loads."""
    await known_units(site)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("an", "don-vi-1")
    secretary = await site.log_in("thu-ky")
    for _ in range(2):
        await secretary.get("/nguoi-dung/an")
        await secretary.post("/nguoi-dung/an", _do="close")
        assert secretary.status == 200
        await site.app.administer(a.OpenAccount(person="an"))
    with pytest.raises(RefusedError, match="account_exists"):
        await site.app.administer(a.MakeAccount(person="an", kind="staff"))
    found = [(type_, actor) for type_, actor, _payload in await recorded(site.app)]
    assert found[-4:] == [("AccountClosed", "thu-ky"), ("AccountOpened", OPERATOR)] * 2
    report = await verified(site.app)
    assert (report.problems, report.beside) == ([], [])


# Who reads it -----------------------------------------------------------------------------


async def test_auditors_see_what_was_administered_and_by_whom(site: Site) -> None:
    await known_units(site)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("an", "don-vi-1")
    await site.person("kiem-tra", "thanh-tra", "auditor")
    secretary = await site.log_in("thu-ky")
    await secretary.get("/nguoi-dung/an")
    await secretary.post("/nguoi-dung/an", _do="close")
    await site.app.administer(a.ErasePerson(person="nguoi-cu"))
    auditor = await site.log_in("kiem-tra")
    log = await auditor.get("/nhat-ky-tai-khoan")
    names = {person: person_name(person) for person in ("thu-ky", "an")}
    assert f"{names['thu-ky']} đã khóa tài khoản của {names['an']}" in log
    assert "Người vận hành máy" in log
    own = await auditor.get("/nhat-ky-he-thong")
    row = (await load_all(site.app.ledger, STREAM))[-2]
    for text in (f"Đã khóa tài khoản của {names['an']}.", names["thu-ky"], row.digest.hex(), "Lập sổ."):
        assert text in own, text
    token = await site.services.accounts.new_token("kiem-tra", "máy", "read", 1)
    answer = await auditor.http.get(
        "/api/v1/installation/timeline", headers={"Authorization": f"Bearer {token}"}, params={"limit": 1_000}
    )
    entries = {one["version"]: one for one in answer.json()}
    assert entries[row.version]["type"] == "AccountClosed"
    assert (entries[row.version]["who"], entries[row.version]["actor"]) == (names["thu-ky"], "thu-ky")
    for path in ("/nhat-ky-he-thong", "/nhat-ky-tai-khoan"):
        await secretary.get(path)
        assert secretary.status == 403, "the secretariat reads neither"


# Verification -----------------------------------------------------------------------------


async def text_of(app: Session) -> str:
    """A recorded comment; returns the digest of its text."""
    stream = await open_cycle(app, RULES, members=units(1))
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await submit(app, stream, "don-vi-1", "comment", {"by": {"unit": "don-vi-1"}, "text": "Đề nghị làm rõ"})
    event: Any = (await app.history(stream))[-1][1].event
    digest: str = event.text
    return digest


async def test_a_recorded_erasure_is_no_finding_and_an_unrecorded_one_is(app: Session) -> None:
    digest = await text_of(app)
    found = lambda report: [(one.code, one.detail) for one in (*report.problems, *report.beside)]  # noqa: E731
    person = (await enter_staff(app, "don-vi-1")).id
    assert found(await verified(app)) == []
    await app.texts.erase(digest)
    assert found(await verified(app)) == [("text_erased", digest)]
    await app.administer(a.EraseText(text=digest))
    assert found(await verified(app)) == []
    await app.people.erase(person)
    assert found(await verified(app)) == [("person_erased", person)]
    await app.administer(a.ErasePerson(person="cb-khac"))
    assert found(await verified(app)) == [("person_erased", person)], "another's erasure excuses nothing"
    await app.administer(a.ErasePerson(person=person))
    assert found(await verified(app)) == []
    by_processes = await verify_all(app.ledger, app.installed.id, processes=1)
    assert found(by_processes) == [], "other processes know it, too"
    # What is recorded as erased and still there is told, and is no sign of a change.
    await app.administer(a.ErasePerson(person=f"cb-{CITY}-1"))
    report = await verified(app)
    assert (found(report), [one.detail for one in report.remarks]) == ([], [f"cb-{CITY}-1"])


async def appended(app: Session, event: Event, signer: Signer | None, actor: str, command: Command) -> None:
    """Append an event to the installation's stream, as somebody with the application's role does."""
    rows = await load_all(app.ledger, STREAM)
    now, tip, read = datetime.now(UTC), rows[-1].tip, await app.ledger.tip()
    item = BatchItem(STREAM, uuid4(), CommandPayload.of(command).model_dump_json())
    commands, digest = (), None
    if signer is not None:
        batch = signer.sign([item], actor=actor, unit=CITY, issued=now, strength=Strength.REHEARSAL, read=read)
        signed = batch.command(item, CITY)
        commands, digest = ((item.command_id, signed),), signed.digest  # type: ignore[assignment]
    meta = Meta(tip.version + 1, actor, CITY, When.at(now), Provenance(kind="rehearsed"), item.command_id)
    draft = to_draft(EventEnvelope(event, meta), digest)
    await app.ledger.append(Append((Part(STREAM, tip, (draft,)),), commands, read=read if commands else None))


async def test_verification_decides_administration_again(app: Session) -> None:
    for person, kind in (("an", "staff"), ("thu-ky", "secretariat")):
        await app.people.enter(person, CITY, person)
        await make_account(app, person, kind)  # type: ignore[arg-type]
    key = app.installed.web
    signer = Signer(app.installed.id, app.ledger.epoch, key.key, key.private)
    close, closed = a.CloseAccount(person="an"), a.AccountClosed(person="an")
    make = a.MakeAccount(person="ke-gian", kind="secretariat")
    made = a.AccountMade(person="ke-gian", kind="secretariat", administrator=False, until=None)
    expected = []
    for event, by, actor, command, code in (
        (closed, signer, "thu-ky", close, ""),
        (a.AccountOpened(person="an"), signer, "an", a.OpenAccount(person="an"), "not_decided"),  # no right to it
        (made, signer, "thu-ky", make, "not_decided"),
        (made, signer, "thu-ky", a.InviteToAccount(person="an"), "does_not_follow"),
        (a.AccountOpened(person="thu-ky"), None, "thu-ky", close, "unsigned"),
    ):
        await appended(app, event, by, actor, command)
        expected += [code] if code else []
        report = await verified(app)
        assert [one.code for one in report.problems] == expected, event
    assert {one.stream for one in report.problems} == {STREAM}


async def test_who_is_at_the_command_line_as_a_person_is_no_operator(app: Session) -> None:
    """Enough is asked of persons there, too: an account that may."""
    an = await enter_staff(app, "don-vi-1")
    item = BatchItem(STREAM, uuid4(), CommandPayload.of(a.MakeAccount(person=an.id, kind="staff")).model_dump_json())
    with pytest.raises(RefusedError, match="not_yours_to_manage"):
        await DirectEngine(app.ledger).submit(STREAM, await app.gate.sign(at_command_line(an), [item]))
    assert await recorded(app) == []
