"""Rules editions: what an organiser may change from year to year, as data.

Deadlines cite the year plan, everything else the paper it comes from. A specimen says that it is one: the
public sources of the first two years give no deadlines, so nobody may take a specimen for the organiser's rule.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from domain import limits
from domain.criteria import Criterion, Scoring, Share
from domain.kernel import Fact, Label, Points, Slug
from domain.problems import repeated, wrong

DraftKind = Literal["plan", "bylaws", "covenant", "criteria"]


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


class YearDay(Fact):
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
            raise wrong("day_not_every_year", day=self.day, month=self.month) from None
        return self

    def of(self, year: int) -> date:
        """The day in the cycle that begins in `year`."""
        return date(year + self.year, self.month, self.day)


class Deadline(Fact):
    """When a duty is due, and what the clock says around it."""

    duty: Duty
    due: YearDay
    article: Label
    remind_days_before: tuple[Days, ...] = Field(default=(), max_length=8)
    escalate_days_after: Days | None = None
    close_days_after: Days | None = None
    """The hard close: from then on the unit's own act is refused; the secretariat still records what is true."""


class Awards(Fact):
    """One kind of award a cluster may nominate units for."""

    id: Slug
    title: Label
    quota: PositiveInt


VoteMethod = Literal["secret-ballot", "show-of-hands", "consensus", "written-poll"]


class VoteRule(Fact):
    """How a vote on a subject is taken, and what carries it.

    `threshold` is a share of `base`: all who may vote (`entitled`), those `present` (with the absent who were polled in
    writing), papers `cast`, or those of them that are `valid`. `strict` asks for more than the share, else it is
    enough. `quorum` is the share of those entitled who must take part.
    """

    subject: Slug
    method: VoteMethod
    threshold: Share
    strict: bool = True
    base: Literal["entitled", "present", "cast", "valid"]
    quorum: Share | None = None
    article: Label


class Articles(Fact):
    """The articles that a departure is named by; None where the edition has no such rule: then it is a remark."""

    text_final_before_signing: Label | None = None
    bylaws_before_signing: Label | None = None
    all_units_sign: Label | None = None
    head_known: Label | None = None
    final_within_year: Label | None = None
    appraisal_before_ranking: Label | None = None


class Edition(Fact):
    """A rules edition. Stored by digest when adopted, and never edited afterwards."""

    id: Slug
    title: Label
    number: Label | None = None
    issued: date | None = None
    issuer: Label | None = None
    specimen: bool = False
    sources: tuple[Label, ...] = ()
    required_drafts: tuple[DraftKind, ...] = ("plan", "bylaws", "covenant")
    answer_correction_days: Days = 7
    deadlines: tuple[Deadline, ...] = Field(default=(), max_length=limits.DEADLINES_PER_EDITION)
    criteria: tuple[Criterion, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    total: Points | None = None
    """As the source states it: with bonus, where it has one. Compared with the sums, never used as one."""

    scoring: Scoring = Scoring()
    awards: tuple[Awards, ...] = ()
    votes: tuple[VoteRule, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    articles: Articles = Articles()

    @model_validator(mode="after")
    def _whole(self) -> Edition:
        if duties := repeated(deadline.duty.value for deadline in self.deadlines):
            raise wrong("deadline_twice", duties=", ".join(sorted(duties)))
        if subjects := repeated(rule.subject for rule in self.votes):
            raise wrong("vote_rule_twice", subjects=", ".join(sorted(subjects)))
        _ids_once(self.criteria)
        return self

    def deadline(self, duty: Duty) -> Deadline | None:
        """The deadline of a duty, or None where the edition has none."""
        return next((deadline for deadline in self.deadlines if deadline.duty == duty), None)

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
            raise wrong("criteria_too_deep", most=limits.CRITERIA_DEPTH)
        for node in nodes:
            if node.id in seen:
                raise wrong("criterion_stands_twice", criterion=node.id)
            seen.add(node.id)
            walk(node.children, depth + 1)

    walk(criteria, 1)


NO_RULES = Edition(id="none", title="No rules adopted", required_drafts=())
"""What holds before an edition is adopted: no deadlines, no criteria, every departure a remark."""


@lru_cache(maxsize=64)
def edition_of(body: str) -> Edition:
    """The edition of a stored text. Many cycles follow the same one, and an edition never changes: they share it."""
    return Edition.model_validate_json(body)
