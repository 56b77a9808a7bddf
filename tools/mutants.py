"""Mutation tests of the domain: do its tests notice when a decision is changed?

    python tools/mutants.py make FILE [--count 400] [--seed 1]     with cosmic-ray: picks mutants at random
    python tools/mutants.py run FILE [--jobs 2]                    with the project: runs the tests of the law on each

`make mutants` does both. A mutant that no test notices is printed with its line. Two environments, because the mutation
tester has dependencies that the project does not need.
"""

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.machinery
import json
import os
import random
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
TESTS = (
    "test_act_rules",
    "test_bounds",
    "test_small_rules",
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
"""A mutant that needs more processor time has an endless loop, which is noticed."""

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

_STAR = re.compile(r".*[(,] ?\*,")
"""A line where a star stands between parameters, too."""


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
                and not ("Operator_Mul_" in name and _STAR.match(lines[start[0] - 1]))
            )
    random.Random(seed).shuffle(found)  # noqa: S311 - a sample, no secret
    mutants: list[dict[str, Any]] = []
    for module, name, occurrence, line in found:
        if len(mutants) == count:
            break
        source = mutate_code(module.read_text(), operators[name](), occurrence)
        if _compiles(source):
            told = str(module.relative_to(ROOT))
            mutants.append({"module": told, "operator": name, "line": line, "source": source})
    file.write_text(json.dumps(mutants))
    print(f"{len(mutants)} of {len(found)} mutants, seed {seed}")


def _compiles(source: str) -> bool:
    """Whether a changed source is Python: `not` before an assignment is none."""
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


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


Place = tuple[str, str, int]
"""A function of the domain: file, qualified name, first line."""


def _place(code: CodeType) -> Place:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _functions_in(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _functions_in(one)


def changed_functions(before: str, after: str, file: str) -> dict[Place, CodeType]:
    """The functions whose code differs between two sources, and those around them; none for a change outside them."""
    old = {_place(one): one for one in _functions_in(compile(before, file, "exec", dont_inherit=True))}
    new = {_place(one): one for one in _functions_in(compile(after, file, "exec", dont_inherit=True))}
    return {place: code for place, code in new.items() if old.get(place) != code}


class _Called:
    """Notes which functions of the domain are called inside the `with` block."""

    def __init__(self) -> None:
        self.places: set[Place] = set()
        self._seen: set[CodeType] = set()

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code not in self._seen:
            self._seen.add(frame.f_code)
            if frame.f_code.co_filename.startswith(DOMAIN):
                self.places.add(_place(frame.f_code))


DOMAIN = str(ROOT / "domain")


class _Quick(_Pure):
    """Collects the tests once, and tries each mutant of a function in a process that has everything imported.

    The function's code is replaced where it lives, and only the tests that call it are run, those that take the
    shortest first. Mutants of what is run while importing are left to `_slow`.
    """

    def __init__(self, mutants: Sequence[dict[str, Any]], jobs: int, tell: Callable[[int, bool | None], None]) -> None:
        self._mutants, self._jobs, self._tell = mutants, jobs, tell
        self._importing = _Called()
        """Functions whose results may be kept from before a mutant was put in their place."""

        self._seconds: dict[str, float] = {}
        self._calls: dict[Place, list[Any]] = {}
        """The tests by the functions that they call."""

    def pytest_sessionstart(self) -> None:
        self._importing.__enter__()

    def pytest_collection_finish(self) -> None:
        self._importing.__exit__()

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run all tests unchanged, noting what they call; then the tests of each mutant in a process of its own."""
        failed = self._look(session)
        self._tell(UNCHANGED, failed)
        if not failed:
            self._try(session)
        return True

    def _look(self, session: Any) -> bool:
        """Run all tests; whether one fails."""
        for item in session.items:
            started = time.process_time()
            with _Called() as called:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._seconds[item.nodeid] = time.process_time() - started
            for place in called.places:
                self._calls.setdefault(place, []).append(item)
            if session.testsfailed:
                return True
        return False

    def _try(self, session: Any) -> None:
        living: dict[Place, list[FunctionType]] = {}
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(DOMAIN):
                living.setdefault(_place(one.__code__), []).append(one)

        def child(plan: dict[str, Any]) -> bool:
            for place, code in plan["changed"].items():
                for function in living.get(place, ()):
                    function.__code__ = code
            for item in plan["tests"]:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if session.testsfailed:
                    return True
            return False

        for plan, noticed in _finished(list(self._planned(set(living))), self._jobs, child):
            self._tell(plan["index"], noticed)

    def _planned(self, living: set[Place]) -> Iterator[dict[str, Any]]:
        """Which functions and tests a mutant needs; tells of those that must be imported."""
        for index, mutant in enumerate(self._mutants):
            file = str(ROOT / mutant["module"])
            changed = changed_functions(Path(file).read_text(), mutant["source"], file)
            tests = {item.nodeid: item for place in changed for item in self._calls.get(place, ())}
            imported = not self._importing.places.isdisjoint(changed) or living.isdisjoint(changed)
            if imported or not tests:
                self._tell(index, None)
            else:
                ordered = sorted(tests, key=lambda name: (self._seconds[name], name))
                yield {"index": index, "changed": changed, "tests": [tests[name] for name in ordered]}


UNCHANGED = -1
"""In place of a mutant's index: the tests on the domain as it is."""

_OPTIONS = (
    "-x",
    "-q",
    "-s",
    "--assert=plain",
    "--noconftest",
    *(f"-pno:{name}" for name in ("cacheprovider", "cov", "xdist")),
)


def _files() -> list[str]:
    return [str(ROOT / "tests" / f"{name}.py") for name in TESTS]


def _slow(mutant: dict[str, Any]) -> bool:
    """Import the domain with a mutant in it and run all tests; whether one notices it.

    File by file: most are noticed by the first, and the others need not be imported.
    """
    import pytest

    sys.meta_path.insert(0, _Mutated(mutant["module"], mutant["source"]))
    passed = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}  # none: each of a file's tests needs a server
    return any(pytest.main([*_OPTIONS, file], plugins=[_Pure()]) not in passed for file in _files())


def _apart(child: Callable[[dict[str, Any]], bool], mutant: dict[str, Any]) -> None:
    """Ask a question in this process, which ends with the answer: 1 for yes."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (DEADLINE_S, DEADLINE_S))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        noticed = child(mutant)
    except BaseException:  # noqa: BLE001 - whatever a mutant breaks was noticed
        noticed = True
    os._exit(int(noticed))


def _finished(
    mutants: Sequence[dict[str, Any]], jobs: int, child: Callable[[dict[str, Any]], bool]
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield each mutant with whether it was noticed, `jobs` at a time, each in a process of its own."""
    running: dict[int, dict[str, Any]] = {}
    waiting = list(mutants)
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            pid = os.fork()
            if pid == 0:
                _apart(child, mutant)
            running[pid] = mutant
        pid, status = os.wait()
        if pid in running:
            yield running.pop(pid), status != 0


def _quickly(mutants: Sequence[dict[str, Any]], jobs: int) -> Iterator[tuple[int, bool | None]]:
    """Yield indices of mutants, each with whether it was noticed; None for those that must be imported to be tried."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        import pytest

        os.close(reading)
        pipe = os.fdopen(writing, "w", buffering=1)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        plugin = _Quick(mutants, jobs, lambda index, noticed: print(json.dumps([index, noticed]), file=pipe))
        os._exit(int(pytest.main([*_OPTIONS, *_files()], plugins=[plugin])))
    os.close(writing)
    with os.fdopen(reading) as lines:
        for line in lines:
            index, noticed = json.loads(line)
            yield index, noticed
    os.waitpid(pid, 0)


def run(file: Path, jobs: int) -> int:
    """Print the mutants that no test notices, and the share of those that are noticed."""
    # What the tests import from elsewhere is imported once, before the processes divide; of the project nothing is.
    for name in ("pytest", "hypothesis", "pydantic", "yaml", "babel", "nacl.signing", "structlog", "rich.console"):
        __import__(name)
    from hypothesis import HealthCheck, settings

    # A slow machine is no mutant, and the same mutant is noticed in each run or in none.
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile("mutants", deadline=None, derandomize=True, database=None, suppress_health_check=slow)
    settings.load_profile("mutants")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    mutants = json.loads(file.read_text())
    lived = done = 0
    left: list[dict[str, Any]] = []

    def tell(mutant: dict[str, Any], noticed: bool) -> None:
        nonlocal lived, done
        done += 1
        print(f"{done} of {len(mutants)}", end="\r", file=sys.stderr)
        if noticed:
            return
        lived += 1
        line = mutant["line"] - 1
        print(f"{mutant['module']}:{line + 1} {mutant['operator']}")
        print(f"  - {(ROOT / mutant['module']).read_text().splitlines()[line].strip()}")
        print(f"  + {mutant['source'].splitlines()[line].strip()}", flush=True)

    tried = False
    for index, noticed in _quickly(mutants, jobs):
        if index == UNCHANGED:
            tried = not noticed
        elif noticed is None:
            left.append(mutants[index])
        else:
            tell(mutants[index], noticed)
    if not tried:
        print("the tests fail without any mutant")
        return 1
    for mutant, was_noticed in _finished(left, jobs, _slow):
        tell(mutant, was_noticed)
    if done != len(mutants):
        print(f"{len(mutants) - done} mutants had no answer")
        return 1
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
