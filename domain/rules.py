"""Rules editions: the rules that an organiser may change from year to year, as data.

Every rule cites an article of the year plan or of another paper. A specimen edition is marked as such: the public
sources of the first two years give no deadlines, so its deadlines are not the organiser's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, PrivateAttr, model_validator

from domain import limits
from domain.duties import Duty
from domain.problems import invalid, repeated
from domain.scoring.classes import Share, ShareRounding, places_of
from domain.scoring.criteria import Criterion, Kinds, Scoring
from domain.times import Day, When
from domain.types import Document, FrozenModel, Label, Points, Slug
from domain.workdays import Calendar, IfDayOff, overlaps

DraftKind = Literal["plan", "bylaws", "covenant", "criteria", "term-covenant"]


CovenantKind = Literal["covenant", "term-covenant"]
"""A cluster can sign a covenant for a year and, beside it, one for a longer term."""


Days = Annotated[int, Field(ge=0, le=limits.DAYS_IN_RULE)]


class YearDay(FrozenModel):
    """A day relative to the cycle's year: `year` is 0 for that year, 1 for the next, 2 for the one after that."""

    year: Literal[0, 1, 2] = 0
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]

    @model_validator(mode="after")
    def _exists(self) -> YearDay:
        # Checked with 2023, which has no 29 February: a rule must name a day that exists in every year.
        try:
            date(2023, self.month, self.day)
        except ValueError:
            raise invalid("day_not_every_year", day=self.day, month=self.month) from None
        return self

    def of(self, year: int) -> date:
        """Return the day in the cycle that begins in `year`."""
        return date(year + self.year, self.month, self.day)


class PeriodDay(FrozenModel):
    """A day counted from the first or the last day of the edition's period; `days` is negative for a day before it."""

    counted_from: Literal["first-day", "last-day"]
    days: Annotated[int, Field(ge=-limits.DAYS_IN_RULE, le=limits.DAYS_IN_RULE)]


class Period(FrozenModel):
    """The period of a cycle, both days included: the calendar year, unless the edition says otherwise."""

    first: YearDay = YearDay(month=1, day=1)
    last: YearDay = YearDay(month=12, day=31)

    @model_validator(mode="after")
    def _is_forwards(self) -> Period:
        if self.last.of(2023) < self.first.of(2023):
            raise invalid("range_backwards")
        return self

    def day(self, rule: PeriodDay, year: int) -> date:
        """Return the day of a rule in the cycle of `year`."""
        end = self.first if rule.counted_from == "first-day" else self.last
        return end.of(year) + timedelta(days=rule.days)

    def month(self, number: int, year: int) -> date:
        """Return the day on which a month of the cycle of `year` begins; the first month has the number 1."""
        begins = self.first.of(year)
        years, month = divmod(begins.month + number - 2, MONTHS_IN_YEAR)
        return date(begins.year + years, month + 1, min(begins.day, SHORTEST_MONTH))


MONTHS_IN_YEAR = 12
SHORTEST_MONTH = 28
"""A day that every month has."""


class YearSpan(FrozenModel):
    """The years of a longer term, both included."""

    first: Annotated[int, Field(ge=1945, le=2200)]
    last: Annotated[int, Field(ge=1945, le=2200)]

    @model_validator(mode="after")
    def _is_forwards(self) -> YearSpan:
        if self.last < self.first:
            raise invalid("range_backwards")
        return self


class Deadline(FrozenModel):
    """When a duty is due, and when the clock reminds, proposes an escalation and closes the duty."""

    duty: Duty
    due: YearDay | PeriodDay
    if_day_off: IfDayOff = "stays"
    figures_until: YearDay | None = None
    """The day up to which the figures count (chốt số liệu), where they are due before the period ends."""
    article: Label
    remind_days_before: tuple[Days, ...] = Field(default=(), max_length=8)
    escalate_days_after: Days | None = None
    close_days_after: Days | None = None
    """The hard close: from then on a unit's own command is refused. The secretariat may still record facts."""


class AwardRule(FrozenModel):
    """A kind of award that a cluster may nominate units for.

    The number is limited by `quota` or by `share` of the cluster's units. `kinds` are the kinds of units that may
    receive it; empty means any.
    """

    id: Slug
    title: Label
    quota: PositiveInt | None = None
    share: Share | None = None
    share_rounding: ShareRounding = "down"
    kinds: Kinds = ()
    article: Label | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> AwardRule:
        if self.quota is not None and self.share is not None:
            raise invalid("quota_by_one")
        return self

    def most(self, units: int) -> int | None:
        """Return how many units a cluster of `units` units may nominate; None if there is no limit."""
        if self.share is None:
            return self.quota
        return places_of(self.share, units, self.share_rounding)


VoteMethod = Literal["secret-ballot", "show-of-hands", "consensus", "written-poll"]


class VoteRule(FrozenModel):
    """How a vote on a subject is taken, and the majority that it needs.

    `threshold` is a share of `base`: of all who may vote (`entitled`), of those `present` (with absentees who voted in
    writing), of the papers `cast`, or of the `valid` papers. With `strict` the votes must exceed the share, otherwise
    they must reach it. `quorum` is the share of those entitled who must take part, `least_members` how many must at
    least, such as in a council.
    """

    subject: Slug
    method: VoteMethod
    threshold: Share
    strict: bool = True
    base: Literal["entitled", "present", "cast", "valid"]
    quorum: Share | None = None
    least_members: PositiveInt | None = None
    article: Label


class RoundRule(FrozenModel):
    """A round of scoring: who scores, and which criteria. Empty `criteria` means all."""

    id: Slug
    title: Label
    by: Literal["own", "peer", "cluster", "team", "organiser"]
    criteria: tuple[Slug, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    article: Label | None = None


USUAL_ROUNDS = ("self", "cross-checked", "appraised")
"""The rounds of an edition that declares none."""


class Paper(FrozenModel):
    """A paper that the edition comes from: plan, bylaws, criteria and award rules are often separate papers."""

    part: Literal["plan", "bylaws", "criteria", "awards", "other"]
    document: Document
    address: Label | None = None


class Articles(FrozenModel):
    """The articles that deviations cite. None: the edition has no such rule, and the deviation is a remark."""

    text_final_before_signing: Label | None = None
    bylaws_before_signing: Label | None = None
    all_units_sign: Label | None = None
    head_known: Label | None = None
    final_within_year: Label | None = None
    appraisal_before_ranking: Label | None = None


Inherited = Literal["signature", "role", "registration", "duties"]
"""What a successor unit takes over from its predecessors. `duties`: also those whose deadline passed before."""


class Edition(FrozenModel):
    """A rules edition. It is stored by its digest when adopted and never changes afterwards."""

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
    """Papers or editions that this one replaces."""
    calendar: Calendar = Calendar()
    period: Period = Period()
    required_drafts: tuple[DraftKind, ...] = ("plan", "bylaws", "covenant")
    covenants: tuple[CovenantKind, ...] = ("covenant",)
    """The covenants that each unit signs in the year; none where one for a longer term is in force already."""
    covenant_years: YearSpan | None = None
    """The years of the covenant for a term. It is signed in the first of them."""
    answer_correction_days: Days = 7
    answer_correction_in: Literal["days", "working-days"] = "days"
    deadlines: tuple[Deadline, ...] = Field(default=(), max_length=limits.DEADLINES_PER_EDITION)
    criteria: tuple[Criterion, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    total: Points | None = None
    """The total as the source states it, bonus included. Only compared with the computed sums."""

    scoring: Scoring = Scoring()
    cross_checks: Literal["next-in-list"] | None = None
    """Which unit checks which. `next-in-list`: each the next one in the list of units, the last one the first."""
    rounds: tuple[RoundRule, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    awards: tuple[AwardRule, ...] = ()
    votes: tuple[VoteRule, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    articles: Articles = Articles()
    inherits: tuple[Inherited, ...] = ()
    """What the new units inherit when units merge or a unit splits."""

    _since: datetime | None = PrivateAttr(default=None)
    _replaced: Edition | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_consistent(self) -> Edition:
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
        _check_criteria(self.criteria)
        leaves = self.leaves()
        for rule in self.rounds:
            if missing := [criterion for criterion in rule.criteria if criterion not in leaves]:
                raise invalid("round_of_no_criterion", round=rule.id, criterion=missing[0])
        return self

    @property
    def since(self) -> datetime | None:
        """From when it is in force in a cycle; None for the first one, and outside a cycle."""
        return self._since

    @property
    def replaced(self) -> Edition | None:
        """The edition that was in force before it in a cycle, if one was."""
        return self._replaced

    def replacing(self, earlier: Edition, since: datetime | None) -> Edition:
        """Return this edition as the one that is in force since an instant, in place of an earlier one."""
        edition = self.model_copy()
        edition._since, edition._replaced = since, earlier  # noqa: SLF001 - of its own class
        return edition

    def at(self, when: When | None) -> Edition:
        """Return the edition that was in force when something happened; None: now. An act is held to that one."""
        edition = self
        while when is not None and edition._since is not None and edition._replaced is not None:
            if when.ends_within(edition._since, None):
                break
            edition = edition._replaced
        return edition

    def covenants_of(self, year: int) -> tuple[CovenantKind, ...]:
        """Return the covenants that units sign in a year: one for a term only in the first year of the term."""
        begins = self.covenant_years is None or self.covenant_years.first == year
        return tuple(kind for kind in self.covenants if kind != "term-covenant" or begins)

    def deadline(self, duty: Duty) -> Deadline | None:
        """Return the deadline of a duty, or None if the edition has none."""
        return next((deadline for deadline in self.deadlines if deadline.duty == duty), None)

    def award(self, award: str) -> AwardRule | None:
        """Return the rule of an award, or None if the edition does not have it."""
        return next((rule for rule in self.awards if rule.id == award), None)

    def round_rule(self, round_: str) -> RoundRule | None:
        """Return the rule of a round, or None if the edition does not declare it."""
        return next((rule for rule in self.rounds if rule.id == round_), None)

    def has_round(self, round_: str) -> bool:
        """Return whether the round is declared; without declared rounds, whether it is a usual one."""
        return self.round_rule(round_) is not None if self.rounds else round_ in USUAL_ROUNDS

    def rounds_in_order(self, scored: Iterable[str]) -> tuple[str, ...]:
        """Return all rounds, the one that counts most last. Undeclared rounds that were `scored` count least."""
        declared = tuple(rule.id for rule in self.rounds) or USUAL_ROUNDS
        others = [*(name for name in USUAL_ROUNDS if name not in declared), *sorted(set(scored) - {*USUAL_ROUNDS})]
        return (*(name for name in dict.fromkeys(others) if name not in declared), *declared)

    def vote(self, subject: str) -> VoteRule | None:
        """Return the rule for votes on a subject, or None if the edition has none."""
        return next((rule for rule in self.votes if rule.subject == subject), None)

    def leaves(self) -> dict[str, Criterion]:
        """Return the criteria that receive points, by id."""
        return {leaf.id: leaf for top in self.criteria for leaf in top.leaves()}

    def leaves_of_round(self, round_: str) -> tuple[Criterion, ...]:
        """Return the criteria that receive points in a round: all, unless the edition declares some."""
        rule = self.round_rule(round_)
        only = frozenset(rule.criteria) if rule is not None else frozenset()
        return tuple(leaf for leaf in self.leaves().values() if not only or leaf.id in only)


def _check_criteria(criteria: tuple[Criterion, ...]) -> None:
    """Check that ids are unique and nesting is bounded."""
    seen: set[str] = set()

    def walk(nodes: tuple[Criterion, ...], depth: int) -> None:
        if nodes and depth > limits.CRITERIA_DEPTH:
            raise invalid("criteria_too_deep", most=limits.CRITERIA_DEPTH)
        for node in nodes:
            if node.id in seen:
                raise invalid("criterion_stands_twice", criterion=node.id)
            seen.add(node.id)
            walk(node.children, depth + 1)

    walk(criteria, 1)


NO_RULES = Edition(id="none", title="No rules adopted", required_drafts=())
"""The edition before one is adopted: no deadlines, no criteria, and all deviations are remarks."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """An edition that a cycle follows, by its digest; `since` is None for the one that it was opened with."""

    edition: str
    since: datetime | None = None


def in_force(adoptions: Sequence[Adoption], editions: Mapping[str, Edition]) -> Edition:
    """Return the edition in force, with those before it (`Edition.at`); `NO_RULES` for one that is not known.

    `adoptions` are in the order in which they came into force.
    """
    current = NO_RULES
    for number, adoption in enumerate(adoptions):
        edition = editions.get(adoption.edition, NO_RULES)
        current = edition if number == 0 else edition.replacing(current, adoption.since)
    return current


@lru_cache(maxsize=64)
def edition_of(body: str) -> Edition:
    """Return the edition of a stored text. Cached, because many cycles follow the same edition and it never changes."""
    return Edition.model_validate_json(body)
