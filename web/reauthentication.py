"""Proving once more who one is: wherever a password is asked for, failures make the next answer slower.

By account and address, and never by locking out: a lock-out is a way to stop a rival on the last day.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from errors import InputError
from web.services import Services

WAITING = 5
"""So many attempts for one account from one address wait their turn; the next is sent away at once."""

FREE = 2
MANY = 10
LONGEST_S = 30.0

_turns: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
_waiting: dict[tuple[str, str], int] = defaultdict(int)


def address_of(request: Request) -> str:
    """Where somebody asks from."""
    return request.client.host if request.client else "-"


@asynccontextmanager
async def _turn(key: tuple[str, str]) -> AsyncIterator[None]:
    if _waiting[key] >= WAITING:
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


async def reauthenticated(work: Services, person: str, password: str, address: str) -> bool:
    """Whether it is the person's password.

    Raises:
        InputError: too many at once for this account from this address.
    """
    async with _turn((person, address)):
        near, everywhere = await work.accounts.failures(person, address)
        pause = min(LONGEST_S, 2.0 ** (near - FREE)) if near > FREE else FREE if everywhere > MANY else 0.0
        await asyncio.sleep(pause * work.pause_s)
        if await work.accounts.password_fits(person, password):
            return True
        await work.accounts.failed(person, address)
        return False
