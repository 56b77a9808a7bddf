"""A unit's mid-year report: its text and files, what came of it, and what the visitor can do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.event_texts import event_texts
from application.papers import report_of, shown_text
from application.permitted_acts import permitted_acts
from application.visits import VisitedCycle
from domain.access import Matter
from domain.file_references import references_in
from domain.steps.midyear import AcceptReport, AnswerCorrection, MidyearReport, ReportMidyear, SendBack
from web import urls
from web.auth import reads_cycle
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.REPORT)
async def report(request: Request, cycle: ReadableCycle, unit: str) -> Response:
    """A report with all that came of it."""
    found, application = report_of(cycle, unit), get_services(request).application
    texts = await application.texts.get({found.document.text} if found.document and found.document.text else set())
    document, subject = found.document, f"midyear/{unit}"
    course = [
        (row, envelope)
        for row, envelope in cycle.readable_history()
        if (subjects := type(envelope.event).SUBJECTS) is not None and subject in subjects(envelope.event)
    ]
    told = await event_texts(application, cycle.background, (envelope for _row, envelope in course))
    corrected = cycle.readable_state().corrections.corrected
    return page(
        request,
        "report.html",
        cycle=cycle,
        unit=unit,
        report=found,
        document_text=shown_text(texts[document.text]) if document and document.text in texts else None,
        files=references_in(document.title or "") if document is not None else [],
        course=[(row, one, corrected.get(row.version)) for (row, _one), one in zip(course, told, strict=True)],
        acts=_acts(cycle, unit, found),
        sure=found.sureness,
    )


def _acts(cycle: VisitedCycle, unit: str, report: MidyearReport) -> list[tuple[str, str]]:
    """What the visitor can do about the report now, each with its form; the first is what waits."""
    if report.accepted is not None:
        return []
    visitor, is_asked = cycle.visitor, report.asked is not None and report.answered is None
    mine = [AnswerCorrection, ReportMidyear] if is_asked else [ReportMidyear]
    of_organiser = [] if is_asked else [AcceptReport, SendBack]
    acts = mine if visitor.unit == unit else of_organiser if visitor.unit == cycle.state.lifecycle.organiser else []
    permitted = permitted_acts(cycle)
    return [(act.NAME, urls.act_url(cycle.stream, act.NAME, unit=unit)) for act in acts if act in permitted]
