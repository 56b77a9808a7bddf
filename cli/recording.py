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
from i18n import N_, _
from i18n.messages import sentence


async def record(file: Path, person: str | None, *, dry_run: bool, as_json: bool) -> int:
    """Record a file and print the report."""
    if person is None:
        raise InputError("who_acts")
    read_model(file, RecordFile)  # a wrong file is refused before an engine is started
    async with session("ledger" if dry_run else "worker", say, reads=dry_run) as app:
        report = await record_file(app, file, person, dry_run=dry_run)
    answer(report, as_json=as_json, show=lambda: _show(report))
    return Exit.DONE


_ENTRIES = {"known": N_("known before"), "correction": N_("correction")}


def _told(told: dict[str, Any]) -> str:
    """An act of the file in a line: where it stands, when it happened, what it says, and whether it is new."""
    line = _("line {line}").format(line=told["line"]) if told["line"] else ""
    entry = f" ({_(_ENTRIES[told['entry']])})" if told["entry"] in _ENTRIES else ""
    where = ", ".join(part for part in (line, told["cycle"].partition("/")[2], told["on"]) if part)
    return f"{where}: {' '.join(told['texts'])}{entry}"


def _show(report: dict[str, Any]) -> None:
    console = terminal()
    text = _("{cycle}: {entered} entered, {known} known before, {corrected} corrected")
    names = ", ".join(cycle["cycle"] for cycle in report["cycles"])
    console.print(text.format(cycle=names, **report["counts"]))
    if report["dry_run"]:
        console.print(_("Only tried: nothing was entered. This is what the file says:"))
        for told in report["told"]:
            console.print(f"  {_told(told)}")
    for note in report["notes"]:
        console.print(note)
    for one in report["unheeded"]:
        console.print(_("Ignored: {why}").format(why=sentence(one["code"], one["facts"])))
    for cycle in report["cycles"]:
        if moved := ", ".join(move["unit"] for move in cycle["moved"]):
            console.print(_("These corrections moved: {units}").format(units=moved))
    for cycle in report["cycles"]:
        if cycle["deviation_texts"]:
            console.print(f"{cycle['cycle']}:")
        for line in cycle["deviation_texts"]:
            console.print(f"  • {line}")
