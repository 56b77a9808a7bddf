"""Pages with charts: a cluster's scores, and a unit's results over the years. Each chart has a table beside it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from application.pictures import Chart, picture
from application.score_charts import by_criterion, distribution, ranked_units, year_charts, years_of
from application.visits import VisitedCycle
from application.work import beside, of_many
from domain.access import Matter
from errors import InputError
from ledger.paging import PageRequest
from web import urls
from web.auth import reads_cycle
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.SCORE_CHARTS)
async def score_charts(
    request: Request, cycle: ReadableCycle, unit: Annotated[str, Query(alias=urls.UNIT)] = ""
) -> Response:
    """A cluster's scores in charts, as far as the reader may see them; by criterion of all units or of one."""
    _require_unit(cycle, unit)
    events = len(cycle.history)
    found = await of_many(events, by_criterion, cycle, unit)
    ranked = await of_many(events, ranked_units, cycle)
    spread = await of_many(events, distribution, cycle)
    return page(
        request,
        "charts.html",
        cycle=cycle,
        unit=unit,
        found=found,
        criteria=await _drawn(found.chart) if found and found.chart.labels else None,
        ranked=ranked,
        ranks=await _drawn(ranked[1]) if ranked else None,
        spread=spread,
        bands=await _drawn(spread[1]) if spread else None,
        closed=not cycle.readable.everything,
        wide=True,
    )


@router.get(urls.UNIT_YEARS)
async def unit_years(request: Request, cycle: ReadableCycle, unit: str) -> Response:
    """A unit's totals and ranks over the years, of the cycles that the reader may see."""
    _require_unit(cycle, unit)
    services = get_services(request)
    await services.board.wait_until_reached(cycle.visitor.login.position)
    known = await services.board.cycles_page(unit, PageRequest())
    streams = [line["cycle"] for line in known.rows]
    years = await years_of(services.application, cycle.visitor, streams, unit)
    drawn = [(chart, await _drawn(chart)) for chart in year_charts(years)]
    return page(request, "unit_years.html", cycle=cycle, unit=unit, years=years[::-1], charts=drawn, wide=True)


def _require_unit(cycle: VisitedCycle, unit: str) -> None:
    """Refuse a unit that is no member.

    Raises:
        InputError: `no_such_unit`
    """
    if unit and unit not in dict(cycle.members()):
        raise InputError("no_such_unit", unit=unit, known=", ".join(name for _unit, name in cycle.members()))


async def _drawn(chart: Chart) -> Markup:
    """A chart as SVG; its texts are escaped where it is drawn."""
    return Markup(await beside(picture, chart))  # noqa: S704 - drawn here
