"""Whatever the owner of the database changes in ledger and vault is noticed, if it is evidence.

Each change is made in a transaction that is rolled back; the verification reads through the same connection.
`make soak` makes 1,000 changes by seed, `make test` some of each kind.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from account_help import make_account
from engine_help import CITY, YEAR, open_cycle, submit, units
from nacl.signing import SigningKey
from soak import SOAK
from speech import RULES

from application.verification import marks_of, verify_all
from audit.report import VerificationReport
from cli.session import Session
from domain.administration import ADMINISTRATION, CloseAccount, ErasePerson
from domain.references import references
from domain.times import ICT
from ledger.bodies import encode_body
from ledger.checkpoints import CheckpointFile, CheckpointLog
from ledger.events import chain_digest
from ledger.mapping import to_envelope
from ledger.notes import LogIdentity, SignedCheckpoint
from ledger.postgres import PostgresLedger
from ledger.protocol import Stopped
from ledger.setup import has_schema
from ledger.signing import SignedCommand
from local.log_key import LOG_KEY_FILE, log_key

CHANGES = 1_000 if SOAK else 60

NO_EVIDENCE = {
    "ledger.installation.clock_stopped": "whether appends are stopped now",
    "ledger.installation.confirmed_until": "up to which time an operator has confirmed the clock",
    "ledger.baseline.applied_at": "when the database was made",
    "vault.person.unit": "where a person belongs now; who acted for which unit is in the signed header",
    "vault.person.office": "shown beside the name",
    "vault.person.email": "how a person is reached",
    "vault.person.phone": "how a person is reached",
    "vault.person.sort_key": "computed from the name",
    "vault.person.search": "computed from name, mail address and telephone number",
    "vault.person.erased_at": "when the name was emptied: that it may be stands in the ledger",
    "vault.former_name.until": "when the name was corrected",
    "vault.text.erased_at": "when the text was emptied: that it may be stands in the ledger",
    "vault.file.name": "under which name it is downloaded",
    "vault.file.media_type": "as what it is downloaded",
    "vault.file.unit": "who may open it before an act names it",
    "vault.file.person": "who uploaded it",
    "vault.file.at": "when it was uploaded",
    "vault.file.erased_at": "when the file was emptied",
}
"""Columns that are no evidence, and what they are. Every other column is."""


@dataclass(frozen=True)
class Change:
    """What somebody does to the database: words for people, and what is changed."""

    what: str
    is_evidence: bool = True


@dataclass
class Table:
    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)


class OneConnection:
    """A pool of one connection, which is in a transaction."""

    def __init__(self, connection: Any) -> None:
        self.fetch, self.fetchrow, self.fetchval = connection.fetch, connection.fetchrow, connection.fetchval
        self.execute, self._connection = connection.execute, connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        yield self._connection


@dataclass
class Victim:
    """A recorded year, the checkpoint that somebody kept of it, and the owner's connection."""

    app: Session
    owner: Any
    kept: SignedCheckpoint
    log: LogIdentity
    tables: list[Table]
    named: set[str]
    """What events name: digests of texts and files, ids of persons."""

    def ledger(self) -> PostgresLedger:
        pool: Any = OneConnection(self.owner)
        return PostgresLedger(pool, self.app.endpoints.owner_url, self.app.ledger.epoch)

    async def verified(self, kept: SignedCheckpoint | None = None, root_key: str | None = None) -> VerificationReport:
        ledger = self.ledger()
        ledger.epoch = await self.owner.fetchval("select epoch from ledger.installation") or ledger.epoch
        marks = await marks_of(ledger, self.log, None, [kept] if kept else [])
        return await verify_all(ledger, self.app.installed.id, marks=marks, root_key=root_key)

    async def noticed(self) -> str:
        """How the change is noticed: "schema", "verify", "remark" or "checkpoint"; empty if it is not."""
        try:
            await has_schema(self.owner, "here")
        except Stopped:
            return "schema"
        report = await self.verified()
        if not report.ok:
            return "verify"
        if report.remarks:
            return "remark"
        return "" if (await self.verified(self.kept)).ok else "checkpoint"


async def recorded_year(app: Session) -> None:
    """A small year with every kind of row: texts, persons who never sign, a file, a correction, mails, the clock."""
    members = units(3)
    owner = await asyncpg.connect(app.endpoints.owner_url)
    body = b"%PDF-1.7 minutes"
    digest = sha256(body).hexdigest()
    await owner.execute(
        "insert into vault.file (digest, name, media_type, size, body, unit, person) values ($1, 'a.pdf', "
        "'application/pdf', $2, $3, 'don-vi-1', 'cb-don-vi-1-1')",
        digest,
        len(body),
        body,
    )
    await owner.close()
    stream = await open_cycle(app, RULES, members=members)
    title = {"document": {"title": f"tep/{digest}/a.pdf"}}
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", **title})
    guest = await app.people.enter("khach-moi", "so-noi-vu", "Khách Mời")
    witness = {"witnesses": [{"person": {"id": guest.id}}]}
    await submit(app, stream, CITY, "name-witnesses", witness)
    for unit in members:
        comment = {"by": {"unit": unit}, "text": f"Đề nghị làm rõ điểm {unit}"}
        await submit(app, stream, unit, "comment", comment)
        await submit(app, stream, unit, "sign", {"unit": unit})
    await submit(app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    wrong = (await app.history(stream))[-1][0].version
    instead = {"act": "take-stance", "unit": "don-vi-1", "stance": "changes-requested"}
    await submit(app, stream, "don-vi-1", "correct", {"version": wrong, "reason": "Ghi nhầm", "instead": instead})
    await app.people.correct("cb-don-vi-2-1", name="Tên Đúng", office=None, email=None, phone=None, then=_nothing_more)
    await submit(app, stream, "don-vi-2", "take-stance", {"unit": "don-vi-2", "stance": "agreed"})
    await submit(app, stream, CITY, "step-to", {"now": datetime(YEAR, 3, 30, 9, tzinfo=ICT).isoformat()})
    await make_account(app, "cb-don-vi-1-1")
    await app.administer(CloseAccount(person="cb-don-vi-1-1"))
    await app.people.erase(guest.id)
    await app.administer(ErasePerson(person=guest.id))


async def _nothing_more(_connection: Any, _changed: tuple[str, ...]) -> None:
    return None


@pytest.fixture
async def victim(app: Session) -> AsyncIterator[Victim]:
    await recorded_year(app)
    signer = log_key(app.paths.data / LOG_KEY_FILE)
    made = await CheckpointLog(app.ledger.pool, CheckpointFile(app.paths.data / "c.jsonl"), signer).advance()
    assert made.signed is not None
    named: set[str] = set()
    for row in await app.ledger.read():
        texts, persons = references(to_envelope(row).event)
        named |= texts | {person for person, _commitment in persons} | {row.actor}
        named |= {part.split("/")[0] for part in row.payload.split("tep/")[1:]}
    owner = await asyncpg.connect(app.endpoints.owner_url)
    found = Victim(app, owner, made.signed, LogIdentity.of(signer.verifier), await _tables(owner), named)
    yield found
    await owner.close()


async def _tables(owner: Any) -> list[Table]:
    columns = await owner.fetch(
        "select table_schema || '.' || table_name as name, column_name, data_type from information_schema.columns c "
        "join information_schema.tables t using (table_schema, table_name) "
        "where table_schema in ('ledger', 'vault') and table_type = 'BASE TABLE' order by 1, ordinal_position"
    )
    keys = await owner.fetch(
        "select i.indrelid::regclass::text as name, a.attname from pg_index i join pg_attribute a "
        "on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indisprimary"
    )
    tables: dict[str, Table] = {}
    for row in columns:
        table = tables.setdefault(row["name"], Table(row["name"], (), {}))
        table.columns[row["column_name"]] = row["data_type"]
    for table in tables.values():
        table.key = tuple(row["attname"] for row in keys if row["name"] == table.name)
        table.rows = [dict(row) for row in await owner.fetch(f"select * from {table.name}")]
        await owner.execute(f"alter table {table.name} disable trigger user")
    return list(tables.values())


# Changes ----------------------------------------------------------------------------------


def changed(value: Any, kind: str, rng: random.Random, others: list[Any]) -> Any:  # noqa: PLR0911 - one for each type
    """Another value for a column: a small change, or the value of another row."""
    different = [one for one in others if one is not None and one != value]
    if different and rng.random() < 0.3:
        return rng.choice(different)
    if value is None:
        made = {"text": "x", "bytea": b"x" * 32, "integer": 1, "bigint": 1, "boolean": True, "date": date(2026, 1, 1)}
        return made.get(kind, datetime(2026, 1, 1, tzinfo=ICT))
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        return rng.choice([value[:at] + "x" + value[at:], value[:at] + value[at + 1 :], value + " ", ""])
    if isinstance(value, bytes):
        at = rng.randrange(len(value)) if value else 0
        return rng.choice(
            [value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :], value + b"\x00"]
        )
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 1_000])
    if isinstance(value, UUID):
        return UUID(int=value.int ^ (1 << rng.randrange(128)))
    if isinstance(value, datetime):
        return value + rng.choice([1, -1]) * rng.choice([timedelta(microseconds=1), timedelta(hours=1), timedelta(400)])
    assert isinstance(value, date), kind
    return value + timedelta(days=1)


class Tamperer:
    """Makes changes by seed, each kind in turn."""

    def __init__(self, victim: Victim, seed: int) -> None:
        self._victim, self._rng = victim, random.Random(seed)
        self._owner = victim.owner
        self._tables = [table for table in victim.tables if table.rows]
        columns = [(table, column) for table in self._tables for column in table.columns if column != "one"]
        self._rng.shuffle(columns)
        self._columns = columns

    async def make(self, number: int) -> Change:
        """Make the change with a number. A quarter are of rows, the others of columns, each column in turn."""
        if number % 4 == 3:
            kinds = (
                self._delete,
                self._swap,
                self._insert,
                self._cut,
                self._drop_all,
                self._rechain,
                self._sign_anew,
                self._rebuild,
            )
            return await kinds[number // 4 % len(kinds)]()
        table, column = self._columns[(number - number // 4) % len(self._columns)]
        return await self._change(table, column)

    async def _change(self, table: Table, column: str) -> Change:
        row = self._rng.choice(table.rows)
        others = [one[column] for one in table.rows]
        value = changed(row[column], table.columns[column], self._rng, others)
        path = f"{table.name}.{column}"
        is_evidence = path not in NO_EVIDENCE and self._is_named(table, row)
        if value == row[column]:
            return Change(f"{path}: nothing", is_evidence=False)
        await self._update(table, row, {column: value})
        return Change(f"{path}: {str(row[column])[:60]!r} becomes {str(value)[:60]!r}", is_evidence)

    def _is_named(self, table: Table, row: dict[str, Any]) -> bool:
        """Rows of the vault that no event names are no evidence, unless they do not fit themselves."""
        if table.name in {"vault.person", "vault.former_name"}:
            return row.get("id", row.get("person")) in self._victim.named
        if table.name in {"vault.text", "vault.file"}:
            return row["digest"] in self._victim.named
        return True

    async def _update(self, table: Table, row: dict[str, Any], values: dict[str, Any]) -> None:
        names = list(values)
        keys = " and ".join(f"{key} = ${n}" for n, key in enumerate(table.key, len(names) + 1))
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(names, 1))
        arguments = [*values.values(), *(row[key] for key in table.key)]
        await self._owner.execute(f"update {table.name} set {sets} where {keys}", *arguments)

    async def _delete(self) -> Change:
        table = self._rng.choice(self._tables)
        row = self._rng.choice(table.rows)
        keys = " and ".join(f"{key} = ${n}" for n, key in enumerate(table.key, 1))
        await self._owner.execute(f"delete from {table.name} where {keys}", *(row[key] for key in table.key))
        # The tree is computed from the events, and made again; an edition that no cycle follows binds nobody.
        is_evidence = table.name != "ledger.tree" and self._is_named(table, row)
        return Change(f"a row of {table.name} is deleted", is_evidence)

    async def _swap(self) -> Change:
        table = self._rng.choice([one for one in self._tables if len(one.rows) > 1])
        first, second = self._rng.sample(table.rows, 2)
        moved = [name for name in table.columns if name not in table.key and first[name] != second[name]]
        if table.name == "ledger.event":  # (stream, version) is unique, too
            await self._owner.execute(
                "update ledger.event set position = -position where position = $1", first["position"]
            )
            await self._owner.execute(
                "update ledger.event set position = $1 where position = $2", first["position"], second["position"]
            )
            await self._owner.execute(
                "update ledger.event set position = $1 where position = $2", second["position"], -first["position"]
            )
            return Change("two events are swapped")
        if "plain" in moved:
            moved.remove("plain")
        await self._update(table, first, {name: second[name] for name in moved})
        await self._update(table, second, {name: first[name] for name in moved})
        evidence = [name for name in moved if f"{table.name}.{name}" not in NO_EVIDENCE]
        named = self._is_named(table, first) or self._is_named(table, second)
        return Change(f"two rows of {table.name} are swapped", bool(evidence) and named)

    async def _insert(self) -> Change:
        table = self._rng.choice(
            [one for one in self._tables if one.name.startswith("ledger.") and "one" not in one.key]
        )
        row = dict(self._rng.choice(table.rows))
        for name in table.key:
            row[name] = row[name] + len(table.rows) if isinstance(row[name], int) else sha256(row[name]).digest()
        if table.name == "ledger.event":
            row["version"] += 1_000
        names = list(row)
        places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
        await self._owner.execute(f"insert into {table.name} ({', '.join(names)}) values ({places})", *row.values())
        return Change(f"a row of {table.name} is inserted")

    async def _cut(self) -> Change:
        count = self._rng.randrange(1, 6)
        await self._owner.execute(
            "delete from ledger.event where position > (select max(position) from ledger.event) - $1", count
        )
        await self._owner.execute("delete from ledger.tree")
        return Change(f"the last {count} events are cut")

    async def _drop_all(self) -> Change:
        table = self._rng.choice([one for one in self._tables if one.name != "ledger.tree"])
        await self._owner.execute(f"delete from {table.name}")
        return Change(f"all of {table.name} is deleted", any(self._is_named(table, row) for row in table.rows))

    async def _rechain(self) -> Change:
        """Somebody without the key changes an event, and computes all digests again."""
        await rewritten(self._victim, self._rng, None)
        return Change("an event is changed, and all after it are chained again")

    async def _sign_anew(self) -> Change:
        """Somebody who has stolen the key writes the ledger anew from the first event."""
        await rewritten(self._victim, self._rng, stolen_keys(self._victim))
        return Change("all is signed again with the stolen keys")

    async def _rebuild(self) -> Change:
        await rewritten(self._victim, self._rng, other_keys(self._victim))
        return Change("all is built again with other keys")


Private = dict[str, SigningKey]
"""Keys by name."""


def stolen_keys(victim: Victim) -> Private:
    return {key.key: key.private for key in map(victim.app.installed.key, ("root", "cli"))}


def other_keys(victim: Victim) -> Private:
    return {name: SigningKey.generate() for name in stolen_keys(victim)}


def _with_other_keys(victim: Victim, private: Private | None) -> Callable[[str], str]:
    """What puts the public halves of other keys into a text."""
    public = {
        bytes(key.verify_key).hex(): bytes((private or {}).get(name, key).verify_key).hex()
        for name, key in stolen_keys(victim).items()
    }

    def renewed(text: str) -> str:
        for old, new in public.items():
            text = text.replace(old, new)
        return text

    return renewed


def _hex(payload: str) -> str:
    return sha256(payload.encode()).hexdigest()


async def rewritten(victim: Victim, rng: random.Random, private: Private | None) -> None:
    """Write the whole ledger anew with another time in it; with keys, all commands are signed again."""
    renewed = _with_other_keys(victim, private)
    rows = await victim.ledger().read()
    commands = await victim.ledger().commands({row.command_digest for row in rows if row.command_digest})
    payloads = {_hex(one.payload): _hex(renewed(one.payload)) for one in commands.values()}
    digests: dict[int, bytes] = {}
    tips: dict[str, bytes] = {}
    signed: dict[bytes, SignedCommand] = {}
    moved = rng.choice([row.position for row in rows[4:] if row.command_digest])
    for row in rows:
        body = row.content
        if body.command_digest is not None and private is not None:
            old = commands[bytes.fromhex(body.command_digest)]
            if old.digest not in signed:
                header, payload = json.loads(old.header), renewed(old.payload)
                header["orders"] = [[*names, payloads[digest]] for *names, digest in header["orders"]]
                header["read"][1] = digests.get(header["read"][0], bytes(32)).hex()
                if row.position > 1:  # otherwise nothing but the key would be another
                    header["issued"] = (datetime.fromisoformat(header["issued"]) - timedelta(seconds=1)).isoformat()
                    header["expires"] = (datetime.fromisoformat(header["expires"]) - timedelta(seconds=1)).isoformat()
                text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
                signature = private[header["key"]].sign(text.encode()).signature.hex()
                signed[old.digest] = SignedCommand(text, signature, payload, old.unit)
            body = msgspec.structs.replace(body, command_digest=signed[old.digest].digest.hex())
            if body.type in {event.NAME for event in ADMINISTRATION}:  # these happen when they are signed
                happened = body.happened_earliest - timedelta(seconds=1)
                body = msgspec.structs.replace(body, happened_earliest=happened, happened_latest=happened)
        elif row.position == moved:
            body = msgspec.structs.replace(body, actor="ai-do")
        if private is not None and row.stream == "installation":
            body = msgspec.structs.replace(body, payload=msgspec.Raw(renewed(bytes(body.payload).decode()).encode()))
        previous, stored = tips.get(row.stream, bytes(32)), encode_body(body)
        digest = chain_digest(previous, row.position, row.recorded_at, stored)
        tips[row.stream] = digests[row.position] = digest
        await victim.owner.execute(
            "update ledger.event set body = $2, previous = $3, digest = $4 where position = $1",
            row.position,
            stored,
            previous,
            digest,
        )
    if private is not None:
        await victim.owner.execute("delete from ledger.command")
        await victim.owner.execute("delete from ledger.batch")
        for one in signed.values():
            await victim.owner.execute(
                "insert into ledger.batch values ($1, $2, $3) on conflict do nothing",
                one.batch_digest,
                one.header,
                bytes.fromhex(one.signature),
            )
            await victim.owner.execute(
                "insert into ledger.command values ($1, $2, $3, $4)",
                one.digest,
                one.batch_digest,
                one.payload,
                one.unit,
            )
    await victim.owner.execute("delete from ledger.tree")


async def test_nothing_that_is_evidence_changes_unnoticed(victim: Victim) -> None:
    assert await victim.noticed() == "", "what was not changed is not noticed"
    tamperer = Tamperer(victim, seed=int(os.environ.get("SEED", "1")))
    how: Counter[str] = Counter()
    unnoticed = []
    for number in range(CHANGES):
        transaction = victim.owner.transaction()
        await transaction.start()
        try:
            change = await tamperer.make(number)
            found = await victim.noticed()
        except asyncpg.IntegrityConstraintViolationError:
            change, found = Change("refused"), "constraint"
        finally:
            await transaction.rollback()
        how[found] += 1
        if not found and change.is_evidence:
            unnoticed.append(f"{number}: {change.what}")
    assert unnoticed == []
    assert how["verify"] > CHANGES / 3
    assert how["checkpoint"] > 0


async def test_what_was_erased_and_is_there_again_is_found(victim: Victim) -> None:
    """Also a salt alone, which the tables themselves refuse beside nothing: guesses at a name can be tested with it."""
    person = await victim.owner.fetchval("select id from vault.person where erased_at is not null")
    for column, value in (("salt", b"x" * 16), ("name", "Tên Cũ")):
        with pytest.raises(asyncpg.CheckViolationError):
            await victim.owner.execute(f"update vault.person set {column} = $2 where id = $1", person, value)
        transaction = victim.owner.transaction()
        await transaction.start()
        await victim.owner.execute(
            "do $$ declare one text; begin for one in select conname from pg_constraint "
            "where conrelid = 'vault.person'::regclass and contype = 'c' loop "
            "execute format('alter table vault.person drop constraint %I', one); end loop; end $$"
        )
        await victim.owner.execute(f"update vault.person set {column} = $2 where id = $1", person, value)
        assert "erased_is_there" in {one.code for one in (await victim.verified()).remarks}
        await transaction.rollback()
    assert (await victim.verified()).remarks == []


async def test_what_only_a_checkpoint_or_a_known_key_shows(victim: Victim) -> None:
    """The owner of the database who has a key can write a ledger that fits together."""
    for private, by_key in ((stolen_keys(victim), ""), (other_keys(victim), "other_key")):
        transaction = victim.owner.transaction()
        await transaction.start()
        await rewritten(victim, random.Random(1), private)
        assert (await victim.verified()).problems == []
        assert [one.code for one in (await victim.verified(victim.kept)).problems] == ["checkpoint"]
        known = await victim.verified(root_key=victim.app.installed.root_public_key)
        assert "".join(one.code for one in known.problems) == by_key
        await transaction.rollback()
    transaction = victim.owner.transaction()
    await transaction.start()
    await rewritten(victim, random.Random(1), None)
    # Without the key the later signatures tell: each names the newest event that its signer had read.
    details = {(one.code, one.detail) for one in (await victim.verified()).problems}
    assert details >= {("signature", "other_person"), ("signature", "other_ledger")}
    await transaction.rollback()


@pytest.mark.parametrize("role", ["database_url", "reader_url", "web_url"])
async def test_no_role_of_a_process_changes_the_ledger(app: Session, role: str) -> None:
    connection = await asyncpg.connect(getattr(app.endpoints, role))
    columns = {"event": "law", "command": "unit", "batch": "header", "installation": "id", "baseline": "digest"}
    for table, column in columns.items():
        for change in (f"update ledger.{table} set {column} = {column}", f"delete from ledger.{table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("delete from ledger.tree")
    await connection.close()
