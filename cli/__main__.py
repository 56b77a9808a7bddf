"""The entry point of `thidua`: parses the command line, runs the command, exits with a code of docs/cli.md."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from cli import CANCELLED
from i18n import set_library_language


def _leave(_number: int, _frame: Any) -> None:
    # During imports no work has begun, and an exception would be raised somewhere inside a library.
    os._exit(CANCELLED)


def main() -> None:
    """Run the console script."""
    signal.signal(signal.SIGINT, _leave)
    set_library_language()
    from cli.app import app

    try:
        sys.exit(app(standalone_mode=True))
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command is done: Ctrl-C must not change its exit code


if __name__ == "__main__":
    main()
