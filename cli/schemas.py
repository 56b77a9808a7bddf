"""`thidua schema`: the forms of files as JSON Schema, for editors that complete and check them."""

from __future__ import annotations

import json

from pydantic import BaseModel

from application.recording.file import RecordFile
from cli.outcome import Exit
from domain.rules import Edition
from domain.scoring.calculation import SheetFile
from errors import InputError

SCHEMAS: dict[str, type[BaseModel]] = {"record": RecordFile, "rules": Edition, "sheet": SheetFile}


async def schema(name: str) -> int:
    """Print the JSON Schema of a kind of file."""
    if name not in SCHEMAS:
        raise InputError("no_such_schema", name=name, names=", ".join(SCHEMAS))
    print(json.dumps(SCHEMAS[name].model_json_schema(), ensure_ascii=False, indent=2))  # noqa: T201 - the answer of the command
    return Exit.DONE
