"""Mutation tests of the domain: do its tests notice when a decision is changed?

    python tools/mutants.py make FILE [--count 400] [--seed 1]     with cosmic-ray: picks mutants at random
    python tools/mutants.py run FILE [--jobs 2]                    with the project: runs the tests of the law on each

`make mutants` does both. A mutant that no test notices is printed with its line. Two environments, because the mutation
tester has dependencies that the project does not need.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent
TESTS = (
    "test_act_rules",
    "test_bounds",
    "test_results",
    "test_year",
    "test_days",
    "test_details",
    "test_based_on",
    "test_newcomers",
    "test_cross_checks",
    "test_together",
    "test_past_year",
    "test_unstated",
    "test_periods",
    "test_adopted_editions",
    "test_paper_fields",
    "test_clock",
    "test_voting",
    "test_scoring",
    "test_editions",
    "test_awards",
    "test_numbers",
    "test_moves",
    "test_two_cycles",
    "test_unnamed",
    "test_real_life",
    "test_rules_and_codec",
    "test_threads",
    "test_administration",
    "test_keys",
    "test_format_2",
    "test_dates_as_written",
    "test_record",
    "test_notes",
    "test_told",
    "test_mail_kinds",
    "test_post",
    "test_file_names",
    "test_laws",
    "test_errors",
    "test_second_reckoner",
    "test_time_properties",
    "test_golden",
    "test_law_properties",
)
"""The tests of the law, those that take longest at the end. Of these files no test that needs a server is run."""

DEADLINE_S = 300
"""A mutant that runs for longer has an endless loop, which is noticed."""

_ORDERS = ("Lt", "LtE", "Gt", "GtE")
_SUMS = ("Add", "Sub", "Mul", "Div")
OPERATORS = (
    *(f"ReplaceComparisonOperator_{one}_{other}" for one in _ORDERS for other in _ORDERS if one != other),
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    *(f"ReplaceBinaryOperator_{one}_{other}" for one in _SUMS for other in _SUMS if one != other),
    "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceUnaryOperator_Delete_Not",
    "NumberReplacer",
)
"""Comparisons, conditions, booleans, sums and numbers, of cosmic-ray's operators; beside them `MIN_AND_MAX`. Left out
is what changes no meaning (`==` to `is` between constants) or has none (`==` to `<` between names, `-` to `^`)."""

MIN_AND_MAX = "MinAndMax"

_NO_DECISION = re.compile(r"\s*(@dataclass\(|class .*, frozen=True\)|\*,$)")
"""Lines with nothing to change: how a class is made, and the star between parameters, which is no product."""


def make(file: Path, count: int, seed: int) -> None:
    """Write mutants of the domain to a file: module, line, what was changed, the changed source."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.operators.operator import Operator
    from cosmic_ray.plugins import get_operator

    class MinAndMax(Operator):  # type: ignore[misc]
        """Exchanges min and max."""

        def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
            if node.type == "name" and node.value in ("min", "max"):
                yield node.start_pos, node.end_pos

        def mutate(self, node: Any, index: int) -> Any:
            node.value = "max" if node.value == "min" else "min"
            return node

        @classmethod
        def examples(cls) -> tuple[()]:
            return ()

    operators: dict[str, Any] = {name: get_operator(f"core/{name}") for name in OPERATORS}
    operators[MIN_AND_MAX] = MinAndMax
    found: list[tuple[Path, str, int, int]] = []
    for module in sorted((ROOT / "domain").rglob("*.py")):
        tree, lines = get_ast(module.read_text()), module.read_text().splitlines()
        for name, kind in operators.items():
            operator = kind()
            places = (place for node in ast_nodes(tree) for place in operator.mutation_positions(node))
            found.extend(
                (module, name, n, start[0])
                for n, (start, _stop) in enumerate(places)
                if not _NO_DECISION.match(lines[start[0] - 1])
            )
    chosen = random.Random(seed).sample(found, min(count, len(found)))  # noqa: S311 - a sample, no secret
    mutants = [
        {
            "module": str(module.relative_to(ROOT)),
            "operator": name,
            "line": line,
            "source": mutate_code(module.read_text(), operators[name](), occurrence),
        }
        for module, name, occurrence, line in chosen
    ]
    file.write_text(json.dumps(mutants))
    print(f"{len(mutants)} of {len(found)} mutants, seed {seed}")


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a changed source."""

    def __init__(self, module: str, source: str) -> None:
        self._path, self._source = str(ROOT / module), source
        self._name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        search = [str(Path(self._path).parent)] if self._path.endswith("__init__.py") else None
        spec = importlib.machinery.ModuleSpec(name, self, origin=self._path, is_package=search is not None)
        spec.submodule_search_locations = search
        spec.has_location = True
        return spec

    def get_source(self, name: str) -> str:
        return self._source

    def is_package(self, name: str) -> bool:
        return self._path.endswith("__init__.py")


class _Pure:
    """Leaves out the tests of these files that need a server: those with fixtures that are not their module's."""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [
            item
            for item in items
            if set(item.fixturenames) <= {*item._fixtureinfo.name2fixturedefs, "request"}  # noqa: SLF001
        ]


def _child(mutant: dict[str, Any]) -> None:
    """Run the tests on a mutant, in a process of their own; exit 0 when none notices it."""
    import pytest

    os.setsid()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.meta_path.insert(0, _Mutated(mutant["module"], mutant["source"]))
    options = ["-x", "-q", "--assert=plain", "--noconftest", "-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist"]
    code = pytest.main([*options, *(str(ROOT / "tests" / f"{name}.py") for name in TESTS)], plugins=[_Pure()])
    os._exit(0 if code == pytest.ExitCode.OK else 1)


def _finished(mutants: Sequence[dict[str, Any]], jobs: int) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield each mutant with whether it was noticed, `jobs` at a time."""
    running: dict[int, tuple[dict[str, Any], float]] = {}
    waiting = list(mutants)
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            pid = os.fork()
            if pid == 0:
                _child(mutant)
            running[pid] = mutant, time.monotonic() + DEADLINE_S
        for pid, (mutant, deadline) in list(running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done and time.monotonic() < deadline:
                continue
            if not done:
                os.killpg(pid, 9)
                os.waitpid(pid, 0)
            del running[pid]
            yield mutant, not done or status != 0
        time.sleep(0.05)


def run(file: Path, jobs: int) -> int:
    """Print the mutants that no test notices, and the share of those that are noticed."""
    # What the tests import from elsewhere is imported once, before the processes divide; of the project nothing is.
    for name in ("pytest", "hypothesis", "pydantic", "yaml", "babel", "nacl.signing", "structlog", "rich.console"):
        __import__(name)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    mutants = json.loads(file.read_text())
    control = {"module": "domain/__init__.py", "source": (ROOT / "domain" / "__init__.py").read_text()}
    ((_, noticed),) = _finished([control], 1)
    if noticed:
        print("the tests fail without any mutant")
        return 1
    lived = 0
    for mutant, noticed in _finished(mutants, jobs):
        if not noticed:
            lived += 1
            original = (ROOT / mutant["module"]).read_text().splitlines()
            line = mutant["line"]
            print(f"{mutant['module']}:{line} {mutant['operator']}\n  - {original[line - 1].strip()}", flush=True)
            print(f"  + {mutant['source'].splitlines()[line - 1].strip()}", flush=True)
    print(f"noticed {len(mutants) - lived} of {len(mutants)} ({100 * (len(mutants) - lived) / len(mutants):.1f} %)")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("make", "run"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.what == "make":
        make(given.file, given.count, given.seed)
    else:
        sys.exit(run(given.file, given.jobs))
