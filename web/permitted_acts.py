"""Which acts a page offers to whom. Whether the very act is theirs to say is decided by the law when it is said."""

from __future__ import annotations

from domain.rights import MAY, permitted_commands
from domain.steps.corrections import CorrectAct
from domain.types import Command
from errors import InputError
from web.auth import Cycle, ForbiddenError


def require_permitted(cycle: Cycle, name: str, *, correcting: bool = False) -> type[Command]:
    """The act, if the visitor could say it of this cycle. `correcting`: or enter it in the place of a wrong one.

    Raises:
        InputError, ForbiddenError
    """
    act = Command.KNOWN.get(name)
    if act is None or act not in MAY:
        raise InputError("unknown_act", act=name)
    if (CorrectAct if correcting else act) not in permitted_acts(cycle):
        raise ForbiddenError("not_yours_to_say")
    return act


def permitted_acts(cycle: Cycle) -> tuple[type[Command], ...]:
    """What the visitor could say of a cycle. Auditors only read."""
    visitor = cycle.visitor
    kind = visitor.login.account.kind
    # The organiser's acts are the secretariat's: an account of another kind was let in by a weaker proof.
    if kind == "auditor" or (visitor.unit == cycle.state.lifecycle.organiser and kind != "secretariat"):
        return ()
    return permitted_commands(visitor.contact.id, visitor.unit, cycle.state, cycle.now)


def may_date(cycle: Cycle) -> bool:
    """Whether the visitor may say that something happened earlier than now."""
    state, unit = cycle.state, cycle.visitor.unit
    keeps_minutes = unit in {state.membership.holder("head", cycle.now), state.membership.holder("deputy", cycle.now)}
    return unit == state.lifecycle.organiser or keeps_minutes
