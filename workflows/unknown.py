"""The workflow of every type that there is not: it ends at once.

Without it, Temporal would try the first task of such a workflow again for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from workflows.messages import not_ours


@workflow.defn(dynamic=True)
class Unknown:
    """A stranger who reaches the Temporal server can start workflows on our task queue."""

    @workflow.run
    async def run(self, _arguments: Sequence[RawValue]) -> None:
        """End.

        Raises:
            ApplicationError: `NotOurs`.
        """
        raise not_ours()
