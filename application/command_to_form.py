"""What a person said, as it could be said again: to be corrected on its own form, or written into a recording file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from application.application import Application, CommandInput
from application.fields import KNOWN_DIGEST
from audit.replay import digests_in
from domain.commands import CommandPayload
from domain.types import Command, Provenance
from ledger.events import RecordedEvent
from vault.texts import ERASED


def to_form_values(value: Any, texts: Mapping[str, str], forgotten: Collection[str] = ()) -> Any:
    """Fields as people read them: texts for digests, no commitments, nothing that says nothing.

    Of an erased text the digest stays, after `KNOWN_DIGEST`; of a `forgotten` person the commitment.
    """
    if isinstance(value, Mapping):
        keep = value.get("id") in forgotten
        found = {name: entry for name, entry in value.items() if entry is not None and (name != "commitment" or keep)}
        return {name: to_form_values(entry, texts, forgotten) for name, entry in found.items() if entry not in ([], {})}
    if isinstance(value, (list, tuple)):
        return [to_form_values(entry, texts, forgotten) for entry in value]
    if isinstance(value, str) and value in texts:
        return f"{KNOWN_DIGEST}{value}" if texts[value] == ERASED else texts[value]
    return value


@dataclass(frozen=True, slots=True)
class CommandForm:
    """An act with its fields, texts in place of digests, and what went with it."""

    act: type[Command]
    fields: dict[str, Any]
    effective: date | None
    signatories: dict[str, Any] | None

    def kept(self, said: CommandInput, row: RecordedEvent) -> CommandInput:
        """What a correction says, with the circumstances of the wrong act that nobody was asked about."""
        source = said.provenance.source if said.provenance is not None else row.source
        sure = None
        if source != row.source:
            sure = said.provenance
        elif row.provenance != "rehearsed" and (row.source or row.provenance != "stated"):
            sure = Provenance(kind=row.provenance, source=row.source)
        return replace(
            said,
            effective=said.effective or self.effective,
            signatories=said.signatories or self.signatories,
            provenance=sure,
            meeting=said.meeting or row.meeting,
        )


async def form_of_row(app: Application, row: RecordedEvent) -> CommandForm | None:
    """The act that a row followed from; None where nobody said it, as with what the clock says.

    Of a correction it is what was put in the place of the wrong act. What was erased has to be written anew.
    """
    kept = None if row.command_digest is None else await app.ledger.command(row.command_digest)
    if kept is None:
        return None
    command = CommandPayload.model_validate_json(kept.payload)
    name, fields = command.act, dict(command.fields)
    if name == "correct":
        fields = dict(fields.get("instead") or {})
        name = str(fields.pop("act", ""))
    act = Command.KNOWN.get(name)
    if act is None:
        return None
    signatories = command.signatories.model_dump(mode="json") if command.signatories is not None else None
    texts = await app.texts.get(digests_in([fields, signatories]))
    return CommandForm(
        act,
        _without_erased(to_form_values(fields, texts)),
        command.effective,
        None if signatories is None else _without_erased(to_form_values(signatories, texts)),
    )


def _without_erased(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_erased(entry) for name, entry in value.items() if not _is_erased(entry)}
    return [_without_erased(entry) for entry in value] if isinstance(value, list) else value


def _is_erased(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(KNOWN_DIGEST)
