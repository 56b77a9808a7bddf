"""Labels of the fields of rules editions on pages, and the words for what is chosen in them."""

from __future__ import annotations

from collections.abc import Mapping

from domain.numbers import whole_number
from i18n import NC_, _
from i18n.fields import FIELDS, field_label, path_label

_LABELS: Mapping[str, str] = {
    "above": NC_("rule", "the lower end itself is left out"),
    "address": NC_("rule", "address on the web"),
    "all_units_sign": NC_("rule", "that all units sign"),
    "answer_correction_days": NC_("rule", "days to answer a correction"),
    "answer_correction_in": NC_("rule", "counted in"),
    "appraisal_before_ranking": NC_("rule", "that sheets are appraised before the ranking"),
    "article": NC_("rule", "article"),
    "articles": NC_("rule", "articles"),
    "at_least": NC_("rule", "from this value on"),
    "at_target": NC_("rule", "share of the points for reaching the target"),
    "awards": NC_("rule", "kinds of awards"),
    "bands": NC_("rule", "bands of values"),
    "base": NC_("rule", "majority of whom"),
    "bonus_cap": NC_("rule", "all bonus together at most"),
    "by": NC_("rule", "who scores"),
    "bylaws_before_signing": NC_("rule", "that the operating regulations come before the signing"),
    "calendar": NC_("rule", "calendar"),
    "ceiling": NC_("rule", "at most when the target is exceeded"),
    "change": NC_("rule", "difference from the full points"),
    "class_conditions": NC_("rule", "conditions of classes"),
    "classes": NC_("rule", "classes"),
    "class_conditions.classes": NC_("rule", "for which classes"),
    "classes_of": NC_("rule", "classes go by"),
    "close_days_after": NC_("rule", "closed so many days after"),
    "conditions": NC_("rule", "number of conditions as printed"),
    "contents": NC_("rule", "number of contents as printed"),
    "counted_from": NC_("rule", "or counted from"),
    "covenant_years": NC_("rule", "years of the covenant for a term"),
    "covenants": NC_("rule", "covenants that units sign"),
    "criteria": NC_("rule", "criteria"),
    "cross_checks": NC_("rule", "who cross-checks whom"),
    "day": NC_("rule", "day"),
    "days": NC_("rule", "days after it (before it with a minus)"),
    "days_off": NC_("rule", "holidays"),
    "deadlines": NC_("rule", "deadlines"),
    "document": NC_("rule", "the paper"),
    "due": NC_("rule", "last day"),
    "duty": NC_("rule", "task"),
    "each": NC_("rule", "points each time"),
    "each_share": NC_("rule", "share of its points that each criterion must reach"),
    "escalate_days_after": NC_("rule", "proposes an escalation so many days after"),
    "exempt_gives": NC_("rule", "what exempt units get"),
    "exempt_kinds": NC_("rule", "kinds of units that are exempt"),
    "fact": NC_("rule", "fact"),
    "facts": NC_("rule", "facts about a unit that classes depend on"),
    "figures_until": NC_("rule", "figures count up to"),
    "final_within_year": NC_("rule", "that the final meeting is held within the year"),
    "first": NC_("rule", "first day"),
    "covenant_years.first": NC_("rule", "first year"),
    "from_top": NC_("rule", "units in better classes count into the share"),
    "head_known": NC_("rule", "that the head is known at the signing"),
    "high": NC_("rule", "up to"),
    "holds": NC_("rule", "the fact must hold"),
    "if_day_off": NC_("rule", "when it is a day off"),
    "inherits": NC_("rule", "what new units take over"),
    "issued": NC_("rule", "issued on"),
    "issuer": NC_("rule", "issued by"),
    "kinds": NC_("rule", "only for these kinds of units"),
    "last": NC_("rule", "last day"),
    "covenant_years.last": NC_("rule", "last year"),
    "least": NC_("rule", "at least"),
    "least_members": NC_("rule", "voters at least"),
    "least_share": NC_("rule", "share of the points that must be reached"),
    "low": NC_("rule", "from"),
    "max": NC_("rule", "points at most"),
    "method": NC_("rule", "how the vote is taken"),
    "mode": NC_("rule", "rounded"),
    "month": NC_("rule", "month"),
    "most": NC_("rule", "at most"),
    "number": NC_("rule", "number"),
    "of": NC_("rule", "by"),
    "otherwise": NC_("rule", "otherwise"),
    "papers": NC_("rule", "papers that the rules come from"),
    "papers.part": NC_("rule", "what it is"),
    "part": NC_("rule", "kind of points"),
    "partial": NC_("rule", "some of its parts are missing in the table"),
    "pass_marks": NC_("rule", "pass marks"),
    "passed": NC_("rule", "only for units that reach the pass mark"),
    "penalty_least": NC_("rule", "all penalties together take away at most"),
    "period": NC_("rule", "period of the year"),
    "places": NC_("rule", "decimals"),
    "points": NC_("rule", "points"),
    "quorum": NC_("rule", "share of voters who must take part"),
    "quota": NC_("rule", "how many units"),
    "remind_days_before": NC_("rule", "reminds so many days before"),
    "replaces": NC_("rule", "papers that it replaces"),
    "required_drafts": NC_("rule", "papers that must be presented"),
    "rounding": NC_("rule", "rounding of points"),
    "rounds": NC_("rule", "rounds of scoring"),
    "rounds.id": NC_("rule", "which round"),
    "scoring": NC_("rule", "how it is counted"),
    "share": NC_("rule", "share of the units"),
    "share_of": NC_("rule", "share of which units"),
    "share_rounding": NC_("rule", "share rounded"),
    "source": NC_("rule", "where it stands"),
    "sources": NC_("rule", "sources"),
    "specimen": NC_("rule", "a specimen, not the organiser's rules"),
    "stated_base": NC_("rule", "total without bonus as printed"),
    "stated_conditions": NC_("rule", "number of all conditions as printed"),
    "stated_contents": NC_("rule", "number of all contents as printed"),
    "step": NC_("rule", "in steps of"),
    "steps": NC_("rule", "steps"),
    "strict": NC_("rule", "more than the share is needed"),
    "subject": NC_("rule", "vote on"),
    "take": NC_("rule", "of its parts"),
    "text_final_before_signing": NC_("rule", "that the text is final before the signing"),
    "threshold": NC_("rule", "share that is needed"),
    "tie_tolerance": NC_("rule", "totals count as equal within"),
    "ties_by": NC_("rule", "between equal totals decides"),
    "title": NC_("rule", "title"),
    "tolerance": NC_("rule", "equal to the best within"),
    "total": NC_("rule", "total as printed, bonus included"),
    "total_rounding": NC_("rule", "rounding of the total"),
    "under": NC_("rule", "under"),
    "units": NC_("rule", "only for these units"),
    "valid_from": NC_("rule", "holds from"),
    "valid_until": NC_("rule", "holds until"),
    "value_rounding": NC_("rule", "rounding of the value before it is looked up"),
    "votes": NC_("rule", "votes"),
    "way": NC_("rule", "way in which points are given"),
    "way.conditions": NC_("rule", "conditions that must all be met"),
    "weekend": NC_("rule", "weekend"),
    "worked": NC_("rule", "days of a weekend that are worked"),
    "year": NC_("rule", "of the year"),
}
"""By the name of the field; a label that it has inside another field only has that one's name and a dot before it."""

_CHOICES: Mapping[str, Mapping[str, str]] = {
    "answer_correction_in": {"days": NC_("rule", "days"), "working-days": NC_("rule", "working days")},
    "by": {
        "own": NC_("rule", "the unit itself"),
        "peer": NC_("rule", "another unit"),
        "cluster": NC_("rule", "the cluster"),
        "team": NC_("rule", "a team"),
        "organiser": NC_("rule", "the organiser"),
    },
    "classes_of": {
        "points": NC_("rule", "the points"),
        "percent": NC_("rule", "the percentage of what can be reached"),
    },
    "cross_checks": {"next-in-list": NC_("rule", "each unit the next one in the list")},
    "exempt_gives": {"nothing": NC_("rule", "no points"), "maximum": NC_("rule", "the full points")},
    "if_day_off": {
        "stays": NC_("rule", "stays"),
        "next": NC_("rule", "moves to the next working day"),
        "previous": NC_("rule", "moves to the working day before"),
    },
    "inherits": {
        "signature": NC_("rule", "the signature"),
        "role": NC_("rule", "the role in the cluster"),
        "registration": NC_("rule", "the registration of targets"),
        "duties": NC_("rule", "tasks that were not done"),
    },
    "mode": {
        "half-up": NC_("rule", "half up"),
        "half-even": NC_("rule", "half to the even digit"),
        "down": NC_("rule", "down"),
        "up": NC_("rule", "up"),
    },
    "of": {"actual": NC_("rule", "the result"), "percent": NC_("rule", "the percentage of the target")},
    "otherwise": {"one-down": NC_("rule", "the next lower class"), "none": NC_("rule", "no class")},
    "papers.part": {},
    "part": {"base": NC_("rule", "base"), "bonus": NC_("rule", "bonus"), "penalty": NC_("rule", "penalty")},
    "rounds.id": {
        "self": NC_("rule", "self-score"),
        "cross-checked": NC_("rule", "cross-check"),
        "appraised": NC_("rule", "appraisal"),
    },
    "share_of": {
        "all": NC_("rule", "of all units"),
        "considered": NC_("rule", "of the considered ones"),
        "left": NC_("rule", "of those without a class"),
    },
    "share_rounding": {
        "down": NC_("rule", "down"),
        "half-up": NC_("rule", "half up"),
        "up": NC_("rule", "up"),
    },
    "take": {"sum": NC_("rule", "all count"), "highest": NC_("rule", "only the highest counts")},
    "weekend": {
        "1": NC_("rule", "Monday"),
        "2": NC_("rule", "Tuesday"),
        "3": NC_("rule", "Wednesday"),
        "4": NC_("rule", "Thursday"),
        "5": NC_("rule", "Friday"),
        "6": NC_("rule", "Saturday"),
        "7": NC_("rule", "Sunday"),
    },
    "year": {"0": NC_("rule", "year itself"), "1": NC_("rule", "next year"), "2": NC_("rule", "year after the next")},
}

NO_CEILING = NC_("rule", "without an end")
"""What is typed in place of a number where there is no upper end."""


def edition_label(name: str, inside: str = "") -> str:
    """The label of a field of an edition, inside another one if that is named, with a capital."""
    label = _LABELS.get(f"{inside}.{name}") or _LABELS.get(name)
    text = _(label) if label else field_label(name)
    return text[:1].upper() + text[1:]


def typed_label(path: str) -> str:
    """The label of the field that a path ends in, of an act's form or of one of rules, with a capital."""
    names = [part for part in path.split(".") if part and whole_number(part) is None]
    return edition_label(names[-1]) if names and names[-1] not in FIELDS else path_label(path)


def edition_choices(name: str, inside: str = "") -> tuple[tuple[str, str], ...]:
    """What can be chosen in a field, each with its words; empty where the field's type has words of its own."""
    found = _CHOICES.get(f"{inside}.{name}", _CHOICES.get(name, {}))
    return tuple((value, _(text)) for value, text in found.items())
