"""The JSON interface: every act and every read, for programs that hold a personal token.

The same tables of rights as for pages. A token only reads, or also acts, or also signs and publishes. Errors are
`{"code", "text", "place"}`; the interface describes itself at `/api/v1/openapi.json`.

Lists come in pages of 100 rows, or as many as `limit` says; the first when no `page` is named. The header
`X-Total-Count` has the count of all rows, and `Link` with `rel="next"` the next page; without it the page is the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, TypeAdapter
from starlette.exceptions import HTTPException

from accounts import Login, Scope
from accounts.logins import today
from application.act_descriptions import ActDescription, act_descriptions
from application.application import Application, CommandInput
from application.board import BoardRow, DeviationQuery, board_page, deviations_page
from application.command_preview import preview
from application.event_texts import event_texts
from application.fields import stated_by
from application.moments import Moment, moment_values, state_at
from application.permitted_acts import require_permitted
from application.search import found_for
from application.tasks import TaskCard, tasks_page
from application.timeline import TimelineFilter, installation_timeline
from application.verification_job import KeptCheckpoints, VerificationJob, start_verification
from application.visible_state import visible_state
from application.visits import VisitedCycle, Visitor, open_cycle
from application.work import beside
from domain.access import Matter
from domain.steps.lifecycle import REHEARSAL_COMMANDS
from domain.streams import cycle_stream
from domain.strengths import Strength
from domain.times import Day, When
from errors import InputError
from i18n.cleaning import cleaning_notes
from ledger.paging import Paged, PageRequest
from projections.board_lines import LineFilter
from projections.people import PeopleQuery, PersonLine
from projections.search import SearchHit
from web.api_models import (
    ERRORS,
    MOST_ROWS,
    PAGED,
    ROWS_OF_API,
    ActReceipt,
    ActRequest,
    CycleLine,
    CycleState,
    EventInWords,
    MomentState,
    OpenTask,
    ProblemBeside,
    RegisteredDeviation,
    Started,
    TimelineEvent,
    TokenHolder,
    TriedAct,
    UntrustedCommands,
    VerificationRequest,
    Verified,
)
from web.auth import MATTERS, LoginNeededError, cycle_for, needs_code, reader_of
from web.checks import Number
from web.error_answers import ANSWERED, answered, json_error, printable
from web.json_bodies import CheckedRoute
from web.reauthentication import address_of, wrong_secret
from web.services import Services, get_services
from web.signing_mail import tell_of_signature
from web.urls import extension_url, task_url

router = APIRouter(route_class=CheckedRoute)
T = TypeVar("T")

STRENGTH_OF_SCOPE: Mapping[Scope, Strength] = {
    "read": Strength.TOKEN_TO_READ,
    "act": Strength.TOKEN_TO_ACT,
    "sign": Strength.TOKEN_TO_SIGN,
}
_BEARER = HTTPBearer(auto_error=False, description="a personal token")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def holder(request: Request, given: Given) -> Visitor:
    """The holder of the token; its scope is the strength of their login.

    Raises:
        LoginNeededError
    """
    services = get_services(request)
    found = await services.accounts.of_token(given.credentials) if given is not None else None
    if found is None and given is not None:
        await wrong_secret(services, address_of(request))
    contact = await services.application.people.get(found[0].person) if found is not None else None
    if found is None or contact is None or needs_code(services, found[0]):
        raise LoginNeededError("token_needed")
    account, scope = found
    visitor = Visitor(Login(account, STRENGTH_OF_SCOPE[scope], 0, None, datetime.now(UTC)), contact)
    request.state.visitor = visitor
    return visitor


Holder = Annotated[Visitor, Depends(holder)]


def _reads(matter: Matter) -> Any:
    async def depend(request: Request, held: Holder) -> Visitor:
        return await reader_of(request, held, matter)

    MATTERS[depend] = matter
    return Depends(depend)


def _reads_cycle(matter: Matter) -> Any:
    async def depend(request: Request, held: Holder, organiser: str, year: str, cluster: str) -> VisitedCycle:
        return await cycle_for(request, held, matter, cycle_stream(organiser, year, cluster))

    MATTERS[depend] = matter
    return Depends(depend)


OwnReader = Annotated[Visitor, _reads(Matter.OWN)]
BoardReader = Annotated[Visitor, _reads(Matter.BOARD)]
HistoryReader = Annotated[Visitor, _reads(Matter.HISTORY)]
AccountManager = Annotated[Visitor, _reads(Matter.PEOPLE)]
AccountLogReader = Annotated[Visitor, _reads(Matter.ACCOUNT_LOG)]
ReadableCycle = Annotated[VisitedCycle, _reads_cycle(Matter.CYCLE)]
CycleHistory = Annotated[VisitedCycle, _reads_cycle(Matter.HISTORY)]
Version = Annotated[Number | None, Query()]


def _asked_page(
    page: Annotated[Number, Query(ge=1, description="which page")] = 1,
    limit: Annotated[Number, Query(ge=1, le=MOST_ROWS, description="rows on a page")] = ROWS_OF_API,
) -> PageRequest:
    return PageRequest(page, limit, clamped=False)


AskedPage = Annotated[PageRequest, Depends(_asked_page)]


def _rows(request: Request, response: Response, found: Paged[T]) -> tuple[T, ...]:
    """Name the count of all rows and the next page in the answer's headers; return the rows."""
    response.headers["X-Total-Count"] = str(found.total)
    if found.next is not None:
        response.headers["Link"] = f'<{_with_page(request, found.next)}>; rel="next"'
    return found.rows


def _with_page(request: Request, number: int) -> str:
    """Return the address of the request with the number of a page."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return f"{request.url.path}?{urlencode([*others, ('page', number)])}"


@router.get("/me")
async def me(visitor: OwnReader) -> TokenHolder:
    """Whose token this is."""
    account = visitor.login.account
    return TokenHolder(
        person=visitor.contact.id, unit=visitor.unit, kind=account.kind, administrator=account.administrator
    )


@router.get("/tasks", responses=PAGED)
async def tasks(request: Request, response: Response, visitor: OwnReader, asked: AskedPage) -> list[OpenTask]:
    """What the holder's unit must do, overdue first."""
    services = get_services(request)
    found = await tasks_page(services.board, services.application.texts, visitor.unit, asked)
    return [_task(one) for one in _rows(request, response, found)]


def _task(task: TaskCard) -> OpenTask:
    values = asdict(task)
    for name in ("unit", "unit_name", "organiser", "alarm", "member", "owing"):
        del values[name]
    return OpenTask(
        **values,
        owed_by=task.owed_by,
        way=task_url(task.cycle, task.duty, task.unit, task.subject_id) if task.can_be_done else None,
        more_time=extension_url(task.cycle, task.duty, task.unit) if task.due and not task.waits_for else None,
        overdue=task.overdue,
    )


@router.get("/cycles", responses=PAGED)
async def cycles(request: Request, response: Response, visitor: OwnReader, asked: AskedPage) -> list[CycleLine]:
    """The cycles that the holder's unit belongs to."""
    found = await get_services(request).board.cycles_page(visitor.unit, asked)
    lines = _rows(request, response, found)
    return [CycleLine(**{name: line[name] for name in CycleLine.model_fields}) for line in lines]


@router.get("/board", responses=PAGED)
async def board(
    request: Request, response: Response, visitor: BoardReader, asked: AskedPage, year: str | None = None
) -> list[BoardRow]:
    """Every cluster at a glance."""
    services = get_services(request)
    found = await board_page(services.board, services.application.texts, visitor, LineFilter(year=year), asked)
    return list(_rows(request, response, found))


@router.get("/departures", deprecated=True, summary="The former address of `/deviations`", responses=PAGED)
@router.get("/deviations", responses=PAGED)
async def deviations(
    request: Request, response: Response, visitor: HistoryReader, asked: AskedPage, year: str | None = None
) -> list[RegisteredDeviation]:
    """The register of deviations over all cycles."""
    services = get_services(request)
    found = await deviations_page(services.board, services.application.texts, visitor, DeviationQuery(year), asked)
    return [RegisteredDeviation(**row) for row in _rows(request, response, found)]


@router.get("/search", responses=PAGED)
async def search(
    request: Request,
    response: Response,
    visitor: OwnReader,
    asked: AskedPage,
    words: Annotated[str, Query(alias="q", max_length=120)],
) -> list[SearchHit]:
    """Units, documents and acts, without diacritics, too. Not more than the first 1,000."""
    found = await found_for(get_services(request).search, visitor, words.replace("\x00", ""), asked)
    return list(_rows(request, response, found))


@router.get("/people", responses=PAGED)
async def people(
    request: Request,
    response: Response,
    visitor: AccountManager,
    asked: AskedPage,
    words: Annotated[str, Query(alias="q", max_length=120)] = "",
) -> list[PersonLine]:
    """Persons whose accounts the holder manages, by given name; `q` finds them without diacritics, too."""
    people_, query = get_services(request).people, PeopleQuery(words)
    found = await people_.page(visitor.sees_people_of, query, today(), asked)
    return list(_rows(request, response, found))


@router.get("/acts")
async def acts(request: Request, _visitor: OwnReader) -> list[ActDescription]:
    """Every act that people can enter, with the JSON Schema of its fields and who may."""
    return act_descriptions(rehearsal=get_services(request).application.rehearsal)


async def _answer_of(model: type[BaseModel], values: Any) -> Response:
    """Values of a model, or a list of them, as JSON: checked and written beside the event loop, for they are many."""
    kind: TypeAdapter[Any] = TypeAdapter(list[model] if isinstance(values, list) else model)  # type: ignore[valid-type]
    body = await beside(lambda: kind.dump_json(kind.validate_python(values)))
    return Response(body, media_type="application/json")


@router.get("/cycles/{organiser}/{year}/{cluster}", response_model=CycleState)
async def cycle(request: Request, opened: ReadableCycle) -> Response:
    """A cycle's state, as far as the holder may see it."""
    return await _answer_of(CycleState, await visible_state(get_services(request).application, opened))


@router.get("/cycles/{organiser}/{year}/{cluster}/timeline", response_model=list[TimelineEvent], responses=PAGED)
async def timeline(request: Request, cycle: CycleHistory, asked: AskedPage) -> Response:
    """Everything that was recorded, in order."""
    found = await TimelineFilter().page(get_services(request).application, cycle, asked)
    answer = await _answer_of(TimelineEvent, [one.values() for one in found.rows])
    _rows(request, answer, found)
    return answer


@router.get("/cycles/{organiser}/{year}/{cluster}/moment", response_model=MomentState)
async def moment(
    request: Request,
    cycle: CycleHistory,
    version: Version = None,
    at: Annotated[Day | None, Query()] = None,
    known_on: Annotated[Day | None, Query()] = None,
) -> Response:
    """The state as it was: after so many acts, at the end of a day, as had been recorded by a day."""
    asked, application = Moment(version, at, known_on), get_services(request).application
    then = await state_at(application, cycle, Moment.now(cycle) if asked == Moment() else asked)
    return await _answer_of(MomentState, await moment_values(application, then))


@router.get("/installation/timeline", response_model=list[TimelineEvent], responses=PAGED)
async def timeline_of_installation(request: Request, _visitor: AccountLogReader, asked: AskedPage) -> Response:
    """What was recorded of the register itself, in order: its keys, what was done to accounts, what was erased."""
    found = await installation_timeline(get_services(request).application, asked)
    answer = await _answer_of(TimelineEvent, [one.values() for one in found.rows])
    _rows(request, answer, found)
    return answer


def _command(cycle: VisitedCycle, body: ActRequest) -> CommandInput:
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
async def act(request: Request, cycle: ReadableCycle, body: ActRequest) -> ActReceipt:
    """Enter an act. Acts that sign or publish need a token of that scope."""
    command = _command(cycle, body)
    application = get_services(request).application
    receipt = await application.submit(cycle.stream, cycle.visitor.submitter(), [command])
    await tell_of_signature(get_services(request), cycle.visitor.contact, [command], receipt)
    outcome, notes = receipt.outcomes[0], cleaning_notes(command.cleaned())
    return ActReceipt(
        command_id=command.command_id,
        versions=list(outcome.versions),
        known=outcome.known,
        notes=notes,
        events=await _entered(application, cycle, outcome.versions),
    )


async def _entered(application: Application, cycle: VisitedCycle, versions: Sequence[int]) -> list[EventInWords]:
    """The events of a receipt in words; those of another unit that the holder may not read are left out."""
    after = await open_cycle(application, cycle.stream, cycle.visitor)
    entered = [envelope for row, envelope in after.readable_history() if row.version in versions]
    words = await event_texts(application, after.background, entered)
    return [EventInWords.of(one.event.NAME, of) for one, of in zip(entered, words, strict=True)]


@router.post("/cycles/{organiser}/{year}/{cluster}/acts/try")
async def try_act(request: Request, cycle: ReadableCycle, body: ActRequest) -> TriedAct:
    """What would be recorded if it were entered now; nothing is kept. As an act, it needs a token that may act."""
    found = await preview(get_services(request).application, cycle, _command(cycle, body))
    events = [EventInWords.of(one.type, one.told, one.text) for one in found.events]
    return TriedAct(events=events, deadlines=list(found.deadlines), notes=list(found.notes))


@router.post("/verifications", status_code=202)
async def verify(request: Request, _visitor: HistoryReader, body: VerificationRequest | None = None) -> Started:
    """Begin to verify the whole ledger, or join the verification that runs."""
    services, kept = get_services(request), KeptCheckpoints(body.checkpoint, body.key) if body else None
    return Started(id=await start_verification(services.application, services.jobs, kept))


@router.get("/verifications/{job}")
async def verified(request: Request, _visitor: HistoryReader, job: str) -> Verified:
    """The progress of a verification, or its result."""
    found = get_services(request).jobs.get(job, VerificationJob)
    if found.report is None:
        return Verified(state="failed" if found.failed else "running", seen=found.seen, events=found.events)
    report = found.report
    return Verified(
        state="done",
        seen=report.events,
        events=report.events,
        ok=report.ok,
        problems=[*report.problems, *(ProblemBeside(**asdict(one)) for one in report.beside)],
        untrusted=[UntrustedCommands(**asdict(one)) for one in report.untrusted],
        first_broken_position=report.first_broken,
        first_decided_otherwise_position=report.first_decided_otherwise,
        undecided=report.undecided,
        root=report.root,
        proven=report.proven,
    )


# Errors -----------------------------------------------------------------------------------


async def _answer(request: Request, error: Exception) -> JSONResponse:
    found = answered(request, error, {})
    return json_error(found)


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    path = printable(".".join(map(str, first.get("loc", ()))))
    return json_error(InputError("bad_request", f"{path}: {first.get('type', '')}"))


async def _refused_by_http(_request: Request, error: Exception) -> JSONResponse:
    codes: dict[int, str] = {
        HTTPStatus.NOT_FOUND: "page_not_found",
        HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    }
    status = error.status_code if isinstance(error, HTTPException) else 0
    return json_error(InputError(codes.get(status, "bad_request")), status if status in codes else None)


def _leave_out_rehearsal(app: FastAPI) -> None:
    """Leave the tools of a rehearsal out of the interface's description."""
    names = {f"{command.__name__}Request" for command in REHEARSAL_COMMANDS}
    refs = {f"#/components/schemas/{name}" for name in names}

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {key: one for key, one in value.items() if key not in names}
            return {key: without(one) for key, one in kept.items() if not (isinstance(one, str) and one in refs)}
        if isinstance(value, list):
            return [without(one) for one in value if not (isinstance(one, dict) and one.get("$ref") in refs)]
        return value

    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = without(described())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


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
    if not services.application.rehearsal:
        _leave_out_rehearsal(app)
    app.include_router(router)
    for known in ANSWERED:
        app.add_exception_handler(known, _answer)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused_by_http)
    return app
