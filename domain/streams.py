"""Names of streams. A stream holds a city's year, or the cycle of one cluster in that year.

The name determines the decider, and is also the workflow's id.
"""

from __future__ import annotations

import re

from domain import limits
from domain.administration import INSTALLATION, InstallationState
from domain.city_year import CITY_YEAR, CityState
from domain.cycle import CYCLE
from domain.decider import FoldedStream
from domain.installation import STREAM
from domain.records import Refused
from domain.state import State

DEFAULT_ORGANISER = "mttq-hanoi"
STREAM_CHARS = 3 * limits.SLUG_CHARS + 2
"""Three ids, and what stands between them."""

_SEGMENT = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_YEAR = re.compile(f"{_SEGMENT}/{_SEGMENT}")
_CYCLE = re.compile(f"{_SEGMENT}/{_SEGMENT}/{_SEGMENT}")


def cycle_stream(organiser: str, cycle: str, cluster: str) -> str:
    """Return organiser/cycle/cluster, such as mttq-hanoi/2020/cum-1."""
    return f"{organiser}/{cycle}/{cluster}"


def year_stream(organiser: str, cycle: str) -> str:
    """Return organiser/cycle, such as mttq-hanoi/2020."""
    return f"{organiser}/{cycle}"


def parse_cycle_name(name: str) -> str:
    """Return the stream of a cycle. For the default organiser, `name` may be short: 2020/cum-1.

    Raises:
        Refused: `not_a_cycle_name`.
    """
    stream = name.strip("/")
    if is_year(stream):
        stream = f"{DEFAULT_ORGANISER}/{stream}"
    if not is_cycle(stream):
        raise Refused("not_a_cycle_name", name=name[:80])
    return stream


def is_cycle(stream: str) -> bool:
    """Return whether the stream is a cluster's cycle."""
    return _CYCLE.fullmatch(stream) is not None


def is_year(stream: str) -> bool:
    """Return whether the stream is an organiser's year."""
    return _YEAR.fullmatch(stream) is not None


def is_stream(stream: str) -> bool:
    """Return whether commands of persons can be for the stream: it is a cluster's cycle or an organiser's year."""
    return is_cycle(stream) or is_year(stream)


AnyFoldedStream = FoldedStream[State] | FoldedStream[CityState] | FoldedStream[InstallationState]


def is_decided(stream: str) -> bool:
    """Return whether a decider decides the stream's commands. What the post records is not decided."""
    return is_stream(stream) or stream == STREAM


def folded(stream: str) -> AnyFoldedStream:
    """Return a stream before its first event, with its decider.

    Raises:
        KeyError: the stream is the post's, which has no decider.
    """
    if is_cycle(stream):
        return FoldedStream(CYCLE, CYCLE.empty())
    if is_year(stream):
        return FoldedStream(CITY_YEAR, CITY_YEAR.empty())
    if stream == STREAM:
        return FoldedStream(INSTALLATION, INSTALLATION.empty())
    raise KeyError(stream)
