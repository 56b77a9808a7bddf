"""Deviations: what departs from the rules, derived from the folded state under stable keys.

A deviation names the article departed from, or none: then it is a remark in the same register. It is never stored, so
a paper that arrives later can settle it. A register that cries about everything is read by nobody: what no reader
would act on is not found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from domain.obligations import Obligation, obligations
from domain.rules import Edition
from domain.steps.lifecycle import known_count
from domain.steps.meetings import first_of
from domain.steps.voting import Ballot, outcomes, quorum_missed
from domain.types import Document, day_ending, end_of

if TYPE_CHECKING:
    from domain.cycle import State


@dataclass(frozen=True, slots=True)
class Deviation:
    """A deviation. `article` is None for a remark; `settled` when a later act put it right."""

    key: str
    code: str
    article: str | None
    on: date | None
    facts: Mapping[str, object] = field(default_factory=dict)
    settled: bool = False
    acknowledged: bool = False


def _text_open(state: State, rules: Edition) -> Iterator[Deviation]:
    """The covenant was signed while edits to it were asked for and not made."""
    first = state.signing.first_signed
    if first is None:
        return
    stances = (*state.comments.stances.values(), *state.comments.collective_stances)
    open_stances = [taken for taken in stances if taken.stance != "agreed" and not first.before(taken.when)]
    asked = [
        comment
        for comment in state.comments.comments.values()
        if comment.asks_for_change
        and not comment.withdrawn
        and not first.before(comment.when)
        and comment.on in {None, "covenant"}
    ]
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


def _unpresented(state: State, rules: Edition) -> Iterator[Deviation]:
    """The covenant was signed, and nobody tells that it was presented."""
    first = state.signing.first_signed
    if first is not None and state.signing.signed_version == 0:
        settled = "covenant" in state.drafts
        yield Deviation("signed-unpresented", "signed_unpresented", None, first.day, settled=settled)


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


def _late(owed: Iterable[Obligation], rules: Edition) -> Iterator[Deviation]:
    for one in owed:
        if one.late and one.done is not None and one.due is not None:
            deadline = rules.deadline(one.duty)
            yield Deviation(
                f"late/{one.duty}/{one.bearer}/{one.subject}",
                "late_act",
                deadline.article if deadline else None,
                one.done.day,
                {"duty": one.duty, "unit": one.bearer, "subject": one.subject, "due": day_ending(one.due)},
            )


def _final_late(state: State, rules: Edition) -> Iterator[Deviation]:
    meeting = first_of("final", state.meetings)
    if meeting is not None and state.lifecycle.year and meeting.when.day > date(state.lifecycle.year, 12, 31):
        yield Deviation("final-next-year", "final_next_year", rules.articles.final_within_year, meeting.when.day)


def _ranked_early(state: State, rules: Edition) -> Iterator[Deviation]:
    ranked = state.conclusion.ranked
    if ranked is None or not rules.has_round("appraised"):
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
            f"complaint/{number}",
            "complaint",
            None,
            complaint.when.day,
            {"number": number},
            settled=complaint.answered is not None,
        )


def _overruled(state: State, rules: Edition) -> Iterator[Deviation]:
    for grant in state.conclusion.grants:
        if (grant.unit, grant.award) not in state.conclusion.nominations:
            facts = {"unit": grant.unit, "award": grant.award}
            yield Deviation(f"overruled/{grant.unit}/{grant.award}", "granted_unnominated", None, None, facts)


def _disagreements(state: State, rules: Edition) -> Iterator[Deviation]:
    for about, (noted, on) in state.corrections.disagreements.items():
        facts = {"about": about, "told": "; ".join(f"{one.source}: {one.says}" for one in noted.told)}
        yield Deviation(f"sources/{about}", "sources_disagree", None, on, facts)


def _letters(state: State, rules: Edition) -> Iterator[Deviation]:
    """A request or direction whose answer has a date and did not come; an answer whose letter nobody has seen."""
    letters = state.letters
    for id_, letter in letters.letters.items():
        due, answers = letter.event.answer_by, letters.answers.get(id_, ())
        if due is not None and answers and end_of(due) < min(answer.when.earliest for answer in answers):
            facts = {"letter": id_, "due": due}
            yield Deviation(f"letter-late/{id_}", "answered_late", None, answers[0].when.day, facts)
        asks = letter.event.answer_by is not None or letter.event.kind in {"direction", "guidance-request"}
        if asks and not letters.settled(id_):
            facts = {"letter": id_, "kind": letter.event.kind}
            yield Deviation(f"letter/{id_}", "letter_unanswered", None, letter.when.day, facts)
    for id_, answers in letters.answers.items():
        if id_ not in letters.letters:
            yield Deviation(f"answer/{id_}", "answer_without_letter", None, answers[0].when.day, {"letter": id_})
        elif answers[0].when.before(letters.letters[id_].when):
            yield Deviation(f"answer/{id_}", "answered_before", None, answers[0].when.day, {"letter": id_})


def _contents(state: State, rules: Edition) -> Iterator[Deviation]:
    """A covenant whose contents are counted otherwise than they are listed."""
    for covenant, told in state.targets.contents.items():
        seen = told.listed or len(told.contents)
        if told.stated is not None and seen and told.stated != seen:
            facts = {"draft": covenant, "seen": seen, "stated": told.stated}
            yield Deviation(f"contents/{covenant}", "contents_differ", None, None, facts)


def _quotas(state: State, rules: Edition) -> Iterator[Deviation]:
    """More put forward for an award than its quota, units of a kind that it is not for, units that are out."""
    members = len(state.membership.members()) + known_count(state.lifecycle.unnamed)
    for award in rules.awards:
        named = [unit for unit, of in state.conclusion.nominations if of == award.id]
        uncounted = state.lifecycle.unnamed == "unknown" and award.share is not None
        most = None if uncounted else award.most(members)
        if most is not None and len(named) > most:
            facts = {"award": award.id, "found": len(named), "most": most}
            yield Deviation(f"quota/{award.id}", "quota_exceeded", award.article, None, facts)
        for unit in named:
            if award.kinds and state.membership.kinds.get(unit) not in award.kinds:
                facts = {"award": award.id, "unit": unit}
                yield Deviation(f"award-kind/{award.id}/{unit}", "award_of_other_kind", award.article, None, facts)
    for unit, award_id in state.conclusion.nominations:
        if unit in state.conclusion.excluded:
            facts = {"award": award_id, "unit": unit}
            yield Deviation(f"excluded/{award_id}/{unit}", "nominated_excluded", None, None, facts)


def _rounds(state: State, rules: Edition) -> Iterator[Deviation]:
    """A round that the edition does not declare, criteria that were not this round's, a score after the ranking."""
    ranked = state.conclusion.ranked
    for (unit, round_), scored in state.scores.items():
        rule = rules.round_rule(round_)
        facts = {"unit": unit, "round": round_}
        if rules.rounds and rule is None:
            yield Deviation(f"round/{round_}/{unit}", "round_undeclared", None, scored.when.day, facts)
        if rule is not None and rule.criteria and {item.criterion for item in scored.sheet} - set(rule.criteria):
            yield Deviation(f"round/{round_}/{unit}", "scored_beyond_round", rule.article, scored.when.day, facts)
        if rule is not None and not _by_whom(rule.by, unit, scored.by, state):
            yield Deviation(f"scorer/{round_}/{unit}", "scored_by_other", rule.article, scored.when.day, facts)
        if ranked is not None and ranked.before(scored.when):
            yield Deviation(f"after-rank/{round_}/{unit}", "scored_after_ranking", None, scored.when.day, facts)


def _by_whom(wanted: str, unit: str, by: str, state: State) -> bool:
    """True when whoever scored is who the edition names; of teams and the cluster it names nobody."""
    if wanted == "own":
        return by == unit
    if wanted == "organiser":
        return by == state.lifecycle.organiser
    return wanted != "peer" or (by != unit and by in state.membership.stays)


def _edition_out_of_time(state: State, rules: Edition) -> Iterator[Deviation]:
    """The rules in force here were not yet, or no longer, valid in the cycle's year."""
    year = state.lifecycle.year
    early = rules.valid_from is not None and rules.valid_from > date(year or 1, 12, 31)
    late = rules.valid_until is not None and rules.valid_until < date(year or 1, 1, 1)
    if year and (early or late):
        facts = {"edition": rules.id, "first": rules.valid_from or "…", "last": rules.valid_until or "…"}
        yield Deviation("edition-time", "edition_out_of_time", None, None, facts)


def _unregistered(state: State, rules: Edition) -> Iterator[Deviation]:
    """A registration was accepted or sent back that nobody has entered: the paper may still come."""
    for unit, reply in state.targets.replies.items():
        if unit not in state.targets.registrations:
            facts = {"unit": unit}
            yield Deviation(f"unregistered/{unit}", "accepted_unregistered", None, reply.when.day, facts)


def _papers(state: State) -> Iterator[Document]:
    """Every paper of the year that can have a number."""
    known = (state.lifecycle.year_plan, state.conclusion.submission, state.conclusion.decision)
    yield from (paper for paper in known if paper is not None)
    for versions in state.drafts.values():
        yield from (version.document for version in versions)
    for letter in state.letters.letters.values():
        yield from (paper for paper in (letter.event.document,) if paper is not None)
    for answers in state.letters.answers.values():
        yield from (one.event.document for one in answers if one.event.document is not None)


def _numbers(state: State, rules: Edition) -> Iterator[Deviation]:
    """One number of a body's series on two papers. Every body, a cluster too, counts for itself, anew each year."""
    first: dict[tuple[str, str, int], Document] = {}
    for paper in _papers(state):
        if paper.number is None or paper.issuer is None or paper.title is None:
            continue
        key = (paper.issuer, paper.number, paper.issued.year if paper.issued else 0)
        before = first.setdefault(key, paper)
        if before.title != paper.title:
            facts = {"number": paper.number, "issuer": paper.issuer, "about": f"{before.title}; {paper.title}"}
            yield Deviation(f"number/{paper.issuer}/{paper.number}", "number_used_twice", None, paper.issued, facts)


_FINDERS = (
    _quorum_missed,
    _other_method,
    _not_carried,
    _text_open,
    _unpresented,
    _bylaws_late,
    _declined,
    _head_unknown,
    _final_late,
    _ranked_early,
    _own_nomination,
    _overruled,
    _held,
    _afterwards,
    _unanswered,
    _disagreements,
    _letters,
    _contents,
    _quotas,
    _rounds,
    _edition_out_of_time,
    _numbers,
    _unregistered,
)


def deviations(state: State, rules: Edition, owed: Iterable[Obligation] | None = None) -> tuple[Deviation, ...]:
    """Every deviation of the cycle as it stands now, in a fixed order.

    `owed` is what `obligations` answers for the same state, from whoever has asked already.
    """
    seen = state.corrections.acknowledged
    found = [d for find in _FINDERS for d in find(state, rules)]
    found.extend(_late(obligations(state, rules) if owed is None else owed, rules))
    return tuple(replace(d, acknowledged=True) if d.key in seen else d for d in found)
