"""Whether the parts of the engine answer: each has a cheap question of its own. That a process lives proves nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ssl import SSLContext

from ledger.connection import DATABASE_ERRORS, is_starting, open_connection

ANSWER_S = 5.0
"""A part that says nothing for so long has missed a question."""

log = logging.getLogger(__name__)
"""Writes to standard error: commands that ask print their result on standard output."""

Question = Callable[[], Awaitable[bool]]

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS_FRAME = 4


async def answers(question: Question, seconds: float = ANSWER_S) -> bool:
    """Whether a question is answered with yes within the deadline. Whatever else happens is no answer."""
    try:
        async with asyncio.timeout(seconds):
            return await question()
    except (OSError, asyncio.IncompleteReadError):  # a TimeoutError is an OSError
        return False
    except Exception:
        # A process can answer anything, such as a line without an end. That must not end the supervisor.
        log.warning("a question failed", exc_info=True)
        return False


def host_and_port(address: str) -> tuple[str, int]:
    """The host, an IPv6 address without its brackets, and the port of "host:port"."""
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


async def database_answers(url: str, *, while_starting: bool = True) -> bool:
    """Whether PostgreSQL opens a connection and answers a statement on it.

    One that is starting answers, too, for it does not hang: unless asked for one that can be used.
    """
    try:
        connection = await open_connection(url, timeout=ANSWER_S)
    except DATABASE_ERRORS as error:
        return while_starting and is_starting(error)
    try:
        return bool(await connection.fetchval("select 1") == 1)
    except DATABASE_ERRORS:
        return False
    finally:
        connection.terminate()


async def grpc_answers(address: str, tls: SSLContext | None = None, name: str | None = None) -> bool:
    """Whether a gRPC server, such as Temporal's, greets: HTTP/2 begins with a frame of settings from each side.

    With `tls`, its certificate must be made out to `name`, or else to the host of its address.
    """
    reader, writer = await _opened(address, tls, name)
    try:
        writer.write(_HTTP2_PREFACE + _EMPTY_SETTINGS)
        await writer.drain()
        frame = await reader.readexactly(len(_EMPTY_SETTINGS))
    finally:
        await _closed(writer)
    return frame[3] == _SETTINGS_FRAME


async def http_answers(address: str, path: str = "/healthz") -> bool:
    """Whether a process says over HTTP that it is well. Its event loop runs then."""
    reader, writer = await _opened(address)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        status = await reader.readline()
    finally:
        await _closed(writer)
    return status.split(b" ")[1:2] == [b"200"]


async def _opened(
    address: str, tls: SSLContext | None = None, name: str | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = host_and_port(address)
    return await asyncio.open_connection(host, port, ssl=tls, server_hostname=(name or host) if tls else None)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
