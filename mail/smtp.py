"""Sends messages by SMTP, with STARTTLS and login when the settings ask for them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError

TIMEOUT_S = 20
PERMANENT = 500
"""SMTP reply codes from here on refuse for good; lower ones are for now."""


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
            env.get("THIDUA_SMTP_USER"),
            password,
            env.get("THIDUA_SMTP_CA"),
        )


class SmtpMailer:
    """Opens one connection for each message: a cluster's year has a few hundred messages."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage) -> None:
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.authorities) if settings.starttls else None
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            start_tls=settings.starttls,
            tls_context=context,
            timeout=TIMEOUT_S,
        )
        try:
            await client.connect()
            if settings.user:
                await client.login(settings.user, settings.password or "")
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise MailServerAwayError(str(error)) from error
        try:
            await client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            if all(code >= PERMANENT for code in codes):
                raise UndeliverableError(str(codes)) from error
            raise DeferredError(str(codes)) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= PERMANENT:
                raise UndeliverableError(f"{error.code}") from error
            raise MailServerAwayError(f"{error.code}") from error
        except aiosmtplib.SMTPNotSupported as error:  # a non-ASCII address, which this server does not take
            raise UndeliverableError(str(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise UnknownOutcomeError(str(error)) from error
        finally:
            client.close()
