"""Who may call the activities of the ledger: workflows of ours, run by this worker, for a stream of theirs.

Every client of the Temporal server can schedule normal activities, from workflows of its own or from none. A local
activity is different: the worker that runs the workflow's code runs it, so what calls is code of ours. What such a
client still can choose is the name under which our code runs.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from errors import CodedError, Kind
from ledger.connection import may_pass
from ledger.protocol import LedgerError
from workflows.messages import FAILED, may_ask, not_ours, stream_of

log = structlog.get_logger()

Work = TypeVar("Work", bound=Callable[..., Awaitable[Any]])


def check_caller(installation: str, *streams: str) -> None:
    """Check that a workflow of ours calls, and that it may ask for these streams.

    Raises:
        ApplicationError: `NotOurs`, with the code `not_local`.
    """
    info = activity.info()
    type_, id_ = info.workflow_type or "", info.workflow_id or ""
    if (
        not info.is_local
        or stream_of(type_, id_) is None
        or not all(may_ask(type_, id_, stream, installation) for stream in streams)
    ):
        raise not_ours("not_local")


def told_once(work: Work) -> Work:
    """Tell the workflow of an error of our own making, in place of trying the same again and again.

    What is only away is worth another try. Any other error comes again, and everybody who waits for the stream would
    wait for it.
    """

    @functools.wraps(work)
    async def wrapped(*args: Any) -> Any:
        try:
            return await work(*args)
        except ApplicationError:
            raise
        except Exception as error:
            if may_pass(error) or (isinstance(error, CodedError) and _is_away(error)):
                raise
            log.exception("failed", activity=activity.info().activity_type)
            name = type(error).__name__
            raise ApplicationError(name, name, {}, type=FAILED, non_retryable=True) from error

    return wrapped  # type: ignore[return-value]


def _is_away(error: CodedError) -> bool:
    return error.kind in {Kind.AWAY, Kind.PENDING} or (isinstance(error, LedgerError) and error.code == "ledger_closed")
