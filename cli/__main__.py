"""`thidua`: parse the command line, run, exit with the code that docs/cli.md gives."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from cli import CANCELLED
from i18n import set_library_language


def _leave(_number: int, _frame: Any) -> None:
    # While things are imported nothing has begun, and an exception would come out of a library's own inside.
    os._exit(CANCELLED)


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGINT, _leave)
    set_library_language()
    from cli.app import app  # noqa: PLC0415 - after the interpreter is up, so that errors below are ours to tell

    try:
        sys.exit(app(standalone_mode=True))
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the answer is given, and its code stands


if __name__ == "__main__":
    main()
