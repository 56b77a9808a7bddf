"""Every act that a person can enter, each with every field filled, in an order in which they can be entered.

Fields are filled by their types (`all_fields`). Only what must fit something else is named here: units, keys of the
edition, numbers of earlier acts, figures within bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from all_fields import Filler, Leaf, leaves
from engine_help import CITY, units

from domain.cycle import ENTERED_BY_PERSONS, EVENTS_OF
from domain.records import Command
from domain.rules import Edition
from domain.scoring.scores import SheetItem
from domain.units import Unit
from i18n.details import NOT_SHOWN
from i18n.values import deviation_title

YEAR = 2020
UNITS = units(11)
MEMBERS = tuple(UNITS[:6])
"""The units that acts name where any will do. The others merge, split, join and leave."""
CRITERIA = ("a", "b", "c")
MEETING, LETTER = "hn-1", "cv-1"

NOT_HERE = {
    "open-cycle": "no page and no token opens a cycle; entered before the others",
    "step-to": "of rehearsals only; entered in one of its own",
    "confirm-escalation": "answers the clock of a rehearsal; entered in one of its own",
}
"""Acts that are not among those of `script`, with the reason."""


KEYS = {
    ("AcknowledgeDeviation", "key"),  # told by what the deviation is called
    ("AdmitUnit", "unit"),  # everything shows the unit's name
    ("NameUnit", "unit"),
    *(
        (command.__name__, name)
        for command, events in EVENTS_OF.items()
        for event in events
        for name in command.model_fields
        if (event.__name__, name) in NOT_SHOWN
    ),
}
"""Fields of commands whose values are keys, as `NOT_SHOWN` says of their events."""


def edition(title: str, mark: Callable[[], str]) -> Edition:
    """Rules in which each title occurs nowhere else."""
    rounds = ("self", "cross-checked", "appraised", "hoi-dong")
    by = dict(zip(rounds, ("own", "peer", "organiser", "team"), strict=True))
    return Edition.model_validate(
        {
            "id": f"quy-dinh-{mark()}",
            "title": title,
            "deadlines": [
                {
                    "duty": "signature",
                    "due": {"month": 4, "day": 30},
                    "article": "Điều 3",
                    "escalate_days_after": 3,
                }
            ],
            "criteria": [
                {"id": "a", "title": f"Tiêu chí {mark()}", "max": 40},
                {"id": "b", "title": f"Tiêu chí {mark()}", "max": 40, "way": {"way": "linear"}},
                {
                    "id": "c",
                    "title": f"Tiêu chí {mark()}",
                    "max": 20,
                    "way": {
                        "way": "all-or-nothing",
                        "conditions": [{"id": f"dk-{n}", "title": f"Điều kiện {mark()}"} for n in (1, 2)],
                    },
                },
            ],
            "total": "100",
            "rounds": [{"id": one, "title": f"Vòng {mark()}", "by": by[one]} for one in rounds],
            "scoring": {
                "classes": [
                    {"id": "tot", "title": f"Loại {mark()}", "least": 90},
                    {"id": "kha", "title": f"Loại {mark()}", "least": 1, "most": 2},
                ]
            },
            "awards": [{"id": one, "title": f"Danh hiệu {mark()}"} for one in ("co", "bang-khen")],
        }
    )


@dataclass(frozen=True, slots=True)
class EveryField:
    """An act with its fields as people type them; `leaves` are the words in which they read them again."""

    act: type[Command]
    fields: dict[str, Any]
    leaves: tuple[Leaf, ...]
    on: date
    corrects: str = ""
    """The act that it corrects, where it is a correction: its name."""


@dataclass
class Script:
    """Makes the acts one after another. `rules` are those of the cycle, `later` an edition that is adopted."""

    filler: Filler
    rules: Edition
    later: str
    next_cycles: tuple[str, str]
    given: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    """By name of an act, the version of its first event."""
    deviation: str = f"overruled/{MEMBERS[1]}/bang-khen"

    def __post_init__(self) -> None:
        known = self.filler.known
        for award in self.rules.awards:
            known.names[f"award/{award.id}"] = award.title
        for round_ in self.rules.rounds:
            known.names[f"round/{round_.id}"] = round_.title
        for leaf in self.rules.leaves().values():
            known.names[f"criterion/{leaf.id}"] = leaf.title
            for condition in getattr(leaf.way, "conditions", ()):
                known.names[f"condition/{condition.id}"] = condition.title

    def _act(self, name: str, /, **fixed: Any) -> EveryField:
        act = Command.KNOWN[name]
        fields = self.filler.fill(act, **fixed)
        self.given += 1
        read = {field: value for field, value in fields.items() if (act.__name__, field) not in KEYS}
        found = tuple(leaves(act, read, self.filler.known))
        return EveryField(act, fields, found, date(YEAR, 1, 5) + timedelta(days=self.given))

    def _sheet(self, base: int) -> list[dict[str, Any]]:
        found = []
        for n, criterion in enumerate(CRITERIA):
            self.filler.given += 1
            points = f"{base + n}.{self.filler.given % 1000:03d}1"
            met = ["dk-1", "dk-2"] if criterion == "c" else None
            found.append(self.filler.fill(SheetItem, criterion=criterion, points=points, met=met))
        return found

    def _succession(self) -> Iterator[EveryField]:
        """Units that join, leave, merge, split: of those that nothing else names."""
        unit = iter(UNITS[6:])
        into = [self.filler.fill(Unit, id=f"moi-{self.filler.mark()}") for _n in range(4)]
        yield self._act("admit-unit", unit=f"moi-{self.filler.mark()}")
        yield self._act("name-unit", unit=f"ten-{self.filler.mark()}")
        yield self._act("release-unit", unit=next(unit))
        yield self._act("merge-units", units=[next(unit), next(unit)], into=into[0])
        yield self._act("split-unit", unit=next(unit), into=into[1:3])
        yield self._act("dissolve-unit", unit=next(unit), into=into[3:])

    def acts(self) -> Iterator[EveryField]:
        """The acts that can be entered in a cycle that is entered afterwards, but those of the end."""
        yield self._act("receive-year-plan")
        yield self._act("adopt-edition", edition=self.later)
        yield self._act("name-overseer")
        yield from self._papers()
        yield from self._signing()
        yield from self._work()
        yield from self._scores()
        yield from self._end()

    def _papers(self) -> Iterator[EveryField]:
        one, two, three, four, five, _six = MEMBERS
        yield self._act("assign-role", role="deputy", holder=four, stands_in_for=five, until=f"{YEAR}-06-30")
        yield self._act("assign-role", role="head", holder=three, stands_in_for=None, until=None)
        for kind in ("plan", "covenant"):
            yield self._act("present-draft", kind=kind, presented_by=one)
        yield self._act("take-stance", unit=two, on="covenant", number=1)
        yield self._act("withdraw-stance", unit=two, on="covenant")
        yield self._act("take-stance", unit=three, on="plan", number=1)
        yield self._act("take-stance-together")
        yield self._act("comment", answers=None)
        yield self._act("comment", answers=1)
        yield self._act("withdraw-comment", number=2)

    def _signing(self) -> Iterator[EveryField]:
        one, two, _three, _four, five, six = MEMBERS
        yield self._act("ask-extension", unit=six, duty="signature", until=f"{YEAR}-05-11")
        yield self._act("refuse-extension", unit=six, duty="signature")
        yield self._act("extend", unit=six, duty="signature", until=f"{YEAR}-05-12")
        yield self._act("remind-units", units=[five, six], duty="signature")
        yield self._act("decline-to-sign", unit=six, covenant="term-covenant")
        yield self._act("sign", unit=five, number=1, covenant="covenant")
        yield self._act("sign-jointly", units=[one, two], unnamed=2, number=1, covenant="covenant")
        yield self._act("name-witnesses")
        yield self._act("close-duty", duty="signature")
        yield self._act("reopen-duty", duty="signature")

    def _work(self) -> Iterator[EveryField]:
        one, two, *_others = MEMBERS
        unnamed = {"units": [one, two], "unnamed": 2}
        target = self.filler.mark()
        registration = self._act("register-targets", unit=one)
        registration.fields["targets"][0]["id"] = target
        self.filler.known.names[f"target/{target}"] = registration.fields["targets"][0]["title"]
        yield registration
        yield self._act("register-together", **unnamed)
        yield self._act("return-registration", unit=one)
        yield self._act("accept-registration", unit=one)
        yield self._act("state-contents", covenant="covenant")
        yield self._act("report-result", unit=one, target=target, exactness="estimated")
        yield self._act("record-meeting", id=MEETING)
        letter = self._act("record-letter", id=LETTER)
        self.filler.known.names[f"letter/{LETTER}"] = letter.fields["document"]["number"]
        yield letter
        yield self._act("answer-letter", letter=LETTER)
        yield self._act("record-site-check", unit=one, unnamed=None)
        yield self._act("record-site-check", unit="unknown", unnamed=2)
        for unit in (one, two):
            yield self._act("report-midyear", unit=unit)
        yield self._act("report-midyear-together", **unnamed)
        yield self._act("withdraw-report", unit=two)
        yield self._act("send-back", unit=one)
        yield self._act("answer-correction", unit=one)
        yield self._act("accept-report", unit=one)

    def _scores(self) -> Iterator[EveryField]:
        one, two, three, *_more = MEMBERS
        yield self._act("assign-cross-checks", pairs=[{"by": two, "unit": one}, {"by": three, "unit": two}])
        yield self._act("score-self", unit=two, sheet=self._sheet(3))
        yield self._act("withdraw-score", unit=two)
        yield self._act("score-self", unit=one, sheet=self._sheet(4))
        yield self._act("score-self-together", units=[three], unnamed=2)
        yield self._act("cross-check", unit=one, by=two, sheet=self._sheet(5))
        yield self._act("score-round", unit=one, round="hoi-dong", sheet=self._sheet(6))
        yield self._act("appraise", unit=one, sheet=self._sheet(7))

    def _end(self) -> Iterator[EveryField]:
        one, two, *_more = MEMBERS
        self.filler.given += 1
        votes = {
            "handed_out": 91,
            "cast": 70,
            "blank": 3,
            "spoiled": 2,
            "names": 1,
            "entitled": 83,
            "present": 81,
            "polled": 4,
        }
        choices = [{"unit": one, "votes": 38}, {"words": self.filler.mark(), "votes": 27}]
        yield self._act("record-ballot", subject="co", choices=choices, took_part=None, **votes)
        yield self._act(
            "record-ballot",
            subject="bang-khen",
            choices=[],
            cast="unknown",
            handed_out=None,
            took_part=[one, two],
            entitled=5,
            present=4,
            polled=1,
            blank=None,
            spoiled=None,
        )
        yield self._act("record-totals", round="hoi-dong")
        yield self._act("exclude-unit", unit=two)
        yield self._act("rank")
        yield self._act("rule-class", unit=one, to="kha")
        yield self._act("nominate", unit=one, award="co")
        yield self._act("choose-next", role="deputy", unit=two)
        yield self._act("submit")
        grants = [{"unit": one, "award": "co"}, {"unit": two, "award": "bang-khen"}]
        yield self._act("decide-awards", grants=grants)
        yield self._act("hold-award", unit=two, award="bang-khen")
        yield self._act("release-award", unit=two, award="bang-khen")
        yield self._act("annul-award", unit=two, award="bang-khen")
        yield self._act("record-return", unit=two, award="bang-khen")
        yield self._act("hand-over-object", unit=one, given_by=two)
        yield self._act("file-complaint", award="co", by={"unit": two})
        yield self._act("answer-complaint", number=1)
        acknowledged = self._act("acknowledge", key=self.deviation)
        title = Leaf("AcknowledgeDeviation", "key", deviation_title(self.deviation, self.filler.known.names))
        yield replace(acknowledged, leaves=(title, *acknowledged.leaves))
        yield self._act("note-disagreement")
        yield self._act("name-source")
        wrong = self._act("record-totals", round="self")
        yield wrong
        yield from self._succession()
        instead = self._act("record-totals", round="self")
        yield self._correction("record-totals", instead)
        yield self._act("close-early", handed_to=[self.next_cycles[0]])
        yield self._act("hand-over", handed_to=[self.next_cycles[1]])
        yield self._act("take-over", predecessors=[self.next_cycles[0]])
        yield self._act("file-cycle")
        yield self._act("reopen-cycle")

    def _correction(self, wrong: str, instead: EveryField) -> EveryField:
        """A correction that puts an act in the place of the last one of its kind."""
        act = Command.KNOWN["correct"]
        reason = f"{self.filler.mark()} {self.filler.mark()}"
        self.filler.known.texts[reason] = reason
        fields = {"version": self.versions.get(wrong, 1), "reason": reason, "instead": {"act": wrong, **instead.fields}}
        words = (Leaf("CorrectAct", "reason", reason), Leaf("CorrectAct", "version", str(self.versions.get(wrong, 1))))
        return EveryField(act, fields, (*words, *instead.leaves), instead.on, corrects=wrong)

    def in_minutes(self, names: Iterable[str]) -> list[EveryField]:
        """A new meeting, and acts of it that any state allows."""
        fixed: dict[str, dict[str, Any]] = {
            "comment": {"answers": 1},
            "record-letter": {"id": "cv-2"},
            "report-result": {"unit": MEMBERS[0], "target": None, "exactness": "estimated"},
            "state-contents": {"covenant": "covenant"},
        }
        header = self._act("record-meeting", id="bb-1", also=None)
        return [header, *(self._act(name, **fixed.get(name, {})) for name in names)]

    def tail(self) -> Iterator[EveryField]:
        """The acts after which the cycle is another one: its results are open, its clock is real time."""
        yield self._act("publish")
        yield self._act("change-calendar", clock="wall", since=f"{YEAR}-12-01T00:00:00+07:00")


def unfilled(entered: Iterable[EveryField]) -> set[tuple[str, str]]:
    """The fields of acts that persons can enter, and that none of the entered acts filled; acts without fields, too."""
    filled = {(act.act.NAME, name) for act in entered for name in ("", *act.fields)}
    known = {(act.NAME, name) for act in ENTERED_BY_PERSONS for name in ("", *act.model_fields)}
    return {(act, name) for act, name in known - filled if act not in NOT_HERE}


__all__ = ["CITY", "MEETING", "MEMBERS", "UNITS", "YEAR", "EveryField", "Script", "edition", "unfilled"]
