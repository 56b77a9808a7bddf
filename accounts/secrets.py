"""Random secrets and one-time codes: how they are made, stored and compared.

Random secrets are stored by sha256. One-time codes follow RFC 6238; each is valid once.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from hashlib import sha256

import pyotp

STEP_S = 30


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


RECOVERY_CODES = 10
"""Recovery codes of a person. Each stands in place of a one-time code, once."""

_RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters that are taken for others on paper."""

_RECOVERY_GROUPS, _RECOVERY_GROUP = 4, 4


def new_recovery_codes() -> list[str]:
    """Return new recovery codes of 79 random bits, in groups of four characters."""
    return [
        "-".join(
            "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(_RECOVERY_GROUP)) for _ in range(_RECOVERY_GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    ]


def recovery_digest(person: str, code: str) -> bytes | None:
    """Return the sha256 under which a recovery code is stored; None when the text cannot be one."""
    plain = re.sub(r"[\s-]", "", code).lower()
    if len(plain) != _RECOVERY_GROUPS * _RECOVERY_GROUP or not set(plain) <= set(_RECOVERY_LETTERS):
        return None
    return sha256(f"thidua-recovery-1\n{person}\n{plain}".encode()).digest()
