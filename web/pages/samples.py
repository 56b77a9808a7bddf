"""The page of samples, in rehearsals only: each part that pages share, so that all pages use the same ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.due_dates import Obligation
from domain.duties import Duty
from domain.steps.targets import RegisterTargets
from i18n import N_, _
from i18n.messages import sentence
from web import urls
from web.form_problems import FormProblem
from web.forms import inputs
from web.rehearsal_roles import is_rehearsed
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)

SECTIONS = (
    ("chips", N_("Chips")),
    ("messages", N_("Messages")),
    ("rows", N_("Lines with answers")),
    ("tables", N_("Tables")),
    ("heat", N_("Heat map")),
    ("remarks", N_("Comments")),
    ("forms", N_("Forms")),
    ("buttons", N_("Buttons and bars")),
    ("empty", N_("Nothing there")),
)
"""The groups of parts: anchor and title."""


@router.get(urls.SAMPLES)
async def samples(request: Request) -> Response:
    """Samples of all parts."""
    if not await is_rehearsed(get_services(request)):
        code = "page_not_found"
        return page(request, "error.html", HTTPStatus.NOT_FOUND, text=sentence(code), carried=[], code=code)
    today = datetime.now(UTC)
    due = [("", None), ("", today - timedelta(days=5)), ("", today + timedelta(days=3))]
    typed = {
        "targets": [{"title": _("Houses of great solidarity"), "amount": "2"}],
        "titles": [_("Advanced collective")],
    }
    fields = tuple(one for one in inputs(RegisterTargets, typed) if one.path in {"titles", "targets"})
    problem = FormProblem(sentence("password_does_not_fit"), sentence("password_does_not_fit"), "titles", "f-titles")
    return page(
        request,
        "samples.html",
        now=today,
        sections=[{"anchor": anchor, "title": _(title), "count": None} for anchor, title in SECTIONS],
        tasks=[Obligation(Duty.MIDYEAR_REPORT, "", subject, when, None) for subject, when in due],
        fields=fields,
        problem=problem,
        long_text="\n".join([_("Houses of great solidarity")] * 40),
        units=[],
        wide=True,
    )
