"""From a stored command back to form values: to correct it on a form, or to write it into a recording file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from application.application import Application, CommandInput
from application.fields import KNOWN_DIGEST
from audit.replay import digests_in
from domain.commands import CommandPayload
from domain.records import Command
from domain.times import When
from domain.types import Provenance
from ledger.events import RecordedEvent
from vault.texts import ALTERED, ERASED


def to_form_values(value: Any, texts: Mapping[str, str], forgotten: Collection[str] = ()) -> Any:
    """Return fields as people type them: texts in place of digests, without commitments and empty values.

    `texts` holds stored texts by digest. The digest of an erased text stays, after `KNOWN_DIGEST`, and so does the
    commitment of a person whose id is in `forgotten`, and a commitment that is in it itself.
    """
    if isinstance(value, Mapping):
        keeps_commitment = value.get("id") in forgotten or value.get("commitment") in forgotten
        shown = {
            name: entry
            for name, entry in value.items()
            if entry is not None and (name != "commitment" or keeps_commitment)
        }
        return {name: to_form_values(entry, texts, forgotten) for name, entry in shown.items() if entry not in ([], {})}
    if isinstance(value, (list, tuple)):
        return [to_form_values(entry, texts, forgotten) for entry in value]
    if isinstance(value, str) and value in texts:
        return f"{KNOWN_DIGEST}{value}" if texts[value] in {ERASED, ALTERED} else texts[value]
    return value


@dataclass(frozen=True, slots=True)
class CommandForm:
    """A stored command as form values. `fields` and `signatories` hold texts in place of digests."""

    act: type[Command]
    fields: dict[str, Any]
    effective: date | None
    signatories: dict[str, Any] | None

    def with_circumstances(self, correction: CommandInput, row: RecordedEvent) -> CommandInput:
        """Return the correction with the circumstances of the wrong act `row` that the form does not ask for."""
        source = correction.provenance.source if correction.provenance is not None else row.source
        kind = "stated" if row.provenance == "rehearsed" else row.provenance  # the law says what is rehearsed
        provenance = None
        if source != row.source:
            provenance = correction.provenance
        elif row.source or kind != "stated":
            provenance = Provenance(kind=kind, source=row.source)
        happened = correction.happened
        if happened is not None and days_in_words(happened) == days_in_words(happened_of(row)):
            happened = None  # the law keeps the wrong act's, to the instant, and asks for no right to state a day
        return replace(
            correction,
            happened=happened,
            effective=correction.effective or self.effective,
            signatories=correction.signatories or self.signatories,
            provenance=provenance,
            meeting=correction.meeting or row.meeting,
        )


def happened_of(row: RecordedEvent) -> When:
    """Return when a row's act happened."""
    return When(row.happened_earliest, row.happened_latest)


def days_in_words(when: When) -> str:
    """Return a range as forms ask for it: "20/07/2026", or "01/07/2026 - 15/07/2026"."""
    first, last = f"{when.day:%d/%m/%Y}", f"{when.last_day:%d/%m/%Y}"
    return first if first == last else f"{first} - {last}"


async def form_of_row(app: Application, row: RecordedEvent) -> CommandForm | None:
    """Return the command that caused a row; None for events without a signed command, such as those of the clock.

    Of a correction it is the command that replaced the wrong one. Erased texts are left out: they must be typed again.
    """
    stored = None if row.command_digest is None else await app.ledger.command(row.command_digest)
    if stored is None:
        return None
    payload = CommandPayload.model_validate_json(stored.payload)
    name, fields = payload.act, dict(payload.fields)
    if name == "correct":
        fields = dict(fields.get("instead") or {})
        name = str(fields.pop("act", ""))
    command_type = Command.KNOWN.get(name)
    if command_type is None:
        return None
    signatories = payload.signatories.model_dump(mode="json") if payload.signatories is not None else None
    texts = await app.texts.get(digests_in([fields, signatories]))
    return CommandForm(
        command_type,
        _without_erased(to_form_values(fields, texts)),
        payload.effective,
        None if signatories is None else _without_erased(to_form_values(signatories, texts)),
    )


def _without_erased(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_erased(entry) for name, entry in value.items() if not _is_erased(entry)}
    return [_without_erased(entry) for entry in value] if isinstance(value, list) else value


def _is_erased(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(KNOWN_DIGEST)
