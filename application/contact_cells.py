"""What becomes of telephone numbers, mail addresses and other cells that spreadsheets damage."""

from __future__ import annotations

import re

from application.persons import is_mail_address

_BETWEEN = re.compile(r"[\s.\-()'’]+")
_MAILS = re.compile(r"[\s;,/|<>]+")
_DAY = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}( [0-9][0-9]:[0-9][0-9])?")
_ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!")
)
_LEAST_DIGITS = 3
"""Of the shortest numbers, such as 113."""

_NO_DIGIT = re.compile(r"[^0-9]")
_WITHOUT_ZERO = re.compile(r"[35789][0-9]{8}|2[0-9]{9}")
"""Numbers of mobile and fixed telephones whose first 0 a spreadsheet took for that of a number."""


def is_formula(cell: str) -> bool:
    """Whether a cell holds a formula, or what a spreadsheet writes where one failed."""
    return cell.startswith("=") or cell.upper() in _ERRORS


def is_day(cell: str) -> bool:
    """Whether a cell holds a day, as spreadsheets make of texts like 1-3."""
    return _DAY.fullmatch(cell) is not None


def mended_phone(cell: str) -> tuple[str, bool] | None:
    """Return a telephone number, with the 0 in front that was lost, and whether it was; None for what is none."""
    digits = _BETWEEN.sub("", cell)
    if _WITHOUT_ZERO.fullmatch(digits):
        return f"0{digits}", True
    if re.fullmatch(r"84[235789][0-9]{8,9}", digits):
        return f"+{digits}", True
    plain = " ".join(cell.strip("'’ ").split())
    enough = len(_NO_DIGIT.sub("", plain)) >= _LEAST_DIGITS
    return (plain, False) if enough and not re.search(r"[0-9]E\+?[0-9]|@|#", plain, re.IGNORECASE) else None


def mail_addresses(cell: str) -> tuple[list[str], list[str]]:
    """The mail addresses of a cell, and the other words in it."""
    words = [word.removeprefix("mailto:").rstrip(".") for word in _MAILS.split(cell) if word]
    return [word for word in words if is_mail_address(word)], [word for word in words if not is_mail_address(word)]
