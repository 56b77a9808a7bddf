"""The events of the post's own stream: messages sent, failed, skipped or uncertain, and how far the ledger was read.

Deliveries are no commands of a cycle: their events are unsigned, and no state of a cycle depends on them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.msgids import N_, Plural
from domain.records import Event, EventEnvelope
from domain.times import ICT, start_of


class NoticeSent(
    Event,
    name="NoticeSent",
    schema=1,
    sentence=N_("A notice to {unit} is sent by mail."),
    correctable=False,
    in_summary=None,
):
    """A mailer accepted the message. `position` is that of the event it is about, `person` the addressee's id."""

    position: int
    kind: str
    unit: str
    person: str
    message_id: str
    rehearsed: bool


class NoticeFailed(
    Event,
    name="NoticeFailed",
    schema=1,
    sentence=N_("A notice to {unit} could not be sent by mail."),
    correctable=False,
    in_summary=None,
):
    """A mailer refused the message for good, or no address is known. The web inbox shows it anyway."""

    position: int
    kind: str
    unit: str
    person: str | None
    reason: str


class NoticeSkipped(
    Event,
    name="NoticeSkipped",
    schema=1,
    sentence=lambda event: (
        N_("The notices of an act could not be written.")
        if event.unit is None
        else N_("A notice to {unit} could not be written."),
        dict(event),
    ),
    correctable=False,
    in_summary=None,
):
    """A notice could not be made, by a fault of the program or of what is stored: it is never mailed.

    `position` is that of the event it is about. Without `kind` and `unit` nothing could be told of the event. `error`
    is the class of the error; its text stands nowhere, because it may hold what people wrote. The log says where it
    arose.
    """

    position: int
    kind: str | None
    unit: str | None
    error: str


class NoticeUnknown(
    Event,
    name="NoticeUnknown",
    schema=1,
    sentence=N_("It is not known whether a notice to {unit} has arrived; it is sent again."),
    correctable=False,
    in_summary=None,
):
    """The connection broke while the message was sent: it is sent again with the same message id."""

    position: int
    kind: str
    unit: str
    person: str
    message_id: str


class NoticeGathered(
    Event,
    name="NoticeGathered",
    schema=1,
    sentence=N_("A notice to {unit} waits for the mail of the day or the week."),
    correctable=False,
    in_summary=None,
):
    """The addressee receives one mail a day or a week, and the notice waits for it."""

    position: int
    kind: str
    unit: str
    person: str


class DigestSent(
    Event,
    name="DigestSent",
    schema=1,
    sentence=Plural("A mail with {notices} notice is sent.", "A mail with {notices} notices is sent.", "notices"),
    correctable=False,
    in_summary=None,
):
    """A mailer accepted one mail with all notices that waited for a person, up to `position`."""

    person: str
    position: int
    notices: int
    message_id: str


class DigestFailed(
    Event,
    name="DigestFailed",
    schema=1,
    sentence=N_("A mail with the notices that waited could not be sent."),
    correctable=False,
    in_summary=None,
):
    """A mailer refused the mail for good. The web inbox shows its notices anyway."""

    person: str
    position: int
    reason: str


class PostAdvanced(
    Event,
    name="PostAdvanced",
    schema=1,
    sentence=N_("The notices of all acts up to position {position} are sent."),
    correctable=False,
    in_summary=None,
):
    """All events up to `position` have been processed. It ends every append of the post."""

    position: int


SENDING_TIME = timedelta(hours=7)
"""Digests are sent at 7:00, Vietnamese time."""

MONDAY = 0


def digest_due(oldest: datetime, mode: str) -> datetime:
    """Return when to send a digest whose oldest notice was recorded at `oldest`.

    `mode` is "daily" (the next 7:00) or "weekly" (the next Monday, 7:00).
    """
    day = oldest.astimezone(ICT).date()
    if oldest >= start_of(day) + SENDING_TIME:
        day += timedelta(days=1)
    while mode == "weekly" and day.weekday() != MONDAY:
        day += timedelta(days=1)
    return start_of(day) + SENDING_TIME


def cursor(last: EventEnvelope[Event]) -> int:
    """Return the position up to which the post has read, from the last event of its stream."""
    return last.event.position if isinstance(last.event, PostAdvanced) else 0
