"""The post's own stream: what was sent, what failed, what nobody knows, and how far the ledger was read.

Deliveries are no acts of the year: they are unsigned, and no state of a cycle depends on them.
"""

from __future__ import annotations

from domain.kernel import Event, Told


class NoticeSent(Event, name="NoticeSent"):
    """A courier took the message. `position` is the event told of; `person` the addressee's id."""

    position: int
    kind: str
    unit: str
    person: str
    message_id: str
    rehearsed: bool


class NoticeFailed(Event, name="NoticeFailed"):
    """A courier refused the message for good, or nobody has an address. It stands in the inbox all the same."""

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


class PostAdvanced(Event, name="PostAdvanced"):
    """Everything up to `position` has been dealt with."""

    position: int


def cursor(last: Told[Event]) -> int:
    """Up to which position the post has read, by the last event of its stream."""
    return last.event.position if isinstance(last.event, PostAdvanced) else 0
