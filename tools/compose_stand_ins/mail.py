#!/usr/bin/python3
"""Takes every mail on port 1025, and answers on port 8025 with those that came. `readyz` asks whether it does."""

from __future__ import annotations

import asyncio
import sys
import urllib.request

mails: list[str] = []


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One SMTP session."""
    writer.write(b"220 mail\r\n")
    while line := await reader.readline():
        word = line[:4].upper().strip()
        if word == b"DATA":
            writer.write(b"354 go on\r\n")
            text = await reader.readuntil(b"\r\n.\r\n")
            mails.append(text.decode(errors="replace"))
        writer.write(b"250 ok\r\n" if word != b"QUIT" else b"221 bye\r\n")
        if word == b"QUIT":
            break
    writer.close()


async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request: all mails as text."""
    await reader.readline()
    body = "\n".join(mails).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def main() -> None:
    """Serve both ports until the end."""
    servers = [await asyncio.start_server(take, "0.0.0.0", 1025), await asyncio.start_server(show, "0.0.0.0", 8025)]  # noqa: S104 - in a container
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    if sys.argv[1:] == ["readyz"]:
        urllib.request.urlopen("http://127.0.0.1:8025/", timeout=2).read()
    else:
        asyncio.run(main())
