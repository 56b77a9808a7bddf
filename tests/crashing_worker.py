"""A worker that is killed after a commit and before its answer: what a power cut does at the worst moment.

THIDUA_CRASH is the probability for each append. It is run as a process; the test restarts it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import Any

import worker
from ledger.postgres import PostgresLedger

_append = PostgresLedger.append
_odds = float(os.environ.get("THIDUA_CRASH", "0.5"))


async def _append_and_die(self: PostgresLedger, request: Any) -> Any:
    answer = await _append(self, request)
    if request.parts[0].stream != "post" and random.random() < _odds:  # noqa: S311 - a moment, no secret
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


PostgresLedger.append = _append_and_die  # type: ignore[method-assign]
asyncio.run(worker.main())
