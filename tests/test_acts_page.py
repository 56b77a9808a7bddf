"""The generated pages of all acts, and the declarations behind them: what follows from a command and what it brings.

The declarations are compared with the recorded ledgers: nothing followed there that the code does not name.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import pytest
from test_format_2 import LEDGERS, Dumped, _committed

from application.task_links import ACTS, OTHER_ACTS, command_for
from cli.showing import _acts_for
from domain import cycle
from domain import deviations as finders
from domain.cycle import COMMANDS, COMMANDS_BY_STEP, CYCLE, ENTERED_BY_PERSONS, EVENTS_OF
from domain.decider import compose
from domain.deviations import BROUGHT_BY, deviations
from domain.duties import Duty
from domain.obligations import DUTY_COMMANDS, obligations
from domain.records import Command, Event, StepDecider
from domain.rules import NO_RULES, Edition, edition_of
from domain.state import State
from domain.steps import signing
from domain.steps.corrections import CorrectAct
from domain.steps.lifecycle import AdoptEdition
from domain.steps.signatories import SignatoriesNamed
from domain.streams import is_cycle
from i18n import in_language
from i18n.acts_page import acts_page
from i18n.words import WORDS
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from resources import ROOT

PAGES = {"en": ROOT / "docs" / "acts.md", "vi": ROOT / "docs" / "vi" / "viec.md"}


def page(language: str) -> str:
    with in_language(language):
        return acts_page()


# Pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", PAGES)
def test_the_pages_are_what_the_code_says(language: str) -> None:
    assert PAGES[language].read_text() == page(language), "run: make acts-doc"


@pytest.mark.parametrize("language", PAGES)
def test_a_page_has_every_act_and_no_key(language: str) -> None:
    text = page(language)
    names = re.findall(r"^### .* \(([a-z-]+)\)$", text, re.MULTILINE)
    assert sorted(names) == sorted(act.NAME for act in ENTERED_BY_PERSONS)
    assert text.count("\n### ") == len(COMMANDS)
    assert text.count("\n## ") == len(COMMANDS_BY_STEP)
    body = re.sub(r"^### .*$", "", text, flags=re.MULTILINE)
    assert re.findall(r"`[^`]+`", body) == ["`thidua acts WORD`" if language == "en" else "`thidua acts TÊN`"]
    assert not re.search(r"[{}_\x04]|\bNone\b", body)
    assert not [event.NAME for event in Event.KNOWN.values() if re.search(rf"\b{event.NAME}\b", body)]


def test_the_vietnamese_page_has_no_english_and_no_field_names() -> None:
    vietnamese, english = (page(language).splitlines() for language in ("vi", "en"))
    assert len(vietnamese) == len(english)
    same = {line for line, other in zip(vietnamese, english, strict=True) if line and line == other}
    assert same == set()
    body = "\n".join(line for line in vietnamese if not line.startswith("### ")).replace("`thidua acts TÊN`", "")
    words = set(re.findall(r"\w+(?:[-_]\w+)*", body.lower()))
    assert words & {name for act in COMMANDS for name in (act.NAME, *act.model_fields)} == set()
    assert {word for word in words if re.fullmatch(r"[a-z]+[-_][a-z]+", word)} == set()


# Declarations -----------------------------------------------------------------------------


def test_a_decision_names_its_events() -> None:
    assert EVENTS_OF[signing.SignCovenant] == (signing.CovenantSigned,)
    assert set(EVENTS_OF) == set(COMMANDS)

    def sign(command: Any, meta: Any, state: Any, rules: Any) -> Iterator[Event]:
        yield from ()

    step: StepDecider[Any, Any, Edition] = StepDecider("signing", {signing.SignCovenant: sign}, {})
    with pytest.raises(TypeError, match="sign: the return type names no events"):
        compose([step])


def test_a_step_that_decides_has_a_title(monkeypatch: pytest.MonkeyPatch) -> None:
    step: StepDecider[Any, Any, Edition] = StepDecider("signing", {signing.SignCovenant: signing.sign}, {})
    monkeypatch.setattr(cycle, "STEPS", (step,))
    with pytest.raises(TypeError, match="the step of SignCovenant has no title"):
        cycle._by_step()


def test_a_finder_names_every_code_that_it_finds() -> None:
    """Each `Deviation(...)` has its code as a literal, in a function that declares exactly its codes."""
    found = defaultdict(set)
    for function in ast.parse(inspect.getsource(finders)).body:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Deviation":
                assert isinstance(function, ast.FunctionDef)
                assert isinstance(node.args[1], ast.Constant)
                found[function.name].add(node.args[1].value)
    declared = {find.__name__: set(codes) for find, codes in finders._FINDERS.items()}
    assert found == {**declared, "_late": {"late_act"}}
    assert set(BROUGHT_BY) == set(WORDS["deviation"].words)


def test_the_command_that_a_task_links_to_completes_it() -> None:
    links = [(duty, Command.KNOWN[name]) for acts in (ACTS, OTHER_ACTS) for duty, (name, _fields) in acts.items()]
    assert all(command in DUTY_COMMANDS[duty].done_by for duty, command in links)


# Recorded ledgers -------------------------------------------------------------------------


class Consequences(NamedTuple):
    """What followed from one command: names of events, codes of deviations, duties done and duties opened."""

    command: type[Command]
    events: set[type[Event]]
    deviations: set[str]
    done: set[Duty]
    opened: set[Duty]


def by_command(rows: list[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    """The rows of one stream, those of one command together."""
    batch: list[RecordedEvent] = []
    for row in rows:
        if batch and row.command_id != batch[0].command_id:
            yield batch
            batch = []
        batch.append(row)
    yield batch


def command_of(ledger: Dumped, row: RecordedEvent) -> type[Command]:
    """The command that a row's event follows from; commands of the clock are not stored."""
    signed = ledger.signed.get(row.command_digest) if row.command_digest else None
    if signed is not None:
        return Command.KNOWN[json.loads(signed.payload)["act"]]
    (command,) = (command for command, events in EVENTS_OF.items() if Event.KNOWN[row.type] in events)
    return command


def tasks(state: State, rules: Edition) -> Mapping[tuple[Duty, str, str], tuple[bool, bool]]:
    """By duty, bearer and subject: whether it is done, and whether it can be done now."""
    found = {}
    for one in obligations(state, rules):
        # A new head takes over what the earlier head owed, so these duties count without their bearer.
        bearer = one.bearer if one.duty in BORNE_BY_UNITS else ""
        found[one.duty, bearer, one.subject] = one.done is not None, one.done is None and not one.waits_for
    return found


NOT_OWED = (False, False)
BORNE_BY_UNITS = {
    Duty.STANCE,
    Duty.SIGNATURE,
    Duty.MIDYEAR_REPORT,
    Duty.CORRECTION,
    Duty.SELF_SCORE,
    Duty.CROSS_CHECK,
}


@cache
def recorded() -> tuple[Consequences, ...]:
    found = []
    for ledger in map(Dumped, (_committed()[name] for name in LEDGERS)):
        editions = {digest: edition_of(body) for digest, body in ledger.data["editions"].items()}
        streams = defaultdict(list)
        for row in ledger.rows:
            if is_cycle(row.stream):
                streams[row.stream].append(row)
        for rows in streams.values():
            state, history = CYCLE.empty(), []
            before: set[str] = set()
            owed: Mapping[Any, tuple[bool, bool]] = {}
            for batch in by_command(rows):
                history.extend(map(to_envelope, batch))
                command = command_of(ledger, batch[0])
                corrects = command is CorrectAct
                state = CYCLE.fold(history) if corrects else CYCLE.fold(history[-len(batch) :], state)
                rules = editions.get(state.lifecycle.edition or "", NO_RULES)
                now = {one.key: one.code for one in deviations(state, rules) if not one.settled}
                new = tasks(state, rules)
                found.append(
                    Consequences(
                        command,
                        {Event.KNOWN[row.type] for row in batch},
                        {code for key, code in now.items() if key not in before},
                        # A successor has done what its predecessors had done.
                        {key[0] for key, (done, _open) in new.items() if done and key in owed and not owed[key][0]},
                        {
                            key[0]
                            for key, (_done, open_) in new.items()
                            if open_ and not owed.get(key, (False, False))[1]
                        },
                    )
                )
                before, owed = set(now), new
    return tuple(found)


def undeclared(one: Consequences) -> dict[str, set[Any]]:
    events = one.events - {*EVENTS_OF[one.command], SignatoriesNamed}
    brought = {code for code in one.deviations if one.command not in BROUGHT_BY[code]}
    done = {duty for duty in one.done if one.command not in DUTY_COMMANDS[duty].done_by}
    opened = {duty for duty in one.opened if one.command not in DUTY_COMMANDS[duty].opened_by}
    found = {"events": events, "deviations": brought, "done": done, "opened": opened}
    return {what: names for what, names in found.items() if names}


def test_nothing_followed_that_the_code_does_not_name() -> None:
    assert len(recorded()) > 500
    assert len({one.command for one in recorded()}) > 70
    assert {code for one in recorded() for code in one.deviations} > {"late_act", "head_nominated"}
    for one in recorded():
        if one.command not in {AdoptEdition, CorrectAct}:  # each can change everything
            assert undeclared(one) == {}, one


def test_a_missing_declaration_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BROUGHT_BY, "late_act", ())  # type: ignore[index]
    assert any("deviations" in undeclared(one) for one in recorded())
    monkeypatch.setitem(EVENTS_OF, signing.SignCovenant, ())  # type: ignore[index]
    assert any("events" in undeclared(one) for one in recorded())


def test_the_terminal_offers_every_act_that_does_a_duty() -> None:
    asked = ("2026/cum-1", "stance", "phuong-1", "")
    assert command_for(*asked) == "thidua act 2026/cum-1 take-stance --unit phuong-1"
    assert command_for(*asked, other=True) == "thidua act 2026/cum-1 comment --by.unit phuong-1"
    assert command_for("2026/cum-1", "signature", "phuong-1", "", other=True) is None
    with in_language("vi"):
        assert _acts_for("stance") == "cho ý kiến về dự thảo, góp ý sửa nội dung"
        assert _acts_for("final-meeting") == "-"
