"""Passwords, one-time codes and random tokens: made here, kept only as what cannot be turned back.

Passwords by argon2id with the library's profile of RFC 9106; codes by RFC 6238, each good once.
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

SHORTEST = 10
STEP_S = 30
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex(8))


def hashed(password: str) -> str:
    """The password as it is kept.

    Raises:
        InputError: `password_too_short`.
    """
    if len(password) < SHORTEST:
        raise InputError("password_too_short", least=SHORTEST)
    return _HASHER.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one that is kept; as slow for nobody as for somebody."""
    try:
        return _HASHER.verify(kept or _NOBODY, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def token() -> str:
    """A random secret of 256 bits."""
    return secrets.token_urlsafe(32)


def kept(secret: str) -> bytes:
    """A random secret as it is kept: long enough that a plain digest hides it."""
    return sha256(secret.encode()).digest()


def new_totp() -> str:
    """A secret for one-time codes, in base32."""
    return pyotp.random_base32()


def totp_address(secret: str, person: str) -> str:
    """What an authenticator reads from the square."""
    return pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name="Sổ Thi Đua")


def totp_step(secret: str, code: str, now: datetime, used: int) -> int | None:
    """The time step that a code belongs to, one step either way; None when it fits none, or one that was used."""
    plain = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", plain):
        return None
    at = int(now.timestamp()) // STEP_S
    for step in (at, at - 1, at + 1):
        if step > used and secrets.compare_digest(pyotp.TOTP(secret).at(step * STEP_S), plain):
            return step
    return None
