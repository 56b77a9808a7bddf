"""Votes (secret ballots, shows of hands, written polls) as their minutes report them.

Only the tally and the participants of a vote are recorded: no field can hold who voted for what. The edition's rules
say which share of which base carries a vote. The outcome is derived from tally and rule, and is not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Protocol

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from domain import limits
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, Readers
from domain.problems import invalid, repeated
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition, VoteMethod, VoteRule
from domain.times import When
from domain.types import (
    Document,
    FrozenModel,
    IsVoteSubject,
    Label,
    Participant,
    Participants,
    Slug,
    UnitId,
    Unknown,
    added_later,
    with_entry,
)
from domain.units import UnitsContext, require_member


class VotingContext(UnitsContext, Protocol):
    """What voting reads of the cycle."""

    @property
    def ballots(self) -> Ballots: ...


class Choice(FrozenModel):
    """An option of a vote with its votes: a unit by id, or any other option in words."""

    unit: UnitId | None = None
    words: Label | None = None
    votes: NonNegativeInt | Unknown

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Choice:
        if (self.unit is None) == (self.words is None):
            raise invalid("choice_is_one")
        return self


Choices = Annotated[tuple[Choice, ...], Field(max_length=limits.CHOICES_PER_BALLOT)]
Voters = Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


# Commands --------------------------------------------------------------------------------


class RecordBallot(
    Command,
    name="record-ballot",
    label=NC_("act", "record ballot"),
    summary=N_("Record a vote with its tally."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    """`subject` is the subject of the vote: an award of the edition, `head`, `deputy`, `result`, or another word.

    `handed_out` is the number of ballot papers that were given to voters, `cast` of those that came back, with blank
    and spoiled ones; "unknown" when the source gives no tally.
    Without `blank` or `spoiled`, the source does not say how many papers were so.
    `names` is how many choices one paper can carry. `entitled`, `present` and `polled` are the numbers of entitled
    voters, of those present, and of absent voters who answered in writing; None when the source does not say.
    """

    id: Slug
    subject: Annotated[Slug, IsVoteSubject()]
    method: VoteMethod
    choices: Choices = ()
    handed_out: NonNegativeInt | None = added_later()
    cast: NonNegativeInt | Unknown
    blank: NonNegativeInt | None = None
    spoiled: NonNegativeInt | None = None
    names: PositiveInt = 1
    entitled: PositiveInt | None = None
    present: PositiveInt | None = None
    polled: NonNegativeInt | None = None
    took_part: Voters = ()
    tellers: Participants = ()
    round: PositiveInt = 1
    minutes: Document | None = None


# Events ----------------------------------------------------------------------------------


_TALLIES: Mapping[tuple[bool, bool, bool], str] = {
    (False, True, True): N_(
        "A vote is taken on {subject} ({method}): {choices}; {cast} cast, {blank} blank, {spoiled} spoiled."
    ),
    (False, True, False): N_("A vote is taken on {subject} ({method}): {choices}; {cast} cast, {blank} blank."),
    (False, False, True): N_("A vote is taken on {subject} ({method}): {choices}; {cast} cast, {spoiled} spoiled."),
    (False, False, False): N_("A vote is taken on {subject} ({method}): {choices}; {cast} cast."),
    (True, True, True): N_(
        "A vote is taken on {subject} ({method}): {choices}; {handed_out} handed out, {cast} cast, {blank} blank, "
        "{spoiled} spoiled."
    ),
    (True, True, False): N_(
        "A vote is taken on {subject} ({method}): {choices}; {handed_out} handed out, {cast} cast, {blank} blank."
    ),
    (True, False, True): N_(
        "A vote is taken on {subject} ({method}): {choices}; {handed_out} handed out, {cast} cast, {spoiled} spoiled."
    ),
    (True, False, False): N_(
        "A vote is taken on {subject} ({method}): {choices}; {handed_out} handed out, {cast} cast."
    ),
}
"""By whether the source tells how many papers were handed out, how many were blank, and how many were spoiled."""


class BallotRecorded(
    Event,
    name="BallotRecorded",
    schema=1,
    sentence=lambda event: (
        N_("A vote is taken on {subject} ({method}), without a tally in the source.")
        if event.cast == "unknown" and not event.choices
        else N_("A vote is taken on {subject} ({method}): {choices}; the source gives no tally.")
        if event.cast == "unknown"
        else _TALLIES[event.handed_out is not None, event.blank is not None, event.spoiled is not None],
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    id: Slug
    subject: Annotated[Slug, IsVoteSubject()]
    method: VoteMethod
    choices: tuple[Choice, ...]
    cast: int | Unknown
    blank: int | None
    spoiled: int | None
    names: int
    entitled: int | None
    present: int | None
    polled: int | None
    took_part: tuple[UnitId, ...]
    tellers: tuple[Participant, ...]
    round: int
    minutes: Document | None
    handed_out: int | None = added_later()


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ballot:
    """A recorded vote."""

    tally: BallotRecorded
    when: When
    sureness: str
    version: int


Ballots = Mapping[str, Ballot]


@dataclass(frozen=True, slots=True)
class BallotOutcome:
    """The outcome for one choice. `carried` is None when nothing decides it: no rule, an unknown base, or a tie."""

    choice: Choice
    base: int | None
    carried: bool | None


# Decisions -------------------------------------------------------------------------------


def record_ballot(command: RecordBallot, meta: Meta, state: VotingContext, rules: Edition) -> Iterator[BallotRecorded]:
    if (existing := state.ballots.get(command.id)) is not None:
        if dict(existing.tally) == dict(command):
            raise AlreadyRecorded(existing.version)
        raise Refused("ballot_is_recorded", ballot=command.id)
    for choice in command.choices:
        if choice.unit is not None:
            require_member(choice.unit, meta, state)
    for unit in command.took_part:
        require_member(unit, meta, state)
    _require_possible_tally(command)
    yield BallotRecorded(**dict(command))


def _require_possible_tally(command: RecordBallot) -> None:
    """Refuse an impossible tally: repeated names, sums that do not fit, more papers than voters."""
    choices = [choice.unit or choice.words for choice in command.choices]
    for names in (choices, command.took_part):
        if doubled := repeated(names):
            raise Refused("named_twice", name=doubled[0])
    known = [choice.votes for choice in command.choices if choice.votes != "unknown"]
    if command.cast != "unknown":
        _require_matching_papers(command, command.cast, known)
    voters = [n for n in (command.entitled, len(command.took_part) or None, _present(command)) if n is not None]
    # When each paper carries one choice, there are at least as many papers as votes.
    least = sum(known) if command.names == 1 else max(known, default=0)
    papers = least if command.cast == "unknown" else max(command.cast, least)
    if voters and papers > min(voters):
        raise Refused("votes_beyond_voters", cast=papers, voters=min(voters))
    if command.entitled is not None and max(command.present or 0, len(command.took_part)) > command.entitled:
        raise Refused(
            "votes_beyond_voters", cast=max(command.present or 0, len(command.took_part)), voters=command.entitled
        )


def _require_matching_papers(command: RecordBallot, cast: int, known: list[int]) -> None:
    if not command.choices:
        raise Refused("tally_without_choices")
    if command.handed_out is not None and cast > command.handed_out:
        raise Refused("cast_beyond_handed_out", cast=cast, handed_out=command.handed_out)
    blank, spoiled = command.blank or 0, command.spoiled or 0
    valid, votes = cast - blank - spoiled, sum(known)
    # Papers that no source tells of may have been blank or spoiled.
    is_whole = None not in {command.blank, command.spoiled} and len(known) == len(command.choices)
    short = command.names == 1 and is_whole and votes != valid
    if valid < 0 or short or votes > valid * command.names:
        raise Refused("tally_differs", votes=votes, blank=blank, spoiled=spoiled, cast=cast)
    if over := next((votes for votes in known if votes > valid), None):
        raise Refused("tally_differs", votes=over, blank=blank, spoiled=spoiled, cast=cast)


def unexplained_papers(ballot: Ballot) -> int:
    """Return how many papers of a vote are neither votes nor told to be blank or spoiled; 0 where that is unknown."""
    tally = ballot.tally
    known = [choice.votes for choice in tally.choices if choice.votes != "unknown"]
    if tally.cast == "unknown" or tally.names != 1 or len(known) < len(tally.choices):
        return 0
    return tally.cast - sum(known) - (tally.blank or 0) - (tally.spoiled or 0)


def outcomes(ballot: Ballot, rules: Edition) -> tuple[BallotOutcome, ...]:
    """Return the outcome of each choice under the edition's rule for the subject."""
    tally, rule = ballot.tally, rules.vote(ballot.tally.subject)
    base = None if rule is None else _base(tally, rule)
    tied = tied_choices(ballot)
    found = []
    for choice in tally.choices:
        carried = _outcome(choice.votes, base, rule)
        found.append(BallotOutcome(choice, base, None if carried and choice in tied else carried))
    return tuple(found)


def tied_choices(ballot: Ballot) -> tuple[Choice, ...]:
    """Return the choices between which a vote does not decide: equally many votes for the last place.

    A paper can carry `names` choices, so that many places are voted on. A tie has no winner by itself.
    """
    tally = ballot.tally
    votes = sorted((choice.votes for choice in tally.choices if choice.votes != "unknown"), reverse=True)
    if len(votes) < len(tally.choices) or len(votes) <= tally.names or votes[tally.names] == 0:
        return ()
    last = votes[tally.names - 1]
    return tuple(choice for choice in tally.choices if choice.votes == last) if votes[tally.names] == last else ()


def _outcome(votes: int | Unknown, base: int | None, rule: VoteRule | None) -> bool | None:
    return None if rule is None or not base or votes == "unknown" else _is_carried(votes, base, rule)


def _base(tally: BallotRecorded, rule: VoteRule) -> int | None:
    if rule.base == "entitled":
        return tally.entitled
    if rule.base == "present":
        return _present(tally)
    if tally.cast == "unknown":
        return None
    return tally.cast if rule.base == "cast" else valid_papers(tally, tally.cast)


def valid_papers(tally: BallotRecorded, cast: int) -> int | None:
    """Return the number of valid papers; None where no source tells how many were blank or spoiled.

    Where each paper carries one choice, the papers of all choices are the valid ones.
    """
    known = [choice.votes for choice in tally.choices if choice.votes != "unknown"]
    if tally.blank is not None and tally.spoiled is not None:
        return cast - tally.blank - tally.spoiled
    return sum(known) if tally.names == 1 and known and len(known) == len(tally.choices) else None


def _present(vote: RecordBallot | BallotRecorded) -> int | None:
    """The number of voters present, plus absent voters who were polled in writing."""
    return None if vote.present is None else vote.present + (vote.polled or 0)


def _is_carried(votes: int, base: int, rule: VoteRule) -> bool:
    needed = Fraction(rule.threshold) * base
    return votes > needed if rule.strict else votes >= needed


def quorum_missed(ballot: Ballot, rules: Edition) -> bool:
    """True when a rule requires more voters than took part; False when that is not known."""
    tally, rule = ballot.tally, rules.vote(ballot.tally.subject)
    took_part = len(tally.took_part) or _present(tally)
    if rule is None or took_part is None:
        return False
    if rule.least_members is not None and took_part < rule.least_members:
        return True
    return rule.quorum is not None and tally.entitled is not None and took_part < Fraction(rule.quorum) * tally.entitled


# Evolution -------------------------------------------------------------------------------


decider: StepDecider[Ballots, VotingContext, Edition] = StepDecider(
    title=N_("Votes"),
    slice_name="ballots",
    decides={RecordBallot: record_ballot},
    evolves={
        BallotRecorded: lambda ballots, event, meta: with_entry(
            ballots, event.id, Ballot(event, meta.happened, meta.provenance.kind, meta.version)
        )
    },
)
