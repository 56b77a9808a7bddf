"""How every command ends: exit codes, messages on stderr, JSON or a table on stdout.

Exit codes of errors follow from their kind (`errors.py`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from application.downloads import json_text
from cli import CANCELLED
from errors import EXIT_CODES, InternalError, Kind
from i18n import _
from i18n.fields import place_in_words
from i18n.messages import sentence

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ledger.paging import Paged


class Exit(IntEnum):
    """The exit codes (docs/cli.md)."""

    DONE = 0
    WRONG_INPUT = EXIT_CODES[Kind.INPUT]
    UNREACHABLE = EXIT_CODES[Kind.AWAY]
    NOT_VERIFIED = EXIT_CODES[Kind.CORRUPT]
    PENDING = EXIT_CODES[Kind.PENDING]
    REFUSED = EXIT_CODES[Kind.REFUSED]
    OUR_BUG = EXIT_CODES[Kind.OURS]


def say(text: str) -> None:
    """Print a message to stderr; stdout is for the answer alone."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the terminal


def answer(data: Any, *, as_json: bool, show: Callable[[], None]) -> None:
    """Print the answer to stdout: as JSON, or else by calling `show`."""
    with reader_may_leave():
        if as_json:
            print(json_text(data))  # noqa: T201 - this is the answer
        else:
            show()
        sys.stdout.flush()


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Ignore that the reader of stdout has closed it, as `head` does: the exit code stays that of the command."""
    try:
        yield
    except BrokenPipeError:
        # Otherwise the interpreter would write the rest when it ends, and fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_page(found: Paged[Any], *, complete: bool = True) -> None:
    """Say on stderr which rows were shown, when they are not all. Not `complete`: there are more than were counted."""
    if found.asked.size is None or (complete and found.pages == 1):
        return
    facts = {"first": found.first, "last": found.last, "all": found.total, "number": found.number, "pages": found.pages}
    if complete:
        say(_("rows {first} to {last} of {all}; page {number} of {pages}").format(**facts))
    else:
        say(_("rows {first} to {last}; there are more: --page {next}").format(**facts, next=found.number + 1))


def terminal() -> Console:
    """Return a console without markup: texts of users may hold brackets that rich would read as markup."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # handled by `reader_may_leave`; rich would exit with its own code

    return Terminal(markup=False, highlight=False)


def asking() -> Console:
    """Return the console for prompts: stderr, because stdout may go to another program."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def grid(*headers: str) -> Table:
    """Return a table that cuts off no text: the first column, with names to type, does not wrap; the others do."""
    from rich.table import Table

    table = Table(*headers, show_lines=True)
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].no_wrap = True
    return table


_on_its_way: list[str] = []
"""The ids of the commands that were submitted and not refused."""


def on_its_way(command: str) -> None:
    """Note that a command is submitted: an interruption no longer means that nothing was entered."""
    _on_its_way.append(command)


def refused() -> None:
    """Note that the command was refused: nothing was entered."""
    _on_its_way.clear()


@contextmanager
def interruptible() -> Iterator[None]:
    """Make Ctrl-C raise KeyboardInterrupt at once, also at a prompt, where the event loop would only note it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _quietly(work: Callable[[], Coroutine[Any, Any, int | None]]) -> int | None:
    """Run the work. Errors in tasks that libraries leave behind when interrupted go to the log, not to the terminal."""
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: _log(context.get("exception") or RuntimeError(str(context.get("message"))))
    )
    return await work()


def run(work: Callable[[], Coroutine[Any, Any, int | None]]) -> int:
    """Run a command and return its exit code. Known errors become messages; others go to the log."""
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
    """Return the exit code and the message of an error."""
    # Imported here, because it is slow and `--help` does not need it.
    from application.error_mapping import coded_error

    found = coded_error(error)
    if found is None:
        found = InternalError("our_bug", kind=type(error).__name__, log=_log(error))
    elif found.kind is Kind.OURS:
        _log(error)
    path = f"{place_in_words(found.path)}: " if found.path else ""
    cause = f" ({found.facts['problem']})" if found.code == "database_unreachable" else ""
    code = "pending_command" if found.kind is Kind.PENDING else found.code  # here the same command is typed again
    return Exit(found.exit_code), path + sentence(code, found.facts) + cause


def _log(error: BaseException) -> str:
    """Append the traceback to the error log and return the log's path; without a log, print it."""
    from local.paths import paths
    from local.private_files import open_log

    log = paths().logs / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(open_log(log), "a") as out:
            traceback.print_exception(error, file=out)
    except OSError:
        traceback.print_exception(error)
    return str(log)
