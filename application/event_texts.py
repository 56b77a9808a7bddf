"""Events of a stream in words, with everything that was entered: what pages, downloads, answers and terminals show.

What the words need beside the events comes from the part of the stream that the reader may read: titles of what keys
stand for, and what stood of a score before. So nothing closed is told beside an open event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from application.application import Application
from application.excerpts import excerpt
from application.work import of_many
from audit.replay import digests_in
from domain.city_year import ClustersArranged, YearPlanIssued
from domain.codec import plain
from domain.records import Event, EventEnvelope
from domain.rules import NO_RULES, Edition, edition_of
from domain.scoring.methods import AllOrNothing
from domain.scoring.scores import CrossChecked, RoundScored, ScoresAppraised, SelfScored, SelfScoreWithdrawn, SheetItem
from domain.steps.corrections import SourceNamed
from domain.steps.letters import LetterRecorded
from domain.steps.lifecycle import CycleOpened, EditionAdopted
from domain.steps.meetings import MeetingHeld
from domain.steps.succession import ClosedEarly, HandedOver, TakenOver
from domain.steps.targets import TargetsRegistered
from domain.titles import title_key, titles_of_rules
from domain.types import IsPerson, Person, changed_key
from domain.withdrawals import Withdrawal, by_version, withdrawals
from i18n import _
from i18n.editions import edition_title, edition_with_changes
from i18n.messages import day, word
from i18n.timeline import EventText, event_text
from i18n.values import Words, field_type, target_told, voice
from ledger.mapping import to_envelope
from vault.texts import Texts

Envelopes = Iterable[EventEnvelope[Event]]


IN_LISTS = 1_500
"""So many characters of a text are shown in a list of acts."""

CHARS_A_LINE = 50
"""A text that is cut has a line for so many of its characters at most: empty lines make no list long."""


async def texts_of(texts: Texts, envelopes: Envelopes, most: int | None = None) -> dict[str, str]:
    """The texts that events name, by digest, and the editions that they put in force; of each `most` characters."""
    events = [one.event for one in envelopes]
    digests = await of_many(len(events), lambda: digests_in([plain(event) for event in events]))
    if most is None:
        found = await texts.get(digests)
    else:
        found = {digest: _cut(text, most) for digest, text in (await texts.get(digests, most + 1)).items()}
    for event in events:
        if isinstance(event, (CycleOpened, YearPlanIssued)) and (body := await texts.edition(event.edition)):
            found[event.edition] = edition_title(edition_of(body))
        if isinstance(event, EditionAdopted):
            bodies = [await texts.edition(digest) for digest in (event.replaces, event.edition) if digest is not None]
            before, after = (None, *(edition_of(body) if body else None for body in bodies))[-2:]
            if after is not None:
                found[event.edition] = edition_title(after)
            if event.replaces is not None and before is not None and after is not None:
                found[changed_key(event.replaces, event.edition)] = edition_with_changes(before, after)
    return found


def _cut(text: str, most: int) -> str:
    beginning, cut = excerpt(text, most, max(1, most // CHARS_A_LINE))
    return _("{beginning} … (the whole text stands on the receipt)").format(beginning=beginning) if cut else text


@dataclass(frozen=True)
class Background:
    """What the words of a stream's events need: the events that the reader may read, the rules, and names by id."""

    readable: Sequence[EventEnvelope[Event]]
    rules: Edition = NO_RULES
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def titled(self) -> Mapping[str, str]:
        """The names, and the titles of what keys stand for, as `domain.titles` has them."""
        return {**self.names, **_titles_of(self.rules), **_titles_in(self.readable, self.names)}

    @cached_property
    def earlier(self) -> Mapping[int, Mapping[str, SheetItem]]:
        """What stood of a unit's criteria before each score, by version."""
        return _earlier_scores(self.readable)

    @cached_property
    def withdrawals(self) -> Mapping[int, tuple[Withdrawal, ...]]:
        """The withdrawals that an entry has part in, by its version."""
        return by_version(withdrawals(self.readable))

    @cached_property
    def withdrawn(self) -> Mapping[int, EventEnvelope[Event]]:
        """The event that each withdrawal takes back, by the version of the withdrawal."""
        return {one.by.meta.version: one.what for parts in self.withdrawals.values() for one in parts}


async def event_texts(
    application: Application,
    background: Background,
    envelopes: Envelopes,
    texts: Mapping[str, str] | None = None,
    most: int | None = None,
) -> tuple[EventText, ...]:
    """Each event in words. `texts` are those that are not stored, by digest; of each stored one `most` characters."""
    events = tuple(envelopes)
    withdrawn = await of_many(len(background.readable), lambda: background.withdrawn)
    told = (*events, *(withdrawn[one.meta.version] for one in events if one.meta.version in withdrawn))
    stored = await texts_of(application.texts, told, most)
    named = persons_in(one.event for one in told).union(*(_person_ids(one.event) for one in told))
    people = await application.people.names(named)
    cycles = await _cycle_titles(application, events)

    def tell_all() -> tuple[EventText, ...]:
        names = {**people, **background.titled, **cycles}
        words = Words(names, {**(texts or {}), **stored}, background.earlier, withdrawn)
        return tuple(event_text(one, words) for one in events)

    return await of_many(len(background.readable), tell_all)


def _person_ids(event: Event) -> set[str]:
    """The ids in the event's own fields that are of persons."""
    return {getattr(event, name) for name in _fields_of_person_ids(type(event))}


@lru_cache
def _fields_of_person_ids(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in model.model_fields if IsPerson in field_type(model, name).marks)


def persons_in(values: Iterable[object]) -> set[str]:
    """The ids of the persons that models name, at any depth."""
    return {person.id for value in values for person in _persons(value) if person.id is not None}


def _persons(value: object) -> Iterator[Person]:
    if isinstance(value, Person):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _persons(entry)
    elif isinstance(value, BaseModel):
        for name in _fields_with_persons(type(value)):
            yield from _persons(getattr(value, name))


@lru_cache
def _fields_with_persons(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a model that can hold a person. Most events have none, and a history has thousands."""
    return tuple(name for name, info in model.model_fields.items() if _holds_person(info.annotation))


def _holds_person(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return issubclass(annotation, Person) or bool(_fields_with_persons(annotation))
    return any(_holds_person(part) for part in get_args(annotation))


# What keys stand for ----------------------------------------------------------------------


def _titles_of(rules: Edition) -> dict[str, str]:
    """Titles by key of an edition, and of those before it, for what it does not have any more."""
    found: dict[str, str] = {}
    editions: list[Edition] = []
    one: Edition | None = rules
    while one is not None:
        editions.insert(0, one)
        one = one.replaced
    for edition in editions:
        found.update(titles_of_rules(edition))
        for leaf in edition.leaves().values():
            if isinstance(leaf.way, AllOrNothing):
                found.update({title_key("condition", one.id): one.title for one in leaf.way.conditions})
    return found


def _titles_in(envelopes: Envelopes, names: Mapping[str, str]) -> dict[str, str]:
    """Titles by key of what events tell: clusters of a year, letters, meetings, targets."""
    found: dict[str, str] = {}
    words = Words(names, {})
    for event, meta in envelopes:
        if isinstance(event, LetterRecorded):
            document = event.document
            title = "" if document is None else document.number or document.title or ""
            found[title_key("letter", event.id)] = f"{word('letter', event.kind)} {title or voice(event.sender, names)}"
        elif isinstance(event, MeetingHeld):
            found[title_key("meeting", event.id)] = f"{event.name or word('meeting', event.kind)}, {day(meta.happened)}"
        elif isinstance(event, SourceNamed):
            found[title_key("source", event.id)] = event.title
        elif isinstance(event, TargetsRegistered):
            for target in event.targets:
                text = target_told(target, words)
                for id_ in (f"{event.unit}/{target.id}", target.id):
                    found[title_key("target", id_)] = text
        elif isinstance(event, ClustersArranged):
            found.update({title_key("cluster", cluster.id): cluster.name for cluster in event.clusters})
    return found


async def _cycle_titles(application: Application, envelopes: Envelopes) -> dict[str, str]:
    """Cluster and year of the cycles that events name."""
    found: dict[str, str] = {}
    for event, _meta in envelopes:
        named: tuple[str, ...] = ()
        if isinstance(event, (ClosedEarly, HandedOver)):
            named = event.handed_to
        elif isinstance(event, TakenOver):
            named = event.predecessors
        for stream in set(named) - {"unknown"}:
            rows = await application.ledger.load(stream, limit_bytes=1)
            if rows and isinstance(opened := to_envelope(rows[0]).event, CycleOpened):
                found[title_key("cycle", stream)] = f"{opened.cluster_name}, {opened.year}"
    return found


def _earlier_scores(envelopes: Envelopes) -> dict[int, dict[str, SheetItem]]:
    """What stood of a unit's criteria before each score. A wrong score stood, too, until it was corrected."""
    found: dict[int, dict[str, SheetItem]] = {}
    standing: dict[str, dict[str, SheetItem]] = {}
    for event, meta in envelopes:
        if isinstance(event, (SelfScored, CrossChecked, ScoresAppraised, RoundScored)):
            before = standing.get(event.unit, {})
            found[meta.version] = before
            standing[event.unit] = {**before, **{item.criterion: item for item in event.sheet}}
        elif isinstance(event, SelfScoreWithdrawn):
            standing.pop(event.unit, None)
    return found
