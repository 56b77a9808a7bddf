"""Accounts on PostgreSQL, without pages: the log of their administration, passwords, codes, invitations, attempts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest
from conftest import NewInstallation

from accounts.log import OPERATOR, AccountLog, By, Change, Door, note
from ledger.connection import Pool, open_pool


@pytest.fixture
async def web(new_installation: NewInstallation) -> AsyncIterator[Pool]:
    """Connections of the web's role to a database of this test's own."""
    endpoints, _installed, _paths = await new_installation()
    pool = await open_pool(endpoints.web_url)
    yield pool
    await pool.close()


async def test_the_log_of_accounts_is_append_only_and_its_time_is_the_databases(web: Pool) -> None:
    await note(web, Change.MADE, "an", OPERATOR, kind="auditor", administrator=False, until=date(2026, 12, 31))
    await note(web, Change.CONTACT_CHANGED, "an", By("thu-ky"), fields="email,phone")
    await note(web, Change.PASSWORD_CHOSEN, "binh", By(None, Door.LINK))
    log = AccountLog(web)
    assert [(one.change, one.person, one.by, dict(one.facts)) for one in await log.page(1)] == [
        ("password-chosen", "binh", By(None, Door.LINK), {}),
        ("contact-changed", "an", By("thu-ky", Door.PAGES), {"fields": "email,phone"}),
        ("made", "an", OPERATOR, {"kind": "auditor", "administrator": "no", "until": "2026-12-31"}),
    ]
    assert [await log.count(person) for person in ("", "thu-ky", "binh")] == [3, 1, 1]
    assert await log.page(2) == ()
    for forbidden in (
        "update accounts.log set person = 'binh'",
        "delete from accounts.log",
        "truncate accounts.log",
        "insert into accounts.log (at, change, person, door) values ('2020-01-01', 'made', 'an', 'pages')",
        "insert into accounts.log (number, change, person, door) overriding system value values (1, 'x', 'x', 'pages')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await web.execute(forbidden)
    assert await log.count() == 3
