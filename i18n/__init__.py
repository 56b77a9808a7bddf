"""Texts for users: English stands in the code, Vietnamese (the default) comes from a gettext catalogue.

`THIDUA_LANG` sets the language of the installation. `in_language` sets that of one answer or one message.
`resources` says where the compiled catalogues lie.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from resources import CATALOGUES

DOMAIN = "thidua"
DEFAULT = "vi"
LANGUAGES = ("vi", "en")

KEYWORDS = {
    "_": None,
    "N_": None,
    "NC_": ((1, "c"), 2),
    "Plural": (1, 2),
    "ngettext": (1, 2),
    "npgettext": ((1, "c"), 2, 3),
    "pgettext": ((1, "c"), 2),
}
"""For babel's extractor: the calls that hold texts, and which of their arguments are context, text and plural."""

_CONTEXT_END = "\x04"
"""Separates context and text in the key of a message, as gettext's compiled catalogues do."""

_LANGUAGE: ContextVar[str | None] = ContextVar("language", default=None)


def N_(text: str) -> str:  # noqa: N802 - the usual name for a string that is translated later
    """Mark a text for the catalogue; `_` translates it later."""
    return text


def NC_(context: str, text: str) -> str:  # noqa: N802 - as N_, with a context
    """Mark a text that has its own translation in this context; returns the message's key, for `_`."""
    return f"{context}{_CONTEXT_END}{text}"


@dataclass(frozen=True, slots=True)
class Plural:
    """A text that depends on a number, to be translated later.

    `one` is the English text for 1, `many` for all other numbers. `count` names the fact that holds the number.
    """

    one: str
    many: str
    count: str = "count"


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, CATALOGUES, languages=[language], fallback=True)


def set_library_language() -> None:
    """Make libraries that call gettext themselves, such as the command line's, use our language and catalogue."""
    os.environ["LANGUAGE"] = language()
    gettext.bindtextdomain(DOMAIN, str(CATALOGUES))
    gettext.textdomain(DOMAIN)


def installation_language() -> str:
    """The language of the installation: of people without an account, and of what belongs to no person.

    English for a `THIDUA_LANG` that has no catalogue.
    """
    named = os.environ.get("THIDUA_LANG", DEFAULT)
    return named if named in LANGUAGES else "en"


def language() -> str:
    """The language of the answer or message that is being made, else the installation's."""
    return _LANGUAGE.get() or installation_language()


@contextmanager
def in_language(chosen: str) -> Iterator[None]:
    """Translate into this language inside the `with` block, in this thread or task only."""
    before = _LANGUAGE.set(chosen)
    try:
        yield
    finally:
        _LANGUAGE.reset(before)


def _(text: str) -> str:
    """A text, or the key of one with a context, in the language in use."""
    return _catalogue(language()).gettext(text).rpartition(_CONTEXT_END)[2] if text else ""


def pgettext(context: str, text: str) -> str:
    """A text that is translated differently in different contexts."""
    return _(NC_(context, text))


def ngettext(one: str, many: str, count: int) -> str:
    """The text for a number, in the language in use; the caller fills the number in."""
    return _catalogue(language()).ngettext(one, many, count)


def npgettext(context: str, one: str, many: str, count: int) -> str:
    """As `ngettext`, in a context."""
    return _catalogue(language()).npgettext(context, one, many, count)
