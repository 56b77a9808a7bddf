"""The ledger's first event, for `local.engine`, which knows no domain."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from activities.telling import draft_of
from domain.installation import STREAM, InstallationFounded
from domain.kernel import Meta, Provenance, Told, When
from eventstore.envelope import Draft
from local.installation import Installation


def founding(installed: Installation) -> Draft:
    """Name the installation and its entry key."""
    event = InstallationFounded(
        installation=installed.id, epoch=1, key=installed.key, public_key=installed.public_key,
        rehearsal=installed.rehearsal,
    )  # fmt: skip
    meta = Meta(
        version=1, actor="installation", unit="", happened=When.at(datetime.now(UTC)),
        provenance=Provenance(kind="stated"), command_id=uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}"),
    )  # fmt: skip
    return draft_of(Told(event, meta), None)
