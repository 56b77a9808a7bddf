"""The rules editions that a recording file names: in the file itself, beside it, or stored already."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from application.application import Application
from application.recording.file import RecordFile, WhichCycle
from application.yaml_files import YamlPath, edition_file, line_of, read_model, where
from domain.field_names import problem_of
from domain.rules import NO_RULES, Edition, edition_of
from domain.types import TYPED
from errors import InputError
from vault.texts import Texts


@dataclass(slots=True)
class Editions:
    """The editions of a file. `bodies` are their stored JSON texts; `opening` has the digest for each cycle to open."""

    by_digest: dict[str, Edition] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """Digests by the names that the file uses."""

    opening: dict[WhichCycle, str] = field(default_factory=dict)

    def in_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of an act with an edition's digest in place of its name."""
        name = fields.get("edition")
        return {**fields, "edition": self.digests[name]} if name in self.digests else dict(fields)

    async def store(self, texts: Texts) -> None:
        """Store all editions: a cycle cannot be folded without the rules that it names."""
        for body in self.bodies.values():
            await texts.put_edition(body)

    def add(self, body: str, name: str | None = None) -> str:
        """Add an edition and return its digest."""
        digest = sha256(body.encode()).hexdigest()
        self.by_digest[digest], self.bodies[digest] = edition_of(body), body
        if name is not None:
            self.digests[name] = digest
        return digest


async def find_editions(app: Application, file: RecordFile, path: Path, lines: Mapping[YamlPath, int]) -> Editions:
    """Find every edition that the file names. `path` is where the file lies, `lines` has the lines of its values.

    Raises:
        InputError: an edition cannot be found or read.
    """
    editions = Editions()
    typed = None if file.is_exported else TYPED
    for name, value in file.editions.items():
        try:
            body = value if isinstance(value, str) else Edition.model_validate(value, context=typed).model_dump_json()
            editions.add(body, name)
        except ValidationError as error:
            problem = problem_of(error, Edition)
            field_path = ("editions", name, *problem.pop("place"))
            place = ".".join(map(str, field_path))
            raise InputError("file_field", where(path, line_of(field_path, lines)), place=place, **problem) from None
    acts = (*file.acts, *(act for meeting in file.meetings for act in meeting.acts))
    of_acts = [act.fields.get("edition") for act in acts]
    of_next = file.next.edition if file.next else None
    for used in (file.edition, of_next, *of_acts):
        if isinstance(used, str) and used not in editions.digests:
            await _look_up(app, editions, path, used)
    of_cycles: tuple[tuple[WhichCycle, str | None], ...] = (("this", file.edition), ("next", of_next))
    for which, edition in of_cycles:
        editions.opening[which] = editions.digests[edition] if edition else editions.add(NO_RULES.model_dump_json())
    return editions


async def _look_up(app: Application, editions: Editions, path: Path, name: str) -> None:
    """Add an edition whose name is a digest, or else the name of a file beside the recording file."""
    if re.fullmatch(r"[0-9a-f]{64}", name):
        stored = await app.texts.edition(name)
        if stored is None:
            raise InputError("edition_missing", str(path), edition=name)
        editions.add(stored, name)
    else:
        editions.add(read_model(edition_file(path.parent, name), Edition).model_dump_json(), name)


def edition_to_file(body: str) -> Any:
    """Return an edition as an exported file holds it: as values, if reading them gives the same text, else as text.

    The text decides about the digest. An edition that an older version stored can differ from what this one writes.
    """
    values = json.loads(body)
    return values if Edition.model_validate(values).model_dump_json() == body else body
