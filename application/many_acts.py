"""Many commands at once, each for itself: one that is refused holds up no other, and each has an answer.

All of them pass the gate as single commands do. Sent again with the same ids, nothing is entered twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from application.application import STREAMS_AT_ONCE, Application, CommandInput
from application.engine import RefusedError
from application.gate import Submitter
from errors import CodedError
from ledger.signing import BatchItem


async def submit_lines(
    application: Application, submitter: Submitter, inputs: Sequence[CommandInput]
) -> list[CodedError | None]:
    """Submit commands, to one cycle or many. Returns for each of them why it was not entered; None where it was.

    The commands of a cycle go together; where one is refused, which takes back the whole batch, each goes alone.
    """
    outcome: list[CodedError | None] = [None] * len(inputs)
    items: dict[str, list[tuple[int, BatchItem]]] = {}
    for index, one in enumerate(inputs):
        try:
            await application.gate.check(submitter, [one])
            items.setdefault(one.stream, []).append((index, await application.item(one)))
        except CodedError as error:
            outcome[index] = error
    slots = asyncio.Semaphore(STREAMS_AT_ONCE)

    async def of_stream(stream: str, numbered: Sequence[tuple[int, BatchItem]]) -> None:
        async with slots:
            errors = await _entered(application, submitter, stream, [item for _index, item in numbered])
            for (index, _item), error in zip(numbered, errors, strict=True):
                outcome[index] = error

    await asyncio.gather(*(of_stream(stream, numbered) for stream, numbered in items.items()))
    return outcome


async def _entered(
    application: Application, submitter: Submitter, stream: str, items: Sequence[BatchItem]
) -> list[CodedError | None]:
    error = await _submit(application, submitter, stream, items)
    if not isinstance(error, RefusedError) or len(items) == 1:
        return [error] * len(items)
    return [await _submit(application, submitter, stream, [item]) for item in items]


async def _submit(
    application: Application, submitter: Submitter, stream: str, items: Sequence[BatchItem]
) -> CodedError | None:
    try:
        await application.submit_items(stream, submitter, items)
    except CodedError as error:
        return error
    return None
