"""The names, options and help texts of all commands. The other modules of `cli/` carry them out.

`--help` must answer in under 0.4 s, so each command imports its module only when it runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from i18n import _

app = typer.Typer(
    name="thidua",
    help=_("Sổ Thi Đua: the register of the yearly emulation cycle."),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
year = typer.Typer(help=_("The city's year."), no_args_is_help=True)
audit = typer.Typer(help=_("For auditors: replay and verify."), no_args_is_help=True)
app.add_typer(year, name="year")
rules = typer.Typer(help=_("Rules editions as files."), no_args_is_help=True)
app.add_typer(audit, name="audit")
app.add_typer(rules, name="rules")
account = typer.Typer(help=_("Accounts for the web pages."), no_args_is_help=True)
app.add_typer(account, name="account")
key = typer.Typer(help=_("The keys that sign: which there are, a new one, the end of one."), no_args_is_help=True)
app.add_typer(key, name="key")
compose = typer.Typer(help=_("For docker-compose.yml: its settings, its one-shot services."), no_args_is_help=True)
app.add_typer(compose, name="compose")
export = typer.Typer(help=_("Export from the register what another one can take in."), no_args_is_help=True)
app.add_typer(export, name="export")

Json = Annotated[bool, typer.Option("--json", help=_("Answer as JSON."))]
As = Annotated[Optional[str], typer.Option("--as", help=_("Who acts: a person's id."))]
Cycle = Annotated[str, typer.Argument(help=_("A cycle: 2020/cum-1, or in full mttq-hanoi/2020/cum-1."))]


Limit = Annotated[
    Optional[int], typer.Option(min=1, max=1_000_000, help=_("So many rows at most; all when none are named."))
]
Page = Annotated[
    Optional[int],
    typer.Option(min=1, max=1_000_000, help=_("Which page, of 50 rows when --limit does not say how many.")),
]


def _asked(limit: int | None, page: int | None) -> Any:
    from ledger.paging import ROWS, PageRequest

    return PageRequest(page or 1, ROWS if limit is None and page is not None else limit)


def _finish(work: Any) -> None:
    from cli.outcome import run

    raise typer.Exit(run(work))


def _is_real() -> bool:
    """Return whether the data folder holds a real installation: the demo would refuse it, so help does not offer it."""
    from local.paths import is_rehearsal, paths

    try:
        return not is_rehearsal(paths().data)
    except (OSError, ValueError, KeyError):  # the command itself tells what is wrong with the folder
        return False


@app.command(
    help=_("Play two documented years and a made-up city on a real engine, and serve their pages until Ctrl-C."),
    hidden=_is_real(),
)
def demo(json: Json = False) -> None:
    from cli import demo as module

    _finish(lambda: module.demo(as_json=json))


@app.command(help=_("Keep the local engine, a worker and the web pages running until Ctrl-C."))
def up() -> None:
    from cli import operating

    _finish(operating.up)


@app.command(help=_("What runs where."))
def status(json: Json = False) -> None:
    from cli import operating

    _finish(lambda: operating.status(as_json=json))


@app.command(help=_("Start every open cycle again from the ledger, after the engine was lost or changed."))
def resume(
    confirm_clock: Annotated[
        bool, typer.Option("--confirm-clock", help=_("The machine's clock is right; go on."))
    ] = False,
    json: Json = False,
) -> None:
    from cli import operating

    _finish(lambda: operating.resume(confirm_clock=confirm_clock, as_json=json))


@app.command("renew-certificates", help=_("Make new certificates for the engine's door; the earlier ones become void."))
def renew_certificates(json: Json = False) -> None:
    from cli import operating

    _finish(lambda: operating.renew_certificates(as_json=json))


@app.command(help=_("Compute board, search and people's lists anew from the ledger."))
def rebuild(json: Json = False) -> None:
    from cli import operating

    _finish(lambda: operating.rebuild(as_json=json))


@app.command(help=_("Write the database, and on request the keys, into a new folder; people may work meanwhile."))
def backup(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", resolve_path=True, help=_("A new folder, on another disk if possible."))
    ],
    keys: Annotated[
        Optional[Path],
        typer.Option(metavar="OTHER_DIR", resolve_path=True, help=_("A new folder for the keys, in another place.")),
    ] = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help=_("Put the keys beside the database: then guard it as the keys."))
    ] = False,
    json: Json = False,
) -> None:
    from cli import backing_up

    _finish(lambda: backing_up.backup(folder, keys, with_keys=with_keys, as_json=json))


@app.command(help=_("Put a backup into an empty place, and verify it."))
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", resolve_path=True, help=_("The folder of a backup."))],
    keys: Annotated[
        Optional[Path],
        typer.Option(metavar="OTHER_DIR", resolve_path=True, help=_("The folder of its keys, if they are not in it.")),
    ] = None,
    digest: Annotated[
        Optional[str],
        typer.Option(help=_("What `thidua backup` printed of it, where the key that proves backups is lost.")),
    ] = None,
    json: Json = False,
) -> None:
    from cli import backing_up

    _finish(lambda: backing_up.restore(folder, keys, digest, as_json=json))


@compose.command("env", help=_("Write a new file of settings with secrets that nobody has chosen."))
def compose_env(
    address: Annotated[str, typer.Option(help=_("What people type into the browser, such as https://so.example.vn."))],
    file: Annotated[Path, typer.Argument(help=_("A new file."))] = Path(".env"),
    json: Json = False,
) -> None:
    from cli import composing

    _finish(lambda: composing.env(address, file, as_json=json))


@compose.command("found", help=_("Make what the services need, where it is missing, and hand each its files."))
def compose_found(json: Json = False) -> None:
    from cli import composing

    _finish(lambda: composing.found(as_json=json))


@compose.command("backup", help=_("Write the database into a new folder, as the service that may read it and no keys."))
def compose_backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", resolve_path=True, help=_("A new folder."))],
    json: Json = False,
) -> None:
    from cli import composing

    _finish(lambda: composing.backup(folder, as_json=json))


@compose.command("backups", help=_("List the daily backups that the key proves, the newest first."))
def compose_backups(
    folder: Annotated[Path, typer.Argument(metavar="DIR", resolve_path=True, help=_("The folder of all backups."))],
    keep: Annotated[Optional[int], typer.Option(min=1, help=_("Remove all of them but so many of the newest."))] = None,
    json: Json = False,
) -> None:
    from cli import composing

    _finish(lambda: composing.backups(folder, keep, as_json=json))


@compose.command("namespace", help=_("Register our namespace with the Temporal server."))
def compose_namespace() -> None:
    from cli import composing

    _finish(composing.namespace)


@account.command("create", help=_("Enter a person and make an account; prints where a password is chosen."))
def account_create(
    person: Annotated[str, typer.Argument(help=_("An id, such as nguyen-van-a."))],
    unit: Annotated[str, typer.Option(help=_("The unit's id; the organiser's for the secretariat."))],
    name: Annotated[str, typer.Option(help=_("The person's name."))],
    kind: Annotated[str, typer.Option(help=_("`secretariat`, `staff` or `auditor`."))] = "secretariat",
    administrator: Annotated[bool, typer.Option("--administrator", help=_("May make every kind of account."))] = False,
    email: Annotated[Optional[str], typer.Option(help=_("A mail address."))] = None,
    until: Annotated[Optional[str], typer.Option(help=_("The last day of access; auditors must have one."))] = None,
    json: Json = False,
) -> None:
    from cli import accounts

    _finish(
        lambda: accounts.create(
            person, unit, name, kind=kind, administrator=administrator, email=email, until=until, as_json=json
        )
    )


@account.command("kind", help=_("Make an account one of another kind; its logins and tokens end."))
def account_kind(
    person: Annotated[str, typer.Argument(help=_("A person's id."))],
    kind: Annotated[str, typer.Option(help=_("`secretariat`, `staff` or `auditor`."))],
    administrator: Annotated[bool, typer.Option("--administrator", help=_("May make every kind of account."))] = False,
    json: Json = False,
) -> None:
    from cli import accounts

    _finish(lambda: accounts.change_kind(person, kind=kind, administrator=administrator, as_json=json))


@account.command(
    "reset", help=_("Make password and codes of an account void, end its access; prints where a password is chosen.")
)
def account_reset(person: Annotated[str, typer.Argument(help=_("A person's id."))], json: Json = False) -> None:
    from cli import accounts

    _finish(lambda: accounts.reset(person, as_json=json))


@account.command("rotate-key", help=_("Encrypt the secrets of all one-time codes again, under a new key."))
def account_rotate_key(json: Json = False) -> None:
    from cli import accounts

    _finish(lambda: accounts.rotate_key(as_json=json))


RootKey = Annotated[
    Optional[Path], typer.Option("--root-key", help=_("The file of the root key, where it is not in the data folder."))
]
Yes = Annotated[bool, typer.Option("--yes", help=_("Do it without asking."))]


@key.command("list", help=_("All keys that were ever named, and what became of them."))
def key_list(json: Json = False) -> None:
    from cli import keys

    _finish(lambda: keys.list_(as_json=json))


@key.command("add", help=_("Put a new key into use; the older one stays accepted until it is retired."))
def key_add(
    kind: Annotated[
        str, typer.Argument(help=_("`cli` (the command line), `web` (the pages), `log` (checkpoints) or `root`."))
    ],
    root_key: RootKey = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    from cli import keys

    _finish(lambda: keys.add(kind, root_key, confirmed=yes, as_json=json))


@key.command("retire", help=_("End a key: from now on nothing that it signs is accepted."))
def key_retire(
    name: Annotated[str, typer.Argument(help=_("The key, as `thidua key list` names it."))],
    compromised: Annotated[
        bool, typer.Option("--compromised", help=_("Others may have it: it is trusted up to a position only."))
    ] = False,
    trusted_until: Annotated[
        Optional[int], typer.Option(min=0, help=_("The last position up to which it is trusted."))
    ] = None,
    root_key: RootKey = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    from cli import keys

    _finish(
        lambda: keys.retire(
            name, root_key, compromised=compromised, trusted_until=trusted_until, confirmed=yes, as_json=json
        )
    )


@year.command(
    "start", help=_("Issue the year plan, arrange the clusters, open every cycle; run again to repeat what failed.")
)
def year_start(
    file: Annotated[Path, typer.Argument(help=_("A year file (`docs/cli.md`)."))],
    propose_days: Annotated[
        bool, typer.Option("--propose-days", help=_("Where the day of the rules has passed, set the proposed days."))
    ] = False,
    as_: As = None,
    json: Json = False,
) -> None:
    from cli import acting

    _finish(lambda: acting.year_start(file, as_, propose_days=propose_days, as_json=json))


@app.command(help=_("All cycles: step, next deadline, waiting for whom, overdue, deviations."))
def board(
    year: Annotated[Optional[str], typer.Option(help=_("Only this year."))] = None,
    limit: Limit = None,
    page: Page = None,
    json: Json = False,
) -> None:
    from cli import showing

    _finish(lambda: showing.board(year, _asked(limit, page), as_json=json))


@app.command(help=_("Give more time."))
def extend(
    cycle: Cycle,
    duty: Annotated[str, typer.Option(help=_("What the time is for, such as `midyear-report`."))],
    until: Annotated[str, typer.Option(help=_("The last day, such as 20/07/2026."))],
    reason: Annotated[str, typer.Option(help=_("Why; it stays visible for ever."))],
    unit: Annotated[Optional[str], typer.Option(help=_("One unit; all of them when none is named."))] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    from cli import acting

    fields = {"duty": duty, "until": until, "reason": reason, **({"unit": unit} if unit else {})}
    _finish(lambda: acting.act(cycle, "extend", fields, as_, as_json=json))


@app.command(help=_("What a unit must do, by when, and who it waits for."))
def tasks(
    unit: Annotated[str, typer.Option(help=_("The unit's id."))],
    limit: Limit = None,
    page: Page = None,
    json: Json = False,
) -> None:
    from cli import showing

    _finish(lambda: showing.tasks(unit, _asked(limit, page), as_json=json))


@app.command(help=_("What a unit was told."))
def inbox(
    unit: Annotated[str, typer.Option(help=_("The unit's id."))],
    limit: Limit = None,
    page: Page = None,
    json: Json = False,
) -> None:
    from cli import showing

    _finish(lambda: showing.inbox(unit, _asked(limit, page), as_json=json))


@app.command(help=_("The acts there are, with their fields."))
def acts(act: Annotated[Optional[str], typer.Argument(help=_("Only this act."))] = None, json: Json = False) -> None:
    from cli import showing

    _finish(lambda: showing.acts(act, as_json=json))


@app.command(help=_("The people entered here, by unit."))
def people(json: Json = False) -> None:
    from cli import showing

    _finish(lambda: showing.people(as_json=json))


@app.command(
    help=_("Enter an act. Fields are options (--unit dong-da), a file, or asked for."),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def act(
    context: typer.Context,
    cycle: Cycle,
    act: Annotated[str, typer.Argument(help=_("The act, such as `sign`; `thidua acts` lists them."))],
    as_: As = None,
    file: Annotated[Optional[Path], typer.Option(help=_("A YAML file with the fields."))] = None,
    on: Annotated[Optional[str], typer.Option(help=_("The day it happened, if earlier than now."))] = None,
    effective: Annotated[Optional[str], typer.Option(help=_("The day from which it holds, if another one."))] = None,
    source: Annotated[Optional[str], typer.Option(help=_("Which source states it."))] = None,
    meeting: Annotated[Optional[str], typer.Option(help=_("The meeting it belongs to."))] = None,
    command_id: Annotated[
        Optional[str], typer.Option(help=_("The id of a command whose answer was never heard."))
    ] = None,
    read: Annotated[
        Optional[int],
        typer.Option(help=_("The last act that you have read: newer ones can refuse yours.")),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_("Enter it although it moves other units' points."))] = False,
    json: Json = False,
) -> None:
    from cli import acting

    _finish(
        lambda: acting.act_from_line(
            cycle,
            act,
            list(context.args),
            as_,
            file=file,
            on=on,
            effective=effective,
            source=source,
            meeting=meeting,
            command_id=command_id,
            confirmed=yes,
            read=read,
            as_json=json,
        )
    )


@rules.command("check", help=_("Read an edition; say what is unknown, open or contradictory in it."))
def rules_check(
    file: Annotated[Path, typer.Argument(help=_("A rules edition (docs/rules.md)."))], json: Json = False
) -> None:
    from cli import scoring

    _finish(lambda: scoring.check(file, as_json=json))


@rules.command("show", help=_("Show an edition as people read it."))
def rules_show(
    edition: Annotated[str, typer.Argument(help=_("A file, or the digest of an edition that the register keeps."))],
    json: Json = False,
) -> None:
    from cli import scoring

    _finish(lambda: scoring.show_edition(edition, as_json=json))


@app.command(help=_("Calculate the sheets of a cluster under an edition: points, totals, classes, ranks."))
def score(
    edition: Annotated[Path, typer.Argument(help=_("A rules edition (docs/rules.md)."))],
    sheet: Annotated[Path, typer.Argument(help=_("A file of sheets (docs/rules.md)."))],
    json: Json = False,
) -> None:
    from cli import scoring

    _finish(lambda: scoring.score(edition, sheet, as_json=json))


@app.command(help=_("Enter what happened in a cluster's year from a file; the same file again changes nothing."))
def record(
    file: Annotated[Path, typer.Argument(help=_("A recording file (docs/recording.md)."))],
    as_: As = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Only say what would come of it."))] = False,
    json: Json = False,
) -> None:
    from cli import recording

    _finish(lambda: recording.record(file, as_, dry_run=dry_run, as_json=json))


@export.command("record", help=_("Write everything that was said of a cycle as a recording file."))
def export_record(
    cycle: Cycle,
    out: Annotated[Optional[Path], typer.Option(help=_("A new file; the terminal when none is named."))] = None,
) -> None:
    from cli import exporting

    _finish(lambda: exporting.export_record(cycle, out))


@app.command(help=_("The JSON Schema of a kind of file: `record`, `rules` or `sheet`."))
def schema(name: Annotated[str, typer.Argument(help=_("`record`, `rules` or `sheet`."))]) -> None:
    from cli import schemas

    _finish(lambda: schemas.schema(name))


@audit.command(help=_("Everything that was recorded, in order, in plain sentences."))
def timeline(
    cycle: Annotated[
        str, typer.Argument(help=_("A cycle, such as 2020/cum-1; `installation`: keys, accounts and erasures."))
    ],
    limit: Limit = None,
    page: Page = None,
    json: Json = False,
) -> None:
    from cli import auditing

    _finish(lambda: auditing.timeline(cycle, _asked(limit, page), as_json=json))


@audit.command(help=_("The state as it was, computed from events alone."))
def replay(
    cycle: Cycle,
    at: Annotated[Optional[str], typer.Option(help=_("At the end of this day."))] = None,
    version: Annotated[Optional[int], typer.Option(help=_("After this many events."))] = None,
    known_on: Annotated[Optional[str], typer.Option(help=_("As had been recorded by the end of this day."))] = None,
    json: Json = False,
) -> None:
    from cli import auditing

    _finish(lambda: auditing.replay_(cycle, at, version, known_on, as_json=json))


@audit.command(help=_("Check every chain, position and signature of the ledger, and compare it with checkpoints."))
def verify(
    checkpoint: Annotated[
        Optional[list[Path]], typer.Option(help=_("A file with checkpoints that were kept elsewhere; may be repeated."))
    ] = None,
    key: Annotated[
        Optional[str],
        typer.Option(help=_("The key that signed them, or a file with it; this installation's when none is named.")),
    ] = None,
    processes: Annotated[
        Optional[int], typer.Option(min=0, max=64, help=_("How many processes check the streams."))
    ] = None,
    json: Json = False,
) -> None:
    from cli import auditing

    _finish(lambda: auditing.verify_(checkpoint or [], key, processes, as_json=json))
