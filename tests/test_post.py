"""Notices: who is told of what, in which words and language, and the rounds that send it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from account_help import make_account
from engine_help import enter_staff, open_cycle, submit, units
from post_help import Recorder, delivered, the_post
from speech import CITY, RULES, UNITS, Case, day, opening
from temporalio.testing import ActivityEnvironment

from accounts.store import Accounts
from activities.post import PostActivities
from application.application import CommandInput
from application.gate import at_command_line
from cli.session import Session
from domain import post
from domain.duties import Duty
from domain.installation import POST_STREAM
from domain.notices import notices
from domain.steps.conclusion import DecideAwards, PublishResults
from domain.steps.drafting import PresentDraft
from domain.steps.manual_reminders import RemindUnits
from domain.types import Document
from i18n import in_language
from i18n.notices import message_of
from ledger.mapping import to_envelope
from ledger.protocol import load_all

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
    assert body.startswith("The secretariat asks your unit to do this soon.\n\nWhat: answer the drafts\n")
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
    (mail,) = [mail for mail in mailer.mails if "đính chính mục do đơn vị của bạn ghi" in mail.get_content()]
    assert mail["To"] == f"cb-{members[1]}@example.invalid"


# The round ----------------------------------------------------------------------------------------------------


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
        return the_post(app, mailer)

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
    assert len(sent) == 4
    assert len(mailer.sent) == len(set(mailer.sent)) == 2, "one mail for each person, with both notices"
    assert all(event.rehearsed for event in sent)
    failed = [event for event in events if isinstance(event, post.NoticeFailed)]
    assert {(event.unit, event.reason) for event in failed} == {(members[2], "no_address")}
    assert asyncio.get_running_loop().is_running()


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
    assert (len(mailer.sent), len([event for event in events if isinstance(event, post.NoticeSent)])) == (1, 2)


@pytest.mark.usefixtures("brisk")
async def test_a_dead_mail_server_fills_no_register(app: Session) -> None:
    await enter_staff(app, "don-vi-1")
    await open_cycle(app, RULES, members=units(1))
    mailer = Recorder()
    mailer.away = True
    delivering = the_post(app, mailer)
    await ActivityEnvironment().run(delivering.deliver)
    before = len(await load_all(app.ledger, POST_STREAM))
    await ActivityEnvironment().run(delivering.deliver)
    assert len(await load_all(app.ledger, POST_STREAM)) == before <= 1
    mailer.away = False
    assert any(isinstance(event, post.NoticeSent) for event in await delivered(app, mailer))


@pytest.mark.usefixtures("brisk")
async def test_who_wants_one_mail_a_day_gets_one(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    members = units(2)
    people = [await enter_staff(app, unit) for unit in members]
    accounts = Accounts(app.ledger.pool)
    await make_account(app, people[0].id, "staff")
    await accounts.prefer(people[0].id, language="vi", digest="daily")
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer, clock = Recorder(), [datetime.now(UTC)]
    delivering = the_post(app, mailer, lambda: clock[0])
    environment = ActivityEnvironment()
    while await environment.run(delivering.deliver):
        pass
    assert [mail["To"] for mail in mailer.mails] == [f"cb-{members[1]}@example.invalid"], "the other unit's officer"
    clock[0] += timedelta(days=1)
    while await environment.run(delivering.deliver):
        pass
    assert len(mailer.sent) == 2
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
            await make_account(app, person, "staff")
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
    found = {str(mail["To"]): mail for mail in mailer.mails}
    owed = {"vi": "vi", "en": "en", "none": installation}
    assert set(found) == set(addresses.values())
    for person, language in owed.items():
        assert SUBJECTS[language] in found[addresses[person]].get_content()
    for person, language in owed.items():
        body = found[addresses[person]].get_content()
        assert ("Version 1 of the plan is presented." in body) == (language == "en")
        assert ("Bản 1 của kế hoạch đã được trình." in body) == (language == "vi")


@pytest.mark.usefixtures("brisk")
async def test_a_digest_is_in_the_language_of_the_account(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    (unit,) = units(1)
    addresses, accounts = await three_of_one_unit(app, unit), Accounts(app.ledger.pool)
    for language in ("vi", "en"):
        await accounts.prefer(f"cb-{language}", language=language, digest="daily")
    stream = await open_cycle(app, RULES, members=[unit])
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    mailer, clock = Recorder(), [datetime.now(UTC)]
    delivering = the_post(app, mailer, lambda: clock[0])
    environment = ActivityEnvironment()
    while await environment.run(delivering.deliver):
        pass
    clock[0] += timedelta(days=1)
    while await environment.run(delivering.deliver):
        pass
    found = {str(mail["To"]): mail for mail in mailer.mails}
    vietnamese, english = found[addresses["vi"]], found[addresses["en"]]
    subjects = (
        "[diễn tập] Cụm: năm 2026 đã mở, và 1 việc khác",
        "[rehearsal] Cụm: the year 2026 is open, and 1 more notice",
    )
    assert (vietnamese["Subject"], english["Subject"]) == subjects
    assert SUBJECTS["vi"] in vietnamese.get_content()
    assert SUBJECTS["en"] in english.get_content()
