"""Events to stored payloads and back.

Stored names and schema numbers never change. Payloads of old schemas are upcast here, from dict to dict, before they
become events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any

from pydantic import BaseModel

# Imported for their events: all stored event types must be known before the first row is decoded.
from domain import administration, city_year, cycle, installation, law, post
from domain.records import Event

STORED = (administration, city_year, cycle, installation, law, post)
Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS: Mapping[tuple[str, int], Upcast] = {}
"""(stored name, schema) -> function to the dict of the next schema. Entries are never removed."""


class UnknownEventError(Exception):
    """A stored event type or schema that this version does not know: a newer version wrote it."""


def encode(event: Event) -> str:
    """Return the payload as it is stored and hashed: JSON."""
    return event.model_dump_json()


def decode(name: str, schema: int, payload: str | bytes) -> Event:
    """Return the event of a stored payload.

    Raises:
        UnknownEventError: no such event type, or a newer schema.
    """
    known = Event.KNOWN.get(name)
    if known is None or schema > known.SCHEMA:
        raise UnknownEventError(f"{name} (schema {schema})")
    if schema == known.SCHEMA:
        # `model_validate_json` ends in this call. Made directly, for every event read, it saves a third of the time.
        event: Event = known.__pydantic_validator__.validate_json(payload)
        return event
    data = json.loads(payload)
    while schema < known.SCHEMA:
        data = UPCASTS[name, schema](data)
        schema += 1
    return known.model_validate_json(json.dumps(data))


def plain(value: Any) -> Any:
    """Return a state as JSON values: decimals as strings, instants in ISO form, parts of tuple keys joined by "|"."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.compare}
    if isinstance(value, Mapping):
        return {_key(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def _key(key: Any) -> str:
    return "|".join(str(plain(part)) for part in key) if isinstance(key, tuple) else str(plain(key))


def state_digest(state: Any) -> str:
    """Return sha256 over a state, in hex. It does not depend on when or where the events were stored."""
    text = json.dumps(plain(state), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()
