"""Who may come in, and how it is known that they are who they say: accounts, logins, tokens, invitations.

Beside the ledger and erasable, like the book of persons that it refers to. What somebody may do once inside is not
told here: rights are the domain's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Kind = Literal["secretariat", "staff", "auditor"]
Scope = Literal["read", "act", "sign"]
"""What a personal token is good for: reading; also acting; also acts that sign or publish."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may come in. `password` and `totp` say only whether they are set."""

    person: str
    kind: Kind
    administrator: bool
    password: bool
    totp: bool
    language: str
    digest: str
    until: date | None
    disabled: bool

    def open_on(self, day: date) -> bool:
        """True when it opens anything on that day."""
        return not self.disabled and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Login:
    """One login: whose, how strongly known, how far the ledger must have been read for this person's own acts."""

    account: Account
    strength: str
    position: int
    stands_in_for: str | None
    made_at: datetime
