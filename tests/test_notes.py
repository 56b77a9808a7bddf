"""The Merkle tree and the signed notes: as the documents that define them say, and every broken note is refused."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ledger.merkle import Frontier
from ledger.notes import Checkpoint, Ed25519Signer, LogIdentity, Note, NoteError, NoteVerifier, SignedCheckpoint

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Roots over the first leaves, from none to all: the known answers of Certificate Transparency's own tests."""

# The example of c2sp.org/signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

# The example of c2sp.org/tlog-checkpoint.
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)

SIGNER = Ed25519Signer("thidua.example/mttq", SigningKey(bytes(range(32))))
LOG = LogIdentity.of(SIGNER.verifier)
SIGNED = SignedCheckpoint.sign(Checkpoint(SIGNER.name, 7, bytes(32)), SIGNER)


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + plain_root(leaves[:left]) + plain_root(leaves[left:])).digest()


def grown(leaves: list[bytes]) -> Frontier:
    tree = Frontier()
    tree.extend(leaves)
    return tree


def test_the_roots_are_the_known_answers() -> None:
    tree = Frontier()
    assert tree.root().hex() == ROOTS[0]
    for leaf, root in zip(LEAVES, ROOTS[1:], strict=True):
        tree.add(leaf)
        assert tree.root().hex() == root


@given(st.lists(st.binary(max_size=40), max_size=70), st.integers(0, 70))
def test_a_tree_that_was_stored_goes_on_as_if_it_had_not_been(leaves: list[bytes], stop: int) -> None:
    before = grown(leaves[:stop])
    again = Frontier.from_bytes(before.size, before.to_bytes())
    again.extend(leaves[stop:])
    assert (again.size, again.root()) == (len(leaves), plain_root(leaves))
    assert before.root() == plain_root(leaves[:stop])


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True), st.data())
def test_every_leaf_and_its_place_are_in_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:at], bytes(32 * [1]), *leaves[at + 1 :]]
    swapped = list(leaves)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    assert (grown(changed).root() == grown(leaves).root()) is (leaves[at] == bytes(32 * [1]))
    assert (grown(swapped).root() == grown(leaves).root()) is (at == other)
    assert grown(leaves[:-1]).root() != grown(leaves).root()


@pytest.mark.parametrize(("size", "stored"), [(1, b""), (3, bytes(32)), (2, bytes(33)), (-1, b""), (2, bytes(64))])
def test_a_frontier_that_no_tree_has_is_refused(size: int, stored: bytes) -> None:
    with pytest.raises(ValueError, match="no frontier"):
        Frontier.from_bytes(size, stored)


def test_the_note_of_the_specification_is_read() -> None:
    key, note = NoteVerifier.parse(EXAMPLE_KEY), Note.parse(EXAMPLE)
    assert (str(key), note.text) == (EXAMPLE_KEY, "This is an example message.\n")
    assert key.has_signed(note)
    with pytest.raises(NoteError, match="note_signature"):
        key.has_signed(Note.parse(EXAMPLE.replace("example message", "other message")))


def test_the_checkpoint_of_the_specification_is_read() -> None:
    checkpoint = Checkpoint.parse(Note.parse(CHECKPOINT).text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == Note.parse(CHECKPOINT).text


def test_a_signed_checkpoint_is_opened_with_its_key_only() -> None:
    assert SignedCheckpoint.open(SIGNED.note, LOG) == SIGNED
    other = Ed25519Signer(SIGNER.name, SigningKey(bytes(range(1, 33))))
    with pytest.raises(NoteError, match="note_unsigned"):
        SignedCheckpoint.open(SIGNED.note, LogIdentity.of(other.verifier))
    # A signature of a key that nobody knows does no harm, before and behind ours: rotation and witnesses need that.
    twice = SIGNED.note + other.sign("x\n").rpartition("\n\n")[2]
    assert SignedCheckpoint.open(twice, LOG).checkpoint == SIGNED.checkpoint
    assert SignedCheckpoint.open(twice, LogIdentity(SIGNER.name, (SIGNER.verifier,))).note == twice
    # One of two known keys whose signature is wrong spoils the note.
    with pytest.raises(NoteError, match="note_signature"):
        SignedCheckpoint.open(twice, LogIdentity.of(SIGNER.verifier, other.verifier))
    with pytest.raises(NoteError, match="note_foreign"):
        SignedCheckpoint.open(CHECKPOINT, LOG)


@given(st.integers(0, len(SIGNED.note.encode()) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, change: int) -> None:
    body = bytearray(SIGNED.note.encode())
    body[at] ^= change
    try:
        note = body.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(NoteError):
        SignedCheckpoint.open(note, LOG)


@given(st.integers(0, len(SIGNED.note) - 1))
def test_a_note_that_was_cut_is_refused(end: int) -> None:
    with pytest.raises(NoteError):
        SignedCheckpoint.open(SIGNED.note[:end], LOG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 42 + "==\n",
        "a\n1\n" + "A" * 42 + "B=\n",
        "a\n1\n" + "A" * 43 + "=\n\nx\n",
        "\n1\n" + "A" * 43 + "=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError, match="note_malformed"):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "key", ["", "a", "a+b+c", EXAMPLE_KEY[:-1], EXAMPLE_KEY.replace("foo", "fou"), EXAMPLE_KEY.replace("530d", "530e")]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(NoteError, match="note_key_bad"):
        NoteVerifier.parse(key)
