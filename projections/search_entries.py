"""What an event adds to the search index: the rows of clusters, units, documents, minutes, texts and acts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.access import is_open_to_members
from domain.records import Event, EventEnvelope
from domain.references import references
from domain.rules import Edition
from domain.state import State
from domain.steps.drafting import DraftPresented
from domain.steps.lifecycle import TimeStepped
from domain.steps.meetings import MeetingHeld
from domain.titles import names_of
from domain.types import Document
from i18n import LANGUAGES, in_language
from i18n.sorting import natural_key
from i18n.timeline import describe
from ledger.events import RecordedEvent
from projections.search_words import ACTS, NAMES, PAPERS, group_tag, joined, lexemes, plain_name, stream_tag

_NAMING = frozenset({"CycleOpened", "UnitAdmitted", "UnitsSucceeded"})
"""Events after which clusters and units are indexed by their names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the index: see projections/schema.sql. `kept` are the words that stay when `text` is erased."""

    stream: str
    kind: str
    ref: str
    unit: str
    titles: str
    at: date | None
    year: int
    open: bool
    words: frozenset[str]
    name: str = ""
    sort_key: str = ""
    about: str = ""
    text: str | None = None
    kept: frozenset[str] | None = None
    actor: str | None = None
    position: int | None = None


def entries(
    row: RecordedEvent, envelope: EventEnvelope[Event], state: State, rules: Edition, texts: Mapping[str, str]
) -> Iterator[Entry]:
    """Yield the rows that an event of a person adds. `texts` are the stored texts that it names, by digest."""
    stream, (event, meta) = row.stream, envelope
    year, is_open = state.lifecycle.year, is_open_to_members(type(event))
    of_stream = {stream_tag(stream), stream_tag(stream.split("/", maxsplit=1)[0])}
    in_papers, in_acts = {*of_stream, group_tag(PAPERS, year)}, {*of_stream, group_tag(ACTS, year)}
    about, version = _about(event), str(meta.version)

    def entry(kind: str, ref: str, titles: str, words: set[str], **more: Any) -> Entry:
        return Entry(
            stream,
            kind,
            ref,
            meta.unit,
            titles,
            meta.happened.day,
            year,
            is_open,
            frozenset(words),
            about=about,
            **more,
        )

    for n, one in enumerate(_documents(event)):
        yield entry("document", f"{version}.{n}", _same_in_all(_title(one)), lexemes(_title(one)) | in_papers)
    sentences = {}
    for language in LANGUAGES:
        with in_language(language):
            sentences[language] = describe(envelope, names_of(state, rules), {})
    titles, told = json.dumps(sentences, ensure_ascii=False), lexemes(" ".join(sentences.values()))
    # That a rehearsal's time goes on is nobody's work.
    whole = {} if isinstance(event, TimeStepped) else {"actor": meta.actor, "position": row.position}
    if isinstance(event, MeetingHeld):
        yield entry("minutes", version, titles, told | in_papers, **whole)
    elif len(texts) == 1:
        ((digest, text),) = texts.items()
        words, kept = told | lexemes(text) | in_papers, frozenset(told | in_acts)
        yield entry("text", version, titles, words, text=digest, kept=kept, **whole)
    else:
        yield entry("act", version, titles, told | in_acts, **whole)
    if len(texts) > 1 or isinstance(event, MeetingHeld):
        for n, (digest, text) in enumerate(sorted(texts.items())):
            yield entry("text", f"{version}.{n}", titles, lexemes(text) | in_papers, text=digest)
    if event.NAME in _NAMING:
        yield from _names(stream, state, of_stream)


def _names(stream: str, state: State, of_stream: set[str]) -> Iterator[Entry]:
    """Yield the rows of a cluster and of its units."""
    lifecycle = state.lifecycle
    tags = {*of_stream, group_tag(NAMES, lifecycle.year)}

    def named(kind: str, ref: str, name: str, words: str) -> Entry:
        return Entry(
            stream,
            kind,
            ref,
            ref,
            _same_in_all(name),
            None,
            lifecycle.year,
            open=True,
            words=frozenset({*lexemes(f"{name} {words}"), *joined(name), *tags}),
            name=plain_name(name),
            sort_key=natural_key(name),
        )

    yield named("cluster", "", lifecycle.cluster_name, f"{lifecycle.year} {lifecycle.organiser_name}")
    for unit, name in state.membership.names.items():
        yield named("unit", unit, name, unit)


def texts_named(event: Event) -> set[str]:
    """Return the digests of the free texts that an event names."""
    return references(event)[0]


def _about(event: Event) -> str:
    """Return the paper or the meeting that an event is about; "" for none."""
    if isinstance(event, MeetingHeld):
        return f"meeting/{event.id}"
    paper = event.kind if isinstance(event, DraftPresented) else getattr(event, "on", None)
    return f"draft/{paper}" if isinstance(paper, str) else ""


def _documents(event: Event) -> Iterator[Document]:
    """Yield the documents among an event's fields."""
    for _name, value in event:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Document):
                yield one


def _title(one: Document) -> str:
    return " ".join(part for part in (one.number, one.title, one.issuer) if part) or "-"


def _same_in_all(title: str) -> str:
    return json.dumps(dict.fromkeys(LANGUAGES, title), ensure_ascii=False)
