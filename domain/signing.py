"""Signing: the covenant that binds the cluster for a year, signed unit by unit or on one joint sheet.

From a joint sheet, single signatures are inferred: they exist in the state, marked so, never as events. What a
unit signs in this register confirms the record; it replaces neither paper nor a digital signature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from domain import limits
from domain.commenting import Voice
from domain.drafting import version_of
from domain.frame import Unnamed
from domain.kernel import Act, AlreadySaid, Document, Event, Meta, Refused, Room, Text, UnitId, When, put
from domain.membership import require_member
from domain.rules import Edition

if TYPE_CHECKING:
    from domain.cycle import State

Witnesses = Annotated[tuple[Voice, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


# What people say -------------------------------------------------------------------------


class SignCovenant(Act, name="sign"):
    """A unit signs a named version of the covenant (the latest, when none is named)."""

    unit: UnitId
    number: int | None = None


class SignJointly(Act, name="sign-jointly"):
    """The units sign together. `units` is None where the source says "the units" without naming them.

    `unnamed` is how many sign whom nobody names; where "the units" sign, all unnamed ones of the cluster do.
    """

    number: int | None = None
    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)] | None = None
    unnamed: Unnamed | None = None
    sheet: Document | None = None


class NameWitnesses(Act, name="name-witnesses"):
    """Who was present at the signing without being a party."""

    witnesses: Witnesses


class DeclineToSign(Act, name="decline-to-sign"):
    """A unit refuses to sign, or not yet; a later signature is welcome."""

    unit: UnitId
    reason: Text


# What happened ---------------------------------------------------------------------------


class CovenantSigned(Event, name="CovenantSigned"):
    unit: UnitId
    number: int


class CovenantSignedJointly(Event, name="CovenantSignedJointly"):
    number: int
    units: tuple[UnitId, ...]
    named: bool
    """False when the source says "the units": then `units` are the members of that day."""
    sheet: Document | None
    unnamed: int | None = None


class WitnessesNamed(Event, name="WitnessesNamed"):
    witnesses: tuple[Voice, ...]


class SigningDeclined(Event, name="SigningDeclined"):
    unit: UnitId
    reason: Text


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
    unnamed: int = 0
    """How many units have signed whom nobody names."""


def sign(cmd: SignCovenant, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    number = version_of("covenant", cmd.number, state)
    if (standing := state.signing.signatures.get(cmd.unit)) is not None:
        if standing.number == number:
            raise AlreadySaid(standing.version)
        raise Refused("signed_already", unit=cmd.unit, number=standing.number)
    yield CovenantSigned(unit=cmd.unit, number=number)


def sign_jointly(cmd: SignJointly, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    number = version_of("covenant", cmd.number, state)
    signing = cmd.units if cmd.units is not None else state.membership.members()
    for unit in signing:
        require_member(unit, meta, state)
    if doubled := [unit for unit in signing if unit in state.signing.signatures]:
        raise Refused("signed_already", unit=doubled[0], number=state.signing.signatures[doubled[0]].number)
    unnamed = cmd.unnamed if cmd.unnamed is not None or cmd.units is not None else state.frame.unnamed
    if (unnamed or 0) + state.signing.unnamed > (state.frame.unnamed or 0):
        raise Refused("more_than_unnamed", found=(unnamed or 0) + state.signing.unnamed, known=state.frame.unnamed or 0)
    if not signing and not unnamed:
        raise Refused("nobody_signs")
    yield CovenantSignedJointly(
        number=number, units=signing, named=cmd.units is not None, sheet=cmd.sheet, unnamed=unnamed
    )


def name_witnesses(cmd: NameWitnesses, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.signing.witnesses_version is not None and set(cmd.witnesses) <= set(state.signing.witnesses):
        raise AlreadySaid(state.signing.witnesses_version)
    yield WitnessesNamed(**dict(cmd))


def decline(cmd: DeclineToSign, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if cmd.unit in state.signing.signatures:
        raise Refused("signed_already", unit=cmd.unit, number=state.signing.signatures[cmd.unit].number)
    if (standing := state.signing.declined.get(cmd.unit)) is not None:
        raise AlreadySaid(standing)
    yield SigningDeclined(**dict(cmd))


def _first(s: Signing, number: int, when: When) -> Signing:
    if s.first_signed is not None and s.first_signed.earliest <= when.earliest:
        return s
    return replace(s, signed_version=number, first_signed=when)


def _signed(s: Signing, e: CovenantSigned, m: Meta) -> Signing:
    signature = Signature(e.number, m.happened, m.provenance.kind, m.version)
    return replace(_first(s, e.number, m.happened), signatures=put(s.signatures, e.unit, signature))


def _signed_jointly(s: Signing, e: CovenantSignedJointly, m: Meta) -> Signing:
    kind = "rehearsed" if m.provenance.kind == "rehearsed" else "inferred"
    signature = Signature(e.number, m.happened, kind, m.version, inferred_from=m.version)
    inferred = {unit: signature for unit in e.units if unit not in s.signatures}
    return replace(
        _first(s, e.number, m.happened), signatures={**s.signatures, **inferred}, unnamed=s.unnamed + (e.unnamed or 0)
    )


room = Room(
    slice_name="signing",
    empty=Signing(),
    decides={
        SignCovenant: sign,
        SignJointly: sign_jointly,
        NameWitnesses: name_witnesses,
        DeclineToSign: decline,
    },
    evolves={
        CovenantSigned: _signed,
        CovenantSignedJointly: _signed_jointly,
        WitnessesNamed: lambda s, e, m: replace(
            s, witnesses=tuple(dict.fromkeys((*s.witnesses, *e.witnesses))), witnesses_version=m.version
        ),
        SigningDeclined: lambda s, e, m: replace(s, declined=put(s.declined, e.unit, m.version)),
    },
)
