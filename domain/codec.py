"""Events to stored bytes and back.

Stored names and schema numbers are for ever: old forms are brought up to date here, dict to dict, before anything
else sees them.
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

# Imported for their events: whatever is stored must be known before the first row is decoded.
from domain import city_year, cycle, installation, post
from domain.types import Event

STORED = (city_year, cycle, installation, post)
Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS: Mapping[tuple[str, int], Upcast] = {}
"""(stored name, schema) -> the next schema's dict. Entries are never removed."""


class UnknownEventError(Exception):
    """A stored event that this version does not know: the ledger was written by a newer one."""


def encode(event: Event) -> str:
    """The payload as it is stored and hashed."""
    return event.model_dump_json()


def decode(name: str, schema: int, payload: str) -> Event:
    """The event of a stored payload.

    Raises:
        UnknownEventError: no such event, or of a newer schema.
    """
    known = Event.KNOWN.get(name)
    if known is None or schema > known.SCHEMA:
        raise UnknownEventError(f"{name} (schema {schema})")
    if schema == known.SCHEMA:
        # What `model_validate_json` calls in the end; done for every event that is read, it is worth a third.
        found: Event = known.__pydantic_validator__.validate_json(payload)
        return found
    data = json.loads(payload)
    while schema < known.SCHEMA:
        data = UPCASTS[name, schema](data)
        schema += 1
    return known.model_validate_json(json.dumps(data))


def plain(value: Any) -> Any:
    """A state as JSON values: decimals as strings, instants in ISO form, keys of several parts joined by "|"."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
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
    """sha256 over a state: equal digests mean equal states. It knows nothing of when or where things were stored."""
    text = json.dumps(plain(state), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()
