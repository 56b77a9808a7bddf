"""Events as sentences, for timelines, receipts, minutes and the search index.

Each event carries its own sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.records import Event, EventEnvelope
from i18n.messages import fill, translated
from i18n.values import Words, in_words


def describe(envelope: EventEnvelope[Event], names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """One sentence for one event, in the language in use.

    `names` are those of units and persons by id, `texts` the free texts by digest; a missing text is shown as "…".
    """
    event, meta, words = envelope.event, envelope.meta, Words(names, texts)
    sentence: Any = event.SENTENCE
    if event.SENTENCE_IF_DECIDED is not None and meta.meeting is not None and meta.unit != getattr(event, "unit", None):
        sentence = event.SENTENCE_IF_DECIDED
    facts: Mapping[str, Any] = dict(event)
    if callable(sentence):
        sentence, facts = sentence(event)
    shown = in_words(type(event), facts, words)
    return fill(translated(sentence, facts), shown)
