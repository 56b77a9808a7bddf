"""`thidua key`: which keys there are, a new one in the place of an old one, the end of one."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.prompt import Confirm

from application.keys import KeyAdministration, KeyLine
from cli.outcome import Exit, answer, asking, grid, interruptible, say, terminal
from cli.session import Session, session
from errors import InputError
from i18n import _, ngettext
from i18n.messages import day, word
from ledger.events import RecordedEvent
from ledger.postgres import open_ledger
from local.key_files import KEY_FILES


async def list_(*, as_json: bool) -> int:
    """Print all keys, in the order in which they were named."""
    async with _administration(None) as (_app, keys):
        lines = await keys.lines()
        here = {line.key.key for line in lines if keys.is_here(line.key)}
    data = [_as_json(line, here=line.key.key in here) for line in lines]

    def show() -> None:
        table = grid(_("key"), _("what it signs"), _("named on"), _("state"))
        for line in lines:
            table.add_row(line.key.key, word("key_kind", line.key.kind), _when(line.named), _state(line, here))
        terminal().print(table)

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


async def add(kind: str, root_key: Path | None, *, confirmed: bool, as_json: bool) -> int:
    """Put a new key into the place of an older one, which stays accepted until it is retired."""
    if kind not in KEY_FILES:
        raise InputError("no_such_key_kind", found=kind, kinds=", ".join(f"`{one}`" for one in KEY_FILES))
    async with _administration(root_key) as (_app, keys):
        await keys.check_root()
        _confirm(_("A new key is made: {what}.").format(what=word("key_kind", kind)), confirmed=confirmed)
        made, row = await keys.add(kind)
        older = [line.key.key for line in await keys.lines() if line.key.kind == kind and not line.key.retired]
    older.remove(made.key)
    data = {"key": made.key, "kind": kind, "public_key": made.public_key, "position": row.position, "accepted": older}

    def show() -> None:
        console = terminal()
        console.print(
            _("The key `{key}` is in use, and lies in `{file}`. Back it up.").format(
                key=made.key, file=KEY_FILES[kind]
            ),
            soft_wrap=True,
        )
        for one in older:
            text = _("`{key}` is still accepted. When nothing signs with it any more: `thidua key retire {key}`.")
            console.print(text.format(key=one), soft_wrap=True)

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


async def retire(
    key: str, root_key: Path | None, *, compromised: bool, trusted_until: int | None, confirmed: bool, as_json: bool
) -> int:
    """End a key. A compromised one is trusted up to a position only."""
    if compromised != (trusted_until is not None):
        raise InputError("compromised_needs_position")
    async with _administration(root_key) as (app, keys):
        named = await keys.check_retire(key, trusted_until)
        warnings = [_("From now on nothing that `{key}` signs is accepted. This cannot be taken back.").format(key=key)]
        if keys.is_here(named) and named.holder is not None:
            text = _("It is the key in use here: until `thidua key add {kind}` nothing can be entered there.")
            warnings.append(text.format(kind=named.kind))
        if trusted_until is not None:
            count = await app.ledger.last_position() - trusted_until
            text = ngettext(
                "Of the newest {count} event nothing that it signed is trusted any more.",
                "Of the newest {count} events nothing that it signed is trusted any more.",
                count,
            )
            warnings.append(text.format(count=count))
        _confirm("\n".join(warnings), confirmed=confirmed)
        row = await keys.retire(key, trusted_until)
    data = {"key": key, "position": row.position, "trusted_until": trusted_until}

    def show() -> None:
        terminal().print(_("The key `{key}` is retired.").format(key=key))
        if trusted_until is not None:
            say(_("`thidua audit verify` names what it signed after position {at}.").format(at=trusted_until))

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


@asynccontextmanager
async def _administration(root_key: Path | None) -> AsyncIterator[tuple[Session, KeyAdministration]]:
    async with session("ledger", say, founded=True) as app:
        ledger = await open_ledger(app.endpoints.database_url, app.installed.id)
        try:
            yield app, KeyAdministration(ledger, app.installed, root_key)
        finally:
            await ledger.close()


def _confirm(text: str, *, confirmed: bool) -> None:
    """Ask whether to go on, unless that is `confirmed` already.

    Raises:
        InputError: the answer is no, or stdin is no terminal.
    """
    if confirmed:
        return
    if not sys.stdin.isatty():
        raise InputError("needs_yes")
    console = asking()
    console.print(text, markup=False)
    with interruptible():
        if not Confirm.ask(_("Go on?"), default=False, console=console):
            raise InputError("cancelled")


def _when(row: RecordedEvent) -> str:
    return _("{day}, position {position}").format(day=day(row.recorded_at), position=row.position)


def _state(line: KeyLine, here: set[str]) -> str:
    if line.retired is None:
        return _("in use here") if line.key.key in here else _("accepted")
    if line.key.trusted_until is None:
        return _("retired on {when}").format(when=_when(line.retired))
    text = _("retired as compromised on {when}; trusted up to position {at}")
    return text.format(when=_when(line.retired), at=line.key.trusted_until)


def _as_json(line: KeyLine, *, here: bool) -> dict[str, Any]:
    return {
        "key": line.key.key,
        "kind": line.key.kind,
        "role": line.key.role.value,
        "public_key": line.key.public.hex(),
        "origin": line.key.origin,
        "named": _row(line.named),
        "retired": None if line.retired is None else _row(line.retired),
        "trusted_until": line.key.trusted_until,
        "here": here,
    }


def _row(row: RecordedEvent) -> dict[str, Any]:
    return {"position": row.position, "recorded_at": row.recorded_at.isoformat()}
