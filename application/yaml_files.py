"""Reading what people hand in as files: YAML with lines, checked whole before anything is done with it.

Bad input is a use case: every complaint names file, line, place, what was found and what was expected. Points stay
text until they are decimals; anchors and duplicate keys are refused, because a reader of the file would miss them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError
from yaml.constructor import SafeConstructor

from application.year_file import YearFile
from domain.problems import first_problem
from domain.rules import Edition
from domain.types import normalize_text
from errors import InputError
from resources import RULES

FILE_BYTES = 2_000_000
FILE_DEPTH = 30
NODES = 100_000

M = TypeVar("M", bound=BaseModel)
YamlPath = tuple[str | int, ...]


def read_model(file: Path, model: type[M]) -> M:
    """Read a YAML file into a model.

    Raises:
        InputError: the file cannot be read, is too large or too deep, is not YAML, or does not fit the model.
    """
    data, lines = read_yaml(file)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problem = first_problem(error)
        place = problem.pop("place")
        raise InputError(
            "file_field", where(file, line_of(place, lines)), place=".".join(map(str, place)) or "-", **problem
        ) from None


def read_year(file: Path) -> tuple[YearFile, Edition]:
    """The year file and its edition.

    Raises:
        InputError
    """
    year = read_model(file, YearFile)
    return year, read_model(edition_file(file.parent, year.edition), Edition)


def edition_file(folder: Path, name: str) -> Path:
    """An edition beside the file that names it, or else one of those that come with the program."""
    beside, ours = folder / name, RULES / name
    return ours if not beside.exists() and ours.exists() else beside


def where(file: Path, line: int | None) -> str:
    """file:line, as editors understand it."""
    return f"{file}:{line}" if line else str(file)


def line_of(place: YamlPath, lines: dict[YamlPath, int]) -> int | None:
    """The line of a place, or of the nearest thing around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def read_yaml(file: Path) -> tuple[Any, dict[YamlPath, int]]:
    """The file's values, and the line of each place in it.

    Raises:
        InputError: it cannot be read, is too large or too deep, is not YAML, or names a key twice.
    """
    try:
        if file.stat().st_size > FILE_BYTES:
            raise InputError("file_too_large", str(file), found=file.stat().st_size, most=FILE_BYTES)
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError("file_unreadable", str(file), problem=error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise InputError("file_not_utf8", str(file), position=error.start) from None
    try:
        _check_depth(file, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        if "'\\t'" in (error.problem or ""):
            raise InputError("file_tab", where(file, line)) from None
        raise InputError("file_not_yaml", where(file, line), problem=error.problem or "") from None
    except yaml.YAMLError as error:
        raise InputError("file_not_yaml", str(file), problem=str(error).splitlines()[0]) from None
    lines: dict[YamlPath, int] = {}
    return (None if node is None else _value(file, node, (), lines)), lines


def _check_depth(file: Path, text: str) -> None:
    # Composing recurses; counting events does not.
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise InputError("file_alias", where(file, line))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > FILE_DEPTH or count > NODES:
            raise InputError("file_too_deep", where(file, line), most=FILE_DEPTH)


def _value(file: Path, node: yaml.Node, place: YamlPath, lines: dict[YamlPath, int]) -> Any:
    line = node.start_mark.line + 1
    lines[place] = line
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in found:
                raise InputError("file_key_twice", where(file, key_node.start_mark.line + 1), key=key)
            found[key] = _value(file, value_node, (*place, key), lines)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(file, entry, (*place, number), lines) for number, entry in enumerate(node.value)]
    if node.tag == "tag:yaml.org,2002:float":
        return str(node.value)  # points are decimals, never floats
    try:
        value = SafeConstructor().construct_object(node)
        return normalize_text(value) if isinstance(value, str) and value else value
    except PydanticCustomError as error:
        facts = {"problem": error.type, "given": error.context, "found": repr(node.value)[:80]}
        raise InputError("file_value", where(file, line), **facts) from None
    except (ValueError, yaml.YAMLError) as error:
        raise InputError("file_value", where(file, line), problem=str(error), found=repr(node.value)[:80]) from None
