"""Class keywords: what the program knows of a command, an event or a notice, checked when the class is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from pydantic import BaseModel

from domain.msgids import Plural


class Keywords:
    """The class keywords of one class, taken one by one."""

    def __init__(self, cls: type, keywords: Mapping[str, Any]) -> None:
        self._cls, self._left = cls, dict(keywords)

    def take(self, keyword: str, is_valid: Callable[[Any], bool]) -> Any:
        """Return the keyword's value.

        Raises:
            TypeError: the keyword is missing or has a value that it cannot have.
        """
        if keyword not in self._left:
            raise TypeError(f"{self._cls.__qualname__}: the keyword `{keyword}` is missing")
        value = self._left.pop(keyword)
        if not is_valid(value):
            raise TypeError(f"{self._cls.__qualname__}: {keyword}={value!r} is not possible")
        return value

    def finish(self) -> None:
        """Check that no keyword is left.

        Raises:
            TypeError
        """
        if self._left:
            raise TypeError(f"{self._cls.__qualname__}: unknown keywords {', '.join(self._left)}")


def is_text(value: object) -> bool:
    """Return whether a keyword is a text that is not empty."""
    return isinstance(value, str) and bool(value)


def is_flag(value: object) -> bool:
    """Return whether a keyword is True or False."""
    return isinstance(value, bool)


def tells_fields(model: type[BaseModel], sentence: object) -> bool:
    """Return whether a keyword is a sentence whose placeholders are fields of the model."""
    if not isinstance(sentence, (str, Plural)):
        return False
    texts = (sentence,) if isinstance(sentence, str) else (sentence.one, sentence.many, f"{{{sentence.count}}}")
    placeholders = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}
    return placeholders <= set(model.model_fields)


def register(known: dict[str, Any], name: str, cls: type) -> None:
    """Enter a class under its stored name.

    Raises:
        TypeError: the name belongs to another class.
    """
    # pydantic builds some classes twice; only a different class with the same name is an error.
    if name in known and known[name].__qualname__ != cls.__qualname__:
        raise TypeError(f"{name} is taken by {known[name]}")
    known[name] = cls
