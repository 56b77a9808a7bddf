"""Whom else a change of scores moves: under a rule relative to the best of the cluster, one correction moves others.

Shown before it is entered, and entered only when somebody says that it is meant.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.prompt import Confirm

from application.application import CommandInput
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.fields import FieldFiller
from cli.outcome import asking, grid, interruptible
from cli.session import Session
from domain.steps.scores import ScoreChange, score_impact
from domain.types import Refused
from errors import InputError
from i18n import _
from i18n.messages import number
from ledger.protocol import load_all
from vault.persons import Contact

if TYPE_CHECKING:
    from rich.console import Console

CHANGES_SCORES = {"correct", "appraise", "score-round"}


async def confirm_score_impact(open_: Session, said: CommandInput, contact: Contact, *, meant: bool) -> None:
    """Show whom else the act moves, and ask; `meant` says that the answer is yes.

    Raises:
        InputError: others are moved, and nobody can be asked or the answer is no.
    """
    if said.act not in CHANGES_SCORES or meant:
        return
    found = await _score_impact(open_, said, contact)
    if not found:
        return
    console = asking()
    show_score_impact(console, found)
    if not sys.stdin.isatty():
        raise InputError("moves_others", units=[move.unit for move in found])
    with interruptible():
        if not Confirm.ask(_("Enter it?"), default=False, console=console):
            raise InputError("cancelled")


async def _score_impact(open_: Session, said: CommandInput, contact: Contact) -> Sequence[ScoreChange]:
    dry_run = await DryRun.of(open_, {}, await load_all(open_.ledger, said.stream))
    before = dry_run.state
    item = await open_.item(said, FieldFiller(DryRunTexts(open_.texts), open_.people))
    try:
        await dry_run.decide(item, contact.id, contact.unit)
    except Refused:
        return ()  # the register itself will say so
    return score_impact(before, dry_run.state, dry_run.rules, whose=_whose(said, dry_run))


def _whose(said: CommandInput, dry_run: DryRun) -> str:
    """The unit whose score it is: of a correction, that of the act that stands instead, or of the wrong one."""
    fields = said.fields
    if said.act != "correct":
        return str(fields.get("unit", ""))
    if isinstance(instead := fields.get("instead"), dict):
        return str(instead.get("unit", ""))
    wrong = [told for told in dry_run.history if str(told.meta.version) == str(fields.get("version"))]
    return str(getattr(wrong[0].event, "unit", "")) if wrong else ""


def show_score_impact(console: Console, found: Sequence[ScoreChange]) -> None:
    """A table of who is moved."""
    console.print(_("This moves others, because a criterion is relative to the best of the cluster:"))
    table = grid(_("unit"), _("total"), _("rank"))
    for move in found:
        ranks = f"{move.rank_before} → {move.rank_after}"
        table.add_row(move.unit, f"{number(move.before)} → {number(move.after)}", ranks)
    console.print(table)
