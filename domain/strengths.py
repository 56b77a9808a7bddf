"""How a person was authenticated, as a signed header states it, and what each way suffices for."""

from __future__ import annotations

from enum import StrEnum

from domain.records import Refused


class Strength(StrEnum):
    """How the person of a signed header was authenticated. Stored, so the values never change."""

    PASSWORD = "password"  # noqa: S105 - the name of a strength
    PASSWORD_AND_CODE = "password+totp"  # noqa: S105 - as above
    TOKEN = "token"  # noqa: S105 - as above
    """A token in a header of earlier code, which did not state the scope."""
    TOKEN_TO_READ = "token+read"  # noqa: S105 - as above
    TOKEN_TO_ACT = "token+act"  # noqa: S105 - as above
    TOKEN_TO_SIGN = "token+sign"  # noqa: S105 - as above
    OS_ACCOUNT = "os-account"
    """The account of the operating system that runs the command line."""
    REHEARSAL = "rehearsal"
    """Every command of an installation for rehearsal, and no other."""


def strength_of(text: str) -> Strength:
    """Return the strength that a header states.

    Raises:
        Refused: `unknown_strength`.
    """
    try:
        return Strength(text)
    except ValueError:
        raise Refused("unknown_strength", found=text[:40]) from None


def weakness(strength: Strength, *, for_organiser: bool, binding: bool) -> str | None:
    """Return the code of why a strength does not suffice for a command; None when it does.

    `for_organiser`: the organiser of the stream says it. `binding`: the command signs or publishes.
    """
    if strength is Strength.TOKEN_TO_READ or (binding and strength is Strength.TOKEN_TO_ACT):
        return "token_too_weak"
    if for_organiser and strength is Strength.PASSWORD:
        return "organiser_needs_code"
    return None


def require_strength(strength: Strength | None, *, for_organiser: bool, binding: bool) -> None:
    """Check that a command's strength suffices. None, which only the clock's commands have, never does.

    Raises:
        Refused: `unknown_strength`, or a code of `weakness`.
    """
    if strength is None:
        raise Refused("unknown_strength", found="-")
    if (code := weakness(strength, for_organiser=for_organiser, binding=binding)) is not None:
        raise Refused(code)
