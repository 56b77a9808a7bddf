"""How the installation is, for administrators: what answers, what waits, what runs short, and what to do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.condition import measured
from application.judgement import SUBJECTS, WORDS_OF_LEVELS, Level, judged, measured_at, worst
from application.visits import Visitor
from domain.access import Matter
from web import urls
from web.auth import reads
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)

_CHIPS = {Level.GOOD: "ok", Level.ATTENTION: "wait", Level.BAD: "late", Level.UNKNOWN: ""}


@router.get(urls.CONDITION)
async def condition(request: Request, _visitor: Annotated[Visitor, Depends(reads(Matter.OPERATION))]) -> Response:
    """Every fact in words; what was measured a moment ago is measured again by a reload."""
    services = get_services(request)
    asked = {**services.parts, "web": _this_process}
    tls = services.settings.tls
    found = await measured(services.application.ledger, asked, tls.last_moment if tls is not None else None)
    facts = judged(found)
    return page(
        request,
        "condition.html",
        facts=facts,
        worst=worst(facts),
        bad=Level.BAD,
        good=Level.GOOD,
        unknown=Level.UNKNOWN,
        chips=_CHIPS,
        levels=WORDS_OF_LEVELS,
        subjects=SUBJECTS,
        shown=list(dict.fromkeys(fact.subject for fact in facts)),
        at=measured_at(found),
    )


async def _this_process() -> bool:
    return True
