"""What a cluster of a rehearsed city hands in up to the middle of the year, from a file of texts and by chance.

Each stage is a method of `_Script`. Oddities, such as a unit that declines to sign, go to certain clusters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Literal

from pydantic import Field

from domain.times import ICT
from domain.types import Document, FrozenModel, Label

Stage = Literal["midyear", "signing", "drafting", "scoring"]
"""How far a cluster of the rehearsed city is."""

SECRETARIAT = ""
"""In the place of a unit: the city's secretariat acts."""

DRAFTS = ("plan", "bylaws", "covenant")
POINTS = {"nv-1": 20, "nv-2": 20, "ct-1": 15, "ct-2": 15, "cb": 30}
"""The criteria of the city's editions, each with its maximum."""


class Names(FrozenModel):
    """Syllables that names of wards and of people are made from."""

    first: tuple[Label, ...]
    second: tuple[Label, ...]
    families: tuple[Label, ...]
    middles: tuple[Label, ...]
    given: tuple[Label, ...]


class CityPaper(FrozenModel):
    """A paper of the city, with its text."""

    title: Label
    text: str

    def document(self) -> dict[str, Any]:
        """As the field of an act."""
        return {"title": self.title, "text": self.text}


class CityFile(FrozenModel):
    """What a rehearsed city is made from (`scenarios/rehearsed-city.yaml`)."""

    seed: int
    year: int
    wards: int
    organiser: Label
    organiser_name: Label
    plan: Document
    edition: Label
    pilot_edition: Label
    clusters: dict[Stage, int] = Field(min_length=4)
    names: Names
    papers: dict[Label, CityPaper]
    covenant_again: CityPaper
    comments: tuple[Label, ...]
    answer_to_comment: Label
    extension_reasons: tuple[Label, ...]
    reasons: dict[Label, Label]
    report: Document
    titles: tuple[Label, ...]
    place: Label
    right_place: Label


@dataclass(frozen=True, slots=True)
class ScriptedBatch:
    """Acts that one unit, or the secretariat, hands in together at a moment of the rehearsal.

    In the fields of `correct`, `of` names the act whose latest event is meant.
    """

    at: datetime
    by: str
    acts: tuple[tuple[str, Mapping[str, Any]], ...]
    meeting: str | None = None


def moment_of(year: int, month: int, day: int, hour: int = 9) -> datetime:
    """A moment of the rehearsal, in Vietnamese time."""
    return datetime(year, month, day, hour, tzinfo=ICT)


def script(
    file: CityFile, random: Random, units: Sequence[str], stage: Stage, number: int
) -> tuple[ScriptedBatch, ...]:
    """Return all that a cluster hands in that is so far, in the order of time; `number` counts those of its stage."""
    return tuple(sorted(_Script(file, random, units, number).of(stage), key=lambda batch: batch.at))


@dataclass
class _Script:
    """What one cluster hands in. `number` counts the clusters of its stage: oddities go to certain ones."""

    file: CityFile
    random: Random
    units: Sequence[str]
    number: int
    comments: int = 0

    @property
    def head(self) -> str:
        return self.units[0]

    @property
    def deputy(self) -> str:
        return self.units[1]

    def of(self, stage: Stage) -> Iterator[ScriptedBatch]:
        roles = {"head": self.head, "deputy": self.deputy}
        chosen = [("assign-role", {"role": r, "holder": u, "manner": "elected"}) for r, u in roles.items()]
        yield self.batch((1, 12, 8), SECRETARIAT, *chosen)
        yield from {
            "midyear": self.midyear,
            "signing": self.signing,
            "drafting": self.drafting,
            "scoring": self.scoring,
        }[stage]()

    def batch(
        self, at: tuple[int, int, int], by: str, *acts: tuple[str, Mapping[str, Any]], meeting: str | None = None
    ) -> ScriptedBatch:
        return ScriptedBatch(moment_of(self.file.year, *at), by, acts, meeting)

    def some(self, share: float, units: Sequence[str] | None = None) -> list[str]:
        """So many of the units, at least one, in their order."""
        units = self.units if units is None else units
        chosen = set(self.random.sample(list(units), max(1, round(share * len(units)))))
        return [unit for unit in units if unit in chosen]

    def day(self, month: int, day: int) -> str:
        return moment_of(self.file.year, month, day).date().isoformat()

    def scored_item(self, criterion: str, most: int) -> dict[str, str]:
        """Points for a criterion in quarters, three quarters of the maximum at least."""
        return {"criterion": criterion, "points": str(self.random.randrange(most * 3, most * 4 + 1) / 4)}

    def is_number(self, number: int) -> bool:
        return self.number == number

    def is_one_in(self, every: int, which: int) -> bool:
        return self.number % every == which

    # Steps of the year ---------------------------------------------------------------------

    def launching(self, month: int, day: int, kinds: Sequence[str] = DRAFTS) -> Iterator[ScriptedBatch]:
        """The meeting at which the deputy presents the drafts."""
        meeting = {"id": "trien-khai", "kind": "launching", "place": self.file.place, "notes": ["Diễn tập"]}
        presented = [self.presented(kind, self.deputy, self.file.papers[kind]) for kind in kinds]
        yield self.batch((month, day, 14), self.head, ("record-meeting", meeting), *presented, meeting="trien-khai")
        if self.is_one_in(3, 1):
            yield self.batch((month, day, 16), SECRETARIAT, self.place_corrected(meeting))

    def presented(self, kind: str, by: str, paper: CityPaper) -> tuple[str, Mapping[str, Any]]:
        return "present-draft", {"kind": kind, "presented_by": by, "document": paper.document()}

    def place_corrected(self, meeting: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        instead = {"act": "record-meeting", **meeting, "place": self.file.right_place}
        return "correct", {"of": "record-meeting", "reason": self.file.reasons["wrong_place"], "instead": instead}

    def answers(self, month: int, day: int, units: Sequence[str], objecting: int) -> Iterator[ScriptedBatch]:
        """The units' answers to the drafts; the last ones ask for changes."""
        for index, unit in enumerate(units):
            if index < len(units) - objecting:
                yield self.batch((month, day, 9), unit, ("take-stance", {"unit": unit, "stance": "agreed"}))
                continue
            kind = self.random.choice(DRAFTS)
            text = self.random.choice(self.file.comments)
            comment = {"by": {"unit": unit}, "on": kind, "text": text, "asks_for_change": True}
            stance = {"unit": unit, "stance": "changes-requested"}
            self.comments += 1
            yield self.batch((month, day, 9), unit, ("comment", comment), ("take-stance", stance))

    def revised(self, month: int, day: int) -> Iterator[ScriptedBatch]:
        """The head answers the first comment with a new version of the covenant; the others wait."""
        draft = self.presented("covenant", self.head, self.file.covenant_again)
        answer = {"by": {"unit": self.head}, "text": self.file.answer_to_comment, "answers": 1}
        yield self.batch((month, day, 10), self.head, draft, ("comment", answer))

    def signed(self, month: int, day: int, units: Sequence[str]) -> Iterator[ScriptedBatch]:
        for unit in units:
            yield self.batch((month, day, 9), unit, ("sign", {"unit": unit}))

    def registered(self, units: Sequence[str]) -> Iterator[ScriptedBatch]:
        for unit in units:
            title = self.random.choice(self.file.titles)
            yield self.batch((3, 27, 9), unit, ("register-targets", {"unit": unit, "titles": [title]}))
        accepted = [("accept-registration", {"unit": unit}) for unit in units[:-1]]
        returned = ("return-registration", {"unit": units[-1], "reason": self.file.reasons["returned"]})
        yield self.batch((3, 30, 9), self.head, *accepted, returned)

    def reported(self, month: int, day: int, units: Sequence[str]) -> Iterator[ScriptedBatch]:
        report = self.file.report.model_dump(mode="json", exclude_none=True)
        for unit in units:
            yield self.batch((month, day, 9), unit, ("report-midyear", {"unit": unit, "report": report}))

    def until_signed(self) -> Iterator[ScriptedBatch]:
        """A cluster that was in time, up to its covenant: some units sign late, one may decline."""
        if self.is_one_in(7, 5):  # the bylaws come after the signing
            yield from self.launching(2, 6, ("plan", "covenant"))
            bylaws = self.presented("bylaws", self.head, self.file.papers["bylaws"])
            yield self.batch((4, 20, 9), self.head, bylaws)
        else:
            yield from self.launching(2, 6)
        yield from self.answers(2, 20, self.units, objecting=self.number % 3)
        early = self.is_one_in(4, 3)  # signed before the text was final
        declined = self.units[-1] if self.is_one_in(5, 2) else None
        signing = [unit for unit in self.units if unit != declined]
        late = signing[-1:] if self.number % 2 else []
        if self.comments:
            yield from self.revised(3, 13 if early else 3)
        if self.is_number(8):  # on one sheet, before witnesses
            witnesses = [{"group": "đại diện Ban Thường trực thành phố (diễn tập)"}]
            sheet = ("sign-jointly", {"units": [unit for unit in signing if unit not in late]})
            yield self.batch(
                (3, 11, 9), self.head, sheet, ("name-witnesses", {"witnesses": witnesses}), meeting="trien-khai"
            )
        else:
            yield from self.signed(3, 11, [unit for unit in signing if unit not in late])
        yield from self.signed(3, 19, late)
        if declined:
            declining = {"unit": declined, "reason": self.file.reasons["declined"]}
            yield self.batch((3, 12, 9), declined, ("decline-to-sign", declining))
        yield from self.registered(self.some(0.6))

    # Stages --------------------------------------------------------------------------------

    def midyear(self) -> Iterator[ScriptedBatch]:
        """Reports are in, late, sent back and accepted; extensions are asked, granted and refused."""
        reasons = self.file.reasons
        yield from self.until_signed()
        if self.number == 0:  # only the mid-year meeting is missing
            yield from self.reported(7, 3, self.units)
            return
        asking, waiting, late, *others = reversed(self.units)
        in_time = self.some(0.8, others[::-1])
        yield from self.reported(7, 3, in_time)
        ask = {
            "unit": asking,
            "duty": "midyear-report",
            "until": self.day(7, 24),
            "reason": self.random.choice(self.file.extension_reasons),
        }
        yield self.batch((7, 8, 9), asking, ("ask-extension", ask))
        if self.number % 2:
            granted = {k: ask[k] for k in ("unit", "duty", "until")} | {"reason": reasons["granted"]}
            yield self.batch((7, 9, 9), SECRETARIAT, ("extend", granted))
        elif self.number % 4:
            refused = {"unit": asking, "duty": "midyear-report", "reason": reasons["refused"]}
            yield self.batch((7, 9, 9), SECRETARIAT, ("refuse-extension", refused))
        back = in_time[-1]
        yield self.batch((7, 8, 10), self.head, ("send-back", {"unit": back, "text": reasons["sent_back"]}))
        if self.number % 2:
            yield self.batch((7, 13, 9), back, ("answer-correction", {"unit": back, "text": reasons["answered"]}))
        if self.number > 1:
            yield from self.reported(7, 13, [late])
        if self.number % 3:
            reason = self.random.choice(self.file.extension_reasons)
            asked = {**ask, "unit": waiting, "until": self.day(7, 31), "reason": reason}
            yield self.batch((7, 15, 15), waiting, ("ask-extension", asked))
        accepted = [("accept-report", {"unit": unit}) for unit in in_time[:-1][: self.number % 4]]
        if accepted:
            yield self.batch((7, 14, 9), SECRETARIAT, *accepted)
        if self.is_one_in(5, 4):
            letter = {
                "id": "cong-van-dien-tap",
                "kind": "direction",
                "sender": {"unit": self.file.organiser},
                "text": reasons["letter"],
                "answer_by": self.day(7, 14),
            }
            yield self.batch((7, 6, 9), SECRETARIAT, ("record-letter", letter))

    def given_more_time(self, until: Mapping[str, tuple[int, int]]) -> Iterator[ScriptedBatch]:
        extended = [
            ("extend", {"duty": duty, "until": self.day(*day), "reason": self.file.reasons["late_cluster"]})
            for duty, day in until.items()
        ]
        yield self.batch((2, 10, 9), SECRETARIAT, *extended)

    def signing(self) -> Iterator[ScriptedBatch]:
        """A cluster that began late: its covenant is being signed."""
        late = self.is_one_in(4, 3)  # without more time: all that it does is late
        if not late:
            yield from self.given_more_time(
                {"draft": (6, 30), "stance": (7, 8), "signature": (7, 20), "midyear-report": (8, 5)}
            )
        yield from self.launching(6, 25)
        yield from self.answers(7, 3, self.units, objecting=1 + self.number % 2)
        yield from self.revised(7, 9)
        yield from self.signed(7, 13, self.some(0.5, self.units[2:]))

    def drafting(self) -> Iterator[ScriptedBatch]:
        """A cluster that began late: its drafts are being commented on."""
        yield from self.given_more_time(
            {"draft": (7, 10), "stance": (7, 24), "signature": (7, 31), "midyear-report": (8, 10)}
        )
        yield from self.launching(7, 7)
        yield from self.answers(7, 14, self.some(0.6, self.units[2:]), objecting=2)
        if self.is_number(1):
            yield from self.revised(7, 15)

    def scoring(self) -> Iterator[ScriptedBatch]:
        """A cluster that tries out scoring at mid-year: half of the sheets are in."""
        yield from self.until_signed()
        yield from self.reported(6, 30, self.units)
        meeting = {"id": "so-ket", "kind": "mid-year", "place": self.file.place, "notes": ["Diễn tập"]}
        yield self.batch((7, 4, 14), self.head, ("record-meeting", meeting), meeting="so-ket")
        yield self.batch((7, 6, 9), SECRETARIAT, *(("accept-report", {"unit": unit}) for unit in self.units))
        scored = self.some(0.7)
        sheets = {unit: [self.scored_item(c, most) for c, most in POINTS.items()] for unit in scored}
        for unit in scored:
            yield self.batch((7, 9, 9), unit, ("score-self", {"unit": unit, "sheet": sheets[unit]}))
        following = dict(zip(self.units, [*self.units[1:], self.units[0]], strict=True))
        pairs = [{"by": by, "unit": unit} for by, unit in following.items()]
        yield self.batch((7, 10, 9), self.head, ("assign-cross-checks", {"pairs": pairs}), meeting="so-ket")
        for by in [by for by, unit in following.items() if unit in sheets][: 1 + self.number]:
            checked = {"unit": following[by], "by": by, "sheet": sheets[following[by]]}
            yield self.batch((7, 14, 9), by, ("cross-check", checked))
