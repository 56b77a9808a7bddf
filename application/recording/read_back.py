"""A recording file read back: what each of its acts would say on the timeline, for dry runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from application.command_preview import names_in, unsaved_texts
from application.dry_run import DryRun
from application.recording.match import NewAct
from application.recording.plan import PlannedAct
from application.timeline import texts_of
from domain.dates import as_written
from domain.records import Event, EventEnvelope
from i18n.timeline import describe
from vault.texts import Texts

Entry = Literal["new", "known", "correction"]


@dataclass(frozen=True, slots=True)
class ActReadBack:
    """An act of the file in sentences, with its date as written and the line of the file."""

    cycle: str
    line: int | None
    act: str
    entry: Entry
    on: str
    texts: tuple[str, ...]


@dataclass(slots=True)
class ReadBack:
    """Collects the acts of a dry run in sentences. `people` are the names of persons by id."""

    texts: Texts
    people: Mapping[str, str]
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
        words = {**unsaved_texts(act.input.fields), **await texts_of(self.texts, envelopes)}
        names = {**self.people, **names_in(dry_run)}
        told = act.input.happened or (envelopes[0].meta.happened if envelopes else None)
        sentences = tuple(describe(one, names, words) for one in envelopes)
        on = as_written(told) if told is not None else ""
        self.acts.append(ActReadBack(act.input.stream, line, act.input.act, entry, on, sentences))

    def data(self) -> list[dict[str, Any]]:
        """Return the acts as plain values, in the order in which they are entered."""
        return [
            {
                "cycle": one.cycle,
                "line": one.line,
                "act": one.act,
                "entry": one.entry,
                "on": one.on,
                "texts": list(one.texts),
            }
            for one in self.acts
        ]
