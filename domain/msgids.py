"""Marks for texts that `i18n` translates: the domain knows a text in English and no language.

`i18n` uses the same marks, and `i18n.KEYWORDS` tells the extractor of the message catalogue about them.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTEXT_END = "\x04"
"""Separates context and text in the key of a message, as gettext's compiled catalogues do."""


def N_(text: str) -> str:  # noqa: N802 - the usual name for a string that is translated later
    """Mark a text for the catalogue; `i18n._` translates it later."""
    return text


def NC_(context: str, text: str) -> str:  # noqa: N802 - as N_, with a context
    """Mark a text that has its own translation in this context; returns the message's key, for `i18n._`."""
    return f"{context}{CONTEXT_END}{text}"


@dataclass(frozen=True, slots=True)
class Plural:
    """A text that depends on a number, to be translated later.

    `one` is the English text for 1, `many` for all other numbers. `count` names the fact that holds the number.
    """

    one: str
    many: str
    count: str = "count"
