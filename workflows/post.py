"""The post: one workflow for the installation, delivering round after round."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

ROUNDS_PER_RUN = 300
WORKFLOW_ID = "post"


@workflow.defn(name="Post")
class Post:
    """Reads the ledger by position, tells people, and goes on for ever."""

    @workflow.run
    async def run(self) -> None:
        """Deliver until it is time to continue as new."""
        for _ in range(ROUNDS_PER_RUN):
            await workflow.execute_activity(
                "deliver",
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=timedelta(seconds=60),
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
            )
        workflow.continue_as_new()
