"""How mails of the post get to their readers: refusals, restarts, several things in one mail, who is left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from account_help import close_account, make_account
from engine_help import enter_staff, open_cycle, submit, units
from post_help import SENDER, SITE, Grudging, Recorder, delivered, recorded_by_post, the_post
from speech import CITY, RULES
from temporalio.testing import ActivityEnvironment

from accounts.outgoing import FIRST_PAUSE, GIVE_UP, LONGEST_PAUSE
from accounts.store import Accounts
from cli.session import Session
from domain.post import NoticeFailed, NoticeSent, NoticeUnknown
from mail import UnknownOutcomeError
from mail.messages import raw

pytestmark = pytest.mark.usefixtures("brisk")


class Hours:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


async def run(app: Session, mailer: Recorder, clock: Hours) -> None:
    """A new worker delivers what it can at a moment."""
    delivering, environment = the_post(app, mailer, clock), ActivityEnvironment()
    while await environment.run(delivering.deliver):
        pass


async def a_cluster(app: Session, count: int) -> tuple[str, list[str]]:
    """A cluster whose units have an officer each: its stream, and the officers' addresses."""
    members = units(count)
    for unit in members:
        await enter_staff(app, unit)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    return stream, [f"cb-{unit}@example.invalid" for unit in members]


def addressees(mailer: Recorder) -> list[str]:
    return sorted(str(mail["To"]) for mail in mailer.mails)


async def test_who_is_refused_for_now_waits_alone_over_restarts_and_gets_it_once(app: Session) -> None:
    _stream, (first, second, third) = await a_cluster(app, 3)
    mailer, clock = Grudging(second), Hours()
    await run(app, mailer, clock)
    assert addressees(mailer) == [first, third]
    tries = [mailer.refused]
    pauses = []
    pause = FIRST_PAUSE
    while sum(pauses, timedelta()) < timedelta(hours=10):
        clock.now += pause - timedelta(seconds=1)
        await run(app, mailer, clock)
        assert mailer.refused == tries[-1], "too early"
        clock.now += timedelta(seconds=1)
        await run(app, mailer, clock)
        tries.append(mailer.refused)
        pauses.append(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    assert tries == list(range(1, len(tries) + 1))
    assert addressees(mailer) == [first, third], "nobody gets anything twice"
    mailer.grudge = ""
    clock.now += LONGEST_PAUSE
    await run(app, mailer, clock)
    await run(app, mailer, clock)
    assert addressees(mailer) == [first, second, third]
    events = await recorded_by_post(app)
    assert not [event for event in events if isinstance(event, NoticeFailed)]
    assert len([event for event in events if isinstance(event, NoticeSent)]) == 6


async def test_who_is_refused_for_two_days_is_given_up(app: Session) -> None:
    _stream, (first, second) = await a_cluster(app, 2)
    mailer, clock = Grudging(second), Hours()
    end = clock.now + GIVE_UP
    while clock.now < end + LONGEST_PAUSE:
        await run(app, mailer, clock)
        if clock.now < end - LONGEST_PAUSE:
            assert not [event for event in await recorded_by_post(app) if isinstance(event, NoticeFailed)]
        clock.now += LONGEST_PAUSE
    failed = [event for event in await recorded_by_post(app) if isinstance(event, NoticeFailed)]
    assert {(event.person, event.reason) for event in failed} == {("cb-don-vi-2-1", "451")}
    assert addressees(mailer) == [first]
    refused = mailer.refused
    clock.now += LONGEST_PAUSE
    await run(app, mailer, clock)
    assert mailer.refused == refused


class EndedError(BaseException):
    """The process ends: nothing of the program catches it."""


class Ending(Recorder):
    """A mailer whose worker ends right after the server took the message."""

    async def send(self, message: EmailMessage) -> None:
        await super().send(message)
        raise EndedError


async def test_a_worker_that_ends_while_it_sends_uses_the_same_id_again(app: Session) -> None:
    await a_cluster(app, 1)
    mailer, clock = Ending(), Hours()
    with pytest.raises(EndedError):
        await run(app, mailer, clock)
    later = Recorder()
    await run(app, later, clock)
    assert later.sent == [], "another worker may be sending it"
    clock.now += timedelta(minutes=5)
    await run(app, later, clock)
    assert later.sent == mailer.sent
    events = await recorded_by_post(app)
    assert [type(event) for event in events if isinstance(event, NoticeUnknown | NoticeSent)].count(NoticeUnknown) == 2


class Breaking(Recorder):
    """A mailer whose connection breaks once after the message was sent."""

    async def send(self, message: EmailMessage) -> None:
        await super().send(message)
        if len(self.sent) == 1:
            raise UnknownOutcomeError("gone")


async def test_a_connection_that_breaks_delays_one_and_says_that_it_may_have_come_twice(app: Session) -> None:
    await a_cluster(app, 2)
    mailer, clock = Breaking(), Hours()
    await run(app, mailer, clock)
    assert len(mailer.sent) == len(set(mailer.sent)) == 2
    clock.now += FIRST_PAUSE
    await run(app, mailer, clock)
    assert mailer.sent[2:] == mailer.sent[:1]
    unknown = {event.person for event in await recorded_by_post(app) if isinstance(event, NoticeUnknown)}
    assert len(unknown) == 1


async def test_what_is_read_again_is_not_sent_again(app: Session) -> None:
    """Rounds of two workers overlap, and the cursor of the slower one is old."""
    await a_cluster(app, 2)
    slow, mailer = the_post(app, Recorder()).new_run(), Recorder()
    await slow.open()
    assert len(await delivered(app, mailer)) > 0
    count = len(mailer.sent)
    await ActivityEnvironment().run(slow.round)
    assert await delivered(app, mailer)
    assert len(mailer.sent) == count


async def test_several_things_for_one_person_come_in_one_mail(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.post_delivery.GATHER_S", 30.0)
    members = units(1)
    officer = await enter_staff(app, members[0])
    await make_account(app, officer.id, "staff")
    for _ in range(2):
        await open_cycle(app, RULES, members=members)
    mailer, clock = Recorder(), Hours()
    await run(app, mailer, clock)
    assert mailer.sent == []
    clock.now += timedelta(seconds=31)
    await run(app, mailer, clock)
    (mail,) = mailer.mails
    assert mail["Subject"] == "[diễn tập] Cụm: năm 2026 đã mở, và 1 việc khác"
    assert mail.get_content().count("đã mở.") == 2


async def test_what_does_not_fit_into_one_mail_comes_in_the_next(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who reads for many clusters, after days without a mail server."""
    monkeypatch.setattr("activities.post_delivery.NOTICES_IN_MAIL", 2)
    (unit,) = units(1)
    await enter_staff(app, unit)
    for _ in range(5):
        await open_cycle(app, RULES, members=[unit])
    mailer = Recorder()
    sent = [event for event in await delivered(app, mailer) if isinstance(event, NoticeSent)]
    assert len(sent) == 5
    assert len(mailer.mails) == 3


async def accounts_of_a_unit(app: Session, unit: str) -> Accounts:
    """An officer with an account, one without, one whose account is closed, an auditor."""
    accounts = Accounts(app.ledger.pool)
    for person, kind in (("co", "staff"), ("khong", None), ("nghi", "staff"), ("kiem-tra", "auditor")):
        await app.people.enter(person, unit, f"Nguyễn Thị {person}", email=f"{person}@example.invalid")
        if kind is not None:
            await make_account(app, person, kind)
    await close_account(app, "nghi")
    return accounts


async def test_a_mail_says_what_by_when_why_who_asks_and_where(app: Session) -> None:
    (unit,) = units(1)
    await accounts_of_a_unit(app, unit)
    await app.people.enter("thu-ky", CITY, "Lê Thư Ký", email="thu-ky@example.invalid", phone="024 3825 0000")
    await make_account(app, "thu-ky", "secretariat")
    stream = await open_cycle(app, RULES, members=[unit])
    await run(app, Recorder(), Hours())
    reminder = {"units": [unit], "duty": "signature", "channel": "message", "text": "Chiều mai họp cụm."}
    await submit(app, stream, CITY, "remind-units", reminder)
    mailer = Recorder()
    await run(app, mailer, Hours())
    found = {str(mail["To"]): mail for mail in mailer.mails}
    assert set(found) == {"co@example.invalid", "khong@example.invalid"}, "no closed account, no auditor"
    assert found["co@example.invalid"]["Subject"] == "[diễn tập] Cụm: thư ký nhắc: ký giao ước"
    assert found["co@example.invalid"].get_content().splitlines() == [
        "Thư ký đề nghị đơn vị sớm làm việc này.",
        "",
        "Việc: ký giao ước",
        "Hạn cuối: 15/03/2026",
        "Căn cứ: Điều 3",
        "Lý do: Chiều mai họp cụm.",
        "Nơi gửi: Cán bộ 1 - Thành phố",
        f"Làm hoặc xem tại: {SITE}/cum/{stream}/du-thao?viec=signature&don_vi={unit}#ky",
        "",
        "Cụm, 2026",
        "Thành phố",
        "Thư này thuộc một cuộc diễn tập: không có gì trong thư là thật.",
    ]
    without = found["khong@example.invalid"].get_content()
    assert SITE not in without
    assert "xin liên hệ Thành phố; Lê Thư Ký, 024 3825 0000, thu-ky@example.invalid." in without
    content = raw(found["co@example.invalid"])
    assert b"Auto-Submitted: auto-generated\r\n" in content
    assert re.search(rb"Message-ID: <[0-9a-f-]{36}@thidua.example.vn>\r\n", content)
    assert SENDER.endswith("@thidua.example.vn>")


async def test_a_mail_about_a_draft_leads_to_both_acts_that_answer_it(app: Session) -> None:
    (unit,) = units(1)
    await accounts_of_a_unit(app, unit)
    stream = await open_cycle(app, RULES, members=[unit])
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer = Recorder()
    await run(app, mailer, Hours())
    (mail,) = (one for one in mailer.mails if one["To"] == "co@example.invalid")
    lines = mail.get_content().splitlines()
    assert f"Làm hoặc xem tại: {SITE}/cum/{stream}/du-thao?viec=stance&don_vi={unit}#tra-loi" in lines
    assert f"Hoặc góp ý sửa nội dung: {SITE}/cum/{stream}/du-thao?viec=stance&don_vi={unit}#gop-y" in lines


async def test_who_did_it_is_not_told_of_it(app: Session) -> None:
    members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    colleague = await app.people.enter("dong-nghiep", members[0], "Đồng Nghiệp", email="dn@example.invalid")
    await submit(app, stream, CITY, "assign-role", {"role": "head", "holder": members[0], "manner": "elected"})
    await run(app, Recorder(), Hours())
    await submit(app, stream, members[0], "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer = Recorder()
    await run(app, mailer, Hours())
    assert addressees(mailer) == [colleague.email], "the officer who presented it gets no word of it"
    told = [event for event in await recorded_by_post(app) if isinstance(event, NoticeFailed)]
    assert {event.unit for event in told} == {members[1]}, "a unit of which only the actor is known has not failed"
