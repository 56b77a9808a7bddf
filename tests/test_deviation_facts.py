"""Every fact of every deviation is told in words: no line of a record names a field of the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.deviations import CODES_OF_KEYS, Deviation
from i18n import in_language
from i18n.state_text import deviation_text
from resources import ROOT

VALUES: dict[str, Any] = {
    "about": "Kế hoạch",
    "award": "co-thi-dua",
    "ballot": "bau-1",
    "draft": "covenant",
    "due": date(2026, 7, 10),
    "duty": "midyear-report",
    "edits": 2,
    "edition": "Quy định mẫu",
    "expected": "show-of-hands",
    "first": date(2026, 1, 1),
    "found": 2,
    "issuer": "Phường A",
    "kind": "final",
    "last": date(2026, 2, 1),
    "letter": "cv-1",
    "most": 1,
    "names": "Phường A, Phường B",
    "number": 3,
    "papers": 2,
    "rank": 3,
    "round": "self",
    "scale": Decimal(100),
    "seen": 7,
    "signed": date(2026, 2, 1),
    "stances": 1,
    "stated": 8,
    "subject": "head",
    "told": "báo A: 7",
    "total": Decimal(101),
    "unit": "phuong-a",
    "unnamed": 2,
    "votes": 4,
    "whose": "Phường A",
}
"""A value of each fact, by its name."""

OF_CODE: dict[tuple[str, str], Any] = {
    ("late_act", "subject"): "phuong-a",
    ("letter_unanswered", "kind"): "direction",
    ("number_used_twice", "number"): "12/KH",
    ("voted_otherwise", "found"): "secret-ballot",
}
"""The value where a code has another one under the same name."""

NAMES = {
    "phuong-a": "Phường A",
    "award/co-thi-dua": "Cờ thi đua",
    "letter/cv-1": "Công văn số 1",
    "ballot/bau-1": "head",
}


def facts_of_codes() -> Iterator[tuple[str, frozenset[str]]]:
    """The codes of deviations, each with the names of its facts, as the program builds them."""
    for function in ast.parse((ROOT / "domain/deviations.py").read_text()).body:
        assigned = [one for node in ast.walk(function) if isinstance(node, ast.Assign) for one in _assigned(node)]
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Deviation":
                code, facts = node.args[1], node.args[4:]
                assert isinstance(code, ast.Constant)
                found: set[str] = set()
                for one in facts:
                    before = [(line, value) for line, name, value in assigned if name == getattr(one, "id", "")]
                    literal = max((pair for pair in before if pair[0] < node.lineno), default=(0, one))[1]
                    if isinstance(literal, ast.Dict):
                        found |= {str(key.value) for key in literal.keys if isinstance(key, ast.Constant)}
                yield str(code.value), frozenset(found)


def _assigned(node: ast.Assign) -> Iterator[tuple[int, str, ast.expr]]:
    """The names that an assignment gives values to: line, name and value."""
    (target,), value = node.targets, node.value
    several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
    targets, values = (target.elts, value.elts) if several else ([target], [value])  # type: ignore[attr-defined]
    for one, its in zip(targets, values, strict=True):
        if isinstance(one, ast.Name):
            yield node.lineno, one.id, its


FACTS = list(facts_of_codes())
SEASON = frozenset({"first", "last"})
"""What is usual, which a function of its own finds."""


def test_all_codes_and_their_facts_are_found() -> None:
    assert {code for code, _names in FACTS} == {code for codes in CODES_OF_KEYS.values() for code in codes}
    assert ("quota_exceeded", frozenset({"award", "found", "most"})) in FACTS
    assert ("late_act", frozenset({"duty", "unit", "subject", "due"})) in FACTS


@pytest.mark.parametrize(("code", "names"), FACTS)
def test_a_fact_has_words(code: str, names: frozenset[str]) -> None:
    all_names = names | (SEASON if code.endswith("_unusual") else frozenset())
    facts = {name: OF_CODE.get((code, name), VALUES[name]) for name in sorted(all_names)}
    with in_language("vi"):
        line = deviation_text(Deviation("x", code, "Điều 3", None, facts), NAMES)
    keys = {value for value in facts.values() if isinstance(value, str) and re.fullmatch(r"[a-z0-9-]+", value)}
    assert not keys.intersection(re.split(r"[\s(),;:]+", line)), line
    labels = re.findall(r"[(,] ?([^(),:]+): ", line)
    assert not [one for one in labels if one.isascii()], line
