"""The rehearsed city of the demo: what its seed gives, how it stands on the engine, and that its year goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from engine_help import assert_ledger_verifies

from application.answers import Answers
from application.application import CommandInput
from application.city_player import CityPlayer, city_player
from application.city_script import CityFile
from application.engine import EngineClient, PendingError
from application.gate import at_command_line
from application.rehearsal_partner import RehearsalPartner
from application.rehearsal_roles import Part
from application.rehearsed_city import PlannedCity, officer_of, plan_city
from application.yaml_files import read_model
from cli.session import Session
from domain.duties import Duty
from domain.obligations import obligations
from ledger.signing import SignedBatch

FILE = Path(__file__).parent.parent / "scenarios" / "rehearsed-city.yaml"


def city(**changes: Any) -> PlannedCity:
    return plan_city(read_model(FILE, CityFile).model_copy(update=changes))


def test_a_city_of_126_wards_in_twenty_clusters() -> None:
    planned = city()
    wards = [unit for cluster in planned.clusters for unit in cluster.plan.units]
    assert len(wards) == len({unit.id for unit in wards}) == len({unit.name for unit in wards}) == 126
    assert len(planned.clusters) == 20
    assert {len(cluster.plan.units) for cluster in planned.clusters} == {6, 7}
    assert Counter(cluster.stage for cluster in planned.clusters) == planned.file.clusters
    assert {person.unit for person in planned.people} == {unit.id for unit in wards}
    assert all("(diễn tập)" in person.name for person in planned.people), "marked as rehearsed everywhere"


def test_a_seed_gives_one_city_and_another_seed_another() -> None:
    assert city() == city()
    assert city(seed=127) != city()


def test_each_common_act_of_half_a_year_is_handed_in() -> None:
    planned = city()
    acts = Counter(act for cluster in planned.clusters for batch in cluster.batches for act, _fields in batch.acts)
    few = {act: count for act, count in acts.items() if count < 2}
    assert set(few) <= {"sign-jointly", "name-witnesses"}
    assert set(acts) >= {
        "comment", "take-stance", "sign", "decline-to-sign", "report-midyear", "ask-extension", "extend",
        "refuse-extension", "send-back", "answer-correction", "accept-report", "correct", "score-self", "cross-check",
        "register-targets", "return-registration", "record-letter", "sign-jointly",
    }  # fmt: skip
    assert all(batch.at <= planned.now for cluster in planned.clusters for batch in cluster.batches)


def small(app: Session) -> CityPlayer:
    """A city with one cluster of each stage, and two in the middle of the year.

    Its organiser is of this installation alone: workflows of ended tests may still have the usual name.
    """
    player = city_player(app, FILE)
    clusters = {"midyear": 2, "signing": 1, "drafting": 1, "scoring": 1}
    small_city = city(wards=20, clusters=clusters, organiser=f"mttq-{app.installed.id[:8]}")
    return replace(player, city=small_city)


def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make every fifth answer of each stream come too late; return the streams whose it was."""
    submit, calls, late = Answers.submit, defaultdict[str, Iterator[int]](count), list[str]()

    async def submitted(self: Answers, client: EngineClient, stream: str, batch: SignedBatch, **options: Any) -> Any:
        receipt = await submit(self, client, stream, batch, **options)
        if next(calls[stream]) % 5 == 0:
            late.append(stream)
            raise PendingError
        return receipt

    monkeypatch.setattr(Answers, "submit", submitted)
    return late


async def test_the_city_stands_in_the_middle_of_its_year_and_goes_on(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    player = replace(small(app), progress=lambda done, total: told.append((done, total)))
    with monkeypatch.context() as slowed:
        late = slow(slowed)
        await player.play()
    assert len(set(late)) > len(player.city.clusters) / 2
    assert told[-1] == (player.total, player.total)
    assert len(told) > player.total / 3, "most of it shows progress"
    stands: dict[str, dict[Duty, Counter[bool]]] = {}
    late: dict[str, set[str]] = {}
    for cluster in player.city.clusters:
        stream = player.stream(cluster)
        history = await app.history(stream)
        assert {row.provenance for row, _envelope in history} == {"rehearsed"}
        state, rules = await app.state(stream)
        owed = obligations(state, rules)
        name = f"{cluster.stage}-{cluster.number_in_stage}"
        stands[name] = {duty: Counter(one.done is not None for one in owed if one.duty is duty) for duty in Duty}
        late[name] = {one.bearer for one in owed if one.overdue(player.city.now)}
    assert stands["midyear-1"][Duty.MIDYEAR_REPORT].keys() == {True, False}
    assert late["midyear-1"]
    assert stands["signing-0"][Duty.SIGNATURE].keys() == {True, False}
    assert stands["drafting-0"][Duty.STANCE].keys() == {True, False}
    assert stands["scoring-0"][Duty.SELF_SCORE].keys() == {True, False}
    await _visitors_go_on(app, player)
    before = {stream: tip.version for stream, tip in await app.ledger.streams()}
    await small(app).play()
    after = {stream: tip.version for stream, tip in await app.ledger.streams()}
    assert {stream: after[stream] for stream in map(player.stream, player.city.clusters)} == {
        stream: before[stream] for stream in map(player.stream, player.city.clusters)
    }, "played again, it changes nothing"
    await assert_ledger_verifies(app)


async def _visitors_go_on(app: Session, player: CityPlayer) -> None:
    """The roles that are offered have something to do: a report is sent, a covenant signed."""
    roles = {role.part: role for role in player.roles("kiem-tra")}
    partner = RehearsalPartner(player, frozenset(role.unit for role in roles.values()))
    await partner.note_read()
    assert await partner.answer_all() == 0, "what was there is answered"
    visits: tuple[tuple[Part, str, dict[str, Any]], ...] = (
        ("officer", "report-midyear", {"report": {"title": "Báo cáo"}}),
        ("head", "sign", {}),
    )
    for part, act, fields in visits:
        role = roles[part]
        submitter = at_command_line(await app.person(officer_of(role.unit)))
        done = await app.submit(role.cycle, submitter, [CommandInput(role.cycle, act, {"unit": role.unit, **fields})])
        assert done.outcomes[0].versions
    signing = roles["head"].cycle
    before = (await app.state(signing))[0].signing.signatures
    assert await partner.answer_all() == 1, "a ward signs after the visitor has; a report waits for the secretary"
    after = (await app.state(signing))[0].signing.signatures
    assert len(after) == len(before) + 1
    assert await partner.answer_all() == 0, "nobody answers the partner"
    waiting, secretary = (
        roles["secretary"].cycle,
        at_command_line(await app.person(officer_of(player.city.file.organiser))),
    )
    back = {"unit": player.city.cluster("midyear", 0).units[2], "text": "Bổ sung số liệu"}
    await app.submit(waiting, secretary, [CommandInput(waiting, "send-back", back)])
    assert await partner.answer_all() == 1, "the ward answers"
