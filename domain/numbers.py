"""Numbers as people type them: one reader for files, pages and programs, and a writer that it reads back.

In Việt Nam a comma begins the decimals and dots separate thousands; programs and other countries do the reverse. What
can only mean one number is read, in either way of writing. What can mean two is asked about.
"""

from __future__ import annotations

import re
from decimal import Decimal

from domain.problems import invalid

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"))
"""What keyboards and word processors write in place of a minus: hyphens, dashes, the mathematical minus."""

_BLANKS = " \u00a0\u2009\u202f"
_TYPED = re.compile(rf"(?P<sign>[-+]?)[{_BLANKS}]*(?P<digits>\d[\d.,{_BLANKS}]*)")
_BY_BLANKS = re.compile(rf"\d{{1,3}}(?:[{_BLANKS}]\d{{3}})+(?P<rest>[.,]\d+)?")
_TWO_MARKS = re.compile(r"\d{1,3}(?:(?P<group>[.,])\d{3})(?:(?P=group)\d{3})*(?P<mark>[.,])\d+")
_GROUPS = re.compile(r"\d{1,3}(?P<group>[.,])\d{3}(?:(?P=group)\d{3})*")
_DECIMALS = re.compile(r"\d+[.,]\d+")
_TWO_WAYS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")

JSON_PATTERN = r"^\s*[-+\u2010-\u2015\u2212\ufe58\ufe63\uff0d]?\s*\d[\d.,\s]*$"
"""What a typed number looks like, for JSON Schemas."""


def read_number(text: str, *, whole: bool = False) -> str:
    """Return a typed number with a point before its decimals and nothing else: "9.000.000,5" becomes "9000000.5".

    A text that is no number is returned as it is, for the field to refuse or to take. In a field that takes whole
    numbers only (`whole`), "1.250" has one reading.

    Raises:
        PydanticCustomError: `number_in_two_ways`, for "1.250" or "18,555"; `number_unreadable`, for "1.2.3".
    """
    typed = _TYPED.fullmatch(text.strip().translate(_DASHES))
    if typed is None:
        return text
    sign, digits = typed["sign"].replace("+", ""), typed["digits"].strip(_BLANKS)
    if digits.isdigit():
        return sign + digits
    if by_blanks := _BY_BLANKS.fullmatch(digits):
        decimals = by_blanks["rest"] or ""
        return sign + re.sub(r"\D", "", digits.removesuffix(decimals)) + decimals.replace(",", ".")
    if (both := _TWO_MARKS.fullmatch(digits)) and both["group"] != both["mark"]:
        return sign + digits.replace(both["group"], "").replace(",", ".")
    if _TWO_WAYS.fullmatch(digits) and not whole:
        thousands, decimal = re.sub(r"\D", "", digits), Decimal(digits.replace(",", "."))
        raise invalid(
            "number_in_two_ways", found=text.strip(), thousands=sign + thousands, decimal=sign + write_number(decimal)
        )
    if _DECIMALS.fullmatch(digits) and not (whole and _TWO_WAYS.fullmatch(digits)):
        return sign + digits.replace(",", ".")
    if _GROUPS.fullmatch(digits):
        return sign + re.sub(r"\D", "", digits)
    raise invalid("number_unreadable")


def write_number(value: Decimal, mark: str = ",") -> str:
    """Return a number as a person types it and `read_number` reads it: three decimals get a zero more."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return (f"{text}0" if _TWO_WAYS.fullmatch(text.lstrip("-")) else text).replace(".", mark)


def is_canonical(text: str) -> bool:
    """Return whether a number is written as it is stored: with a point before its decimals and nothing else."""
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
