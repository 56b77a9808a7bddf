"""The notices of appends, for those who follow a ledger. They poll it, too, because a notice can be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from ledger.connection import is_lost

log = structlog.get_logger()


class AnnouncesAppends(Protocol):
    """A ledger that tells of appends."""

    def notices(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[asyncio.Event]:
        """Call `wake` after every group of appends; the event is set when no more notices come."""


async def wake_on_appends(ledger: AnnouncesAppends, wake: Callable[[], None]) -> None:
    """Call `wake` once, for what was appended before, then after every group of appends, until the connection is lost.

    It raises nothing: the caller tries again, and polls meanwhile.
    """
    try:
        async with ledger.notices(wake) as lost:
            wake()
            await lost.wait()
    except Exception as error:
        if not is_lost(error):
            log.exception("notices of appends")
