"""Asks before an act is entered that changes the points or ranks of other units.

Under a criterion relative to the best unit of the cluster, the correction of one score changes the scores of others.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.prompt import Confirm

from application.application import CommandInput
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.fields import FieldFiller
from cli.outcome import asking, grid, interruptible
from cli.session import Session
from domain.records import Refused
from domain.scoring.scores import ScoreChange, score_impact
from domain.state import members_and_organiser
from domain.strengths import Strength
from errors import InputError
from i18n import _
from i18n.messages import number
from ledger.protocol import load_all
from vault.persons import Contact

if TYPE_CHECKING:
    from rich.console import Console

CHANGES_SCORES = {"correct", "appraise", "score-round"}


async def confirm_score_impact(app: Session, command_input: CommandInput, contact: Contact, *, confirmed: bool) -> None:
    """Show which other units the act moves, and ask whether to enter it, unless that is `confirmed` already.

    Raises:
        InputError: the answer is no, or other units are moved and stdin is no terminal.
    """
    if command_input.act not in CHANGES_SCORES or confirmed:
        return
    found, names = await _score_impact(app, command_input, contact)
    if not found:
        return
    console = asking()
    show_score_impact(console, found, names)
    if not sys.stdin.isatty():
        raise InputError("moves_others", units=[names.get(move.unit, move.unit) for move in found])
    with interruptible():
        if not Confirm.ask(_("Enter it?"), default=False, console=console):
            raise InputError("cancelled")


async def _score_impact(
    app: Session, command_input: CommandInput, contact: Contact
) -> tuple[Sequence[ScoreChange], Mapping[str, str]]:
    """Return what the act moves, and the names of the units."""
    dry_run = await DryRun.of(app, {}, await load_all(app.ledger, command_input.stream))
    before = dry_run.state
    item = await app.item(command_input, FieldFiller(DryRunTexts(app.texts), app.people))
    try:
        await dry_run.decide(item, contact.id, contact.unit, Strength.OS_ACCOUNT)
    except Refused:
        return (), {}  # submitting it gives the reason
    found = score_impact(before, dry_run.state, dry_run.rules, whose=_unit_of(command_input, dry_run))
    return found, members_and_organiser(dry_run.state)


def _unit_of(command_input: CommandInput, dry_run: DryRun) -> str:
    """Return the unit whose score the act changes; for a correction, that of the new act, or else of the wrong one."""
    fields = command_input.fields
    if command_input.act != "correct":
        return str(fields.get("unit", ""))
    if isinstance(instead := fields.get("instead"), dict):
        return str(instead.get("unit", ""))
    wrong = [one for one in dry_run.history if str(one.meta.version) == str(fields.get("version"))]
    return str(getattr(wrong[0].event, "unit", "")) if wrong else ""


def show_score_impact(console: Console, found: Sequence[ScoreChange], names: Mapping[str, str]) -> None:
    """Print a table of the units that are moved."""
    console.print(_("This moves others, because a criterion is relative to the best of the cluster:"))
    table = grid(_("unit"), _("total"), _("rank"))
    for move in found:
        ranks = f"{move.rank_before} → {move.rank_after}"
        table.add_row(names.get(move.unit, move.unit), f"{number(move.before)} → {number(move.after)}", ranks)
    console.print(table)
