"""Which streams a workflow decides, and which of them are open: what the engine must keep running."""

from __future__ import annotations

from domain.cycle import CYCLE
from domain.streams import is_cycle, is_decided
from ledger.connection import DATABASE_ERRORS
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import load_all

_STREAMS = """
    select first.stream, b.filed, b.position is not distinct from tip.position as is_known
    from (select stream from ledger.event where version = 1) first
    cross join lateral (
        select position from ledger.event where stream = first.stream order by version desc limit 1
    ) tip
    left join projections.board b on b.stream = first.stream
    order by first.stream
"""


async def decided_streams(ledger: PostgresLedger) -> dict[str, bool]:
    """Return every stream that a workflow decides, and whether it is open. Of these, only a filed cycle is not.

    The board knows which cycles are filed. A cycle whose line is behind its last event, or missing, is folded here.
    """
    rows = await ledger.pool.fetch(_STREAMS)
    found: dict[str, bool] = {}
    for stream, filed, is_known in rows:
        if is_decided(stream):
            found[stream] = not is_cycle(stream) or (not filed if is_known else await _is_open(ledger, stream))
    return found


async def _is_open(ledger: PostgresLedger, stream: str) -> bool:
    try:
        state = CYCLE.fold(to_envelope(row) for row in await load_all(ledger, stream))
    except DATABASE_ERRORS:
        raise
    except Exception:  # noqa: BLE001 - a stream that cannot be folded: its own workflow says why
        return True
    return state.lifecycle.filed is None
