"""Reads YAML files into models, and checks a file completely before anything is done with it.

Every error names file, line, path, the value and what was expected. Numbers stay text until they become decimals.
Aliases and duplicate keys are refused, because a reader of the file could overlook them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError
from yaml.constructor import SafeConstructor

from application.pasted_text import Changes, CleanText, clean_text
from domain.field_names import problem_of
from domain.types import TYPED, normalize_text
from errors import InputError
from resources import RULES

FILE_BYTES = 2_000_000
FILE_DEPTH = 30
NODES = 100_000
_PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")

M = TypeVar("M", bound=BaseModel)
YamlPath = tuple[str | int, ...]


def read_model(file: Path, model: type[M]) -> M:
    """Read a YAML file into a model.

    Raises:
        InputError: the file cannot be read, is too large or too deep, is not YAML, or does not fit the model.
    """
    data, lines = read_yaml(file)
    try:
        return model.model_validate(data, context=TYPED)
    except ValidationError as error:
        problem = problem_of(error, model)
        path = problem.pop("place")
        raise InputError(
            "file_field", where(file, line_of(path, lines)), place=".".join(map(str, path)) or "-", **problem
        ) from None


def edition_file(folder: Path, name: str) -> Path:
    """Return the path of an edition: in the folder of the file that names it, else among the program's own."""
    beside, own = folder / name, RULES / name
    return own if not beside.exists() and own.exists() else beside


def where(file: Path, line: int | None) -> str:
    """Return `file:line`, the form that editors open."""
    return f"{file}:{line}" if line else str(file)


def line_of(path: YamlPath, lines: Mapping[YamlPath, int]) -> int | None:
    """Return the line of a path, or of its nearest parent that has one."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def read_yaml(file: Path, changes: dict[YamlPath, Changes] | None = None) -> tuple[Any, dict[YamlPath, int]]:
    """Return the file's values, and the line of each path in it. Texts are cleaned (`clean_text`).

    `changes` takes up what was changed in them. In a file that this program exported they stand as they were stored.

    Raises:
        InputError: the file cannot be read, is too large or too deep, is not YAML, or repeats a key.
    """
    try:
        if file.stat().st_size > FILE_BYTES:
            raise InputError("file_too_large", str(file), found=file.stat().st_size, most=FILE_BYTES)
        body = file.read_bytes()
    except OSError as error:
        raise InputError("file_unreadable", str(file), problem=error.strerror or str(error)) from None
    return read_yaml_bytes(body, file, changes)


def read_yaml_bytes(
    body: bytes, file: Path, changes: dict[YamlPath, Changes] | None = None
) -> tuple[Any, dict[YamlPath, int]]:
    """Return the values of a file that was read already, as `read_yaml`; errors name `file`.

    Raises:
        InputError: as `read_yaml`.
    """
    if len(body) > FILE_BYTES:
        raise InputError("file_too_large", str(file), found=len(body), most=FILE_BYTES)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InputError("file_not_utf8", str(file), position=error.start) from None
    try:
        _check_depth(file, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(file, text, error) from None
    except yaml.YAMLError as error:
        raise InputError("file_not_yaml", str(file), problem=str(error).splitlines()[0]) from None
    if node is None:
        return None, {}
    reader = _Reader(file, None if _is_exported(node) else clean_text, changes if changes is not None else {})
    return reader.value(node, ()), reader.lines


_CAUSES: tuple[tuple[str, str], ...] = (
    ("but found '<scalar>'", "yaml_after_quotes"),
    ("expected <block end>", "yaml_indentation"),
    ("but got ':'", "yaml_colon"),
    ("expected ',' or", "yaml_bracket_open"),
    ("expected the node content", "yaml_bracket_open"),
    ("found unexpected end of stream", "yaml_quote_open"),
    ("found unexpected document separator", "yaml_quote_open"),
    ("that cannot start any token", "yaml_first_character"),
    ("could not find expected ':'", "yaml_no_colon"),
)
"""What the parser says, and the mistake that mostly leads to it."""


def _not_yaml(file: Path, text: str, error: yaml.MarkedYAMLError) -> InputError:
    """Return the error of a file that is no YAML, by its cause where that is known."""
    said, mark = error.problem or "", error.problem_mark
    line = mark.line + 1 if mark else None
    if "'\\t'" in said:
        return InputError("file_tab", where(file, line))
    cause = next((cause for words, cause in _CAUSES if words in said), said)
    if "mapping values are not allowed" in said and mark is not None:
        # A colon behind a value on one line is part of a text; behind the value of the line before, it is a name.
        before = text.splitlines()[mark.line][: mark.column]
        cause = "yaml_colon" if re.search(r":\s", before) else "yaml_indentation"
    if cause == "yaml_quote_open" and error.context_mark is not None:
        line = error.context_mark.line + 1  # where they are opened: the parser notices it at the end
    return InputError("file_not_yaml", where(file, line), problem=cause)


def _check_depth(file: Path, text: str) -> None:
    # Composing nodes is recursive, so the depth is checked first, on the stream of events.
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


def _is_exported(node: yaml.Node) -> bool:
    """Whether a file has the salts of its texts, which only exported ones have."""
    return isinstance(node, yaml.MappingNode) and any(key.value == "salts" for key, _value in node.value)


class _Reader:
    """Reads the nodes of one file. `lines` has the line of each path."""

    def __init__(self, file: Path, clean: Callable[[str], CleanText] | None, changes: dict[YamlPath, Changes]) -> None:
        self._file, self._clean, self._changes = file, clean, changes
        self.lines: dict[YamlPath, int] = {}

    def value(self, node: yaml.Node, path: YamlPath) -> Any:
        """Return the value of a node.

        Raises:
            InputError: a key is there twice, or a value cannot be used.
        """
        line = node.start_mark.line + 1
        self.lines[path] = line
        if isinstance(node, yaml.MappingNode):
            values: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                if key in values:
                    raise InputError("file_key_twice", where(self._file, key_node.start_mark.line + 1), key=key)
                values[key] = self.value(value_node, (*path, key))
                self.lines[(*path, key)] = key_node.start_mark.line + 1  # that of the name: a list may begin below it
            return values
        if isinstance(node, yaml.SequenceNode):
            return [self.value(entry, (*path, number)) for number, entry in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _scalar(self, node: yaml.Node, path: YamlPath, line: int) -> Any:
        # Points become decimals, never floats; 0125 and 12:30 would become other numbers.
        if node.tag == "tag:yaml.org,2002:float" or (
            node.tag == "tag:yaml.org,2002:int" and not _PLAIN_INT.fullmatch(node.value)
        ):
            return str(node.value)
        try:
            value = SafeConstructor().construct_object(node)
            return self._text(value, path) if isinstance(value, str) and value else value
        except PydanticCustomError as error:
            facts = {"problem": error.type, "given": error.context, "found": repr(node.value)[:80]}
            raise InputError("file_value", where(self._file, line), **facts) from None
        except (ValueError, yaml.YAMLError) as error:
            problem = "no_such_day" if node.tag == "tag:yaml.org,2002:timestamp" else str(error)
            raise InputError(
                "file_value", where(self._file, line), problem=problem, found=repr(node.value)[:80]
            ) from None

    def _text(self, value: str, path: YamlPath) -> str:
        if self._clean is None:
            return normalize_text(value)
        found = self._clean(value)
        if found.changes:
            self._changes[path] = found.changes
        return found.text
