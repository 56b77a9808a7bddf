"""The checkpoints that a ledger is compared with, from all sources: each root at its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from audit.report import BesideProblem, Compared, Problem, Source
from ledger.checkpoints import BadLine
from ledger.notes import SignedCheckpoint


@dataclass(slots=True)
class Marks:
    """Checkpoints by source and size. What is none is a finding at once."""

    roots: dict[Source, dict[int, bytes]] = field(default_factory=dict)
    beside: list[BesideProblem] = field(default_factory=list)

    def add(self, source: Source, found: Iterable[SignedCheckpoint | BadLine]) -> Marks:
        """Add what a source holds; returns itself."""
        roots = self.roots.setdefault(source, {})
        for one in found:
            if isinstance(one, BadLine):
                self.beside.append(BesideProblem(f"checkpoint_{one.code.removeprefix('note_')}", f"{one.number}"))
                continue
            size, root = one.checkpoint.size, one.checkpoint.root
            if roots.setdefault(size, root) != root:
                self.beside.append(BesideProblem("checkpoint_twice", f"{size}"))
        return self

    @property
    def sizes(self) -> frozenset[int]:
        """The sizes of all checkpoints."""
        return frozenset(size for roots in self.roots.values() for size in roots)

    def compare(self, computed: Mapping[int, bytes], events: int) -> tuple[list[Problem], list[Compared]]:
        """Compare with the roots that were computed; `events` is the ledger's size.

        Returns the problems, and how many checkpoints of each source the ledger agrees with.
        """
        problems: dict[tuple[int, str], Problem] = {}
        agreed = []
        for source, roots in self.roots.items():
            fitting = [size for size, root in roots.items() if computed.get(size) == root]
            for size, root in roots.items():
                if size > events:
                    problems[size, "tail_missing"] = Problem(size, "", "tail_missing", f"{events}")
                elif computed.get(size) != root:
                    problems[size, "checkpoint"] = Problem(size, "", "checkpoint", f"{size}")
            if fitting:
                agreed.append(Compared(source, len(fitting), max(fitting)))
        return list(problems.values()), agreed
