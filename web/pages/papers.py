"""Papers: one page for each, with its text, what changed, who answered how, and the answers a unit can give there.

A comment, a stance and a signature are entered from the page itself. Where there is something to tell before (a
deadline that has passed, a deviation, a text that was changed), the summary of the act comes between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from application.act_view import may_open
from application.command_preview import CommandPreview, preview
from application.comment_threads import ThreadedComment, of_draft, threads
from application.comparison import compared, compared_at_once
from application.corrected_acts import CycleCorrections
from application.event_texts import event_texts
from application.form_values import flattened
from application.papers import (
    COMMENT_CHARS,
    ShownText,
    answers,
    host_answers_to,
    is_to_sign,
    not_answered_yet,
    not_signed_yet,
    shown_comparison,
    shown_text,
    signing_of,
    versions_of,
)
from application.permitted_acts import permitted_acts, require_permitted
from application.visits import VisitedCycle
from application.work import of_many
from domain.access import Matter
from domain.duties import Duty
from domain.file_references import references_in
from domain.records import Command
from domain.steps.commenting import AddComment, TakeStance
from domain.steps.drafting import DraftVersion, PresentDraft
from domain.steps.signing import SignCovenant
from domain.times import day_ending
from errors import CodedError, InputError, Kind
from i18n import N_, _
from i18n.messages import day, word
from i18n.timeline import EventText
from i18n.values import voice
from ledger.paging import Paged, PageRequest
from web import urls
from web.act_form import FORM_ERRORS, READ, ActForm, error_text, parse_act_form, version_in
from web.auth import checked_form, reads_cycle
from web.entering import enter
from web.error_answers import note_retry, unstorable_text
from web.paging import Pager
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]

COMMENTS = "y-kien"
"""The anchor of the comments on the page."""

COMMENTS_ON_A_PAGE = 30
TOLD = "_told"
"""The field of a form that says what was told beside it."""

_ACTS: dict[str, type[Command]] = {"agree": TakeStance, "comment": AddComment, "sign": SignCovenant}
"""What the page enters, by the step of its forms."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """What was typed and could not be entered, why, and what has come since it was read."""

    step: str = ""
    values: Any = None
    command_id: str = ""
    text: str = ""
    since: Sequence[EventText] = ()
    status: int = 200


@router.get(urls.PAPERS)
async def papers(
    request: Request,
    cycle: ReadableCycle,
    duty: Annotated[str, Query(alias=urls.DUTY)] = "",
    unit: Annotated[str, Query(alias=urls.UNIT)] = "",
) -> Response:
    """The papers of a cycle. With a duty and a unit, the page on which the unit goes on with it."""
    own = unit == cycle.visitor.unit
    if duty in {Duty.STANCE, Duty.SIGNATURE} and unit and not own:  # another unit's answer is entered by the form
        return RedirectResponse(urls.form_of_task_url(cycle.stream, duty, unit), 303)
    if own and (kind := (not_signed_yet if duty == Duty.SIGNATURE else not_answered_yet)(cycle, unit)) is not None:
        return RedirectResponse(urls.draft_url(cycle.stream, kind), 303)
    state = cycle.readable_state()
    return page(
        request,
        "papers.html",
        cycle=cycle,
        papers=[
            (kind, versions[-1], answers(cycle, kind, versions[-1].number)) for kind, versions in state.drafts.items()
        ],
        reports=[(of, cycle.names.get(of, of), one) for of, one in state.midyear.items()],
        lacking=[kind for kind in cycle.rules.required_drafts if kind not in state.drafts],
    )


@router.get(urls.DRAFT)
async def paper(request: Request, cycle: ReadableCycle, kind: str) -> Response:
    """A paper in its versions; what changed between two of them is marked. Comments and answers beside."""
    return await _page(request, cycle, kind, Unsent())


@router.post(urls.DRAFT)
async def answer(request: Request, cycle: ReadableCycle, kind: str) -> Response:
    """Agree, comment or sign, as the button says."""
    posted = await checked_form(request, storable=False)
    versions_of(cycle, kind)
    step = str(posted.get("_step", ""))
    if step not in _ACTS:
        return await _page(request, cycle, kind, Unsent())
    act = require_permitted(cycle, _ACTS[step].NAME)
    act_form = _act_form(cycle, kind, act, posted)
    try:
        return await _entered(request, cycle, kind, act_form, posted)
    except FORM_ERRORS as error:
        return await _page(request, cycle, kind, await _unsent(request, cycle, step, act_form, error))


def _act_form(cycle: VisitedCycle, kind: str, act: type[Command], posted: FormData) -> ActForm:
    """The act of a form of the page: what was typed, for the visitor's unit, about the version that was shown."""
    body = {name: value for name, value in posted.multi_items() if isinstance(value, str)}
    found = parse_act_form(act, body)
    values = _values(cycle, kind, act, body.get("draft_version", ""))
    if act is AddComment:
        values = {**found.values, **values}
    return replace(found, values=values, on="", source="", meeting="", corrects=None)


def _values(cycle: VisitedCycle, kind: str, act: type[Command], version: str) -> dict[str, Any]:
    """The fields of an act that the page fills in: for the visitor's unit, about a version of this paper."""
    unit = cycle.visitor.unit
    if act is AddComment:
        return {"by": {"unit": unit}, "on": kind}
    if act is TakeStance:
        return {"unit": unit, "stance": "agreed", "on": kind, "number": version}
    return {"unit": unit, "number": version, "covenant": kind}


async def _entered(request: Request, cycle: VisitedCycle, kind: str, act_form: ActForm, posted: FormData) -> Response:
    """Enter an act and show the paper again, or lead to the act's summary where that has something to tell.

    Raises:
        Those of `FORM_ERRORS`: it cannot be entered.
    """
    services, application = get_services(request), get_services(request).application
    if (unstorable := unstorable_text(dict(flattened(act_form.values)))) is not None:
        raise unstorable
    clean, notes = act_form.cleaned()
    command = clean.command_input(cycle.stream)
    told = set(str(posted.get(TOLD, "")).split())
    if notes or not told.issuperset(map(_mark, _to_tell(await preview(application, cycle, command)))):
        return await _told_first(services, cycle, act_form)
    confirmed = await application.gate.binds(command)
    if confirmed and not await reauthenticated(
        services, cycle.visitor.contact.id, str(posted.get("_password", "")), address_of(request)
    ):
        raise InputError("password_does_not_fit", "_password")
    entered = await enter(request, cycle, command, confirmed=confirmed, draft=_form_path(cycle, act_form))
    version = version_in(posted.get("draft_version"))
    return RedirectResponse(urls.draft_url(cycle.stream, kind, version, entered_as=entered.version), 303)


def _to_tell(found: CommandPreview) -> tuple[str, ...]:
    """What must be told before an act is sent: deviations that come with it, a deadline that has passed."""
    text = _("The deadline has passed: {duty} was due {day}. It is recorded as done after it.")
    late = [one for one in found.deadlines if one.late]
    return (
        *found.new,
        *(text.format(duty=word("duty", one.duty), day=day(day_ending(one.due))) for one in late),
    )


def _mark(told: str) -> str:
    """A sentence as a form carries it that was shown with it."""
    return sha256(told.encode()).hexdigest()[:16]


async def _told_with_forms(
    services: Services, cycle: VisitedCycle, kind: str, shown: DraftVersion, may: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """What the page tells beside its forms before anything is sent. A comment is as late as a stance.

    Beside the button that agrees there is no room: what is to be told goes by the summary.
    """
    found: dict[str, tuple[str, ...]] = dict.fromkeys(_ACTS, ())
    for step in ("agree", "sign"):
        if step not in may:
            continue
        act_form = ActForm(_ACTS[step], _values(cycle, kind, _ACTS[step], str(shown.number)), uuid4())
        with suppress(*FORM_ERRORS):  # what cannot be entered is told when it is sent
            found[step] = _to_tell(await preview(services.application, cycle, act_form.command_input(cycle.stream)))
    return {"agree": (), "comment": found["agree"], "sign": found["sign"]}


def _form_path(cycle: VisitedCycle, act_form: ActForm) -> str:
    """The address of the act's own form, under which its draft is kept."""
    known = ("answers", "number", "on", "unit") if act_form.act is not SignCovenant else ("covenant", "number", "unit")
    return urls.act_url(cycle.stream, act_form.act.NAME, **{name: act_form.values.get(name) for name in known})


async def _told_first(services: Services, cycle: VisitedCycle, act_form: ActForm) -> Response:
    """The act's summary, which is a page of its own."""
    path = _form_path(cycle, act_form)
    body = {**flattened(act_form.values), **act_form.extras}
    await services.drafts.save(cycle.visitor.contact.id, path, body)
    return RedirectResponse(f"{path}&{urls.SUMMARY}=1", 303)


async def _unsent(request: Request, cycle: VisitedCycle, step: str, act_form: ActForm, error: CodedError) -> Unsent:
    """What is told of an act that cannot be entered; what was typed stays in the form."""
    note_retry(error)
    since: Sequence[EventText] = ()
    if error.code == "changed_since":
        newer = [pair[1] for pair in cycle.readable_history() if pair[1].meta.version > int(error.facts["read"])]
        since = await event_texts(get_services(request).application, cycle.background, newer)
    status = 503 if error.kind in {Kind.PENDING, Kind.AWAY} else error.http_status
    return Unsent(step, act_form.values, str(act_form.command_id), error_text(error, cycle), since, status)


async def _page(request: Request, cycle: VisitedCycle, kind: str, unsent: Unsent) -> Response:
    versions, asked, services = versions_of(cycle, kind), request.query_params, get_services(request)
    by_number = {one.number: one for one in versions}
    shown = by_number.get(version_in(asked.get(urls.TO)) or 0, versions[-1])
    old = by_number.get(version_in(asked.get(urls.FROM)) or shown.number - 1)
    state = cycle.readable_state()
    said = await of_many(len(state.comments.comments), of_draft, state.comments.comments, kind)
    number = version_in(asked.get(urls.COMMENTS_PAGE)) or 1
    thread = Paged.of(await of_many(len(said), threads, said), PageRequest(min(number, 10**6), COMMENTS_ON_A_PAGE))
    answered = answers(cycle, kind, shown.number)
    together = [one for one in state.comments.collective_stances if one.on in {None, kind}]
    answers_to = state.comments.comments.get(version_in(asked.get(urls.ANSWERED_COMMENT)) or 0)
    opening = _OPENINGS.get(asked.get(urls.ANSWER_OPENING, ""), "") if answers_to is not None else ""
    comment = await _comment_form(
        services,
        cycle,
        kind,
        unsent,
        None if answers_to is None else answers_to.number,
        f"{_(opening)} " if opening else "",
    )
    texts = await services.application.texts.get(
        {one.document.text for one in (shown, old) if one is not None and one.document.text}
        | {one.comment.text for one in thread.rows}
        | {one.stance.text for one in answered if one.stance is not None and one.stance.text}
        | {one.text for one in together if one.text}
        | ({answers_to.text} if answers_to is not None else set())
    )
    text, level = await _text(texts, shown, old, is_asked=urls.FROM in asked)
    beside = _beside(thread.rows, text, shown.number)
    may = _may(cycle, kind, shown, versions[-1])
    told = await _told_with_forms(services, cycle, kind, shown, may)
    stays = {urls.FROM: asked.get(urls.FROM, ""), urls.TO: asked.get(urls.TO, "")}
    own = next((one for one in answered if one.unit == cycle.visitor.unit), None)
    return page(
        request,
        "paper.html",
        unsent.status,
        cycle=cycle,
        kind=kind,
        versions=versions,
        shown=shown,
        old=old,
        document_text=text,
        level=level,
        whole=shown.document.text is not None and shown.document.text in texts,
        files=references_in(shown.document.title or ""),
        beside=beside,
        threads=[one for one in thread.rows if not any(one in rows for rows in beside.values())],
        comments_pager=Pager(thread, urls.draft_url(cycle.stream, kind), stays, urls.COMMENTS_PAGE, COMMENTS),
        comment_chars=COMMENT_CHARS,
        texts=texts,
        voice=voice,
        names=cycle.names,
        answers=answered,
        together=together,
        own=own,
        owed=_owed(cycle, kind),
        may=may,
        told_forms={step: (one, " ".join(map(_mark, one))) for step, one in told.items()},
        told_field=TOLD,
        closed=[duty.value for duty in (Duty.STANCE, Duty.SIGNATURE) if own and duty in state.lifecycle.closed],
        signing=signing_of(cycle, kind),
        other_acts=_other_acts(cycle, kind),
        new_version=_new_version(cycle, versions[-1]),
        corrections=CycleCorrections(cycle),
        comment=comment,
        answers_to=answers_to,
        is_host=PresentDraft in permitted_acts(cycle),
        host_answers=host_answers_to(cycle, kind),
        ids={step: unsent.command_id if unsent.step == step else str(uuid4()) for step in _ACTS},
        read_field=READ,
        read=len(cycle.history),
        unsent=unsent,
        text=unsent.text,
        entered=await _just_entered(request, cycle),
        sure=shown.sureness,
        wide=True,
    )


async def _text(
    texts: dict[str, str], shown: DraftVersion, old: DraftVersion | None, *, is_asked: bool
) -> tuple[ShownText | None, str]:
    """The text of a version, with what changed from another one; and how finely they were compared, "" where not.

    What takes long is compared when it is asked for.
    """
    after = texts.get(shown.document.text or "")
    before = texts.get(old.document.text or "") if old is not None else None
    if after is None:
        return None, ""
    if before is None or old is shown:
        return shown_text(after), ""
    found = await compared(before, after) if is_asked else compared_at_once(before, after)
    return (shown_text(after), "") if found is None else (shown_comparison(found), found.level)


def _beside(rows: Sequence[ThreadedComment], text: ShownText | None, version: int) -> dict[int, list[ThreadedComment]]:
    """The comments that stand beside a paragraph of the shown text, with their answers, by the paragraph's number."""
    numbers = {one.number for one in text.paragraphs} if text is not None else set()
    begins = {
        one.comment.number: one.comment.paragraph
        for one in rows
        if one.comment.paragraph in numbers and one.comment.draft_version == version and not one.depth
    }
    found: dict[int, list[ThreadedComment]] = defaultdict(list)
    for one in rows:
        if (paragraph := begins.get(one.begins)) is not None:
            found[paragraph].append(one)
    return dict(found)


async def _comment_form(
    services: Services, cycle: VisitedCycle, kind: str, unsent: Unsent, answers_to: int | None, opening: str
) -> dict[str, Any]:
    """What stands in the form of a comment: what could not be entered, or what was kept; and where it is kept.

    `opening` begins a new one.
    """
    path = urls.act_url(cycle.stream, AddComment.NAME, answers=answers_to, on=kind)
    kept = None if unsent.step == "comment" else await services.drafts.load(cycle.visitor.contact.id, path)
    values = unsent.values if unsent.step == "comment" else {"text": opening} if kept is None else kept[0]
    return {"path": path, "values": {name: str(value) for name, value in values.items()}, "saved": kept and kept[1]}


_OPENINGS = {urls.TAKEN_UP: N_("Taken up:"), urls.EXPLAINED: N_("Explained:")}


def _may(cycle: VisitedCycle, kind: str, shown: DraftVersion, latest: DraftVersion) -> frozenset[str]:
    """The steps that the page offers: a unit agrees to the latest version and signs it, and comments on any."""
    unit = cycle.visitor.unit
    permitted = {act.NAME for act in permitted_acts(cycle)}
    is_member, closed = unit in cycle.state.membership.members(), cycle.state.lifecycle.closed
    found = set()
    if AddComment.NAME in permitted and not (is_member and Duty.STANCE in closed):
        found.add("comment")
    if not is_member or shown is not latest:
        return frozenset(found)
    if TakeStance.NAME in permitted and Duty.STANCE not in closed:
        found.add("agree")
    signing = signing_of(cycle, kind)
    signs = signing is not None and unit not in signing.signatures and is_to_sign(cycle, kind)
    if SignCovenant.NAME in permitted and signs and Duty.SIGNATURE not in closed:
        found.add("sign")
    return frozenset(found)


_ON_A_PAPER = ("present-draft", "take-stance", "take-stance-together", "withdraw-stance", "withdraw-comment")
_ON_A_COVENANT = ("sign-jointly", "decline-to-sign", "name-witnesses")


def _other_acts(cycle: VisitedCycle, kind: str) -> list[tuple[str, str]]:
    """The other acts about a paper that the visitor may enter, each with its form."""
    permitted = {act.NAME: act for act in permitted_acts(cycle)}
    names = (*_ON_A_PAPER, *(_ON_A_COVENANT if signing_of(cycle, kind) is not None else ()))
    fields = {name: field for name in names for field in ("kind", "on", "covenant") if _has(permitted.get(name), field)}
    return [
        (name, urls.act_url(cycle.stream, name, **({fields[name]: kind} if name in fields else {})))
        for name in names
        if name in permitted
    ]


def _new_version(cycle: VisitedCycle, latest: DraftVersion) -> str:
    """The form of the version after the latest one, filled in with this one; "" for who cannot present it."""
    return (
        urls.act_url(cycle.stream, PresentDraft.NAME, **{urls.AGAIN: latest.version})
        if PresentDraft in permitted_acts(cycle)
        else ""
    )


def _has(act: type[Command] | None, field: str) -> bool:
    return act is not None and field in act.model_fields


def _owed(cycle: VisitedCycle, kind: str) -> list[Any]:
    """What the visitor's unit owes about papers and has not done."""
    duties = {Duty.STANCE, Duty.SIGNATURE} if is_to_sign(cycle, kind) else {Duty.STANCE}
    found = cycle.readable.obligations
    return [one for one in found if one.duty in duties and one.bearer == cycle.visitor.unit and one.done is None]


async def _just_entered(request: Request, cycle: VisitedCycle) -> tuple[int, EventText] | None:
    """The act that the visitor has just entered, in words; None where the address names none of theirs."""
    version = version_in(request.query_params.get(urls.ENTERED_AS))
    if version is None or version not in cycle.by_version:
        return None
    row, envelope = cycle.by_version[version]
    if not may_open(cycle, row):
        return None
    (told,) = await event_texts(get_services(request).application, cycle.background, [envelope])
    return version, told
