"""Mailers send finished mail messages to a folder or a mail server. They know nothing of the rules."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Protocol


class MailServerAwayError(Exception):
    """The mail server cannot be reached now, and it has not taken the message: try again later."""


class DeferredError(Exception):
    """The server does not take mail for this recipient now: a full mailbox, or greylisting."""


class UndeliverableError(Exception):
    """The server refuses this message for good; the text says why."""


class UnknownOutcomeError(Exception):
    """The connection broke after the message was sent: the server may have taken it."""


class Mailer(Protocol):
    """Sends one message at a time."""

    async def send(self, message: EmailMessage) -> None:
        """Send the message.

        Raises:
            MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError
        """
