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
from domain.kernel import Act, Event, Meta, Refused, Room, Text, When, day_ending, end_of, put
from domain.meetings import first_of
from domain.obligations import obligations
from domain.rules import Edition

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
    year_end = When.at(end_of(date(state.frame.year, 12, 31))) if state.frame.year else None
    if meeting is not None and year_end is not None and year_end.before(meeting.when):
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


def _overruled(state: State, rules: Edition) -> Iterator[Deviation]:
    for grant in state.conclusion.grants:
        if (grant.unit, grant.award) not in state.conclusion.nominations:
            facts = {"unit": grant.unit, "award": grant.award}
            yield Deviation(f"overruled/{grant.unit}/{grant.award}", "granted_unnominated", None, None, facts)


_FINDERS = (
    _text_open, _bylaws_late, _declined, _head_unknown, _late, _final_late, _ranked_early, _own_nomination, _overruled,
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
