"""The acts that a page offers to a visitor. Gate and decider check once more when a command is submitted."""

from __future__ import annotations

from application.gate import account_may_write
from application.visits import ForbiddenError, VisitedCycle
from domain.cycle import COMMANDS, permitted_commands
from domain.records import Command
from domain.steps.corrections import CorrectAct
from domain.steps.lifecycle import REHEARSAL_CLOCK, REHEARSAL_COMMANDS, ChangeCalendar
from errors import InputError


def require_permitted(cycle: VisitedCycle, name: str, *, correcting: bool = False) -> type[Command]:
    """The act, if the visitor may enter it in this cycle; with `correcting`, if they may correct one.

    Raises:
        InputError, ForbiddenError
    """
    act = Command.KNOWN.get(name)
    if act is None or act not in COMMANDS:
        raise InputError("unknown_act", act=name)
    if (CorrectAct if correcting else act) not in allowed_acts(cycle):
        raise ForbiddenError("not_yours_to_say")
    return act


def permitted_acts(cycle: VisitedCycle) -> tuple[type[Command], ...]:
    """The acts that a page offers to the visitor in a cycle.

    The tools of a rehearsal are offered in one only, the end of backfilling while the cycle is backfilled, and of a
    year that is filed only what it takes still.
    """
    clock = cycle.state.lifecycle.clock
    hidden = {
        *(REHEARSAL_COMMANDS if clock != REHEARSAL_CLOCK else ()),
        *((ChangeCalendar,) if clock != "backfill" else ()),
    }
    return tuple(act for act in allowed_acts(cycle) if act not in hidden and year_takes(cycle, act))


def year_takes(cycle: VisitedCycle, act: type[Command]) -> bool:
    """Whether the year is not filed, or takes the act all the same.

    A year that is entered afterwards takes more from sources when it is filed, too.
    """
    lifecycle = cycle.state.lifecycle
    return lifecycle.filed is None or lifecycle.clock == "backfill" or act.AFTER_FILING


def allowed_acts(cycle: VisitedCycle) -> tuple[type[Command], ...]:
    """The acts that are the visitor's to enter in a cycle, also while it does not take them. Auditors only read."""
    visitor = cycle.visitor
    for_organiser = visitor.unit == cycle.state.lifecycle.organiser
    if not account_may_write(visitor.login.account.kind, for_organiser=for_organiser):
        return ()
    return permitted_commands(visitor.contact.id, visitor.unit, cycle.state, cycle.now)


def may_date(cycle: VisitedCycle) -> bool:
    """Whether the visitor may enter that something happened earlier than now: the organiser, head and deputy may."""
    state, unit = cycle.state, cycle.visitor.unit
    keeps_minutes = unit in {state.membership.holder("head", cycle.now), state.membership.holder("deputy", cycle.now)}
    return unit == state.lifecycle.organiser or keeps_minutes
