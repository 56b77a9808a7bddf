"""Signatories of a command: who prepared, approved and signed it, in what capacity, and for whom it was entered.

They travel with the command and are recorded as an event of their own beside its events. The capacities are those of
the signature block of official papers (Decree 30/2020): on behalf of a collective (TM.), for the head (KT.), by order
(TL.), by authorisation (TUQ.).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from domain import limits
from domain.msgids import N_
from domain.parties import Readers
from domain.problems import invalid
from domain.records import Event, StepDecider
from domain.types import FrozenModel, Participant, Participants, Person, with_entry

Capacity = Annotated[
    Literal["TM", "KT", "TL", "TUQ"], BeforeValidator(lambda value: str(value).strip().rstrip(".").upper())
]


class Signatory(FrozenModel):
    """A person who signed; `capacity` None: in their own right, or the source does not say."""

    person: Person
    capacity: Capacity | None = None


class Signatories(FrozenModel):
    """The signatories of one command. `on_behalf_of` is the participant for whom another person entered it."""

    prepared: Participants = ()
    approved: Participants = ()
    signed: Annotated[tuple[Signatory, ...], Field(max_length=limits.PEOPLE_PER_ACT)] = ()
    on_behalf_of: Participant | None = None

    @model_validator(mode="after")
    def _check_not_empty(self) -> Signatories:
        if not (self.prepared or self.approved or self.signed or self.on_behalf_of):
            raise invalid("signatories_of_nobody")
        return self


# Events ----------------------------------------------------------------------------------


class SignatoriesNamed(
    Event,
    name="HandsNamed",
    schema=1,
    sentence=N_("Act {of}: {signatories}."),
    readers=Readers.OF_EARLIER_EVENTS,
    correctable=True,
    in_summary=None,
):
    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    of: int
    """The version of the command's first event."""
    signatories: Signatories = Field(alias="hands")
    """The stored key is `hands`: stored names never change."""


# State -----------------------------------------------------------------------------------


SignatoriesByVersion = Mapping[int, Signatories]
"""By the version of the command's first event."""


# Evolution -------------------------------------------------------------------------------


decider: StepDecider[SignatoriesByVersion, object, object] = StepDecider(
    slice_name="signatories",
    decides={},
    evolves={SignatoriesNamed: lambda signatories, event, meta: with_entry(signatories, event.of, event.signatories)},
)
