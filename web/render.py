"""Pages from templates: one autoescaped environment with the message catalogue, and what every page shows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, Template
from jinja2.bccache import Bucket
from markupsafe import Markup, escape
from starlette.types import Receive, Scope, Send

from application.account_log import before_login
from application.excerpts import excerpt
from application.previews import can_be_previewed
from application.visits import Visitor
from application.work import Threads
from domain.access import Matter
from domain.file_references import REFERENCE, file_name, references_in, with_file_names, without_references
from domain.times import ICT, day_ending
from i18n import _, language, ngettext, npgettext, pgettext
from i18n.acts import act_name
from i18n.edition_fields import typed_label
from i18n.fields import field_label
from i18n.guides import GUIDES_BY_KIND, guide_title
from i18n.messages import counted, day, days_left, number, sentence, size_in_words, word
from i18n.values import award_title, open_deviations_told, round_title, short_unit, title_told
from ledger.connection import DATABASE_ERRORS
from projections.home_lines import MOST_COUNTED
from resources import COMPILED_TEMPLATES, STATIC, TEMPLATES
from vault.file_kinds import ENDINGS, label_of
from vault.files import Files
from web import urls
from web.auth import form_token
from web.cookies import browser_secret
from web.forms import field_name, is_chosen
from web.rehearsal_roles import shown_roles
from web.services import Services


def act_title(name: str) -> str:
    """An act's name as a heading, by its stored name."""
    text = act_name(name)
    return text[:1].upper() + text[1:]


def moment(value: datetime) -> str:
    """dd/mm/yyyy hh:mm, Vietnamese time."""
    return f"{value.astimezone(ICT):%d/%m/%Y %H:%M}"


def clock_time(value: datetime | None = None) -> str:
    """hh:mm, Vietnamese time: when something was saved; now where no time is named."""
    return f"{(value or datetime.now(UTC)).astimezone(ICT):%H:%M}"


def last_day(value: datetime) -> str:
    """The day that ends at an instant: a deadline as people say it."""
    return day(day_ending(value))


def short_code(digest: bytes | str) -> str:
    """The first digits of a digest, in two groups: what two people compare over the telephone."""
    text = digest if isinstance(digest, str) else digest.hex()
    return f"{text[:4]}-{text[4:8]}".upper()


def with_files(text: str) -> Markup:
    """A text in which references to files are links with the files' names. `Page` puts kind and size behind them."""
    parts = []
    at = 0
    for found in REFERENCE.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(Markup('<a href="/{0}">{1}</a><!--file {0}-->').format(found[0], file_name(found)))
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


_LINKED_FILE = re.compile(rf"<!--file ({REFERENCE.pattern})-->")
"""Behind the link to a file. No text that people type holds it, because "<" is escaped."""


async def _with_kinds(text: str, files: Files | None) -> str:
    """A page with the kind and size of each file behind the link to it, and where it can be looked at."""
    digests = {found[2] for found in _LINKED_FILE.finditer(text)}
    if not digests:
        return text
    known: Mapping[str, tuple[str, int]] = {}
    with suppress(*DATABASE_ERRORS):  # the page itself is there
        known = await files.kinds(digests) if files is not None else {}

    def shown(found: re.Match[str]) -> str:
        if found[2] not in known:
            return ""
        media_type, size = known[found[2]]
        told = f" <small>({escape(label_of(media_type))}, {size_in_words(size)})</small>"
        if not can_be_previewed(media_type):
            return told
        return f'{told} <a class="do" href="{urls.preview_url(found[1])}">{_("Look at it")}</a>'

    return _LINKED_FILE.sub(shown, text)


def _download_label(kind: str) -> str:
    """What the button says that saves a file of a kind."""
    return {"xlsx": "Excel", "csv": _("Plain table (CSV)"), "json": _("For other programs")}[kind]


def _days_left(due: datetime | None, now: datetime) -> str:
    """How many days are left, in words; "" without a deadline."""
    return "" if due is None else days_left((day_ending(due) - day_ending(now)).days, over=due <= now)


@lru_cache
def asset(name: str) -> str:
    """The address of a static file, with a digest that changes when it does."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates, which a changed template replaces; where nothing can be written they are only read."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


@lru_cache
def environment() -> Environment:
    """The templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_Compiled(str(COMPILED_TEMPLATES)) if COMPILED_TEMPLATES.is_dir() else None,
    )
    made.globals.update(
        _=_,
        asset=asset,
        guide_title=guide_title,
        word=word,
        counted=counted,
        ngettext=ngettext,
        npgettext=npgettext,
        pgettext=pgettext,
        number=number,
        sentence=sentence,
        act_name=act_title,
        award_title=award_title,
        is_chosen=is_chosen,
        round_title=round_title,
        field_label=field_label,
        typed_label=typed_label,
        Matter=Matter,
        language=language,
        days_left=_days_left,
        clock_time=clock_time,
        urls=urls,
        file_endings=ENDINGS,
        open_deviations_told=open_deviations_told,
        download_label=_download_label,
    )
    made.filters.update(
        file_names=with_file_names, references=references_in, with_files=with_files, without_files=without_references
    )
    made.filters.update(
        title_told=title_told,
        excerpt=excerpt,
        field_name=field_name,
        day=day,
        moment=moment,
        last_day=last_day,
        short_code=short_code,
        short_unit=short_unit,
    )
    return made


def load_templates() -> None:
    """Read and compile every template, which takes longer than most pages: a process does it before it answers."""
    for name in environment().list_templates():
        environment().get_template(name)


_rendering = Threads("page", 2, None)
"""Threads of its own: a page is not made after other people's long work, and the page that says "busy" is made, too."""


class Page(HTMLResponse):
    """A page that is made when it is sent, beside the event loop: a long one does not hold up others."""

    def __init__(self, template: Template, facts: Mapping[str, Any], status: int, services: Services | None) -> None:
        super().__init__(None, status)
        del self.headers["content-length"]
        self._template, self._facts, self._services = template, facts, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the page and send it."""
        services = self._services
        count = await _menu_count(services, self._facts["visitor"])
        facts = {**self._facts, "menu_count": min(count, MOST_COUNTED), "menu_more": count > MOST_COUNTED}
        text = await _rendering.run(self._template.render, facts)
        text = await _with_kinds(text, services.files if services is not None else None)
        self.body = text.encode()
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


async def _menu_count(services: Services | None, visitor: Visitor | None) -> int:
    """How much the visitor can do now, for the menu; 0 also while the database does not say."""
    if services is None or visitor is None or (kind := visitor.login.account.kind) == "auditor":
        return 0
    with suppress(*DATABASE_ERRORS):  # the page itself is there
        return await services.home.count(visitor.unit, organises=kind == "secretariat")
    return 0


def page(request: Request, template: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    """A page made from a template; `facts` are its variables, beside those that every page has."""
    visitor = getattr(request.state, "visitor", None)
    # What another person typed stays theirs: a page that carries it is made for them.
    made_for = getattr(request.state, "made_for", "" if visitor is None else visitor.contact.id)
    services = getattr(request.app.state, "services", None)
    common = {
        "request": request,
        "visitor": visitor,
        "form_token": form_token(browser_secret(request), made_for),
        "here": request.url.path,
        "rehearsal": services.application.rehearsal if services is not None else False,
        "roles": shown_roles(services) if services is not None else None,
        "sure": None,
        "wide": False,
        "help": _help_of(visitor),
        "warning": _warning(visitor, request.url.path),
        # A title that says so first: who hears the page, or has many open, knows at once that it was not done.
        "faulty": "",
        "failed": status >= HTTPStatus.BAD_REQUEST or bool(facts.get("text")) or bool(facts.get("problems")),
    }
    if (cycle := facts.get("cycle")) is not None:
        common["sure"] = "rehearsed" if cycle.state.lifecycle.rehearsed else "stated"
    return Page(environment().get_template(template), {**common, **facts}, status, services)


WARNED_FOR = timedelta(minutes=5)
"""Pages tell for so long after a login what had failed before it; the visitor's own page tells it until the logout."""


def _warning(visitor: Any, path: str) -> str:
    """What failed before the visitor's login; "" when nothing did."""
    if visitor is None or not visitor.login.before.failed:
        return ""
    is_new = datetime.now(UTC) - visitor.login.made_at < WARNED_FOR
    return before_login(visitor.login.before) if is_new or path == urls.ME else ""


def _help_of(visitor: Any) -> str:
    """The guide that suits the visitor."""
    if visitor is None:
        return "dang-nhap"
    return GUIDES_BY_KIND[visitor.login.account.kind]
