"""The form of a part of a rules edition or of a criterion: its inputs, what is wrong at each, what others saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from application.edition_checks import Finding
from application.titled_choices import Choices
from errors import CodedError
from i18n.messages import sentence
from web import urls
from web.forms import Input
from web.open_edition import OpenEdition
from web.render import page


def edition_form(
    request: Request,
    template: str,
    opened: OpenEdition,
    form: tuple[tuple[Input, ...], Mapping[str, Choices]],
    findings: Iterable[Finding],
    *,
    within: str | None = "",
    error: CodedError | None = None,
    status: int = 200,
    **facts: Any,
) -> Response:
    """The page of a form: its inputs with their choices, and what was found, what is wrong at the input it is about.

    `within` is the path in the file under which the inputs stand; None: they stand in no file yet.
    """
    told = tuple(findings)
    inputs, choices = form
    faulty = {
        one.path.removeprefix(within): one.here
        for one in reversed(told)
        if one.wrong and one.path and within is not None and one.path.startswith(within)
    }
    return page(
        request,
        template,
        error.http_status if error is not None else status,
        opened=opened,
        inputs=inputs,
        choices=choices,
        findings=told,
        faulty=faulty,
        text="" if error is None else sentence(error.code, error.facts),
        saved=request.method == "GET" and urls.ENTERED_AS in request.query_params,
        **facts,
    )
