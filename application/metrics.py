"""Serves the metrics of a process to Prometheus, on a port of their own: ours, and those of Temporal's client.

What is counted stands beside the code that does it (`thidua_…`). `THIDUA_METRICS_HOST` is the address to listen on, or
a name of it, by default loopback: figures say how much is done, and when, so they are not for everybody.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from urllib.error import URLError

from prometheus_client import REGISTRY, Gauge, Metric, start_http_server
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from errors import InputError

HOST = "THIDUA_METRICS_HOST"
ANSWER_S = 2.0
"""Deadline of the metrics of Temporal's client, which the same process serves."""

_INFO = Gauge("thidua_build_info", "Always 1: the version of the program", ("version",))


def program_version() -> str:
    """The version of the program; "?" where it runs from files that are not installed."""
    try:
        return version("thidua")
    except PackageNotFoundError:
        return "?"


@contextmanager
def served(env: Mapping[str, str], port: int | None, client_port: int | None = None) -> Iterator[None]:
    """Serve the metrics while the context lasts; without a port, nothing is served.

    `client_port` is where Temporal's client serves its own, on loopback; they are served among ours.

    Raises:
        InputError: `metrics_port_taken`.
    """
    if port is None:
        yield
        return
    _INFO.labels(program_version()).set(1)
    host = env.get(HOST) or "127.0.0.1"
    try:
        server, thread = start_http_server(port, addr=host)
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise InputError("metrics_port_taken", host=host, port=port, problem=problem) from None
    of_client = None if client_port is None else _OfClient(client_port)
    if of_client is not None:
        REGISTRY.register(of_client)
    try:
        yield
    finally:
        if of_client is not None:
            REGISTRY.unregister(of_client)
        server.shutdown()
        server.server_close()
        thread.join()


class _OfClient(Collector):
    """The metrics that Temporal's client serves."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    def describe(self) -> Iterable[Metric]:
        """Names are not known before: the registry need not ask for them."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Ask the client; where it does not answer, ours are served without."""
        try:
            with urllib.request.urlopen(self._url, timeout=ANSWER_S) as answer:  # noqa: S310 - an address of ours
                text = answer.read().decode()
        except (URLError, OSError):
            return ()
        return text_string_to_metric_families(text)
