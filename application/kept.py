"""Values that are kept because they were asked for lately, a bounded number of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeptValues(Generic[K, V]):
    """At most `most` values by key: those that were asked for last. Threads can share it."""

    def __init__(self, most: int) -> None:
        self._most, self._values, self._lock = most, dict[K, V](), Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key; None where none is kept."""
        with self._lock:
            if (value := self._values.pop(key, None)) is not None:
                self._values[key] = value
            return value

    def put(self, key: K, value: V) -> V:
        """Keep a value, which is returned; the one that was not asked for for longest makes room."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
        return value

    def of(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made where none is kept."""
        value = self.get(key)
        return self.put(key, make()) if value is None else value
