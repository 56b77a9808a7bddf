"""The JSON interface: every act and every read, for programs that hold a personal token.

The same tables of rights as for pages. A token only reads, or also acts, or also signs and publishes. Errors are
`{"code", "text", "place"}`; the interface describes itself at `/api/v1/openapi.json`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from accounts import Login, Scope
from application.act_descriptions import ActDescription, act_descriptions
from application.application import CommandInput
from application.board import BoardRow, board_rows, deviation_rows
from application.command_preview import preview
from application.fields import stated_by
from application.moments import Moment, moment_values, replayed
from application.permitted_acts import require_permitted
from application.search import found_for
from application.tasks import TaskCard, tasks_of
from application.timeline import timeline_of
from application.verification_job import VerificationJob, start_verification
from application.visible_state import visible_state
from application.visits import ForbiddenError, VisitedCycle, Visitor, submit_as
from domain.access import Matter
from domain.rights import is_binding
from domain.streams import cycle_stream
from domain.times import Day, When
from errors import CodedError, InputError
from i18n.messages import sentence
from projections.search import SearchHit
from vault.persons import Contact
from web.api_models import (
    ERRORS,
    ActReceipt,
    ActRequest,
    CycleLine,
    CycleState,
    Error,
    MomentState,
    OpenTask,
    ProblemBeside,
    RegisteredDeviation,
    Started,
    TimelineEvent,
    TokenHolder,
    TriedAct,
    Verified,
)
from web.auth import MATTERS, LoginNeededError, cycle_for, needs_code, reader_of
from web.error_answers import ANSWERED, answered, printable, unstorable_text
from web.services import Services, get_services
from web.urls import extension_url, task_url

router = APIRouter()

_BEARER = HTTPBearer(auto_error=False, description="a personal token")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def holder(request: Request, given: Given) -> tuple[Visitor, Scope]:
    """The holder of the token, and its scope.

    Raises:
        LoginNeededError
    """
    services = get_services(request)
    found = await services.accounts.of_token(given.credentials) if given is not None else None
    contact = await services.application.people.get(found[0].person) if found is not None else None
    if found is None or contact is None or needs_code(services, found[0]):
        raise LoginNeededError("token_needed")
    account, scope = found
    strength = "rehearsal" if services.application.rehearsal else "token"
    visitor = Visitor(Login(account, strength, 0, None, datetime.now(UTC)), contact)
    request.state.visitor = visitor
    return visitor, scope


Holder = Annotated[tuple[Visitor, Scope], Depends(holder)]


def _reads(matter: Matter) -> Any:
    async def depend(request: Request, held: Holder) -> Visitor:
        return await reader_of(request, held[0], matter)

    MATTERS[depend] = matter
    return Depends(depend)


def _reads_cycle(matter: Matter) -> Any:
    async def depend(request: Request, held: Holder, organiser: str, year: str, cluster: str) -> VisitedCycle:
        return await cycle_for(request, held[0], matter, cycle_stream(organiser, year, cluster))

    MATTERS[depend] = matter
    return Depends(depend)


OwnReader = Annotated[Visitor, _reads(Matter.OWN)]
BoardReader = Annotated[Visitor, _reads(Matter.BOARD)]
HistoryReader = Annotated[Visitor, _reads(Matter.HISTORY)]
AccountManager = Annotated[Visitor, _reads(Matter.PEOPLE)]
ReadableCycle = Annotated[VisitedCycle, _reads_cycle(Matter.CYCLE)]
CycleHistory = Annotated[VisitedCycle, _reads_cycle(Matter.HISTORY)]
Version = Annotated[int | None, Query(ge=0, le=10_000_000)]


@router.get("/me")
async def me(visitor: OwnReader) -> TokenHolder:
    """Whose token this is."""
    account = visitor.login.account
    return TokenHolder(
        person=visitor.contact.id, unit=visitor.unit, kind=account.kind, administrator=account.administrator
    )


@router.get("/tasks")
async def tasks(request: Request, visitor: OwnReader) -> list[OpenTask]:
    """What the holder's unit must do, overdue first."""
    return [_task(one) for one in await tasks_of(get_services(request).board, visitor.unit)]


def _task(task: TaskCard) -> OpenTask:
    values = asdict(task)
    del values["unit"]
    return OpenTask(
        **values,
        way=task_url(task.cycle, task.duty, task.unit, task.subject_id),
        more_time=extension_url(task.cycle, task.duty, task.unit),
        overdue=task.overdue,
    )


@router.get("/cycles")
async def cycles(request: Request, visitor: OwnReader) -> list[CycleLine]:
    """The cycles that the holder's unit belongs to."""
    lines = await get_services(request).board.lines(unit=visitor.unit)
    return [CycleLine(**{name: line[name] for name in CycleLine.model_fields}) for line in lines]


@router.get("/board")
async def board(request: Request, visitor: BoardReader, year: str | None = None) -> list[BoardRow]:
    """Every cluster at a glance."""
    return await board_rows(get_services(request).board, visitor, year)


@router.get("/departures", deprecated=True, summary="The former address of `/deviations`")
@router.get("/deviations")
async def deviations(request: Request, visitor: HistoryReader, year: str | None = None) -> list[RegisteredDeviation]:
    """The register of deviations over all cycles."""
    rows = await deviation_rows(get_services(request).board, visitor, year)
    return [RegisteredDeviation(**row) for row in rows]


@router.get("/search")
async def search(
    request: Request, visitor: OwnReader, words: Annotated[str, Query(alias="q", max_length=120)]
) -> list[SearchHit]:
    """Units, documents and acts, without diacritics, too."""
    return list(await found_for(get_services(request).search, visitor, words.replace("\x00", "")))


@router.get("/people")
async def people(request: Request, _visitor: AccountManager) -> list[Contact]:
    """All persons who are entered."""
    return list(await get_services(request).application.people.everyone())


@router.get("/acts")
async def acts(_visitor: OwnReader) -> list[ActDescription]:
    """Every act that people can enter, with the JSON Schema of its fields and who may."""
    return act_descriptions()


@router.get("/cycles/{organiser}/{year}/{cluster}")
async def cycle(request: Request, opened: ReadableCycle) -> CycleState:
    """A cycle's state, as far as the holder may see it."""
    return CycleState(**await visible_state(get_services(request).application, opened))


@router.get("/cycles/{organiser}/{year}/{cluster}/timeline")
async def timeline(request: Request, cycle: CycleHistory) -> list[TimelineEvent]:
    """Everything that was recorded, in order."""
    return [TimelineEvent(**one.values()) for one in await timeline_of(get_services(request).application, cycle)]


@router.get("/cycles/{organiser}/{year}/{cluster}/moment")
async def moment(
    request: Request,
    cycle: CycleHistory,
    version: Version = None,
    at: Annotated[Day | None, Query()] = None,
    known_on: Annotated[Day | None, Query()] = None,
) -> MomentState:
    """The state as it was: after so many acts, at the end of a day, as had been recorded by a day."""
    asked, application = Moment(version, at, known_on), get_services(request).application
    found = await replayed(application, cycle, Moment.now(cycle) if asked == Moment() else asked)
    return MomentState(**await moment_values(application, found))


def _command(cycle: VisitedCycle, body: ActRequest) -> CommandInput:
    if (unstorable := unstorable_text(body.model_dump())) is not None:
        raise unstorable
    if body.until is not None and (body.on is None or body.until < body.on):
        raise InputError("bad_day", found=body.until.isoformat())
    require_permitted(cycle, body.act)
    return CommandInput(
        cycle.stream,
        body.act,
        body.fields,
        body.command_id or uuid4(),
        happened=When.on(body.on, body.until) if body.on is not None else None,
        provenance=stated_by(body.source, "source") if body.source else None,
        meeting=body.meeting,
        based_on=body.based_on,
    )


@router.post("/cycles/{organiser}/{year}/{cluster}/acts", status_code=201)
async def act(request: Request, cycle: ReadableCycle, held: Holder, body: ActRequest) -> ActReceipt:
    """Enter an act. Acts that sign or publish need a token of that scope."""
    visitor, scope = held
    command = _command(cycle, body)
    if scope == "read" or (is_binding(command.act, command.fields) and scope != "sign"):
        raise ForbiddenError("token_too_weak")
    receipt = await submit_as(get_services(request).application, visitor, cycle.stream, [command])
    outcome = receipt.outcomes[0]
    return ActReceipt(command_id=command.command_id, versions=list(outcome.versions), known=outcome.known)


@router.post("/cycles/{organiser}/{year}/{cluster}/acts/try")
async def try_act(request: Request, cycle: ReadableCycle, held: Holder, body: ActRequest) -> TriedAct:
    """What would be recorded if it were entered now; nothing is kept. As an act, it needs a token that may act."""
    if held[1] == "read":
        raise ForbiddenError("token_too_weak")
    found = await preview(get_services(request).application, cycle, _command(cycle, body))
    return TriedAct(events=list(found.events))


@router.post("/verifications", status_code=202)
async def verify(request: Request, _visitor: HistoryReader) -> Started:
    """Begin to verify the whole ledger."""
    services = get_services(request)
    return Started(id=await start_verification(services.application, services.jobs))


@router.get("/verifications/{job}")
async def verified(request: Request, _visitor: HistoryReader, job: str) -> Verified:
    """The progress of a verification, or its result."""
    found = get_services(request).jobs.get(job, VerificationJob)
    if found.report is None:
        return Verified(state="failed" if found.failed else "running", seen=found.seen, events=found.events)
    problems = [*found.report.problems, *(ProblemBeside(**one) for one in found.beside)]
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
    return _error(status, InputError("page_not_found" if status == HTTPStatus.NOT_FOUND else "bad_request"))


def build(services: Services) -> FastAPI:
    """The interface around the services, to be mounted."""
    app = FastAPI(
        title="Sổ Thi Đua",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=ERRORS,
        description=(__doc__ or "").split("\n\n", 1)[1],
    )
    app.state.services = services
    app.include_router(router)
    for known in ANSWERED:
        app.add_exception_handler(known, _answer)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused_by_http)
    return app
