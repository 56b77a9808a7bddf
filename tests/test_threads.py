"""Comments that answer each other: how deep, by decision; and threads of any depth that a ledger holds already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from engine_help import CITY, open_cycle, submit, units
from fastapi.routing import APIRoute
from speech import RULES, Case
from web_help import Site

from application.comment_threads import threads
from domain import limits
from domain.codec import encode
from domain.law import LAW
from domain.steps.commenting import AddComment, CommentAdded
from domain.steps.corrections import CorrectAct
from domain.times import When
from domain.types import Participant
from i18n.messages import sentence
from ledger.events import Draft
from ledger.protocol import Append, Part, load_all
from web import urls
from web.pages import routers

DEEP = 1_000
PER_PAGE = 50
UNIT = "dong-da"


def comment(number: int, answers: int | None = None, unit: str = UNIT) -> AddComment:
    return AddComment(by=Participant(unit=unit), text=f"{number:064x}", answers=answers)


def conversation(length: int) -> Case:
    case = Case()
    for number in range(1, length + 1):
        case.when(comment(number, number - 1 or None), by=UNIT).happened("CommentAdded")
    return case


def test_a_conversation_has_a_greatest_depth() -> None:
    case = conversation(limits.ANSWERS_DEPTH)
    case.when(comment(99, limits.ANSWERS_DEPTH), by=UNIT).refused("answers_too_deep")
    assert str(limits.ANSWERS_DEPTH) in sentence(case.outcome.code, case.outcome.facts)  # type: ignore[union-attr]
    case.when(comment(99, limits.ANSWERS_DEPTH - 1), by=UNIT).happened("CommentAdded")
    case.when(comment(100), by=UNIT).happened("CommentAdded")
    case.when(comment(101, 777), by=UNIT).refused("no_such_comment")


def test_comments_that_answer_each_other_in_a_circle_are_shown_and_can_be_answered() -> None:
    """A correction can let the first comment answer the second, which answers it."""
    case = conversation(2)
    first = next(envelope.meta.version for envelope in case.history if envelope.event.NAME == "CommentAdded")
    instead = {"act": "comment", **comment(1, 2).model_dump(mode="json")}
    case.when(CorrectAct(version=first, reason="b" * 64, instead=instead), by=UNIT).happened()
    comments = case.state.comments
    answers = {number: one.answers for number, one in comments.comments.items()}
    shown = threads(comments.comments.values())
    assert {one.comment.number for one in shown} == set(answers)
    case.when(comment(3, max(answers)), by=UNIT)
    assert comments.depth(max(answers)) <= limits.ANSWERS_DEPTH


def test_the_order_of_a_thread_is_that_of_its_answers() -> None:
    case = Case()
    for number, answers in ((1, None), (2, None), (3, 1), (4, 3), (5, 1), (6, 2)):
        case.when(comment(number, answers), by=UNIT).happened()
    shown = [(one.comment.number, one.depth) for one in threads(case.state.comments.comments.values())]
    assert shown == [(1, 0), (3, 1), (4, 2), (5, 1), (2, 0), (6, 1)]


async def store_thread(site: Site, stream: str, length: int) -> None:
    """Append comments that each answer the one before, past the decider: an earlier version took them."""
    tip = (await load_all(site.app.ledger, stream))[-1].tip
    happened, text = When.at(datetime(2026, 2, 1, 3, tzinfo=UTC)), await site.app.texts.put("Nhất trí.")
    drafts = []
    for number in range(1, length + 1):
        event = CommentAdded(
            number=number,
            by=Participant(unit="don-vi-1"),
            text=text,
            on=None,
            asks_for_change=False,
            answers=number - 1 or None,
        )
        when = (happened.earliest, happened.latest)
        place = (uuid4(), None, "cb-don-vi-1-1", "don-vi-1", None, "stated", "", None)
        drafts.append(Draft(event.NAME, event.SCHEMA, LAW, encode(event), *place, *when, None))
    await site.app.ledger.append(Append((Part(stream, tip, tuple(drafts)),)))


async def test_every_page_of_a_cycle_with_a_thousand_nested_answers_answers(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(
        site.app,
        stream,
        CITY,
        "present-draft",
        {"kind": "covenant", "document": {"title": "Giao ước", "text": "Điều 1."}},
    )
    report = {"unit": "don-vi-1", "report": {"title": "Báo cáo", "text": "Đạt."}}
    await submit(site.app, stream, "don-vi-1", "report-midyear", report)
    await store_thread(site, stream, DEEP)
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    visitor = await site.log_in("thu-ky")
    organiser, year, cluster = stream.split("/")
    values = {"organiser": organiser, "year": year, "cluster": cluster, "act": "comment", "version": "9"}
    values |= {"kind": "covenant", "unit": "don-vi-1", "extension": "csv", "number": "1"}
    values |= {"round": "appraised", "criterion": next(iter(RULES.leaves()))}
    seen = 0
    for route in (one for router in routers() for one in router.routes if isinstance(one, APIRoute)):
        if "{cluster}" not in route.path or "{meeting}" in route.path or "GET" not in route.methods:
            continue
        if route.path == urls.ACT_SHEET:  # of acts that score, and of one unit
            await visitor.get(f"{route.path.format(**{**values, 'act': 'appraise'})}?unit=don-vi-1")
        else:
            await visitor.get(route.path.format(**values))
        assert visitor.status == 200, (route.path, visitor.page[-400:])
        seen += 1
    assert seen > 12
    for path in ("/y-kien", f"/y-kien?trang-y-kien={DEEP // PER_PAGE}", "/da-ghi", "/da-ghi?trang-da-ghi=2"):
        page = await visitor.get(f"/cum/{stream}{path}")
        assert page.count("Nhất trí.") == PER_PAGE, path
    secret = await site.services.accounts.new_token("thu-ky", "thử", "act", 1)
    head, way = {"Authorization": f"Bearer {secret}"}, f"/api/v1/cycles/{stream}"
    for path in ("", "/timeline", "/moment"):
        assert (await visitor.http.get(f"{way}{path}", headers=head)).status_code == 200
    own = {"by": {"unit": CITY}, "text": "x"}

    async def enter(fields: dict[str, Any]) -> tuple[int, Any]:
        answer = await visitor.http.post(f"{way}/acts", headers=head, json={"act": "comment", "fields": fields})
        return answer.status_code, answer.json().get("code")

    assert await enter(own) == (201, None)  # with it the workflow meets the thread
    assert await enter({**own, "answers": DEEP}) == (409, "answers_too_deep")
    assert await enter({**own, "answers": limits.ANSWERS_DEPTH - 1}) == (201, None)
