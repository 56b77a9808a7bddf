"""Numbers and ids as they arrive from outside: one reader for files, pages and programs; every other module reads here.

In Việt Nam a comma begins the decimals and dots separate thousands; programs and other countries do the reverse. What
can only mean one number is read, in either way of writing. What can mean two is asked about.

Digits are 0 to 9: `str.isdigit` is true of "²", which `int` refuses. `int` takes the digits of other scripts and
"1_000", and raises for a text of thousands of digits. `UUID` takes braces and "urn:uuid:".
"""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import UUID

from domain.problems import invalid

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"))
"""What keyboards and word processors write in place of a minus: hyphens, dashes, the mathematical minus."""

_DIGITS = re.compile(r"[0-9]+")
_BLANKS = " \u00a0\u2009\u202f"
_TYPED = re.compile(rf"(?P<sign>[-+]?)[{_BLANKS}]*(?P<digits>[0-9][0-9.,{_BLANKS}]*)")
_BY_BLANKS = re.compile(rf"[0-9]{{1,3}}(?:[{_BLANKS}][0-9]{{3}})+(?P<rest>[.,][0-9]+)?")
_TWO_MARKS = re.compile(r"[0-9]{1,3}(?:(?P<group>[.,])[0-9]{3})(?:(?P=group)[0-9]{3})*(?P<mark>[.,])[0-9]+")
_GROUPS = re.compile(r"[0-9]{1,3}(?P<group>[.,])[0-9]{3}(?:(?P=group)[0-9]{3})*")
_DECIMALS = re.compile(r"[0-9]+[.,][0-9]+")
_TWO_WAYS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")

JSON_PATTERN = r"^\s*[-+\u2010-\u2015\u2212\ufe58\ufe63\uff0d]?\s*[0-9][0-9.,\s]*$"
"""What a typed number looks like, for JSON Schemas."""


MOST_ZEROS = 40
"""So many zeros a number gets at most when it is written out."""


def read_number(text: str, *, whole: bool = False) -> str:
    """Return a typed number with a point before its decimals and nothing else: "9.000.000,5" becomes "9000000.5".

    A text that is no number is returned as it is, for the field to refuse or to take. In a field that takes whole
    numbers only (`whole`), "1.250" has one reading.

    Raises:
        PydanticCustomError: `number_in_two_ways`, for "1.250" or "18,555"; `number_unreadable`, for "1.2.3".
    """
    typed = _TYPED.fullmatch(text.strip().translate(_DASHES))
    if typed is None:
        if whole and re.fullmatch(r"[-+]?[0-9][0-9_]*", text.strip()):  # `int` would take 1_000
            raise invalid("number_unreadable")
        return text
    sign, digits = typed["sign"].replace("+", ""), typed["digits"].strip(_BLANKS)
    if _DIGITS.fullmatch(digits):
        return sign + digits
    if by_blanks := _BY_BLANKS.fullmatch(digits):
        decimals = by_blanks["rest"] or ""
        return sign + _digits_of(digits.removesuffix(decimals)) + decimals.replace(",", ".")
    if (both := _TWO_MARKS.fullmatch(digits)) and both["group"] != both["mark"]:
        return sign + digits.replace(both["group"], "").replace(",", ".")
    if _TWO_WAYS.fullmatch(digits) and not whole:
        thousands, decimal = _digits_of(digits), Decimal(digits.replace(",", "."))
        raise invalid(
            "number_in_two_ways", found=text.strip(), thousands=sign + thousands, decimal=sign + write_number(decimal)
        )
    if _DECIMALS.fullmatch(digits) and not (whole and _TWO_WAYS.fullmatch(digits)):
        return sign + digits.replace(",", ".")
    if _GROUPS.fullmatch(digits):
        return sign + _digits_of(digits)
    raise invalid("number_unreadable")


def _digits_of(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def write_number(value: Decimal, mark: str = ",") -> str:
    """Return a number as a person types it and `read_number` reads it: three decimals get a zero more.

    One that would get more than `MOST_ZEROS` zeros that were not written, such as 1e20000000, is none of a person's and
    stays as short as it was. So does one that is not finite.
    """
    if not value.is_finite() or value.adjusted() < -MOST_ZEROS or int(value.as_tuple().exponent) > MOST_ZEROS:
        return str(value)
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return (f"{text}0" if _TWO_WAYS.fullmatch(text.lstrip("-")) else text).replace(".", mark)


def is_canonical(text: str) -> bool:
    """Return whether a number is written as it is stored: with a point before its decimals and nothing else."""
    return _CANONICAL.fullmatch(text) is not None


_CANONICAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


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
