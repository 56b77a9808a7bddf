"""The post in tests: a mail server on loopback, mailers that refuse, the activity with links to a site."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from temporalio.testing import ActivityEnvironment

from activities.post import PostActivities
from cli.session import Session
from domain.installation import POST_STREAM
from domain.notice_kinds import Notice
from domain.records import Event
from ledger.mapping import to_envelope
from ledger.protocol import load_all
from local.process import free_ports
from mail import DeferredError, Mailer, MailServerAwayError
from mail.smtp import SmtpSettings
from web.notice_pages import pages_of

SITE, SENDER = "https://thidua.example.vn", "Sổ Thi Đua <so@thidua.example.vn>"


class Postman:
    """Keeps what arrives. The name of a mailbox says how it is refused."""

    def __init__(self) -> None:
        self.arrived: list[EmailMessage] = []
        self.contents: list[bytes] = []
        self.senders: list[str] = []

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody"):
            return "550 not from here"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answers = {"nobody": "550 no such mailbox", "full": "452 mailbox full", "closing": "421 closing"}
        for name, answer in answers.items():
            if address.startswith(name):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        to = envelope.rcpt_tos[0]
        if to.startswith("data-later"):
            return "451 greylisted"
        if to.startswith("data-never"):
            return "554 spam"
        if to.startswith("data-breaks"):
            server.transport.abort()
            return "250 OK"
        self.senders.append(envelope.mail_from)
        self.contents.append(envelope.content)
        message = BytesParser(policy=default).parsebytes(envelope.content)
        self.arrived.append(message)
        return "250 OK"


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"so", b"mat khau")
    return AuthResult(success=right)


@contextmanager
def mail_server(folder: Path) -> Iterator[tuple[Postman, SmtpSettings]]:
    public, private = certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    postman, (port,) = Postman(), free_ports(1)
    controller = Controller(
        postman,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=True,
    )
    controller.start()
    try:
        yield postman, SmtpSettings("127.0.0.1", port, True, "so", "mat khau", str(public))
    finally:
        controller.stop()


class Recorder:
    """A mailer that can be away."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.mails: list[EmailMessage] = []
        self.away = False

    async def send(self, message: EmailMessage) -> None:
        if self.away:
            raise MailServerAwayError("away")
        self.sent.append(str(message["Message-ID"]))
        self.mails.append(message)


class Grudging(Recorder):
    """A mailer that defers one addressee while it has a grudge."""

    def __init__(self, grudge: str) -> None:
        super().__init__()
        self.grudge, self.refused = grudge, 0

    async def send(self, message: EmailMessage) -> None:
        if message["To"] == self.grudge:
            self.refused += 1
            raise DeferredError("451")
        await super().send(message)


def the_post(app: Session, mailer: Mailer, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> PostActivities:
    def pages(notice: Notice, stream: str) -> tuple[str, tuple[str, str] | None]:
        return pages_of(notice, stream, SITE)

    return PostActivities(app.ledger, app.people, app.texts, mailer, SENDER, pages, now)


async def delivered(app: Session, mailer: Recorder) -> list[Event]:
    """What the post has recorded once nothing is left to do."""
    delivering = the_post(app, mailer)
    environment = ActivityEnvironment()
    for _ in range(100):
        if not await environment.run(delivering.deliver):
            break
    else:
        pytest.fail("it goes on for ever")
    return await recorded_by_post(app)


async def recorded_by_post(app: Session) -> list[Event]:
    """The events of the post's stream."""
    return [to_envelope(row).event for row in await load_all(app.ledger, POST_STREAM)]
