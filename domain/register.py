"""The register of departures and corrections: what departs from the rules, who has seen it, what was put right.

A departure (`deviation`) is derived from the folded state under a stable key, so a paper that arrives later can
settle it. It names the article departed from, or none: then it is a remark. Only its acknowledgement is an event.
A correction names the act that it corrects; the fold leaves that act out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import Field, PositiveInt

from domain import limits
from domain.kernel import Act, Event, Meta, Refused, Room, Text, day_ending, put
from domain.meetings import first_of
from domain.obligations import obligations
from domain.rules import Edition
from domain.voting import Ballot, outcomes, quorum_missed

if TYPE_CHECKING:
    from domain.cycle import State


# What people say -------------------------------------------------------------------------


class AcknowledgeDeviation(Act, name="acknowledge"):
    """The secretariat has seen a departure and says why it stands."""

    key: str = Field(max_length=limits.LABEL_CHARS)
    reason: Text


class CorrectAct(Act, name="correct"):
    """An act in this register was wrong. `instead` is the act that should have been entered, if any.

    `version` is the place of the wrong act (of any of its events) in the stream.
    """

    version: PositiveInt
    reason: Text
    instead: dict[str, Any] | None = None


# What happened ---------------------------------------------------------------------------


class DeviationAcknowledged(Event, name="DeviationAcknowledged"):
    key: str
    reason: Text


class ActCorrected(Event, name="ActCorrected"):
    versions: tuple[int, ...]
    reason: Text


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Register:
    """Acknowledgements by deviation key; corrections by the version that was corrected."""

    acknowledged: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A departure. `article` is None for a remark; `settled` when a later act put it right."""

    key: str
    code: str
    article: str | None
    on: date | None
    facts: Mapping[str, object] = field(default_factory=dict)
    settled: bool = False
    acknowledged: bool = False


def acknowledge(cmd: AcknowledgeDeviation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.key not in {deviation.key for deviation in deviations(state, rules)}:
        raise Refused("no_such_deviation", key=cmd.key)
    if cmd.key in state.register.acknowledged:
        raise Refused("deviation_is_acknowledged", key=cmd.key)
    yield DeviationAcknowledged(**dict(cmd))


# Departures -------------------------------------------------------------------------------


def _text_open(state: State, rules: Edition) -> Iterator[Deviation]:
    """The covenant was signed while edits to it were asked for and not made."""
    first = state.signing.first_signed
    if first is None:
        return
    stances = (*state.comments.stances.values(), *state.comments.together)
    open_stances = [taken for taken in stances if taken.stance != "agreed" and not first.before(taken.when)]
    asked = [
        comment
        for comment in state.comments.comments.values()
        if comment.asks_for_change and not comment.withdrawn and not first.before(comment.when)
        and comment.on in {None, "covenant"}
    ]  # fmt: skip
    if not open_stances and not asked:
        return
    reissued = any(version.reissues is not None for version in state.drafts.get("covenant", ()))
    yield Deviation(
        "signed-text-open",
        "signed_text_open",
        rules.articles.text_final_before_signing,
        first.day,
        {"edits": len(asked), "stances": len(open_stances)},
        settled=reissued,
    )


def _bylaws_late(state: State, rules: Edition) -> Iterator[Deviation]:
    first = state.signing.first_signed
    if first is None or "bylaws" not in rules.required_drafts:
        return
    versions = state.drafts.get("bylaws", ())
    if not versions or first.before(versions[0].when):
        on = versions[0].when.day if versions else None
        yield Deviation("bylaws-late", "bylaws_late", rules.articles.bylaws_before_signing, on, {"signed": first.day})


def _declined(state: State, rules: Edition) -> Iterator[Deviation]:
    for unit in state.signing.declined:
        yield Deviation(
            f"declined/{unit}",
            "unit_declined",
            rules.articles.all_units_sign,
            None,
            {"unit": unit},
            settled=unit in state.signing.signatures,
        )


def _head_unknown(state: State, rules: Edition) -> Iterator[Deviation]:
    first = state.signing.first_signed
    if first is not None and state.membership.holder("head", first.latest) == "unknown":
        yield Deviation("head-unknown", "head_unknown", rules.articles.head_known, first.day)


def _late(state: State, rules: Edition) -> Iterator[Deviation]:
    for owed in obligations(state, rules):
        if owed.late and owed.done is not None and owed.due is not None:
            deadline = rules.deadline(owed.duty)
            yield Deviation(
                f"late/{owed.duty}/{owed.bearer}/{owed.subject}",
                "late_act",
                deadline.article if deadline else None,
                owed.done.day,
                {"duty": owed.duty, "unit": owed.bearer, "subject": owed.subject, "due": day_ending(owed.due)},
            )


def _final_late(state: State, rules: Edition) -> Iterator[Deviation]:
    meeting = first_of("final", state.meetings)
    if meeting is not None and state.frame.year and meeting.when.day > date(state.frame.year, 12, 31):
        yield Deviation("final-next-year", "final_next_year", rules.articles.final_within_year, meeting.when.day)


def _ranked_early(state: State, rules: Edition) -> Iterator[Deviation]:
    ranked = state.conclusion.ranked
    if ranked is None:
        return
    for unit in state.membership.members():
        scored = state.scores.get((unit, "appraised"))
        if scored is None or ranked.before(scored.when):
            article = rules.articles.appraisal_before_ranking
            yield Deviation(f"ranked-early/{unit}", "ranked_before_appraisal", article, ranked.day, {"unit": unit})


def _own_nomination(state: State, rules: Edition) -> Iterator[Deviation]:
    meeting = first_of("final", state.meetings)
    head = state.membership.holder("head", meeting.when.latest if meeting else None)
    for unit, award in state.conclusion.nominations:
        if unit == head:
            facts = {"unit": unit, "award": award}
            yield Deviation(f"own-nomination/{award}", "head_nominated", None, None, facts)


def _quorum_missed(state: State, rules: Edition) -> Iterator[Deviation]:
    for id_, ballot in state.ballots.items():
        if quorum_missed(ballot, rules):
            rule = rules.vote(ballot.tally.subject)
            article = rule.article if rule else None
            yield Deviation(f"quorum/{id_}", "quorum_missed", article, ballot.when.day, {"ballot": id_})


def _other_method(state: State, rules: Edition) -> Iterator[Deviation]:
    for id_, ballot in state.ballots.items():
        rule = rules.vote(ballot.tally.subject)
        if rule is not None and rule.method != ballot.tally.method:
            facts = {"ballot": id_, "found": ballot.tally.method, "expected": rule.method}
            yield Deviation(f"vote-method/{id_}", "voted_otherwise", rule.article, ballot.when.day, facts)


def _not_carried(state: State, rules: Edition) -> Iterator[Deviation]:
    """Put forward for an award, or chosen, although the last vote on it did not carry the unit."""
    taken = {(award, unit) for unit, award in state.conclusion.nominations}
    taken |= {(str(role), unit) for role, unit in state.conclusion.next.items()}
    last: dict[str, Ballot] = {}
    for ballot in state.ballots.values():
        before = last.get(ballot.tally.subject)
        if before is None or ballot.tally.round >= before.tally.round:
            last[ballot.tally.subject] = ballot
    for subject, ballot in last.items():
        rule = rules.vote(subject)
        for outcome in outcomes(ballot, rules):
            if outcome.carried is False and (subject, outcome.choice.unit) in taken and rule is not None:
                facts = {"unit": outcome.choice.unit, "subject": subject, "votes": outcome.choice.votes}
                yield Deviation(
                    f"not-carried/{subject}/{outcome.choice.unit}", "not_carried", rule.article, ballot.when.day, facts
                )


def _held(state: State, rules: Edition) -> Iterator[Deviation]:
    """Decided while it was held back."""
    decided = state.conclusion.decided
    for grant in state.conclusion.grants:
        hold = state.awards.holds.get((grant.unit, grant.award))
        if hold is None or decided is None or decided.before(hold.since):
            continue
        if hold.released is None or decided.before(hold.released):
            facts = {"unit": grant.unit, "award": grant.award}
            yield Deviation(f"held/{grant.unit}/{grant.award}", "granted_while_held", None, decided.day, facts)


def _afterwards(state: State, rules: Edition) -> Iterator[Deviation]:
    """Taken back without having been given, returned without having been taken back: the paper may still come."""
    granted = {(grant.unit, grant.award) for grant in state.conclusion.grants}
    for (unit, award), when in state.awards.annulled.items():
        if (unit, award) not in granted:
            facts = {"unit": unit, "award": award}
            yield Deviation(f"annulled/{unit}/{award}", "annulled_ungranted", None, when.day, facts)
    for (unit, award, what), when in state.awards.returned.items():
        if (unit, award) not in state.awards.annulled:
            facts = {"unit": unit, "award": award}
            yield Deviation(f"returned/{unit}/{award}/{what}", "returned_unannulled", None, when.day, facts)


def _unanswered(state: State, rules: Edition) -> Iterator[Deviation]:
    """A complaint stays in the register until it is answered."""
    for number, complaint in state.awards.complaints.items():
        yield Deviation(
            f"complaint/{number}", "complaint", None, complaint.when.day, {"number": number},
            settled=complaint.answered is not None,
        )  # fmt: skip


def _overruled(state: State, rules: Edition) -> Iterator[Deviation]:
    for grant in state.conclusion.grants:
        if (grant.unit, grant.award) not in state.conclusion.nominations:
            facts = {"unit": grant.unit, "award": grant.award}
            yield Deviation(f"overruled/{grant.unit}/{grant.award}", "granted_unnominated", None, None, facts)


_FINDERS = (
    _quorum_missed, _other_method, _not_carried, _text_open, _bylaws_late, _declined, _head_unknown, _late,
    _final_late, _ranked_early, _own_nomination, _overruled, _held, _afterwards, _unanswered,
)  # fmt: skip


def deviations(state: State, rules: Edition) -> tuple[Deviation, ...]:
    """Every departure of the cycle as it stands now, in a fixed order."""
    seen = state.register.acknowledged
    return tuple(replace(d, acknowledged=d.key in seen) for find in _FINDERS for d in find(state, rules))


def _corrected(r: Register, e: ActCorrected, m: Meta) -> Register:
    return replace(r, corrected={**r.corrected, **dict.fromkeys(e.versions, m.version)})


room = Room(
    slice_name="register",
    empty=Register(),
    decides={AcknowledgeDeviation: acknowledge},
    evolves={
        DeviationAcknowledged: lambda r, e, m: replace(r, acknowledged=put(r.acknowledged, e.key, e.reason)),
        ActCorrected: _corrected,
    },
)
