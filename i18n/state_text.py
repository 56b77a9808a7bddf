"""The state of a cycle as lines of text, for auditors, and deviations in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from domain.cycle import State, members_and_organiser
from domain.deviations import Deviation
from domain.steps.signing import Signing
from i18n import _, ngettext
from i18n.messages import day, number, shown, word
from i18n.timeline import voice


def state_lines(
    state: State,
    texts: Mapping[str, str],
    people: Mapping[str, str] | None = None,
    sure: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The facts of a state in lines: members, roles, stances, signatures, letters, results, each with how sure it is.

    `texts` are the free texts by digest, `people` the names of persons by id. `sure` has the sureness by event type,
    for facts that the state keeps without it.
    """
    names = {**(people or {}), **members_and_organiser(state)}
    yield from _membership(state, names)
    for taken in (*state.comments.collective_stances, *state.comments.stances.values()):
        yield f"{names.get(taken.by, taken.by)}: {word('stance', taken.stance)} ({_sureness(taken)})"
    for comment in state.comments.comments.values():
        if not comment.withdrawn:
            asked = f"{_('asks for a change')}: " if comment.asks_for_change else ""
            yield f"{voice(comment.by, names)}: {asked}{texts.get(comment.text, '…')} ({_sureness(comment)})"
    yield from _signatures(state.signing, "covenant", names)
    if state.term_signing.first_signed is not None:
        yield from _signatures(state.term_signing, "term-covenant", names)
    if state.signing.witnesses:
        witnesses = "; ".join(voice(one, names) for one in state.signing.witnesses)
        yield _("Witnesses: {witnesses}.").format(witnesses=witnesses)
    for id_, letter in state.letters.letters.items():
        answered = _("answered") if state.letters.settled(id_) else _("not answered")
        yield f"{word('letter', letter.event.kind)} {id_}: {answered} ({_sureness(letter)})"
    for unit in state.targets.registrations:
        status = word("registration", state.targets.registration_status(unit))
        yield f"{names.get(unit, unit)}: {status}" + _mark(sure, "TargetsRegistered")
    for one in state.targets.results:
        result = one.event
        whose = names.get(result.unit, result.unit) if result.unit else _("the whole cluster")
        amount = word("amount", result.amount) if isinstance(result.amount, str) else number(result.amount)
        exactness = word("exactness", result.exactness)
        yield f"{whose}, {result.title}: {exactness} {amount} {result.measure} ({_sureness(one)})"
    yield from _papers_and_meetings(state, names)
    yield from _reports_and_scores(state, names)
    yield from _conclusion(state, names, sure)


def _papers_and_meetings(state: State, names: Mapping[str, str]) -> Iterator[str]:
    for kind, versions in state.drafts.items():
        for one in versions:
            title = one.document.title or one.document.number or ""
            version = _("version {number}").format(number=one.number)
            yield f"{word('draft', kind)}, {version}: {title} ({_sureness(one)})"
    for held in state.meetings.values():
        name = held.event.name or word("meeting", held.event.kind)
        host = f", {names.get(held.event.host, held.event.host)}" if held.event.host else ""
        yield f"{name}: {day(held.when.day)}{host} ({_sureness(held)})"


def _reports_and_scores(state: State, names: Mapping[str, str]) -> Iterator[str]:
    for unit, report in state.midyear.items():
        status = _("accepted") if report.accepted else _("sent back") if report.asked else _("handed in")
        yield f"{names.get(unit, unit)}, {word('duty', 'midyear-report')}: {status} ({_sureness(report)})"
    for (unit, round_), scored in state.scores.items():
        points = [item.points for item in scored.sheet if item.points is not None]
        total = number(sum(points, Decimal(0))) if points else "-"
        yield f"{names.get(unit, unit)}, {word('round', round_)}: {total} ({_sureness(scored)})"


def _conclusion(state: State, names: Mapping[str, str], sure: Mapping[str, str] | None) -> Iterator[str]:
    ended = state.conclusion
    for place in ended.ranking:
        line = f"{_('rank')} {place.rank}: {names.get(place.unit, place.unit)} ({number(place.total)})"
        yield line + _mark(sure, "UnitsRanked")
    for unit, award in ended.nominations:
        yield f"{_('Nominated')}: {names.get(unit, unit)}, {award}" + _mark(sure, "UnitNominated")
    for role, unit in ended.next.items():
        line = _("Next {role}: {unit}").format(role=word("role", role), unit=names.get(unit) or word("holder", unit))
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
    return f" ({word('sureness', sure[event])})" if sure and event in sure else ""


def _sureness(fact: Any) -> str:
    return word("sureness", fact.sureness)


def _membership(state: State, names: Mapping[str, str]) -> Iterator[str]:
    members = "; ".join(names.get(unit, unit) for unit in state.membership.members())
    yield _("members: {units}").format(units=members or "-")
    for role, held in state.membership.terms.items():
        for term in held:
            until = f" - {day(term.until)}" if term.until is not None else ""
            holder = names.get(term.holder) or word("holder", term.holder)
            manner = word("manner", term.manner)
            yield f"{word('role', role)}: {holder} ({manner}), {day(term.since)}{until} ({_sureness(term)})"


def _signatures(signing: Signing, covenant: str, names: Mapping[str, str]) -> Iterator[str]:
    signed = signing.signatures
    by_sureness = sorted(Counter(one.sureness for one in signed.values()).items())
    kinds = ", ".join(f"{word('sureness', sureness)} {count}" for sureness, count in by_sureness)
    which = "" if covenant == "covenant" else f" ({word('covenant', covenant)})"
    yield _("signatures: {count} ({kinds})").format(count=len(signed), kinds=kinds or "-") + which
    if signing.unnamed == "unknown":
        yield _("  and others, nobody says how many")
    elif signing.unnamed:
        yield ngettext(
            "  and {count} unit that the source does not name",
            "  and {count} units that the source does not name",
            signing.unnamed,
        ).format(count=signing.unnamed)
    if signed:
        yield "  " + "; ".join(names.get(unit, unit) for unit in signed)


def deviation_text(one: Deviation, names: Mapping[str, str], sure: Mapping[date, str] | None = None) -> str:
    """A deviation in one line: what, the article or "remark", the facts, whether it is settled, how sure it is.

    `sure` has the sureness by day.
    """
    facts = ", ".join(_fact(one.code, name, fact, names) for name, fact in one.facts.items() if fact not in {"", None})
    sureness = word("sureness", sure[one.on]) if sure and one.on is not None and one.on in sure else ""
    marks = "".join(f" ({mark})" for mark in (facts, _("settled") if one.settled else "", sureness) if mark)
    return f"{word('deviation', one.code)}: {one.article or _('remark')}{marks}"


def _fact(code: str, name: str, fact: object, names: Mapping[str, str]) -> str:
    if isinstance(fact, int):
        return f"{word('deviation_count', name)}: {fact}"
    if code == "letter_unanswered" and name == "kind":
        return word("letter", fact)
    return shown(name, fact, names)
