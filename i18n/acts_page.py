"""The acts of a year as a page for a secretary, derived from what commands, events and steps say of themselves.

`docs/acts.md` and `docs/vi/viec.md` are this page in English and in Vietnamese; `make acts-doc` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from typing import Any

from domain.cycle import COMMANDS_BY_STEP, ENTERED_BY_PERSONS, EVENTS_OF
from domain.deviations import BROUGHT_BY
from domain.obligations import DUTY_COMMANDS
from domain.parties import CLOCK_ONLY, Party
from domain.records import Command, Event
from domain.steps.corrections import CorrectAct
from domain.steps.lifecycle import AdoptEdition, OpenCycle
from domain.steps.signatories import SignatoriesNamed
from i18n import N_, NC_, _
from i18n.fields import field_label
from i18n.messages import translated, word

_TITLE = N_("The acts of a year")

_INTRODUCTION = (
    N_(
        "An act is a thing that happened, or that somebody decided, as the register holds it: a unit signed, a meeting "
        "was held, a score was appraised. The register tells who entered it. An act stays: what is wrong is corrected, "
        "and the wrong entry can still be read."
    ),
    N_(
        "A true fact is never refused. What was done late, in another order or otherwise than the rules ask for is "
        "entered all the same. The register refuses what cannot be, such as the signature of a unit that is not in the "
        "cluster, and what the person may not enter."
    ),
    N_(
        "A deviation is a difference between what was done and the rules in force. It names the article of the rules; "
        "without an article it is a remark. A deviation forbids nothing. A later act can settle it, or the secretariat "
        "acknowledges it and gives the reason."
    ),
    N_(
        "The secretariat of the organiser may enter every act but those of the register itself. The head and the "
        "deputy head unit keep the minutes: where they are named, they also enter acts of other units. A unit enters "
        "its own acts. Secretariat, head and deputy may give an earlier day; what a unit enters itself happens when it "
        "is entered."
    ),
    N_(
        "The words in brackets are those of the command line and of recording files: `thidua acts WORD` shows the "
        "fields. Words in italics stand for what is entered. An act without a line on deviations brings none."
    ),
)
_SIGNATORIES = N_("Every act can name who prepared, approved and signed its paper. The register then also says: {said}")

_OWN = N_("a unit, for its own act")
_CLOCK = N_("the register itself, by the deadlines of the rules")

_EVENT_FIELDS: Mapping[str, str] = {
    "about": NC_("field of an event", "the matter"),
    "blank": NC_("field of an event", "number"),
    "cast": NC_("field of an event", "number"),
    "covenant": NC_("field of an event", "covenant"),
    "due": NC_("field of an event", "day"),
    "gone": NC_("field of an event", "units that end"),
    "handed_out": NC_("field of an event", "number"),
    "handed_to": NC_("field of an event", "clusters that go on"),
    "indicators": NC_("field of an event", "number"),
    "key": NC_("field of an event", "which deviation"),
    "now": NC_("field of an event", "day and hour"),
    "of": NC_("field of an event", "number of the act"),
    "places": NC_("field of an event", "units in their order"),
    "predecessors": NC_("field of an event", "earlier clusters"),
    "round": NC_("field of an event", "name of the round"),
    "signatories": NC_("field of an event", "who prepared, approved and signed"),
    "spoiled": NC_("field of an event", "number"),
    "stated": NC_("field of an event", "number"),
    "successors": NC_("field of an event", "units that go on"),
    "until": NC_("field of an event", "day"),
    "versions": NC_("field of an event", "numbers of the acts"),
    "what": NC_("field of an event", "the object or the money"),
}
"""Fields of events whose label in a form is missing, or does not fit into the event's sentence."""


def acts_page() -> str:
    """The page in Markdown, in the language in use."""
    parts = [f"# {_(_TITLE)}", *map(_, _INTRODUCTION), _(_SIGNATORIES).format(said=_said(SignatoriesNamed))]
    for title, commands in COMMANDS_BY_STEP.items():
        parts.append(f"## {_(title)}")
        parts.extend(part for command in commands for part in _act(command))
    return "\n\n".join(parts) + "\n"


def _act(command: type[Command]) -> Iterator[str]:
    name = _capital(_(command.LABEL))
    yield f"### {name} ({command.NAME})" if command in ENTERED_BY_PERSONS else f"### {name}"
    yield _(command.SUMMARY)
    yield "\n".join(f"- {line}" for line in _lines(command))


def _lines(command: type[Command]) -> Iterator[str]:
    yield _("Who: {parties}.").format(parties="; ".join(_parties(command)))
    yield _("When: {sentences}").format(sentences=" ".join(_when(command)))
    if command.BINDING:
        yield _("The password is asked for again, because the act binds or publishes.")
    yield _("The register then says: {said}").format(said=" ".join(_said(event) for event in EVENTS_OF[command]))
    if command is CorrectAct:
        yield _("If the correction gives the right act, what follows from that act follows, too.")
    if done := [duty for duty, commands in DUTY_COMMANDS.items() if command in commands.done_by]:
        yield _("Tasks that it can complete: {duties}.").format(duties=_words("duty", done))
    if opened := [duty for duty, commands in DUTY_COMMANDS.items() if command in commands.opened_by]:
        yield _("Tasks that follow: {duties}.").format(duties=_words("duty", opened))
    if command in {AdoptEdition, CorrectAct}:
        yield _("Deviations: it can bring every deviation, and settle it.")
    elif codes := [code for code, commands in BROUGHT_BY.items() if command in commands]:
        yield _("Deviations that it can bring: {deviations}.").format(deviations=_words("deviation", codes))


def _parties(command: type[Command]) -> Iterator[str]:
    for party in Party:
        if party in command.ALLOWED:
            yield {Party.OWN: _(_OWN), Party.CLOCK: _(_CLOCK)}.get(party) or word("party", party)


def _when(command: type[Command]) -> Iterator[str]:
    if command is OpenCycle:
        yield _("Before all other acts.")
    elif command.ALLOWED == CLOCK_ONLY:
        yield _("When a deadline comes near or has passed, until the year is filed.")
    elif command.AFTER_FILING:
        yield _("From the opening of the year on, also after it is filed.")
    else:
        yield _("From the opening of the year until it is filed.")
    if command.CLOSED_BY is not None:
        yield _(
            "A unit enters it for itself until “{duty}” is closed. After that the secretariat enters it, or the head "
            "or deputy for another unit."
        ).format(duty=word("duty", command.CLOSED_BY))
    if command.IN_MINUTES:
        yield _("It can stand in the minutes of a meeting.")


def _said(event: type[Event]) -> str:
    """The sentence of an event, with the names of its fields in place of their values."""
    sentence = event.SENTENCE
    if callable(sentence):
        # The sentence of the usual case: fields that can be left out have their defaults.
        empty: dict[str, Any] = {name: () for name, field in event.model_fields.items() if field.is_required()}
        sentence, _facts = sentence(event.model_construct(**empty))
    text = translated(sentence, {})
    names = {name for _text, name, _spec, _conversion in Formatter().parse(text) if name}
    said = text.format(**{name: f"*{_of_field(name)}*" for name in names})
    said = re.sub(r"^\*?.", lambda first: first[0].upper(), said)
    return f"“{said}”"


def _of_field(name: str) -> str:
    """The words for a field of an event inside its sentence."""
    if name in _EVENT_FIELDS:
        return _(_EVENT_FIELDS[name])
    label = field_label(name)
    return label[:1].lower() + label[1:]


def _words(kind: str, values: Iterable[str]) -> str:
    return "; ".join(word(kind, value) for value in values)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
