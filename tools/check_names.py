"""Checks names and arrows that no linter knows: private identifiers, doubled class names, circles, arrows that run up.

    python tools/check_names.py          prints what it counted; exit 1 with a line for each finding

It reads every Python file that git tracks, as text: nothing of the project is imported. Imports inside functions and
behind `TYPE_CHECKING` count like all others.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
IDENTIFIERS = Path(__file__).with_name("identifiers.txt")

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "resources"),
    ("domain",),
    ("ledger",),
    ("vault", "mail", "i18n"),
    ("local",),
    ("accounts", "projections", "audit"),
    ("application",),
    ("workflows",),
    ("activities",),
    ("web",),
    ("cli",),
    ("worker", "bench", "thidua", "tools"),
)
"""From the bottom to the top. A module imports from its own layer and from those below it."""


def tracked(root: Path) -> list[Path]:
    """Every Python file that git tracks, tests included."""
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "*.py"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split()
    return [root / name for name in listed if (root / name).exists()]


def module_of(file: Path, root: Path) -> str:
    """The dotted name of a file's module."""
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# Names ----------------------------------------------------------------------------------------------------------------


def identifiers_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that the code gives or uses, with its line. Strings, comments and docstrings are not looked at."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, line
            case ast.keyword(arg=str(name)):
                yield name, line
            case ast.alias(name=name, asname=other):
                yield from ((part, line) for part in name.split("."))
                if other is not None:
                    yield other, line
            case ast.ImportFrom(module=str(name)):
                yield from ((part, line) for part in name.split("."))
            case _:
                pass


def private_identifiers(trees: Mapping[Path, ast.AST], forbidden: Iterable[str], root: Path) -> list[str]:
    """Lines that use an identifier of the list, and files that are called by one."""
    gone = frozenset(forbidden)
    found = [
        f"{file.relative_to(root)}:{line}: private identifier {name}"
        for file, tree in trees.items()
        for name, line in identifiers_in(tree)
        if name in gone
    ]
    found += [
        f"{file.relative_to(root)}: module called {part}"
        for file in trees
        for part in module_of(file, root).split(".")
        if part in gone
    ]
    return found


def doubled_classes(trees: Mapping[Path, ast.AST], root: Path) -> list[str]:
    """Class names that stand in more than one place outside the tests."""
    places: dict[str, list[str]] = defaultdict(list)
    for file, tree in trees.items():
        if file.relative_to(root).parts[0] == "tests":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file.relative_to(root)}:{node.lineno}")
    return [f"class {name} stands at {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


# Arrows ---------------------------------------------------------------------------------------------------------------


def imports_of(trees: Mapping[Path, ast.AST], root: Path) -> dict[str, dict[str, int]]:
    """For each module of the project: the project's modules that it imports, with the line."""
    known = {module_of(file, root): tree for file, tree in trees.items() if file.relative_to(root).parts[0] != "tests"}
    graph: dict[str, dict[str, int]] = {name: {} for name in known}
    for name, tree in known.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                # `from package import module` is an arrow to the module, `from module import thing` one to the module.
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                targets = [one for one in inner if one in known] or [node.module]
            else:
                continue
            for target in targets:
                if target in known and target != name:
                    graph[name].setdefault(target, node.lineno)
    return graph


def circles(graph: Mapping[str, Mapping[str, int]]) -> list[set[str]]:
    """Sets of modules that import each other, directly or over others (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in graph[module]:
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            circle: set[str] = set()
            while module not in circle:
                circle.add(stack.pop())
            if len(circle) > 1:
                found.append(circle)

    for module in graph:
        if module not in index:
            visit(module)
    return found


def upward(graph: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Imports of a module from a layer above its own, and top-level names that no layer holds."""
    layer = {name: number for number, names in enumerate(LAYERS) for name in names}
    missing = sorted({module.split(".")[0] for module in graph} - layer.keys())
    found = [f"{name} stands in no layer of tools/check_names.py" for name in missing]
    for module, targets in graph.items():
        for target, line in targets.items():
            here, there = layer.get(module.split(".")[0]), layer.get(target.split(".")[0])
            if here is not None and there is not None and there > here:
                found.append(f"{module}:{line}: imports {target}, which stands above it")
    return found


def check(root: Path = ROOT) -> tuple[list[str], str]:
    """Return the findings, and a line that counts what was looked at."""
    trees: dict[Path, ast.AST] = {file: ast.parse(file.read_text(encoding="utf-8")) for file in tracked(root)}
    forbidden = IDENTIFIERS.read_text(encoding="utf-8").split()
    findings = private_identifiers(trees, forbidden, root) + doubled_classes(trees, root)
    graph = imports_of(trees, root)
    findings += upward(graph)
    found = circles(graph)
    findings += [f"{', '.join(sorted(circle))}: a circle of imports" for circle in found]
    arrows = sum(map(len, graph.values()))
    return findings, f"{len(trees)} files, {arrows} arrows, {len(found)} circles"


if __name__ == "__main__":
    problems, counted = check()
    for problem in problems:
        print(problem)
    print(f"names and arrows: {counted}, {len(problems)} findings")
    sys.exit(bool(problems))
