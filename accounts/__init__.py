"""Accounts and authentication: passwords, logins, tokens, invitations, and what people keep beside their account.

All of it is outside the ledger and can be erased, like the persons it refers to. What a person may do is decided by the
domain, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from domain.administration import AccountKind
from domain.strengths import Strength

Kind = AccountKind
Scope = Literal["read", "act", "sign"]
"""What a personal token allows: reading; acts as well; acts that sign or publish as well."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account. `password` and `totp` are True when they are set."""

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
        """Return True when the account is valid on that day."""
        return not self.disabled and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Before:
    """What came before a login: the last login (None: there was none), and the failed attempts since then."""

    last_login: datetime | None = None
    failed_passwords: int = 0
    failed_codes: int = 0

    @property
    def failed(self) -> bool:
        """Return True when there is something to warn of."""
        return bool(self.failed_passwords or self.failed_codes)


@dataclass(frozen=True, slots=True)
class Login:
    """A login. `strength` says how the person was authenticated.

    `position` is the ledger's position of the person's last own event: pages wait until projections have reached it.
    """

    account: Account
    strength: Strength
    position: int
    stands_in_for: str | None
    made_at: datetime
    before: Before = Before()
