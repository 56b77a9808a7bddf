"""Whose hands an act went through: who prepared, approved and signed it, in what capacity, for whom it was typed in.

Told together with an act, kept as an event beside it. The capacities are those of the signature block of official
papers (Decree 30/2020): on behalf of a collective (TM.), for the head (KT.), by order (TL.), by authorisation (TUQ.).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from domain import limits
from domain.commenting import Voice, Voices
from domain.kernel import Event, Fact, Person, Room, put
from domain.problems import wrong

Capacity = Annotated[
    Literal["TM", "KT", "TL", "TUQ"], BeforeValidator(lambda value: str(value).strip().rstrip(".").upper())
]


class Signatory(Fact):
    """Who put their name under it; `capacity` None: in their own right, or the source does not say."""

    person: Person
    capacity: Capacity | None = None


class Hands(Fact):
    """The hands of one act. `on_behalf_of` is for whom somebody else typed it in."""

    prepared: Voices = ()
    approved: Voices = ()
    signed: Annotated[tuple[Signatory, ...], Field(max_length=limits.PEOPLE_PER_ACT)] = ()
    on_behalf_of: Voice | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Hands:
        if not (self.prepared or self.approved or self.signed or self.on_behalf_of):
            raise wrong("hands_of_nobody")
        return self


class HandsNamed(Event, name="HandsNamed"):
    of: int
    """The place in the stream of the act's first event."""
    hands: Hands


AllHands = Mapping[int, Hands]
"""By the version of the act's first event."""


room = Room(
    slice_name="hands", empty={}, decides={}, evolves={HandsNamed: lambda hands, e, m: put(hands, e.of, e.hands)}
)
