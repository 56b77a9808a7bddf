"""Audits the dependencies: vulnerabilities, licences, abandoned packages. `tools/audit.sh` prepares what it reads.

    python tools/supply_chain.py SBOM VULNERABILITIES

SBOM is a CycloneDX document of the environment, VULNERABILITIES what pip-audit found, both JSON.

Exit codes: 0 all was checked and is in order; 1 something must be done: a vulnerability, a licence that nobody has
allowed, an abandoned package that nobody has looked at; 3 nothing was found, but something could not be checked,
because no index was reached. That is no success, and is said last.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from locked_part import entries, own_packages, part_of

ROOT = Path(__file__).parent.parent
UV = ROOT / ".venv" / "uv" / "bin" / "uv"

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
    }
)
"""Licences that the project's own, Apache-2.0, can be given out with. MPL-2.0 and the LGPL ask for the source of their
own files: packages that are installed beside the program, unchanged, bring it."""

FOR_DEVELOPMENT = frozenset({"LGPL-3.0-only"})
"""Allowed besides for what only tests and benches use: it is not given out."""

SEEN: Mapping[str, str] = {
    "axe-playwright-python": "MIT",  # the file LICENSE of its repository
    "protobuf": "BSD-3-Clause",  # the file LICENSE in the wheel
    "pygal": "LGPL-3.0-or-later",  # the file COPYING in the wheel
    "pypdfium2": "Apache-2.0 OR BSD-3-Clause",  # the files LICENSES/ in the wheel; PDFium is BSD-3-Clause
}
"""Licences of packages whose metadata name none that can be compared, and where they were read."""

CLASSIFIERS: Mapping[str, str] = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}

FAULTY, NOT_CHECKED = 1, 3
ABANDONED_YEARS = 3
KEPT: Mapping[str, str] = {
    "colorama": "finished: colours of a Windows console; pytest and typer name it for Windows only",
    "mdurl": "finished: addresses of Markdown, 300 lines; of markdown-it-py's own maintainers",
    "shellingham": "finished: which shell runs, for the completion of commands; typer needs it",
    "sortedcontainers": "finished: pure Python without dependencies; hypothesis needs it",
}
"""Packages without a release for so long that were looked at, and why they stay."""


def licences_of(component: Mapping[str, Any]) -> list[str]:
    """The licences of a component as SPDX expressions; classifiers only where there is nothing better."""
    given = [one.get("expression") or one.get("license", {}) for one in component.get("licenses", [])]
    named = [one if isinstance(one, str) else one.get("id") or one.get("name", "") for one in given]
    expressions = [one for one in named if not one.startswith("License :: ")]
    classes = [one.rpartition(" :: ")[2] for one in named if one.startswith("License :: ")]
    return expressions or [CLASSIFIERS.get(one, one) for one in classes if one != "OSI Approved"]


def allows(expression: str, allowed: Iterable[str]) -> bool:
    """Whether an SPDX expression can be satisfied with allowed licences: all of an AND, one of an OR."""
    if " AND " in expression:
        return all(allows(part, allowed) for part in expression.strip("()").split(" AND "))
    return any(part.strip("() ") in allowed for part in expression.split(" OR "))


def licence_faults(components: Iterable[Mapping[str, Any]], given_out: frozenset[str]) -> list[str]:
    """A line for each component whose licence is unknown or not allowed. `given_out`: names that users get."""
    faults = []
    for one in components:
        name = normal(one["name"])
        allowed = ALLOWED if name in given_out else ALLOWED | FOR_DEVELOPMENT
        found = [SEEN[name]] if name in SEEN else licences_of(one)
        if not found:
            faults.append(f"{name}: its metadata name no licence; read it, and add it to SEEN in tools/supply_chain.py")
        elif not any(allows(expression, allowed) for expression in found):
            faults.append(f"{name}: {' / '.join(found)} is not among the licences that are allowed")
    return faults


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def given_out() -> frozenset[str]:
    """The packages that a user's installation has: what the lock has without development."""
    own = own_packages((ROOT / "pyproject.toml").read_text(), extras=("traces",))
    return frozenset(entries(part_of((ROOT / "requirements.lock").read_text(), own)))


def vulnerabilities(found: Mapping[str, Any]) -> tuple[list[str], int, int]:
    """A line for each known vulnerability; how many packages were checked, and how many not."""
    lines, checked, skipped = [], 0, 0
    for one in found["dependencies"]:
        if "vulns" not in one:
            skipped += 1
            continue
        checked += 1
        for fault in one["vulns"]:
            mend = ", ".join(fault["fix_versions"]) or "no version yet"
            lines.append(f"{one['name']} {one['version']}: {fault['id']} (mended in: {mend})")
    return lines, checked, skipped


def verdict(faults: list[str], not_checked: list[str]) -> int:
    """Say what must be done, and what could not be checked; return the exit code."""
    for fault in faults:
        print(f"FAULT {fault}")
    for what in not_checked:
        print(f"NOT CHECKED for {what}; no index that knows of them was reached")
    return FAULTY if faults else NOT_CHECKED if not_checked else 0


def abandoned(locked: Mapping[str, str]) -> list[str] | None:
    """Packages whose newest release is older than `ABANDONED_YEARS`; None where no index was reached.

    The index's own client is asked: a version that it still finds when everything newer is hidden is that old.
    """
    limit = (datetime.now(UTC) - timedelta(days=365 * ABANDONED_YEARS)).date().isoformat()
    newest_text = _resolved(list(locked), "9999-01-01")
    if newest_text is None:
        return None
    newest = dict(line.split("==") for line in newest_text.split() if "==" in line)
    return [
        f"{name} {version}: its newest release is older than {ABANDONED_YEARS} years"
        for name, version in newest.items()
        if _resolved([f"{name}=={version}"], limit) is not None
    ]


def _resolved(wanted: list[str], before: str) -> str | None:
    return _uv("pip", "compile", "--no-deps", "--no-header", "--no-annotate", "--universal", "--python-version", "3.11",
               "--quiet", "--exclude-newer", before, "-", given="\n".join(wanted))  # fmt: skip


def _uv(*arguments: str, given: str = "") -> str | None:
    """What uv prints; None where it fails."""
    done = subprocess.run(  # noqa: S603 - uv of this environment
        [str(UV), *arguments], cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def locked() -> dict[str, str]:
    """Names and versions of `requirements.lock`."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(found.groups() for line in lines if (found := re.match(r"([\w.-]+)==([^\s;]+)", line)))


def main(sbom: str, vulnerable: str) -> int:
    """Print what was found; return the exit code."""
    components = json.loads(Path(sbom).read_text())["components"]
    kinds = Counter(
        " / ".join([SEEN[normal(c["name"])]] if normal(c["name"]) in SEEN else licences_of(c)) for c in components
    )
    faults = licence_faults(components, given_out())
    print(
        f"licences: {len(components)} packages; " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    )
    lines, checked, skipped = vulnerabilities(json.loads(Path(vulnerable).read_text()))
    print(f"vulnerabilities: {checked} packages checked, {len(lines)} known")
    faults += lines
    not_checked = [f"vulnerabilities: {skipped or 'all'} packages"] if skipped or not checked else []
    old = abandoned(locked())
    if old is None:
        not_checked.append("abandoned packages: all packages")
    else:
        kept = [line for line in old if line.split()[0] in KEPT]
        print(f"abandoned: {len(old)} of {len(locked())} packages, {len(kept)} of them looked at")
        for line in kept:
            print(f"  {line}; {KEPT[line.split()[0]]}")
        faults += [line for line in old if line not in kept]
    return verdict(faults, not_checked)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
