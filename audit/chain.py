"""The first part of a verification: order, digests, links and the Merkle tree, in one pass over all events.

Nothing is kept of an event but its digest in the tree, and of a stream its tip: memory grows with the streams only.
The law of each event is compared with the one in force there, which the installation's stream names. Who signed that
is checked with its stream.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from audit.laws import puts_in_force
from audit.report import Problem, StreamReport
from domain.law import FIRST_LAW
from ledger.bodies import BadBodyError, EventBody, decode_body
from ledger.events import NO_DIGEST, RecordedEvent, chain_digest_at, micros_of
from ledger.merkle import Frontier
from ledger.protocol import Ledger

PAGE = 2_000


@dataclass(slots=True)
class Chain:
    """What the pass leaves: the tree, each stream's last version and digest, the roots asked for, and the problems."""

    tree: Frontier = field(default_factory=Frontier)
    tips: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    """The roots at the sizes asked for; a size that the ledger does not reach has none."""
    found: StreamReport = field(default_factory=StreamReport)
    last_position: int = 0
    commands: array[int] = field(default_factory=lambda: array("Q"))
    """The first eight bytes of the digest of each event's signed command: to find commands that no event has."""

    @property
    def events(self) -> int:
        """How many events were read."""
        return self.tree.size

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, in the order of positions."""
        return self.found.problems


async def check_chain(ledger: Ledger, sizes: frozenset[int], progress: Callable[[int], None] = lambda _: None) -> Chain:
    """Read all events in order. `sizes` are those at which the root of the tree is asked for."""
    chain = Chain()
    marks = iter(sorted(sizes))
    checker = _Checker(chain)
    mark = next(marks, None)
    after = 0
    page = await ledger.read(after, PAGE)
    while page:
        after = page[-1].position
        # The database works on the next page while this one is checked.
        following = asyncio.ensure_future(ledger.read(after, PAGE))
        await asyncio.sleep(0)
        checker.check(page)
        rest = [row.digest for row in page]
        while mark is not None and mark <= chain.tree.size + len(rest):
            upto = mark - chain.tree.size
            chain.tree.extend(rest[:upto])
            rest = rest[upto:]
            chain.roots[mark] = chain.tree.root()
            mark = next(marks, None)
        chain.tree.extend(rest)
        progress(chain.events)
        page = await following
    return chain


class _Checker:
    """Checks pages of events, one after another."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._recorded_at: datetime | None = None
        self._law, self._micros = FIRST_LAW, 0

    def check(self, page: tuple[RecordedEvent, ...]) -> None:
        """Check a page. Written for a million events: what is right costs as little as possible."""
        tips, position, recorded_at = self._chain.tips, self._chain.last_position, self._recorded_at
        commands, law, micros = self._chain.commands, self._law, self._micros
        for row in page:
            stream = row.stream
            version, previous = tips.get(stream, _START)
            position += 1
            if row.recorded_at != recorded_at:
                time_fell = recorded_at is not None and row.recorded_at < recorded_at
                recorded_at, micros = row.recorded_at, micros_of(row.recorded_at)
            else:
                time_fell = False
            content, fault = None, None
            try:
                content = decode_body(row.body)
                if (command := content.command_digest) is not None:
                    commands.append(int(command[:16], 16))
            except BadBodyError as error:
                fault = error.code
            except (ValueError, OverflowError):  # the digest is none
                content, fault = None, "body_spelling"
            if content is not None and (
                content.version != row.version
                or content.stream != stream
                or content.law != row.law
                or content.command_id != row.command_id
            ):
                fault = "columns"
            digest = row.digest
            if (
                row.position != position
                or row.version != version + 1
                or row.previous != previous
                or time_fell
                or fault is not None
                or (row.law != law and not puts_in_force(row.law, law, content))
                or chain_digest_at(row.previous, row.position, micros, row.body) != digest
            ):
                self._say(row, position, version, previous, law, fault, content, time_fell=time_fell)
                position = row.position
            if row.law > law and puts_in_force(row.law, law, content):
                law = row.law
            tips[stream] = row.version, digest
        self._chain.last_position, self._recorded_at = position, recorded_at
        self._law, self._micros = law, micros

    def _say(
        self,
        row: RecordedEvent,
        position: int,
        version: int,
        previous: bytes,
        law: int,
        fault: str | None,
        content: EventBody | None,
        *,
        time_fell: bool,
    ) -> None:
        found = self._chain.found
        if row.position != position:
            found.problem(row.position, row.stream, "gap", f"{position}")
        if time_fell:
            found.problem(row.position, row.stream, "time_fell")
        if row.version != version + 1:
            found.problem(row.position, row.stream, "version", f"{version + 1}")
        if row.previous != previous:
            found.problem(row.position, row.stream, "previous")
        if row.expected_digest() != row.digest:
            found.problem(row.position, row.stream, "digest")
        if fault is not None:
            found.problem(row.position, row.stream, fault)
        if row.law < law:
            found.problem(row.position, row.stream, "law_fell", f"{row.law}")
        elif row.law > law and not puts_in_force(row.law, law, content):
            found.problem(row.position, row.stream, "law_not_in_force", f"{row.law}")


_START = (0, NO_DIGEST)
