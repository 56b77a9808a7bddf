"""Whom else a change of scores moves: under a rule relative to the best of the cluster, one correction moves others.

Shown before it is entered, and entered only when somebody says that it is meant.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.prompt import Confirm

from cli.outcome import asking, grid, interruptible
from cli.session import Session
from domain.kernel import Refused
from domain.scores import Move, moves
from eventstore.store import load_all
from i18n import _
from i18n.messages import number
from office.fields import Filler, InputError
from office.office import Said
from office.trial import Trial
from office.untold import Untold
from people.postgres import Contact

if TYPE_CHECKING:
    from rich.console import Console

CHANGES_SCORES = {"correct", "appraise", "score-round"}


async def confirm_moves(open_: Session, said: Said, contact: Contact, *, meant: bool) -> None:
    """Show whom else the act moves, and ask; `meant` says that the answer is yes.

    Raises:
        InputError: others are moved, and nobody can be asked or the answer is no.
    """
    if said.act not in CHANGES_SCORES or meant:
        return
    found = await _moved(open_, said, contact)
    if not found:
        return
    console = asking()
    show_moves(console, found)
    if not sys.stdin.isatty():
        raise InputError("moves_others", units=[move.unit for move in found])
    with interruptible():
        if not Confirm.ask(_("Enter it?"), default=False, console=console):
            raise InputError("cancelled")


async def _moved(open_: Session, said: Said, contact: Contact) -> Sequence[Move]:
    trial = await Trial.of(open_, {}, await load_all(open_.ledger, said.stream))
    before = trial.state
    order = await open_.order(said, Filler(Untold(open_.texts), open_.people))
    try:
        await trial.decide(order, contact.id, contact.unit)
    except Refused:
        return ()  # the register itself will say so
    return moves(before, trial.state, trial.rules, whose=_whose(said, trial))


def _whose(said: Said, trial: Trial) -> str:
    """The unit whose score it is: of a correction, that of the act that stands instead, or of the wrong one."""
    fields = said.fields
    if said.act != "correct":
        return str(fields.get("unit", ""))
    if isinstance(instead := fields.get("instead"), dict):
        return str(instead.get("unit", ""))
    wrong = [told for told in trial.history if str(told.meta.version) == str(fields.get("version"))]
    return str(getattr(wrong[0].event, "unit", "")) if wrong else ""


def show_moves(console: Console, found: Sequence[Move]) -> None:
    """A table of who is moved."""
    console.print(_("This moves others, because a criterion is relative to the best of the cluster:"))
    table = grid(_("unit"), _("total"), _("rank"))
    for move in found:
        ranks = f"{move.rank_before} → {move.rank_after}"
        table.add_row(move.unit, f"{number(move.before)} → {number(move.after)}", ranks)
    console.print(table)
