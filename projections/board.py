"""The board's line for one cycle. It holds results of the domain's functions and has no rules of its own.

What depends on the time of reading, such as overdue duties, is computed by `glance` when the line is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from domain.dates import as_iso
from domain.deviations import Deviation, deviations
from domain.due_dates import Obligation, alarm
from domain.late_escalations import late_still
from domain.obligations import DUTIES_OF_STEP, StepProgress, current_step, in_turn, obligations, open_requests, steps
from domain.rules import Edition
from domain.state import State
from domain.summaries import deviation_values, obligation_values, step_values
from domain.titles import TitleKind, cluster_title, title_key, titles_of_acts, titles_of_rules

FAR_DAYS = timedelta(days=45)
"""What is due later than this is far: it need not be done now."""

MOST_DONE = 10
"""The latest duties that a unit has done, of each cycle: as many as a page of tasks shows of all cycles."""


def line_of(stream: str, state: State, rules: Edition) -> dict[str, Any]:
    """Return a cycle's line, as JSON values. `write_line` adds `namesake`, which depends on the other lines."""
    owed = obligations(state, rules)
    filed, year = state.lifecycle.filed is not None, steps(state, rules, owed)
    open_ = [] if filed else [o for o in owed if o.done is None]
    found = deviations(state, rules, owed)
    return {
        "cycle": stream,
        "cluster": state.lifecycle.cluster_name,
        "organiser_name": state.lifecycle.organiser_name,
        "year": state.lifecycle.year,
        "step": "filed" if filed else current_step(year),
        "steps": [_picked(step_values(s), ("step", "done")) for s in year],
        "clock": state.lifecycle.clock,
        "rehearsed": state.lifecycle.rehearsed,
        "now": state.lifecycle.now.isoformat() if state.lifecycle.clock != "wall" and state.lifecycle.now else None,
        "names": {**state.membership.names, state.lifecycle.organiser: state.lifecycle.organiser_name},
        "members": list(state.membership.members()),
        "head": state.membership.holder("head"),
        "deputy": state.membership.holder("deputy"),
        "overseer": state.membership.overseer.id if state.membership.overseer is not None else None,
        "duties_done": dict(Counter(o.duty.value for o in owed if o.done is not None)),
        "open": [_open(o, state, rules) for o in in_turn(open_)],
        "extensions_asked": [
            {"unit": unit, "duty": duty.value, "until": asked.until.isoformat(), "reason": asked.reason}
            for (unit, duty), asked in open_requests(state, open_).items()
        ],
        "extensions_refused": [
            {"unit": unit, "duty": duty.value, "reason": refused.reason, "on": as_iso(refused.refused)}
            for (unit, duty), refused in state.deadlines.refused_requests.items()
        ],
        "closed": [duty.value for duty in state.lifecycle.closed],
        "done_by": _done_by(owed),
        "escalations": [
            {"duty": duty.value, "units": list(units)} for duty, units in late_still(state.deadlines, open_).items()
        ],
        "deviations": {
            "open": sum(1 for d in found if d.article and not d.settled and not d.acknowledged),
            "remarks": sum(1 for d in found if not d.article and not d.settled and not d.acknowledged),
            "all": len(found),
        },
        "found": _found(found, state, rules),
        "done": _done(owed),
        "heat": _heat(year, owed),
        "reports": _reports(state),
        "chased": [
            {"units": list(c.units), "duty": c.duty.value, "channel": c.channel, "on": as_iso(c.when)}
            for c in state.manual_reminders[-50:]
        ],
        "editions": _editions(state),
        "published": state.conclusion.published is not None,
        "filed": as_iso(state.lifecycle.filed) if state.lifecycle.filed else None,
    }


def _editions(state: State) -> list[list[str | None]]:
    """Return the rules editions by digest, each with the instant from which on it counts, the one in force last."""
    return [[one.edition, one.since.isoformat() if one.since else None] for one in state.lifecycle.all_adoptions]


def _open(owed: Obligation, state: State, rules: Edition) -> dict[str, Any]:
    values = obligation_values(owed)
    extension = state.deadlines.extension_of(owed.duty, owed.bearer) if owed.extended else None
    return {
        "unit": owed.bearer,
        **_picked(values, ("duty", "subject", "due", "waits_for", "extended", "article")),
        "awaited": owed.awaited.value if owed.awaited is not None else None,
        "extended_why": extension.reason if extension is not None else None,
        "alarm": alarm(owed.due, rules).isoformat() if owed.due is not None else None,
    }


def _found(found: Sequence[Deviation], state: State, rules: Edition) -> list[dict[str, Any]]:
    """Return the deviations, each with the titles of what its facts name by an id, and why it was acknowledged."""
    if not found:
        return []
    titles = {**titles_of_rules(rules), **titles_of_acts(state)}
    named = [{title_key(kind, str(fact)) for kind in _TITLED for fact in d.facts.values()} for d in found]
    return [
        {
            **deviation_values(d),
            "titles": {key: titles[key] for key in sorted(keys & titles.keys())},
            "reason": state.corrections.acknowledged.get(d.key),
        }
        for d, keys in zip(found, named, strict=True)
    ]


_TITLED: tuple[TitleKind, ...] = ("award", "ballot", "criterion", "letter", "meeting", "round")


def _done(owed: Sequence[Obligation]) -> dict[str, list[dict[str, Any]]]:
    """Return by unit the duties that it has done, the latest first, `MOST_DONE` at most."""
    found: dict[str, list[tuple[datetime, Obligation]]] = {}
    for one in owed:
        if one.done is not None:
            found.setdefault(one.bearer, []).append((one.done.latest, one))
    return {
        unit: [_done_values(one) for _latest, one in sorted(done, key=itemgetter(0), reverse=True)[:MOST_DONE]]
        for unit, done in found.items()
    }


def _done_values(owed: Obligation) -> dict[str, Any]:
    values = obligation_values(owed)
    return {**_picked(values, ("duty", "subject", "late")), "on": values["done"]}


def _heat(year: Sequence[StepProgress], owed: Sequence[Obligation]) -> list[dict[str, Any]]:
    """Return for each step how far it is: its duties with how many are done of how many, and when the open are due."""
    found = []
    for step in year:
        mine = [one for one in owed if one.duty in DUTIES_OF_STEP[step.name]]
        duties = [
            (duty.value, sum(1 for one in of_duty if one.done is not None), len(of_duty))
            for duty in DUTIES_OF_STEP[step.name]
            if (of_duty := [one for one in mine if one.duty is duty])
        ]
        dues = sorted(one.due.isoformat() for one in mine if one.done is None and one.due is not None)
        done = as_iso(step.done) if step.done is not None else None
        found.append({"step": step.name, "done": done, "told": step.told, "duties": duties, "dues": dues})
    return found


def _reports(state: State) -> dict[str, dict[str, Any]]:
    """Return by unit the mid-year reports that nobody has accepted: what was handed in, and when."""
    return {
        unit: {
            "title": report.document.title if report.document is not None else None,
            "number": report.document.number if report.document is not None else None,
            "text": report.document.text if report.document is not None else None,
            "on": as_iso(report.when),
            "version": report.version,
            "answered": as_iso(report.answered) if report.answered is not None else None,
        }
        for unit, report in state.midyear.items()
        if report.accepted is None
    }


def _done_by(owed: Sequence[Obligation]) -> dict[str, list[str]]:
    """The units that have done all that they owed of a duty, by duty."""
    open_ = {(one.duty, one.bearer) for one in owed if one.done is None}
    found: dict[str, list[str]] = {}
    for one in owed:
        of_duty = found.setdefault(one.duty.value, [])
        if (one.duty, one.bearer) not in open_ and one.bearer not in of_duty:
            of_duty.append(one.bearer)
    return found


def _picked(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: values[key] for key in keys}


def title_of(line: Mapping[str, Any]) -> str:
    """Return how the cluster of a line is named (`cluster_title`)."""
    return cluster_title(line["cluster"], line["organiser_name"], namesake=line["namesake"])


@dataclass(frozen=True, slots=True)
class ListedCycle:
    """A cycle in a list: its stream, how its cluster is named, its year, and whether it is a rehearsal."""

    cycle: str
    cluster: str
    year: int
    rehearsed: bool


@dataclass(frozen=True, slots=True)
class ListedVersion(ListedCycle):
    """A cycle in a list of what is answered: the answer names the version that the list was made of."""

    version: int


@dataclass(frozen=True, slots=True)
class Glance:
    """A line at a moment: the next due time, the units that owe then, and the overdue duties."""

    next_due: datetime | None
    waiting_for: tuple[str, ...]
    overdue: tuple[dict[str, Any], ...]


def glance(line: dict[str, Any], real_now: datetime) -> Glance:
    """Return the line's state now: on the cycle's own clock if it has one, else at `real_now`."""
    now = datetime.fromisoformat(line["now"]) if line["now"] else real_now
    # Many duties are due at one instant: each instant is read once.
    written_dues = dict.fromkeys(one["due"] for one in line["open"] if one["due"])
    dues = {written: datetime.fromisoformat(written) for written in written_dues}
    nearest = min((due for due in dues.values() if due > now), default=None)
    coming = [written for written, due in dues.items() if due == nearest]
    late = [written for written, due in dues.items() if due <= now]
    waiting = dict.fromkeys(one["unit"] for one in line["open"] if one["due"] in coming)
    return Glance(nearest, tuple(waiting), tuple(one for one in line["open"] if one["due"] in late))
