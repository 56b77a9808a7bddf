"""What a recording run did and what it found, as plain values. Their keys are the JSON answer of `thidua record`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from application.recording.file import RecordFile
from application.recording.match import KnownCycle
from domain.codec import plain, state_digest
from domain.cycle import CYCLE
from domain.deviations import deviations
from domain.rules import Edition
from domain.scoring.scores import ScoreChange, score_impact
from domain.state import State, members_and_organiser
from domain.summaries import deviation_values
from domain.titles import names_of
from i18n.state_text import deviation_text
from ledger.mapping import to_envelope


@dataclass(slots=True)
class Counts:
    """How many acts of a file were entered as new, were known before, or were entered as corrections."""

    entered: int = 0
    known: int = 0
    corrected: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one run. `before` has the cycles as the run found them, `after` their states and rules now."""

    file: RecordFile
    counts: Counts
    before: Mapping[str, KnownCycle]
    after: Mapping[str, tuple[State, Edition]]
    told: Sequence[Mapping[str, Any]]
    """In a dry run, the acts of the file in sentences."""

    notes: Sequence[str]
    """What was changed in the texts of the file when they were read, with lines."""

    dry_run: bool

    def data(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "dry_run": self.dry_run,
            "counts": asdict(self.counts),
            **({"told": list(self.told)} if self.dry_run else {}),
            "notes": list(self.notes),
            "unheeded": [*self._differs_from_ledger(), *self._unknown_bodies()],
            "cycles": [self._cycle(stream, state, rules) for stream, (state, rules) in self.after.items()],
        }

    def _cycle(self, stream: str, state: State, rules: Edition) -> dict[str, Any]:
        names, found = names_of(state, rules), deviations(state, rules)
        return {
            "cycle": stream,
            "units": list(names),
            "state_digest": state_digest(state),
            "deviations": [deviation_values(one) for one in found],
            "deviation_texts": [deviation_text(one, names) for one in found],
            "moved": plain(self._score_impact(stream, state, rules)),
        }

    def _differs_from_ledger(self) -> Iterable[dict[str, Any]]:
        """Yield where file and ledger differ about the units of an open cycle: the file does not change them."""
        cycle, cluster = self.before[self.file.stream()], self.file.cluster
        if not cycle.opened:
            return
        state = CYCLE.fold(to_envelope(row) for row in cycle.rows)
        names = state.membership.names
        for unit in cluster.units:
            facts = {"unit": unit.id, "name": unit.name, "found": names.get(unit.id, "")}
            if unit.id not in names:
                yield {"code": "unit_not_in_register", "facts": facts}
            elif names[unit.id] != unit.name:
                yield {"code": "unit_called_otherwise", "facts": facts}
        if cluster.units and cluster.unnamed != state.lifecycle.unnamed:
            facts = {"found": str(state.lifecycle.unnamed), "told": str(cluster.unnamed)}
            yield {"code": "unnamed_otherwise", "facts": facts}

    def _unknown_bodies(self) -> Iterable[dict[str, Any]]:
        """Yield units that meetings name and no cycle of the file has: bodies from elsewhere, or typing errors."""
        known = {unit for state, _rules in self.after.values() for unit in members_and_organiser(state)}
        named: list[str | None] = []
        for meeting in self.file.meetings:
            voices = (*meeting.chairs, *meeting.present, *(presenter.by for presenter in meeting.presenters))
            named += [meeting.host, *(voice.unit for voice in voices)]
        for unit in dict.fromkeys(named):
            if unit is not None and unit not in known:
                yield {"code": "body_unknown", "facts": {"unit": unit, "known": sorted(known)}}

    def _score_impact(self, stream: str, state: State, rules: Edition) -> Sequence[ScoreChange]:
        """Return whose total or rank the corrections of this run changed."""
        if not self.counts.corrected:
            return ()
        before = CYCLE.fold(to_envelope(row) for row in self.before[stream].rows)
        return score_impact(before, state, rules)
