"""Which acts a page offers to whom. Whether the very act is theirs to say is decided by the law when it is said."""

from __future__ import annotations

from domain.kernel import Act
from domain.register import CorrectAct
from domain.rights import MAY, offered
from office.fields import InputError
from web.visitors import Cycle, ForbiddenError


def must_be_offered(cycle: Cycle, name: str, *, correcting: bool = False) -> type[Act]:
    """The act, if the visitor could say it of this cycle. `correcting`: or enter it in the place of a wrong one.

    Raises:
        InputError, ForbiddenError
    """
    act = Act.KNOWN.get(name)
    if act is None or act not in MAY:
        raise InputError("unknown_act", act=name)
    if (CorrectAct if correcting else act) not in acts_offered(cycle):
        raise ForbiddenError("not_yours_to_say")
    return act


def acts_offered(cycle: Cycle) -> tuple[type[Act], ...]:
    """What the visitor could say of a cycle. Auditors only read."""
    visitor = cycle.visitor
    kind = visitor.login.account.kind
    # The organiser's acts are the secretariat's: an account of another kind was let in by a weaker proof.
    if kind == "auditor" or (visitor.unit == cycle.state.frame.organiser and kind != "secretariat"):
        return ()
    return offered(visitor.contact.id, visitor.unit, cycle.state, cycle.now)


def may_date(cycle: Cycle) -> bool:
    """Whether the visitor may say that something happened earlier than now."""
    state, unit = cycle.state, cycle.visitor.unit
    keeps_minutes = unit in {state.membership.holder("head", cycle.now), state.membership.holder("deputy", cycle.now)}
    return unit == state.frame.organiser or keeps_minutes
