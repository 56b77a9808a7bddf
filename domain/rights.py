"""Who may issue which command in a cycle: the checks against what each command says of itself.

Rights follow from the signed actor and unit and from the cycle's state: which unit is a member, head or deputy now. The
head and the deputy keep the minutes, so they may enter what a meeting decided about any unit. The secretariat may
record every fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from domain.commands import AuthenticatedCommand
from domain.dates import as_iso
from domain.parties import CLOCK_ONLY, MINUTES_KEEPERS, Party
from domain.records import CLOCK, OF_EARLIER_ACT, Command, Meta, Refused
from domain.steps import corrections, lifecycle, membership
from domain.strengths import require_strength


class RightsContext(Protocol):
    """The slices that rights follow from."""

    @property
    def lifecycle(self) -> lifecycle.Lifecycle: ...

    @property
    def membership(self) -> membership.Membership: ...


DATES = MINUTES_KEEPERS
"""The parties that may state an earlier date than now. A unit's own act happens when it is signed."""


def is_binding(act: str, fields: Mapping[str, Any]) -> bool:
    """Return whether a command, or the one that a correction puts in its place, is binding."""
    instead = fields.get("instead") if act == corrections.CorrectAct.NAME else None
    names = {act, str(instead.get("act")) if isinstance(instead, Mapping) else ""}
    return any(command is not None and command.BINDING for command in map(Command.KNOWN.get, names))


def subject_unit(command: Command) -> str | None:
    """Return the unit whose own act the command is; None for commands of no single unit."""
    if command.ABOUT in {None, OF_EARLIER_ACT}:
        return None
    unit: Any = command
    for name in str(command.ABOUT).split("."):
        unit = getattr(unit, name)
    return unit if isinstance(unit, str) and unit not in {"unknown", "vacant"} else None


def parties(authenticated: AuthenticatedCommand, state: RightsContext) -> frozenset[Party]:
    """Return the roles that the actor has for this command."""
    if authenticated.actor == CLOCK:  # no signed command has this actor: workflow and append refuse it
        return CLOCK_ONLY
    roles = set(
        roles_of(
            authenticated.actor,
            authenticated.unit,
            state,
            lifecycle.business_now(state.lifecycle, authenticated.issued),
        )
    )
    # Before a cycle is opened, only the stream's name tells its organiser.
    if authenticated.unit == (state.lifecycle.organiser or authenticated.stream.split("/")[0]):
        roles.add(Party.SECRETARIAT)
    checked_later = authenticated.command.ABOUT == OF_EARLIER_ACT
    if not checked_later and subject_unit(authenticated.command) != authenticated.unit:
        roles.discard(Party.OWN)
    return frozenset(roles)


def roles_of(person: str, unit: str, state: RightsContext, now: datetime) -> frozenset[Party]:
    """Return the roles that a person of a unit has in the cycle now, for any command."""
    roles: set[Party] = set()
    if unit and unit == state.lifecycle.organiser:
        roles.add(Party.SECRETARIAT)
    if state.membership.is_member(unit, now):
        roles.add(Party.OWN)
        if unit == state.membership.holder("head", now):
            roles.add(Party.HEAD)
        if unit == state.membership.holder("deputy", now):
            roles.add(Party.DEPUTY)
    overseer = state.membership.overseer
    if overseer is not None and overseer.id == person:
        roles.add(Party.OVERSEER)
    return frozenset(roles)


def may_correct(wrong: Meta, unit: str, roles: frozenset[Party], state: RightsContext) -> bool:
    """Return whether a person of `unit` with these roles may correct the act that `wrong` describes.

    The secretariat may correct every act, head and deputy those of all units, a unit its own. Acts of the organiser and
    of the clock are corrected by the secretariat only.
    """
    if Party.SECRETARIAT in roles:
        return True
    of_organiser_or_clock = wrong.unit == state.lifecycle.organiser or wrong.actor == CLOCK
    return not of_organiser_or_clock and (bool(roles & DATES) or wrong.unit == unit)


def _is_addition(authenticated: AuthenticatedCommand, state: RightsContext) -> bool:
    """Return whether a source adds a fact to a year that was entered afterwards: papers turn up after its filing."""
    stated = authenticated.provenance
    return state.lifecycle.clock == "backfill" and stated is not None and stated.source != ""


def check(authenticated: AuthenticatedCommand, state: RightsContext, *, correcting: bool = False) -> frozenset[Party]:
    """Return the roles that the actor has for this command. `correcting`: the command replaces a wrong one.

    Raises:
        Refused: `no_such_unit`, `not_yours`, `cycle_is_filed`, `cycle_not_open` or `duty_closed`; or as
            `strengths.require_strength`, for what the organiser says and for binding commands.
    """
    command = type(authenticated.command)
    subject = subject_unit(authenticated.command)
    roles = parties(authenticated, state)
    if state.lifecycle.opened and not command.NAMES_ANY_UNIT and subject is not None:
        known = {*state.membership.names, state.lifecycle.organiser}
        if subject not in known:
            raise Refused("no_such_unit", unit=subject, known=", ".join(sorted(known)))
    if not roles & command.ALLOWED:
        raise Refused("not_yours", act=command.NAME)
    if authenticated.actor != CLOCK:
        for_organiser = Party.SECRETARIAT in roles
        require_strength(authenticated.strength, for_organiser=for_organiser, binding=command.BINDING)
    if not state.lifecycle.opened and command is not lifecycle.OpenCycle:
        raise Refused("cycle_not_open")
    accepted = command.AFTER_FILING or correcting or _is_addition(authenticated, state)
    if state.lifecycle.filed is not None and not accepted:
        raise Refused("cycle_is_filed", on=as_iso(state.lifecycle.filed))
    duty = command.CLOSED_BY
    is_closed = duty is not None and duty in state.lifecycle.closed
    if is_closed and Party.SECRETARIAT not in roles and subject == authenticated.unit:
        raise Refused("duty_closed", duty=duty)
    return roles
