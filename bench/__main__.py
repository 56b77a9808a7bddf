"""Runs the benchmarks, prints the table and writes the JSON file. A missed target is printed as missed."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform

from rich.console import Console
from rich.table import Table

from application.yaml_files import read_model
from bench import acts, grids, ledgers, pages, sizing, verifying
from bench.harness import BenchRow, scratch, server
from domain.rules import Edition
from local.paths import paths
from local.postgres import create_database
from resources import RULES


async def _ledgers() -> list[BenchRow]:
    with server() as (running, folder):
        await create_database(running, "bench")
        await ledgers.plain_table(running)
        return [*await ledgers.appends(running, folder), *await ledgers.library(running)]


async def _engine() -> list[BenchRow]:
    with scratch() as folder:
        return await acts.engine(folder)


async def _pages() -> list[BenchRow]:
    with scratch() as folder:
        return await pages.pages(folder)


async def _grids() -> list[BenchRow]:
    with scratch() as folder:
        return await grids.grids(folder)


async def _logins() -> list[BenchRow]:
    """The pages and logins over a small city: for the logins alone, without ten years of the large one."""
    with scratch() as folder:
        return await pages.pages(folder, clusters=8, count=2)


async def _sizing() -> list[BenchRow]:
    with scratch() as folder:
        return await sizing.sizing(folder)


async def _verifying() -> list[BenchRow]:
    with server() as (running, folder):
        return await verifying.verifying(running, folder, read_model(RULES / "specimen-2020.yaml", Edition))


PARTS = ("ledger", "verifying", "engine", "pages", "grids")
SMALL, SIZING = "logins", "sizing"
"""Parts that are not run unless they are named: the same as "pages" over a small city; memory and disk."""


def main() -> None:
    """Run the benchmarks that the command line names, print the table and write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, show, write.")
    parser.add_argument(
        "part",
        nargs="*",
        default=[*PARTS],
        help=f"{', '.join(PARTS)}; all of them, when none is named; or {SMALL}, {SIZING}",
    )
    parts = parser.parse_args().part
    if unknown := set(parts) - {*PARTS, SMALL, SIZING}:
        parser.error(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(PARTS)})")
    logs = paths().make().logs
    rows: list[BenchRow] = []
    if "ledger" in parts:
        rows += asyncio.run(_ledgers())
    if "verifying" in parts:
        rows += asyncio.run(_verifying())
    if "engine" in parts:
        rows += asyncio.run(_engine())
    if "pages" in parts:
        rows += asyncio.run(_pages())
    if "grids" in parts:
        rows += asyncio.run(_grids())
    if SMALL in parts:
        rows += asyncio.run(_logins())
    if SIZING in parts:
        rows += asyncio.run(_sizing())
    table = Table("what", "figure", "against", "ratio", "target", "")
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        other = f"{row.against}: {row.other:,.1f}" if row.other is not None else ""
        verdict = "" if row.met is None else "met" if row.met else "MISSED"
        table.add_row(row.what, f"{row.value:,.1f} {row.unit}", other, ratio, row.target, verdict)
    Console(width=160).print(table)
    file = logs / "bench.json"
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    file.write_text(json.dumps({"machine": machine, "rows": [row.as_json() for row in rows]}, indent=1))
    print(f"written to {file}")


if __name__ == "__main__":
    main()
