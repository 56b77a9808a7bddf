"""Deviations from the rules, derived from the folded state, each under a stable key.

A deviation names the article of the rules; without an article it is a remark in the same list. Deviations are not
stored, so a paper that arrives later can settle one. Only what a reader can act on is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from domain.due_dates import Obligation, due_in_force
from domain.duties import Duty
from domain.joint_acts import JointAct
from domain.obligations import (
    DUTY_COMMANDS,
    ObligationsContext,
    cross_checkers,
    is_of_draft,
    is_past_year,
    obligations,
)
from domain.records import Command
from domain.rules import AwardRule, CovenantKind, Edition
from domain.scoring.scores import AppraiseScores, CrossCheck, ScoreRound, ScoresContext, ScoreSelf, calculated_scores
from domain.steps.awards import AnnulAward, AwardsState, FileComplaint, HoldAward, RecordReturn
from domain.steps.commenting import AddComment, TakeStance, TakeStanceTogether
from domain.steps.conclusion import (
    ChooseNext,
    DecideAwards,
    ExcludeUnit,
    Nominate,
    PublishResults,
    RankUnits,
    RecordTotals,
    Submit,
)
from domain.steps.corrections import Corrections, NoteDisagreement
from domain.steps.cross_checks import AssignCrossChecks
from domain.steps.drafting import PresentDraft
from domain.steps.letters import AnswerLetter, Letters, RecordLetter
from domain.steps.lifecycle import AdoptEdition, ChangeCalendar, OpenCycle, ReceiveYearPlan
from domain.steps.meetings import MeetingKind, RecordMeeting, first_of
from domain.steps.membership import AdmitUnit, AssignRole, ReleaseUnit
from domain.steps.signing import DeclineToSign, SignCovenant, Signing, SignJointly
from domain.steps.succession import DissolveUnit, MergeUnits, SplitUnit
from domain.steps.targets import AcceptRegistration, ReturnRegistration, StateContents, TargetsState
from domain.steps.voting import Ballot, Ballots, RecordBallot, outcomes, quorum_missed, tied_choices, unexplained_papers
from domain.times import When, day_ending, end_of, start_of
from domain.types import Document
from domain.units import known_count


class DeviationsContext(ObligationsContext, ScoresContext, Protocol):
    """The slices that deviations are found in: those of obligations, and these."""

    @property
    def targets(self) -> TargetsState: ...

    @property
    def letters(self) -> Letters: ...

    @property
    def ballots(self) -> Ballots: ...

    @property
    def awards(self) -> AwardsState: ...

    @property
    def corrections(self) -> Corrections: ...


CODES_OF_KEYS: Mapping[str, tuple[str, ...]] = {
    "after-rank": ("scored_after_ranking",),
    "annulled": ("annulled_ungranted",),
    "answer": ("answer_without_letter", "answered_before"),
    "award-kind": ("award_of_other_kind",),
    "bylaws-late": ("bylaws_late",),
    "class": ("class_between", "class_above", "class_tied", "class_of_unknown_fact"),
    "complaint": ("complaint",),
    "contents": ("contents_differ",),
    "cross-checks-open": ("cross_checks_open",),
    "decision-undocumented": ("decision_undocumented",),
    "declined": ("unit_declined",),
    "edition-time": ("edition_out_of_time",),
    "excluded": ("nominated_excluded",),
    "final-next-year": ("final_next_year",),
    "head-unknown": ("head_unknown",),
    "held": ("granted_while_held",),
    "late": ("late_act",),
    "letter": ("letter_unanswered",),
    "letter-late": ("answered_late",),
    "not-carried": ("not_carried",),
    "number": ("number_used_twice",),
    "overruled": ("granted_unnominated",),
    "own-nomination": ("head_nominated",),
    "papers-untold": ("papers_unexplained",),
    "published-undecided": ("published_undecided",),
    "quorum": ("quorum_missed",),
    "quota": ("quota_exceeded",),
    "ranked-early": ("ranked_before_appraisal",),
    "returned": ("returned_unannulled",),
    "round": ("round_undeclared", "scored_beyond_round"),
    "scale": ("total_above_scale",),
    "scorer": ("scored_by_other",),
    "signed-text-open": ("signed_text_open",),
    "signed-unpresented": ("signed_unpresented",),
    "sources": ("sources_disagree",),
    "stance-unpresented": ("stance_unpresented",),
    "tie-at-quota": ("tie_at_quota",),
    "unregistered": ("accepted_unregistered",),
    "unusual": ("meeting_unusual", "signing_unusual"),
    "vote-method": ("voted_otherwise",),
    "vote-tied": ("vote_tied",),
}
"""The codes of the deviations whose keys begin so, up to the first slash. A stored acknowledgement has the key only."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A deviation. `article` is None for a remark; `settled` tells that a later act put it right.

    `on` is the date of the deviating act as it is known; `facts` fill the message of `code`.
    """

    key: str
    code: str
    article: str | None
    on: When | None
    facts: Mapping[str, object] = field(default_factory=dict)
    settled: bool = False
    acknowledged: bool = False


def _signed_covenants(state: DeviationsContext) -> Iterator[tuple[str, CovenantKind, Signing, When]]:
    """Yield the covenants that were signed: how keys of deviations end, the kind, the signing and its date."""
    if (first := state.signing.first_signed) is not None:
        yield "", "covenant", state.signing, first
    if (first := state.term_signing.first_signed) is not None:
        yield "/term", "term-covenant", state.term_signing, first


def _signed_this_year(state: DeviationsContext) -> When | None:
    """Return when the covenant of the year was signed, or the one for a longer term in its place."""
    return next((first for _end, _kind, _signing, first in _signed_covenants(state)), None)


def _text_open(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find a covenant that was signed while requested edits were open."""
    for number, (end, kind, _signing, first) in enumerate(_signed_covenants(state)):
        # The covenant of the year, or the one in its place: what names no covenant is about it.
        others = {"term-covenant"} - {kind}
        stances = [
            stance
            for stance in (*state.comments.stances.values(), *state.comments.collective_stances)
            if stance.stance != "agreed"
            and not first.before(stance.when)
            and (stance.on == kind or (number == 0 and stance.on not in others))
        ]
        requests = [
            comment
            for comment in state.comments.comments.values()
            if comment.asks_for_change
            and not comment.withdrawn
            and not first.before(comment.when)
            and (comment.on == kind or (number == 0 and comment.on is None))
        ]
        if not stances and not requests:
            continue
        yield Deviation(
            f"signed-text-open{end}",
            "signed_text_open",
            rules.at(first).articles.text_final_before_signing,
            first,
            {"edits": len(requests), "stances": len(stances)},
            settled=any(version.reissues is not None for version in state.drafts.get(kind, ())),
        )


def _unpresented(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find a covenant that was signed although no presentation is recorded."""
    for end, kind, signing, first in _signed_covenants(state):
        if signing.signed_version == 0:
            settled = kind in state.drafts
            yield Deviation(f"signed-unpresented{end}", "signed_unpresented", None, first, settled=settled)


def _stance_unpresented(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find stances that were taken before a draft was presented: they do not count as done."""
    for (unit, on), stance in state.comments.stances.items():
        if not is_of_draft(stance.on, stance.when, state):
            key = f"stance-unpresented/{unit}/{on}"
            yield Deviation(key, "stance_unpresented", None, stance.when, {"unit": unit})


def _bylaws_late(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find bylaws that were not presented before the covenant was signed."""
    first = _signed_this_year(state)
    rules = rules.at(first)
    if first is None or "bylaws" not in rules.required_drafts:
        return
    versions = state.drafts.get("bylaws", ())
    if not versions and is_past_year(state):
        return  # the sources do not tell of them
    if not versions or first.before(versions[0].when):
        on = versions[0].when if versions else None
        yield Deviation("bylaws-late", "bylaws_late", rules.articles.bylaws_before_signing, on, {"signed": first})


def _declined(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find units that declined to sign."""
    for end, signing in (("", state.signing), ("/term", state.term_signing)):
        for unit in signing.declined:
            yield Deviation(
                f"declined/{unit}{end}",
                "unit_declined",
                rules.articles.all_units_sign,
                None,
                {"unit": unit},
                settled=unit in signing.signatures,
            )


def _head_unknown(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find a covenant that was signed while the cluster's head was unknown."""
    first = _signed_this_year(state)
    if first is not None and state.membership.holder_on("head", first) == "unknown":
        yield Deviation("head-unknown", "head_unknown", rules.at(first).articles.head_known, first)


def _late(owed: Iterable[Obligation], state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find obligations that were done late, also by units that no source names."""
    for obligation in owed:
        if obligation.late and obligation.done is not None and obligation.due is not None:
            yield Deviation(
                f"late/{obligation.duty}/{obligation.bearer}/{obligation.subject}",
                "late_act",
                obligation.article,
                obligation.done,
                {
                    "duty": obligation.duty,
                    "unit": obligation.bearer,
                    "subject": obligation.subject,
                    "due": day_ending(obligation.due),
                },
            )
    for act, duty in _DUTY_OF_JOINT_ACT.items():
        for one in state.together.get(act, ()):
            due, article, _lapsed = due_in_force(duty, state.lifecycle.year, rules, one.when)
            if due is not None and one.when.after(due):
                facts = {"duty": duty, "unnamed": one.unnamed, "due": day_ending(due)}
                yield Deviation(f"late/{duty}/-/{one.version}", "late_act", article, one.when, facts)


_DUTY_OF_JOINT_ACT: Mapping[JointAct, Duty] = {
    "signature": Duty.SIGNATURE,
    "midyear-report": Duty.MIDYEAR_REPORT,
    "self-score": Duty.SELF_SCORE,
}


def _final_late(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find a final meeting that was held after the cycle's year."""
    meeting = first_of("final", state.meetings, state.lifecycle.year)
    if meeting is None or not state.lifecycle.year:
        return
    if meeting.when.after(end_of(rules.at(meeting.when).period.last.of(state.lifecycle.year))):
        article = rules.at(meeting.when).articles.final_within_year
        yield Deviation("final-next-year", "final_next_year", article, meeting.when)


@dataclass(frozen=True, slots=True)
class _Season:
    """When something usually happens: from the beginning of one month of the period to the end of another.

    The months are those in which sources tell of it: covenants are signed until March, mid-year reviews are held in
    June and July, final meetings from October on. Where the edition has a deadline for `duty`, that one counts.
    """

    duty: Duty
    first: int
    last: int


_SEASONS: Mapping[MeetingKind, _Season] = {
    "launching": _Season(Duty.SIGNATURE, 1, 3),
    "mid-year": _Season(Duty.MIDYEAR_REPORT, 6, 7),
    "final": _Season(Duty.FINAL_MEETING, 10, 24),
}
_SIGNING_SEASON = _Season(Duty.SIGNATURE, 1, 3)


def _outside(season: _Season, when: When, state: DeviationsContext, rules: Edition) -> dict[str, object] | None:
    """Return the usual days as facts where something happened certainly outside of them; else None."""
    rules, year = rules.at(when), state.lifecycle.year
    if not year or rules.deadline(season.duty) is not None:
        return None
    first, behind = rules.period.month(season.first, year), rules.period.month(season.last + 1, year)
    # What opens the year is often done at the end of the year before.
    is_early = season.first > 1 and when.before(When.on(first))
    if is_early or when.after(start_of(behind)):
        return {"first": first, "last": behind - timedelta(days=1)}
    return None


def _meeting_unusual(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find meetings of a kind at a time of the year at which it is hardly ever held: perhaps the date is wrong."""
    for id_, meeting in state.meetings.items():
        for kind in (meeting.event.kind, meeting.event.also):
            season = None if kind is None or meeting.event.of_year is not None else _SEASONS.get(kind)
            facts = None if season is None else _outside(season, meeting.when, state, rules)
            if facts is not None:
                facts = {"kind": kind, **facts}
                yield Deviation(f"unusual/{kind}/{id_}", "meeting_unusual", None, meeting.when, facts)


def _signing_unusual(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find a covenant that was first signed later in the year than covenants are."""
    first = _signed_this_year(state)
    facts = None if first is None else _outside(_SIGNING_SEASON, first, state, rules)
    if first is not None and facts is not None:
        yield Deviation("unusual/signing", "signing_unusual", None, first, facts)


def _ranked_early(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find units that were ranked before their scores were appraised."""
    ranked = state.conclusion.ranked
    rules = rules.at(ranked)
    if ranked is None or not rules.has_round("appraised"):
        return
    for unit in state.membership.members():
        scored = state.scores.get((unit, "appraised"))
        if scored is None and is_past_year(state):
            continue  # the sources do not tell of it
        if scored is None or ranked.before(scored.when):
            article = rules.articles.appraisal_before_ranking
            yield Deviation(f"ranked-early/{unit}", "ranked_before_appraisal", article, ranked, {"unit": unit})


def _own_nomination(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find nominations of the cluster's head at the time of the final meeting."""
    meeting = first_of("final", state.meetings, state.lifecycle.year)
    head = state.membership.holder_on("head", meeting.when) if meeting else state.membership.holder("head")
    for unit, award in state.conclusion.nominations:
        if unit == head:
            facts = {"unit": unit, "award": award}
            yield Deviation(f"own-nomination/{award}", "head_nominated", None, None, facts)


def _quorum_missed(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find ballots without the quorum that the rules ask for."""
    for id_, ballot in state.ballots.items():
        if quorum_missed(ballot, rules.at(ballot.when)):
            rule = rules.at(ballot.when).vote(ballot.tally.subject)
            article = rule.article if rule else None
            yield Deviation(f"quorum/{id_}", "quorum_missed", article, ballot.when, {"ballot": id_})


def _other_method(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find ballots that were taken by another method than the rules name."""
    for id_, ballot in state.ballots.items():
        rule = rules.at(ballot.when).vote(ballot.tally.subject)
        if rule is not None and rule.method != ballot.tally.method:
            facts = {"ballot": id_, "found": ballot.tally.method, "expected": rule.method}
            yield Deviation(f"vote-method/{id_}", "voted_otherwise", rule.article, ballot.when, facts)


def _not_carried(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find units that were nominated or chosen although they did not carry the last vote on it."""
    selected = {(award, unit) for unit, award in state.conclusion.nominations}
    selected |= {(str(role), unit) for role, unit in state.conclusion.next.items()}
    for subject, ballot in _last_ballots(state).items():
        rule = rules.at(ballot.when).vote(subject)
        for outcome in outcomes(ballot, rules.at(ballot.when)):
            if outcome.carried is False and (subject, outcome.choice.unit) in selected and rule is not None:
                facts = {"unit": outcome.choice.unit, "subject": subject, "votes": outcome.choice.votes}
                yield Deviation(
                    f"not-carried/{subject}/{outcome.choice.unit}", "not_carried", rule.article, ballot.when, facts
                )


def _vote_tied(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find last votes in which equally many votes leave the last place open: a decision with its reason is needed."""
    for subject, ballot in _last_ballots(state).items():
        tied = tied_choices(ballot)
        if tied:
            names = ", ".join(state.membership.names.get(one.unit or "", one.words or "") for one in tied)
            facts = {"subject": subject, "names": names, "votes": tied[0].votes}
            yield Deviation(f"vote-tied/{subject}", "vote_tied", None, ballot.when, facts)


def _unexplained_papers(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find votes with papers of which no source tells what they were: blank, spoiled, or a mistake in the figures."""
    for id_, ballot in state.ballots.items():
        if papers := unexplained_papers(ballot):
            facts = {"ballot": id_, "papers": papers}
            yield Deviation(f"papers-untold/{id_}", "papers_unexplained", None, ballot.when, facts)


def _last_ballots(state: DeviationsContext) -> dict[str, Ballot]:
    """Return the vote of the last round, by subject."""
    found: dict[str, Ballot] = {}
    for ballot in state.ballots.values():
        previous = found.get(ballot.tally.subject)
        if previous is None or ballot.tally.round >= previous.tally.round:
            found[ballot.tally.subject] = ballot
    return found


def _quota(award: AwardRule, state: DeviationsContext) -> int | None:
    """Return how many units may be nominated; None without a limit, or for a share of uncounted units."""
    if award.share is not None and state.lifecycle.unnamed == "unknown":
        return None
    return award.most(len(state.membership.members()) + known_count(state.lifecycle.unnamed))


def _tie_at_quota(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find full quotas that divide units of one rank without a vote: the record must say who decided, and why."""
    ranks = {place.unit: place.rank for place in state.conclusion.ranking}
    for award in rules.awards:
        most = _quota(award, state)
        nominated = [unit for unit, award_id in state.conclusion.nominations if award_id == award.id]
        if not most or not nominated or len(nominated) < most or award.id in _last_ballots(state):
            continue
        last = max((ranks[unit] for unit in nominated if unit in ranks), default=0)
        kinds = state.membership.kinds
        left = [
            unit
            for unit, rank in ranks.items()
            if rank == last and unit not in nominated and (not award.kinds or kinds.get(unit) in award.kinds)
        ]
        if left:
            names = ", ".join(state.membership.names.get(unit, unit) for unit in left)
            facts = {"award": award.id, "names": names, "rank": last}
            yield Deviation(f"tie-at-quota/{award.id}", "tie_at_quota", award.article, None, facts)


def _above_scale(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find recorded totals above their scale: by a bonus, or by a mistake of the source."""
    for round_, totals in state.conclusion.totals.items():
        scale = state.conclusion.scales.get(round_)
        for bare in totals:
            if scale is not None and bare.total != "unknown" and bare.total > scale:
                whose = state.membership.names.get(bare.unit or "", bare.words or "")
                facts = {"whose": whose, "round": round_, "total": bare.total, "scale": scale}
                yield Deviation(f"scale/{round_}/{bare.unit or bare.words}", "total_above_scale", None, None, facts)


def _classes_open(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find ranked units whose class the edition does not determine, and that no ruling classes."""
    ranked = state.conclusion.ranked
    if ranked is None or not rules.scoring.classes:
        return
    for unit, result in calculated_scores(state, rules).items():
        if result.class_open is None:
            continue
        key, on, facts = f"class/{unit}", ranked, {"unit": unit, **dict(result.class_open.facts)}
        match result.class_open.code:
            case "between_classes":
                yield Deviation(key, "class_between", None, on, facts)
            case "above_classes":
                yield Deviation(key, "class_above", None, on, facts)
            case "tie_at_cutoff":
                yield Deviation(key, "class_tied", None, on, facts)
            case "fact_unknown":
                yield Deviation(key, "class_of_unknown_fact", None, on, facts)


def _held(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find awards that were granted while they were held back."""
    decided = state.conclusion.decided
    for grant in state.conclusion.grants:
        hold = state.awards.holds.get((grant.unit, grant.award))
        if hold is None or decided is None or decided.before(hold.since):
            continue
        if hold.released is None or decided.before(hold.released):
            facts = {"unit": grant.unit, "award": grant.award}
            yield Deviation(f"held/{grant.unit}/{grant.award}", "granted_while_held", None, decided, facts)


def _annulments(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find awards annulled without a grant, or returned without an annulment: the missing paper may come later."""
    granted = {(grant.unit, grant.award) for grant in state.conclusion.grants}
    for (unit, award), when in state.awards.annulled.items():
        if (unit, award) not in granted:
            facts = {"unit": unit, "award": award}
            yield Deviation(f"annulled/{unit}/{award}", "annulled_ungranted", None, when, facts)
    for (unit, award, what), when in state.awards.returned.items():
        if (unit, award) not in state.awards.annulled:
            facts = {"unit": unit, "award": award}
            yield Deviation(f"returned/{unit}/{award}/{what}", "returned_unannulled", None, when, facts)


def _complaints(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """List complaints; an answer settles one."""
    for number, complaint in state.awards.complaints.items():
        yield Deviation(
            f"complaint/{number}",
            "complaint",
            None,
            complaint.when,
            {"number": number},
            settled=complaint.answered is not None,
        )


def _overruled(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find awards that were granted without a nomination."""
    for grant in state.conclusion.grants:
        if (grant.unit, grant.award) not in state.conclusion.nominations:
            facts = {"unit": grant.unit, "award": grant.award}
            yield Deviation(f"overruled/{grant.unit}/{grant.award}", "granted_unnominated", None, None, facts)


def _published_undecided(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find results that were published although no decision is recorded: the paper may come later."""
    published, decided = state.conclusion.published, state.conclusion.decided
    if published is not None and (decided is None or published.before(decided)):
        yield Deviation("published-undecided", "published_undecided", None, published)


def _undocumented(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find awards that were granted by a decision of which no document is known."""
    decided = state.conclusion.decided
    if decided is not None and state.conclusion.decision is None and state.conclusion.grants:
        yield Deviation("decision-undocumented", "decision_undocumented", None, decided)


def _disagreements(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """List what sources tell differently."""
    for about, (noted, on) in state.corrections.disagreements.items():
        facts = {"about": about, "told": "; ".join(f"{version.source}: {version.says}" for version in noted.told)}
        yield Deviation(f"sources/{about}", "sources_disagree", None, on, facts)


def _letters(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find letters that were answered late or not at all, and answers without a letter or before it."""
    letters = state.letters
    for id_, letter in letters.letters.items():
        due, answers = letter.event.answer_by, letters.answers.get(id_, ())
        if due is not None and answers and all(answer.when.after(end_of(due)) for answer in answers):
            facts = {"letter": id_, "due": due}
            yield Deviation(f"letter-late/{id_}", "answered_late", None, answers[0].when, facts)
        if letters.asks_for_answer(id_) and not letters.settled(id_) and not is_past_year(state):
            facts = {"letter": id_, "kind": letter.event.kind}
            yield Deviation(f"letter/{id_}", "letter_unanswered", None, letter.when, facts)
    for id_, answers in letters.answers.items():
        if id_ not in letters.letters:
            yield Deviation(f"answer/{id_}", "answer_without_letter", None, answers[0].when, {"letter": id_})
        elif answers[0].when.before(letters.letters[id_].when):
            yield Deviation(f"answer/{id_}", "answered_before", None, answers[0].when, {"letter": id_})


def _contents(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find covenants that state another number of contents than they list."""
    for covenant, contents in state.targets.contents.items():
        listed = contents.listed or len(contents.contents)
        if contents.stated is not None and listed and contents.stated != listed:
            facts = {"draft": covenant, "seen": listed, "stated": contents.stated}
            yield Deviation(f"contents/{covenant}", "contents_differ", None, None, facts)


def _quotas(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find nominations above an award's quota, of a kind of unit that it is not for, or of excluded units."""
    for award in rules.awards:
        nominated = [unit for unit, award_id in state.conclusion.nominations if award_id == award.id]
        quota = _quota(award, state)
        if quota is not None and len(nominated) > quota:
            facts = {"award": award.id, "found": len(nominated), "most": quota}
            yield Deviation(f"quota/{award.id}", "quota_exceeded", award.article, None, facts)
        for unit in nominated:
            if award.kinds and state.membership.kinds.get(unit) not in award.kinds:
                facts = {"award": award.id, "unit": unit}
                yield Deviation(f"award-kind/{award.id}/{unit}", "award_of_other_kind", award.article, None, facts)
    for unit, award_id in state.conclusion.nominations:
        if unit in state.conclusion.excluded:
            facts = {"award": award_id, "unit": unit}
            yield Deviation(f"excluded/{award_id}/{unit}", "nominated_excluded", None, None, facts)


def _rounds(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find scores of undeclared rounds, of criteria outside the round, by another scorer, or after the ranking."""
    ranked = state.conclusion.ranked
    for (unit, round_), scored in state.scores.items():
        held_to = rules.at(scored.when)
        rule = held_to.round_rule(round_)
        facts = {"unit": unit, "round": round_}
        if held_to.rounds and rule is None:
            yield Deviation(f"round/{round_}/{unit}", "round_undeclared", None, scored.when, facts)
        if rule is not None and rule.criteria and {item.criterion for item in scored.sheet} - set(rule.criteria):
            yield Deviation(f"round/{round_}/{unit}", "scored_beyond_round", rule.article, scored.when, facts)
        if rule is not None and not _is_scorer(rule.by, unit, scored.by, state):
            yield Deviation(f"scorer/{round_}/{unit}", "scored_by_other", rule.article, scored.when, facts)
        if ranked is not None and ranked.before(scored.when):
            yield Deviation(f"after-rank/{round_}/{unit}", "scored_after_ranking", None, scored.when, facts)


def _is_scorer(required: str, unit: str, by: str, state: DeviationsContext) -> bool:
    """Return whether `by` may score `unit` in a round by `required`. Teams and the cluster are not checked."""
    if required == "own":
        return by == unit
    if required == "organiser":
        return by == state.lifecycle.organiser
    return required != "peer" or (by != unit and by in state.membership.stays)


def _cross_checks_open(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find an edition that asks for cross-checks when neither edition nor act says which unit checks which."""
    asked = rules.deadline(Duty.CROSS_CHECK) is not None or rules.round_rule("cross-checked") is not None
    if is_past_year(state):
        return
    is_said = rules.cross_checks is not None and not state.cross_checks and rules.has_round("cross-checked")
    if asked and len(state.membership.members()) > 1 and not is_said and not cross_checkers(state, rules):
        yield Deviation("cross-checks-open", "cross_checks_open", None, None)


def _edition_out_of_time(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find an edition that was not yet, or no longer, valid in the cycle's period, or when it was adopted."""
    year = state.lifecycle.year
    if not year:
        return
    early = rules.valid_from is not None and (
        rules.valid_from > rules.period.last.of(year)
        or (rules.since is not None and rules.since < start_of(rules.valid_from))
    )
    late = rules.valid_until is not None and rules.valid_until < rules.period.first.of(year)
    if early or late:
        facts = {"edition": rules.title, "first": rules.valid_from or "…", "last": rules.valid_until or "…"}
        yield Deviation("edition-time", "edition_out_of_time", None, None, facts)


def _unregistered(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find replies to registrations that are not recorded: the paper may come later."""
    for unit, reply in state.targets.replies.items():
        if unit not in state.targets.registrations:
            facts = {"unit": unit}
            yield Deviation(f"unregistered/{unit}", "accepted_unregistered", None, reply.when, facts)


def _papers(state: DeviationsContext) -> Iterator[Document]:
    """Yield every document of the cycle that can have a number."""
    known = (state.lifecycle.year_plan, state.conclusion.submission, state.conclusion.decision)
    yield from (paper for paper in known if paper is not None)
    for versions in state.drafts.values():
        yield from (version.document for version in versions)
    for letter in state.letters.letters.values():
        yield from (paper for paper in (letter.event.document,) if paper is not None)
    for answers in state.letters.answers.values():
        yield from (answer.event.document for answer in answers if answer.event.document is not None)


def _numbers(state: DeviationsContext, rules: Edition) -> Iterator[Deviation]:
    """Find numbers that one issuer used for two documents. Each issuer numbers its documents anew each year."""
    first: dict[tuple[str, str, int], Document] = {}
    for paper in _papers(state):
        if paper.number is None or paper.issuer is None or paper.title is None:
            continue
        key = (paper.issuer, paper.number, paper.issued.day.year if paper.issued else 0)
        earlier = first.setdefault(key, paper)
        if earlier.title != paper.title:
            facts = {"number": paper.number, "issuer": paper.issuer, "about": f"{earlier.title}; {paper.title}"}
            yield Deviation(f"number/{paper.issuer}/{paper.number}", "number_used_twice", None, paper.issued, facts)


_SIGNING = (SignCovenant, SignJointly)
_BALLOTS = (RecordBallot,)
_SCORING = (ScoreSelf, CrossCheck, AppraiseScores, ScoreRound)
_NUMBERED = (ReceiveYearPlan, PresentDraft, RecordLetter, AnswerLetter, Submit, DecideAwards)

_FINDERS: Mapping[
    Callable[[DeviationsContext, Edition], Iterator[Deviation]], Mapping[str, tuple[type[Command], ...]]
] = {
    _quorum_missed: {"quorum_missed": _BALLOTS},
    _other_method: {"voted_otherwise": _BALLOTS},
    _not_carried: {"not_carried": (*_BALLOTS, Nominate, ChooseNext)},
    _vote_tied: {"vote_tied": _BALLOTS},
    _unexplained_papers: {"papers_unexplained": _BALLOTS},
    _tie_at_quota: {"tie_at_quota": (Nominate, RankUnits)},
    _above_scale: {"total_above_scale": (RecordTotals,)},
    _classes_open: {
        "class_between": (*_SCORING, RankUnits),
        "class_above": (*_SCORING, RankUnits),
        "class_tied": (*_SCORING, RankUnits),
        "class_of_unknown_fact": (*_SCORING, RankUnits),
    },
    _text_open: {"signed_text_open": (*_SIGNING, TakeStance, TakeStanceTogether, AddComment)},
    _unpresented: {"signed_unpresented": (SignJointly,)},
    _stance_unpresented: {"stance_unpresented": (TakeStance, ChangeCalendar)},
    _bylaws_late: {"bylaws_late": (*_SIGNING, PresentDraft, ChangeCalendar)},
    _declined: {"unit_declined": (DeclineToSign,)},
    _head_unknown: {"head_unknown": (*_SIGNING, AssignRole)},
    _final_late: {"final_next_year": (RecordMeeting,)},
    _meeting_unusual: {"meeting_unusual": (RecordMeeting,)},
    _signing_unusual: {"signing_unusual": _SIGNING},
    _ranked_early: {
        "ranked_before_appraisal": (RankUnits, AppraiseScores, AdmitUnit, MergeUnits, SplitUnit, ChangeCalendar)
    },
    _own_nomination: {"head_nominated": (Nominate, RecordMeeting, AssignRole)},
    _overruled: {"granted_unnominated": (DecideAwards,)},
    _published_undecided: {"published_undecided": (PublishResults, DecideAwards)},
    _undocumented: {"decision_undocumented": (DecideAwards,)},
    _held: {"granted_while_held": (HoldAward, DecideAwards)},
    _annulments: {"annulled_ungranted": (AnnulAward,), "returned_unannulled": (RecordReturn,)},
    _complaints: {"complaint": (FileComplaint,)},
    _disagreements: {"sources_disagree": (NoteDisagreement,)},
    _letters: {
        "answered_late": (RecordLetter, AnswerLetter),
        "letter_unanswered": (RecordLetter, ChangeCalendar),
        "answer_without_letter": (AnswerLetter,),
        "answered_before": (RecordLetter, AnswerLetter),
    },
    _contents: {"contents_differ": (StateContents,)},
    _quotas: {
        "quota_exceeded": (Nominate, ReleaseUnit, MergeUnits, DissolveUnit),
        "award_of_other_kind": (Nominate,),
        "nominated_excluded": (Nominate, ExcludeUnit),
    },
    _rounds: {
        "round_undeclared": _SCORING,
        "scored_beyond_round": _SCORING,
        "scored_by_other": _SCORING,
        "scored_after_ranking": (*_SCORING, RankUnits),
    },
    _cross_checks_open: {"cross_checks_open": (OpenCycle, AdmitUnit, AssignCrossChecks, ChangeCalendar)},
    _edition_out_of_time: {"edition_out_of_time": (OpenCycle, AdoptEdition)},
    _numbers: {"number_used_twice": _NUMBERED},
    _unregistered: {"accepted_unregistered": (ReturnRegistration, AcceptRegistration)},
}
"""The functions that find deviations, in their fixed order. Each with its codes, and the commands that can bring them.

Not named: another edition and a correction, which can bring every deviation and settle it.
"""

BROUGHT_BY: Mapping[str, tuple[type[Command], ...]] = {
    **{code: commands for codes in _FINDERS.values() for code, commands in codes.items()},
    "late_act": tuple(command for duty in Duty for command in DUTY_COMMANDS[duty].done_by),
}
"""By the code of a deviation, the commands that can bring it."""


def deviations(
    state: DeviationsContext, rules: Edition, owed: Iterable[Obligation] | None = None
) -> tuple[Deviation, ...]:
    """Return all deviations of the state, in a fixed order.

    `owed` is the result of `obligations` for the same state, if the caller has it already.
    """
    acknowledged = state.corrections.acknowledged
    all_ = [deviation for find in _FINDERS for deviation in find(state, rules)]
    all_.extend(_late(obligations(state, rules) if owed is None else owed, state, rules))
    return tuple(replace(d, acknowledged=True) if d.key in acknowledged else d for d in all_)
