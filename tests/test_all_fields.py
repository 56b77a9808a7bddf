"""Every act with every field, by pages, interface and recording file: each value is read again, on every surface.

A reader who may read the act finds all of it; one who may not finds nothing of it.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from all_fields import Filler, Leaf, leaves
from engine_help import CITY, enter_staff
from engine_help import open_cycle as open_stepped
from every_act import MEETING, MEMBERS, NOT_HERE, UNITS, YEAR, EveryField, Script, edition, unfilled
from minutes_help import keep_minutes, minutes_cells
from web_help import PASSWORD, Site

from accounts import Kind
from application.application import CommandInput
from application.form_values import as_typed, flattened, nested
from application.gate import at_command_line
from application.recording.export import export_cycle
from application.recording.run import record_file
from application.visits import Visitor, open_cycle
from cli import auditing
from cli.session import Session
from domain.access import readable_versions
from domain.records import Command
from domain.streams import cycle_stream
from domain.strengths import Strength
from domain.times import When
from i18n import _, in_language
from i18n.details import NOT_SHOWN
from i18n.messages import day, word
from ledger.protocol import load_all
from web import urls
from web.app import build
from web.auth import form_token
from web.cookies import FORMS, LOGIN

PEOPLE: dict[str, tuple[str, Kind]] = {
    "thu-ky": (CITY, "secretariat"),
    "kiem-tra": ("thanh-tra", "auditor"),
    "phu-trach": ("lanh-dao", "staff"),
    "can-bo-1": (MEMBERS[0], "staff"),
    "can-bo-2": (MEMBERS[1], "staff"),
    "can-bo-4": (MEMBERS[3], "staff"),
    "nguoi-ngoai": ("don-vi-la", "staff"),
}
"""Account, unit, kind: who enters, who reads everything, members of three units, somebody else."""

_MARK = re.compile(r"dauvet\d{4}x")


def read(text: str) -> str:
    """What a person reads of a page: without tags, in one line."""
    plain = re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", plain)).split())


@dataclass(slots=True)
class Reader:
    """Somebody who is logged in and holds a token, in the process of the test."""

    person: str
    http: httpx.AsyncClient
    form: str
    bearer: dict[str, str]
    requests: int = 0

    async def get(self, path: str, **sent: Any) -> httpx.Response:
        self.requests += 1
        return await self.http.get(path, **sent)

    async def pages(self, path: str, parameter: str = "trang") -> str:
        """What is read on all pages of a list; "" where the reader may not open it."""
        found = []
        for number in range(1, 20):
            answer = await self.get(f"{path}{'&' if '?' in path else '?'}{parameter}={number}")
            if answer.status_code != 200:
                return ""
            found.append(read(answer.text))
            if f"{parameter}={number + 1}" not in answer.text:
                break
        return " ".join(found)

    async def api(self, path: str) -> str:
        answer = await self.get(f"/api/v1/cycles/{path}", headers=self.bearer)
        return " ".join(_texts(answer.json())) if answer.status_code == 200 else ""


def _texts(value: Any) -> Iterable[str]:
    """The texts that an answer gives to be read: sentences, details, lines; not the state, which is for programs."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name in {"text", "label"} or (name == "lines" and isinstance(entry, list)):
                yield from [entry] if isinstance(entry, str) else entry
            elif name != "state":
                yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


@dataclass
class Entered:
    """A cycle that was entered by one door, with the leaves of each act by the versions of its events."""

    stream: str
    script: Script
    acts: list[tuple[EveryField, list[int]]] = field(default_factory=list)
    opening: list[Leaf] = field(default_factory=list)
    missing: list[tuple[str, str, Leaf]] = field(default_factory=list)
    """Surface, act, leaf."""
    refused: list[tuple[object, ...]] = field(default_factory=list)
    """Acts with the answer; and what somebody read who may not: who, where, act, mark."""

    def check(self, surface: str, act: str, text: str, leaves: Iterable[Leaf]) -> None:
        text = " ".join(text.split())
        self.missing += [(surface, act, leaf) for leaf in leaves if " ".join(leaf.words.split()) not in text]

    def note(self, act: EveryField, versions: list[int]) -> None:
        self.acts.append((act, versions))
        self.script.versions[act.act.NAME] = versions[0]


@asynccontextmanager
async def readers(site: Site) -> AsyncIterator[dict[str, Reader]]:
    app = build(site.services)
    found = {}
    for person, (unit, kind) in PEOPLE.items():
        await site.person(person, unit, kind)
        secret = await site.services.accounts.open(person, Strength.REHEARSAL)
        token = await site.services.accounts.new_token(person, "thử", "sign", 1)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test", timeout=60)
        http.cookies.set(LOGIN, secret)
        http.cookies.set(FORMS, secret)
        found[person] = Reader(person, http, form_token(secret, person), {"Authorization": f"Bearer {token}"})
    try:
        yield found
    finally:
        for one in found.values():
            await one.http.aclose()


async def opened(site: Site, filler: Filler, after: tuple[str, str]) -> Entered:
    """Open a cycle with every field of its opening."""
    rules, later = (edition(f"Quy định {filler.mark()}", filler.mark) for _n in range(2))
    first, second = [await site.app.texts.put_edition(one.model_dump_json()) for one in (rules, later)]
    filler.known.texts.update({first: rules.title, second: later.title})
    stream = cycle_stream(CITY, str(YEAR), f"cum-{uuid4().hex[:8]}")
    act = Command.KNOWN["open-cycle"]
    named = [{"id": unit, "name": filler.known.names[unit], "kind": filler.mark()} for unit in UNITS]
    unnamed = [{"kind": filler.mark(), "count": 12}, {"kind": filler.mark(), "count": 13}]
    fields = filler.fill(
        act,
        organiser=CITY,
        year=YEAR,
        units=named,
        unnamed=59,
        unnamed_kinds=unnamed,
        overseer={"id": "phu-trach", "office": filler.mark()},
        edition=first,
        clock="backfill",
        starts=f"{YEAR}-01-01T07:30:00+07:00",
    )
    await enter_persons(site, filler)
    filler.known.names[CITY] = fields["organiser_name"]
    command = CommandInput(stream, act.NAME, fields, uuid4())
    await site.app.submit(stream, at_command_line(await enter_staff(site.app, CITY)), [command])
    script = Script(filler, later, second, after)
    found = Entered(stream, script)
    found.opening = list(leaves(act, fields, filler.known))
    return found


async def exclude_others(site: Site, entered: Entered) -> None:
    """Exclude all units but the first two, so that the first can be ranked alone: the second is excluded by an act."""
    commands = [
        CommandInput(
            entered.stream,
            "exclude-unit",
            {"unit": unit, "reason": "Không xét"},
            uuid4(),
            happened=When.on(date(YEAR, 3, 1)),
        )
        for unit in UNITS[2:]
    ]
    await site.app.submit(entered.stream, at_command_line(await enter_staff(site.app, CITY)), commands)


async def enter_persons(site: Site, filler: Filler) -> None:
    for person, name in filler.persons.items():
        await site.app.people.enter(person, CITY, name)
    filler.persons.clear()


def typed(act: EveryField) -> dict[str, str]:
    """The inputs of a form with an act's fields. `instead` has a form of its own."""
    flags = {name: "yes" if value else "no" for name, value in act.fields.items() if isinstance(value, bool)}
    return {**flattened({**as_typed(act.act, act.fields), **flags})}


def meeting_of(entered: Entered, act: EveryField) -> str:
    """The meeting that decided an act: the recorded one, for acts that minutes can hold."""
    return MEETING if act.act.IN_MINUTES and "record-meeting" in entered.script.versions else ""


def circumstances(entered: Entered, act: EveryField) -> list[Leaf]:
    """What goes with an act that is entered in this test."""
    words = {"on": day(act.on), "source": f"nguồn {act.on:%j}"}
    if act.act.NAME == "change-calendar":
        del words["on"]  # it happens on the day from which the other clock counts
    if meeting_of(entered, act):
        held = next(one for one, _versions in entered.acts if one.act.NAME == "record-meeting")
        words["meeting"] = held.fields["name"]
    return [Leaf("circumstances", name, one) for name, one in words.items()]


async def by_pages(site: Site, entered: Entered, who: Reader, act: EveryField) -> None:
    """Enter an act as a person does: form, summary, receipt."""
    name, values, extra = act.act.NAME, typed(act), {}
    if act.corrects:
        name = act.corrects
        extra = {"_sua": str(act.fields["version"]), "_reason": act.fields["reason"]}
        instead = {key: value for key, value in act.fields["instead"].items() if key != "act"}
        values = flattened(as_typed(Command.KNOWN[name], instead))
    path = f"/cum/{entered.stream}/lam/{name}" + (f"?_sua={extra['_sua']}" if extra else "")
    body = {
        **values,
        **extra,
        "_form": who.form,
        "_id": str(uuid4()),
        "_on": day(act.on),
        "_source": f"nguồn {act.on:%j}",
    }
    if meeting := meeting_of(entered, act):
        body["_meeting"] = meeting
    await enter_persons(site, entered.script.filler)
    looked = await who.http.post(path, data={**body, "_step": "look"})
    assert looked.status_code == 303, (act.act.NAME, read(looked.text)[:1500])
    summary = await who.get(looked.headers["location"])
    if summary.status_code != 200:
        entered.refused.append((act.act.NAME, _alert(summary.text)))
        return
    of_act = [*act.leaves, *circumstances(entered, act)]
    entered.check("summary", act.act.NAME, read(summary.text), of_act)
    sent = await who.http.post(path, data={**body, "_step": "send", "_password": PASSWORD})
    if sent.status_code != 303:
        entered.refused.append((act.act.NAME, _alert(sent.text)))
        return
    receipt = await who.get(sent.headers["location"])
    entered.check("receipt", act.act.NAME, read(receipt.text), of_act)
    version = int(sent.headers["location"].split("?")[0].rsplit("/", 1)[1])
    rows = await site.app.ledger.load(entered.stream, version - 1)
    entered.note(act, [row.version for row in rows])


def _alert(page: str) -> str:
    """What a page says is wrong."""
    found = re.search(r'role="alert">(.*?)</div>', page, re.DOTALL)
    return read(found[1] if found else page)[:400]


async def by_api(site: Site, entered: Entered, who: Reader, act: EveryField) -> None:
    """Enter an act as a program does: tried, and entered."""
    await enter_persons(site, entered.script.filler)
    body = {"act": act.act.NAME, "fields": act.fields, "on": act.on.isoformat(), "source": f"nguồn {act.on:%j}"}
    if meeting := meeting_of(entered, act):
        body["meeting"] = meeting
    path = f"/api/v1/cycles/{entered.stream}/acts"
    of_act = [*act.leaves, *circumstances(entered, act)]
    tried = await who.http.post(f"{path}/try", json=body, headers=who.bearer)
    if tried.status_code != 200:
        entered.refused.append((act.act.NAME, tried.text))
        return
    entered.check("API: tried", act.act.NAME, " ".join(_texts(tried.json())), of_act)
    done = await who.http.post(path, json=body, headers=who.bearer)
    assert done.status_code == 201, (act.act.NAME, done.text)
    entered.check("API: receipt", act.act.NAME, " ".join(_texts(done.json())), of_act)
    entered.note(act, done.json()["versions"])


async def surfaces(who: Reader, stream: str, *, every: bool = True) -> dict[str, str]:
    """What somebody reads on each surface of a cycle, or on the main ones; "" where they may not open it."""
    cycle = f"/cum/{stream}"
    found = {
        "what is in the register": await who.pages(f"{cycle}/da-ghi", "trang-da-ghi"),
        "timeline": await who.pages(f"{cycle}/so"),
        "API: cycle": await who.api(stream),
    }
    if not every:
        return found
    found |= {
        "time machine": await who.pages(f"{cycle}/thoi-diem"),
        "comparison": await who.pages(f"{cycle}/so-sanh?tu=0", "trang-doi"),
        "API: moment": await who.api(f"{stream}/moment"),
        "API: timeline": await who.api(f"{stream}/timeline?limit=1000"),
    }
    for name, path in (("timeline", "so"), ("moment", "thoi-diem"), ("comparison", "so-sanh")):
        for kind in ("csv", "json"):
            answer = await who.get(f"{cycle}/{path}.{kind}" + ("?tu=0" if path == "so-sanh" else ""))
            is_file = answer.status_code == 200
            text = answer.text.replace('""', '"') if kind == "csv" else _read_json(answer.text) if is_file else ""
            found[f"{name}.{kind}"] = text if is_file else ""
    return found


def _read_json(text: str) -> str:
    data = json.loads(text)
    rows = [row.get("line", "") for row in data] if isinstance(data, list) else []
    return " ".join([*_texts(data), *rows])


async def test_every_field_of_every_act_is_read_again(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()
    after = (await _next_cycle(site, "Cụm kế tiếp"), await _next_cycle(site, "Cụm thay thế"))
    cycles: list[Entered] = []
    with in_language("vi"):
        async with readers(site) as everybody:
            secretary = everybody["thu-ky"]
            for enter in (by_pages, by_api):
                filler = Filler(units=MEMBERS, typed=True, given=1_500 * len(cycles))
                filler.known.names.update({unit: f"Đơn vị {filler.mark()}" for unit in UNITS})
                filler.known.names |= dict(zip((f"cycle/{one}" for one in after), NEXT, strict=True))
                filler.known.names["phu-trach"] = "phu-trach"
                entered = await opened(site, filler, after)
                cycles.append(entered)
                for act in entered.script.acts():
                    if act.act.NAME == "rank":
                        await exclude_others(site, entered)
                    await enter(site, entered, secretary, act)
            copied = await by_file(site, cycles[0], tmp_path / "chep.yaml")
            few = {name: everybody[name] for name in ("thu-ky", "can-bo-4")}
            for entered, who in ((cycles[0], everybody), (cycles[1], few), (copied, few)):
                await _read_everywhere(site, entered, who, counts)
            await _read_minutes(site, cycles[0], secretary)
            await _read_on_the_command_line(site, cycles[0], capsys, monkeypatch)
            for entered, enter in zip(cycles, (by_pages, by_api), strict=True):
                for act in entered.script.tail():
                    await enter(site, entered, secretary, act)
            await _rehearsal(site, cycles[1], secretary)
        everything = [*cycles, copied]
        assert [one for entered in everything for one in entered.refused] == []
        missing = [one for entered in everything for one in entered.missing]
        shown = Counter((surface, act, leaf.model, leaf.name, leaf.words) for surface, act, leaf in missing)
        assert missing == [], sorted(shown)[:60]
    for entered in cycles:
        assert unfilled(act for act, _versions in entered.acts) == set()
    acts = [act for act, _versions in cycles[0].acts]
    counts["fields"] = len({(act.act.NAME, leaf.model, leaf.name) for act in acts for leaf in act.leaves})
    counts["acts"] = len({act.act.NAME for act in acts}) + len(NOT_HERE)
    counts["readers"], counts["doors"] = len(PEOPLE), 3
    with capsys.disabled():
        print(f"\nall fields: {dict(sorted(counts.items()))}; not shown: {len(NOT_SHOWN)}")


WHILE_ENTERING = (
    "summary",
    "receipt",
    "API: tried",
    "API: receipt",
    "file: tried",
    "check of minutes",
    "recorded minutes",
    "command line: timeline",
    "command line: replay",
)
"""Surfaces beside those of `surfaces`."""

NEXT = ("Cụm kế tiếp, 2021", "Cụm thay thế, 2021")


async def by_file(site: Site, entered: Entered, file: Path) -> Entered:
    """Enter the acts of a cycle once more, as a recording file of another cluster: tried, and entered."""
    organiser, year, cluster = entered.stream.split("/")
    other = f"cum-{uuid4().hex[:8]}"
    text = (await export_cycle(site.app, entered.stream)).replace(cluster, other)
    await asyncio.to_thread(file.write_text, text)
    copied = Entered(cycle_stream(organiser, year, other), entered.script, opening=entered.opening)
    tried = await record_file(site.app, file, "thu-ky", dry_run=True)
    told = " ".join(one for act in tried["told"] for one in (*act["texts"], *chain(*act["details"])))
    await record_file(site.app, file, "thu-ky")
    rows, copies = [await load_all(site.app.ledger, one.stream) for one in (entered, copied)]
    for act, versions in entered.acts:
        copied.check("file: tried", act.act.NAME, told, act.leaves)
        command = rows[versions[0] - 1].command_id
        copied.acts.append((act, [row.version for row in copies if row.command_id == command]))
    assert all(versions for _act, versions in copied.acts)
    return copied


IN_NEW_MINUTES = ("comment", "note-disagreement", "record-letter", "report-result", "state-contents", "name-witnesses")


async def _read_minutes(site: Site, entered: Entered, who: Reader) -> None:
    """The minutes of the recorded meeting, and those that are checked before they are entered."""
    recorded = read((await who.get(f"/cum/{entered.stream}/bien-ban/{MEETING}")).text)
    for act, versions in entered.acts:
        if act.act.NAME == "record-meeting" or (
            meeting_of(entered, act) and versions[0] > entered.script.versions["record-meeting"]
        ):
            entered.check("recorded minutes", act.act.NAME, recorded, act.leaves)
    new = entered.script.in_minutes(IN_NEW_MINUTES)
    await enter_persons(site, entered.script.filler)
    header, *acts = new
    values = [nested(typed(one).items()) for one in new]
    kept = [(one.act.NAME, values[n]) for n, one in enumerate(acts, 1)]
    await keep_minutes(site, who.person, entered.stream, "bb-1", minutes_cells(day(header.on), values[0], kept))
    checked = await who.http.get(urls.minutes_url(entered.stream, "bb-1", part="check"))
    assert "alert" not in checked.text, read(checked.text)[:600]
    shown = read(checked.text.split(_("This will stand in the register, all of it or nothing"))[1])
    for act in new:
        entered.check("check of minutes", act.act.NAME, shown, act.leaves)


async def _read_on_the_command_line(
    site: Site, entered: Entered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an auditor reads in a terminal that is wide enough."""

    @asynccontextmanager
    async def session(*_arguments: object, **_options: object) -> AsyncIterator[Session]:
        yield site.app

    monkeypatch.setattr(auditing, "session", session)
    monkeypatch.setenv("COLUMNS", "20000")
    capsys.readouterr()
    standing = (await site.app.state(entered.stream))[0].corrections.corrected
    await auditing.timeline(entered.stream, as_json=False)
    timeline = capsys.readouterr().out
    await auditing.replay_(entered.stream, None, None, None, as_json=False)
    replay = capsys.readouterr().out
    for act, versions in entered.acts:
        entered.check("command line: timeline", act.act.NAME, timeline, act.leaves)
        if not set(versions) & set(standing):
            entered.check("command line: replay", act.act.NAME, replay, act.leaves)


async def _rehearsal(site: Site, entered: Entered, who: Reader) -> None:
    """The acts that only a rehearsal has."""
    stream = await open_stepped(site.app, edition("Quy định", lambda: uuid4().hex[:6]), members=list(MEMBERS))
    at = Leaf("StepTo", "now", "08:30, 10/05/2026")
    for name, fields, leaf in (
        ("step-to", {"now": "2026-05-10T08:30:00+07:00"}, at),
        ("confirm-escalation", {"duty": "signature"}, Leaf("ConfirmEscalation", "duty", word("duty", "signature"))),
    ):
        body = {"act": name, "fields": fields}
        done = await who.http.post(f"/api/v1/cycles/{stream}/acts", json=body, headers=who.bearer)
        assert done.status_code == 201, done.text
        entered.check("API: receipt", name, " ".join(_texts(done.json())), [leaf])
        texts = await surfaces(who, stream, every=False)
        for surface, text in texts.items():
            entered.check(surface, name, text, [leaf])


async def _next_cycle(site: Site, name: str) -> str:
    stream = cycle_stream(CITY, "2021", f"cum-{uuid4().hex[:8]}")
    digest = await site.app.texts.put_edition(edition("Quy định", lambda: "x").model_dump_json())
    fields = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": name,
        "year": 2021,
        "edition": digest,
        "units": [{"id": "don-vi-99", "name": "Đơn vị 99"}],
        "clock": "backfill",
        "starts": "2021-01-01T00:00:00+07:00",
    }
    command = CommandInput(stream, "open-cycle", fields, uuid4())
    await site.app.submit(stream, at_command_line(await enter_staff(site.app, CITY)), [command])
    return stream


async def _read_everywhere(site: Site, entered: Entered, everybody: dict[str, Reader], counts: Counter[str]) -> None:
    """What may be read is found on each surface that a reader can open, all of it; and nothing else."""
    history = await site.app.history(entered.stream)
    state, rules = await site.app.state(entered.stream)
    corrected = state.corrections.corrected
    wrong = []
    for person, reader in everybody.items():
        contact = await site.app.people.get(person)
        account = await site.services.accounts.get(person)
        visitor = Visitor(SimpleNamespace(account=account), contact)  # type: ignore[arg-type]
        cycle = await open_cycle(site.services.application, entered.stream, visitor)
        may_open = bool(cycle.readers & {"secretariat", "auditor", "overseer", "member"})
        versions = readable_versions([one for _row, one in history], visitor.unit, cycle.readers, state, rules)
        found = await surfaces(reader, entered.stream, every=len(everybody) == len(PEOPLE))
        counts["surfaces"] = max(counts["surfaces"], len(found) + len(WHILE_ENTERING))
        assert bool(found["what is in the register"]) == may_open, person
        open_marks = {mark for leaf in entered.opening for mark in _MARK.findall(leaf.words)}
        for act, of_act in entered.acts:
            if may_open and versions.issuperset(of_act):
                open_marks |= {mark for leaf in act.leaves for mark in _MARK.findall(leaf.words)}
        for act, of_act in entered.acts:
            is_open = may_open and versions.issuperset(of_act)
            stands = not set(of_act) & set(corrected)
            marks = {mark for leaf in act.leaves for mark in _MARK.findall(leaf.words)} - open_marks
            for surface, text in found.items():
                if text and is_open and (stands or surface.startswith(("timeline", "API: timeline"))):
                    entered.check(f"{surface} ({person})", act.act.NAME, text, act.leaves)
                elif not is_open:
                    wrong += [(person, surface, act.act.NAME, mark) for mark in marks if mark in text]
        counts["requests"] += reader.requests
    entered.refused += wrong
