"""docs/ledger-format.md is enough to verify a ledger: its vectors, and a reader that knows nothing else.

`data/format-2-demo.jsonl.xz` is the demo's ledger as the view `ledger.dump` shows it. Later versions must verify it.
It was made by `THIDUA_DATA=… PYTHONPATH=. .venv/bin/python tests/test_ledger_format.py --demo`, which plays the demo.
"""

from __future__ import annotations

import ast
import asyncio
import json
import lzma
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from engine_help import CITY, open_cycle, submit, units
from independent_reader import Reader, event_digest, merkle_root, read_body, tagged
from speech import RULES

from application.scenario import play
from audit.verify import verify
from cli.demo import PLAYED, _wait_for_post
from cli.session import Session, session
from domain.installation import KeyHolder, KeyRole, NamedKey
from ledger.bodies import BadBodyError, EventBody, check_body
from ledger.checkpoints import CheckpointFile, CheckpointLog
from ledger.events import Draft, chain_digest
from ledger.merkle import Frontier
from ledger.signing import BatchItem, Keys, SignedCommand
from local.log_key import LOG_KEY_FILE, log_key
from resources import ROOT

VECTORS: Any = json.loads((ROOT / "docs" / "ledger-format.json").read_text())
DEMO = Path(__file__).parent / "data" / "format-2-demo.jsonl.xz"
MOST_LINES = 150
MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def demo() -> list[dict[str, Any]]:
    with lzma.open(DEMO, "rt") as lines:
        return [json.loads(line) for line in lines]


def read(rows: list[dict[str, Any]]) -> Reader:
    return Reader([json.dumps(row) for row in rows])


# Vectors ----------------------------------------------------------------------------------


def as_draft(body: EventBody) -> Draft:
    fields = {name: getattr(body, name) for name in Draft.__slots__}
    digest = None if body.command_digest is None else bytes.fromhex(body.command_digest)
    return Draft(**{**fields, "payload": bytes(body.payload).decode(), "command_digest": digest})


@pytest.mark.parametrize("vector", VECTORS["events"], ids=lambda vector: str(vector["position"]))
def test_events_have_the_bytes_and_digests_of_the_vectors(vector: dict[str, Any]) -> None:
    body = vector["body"].encode()
    content = check_body(body)
    assert as_draft(content).body(content.stream, content.version) == body
    assert read_body(body) == json.loads(body)
    previous, position = vector["previous"], vector["position"]
    recorded = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=vector["recorded"])
    assert chain_digest(bytes.fromhex(previous), position, recorded, body).hex() == vector["digest"]
    assert event_digest(previous, position, vector["recorded"], body) == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["not_bodies"], ids=lambda vector: vector["why"])
def test_what_is_no_body_is_refused_by_both(vector: dict[str, str]) -> None:
    body = bytes.fromhex(vector["hex"])
    with pytest.raises(BadBodyError):
        check_body(body)
    with pytest.raises((ValueError, TypeError)):
        read_body(body)


def test_commands_have_the_digests_of_the_vectors() -> None:
    for vector in VECTORS["commands"]:
        command = SignedCommand(vector["header"], vector["signature"], vector["payload"], "")
        assert (command.batch_digest.hex(), command.digest.hex()) == (vector["batch_digest"], vector["digest"])
        assert tagged("thidua-handover-1", vector["signature"], vector["header"]) == vector["batch_digest"]
        assert tagged("thidua-signed-1", vector["batch_digest"], vector["payload"]) == vector["digest"]
        header = json.loads(vector["header"])
        stream, command_id, digest = header["orders"][0]
        item = BatchItem(stream, UUID(command_id), vector["payload"])
        assert digest == item.payload_digest == vector["payload_sha256"]
        public, role = bytes.fromhex(vector["public_key"]), KeyRole(vector["role"])
        key = NamedKey(header["key"], public, role, KeyHolder.CLI if role is KeyRole.ENTRY else None)
        keys = Keys(header["installation"], header["epoch"], {key.key: key})
        read = keys.verify(vector["header"], vector["signature"], [item]).read
        before = VECTORS["events"][read.position - 1]["digest"]
        assert [read.position, read.digest.hex()] == header["read"] == [read.position, before]


def frontier_root(leaves: list[str]) -> str:
    tree = Frontier()
    tree.extend(map(bytes.fromhex, leaves))
    return tree.root().hex()


def test_roots_are_those_of_the_vectors() -> None:
    digests = [event["digest"] for event in VECTORS["events"]]
    for vector in VECTORS["merkle"]:
        leaves = digests[: vector["size"]]
        assert merkle_root(leaves).hex() == vector["root"]
        assert frontier_root(leaves) == vector["root"]


def test_the_document_names_every_field_in_its_order() -> None:
    text = (ROOT / "docs" / "ledger-format.md").read_text()
    table = text.split("## The body")[1].split("##")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == EventBody.__struct_fields__


# The independent reader ---------------------------------------------------------------------


def test_the_reader_is_short_and_imports_nothing_of_ours() -> None:
    text = (Path(__file__).parent / "independent_reader.py").read_text()
    assert len(text.splitlines()) <= MOST_LINES
    found = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert found - {"nacl"} <= set(sys.stdlib_module_names)


def test_the_reader_verifies_the_demo(demo: list[dict[str, Any]]) -> None:
    assert DEMO.stat().st_size < MOST_BYTES
    reader = read(demo)
    assert reader.found == []
    assert len(reader.digests) == sum(row["kind"] == "event" for row in demo) > 300


def notices(rows: list[dict[str, Any]]) -> bool:
    """Whether the reader has findings, or stops at what is not there or is no number any more."""
    try:
        return bool(read(rows).found)
    except (KeyError, ValueError):
        return True


def spoilt(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("0" if value[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("event", name) for name in ("position", "stream", "version", "law", "command_id", "body", "recorded")),
        *(("event", name) for name in ("previous", "digest")),
        *(("command", name) for name in ("digest", "batch", "payload")),
        *(("batch", name) for name in ("digest", "header", "signature")),
    ],
)
def test_the_reader_notices_a_change_of_any_field(demo: list[dict[str, Any]], kind: str, name: str) -> None:
    index = [n for n, row in enumerate(demo) if row["kind"] == kind][20]
    changed = [{**row, name: spoilt(row[name])} if n == index else row for n, row in enumerate(demo)]
    assert notices(changed)


def test_the_reader_notices_what_is_missing_or_exchanged(demo: list[dict[str, Any]]) -> None:
    events = [n for n, row in enumerate(demo) if row["kind"] == "event"]
    commands = [n for n, row in enumerate(demo) if row["kind"] == "command"]
    assert notices([row for n, row in enumerate(demo) if n != events[50]])
    assert notices([row for n, row in enumerate(demo) if n != commands[5]])
    demo = [*demo]
    demo[events[50]], demo[events[51]] = demo[events[51]], demo[events[50]]
    assert notices(demo)


async def test_the_view_shows_what_the_reader_needs(app: Session) -> None:
    stream = await open_cycle(app, RULES, members=units(2))
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    auditor = await asyncpg.connect(app.endpoints.reader_url)
    lines = [row["line"] for row in await auditor.fetch("table ledger.dump")]
    await auditor.close()
    reader, report = Reader(lines), await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch)
    assert (reader.found, report.problems) == ([], [])
    assert merkle_root(reader.digests).hex() == report.root
    # A line of our file of checkpoints, with the key as `thidua audit verify` prints it.
    file, signer = app.paths.data / "checkpoints" / "checkpoints.jsonl", log_key(app.paths.data / LOG_KEY_FILE)
    await CheckpointLog(app.ledger.pool, CheckpointFile(file), signer).advance()
    (line,) = file.read_text().splitlines()
    reader.compare(json.loads(line), str(signer.verifier))
    assert reader.found == []


async def dump_demo() -> None:
    """Play the demo in the data folder of the environment, and keep its ledger."""
    async with session("web", print, rehearsal=True) as app:
        for file in PLAYED:
            await play(app, file, lambda *_: None)
        await _wait_for_post(app)
        owner = await asyncpg.connect(app.endpoints.owner_url)
        waiting = "select exists (select from accounts.notice where done_at is null and not gathered)"
        while await owner.fetchval(waiting):  # noqa: ASYNC110 - mails are gathered for a while before they are sent
            await asyncio.sleep(1)
        await owner.close()
        auditor = await asyncpg.connect(app.endpoints.reader_url)
        lines = [row["line"] for row in await auditor.fetch("table ledger.dump")]
        await auditor.close()
    with lzma.open(DEMO, "wt", preset=9 | lzma.PRESET_EXTREME) as out:
        out.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__" and sys.argv[1:] == ["--demo"]:
    asyncio.run(dump_demo())
