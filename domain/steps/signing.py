"""Signing of the covenant that binds the cluster for a year, unit by unit or on one joint sheet.

The signatures of single units on a joint sheet are inferred: they are in the state, marked as inferred, and never
events. A signature in this register confirms the record; it replaces neither paper nor a digital signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from domain import limits
from domain.duties import Duty
from domain.joint_acts import JointAct, UnitNamed
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, OWN_UNIT, Readers, Section
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import CovenantKind, Edition
from domain.steps.drafting import DraftPresented
from domain.steps.succession import UnitsSucceeded
from domain.times import When
from domain.types import Document, FrozenModel, Participant, Participants, Text, UnitId, with_entry
from domain.units import TogetherUnits, UnitsContext, Unnamed, known_count, require_member, require_unnamed


class SigningContext(UnitsContext, Protocol):
    """What signing reads of the cycle."""

    @property
    def signing(self) -> Signing: ...

    @property
    def term_signing(self) -> Signing: ...

    def draft_numbers(self, kind: CovenantKind) -> tuple[int, ...]:
        """Return the numbers of the versions that were presented, the latest last."""

    def draft_read(self, kind: CovenantKind, when: When) -> int | None:
        """Return the number of the latest version that can have been presented by then; None when there is none."""

    def members_on(self, when: When) -> tuple[str, ...]:
        """Return the units that were members at `when`."""

    @property
    def unnamed(self) -> Unnamed | None:
        """The number of units of the cluster that no source names."""


class RefusalFields(FrozenModel):
    """The fields of a unit's refusal to sign, shared by command and event."""

    unit: UnitId
    reason: Text
    covenant: CovenantKind = "covenant"


# Commands --------------------------------------------------------------------------------


class SignCovenant(
    Command,
    name="sign",
    label=NC_("act", "sign"),
    summary=N_("Sign a version of the covenant as a unit; without a number, the latest version."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.SIGNATURE,
    binding=True,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"draft/{command.covenant}",),
):
    unit: UnitId
    number: int | None = None
    covenant: CovenantKind = "covenant"


class SignJointly(
    Command,
    name="sign-jointly",
    label=NC_("act", "sign jointly"),
    summary=N_("Record that units signed the covenant together."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=True,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"draft/{command.covenant}",),
):
    """`unnamed` is the number of signing units whose names are not known.

    `units` None: the source says "the units" without their names; then all members of that day sign, and all unnamed
    units of the cluster.
    """

    number: int | None = None
    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)] | None = None
    unnamed: Unnamed | None = None
    sheet: Document | None = None
    covenant: CovenantKind = "covenant"


class NameWitnesses(
    Command,
    name="name-witnesses",
    label=NC_("act", "name witnesses"),
    summary=N_("Name the witnesses of the signing."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    witnesses: Participants


class DeclineToSign(
    Command,
    RefusalFields,
    name="decline-to-sign",
    label=NC_("act", "decline to sign"),
    summary=N_("Decline to sign the covenant as a unit; the unit can still sign later."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"draft/{command.covenant}",),
):
    pass


# Events ----------------------------------------------------------------------------------


class CovenantSigned(
    Event,
    name="CovenantSigned",
    schema=1,
    sentence=lambda event: (
        N_("{unit} signs version {number} of the covenant.")
        if event.covenant == "covenant"
        else N_("{unit} signs version {number} of the covenant for a term."),
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.SIGNATURES,
):
    unit: UnitId
    number: int
    covenant: CovenantKind = "covenant"


_JOINT_SENTENCES: Mapping[tuple[bool, bool], str] = {
    (True, True): N_("{units} sign version {number} of the covenant together."),
    (True, False): N_("{units} sign the covenant together."),
    (False, True): N_("{units} sign version {number} of the covenant for a term together."),
    (False, False): N_("{units} sign the covenant for a term together."),
}
"""By whether it is the covenant of the year, and whether a source tells that the text was presented."""


class CovenantSignedJointly(
    Event,
    name="CovenantSignedJointly",
    schema=1,
    sentence=lambda event: (
        _JOINT_SENTENCES[event.covenant == "covenant", event.number != 0],
        {**dict(event), "units": TogetherUnits(units=event.units, unnamed=event.unnamed)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.SIGNATURES,
):
    number: int
    units: tuple[UnitId, ...]
    named: bool
    """False when the source says "the units": then `units` are the members of that day."""
    sheet: Document | None
    unnamed: Unnamed | None = None
    covenant: CovenantKind = "covenant"


class WitnessesNamed(
    Event,
    name="WitnessesNamed",
    schema=1,
    sentence=N_("Witnesses: {witnesses}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.WITNESSES,
):
    witnesses: tuple[Participant, ...]


class SigningDeclined(
    Event,
    RefusalFields,
    name="SigningDeclined",
    schema=1,
    sentence=lambda event: (
        N_("{unit} does not sign: {reason}")
        if event.covenant == "covenant"
        else N_("{unit} does not sign the covenant for a term: {reason}"),
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    pass


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """A unit's signature on a version of the covenant.

    `sureness` is "inferred" when only a joint signing or a succession is recorded; `inferred_from` is that event's
    version.
    """

    number: int
    when: When
    sureness: str
    version: int
    inferred_from: int | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """Signatures and refusals by unit, witnesses, and the first signing.

    `signed_version` is the number of the draft version that was signed first.
    """

    signatures: Mapping[str, Signature] = field(default_factory=dict)
    declined: Mapping[str, int] = field(default_factory=dict)
    witnesses: tuple[Participant, ...] = ()
    witnesses_version: int | None = None
    signed_version: int | None = None
    first_signed: When | None = None
    unnamed: Unnamed | Literal[0] = 0
    """The number of units that have signed and whose names are not known."""

    def is_signed(self, by: When) -> bool:
        """Return whether it had been signed by then.

        What is entered at an exact instant comes after what was entered before it; of papers the days decide.
        """
        if self.first_signed is None:
            return False
        return not by.before(self.first_signed) if by.is_instant else self.first_signed.before(by)


def _signing_of(covenant: CovenantKind, state: SigningContext) -> Signing:
    return state.signing if covenant == "covenant" else state.term_signing


def _version_of(covenant: CovenantKind, number: int | None, meta: Meta, state: SigningContext) -> int:
    """Return `number` when that version exists; when it is None, the latest one that had been presented.

    Raises:
        Refused: `no_such_version`, or `nothing_presented`.
    """
    numbers = state.draft_numbers(covenant)
    if not numbers:
        raise Refused("nothing_presented", kind=covenant)
    if number is None:
        return state.draft_read(covenant, meta.happened) or numbers[0]
    if number not in numbers:
        raise Refused("no_such_version", kind=covenant, number=number, latest=numbers[-1])
    return number


# Decisions -------------------------------------------------------------------------------


def sign(command: SignCovenant, meta: Meta, state: SigningContext, rules: Edition) -> Iterator[CovenantSigned]:
    require_member(command.unit, meta, state)
    number, signing = _version_of(command.covenant, command.number, meta, state), _signing_of(command.covenant, state)
    if (existing := signing.signatures.get(command.unit)) is not None:
        if existing.number == number:
            raise AlreadyRecorded(existing.version)
        raise Refused("signed_already", unit=command.unit, number=existing.number)
    yield CovenantSigned(unit=command.unit, number=number, covenant=command.covenant)


def sign_jointly(
    command: SignJointly, meta: Meta, state: SigningContext, rules: Edition
) -> Iterator[CovenantSignedJointly]:
    # A source can report the signing without a paper: number 0 is a text that was never presented.
    unpresented = command.number is None and not state.draft_numbers(command.covenant)
    number = 0 if unpresented else _version_of(command.covenant, command.number, meta, state)
    signing = _signing_of(command.covenant, state)
    units = command.units
    if units is None:  # "the units": those that have not signed by themselves
        units = tuple(unit for unit in state.members_on(meta.happened) if unit not in signing.signatures)
    for unit in units:
        require_member(unit, meta, state)
    if doubled := [unit for unit in units if unit in signing.signatures]:
        raise Refused("signed_already", unit=doubled[0], number=signing.signatures[doubled[0]].number)
    unnamed = command.unnamed if command.unnamed is not None or command.units is not None else state.unnamed
    require_unnamed(known_count(unnamed) + known_count(signing.unnamed), state.unnamed)
    if not units and not unnamed:
        raise Refused("nobody_signs")
    yield CovenantSignedJointly(
        number=number,
        units=units,
        named=command.units is not None,
        sheet=command.sheet,
        unnamed=unnamed,
        covenant=command.covenant,
    )


def name_witnesses(
    command: NameWitnesses, meta: Meta, state: SigningContext, rules: Edition
) -> Iterator[WitnessesNamed]:
    if state.signing.witnesses_version is not None and set(command.witnesses) <= set(state.signing.witnesses):
        raise AlreadyRecorded(state.signing.witnesses_version)
    yield WitnessesNamed(**dict(command))


def decline(command: DeclineToSign, meta: Meta, state: SigningContext, rules: Edition) -> Iterator[SigningDeclined]:
    require_member(command.unit, meta, state)
    signing = _signing_of(command.covenant, state)
    signature = signing.signatures.get(command.unit)
    if signature is not None and not meta.happened.before(signature.when):
        raise Refused("signed_already", unit=command.unit, number=signature.number)
    if (existing := signing.declined.get(command.unit)) is not None:
        raise AlreadyRecorded(existing)
    yield SigningDeclined(**dict(command))


def _with_first_signing(signing: Signing, number: int, when: When) -> Signing:
    if signing.first_signed is not None and signing.first_signed.earliest <= when.earliest:
        return signing
    return replace(signing, signed_version=number, first_signed=when)


# Evolution -------------------------------------------------------------------------------


def _signed(signing: Signing, event: CovenantSigned, meta: Meta) -> Signing:
    signature = Signature(event.number, meta.happened, meta.provenance.kind, meta.version)
    return replace(
        _with_first_signing(signing, event.number, meta.happened),
        signatures=with_entry(signing.signatures, event.unit, signature),
    )


def _signed_jointly(signing: Signing, event: CovenantSignedJointly, meta: Meta) -> Signing:
    kind = "rehearsed" if meta.provenance.kind == "rehearsed" else "inferred"
    signature = Signature(event.number, meta.happened, kind, meta.version, inferred_from=meta.version)
    inferred = {unit: signature for unit in event.units if unit not in signing.signatures}
    count = known_count(signing.unnamed) + known_count(event.unnamed)
    return replace(
        _with_first_signing(signing, event.number, meta.happened),
        signatures={**signing.signatures, **inferred},
        unnamed="unknown" if "unknown" in {signing.unnamed, event.unnamed} else count,
    )


def _successors_signed(signing: Signing, event: UnitsSucceeded, meta: Meta) -> Signing:
    """Successors of units that have all signed count as signers, where the edition says so."""
    inherited = [signing.signatures[unit] for unit in event.predecessors if unit in signing.signatures]
    if "signature" not in event.inherits or not inherited or len(inherited) < len(event.predecessors):
        return signing
    kind = "rehearsed" if meta.provenance.kind == "rehearsed" else "inferred"
    signature = Signature(inherited[-1].number, inherited[-1].when, kind, meta.version, inferred_from=meta.version)
    inferred = {unit.id: signature for unit in event.successors if unit.id not in signing.signatures}
    return replace(signing, signatures={**signing.signatures, **inferred})


def _unit_named(covenant: CovenantKind) -> Callable[[Signing, UnitNamed, Meta], Signing]:
    """Return the function that infers the signature of a unit that is named after all unnamed units have signed."""
    act: JointAct = "signature" if covenant == "covenant" else "term-signature"

    def evolve(signing: Signing, event: UnitNamed, meta: Meta) -> Signing:
        shared = event.shared(act)
        if shared is None or event.unit.id in signing.signatures:
            return signing
        kind = "rehearsed" if meta.provenance.kind == "rehearsed" else "inferred"
        signature = Signature(shared.number or 0, shared.on, kind, meta.version, inferred_from=shared.versions[-1])
        left = signing.unnamed if signing.unnamed == "unknown" else max(0, signing.unnamed - 1)
        return replace(signing, signatures=with_entry(signing.signatures, event.unit.id, signature), unnamed=left)

    return evolve


def _presented(covenant: CovenantKind) -> Callable[[Signing, DraftPresented, Meta], Signing]:
    """Return the function that finds the version of what was signed before a presentation of an earlier day is entered.

    A signature of a covenant of which no presentation was known is of version 0.
    """

    def evolve(signing: Signing, event: DraftPresented, meta: Meta) -> Signing:
        if event.kind != covenant or signing.first_signed is None:
            return signing

        def was_signed(number: int | None, when: When) -> bool:
            presented = meta.happened
            return number == 0 and (presented.before(when) if presented.is_instant else not when.before(presented))

        signatures = {
            unit: replace(one, number=event.number) if was_signed(one.number, one.when) else one
            for unit, one in signing.signatures.items()
        }
        is_first = was_signed(signing.signed_version, signing.first_signed)
        return replace(
            signing, signatures=signatures, signed_version=event.number if is_first else signing.signed_version
        )

    return evolve


def _only(covenant: CovenantKind, change: Callable[[Signing, Any, Meta], Signing]) -> Callable[..., Signing]:
    """Return an evolve function that applies `change` to events about this covenant only."""
    return lambda signing, event, meta: change(signing, event, meta) if event.covenant == covenant else signing


def _evolves(covenant: CovenantKind) -> dict[type[Event], Callable[..., Signing]]:
    return {
        CovenantSigned: _only(covenant, _signed),
        CovenantSignedJointly: _only(covenant, _signed_jointly),
        SigningDeclined: _only(
            covenant,
            lambda signing, event, meta: replace(
                signing, declined=with_entry(signing.declined, event.unit, meta.version)
            ),
        ),
        WitnessesNamed: _witnessed,
        UnitsSucceeded: _successors_signed,
        UnitNamed: _unit_named(covenant),
        DraftPresented: _presented(covenant),
    }


def _witnessed(signing: Signing, event: WitnessesNamed, meta: Meta) -> Signing:
    named = tuple(dict.fromkeys((*signing.witnesses, *event.witnesses)))
    return replace(signing, witnesses=named, witnesses_version=meta.version)


decider: StepDecider[Signing, SigningContext, Edition] = StepDecider(
    title=N_("Signing the covenant"),
    slice_name="signing",
    decides={
        SignCovenant: sign,
        SignJointly: sign_jointly,
        NameWitnesses: name_witnesses,
        DeclineToSign: decline,
    },
    evolves=_evolves("covenant"),
)
term_decider: StepDecider[Signing, SigningContext, Edition] = StepDecider(
    slice_name="term_signing", decides={}, evolves=_evolves("term-covenant")
)
"""The covenant for a longer term, which is signed in the same way, often on the same day."""
