"""Words for the values of the domain, by the kind of value: the same value has its own word in each kind.

A kind is the type of a field (`MeetingKind`, `Duty`) or a group of codes. Equal English words of two kinds have a
context, so that each is translated by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from domain.administration import AccountKind, ContactField
from domain.duties import Duty
from domain.edition_changes import Part
from domain.installation import KeyHolder, KeyRole
from domain.parties import Party
from domain.rules import CovenantKind, DraftKind, Paper, PeriodDay, VoteMethod, VoteRule
from domain.steps.awards import HoldCause, Returned
from domain.steps.commenting import Stance
from domain.steps.conclusion import NoClass, WhyUnranked
from domain.steps.letters import LetterKind
from domain.steps.lifecycle import ClockMode, ClusterLevel
from domain.steps.manual_reminders import Channel
from domain.steps.meetings import MeetingForm, MeetingKind
from domain.steps.succession import SuccessionKind
from domain.steps.targets import RegistrationStatus
from domain.types import Exactness, Sureness, Unknown
from domain.units import Holder, Manner, Role
from domain.workdays import IfDayOff
from i18n import N_, NC_, Plural, _


@dataclass(frozen=True, slots=True)
class WordTable:
    """The words of one kind by value. `type` is the values' type in the domain; None for codes without a type."""

    words: Mapping[str, str]
    type: Any = None


def _type_of(model: type[BaseModel], field: str) -> Any:
    return model.model_fields[field].annotation


DUTIES: Mapping[str, str] = {
    "draft": N_("present the drafts"),
    "stance": N_("answer the drafts"),
    "signature": N_("sign the covenant"),
    "midyear-report": N_("hand in the mid-year report"),
    "correction": N_("answer the correction"),
    "midyear-acceptance": N_("accept the mid-year report"),
    "self-score": N_("score itself"),
    "cross-check": N_("cross-check a unit"),
    "appraisal": N_("appraise the score"),
    "final-meeting": N_("hold the final meeting"),
    "submission": N_("submit the nominations"),
    "decision": N_("decide the awards"),
    "publication": N_("publish the results"),
    "filing": N_("file the year"),
}
"""What is owed, as words that follow "please"."""

_SHORT_DUTIES: Mapping[str, str] = {
    "draft": NC_("duty in short", "presented"),
    "stance": NC_("duty in short", "answered"),
    "signature": NC_("duty in short", "signed"),
    "midyear-report": NC_("duty in short", "handed in"),
    "correction": NC_("duty in short", "corrected"),
    "midyear-acceptance": NC_("duty in short", "accepted"),
    "self-score": NC_("duty in short", "self-scored"),
    "cross-check": NC_("duty in short", "checked by others"),
    "appraisal": NC_("duty in short", "appraised"),
    "final-meeting": NC_("duty in short", "final meeting held"),
    "submission": NC_("duty in short", "submitted"),
    "decision": NC_("duty in short", "decided"),
    "publication": NC_("duty in short", "published"),
    "filing": NC_("duty in short", "filed"),
}
"""What is done of a duty, as words behind "3/6" and "not yet:"."""

_DRAFTS: Mapping[str, str] = {
    "plan": NC_("draft", "plan"),
    "bylaws": NC_("draft", "operating regulations"),
    "covenant": N_("covenant"),
    "criteria": NC_("draft", "criteria"),
    "term-covenant": N_("covenant for a term"),
}
_ROLES: Mapping[str, str] = {"head": N_("head unit"), "deputy": N_("deputy head unit")}

WORDS: Mapping[str, WordTable] = {
    "account": WordTable(
        {"secretariat": N_("city secretariat"), "staff": N_("unit staff"), "auditor": N_("auditor")}, AccountKind
    ),
    "amount": WordTable({"unknown": NC_("amount", "unknown")}, Unknown),
    "award": WordTable(
        {
            "bang-khen": N_("certificate of merit"),
            "co-thi-dua": N_("emulation flag"),
            "giay-khen": N_("certificate of commendation"),
        }
    ),
    "beside": WordTable(
        {
            "text_altered": N_("a stored text was changed"),
            "text_missing": N_("a text that an act names is missing"),
            "erased_is_there": N_("it was recorded as erased, and is still there"),
            "text_erased": N_("a text that an act names was emptied, and no erasure is recorded"),
            "person_renamed": N_("a person has another name than the acts say"),
            "person_missing": N_("a person whom an act names is missing"),
            "person_erased": N_("a person was emptied, and no erasure is recorded"),
            "edition_altered": N_("a stored rules edition was changed"),
            "file_altered": N_("an uploaded file was changed"),
            "file_missing": N_("a file that an act names is not here; perhaps it was never uploaded"),
            "installation_row": N_("the database says that it belongs to another installation"),
            "epoch_raised": N_("the number of restores was raised, and nothing was signed since"),
            "command_idle": N_("a signed command stands there, and no act came of it"),
            "batch_idle": N_("a signature stands there, and no command belongs to it"),
            "tree_row": N_("the tree of the checkpoints in the database was changed; it is computed again by itself"),
            "checkpoint_malformed": N_("a line of the file of checkpoints is none"),
            "checkpoint_foreign": N_("a line of the file of checkpoints is of another installation"),
            "checkpoint_unsigned": N_("a line of the file of checkpoints was not signed by this installation"),
            "checkpoint_signature": N_("a line of the file of checkpoints has a wrong signature"),
            "checkpoint_untrusted": N_(
                "a checkpoint was signed with a compromised key, later than that is trusted; it proves nothing"
            ),
            "checkpoint_twice": N_("two checkpoints of the same size differ"),
        }
    ),
    "channel": WordTable(
        {"message": N_("by a message"), "telephone": N_("by telephone"), "in-person": N_("in person")}, Channel
    ),
    "clock": WordTable({"wall": N_("real time"), "stepped": N_("rehearsal"), "backfill": N_("backfill")}, ClockMode),
    "covenant": WordTable({kind: _DRAFTS[kind] for kind in get_args(CovenantKind)}, CovenantKind),
    "day_off": WordTable(
        {"next": N_("moved to the next working day"), "previous": N_("moved to the working day before")}, IfDayOff
    ),
    "deviation": WordTable(
        {
            "stance_unpresented": N_("a stance was taken before a draft was presented; the unit must take it again"),
            "cross_checks_open": N_("neither the rules nor an act say which unit cross-checks which"),
            "signed_text_open": N_("the covenant was signed while its text was still to be edited"),
            "bylaws_late": N_("the operating regulations came after the signing, or not at all"),
            "unit_declined": N_("a unit declined to sign"),
            "head_unknown": N_("no source says which unit was head at the signing"),
            "late_act": N_("done after it was due"),
            "final_next_year": N_("the final meeting was held in the next year"),
            "meeting_unusual": N_("held at an unusual time of the year: is the date right?"),
            "signing_unusual": N_("the covenant was signed at an unusual time of the year: is the date right?"),
            "ranked_before_appraisal": N_("ranked before the score was appraised"),
            "head_nominated": N_("the head is nominated itself"),
            "granted_unnominated": N_("granted without a nomination"),
            "published_undecided": N_("the results were published before a decision, or no decision is recorded"),
            "decision_undocumented": N_("awards were granted, and no document of the decision is known"),
            "quorum_missed": N_("fewer took part in the vote than the rules ask for"),
            "voted_otherwise": N_("voted in another way than the rules say"),
            "papers_unexplained": N_("papers of a vote that are neither votes nor stated to be blank or spoiled"),
            "vote_tied": N_("equally many votes: a decision with its reason is needed"),
            "tie_at_quota": N_("units of one rank were divided without a vote: say who decided, and why"),
            "total_above_scale": N_("a total above its scale"),
            "class_between": N_("the total falls between two classes: a ruling is needed"),
            "class_above": N_("no class takes so high a total: a ruling is needed"),
            "class_tied": N_("more units of one rank than places in the class: a ruling is needed"),
            "class_of_unknown_fact": N_("the class depends on something that is not known: a ruling is needed"),
            "not_carried": N_("put forward or chosen although the vote did not carry it"),
            "granted_while_held": N_("decided while the award was held back"),
            "annulled_ungranted": N_("an award was annulled that the register does not know as granted"),
            "returned_unannulled": N_("returned although no annulment is recorded"),
            "complaint": NC_("deviation", "a complaint"),
            "sources_disagree": N_("sources tell it otherwise"),
            "letter_unanswered": N_("a request or direction without an answer"),
            "answer_without_letter": N_("an answer to a letter that is not entered"),
            "answered_before": N_("answered before the letter was sent"),
            "contents_differ": N_("the covenant's contents are counted otherwise than they are listed"),
            "signed_unpresented": N_("a covenant was signed that nobody tells to have been presented"),
            "answered_late": N_("answered after the day that was set"),
            "scored_by_other": N_("scored by another scorer than the rules name"),
            "accepted_unregistered": N_("a registration was answered that is not entered"),
            "number_used_twice": N_("one number of a body stands on two papers"),
            "quota_exceeded": N_("more put forward for an award than its quota"),
            "award_of_other_kind": N_("put forward for an award that is not for its kind of unit"),
            "nominated_excluded": N_("put forward although it is not considered"),
            "round_undeclared": N_("scored in a round that the rules do not know"),
            "scored_beyond_round": N_("scored criteria that were not this round's"),
            "scored_after_ranking": N_("scored after the ranking"),
            "edition_out_of_time": N_("the rules were not in force in this year"),
        }
    ),
    "deviation_key": WordTable(
        {
            "answer": N_("an answer that does not match its letter"),
            "class": N_("the class of a unit needs a ruling"),
            "round": N_("scored otherwise than the rules of the round say"),
            "unusual": N_("done at an unusual time of the year: is the date right?"),
        }
    ),
    "deviation_count": WordTable(
        {
            "edits": N_("edits asked for"),
            "stances": N_("stances with reservations"),
            "number": N_("number"),
            "papers": NC_("deviation_count", "papers"),
            "found": NC_("deviation_count", "nominated"),
            "most": NC_("deviation_count", "at most"),
            "votes": NC_("deviation_count", "votes"),
            "rank": NC_("deviation_count", "rank"),
            "seen": NC_("deviation_count", "listed"),
            "stated": NC_("deviation_count", "stated"),
        }
    ),
    "door": WordTable(
        {
            "pages": N_("on the pages"),
            "link": N_("by a link from a mail or an invitation"),
            "command-line": N_("on the command line of the machine"),
        }
    ),
    "draft": WordTable(_DRAFTS, DraftKind),
    "duty": WordTable(DUTIES, Duty),
    "duty_short": WordTable(_SHORT_DUTIES),
    "contact_field": WordTable(
        {
            "name": N_("name"),
            "office": N_("office"),
            "email": N_("mail address"),
            "phone": N_("telephone"),
        },
        ContactField,
    ),
    "period_end": WordTable(
        {"first-day": N_("first day of the period"), "last-day": N_("last day of the period")},
        _type_of(PeriodDay, "counted_from"),
    ),
    "edition_part": WordTable(
        {
            "papers": N_("required papers"),
            "criteria-and-total": N_("criteria and points"),
            "scoring": N_("scoring and classes"),
            "rounds": N_("rounds of scoring"),
            "award-rules": N_("kinds of awards"),
            "vote-rules": N_("rules for votes"),
            "calendar": N_("working days"),
            "inheritance": N_("what successors take over"),
            "articles": N_("cited articles"),
            "remainder": N_("other rules"),
        },
        Part,
    ),
    "exactness": WordTable(
        {
            "exact": N_("exactly"),
            "more-than": N_("more than"),
            "estimated": N_("an estimated"),
            "nearly": N_("nearly"),
            "at-least": N_("at least"),
            "about": NC_("exactness", "about"),
            "less-than": N_("less than"),
        },
        Exactness,
    ),
    "fault": WordTable(
        {
            "gap": N_("a position is missing before this"),
            "unreadable": N_("the payload cannot be read"),
            "body_too_long": N_("its content is longer than any that is recorded"),
            "body_unreadable": N_("its content cannot be read"),
            "body_spelling": N_("its content is not spelled as it was recorded"),
            "columns": N_("the columns beside its content say otherwise"),
            "law_fell": N_("decided under an older law than the act before it"),
            "law_not_in_force": N_("decided by a law that was not in force"),
            "law_key": N_("only the key of the command line may put a law in force"),
            "time_fell": N_("recorded earlier than the one before"),
            "version": N_("the stream's numbering is broken"),
            "previous": N_("does not follow the act before it"),
            "digest": N_("it was changed: its digest does not match"),
            "checkpoint": N_("differs from a checkpoint"),
            "tail_missing": N_("a checkpoint has seen more than is here"),
            "unsigned": N_("it is not signed"),
            "command_missing": N_("the signed command is missing or changed"),
            "signature": N_("the signature does not match"),
            "expired": N_("recorded after its command had expired"),
            "does_not_follow": N_("does not follow from the signed command"),
            "not_decided": N_("the rules would refuse the command"),
            "repeated": N_("the same signed command appears twice"),
            "clock_not_due": N_("the clock command was not due"),
            "edition_missing": N_("the rules edition is missing"),
            "incomplete": N_("the rest of its command is missing"),
            "other_installation": N_("founded by another installation"),
            "other_key": N_("founded with another key"),
            "wrong_key": N_("signed with a key that may not sign this"),
            "changed_meanwhile": N_("it was changed while the ledger was verified"),
            "command_unit": N_("beside its command stands another unit than the signed one"),
            "before_issued": N_("recorded before its command was issued"),
        }
    ),
    "hold_cause": WordTable(
        {
            "discipline": N_("discipline"),
            "complaint": NC_("reason to hold an award back", "a complaint"),
            "other-cause": N_("another cause"),
        },
        HoldCause,
    ),
    "holder": WordTable({"unknown": NC_("holder of a role", "unknown"), "vacant": N_("vacant")}, get_args(Holder)[1]),
    "key_holder": WordTable({"cli": N_("the command line"), "web": N_("pages and JSON interface")}, KeyHolder),
    "key_role": WordTable(
        {
            "root": NC_("what a key signs", "the naming and retiring of keys"),
            "entry": NC_("what a key signs", "acts of people"),
            "log": NC_("what a key signs", "checkpoints"),
        },
        KeyRole,
    ),
    "key_kind": WordTable(
        {
            "root": N_("which keys hold"),
            "cli": N_("acts at the command line"),
            "web": N_("acts on the pages"),
            "log": NC_("what a key signs", "checkpoints"),
        }
    ),
    "letter": WordTable(
        {
            "guidance-request": N_("request for guidance"),
            "official-letter": N_("official letter"),
            "direction": N_("direction"),
            "guidance": N_("guidance"),
            "conclusions-notice": N_("notice of conclusions"),
            "report": N_("report"),
            "other-letter": N_("letter"),
        },
        LetterKind,
    ),
    "manner": WordTable(
        {
            "elected": N_("elected"),
            "introduced": N_("introduced in rotation"),
            "appointed": N_("appointed by the level above"),
            "assigned": N_("assigned by the organiser"),
            "handed-over": N_("handed over"),
            "unknown": N_("how is not told"),
        },
        Manner,
    ),
    "meeting": WordTable(
        {
            "launching": N_("launching meeting"),
            "thematic": N_("thematic meeting"),
            "quarterly": N_("quarterly meeting"),
            "mid-year": N_("mid-year meeting"),
            "final": N_("final meeting"),
            "other": N_("meeting"),
        },
        MeetingKind,
    ),
    "meeting_form": WordTable(
        {"in-person": NC_("meeting", "in person"), "online": N_("online"), "both": N_("in person and online")},
        MeetingForm,
    ),
    "level": WordTable(
        {
            "central": N_("central level"),
            "province": N_("provincial level"),
            "district": N_("district level"),
            "commune": N_("commune level"),
        },
        ClusterLevel,
    ),
    "paper": WordTable(
        {
            "plan": NC_("paper of an edition", "plan"),
            "bylaws": NC_("paper of an edition", "operating regulations"),
            "criteria": NC_("paper of an edition", "criteria"),
            "awards": NC_("paper of an edition", "awards"),
            "other": NC_("paper of an edition", "other"),
        },
        _type_of(Paper, "part"),
    ),
    "party": WordTable(
        {
            "secretariat": N_("secretariat"),
            **_ROLES,
            "own": N_("the unit itself"),
            "overseer": NC_("party", "overseer"),
            "clock": N_("the clock"),
        },
        Party,
    ),
    "registration": WordTable(
        {"registered": N_("registered"), "returned": N_("sent back"), "accepted": N_("accepted")}, RegistrationStatus
    ),
    "returned": WordTable({"object": N_("the object"), "money": N_("the money")}, Returned),
    "role": WordTable(_ROLES, Role),
    "round": WordTable({"self": N_("self-score"), "cross-checked": N_("cross-check"), "appraised": N_("appraisal")}),
    "scope": WordTable({"read": N_("only reads"), "act": N_("reads and acts"), "sign": N_("also signs and publishes")}),
    "scoring_method": WordTable(
        {
            "hand": N_("by hand"),
            "linear": N_("actual to target"),
            "bands": N_("bands"),
            "steps": N_("steps"),
            "all-or-nothing": N_("all or nothing"),
            "count": N_("count times points"),
            "relative": N_("relative to the best"),
            "mean": N_("relative to the mean"),
        }
    ),
    "no_class": WordTable({"none": N_("no class")}, NoClass),
    "unranked": WordTable(
        {
            "points-open": N_("some of its points are undetermined"),
            "table-incomplete": N_("the score table lacks points"),
        },
        WhyUnranked,
    ),
    "stance": WordTable(
        {
            "agreed": N_("agreed"),
            "agreed-in-substance": N_("agreed in substance"),
            "changes-requested": N_("changes requested"),
        },
        Stance,
    ),
    "step": WordTable(
        {
            "plan-draft": N_("plan draft"),
            "comments": N_("comments"),
            "signing": N_("signing"),
            "midyear-check": N_("mid-year check"),
            "final-evaluation": N_("final evaluation"),
            "filed": N_("filed"),
            "past": N_("entered afterwards"),
        }
    ),
    "succession": WordTable(
        {"merged": N_("merged"), "split": N_("split"), "dissolved": N_("dissolved")}, SuccessionKind
    ),
    "sureness": WordTable(
        {
            "stated": N_("stated"),
            "inferred": N_("inferred"),
            "rehearsed": N_("rehearsed"),
            "unsourced": N_("no source named"),
        },
        Sureness,
    ),
    "vote_base": WordTable(
        {
            "entitled": N_("of all who may vote"),
            "present": N_("of those present"),
            "cast": N_("of the papers cast"),
            "valid": N_("of the valid papers"),
        },
        _type_of(VoteRule, "base"),
    ),
    "vote_method": WordTable(
        {
            "secret-ballot": N_("secret ballot"),
            "show-of-hands": N_("show of hands"),
            "consensus": N_("consensus"),
            "written-poll": N_("written poll"),
        },
        VoteMethod,
    ),
    "vote_subject": WordTable(
        {
            **_ROLES,
            "result": NC_("subject of a vote", "the result"),
            "other": NC_("subject of a vote", "another matter"),
        }
    ),
}
"""By kind. Awards have the words of the usual ones, for cycles whose rules name none; rounds those of every edition."""

COUNTS: Mapping[str, Plural] = {
    "act": Plural("{count} act", "{count} acts"),
    "checkpoint": Plural("{count} checkpoint", "{count} checkpoints"),
    "clock_act": Plural("{count} act of the clock", "{count} acts of the clock"),
    "cluster": Plural("{count} cluster", "{count} clusters"),
    "deviation": Plural("{count} deviation", "{count} deviations"),
    "event": Plural("{count} event", "{count} events"),
    "person": Plural("{count} person", "{count} people"),
    "recovery_code": Plural("{count} recovery code left.", "{count} recovery codes left."),
    "remark": Plural("{count} remark", "{count} remarks"),
    "reminder": Plural("{count} reminder", "{count} reminders"),
    "signature": Plural("{count} signed act", "{count} signed acts"),
    "stream": Plural("{count} stream", "{count} streams"),
    "task": Plural("{count} task", "{count} tasks"),
    "unit": Plural("{count} unit", "{count} units"),
}
"""Numbers of things, for texts with more than one number."""

_KIND_OF_TYPE: Mapping[Any, str] = {table.type: kind for kind, table in WORDS.items() if table.type is not None}


def kind_of(annotation: Any) -> str | None:
    """The kind of word that a field's values have, by the field's type; None when they have none."""
    inside = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return kind_of(inside[0])
    if annotation in _KIND_OF_TYPE:
        return _KIND_OF_TYPE[annotation]
    return next((kind for part in inside if (kind := kind_of(part)) is not None), None)


def words_of_values(values: Iterable[str]) -> Mapping[str, str]:
    """The words of a field's values, by value, in the language in use; empty for values without words.

    The kind is found by the values: the one that has words for just these, or else for these and others.
    """
    wanted = set(values)
    tables = sorted((table.words for table in WORDS.values() if wanted <= set(table.words)), key=len)
    return {value: _(tables[0][value]) for value in values} if wanted and tables else {}
