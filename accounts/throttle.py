"""Slows guessing down: after failures the next attempt must wait, longer and longer, and no account is ever locked.

A lock-out would be a way to stop a rival on the last day. So a known device waits for its own wrong passwords only, and
one that is unknown becomes known by a login, an invitation, or a link for a new password. Wrong codes count against the
person, from wherever they come, and a link changes nothing about that: who reads the mail gets no more guesses.

Failures are counted in the database, over restarts and over all web processes. Who waits here holds no connection and
no lane, so that one who waits does not keep others waiting.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import prometheus_client

from accounts.attempts import Attempts, Guess, Lane, Origin
from accounts.secrets import new_secret, secret_digest
from errors import QuotaError

LONGEST_WAIT_S = 60.0
"""An attempt that would have to wait longer is refused, and told when to come again."""

MOST_WAITING_IN_LANE = 40
"""So many attempts from one source, or to one account, wait at a time."""

MOST_WAITING = 200
"""Attempts from unknown sources that wait in this process. Those from known devices are bounded by their lanes."""


_SLOWED = prometheus_client.Counter(
    "thidua_attempts_slowed", "Attempts that had to wait for earlier failures, by what was guessed", ("guess",)
)
_REFUSED = prometheus_client.Counter(
    "thidua_attempts_refused", "Attempts that were refused for earlier failures", ("guess",)
)


class TooManyAttemptsError(QuotaError):
    """The attempt would have to wait too long, or too many wait already. Nothing was checked, nothing counted."""

    def __init__(self, seconds: float) -> None:
        whole = max(1, math.ceil(seconds))
        super().__init__("too_many_attempts", retry_after=whole, seconds=whole)


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures in `window` cost nothing; the next pause is `first_s`, doubled up to `longest_s`."""

    free: int
    window: timedelta
    first_s: float = 1.0
    longest_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """The pause between the last of so many failures and the next attempt."""
        over = failures - self.free
        return 0.0 if over < 0 else min(self.longest_s, self.first_s * 2.0 ** min(over, 16))


QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
PER_SOURCE = Limit(3, QUARTER)
"""Passwords from a known device to its own account, or from a network to all accounts together."""

PER_PERSON = Limit(10, QUARTER)
"""Passwords to one account, from all sources without an earlier login to it."""

IN_ALL = Limit(100, QUARTER, longest_s=1.0)
"""Passwords to all accounts from all unknown sources together."""

CODES = Limit(5, DAY, longest_s=300.0)
"""Codes to one account after the right password: some 300 a day, of a million, three of which are right at a time."""

CODES_OF_ALL = Limit(5, DAY, longest_s=30.0)
"""The same failures, for a device where a code was right before: others cannot shut it out for long. Its own failures
count by `CODES` besides."""

SECRETS = Limit(10, QUARTER)
"""Secrets from a network. They have 256 random bits and cannot be guessed: this bounds what trying costs us."""

MAILS_TO_PERSON = Limit(3, timedelta(hours=1), first_s=600.0, longest_s=3_600.0)
MAILS_FROM_NETWORK = Limit(20, timedelta(hours=1), first_s=120.0, longest_s=3_600.0)
MAILS_IN_ALL = Limit(300, timedelta(hours=1), first_s=120.0, longest_s=120.0)
"""Requests for a new password by mail, and mails that were sent to all persons together: names without an account use
nothing up. A pause is longer than `LONGEST_WAIT_S`, so no request waits."""


class Throttle:
    """Makes attempts wait. `unit_s` is what a second of the limits lasts; tests take another one."""

    def __init__(self, attempts: Attempts, unit_s: float = 1.0) -> None:
        self.attempts, self.unit_s = attempts, unit_s
        self._busy: set[Lane] = set()
        self._waiting: Counter[Lane] = Counter()
        self._waiting_in_all = 0
        self._waiters: list[asyncio.Future[None]] = []

    async def attempt(self, guess: Guess, person: str, source: Origin, check: Callable[[], Awaitable[bool]]) -> bool:
        """Wait as long as earlier failures ask for, then check a password or a code; a failure is counted.

        Raises:
            TooManyAttemptsError: it would have to wait too long.
        """
        known_device, known_network = await self.attempts.known(guess, person, source)
        limits = self._limits(guess, person, source, known_device=known_device, known_network=known_network)
        async with self._turn(limits, bounded=not known_device):
            if await check():
                return True
            await self.attempts.failed(guess, person, source, known_device=known_device)
            return False

    async def passed(self, person: str, source: Origin, *, with_code: bool) -> str:
        """A login or a link was right: know the device from now on; return the secret for its cookie.

        Only `with_code`, when a code was right, too, it is known for codes, and failed codes are forgiven.
        Only a secret that was made here is kept: another site must not choose one that it knows.
        """
        if not await self.attempts.is_ours(source.device):
            source = replace(source, device=new_secret())
        await self.attempts.passed(person, source, with_code=with_code)
        return source.device

    async def wrong_secret(self, source: Origin) -> None:
        """A secret in an address or a token was wrong: wait before that is answered. Right ones never wait.

        Raises:
            TooManyAttemptsError
        """
        limits = {Lane(Guess.SECRET, network=source.network): SECRETS, Lane(Guess.SECRET): IN_ALL}
        async with self._turn(limits, bounded=True):
            await self.attempts.failed(Guess.SECRET, "", source, known_device=False)

    async def count_mail(self, person: str, source: Origin) -> None:
        """Count a request for a new password, whether or not there is such an account.

        Raises:
            TooManyAttemptsError: there were too many for this person, or from this network; or so many mails were sent
                to all that only a request from the person's own device passes.
        """
        known_device, _known_network = await self.attempts.known(Guess.FORGOTTEN, person, source)
        limits = {
            Lane(Guess.FORGOTTEN, person=person): MAILS_TO_PERSON,
            Lane(Guess.FORGOTTEN, network=source.network): MAILS_FROM_NETWORK,
        }
        if not known_device:
            limits[Lane(Guess.MAIL)] = MAILS_IN_ALL
        async with self._turn(limits, bounded=True):
            await self.attempts.failed(Guess.FORGOTTEN, person, source, known_device=False)

    async def may_mail(self, person: str) -> bool:
        """Return whether a person may get one more mail for a new password: requests by any name count together."""
        sent = await self.attempts.failures(Lane(Guess.MAIL, person=person), MAILS_TO_PERSON.window)
        return sent.count < MAILS_TO_PERSON.free

    async def mail_is_sent(self, person: str) -> None:
        """Count a mail for a new password that is sent."""
        await self.attempts.failed(Guess.MAIL, person, Origin(""), known_device=False)

    def _limits(
        self, guess: Guess, person: str, source: Origin, *, known_device: bool, known_network: bool
    ) -> dict[Lane, Limit]:
        """The limits of an attempt, by the lane in which it is counted."""
        own = Lane(guess, person=person, device=secret_digest(source.device))
        if guess is Guess.CODE:
            all_of_them = Lane(guess, person=person)
            return {own: CODES, all_of_them: CODES_OF_ALL} if known_device else {all_of_them: CODES}
        if known_device:
            return {own: PER_SOURCE}
        limits = {Lane(guess, network=source.network): PER_SOURCE}
        if not known_network:
            limits |= {Lane(guess, person=person): PER_PERSON, Lane(guess): IN_ALL}
        return limits

    @asynccontextmanager
    async def _turn(self, limits: dict[Lane, Limit], *, bounded: bool) -> AsyncIterator[None]:
        """Hold the lanes, once all of them are free and their pauses are over.

        The lane of all is held only when its free failures are used up: right logins need not wait for each other. It
        may so be overrun by the attempts that are being checked at that moment.
        """
        waited, guess = 0.0, next(iter(limits)).guess.value
        while True:
            held = {lane: limit for lane, limit in limits.items() if lane.is_narrow or await self._is_over(lane, limit)}
            async with self._lanes(held, bounded=bounded):
                pause = max([await self._pause_left(lane, limit) for lane, limit in held.items()])
                if pause <= 0:
                    yield
                    return
            if not waited:
                _SLOWED.labels(guess).inc()
            waited += pause
            if waited > LONGEST_WAIT_S:
                _REFUSED.labels(guess).inc()
                raise TooManyAttemptsError(pause)
            with self._counted(limits, bounded=bounded):
                await asyncio.sleep(pause)

    async def _is_over(self, lane: Lane, limit: Limit) -> bool:
        return (await self.attempts.failures(lane, limit.window)).count >= limit.free

    async def _pause_left(self, lane: Lane, limit: Limit) -> float:
        failures = await self.attempts.failures(lane, limit.window)
        return limit.pause_s(failures.count) * self.unit_s - failures.since_s

    @asynccontextmanager
    async def _lanes(self, lanes: Collection[Lane], *, bounded: bool) -> AsyncIterator[None]:
        """Take all lanes at once, so that no request holds one while it waits for another."""
        with self._counted(lanes, bounded=bounded):
            while not self._busy.isdisjoint(lanes):
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.remove(waiter)
            self._busy.update(lanes)
        try:
            yield
        finally:
            self._busy.difference_update(lanes)
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)

    @contextmanager
    def _counted(self, lanes: Collection[Lane], *, bounded: bool) -> Iterator[None]:
        """Count an attempt that waits: in the lane of its device alone, if it has one, which others cannot fill.

        Raises:
            TooManyAttemptsError: too many wait already.
        """
        narrow = [lane for lane in lanes if lane.device] or [lane for lane in lanes if lane.is_narrow]
        if max((self._waiting[lane] for lane in narrow), default=0) >= MOST_WAITING_IN_LANE or (
            bounded and self._waiting_in_all >= MOST_WAITING
        ):
            raise TooManyAttemptsError(LONGEST_WAIT_S / 2)
        self._waiting.update(narrow)
        self._waiting_in_all += bounded
        try:
            yield
        finally:
            self._waiting_in_all -= bounded
            self._waiting.subtract(narrow)
            for lane in narrow:
                if not self._waiting[lane]:
                    del self._waiting[lane]
