"""Password and code checks for all pages: where an attempt comes from, and how long failures make it wait.

The limits are in `accounts/throttle.py`. No account is locked out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from accounts.attempts import Guess, Origin, network_of
from accounts.passwords import BusyError
from accounts.throttle import TooManyAttemptsError
from web.cookies import sent_device
from web.error_answers import note_retry
from web.services import Services


def address_of(request: Request) -> Origin:
    """Where a request comes from: its network, and the device that its cookie names."""
    host = request.client.host if request.client else "-"
    return Origin(network_of(host), sent_device(request)[:100])


async def reauthenticated(services: Services, person: str, password: str, address: Origin) -> bool:
    """Whether it is the person's password. A failure makes the next attempt wait.

    Raises:
        TooManyAttemptsError: it would have to wait too long, or too many wait already.
        BusyError: too many passwords are being checked now.
    """
    with _noting_when_to_come_again():
        return await services.throttle.attempt(
            Guess.PASSWORD, person, address, lambda: services.accounts.password_fits(person, password)
        )


async def code_proved(services: Services, person: str, code: str, address: Origin) -> bool:
    """Whether it is a valid one-time code or recovery code, once the password is known. A failure makes the next wait.

    Raises:
        TooManyAttemptsError: as above. The bound is the person's, from wherever the codes come.
    """
    with _noting_when_to_come_again():
        return await services.throttle.attempt(Guess.CODE, person, address, lambda: services.codes.fits(person, code))


async def wrong_secret(services: Services, address: Origin) -> None:
    """Wait before the answer that the secret of a link or token is void, when many were.

    Raises:
        TooManyAttemptsError
    """
    with _noting_when_to_come_again():
        await services.throttle.wrong_secret(address)


async def count_mail(services: Services, person: str, address: Origin) -> None:
    """Count a request for a new password by mail.

    Raises:
        TooManyAttemptsError
    """
    with _noting_when_to_come_again():
        await services.throttle.count_mail(person, address)


@contextmanager
def _noting_when_to_come_again() -> Iterator[None]:
    try:
        yield
    except (TooManyAttemptsError, BusyError) as error:
        note_retry(error)
        raise
