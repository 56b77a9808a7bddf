"""Accounts on PostgreSQL, without pages: the log of their administration, passwords, codes and their key, links."""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pyotp
import pytest
from account_help import account_in_tables, in_tables
from argon2 import Type, extract_parameters
from conftest import PASSWORDS, NewInstallation, eventually

from accounts.attempts import Attempts, Guess, Origin, network_of
from accounts.calendars import Calendars
from accounts.codes import Codes, rotate_key
from accounts.corrections import noting
from accounts.log import AccountChange, AccountLog, By, Door, note
from accounts.passwords import BusyError, PasswordWork, hash_password, password_matches
from accounts.stand_ins import StandIn, StandIns
from accounts.store import Accounts
from accounts.throttle import CODES, PER_SOURCE, Throttle, TooManyAttemptsError
from domain.administration import LoginReset
from domain.strengths import Strength
from errors import InputError
from ledger.connection import Pool, open_pool
from ledger.paging import ALL_ROWS, PageRequest
from local.account_keys import ACCOUNT_KEY_FILE, AccountKeyError, AccountKeys
from vault.persons import People

PASSWORD = "mot cau dai de nho"  # of a person who lives for a test


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a test's own, as its three roles see it."""

    web: Pool
    app: Pool
    owner: Pool
    keys: AccountKeys


@pytest.fixture
async def database(new_installation: NewInstallation) -> AsyncIterator[Database]:
    endpoints, _installed, paths = await new_installation()
    pools = [await open_pool(url) for url in (endpoints.web_url, endpoints.database_url, endpoints.owner_url)]
    yield Database(*pools, AccountKeys(paths.data / ACCOUNT_KEY_FILE))
    for pool in pools:
        await pool.close()


async def person(database: Database, name: str = "an") -> Accounts:
    """Somebody with an account."""
    await People(database.web).enter(name, "don-vi-1", name, email=f"{name}@example.invalid")
    accounts = Accounts(database.web)
    await account_in_tables(database.web, name)
    await accounts.set_password(name, PASSWORD)
    return accounts


async def changes(database: Database) -> list[str]:
    """What the log says, the oldest first."""
    return [one.change for one in reversed((await AccountLog(database.web).page(ALL_ROWS)).rows)]


# The log ----------------------------------------------------------------------------------------------------------


async def test_the_log_of_accounts_is_append_only_and_its_time_is_the_databases(database: Database) -> None:
    web = database.web
    await note(web, AccountChange.TOKEN_MADE, "an", By("an"), scope="sign", until=date(2026, 12, 31))
    await note(web, AccountChange.CONTACT_CHANGED, "an", By("thu-ky"), fields="email,phone")
    await note(web, AccountChange.PASSWORD_CHOSEN, "binh", By(None, Door.LINK))
    log = AccountLog(web)
    assert [(one.change, one.person, one.by, dict(one.facts)) for one in (await log.page(PageRequest())).rows] == [
        ("password-chosen", "binh", By(None, Door.LINK), {}),
        ("contact-changed", "an", By("thu-ky", Door.PAGES), {"fields": "email,phone"}),
        ("token-made", "an", By("an"), {"scope": "sign", "until": "2026-12-31"}),
    ]
    assert [(await log.page(PageRequest(), person)).total for person in ("", "thu-ky", "binh")] == [3, 1, 1]
    second = await log.page(PageRequest(9, 2))
    assert ([one.change for one in second.rows], second.number, second.pages) == (["token-made"], 2, 2), "the last page"
    for pool in (web, database.app):
        for forbidden in (
            "update accounts.log set person = 'binh'",
            "delete from accounts.log",
            "truncate accounts.log",
            "insert into accounts.log (at, change, person, door) values ('2020-01-01', 'x', 'an', 'pages')",
            "insert into accounts.log (number, change, person, door) "  # noqa: ISC004
            "overriding system value values (1, 'x', 'x', 'pages')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(forbidden)
        with pytest.raises(asyncpg.CheckViolationError):
            await note(pool, AccountChange.CLOSED, "an", By("thu-ky"))  # what others do stands in the ledger
    assert (await log.page(PageRequest())).total == 3


async def test_roles_may_do_no_more_to_accounts_than_the_program_does(database: Database) -> None:
    for pool, forbidden in (
        (database.web, "delete from accounts.account"),
        (database.web, "delete from accounts.token"),
        (database.web, "delete from accounts.stand_in"),
        (database.web, "update accounts.attempt set at = now()"),
        (database.web, "update accounts.recovery_code set digest = 'x'"),
        (database.web, "update accounts.invitation set person = 'an'"),
        (database.app, "update accounts.invitation set used_at = null"),
        (database.app, "update accounts.login set person = 'an'"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(forbidden)


async def test_what_persons_do_to_their_accounts_is_noted_in_the_same_transaction(database: Database) -> None:
    accounts = await person(database)
    secret = await accounts.forgotten("an")
    await accounts.accept(secret, PASSWORD)
    token = await accounts.new_token("an", "thử", "sign", 1)
    assert await accounts.of_token(token) is not None
    (one,) = await accounts.tokens("an")
    await accounts.revoke("an", one["id"])
    await accounts.revoke("an", one["id"])  # nothing is done, nothing noted
    assert await changes(database) == [
        "password-changed",
        "password-link-sent",
        "password-reset",
        "token-made",
        "token-revoked",
    ]
    await database.owner.execute("alter table accounts.log add check (change <> 'token-made') not valid")
    with pytest.raises(asyncpg.CheckViolationError):
        await accounts.new_token("an", "thử", "sign", 1)
    assert len(await accounts.tokens("an")) == 1, "what cannot be noted is not done"


# Passwords --------------------------------------------------------------------------------------------------------


def test_a_stored_password_costs_who_guesses_what_owasp_recommends() -> None:
    """Tests make cheaper ones: this is what the program makes."""
    stored = extract_parameters(PASSWORDS.hash("x"))
    found = (stored.type, stored.memory_cost, stored.time_cost, stored.parallelism)
    assert found == (Type.ID, 19_456, 2, 1)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    typed = "Cơm tấm ngõ Huế ướt"
    forms = [unicodedata.normalize(form, typed) for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    for stored in (hash_password(one) for one in forms):
        assert [password_matches(stored, one) for one in forms] == [True, True]
        assert not password_matches(stored, "Com tam ngo Hue uot")


OWN = ("nguyen-thi-an", "Nguyễn Thị An", "mttq-dong-da", "Phường Đống Đa", "an.nguyen@example.vn", "024 3851 0000")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("matkhau123456", "password_common"),
        ("1234567890", "password_common"),
        ("Password123", "password_common"),
        ("qwertyuiop", "password_common"),
        ("anhyeuem123", "password_common"),
        ("aaaaaaaaaaaaaaa", "password_common"),
        ("Nguyễn Thị An 26", "password_own_name"),
        ("nguyenthian2026", "password_own_name"),
        ("nguyen-thi-an", "password_own_name"),
        ("mttq-dong-da", "password_own_name"),
        ("PHƯỜNG ĐỐNG ĐA!", "password_own_name"),
        ("an.nguyen@example.vn", "password_own_name"),
        ("02438510000", "password_own_name"),
        ("ngan", "password_too_short"),
        ("dài" * 334, "password_too_long"),
        ("dài" * 100_000, "password_too_long"),
        ("mot cau dai \ud800 de nho", "unstorable_text"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(password: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        hash_password(password, OWN)
    assert refused.value.code == code


def test_a_sentence_is_taken_although_words_of_ones_own_are_in_it() -> None:
    for password in (PASSWORD, "phường mình họp sáng thứ ba", "an tâm đi qua cầu Long Biên"):
        assert password_matches(hash_password(password, OWN), password)
    stored = hash_password("x-y-z " * 166, OWN)
    assert [password_matches(stored, "x-y-z " * count) for count in (166, 165, 167, 100_000)] == [True] + [False] * 3
    assert not password_matches(stored, "\ud800" * 20)


async def test_the_queue_for_passwords_is_bounded_and_leaves_the_event_loop_free() -> None:
    work, gate = PasswordWork(most=3), threading.Event()
    waiting = [asyncio.create_task(work.run(gate.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError) as busy:
        await work.run(gate.wait)
    assert (busy.value.http_status, busy.value.retry_after) == (503, 5)
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 3
    assert await work.run(lambda: "free again") == "free again"


async def test_contacts_and_stand_ins_are_noted_in_the_transaction_that_changes_them(database: Database) -> None:
    accounts, people, stand_ins = await person(database), People(database.web), StandIns(database.web)
    await person(database, "binh")
    by, old = By("an"), {"name": "an", "office": None, "email": "an@example.invalid", "phone": None}
    link = await accounts.invite("an")
    assert await people.correct("an", **old, then=noting("an")) == ()
    assert await people.correct("an", **{**old, "phone": "024 1"}, then=noting("an")) == ("phone",)
    assert await accounts.invited(link) is not None
    await stand_ins.name(StandIn("binh", "an", date(2030, 1, 1), date(2030, 1, 2), "an"))
    await stand_ins.end("an", "binh", by=by)  # nothing is done, nothing noted
    assert (await changes(database))[-2:] == ["contact-changed", "stand-in-named"]
    await database.owner.execute("alter table accounts.log add check (at is null) not valid")
    for change in (
        people.correct("an", **{**old, "email": "la@example.invalid"}, then=noting("an")),
        stand_ins.name(StandIn("an", "binh", date(2030, 1, 1), date(2030, 1, 2), "an")),
        stand_ins.end("binh", "an", by=by),
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await change
    contact = await people.get("an")
    assert contact is not None
    assert (contact.email, contact.phone) == ("an@example.invalid", "024 1")
    assert [(one.person, one.for_person) for one in await stand_ins.list()] == [("binh", "an")]
    await database.owner.execute("alter table accounts.log drop constraint log_at_check")
    await people.correct("an", **{**old, "email": "la@example.invalid"}, then=noting("an"))
    assert await accounts.invited(link) is None, "it was sent to the old address"
    await stand_ins.end("binh", "an", by=by)
    assert (await changes(database))[-2:] == ["contact-changed", "stand-in-ended"]


# Attempts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("-", "-"),
    ],
)
def test_a_network_is_an_address_or_what_one_customer_has(host: str, network: str) -> None:
    assert network_of(host) == network


def test_pauses_grow_to_a_limit() -> None:
    assert [PER_SOURCE.pause_s(count) for count in (0, 2, 3, 4, 5, 8, 1_000)] == [0, 0, 1, 2, 4, 30, 30]
    assert [CODES.pause_s(count) for count in (4, 5, 13, 10_000)] == [0, 1, 256, 300]


async def test_who_waits_holds_neither_connection_nor_lane_and_their_number_is_bounded(database: Database) -> None:
    await person(database)
    throttle = Throttle(Attempts(database.web), unit_s=20.0)
    source, checked = Origin("192.0.2.1"), list[str]()

    async def wrong() -> bool:
        checked.append("an")
        return False

    for _ in range(3):
        assert not await throttle.attempt(Guess.PASSWORD, "an", source, wrong)
    waiting = [asyncio.create_task(throttle.attempt(Guess.PASSWORD, "an", source, wrong)) for _ in range(60)]
    refused: list[asyncio.Task[bool]] = []
    while len(refused) < 20:
        done, _pending = await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        refused = [one for one in waiting if one.done()]
        assert done

    async def all_is_given_back() -> bool:
        return not throttle._busy and database.web.get_size() == database.web.get_idle_size()

    await eventually(all_is_given_back)
    assert {type(one.exception()) for one in refused} == {TooManyAttemptsError}
    assert (len(checked), throttle._waiting_in_all) == (3, 40)
    # Another person at another place is not held up by them.
    assert not await throttle.attempt(Guess.PASSWORD, "binh", Origin("192.0.2.2"), wrong)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (throttle._waiting_in_all, throttle._waiting, throttle._waiters) == (0, {}, [])


async def test_a_login_to_ones_own_account_forgives_no_guesses_at_others(database: Database) -> None:
    await person(database, "an")
    await person(database, "ke-gian")
    throttle, source = Throttle(Attempts(database.web), unit_s=3600.0), Origin("192.0.2.1")

    async def answer(right: bool) -> bool:
        return right

    for _ in range(3):
        await throttle.attempt(Guess.PASSWORD, "an", source, lambda: answer(False))
        await throttle.passed("ke-gian", source, with_code=False)
    with pytest.raises(TooManyAttemptsError):
        await throttle.attempt(Guess.PASSWORD, "an", source, lambda: answer(True))
    chosen = Origin("192.0.2.9", "chosen by another site")
    device = await throttle.passed("an", chosen, with_code=False)
    assert device != chosen.device
    assert await throttle.passed("ke-gian", Origin("192.0.2.9", device), with_code=False) == device
    await throttle.passed("an", source, with_code=False)  # the person's own login does
    assert await throttle.attempt(Guess.PASSWORD, "an", source, lambda: answer(True))


async def test_a_link_gives_no_more_guesses_at_codes_and_the_own_device_waits_briefly(database: Database) -> None:
    await person(database)
    attempts = Attempts(database.web)
    throttle, checked = Throttle(attempts, unit_s=61.0), Counter[str]()

    async def code(source: Origin, *, right: bool = False) -> bool:
        async def check() -> bool:
            checked[source.device] += 1
            return right

        return await throttle.attempt(Guess.CODE, "an", source, check)

    async def earlier(minutes: int) -> None:
        await database.owner.execute("update accounts.attempt set at = at - make_interval(mins => $1)", minutes)

    own = Origin("192.0.2.1", await throttle.passed("an", Origin("192.0.2.1"), with_code=True))
    for number in range(5):  # each with a new link, from one address: a device of its own, known for passwords
        mailed = Origin("192.0.2.7", await throttle.passed("an", Origin("192.0.2.7"), with_code=False))
        assert await attempts.known(Guess.PASSWORD, "an", mailed) == (True, True)
        assert await attempts.known(Guess.CODE, "an", mailed) == (False, False)
        assert not await code(mailed), number
    mailed = Origin("192.0.2.7", await throttle.passed("an", Origin("192.0.2.7"), with_code=False))
    with pytest.raises(TooManyAttemptsError):
        await code(mailed, right=True)
    for _ in range(5):  # five pauses, each twice as long as the one before
        await earlier(17)
        assert not await code(mailed)
    # Now others wait for 32 units; the person's own device for 30 at most, and then it is let in.
    with pytest.raises(TooManyAttemptsError):
        await code(own, right=True)
    await earlier(31)
    with pytest.raises(TooManyAttemptsError):
        await code(mailed, right=True)
    assert await code(own, right=True)
    assert checked[own.device] == 1
    # Wrong codes of the own device count against all, and against itself like those of anybody.
    for _ in range(5):
        assert not await code(own)
        await earlier(31)
    for _ in range(5):
        assert not await code(own)
        await earlier(31)
    with pytest.raises(TooManyAttemptsError):
        await code(own, right=True)
    await throttle.passed("an", own, with_code=True)
    assert await code(own, right=True), "a right code forgives the device's own"


async def test_names_that_nobody_has_use_up_no_mails_of_others(database: Database) -> None:
    await person(database)
    throttle = Throttle(Attempts(database.web))
    many = (
        "insert into accounts.attempt (guess, person, network) select $1, 'la-' || n, '' from generate_series(1, 300) n"
    )
    await database.owner.execute(many, "forgotten")
    await throttle.count_mail("an", Origin("192.0.2.1"))
    await database.owner.execute(many, "mail")
    with pytest.raises(TooManyAttemptsError):
        await throttle.count_mail("an", Origin("192.0.2.2"))
    own = Origin("192.0.2.1", await throttle.passed("an", Origin("192.0.2.1"), with_code=False))
    await throttle.count_mail("an", own)
    await database.owner.execute("delete from accounts.attempt where guess = 'mail'")
    for _ in range(300):
        await throttle.mail_is_sent("an")
    with pytest.raises(TooManyAttemptsError):
        await throttle.count_mail("an", Origin("192.0.2.3"))


# Links ------------------------------------------------------------------------------------------------------------


async def test_a_link_works_once_within_its_time_and_ends_all_access(database: Database) -> None:
    accounts = await person(database)
    assert await accounts.open("an", "password")
    login, token = await accounts.open("an", "password"), await accounts.new_token("an", "thử", "read", 1)
    await database.web.execute("insert into accounts.calendar (digest, person) values ('x', 'an')")
    first, second = await accounts.forgotten("an"), await accounts.forgotten("an")
    for _ in range(3):
        assert await accounts.invited(first) is not None, "looking uses nothing up"
    with pytest.raises(InputError, match="password_too_short"):
        await accounts.accept(first, "ngan")
    with pytest.raises(InputError, match="password_own_name"):
        await accounts.accept(first, "Nguyễn Thị An", ("Nguyễn Thị An",))
    assert await accounts.accept(first, "mot cau khac han") is not None
    assert [await accounts.accept(one, PASSWORD) for one in (first, second)] == [None, None]
    assert (await accounts.login(login), await accounts.of_token(token)) == (None, None)
    assert await database.web.fetchval("select count(*) from accounts.calendar") == 0
    assert await accounts.password_fits("an", "mot cau khac han")
    late = await accounts.forgotten("an")
    await database.owner.execute("update accounts.invitation set made_at = now() - interval '61 minutes'")
    assert (await accounts.invited(late), await accounts.accept(late, PASSWORD)) == (None, None)
    invitation = await accounts.invite("an")
    await database.owner.execute("update accounts.invitation set made_at = now() - interval '6 days'")
    assert await accounts.accept(invitation, PASSWORD) is not None


async def test_a_new_password_of_ones_own_ends_all_access_but_the_login_it_is_changed_with(database: Database) -> None:
    accounts = await person(database)
    mine, other = await accounts.open("an", "password"), await accounts.open("an", "password")
    token = await accounts.new_token("an", "thử", "read", 1)
    calendar = await Calendars(database.web).new("an")
    links = [await accounts.invite("an"), await accounts.forgotten("an")]
    await accounts.set_password("an", "mot cau khac han", but=mine)
    assert [await accounts.invited(link) for link in links] == [None, None]
    assert await Calendars(database.web).person_of(calendar) is None
    assert (await accounts.login(other), await accounts.of_token(token)) == (None, None)
    assert await accounts.login(mine) is not None


async def test_a_reset_makes_everything_void(database: Database) -> None:
    accounts = await person(database)
    codes = Codes(database.web, database.keys)
    secret = await codes.setting_up("an", "a login")
    assert await codes.confirm("an", "a login", pyotp.TOTP(secret).now())
    login = await accounts.open("an", Strength.PASSWORD_AND_CODE)
    token = await accounts.new_token("an", "thử", "read", 1)
    await database.web.execute("insert into accounts.calendar (digest, person) values ('x', 'an')")
    await Attempts(database.web).passed("an", Origin("192.0.2.1", "device"), with_code=True)
    await in_tables(database.app, LoginReset(person="an"))
    invitation = await Accounts(database.app).invite("an")
    account = await accounts.must("an")
    assert (account.password, account.totp) == (False, False)
    assert (await accounts.login(login), await accounts.of_token(token)) == (None, None)
    for table in ("calendar", "recovery_code", "known_source", "login"):
        assert await database.web.fetchval(f"select count(*) from accounts.{table}") == 0, table  # noqa: S608
    assert not await accounts.password_fits("an", PASSWORD)
    assert await accounts.accept(invitation, PASSWORD) is not None


# Codes ------------------------------------------------------------------------------------------------------------


async def test_logins_that_were_opened_with_codes_end_with_them(database: Database) -> None:
    accounts = await person(database)
    codes = Codes(database.web, database.keys)
    assert await codes.confirm("an", "a login", pyotp.TOTP(await codes.setting_up("an", "a login")).now())
    login = await accounts.open("an", Strength.PASSWORD_AND_CODE)
    await accounts.remove_own_codes("an")
    assert await accounts.login(login) is None
    await database.owner.execute("alter table accounts.log add check (change <> 'codes-removed') not valid")
    login = await accounts.open("an", Strength.PASSWORD)
    with pytest.raises(asyncpg.CheckViolationError):
        await accounts.remove_own_codes("an")
    assert await accounts.login(login) is not None, "in one transaction"


async def test_a_secret_is_shown_until_it_is_confirmed_or_a_quarter_of_an_hour_old(database: Database) -> None:
    await person(database)
    codes = Codes(database.web, database.keys)
    first, again = await asyncio.gather(codes.setting_up("an", "a login"), codes.setting_up("an", "a login"))
    assert first == again == await codes.setting_up("an", "a login")
    await database.owner.execute("update accounts.account set totp_new_at = now() - interval '16 minutes'")
    assert await codes.confirm("an", "a login", pyotp.TOTP(first).now()) is None
    second = await codes.setting_up("an", "a login")
    assert second != first
    assert await codes.confirm("an", "a login", pyotp.TOTP(first).now()) is None
    assert await codes.confirm("an", "a login", pyotp.TOTP(second).now()) is not None
    assert await codes.setting_up("an", "a login") not in {first, second}
    assert not await codes.fits("an", pyotp.TOTP(second).now()), "the code was used to confirm"
    stored = await database.owner.fetchrow("select totp, totp_new from accounts.account where person = 'an'")
    assert stored is not None
    assert all(second not in one and one.startswith(database.keys.current) for one in stored)


async def test_each_recovery_code_is_good_once_and_told_how_many_are_left(database: Database) -> None:
    await person(database)
    await person(database, "binh")
    codes = Codes(database.web, database.keys)
    recovery = await codes.confirm("an", "a login", pyotp.TOTP(await codes.setting_up("an", "a login")).now())
    assert recovery is not None
    await codes.confirm("binh", "a login", pyotp.TOTP(await codes.setting_up("binh", "a login")).now())
    assert (len(set(recovery)), await codes.recovery_codes_left("an")) == (10, 10)
    assert not await codes.fits("binh", recovery[0]), "another person's"
    assert await asyncio.gather(*(codes.fits("an", recovery[0].upper().replace("-", " ")) for _ in range(3))) in (
        [True, False, False],
        [False, True, False],
        [False, False, True],
    )
    assert await codes.recovery_codes_left("an") == 9
    stored = await database.owner.fetch("select * from accounts.recovery_code")
    assert not any(code.replace("-", "").encode() in bytes(row["digest"]) for row in stored for code in recovery)
    fresh = await codes.new_recovery_codes("an")
    assert [await codes.fits("an", one) for one in (recovery[1], fresh[1])] == [False, True]


async def test_the_key_of_codes_is_replaced_also_after_an_interruption(database: Database) -> None:
    await person(database)
    await person(database, "binh")
    codes, keys = Codes(database.web, database.keys), database.keys
    secret = await codes.setting_up("an", "a login")
    await codes.confirm("an", "a login", pyotp.TOTP(secret).now())
    pending = await codes.setting_up("binh", "a login")
    before, old_file = await _stored(database), keys.file.read_text()
    assert await rotate_key(database.app, keys) == 2
    after = await _stored(database)
    assert not set(before) & set(after)
    assert old_file.split('"')[3] not in keys.file.read_text(), "the old key is gone"
    assert await codes.setting_up("binh", "a login") == pending
    in_half_a_minute = datetime.now(UTC) + timedelta(seconds=30)
    assert await codes.fits("an", pyotp.TOTP(secret).at(in_half_a_minute))
    # Ended between the new key and the new secrets: everything is read, nothing is written, and it is run again.
    keys.begin_rotation()
    with pytest.raises(AccountKeyError):
        await codes.setting_up("binh", "a login")
    assert await rotate_key(database.app, keys) == 2
    assert await codes.setting_up("binh", "a login") == pending
    # The same with an older copy of the file, which cannot even read.
    new_file = keys.file.read_text()
    keys.file.write_text(old_file)
    with pytest.raises(AccountKeyError):
        await codes.fits("an", "123456")
    with pytest.raises(AccountKeyError):
        await rotate_key(database.app, keys)
    keys.file.write_text(new_file)
    assert await codes.setting_up("binh", "a login") == pending


async def _stored(database: Database) -> list[str]:
    rows = await database.owner.fetch("select coalesce(totp, totp_new) from accounts.account order by person")
    return [row[0] for row in rows]


def test_a_secret_is_bound_to_its_person_and_its_file_private(tmp_path: Path) -> None:
    keys = AccountKeys(tmp_path / ACCOUNT_KEY_FILE)
    keys.make()
    stored = keys.encrypt("an", "JBSWY3DPEHPK3PXP")
    assert (keys.decrypt("an", stored), keys.file.stat().st_mode & 0o777) == ("JBSWY3DPEHPK3PXP", 0o600)
    for owner, changed in (("binh", stored), ("an", stored[:-4] + "AAA="), ("an", "x." + stored), ("an", "x")):
        with pytest.raises(AccountKeyError):
            keys.decrypt(owner, changed)
    for broken in ("", "{}", '{"keys": {}, "current": "x"}'):
        keys.file.write_text(broken)
        with pytest.raises(AccountKeyError, match="account_key_unreadable"):
            keys.encrypt("an", "x")
