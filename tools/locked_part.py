"""Prints the part of `requirements.lock` that some packages need, with its hashes: the image gets no development tool.

    python3 tools/locked_part.py [PACKAGE …]

Without a package it is what the program itself needs. The lock says of each package which others want it ("via"), so no
index is asked. A package that an extra alone brings is printed, too: more than is needed does no harm.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def entries(lock: str) -> dict[str, str]:
    """Return the entry of each package in a lock, by its name."""
    found = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return {re.split(r"==", entry, maxsplit=1)[0]: entry for entry in found}


def wanted_by(entry: str) -> set[str]:
    """Return the packages that want one, as its entry says."""
    lines = re.findall(r"^    #(?: via)?(?: +(.*))?$", entry, flags=re.MULTILINE)
    return {line.strip() for line in lines if line}


def part_of(lock: str, packages: set[str]) -> str:
    """Return the entries of some packages and of all that they need.

    Raises:
        SystemExit: the lock has no such package.
    """
    every = entries(lock)
    if missing := packages - set(every):
        sys.exit(f"requirements.lock has no {', '.join(sorted(missing))}: run make lock")
    found, size = set(packages), 0
    while len(found) > size:
        size = len(found)
        found |= {name for name, entry in every.items() if wanted_by(entry) & found}
    return "".join(entry for name, entry in every.items() if name in found)


def own_packages(project: str, extras: Iterable[str] = ()) -> set[str]:
    """Return the packages that the program itself needs, and its extras, by the text of pyproject.toml."""
    told = tomllib.loads(project)["project"]
    needed = [*told["dependencies"], *(one for extra in extras for one in told["optional-dependencies"][extra])]
    return {re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0].lower() for one in needed}


def main() -> None:
    """Print the part that is asked for."""
    own = own_packages((ROOT / "pyproject.toml").read_text())
    print(part_of((ROOT / "requirements.lock").read_text(), set(sys.argv[1:]) or own), end="")


if __name__ == "__main__":
    main()
