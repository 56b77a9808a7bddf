"""Uses the act of docs/adding-an-act.md wherever acts are used, and prints what it finds as JSON.

`test_adding_an_act.py` runs it in a copy of the tree that has the act. No engine: decider and ledger in memory.
"""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from nacl.signing import SigningKey
from speech import CITY, NOW, RULES, STREAM, TEXT, UNITS, Case

import domain
from application.act_descriptions import act_descriptions
from application.minutes import planned
from application.minutes_cells import Minutes, group_text
from application.permitted_acts import permitted_acts
from application.timeline import timeline_of
from application.visits import VisitedCycle, Visitor
from domain.commands import CommandPayload
from domain.cycle import CYCLE
from domain.records import Command, EventEnvelope, Refused
from domain.rights import is_binding
from domain.state import members_and_organiser
from domain.steps.membership import AssignRole
from domain.steps.targets import RegisterTargets
from i18n import in_language
from ledger.events import LedgerTip, StreamTip
from ledger.mapping import authenticate, to_draft, to_envelope
from ledger.memory import MemoryLedger
from ledger.protocol import Append, Appended, Part
from ledger.signing import BatchItem, Header, Signer
from web import api
from web.forms import inputs

NAME = "withdraw-registration"
UNIT, HEAD, OTHER = UNITS
FIELDS = {"unit": UNIT, "reason": TEXT}


class Texts:
    async def get(self, digests: Any) -> dict[str, str]:
        return dict.fromkeys(digests, "Ghi nhầm.")

    async def edition(self, _digest: str) -> None:
        """No edition is stored."""


class People:
    async def names(self, ids: Any) -> dict[str, str]:
        return {}


def visited(case: Case, history: Any, unit: str) -> VisitedCycle:
    """The cycle as a person of a unit has it open."""
    login: Any = SimpleNamespace(account=SimpleNamespace(kind="staff", administrator=False))
    contact: Any = SimpleNamespace(id=f"cb-{unit}", unit=unit)
    names = members_and_organiser(case.state)
    return VisitedCycle(STREAM, history, case.state, RULES, names, Visitor(login, contact))


def item() -> BatchItem:
    payload = CommandPayload(act=NAME, fields=FIELDS)
    return BatchItem(STREAM, uuid4(), payload.model_dump_json())


def decided(case: Case, one: BatchItem, unit: str) -> tuple[Any, tuple[EventEnvelope[Any], ...]]:
    """Sign a command as a person of a unit, and decide it: the signed batch, and the events."""
    signer = Signer("test", 1, "entry-1", SigningKey(b"0" * 32))
    batch = signer.sign([one], actor=f"cb-{unit}", unit=unit, issued=NOW, strength="password+totp", read=LedgerTip())
    command = authenticate(one, Header.parse(batch.header))
    return batch, CYCLE.decide(command, case.state, RULES, len(case.history), tuple(case.history))


def refusal(case: Case, unit: str) -> str | None:
    try:
        decided(case, item(), unit)
    except Refused as error:
        return error.code
    return None


async def stored(case: Case) -> MemoryLedger:
    """A ledger with the history of the case, and then the act."""
    ledger = MemoryLedger()
    await ledger.append(Append((Part(STREAM, StreamTip(), tuple(map(to_draft, case.history))),)))
    one = item()
    batch, envelopes = decided(case, one, UNIT)
    signed = batch.command(one, UNIT)
    last = await ledger.last(STREAM)
    assert last is not None
    drafts = tuple(to_draft(envelope, signed.digest) for envelope in envelopes)
    answer = await ledger.append(Append((Part(STREAM, last.tip, drafts),), ((one.command_id, signed),)))
    assert isinstance(answer, Appended)
    return ledger


async def checks() -> dict[str, Any]:
    act = Command.KNOWN[NAME]
    case = Case().when(AssignRole(role="head", holder=HEAD, manner="elected")).happened()
    case.when(RegisterTargets(unit=UNIT, titles=("Cờ",)), by=UNIT).happened()
    rows = await (await stored(case)).load(STREAM)
    history = tuple((row, to_envelope(row)) for row in rows)
    before = visited(case, history[:-1], UNIT)
    case.state = CYCLE.fold(envelope for _row, envelope in history)
    app: Any = SimpleNamespace(texts=Texts(), people=People())
    told = {}
    for language in ("vi", "en"):
        with in_language(language):
            told[language] = (await timeline_of(app, visited(case, history, OTHER)))[-1].text
    cells = {f"acts.{NAME}.0001-abcdef": group_text(FIELDS), "on": "01/01/2026", "head.kind": "quarterly"}
    minutes = Minutes("hop", STREAM, cells)
    with in_language("vi"):
        form = [(one.label, one.kind, one.required) for one in inputs(act, {})]
    descriptions = [one for one in act_descriptions(rehearsal=True) if one.act == NAME]
    return {
        "code": domain.__file__,
        "form": form,
        "refusals": {unit: refusal(case, unit) for unit in (UNIT, HEAD, OTHER, CITY)},
        "binds": is_binding(NAME, FIELDS),
        "offered": [unit for unit in UNITS if act in permitted_acts(visited(case, history, unit))],
        "minutes": [one.NAME for one in permitted_acts(before) if one.IN_MINUTES].count(NAME),
        "from_minutes": [one.command.act for one in planned(before, minutes)],
        "api": [sorted(one.fields["properties"]) for one in descriptions],
        "api_request": NAME in api.ActRequest.model_json_schema()["discriminator"]["mapping"],
        "stored": (rows[-1].type, rows[-1].schema, rows[-1].actor, rows[-1].unit, rows[-1].provenance),
        "registrations": list(case.state.targets.registrations),
        "told": told,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(checks()), ensure_ascii=False))
