"""The certificates of mutual TLS between Temporal and everything that speaks to it, in a folder of the data folder.

An authority of its own signs one certificate for the server's parts and one for its clients; no other is let in. The
authority's key is kept nowhere: no further certificate can be signed, and new ones come with a new authority,
which makes all earlier ones void.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from errors import InputError
from local.private_files import write_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from temporalio.service import TLSConfig

# `cryptography` and Temporal's client are imported where they are used: commands that only read need neither.

CERTIFICATES = "certificates"
"""The folder in the data folder."""

SERVER_NAME = "temporal.thidua"
"""What the server's certificate is made out to: clients look for it, whatever address they connect to."""

LIFE = timedelta(days=730)
RENEWED_BEFORE = timedelta(days=365)
"""With less left, a start of the server makes new certificates: one start a year is enough."""

CLOCKS_DIFFER = timedelta(days=1)

# The names that Temporal's own tools read (environment configuration of its clients).
_AUTHORITY = "TEMPORAL_TLS_SERVER_CA_CERT_PATH"
_CERTIFICATE = "TEMPORAL_TLS_CLIENT_CERT_PATH"
_KEY = "TEMPORAL_TLS_CLIENT_KEY_PATH"
_NAME = "TEMPORAL_TLS_SERVER_NAME"


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What a client of Temporal shows, and whom it believes. `name` is the one in the server's certificate.

    Without `authority` those of the machine are believed; without `name` the server's certificate names its address.
    """

    certificate: Path
    key: Path
    authority: Path | None = None
    name: str | None = None

    @classmethod
    def of(cls, env: Mapping[str, str]) -> ClientTls | None:
        """Return what an environment sets; None where it names no certificate.

        Raises:
            InputError: `temporal_tls_half`: one of certificate and key is set without the other.
        """
        certificate, key = env.get(_CERTIFICATE), env.get(_KEY)
        if not certificate and not key:
            return None
        if not certificate or not key:
            raise InputError("temporal_tls_half", first=_CERTIFICATE, second=_KEY)
        authority = env.get(_AUTHORITY)
        return cls(Path(certificate), Path(key), Path(authority) if authority else None, env.get(_NAME) or None)

    def environment(self) -> dict[str, str]:
        """Return the settings from which `of` makes the same."""
        found = {_CERTIFICATE: str(self.certificate), _KEY: str(self.key)}
        return {
            **found,
            **({_AUTHORITY: str(self.authority)} if self.authority else {}),
            **({_NAME: self.name} if self.name else {}),
        }

    def last_moment(self) -> datetime | None:
        """Until when what is shown holds, and the authority that is believed; None where a file holds no certificate.

        Raises:
            InputError: `key_file_missing`.
        """
        from cryptography import x509  # noqa: PLC0415 - as said above

        try:
            found = [
                one
                for file in (self.certificate, self.authority)
                if file is not None
                for one in x509.load_pem_x509_certificates(_read(file))
            ]
        except ValueError:
            return None
        return min(one.not_valid_after_utc for one in found)

    def config(self) -> TLSConfig:
        """Return what Temporal's client takes.

        Raises:
            InputError: `key_file_missing`; `key_file_open`: others than its owner may read the key.
        """
        from temporalio.service import TLSConfig  # noqa: PLC0415 - as said above

        return TLSConfig(
            server_root_ca_cert=_read(self.authority) if self.authority else None,
            domain=self.name,
            client_cert=_read(self.certificate),
            client_private_key=_read(self.key, private=True),
        )

    def context(self, *, shows_certificate: bool = True) -> ssl.SSLContext:
        """Return the same for a connection of our own; on request as somebody who has no certificate.

        Raises:
            InputError: `key_file_missing`, `key_file_bad`.
        """
        try:
            context = ssl.create_default_context(cafile=self.authority)
            if shows_certificate:
                context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError:
            raise InputError("key_file_bad", file=str(self.certificate)) from None
        except OSError as error:
            raise InputError("key_file_missing", file=str(self.certificate), problem=error.strerror) from None
        context.set_alpn_protocols(["h2"])
        return context


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates of an installation. Each file with a key is readable by its owner only."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.folder / "authority.pem"

    @property
    def server(self) -> Path:
        """The server's certificate and its key."""
        return self.folder / "server.pem"

    @property
    def client(self) -> Path:
        """The clients' certificate and its key."""
        return self.folder / "client.pem"

    @property
    def client_tls(self) -> ClientTls:
        """What our clients show."""
        return ClientTls(self.client, self.client, self.authority, SERVER_NAME)

    def server_environment(self) -> dict[str, str]:
        """Return the server's own settings: each of its parts asks every caller for a certificate of the authority."""
        authority, server = str(self.authority), str(self.server)
        return {
            "TEMPORAL_TLS_REQUIRE_CLIENT_AUTH": "true",
            "TEMPORAL_TLS_SERVER_CA_CERT": authority,
            "TEMPORAL_TLS_SERVER_CERT": server,
            "TEMPORAL_TLS_SERVER_KEY": server,
            "TEMPORAL_TLS_FRONTEND_CERT": server,
            "TEMPORAL_TLS_FRONTEND_KEY": server,
            # The server does not start with the first of them alone.
            "TEMPORAL_TLS_CLIENT1_CA_CERT": authority,
            "TEMPORAL_TLS_CLIENT2_CA_CERT": authority,
            "TEMPORAL_TLS_INTERNODE_SERVER_NAME": SERVER_NAME,
            "TEMPORAL_TLS_FRONTEND_SERVER_NAME": SERVER_NAME,
        }

    def make(self) -> datetime:
        """Make new certificates under a new authority, and return until when they hold; the earlier ones are void."""
        authority = Authority.make()
        authority.write(self)
        return authority.certificate.not_valid_after_utc

    def make_missing(self) -> None:
        """Make certificates where there are none, as when an installation is founded."""
        if not (self.authority.exists() and self.server.exists() and self.client.exists()):
            self.make()

    def renew(self) -> None:
        """Make new certificates where these cannot be used, or not for much longer."""
        if (last := self.last_moment()) is None or last - datetime.now(UTC) < RENEWED_BEFORE:
            self.make()

    def last_moment(self) -> datetime | None:
        """Until when all of them hold; None when they are missing, damaged, readable by others, or do not fit together.

        The files are replaced one after another. After a crash in between they do not fit, and are made anew.
        """
        from cryptography import x509  # noqa: PLC0415 - as said above
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

        try:
            authority = x509.load_pem_x509_certificate(_read(self.authority))
            found = [authority]
            for file in (self.server, self.client):
                signed = x509.load_pem_x509_certificate(_read(file, private=True))
                signed.verify_directly_issued_by(authority)
                ssl.create_default_context().load_cert_chain(file)  # the key is that of the certificate
                found.append(signed)
        except (InputError, InvalidSignature, ValueError, TypeError, ssl.SSLError):
            return None
        return min(one.not_valid_after_utc for one in found)


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates of clients and servers, for as long as this object lives."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @classmethod
    def make(cls, until: datetime | None = None) -> Authority:
        """Make an authority with a new key. Nothing that it signs holds longer than it does itself."""
        from cryptography import x509  # noqa: PLC0415 - as said above

        key = _new_key()
        use = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = _builder("thidua", "thidua", key, until or datetime.now(UTC) + LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return cls(_signed(builder.add_extension(use, critical=True), key, key), key)

    def issue(self, name: str, *, serves: bool = False, until: datetime | None = None) -> bytes:
        """Return a new certificate and its key as PEM. One that `serves` also shows itself to other servers."""
        from cryptography import x509  # noqa: PLC0415 - as said above
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
        from cryptography.x509.oid import ExtendedKeyUsageOID as Use  # noqa: PLC0415 - as above

        key = _new_key()
        uses = [Use.CLIENT_AUTH, *([Use.SERVER_AUTH] if serves else [])]
        certificate = _signed(
            _builder(name, "thidua", key, until or self.certificate.not_valid_after_utc)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False),
            key,
            self.key,
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM) + private

    def write(self, certificates: Certificates) -> None:
        """Write its certificate, and one for server and clients each, in place of those that are there."""
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as said above

        certificates.folder.mkdir(mode=0o700, exist_ok=True)
        write_private(certificates.authority, self.certificate.public_bytes(Encoding.PEM).decode())
        write_private(certificates.server, self.issue(SERVER_NAME, serves=True).decode())
        write_private(certificates.client, self.issue("client.thidua").decode())


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as said above

    return ec.generate_private_key(ec.SECP256R1())


def _builder(subject: str, issuer: str, key: EllipticCurvePrivateKey, until: datetime) -> x509.CertificateBuilder:
    from cryptography import x509  # noqa: PLC0415 - as said above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - as above

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), until) - CLOCKS_DIFFER)
        .not_valid_after(until)
    )


def _signed(
    builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey, authority: EllipticCurvePrivateKey
) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415 - as said above
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above

    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return builder.add_extension(own, critical=False).add_extension(signer, critical=False).sign(authority, SHA256())


def _read(file: Path, *, private: bool = False) -> bytes:
    """Return the bytes of a file; a private one only where its owner alone may read it."""
    try:
        with file.open("rb") as opened:
            if private and os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise InputError("key_file_open", file=str(file))
            return opened.read()
    except OSError as error:
        raise InputError("key_file_missing", file=str(file), problem=error.strerror) from None
