"""What an operator watches of the accounts' tables: the post's queue, failed logins, how far they follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Pool


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """Counts and times, without persons.

    Notices wait until their mail is sent or has failed; `mails_deferred` wait for another try, because their recipient
    was refused. `overdue_since`: since when the post should have taken the first that it has not.
    `failed_logins` in the last quarter of an hour. `followed`: the version of the installation's stream that the tables
    show.
    """

    notices_waiting: int
    mails_deferred: int
    overdue_since: datetime | None
    failed_logins: int
    followed: int


async def account_figures(pool: Pool) -> AccountFigures:
    """Return the figures of now, as `thidua_app` or `thidua_web`."""
    (row,) = await pool.fetch("select * from accounts.figures")
    return AccountFigures(**row)
