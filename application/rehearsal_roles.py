"""Whom one may be in a rehearsal: a file in its data folder, which the demo writes and the pages read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from domain.types import FrozenModel, Label

Part = Literal["secretary", "head", "officer", "minutes-keeper", "auditor"]
"""What kind of user one may be."""


class RehearsalRole(FrozenModel):
    """A person of the rehearsal whom a visitor may be, with what the things to try are about."""

    part: Part
    person: Label
    cycle: Label
    unit: Label
    unit_name: Label


class RehearsalRoles(FrozenModel):
    """All of them, their one password, and the played years that rest on documents."""

    password: Label
    roles: tuple[RehearsalRole, ...]
    documented: tuple[Label, ...] = ()

    def role_of(self, person: str) -> RehearsalRole | None:
        """The role of a person; None for a person whom no visitor may be."""
        return next((role for role in self.roles if role.person == person), None)


def read_roles(file: Path) -> RehearsalRoles | None:
    """Return what stands in the file; None while there is none, or where it cannot be read."""
    try:
        return RehearsalRoles.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
