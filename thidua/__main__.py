"""The console script `thidua`, and `python -m thidua`: puts the program's folder first on the path and runs it.

In the wheel that is this folder, in a checkout the one above it (ADR 11).
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    here = Path(__file__).parent
    root = here if (here / "resources.py").exists() else here.parent
    sys.path.insert(0, str(root))
    from cli.__main__ import main as run  # noqa: PLC0415 - found only on the path set above

    run()


if __name__ == "__main__":
    main()
