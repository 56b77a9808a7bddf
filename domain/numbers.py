"""Whole numbers and ids as they arrive from outside, read strictly: every other module reads them here.

`str.isdigit` is true of "²", which `int` refuses. `int` takes the digits of other scripts and "1_000", and raises for a
text of thousands of digits. `UUID` takes braces and "urn:uuid:".
"""

from __future__ import annotations

import re
from uuid import UUID

MOST_DIGITS = 9
"""A number of more digits is none that this program ever gave."""

_WHOLE = re.compile(rf"[0-9]{{1,{MOST_DIGITS}}}")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def whole_number(text: object) -> int | None:
    """Return the number that a text writes with up to `MOST_DIGITS` digits 0 to 9; None for anything else."""
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else None


def uuid_of(text: object) -> UUID | None:
    """Return the UUID that a text writes in its usual form; None for anything else."""
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None
