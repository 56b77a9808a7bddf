"""The worker's answer to the question whether it works: an HTTP port on loopback, served by its own event loop.

It says yes while the loop runs and Temporal has seen this worker poll. When Temporal cannot be asked it says nothing of
the worker, so the answer stays as it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SILENT_S = 180.0
"""A worker that Temporal has not seen poll for so long does not poll: a poll lasts a minute at most."""


class Heartbeat:
    """When the worker was last known to poll."""

    def __init__(self, silent_s: float = SILENT_S) -> None:
        self._silent_s, self._polled_at = silent_s, time.monotonic()

    def polled(self, seconds_ago: float) -> None:
        """Note that Temporal has seen a poll so long ago."""
        self._polled_at = max(self._polled_at, time.monotonic() - seconds_ago)

    @property
    def polls(self) -> bool:
        """Whether the worker polls, as far as is known."""
        return time.monotonic() - self._polled_at < self._silent_s

    def not_asked(self) -> None:
        """Note that Temporal could not be asked: nothing is known of the time since."""
        self._polled_at = time.monotonic()

    @asynccontextmanager
    async def served(self, port: int) -> AsyncIterator[None]:
        """Answer on a port on loopback while the context lasts.

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._answer, "127.0.0.1", port)
        try:
            yield
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readline()
            status, text = ("200 OK", "ok\n") if self.polls else ("503 Service Unavailable", "does not poll\n")
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
            )
            await writer.drain()
        except OSError:
            pass  # the asker has gone
        finally:
            writer.close()
