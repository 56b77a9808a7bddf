"""The post's own stream: what was sent, what failed, what nobody knows, and how far the ledger was read.

Deliveries are no acts of the year: they are unsigned, and no state of a cycle depends on them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.types import ICT, Event, EventEnvelope, start_of


class NoticeSent(Event, name="NoticeSent"):
    """A mailer took the message. `position` is the event told of; `person` the addressee's id."""

    position: int
    kind: str
    unit: str
    person: str
    message_id: str
    rehearsed: bool


class NoticeFailed(Event, name="NoticeFailed"):
    """A mailer refused the message for good, or nobody has an address. It stands in the inbox all the same."""

    position: int
    kind: str
    unit: str
    person: str | None
    reason: str


class NoticeUnknown(Event, name="NoticeUnknown"):
    """The connection broke after the message was handed over: it will be sent again under the same message id."""

    position: int
    kind: str
    unit: str
    person: str
    message_id: str


class NoticeGathered(Event, name="NoticeGathered"):
    """The addressee wants one mail a day or a week: the notice waits for it."""

    position: int
    kind: str
    unit: str
    person: str


class DigestSent(Event, name="DigestSent"):
    """A mailer took one mail with all that had waited for a person, up to `position`."""

    person: str
    position: int
    notices: int
    message_id: str


class DigestFailed(Event, name="DigestFailed"):
    """A mailer refused the mail for good; what it held stands in the inbox all the same."""

    person: str
    position: int
    reason: str


class PostAdvanced(Event, name="PostAdvanced"):
    """Everything up to `position` has been dealt with."""

    position: int


OFFICE_OPENS = timedelta(hours=7)
MONDAY = 0


def digest_due(oldest: datetime, mode: str) -> datetime:
    """When a digest goes out whose oldest notice was recorded at an instant: the next time it is seven, or Monday."""
    day = oldest.astimezone(ICT).date()
    if oldest >= start_of(day) + OFFICE_OPENS:
        day += timedelta(days=1)
    while mode == "weekly" and day.weekday() != MONDAY:
        day += timedelta(days=1)
    return start_of(day) + OFFICE_OPENS


def cursor(last: EventEnvelope[Event]) -> int:
    """Up to which position the post has read, by the last event of its stream."""
    return last.event.position if isinstance(last.event, PostAdvanced) else 0
