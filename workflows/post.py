"""The workflow of the post: one for each installation; it runs one delivery round after another."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

ROUNDS_PER_RUN = 300
WORKFLOW_ID = "post"

SILENCE = timedelta(seconds=60)
"""A worker that is silent for so long is taken for dead, and another one goes on."""

RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Post")
class Post:
    """Runs the activity that reads new events and sends their notices, without end."""

    @workflow.run
    async def run(self) -> None:
        """Run delivery rounds, then continue as new."""
        for _ in range(ROUNDS_PER_RUN):
            await workflow.execute_activity(
                "deliver",
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=SILENCE,
                retry_policy=RETRY,
            )
        workflow.continue_as_new()
