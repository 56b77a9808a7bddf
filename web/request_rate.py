"""How many requests a person, or an address without a login, may send: a token bucket for each, in this process.

A bucket is full at first and fills again by so many a second; each request takes one. A request whose cookie or token
has not proved to be somebody's yet counts for its address: otherwise invented cookies would each get a bucket.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from errors import QuotaError
from web import quotas

K = TypeVar("K")
V = TypeVar("V")


class RequestRate:
    """The buckets of one process, by person and by address."""

    def __init__(
        self,
        person: tuple[float, float] = (quotas.REQUESTS_A_SECOND, quotas.REQUESTS_AT_ONCE),
        address: tuple[float, float] = (quotas.ADDRESS_REQUESTS_A_SECOND, quotas.ADDRESS_REQUESTS_AT_ONCE),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates, self._now = {"person": person, "address": address}, now
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        """What is left, and when that was counted."""
        self._persons: OrderedDict[bytes, str] = OrderedDict()
        """Persons by the digest of the cookie or token that proved them."""

    def learn(self, secret: str, person: str) -> None:
        """Remember whose cookie or token it is."""
        _remember(self._persons, sha256(secret.encode()).digest(), person)

    def take(self, secret: str, address: str) -> None:
        """Count one request.

        Raises:
            QuotaError: `too_many_requests`.
        """
        person = self._persons.get(sha256(secret.encode()).digest()) if secret else None
        key = ("address", address) if person is None else ("person", person)
        a_second, at_once = self._rates[key[0]]
        left, counted = self._buckets.get(key, (at_once, self._now()))
        now = self._now()
        left = min(at_once, left + (now - counted) * a_second) - 1
        _remember(self._buckets, key, (max(left, -1.0), now))
        if left < 0:
            raise QuotaError("too_many_requests", retry_after=1, most=a_second)


def _remember(where: OrderedDict[K, V], key: K, value: V) -> None:
    where[key] = value
    where.move_to_end(key)
    while len(where) > quotas.KEYS_REMEMBERED:
        where.popitem(last=False)
