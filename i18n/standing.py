"""What stood at a moment, in lines that an auditor reads: each with how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from domain.cycle import State, members_and_organiser
from domain.departures import Deviation
from domain.signing import Signing
from i18n import _
from i18n.messages import day, number, shown, word
from i18n.timeline import voice


def standing(state: State, texts: Mapping[str, str]) -> Iterator[str]:
    """What stood at that moment: members, roles, stances, signatures, letters, results, each with how sure it is."""
    names = members_and_organiser(state)
    yield from _membership(state, names)
    for taken in (*state.comments.together, *state.comments.stances.values()):
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
        yield f"{word(letter.told.kind)} {id_}: {answered} ({word(letter.sureness)})"
    for unit in state.targets.registrations:
        yield f"{names.get(unit, unit)}: {word(state.targets.standing(unit))}"
    for one in state.targets.results:
        told = one.told
        whose = names.get(told.unit, told.unit) if told.unit else _("the whole cluster")
        amount = word(told.amount) if isinstance(told.amount, str) else number(told.amount)
        yield f"{whose}, {told.title}: {word(told.exactness)} {amount} {told.measure} ({word(one.sureness)})"


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


def departure(one: Deviation, names: Mapping[str, str]) -> str:
    """A departure in one line: what, which article or a remark, about whom, and whether it is settled."""
    given = {name: fact for name, fact in one.facts.items() if fact not in {"", None}}
    facts = ", ".join(
        f"{word(name)}: {fact}" if isinstance(fact, int) else shown(name, fact, names) for name, fact in given.items()
    )
    marks = "".join(f" ({mark})" for mark in (facts, _("settled") if one.settled else "") if mark)
    return f"{word(one.code)}: {one.article or _('remark')}{marks}"
