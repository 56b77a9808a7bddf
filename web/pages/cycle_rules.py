"""The rules that a cluster follows in a year, to be read by all who may read the cycle."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from application.edition_facts import facts_of_edition
from application.edition_parts import CRITERIA, PARTS
from application.edition_summary import summary_of
from application.edition_texts import MOST_ENTRIES, values_of_edition
from application.visits import VisitedCycle
from application.work import beside
from domain.access import Matter
from domain.cycle import CYCLE
from domain.rules import NO_RULES
from errors import NotFoundError
from i18n.editions import edition_title
from web import urls
from web.auth import reads_cycle
from web.checks import Number
from web.criteria_rows import CRITERIA_WORDS, criteria_rows
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.CYCLE_RULES)
async def rules(
    request: Request, cycle: ReadableCycle, number: Annotated[Number, Query(alias=urls.EDITION_NUMBER)] = 0
) -> Response:
    """The edition in force, or the one with a number in the order in which they came; the others as links.

    Raises:
        NotFoundError: the cycle has no such edition.
    """
    application, adoptions = get_services(request).application, CYCLE.adoptions(cycle.readable_state())
    editions = [(await application.edition(one.edition) or NO_RULES, one.since) for one in adoptions]
    if number > len(editions) or not editions:
        raise NotFoundError("page_not_found")
    shown = number or len(editions)
    edition, since = editions[shown - 1]
    values = await beside(values_of_edition, edition)
    return page(
        request,
        "cycle_rules.html",
        cycle=cycle,
        title=edition_title(edition),
        facts=facts_of_edition(edition),
        since=since,
        until=editions[shown][1] if shown < len(editions) else None,
        others=[(n, edition_title(one), since) for n, (one, since) in enumerate(editions, 1) if n != shown],
        known=edition.id != NO_RULES.id,
        parts=[(part, summary_of(values, part, MOST_ENTRIES)) for part in PARTS if part is not CRITERIA],
        rows=criteria_rows(values, (), cycle.names),
        wide=True,
        **CRITERIA_WORDS,
    )
