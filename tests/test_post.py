"""Notices: who is told of what, and how a message reaches a mail server or a folder. A real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from engine_help import enter_staff, open_cycle, submit, units
from speech import CITY, RULES, UNITS, Case, day, opening
from temporalio.testing import ActivityEnvironment

from accounts.log import OPERATOR
from accounts.store import Accounts
from activities.post import PostActivities
from application.application import CommandInput
from application.gate import at_command_line
from cli.session import Session
from domain import post
from domain.duties import Duty
from domain.installation import POST_STREAM
from domain.notices import notices
from domain.records import Event
from domain.steps.conclusion import DecideAwards, PublishResults
from domain.steps.drafting import PresentDraft
from domain.steps.manual_reminders import RemindUnits
from domain.times import ICT
from domain.types import Document
from i18n import in_language
from i18n.notices import message_of
from ledger.mapping import to_envelope
from ledger.protocol import load_all
from local.process import free_ports
from mail import DeferredError, MailServerAwayError, UndeliverableError
from mail.folder import FolderMailer
from mail.smtp import SmtpMailer, SmtpSettings


class Postman:
    """Keeps what arrives; refuses a mailbox that is named `nobody`."""

    def __init__(self) -> None:
        self.arrived: list[EmailMessage] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.arrived.append(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"so", b"mat khau")
    return AuthResult(success=right)


@contextmanager
def mail_server(folder: Path) -> Iterator[tuple[Postman, SmtpSettings]]:
    public, private = certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    postman, (port,) = Postman(), free_ports(1)
    controller = Controller(
        postman,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=True,
    )
    controller.start()
    try:
        yield postman, SmtpSettings("127.0.0.1", port, True, "so", "mat khau", str(public))
    finally:
        controller.stop()


def message(to: str = "a@example.invalid") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "so@example.invalid", to, "Nhắc: ký giao ước"
    made["Message-ID"] = "<1@thidua>"
    made.set_content("Đề nghị đơn vị ký giao ước.")
    return made


async def test_a_message_goes_out_by_starttls_and_login(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (postman, settings):
        await SmtpMailer(settings).send(message())
        (arrived,) = postman.arrived
        assert arrived["Subject"] == "Nhắc: ký giao ước"
        assert "Đề nghị" in arrived.get_content()


async def test_a_wrong_password_or_an_unknown_certificate_sends_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (postman, settings):
        for wrong in (
            SmtpSettings(settings.host, settings.port, True, "so", "sai", settings.authorities),
            SmtpSettings(settings.host, settings.port, True, "so", "mat khau", None),
        ):
            with pytest.raises(MailServerAwayError):
                await SmtpMailer(wrong).send(message())
        assert postman.arrived == []


async def test_a_refused_mailbox_is_for_good_and_a_dead_server_is_not(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (_postman, settings), pytest.raises(UndeliverableError):
        await SmtpMailer(settings).send(message("nobody@example.invalid"))
    with pytest.raises(MailServerAwayError):
        await SmtpMailer(settings).send(message())


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    assert SmtpSettings.of({}) is None
    secret = tmp_path / "secret"
    secret.write_text("mat khau\n")
    found = SmtpSettings.of(
        {"THIDUA_SMTP_HOST": "h", "THIDUA_SMTP_PASSWORD_FILE": str(secret), "THIDUA_SMTP_STARTTLS": "no"}
    )
    assert found == SmtpSettings("h", 587, False, None, "mat khau", None)


async def test_the_folder_keeps_each_message_once(tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "out")
    await mailer.send(message())
    await mailer.send(message())
    (file,) = (tmp_path / "out").iterdir()
    assert b"1@thidua" in file.read_bytes()


def test_a_header_takes_no_line_break() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message("a@example.invalid\nBcc: b@example.invalid")


# Who is told --------------------------------------------------------------------------------------------------


def told(case: Case) -> list[tuple[str, str]]:
    return [(notice.NAME, notice.to) for notice in notices(case.history[-1], case.state)]


def test_members_are_told_of_a_draft_and_the_secretariat_of_what_is_late() -> None:
    case = Case().when(PresentDraft(kind="plan", document=Document(title="KH")))
    assert told(case) == [("draft_presented", unit) for unit in UNITS]
    case.step(day(2, 27))
    late = [n for t in case.history if t.event.NAME == "DeadlinePassed" for n in notices(t, case.state)]
    assert {n.to for n in late if n.NAME == "overdue_of_unit"} == {CITY}
    assert {n.to for n in late if n.NAME == "overdue" and n.to != CITY} == set(UNITS)


def test_a_reminder_by_hand_is_a_message_to_each_unit() -> None:
    case = Case().when(RemindUnits(units=UNITS[:2], duty=Duty.STANCE, channel="message"))
    assert told(case) == [("reminded_by_hand", unit) for unit in UNITS[:2]]
    with in_language("en"):
        subject, body = message_of(notices(case.history[-1], case.state)[0], case.state, case.rules, rehearsed=False)
    assert subject == "Cụm 1: the secretariat reminds you: answer the drafts"
    assert body.startswith("The secretariat asks you once more: please answer the drafts.\n\n")
    case.when(RemindUnits(units=UNITS[:2], duty=Duty.STANCE, channel="telephone"))
    assert told(case) == []


def test_results_are_told_when_they_are_published_and_not_before() -> None:
    case = Case().when(DecideAwards(decision=Document(number="1/QĐ"), grants=()))
    assert told(case) == []
    case.when(PublishResults())
    assert told(case) == [("results_published", unit) for unit in UNITS]


def test_a_backfilled_register_tells_nobody() -> None:
    case = Case(opened=False).when(opening("backfill"))
    assert told(case) == []


def test_a_message_is_vietnamese_by_default_and_says_that_it_is_a_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case().step(day(2, 18))
    for kind in ("plan",):
        case.when(PresentDraft(kind=kind, document=Document(title="KH")))
    (notice, *_rest) = notices(case.history[-1], case.state)
    subject, body = message_of(notice, case.state, case.rules, rehearsed=True)
    assert subject == "[diễn tập] Cụm 1: có kế hoạch, bản 1"
    assert "diễn tập" in body
    monkeypatch.setenv("THIDUA_LANG", "en")
    assert message_of(notice, case.state, case.rules, rehearsed=False)[0] == "Cụm 1: plan, version 1, is presented"


@pytest.mark.usefixtures("brisk")
async def test_a_unit_is_told_that_another_corrected_its_act(app: Session) -> None:
    members = units(2)
    for unit in members:
        await enter_staff(app, unit)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "assign-role", {"role": "head", "holder": members[0], "manner": "elected"})
    await submit(app, stream, members[0], "record-meeting", {"id": "hop", "kind": "other"})
    comment = {"by": {"unit": members[1]}, "text": "Nên có chỉ tiêu."}
    await submit(app, stream, members[1], "comment", comment)
    wrong = CommandInput(stream, "correct", {"version": 4, "reason": "Nhầm."}, meeting="hop")
    await app.submit(stream, at_command_line(await enter_staff(app, members[0])), [wrong])
    mailer = Recorder()
    await delivered(app, mailer)
    (mail,) = [mail for mail in mailer.mails if "đính chính mục do đơn vị của bạn ghi" in str(mail["Subject"])]
    assert mail["To"] == f"cb-{members[1]}@example.invalid"


# The round ----------------------------------------------------------------------------------------------------


class Recorder:
    """A mailer that can be away."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.mails: list[EmailMessage] = []
        self.away = False

    async def send(self, message: EmailMessage) -> None:
        if self.away:
            raise MailServerAwayError("away")
        self.sent.append(str(message["Message-ID"]))
        self.mails.append(message)


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of the post that wait a moment only."""
    for name, value in {"AWAY_S": 0.01, "WAIT_S": 0.2, "HEARTBEAT_S": 0.1}.items():
        monkeypatch.setattr(f"activities.post.{name}", value)


@pytest.mark.usefixtures("brisk")
async def test_every_notice_is_sent_once_recorded_and_not_sent_again(app: Session) -> None:
    members = units(3)
    for unit in members[:2]:
        await enter_staff(app, unit)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer = Recorder()
    mailer.away = True

    def fresh() -> PostActivities:
        return PostActivities(app.ledger, app.people, mailer, "so@example.invalid")

    environment = ActivityEnvironment()
    await environment.run(fresh().deliver)
    assert mailer.sent == []
    mailer.away = False
    first = fresh()
    while await environment.run(first.deliver):
        pass
    while await environment.run(fresh().deliver):
        pass
    events = [to_envelope(row).event for row in await load_all(app.ledger, POST_STREAM)]
    sent = [event for event in events if isinstance(event, post.NoticeSent)]
    assert len(mailer.sent) == len(set(mailer.sent)) == len(sent) == 4
    assert all(event.rehearsed for event in sent)
    failed = [event for event in events if isinstance(event, post.NoticeFailed)]
    assert {(event.unit, event.reason) for event in failed} == {(members[2], "no_address")}
    assert asyncio.get_running_loop().is_running()


class Grudging(Recorder):
    """A mailer that defers one addressee for ever."""

    def __init__(self, grudge: str) -> None:
        super().__init__()
        self.grudge = grudge

    async def send(self, message: EmailMessage) -> None:
        if message["To"] == self.grudge:
            raise DeferredError("451")
        await super().send(message)


async def delivered(app: Session, mailer: Recorder) -> list[Event]:
    """What the post has recorded once nothing is left to do."""
    delivering = PostActivities(app.ledger, app.people, mailer, "so@example.invalid")
    environment = ActivityEnvironment()
    for _ in range(100):
        if not await environment.run(delivering.deliver):
            break
    else:
        pytest.fail("it goes on for ever")
    return [to_envelope(row).event for row in await load_all(app.ledger, POST_STREAM)]


@pytest.mark.usefixtures("brisk")
async def test_an_address_that_cannot_be_one_keeps_nobody_else_waiting(app: Session) -> None:
    members = units(3)
    for number, address in enumerate(("cua-nam@", "x\ny@example.invalid", "don-vi-3@example.invalid")):
        await app.people.enter(f"cb-{number}", members[number], f"Cán bộ {number}", email=address)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer = Recorder()
    events = await delivered(app, mailer)
    failed = {event.person for event in events if isinstance(event, post.NoticeFailed)}
    assert failed == {"cb-0", "cb-1"}
    assert len(mailer.sent) == len([event for event in events if isinstance(event, post.NoticeSent)]) == 2


@pytest.mark.usefixtures("brisk")
async def test_who_is_deferred_for_ever_is_given_up_and_the_others_have_theirs_once(app: Session) -> None:
    members = units(3)
    for unit in members:
        await enter_staff(app, unit)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer = Grudging(f"cb-{members[1]}@example.invalid")
    events = await delivered(app, mailer)
    assert len(mailer.sent) == len(set(mailer.sent)) == 4
    assert {event.unit for event in events if isinstance(event, post.NoticeFailed)} == {members[1]}


@pytest.mark.usefixtures("brisk")
async def test_a_dead_mail_server_fills_no_register(app: Session) -> None:
    await enter_staff(app, "don-vi-1")
    await open_cycle(app, RULES, members=units(1))
    mailer = Recorder()
    mailer.away = True
    delivering = PostActivities(app.ledger, app.people, mailer, "so@example.invalid")
    await ActivityEnvironment().run(delivering.deliver)
    before = len(await load_all(app.ledger, POST_STREAM))
    await ActivityEnvironment().run(delivering.deliver)
    assert len(await load_all(app.ledger, POST_STREAM)) == before <= 1
    mailer.away = False
    assert any(isinstance(event, post.NoticeSent) for event in await delivered(app, mailer))


@pytest.mark.usefixtures("brisk")
async def test_who_wants_one_mail_a_day_gets_one(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.post.DIGESTS_S", 0.0)
    members = units(2)
    people = [await enter_staff(app, unit) for unit in members]
    accounts = Accounts(app.ledger.pool)
    await accounts.make(people[0].id, "staff", by=OPERATOR)
    await accounts.prefer(people[0].id, language="vi", digest="daily")
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer, clock = Recorder(), [datetime.now(UTC)]
    delivering = PostActivities(app.ledger, app.people, mailer, "so@example.invalid", lambda: clock[0])
    environment = ActivityEnvironment()
    while await environment.run(delivering.deliver):
        pass
    assert len(mailer.sent) == 2, "the other unit's officer gets each"
    clock[0] += timedelta(days=1)
    while await environment.run(delivering.deliver):
        pass
    assert len(mailer.sent) == 3
    events = [to_envelope(row).event for row in await load_all(app.ledger, POST_STREAM)]
    (digest,) = [event for event in events if isinstance(event, post.DigestSent)]
    assert (digest.person, digest.notices) == (people[0].id, 2)
    assert len([event for event in events if isinstance(event, post.NoticeGathered)]) == 2


async def three_of_one_unit(app: Session, unit: str) -> dict[str, str]:
    """Mail addresses by the language they are owed: accounts in Vietnamese and in English, and nobody's account."""
    accounts, addresses = Accounts(app.ledger.pool), {}
    for number, language in enumerate(("vi", "en", "none"), start=1):
        person, addresses[language] = f"cb-{language}", f"{language}@example.invalid"
        await app.people.enter(person, unit, f"Cán bộ {number}", email=addresses[language])
        if language != "none":
            await accounts.make(person, "staff", by=OPERATOR)
            await accounts.prefer(person, language=language, digest="each")
    return addresses


SUBJECTS = {
    "vi": "[diễn tập] Cụm: có kế hoạch, bản 1",
    "en": "[rehearsal] Cụm: plan, version 1, is presented",
}


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("installation", ["vi", "en"])
async def test_each_reads_mail_in_the_language_of_the_account_else_of_the_installation(
    app: Session, monkeypatch: pytest.MonkeyPatch, installation: str
) -> None:
    monkeypatch.setenv("THIDUA_LANG", installation)
    (unit,) = units(1)
    addresses = await three_of_one_unit(app, unit)
    stream = await open_cycle(app, RULES, members=[unit])
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer = Recorder()
    await delivered(app, mailer)
    found = {str(mail["To"]): mail for mail in mailer.mails if str(mail["Subject"]) in SUBJECTS.values()}
    owed = {"vi": "vi", "en": "en", "none": installation}
    assert {to: str(mail["Subject"]) for to, mail in found.items()} == {
        addresses[person]: SUBJECTS[language] for person, language in owed.items()
    }
    for person, language in owed.items():
        body = found[addresses[person]].get_content()
        assert ("Version 1 of the plan is presented." in body) == (language == "en")
        assert ("Bản 1 của kế hoạch đã được trình." in body) == (language == "vi")


@pytest.mark.usefixtures("brisk")
async def test_a_digest_is_in_the_language_of_the_account(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.post.DIGESTS_S", 0.0)
    (unit,) = units(1)
    addresses, accounts = await three_of_one_unit(app, unit), Accounts(app.ledger.pool)
    for language in ("vi", "en"):
        await accounts.prefer(f"cb-{language}", language=language, digest="daily")
    stream = await open_cycle(app, RULES, members=[unit])
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer, clock = Recorder(), [datetime.now(UTC)]
    delivering = PostActivities(app.ledger, app.people, mailer, "so@example.invalid", lambda: clock[0])
    environment = ActivityEnvironment()
    while await environment.run(delivering.deliver):
        pass
    clock[0] += timedelta(days=1)
    while await environment.run(delivering.deliver):
        pass
    found = {str(mail["To"]): mail for mail in mailer.mails}
    vietnamese, english = found[addresses["vi"]], found[addresses["en"]]
    assert (vietnamese["Subject"], english["Subject"]) == ("Sổ Thi Đua: 2 thông báo", "Sổ Thi Đua: 2 notices")
    assert SUBJECTS["vi"] in vietnamese.get_content()
    assert SUBJECTS["en"] in english.get_content()


def test_a_weekly_digest_goes_out_on_monday_at_seven() -> None:
    friday = datetime(2026, 11, 20, 9, tzinfo=ICT)
    assert post.digest_due(friday, "weekly") == datetime(2026, 11, 23, 7, tzinfo=ICT)
    assert post.digest_due(friday, "daily") == datetime(2026, 11, 21, 7, tzinfo=ICT)
    before_office = datetime(2026, 11, 23, 0, 17, tzinfo=ICT)
    assert post.digest_due(before_office, "daily") == datetime(2026, 11, 23, 7, tzinfo=ICT)
    assert post.digest_due(before_office, "weekly") == datetime(2026, 11, 23, 7, tzinfo=ICT)
    assert post.digest_due(before_office.replace(hour=7), "weekly") == datetime(2026, 11, 30, 7, tzinfo=ICT)
