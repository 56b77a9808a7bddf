"""Couriers: ways to bring a message to a person. They know nothing of rules; they take a finished message."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Protocol


class CourierAwayError(Exception):
    """The mail server cannot be reached now: try again later. Nothing was handed over."""


class DeferredError(Exception):
    """This recipient cannot be served now (a full mailbox, a server that makes newcomers wait)."""


class UndeliverableError(Exception):
    """This message will never be taken; the text says why."""


class UnknownOutcomeError(Exception):
    """The connection broke when the message had been handed over: it may have been taken."""


class Courier(Protocol):
    """Takes one message."""

    async def send(self, message: EmailMessage) -> None:
        """Deliver the message.

        Raises:
            CourierAwayError, UndeliverableError, UnknownOutcomeError
        """
