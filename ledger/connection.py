"""How connections to PostgreSQL are opened, which of its errors mean what, and the numbers of our locks.

Only a server that cannot be reached, or has gone away, is worth another try. A full disk, a text that PostgreSQL
cannot store, and a wrong statement of ours come as errors of the same classes, so they are told apart here.
"""

from __future__ import annotations

import errno
import re
import socket
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

STATEMENT_TIMEOUT_MS = 15_000
"""After this the server ends a statement, and says so (57014)."""

ANSWER_TIMEOUT_S = 20
"""Longer than the server's own limit: a server that has said nothing by then is gone."""

CONNECT_TIMEOUT_S = 5
POOL_CONNECTIONS = 8

LOCK_CLASS = 7163
"""First key of every advisory lock of this program. The second keys follow; 1 is taken by `ledger.append` itself."""

SETUP_LOCK = 2
BOARD_LOCK = 3
SEARCH_LOCK = 4
ACCOUNT_KEYS_LOCK = 5
TREE_LOCK = 6
RUNS_LOCK = 7

_SETTINGS: dict[str, Any] = {
    "timeout": CONNECT_TIMEOUT_S,
    "command_timeout": ANSWER_TIMEOUT_S,
    "server_settings": {"statement_timeout": str(STATEMENT_TIMEOUT_MS), "application_name": "thidua"},
}
"""Of every connection but the owner's, whose set-up may take longer."""

DATABASE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Every class of error that using the database can raise, whatever it means."""

_LOST_SQLSTATES = (
    "08",  # connection exception
    "28",  # the server takes no connection of this role
    "3D000",  # the server has no such database
    "53300",  # too many connections
    "57P",  # the server shuts down, has crashed or is starting; the database was dropped
)
_OVERLOADED_SQLSTATES = (
    "40001",  # could not be serialised
    "40P01",  # deadlock
    "55P03",  # a lock was not available
    "57014",  # the statement took longer than its limit
)
_SHORT_SQLSTATES = (
    "53",  # insufficient resources: disk, memory, connections
    "58",  # an error of the system below the server, such as of its disk
)
_STATEMENT_SQLSTATES = (
    "22",  # a value that the type does not take
    "23",  # a constraint
    "42",  # a wrong statement, or one that the role may not use
)
_LOST_ERRNOS = {
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOTCONN,
    errno.EPIPE,
    errno.ETIMEDOUT,
}
_LOST_TEXTS = re.compile(
    # An InterfaceError: the loss was noticed before the statement began.
    r"connection is closed$"
    # An InternalClientError: the server's farewell came while the connection was idle. asyncpg expects no message
    # then and goes into state 2 (errors are skipped), in which a statement cannot begin.
    r"|another operation \(2\) is in progress$"
    r'|protocol is in the "failed" state$'
    r"|^not connected$"
)
_OWN_FAULTS = {errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC}
_DISK_FULL = {errno.EDQUOT, errno.ENOSPC}


def is_lost(error: BaseException) -> bool:
    """True when the database cannot be reached, or the connection to it was lost: trying again can help."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_LOST_SQLSTATES)
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return _LOST_TEXTS.search(str(error)) is not None
    if isinstance(error, OSError):
        lost = isinstance(error, (ConnectionError, TimeoutError, socket.gaierror))
        return lost or error.errno in _LOST_ERRNOS
    return False


def is_starting(error: BaseException) -> bool:
    """True when the server answers that it takes no connections yet, such as while it recovers after a crash."""
    return isinstance(error, asyncpg.CannotConnectNowError)


def is_login_refused(error: BaseException) -> bool:
    """True when the server knows no such role, does not let it log in, or not with this password."""
    return isinstance(error, asyncpg.InvalidAuthorizationSpecificationError)


def is_database_missing(error: BaseException) -> bool:
    """True when the server has no database of the name."""
    return isinstance(error, asyncpg.InvalidCatalogNameError)


def is_overloaded(error: BaseException) -> bool:
    """True when the server ended a statement that took too long, or one of several that waited for each other."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(_OVERLOADED_SQLSTATES)


def is_disk_full(error: BaseException) -> bool:
    """True when a file could not be written because the disk is full: the database server's, or this machine's."""
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate == asyncpg.DiskFullError.sqlstate
    return isinstance(error, OSError) and error.errno in _DISK_FULL


def may_pass(error: BaseException) -> bool:
    """True when the same request may succeed later: server or machine is away, overloaded or full.

    Of an error that is not known this is False: repeated for ever, it would keep all others waiting.
    """
    if isinstance(error, asyncpg.PostgresError):
        return is_lost(error) or is_overloaded(error) or (error.sqlstate or "").startswith(_SHORT_SQLSTATES)
    if isinstance(error, asyncpg.InterfaceError):
        # The others say how the connection is; these, that it was given a value that it cannot send.
        return not isinstance(error, ValueError) and not is_unstorable_text(error)
    return isinstance(error, (OSError, asyncpg.InternalClientError))


def is_unstorable_text(error: BaseException) -> bool:
    """True when a text holds what PostgreSQL cannot store: a NUL, or half of a surrogate pair."""
    if isinstance(error, asyncpg.PostgresError):
        return isinstance(error, (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError))
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error.__cause__, UnicodeEncodeError)


def is_of_statement(error: BaseException) -> bool:
    """True when a statement or its values are at fault: others succeed, and trying this one again does not help."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_STATEMENT_SQLSTATES)
    # asyncpg's own refusal of a statement or a value, which has not reached the server.
    return isinstance(error, asyncpg.InterfaceError) and not is_lost(error)


async def open_connection(url: str, **options: Any) -> asyncpg.Connection[Any]:
    """`asyncpg.connect`; an address that cannot be reached, whatever is wrong with it, is a `ConnectionError`.

    Raises:
        ConnectionError, TimeoutError, asyncpg.PostgresError: no connection could be had.
        OSError: this machine lacks what a connection needs, such as memory.
    """
    try:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url, **options)
    except (OSError, asyncpg.ClientConfigurationError) as error:
        # An OSError without number sums up what several addresses of a host have answered; a missing socket file
        # is a FileNotFoundError.
        if is_lost(error) or (isinstance(error, OSError) and error.errno in _OWN_FAULTS):
            raise
        raise ConnectionError(str(error)) from error
    return connection


async def connect(url: str, *, opening: Any = open_connection) -> Connection:
    """Open one connection, with a time limit for connecting and for each statement.

    `opening` opens it in place of `open_connection`, with the same arguments and errors.

    Raises:
        ConnectionError, TimeoutError, OSError, asyncpg.PostgresError: as `open_connection`.
    """
    connection: Connection = await opening(url, **_SETTINGS)
    return connection


async def open_pool(url: str, size: int = POOL_CONNECTIONS, *, opening: Any = open_connection) -> Pool:
    """Open a pool of up to `size` connections, with the same time limits. It connects when it is first used.

    `opening` opens a connection in place of `open_connection`, with the same arguments and errors.
    """
    pool: Pool = await asyncpg.create_pool(
        url, min_size=0, max_size=size, connect=opening, reset=_keep_session, **_SETTINGS
    )
    return pool


async def _keep_session(_connection: Any) -> None:
    """Replace asyncpg's reset of a returned connection, which costs a round trip: we change no session state."""
