"""What commands would record, in words, and how the deviations would change: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress

from application.application import Application, CommandInput
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.event_texts import Background, event_texts
from application.fields import FieldFiller
from application.form_values import flattened
from application.met_deadlines import MetDeadline, met_deadlines, reopened
from application.pasted_text import clean_text
from application.readable import ReadablePart
from application.visits import VisitedCycle, Visitor
from domain.codec import plain
from domain.commands import CommandPayload
from domain.deviations import Deviation
from domain.due_dates import Obligation
from domain.records import Event, Refused
from domain.steps.signatories import SignatoriesNamed
from domain.titles import names_of
from domain.withdrawals import TAKE_BACK
from i18n import _
from i18n.cleaning import cleaning_notes
from i18n.state_text import deviation_text
from i18n.timeline import EventText
from vault.texts import salted_digest


@dataclass(frozen=True, slots=True)
class PreviewedEvent:
    """An event that would be recorded: its stored type name, its sentence, and what else was entered.

    `told` None: it follows from facts that are closed to the visitor.
    """

    type: str
    told: EventText | None

    @property
    def text(self) -> str:
        """The event in a sentence."""
        if self.told is None:
            return _("This follows from facts that are closed to you now. You see it once it is recorded.")
        return self.told.sentence


@dataclass(frozen=True, slots=True)
class CommandPreview:
    """What one command would record, and which deviations would come and go, in words.

    `notes` say what is changed in its texts before they are signed.
    """

    events: tuple[PreviewedEvent, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    deadlines: tuple[MetDeadline, ...]
    """Those of the duties that it would do now."""
    reopened: tuple[Obligation, ...]
    """Duties that would be open again, because what did them stands no more."""
    takes_back: bool
    """The act takes back an earlier one: deviations go because that one no longer counts, and are not settled."""
    notes: tuple[str, ...]


async def preview(application: Application, cycle: VisitedCycle, inputs: CommandInput) -> CommandPreview:
    """Decide a command on top of a visited cycle.

    Raises:
        InputError, GateClosedError, Refused
    """
    await application.gate.check(cycle.visitor.submitter(), [inputs], trying=True)
    history = [envelope for _row, envelope in cycle.history]
    dry_run, was = DryRun(application, {}, history, cycle.state, cycle.rules), cycle.readable
    before, owed = deviations_by_key(was), was.obligations
    try:
        events = await previewed_events(application, dry_run, inputs, cycle.visitor, was)
    except Refused as refusal:
        await application.tell_who_came_first(refusal, cycle.stream, cycle.visitor.submitter())
        raise
    then = readable_part(dry_run, cycle.stream, cycle.visitor)
    after, names = deviations_by_key(then), names_in(dry_run)
    return CommandPreview(
        events,
        tuple(deviation_text(one, names) for key, one in after.items() if key not in before),
        tuple(deviation_text(one, names) for key, one in before.items() if key not in after),
        met_deadlines(owed, then.obligations),
        reopened(owed, then.obligations),
        inputs.act in {act.NAME for act in TAKE_BACK},
        tuple(cleaning_notes(inputs.cleaned())),
    )


async def previewed_events(
    application: Application, dry_run: DryRun, inputs: CommandInput, visitor: Visitor, part: ReadablePart
) -> tuple[PreviewedEvent, ...]:
    """Decide one more command of a dry run; returns its events, which are none where it was recorded before.

    `part` is what the visitor may read of the dry run before it.
    What an event takes from facts that the visitor may not read is not told, such as totals of closed scores.

    Raises:
        InputError, Refused
    """
    item = await application.item(inputs, FieldFiller(DryRunTexts(application.texts), application.people))
    issuer = (visitor.contact.id, visitor.unit, application.gate.strength_of(visitor.submitter()))
    envelopes = await dry_run.decide(item, *issuer)
    known = envelopes if part.everything else dry_run.decide_as_reader(item, *issuer, part)
    if not envelopes and known:  # that it was recorded before tells what a closed event says
        envelopes = known
    payload = CommandPayload.model_validate_json(item.payload)
    is_open = [one.event in [other.event for other in known] or _repeats(one.event, payload) for one in envelopes]
    background = Background(
        [*(one for one in part.envelopes if one.meta.version in part.versions), *compress(envelopes, is_open)],
        dry_run.rules,
        names_in(dry_run),
    )
    shown = iter(await event_texts(application, background, compress(envelopes, is_open), unsaved_texts(inputs)))
    return tuple(
        PreviewedEvent(one.event.NAME, next(shown) if open_ else None)
        for one, open_ in zip(envelopes, is_open, strict=True)
    )


def _repeats(event: Event, payload: CommandPayload) -> bool:
    """Whether an event holds only what its issuer typed."""
    instead = payload.fields.get("instead") or {}
    typed = plain(dict(payload.fields) | {name: value for name, value in instead.items() if name != "act"})
    signatories = plain(payload.signatories) if payload.signatories is not None else None
    said = {name: value for name, value in plain(event).items() if value is not None}
    if isinstance(event, SignatoriesNamed):
        return bool(said.get("hands") == signatories)
    return all(typed.get(name) == value for name, value in said.items())


def readable_part(dry_run: DryRun, stream: str, visitor: Visitor) -> ReadablePart:
    """What a visitor may read of a dry run as it stands; their own acts in it are among it."""
    state = dry_run.state
    who = visitor.readers(stream, state)
    return ReadablePart(visitor.unit, who, tuple(dry_run.history), state, dry_run.rules)


def deviations_by_key(part: ReadablePart) -> dict[str, Deviation]:
    """The deviations that a visitor may see."""
    return {one.key: one for one in part.deviations}


def names_in(dry_run: DryRun) -> Mapping[str, str]:
    """The names of units in a dry run, the organiser included, and the titles of what acts name by id."""
    return names_of(dry_run.state, dry_run.rules)


def unsaved_texts(inputs: CommandInput) -> dict[str, str]:
    """Texts of a command that are not stored yet, by the digest that a dry run gives them."""
    found: dict[str, str] = {}
    for value in flattened(inputs.fields).values():
        try:
            body = clean_text(value).text
        except ValueError:
            continue
        found[salted_digest(b"", body)] = body
    return found
