"""Signing: the covenant that binds the cluster for a year, signed unit by unit or on one joint sheet.

From a joint sheet, single signatures are inferred: they exist in the state, marked so, never as events. What a
unit signs in this register confirms the record; it replaces neither paper nor a digital signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from domain import limits
from domain.rules import Edition
from domain.steps.commenting import Voice, Voices
from domain.steps.drafting import CovenantKind, version_of
from domain.steps.lifecycle import Unnamed, counted
from domain.steps.membership import require_member
from domain.steps.succession import UnitsSucceeded
from domain.types import (
    AlreadySaid,
    Command,
    Document,
    Event,
    Meta,
    Refused,
    StepDecider,
    Text,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

# What people say -------------------------------------------------------------------------


class SignCovenant(Command, name="sign"):
    """A unit signs a named version of the covenant (the latest, when none is named)."""

    unit: UnitId
    number: int | None = None
    covenant: CovenantKind = "covenant"


class SignJointly(Command, name="sign-jointly"):
    """The units sign together. `units` is None where the source says "the units" without naming them.

    `unnamed` is how many sign whom nobody names; where "the units" sign, all unnamed ones of the cluster do.
    """

    number: int | None = None
    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)] | None = None
    unnamed: Unnamed | None = None
    sheet: Document | None = None
    covenant: CovenantKind = "covenant"


class NameWitnesses(Command, name="name-witnesses"):
    """Who was present at the signing without being a party."""

    witnesses: Voices


class DeclineToSign(Command, name="decline-to-sign"):
    """A unit refuses to sign, or not yet; a later signature is welcome."""

    unit: UnitId
    reason: Text
    covenant: CovenantKind = "covenant"


# What happened ---------------------------------------------------------------------------


class CovenantSigned(Event, name="CovenantSigned"):
    unit: UnitId
    number: int
    covenant: CovenantKind = "covenant"


class CovenantSignedJointly(Event, name="CovenantSignedJointly"):
    number: int
    units: tuple[UnitId, ...]
    named: bool
    """False when the source says "the units": then `units` are the members of that day."""
    sheet: Document | None
    unnamed: Unnamed | None = None
    covenant: CovenantKind = "covenant"


class WitnessesNamed(Event, name="WitnessesNamed"):
    witnesses: tuple[Voice, ...]


class SigningDeclined(Event, name="SigningDeclined"):
    unit: UnitId
    reason: Text
    covenant: CovenantKind = "covenant"


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """A unit's signature on a version of the covenant.

    `sureness` is "inferred" when only a joint signing is on record; `inferred_from` is that event's version.
    """

    number: int
    when: When
    sureness: str
    version: int
    inferred_from: int | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """Signatures by unit; refusals; witnesses; the version that was signed first."""

    signatures: Mapping[str, Signature] = field(default_factory=dict)
    declined: Mapping[str, int] = field(default_factory=dict)
    witnesses: tuple[Voice, ...] = ()
    witnesses_version: int | None = None
    signed_version: int | None = None
    first_signed: When | None = None
    unnamed: Unnamed | Literal[0] = 0
    """How many units have signed whom nobody names."""


def _of(covenant: CovenantKind, state: State) -> Signing:
    return state.signing if covenant == "covenant" else state.term_signing


def sign(cmd: SignCovenant, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    number, signing = version_of(cmd.covenant, cmd.number, state), _of(cmd.covenant, state)
    if (existing := signing.signatures.get(cmd.unit)) is not None:
        if existing.number == number:
            raise AlreadySaid(existing.version)
        raise Refused("signed_already", unit=cmd.unit, number=existing.number)
    yield CovenantSigned(unit=cmd.unit, number=number, covenant=cmd.covenant)


def sign_jointly(cmd: SignJointly, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    # A source may tell of the signing and of no paper: then the number is 0, a text that nobody presented.
    unpresented = cmd.number is None and not state.drafts.get(cmd.covenant)
    number = 0 if unpresented else version_of(cmd.covenant, cmd.number, state)
    signing = _of(cmd.covenant, state)
    units = cmd.units if cmd.units is not None else state.membership.members_on(meta.happened)
    for unit in units:
        require_member(unit, meta, state)
    if doubled := [unit for unit in units if unit in signing.signatures]:
        raise Refused("signed_already", unit=doubled[0], number=signing.signatures[doubled[0]].number)
    unnamed = cmd.unnamed if cmd.unnamed is not None or cmd.units is not None else state.lifecycle.unnamed
    found, known = counted(unnamed) + counted(signing.unnamed), counted(state.lifecycle.unnamed)
    if state.lifecycle.unnamed != "unknown" and found > known:
        raise Refused("more_than_unnamed", found=found, known=known)
    if not units and not unnamed:
        raise Refused("nobody_signs")
    yield CovenantSignedJointly(
        number=number,
        units=units,
        named=cmd.units is not None,
        sheet=cmd.sheet,
        unnamed=unnamed,
        covenant=cmd.covenant,
    )


def name_witnesses(cmd: NameWitnesses, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.signing.witnesses_version is not None and set(cmd.witnesses) <= set(state.signing.witnesses):
        raise AlreadySaid(state.signing.witnesses_version)
    yield WitnessesNamed(**dict(cmd))


def decline(cmd: DeclineToSign, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    signing = _of(cmd.covenant, state)
    if cmd.unit in signing.signatures:
        raise Refused("signed_already", unit=cmd.unit, number=signing.signatures[cmd.unit].number)
    if (existing := signing.declined.get(cmd.unit)) is not None:
        raise AlreadySaid(existing)
    yield SigningDeclined(**dict(cmd))


def _first(s: Signing, number: int, when: When) -> Signing:
    if s.first_signed is not None and s.first_signed.earliest <= when.earliest:
        return s
    return replace(s, signed_version=number, first_signed=when)


def _signed(s: Signing, e: CovenantSigned, m: Meta) -> Signing:
    signature = Signature(e.number, m.happened, m.provenance.kind, m.version)
    return replace(_first(s, e.number, m.happened), signatures=with_entry(s.signatures, e.unit, signature))


def _signed_jointly(s: Signing, e: CovenantSignedJointly, m: Meta) -> Signing:
    kind = "rehearsed" if m.provenance.kind == "rehearsed" else "inferred"
    signature = Signature(e.number, m.happened, kind, m.version, inferred_from=m.version)
    inferred = {unit: signature for unit in e.units if unit not in s.signatures}
    return replace(
        _first(s, e.number, m.happened),
        signatures={**s.signatures, **inferred},
        unnamed="unknown" if "unknown" in {s.unnamed, e.unnamed} else counted(s.unnamed) + counted(e.unnamed),
    )


def _inherited(s: Signing, e: UnitsSucceeded, m: Meta) -> Signing:
    """Who takes over from units that have all signed is bound as they were, where the edition says so."""
    before = [s.signatures[unit] for unit in e.predecessors if unit in s.signatures]
    if "signature" not in e.inherits or not before or len(before) < len(e.predecessors):
        return s
    kind = "rehearsed" if m.provenance.kind == "rehearsed" else "inferred"
    taken = Signature(before[-1].number, before[-1].when, kind, m.version, inferred_from=m.version)
    heirs = {unit.id: taken for unit in e.successors if unit.id not in s.signatures}
    return replace(s, signatures={**s.signatures, **heirs})


def _on(covenant: CovenantKind, change: Callable[[Signing, Any, Meta], Signing]) -> Callable[..., Signing]:
    """The change for events about this covenant, and none for those about the other."""
    return lambda s, e, m: change(s, e, m) if e.covenant == covenant else s


def _evolves(covenant: CovenantKind) -> dict[type[Event], Callable[..., Signing]]:
    return {
        CovenantSigned: _on(covenant, _signed),
        CovenantSignedJointly: _on(covenant, _signed_jointly),
        SigningDeclined: _on(covenant, lambda s, e, m: replace(s, declined=with_entry(s.declined, e.unit, m.version))),
        WitnessesNamed: _witnessed,
        UnitsSucceeded: _inherited,
    }


def _witnessed(s: Signing, e: WitnessesNamed, m: Meta) -> Signing:
    named = tuple(dict.fromkeys((*s.witnesses, *e.witnesses)))
    return replace(s, witnesses=named, witnesses_version=m.version)


decider = StepDecider(
    slice_name="signing",
    empty=Signing(),
    decides={
        SignCovenant: sign,
        SignJointly: sign_jointly,
        NameWitnesses: name_witnesses,
        DeclineToSign: decline,
    },
    evolves=_evolves("covenant"),
)
term_decider = StepDecider(slice_name="term_signing", empty=Signing(), decides={}, evolves=_evolves("term-covenant"))
"""The covenant for a longer term, signed in the same way and often on the same day."""
