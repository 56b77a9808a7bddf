"""The Merkle tree over the digests of all events, in order, kept as its frontier.

Hashing is that of RFC 9162, section 2.1.1 (the same as RFC 6962): a leaf is the hash of 0x00 and the entry, a node the
hash of 0x01 and its two children, and the empty tree the hash of nothing.

The frontier holds the roots of the perfect subtrees that a tree of its size is made of, the largest first: one for each
bit that is set in the size. Adding a leaf needs nothing else, so a tree over millions of events is a few hundred bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


class Frontier:
    """A tree that grows at its end. `size` is the number of its leaves."""

    __slots__ = ("_nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """Make the tree of a size from its frontier, by default the empty one.

        Raises:
            ValueError: no tree of this size has such a frontier.
        """
        self.size, self._nodes = size, list(nodes)
        if size < 0 or len(self._nodes) != size.bit_count() or any(len(node) != HASH_BYTES for node in self._nodes):
            raise ValueError("no frontier")

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> Frontier:
        """Return the tree whose frontier `to_bytes` returned.

        Raises:
            ValueError: no tree of this size has such a frontier.
        """
        return cls(size, [stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES)])

    def to_bytes(self) -> bytes:
        """Return the nodes of the frontier one after another. Together with the size they are the whole tree."""
        return b"".join(self._nodes)

    def copy(self) -> Frontier:
        """Return a second tree that grows on its own."""
        return Frontier(self.size, self._nodes)

    def add(self, entry: bytes) -> None:
        """Append a leaf."""
        self.extend((entry,))

    def extend(self, entries: Iterable[bytes]) -> None:
        """Append leaves, one after another."""
        # Written for a million leaves: each subtree of equal size on the left is joined as soon as it is complete.
        nodes, size, hashed = self._nodes, self.size, sha256
        for entry in entries:
            node, bits = hashed(b"\x00" + entry).digest(), size
            while bits & 1:
                node = hashed(b"\x01" + nodes.pop() + node).digest()
                bits >>= 1
            nodes.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self._nodes:
            return EMPTY_ROOT
        node = self._nodes[-1]
        for left in reversed(self._nodes[:-1]):
            node = sha256(b"\x01" + left + node).digest()
        return node
