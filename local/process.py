"""Child servers: they end with this process, log to a file, start within a deadline and are stopped by process id."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from errors import AwayError
from local.private_files import open_log

T = TypeVar("T")

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
HUNG_DEADLINE_S = 10.0
POLL_S = 0.05
PORTS = (20_000, 32_000)
TRIES = 3
"""Starts in all, each on other ports, when another process takes one of the ports in between."""


class EngineUnavailableError(AwayError):
    """A server could not be started or reached."""


@dataclass(slots=True)
class Server:
    """A running child process. `spawn` starts it again with the same settings; `stopped` is set by `stop`.

    `hung_signal` ends it when it hangs, without waiting for what it does.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals
    spawn: Callable[[], subprocess.Popen[bytes]]
    hung_signal: signal.Signals = signal.SIGKILL
    stopped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def stop(self) -> None:
        """Send the stop signal, wait, and kill the process after the deadline. May be called twice."""
        self.stopped = True
        with self._lock:  # a start that is under way is waited for
            self._stop()

    def _stop(self) -> None:
        if self.process.poll() is None:
            self._end(self.stop_signal, STOP_DEADLINE_S)
        self.process.wait()

    def _end(self, by: signal.Signals, seconds: float) -> None:
        """Send a signal, wait, and kill the process after so many seconds."""
        self.process.send_signal(by)
        self.process.send_signal(signal.SIGCONT)  # a process that was stopped takes no other signal
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether the process ended by itself."""
        return not self.stopped and self.process.poll() is not None

    def start_again(self) -> None:
        """Start the process again, unless it was stopped; one that hangs is ended first."""
        with self._lock:
            if self.stopped:
                return
            if self.process.poll() is None:
                self._end(self.hung_signal, HUNG_DEADLINE_S)
            self.process = self.spawn()


def start_server(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    hung_signal: signal.Signals = signal.SIGKILL,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Server:
    """Start `command` so that it cannot outlive this process. `user` is the system user it runs as."""
    launcher = Path(__file__).with_name("parent_death_exec.py")
    log.parent.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, "-I", "-S", str(launcher), str(int(stop_signal)), str(os.getpid()), user or "", *command]

    def spawn() -> subprocess.Popen[bytes]:
        with os.fdopen(open_log(log), "ab") as out:
            return subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                program,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd="/",
                # Ctrl-C in the terminal reaches only the parent process, which stops the servers in order.
                start_new_session=True,
            )

    return Server(name, spawn(), log, stop_signal, spawn, hung_signal)


def wait_until(ready: Callable[[], bool], server: Server, deadline_s: float = START_DEADLINE_S) -> None:
    """Poll `ready` until it returns True.

    Raises:
        EngineUnavailableError: the process ended, or the deadline passed; the facts name the log file.
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
    """Call `start` with free ports, and again with others if the server ended by itself.

    Two servers that start at the same time can find the same free ports.

    Raises:
        EngineUnavailableError: the server ended on every try, or failed in another way.
    """
    for _ in range(TRIES - 1):
        try:
            return start(free_ports(count))
        except EngineUnavailableError as error:
            if error.code != "server_ended":
                raise
    return start(free_ports(count))


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server listens on the port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def free_ports(count: int) -> list[int]:
    """Return `count` different ports on which no server listens now.

    They are below 32768: Temporal stores a port in a signed 16-bit column, and the kernel uses higher ports for
    outgoing connections, which could take one before our server does.

    Raises:
        EngineUnavailableError: `no_free_port`.
    """
    free: list[int] = []
    for port in random.sample(range(*PORTS), k=PORTS[1] - PORTS[0]):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise EngineUnavailableError("no_free_port", first=PORTS[0], last=PORTS[1])
