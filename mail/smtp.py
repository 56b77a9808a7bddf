"""Sends messages by SMTP, with STARTTLS and login when the settings ask for them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import aiosmtplib

from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from mail.messages import raw

TIMEOUT_S = 20
PERMANENT = 500
"""SMTP reply codes from here on refuse for good; lower ones are for now."""

CLOSING = 421
"""The reply code of a server that takes nothing from anybody now."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """THIDUA_SMTP_HOST, _PORT, _STARTTLS (yes, no), _USER, _PASSWORD or _PASSWORD_FILE, _CA (a file)."""

    host: str
    port: int
    starttls: bool
    user: str | None
    password: str | None
    authorities: str | None

    @classmethod
    def of(cls, env: Mapping[str, str]) -> SmtpSettings | None:
        """The settings of an environment; None when it names no server."""
        if not (host := env.get("THIDUA_SMTP_HOST")):
            return None
        file = env.get("THIDUA_SMTP_PASSWORD_FILE")
        password = Path(file).read_text().strip() if file else env.get("THIDUA_SMTP_PASSWORD")
        return cls(
            host,
            int(env.get("THIDUA_SMTP_PORT", "587")),
            env.get("THIDUA_SMTP_STARTTLS", "yes") == "yes",
            env.get("THIDUA_SMTP_USER") or None,
            password or None,
            env.get("THIDUA_SMTP_CA"),
        )


class SmtpMailer:
    """Opens one connection for each message: a cluster's year has a few hundred messages."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage) -> None:
        settings = self._settings
        try:
            context = ssl.create_default_context(cafile=settings.authorities) if settings.starttls else None
        except OSError as error:  # the file of THIDUA_SMTP_CA is not there, or holds no certificate
            raise MailServerAwayError(str(error)) from error
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            start_tls=settings.starttls,
            tls_context=context,
            timeout=TIMEOUT_S,
        )
        try:
            await _connect(client, settings)
            utf8 = await _address(client, message)
            await _hand_over(client, raw(message, eight_bits=client.supports_extension("8bitmime"), utf8=utf8))
        finally:
            client.close()


async def _connect(client: aiosmtplib.SMTP, settings: SmtpSettings) -> None:
    try:
        await client.connect()
        if settings.user:
            await client.login(settings.user, settings.password or "")
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailServerAwayError(str(error)) from error


async def _address(client: aiosmtplib.SMTP, message: EmailMessage) -> bool:
    """Name sender and recipient; return whether an address is not ASCII. The server has nothing of the message yet.

    A server that refuses the sender refuses every message: then it is away, and no message is lost by a wrong setting.
    """
    sender, recipient = parseaddr(str(message["From"]))[1], str(message["To"])
    options, utf8 = [], not (sender.isascii() and recipient.isascii())
    if utf8:
        if not client.supports_extension("smtputf8"):
            raise UndeliverableError("an address that is not ASCII")
        options.append("SMTPUTF8")
    encoding = "utf-8" if utf8 else "ascii"
    if client.supports_extension("8bitmime"):
        options.append("BODY=8BITMIME")
    try:
        await client.mail(sender, options=options, encoding=encoding)
        await client.rcpt(recipient, encoding=encoding)
    except aiosmtplib.SMTPRecipientRefused as error:
        raise _refusal(error.code) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailServerAwayError(str(error)) from error
    return utf8


async def _hand_over(client: aiosmtplib.SMTP, content: bytes) -> None:
    try:
        await client.data(content)
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise UnknownOutcomeError(str(error)) from error


def _refusal(code: int) -> Exception:
    """What a reply code means for one message."""
    if code == CLOSING:
        return MailServerAwayError(str(code))
    return UndeliverableError(str(code)) if code >= PERMANENT else DeferredError(str(code))
