"""What commands would record, in sentences, and how the deviations would change: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.application import Application, CommandInput
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.fields import FieldFiller
from application.form_values import flattened
from application.timeline import texts_of
from application.visits import VisitedCycle, Visitor
from domain.deviations import Deviation, deviations
from domain.types import normalize_text
from i18n.state_text import deviation_text
from i18n.timeline import describe
from vault.texts import salted_digest


@dataclass(frozen=True, slots=True)
class PreviewedEvent:
    """An event that would be recorded: its stored type name, and its sentence."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class CommandPreview:
    """What one command would record, and which deviations would come and go, in sentences."""

    events: tuple[PreviewedEvent, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]


async def preview(application: Application, cycle: VisitedCycle, inputs: CommandInput) -> CommandPreview:
    """Decide a command on top of a visited cycle.

    Raises:
        InputError, Refused
    """
    dry_run = await DryRun.of(application, {}, cycle.rows)
    before = deviations_by_key(dry_run)
    events = await previewed_events(application, dry_run, inputs, cycle.visitor)
    after, names = deviations_by_key(dry_run), names_in(dry_run)
    return CommandPreview(
        events,
        tuple(deviation_text(one, names) for key, one in after.items() if key not in before),
        tuple(deviation_text(one, names) for key, one in before.items() if key not in after),
    )


async def previewed_events(
    application: Application, dry_run: DryRun, inputs: CommandInput, visitor: Visitor
) -> tuple[PreviewedEvent, ...]:
    """Decide one more command of a dry run; returns its events, which are none where it was recorded before.

    Raises:
        InputError, Refused
    """
    item = await application.item(inputs, FieldFiller(DryRunTexts(application.texts), application.people))
    envelopes = await dry_run.decide(item, visitor.contact.id, visitor.unit, visitor.login.strength)
    texts = {**unsaved_texts(inputs.fields), **await texts_of(application.texts, envelopes)}
    names = names_in(dry_run)
    return tuple(PreviewedEvent(one.event.NAME, describe(one, names, texts)) for one in envelopes)


def deviations_by_key(dry_run: DryRun) -> dict[str, Deviation]:
    """The deviations of a dry run as it stands."""
    return {one.key: one for one in deviations(dry_run.state, dry_run.rules)}


def names_in(dry_run: DryRun) -> Mapping[str, str]:
    """Names of the units in a dry run, the organiser included."""
    lifecycle = dry_run.state.lifecycle
    return {**dry_run.state.membership.names, lifecycle.organiser: lifecycle.organiser_name}


def unsaved_texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Texts that are not stored yet, by the digest that a dry run gives them."""
    found: dict[str, str] = {}
    for value in flattened(fields).values():
        try:
            body = normalize_text(value)
        except ValueError:
            continue
        found[salted_digest(b"", body)] = body
    return found
