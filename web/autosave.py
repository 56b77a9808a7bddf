"""What a page is told that saves its form while it is filled in: that it was saved, or at once why it was not."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from i18n import _
from i18n.messages import sentence
from web import urls
from web.auth import LoginNeededError, SentForm, made_for_another
from web.error_answers import answered
from web.render import page
from web.services import get_services


def is_autosave(request: Request) -> bool:
    """Whether a script of the page sent the form by itself."""
    return request.method == "POST" and "hx-request" in request.headers


def not_saved(request: Request, text: str, status: int, *, login: str = "") -> Response:
    """The part of the page that says why what was typed is not saved. `login`: where to log in."""
    return page(request, "not_saved.html", status, text=text, login=login)


async def autosave_failed(request: Request, error: Exception, sent: SentForm | None) -> Response:
    """The answer to a form that could not be saved."""
    if sent is not None and made_for_another(request, sent):
        visitor, other = request.state.visitor, await get_services(request).application.people.get(sent.made_for)
        text = _("This page was opened by {other}; {name} is logged in now.").format(
            other=other.name if other is not None else sent.made_for, name=visitor.contact.name
        )
        return not_saved(request, text, 409, login=urls.LOGIN)
    if isinstance(error, LoginNeededError):
        return not_saved(request, sentence("login_ran_out"), 401, login=urls.LOGIN)
    found = answered(request, error, {} if sent is None else dict(sent.fields))
    return not_saved(request, sentence(found.code, found.facts), found.http_status)
