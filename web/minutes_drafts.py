"""Minutes that are being written: each is kept as a draft under the address of its page."""

from __future__ import annotations

from application.minutes import Minutes, require_minutes_keeper
from application.visits import VisitedCycle
from errors import InputError, QuotaError
from ledger.paging import PageRequest
from web import quotas
from web.services import Services
from web.urls import is_minutes, minutes_url


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
    return Minutes(meeting, **found[0], saved_at=found[1])


async def keep_minutes(services: Services, cycle: VisitedCycle, minutes: Minutes, *, new: bool = False) -> None:
    """Save what was typed so far.

    Raises:
        QuotaError: `too_many_minutes` for `new` ones; `drafts_full`, `not_kept`.
    """
    person, draft_path = cycle.visitor.contact.id, minutes_url(cycle.stream, minutes.id)
    if new:
        kept = await services.drafts.page(person, PageRequest(1, quotas.DRAFTS))
        if sum(is_minutes(path) for path, _saved in kept.rows) >= quotas.MINUTES:
            raise QuotaError("too_many_minutes", most=quotas.MINUTES)
    await services.drafts.save(person, draft_path, minutes.draft())
    minutes.saved_at = None
