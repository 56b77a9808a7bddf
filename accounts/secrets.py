"""Passwords, one-time codes and random secrets: how they are made, stored and compared.

Passwords are stored by argon2id with the library's profile of RFC 9106, random secrets by sha256. One-time codes follow
RFC 6238; each is valid once.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from hashlib import sha256

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from errors import InputError

SHORTEST_PASSWORD = 10
STEP_S = 30
_HASHER = PasswordHasher()
_UNKNOWN = _HASHER.hash(secrets.token_hex(8))
"""Compared with the password of an unknown account, so that the answer takes the same time."""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password.

    Raises:
        InputError: `password_too_short`.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InputError("password_too_short", least=SHORTEST_PASSWORD)
    return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Compare a password with its stored hash. Takes the same time for an unknown account, whose hash is None."""
    try:
        return _HASHER.verify(stored or _UNKNOWN, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_secret() -> str:
    """Return a random secret of 256 bits."""
    return secrets.token_urlsafe(32)


def secret_digest(secret: str) -> bytes:
    """Return the sha256 under which a random secret is stored. 256 random bits need no salt."""
    return sha256(secret.encode()).digest()


def new_totp() -> str:
    """Return a new secret for one-time codes, in base32."""
    return pyotp.random_base32()


def totp_address(secret: str, person: str) -> str:
    """Return the address for the QR code that an authenticator reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name="Sổ Thi Đua")


def totp_step(secret: str, code: str, now: datetime, used: int) -> int | None:
    """Return the time step of a code: the one of `now`, or one step earlier or later.

    None when the code belongs to none of them, or to a step not later than `used`, the last one that was used.
    """
    plain = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", plain):
        return None
    at = int(now.timestamp()) // STEP_S
    for step in (at, at - 1, at + 1):
        if step > used and secrets.compare_digest(pyotp.TOTP(secret).at(step * STEP_S), plain):
            return step
    return None
