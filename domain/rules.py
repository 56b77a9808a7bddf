"""Rules editions: what an organiser may change from year to year, as data.

Deadlines cite the year plan, everything else the paper it comes from. A specimen says that it is one: the
public sources of the first two years give no deadlines, so nobody may take a specimen for the organiser's rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, StringConstraints, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.steps.criteria import Criterion, Kinds, Scoring, Share
from domain.steps.scoring_methods import Rounding
from domain.types import Day, Document, FrozenModel, Label, Points, Slug
from domain.workdays import Calendar, IfDayOff, overlaps

DraftKind = Literal["plan", "bylaws", "covenant", "criteria", "term-covenant"]


class Duty(StrEnum):
    """What somebody owes. The order is the order of the year."""

    DRAFT = "draft"
    STANCE = "stance"
    SIGNATURE = "signature"
    MIDYEAR_REPORT = "midyear-report"
    CORRECTION = "correction"
    MIDYEAR_ACCEPTANCE = "midyear-acceptance"
    SELF_SCORE = "self-score"
    CROSS_CHECK = "cross-check"
    APPRAISAL = "appraisal"
    FINAL_MEETING = "final-meeting"
    SUBMISSION = "submission"
    DECISION = "decision"
    PUBLICATION = "publication"
    FILING = "filing"


Days = Annotated[int, Field(ge=0, le=limits.DAYS_IN_RULE)]


class YearDay(FrozenModel):
    """A day relative to the cycle's year: `year` 1 is the year after it."""

    year: Literal[0, 1] = 0
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]

    @model_validator(mode="after")
    def _exists(self) -> YearDay:
        # 2023 has no 29 February: a rule must name a day that every year has.
        try:
            date(2023, self.month, self.day)
        except ValueError:
            raise invalid("day_not_every_year", day=self.day, month=self.month) from None
        return self

    def of(self, year: int) -> date:
        """The day in the cycle that begins in `year`."""
        return date(year + self.year, self.month, self.day)


class Deadline(FrozenModel):
    """When a duty is due, and what the clock says around it."""

    duty: Duty
    due: YearDay
    if_day_off: IfDayOff = "stays"
    article: Label
    remind_days_before: tuple[Days, ...] = Field(default=(), max_length=8)
    escalate_days_after: Days | None = None
    close_days_after: Days | None = None
    """The hard close: from then on the unit's own act is refused; the secretariat still records what is true."""


class AwardRule(FrozenModel):
    """One kind of award a cluster may nominate units for.

    As many as `quota` says, or that share of the cluster's units; for units of these kinds, of any where none is named.
    """

    id: Slug
    title: Label
    quota: PositiveInt | None = None
    share: Share | None = None
    share_rounding: Literal["down", "half-up", "up"] = "down"
    kinds: Kinds = ()
    article: Label | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> AwardRule:
        if self.quota is not None and self.share is not None:
            raise invalid("quota_by_one")
        return self

    def most(self, units: int) -> int | None:
        """How many may be put forward in a cluster of so many units; None where nothing is said."""
        if self.share is None:
            return self.quota
        return int(Rounding(places=0, mode=self.share_rounding).of(self.share * units))


VoteMethod = Literal["secret-ballot", "show-of-hands", "consensus", "written-poll"]


Ratio = Annotated[str, StringConstraints(pattern=r"^[1-9]\d?/[1-9]\d?$")]
"""A share that no decimal number tells exactly: 2/3."""


class VoteRule(FrozenModel):
    """How a vote on a subject is taken, and what carries it.

    `threshold` is a share of `base`: all who may vote (`entitled`), those `present` (with the absent who were polled in
    writing), papers `cast`, or those of them that are `valid`. `strict` asks for more than the share, else it is
    enough. `quorum` is the share of those entitled who must take part.
    """

    subject: Slug
    method: VoteMethod
    threshold: Share | Ratio
    strict: bool = True
    base: Literal["entitled", "present", "cast", "valid"]
    quorum: Share | Ratio | None = None
    article: Label


class RoundRule(FrozenModel):
    """A round of scoring: who scores, and of which criteria; of all where none is named."""

    id: Slug
    title: Label
    by: Literal["own", "peer", "cluster", "team", "organiser"]
    criteria: tuple[Slug, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    article: Label | None = None


USUAL_ROUNDS = ("self", "cross-checked", "appraised")
"""Where an edition declares no rounds of its own."""


class Paper(FrozenModel):
    """A paper that an edition is made of: plan, bylaws, criteria and award rules are often separate ones."""

    part: Literal["plan", "bylaws", "criteria", "awards", "other"]
    document: Document
    address: Label | None = None


class Articles(FrozenModel):
    """The articles that a deviation is named by; None where the edition has no such rule: then it is a remark."""

    text_final_before_signing: Label | None = None
    bylaws_before_signing: Label | None = None
    all_units_sign: Label | None = None
    head_known: Label | None = None
    final_within_year: Label | None = None
    appraisal_before_ranking: Label | None = None


Heirloom = Literal["signature", "role", "registration"]
"""What a unit that takes over from others has of what they did."""


class Edition(FrozenModel):
    """A rules edition. Stored by digest when adopted, and never edited afterwards."""

    id: Slug
    title: Label
    number: Label | None = None
    issued: date | None = None
    issuer: Label | None = None
    specimen: bool = False
    sources: tuple[Label, ...] = ()
    papers: tuple[Paper, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    valid_from: Day | None = None
    valid_until: Day | None = None
    replaces: tuple[Label, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    """Papers or editions that are no longer in force with this one."""
    calendar: Calendar = Calendar()
    required_drafts: tuple[DraftKind, ...] = ("plan", "bylaws", "covenant")
    answer_correction_days: Days = 7
    answer_correction_in: Literal["days", "working-days"] = "days"
    deadlines: tuple[Deadline, ...] = Field(default=(), max_length=limits.DEADLINES_PER_EDITION)
    criteria: tuple[Criterion, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    total: Points | None = None
    """As the source states it: with bonus, where it has one. Compared with the sums, never used as one."""

    scoring: Scoring = Scoring()
    rounds: tuple[RoundRule, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    awards: tuple[AwardRule, ...] = ()
    votes: tuple[VoteRule, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    articles: Articles = Articles()
    inherits: tuple[Heirloom, ...] = ()
    """What a unit inherits when others merge into it, or split."""

    @model_validator(mode="after")
    def _whole(self) -> Edition:
        if duties := repeated(deadline.duty.value for deadline in self.deadlines):
            raise invalid("deadline_twice", duties=", ".join(sorted(duties)))
        if subjects := repeated(rule.subject for rule in self.votes):
            raise invalid("vote_rule_twice", subjects=", ".join(sorted(subjects)))
        if doubled := repeated((*(r.id for r in self.rounds), *(f"/{a.id}" for a in self.awards))):
            raise invalid("named_again", names=", ".join(name.removeprefix("/") for name in doubled))
        if titles := overlaps(self.calendar.days_off):
            raise invalid("holidays_overlap", titles=", ".join(titles))
        if self.valid_from is not None and self.valid_until is not None and self.valid_until < self.valid_from:
            raise invalid("range_backwards")
        _ids_once(self.criteria)
        leaves = self.leaves()
        for one in self.rounds:
            if missing := [criterion for criterion in one.criteria if criterion not in leaves]:
                raise invalid("round_of_no_criterion", round=one.id, criterion=missing[0])
        return self

    def deadline(self, duty: Duty) -> Deadline | None:
        """The deadline of a duty, or None where the edition has none."""
        return next((deadline for deadline in self.deadlines if deadline.duty == duty), None)

    def due(self, duty: Duty, year: int) -> date | None:
        """The day by which a duty is due in the cycle that begins in `year`, moved off a day on which nobody works."""
        deadline = self.deadline(duty)
        return None if deadline is None else self.calendar.settled(deadline.due.of(year), deadline.if_day_off)

    def days_after(self, day: date) -> date:
        """The last day on which a correction that was asked for on `day` can be answered."""
        if self.answer_correction_in == "working-days":
            return self.calendar.after(day, self.answer_correction_days)
        return day + timedelta(days=self.answer_correction_days)

    def award(self, award: str) -> AwardRule | None:
        """A kind of award, or None where the edition does not know it."""
        return next((one for one in self.awards if one.id == award), None)

    def round_rule(self, round_: str) -> RoundRule | None:
        """The rule of a round, or None where the edition declares no such round."""
        return next((one for one in self.rounds if one.id == round_), None)

    def has_round(self, round_: str) -> bool:
        """True for a round that is declared, and for the usual ones where none are."""
        return self.round_rule(round_) is not None if self.rounds else round_ in USUAL_ROUNDS

    def rounds_in_order(self, found: Iterable[str]) -> tuple[str, ...]:
        """Rounds from the least to the one that counts most. What the edition does not declare counts less."""
        declared = tuple(one.id for one in self.rounds) or USUAL_ROUNDS
        others = [*(name for name in USUAL_ROUNDS if name not in declared), *sorted(set(found) - {*USUAL_ROUNDS})]
        return (*(name for name in dict.fromkeys(others) if name not in declared), *declared)

    def vote(self, subject: str) -> VoteRule | None:
        """The rule for votes on a subject, or None where the edition has none."""
        return next((rule for rule in self.votes if rule.subject == subject), None)

    def leaves(self) -> dict[str, Criterion]:
        """The criteria that take points, by id."""
        return {leaf.id: leaf for top in self.criteria for leaf in top.leaves()}


def _ids_once(criteria: tuple[Criterion, ...]) -> None:
    seen: set[str] = set()

    def walk(nodes: tuple[Criterion, ...], depth: int) -> None:
        if depth > limits.CRITERIA_DEPTH:
            raise invalid("criteria_too_deep", most=limits.CRITERIA_DEPTH)
        for node in nodes:
            if node.id in seen:
                raise invalid("criterion_stands_twice", criterion=node.id)
            seen.add(node.id)
            walk(node.children, depth + 1)

    walk(criteria, 1)


NO_RULES = Edition(id="none", title="No rules adopted", required_drafts=())
"""What holds before an edition is adopted: no deadlines, no criteria, every deviation a remark."""


@lru_cache(maxsize=64)
def edition_of(body: str) -> Edition:
    """The edition of a stored text. Many cycles follow the same one, and an edition never changes: they share it."""
    return Edition.model_validate_json(body)
