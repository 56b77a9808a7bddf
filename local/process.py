"""Child servers: started on a leash, logged to a file, awaited with a deadline, stopped by their own id."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
POLL_S = 0.05
PORTS = (20_000, 32_000)
TRIES = 3
"""How often a server is started on other ports, when another took one of its ports in between."""


class EngineUnavailableError(Exception):
    """A server could not be started or reached. The text is a code for the catalogue; `facts` fill it."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


@dataclass(slots=True)
class Server:
    """One running child process. `spawn` starts it again as it was; `stopped` says that its end was wanted."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals
    spawn: Callable[[], subprocess.Popen[bytes]]
    stopped: bool = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def stop(self) -> None:
        """Ask it to end, wait, and insist when it does not. Stopping twice is no error."""
        self.stopped = True
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def revive(self) -> bool:
        """Start it again if it ended without being asked to; True when that was so."""
        if self.stopped or self.process.poll() is None:
            return False
        self.process = self.spawn()
        return True


def start_server(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Server:
    """Start `command` so that it cannot outlive this process."""
    launcher = Path(__file__).with_name("parent_death_exec.py")
    log.parent.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, "-I", "-S", str(launcher), str(int(stop_signal)), str(os.getpid()), user or "", *command]

    def spawn() -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                program,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd="/",
                # Ctrl-C in the terminal goes to whoever composes the engine, who stops servers in order.
                start_new_session=True,
            )

    return Server(name, spawn(), log, stop_signal, spawn)


def wait_until(ready: Callable[[], bool], server: Server, deadline_s: float = START_DEADLINE_S) -> None:
    """Poll `ready` until it is true.

    Raises:
        EngineUnavailableError: the process ended, or the deadline passed; facts name the log file.
    """
    end = time.monotonic() + deadline_s
    while not ready() or server.process.poll() is not None:
        if server.process.poll() is not None:
            raise EngineUnavailableError("server_ended", name=server.name, log=str(server.log))
        if time.monotonic() > end:
            server.stop()
            raise EngineUnavailableError("server_slow", name=server.name, log=str(server.log), seconds=deadline_s)
        time.sleep(POLL_S)


def on_free_ports(count: int, start: Callable[[list[int]], T]) -> T:
    """Start a server on free ports; on others, when it ended by itself: two that start at once can find the same ones.

    Raises:
        EngineUnavailableError: it ended on every try, or failed otherwise.
    """
    for _ in range(TRIES - 1):
        try:
            return start(free_ports(count))
        except EngineUnavailableError as error:
            if error.args[0] != "server_ended":
                raise
    return start(free_ports(count))


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    """True when something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports nobody listened on a moment ago, all different.

    Below 32768, because Temporal keeps a port in a 16-bit signed column, and because the kernel gives the
    ports above to outgoing connections, which could take one before our server does.
    """
    found: list[int] = []
    for port in random.sample(range(*PORTS), k=PORTS[1] - PORTS[0]):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise EngineUnavailableError("no_free_port", first=PORTS[0], last=PORTS[1])
