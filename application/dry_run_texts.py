"""A text store for dry runs: a command that is refused leaves no text behind."""

from __future__ import annotations

from vault.texts import Texts, salted_digest


class DryRunTexts:
    """Returns digests without storing texts. Texts that are not stored yet get a throw-away digest."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.used = False
        """Whether a digest was asked for."""

    async def put(self, body: str, /) -> str:
        """Return the digest of a text, without storing it."""
        self.used = True
        return await self._texts.digest_of(body) or salted_digest(b"", body)
