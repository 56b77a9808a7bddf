"""Events in words, for every page, download and answer: a sentence, and every field that the sentence does not tell.

Each event carries its own sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from domain.dates import as_written
from domain.records import Event, EventEnvelope
from domain.scoring.scores import SelfScored
from domain.steps.conclusion import NominationsSubmitted
from domain.steps.meetings import MeetingHeld
from domain.steps.midyear import MidyearReported
from domain.titles import title_key
from i18n import _
from i18n.details import Detail, details
from i18n.fields import field_label
from i18n.messages import day, fill, translated
from i18n.values import Words, in_words


@dataclass(frozen=True, slots=True)
class EventText:
    """An event in words: its sentence, the fields that the sentence does not tell, and when and where it happened."""

    sentence: str
    details: tuple[Detail, ...] = ()
    circumstances: tuple[Detail, ...] = ()

    def __str__(self) -> str:
        return " · ".join((self.sentence, *map(str, (*self.details, *self.circumstances))))

    def values(self) -> list[dict[str, str]]:
        """What stands beside the sentence, as programs read it."""
        return [{"label": one.label, "text": one.text} for one in (*self.details, *self.circumstances)]


def describe(envelope: EventEnvelope[Event], names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """One sentence for one event, in the language in use.

    `names` are those of units and persons by id, `texts` the free texts by digest; a missing text is shown as "…".
    """
    return _sentence(envelope, Words(names, texts))[0]


def event_text(envelope: EventEnvelope[Event], words: Words) -> EventText:
    """An event with everything that was entered, in the language in use; a missing text is shown as "…"."""
    sentence, facts, shown = _sentence(envelope, words)
    beside = details(envelope.event, facts, shown, envelope.meta.version, words)
    return EventText(sentence, (*_withdrawn(envelope, words), *beside), tuple(_circumstances(envelope, words)))


def _withdrawn(envelope: EventEnvelope[Event], words: Words) -> Iterator[Detail]:
    """Yield what a withdrawal takes back, with its number in the register."""
    if (taken := words.withdrawn.get(envelope.meta.version)) is not None:
        told, number = _sentence(taken, words)[0], taken.meta.version
        yield Detail(
            _("What is withdrawn"),
            (_("{told} (act number {number})").format(told=told.removesuffix("."), number=number),),
        )


_HANDED_IN = (MidyearReported, SelfScored, NominationsSubmitted)


def _circumstances(envelope: EventEnvelope[Event], words: Words) -> Iterator[Detail]:
    """Yield when it happened, from when it holds, at which meeting, by which source."""
    event, meta = envelope
    label = _("handed in on") if isinstance(event, _HANDED_IN) else field_label("happened")
    yield Detail(label, (as_written(meta.happened),))
    if meta.effective is not None:
        yield Detail(field_label("effective"), (day(meta.effective),))
    if meta.meeting is not None and not (isinstance(event, MeetingHeld) and event.id == meta.meeting):
        yield Detail(field_label("meeting"), (words.names.get(title_key("meeting", meta.meeting), meta.meeting),))
    if meta.provenance.source:
        source = meta.provenance.source
        yield Detail(field_label("source"), (words.names.get(title_key("source", source), source),))


def _sentence(envelope: EventEnvelope[Event], words: Words) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
    """The sentence of an event, the facts that it can name, and how it shows those that it does."""
    event, meta = envelope.event, envelope.meta
    sentence: Any = event.SENTENCE
    if event.SENTENCE_IF_DECIDED is not None and meta.meeting is not None and meta.unit != getattr(event, "unit", None):
        sentence = event.SENTENCE_IF_DECIDED
    facts: Mapping[str, Any] = dict(event)
    if callable(sentence):
        sentence, facts = sentence(event)
    shown = in_words(type(event), facts, words)
    text = translated(sentence, facts)
    named = {name for _text, name, _spec, _conversion in Formatter().parse(text) if name}
    return fill(text, shown), facts, {name: value for name, value in shown.items() if name in named}
