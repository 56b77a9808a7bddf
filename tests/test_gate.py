"""The gate as a table: each entry point with each kind of account and each proof, on the real engine."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx
import pyotp
import pytest
from engine_help import CITY, assert_ledger_verifies, enter_staff, open_cycle, submit, units
from nacl.signing import SigningKey
from speech import NOW, RULES
from web_help import PASSWORD, TLS, Site, Visitor, year_opened

from accounts import Kind, Scope
from application.application import CommandInput
from application.gate import GateClosedError, Submitter, at_command_line
from application.minutes_cells import scope_of
from audit.verify import verify
from domain.records import Refused
from domain.strengths import Strength
from ledger.events import LedgerTip
from ledger.mapping import authenticate
from ledger.signing import BatchItem, Header, Signer
from resources import ROOT
from web.cookies import LOGIN

OTHER = "mttq-khac"
MEMBER = "don-vi-1"


@dataclass(frozen=True, slots=True)
class Who:
    """An account, and how its person logged in on pages."""

    unit: str
    kind: Kind
    proof: Strength
    administrator: bool = False


WITH_CODE, WITHOUT = Strength.PASSWORD_AND_CODE, Strength.PASSWORD
ACCOUNTS: dict[str, Who] = {
    "thu-ky": Who(CITY, "secretariat", WITH_CODE),
    "thu-ky-khong-ma": Who(CITY, "secretariat", WITHOUT),
    "thu-ky-noi-khac": Who(OTHER, "secretariat", WITH_CODE),
    "can-bo-to-chuc": Who(CITY, "staff", WITHOUT),
    "can-bo-quan-tri": Who(CITY, "staff", WITH_CODE, administrator=True),
    "kiem-tra-quan-tri": Who(CITY, "auditor", WITH_CODE, administrator=True),
    "cum-truong": Who(MEMBER, "staff", WITHOUT),
}


@dataclass(slots=True)
class Doors:
    """A site with two cycles of the city, and a way through each door. Each attempt says something new."""

    site: Site
    first: str
    second: str
    person: str
    who: Who
    number: count[int] = field(default_factory=lambda: count(1))

    async def visitor(self) -> Visitor:
        """Somebody with a login of the proof that the table gives, whatever pages ask for today."""
        secret = await self.site.services.accounts.open(self.person, self.who.proof, asks_code=False)
        visitor = Visitor(httpx.AsyncClient(base_url=self.site.address, follow_redirects=True, timeout=60, verify=TLS))
        visitor.http.cookies.set(LOGIN, secret)
        self.site.browsers.append(visitor)
        await visitor.get("/toi")
        return visitor

    async def page(self) -> None:
        visitor = await self.visitor()
        way, own = f"/cum/{self.first}/lam/", self.who.unit == CITY
        typed = {"year_plan.title": uuid4().hex} if own else {"by.unit": self.who.unit, "text": uuid4().hex}
        await visitor.post(way + ("receive-year-plan" if own else "comment"), **typed, _step="send")

    async def binding_page(self) -> None:
        visitor = await self.visitor()
        await visitor.post(f"/cum/{self.first}/lam/sign", unit=MEMBER, _password=PASSWORD, _step="send")

    async def binding_page_without_password(self) -> None:
        visitor = await self.visitor()
        await visitor.post(f"/cum/{self.first}/lam/sign", unit="don-vi-2", _step="send")

    async def minutes(self) -> None:
        """The minutes of a meeting, with an act of the second cycle."""
        visitor, meeting = await self.visitor(), f"hop-{uuid4().hex[:6]}"
        begin, page = f"/cum/{self.first}/hoi-nghi", f"/cum/{self.first}/hoi-nghi/{meeting}"
        await visitor.post(begin, id=meeting, kind="other", _on="01/01/2026", _other=self.second)
        await visitor.get("/toi")
        await visitor.post(page, _add=f"{scope_of(self.second)}acts.state-contents")
        for cell in re.findall(r'data-cell="(n\w+\.acts[^"]+)"', visitor.page):
            typed = {f"{cell}.covenant": "covenant", f"{cell}.stated": str(next(self.number))}
            await visitor.post(page, _cell=f"{cell} x", _revision="999999999", **typed)
        await visitor.get(f"{page}?phan=kiem-tra")
        shown = visitor.hidden() if 'name="_shown"' in visitor.page else {}
        await visitor.get("/toi")
        await visitor.post(page, **{name: shown[name] for name in ("_shown",) if shown}, _step="enter")

    async def board(self) -> None:
        visitor = await self.visitor()
        until = f"{next(self.number):02}/0{next(MONTHS)}/2027"
        typed = {"cycle": self.first, "_do": "extend", "duty": "signature", "until": until, "reason": uuid4().hex}
        await visitor.post("/bang", **typed)

    async def reminder(self) -> None:
        visitor = await self.visitor()
        typed = {"_task": f"{self.first}|stance|{MEMBER}", "_do": "telephoned", "text": uuid4().hex}
        await visitor.post("/bang/don-doc", **typed)

    async def answer(self) -> None:
        visitor = await self.visitor()
        until = f"2027-0{next(MONTHS)}-{next(self.number):02}"
        typed = {"_line": f"{self.first}||{MEMBER}", "_do": "grant", "_duty": "self-score", "_until": until}
        await visitor.post("/viec", **typed, _id=uuid4().hex)

    async def year(self) -> None:
        visitor = await self.visitor()
        table = "cụm\tđơn vị\nCụm 1\tĐơn vị Một\nCụm 1\tĐơn vị Hai"
        year = str(2100 + next(YEARS))
        typed = {"year": year, "organiser_name": "Thành phố", "edition": "specimen-2020.yaml", "table": table}
        await visitor.post("/bat-dau-nam", **typed, _step="look")
        if "_seal" not in visitor.page:
            return
        await visitor.post("/bat-dau-nam/mo", **visitor.hidden())
        await year_opened(self.site, visitor)

    async def command_line(self) -> None:
        app, contact = self.site.app, await self.site.app.person(self.person)
        await app.submit(self.first, at_command_line(contact), [self._own_act()])

    def _own_act(self) -> CommandInput:
        if self.who.unit != CITY:
            return CommandInput(self.first, "comment", {"by": {"unit": self.who.unit}, "text": uuid4().hex})
        return CommandInput(self.first, "receive-year-plan", {"year_plan": {"title": uuid4().hex}})

    async def _interface(self, scope: Scope, act: CommandInput, *, trying: bool = False) -> None:
        secret = await self.site.services.accounts.new_token(self.person, "thử", scope, 1)
        way = f"{self.site.address}/api/v1/cycles/{self.first}/acts{'/try' if trying else ''}"
        async with httpx.AsyncClient(timeout=60) as http:
            head = {"Authorization": f"Bearer {secret}"}
            answer = await http.post(way, headers=head, json={"act": act.act, "fields": act.fields})
        if trying and answer.status_code == 200:
            raise TriedError

    async def token_that_reads(self) -> None:
        await self._interface("read", self._own_act())

    async def trying_with_a_token_that_reads(self) -> None:
        await self._interface("read", self._own_act(), trying=True)

    async def trying_with_a_token_that_acts(self) -> None:
        await self._interface("act", self._own_act(), trying=True)

    async def token_that_acts(self) -> None:
        await self._interface("act", self._own_act())

    async def binding_with_a_token_that_acts(self) -> None:
        await self._interface("act", self._decision())

    async def correction_that_binds_with_a_token_that_acts(self) -> None:
        rows = await self.site.app.ledger.load(self.first)
        own = [row.version for row in rows if row.unit == self.who.unit and row.type == "YearPlanReceived"]
        decision = self._decision()
        instead = {"act": decision.act, **decision.fields}
        fields = {"version": own[-1] if own else 1, "reason": "Nhầm.", "instead": instead}
        await self._interface("act", CommandInput(self.first, "correct", fields))

    async def binding_with_a_token_that_signs(self) -> None:
        await self._interface("sign", self._decision())

    def _decision(self) -> CommandInput:
        return CommandInput(self.first, "decide-awards", {"decision": {"number": uuid4().hex}, "grants": []})


MONTHS = (1 + n // 20 % 9 for n in count())
YEARS = count()


class TriedError(Exception):
    """A preview was shown."""


DOORS: dict[str, Callable[[Doors], Awaitable[None]]] = {
    "page": Doors.page,
    "binding page": Doors.binding_page,
    "binding page, no password": Doors.binding_page_without_password,
    "minutes": Doors.minutes,
    "board": Doors.board,
    "reminder": Doors.reminder,
    "answer": Doors.answer,
    "year": Doors.year,
    "token that reads": Doors.token_that_reads,
    "trying, token that reads": Doors.trying_with_a_token_that_reads,
    "trying, token that acts": Doors.trying_with_a_token_that_acts,
    "token that acts": Doors.token_that_acts,
    "binding, token that acts": Doors.binding_with_a_token_that_acts,
    "binding correction, token that acts": Doors.correction_that_binds_with_a_token_that_acts,
    "binding, token that signs": Doors.binding_with_a_token_that_signs,
    "command line": Doors.command_line,
}
NEVER = {
    "binding page, no password",
    "token that reads",
    "trying, token that reads",
    "binding, token that acts",
    "binding correction, token that acts",
}
BY_TOKEN = {"token that acts", "trying, token that acts", "binding, token that signs"}
OPEN: dict[str, set[str]] = {
    "thu-ky": set(DOORS) - NEVER,
    "thu-ky-khong-ma": BY_TOKEN | {"command line"},
    "thu-ky-noi-khac": {"year"},
    "can-bo-to-chuc": {"command line"},
    "can-bo-quan-tri": {"command line"},
    "kiem-tra-quan-tri": set(),
    "cum-truong": {"page", "binding page", "minutes", "token that acts", "trying, token that acts", "command line"},
}
"""Through which doors an account of a real installation writes."""

IN_REHEARSAL: dict[str, set[str]] = {**OPEN, "thu-ky-khong-ma": set(DOORS) - NEVER}
"""No codes in a rehearsal: a login with the password alone is as good."""


async def opened_doors(site: Site, person: str) -> set[str]:
    """Through which doors a person can write now. Every event of it states the strength of the installation."""
    who = ACCOUNTS[person]
    first = await open_cycle(site.app, RULES, members=units(2))
    second = await open_cycle(site.app, RULES, members=units(2))
    for stream in (first, second):
        await submit(site.app, stream, CITY, "assign-role", {"role": "head", "holder": MEMBER, "manner": "elected"})
    await submit(site.app, first, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await site.person(person, who.unit, who.kind, administrator=who.administrator)
    if who.proof is not WITHOUT or who.kind == "secretariat":  # whose tokens do nothing before codes are set up
        secret = await site.services.codes.setting_up(person, "a login")
        assert await site.services.codes.confirm(person, "a login", pyotp.TOTP(secret).now())
    doors, found = Doors(site, first, second, person, who), set[str]()
    for name, door in DOORS.items():
        before = await site.app.ledger.last_position()
        try:
            await door(doors)
        except TriedError:
            found.add(name)
        except (GateClosedError, Refused):
            pass
        after = await site.app.ledger.read(before)
        if after:
            found.add(name)
        for row in after:
            signed = await site.app.ledger.command(row.command_digest) if row.command_digest else None
            if signed is not None:
                strength = json.loads(signed.header)["strength"]
                assert (strength == "rehearsal") is site.app.rehearsal, (name, strength)
    return found


@pytest.mark.parametrize("person", ACCOUNTS)
async def test_who_writes_by_which_door_in_a_real_installation(real_site: Site, person: str) -> None:
    assert await opened_doors(real_site, person) == OPEN[person]


@pytest.mark.parametrize("person", ["thu-ky-khong-ma", "can-bo-to-chuc"])
async def test_who_writes_by_which_door_in_a_rehearsal(site: Site, person: str) -> None:
    assert await opened_doors(site, person) == IN_REHEARSAL[person]


async def test_a_rehearsals_strength_opens_nothing_elsewhere(real_site: Site) -> None:
    app = real_site.app
    stream = await open_cycle(app, RULES, members=units(2))
    submitter = Submitter(await enter_staff(app, CITY), Strength.REHEARSAL)
    with pytest.raises(GateClosedError, match="rehearsal_elsewhere"):
        await app.submit(stream, submitter, [CommandInput(stream, "rank", {})])


async def test_a_rehearsals_strength_in_a_real_installation_is_found_by_the_audit(real_site: Site) -> None:
    app = real_site.app
    assert app.client is not None
    stream = await open_cycle(app, RULES, members=units(2))
    await assert_ledger_verifies(app)
    item = await app.item(CommandInput(stream, "receive-year-plan", {"year_plan": {"title": "KH"}}))
    installed = app.installed
    signer = installed.cli.signer(app.ledger.epoch)
    batch = signer.sign([item], actor="x", unit=CITY, issued=datetime.now(UTC), strength="rehearsal", read=LedgerTip())
    await app.client.submit(stream, batch)
    report = await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch)
    assert [(one.code, one.detail) for one in report.problems] == [("signature", "rehearsal_elsewhere")]


async def test_a_command_for_no_stream_starts_no_workflow(site: Site) -> None:
    submitter = at_command_line(await enter_staff(site.app, CITY))
    with pytest.raises(Refused, match="not_a_cycle_name"):
        await site.app.submit("abc", submitter, [CommandInput("abc", "rank", {})])
    stream = f"{CITY}/2026/khong-co"
    for version in (0, -1, 10**30, "hai", None, "9" * 5_000):
        assert not await site.app.gate.binds(CommandInput(stream, "correct", {"version": version}))


def test_a_header_with_an_unknown_strength_is_refused() -> None:
    signer = Signer("test", 1, "entry-1", SigningKey(b"0" * 32))
    item = BatchItem(f"{CITY}/2026/cum-1", uuid4(), json.dumps({"act": "rank", "fields": {}}))
    batch = signer.sign([item], actor="x", unit=CITY, issued=NOW, strength="said-so", read=LedgerTip())
    with pytest.raises(Refused, match="unknown_strength"):
        authenticate(item, Header.parse(batch.header))


# The gate cannot be forgotten ------------------------------------------------------------------------

SIGNERS = {
    "application/bootstrap.py",
    "application/gate.py",
    "application/keys.py",
    "ledger/signing.py",
    "ledger/notes.py",
    "ledger/checkpoints.py",
    "local/certificates.py",
}
"""What may sign: the gate; the start the law in force; with a root key the commands about keys; with the log's key
checkpoints; certificates of the engine's door."""
ASKING = {"application/application.py": "self.gate", "application/administration.py": "application.gate"}
"""What may ask the gate to sign, and how it calls it."""
OPENERS = {"local/key_files.py"}
"""What reads the key for them."""


def code() -> Iterator[Path]:
    for file in ROOT.rglob("*.py"):
        if file.relative_to(ROOT).parts[0] not in {".venv", "bench", "tests", "tools"}:
            yield file


def ways_past(name: str, text: str) -> list[str]:
    """What in a module signs, or claims the proof of the command line, without the right to."""
    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ImportFrom(module="ledger.signing", names=names) if name not in SIGNERS | OPENERS:
                found += [f"{name}: imports {one.name}" for one in names if one.name == "Signer"]
            case ast.Call(func=ast.Attribute(attr="sign", value=value)) if name not in SIGNERS:
                if ASKING.get(name) != ast.unparse(value):
                    found.append(f"{name}: {ast.unparse(value)}.sign")
            case ast.Attribute(attr="_signer" | "_key_file" | "signer") if name not in SIGNERS | OPENERS:
                found.append(f"{name}: reaches for the key")
            case ast.Name(id="at_command_line" | "operator") | ast.Attribute(attr="OS_ACCOUNT") if name.startswith(
                "web/"
            ):
                found.append(f"{name}: claims to be the command line")
            case _:
                pass
    return found


def test_nothing_signs_but_the_gate() -> None:
    files = list(code())
    assert len(files) > 150
    assert [line for file in files for line in ways_past(str(file.relative_to(ROOT)), file.read_text())] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("web/pages/board.py", "from ledger.signing import Signer"),
        ("web/pages/board.py", "batch = application.gate.sign(submitter, items)"),
        ("cli/acting.py", "app.gate._signer"),
        ("cli/acting.py", "app.installed.cli.signer(1)"),
        ("web/api.py", "gate._key_file.read()"),
        ("web/pages/year.py", "submitter = at_command_line(contact)"),
        ("web/pages/people.py", "await administration.record(operator(), command)"),
        ("web/api.py", "Submitter(contact, Strength.OS_ACCOUNT)"),
    ],
)
def test_a_way_past_the_gate_is_found(name: str, text: str) -> None:
    assert len(ways_past(name, text)) == 1
    assert ways_past("application/gate.py", "self._signer.sign(items)") == []
