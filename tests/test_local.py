"""The servers of one machine: what happens when another process takes a port in between."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import places

from local import process
from local.postgres import PostgresServer
from local.process import EngineUnavailableError, free_ports
from local.temporal import TemporalServer, start_temporal


@contextmanager
def somebody_elses_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_ports(1)[0]))
        taken.listen()
        yield taken.getsockname()[1]


def at_first(port: int, place: int = 0) -> Callable[[int], list[int]]:
    """Ports of which one is taken, the first time; free ones afterwards."""
    calls = 0

    def ports(count: int) -> list[int]:
        nonlocal calls
        calls += 1
        found = free_ports(count)
        if calls == 1:
            found[place] = port
        return found

    return ports


def test_postgresql_starts_elsewhere_when_its_port_was_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = PostgresServer(folder / "taken", places().cache, folder / "taken.log")
    with somebody_elses_port() as port:
        monkeypatch.setattr(process, "free_ports", at_first(port))
        try:
            assert server.start().port != port
        finally:
            server.stop()
        monkeypatch.setattr(process, "free_ports", at_first(port))
        monkeypatch.setattr(process, "TRIES", 1)
        with pytest.raises(EngineUnavailableError, match="server_ended"):
            server.start()


@pytest.mark.parametrize("place", [0, 1, -1], ids=["frontend", "membership", "http"])
async def test_temporal_starts_elsewhere_when_a_port_was_taken(
    folder: Path, temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    assert temporal.how == "built"
    where = folder / f"taken-temporal-{place}"
    where.mkdir()
    postgres = PostgresServer(where / "postgresql", places().cache, where / "postgresql.log").start()
    said: list[str] = []
    try:
        with somebody_elses_port() as port:
            # PostgreSQL runs already; the next ports are for Temporal.
            monkeypatch.setattr(process, "free_ports", at_first(port, place))
            server = await start_temporal(postgres, places().cache, where, where, said.append)
            assert server.how == "built"
            await server.stop()
            log = (where / "temporal.log").read_text()
            assert "address already in use" in log, "the first try met the taken port"
    finally:
        postgres.stop()
