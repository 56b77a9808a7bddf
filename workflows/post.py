"""The workflow of the post: one for each installation; it runs one delivery round after another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from workflows.messages import not_ours
    from workflows.stream import MEMO

ROUNDS_PER_RUN = 300
PAUSE = timedelta(seconds=30)
"""How long it waits after an activity that is not tried again."""

WORKFLOW_ID = "post"

SILENCE = timedelta(seconds=60)
"""A worker that is silent for so long is taken for dead, and another one goes on."""

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Post")
class Post:
    """Runs the activity that reads new events and sends their notices, without end."""

    @workflow.run
    async def run(self) -> None:
        """Run delivery rounds, then continue as new.

        Raises:
            ApplicationError: `NotOurs`: it has another id. See `StreamWorkflow.main_loop`.
        """
        if workflow.info().workflow_id != WORKFLOW_ID:
            raise not_ours()
        for _ in range(ROUNDS_PER_RUN):
            await self._round()
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(memo=MEMO)

    async def _round(self) -> None:
        try:
            await workflow.execute_activity(
                "deliver",
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=SILENCE,
                retry_policy=RETRY,
            )
        except ActivityError as error:
            # Nothing of ours says that a round is not to be repeated; a stranger who reaches the server can.
            if is_cancelled_exception(error):
                raise
            await workflow.sleep(PAUSE)

    @workflow.signal(dynamic=True)
    def drop(self, _name: str, _arguments: Sequence[RawValue]) -> None:
        """Drop every signal: none is sent by us, and the run would keep them all."""
