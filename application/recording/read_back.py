"""A recording file read back: what each of its acts would say on the timeline, for dry runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from application.application import Application
from application.command_preview import names_in, unsaved_texts
from application.dry_run import DryRun
from application.event_texts import Background, event_texts
from application.recording.match import NewAct
from application.recording.plan import PlannedAct
from domain.dates import as_written
from domain.records import Event, EventEnvelope
from i18n.editions import edition_title
from i18n.timeline import EventText

Entry = Literal["new", "known", "correction"]


@dataclass(frozen=True, slots=True)
class ActReadBack:
    """An act of the file in words, with its date as written and the line of the file."""

    cycle: str
    line: int | None
    act: str
    entry: Entry
    on: str
    told: tuple[EventText, ...]


@dataclass(slots=True)
class ReadBack:
    """Collects the acts of a dry run in words. `named` are names and titles that the file itself gives, by key."""

    application: Application
    named: Mapping[str, str]
    acts: list[ActReadBack] = field(default_factory=list)

    async def add(
        self,
        act: NewAct | PlannedAct,
        entry: Entry,
        line: int | None,
        envelopes: Sequence[EventEnvelope[Event]],
        dry_run: DryRun,
    ) -> None:
        """Add an act with the events that it records or has recorded, in a cycle as it is then."""
        happened = act.input.happened or (envelopes[0].meta.happened if envelopes else None)
        background = Background(dry_run.history, dry_run.rules, {**self.named, **names_in(dry_run)})
        texts = {digest: edition_title(one) for digest, one in dry_run.unsaved_editions.items()}
        texts |= unsaved_texts(act.input)
        words = await event_texts(self.application, background, envelopes, texts)
        on = as_written(happened) if happened is not None else ""
        self.acts.append(ActReadBack(act.input.stream, line, act.input.act, entry, on, words))

    def data(self) -> list[dict[str, Any]]:
        """Return the acts as plain values, in the order in which they are entered."""
        return [
            {
                "cycle": one.cycle,
                "line": one.line,
                "act": one.act,
                "entry": one.entry,
                "on": one.on,
                "texts": [told.sentence for told in one.told],
                "details": [[str(detail) for detail in (*told.details, *told.circumstances)] for told in one.told],
            }
            for one in self.acts
        ]
