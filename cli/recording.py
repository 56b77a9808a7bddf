"""`thidua record`: enters a recording file, or says in a dry run what would come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from application.recording.file import RecordFile
from application.recording.run import record_file
from application.yaml_files import read_model
from cli.outcome import Exit, answer, say, terminal
from cli.session import session
from errors import InputError
from i18n import _
from i18n.messages import sentence


async def record(file: Path, person: str | None, *, dry_run: bool, as_json: bool) -> int:
    """Record a file and print the report."""
    if person is None:
        raise InputError("who_acts")
    read_model(file, RecordFile)  # a wrong file is refused before an engine is started
    async with session("ledger" if dry_run else "worker", say) as app:
        report = await record_file(app, file, person, dry_run=dry_run)
    answer(report, as_json=as_json, show=lambda: _show(report))
    return Exit.DONE


def _show(report: dict[str, Any]) -> None:
    console = terminal()
    text = _("{cycle}: {entered} entered, {known} known before, {corrected} corrected")
    names = ", ".join(cycle["cycle"] for cycle in report["cycles"])
    console.print(text.format(cycle=names, **report["counts"]))
    if report["dry_run"]:
        console.print(_("Only tried: nothing was entered."))
    for one in report["unheeded"]:
        console.print(_("Not heeded: {why}").format(why=sentence(one["code"], one["facts"])))
    for cycle in report["cycles"]:
        if moved := ", ".join(move["unit"] for move in cycle["moved"]):
            console.print(_("These corrections moved: {units}").format(units=moved))
    for cycle in report["cycles"]:
        if cycle["deviation_texts"]:
            console.print(f"{cycle['cycle']}:")
        for line in cycle["deviation_texts"]:
            console.print(f"  • {line}")
