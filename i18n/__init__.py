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
from functools import lru_cache

from domain.msgids import CONTEXT_END, N_, NC_, Plural
from resources import CATALOGUES

__all__ = [
    "DEFAULT",
    "KEYWORDS",
    "LANGUAGES",
    "NC_",
    "N_",
    "Plural",
    "_",
    "in_language",
    "installation_language",
    "language",
    "ngettext",
    "npgettext",
    "pgettext",
    "set_library_language",
]

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

_LANGUAGE: ContextVar[str | None] = ContextVar("language", default=None)


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
    return _catalogue(language()).gettext(text).rpartition(CONTEXT_END)[2] if text else ""


def pgettext(context: str, text: str) -> str:
    """A text that is translated differently in different contexts."""
    return _(NC_(context, text))


def ngettext(one: str, many: str, count: int) -> str:
    """The text for a number, in the language in use; the caller fills the number in."""
    return _catalogue(language()).ngettext(one, many, count)


def npgettext(context: str, one: str, many: str, count: int) -> str:
    """As `ngettext`, in a context."""
    return _catalogue(language()).npgettext(context, one, many, count)
