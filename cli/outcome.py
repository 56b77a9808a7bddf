"""Where every command ends: exit codes, sentences on stderr, JSON or a table on stdout.

Exit codes of errors follow from their kind (`errors.py`).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from cli import CANCELLED
from errors import EXIT_CODES, InternalError, Kind
from i18n.messages import sentence

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Exit(IntEnum):
    """What a command's exit code says (docs/cli.md)."""

    DONE = 0
    WRONG_INPUT = EXIT_CODES[Kind.INPUT]
    UNREACHABLE = EXIT_CODES[Kind.AWAY]
    NOT_VERIFIED = EXIT_CODES[Kind.CORRUPT]
    PENDING = EXIT_CODES[Kind.PENDING]
    REFUSED = EXIT_CODES[Kind.REFUSED]
    OUR_BUG = EXIT_CODES[Kind.OURS]


def say(text: str) -> None:
    """Tell the person at the terminal something that is not the answer."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the terminal


def answer(data: Any, *, as_json: bool, show: Callable[[], None]) -> None:
    """Give the answer: JSON for programs, or what `show` prints for people."""
    with reader_may_leave():
        if as_json:
            print(json.dumps(data, ensure_ascii=False, indent=2, default=str))  # noqa: T201 - this is the answer
        else:
            show()
        sys.stdout.flush()


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Whoever reads the answer may have enough of it: that changes nothing of what the command says by its code."""
    try:
        yield
    except BrokenPipeError:
        # What is left must not be written when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def terminal() -> Console:
    """The terminal, as text comes: what people wrote may hold brackets that rich would take for its markup."""
    from rich.console import Console  # noqa: PLC0415 - errors are told without tables

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # `answer` knows what it means; rich would exit with a code of its own

    return Terminal(markup=False, highlight=False)


def asking() -> Console:
    """Where people are asked: on stderr, for the answer on stdout may go to another program."""
    from rich.console import Console  # noqa: PLC0415 - as above

    return Console(stderr=True, highlight=False)


def grid(*headers: str) -> Table:
    """A table that cuts nothing off: the first column names what can be typed next, the others fold."""
    from rich.table import Table  # noqa: PLC0415 - errors are told without tables

    table = Table(*headers, show_lines=True)
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].no_wrap = True
    return table


_on_its_way: list[str] = []


def on_its_way(command: str) -> None:
    """A command has been handed in: from now on nobody here can say that nothing was entered."""
    _on_its_way.append(command)


def refused() -> None:
    """It was refused: nothing was entered after all."""
    _on_its_way.clear()


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C raises here and now: around a prompt, where the event loop would only note it; around the loop itself."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _quietly(work: Callable[[], Coroutine[Any, Any, int | None]]) -> int | None:
    """Do the work; what a library leaves behind when it is cut off goes to the log, not to the terminal."""
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: _keep(context.get("exception") or RuntimeError(str(context.get("message"))))
    )
    return await work()


def run(work: Callable[[], Coroutine[Any, Any, int | None]]) -> int:
    """Run a command and return its exit code; every error that can be foreseen becomes a sentence."""
    _on_its_way.clear()
    try:
        with interruptible():
            return int(asyncio.run(_quietly(work)) or Exit.DONE)
    except (KeyboardInterrupt, EOFError):
        if _on_its_way:
            say(sentence("cancelled_on_its_way", {"command": _on_its_way[-1]}))
            return Exit.PENDING
        say(sentence("cancelled"))
        return CANCELLED
    except BaseException as error:
        if isinstance(error, (SystemExit, GeneratorExit)):
            raise
        code, text = explain(error)
        say(text)
        return code


def explain(error: BaseException) -> tuple[Exit, str]:
    """The exit code and the sentence of an error."""
    # Imported here, because `--help` must not pay for what it never uses.
    from application.error_mapping import coded_error  # noqa: PLC0415

    found = coded_error(error)
    if found is None:
        found = InternalError("our_bug", kind=type(error).__name__, log=_keep(error))
    elif found.kind is Kind.OURS:
        _keep(error)
    path = f"{found.path}: " if found.path else ""
    return Exit(found.exit_code), path + sentence(found.code, found.facts)


def _keep(error: BaseException) -> str:
    from local.paths import paths  # noqa: PLC0415 - as above

    log = paths().logs / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as out:
            traceback.print_exception(error, file=out)
    except OSError:
        traceback.print_exception(error)
    return str(log)
