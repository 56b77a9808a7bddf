"""What each field of the law takes: kinds, bounds and defaults, of commands, events and rules editions.

`tests/data/bounds.txt` has a line for each field. After a wanted change:
`PYTHONPATH=. .venv/bin/python tests/test_bounds.py --write`; the difference goes into the changelog.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from pydantic import Field

import domain
from domain.types import FrozenModel

TABLE = Path(__file__).parent / "data" / "bounds.txt"
for _module in walk_packages(domain.__path__, "domain."):
    import_module(_module.name)  # a model is known when its module was imported


def _models(of: type[FrozenModel]) -> Iterator[type[FrozenModel]]:
    for model in of.__subclasses__():
        if model.__module__.startswith("domain."):
            yield model
        yield from _models(model)


def _plain(schema: Any) -> Any:
    """Return what a schema bounds: without titles and descriptions, references by their names."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    return {key: _plain(value) for key, value in schema.items() if key not in {"title", "description"}}


def _lines(models: Iterator[type[FrozenModel]]) -> list[str]:
    found = set()
    for model in models:
        schema = model.model_json_schema()
        for name, field in schema.get("properties", {}).items():
            said = json.dumps(_plain(field), ensure_ascii=False, sort_keys=True)
            needed = "" if name in schema.get("required", ()) else " (may be left out)"
            found.add(f"{model.__module__.removeprefix('domain.')}.{model.__qualname__}.{name}: {said}{needed}")
    return sorted(found)


def test_the_table_of_bounds_is_unchanged() -> None:
    assert TABLE.read_text().splitlines() == _lines(_models(FrozenModel))


def test_another_bound_is_noticed() -> None:
    class Narrow(FrozenModel):
        names: tuple[str, ...] = Field(default=(), max_length=3)

    class Wide(FrozenModel):
        names: tuple[str, ...] = Field(default=(), max_length=4)

    narrow, wide = (_lines(iter([model]))[0].partition(": ")[2] for model in (Narrow, Wide))
    assert narrow != wide


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(pytest.main([__file__]))
    TABLE.write_text("\n".join(_lines(_models(FrozenModel))) + "\n")
