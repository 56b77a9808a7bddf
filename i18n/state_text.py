"""What stood at a moment, in lines that an auditor reads: each with how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from domain.cycle import State, members_and_organiser
from domain.deviations import Deviation
from domain.steps.signing import Signing
from i18n import _
from i18n.messages import day, label, number, shown, word
from i18n.timeline import voice


def state_lines(
    state: State,
    texts: Mapping[str, str],
    people: Mapping[str, str] | None = None,
    sure: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """What stood at that moment: members, roles, stances, signatures, letters, results, each with how sure it is.

    `sure` tells it by the name of the event, for what the state keeps without it.
    """
    names = {**(people or {}), **members_and_organiser(state)}
    yield from _membership(state, names)
    for taken in (*state.comments.collective_stances, *state.comments.stances.values()):
        yield f"{names.get(taken.by, taken.by)}: {word(taken.stance)} ({word(taken.sureness)})"
    for comment in state.comments.comments.values():
        if not comment.withdrawn:
            asked = f"{_('asks for a change')}: " if comment.asks_for_change else ""
            yield f"{voice(comment.by, names)}: {asked}{texts.get(comment.text, '…')} ({word(comment.sureness)})"
    yield from _signatures(state.signing, "covenant", names)
    if state.term_signing.first_signed is not None:
        yield from _signatures(state.term_signing, "term-covenant", names)
    if state.signing.witnesses:
        witnesses = "; ".join(voice(one, names) for one in state.signing.witnesses)
        yield _("Witnesses: {witnesses}.").format(witnesses=witnesses)
    for id_, letter in state.letters.letters.items():
        answered = _("answered") if state.letters.settled(id_) else _("not answered")
        yield f"{word(letter.event.kind)} {id_}: {answered} ({word(letter.sureness)})"
    for unit in state.targets.registrations:
        yield f"{names.get(unit, unit)}: {word(state.targets.registration_status(unit))}" + _mark(
            sure, "TargetsRegistered"
        )
    for one in state.targets.results:
        told = one.event
        whose = names.get(told.unit, told.unit) if told.unit else _("the whole cluster")
        amount = word(told.amount) if isinstance(told.amount, str) else number(told.amount)
        yield f"{whose}, {told.title}: {word(told.exactness)} {amount} {told.measure} ({word(one.sureness)})"
    yield from _papers_and_meetings(state, names)
    yield from _reports_and_scores(state, names)
    yield from _conclusion(state, names, sure)


def _papers_and_meetings(state: State, names: Mapping[str, str]) -> Iterator[str]:
    for kind, versions in state.drafts.items():
        for one in versions:
            title = one.document.title or one.document.number or ""
            yield f"{word(kind)}, {_('version {number}').format(number=one.number)}: {title} ({word(one.sureness)})"
    for held in state.meetings.values():
        name = held.event.name or word(held.event.kind)
        host = f", {names.get(held.event.host, held.event.host)}" if held.event.host else ""
        yield f"{name}: {day(held.when.day)}{host} ({word(held.sureness)})"


def _reports_and_scores(state: State, names: Mapping[str, str]) -> Iterator[str]:
    for unit, report in state.midyear.items():
        stands = _("accepted") if report.accepted else _("sent back") if report.asked else _("handed in")
        yield f"{names.get(unit, unit)}, {label('duty', 'midyear-report')}: {stands} ({word(report.sureness)})"
    for (unit, round_), scored in state.scores.items():
        points = [item.points for item in scored.sheet if item.points is not None]
        total = number(sum(points, Decimal(0))) if points else "-"
        yield f"{names.get(unit, unit)}, {word(round_)}: {total} ({word(scored.sureness)})"


def _conclusion(state: State, names: Mapping[str, str], sure: Mapping[str, str] | None) -> Iterator[str]:
    ended = state.conclusion
    for place in ended.ranking:
        line = f"{_('rank')} {place.rank}: {names.get(place.unit, place.unit)} ({number(place.total)})"
        yield line + _mark(sure, "UnitsRanked")
    for unit, award in ended.nominations:
        yield f"{_('Nominated')}: {names.get(unit, unit)}, {award}" + _mark(sure, "UnitNominated")
    for role, unit in ended.next.items():
        line = _("Next {role}: {unit}").format(role=word(role), unit=names.get(unit) or word(unit))
        yield line + _mark(sure, "NextChosen")
    if ended.submitted is not None:
        yield f"{_('Submitted')}: {day(ended.submitted.day)}" + _mark(sure, "NominationsSubmitted")
    if ended.decided is not None:
        yield f"{_('Decided')}: {day(ended.decided.day)}" + _mark(sure, "AwardsDecided")
    for grant in ended.grants:
        yield f"{_('Decided')}: {names.get(grant.unit, grant.unit)}, {grant.award}" + _mark(sure, "AwardsDecided")
    if ended.published is not None:
        published = _("Published on {day}").format(day=day(ended.published.day))
        yield published + _mark(sure, "ResultsPublished")


def _mark(sure: Mapping[str, str] | None, event: str) -> str:
    return f" ({word(sure[event])})" if sure and event in sure else ""


def _membership(state: State, names: Mapping[str, str]) -> Iterator[str]:
    members = "; ".join(names.get(unit, unit) for unit in state.membership.members())
    yield _("members: {units}").format(units=members or "-")
    for role, held in state.membership.terms.items():
        for term in held:
            until = f" - {day(term.until)}" if term.until is not None else ""
            holder = names.get(term.holder) or word(term.holder)
            yield f"{word(role)}: {holder} ({word(term.manner)}), {day(term.since)}{until} ({word(term.sureness)})"


def _signatures(signing: Signing, covenant: str, names: Mapping[str, str]) -> Iterator[str]:
    signed = signing.signatures
    kinds = ", ".join(f"{word(kind)} {n}" for kind, n in sorted(Counter(s.sureness for s in signed.values()).items()))
    of_it = "" if covenant == "covenant" else f" ({word(covenant)})"
    yield _("signatures: {count} ({kinds})").format(count=len(signed), kinds=kinds or "-") + of_it
    if signing.unnamed == "unknown":
        yield _("  and others, nobody says how many")
    elif signing.unnamed:
        yield _("  and {count} units that the source does not name").format(count=signing.unnamed)
    if signed:
        yield "  " + "; ".join(names.get(unit, unit) for unit in signed)


def deviation_text(one: Deviation, names: Mapping[str, str], sure: Mapping[date, str] | None = None) -> str:
    """A deviation in one line: what, which article or a remark, about whom, whether settled, how sure by its day."""
    given = {name: fact for name, fact in one.facts.items() if fact not in {"", None}}
    facts = ", ".join(
        f"{word(name)}: {fact}" if isinstance(fact, int) else shown(name, fact, names) for name, fact in given.items()
    )
    certain = word(sure[one.on]) if sure and one.on is not None and one.on in sure else ""
    marks = "".join(f" ({mark})" for mark in (facts, _("settled") if one.settled else "", certain) if mark)
    return f"{word(one.code)}: {one.article or _('remark')}{marks}"
