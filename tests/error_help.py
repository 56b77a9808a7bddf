"""Every class of coded errors that the program has."""

from __future__ import annotations

import importlib
import pkgutil

from errors import CodedError
from resources import ROOT

NO_CODE = {"bench", "docs", "rules", "scenarios", "tests", "thidua", "tools"}
"""Folders without modules of the program. Entry points run when they are imported, so they are left out, too."""


def coded_errors() -> set[type[CodedError]]:
    """All subclasses of `CodedError`, after every module was imported."""
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")} - NO_CODE
    for folder in sorted(folders):
        for found in pkgutil.walk_packages([str(ROOT / folder)], f"{folder}."):
            if not found.name.endswith(".__main__"):
                importlib.import_module(found.name)
    return _below(CodedError)


def _below(base: type[CodedError]) -> set[type[CodedError]]:
    return {base}.union(*(_below(one) for one in base.__subclasses__()))
