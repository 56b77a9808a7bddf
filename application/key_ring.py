"""The keys of the installation as its stream names them now, for processes that run while keys come and go."""

from __future__ import annotations

from domain import installation
from domain.codec import UnknownEventError
from domain.installation import KeyHolder, Keyring, KeyRole
from domain.records import Event
from errors import AwayError
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, UnreadableRowError, load_all
from ledger.signing import Keys


class OwnKeyError(AwayError):
    """The key with which this process signs is not accepted: `own_key_retired`, `own_key_unknown`.

    Its sentence names the command that gives the process another one. Visitors of pages are told `web_key_…` instead.
    """


def event_of(row: RecordedEvent) -> Event:
    """Return the event of a row of the installation's stream.

    Raises:
        UnreadableRowError: the row was changed, or a newer version wrote it.
    """
    try:
        return to_envelope(row).event
    except UnknownEventError:
        raise UnreadableRowError("row_unknown", cycle=row.stream, position=row.position, type=row.type) from None
    except ValueError:
        raise UnreadableRowError("row_unreadable", cycle=row.stream, position=row.position) from None


class KeyRing:
    """The keys of a ledger. It keeps what it read; `refresh` asks for what came since."""

    def __init__(self, ledger: Ledger, installation_id: str, epoch: int) -> None:
        self._ledger, self._known = ledger, dict[str, installation.NamedKey]()
        self._keys = Keys(installation_id, epoch, {})

    @property
    def latest(self) -> Keys:
        """The keys that were read last; none before the first time. It waits for nothing."""
        return self._keys

    async def current(self) -> Keys:
        """Return the keys that were read last. `ledger.append` notices when they are not the newest."""
        return self._keys if self._keys.version else await self.refresh()

    async def refresh(self) -> Keys:
        """Return the keys that the ledger names now."""
        version = self._keys.version
        known: Keyring = self._known
        for row in await load_all(self._ledger, installation.STREAM, version):
            known, version = installation.evolve(known, event_of(row)), row.version
        if version > self._keys.version:  # another task may have read more meanwhile
            self._known = dict(known)
            self._keys = Keys(self._keys.installation, self._keys.epoch, self._known, version)
        return self._keys

    async def known(self) -> Keyring:
        """Return all keys as the ledger names them now."""
        await self.refresh()
        return self._known

    async def check_own(self, key: str, public: bytes, role: KeyRole, holder: KeyHolder | str) -> None:
        """Check that a key of this process is accepted now. `holder` is what `thidua key add` calls it.

        Raises:
            OwnKeyError
        """
        named = (await self.known()).get(key)
        if named is None or named.public != public or named.role is not role:
            raise OwnKeyError("own_key_unknown", key=key, holder=str(holder))
        if named.retired:
            raise OwnKeyError("own_key_retired", key=key, holder=str(holder))
