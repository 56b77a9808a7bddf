"""Password checks: each failure makes the next answer for the same account and address slower.

No account is locked out: a lock-out would be a way to stop a rival on the last day.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from errors import InputError
from web.services import Services

MOST_WAITING = 5
"""So many attempts for one account from one address wait for each other; the next is refused at once."""

FREE = 2
"""Failures from one address that cost no pause; also the pause, in units, after `MANY` failures from anywhere."""
MANY = 10
LONGEST_PAUSE = 30.0
"""In units of `Services.pause_s`."""

_turns: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
_waiting: dict[tuple[str, str], int] = defaultdict(int)


def address_of(request: Request) -> str:
    """The network address that a request comes from."""
    return request.client.host if request.client else "-"


@asynccontextmanager
async def _turn(key: tuple[str, str]) -> AsyncIterator[None]:
    if _waiting[key] >= MOST_WAITING:
        raise InputError("too_many_attempts")
    _waiting[key] += 1
    try:
        async with _turns[key]:
            yield
    finally:
        _waiting[key] -= 1
        if not _waiting[key]:
            _waiting.pop(key, None)
            _turns.pop(key, None)


async def reauthenticated(services: Services, person: str, password: str, address: str) -> bool:
    """Whether it is the person's password.

    Raises:
        InputError: `too_many_attempts`: for this account from this address at once.
    """
    async with _turn((person, address)):
        near, everywhere = await services.accounts.failures(person, address)
        pause = min(LONGEST_PAUSE, 2.0 ** (near - FREE)) if near > FREE else FREE if everywhere > MANY else 0.0
        await asyncio.sleep(pause * services.pause_s)
        if await services.accounts.password_fits(person, password):
            return True
        await services.accounts.failed(person, address)
        return False
