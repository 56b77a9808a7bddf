"""Verifies a dump of a ledger by docs/ledger-format.md alone: it imports nothing of this program.

python tests/independent_reader.py ledger.jsonl [checkpoints.jsonl VERIFIER_KEY]
"""

import base64
import json
import lzma
import re
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from nacl.signing import VerifyKey, exc

KEYS = ("stream", "version", "law", "command_id", "type", "schema", "payload", "command_digest", "actor", "unit",
        "stand_in_for", "provenance", "source", "meeting", "happened_earliest", "happened_latest", "effective",
        "act_key")  # fmt: skip
OPTIONAL = {"command_digest", "stand_in_for", "source", "meeting", "effective", "act_key"}
KINDS = [("batch", "thidua-handover-1", "signature", "header"), ("command", "thidua-signed-1", "batch", "payload")]
INDEX, PERSON, KEY_EVENTS = KEYS[:4], ("actor", "unit", "stand_in_for"), ("KeyNamed", "KeyRetired")
INSTANT, ZEROS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"), "00" * 32


def tagged(tag: str, first: str, text: str) -> str:
    return sha256(tag.encode() + b"\n" + bytes.fromhex(first) + text.encode()).hexdigest()


def event_digest(previous: str, position: int, recorded: int, body: bytes) -> str:
    numbers = b"".join(number.to_bytes(8, "big") for number in (position, recorded))
    return sha256(b"thidua-event-2" + bytes.fromhex(previous) + numbers + sha256(body).digest()).hexdigest()


def merkle_root(digests: list[str]) -> bytes:
    if len(digests) < 2:
        return sha256(b"\x00" + bytes.fromhex(digests[0]) if digests else b"").digest()
    half = 1 << (len(digests) - 1).bit_length() - 1
    return sha256(b"\x01" + merkle_root(digests[:half]) + merkle_root(digests[half:])).digest()


def once(pairs: list) -> dict:
    return dict(pairs) if len(dict(pairs)) == len(pairs) else {}


def read_body(body: bytes) -> dict:
    text = body.decode()
    if len(body) > 1_000_000 or re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        raise ValueError("too long, or with a NUL")
    found = json.loads(text, object_pairs_hook=once)
    if json.dumps(found, ensure_ascii=False, separators=(",", ":")) != text:
        raise ValueError("spelled otherwise, or a key stands twice")
    if list(found) != [key for key in KEYS if key in found or key not in OPTIONAL]:
        raise ValueError("other keys, or in another order")
    if not isinstance(found["payload"], dict) or None in found.values() or found.get("source") == "":
        raise ValueError("the payload is no object, or a key has no value")
    instants = all(INSTANT.fullmatch(found[key]) for key in ("happened_earliest", "happened_latest"))
    if not (instants and all(type(found[key]) is int for key in ("version", "law", "schema"))):
        raise ValueError("a number is not whole, or an instant is spelled otherwise")
    return found


class Reader:
    def __init__(self, lines: list[str]) -> None:
        self.rows = defaultdict(list)
        for line in lines:
            row = json.loads(line, object_pairs_hook=once)
            self.rows[row["kind"]].append(row)
        self.batches, self.commands = ({row["digest"]: row for row in self.rows[kind]} for kind in ("batch", "command"))
        self.tips, self.keys, self.digests = defaultdict(lambda: (0, ZEROS)), {}, []
        self.recorded, self.law, self.found, self.signed = 0, 1, [], []
        self.say(0, "another format", self.rows["ledger"][0]["format"] == 2)
        for kind, tag, first, text in KINDS:
            for row in self.rows[kind]:
                self.say(0, f"a {kind} was changed", tagged(tag, row[first], row[text]) == row["digest"])
        for event in self.rows["event"]:
            self.check(event, bytes.fromhex(event["body"]))
        for at, key in self.signed:
            self.say(at, "the key is not trusted so far", at <= key.get("trusted_until", at))

    def say(self, position: int, problem: str, is_right: object) -> None:
        if not is_right:
            self.found.append((position, problem))

    def check(self, event: dict, raw: bytes) -> None:
        at, tip, recorded = event["position"], (event["version"], event["digest"]), event["recorded"]
        self.say(at, "a position is missing", at == len(self.digests) + 1)
        self.say(at, "time fell", recorded >= self.recorded)
        self.say(at, "out of its stream", (tip[0] - 1, event["previous"]) == self.tips[event["stream"]])
        self.say(at, "wrong digest", event_digest(event["previous"], at, recorded, raw) == tip[1])
        try:
            body = read_body(raw)
            self.say(at, "the columns say otherwise", all(body[key] == event[key] for key in INDEX))
            if (body["stream"], body["type"]) == ("installation", "LawPutInForce"):
                self.law = max(self.law, body["payload"]["law"])
            self.say(at, "not by the law in force", body["law"] == self.law)
            self.check_origin(event, body)
        except (ValueError, TypeError, KeyError, exc.CryptoError) as error:
            self.say(at, f"no body, no command, no key or no signature: {error!r}", is_right=False)
        self.tips[event["stream"]], self.recorded = tip, recorded
        self.digests.append(tip[1])

    def check_origin(self, event: dict, body: dict) -> None:
        if "command_digest" not in body:
            is_known = body["stream"] == "post" or (body["actor"], body["stream"] == "installation") == ("clock", False)
            self.say(event["position"], "nobody signed it", event["position"] == 1 or is_known)
        else:
            self.check_command(event, body, self.commands[body["command_digest"]])
        if body["stream"] == "installation" and body["type"] in ("InstallationFounded", *KEY_EVENTS):
            told = {name: value for name, value in body["payload"].items() if value is not None}
            self.keys.setdefault(told["key"], {"role": "root"}).update(told, is_retired=body["type"] == "KeyRetired")

    def check_command(self, event: dict, body: dict, command: dict) -> None:
        at, batch = event["position"], self.batches[command["batch"]]
        key = self.keys[(header := json.loads(batch["header"]))["key"]]
        VerifyKey(bytes.fromhex(key["public_key"])).verify(batch["header"].encode(), bytes.fromhex(batch["signature"]))
        role, holder = "root" if body["type"] in KEY_EVENTS else "entry", key.get("holder")
        may = holder != "web" or not {body["type"], header["strength"]} & {"LawPutInForce", "os-account"}
        self.say(
            at, "the key is retired, or for other things", may and (key["role"], key["is_retired"]) == (role, False)
        )
        self.signed.append((at, key))
        item = [body["stream"], body["command_id"], sha256(command["payload"].encode()).hexdigest()]
        self.say(at, "another installation", header["installation"] == self.rows["ledger"][0]["installation"])
        self.say(at, "not covered by the signature", item in header["orders"])
        self.say(at, "another person", all(header[name] == body.get(name) for name in PERSON))
        expires = (datetime.fromisoformat(header["expires"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta.resolution
        self.say(at, "expired", event["recorded"] <= expires)
        position, digest = header["read"]
        self.say(at, "signed on another ledger", position < at and [ZEROS, *self.digests][position:][:1] == [digest])

    def compare(self, note: str, verifier_key: str) -> None:
        """Compare a checkpoint, a note as c2sp.org/signed-note defines it; the key begins with the log's origin."""
        text, _, signature = note.partition("\n\n")
        origin, size, root = text.split("\n")
        name, key = verifier_key.split("+", 2)[::2]
        VerifyKey(base64.b64decode(key)[1:]).verify(f"{text}\n".encode(), base64.b64decode(signature.split()[2])[4:])
        told = base64.b64decode(root), origin, int(size) <= len(self.digests)
        self.say(int(size), "a checkpoint says otherwise", told == (merkle_root(self.digests[: int(size)]), name, True))


if __name__ == "__main__":
    dump, *more = sys.argv[1:]
    stored = Path(dump).read_bytes()
    reader = Reader((lzma.decompress(stored) if dump.endswith(".xz") else stored).decode().splitlines())
    for line in Path(more[0]).read_text().splitlines() if more else ():
        reader.compare(json.loads(line), more[1])
    print(*(f"{at}: {problem}" for at, problem in reader.found), merkle_root(reader.digests).hex(), sep="\n")
    sys.exit(4 if reader.found else 0)
