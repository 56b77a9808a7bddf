"""Where the files lie that are no code, and how child processes find the modules.

A checkout and the wheel have the same layout (ADR 11), so every path starts at the folder of this module: the root of
the checkout, or `thidua/` in the wheel. Only compiled catalogues differ: the wheel holds them beside the code, set-up
puts those of a checkout into the virtual environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent

RULES = ROOT / "rules"
SCENARIOS = ROOT / "scenarios"
GUIDES = ROOT / "docs" / "vi"
DRAWINGS = GUIDES / "hinh"
STATIC = ROOT / "web" / "static"
TEMPLATES = ROOT / "web" / "templates"
GO_LOCK = ROOT / "local" / "go.lock"

SCHEMA_FILES = tuple(ROOT / package / "schema.sql" for package in ("ledger", "vault", "projections", "accounts"))
"""The database schema, in the order in which the files refer to each other."""

_IN_WHEEL = ROOT / "i18n" / "locale"
CATALOGUES = _IN_WHEEL if _IN_WHEEL.is_dir() else Path(sys.prefix) / "share" / "locale"

COMPILED_TEMPLATES = Path(sys.prefix) / "share" / "templates"
"""Where set-up puts the compiled templates; without the folder each process compiles those that it shows."""

CHILD_ENVIRONMENT = {"PYTHONPATH": str(ROOT)}
"""For a child process that runs one of our modules: it does not pass the entry point, which sets the path."""
