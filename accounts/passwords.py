"""Passwords: which are taken, how they are stored and compared, and the bounded queue in which that work is done.

Passwords are stored by argon2id with parameters of OWASP's recommendation (Password Storage Cheat Sheet: 19 MiB, two
passes, one lane). The profile of RFC 9106 for little memory costs nine times the processor time: 20 logins a second
would need more than three cores (docs/speed.md).
"""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from errors import AwayError, InputError

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1_000
JUDGED_CHARACTERS = 72
"""As many characters are judged; the time that judging takes grows with their square."""

LEAST_OF_ONES_OWN = 6
"""So many letters or digits must be left when the words that belong to the person are taken out."""

COMMON_SCORE = 1
"""zxcvbn's score of what is guessed within a million attempts."""

_COMMON_HERE = ("matkhau", "thidua", "sothidua", "thiduakhenthuong", "mattran", "mattrantoquoc", "mttq", "anhyeuem")
"""Common in Việt Nam or in the trade, and not in zxcvbn's lists."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_UNKNOWN = _HASHER.hash(secrets.token_hex(8))
"""Compared with the password of an unknown account, so that the answer takes the same time."""

_Result = TypeVar("_Result")


class BusyError(AwayError):
    """The queue is full: more passwords wait to be checked than can be checked soon."""

    def __init__(self) -> None:
        super().__init__("logins_busy")


class PasswordWork:
    """A thread of its own for work on passwords, with at most `most` pieces waiting.

    The event loop and the threads for everything else stay free. argon2 lets go of the interpreter while it computes.
    """

    def __init__(self, most: int = 40, threads: int = 1) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._most, self._waiting = most, 0

    async def run(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        """Do one piece of work.

        Raises:
            BusyError: so many pieces wait already.
        """
        if self._waiting >= self._most:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1


PASSWORD_WORK = PasswordWork()


def hash_password(password: str, own: Iterable[str] = ()) -> str:
    """Return the argon2id hash of a new password. `own`: the person's names, id, unit, addresses.

    Raises:
        InputError: `password_too_short`, `password_too_long`, `unstorable_text`, `password_common` or
            `password_own_name`.
    """
    plain = normalized(password)
    if len(plain) < SHORTEST_PASSWORD:
        raise InputError("password_too_short", least=SHORTEST_PASSWORD)
    if len(plain) > LONGEST_PASSWORD:
        raise InputError("password_too_long", most=LONGEST_PASSWORD)
    if _unencodable(plain):
        raise InputError("unstorable_text", where="")
    words = {word for text in own for word in _words(text)}
    if _is_ones_own(plain, words):
        raise InputError("password_own_name")
    if _is_common(plain, words):
        raise InputError("password_common")
    return _HASHER.hash(plain)


def password_matches(stored: str | None, password: str) -> bool:
    """Compare a password with its stored hash. Takes the same time for an unknown account, whose hash is None."""
    plain = normalized(password)
    if len(plain) > LONGEST_PASSWORD or _unencodable(plain):
        return False
    try:
        return _HASHER.verify(stored or _UNKNOWN, plain) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def normalized(password: str) -> str:
    """Return a password in NFC: keyboards send "ế" as one, two or three characters (NIST SP 800-63B, 3.1.1.2)."""
    if len(password) > LONGEST_PASSWORD * 4:  # no letter needs more in NFD: it is too long in NFC, too
        return password
    return unicodedata.normalize("NFC", password)


def _unencodable(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _plain_letters(text: str) -> str:
    """Return letters and digits without case and diacritics."""
    apart = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in apart if letter.isalnum())


def _words(text: str) -> set[str]:
    """Return the words of a name or an address, and all of it as one word; words of one letter are left out."""
    parts = [_plain_letters(part) for part in re.split(r"[\s@._\-]+", text)]
    return {word for word in (*parts, "".join(parts), _plain_letters(text)) if len(word) > 1}


def _is_ones_own(password: str, words: set[str]) -> bool:
    """Return True when little is left of a password without the words that belong to the person."""
    rest = _plain_letters(password)
    if not any(word in rest for word in words):
        return False
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, " ")
    return len(rest.replace(" ", "")) < LEAST_OF_ONES_OWN


def _is_common(password: str, words: set[str]) -> bool:
    # Loaded at the first new password: its lists take 0.15 s and some megabytes.
    from zxcvbn import zxcvbn  # noqa: PLC0415 - as said above

    found = zxcvbn(password[:JUDGED_CHARACTERS], user_inputs=[*_COMMON_HERE, *sorted(words)])
    return bool(found["score"] <= COMMON_SCORE)
