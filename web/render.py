"""Pages from templates: one environment, autoescaped; the words of the catalogue; what every page shows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from application.csv_escaping import escape_cell
from domain.access import Matter
from domain.types import ICT, day_ending
from i18n import _, language, ngettext, npgettext, pgettext
from i18n.acts import ACTS_VI
from i18n.fields import field_label
from i18n.messages import counted, day, days_left, number, sentence, word
from resources import STATIC, TEMPLATES
from vault.files import REFERENCE
from web.auth import COOKIE, form_token

_ACTS_EN = {english: vietnamese for vietnamese, english in ACTS_VI.items()}


def act_name(name: str) -> str:
    """An act's name as people read it."""
    text = _ACTS_EN.get(name, name) if language() == "vi" else name.replace("-", " ")
    return text[:1].upper() + text[1:]


def moment(value: datetime) -> str:
    """dd/mm/yyyy hh:mm, Vietnamese time."""
    return f"{value.astimezone(ICT):%d/%m/%Y %H:%M}"


def last_day(value: datetime) -> str:
    """The day that ends at an instant: a deadline as people say it."""
    return day(day_ending(value))


def short_code(digest: bytes | str) -> str:
    """The first digits of a digest, in two groups: what two people compare over the telephone."""
    text = digest if isinstance(digest, str) else digest.hex()
    return f"{text[:4]}-{text[4:8]}".upper()


def with_files(text: str) -> Markup:
    """A text in which references to files are links."""
    parts = []
    at = 0
    for found in REFERENCE.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(Markup('<a href="/{}">{}</a>').format(found.group(0), found.group(2)))
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def _days_left(due: datetime | None, now: datetime) -> str:
    return "" if due is None else days_left((day_ending(due) - day_ending(now)).days, over=due <= now)


@lru_cache
def asset(name: str) -> str:
    """The address of a static file, with a digest that changes when it does."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@lru_cache
def environment() -> Environment:
    """The templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        _=_,
        asset=asset,
        word=word,
        counted=counted,
        ngettext=ngettext,
        npgettext=npgettext,
        pgettext=pgettext,
        number=number,
        sentence=sentence,
        act_name=act_name,
        field_label=field_label,
        Matter=Matter,
        language=language,
    )
    made.filters.update(with_files=with_files, day=day, moment=moment, last_day=last_day, short_code=short_code)
    return made


def page(request: Request, template: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    """A page."""
    visitor = getattr(request.state, "visitor", None)
    state = request.state
    secret = getattr(state, "secret", "") or request.cookies.get(COOKIE) or getattr(state, "new_cookie", "")
    services = getattr(request.app.state, "services", None)
    common = {
        "request": request,
        "visitor": visitor,
        "form_token": form_token(secret) if secret else "",
        "here": request.url.path,
        "rehearsal": services.office.rehearsal if services is not None else False,
        "days_left": lambda due, now=None: _days_left(due, now or datetime.now(UTC)),
        "date": date,
        "sure": None,
        "wide": False,
        "help": _help_of(visitor),
    }
    if (cycle := facts.get("cycle")) is not None:
        common["sure"] = "rehearsed" if cycle.state.lifecycle.rehearsed else "stated"
    text = environment().get_template(template).render({**common, **facts})
    return HTMLResponse(text, status)


def _help_of(visitor: Any) -> str:
    """Which guide is for whom."""
    if visitor is None:
        return "dang-nhap"
    kind: str = visitor.login.account.kind
    return {"secretariat": "thu-ky", "staff": "can-bo", "auditor": "kiem-tra"}[kind]


def local_path(value: str | None, default: str = "/") -> str:
    """An address within this site: nobody is sent elsewhere by a link of ours."""
    good = value is not None and value.startswith("/") and not value.startswith(("//", "/\\")) and value.isprintable()
    return value if value is not None and good else default


def as_attachment(body: bytes | str, name: str, media_type: str) -> Response:
    """A file to be saved, never shown by the browser as a page of ours."""
    headers: Mapping[str, str] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=dict(headers))


def as_json(data: Any, name: str) -> Response:
    """Data to be saved."""
    return as_attachment(
        json.dumps(data, ensure_ascii=False, indent=2, default=str), f"{name}.json", "application/json"
    )


def as_csv(rows: Sequence[Mapping[str, Any]], name: str) -> Response:
    """Rows to be saved: UTF-8 with a mark that spreadsheets know; no cell is a formula."""
    out = io.StringIO()
    out.write("\ufeff")
    names: Iterable[str] = rows[0] if rows else ()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([escape_cell(value) for value in row.values()] for row in rows)
    return as_attachment(out.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")
