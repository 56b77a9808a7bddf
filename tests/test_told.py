"""Every field of every event is told in words, by its sentence or beside it; what is left out has its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from all_fields import Filler, hidden, leaves, models_in

from domain.records import Event, EventEnvelope, Meta
from domain.times import When
from domain.types import Provenance
from i18n import details, in_language
from i18n.fields import FIELDS
from i18n.timeline import EventText, event_text
from i18n.values import Words

OF_CYCLES_AND_YEARS = ("domain.steps.", "domain.scoring.", "domain.joint_acts", "domain.city_year")
EVENTS = [event for event in Event.KNOWN.values() if event.__module__.startswith(OF_CYCLES_AND_YEARS)]
META = Meta(7, "ai", "u", When.at(datetime(2026, 1, 5, tzinfo=UTC)), Provenance(kind="stated"), UUID(int=1))


def told(event: Event, filler: Filler) -> EventText:
    known = filler.known
    return event_text(EventEnvelope(event, META), Words(known.names, known.texts))


def fields_not_told() -> tuple[int, list[tuple[str, ...]]]:
    """How many fields there are, and those that are not told, or told though nobody reads them."""
    wrong, fields = list[tuple[str, ...]](), set()
    for language in ("vi", "en"):
        with in_language(language):
            for event in EVENTS:
                filler = Filler()
                values = filler.fill(event)
                text = str(told(event(**values), filler))
                for leaf in leaves(event, values, filler.known):
                    fields.add((event.NAME, leaf.model, leaf.name))
                    if leaf.words not in text:
                        wrong.append((language, event.NAME, *leaf, text))
                wrong += [(language, event.NAME, key, text) for key in hidden(event, values) if key in text]
    return len(fields), wrong


def test_every_event_tells_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    fields, wrong = fields_not_told()
    assert wrong == []
    assert fields > 200
    with capsys.disabled():
        print(
            f"\nfields told: {fields} of {len(EVENTS)} events; left out: {len(details.NOT_SHOWN)}, each with its reason"
        )


def test_a_field_that_nobody_tells_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the general way of telling fields were not there: most fields would be missing."""
    monkeypatch.setattr("i18n.timeline.details", lambda *_facts: ())
    _fields, wrong = fields_not_told()
    missing = {(one[1], one[3]) for one in wrong}
    assert {("StanceTaken", "text"), ("AwardsDecided", "award"), ("RoleAssigned", "title")} <= missing


def test_what_is_left_out_is_there_and_has_a_reason() -> None:
    models = {model for event in Event.KNOWN.values() for model in models_in(event)}
    known = {(model.__name__, name) for model in models for name in model.model_fields}
    assert set(details.NOT_SHOWN) <= known
    assert all(details.NOT_SHOWN.values())
    assert len(details.NOT_SHOWN) <= 20


def test_every_field_has_a_label() -> None:
    shown = {
        name
        for event in EVENTS
        for model in models_in(event)
        for name in model.model_fields
        if (model.__name__, name) not in details.NOT_SHOWN
    }
    of_parts = {"approved", "capacity", "on_behalf_of", "prepared", "signed"}  # told by words of their own
    assert shown - set(FIELDS) == of_parts
