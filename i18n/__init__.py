"""Words for users: English is written in the code, Vietnamese (the default) comes from the catalogue.

`THIDUA_LANG` chooses the language of a process, `speaking` that of one answer.
Where the compiled catalogues lie is said by `resources`.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from resources import CATALOGUES

DOMAIN = "thidua"
DEFAULT = "vi"
LANGUAGES = ("vi", "en")
_SPOKEN: ContextVar[str | None] = ContextVar("language", default=None)


def N_(text: str) -> str:  # noqa: N802 - the usual name for a string that is translated later
    """Mark a string for the catalogue without translating it here."""
    return text


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, CATALOGUES, languages=[language], fallback=True)


def teach_libraries() -> None:
    """Let libraries that translate by the process's own catalogue, such as the command line's, speak our language."""
    os.environ["LANGUAGE"] = language()
    gettext.bindtextdomain(DOMAIN, str(CATALOGUES))
    gettext.textdomain(DOMAIN)


def language() -> str:
    """The language in use: of who is being answered, or else of the process."""
    return _SPOKEN.get() or os.environ.get("THIDUA_LANG", DEFAULT)


@contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Answer in a language for as long as the context lasts."""
    before = _SPOKEN.set(chosen)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def _(text: str) -> str:
    """The text in the language in use."""
    return _catalogue(language()).gettext(text) if text else ""
