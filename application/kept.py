"""Values that are kept because they were asked for lately, as many of them as weigh so much together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeptValues(Generic[K, V]):
    """Values by key, those that were asked for last: they weigh `most` together at most, or it is one alone.

    Threads can share it. What two ask for at once may be made twice.
    """

    def __init__(self, most: int) -> None:
        self._most, self._weight, self._lock = most, 0, Lock()
        self._values = dict[K, tuple[V, int]]()

    def get(self, key: K) -> V | None:
        """Return the value of a key; None where none is kept."""
        with self._lock:
            if (found := self._values.pop(key, None)) is None:
                return None
            self._values[key] = found
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> V:
        """Keep a value, which is returned; those that were not asked for for longest make room."""
        with self._lock:
            _value, before = self._values.pop(key, (value, 0))
            self._values[key] = (value, weight)
            self._weight += weight - before
            while self._weight > self._most and len(self._values) > 1:
                _value, given = self._values.pop(next(iter(self._values)))
                self._weight -= given
        return value

    def of(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made where none is kept."""
        value = self.get(key)
        return self.put(key, make()) if value is None else value

    async def awaited(
        self,
        key: K,
        make: Callable[[], Awaitable[V]],
        weight: int = 1,
        *,
        holds: Callable[[V], bool] = lambda _made: True,
    ) -> V:
        """Return the value of a key, else what `make` returns, which is kept where it `holds`."""
        if (value := self.get(key)) is not None:
            return value
        made = await make()
        return self.put(key, made, weight) if holds(made) else made
