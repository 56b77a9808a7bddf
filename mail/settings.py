"""Who sends, and by which mailer: the settings of an environment that web process and worker share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mail import Mailer
from mail.folder import FolderMailer
from mail.smtp import SmtpMailer, SmtpSettings

SENDER = "so-thi-dua@localhost"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """A mail server, or a folder for messages where no server is set; without both nothing is sent."""

    outbox: Path | None = None
    smtp: SmtpSettings | None = None
    sender: str = SENDER

    @classmethod
    def of(cls, env: Mapping[str, str]) -> MailSettings:
        """The settings THIDUA_SMTP_..., THIDUA_OUTBOX and THIDUA_SENDER."""
        outbox = env.get("THIDUA_OUTBOX")
        return cls(Path(outbox) if outbox else None, SmtpSettings.of(env), env.get("THIDUA_SENDER") or SENDER)

    def mailer(self) -> Mailer | None:
        """The mailer of these settings; None where they name none."""
        if self.smtp is not None:
            return SmtpMailer(self.smtp)
        return FolderMailer(self.outbox) if self.outbox is not None else None
