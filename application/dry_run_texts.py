"""Texts that are only tried, so that what is refused leaves nothing behind."""

from __future__ import annotations

from vault.texts import Texts, salted_digest


class DryRunTexts:
    """Texts that are only tried: nothing is stored; of a text that nobody has stored, the digest is nobody's."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.met = False
        """Whether there was a text at all."""

    async def put(self, body: str, /) -> str:
        """Take a text and return its digest."""
        self.met = True
        return await self._texts.digest_of(body) or salted_digest(b"", body)
