"""Whether `make soak` runs: then tests take their long form."""

from __future__ import annotations

import os

SOAK = os.environ.get("THIDUA_SOAK") == "1"
