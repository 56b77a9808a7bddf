"""Trial sheets of a rules edition: points of made-up units as one types, calculated as the register calculates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from application.edition_work import tried_edition
from application.form_values import nested
from application.trial_sheets import MOST_UNITS, kinds_of, units_of
from domain.numbers import whole_number
from i18n.messages import sentence
from web import urls
from web.act_form import typed_text
from web.auth import checked_form
from web.open_edition import Opened, OpenEdition, Secretary
from web.render import page

router = APIRouter(include_in_schema=False)


@router.get(urls.EDITION_TRIAL)
async def trial(request: Request, _visitor: Secretary, opened: Opened) -> Response:
    """Empty trial sheets: of three units where points depend on others, else of one."""
    edition = opened.check.edition
    compares = edition is not None and any(leaf.way.way in {"relative", "mean"} for leaf in edition.leaves().values())
    shares = edition is not None and any(one.share is not None for one in edition.scoring.classes)
    return await _trial(request, opened, [{} for _n in range(3 if compares or shares else 1)])


@router.post(urls.EDITION_TRIAL)
async def calculate(request: Request, _visitor: Secretary, opened: Opened) -> Response:
    """The sheets as they were typed, with what follows."""
    form = await checked_form(request)
    body = typed_text(form)
    typed = _units(body)
    if "_more" in body:
        typed = [*typed, {}][:MOST_UNITS]
    return await _trial(request, opened, typed)


def _units(body: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """What was typed for each unit. A sheet is known by its field `_units`, as empty inputs say nothing."""
    count = min(whole_number(body.get("_units")) or 1, MOST_UNITS)
    found: dict[int, Mapping[str, Any]] = {}
    for number in range(count):
        start = f"u.{number}."
        mine = [(name.removeprefix(start), value) for name, value in body.items() if name.startswith(start)]
        found[number] = _with_rows(nested((name, value) for name, value in mine if not name.startswith("rows.")), mine)
    return [found[number] for number in range(count)]


def _with_rows(values: dict[str, Any], mine: list[tuple[str, str]]) -> Mapping[str, Any]:
    """The values with the rows by their numbers: a list would lose the numbers of empty ones."""
    rows: dict[str, dict[str, Any]] = {}
    for name, value in mine:
        _rows, _dot, rest = name.partition(".")
        number, _dot, figure = rest.partition(".")
        if _rows != "rows" or not value.strip():
            continue
        cell = rows.setdefault(number, {})
        if figure.startswith("met."):
            cell.setdefault("met", {})[figure] = value
        else:
            cell[figure] = value.strip()
    facts = {name.partition(".")[2]: value for name, value in mine if name.startswith("facts.") and value}
    return {**values, "rows": rows, "facts": facts}


async def _trial(request: Request, opened: OpenEdition, typed: list[Mapping[str, Any]]) -> Response:
    edition = opened.check.edition
    found = None if edition is None else await tried_edition(edition, typed)
    return page(
        request,
        "edition_trial.html",
        opened=opened,
        edition=edition,
        trial=found,
        typed=typed,
        units=() if edition is None else [opened.names.get(one, one) for one in units_of(edition)],
        kinds=() if edition is None else [one.replace("-", " ") for one in kinds_of(edition)],
        classes={} if edition is None else {one.id: one.title for one in edition.scoring.classes},
        told=lambda why: sentence(why.code, dict(why.facts)),
        most=MOST_UNITS,
        wide=True,
    )
