"""`thidua`: parse the command line, run, exit with the code that docs/cli.md gives."""

from __future__ import annotations

import sys

from i18n import teach_libraries


def main() -> None:
    """The console script."""
    try:
        teach_libraries()
        from cli.app import app  # noqa: PLC0415 - after the interpreter is up, so that errors below are ours to tell

        app(standalone_mode=True)
    except KeyboardInterrupt:  # while things are imported: nothing has begun
        sys.exit(130)


if __name__ == "__main__":
    main()
