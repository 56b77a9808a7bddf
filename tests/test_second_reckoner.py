"""Totals, ranks and classes of random editions, against a second reckoner that works as one would on paper."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from soak import SOAK

from domain.records import Refused
from domain.rules import Edition
from domain.scoring import calculation, standing
from domain.scoring.calculation import UnitSheet, calculate_scores
from domain.scoring.classes import ScoreClass

Rule = dict[str, Any]
"""Rules and rows stand here as they are written in a file: the reckoner below reads no class of the program."""

# On paper ---------------------------------------------------------------------------------------------------------


def paper(scoring: Rule, rows: list[Rule]) -> list[tuple[Fraction, int | None, str | None]]:
    """Return total, rank and class of each unit; a class that somebody must decide is "?"."""
    totals = [_total(scoring, row) for row in rows]
    tolerance = Fraction(scoring.get("tie_tolerance", "0"))
    counted = [n for n, row in enumerate(rows) if not row["excluded"]]
    ahead = {n: sum(totals[m] > totals[n] + tolerance for m in counted) for n in counted}
    ranks = {n: 1 + sum(ahead[m] < ahead[n] for m in counted) for n in counted}
    classes = _classes(scoring, rows, totals, ranks)
    return [(totals[n], ranks.get(n), classes.get(n)) for n in range(len(rows))]


def _rounded(value: Fraction, scoring: Rule) -> Fraction:
    places = scoring.get("total_rounding", {"places": 4})["places"]
    scaled = abs(value) * 10**places
    return Fraction(floor(scaled + Fraction(1, 2)), 10**places) * (1 if value >= 0 else -1)


def _total(scoring: Rule, row: Rule) -> Fraction:
    bonus = min(Fraction(row["c"]), Fraction(scoring.get("bonus_cap", "1000")))
    penalty = min(Fraction(row["d"]), abs(Fraction(scoring.get("penalty_least", "1000"))))
    own = Fraction(row["a"]) + (0 if row["kind"] == "dao" else Fraction(row["b"]))
    return _rounded(own + bonus - penalty, scoring)


def _passes(scoring: Rule, row: Rule, total: Fraction) -> bool:
    mark = scoring.get("pass_marks")
    misses_floor = row["kind"] != "dao" and Fraction(row["b"]) < 40 * Fraction(scoring["floor"])
    return not misses_floor and mark is not None and total >= Fraction(mark[0]["least"])


def _is_above(one: Rule, value: Fraction) -> bool:
    return ("most" in one and value > Fraction(one["most"])) or ("under" in one and value >= Fraction(one["under"]))


def _unmet(scoring: Rule, row: Rule, class_: Rule) -> Rule | str | None:
    """The first condition of a class that a unit does not fulfil; "?" where that is not known."""
    for condition in scoring["class_conditions"]:
        if condition["classes"] and class_["id"] not in condition["classes"]:
            continue
        if "fact" in condition:
            if row["fact"] is None:
                return "?"
            if row["fact"] != condition["holds"]:
                return condition  # type: ignore[no-any-return]
        else:
            share = Fraction(condition["each_share"])
            parts = [(Fraction(row["a"]), 60)] + ([] if row["kind"] == "dao" else [(Fraction(row["b"]), 40)])
            if any(points < share * most for points, most in parts):
                return condition  # type: ignore[no-any-return]
    return None


def _fits(scoring: Rule, row: Rule, one: Rule, value: Fraction, total: Fraction) -> bool:
    begins = "least" not in one or value >= Fraction(one["least"])
    return begins and not _is_above(one, value) and (not one["passed"] or _passes(scoring, row, total))


def _places(one: Rule, whole: int) -> int:
    exact = Fraction(one["share"]) * whole
    return {"down": floor(exact), "up": ceil(exact), "half-up": floor(exact + Fraction(1, 2))}[one["share_rounding"]]


def _shared_out(one: Rule, places: int, fitting: list[int], ranks: dict[int, int]) -> dict[int, str | None]:
    """The places of a class, from the best rank down; a rank that does not fit as a whole is left to a ruling."""
    found: dict[int, str | None] = {}
    for rank in sorted({ranks[n] for n in fitting}):
        group = [n for n in fitting if ranks[n] == rank]
        if places <= 0:
            break
        found.update(dict.fromkeys(group, one["id"] if len(group) <= places else "?"))
        places = places - len(group) if len(group) <= places else 0
    return found


def _instead(unmet: Rule | str, one: Rule, lower: Rule) -> list[str | None]:
    """The class in place of one whose condition is not fulfilled; empty: the unit goes on to the next class."""
    if isinstance(unmet, str):
        return [unmet]
    if unmet["otherwise"] == "none":
        return [None]
    return [] if "share" in one else [lower["id"]]


def _values(scoring: Rule, rows: list[Rule], totals: list[Fraction]) -> list[Fraction]:
    if scoring["classes_of"] == "points":
        return totals
    reachable = [60 if row["kind"] == "dao" else 100 for row in rows]
    return [_rounded(total * 100 / most, scoring) for total, most in zip(totals, reachable, strict=True)]


def _classes(scoring: Rule, rows: list[Rule], totals: list[Fraction], ranks: dict[int, int]) -> dict[int, str | None]:
    listed, values = scoring["classes"], _values(scoring, rows, totals)
    given_: dict[int, str | None] = {}
    for one, lower in zip(listed, [*listed[1:], {"id": None}], strict=True):
        left = [n for n in ranks if n not in given_]
        fitting = []
        for n in left:
            if not _fits(scoring, rows[n], one, values[n], totals[n]):
                continue
            unmet = _unmet(scoring, rows[n], one)
            if unmet is None:
                fitting.append(n)
            else:
                given_.update((n, class_) for class_ in _instead(unmet, one, lower))
        if "share" not in one:
            given_.update(dict.fromkeys(fitting, one["id"]))
            continue
        places = _places(one, {"all": len(rows), "considered": len(ranks), "left": len(left)}[one["share_of"]])
        if one["from_top"]:
            places -= sum(class_ not in {None, "?"} for class_ in given_.values())
        given_.update(_shared_out(one, places, fitting, ranks))
    for n in ranks:
        given_.setdefault(n, "?" if any(_is_above(one, values[n]) for one in listed) else None)
    return given_


# Random editions ----------------------------------------------------------------------------------------------------

ENDS = st.integers(0, 110)
IDS = ("k1", "k2", "k3", "k4")


@st.composite
def classes(draw: st.DrawFn) -> list[Rule]:
    """Classes from the best down: with one end or two, with gaps, within each other, or by share."""
    found = []
    for id_ in IDS[: draw(st.integers(1, 4))]:
        one: Rule = {"id": id_, "title": id_, "passed": draw(st.integers(0, 4)) == 0, "from_top": draw(st.booleans())}
        least, most = sorted((draw(ENDS), draw(ENDS)))
        if draw(st.booleans()):
            one["least"] = least
        if (end := draw(st.sampled_from(["", "most", "under"]))) and not (end == "under" and least == most):
            one[end] = most
        if draw(st.booleans()):
            one["share"] = draw(st.sampled_from(["1/3", "0.2", "0.5", "1/7", "1"]))
        one["share_of"] = draw(st.sampled_from(["all", "considered", "left"]))
        one["share_rounding"] = draw(st.sampled_from(["down", "half-up", "up"]))
        found.append(one)
    return found


@st.composite
def scorings(draw: st.DrawFn) -> Rule:
    """The rules of a table with two criteria, a bonus and a penalty."""
    scoring: Rule = {
        "classes": draw(classes()),
        "classes_of": draw(st.sampled_from(["points", "percent"])),
        "facts": [{"id": "ky-luat", "title": "Kỷ luật"}],
        "class_conditions": [],
        "floor": draw(st.sampled_from(["0.5", "1/3", "1/7"])),
    }
    ids = [one["id"] for one in scoring["classes"]]
    for _ in range(draw(st.integers(0, 2))):
        condition: Rule = {"otherwise": draw(st.sampled_from(["one-down", "none"]))}
        condition["classes"] = draw(st.lists(st.sampled_from(ids), unique=True, max_size=2))
        if draw(st.booleans()):
            condition["each_share"] = draw(st.sampled_from(["1/2", "0.25", "0.7"]))
        else:
            condition.update(fact="ky-luat", holds=draw(st.booleans()))
        scoring["class_conditions"].append(condition)
    for name, values in (
        ("bonus_cap", ["0", "3.5"]),
        ("penalty_least", ["-5", "5", "–2.5"]),
        ("total_rounding", [{"places": 0}, {"places": 1}]),
        ("tie_tolerance", ["0.5", "0.01"]),
        ("pass_marks", [[{"least": 50}], [{"least": "79.5"}]]),
    ):
        if draw(st.booleans()):
            scoring[name] = draw(st.sampled_from(values))
    return scoring


POINTS = {name: st.decimals(0, most, places=1).map(str) for name, most in (("a", 60), ("b", 40), ("c", 10), ("d", 10))}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **POINTS,
            "kind": st.sampled_from(["bo", "bo", "dao"]),
            "excluded": st.sampled_from([False, False, False, True]),
            "fact": st.sampled_from([True, False, None]),
        }
    ),
    min_size=1,
    max_size=8,
)


def program(scoring: Rule, rows: list[Rule]) -> list[tuple[Fraction, int | None, str | None]]:
    """What the program finds."""
    criteria = [
        {"id": "a", "title": "A", "max": 60},
        {"id": "b", "title": "B", "max": 40, "exempt_kinds": ["dao"], "least_share": scoring["floor"]},
        {"id": "c", "title": "C", "max": 10, "part": "bonus"},
        {"id": "d", "title": "D", "max": 10, "part": "penalty"},
    ]
    rules = {name: value for name, value in scoring.items() if name != "floor"}
    table = Edition.model_validate({"id": "e", "title": "E", "criteria": criteria, "total": 100, "scoring": rules})
    sheets = [
        UnitSheet.model_validate(
            {
                "unit": f"u{n}",
                "kind": row["kind"],
                "excluded": "Không xét" if row["excluded"] else None,
                "facts": {} if row["fact"] is None else {"ky-luat": row["fact"]},
                "entries": [
                    {"criterion": name, "points": row[name]} for name in "abcd" if (name, row["kind"]) != ("b", "dao")
                ],
            }
        )
        for n, row in enumerate(rows)
    ]
    return [
        (Fraction(one.total), one.rank, "?" if one.class_open is not None else one.class_)
        for one in calculate_scores(table, sheets)
    ]


def check(scoring: Rule, rows: list[Rule]) -> None:
    least = scoring.get("penalty_least", "1000").replace("–", "-")
    assert program(scoring, rows) == paper({**scoring, "penalty_least": least}, rows)


@settings(max_examples=10_000 if SOAK else 200, deadline=None)
@given(scorings(), ROWS)
def test_both_find_the_same(scoring: Rule, rows: list[Rule]) -> None:
    check(scoring, rows)


def _one_more_place(share: Decimal | str, units: int, _rounding: str) -> int:
    return floor(Fraction(share) * units) + 1


WRONG: dict[str, tuple[object, str, Callable[..., object]]] = {
    "an end belongs to no class": (
        ScoreClass,
        "is_below",
        lambda one, total: one.most is not None and total >= one.most,
    ),
    "a share gives one place more": (standing, "places_of", _one_more_place),
    "a penalty is added": (calculation, "signed", lambda _node, points: abs(points)),
    "what lies above all classes has none": (standing, "highest_below", lambda _classes, _value: None),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_law_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, instead = WRONG[what]
    monkeypatch.setattr(where, name, instead)
    examples = settings(max_examples=400, deadline=None, database=None, phases=[Phase.generate], derandomize=True)
    with pytest.raises((AssertionError, Refused)):
        examples(given(scorings(), ROWS)(check))()
