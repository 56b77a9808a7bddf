"""`thidua export record`: writes the recording file of a cycle."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from application.recording.export import export_cycle
from cli.outcome import Exit, reader_may_leave, say
from cli.session import session
from domain.streams import parse_cycle_name
from errors import InputError
from i18n import _
from web.urls import recording_file_url


async def export_record(cycle: str, out: Path | None) -> int:
    """Write the recording file of a cycle to a new file, or to stdout."""
    stream = parse_cycle_name(cycle)
    async with session("ledger", say, reads=True) as app:
        text = await export_cycle(app, stream)
        await app.note_export(recording_file_url(stream))
    if out is None:
        with reader_may_leave():
            sys.stdout.write(text)
            sys.stdout.flush()
        return Exit.DONE
    _write_new(out, text)
    say(_("Written: {file}. It holds names and texts; keep it as you keep the register.").format(file=out))
    return Exit.DONE


def _write_new(out: Path, text: str) -> None:
    # The file holds names and salts: only its owner may read it.
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError("file_exists", str(out)) from None
    except OSError as error:
        raise InputError("file_unwritable", str(out), problem=error.strerror or str(error)) from None
