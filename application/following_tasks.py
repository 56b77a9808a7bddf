"""What a unit can do next in a cycle, after an act: the same duty for other units first."""

from __future__ import annotations

from collections.abc import Iterable

from application.cluster_overview import open_tasks
from application.gate import account_may_write
from application.visits import VisitedCycle
from domain.cycle import EVENTS_OF
from domain.due_dates import Obligation
from domain.obligations import DUTY_COMMANDS

MOST = 3


def following_tasks(cycle: VisitedCycle, types: Iterable[str]) -> tuple[Obligation, ...]:
    """The open tasks of the visitor's unit that wait for no other act; `types` are those of the events of the last one.

    Auditors, and others who only read, have none.
    """
    visitor = cycle.visitor
    organises = visitor.unit == cycle.state.lifecycle.organiser
    if not account_may_write(visitor.login.account.kind, for_organiser=organises):
        return ()
    done = set(types)
    same = {
        duty
        for duty, commands in DUTY_COMMANDS.items()
        if done & {event.NAME for one in commands.done_by for event in EVENTS_OF.get(one, ())}
    }
    closed = cycle.state.lifecycle.closed
    found = [
        one
        for one in open_tasks(cycle)
        if one.bearer == visitor.unit and not one.waits_for and (organises or one.duty not in closed)
    ]
    return tuple(sorted(found, key=lambda one: one.duty not in same)[:MOST])
