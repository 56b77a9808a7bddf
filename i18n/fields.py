"""Labels of the fields of acts on pages, by the fields' names in the domain."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.numbers import whole_number
from i18n import NC_, _

FIELDS: Mapping[str, str] = {
    "_meeting": NC_("field", "meeting that decided it"),
    "_on": NC_("field", "when it happened"),
    "_source": NC_("field", "source"),
    "about": NC_("field", "about what"),
    "act": NC_("field", "name of the act"),
    "acts": NC_("field", "act"),
    "actual": NC_("field", "actual result"),
    "address": NC_("field", "address"),
    "administrator": NC_("field", "administrator"),
    "also": NC_("field", "second kind"),
    "amount": NC_("field", "amount"),
    "answer_by": NC_("field", "answer by"),
    "answers": NC_("field", "answers comment number"),
    "asks_for_change": NC_("field", "asks for a change"),
    "attendance": NC_("field", "number of people present"),
    "attendance_exactness": NC_("field", "how exact the number of people is"),
    "award": NC_("field", "award"),
    "awards": NC_("field", "kinds of awards"),
    "basis": NC_("field", "basis"),
    "blank": NC_("field", "blank papers"),
    "by": NC_("field", "who"),
    "calendar": NC_("field", "calendar"),
    "cast": NC_("field", "papers that came back"),
    "cause": NC_("field", "cause"),
    "chairs": NC_("field", "chaired by"),
    "channel": NC_("field", "in which way"),
    "children": NC_("field", "parts"),
    "choices": NC_("field", "choices and votes"),
    "clock": NC_("field", "clock"),
    "cluster": NC_("field", "cluster"),
    "cluster_name": NC_("field", "name of the cluster"),
    "clusters": NC_("field", "clusters"),
    "commitment": NC_("field", "commitment to the name"),
    "concluded_by": NC_("field", "concluded by"),
    "conclusions": NC_("field", "conclusions"),
    "contents": NC_("field", "contents"),
    "continues": NC_("field", "cycle that this one continues"),
    "corrects": NC_("field", "act that is corrected"),
    "count": NC_("field", "how many times"),
    "covenant": NC_("field", "which covenant"),
    "criteria": NC_("field", "criteria"),
    "criterion": NC_("field", "criterion"),
    "cut_off": NC_("field", "figures as of"),
    "cycle": NC_("field", "cycle"),
    "days_before": NC_("field", "days before"),
    "deadlines": NC_("field", "deadlines"),
    "decision": NC_("field", "decision"),
    "discussion": NC_("field", "discussion"),
    "document": NC_("field", "document"),
    "done": NC_("field", "done"),
    "draft_version": NC_("field", "version of the draft"),
    "due": NC_("field", "due"),
    "duty": NC_("field", "task"),
    "edition": NC_("field", "rules edition"),
    "editions": NC_("field", "rules editions"),
    "effective": NC_("field", "in force from"),
    "email": NC_("field", "mail address"),
    "entitled": NC_("field", "entitled to vote"),
    "epoch": NC_("field", "writer epoch"),
    "evidence": NC_("field", "evidence"),
    "exactness": NC_("field", "how exact"),
    "fields": NC_("field", "what the act says"),
    "findings": NC_("field", "findings"),
    "for_person": NC_("field", "absent person"),
    "given_by": NC_("field", "given by"),
    "gone": NC_("field", "units that end"),
    "grants": NC_("field", "awards granted"),
    "group": NC_("field", "people together, in words"),
    "guests": NC_("field", "guests"),
    "handed_out": NC_("field", "papers handed out"),
    "handed_to": NC_("field", "handed to"),
    "happened": NC_("field", "happened on"),
    "hands": NC_("field", "who prepared, approved and signed"),
    "held": NC_("field", "in person or online"),
    "holder": NC_("field", "unit that takes the role"),
    "host": NC_("field", "hosting unit"),
    "id": NC_("field", "id"),
    "indicators": NC_("field", "indicators"),
    "inferred_from": NC_("field", "inferred from"),
    "installation": NC_("field", "installation"),
    "instead": NC_("field", "what should have been entered"),
    "into": NC_("field", "becomes"),
    "issued": NC_("field", "issued on"),
    "issuer": NC_("field", "issued by"),
    "key": NC_("field", "deviation from the rules"),
    "kind": NC_("field", "kind"),
    "left_out": NC_("field", "what the file leaves out"),
    "law": NC_("field", "law of the program"),
    "letter": NC_("field", "letter"),
    "level": NC_("field", "level of the cluster"),
    "listed": NC_("field", "listed"),
    "manner": NC_("field", "manner"),
    "max": NC_("field", "at most"),
    "measure": NC_("field", "unit of measure"),
    "meeting": NC_("field", "at the meeting"),
    "meetings": NC_("field", "meetings"),
    "met": NC_("field", "conditions met"),
    "method": NC_("field", "how the vote is taken"),
    "minutes": NC_("field", "minutes"),
    "misprints": NC_("field", "misprints"),
    "name": NC_("field", "name"),
    "names": NC_("field", "names on the paper"),
    "next": NC_("field", "next year"),
    "notes": NC_("field", "notes"),
    "notice": NC_("field", "notice"),
    "now": NC_("field", "it is now"),
    "number": NC_("field", "number"),
    "object": NC_("field", "object"),
    "of": NC_("field", "of act number"),
    "of_year": NC_("field", "meeting of another year"),
    "office": NC_("field", "office held"),
    "on": NC_("field", "on which draft"),
    "papers": NC_("field", "other papers of the meeting"),
    "paragraph": NC_("field", "paragraph"),
    "online": NC_("field", "held online"),
    "opened_by": NC_("field", "opened by"),
    "organiser": NC_("field", "organiser"),
    "organiser_name": NC_("field", "name of the organiser"),
    "origin": NC_("field", "checkpoints of"),
    "outside": NC_("field", "bodies outside the cluster"),
    "overseer": NC_("field", "overseer"),
    "pairs": NC_("field", "who checks whom"),
    "paper": NC_("field", "paper"),
    "people": NC_("field", "people"),
    "person": NC_("field", "person"),
    "phone": NC_("field", "telephone"),
    "place": NC_("field", "place"),
    "places": NC_("field", "places"),
    "places_per_unit": NC_("field", "places of each unit"),
    "plan": NC_("field", "plan of the year"),
    "points": NC_("field", "points"),
    "polled": NC_("field", "polled in writing"),
    "postponed_from": NC_("field", "postponed from"),
    "predecessors": NC_("field", "goes on from"),
    "present": NC_("field", "present"),
    "presented_by": NC_("field", "presented by"),
    "presenters": NC_("field", "presenters"),
    "public_key": NC_("field", "public key"),
    "published": NC_("field", "published on"),
    "rank": NC_("field", "rank"),
    "reason": NC_("field", "reason"),
    "receipt": NC_("field", "receipt"),
    "recipients": NC_("field", "recipients"),
    "regrouped": NC_("field", "why clusters were regrouped"),
    "rehearsal": NC_("field", "for rehearsal"),
    "rehearsed": NC_("field", "rehearsed"),
    "reissues": NC_("field", "re-issue of version"),
    "report": NC_("field", "report"),
    "resolutions": NC_("field", "resolutions"),
    "role": NC_("field", "role"),
    "round": NC_("field", "round"),
    "rounds": NC_("field", "rounds of scoring"),
    "salts": NC_("field", "salts"),
    "says": NC_("field", "says"),
    "scale": NC_("field", "out of"),
    "sender": NC_("field", "sender"),
    "sheet": NC_("field", "score sheet"),
    "signatories": NC_("field", "who prepared, approved and signed"),
    "since": NC_("field", "since"),
    "source": NC_("field", "source"),
    "sources": NC_("field", "sources"),
    "spoiled": NC_("field", "spoiled papers"),
    "stance": NC_("field", "stance"),
    "stands_in_for": NC_("field", "stands in for"),
    "starts": NC_("field", "starts"),
    "stated": NC_("field", "stated number"),
    "subject": NC_("field", "subject"),
    "submission": NC_("field", "submission"),
    "successors": NC_("field", "units that go on"),
    "target": NC_("field", "target"),
    "targets": NC_("field", "targets"),
    "team": NC_("field", "team"),
    "tellers": NC_("field", "tellers"),
    "term": NC_("field", "term"),
    "text": NC_("field", "text"),
    "title": NC_("field", "title"),
    "titles": NC_("field", "titles"),
    "to": NC_("field", "class"),
    "told": NC_("field", "what the sources say"),
    "took_part": NC_("field", "units that took part"),
    "total": NC_("field", "total"),
    "totals": NC_("field", "totals"),
    "trusted_until": NC_("field", "trusted up to position"),
    "unclear": NC_("field", "people of unclear capacity"),
    "unit": NC_("field", "unit"),
    "units": NC_("field", "units"),
    "unnamed": NC_("field", "units not named"),
    "unnamed_kinds": NC_("field", "kinds of units not named"),
    "until": NC_("field", "until"),
    "version": NC_("field", "number of the act"),
    "versions": NC_("field", "numbers of the acts"),
    "votes": NC_("field", "votes"),
    "what": NC_("field", "what"),
    "why": NC_("field", "why"),
    "witnesses": NC_("field", "witnesses"),
    "words": NC_("field", "in words"),
    "year": NC_("field", "year"),
    "year_is_right": NC_("field", "confirmation of the year"),
    "year_plan": NC_("field", "year plan"),
}
"""The context keeps a label apart from the same words elsewhere."""

FIELDS_OF_ACTS: Mapping[str, Mapping[str, str]] = {
    "CommentAdded": {"number": NC_("field", "comment number")},
    "CommentWithdrawn": {"number": NC_("field", "comment number")},
    "ComplaintAnswered": {"number": NC_("field", "complaint number")},
    "ComplaintFiled": {"number": NC_("field", "complaint number")},
    "DeadlinePassed": {"subject": NC_("field", "unit that it is about")},
    "KeyNamed": {"holder": NC_("field", "where it is used"), "role": NC_("field", "what it signs")},
    "StanceTaken": {"number": NC_("field", "version of the draft")},
    "UnitReminded": {"subject": NC_("field", "unit that it is about")},
    "answer-complaint": {"number": NC_("field", "complaint number")},
    "answer-letter": {"by": NC_("field", "who answers")},
    "comment": {"by": NC_("field", "who comments")},
    "cross-check": {"by": NC_("field", "unit that checks")},
    "file-complaint": {"by": NC_("field", "who complains")},
    "mark-overdue": {"subject": NC_("field", "unit that it is about")},
    "record-ballot": {"took_part": NC_("field", "units that took part: all of them, or none")},
    "record-meeting": {"by": NC_("field", "who presented")},
    "remind": {"subject": NC_("field", "unit that it is about")},
    "score-round": {"by": NC_("field", "who scores")},
    "sign": {"number": NC_("field", "version that is signed")},
    "sign-jointly": {"number": NC_("field", "version that is signed")},
    "take-stance": {"number": NC_("field", "version of the draft")},
    "withdraw-comment": {"number": NC_("field", "comment number")},
}
"""By the name of an act or an event: its fields whose label is another one than that of the same field elsewhere."""


_ENTRIES: Mapping[str, str] = {
    "acts": NC_("entry", "act"),
    "awards": NC_("entry", "kind of award"),
    "chairs": NC_("entry", "chair"),
    "children": NC_("entry", "part"),
    "choices": NC_("entry", "choice"),
    "clusters": NC_("entry", "cluster"),
    "criteria": NC_("entry", "criterion"),
    "deadlines": NC_("entry", "deadline"),
    "grants": NC_("entry", "award"),
    "guests": NC_("entry", "guest"),
    "meetings": NC_("entry", "meeting"),
    "pairs": NC_("entry", "pair"),
    "people": NC_("entry", "person"),
    "places": NC_("entry", "place"),
    "present": NC_("entry", "participant"),
    "rounds": NC_("entry", "round"),
    "sheet": NC_("entry", "line of the score sheet"),
    "sources": NC_("entry", "source"),
    "targets": NC_("entry", "target"),
    "titles": NC_("entry", "title"),
    "totals": NC_("entry", "total"),
    "units": NC_("entry", "unit"),
    "witnesses": NC_("entry", "witness"),
}
"""What one entry of a list is called, by the field that holds the list."""

_PATH = re.compile(r"(?!.*\.(?:ya?ml|json|csv|xlsx|txt)$)[A-Za-z_][A-Za-z0-9_]*(?:\.[\w -]+)*")
"""A path of names and numbers; no name of a file."""

_DATED = frozenset({"meetings", "acts"})
"""Entries whose `on` is the day; elsewhere it is the draft that something is about."""


def place_in_words(path: str) -> str:
    """Where in a form, an act or a file something is wrong: `clusters.1.units.3.name` is "cluster 2, unit 4, name".

    Entries are counted from 1. What is no path, such as a word that the caller has chosen, stays.
    """
    if not _PATH.fullmatch(path):
        return path
    words: list[str] = []
    parts, inside = path.split("."), ""
    for name, following in zip(parts, [*parts[1:], ""], strict=True):
        if whole_number(name) is not None:
            continue
        number = whole_number(following)
        words.append(
            _place("_on" if name == "on" and inside in _DATED else name, None if number is None else number + 1)
        )
        inside = name
    return ", ".join(words)


def _place(name: str, number: int | None) -> str:
    if number is not None and name in _ENTRIES:
        return _("{label} {number}").format(label=_(_ENTRIES[name]), number=number)
    # What has no label is a word that the writer of a file typed: it is quoted.
    label = label_inside(name) if name in FIELDS else f"`{name}`"
    return label if number is None else _("{label}, entry {number}").format(label=label, number=number)


def path_label(path: str) -> str:
    """The label of the field that a path ends in, such as `by.unit` or `sheet.0.points`."""
    names = [part for part in path.split(".") if part and whole_number(part) is None]
    name = names[-1] if names else path
    return field_label(name if name in FIELDS else name.lstrip("_"))


def field_label(name: str, act: str = "") -> str:
    """The label of a field, of a certain act or event if named, with a capital; one without a label by its name."""
    label = FIELDS_OF_ACTS.get(act, {}).get(name) or FIELDS.get(name)
    text = _(label) if label else name
    return text[:1].upper() + text[1:]


def label_of_one(label: str) -> str:
    """The label of a list as it stands at one of its rows: Vietnamese marks the plural by a word before it."""
    one = label.removeprefix("Các ")
    return one[:1].upper() + one[1:]


def label_inside(name: str) -> str:
    """The label of a field as it stands inside a sentence: without a capital."""
    label = field_label(name)
    return label[:1].lower() + label[1:]
