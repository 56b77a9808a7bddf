"""Escapes CSV cells, so that a spreadsheet does not run a text as a formula (CWE-1236)."""

from __future__ import annotations

import re
from typing import Any

_FORMULA = re.compile(r"(^|[;\r\n])(?= *[=+\-@\t\r])")
"""Where a formula would begin: at the start, and where a program that cuts at ";" or line breaks sees a cell begin."""


def escape_cell(value: Any) -> Any:
    """Return the value as a cell that a spreadsheet shows as it is; numbers stay numbers."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, (int, float)):
        return value
    return _FORMULA.sub(r"\1'", str(value))
