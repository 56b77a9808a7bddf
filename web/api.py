"""The JSON interface: every act and every read, for programs that hold a personal token.

The same tables of rights as for pages. A token only reads, or also acts, or also signs and publishes. Errors are
`{"code", "text", "place"}`; the interface describes itself at `/api/v1/openapi.json`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from accounts import Login, Scope
from application.application import CommandInput
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.fields import FieldFiller, stated_by
from audit.replay import digests_in, replay_as_json
from domain.access import Matter
from domain.codec import plain
from domain.rights import BINDING, MAY, Party, is_binding
from domain.types import Command, Day, When
from errors import CodedError, InputError, NotFoundError
from i18n import _
from i18n.messages import sentence
from i18n.timeline import describe
from web.auth import (
    MATTERS,
    Cycle,
    ForbiddenError,
    LoginNeededError,
    Visitor,
    needs_code,
    note_reading,
    open_cycle,
)
from web.error_answers import ANSWERED, answered, printable, unstorable_text
from web.pages.acting import trial_names, words_in
from web.pages.audit import deviations_of, entries_of, seen_at
from web.pages.board import lines_for
from web.pages.chain import Verifying, begin_verifying
from web.pages.home import tasks_of
from web.pages.search import found_by
from web.permitted_acts import permitted_acts
from web.services import Services, services
from web.visible_state import state_of


class Error(BaseModel):
    """What went wrong: a code for programs, a sentence for people, and where, if that is known."""

    code: str
    text: str
    place: str | None = None


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "what was sent cannot be read"},
    401: {"model": Error, "description": "no token, or one that is void"},
    403: {"model": Error, "description": "not this person's to read or to say"},
    404: {"model": Error, "description": "there is none"},
    409: {"model": Error, "description": "a rule forbids it"},
    422: {"model": Error, "description": "what was sent cannot be used"},
    500: {"model": Error, "description": "a mistake of the program, or what is stored is damaged: tell the operator"},
    503: {"model": Error, "description": "no answer yet, or somebody is away: send the same command id again"},
}

router = APIRouter()

_BEARER = HTTPBearer(auto_error=False, description="a personal token")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def holder(request: Request, given: Given) -> tuple[Visitor, Scope]:
    """Who holds the token, and what it is good for.

    Raises:
        LoginNeededError
    """
    work = services(request)
    found = await work.accounts.of_token(given.credentials) if given is not None else None
    contact = await work.office.people.get(found[0].person) if found is not None else None
    if found is None or contact is None or needs_code(work, found[0]):
        raise LoginNeededError("token_needed")
    account, scope = found
    strength = "rehearsal" if work.office.rehearsal else "token"
    visitor = Visitor(Login(account, strength, 0, None, datetime.now(UTC)), "", contact)
    request.state.visitor = visitor
    return visitor, scope


Holder = Annotated[tuple[Visitor, Scope], Depends(holder)]


def _reads(matter: Matter) -> Any:
    async def depend(request: Request, held: Holder) -> Visitor:
        visitor, _scope = held
        if not visitor.may(matter):
            raise ForbiddenError("not_yours_to_read")
        await note_reading(request, visitor, matter)
        return visitor

    MATTERS[depend] = matter
    return Depends(depend)


def _reads_cycle(matter: Matter) -> Any:
    async def depend(request: Request, held: Holder, organiser: str, year: str, cluster: str) -> Cycle:
        visitor, _scope = held
        cycle = await open_cycle(services(request), f"{organiser}/{year}/{cluster}", visitor)
        if not cycle.may(matter):
            raise ForbiddenError("not_yours_to_read")
        await note_reading(request, visitor, matter)
        return cycle

    MATTERS[depend] = matter
    return Depends(depend)


Somebody = Annotated[Visitor, _reads(Matter.OWN)]
Watcher = Annotated[Visitor, _reads(Matter.BOARD)]
Auditor = Annotated[Visitor, _reads(Matter.HISTORY)]
Keeper = Annotated[Visitor, _reads(Matter.PEOPLE)]
Seen = Annotated[Cycle, _reads_cycle(Matter.CYCLE)]
History = Annotated[Cycle, _reads_cycle(Matter.HISTORY)]
Number = Annotated[int | None, Query(ge=0, le=10_000_000)]


@router.get("/me")
async def me(visitor: Somebody) -> dict[str, Any]:
    """Whose token this is."""
    account = visitor.login.account
    return {
        "person": visitor.contact.id,
        "unit": visitor.unit,
        "kind": account.kind,
        "administrator": account.administrator,
    }


@router.get("/tasks")
async def tasks(request: Request, visitor: Somebody) -> list[dict[str, Any]]:
    """What the holder's unit must do, overdue first."""
    return [{**asdict(one), "overdue": one.overdue} for one in await tasks_of(services(request), visitor.unit)]


@router.get("/cycles")
async def cycles(request: Request, visitor: Somebody) -> list[dict[str, Any]]:
    """The cycles that the holder's unit belongs to."""
    lines = await services(request).board.lines(unit=visitor.unit)
    names = ("cycle", "cluster", "year", "step", "rehearsed", "filed")
    return [{name: line[name] for name in names} for line in lines]


@router.get("/board")
async def board(request: Request, visitor: Watcher, year: str | None = None) -> list[dict[str, Any]]:
    """Every cluster at a glance."""
    return [asdict(line) for line in await lines_for(services(request), visitor, year)]


@router.get("/deviations")
async def deviations(request: Request, visitor: Auditor, year: str | None = None) -> list[dict[str, Any]]:
    """The register of deviations over all cycles."""
    return await deviations_of(services(request), visitor, year)


@router.get("/search")
async def search(request: Request, visitor: Somebody, q: Annotated[str, Query(max_length=120)]) -> list[dict[str, Any]]:
    """Units, documents and acts, without diacritics, too."""
    return [asdict(one) for one in await found_by(services(request), visitor, q.replace("\x00", ""))]


@router.get("/people")
async def people(request: Request, _visitor: Keeper) -> list[dict[str, Any]]:
    """Everybody in the book of persons."""
    return [asdict(one) for one in await services(request).office.people.everyone()]


@router.get("/acts")
async def acts(_visitor: Somebody) -> list[dict[str, Any]]:
    """Every act that people can say, with the JSON Schema of its fields and who may."""
    return [
        {
            "act": act.NAME,
            "about": _((act.__doc__ or "").strip().splitlines()[0]),
            "who": sorted(party.value for party in parties),
            "solemn": act in BINDING,
            "fields": act.model_json_schema(),
        }
        for act, parties in MAY.items()
        if parties != {Party.CLOCK}
    ]


@router.get("/cycles/{organiser}/{year}/{cluster}")
async def cycle_(request: Request, cycle: Seen) -> dict[str, Any]:
    """A cycle's state, as far as the holder may see it."""
    return await state_of(services(request), cycle)


@router.get("/cycles/{organiser}/{year}/{cluster}/timeline")
async def timeline(request: Request, cycle: History) -> list[dict[str, Any]]:
    """Everything that was recorded, in order."""
    return [asdict(one) for one in await entries_of(services(request), cycle)]


@router.get("/cycles/{organiser}/{year}/{cluster}/moment")
async def moment(
    request: Request,
    cycle: History,
    version: Number = None,
    at: Annotated[Day | None, Query()] = None,
    known_on: Annotated[Day | None, Query()] = None,
) -> dict[str, Any]:
    """The state as it was: after so many acts, at the end of a day, as had been recorded by a day."""
    found = await seen_at(services(request), cycle, version, at, known_on)
    texts = await services(request).office.texts.get(digests_in(plain(found.state)))
    return replay_as_json(found, texts)


_NAMES: list[Any] = sorted(act.NAME for act, parties in MAY.items() if parties != {Party.CLOCK})


class ActRequest(BaseModel):
    """An act to be said. The same `command_id` again does nothing twice."""

    model_config = ConfigDict(extra="forbid")

    act: Annotated[str, Field(max_length=60, json_schema_extra={"enum": _NAMES})]
    fields: dict[str, Any] = Field(default_factory=dict)
    command_id: UUID | None = None
    on: Day | None = None
    until: Day | None = None
    source: Annotated[str, Field(max_length=300)] | None = None
    meeting: Annotated[str, Field(max_length=60)] | None = None


class ActReceipt(BaseModel):
    """What was recorded. `known`: it had been recorded before, by this command or by a colleague."""

    command_id: UUID
    versions: list[int]
    known: bool


def _said(cycle: Cycle, body: ActRequest) -> CommandInput:
    if (unstorable := unstorable_text(body.model_dump())) is not None:
        raise unstorable
    if body.until is not None and (body.on is None or body.until < body.on):
        raise InputError("bad_day", found=body.until.isoformat())
    act = Command.KNOWN.get(body.act)
    if act is None or act not in MAY:
        raise InputError("unknown_act", act=body.act)
    if act not in permitted_acts(cycle):
        raise ForbiddenError("not_yours_to_say")
    return CommandInput(
        cycle.stream,
        body.act,
        body.fields,
        body.command_id or uuid4(),
        happened=When.on(body.on, body.until) if body.on is not None else None,
        provenance=stated_by(body.source, "source") if body.source else None,
        meeting=body.meeting,
    )


@router.post("/cycles/{organiser}/{year}/{cluster}/acts", status_code=201)
async def act(request: Request, cycle: Seen, held: Holder, body: ActRequest) -> ActReceipt:
    """Say an act. Acts that sign or publish need a token of that scope."""
    _visitor, scope = held
    said, visitor = _said(cycle, body), cycle.visitor
    if scope == "read" or (is_binding(said.act, said.fields) and scope != "sign"):
        raise ForbiddenError("token_too_weak")
    receipt = await services(request).office.submit(
        cycle.stream, visitor.signs_as, [said], strength=visitor.login.strength
    )
    outcome = receipt.outcomes[0]
    return ActReceipt(command_id=said.command_id, versions=list(outcome.versions), known=outcome.known)


@router.post("/cycles/{organiser}/{year}/{cluster}/acts/try")
async def try_act(request: Request, cycle: Seen, held: Holder, body: ActRequest) -> dict[str, Any]:
    """What would be recorded if it were said now; nothing is kept. As an act, it needs a token that may act."""
    if held[1] == "read":
        raise ForbiddenError("token_too_weak")
    office, visitor, said = services(request).office, cycle.visitor, _said(cycle, body)
    dry_run = await DryRun.of(office, {}, [row for row, _told in cycle.history])
    order = await office.item(said, FieldFiller(DryRunTexts(office.texts), office.people))
    told = await dry_run.decide(order, visitor.contact.id, visitor.unit, visitor.login.strength)
    names, words = trial_names(dry_run), words_in(said.fields)
    return {"events": [{"type": one.event.NAME, "text": describe(one, names, words)} for one in told]}


class Started(BaseModel):
    """A verification that goes on."""

    id: str


@router.post("/verifications", status_code=202)
async def verify(request: Request, _visitor: Auditor) -> Started:
    """Begin to verify the whole ledger."""
    return Started(id=await begin_verifying(services(request)))


class Verified(BaseModel):
    """How far a verification is, and what came of it."""

    state: Literal["running", "done", "failed"]
    seen: int
    events: int
    ok: bool | None = None
    problems: list[dict[str, Any]] = Field(default_factory=list)
    root: str | None = None


@router.get("/verifications/{job}")
async def verified(request: Request, _visitor: Auditor, job: str) -> Verified:
    """How far a verification is."""
    found = services(request).jobs.get(job)
    if not isinstance(found, Verifying):
        raise NotFoundError("no_such_job")
    if found.report is None:
        return Verified(state="failed" if found.failed else "running", seen=found.seen, events=found.events)
    problems: list[dict[str, Any]] = [*(asdict(one) for one in found.report.problems), *found.beside]
    return Verified(
        state="done",
        seen=found.report.events,
        events=found.report.events,
        ok=not problems,
        problems=problems,
        root=found.report.root,
    )


# Errors -----------------------------------------------------------------------------------


async def _answer(request: Request, error: Exception) -> JSONResponse:
    found = answered(request, error, {})
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(found, LoginNeededError) else None
    return _error(found.http_status, found, headers)


def _error(status: int, error: CodedError, headers: dict[str, str] | None = None) -> JSONResponse:
    body = Error(code=error.code, text=sentence(error.code, error.facts), place=error.path or None)
    return JSONResponse(body.model_dump(), status, headers)


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    path = printable(".".join(map(str, first.get("loc", ()))))
    return _error(422, InputError("bad_request", f"{path}: {first.get('type', '')}"))


async def _refused_by_http(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 400
    return _error(status, InputError("page_not_found" if status == 404 else "bad_request"))  # noqa: PLR2004


def build(work: Services) -> FastAPI:
    """The interface around the services, to be mounted."""
    about = (__doc__ or "").split("\n\n", 1)[1]
    app = FastAPI(
        title="Sổ Thi Đua",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=_ERRORS,
        description=about,
    )
    app.state.services = work
    app.include_router(router)
    for known in ANSWERED:
        app.add_exception_handler(known, _answer)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused_by_http)
    return app
