"""The same recording files in any order end in the same state, and what a run counts agrees."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from test_recording import REAL, SECRETARY, Copy

from application.recording.run import record_file
from cli.session import Session
from domain.codec import plain
from domain.deviations import deviations
from domain.rules import Edition
from domain.state import State
from domain.summaries import deviation_values
from errors import InputError
from i18n.messages import sentence

# Orders ---------------------------------------------------------------------------------------------------------------


ORDER_OF_ENTRY = {
    *("answers", "inferred_from", "number", "of", "version"),
    *("asked_version", "decided_version", "submitted_version"),
}
"""What counts the acts in the order in which they were entered."""


def compared(value: Any) -> Any:
    """A state without the order in which its facts were entered."""
    if isinstance(value, dict):
        return {name: compared(entry) for name, entry in sorted(value.items()) if name not in ORDER_OF_ENTRY}
    if isinstance(value, list):
        return sorted((compared(entry) for entry in value), key=repr)
    return value


async def told_after(app: Session, folder: Path, texts: list[str]) -> dict[str, Any]:
    """What the register tells after the files, under organisers and persons of its own."""
    own = uuid4().hex[:8]
    found: dict[str, Any] = {}
    for index, text in enumerate(texts):
        organiser, person = _named(r"^organiser: (\S+)$", text), _named(r"people:[^{]*\{id: ([a-z0-9-]+),", text)
        file = folder / f"{own}-{index}.yaml"
        file.write_text(text.replace(organiser, f"{organiser}-{own}").replace(person, f"{person}-{own}"))
        done = await record_file(app, file, f"{person}-{own}")
        assert done["counts"]["corrected"] == 0, text
        for cycle in done["cycles"]:
            state, rules = await app.state(cycle["cycle"])
            found[cycle["cycle"]] = told(state, rules)
    return json.loads(json.dumps(found, default=str).replace(f"-{own}", ""))  # type: ignore[no-any-return]


def _named(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None
    return found[1]


def told(state: State, rules: Edition) -> Any:
    values: dict[str, Any] = plain(state)
    sources = values["corrections"]["sources"]
    values["corrections"]["sources"] = {id_: source for id_, (source, _version) in sources.items()}
    for by_version in (values["conclusion"]["nominations"], values["lifecycle"]["closed"]):
        by_version.update(dict.fromkeys(by_version))
    return compared({**values, "found": [deviation_values(one) for one in deviations(state, rules)]})


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for name in sorted({*one, *other})
            for line in differences(one.get(name), other.get(name), f"{path}/{name}")
        ]
    return [] if one == other else [f"{path}: {one!r} != {other!r}"[:400]]


HEAD = """\
organiser: o-goc
organiser_name: "Tỉnh"
year: 2023
cluster: {id: c, name: "C", units: [{id: a, name: "A"}, {id: b, name: "B"}]}
people: [{id: thu-ky, unit: o-goc, name: "N", office: "thư ký"}]
sources: [%s]
"""
BAO, WEB = '{id: bao, title: "Báo"}', '{id: web, title: "Trang tin"}'
ONE_YEAR = (
    HEAD % BAO + "meetings: [{id: pd, kind: phát động, on: 03/2023, source: bao, acts: ["
    '{act: cùng ký giao ước, fields: {units: [a, b], sheet: {title: "T"}}}]}]\n',
    HEAD % BAO + "meetings: [{id: sk, kind: sơ kết, on: 20/07/2023, source: bao, attendance: 1.250}]\n",
    HEAD % f"{BAO}, {WEB}" + "meetings: [{id: tk, kind: tổng kết, on: 12/2023, source: web, acts: ["
    "{act: 'phân công cụm trưởng, cụm phó', fields: {role: head, holder: a, manner: unknown}},"
    "{act: đề nghị khen thưởng, source: bao, fields: {unit: b, award: co}}]}]\n",
    HEAD % BAO + "acts: [{act: ghi kết quả, on: 12/2023, source: bao, fields: {unit: a,"
    ' title: "Nhà", amount: 12, measure: "nhà"}}]\n',
    HEAD % WEB + "acts: [{act: ghi kết quả, on: 11/2023, source: web, fields: {unit: a,"
    ' title: "Cầu", amount: 1, measure: "cầu"}}]\n',
    HEAD % WEB + "acts: [{act: ghi công văn, on: 02/2023, source: web, fields: {id: cv, kind: direction, "
    'sender: {unit: o-goc}, recipients: [{unit: a}], text: "Làm"}}]\n',
)


def documented(*names: str) -> list[str]:
    return [(REAL / f"{name}.yaml").read_text() for name in names or sorted(file.stem for file in REAL.glob("*.yaml"))]


@pytest.mark.parametrize(
    ("texts", "orders"), [(ONE_YEAR, 3), (documented("DN-K9-2016-mid", "DN-K9-2016-final-sign"), 1), (documented(), 1)]
)
async def test_files_in_any_order_end_in_the_same_state(
    app: Session, tmp_path: Path, texts: list[str], orders: int
) -> None:
    first = await told_after(app, tmp_path, list(texts))
    shuffle = random.Random(7).shuffle  # noqa: S311 - an order
    for order in range(orders):
        shuffled = list(texts)[::-1]
        if order:
            shuffle(shuffled)
        again = await told_after(app, tmp_path, shuffled)
        found = differences(first, again)
        assert not found, "\n".join(found)


# Counts ---------------------------------------------------------------------------------------------------------------


async def test_the_counts_of_a_run_agree_with_those_of_the_next(app: Session, tmp_path: Path) -> None:
    """What was entered once is known afterwards, the opening of the cycle included; so much is read back, too."""
    copy = Copy(tmp_path, "TH-C3-2023-final-sign")
    tried = await record_file(app, copy.file, SECRETARY, dry_run=True)
    first = await record_file(app, copy.file, SECRETARY)
    again = await record_file(app, copy.file, SECRETARY, dry_run=True)
    assert tried["counts"] == first["counts"] == {"entered": first["counts"]["entered"], "known": 0, "corrected": 0}
    assert again["counts"] == {"entered": 0, "known": first["counts"]["entered"], "corrected": 0}
    assert len(tried["told"]) == len(again["told"]) == first["counts"]["entered"]
    histories = [await app.history(cycle["cycle"]) for cycle in first["cycles"]]
    commands = {row.command_id for history in histories for row, _envelope in history}
    assert len(commands) == first["counts"]["entered"]


# Predecessors ---------------------------------------------------------------------------------------------------------

GOES_ON = "acts:\n  - {{act: kế thừa cụm khác, on: 01/2016, source: bao-dak-lak, fields: {{predecessors: [{}]}}}}\n"


async def test_a_cycle_goes_on_from_one_that_exists_or_is_unknown(app: Session, tmp_path: Path) -> None:
    copy = Copy(tmp_path, "DL-C6-2015-final")
    for named in (f"{copy.organiser}/2014/cum-6", f"{copy.organiser}/2015/cum-66"):
        copy.file.write_text(copy.text + GOES_ON.format(named))
        for dry_run in (True, False):
            with pytest.raises(InputError) as refused:
                await record_file(app, copy.file, SECRETARY, dry_run=dry_run)
            assert refused.value.path.endswith(f":{copy.text.count(chr(10)) + 2}")
            assert named in str(refused.value.facts["why"])
    assert f"gần nhất: {copy.organiser}/2015/cum-6)" in str(refused.value.facts["why"])
    copy.file.write_text(copy.text + GOES_ON.format("unknown"))
    tried = await record_file(app, copy.file, SECRETARY, dry_run=True)
    assert "không nguồn nào nêu tên" in " ".join(tried["told"][-1]["texts"])
    await record_file(app, copy.file, SECRETARY)
    state, _rules = await app.state(f"{copy.organiser}/2015/cum-6")
    assert state.lifecycle.predecessors == ("unknown",)


async def test_a_cycle_that_a_file_continues_must_exist(app: Session, tmp_path: Path) -> None:
    copy = Copy(tmp_path, "DL-C6-2015-final")
    with pytest.raises(InputError) as refused:
        await record_file(app, copy.but("year: 2015\n", 'year: 2015\ncontinues: "2014"\n'), SECRETARY)
    assert refused.value.path.endswith(":5")
    assert "2014/cum-6" in sentence(refused.value.code, refused.value.facts)
