"""Names of streams. A stream is a register of its own: a city's year, or one cluster's cycle in it.

The name says which law it follows, and is the workflow's id as well.
"""

from __future__ import annotations

import re

from domain.city_year import CITY_YEAR
from domain.cycle import CYCLE
from domain.decider import Decider
from domain.types import Refused

DEFAULT_ORGANISER = "mttq-hanoi"
_SEGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_YEAR_PARTS, _CYCLE_PARTS = 2, 3


def cycle_stream(organiser: str, cycle: str, cluster: str) -> str:
    """organiser/cycle/cluster: mttq-hanoi/2020/cum-1."""
    return f"{organiser}/{cycle}/{cluster}"


def year_stream(organiser: str, cycle: str) -> str:
    """organiser/cycle: mttq-hanoi/2020."""
    return f"{organiser}/{cycle}"


def full_name(name: str) -> str:
    """The full name of a cycle given in full or, for the default organiser, short: 2020/cum-1.

    Raises:
        Refused: `not_a_cycle_name`.
    """
    parts = name.strip("/").split("/")
    if len(parts) == _CYCLE_PARTS - 1:
        parts = [DEFAULT_ORGANISER, *parts]
    if len(parts) != _CYCLE_PARTS or not all(_SEGMENT.fullmatch(part) for part in parts):
        raise Refused("not_a_cycle_name", name=name[:80])
    return "/".join(parts)


def is_cycle(stream: str) -> bool:
    """True for one cluster's cycle."""
    return stream.count("/") == _CYCLE_PARTS - 1


def is_year(stream: str) -> bool:
    """True for an organiser's year."""
    return stream.count("/") == _YEAR_PARTS - 1


def decider_of(stream: str) -> Decider:
    """The law that a stream follows.

    Raises:
        KeyError: the stream is one of the installation's own, which follow no law of the year.
    """
    if is_cycle(stream):
        return CYCLE
    if is_year(stream):
        return CITY_YEAR
    raise KeyError(stream)
