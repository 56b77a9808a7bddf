"""`make cases`: records all documented meetings on a real engine and looks for each oddity where it should show.

`--write` writes the table of docs/cases.md from the data.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from application.recording.cases import Case, RecordedCase, all_cases, is_seen, record_case
from audit.verify import verify
from cli.outcome import Exit, grid, run, say, terminal
from cli.session import session
from resources import ROOT

TABLE = ROOT / "docs" / "cases.md"
HEAD = "| case | oddity | how it shows |"


def table() -> str:
    """Return the oddities as a table in Markdown."""
    lines = [HEAD, "| --- | --- | --- |"]
    for case in all_cases():
        for index, one in enumerate(case.oddities):
            lines.append(f"| {'' if index else case.case} | {one.told} | {one.shows} |")
    return "\n".join(lines)


def write() -> int:
    """Replace the table in the documentation."""
    before, _head, rest = TABLE.read_text(encoding="utf-8").partition(HEAD)
    after = rest.partition("\n\n")[2]
    TABLE.write_text(f"{before}{table()}\n\n{after}" if after else f"{before}{table()}\n", encoding="utf-8")
    return Exit.DONE


async def record_all() -> int:
    """Record every case, look for every oddity, verify the ledger, and print a table of the results."""
    found = list[tuple[Case, RecordedCase]]()
    async with session("worker", say, rehearsal=True) as app:
        for case in all_cases():
            found.append((case, await record_case(app, case)))
        report = await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch)
    unseen = _show(found)
    console = terminal()
    files = sum(len(case.files()) for case, _ in found)
    acts = sum(recorded.entered for _, recorded in found)
    console.print(f"{len(found)} cases, {files} files, {acts} acts, {report.events} events")
    console.print(f"chain whole: {report.ok}; oddities not seen: {unseen}")
    return Exit.DONE if report.ok and not unseen else Exit.NOT_VERIFIED


def _show(found: Sequence[tuple[Case, RecordedCase]]) -> int:
    """Print the table and return how many oddities were not seen."""
    results = grid("case", "oddity", "how it shows", "seen")
    unseen = 0
    for case, recorded in found:
        for index, one in enumerate(case.oddities):
            seen = is_seen(one.seen, recorded)
            unseen += not seen
            results.add_row("" if index else case.case, one.told, one.shows, "yes" if seen else "NO")
        results.add_row("", "", f"deviations: {', '.join(recorded.deviations) or '-'}", "", end_section=True)
    terminal().print(results)
    return unseen


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        sys.exit(write())
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # for root, PostgreSQL runs as another user
        os.environ["THIDUA_DATA"] = folder
        sys.exit(run(record_all))
