"""Years of a cluster made from a number: what units, head and secretariat hand in, right and wrong, by chance.

The same number gives the same year for ever, whatever the program and its libraries become: only `Random.random` is
used, which Python promises to keep, and acts stand here by name. So nothing here is changed once it is used; acts that
come later get numbers of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeVar

from domain.rules import Edition
from domain.times import ICT

T = TypeVar("T")

CITY, YEAR = "thanh-pho", 2026
UNITS = tuple(f"don-vi-{n}" for n in range(1, 6))
STRANGERS = ("don-vi-la", "phuong-moi")
TEXT, EDITION, OTHER_EDITION = "a" * 64, "e" * 64, "f" * 64

DEADLINES = [
    {"duty": "draft", "due": {"month": 2, "day": 15}, "article": "Điều 1"},
    {
        "duty": "stance",
        "due": {"month": 2, "day": 25},
        "article": "Điều 2",
        "remind_days_before": [7],
        "escalate_days_after": 3,
    },
    {"duty": "signature", "due": {"month": 3, "day": 15}, "article": "Điều 3", "remind_days_before": [7]},
    {
        "duty": "midyear-report",
        "due": {"month": 7, "day": 10},
        "article": "Điều 4",
        "remind_days_before": [3],
        "close_days_after": 10,
    },
    {"duty": "self-score", "due": {"month": 11, "day": 10}, "article": "Điều 5"},
    {"duty": "cross-check", "due": {"month": 11, "day": 20}, "article": "Điều 5"},
    {"duty": "appraisal", "due": {"month": 11, "day": 30}, "article": "Điều 6"},
]
CRITERIA = [
    {
        "id": "a",
        "title": "A",
        "max": "60",
        "children": [{"id": "a1", "title": "A1", "max": "40"}, {"id": "a2", "title": "A2", "max": "20"}],
    },
    {"id": "b", "title": "B", "max": "40"},
]
EDITIONS = {
    EDITION: Edition.model_validate(
        {
            "id": "chat",
            "title": "Bản chặt",
            "deadlines": DEADLINES,
            "criteria": CRITERIA,
            "total": "100",
            "cross_checks": "next-in-list",
            "awards": [
                {"id": "co", "title": "Cờ", "quota": 1},
                {"id": "bang-khen", "title": "Bằng khen", "share": "0.4"},
            ],
            "articles": {"bylaws_before_signing": "Điều 9", "all_units_sign": "Điều 10"},
            "inherits": ["signature", "duties"],
        }
    ),
    OTHER_EDITION: Edition.model_validate(
        {
            "id": "long",
            "title": "Bản lỏng",
            "deadlines": DEADLINES[2:4],
            "criteria": CRITERIA,
            "rounds": [
                {"id": "self", "title": "Tự chấm", "by": "own"},
                {"id": "hoi-dong", "title": "Hội đồng", "by": "team"},
                {"id": "appraised", "title": "Thẩm định", "by": "organiser"},
            ],
            "scoring": {
                "classes": [{"id": "tot", "title": "Tốt", "least": 80}, {"id": "kha", "title": "Khá", "least": 50}]
            },
            "awards": [{"id": "co", "title": "Cờ"}],
            "votes": [
                {
                    "subject": "co",
                    "method": "secret-ballot",
                    "threshold": "0.5",
                    "base": "present",
                    "quorum": "0.6",
                    "article": "Điều 7",
                }
            ],
        }
    ),
}


class Entered(NamedTuple):
    """An act that somebody hands in. `on` is the day on which it happened, where that is stated."""

    now: datetime
    unit: str
    act: str
    fields: dict[str, Any]
    on: date | None = None
    meeting: str | None = None


@dataclass
class Chance:
    """Chances and choices from a number."""

    random: Random

    def once_in(self, share: float) -> bool:
        """Whether something happens that happens so often."""
        return self.random.random() < share

    def of(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(self.random.random() * len(choices))]

    def some(self, choices: Sequence[T], share: float = 0.8) -> list[T]:
        """Each of the choices or not."""
        return [one for one in choices if self.once_in(share)]

    def number(self, least: int, most: int) -> int:
        """A whole number, both bounds included."""
        return least + int(self.random.random() * (most - least + 1))

    def points(self, most: int) -> str:
        """Points with up to two decimals, seldom more than there may be."""
        return f"{self.number(most * 40, most * 100) / 100 + (most if self.once_in(0.01) else 0)}"

    def unit(self) -> str:
        """A unit, seldom a strange one."""
        return self.of(STRANGERS) if self.once_in(0.05) else self.of(UNITS)

    def voice(self) -> dict[str, Any]:
        """Who speaks or writes."""
        return self.of([{"unit": self.unit()}, {"group": "các đại biểu"}, {"person": {"office": "Phó Chủ tịch"}}])

    def paper(self) -> dict[str, Any]:
        """A document."""
        return {"title": self.of(["Bản một", "Bản hai"])}

    def ballot(self) -> dict[str, Any]:
        """The count of a vote."""
        votes = self.number(0, 5)
        choices = [{"unit": self.unit(), "votes": votes}, {"words": "người khác", "votes": 5 - votes}]
        return {"cast": 5, "choices": choices}

    def sheet(self) -> list[dict[str, Any]]:
        """A score sheet, seldom an incomplete one."""
        reason = {"reason": TEXT} if self.once_in(0.9) else {}
        points = {name: self.points(most) for name, most in (("a1", 40), ("a2", 20), ("b", 40))}
        items = [{"criterion": name, "points": of, **reason} for name, of in points.items()]
        return items if self.once_in(0.95) else items[:2]


Fields = Callable[[Chance], dict[str, Any]]
DUTIES = ("draft", "stance", "signature", "midyear-report", "self-score", "cross-check", "appraisal")
AWARDS = ("co", "bang-khen", "khong-co")
DRAFTS = ("plan", "bylaws", "covenant", "term-covenant")

AT_ANY_TIME: tuple[tuple[str, Fields], ...] = (
    ("present-draft", lambda c: {"kind": c.of(DRAFTS), "document": c.paper()}),
    ("take-stance", lambda c: {"unit": c.unit(), "stance": c.of(["agreed", "changes-requested"])}),
    ("take-stance-together", lambda _: {"stance": "agreed-in-substance", "group": "đại biểu"}),
    ("withdraw-stance", lambda c: {"unit": c.unit()}),
    ("comment", lambda c: {"by": c.voice(), "text": TEXT, "asks_for_change": c.once_in(0.3)}),
    ("withdraw-comment", lambda c: {"number": c.number(1, 4)}),
    ("sign", lambda c: {"unit": c.unit(), "number": c.of([None, 1, 2])}),
    ("sign-jointly", lambda c: {"units": c.some(UNITS, 0.5) or None}),
    ("decline-to-sign", lambda c: {"unit": c.unit(), "reason": TEXT}),
    ("name-witnesses", lambda c: {"witnesses": [c.voice()]}),
    ("state-contents", lambda c: {"stated": c.number(3, 6), "listed": c.number(3, 6)}),
    ("register-targets", lambda c: {"unit": c.unit(), "titles": ["Cờ"]}),
    ("register-together", lambda c: {"units": c.some(UNITS, 0.5) or None, "titles": ["Cờ"]}),
    ("accept-registration", lambda c: {"unit": c.unit()}),
    ("return-registration", lambda c: {"unit": c.unit(), "reason": TEXT}),
    ("report-result", lambda c: {"unit": c.unit(), "title": "Nhà", "amount": c.points(9), "measure": "nhà"}),
    ("record-letter", lambda c: {"id": c.of(["cv-1", "cv-2"]), "kind": "direction", "sender": c.voice(), "text": TEXT}),
    ("answer-letter", lambda c: {"letter": c.of(["cv-1", "cv-2"]), "by": c.voice(), "document": c.paper()}),
    ("record-site-check", lambda c: {"id": c.of(["kt-1", "kt-2"]), "unit": c.unit(), "team": [c.voice()]}),
    ("record-meeting", lambda c: {"id": c.of(["hn-1", "hn-2", "hn-3"]), "kind": c.of(["thematic", "final"])}),
    ("assign-role", lambda c: {"role": c.of(["head", "deputy"]), "holder": c.unit(), "manner": "elected"}),
    ("admit-unit", lambda c: {"unit": c.of(STRANGERS), "name": "Đơn vị mới"}),
    ("release-unit", lambda c: {"unit": c.unit()}),
    ("merge-units", lambda c: {"units": [c.unit(), c.unit()], "into": {"id": c.of(STRANGERS), "name": "Gộp"}}),
    ("split-unit", lambda c: {"unit": c.unit(), "into": [{"id": f"tach-{n}", "name": f"Tách {n}"} for n in (1, 2)]}),
    ("dissolve-unit", lambda c: {"unit": c.unit(), "into": [{"id": c.unit(), "name": "Nhận"}]}),
    ("ask-extension", lambda c: {"unit": c.unit(), "duty": c.of(DUTIES), "until": "2026-12-20", "reason": TEXT}),
    ("refuse-extension", lambda c: {"unit": c.unit(), "duty": c.of(DUTIES), "reason": TEXT}),
    ("extend", lambda c: {"duty": c.of(DUTIES), "until": "2026-12-25", "unit": c.of([None, *UNITS]), "reason": TEXT}),
    ("remind-units", lambda c: {"units": c.some(UNITS, 0.5) or [UNITS[0]], "duty": c.of(DUTIES)}),
    ("close-duty", lambda c: {"duty": c.of(DUTIES)}),
    ("reopen-duty", lambda c: {"duty": c.of(DUTIES), "reason": TEXT}),
    ("confirm-escalation", lambda c: {"duty": c.of(DUTIES)}),
    ("report-midyear", lambda c: {"unit": c.unit(), "report": c.paper()}),
    ("withdraw-report", lambda c: {"unit": c.unit()}),
    ("send-back", lambda c: {"unit": c.unit(), "text": TEXT}),
    ("answer-correction", lambda c: {"unit": c.unit(), "text": TEXT}),
    ("score-self", lambda c: {"unit": c.unit(), "sheet": c.sheet()}),
    ("withdraw-score", lambda c: {"unit": c.unit()}),
    ("cross-check", lambda c: {"unit": c.unit(), "by": c.unit(), "sheet": c.sheet()}),
    ("score-round", lambda c: {"unit": c.unit(), "round": "hoi-dong", "sheet": c.sheet()}),
    ("record-ballot", lambda c: {"id": "bp-1", "subject": "co", "method": "secret-ballot", **c.ballot()}),
    ("exclude-unit", lambda c: {"unit": c.unit(), "reason": TEXT}),
    ("nominate", lambda c: {"unit": c.unit(), "award": c.of(AWARDS)}),
    ("rule-class", lambda c: {"unit": c.unit(), "to": c.of(["tot", "kha"]), "reason": TEXT}),
    ("choose-next", lambda c: {"role": c.of(["head", "deputy"]), "unit": c.unit(), "manner": "elected"}),
    ("hold-award", lambda c: {"unit": c.unit(), "award": c.of(AWARDS), "cause": "complaint", "reason": TEXT}),
    ("release-award", lambda c: {"unit": c.unit(), "award": c.of(AWARDS), "reason": TEXT}),
    ("annul-award", lambda c: {"unit": c.unit(), "award": c.of(AWARDS), "reason": TEXT}),
    ("file-complaint", lambda c: {"by": c.voice(), "text": TEXT, "award": c.of(AWARDS)}),
    ("answer-complaint", lambda c: {"number": c.number(1, 2), "text": TEXT}),
    (
        "acknowledge",
        lambda c: {"key": c.of(["cross-checks-open", f"overruled/{c.unit()}/co"]), "reason": TEXT},
    ),
    ("correct", lambda c: {"version": c.number(2, 40), "reason": TEXT}),
    ("adopt-edition", lambda c: {"edition": c.of([EDITION, OTHER_EDITION])}),
    ("name-unit", lambda c: {"unit": c.of(STRANGERS), "name": "Tên"}),
)


class RandomYear:
    """A year from a number. `clock` is its calendar, `edition` the digest of its rules."""

    def __init__(self, number: int) -> None:
        self._chance = chance = Chance(Random(number))  # noqa: S311 - the same year each time is meant
        self.number = number
        self.clock = chance.of(["stepped", "stepped", "wall", "backfill"])
        self.edition = chance.of([EDITION, EDITION, OTHER_EDITION])
        self.members = UNITS[: chance.number(3, 5)]
        self._now = datetime(YEAR, 1, 4, 9, tzinfo=ICT)

    def opening(self) -> dict[str, Any]:
        """The fields of the act that opens it."""
        return {
            "organiser": CITY,
            "organiser_name": "Thành phố",
            "cluster_name": "Cụm",
            "year": YEAR,
            "units": [{"id": unit, "name": unit} for unit in self.members],
            "edition": self.edition,
            "clock": self.clock,
            "starts": datetime(YEAR, 1, 1, tzinfo=ICT).isoformat(),
        }

    def acts(self) -> Iterator[Entered]:
        """What is handed in, in order; time goes on between the acts."""
        for month, day, expected in self._phases():
            self._now = max(self._now, datetime(YEAR + month // 13, (month - 1) % 12 + 1, day, 9, tzinfo=ICT))
            self._now += timedelta(days=self._chance.number(0, 12))
            if self.clock == "stepped":
                yield Entered(self._now, CITY, "step-to", {"now": self._now.isoformat()})
            for unit, act, fields in expected:
                if self._chance.once_in(0.85):
                    yield self._entered(unit, act, fields)
                if self._chance.once_in(0.12):
                    yield self._at_random()
            yield self._at_random()

    def _entered(self, unit: str, act: str, fields: dict[str, Any]) -> Entered:
        chance = self._chance
        self._now += timedelta(minutes=7)
        if self.clock == "backfill" and chance.once_in(0.9):
            unit = CITY  # enters what stands on paper
        on = self._now.date() - timedelta(days=chance.number(0, 20)) if self.clock == "backfill" else None
        return Entered(self._now, unit, act, fields, on, "hn-1" if chance.once_in(0.05) else None)

    def _at_random(self) -> Entered:
        act, fields_of = self._chance.of(AT_ANY_TIME)
        fields = fields_of(self._chance)
        own = fields.get("unit") or CITY
        return self._entered(self._chance.of([own, own, CITY, self._chance.unit()]), act, fields)

    def _phases(self) -> Iterator[tuple[int, int, list[tuple[str, str, dict[str, Any]]]]]:
        """Month (13: January of the next year), day, and what is expected then."""
        chance, members = self._chance, self.members
        head, paper = chance.of(members), chance.paper
        elected = {"role": "head", "holder": head, "manner": "elected"}
        drafts = [(head, "present-draft", {"kind": kind, "document": paper()}) for kind in DRAFTS[:3]]
        yield 1, 6, [(CITY, "assign-role", elected), *drafts]
        agreed = {"stance": "agreed"}
        yield 2, 8, [(unit, "take-stance", {"unit": unit, **agreed}) for unit in members]
        yield 3, 3, [(unit, "sign", {"unit": unit}) for unit in members]
        yield 7, 1, [(unit, "report-midyear", {"unit": unit, "report": paper()}) for unit in members]
        accepted = [(CITY, "accept-report", {"unit": unit}) for unit in members]
        returned = [(CITY, "send-back", {"unit": unit, "text": TEXT}) for unit in chance.some(members, 0.2)]
        yield 7, 24, [*returned, *accepted]
        yield 11, 2, [(unit, "score-self", {"unit": unit, "sheet": chance.sheet()}) for unit in members]
        checks = [(unit, members[(n + 1) % len(members)]) for n, unit in enumerate(members)]
        yield 11, 12, [(by, "cross-check", {"unit": of, "by": by, "sheet": chance.sheet()}) for by, of in checks]
        yield 12, 1, [(CITY, "appraise", {"unit": unit, "sheet": chance.sheet()}) for unit in members]
        best = chance.of(members)
        meeting = {"id": "tong-ket", "kind": "final", "present": [{"unit": unit} for unit in members]}
        nomination = {"unit": best, "award": "co"}
        submitted = (head, "submit", {"submission": paper()})
        yield 12, 8, [(head, "record-meeting", meeting), (CITY, "rank", {}), (head, "nominate", nomination), submitted]
        grants = {"decision": paper(), "grants": [nomination], "reason": TEXT if chance.once_in(0.6) else None}
        yield 13, 10, [(CITY, "decide-awards", grants), (CITY, "publish", {}), (CITY, "file-cycle", {})]
        yield 13, 28, [(CITY, "reopen-cycle", {"reason": TEXT})] if chance.once_in(0.3) else []
