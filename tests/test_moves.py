"""Under a rule that is relative to the best of the cluster, one correction moves others: shown before it is entered."""

from __future__ import annotations

import pytest
from engine_help import CITY, enter_staff, open_cycle, state_of, submit, unit_name, units

from application.application import CommandInput
from application.gate import at_command_line
from cli.score_impact import confirm_score_impact
from cli.session import Session
from domain.rules import Edition
from domain.scoring.scores import score_impact
from errors import InputError

RELATIVE = Edition.model_validate(
    {
        "id": "tuong-doi",
        "title": "Bản",
        "criteria": [
            {"id": "nha", "title": "Nhà", "max": 50, "way": {"way": "relative"}},
            {"id": "khac", "title": "Khác", "max": 50},
        ],
    }
)
LEADER, SECOND, THIRD = units(3)


async def scored(app: Session, rules: Edition = RELATIVE) -> str:
    """A cycle in which three units have scored themselves."""
    stream = await open_cycle(app, rules, members=units(3))
    for unit, actual in ((LEADER, 100), (SECOND, 50), (THIRD, 40)):
        sheet = [{"criterion": "nha", "actual": actual}, {"criterion": "khac", "points": 30}]
        await submit(app, stream, unit, "score-self", {"unit": unit, "sheet": sheet})
    return stream


def appraised(stream: str, unit: str, actual: int, points: int = 30) -> CommandInput:
    sheet = [
        {"criterion": "nha", "actual": actual, "reason": "Thiếu minh chứng"},
        {"criterion": "khac", "points": points, "reason": "Thiếu minh chứng"},
    ]
    return CommandInput(stream, "appraise", {"unit": unit, "sheet": sheet})


async def test_whoever_is_moved_is_shown_before_it_is_entered(app: Session) -> None:
    stream, secretary = await scored(app), await enter_staff(app, CITY)
    before = await state_of(app, stream)
    late = appraised(stream, LEADER, 80)
    with pytest.raises(InputError) as asked:
        await confirm_score_impact(app, late, secretary, confirmed=False)
    assert (asked.value.code, asked.value.facts["units"]) == ("moves_others", [unit_name(SECOND), unit_name(THIRD)])
    assert await state_of(app, stream) == before, "only shown"
    await confirm_score_impact(app, late, secretary, confirmed=True)
    await app.submit(stream, at_command_line(secretary), [late])
    found = score_impact(before, await state_of(app, stream), RELATIVE, whose=LEADER)
    assert [(m.unit, str(m.before), str(m.after)) for m in found] == [(SECOND, "55", "61.25"), (THIRD, "50", "55")]


PLAIN = Edition.model_validate(
    {
        "id": "thuong",
        "title": "Bản",
        "criteria": [{"id": "nha", "title": "Nhà", "max": 100}],
    }
)


async def test_a_units_own_corrected_score_moves_nobody_else(app: Session) -> None:
    """Its own change is not another unit's, also inside a correction."""
    stream = await open_cycle(app, PLAIN, members=units(3))
    sheet = [{"criterion": "nha", "points": 30}]
    for unit in units(3):
        await submit(app, stream, unit, "score-self", {"unit": unit, "sheet": sheet})
    wrong = (await app.history(stream))[-1][0].version
    person, fields = await enter_staff(app, THIRD), {"version": wrong, "reason": "Cộng nhầm"}
    instead = {"act": "score-self", "unit": THIRD, "sheet": [{"criterion": "nha", "points": 40}]}
    for said in ({**fields, "instead": instead}, fields):
        await confirm_score_impact(app, CommandInput(stream, "correct", said), person, confirmed=False)


async def test_what_moves_nobody_else_is_not_asked_about(app: Session) -> None:
    stream, secretary = await scored(app), await enter_staff(app, CITY)
    await confirm_score_impact(app, appraised(stream, THIRD, 40, 10), secretary, confirmed=False)
    await confirm_score_impact(
        app, CommandInput(stream, "nominate", {"unit": LEADER, "award": "co"}), secretary, confirmed=False
    )
    await confirm_score_impact(app, appraised(stream, "khong-co", 40), secretary, confirmed=False)
