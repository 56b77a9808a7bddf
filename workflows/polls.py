"""Whether a Temporal server answers, and what it knows of the workers that poll it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from workflows.messages import TASK_QUEUE

ANSWER_S = 5.0


async def last_polls(client: Client, queue: str = TASK_QUEUE) -> dict[str, float]:
    """Return how many seconds ago each worker of a queue last polled, by its identity.

    Raises:
        RPCError: Temporal does not answer.
        RuntimeError: a lazy client cannot connect.
    """
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    answer = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=ANSWER_S))
    now = datetime.now(UTC)
    return {
        poller.identity: max(0.0, (now - poller.last_access_time.ToDatetime(UTC)).total_seconds())
        for poller in answer.pollers
    }


async def server_answers(client: Client, patience_s: float = ANSWER_S) -> bool:
    """Whether the server answers within so many seconds; nothing is entered by it."""
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=patience_s))
    except (RPCError, RuntimeError):
        return False
