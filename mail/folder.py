"""Writes messages as .eml files into a folder: the default, so that nothing is mailed until a server is set."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

from mail import MailServerAwayError
from mail.messages import raw


class FolderMailer:
    """Writes each message once: the file's name is a digest of the message id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        name = sha256(str(message["Message-ID"]).encode()).hexdigest()[:24]
        await asyncio.to_thread(self._write, name, raw(message))

    def _write(self, name: str, content: bytes) -> None:
        try:
            # Messages contain names and addresses: only the owner may read them.
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._folder / f".{name}.new"
            draft.touch(mode=0o600)
            draft.write_bytes(content)
            draft.rename(self._folder / f"{name}.eml")
        except OSError as error:
            raise MailServerAwayError(str(error)) from error
