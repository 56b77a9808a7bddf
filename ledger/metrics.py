"""What the ledger counts of its appends, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from prometheus_client import Counter, Histogram

from errors import CodedError

_APPENDS = Counter("thidua_appends", "Requests to append to the ledger, by what became of them", ("outcome",))
_EVENTS = Counter("thidua_events_appended", "Events that this process has appended to the ledger")
_SECONDS = Histogram(
    "thidua_append_seconds",
    "Time from a request to append to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 20),
)
_tracer = trace.get_tracer("thidua.ledger")


@dataclass(slots=True)
class AppendOutcome:
    """What becomes of an append: "appended", "known", "behind", or the code of its error."""

    name: str = "failed"
    events: int = 0


@contextmanager
def counted_append() -> Iterator[AppendOutcome]:
    """Count an append and its time, and trace it. The context names the outcome; an error's code is one."""
    outcome, begun = AppendOutcome(), time.perf_counter()
    with _tracer.start_as_current_span("append", record_exception=False, set_status_on_exception=False) as span:
        try:
            yield outcome
        except CodedError as error:
            outcome.name = error.code
            raise
        finally:
            _APPENDS.labels(outcome.name).inc()
            _EVENTS.inc(outcome.events)
            _SECONDS.observe(time.perf_counter() - begun)
            span.set_attributes({"thidua.outcome": outcome.name, "thidua.events": outcome.events})
