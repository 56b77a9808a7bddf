"""Commands on their way to a decider: the signed payload, and the command with the person who issues it.

`CommandPayload` is the content of the signed bytes: the command's name, its fields and its circumstances. The signed
header names the person. `AuthenticatedCommand` combines both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from domain.field_names import problem_of
from domain.records import Command, Meta, Refused
from domain.steps.signatories import Signatories
from domain.strengths import Strength, strength_of
from domain.times import When
from domain.types import Digest, FrozenModel, Label, Provenance, Slug, added_later


class CommandPayload(FrozenModel):
    """The payload of a signed command. `happened` is given only where an earlier date than now is stated.

    The stored key of `signatories` is `hands`: payloads are signed and stored, so their keys never change.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    act: str
    fields: dict[str, Any]
    happened: When | None = None
    effective: date | None = None
    provenance: Provenance | None = None
    meeting: Slug | None = None
    act_key: Label | None = None
    signatories: Signatories | None = Field(default=None, alias="hands")
    based_on: PositiveInt | None = added_later()
    """The version of the stream that its actor had read; None where that is not known, as of facts from a source."""
    not_here: tuple[Digest, ...] = added_later(())
    """Digests of texts and names that an exported file gave without text or name: they were never stored here."""

    @classmethod
    def of(cls, command: Command, **circumstances: Any) -> CommandPayload:
        """Return the payload of `command`.

        Raises:
            Refused: `malformed_act`: a circumstance is invalid, such as a meeting's id.
        """
        try:
            return cls(act=command.NAME, fields=command.model_dump(mode="json"), **circumstances)
        except ValidationError as error:
            raise _malformed(command.NAME, error, cls) from None

    def authenticated(
        self,
        stream: str,
        command_id: UUID,
        *,
        actor: str,
        unit: str,
        issued: datetime,
        strength: str,
        stand_in_for: str | None = None,
    ) -> AuthenticatedCommand:
        """Return the command with the person who issues it.

        Raises:
            Refused: as `parsed`, and `unknown_strength`.
        """
        return AuthenticatedCommand(
            stream=stream,
            command=self.parsed(),
            actor=actor,
            unit=unit,
            issued=issued,
            command_id=command_id,
            strength=strength_of(strength),
            stand_in_for=stand_in_for,
            happened=self.happened,
            effective=self.effective,
            provenance=self.provenance,
            meeting=self.meeting,
            act_key=self.act_key,
            signatories=self.signatories,
            based_on=self.based_on,
        )

    def resulting_command(self) -> Command:
        """Return the command that takes effect: for a correction, the command that replaces the wrong one.

        Raises:
            Refused: as `parsed`.
        """
        command = self.parsed()
        instead = self.fields.get("instead") if self.act == "correct" else None
        if not instead:
            return command
        return parse_command(str(instead["act"]), {name: value for name, value in instead.items() if name != "act"})

    def parsed(self) -> Command:
        """Return the typed command.

        Raises:
            Refused: `unknown_act` or `malformed_act`, naming the field.
        """
        return parse_command(self.act, self.fields)


def parse_command(name: str, fields: Mapping[str, Any]) -> Command:
    """Build a command from its name and plain fields.

    Raises:
        Refused: `unknown_act`, or `malformed_act` with the path of the field, the value and the problem.
    """
    known = Command.KNOWN.get(name)
    if known is None:
        raise Refused("unknown_act", act=name)
    try:
        return known.model_validate(dict(fields))
    except ValidationError as error:
        raise _malformed(name, error, known) from None


def parse_signatories(fields: Mapping[str, Any]) -> Signatories:
    """Build the signatories of a command from plain fields.

    Raises:
        Refused: `malformed_act`, as `parse_command`.
    """
    try:
        return Signatories.model_validate(dict(fields))
    except ValidationError as error:
        raise _malformed("hands", error, Signatories) from None


def _malformed(act: str, error: ValidationError, model: type[BaseModel]) -> Refused:
    problem = problem_of(error, model)
    place = ".".join(map(str, problem.pop("place"))) or act
    return Refused("malformed_act", act=act, place=place, **problem)


@dataclass(frozen=True, slots=True)
class AuthenticatedCommand:
    """A command with the person whom its signed header names.

    The signature may be unchecked: a workflow decides first, and the append checks before anything is stored.

    `actor` is the id of the person who issues it, `unit` the unit they act for. `issued` is when it was signed,
    `strength` how the person was authenticated: None for the clock only.
    """

    stream: str
    command: Command
    actor: str
    unit: str
    issued: datetime
    command_id: UUID
    strength: Strength | None = None
    stand_in_for: str | None = None
    happened: When | None = None
    effective: date | None = None
    provenance: Provenance | None = None
    meeting: Label | None = None
    act_key: str | None = None
    signatories: Signatories | None = None
    based_on: int | None = None

    def meta(self, version: int, happened: When, provenance: Provenance) -> Meta:
        """Return the metadata of an event that follows from this command."""
        return Meta(
            version=version,
            actor=self.actor,
            unit=self.unit,
            happened=happened,
            provenance=provenance,
            command_id=self.command_id,
            stand_in_for=self.stand_in_for,
            meeting=self.meeting,
            effective=self.effective,
            act_key=self.act_key,
        )
