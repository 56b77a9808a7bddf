"""Votes: ballots, shows of hands, written polls, as their minutes tell them.

Of a secret ballot only the tally and who took part are ever kept, never who voted what: no field could hold it. How
many votes carry, of which base, is a rule of the edition; what a tally comes to is worked out from it and not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.rules import Edition, VoteMethod, VoteRule
from domain.steps.commenting import Voice, Voices
from domain.steps.membership import require_member
from domain.types import (
    AlreadySaid,
    Command,
    Document,
    Event,
    FrozenModel,
    Label,
    Meta,
    Refused,
    Slug,
    StepDecider,
    UnitId,
    Unknown,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State


class Choice(FrozenModel):
    """What could be voted for, and how many did: a unit by id, or anything by its words."""

    unit: UnitId | None = None
    words: Label | None = None
    votes: NonNegativeInt | Unknown

    @model_validator(mode="after")
    def _one(self) -> Choice:
        if (self.unit is None) == (self.words is None):
            raise invalid("choice_is_one")
        return self


Choices = Annotated[tuple[Choice, ...], Field(max_length=limits.CHOICES_PER_BALLOT)]
Voters = Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


# What people say -------------------------------------------------------------------------


class RecordBallot(Command, name="record-ballot"):
    """A vote was taken.

    `subject` is what it was about: an award of the edition, `head`, `deputy`, `result`, or another word. `cast` counts
    every paper, blank and spoiled ones too; `names` is how many choices one paper could carry. `entitled` is who could
    have voted, `present` who was there, `polled` how many of the absent answered in writing; None where the source
    does not say. Of a vote whose tally nobody tells, `cast` is unknown.
    """

    id: Slug
    subject: Slug
    method: VoteMethod
    choices: Choices = ()
    cast: NonNegativeInt | Unknown
    blank: NonNegativeInt = 0
    spoiled: NonNegativeInt = 0
    names: PositiveInt = 1
    entitled: PositiveInt | None = None
    present: PositiveInt | None = None
    polled: NonNegativeInt | None = None
    took_part: Voters = ()
    tellers: Voices = ()
    round: PositiveInt = 1
    minutes: Document | None = None


# What happened ---------------------------------------------------------------------------


class BallotRecorded(Event, name="BallotRecorded"):
    id: Slug
    subject: Slug
    method: VoteMethod
    choices: tuple[Choice, ...]
    cast: int | Unknown
    blank: int
    spoiled: int
    names: int
    entitled: int | None
    present: int | None
    polled: int | None
    took_part: tuple[UnitId, ...]
    tellers: tuple[Voice, ...]
    round: int
    minutes: Document | None


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote as recorded."""

    tally: BallotRecorded
    when: When
    sureness: str
    version: int


Ballots = Mapping[str, Ballot]


@dataclass(frozen=True, slots=True)
class BallotOutcome:
    """What a choice's votes come to. `carried` is None where no rule speaks or its base is unknown."""

    choice: Choice
    base: int | None
    carried: bool | None


def record(cmd: RecordBallot, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (existing := state.ballots.get(cmd.id)) is not None:
        if dict(existing.tally) == dict(cmd):
            raise AlreadySaid(existing.version)
        raise Refused("ballot_is_recorded", ballot=cmd.id)
    for choice in cmd.choices:
        if choice.unit is not None:
            require_member(choice.unit, meta, state)
    for unit in cmd.took_part:
        require_member(unit, meta, state)
    _must_add_up(cmd)
    yield BallotRecorded(**dict(cmd))


def _must_add_up(cmd: RecordBallot) -> None:
    """Refuse a tally that cannot be: papers that are not all told, or more of them than voters."""
    seen = [choice.unit or choice.words for choice in cmd.choices]
    for names in (seen, cmd.took_part):
        if doubled := repeated(names):
            raise Refused("named_twice", name=doubled[0])
    known = [choice.votes for choice in cmd.choices if choice.votes != "unknown"]
    if cmd.cast != "unknown":
        _papers_add_up(cmd, cmd.cast, known)
    voters = [n for n in (cmd.entitled, len(cmd.took_part) or None, _present(cmd)) if n is not None]
    # Where each paper names one choice, there were at least as many papers as votes.
    least = sum(known) if cmd.names == 1 else max(known, default=0)
    papers = least if cmd.cast == "unknown" else max(cmd.cast, least)
    if voters and papers > min(voters):
        raise Refused("votes_beyond_voters", cast=papers, voters=min(voters))
    if cmd.entitled is not None and max(cmd.present or 0, len(cmd.took_part)) > cmd.entitled:
        raise Refused("votes_beyond_voters", cast=max(cmd.present or 0, len(cmd.took_part)), voters=cmd.entitled)


def _papers_add_up(cmd: RecordBallot, cast: int, known: list[int]) -> None:
    if not cmd.choices:
        raise Refused("tally_without_choices")
    valid, votes = cast - cmd.blank - cmd.spoiled, sum(known)
    short = cmd.names == 1 and len(known) == len(cmd.choices) and votes != valid
    if valid < 0 or short or votes > valid * cmd.names:
        raise Refused("tally_differs", votes=votes, blank=cmd.blank, spoiled=cmd.spoiled, cast=cast)
    if over := next((found for found in known if found > valid), None):
        raise Refused("tally_differs", votes=over, blank=cmd.blank, spoiled=cmd.spoiled, cast=cast)


def outcomes(ballot: Ballot, rules: Edition) -> tuple[BallotOutcome, ...]:
    """What the votes come to under the edition's rule for the subject."""
    tally, rule = ballot.tally, rules.vote(ballot.tally.subject)
    base = None if rule is None else _base(tally, rule)
    return tuple(BallotOutcome(choice, base, _outcome(choice.votes, base, rule)) for choice in tally.choices)


def _outcome(votes: int | Unknown, base: int | None, rule: VoteRule | None) -> bool | None:
    return None if rule is None or not base or votes == "unknown" else _carries(votes, base, rule)


def _base(tally: BallotRecorded, rule: VoteRule) -> int | None:
    if rule.base == "entitled":
        return tally.entitled
    if rule.base == "present":
        return _present(tally)
    if tally.cast == "unknown":
        return None
    return tally.cast if rule.base == "cast" else tally.cast - tally.blank - tally.spoiled


def _present(vote: RecordBallot | BallotRecorded) -> int | None:
    """Who was there, with the absent who were polled in writing."""
    return None if vote.present is None else vote.present + (vote.polled or 0)


def _carries(votes: int, base: int, rule: VoteRule) -> bool:
    needed = Fraction(rule.threshold) * base
    return votes > needed if rule.strict else votes >= needed


def quorum_missed(ballot: Ballot, rules: Edition) -> bool:
    """True when a rule asks for more voters than took part; False also where nobody can tell."""
    tally, rule = ballot.tally, rules.vote(ballot.tally.subject)
    if rule is None or rule.quorum is None or tally.entitled is None:
        return False
    took_part = len(tally.took_part) or _present(tally)
    return took_part is not None and took_part < Fraction(rule.quorum) * tally.entitled


decider = StepDecider(
    slice_name="ballots",
    empty={},
    decides={RecordBallot: record},
    evolves={BallotRecorded: lambda b, e, m: with_entry(b, e.id, Ballot(e, m.happened, m.provenance.kind, m.version))},
)
