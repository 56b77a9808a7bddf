"""Minutes that are being written: each is kept as a draft under the address of its page."""

from __future__ import annotations

from application.minutes import Minutes, require_minutes_keeper
from application.visits import VisitedCycle
from errors import InputError
from web.services import Services
from web.urls import minutes_url


async def kept_minutes(services: Services, cycle: VisitedCycle, meeting: str) -> Minutes:
    """The minutes that the visitor has begun.

    Raises:
        ForbiddenError: the visitor keeps no minutes of this cycle.
        InputError: `no_such_minutes`.
    """
    require_minutes_keeper(cycle)
    found = await services.drafts.load(cycle.visitor.contact.id, minutes_url(cycle.stream, meeting))
    if found is None:
        raise InputError("no_such_minutes", meeting=meeting)
    return Minutes(meeting, **found[0])


async def keep_minutes(services: Services, cycle: VisitedCycle, minutes: Minutes) -> None:
    """Save what was typed so far."""
    draft_path = minutes_url(cycle.stream, minutes.id)
    await services.drafts.save(cycle.visitor.contact.id, draft_path, minutes.draft())
