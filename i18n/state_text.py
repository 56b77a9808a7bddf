"""The state of a cycle as lines of text, for auditors, and deviations in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.deviations import Deviation
from domain.file_references import with_file_names
from domain.joint_acts import JointAct
from domain.obligations import is_past_year
from domain.parties import Section
from domain.records import Event
from domain.state import State, members_and_organiser
from domain.steps.conclusion import (
    AwardsDecided,
    NextChosen,
    NominationsSubmitted,
    ResultsPublished,
    TotalsRecorded,
    UnitNominated,
    UnitsRanked,
)
from domain.steps.meetings import MeetingHeld, MeetingTold
from domain.steps.membership import OverseerNamed
from domain.steps.signing import Signing
from domain.steps.targets import TargetsRegistered
from domain.times import ICT, When, day_ending
from domain.titles import title_key, titles_of_acts
from domain.types import Document
from domain.units import Unnamed
from i18n import _, ngettext
from i18n.fields import field_label, label_inside
from i18n.messages import day, number, shown, word
from i18n.values import (
    Words,
    award_title,
    meeting_told,
    person_named,
    quantity,
    round_title,
    target_told,
    title_told,
    total_told,
    unnamed_units,
    voice,
    vote_subject,
)


@dataclass(frozen=True, slots=True)
class _Summary:
    """What the sections of a summary are made from.

    `names` are those of units and persons by id, `texts` the free texts by digest. `sure` has the sureness by event
    type, for facts that the state keeps without it.
    """

    state: State
    names: Mapping[str, str]
    texts: Mapping[str, str]
    sure: Mapping[str, str]

    @property
    def words(self) -> Words:
        """What values are written with."""
        return Words(self.names, self.texts)

    def award(self, award: str) -> str:
        return award_title(award, self.names)

    def name(self, unit: str) -> str:
        return self.names.get(unit, unit)

    def mark(self, event: type[Event]) -> str:
        """The sureness of an event type, to stand behind a fact; "" where it is not known."""
        return f" ({word('sureness', self.sure[event.NAME])})" if event.NAME in self.sure else ""


def state_lines(
    state: State,
    texts: Mapping[str, str],
    people: Mapping[str, str] | None = None,
    sure: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The facts of a state in lines: members, roles, stances, signatures, letters, results, each with how sure it is.

    `texts` are the free texts by digest, `people` the names of persons by id, and the titles of `domain.titles`. `sure`
    has the sureness by event type, for facts that the state keeps without it.
    """
    names = {**(people or {}), **members_and_organiser(state), **titles_of_acts(state)}
    summary = _Summary(state, names, texts, sure or {})
    for section in Section:
        yield from map(with_file_names, _SECTIONS[section](summary))


def registered_aims(state: State, unit: str, words: Words) -> str:
    """The titles and targets that a unit registered, with amounts; "" where only a joint act tells of it."""
    registration = state.targets.registrations.get(unit)
    if registration is None:
        return ""
    event = registration.event
    return "; ".join((*event.titles, *(target_told(one, words) for one in event.targets)))


def _document(document: Document | None) -> Iterator[str]:
    if document is not None and (title := " ".join(filter(None, (document.number, title_told(document.title or ""))))):
        yield title


def _sureness(fact: Any) -> str:
    return word("sureness", fact.sureness)


def _members(on: _Summary) -> Iterator[str]:
    members = "; ".join(on.name(unit) for unit in on.state.membership.members())
    yield _("members: {units}").format(units=members or "-")
    lifecycle = on.state.lifecycle
    if lifecycle.unnamed is not None:
        kinds = ", ".join(f"{_count(one.count)} {one.kind}" for one in lifecycle.unnamed_kinds)
        others = unnamed_units(lifecycle.unnamed) + (f" ({kinds})" if kinds else "")
        yield "  " + _("and {others}").format(others=others)
    if lifecycle.level is not None:
        yield _("level: {level}").format(level=word("level", lifecycle.level))
    if lifecycle.regrouped is not None:
        yield _("clusters were regrouped: {why}").format(why=lifecycle.regrouped)
    for role, held in on.state.membership.terms.items():
        for term in held:
            until = f" - {day(day_ending(term.until))}" if term.until is not None else ""
            holder = on.names.get(term.holder) or word("holder", term.holder)
            manner = word("manner", term.manner)
            since = day(term.begun or term.since)
            more = [f"{label_inside('stands_in_for')}: {on.name(term.stands_in_for)}"] if term.stands_in_for else []
            more += [f"{label_inside('basis')}: {one}" for one in _document(term.basis)]
            facts = "".join(f"; {one}" for one in more)
            yield f"{word('role', role)}: {holder} ({manner}), {since}{until}{facts} ({_sureness(term)})"
    if not on.state.membership.terms.get("head"):
        yield f"{word('role', 'head')}: {word('holder', 'unknown')}"
    if on.state.membership.overseer is not None:
        overseer = person_named(on.state.membership.overseer, on.names)
        yield f"{field_label('overseer')}: {overseer}" + on.mark(OverseerNamed)


def _count(count: Unnamed) -> str:
    return word("amount", count) if isinstance(count, str) else str(count)


def _stances(on: _Summary) -> Iterator[str]:
    for taken in (*on.state.comments.collective_stances, *on.state.comments.stances.values()):
        version = "" if taken.number is None else ", " + _("version {number}").format(number=taken.number)
        draft = "" if taken.on is None else f" ({word('draft', taken.on)}{version})"
        text = "" if taken.text is None else f": {on.texts.get(taken.text, '…')}"
        yield f"{on.name(taken.by)}: {word('stance', taken.stance)}{draft}{text} ({_sureness(taken)})"


def _comments(on: _Summary) -> Iterator[str]:
    for comment in on.state.comments.comments.values():
        if not comment.withdrawn:
            asked = f"{_('asks for a change')}: " if comment.asks_for_change else ""
            yield f"{voice(comment.by, on.names)}: {asked}{on.texts.get(comment.text, '…')} ({_sureness(comment)})"


def _signatures(on: _Summary) -> Iterator[str]:
    yield from _signatures_of(on.state.signing, "covenant", on.names)
    if on.state.term_signing.first_signed is not None:
        yield from _signatures_of(on.state.term_signing, "term-covenant", on.names)


def _signatures_of(signing: Signing, covenant: str, names: Mapping[str, str]) -> Iterator[str]:
    signed = signing.signatures
    by_sureness = sorted(Counter(one.sureness for one in signed.values()).items())
    kinds = ", ".join(f"{word('sureness', sureness)} {count}" for sureness, count in by_sureness)
    which = "" if covenant == "covenant" else f" ({word('covenant', covenant)})"
    yield _("signatures: {count} ({kinds})").format(count=len(signed), kinds=kinds or "-") + which
    if signing.unnamed == "unknown":
        yield _("  and others; the source does not say how many")
    elif signing.unnamed:
        yield ngettext(
            "  and {count} unit that the source does not name",
            "  and {count} units that the source does not name",
            signing.unnamed,
        ).format(count=signing.unnamed)
    if signed:
        yield "  " + "; ".join(names.get(unit, unit) for unit in signed)


def _witnesses(on: _Summary) -> Iterator[str]:
    if on.state.signing.witnesses:
        witnesses = "; ".join(voice(one, on.names) for one in on.state.signing.witnesses)
        yield _("Witnesses: {witnesses}.").format(witnesses=witnesses)


def _letters(on: _Summary) -> Iterator[str]:
    for id_, letter in on.state.letters.letters.items():
        title = on.names.get(title_key("letter", id_), "")
        kind = word("letter", letter.event.kind)
        yield f"{kind} {title}".rstrip() + f": {_answer(id_, on.state)} ({_sureness(letter)})"


def _answer(letter: str, state: State) -> str:
    """How far a letter is answered, in words: it need not ask for an answer, and a source need not tell of one."""
    if state.letters.settled(letter):
        return _("answered")
    if not state.letters.asks_for_answer(letter):
        return _("asks for no answer")
    return _("no source tells of an answer") if is_past_year(state) else _("not answered")


def _registrations(on: _Summary) -> Iterator[str]:
    for unit in on.state.targets.registrations:
        status = word("registration", on.state.targets.registration_status(unit))
        aims = registered_aims(on.state, unit, on.words)
        yield f"{on.name(unit)}: {status}{f': {aims}' if aims else ''}" + on.mark(TargetsRegistered)
    yield from _unnamed_acts("registration", word("registration", "registered"), on)


def _unnamed_acts(act: JointAct, done: str, on: _Summary) -> Iterator[str]:
    """What units did together that no source names."""
    for one in on.state.together.get(act, ()):
        yield f"{unnamed_units(one.unnamed)}: {done}"


def _results(on: _Summary) -> Iterator[str]:
    for one in on.state.targets.results:
        result = one.event
        whose = on.name(result.unit) if result.unit else _("the whole cluster")
        amount = quantity(result.amount, result.exactness, result.measure)
        yield f"{whose}, {result.title}: {amount} ({_sureness(one)})"


def _drafts(on: _Summary) -> Iterator[str]:
    for kind, versions in on.state.drafts.items():
        for one in versions:
            title = one.document.title or one.document.number or ""
            version = _("version {number}").format(number=one.number)
            yield f"{word('draft', kind)}, {version}: {title} ({_sureness(one)})"


def _meetings(on: _Summary) -> Iterator[str]:
    for held in on.state.meetings.values():
        told = meeting_told(MeetingTold(held.event.kind, held.event.also, held.event.held))
        name = f"{held.event.name} ({told})" if held.event.name and held.event.also else held.event.name or told
        of = "" if held.event.of_year is None else " " + _("of the year {year}").format(year=held.event.of_year)
        host = f", {on.name(held.event.host)}" if held.event.host else ""
        yield f"{name}{of}: {day(held.when)}{host}{_attendance(held.event)} ({_sureness(held)})"


def _attendance(meeting: MeetingHeld) -> str:
    if meeting.attendance is None:
        return ""
    exactness = "" if meeting.attendance_exactness == "exact" else f"{word('exactness', meeting.attendance_exactness)} "
    return ", " + _("present: {count}").format(count=f"{exactness}{number(Decimal(meeting.attendance))}")


def _midyear_reports(on: _Summary) -> Iterator[str]:
    for unit, report in on.state.midyear.items():
        status = _("accepted") if report.accepted else _("sent back") if report.asked else _("handed in")
        yield f"{on.name(unit)}, {word('duty', 'midyear-report')}: {status} ({_sureness(report)})"
    yield from _unnamed_acts("midyear-report", f"{word('duty', 'midyear-report')}, {_('handed in')}", on)


def _scores(on: _Summary) -> Iterator[str]:
    for (unit, round_), scored in on.state.scores.items():
        points = [item.points for item in scored.sheet if item.points is not None]
        total = number(sum(points, Decimal(0))) if points else "-"
        yield f"{on.name(unit)}, {round_title(round_, on.names)}: {total} ({_sureness(scored)})"
    yield from _unnamed_acts("self-score", word("round", "self"), on)


def _totals(on: _Summary) -> Iterator[str]:
    """Totals that were read out, and out of how many points."""
    for round_, totals in on.state.conclusion.totals.items():
        read_out = "; ".join(total_told(one, on.words) for one in totals)
        scale = on.state.conclusion.scales.get(round_)
        out_of = "" if scale is None else f"; {label_inside('scale')}: {number(scale)}"
        yield f"{label_inside('totals')}, {round_title(round_, on.names)}: {read_out}{out_of}" + on.mark(TotalsRecorded)


def _ranking(on: _Summary) -> Iterator[str]:
    for place in on.state.conclusion.ranking:
        yield f"{_('rank')} {place.rank}: {on.name(place.unit)} ({number(place.total)})" + on.mark(UnitsRanked)


def _nominations(on: _Summary) -> Iterator[str]:
    for unit, award in on.state.conclusion.nominations:
        yield f"{_('Nominated')}: {on.name(unit)}, {on.award(award)}" + on.mark(UnitNominated)


def _next_roles(on: _Summary) -> Iterator[str]:
    for role, unit in on.state.conclusion.next.items():
        holder = on.names.get(unit) or word("holder", unit)
        chosen = _("Next {role}: {unit}").format(role=word("role", role), unit=holder)
        yield f"{chosen} ({word('manner', on.state.conclusion.manners[role])})" + on.mark(NextChosen)


def _submission(on: _Summary) -> Iterator[str]:
    if on.state.conclusion.submitted is not None:
        yield f"{_('Submitted')}: {day(on.state.conclusion.submitted)}" + on.mark(NominationsSubmitted)


def _decision(on: _Summary) -> Iterator[str]:
    if on.state.conclusion.decided is not None:
        yield f"{_('Decided')}: {day(on.state.conclusion.decided)}" + on.mark(AwardsDecided)
    for grant in on.state.conclusion.grants:
        yield f"{_('Decided')}: {on.name(grant.unit)}, {on.award(grant.award)}" + on.mark(AwardsDecided)


def _publication(on: _Summary) -> Iterator[str]:
    if on.state.conclusion.published is not None:
        published = _("Published on {day}").format(day=day(on.state.conclusion.published))
        yield published + on.mark(ResultsPublished)


_SECTIONS: Mapping[Section, Callable[[_Summary], Iterator[str]]] = {
    Section.MEMBERS: _members,
    Section.STANCES: _stances,
    Section.COMMENTS: _comments,
    Section.SIGNATURES: _signatures,
    Section.WITNESSES: _witnesses,
    Section.LETTERS: _letters,
    Section.REGISTRATIONS: _registrations,
    Section.RESULTS: _results,
    Section.DRAFTS: _drafts,
    Section.MEETINGS: _meetings,
    Section.MIDYEAR_REPORTS: _midyear_reports,
    Section.SCORES: _scores,
    Section.TOTALS: _totals,
    Section.RANKING: _ranking,
    Section.NOMINATIONS: _nominations,
    Section.NEXT_ROLES: _next_roles,
    Section.SUBMISSION: _submission,
    Section.DECISION: _decision,
    Section.PUBLICATION: _publication,
}
"""The lines of each section."""


def deviation_text(one: Deviation, names: Mapping[str, str], sure: Mapping[When, str] | None = None) -> str:
    """A deviation in one line: what, the article or "remark", the facts, whether it is settled, how sure it is.

    `sure` has the sureness by date.
    """
    sureness = word("sureness", sure[one.on]) if sure and one.on is not None and one.on in sure else ""
    marks = [mark for mark in (_("settled") if one.settled else "", sureness) if mark]
    if one.code == _LATE:
        return _late(one, names, one.article) + "".join(f" ({mark})" for mark in marks)
    facts = _facts(one, names)
    ending = "".join(f" ({mark})" for mark in (facts, *marks) if mark)
    return f"{word('deviation', one.code)}: {one.article or _('remark')}{ending}"


def deviation_told(one: Deviation, names: Mapping[str, str]) -> str:
    """What a deviation is, with its facts: the article and its state stand beside it."""
    if one.code == _LATE:
        return _late(one, names, None)
    facts = _facts(one, names)
    return f"{word('deviation', one.code)} ({facts})" if facts else word("deviation", one.code)


def says_its_day(code: str) -> bool:
    """Whether a deviation in words names its date itself."""
    return code == _LATE


_LATE = "late_act"


def _late(one: Deviation, names: Mapping[str, str], article: str | None) -> str:
    """Who did what when, how late, due when, by which article."""
    facts, due = one.facts, str(one.facts["due"])
    unnamed = facts.get("unnamed")
    who = unnamed_units(unnamed if isinstance(unnamed, int) else str(unnamed)) if unnamed else str(facts["unit"])
    subject = str(facts.get("subject") or "")
    days = _days_late(one.on, due)
    text = _("{unit}: {duty} on {day}, {late} (due {due})")
    return text.format(
        unit=names.get(who, who),
        duty=word("duty", facts["duty"]) + (f" ({names.get(subject, subject)})" if subject else ""),
        day=day(one.on) if one.on is not None else "?",
        late=ngettext("late by {count} day", "late by {count} days", days).format(count=days)
        if days
        else _("too late"),
        due="; ".join((day(due), *([article] if article else []))),
    )


def _days_late(on: When | None, due: str) -> int:
    """How many days after its last day something was done; 0 where its day is not known."""
    if on is None or day_ending(on.latest) != on.earliest.astimezone(ICT).date():
        return 0
    return (day_ending(on.latest) - date.fromisoformat(due)).days


def _facts(one: Deviation, names: Mapping[str, str]) -> str:
    told = {name: fact for name, fact in one.facts.items() if fact not in {"", None, 0}}
    return ", ".join(_fact(one.code, name, fact, names) for name, fact in told.items())


def _fact(code: str, name: str, fact: object, names: Mapping[str, str]) -> str:
    if name == "unnamed":
        return unnamed_units(fact if isinstance(fact, int) else str(fact))
    if isinstance(fact, int):
        return f"{word('deviation_count', name)}: {fact}"
    if (show := _SHOWN.get(name)) is not None:
        return show(str(fact), names)
    if name == "subject" and code in _ON_VOTES:
        return vote_subject(str(fact), names)
    if code == "voted_otherwise":
        return word("vote_method", fact)
    if name == "kind" and code in _KINDS:
        return word(_KINDS[code], fact)
    if code.endswith("_unusual"):
        text = _("usual from {day}") if name == "first" else _("until {day}")
        return text.format(day=shown(name, fact, names))
    return shown(name, fact, names)


_SHOWN: Mapping[str, Callable[[str, Mapping[str, str]], str]] = {
    "award": award_title,
    "ballot": lambda ballot, names: vote_subject(names.get(title_key("ballot", ballot), ""), names),
    "letter": lambda letter, names: names.get(title_key("letter", letter)) or _("a letter"),
    "round": round_title,
}
"""How the facts are shown that are ids."""

_ON_VOTES = frozenset({"not_carried", "vote_tied"})

_KINDS: Mapping[str, str] = {"letter_unanswered": "letter", "meeting_unusual": "meeting"}
"""The kind of word that the fact `kind` is, by the code of the deviation."""
