"""The rules editions that a recording file names: in the file itself, beside it, or stored in the register already."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from application.recording.file import RecordFile, Which
from application.yaml_files import edition_file, read_model
from cli.session import Session
from domain.problems import first_problem
from domain.rules import NO_RULES, Edition, edition_of
from errors import InputError
from vault.texts import Texts


@dataclass(slots=True)
class Editions:
    """Editions by digest, the digest of each name, and of the rules under which a cycle of the file is opened."""

    by_digest: dict[str, Edition] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    opening: dict[Which, str] = field(default_factory=dict)

    def in_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of an act with an edition's digest in place of its name."""
        name = fields.get("edition")
        return {**fields, "edition": self.names[name]} if name in self.names else dict(fields)

    async def store(self, texts: Texts) -> None:
        """Keep them: a cycle cannot be folded without the rules that it names."""
        for body in self.bodies.values():
            await texts.put_edition(body)

    def take(self, body: str, name: str | None = None) -> str:
        """Take an edition in, and return its digest."""
        digest = sha256(body.encode()).hexdigest()
        self.by_digest[digest], self.bodies[digest] = edition_of(body), body
        if name is not None:
            self.names[name] = digest
        return digest


async def editions_of(open_: Session, told: RecordFile, file: Path) -> Editions:
    """Every edition that the file names.

    Raises:
        InputError: one cannot be found or read.
    """
    found = Editions()
    for name, given in told.editions.items():
        try:
            body = given if isinstance(given, str) else Edition.model_validate(given).model_dump_json()
            found.take(body, name)
        except ValidationError as error:
            problem = first_problem(error)
            place = ".".join(("editions", name, *map(str, problem.pop("place"))))
            raise InputError("file_field", str(file), place=place, **problem) from None
    acts = (*told.acts, *(act for meeting in told.meetings for act in meeting.acts))
    named = [act.fields.get("edition") for act in acts]
    for called in (told.edition, told.next.edition if told.next else None, *named):
        if isinstance(called, str) and called not in found.names:
            await _look_up(open_, found, file, called)
    whiches: tuple[tuple[Which, str | None], ...] = (
        ("this", told.edition),
        ("next", told.next.edition if told.next else None),
    )
    for which, edition in whiches:
        found.opening[which] = found.names[edition] if edition else found.take(NO_RULES.model_dump_json())
    return found


async def _look_up(open_: Session, found: Editions, file: Path, name: str) -> None:
    if re.fullmatch(r"[0-9a-f]{64}", name):
        stored = await open_.texts.edition(name)
        if stored is None:
            raise InputError("edition_missing", str(file), edition=name)
        found.take(stored, name)
    else:
        found.take(read_model(edition_file(file.parent, name), Edition).model_dump_json(), name)


def as_told(body: str) -> Any:
    """An edition as it stands in a file: as values, where reading them again gives the same edition."""
    values = json.loads(body)
    return values if Edition.model_validate(values).model_dump_json() == body else body
