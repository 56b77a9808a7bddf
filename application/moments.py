"""The state of a cycle at a moment, and two moments compared: for auditors, on pages and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from application.application import Application
from application.corrected_acts import CorrectedAct, CycleCorrections
from application.event_texts import Background, event_texts
from application.visits import VisitedCycle
from application.work import of_many
from audit.replay import Replay, SurenessIndex, digests_in, replay_as_json, replay_with, select
from domain.codec import plain
from domain.cycle import CYCLE
from domain.deviations import deviations
from domain.rules import Edition
from domain.state import State
from domain.steps.corrections import SourceNamed
from i18n import _
from i18n.messages import day
from i18n.state_text import deviation_text, state_lines


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a cycle: after so many events, or at the end of a day; or as had been recorded by a day."""

    version: int | None = None
    at: date | None = None
    known_on: date | None = None

    @classmethod
    def now(cls, cycle: VisitedCycle) -> Moment:
        """After all events."""
        return cls(len(cycle.history))

    def words(self) -> str:
        """The moment as a page names it."""
        if self.at is not None:
            return _("end of {day}").format(day=day(self.at))
        if self.known_on is not None:
            return _("as known on {day}").format(day=day(self.known_on))
        return _("after act {number}").format(number=self.version)


@dataclass(frozen=True, slots=True)
class StateAt:
    """The state at a moment, and what stood then, a line each: what the state says, then the acts that it comes from.

    The acts are those that no correction had taken back, each with everything that was entered.
    """

    moment: Moment
    replay: Replay[State]
    lines: tuple[str, ...]

    def only_here(self, other: StateAt) -> list[str]:
        """The lines that stand at this moment and not at the other."""
        others = set(other.lines)
        return [line for line in self.lines if line not in others]


async def replayed(application: Application, cycle: VisitedCycle, moment: Moment) -> Replay[State]:
    """The state of a cycle at a moment, from the events that the visitor may read."""
    version = len(cycle.history)
    if moment == Moment(version):  # the visitor's cycle holds this state already
        readable = await of_many(version, cycle.readable_history)
        sureness = await of_many(version, SurenessIndex.of, (envelope for _row, envelope in readable))
        return Replay(cycle.stream, cycle.readable_state(), cycle.rules, version, version, (), sureness)
    readable = await of_many(version, cycle.readable_history)
    return await of_many(
        version,
        replay_with,
        CYCLE,
        cycle.stream,
        [row for row, _envelope in readable],
        await _editions(application, cycle),
        at=moment.at,
        version=moment.version,
        known_on=moment.known_on,
    )


async def _editions(application: Application, cycle: VisitedCycle) -> Mapping[str, Edition]:
    found = {digest: await application.edition(digest) for digest in cycle.readable_state().lifecycle.editions}
    return {digest: edition for digest, edition in found.items() if edition is not None}


async def state_at(application: Application, cycle: VisitedCycle, moment: Moment, most: int | None = None) -> StateAt:
    """The state of a cycle at a moment, in lines, too; of each text `most` characters."""
    found = await replayed(application, cycle, moment)
    if not found.events:
        return StateAt(moment, found, ())
    state = found.state
    names = {**cycle.names, **state.membership.names}
    selected, _possible = select(
        [row for row, _envelope in cycle.readable_history()],
        at=moment.at,
        version=moment.version,
        known_on=moment.known_on,
    )
    standing = {row.version for row in selected} - set(state.corrections.corrected)
    acts = [envelope for row, envelope in cycle.readable_history() if row.version in standing]
    background = Background(
        [
            envelope
            for row, envelope in cycle.readable_history()
            # A source keeps its title also at moments before it was named.
            if row.version <= found.last_version or isinstance(envelope.event, SourceNamed)
        ],
        found.rules,
        names,
    )
    words = await event_texts(application, background, acts, most=most)
    texts = await application.texts.get(_texts_of(state))

    def lines() -> tuple[str, ...]:
        return (
            *state_lines(state, texts, background.titled, found.sure.by_event),
            *(
                f"{_('deviation')}: {deviation_text(one, names, found.sure.by_when)}"
                for one in deviations(state, found.rules)
            ),
            *(
                _("act {number}: {text}").format(number=envelope.meta.version, text=one)
                for envelope, one in zip(acts, words, strict=True)
            ),
        )

    return StateAt(moment, found, await of_many(found.events, lines))


def _texts_of(state: State) -> set[str]:
    """The digests of the free texts that the lines of a state tell."""
    comments = state.comments
    found = {one.text for one in (*comments.stances.values(), *comments.collective_stances)}
    return {one.text for one in comments.comments.values()} | {one for one in found if one is not None}


async def moment_values(application: Application, then: StateAt) -> dict[str, Any]:
    """A replayed state as JSON values, with the texts that it names, and in lines."""
    found = then.replay
    texts = await application.texts.get(await of_many(found.events, lambda: digests_in(plain(found.state))))
    return {**await of_many(found.events, replay_as_json, found, texts), "lines": list(then.lines)}


MOST_CORRECTIONS = 1_000
"""So many corrections between two moments are told."""


async def corrections_between(
    application: Application, cycle: VisitedCycle, first: StateAt, second: StateAt
) -> Sequence[CorrectedAct]:
    """The latest corrections that were entered after one of two moments and up to the other."""
    from_, to = sorted((first.replay.last_version, second.replay.last_version))
    found = CycleCorrections(cycle)
    between = [version for version in found.latest(MOST_CORRECTIONS) if from_ < version <= to]
    return await found.in_words(application, between)


def differences(first: StateAt, second: StateAt, corrections: Iterable[CorrectedAct] = ()) -> Sequence[dict[str, str]]:
    """What stood at one of two moments only, and what was corrected between them, as rows."""
    rows = [
        {"only": one.moment.words(), "line": line}
        for one, other in ((first, second), (second, first))
        for line in one.only_here(other)
    ]
    text = _("corrected: act number {number}")
    return [
        *rows,
        *({"only": text.format(number=one.version), "line": " ".join((*one.wrong, one.reason))} for one in corrections),
    ]
