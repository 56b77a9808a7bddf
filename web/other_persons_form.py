"""The page for a form that another person left in the same browser: nothing is recorded, and nothing typed is lost."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from web import urls
from web.auth import SentForm, carried_fields, form_token
from web.cookies import browser_secret
from web.error_answers import UNSTORABLE, printable
from web.render import page
from web.services import get_services

_OF_THE_OTHER = frozenset({"_id", "_step", "_more", "_less", "_do"})
"""Fields that a visitor who takes a text over does not take: what was asked for, and the id of the other's command."""


async def other_persons_form(
    request: Request, sent: SentForm, *, may_read: bool, to: str = "", but: frozenset[str] = frozenset()
) -> Response:
    """Say whose form it was and who is logged in now, show the text, and offer the ways on.

    `may_read`: the visitor may open the page that the form belongs to, whose address is `to`, by default this one.
    Fields in `but` are no part of what was typed.
    """
    services, visitor = get_services(request), request.state.visitor
    other = await services.application.people.get(sent.made_for)
    to = to or request.url.path + (f"?{request.url.query}" if request.url.query else "")
    carried = [
        (printable(name), UNSTORABLE.sub("", value)) for name, value in carried_fields(sent.fields) if name not in but
    ]
    request.state.made_for = sent.made_for
    unit_names = await services.board.names_of(visitor.unit)
    return page(
        request,
        "other_form.html",
        409,
        other=other,
        unit_name=next(iter(unit_names), ""),
        carried=carried,
        taken_over=[pair for pair in carried if pair[0] not in _OF_THE_OTHER],
        to=to,
        own_token=form_token(browser_secret(request), visitor.contact.id),
        may_take_over=may_read and urls.shows_form_again(to),
    )
