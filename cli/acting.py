"""Commands that enter acts: one act, whose fields are options, in a file or asked for; an extension; a whole year."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rich.markup import escape
from rich.prompt import Confirm, Prompt

from application.application import CommandInput
from application.fields import FormField, form_fields, parse_day, stated_by
from application.gate import at_command_line
from application.yaml_files import YamlPath, line_of, read_yaml, where
from application.year_days import lapsed_duties, proposed_days, set_days
from application.year_file import check_open_cycles, default_start, enter_file_people, read_year, start_year
from application.year_preview import preview_clusters
from cli.outcome import Exit, answer, asking, interruptible, say, terminal
from cli.score_impact import confirm_score_impact
from cli.session import Session, session
from domain.duties import Duty
from domain.numbers import uuid_of, whole_number
from domain.problems import repeated
from domain.records import Command, Refused
from domain.streams import parse_cycle_name
from domain.times import ICT, When
from errors import InputError, NotFoundError
from i18n import _, ngettext
from i18n.acts import readable_names
from i18n.cleaning import cleaning_notes
from i18n.messages import day, sentence, word
from ledger.protocol import load_all


async def act_from_line(
    cycle: str,
    name: str,
    extra: Sequence[str],
    person: str | None,
    *,
    file: Path | None,
    on: str | None,
    effective: str | None,
    source: str | None,
    meeting: str | None,
    command_id: str | None,
    confirmed: bool,
    read: int | None,
    as_json: bool,
) -> int:
    """Enter an act. Its fields come from options and from a file; missing ones are asked for."""
    name = readable_names().get(name.lower(), name)
    known = Command.KNOWN.get(name)
    if known is None:
        raise Refused("unknown_act", act=name)
    if person is None:
        raise InputError("who_acts")
    stream, happened = parse_cycle_name(cycle), When.on(day_of(on)) if on else None
    fields, lines = _fields_of(file) if file is not None else ({}, {})
    fields.update(options(known, extra))
    complete(known, fields)
    try:
        return await act(
            stream,
            name,
            fields,
            person,
            as_json=as_json,
            happened=happened,
            source=source,
            meeting=meeting,
            command_id=_uuid(command_id),
            effective=day_of(effective) if effective else None,
            confirmed=confirmed,
            based_on=read,
        )
    except Refused as error:
        if error.code == "malformed_act" and file is not None:
            parts = str(error.facts["place"]).split(".")
            path = ((whole_number(part), part) for part in parts)
            line = line_of(tuple(part if number is None else number for number, part in path), lines)
            raise InputError("file_field", where(file, line), **error.facts) from None
        raise


def _fields_of(file: Path) -> tuple[dict[str, Any], dict[YamlPath, int]]:
    data, lines = read_yaml(file)
    if not isinstance(data, dict):
        raise InputError("file_field", str(file), place="-", problem="dict_type", found=type(data).__name__)
    return data, lines


async def act(
    cycle: str,
    name: str,
    fields: dict[str, Any],
    person: str | None,
    *,
    as_json: bool,
    happened: When | None = None,
    source: str | None = None,
    meeting: str | None = None,
    command_id: UUID | None = None,
    effective: date | None = None,
    confirmed: bool = False,
    based_on: int | None = None,
) -> int:
    """Enter one act and print its receipt, which is read from the ledger."""
    stream = parse_cycle_name(cycle)
    if person is None:
        raise InputError("who_acts")
    provenance = stated_by(source, "--source") if source else None
    async with session("worker", say) as app:
        contact = await app.person(person)
        rows = await load_all(app.ledger, stream)
        if name != "open-cycle" and not rows:
            raise NotFoundError("no_such_cycle", cycle=stream)
        if based_on is None and happened is None and rows:
            based_on = rows[-1].version  # what is shown before the question whether to enter it
        command_input = CommandInput(
            stream,
            name,
            fields,
            command_id or uuid4(),
            happened=happened,
            effective=effective,
            provenance=provenance,
            meeting=meeting,
            based_on=based_on,
        )
        for note in cleaning_notes(command_input.cleaned()):
            say(note)
        await confirm_score_impact(app, command_input, contact, confirmed=confirmed)
        receipt = await app.submit(stream, at_command_line(contact), [command_input])
        events = await _receipt(app, stream, receipt.outcomes[0].versions)
        found = {
            "cycle": stream,
            "command_id": str(command_input.command_id),
            "known": receipt.outcomes[0].known,
            "events": events,
        }
    answer(found, as_json=as_json, show=lambda: _show_receipt(found))
    return Exit.DONE


async def year_start(file: Path, person: str | None, *, propose_days: bool, as_json: bool) -> int:
    """Start a city's year from a file; `propose_days`: give proposed days to what the rules' day has passed of."""
    year, edition = read_year(file)
    if person is None:
        raise InputError("who_acts")
    async with session("worker", say) as app:
        if app.installed.rehearsal:
            raise InputError("rehearsal_installation", folder=str(app.paths.data))
        await check_open_cycles(app, year)
        contact = await enter_file_people(app, person, year.organiser, year.people)
        submitter, starts = at_command_line(contact), default_start(year.year, edition, datetime.now(UTC))
        previews = preview_clusters(year, edition, starts)
        lapsed = lapsed_duties(previews)
        days = proposed_days(lapsed, year.year, edition, starts)
        receipt = await start_year(app, year, edition, submitter, clock="wall", starts=starts)
        wrong = [(one.stream, one.code, one.facts) for one in receipt.failed]
        if propose_days and not wrong:
            today = datetime.now(ICT).date()
            unset = await set_days(app, year, days, submitter, today)
            wrong = [(stream, error.code, error.facts) for stream, error in unset]
    failed = [{"cycle": stream, "code": code, "reason": sentence(code, facts)} for stream, code, facts in wrong]
    found = {
        "year": f"{year.organiser}/{year.cycle_name}",
        "clusters": len(year.clusters),
        "open": len(year.clusters) - len(failed),
        "failed": failed,
        "lapsed": [
            {
                "duty": duty.value,
                "day": on.isoformat(),
                "proposed": days[duty].isoformat(),
                "set": propose_days and not failed,
            }
            for duty, on in lapsed.items()
        ],
    }

    def show() -> None:
        console = terminal()
        console.print(
            ngettext(
                "{open} of {clusters} cycle is open.", "{open} of {clusters} cycles are open.", len(year.clusters)
            ).format(**found)
        )
        for one in failed:
            console.print(f"  {one['cycle']}: {one['reason']}")
        if lapsed:
            _show_lapsed(lapsed, days, are_set=propose_days and not failed)

    answer(found, as_json=as_json, show=show)
    return Exit.REFUSED if failed else Exit.DONE


def _show_lapsed(lapsed: Mapping[Duty, date], days: Mapping[Duty, date], *, are_set: bool) -> None:
    console = terminal()
    console.print(_("The day of the rules has passed for:"))
    for duty, on in lapsed.items():
        told = _("  {duty}: was {passed}, now {day}") if are_set else _("  {duty}: was {passed}, proposed {day}")
        console.print(told.format(duty=word("duty", duty), passed=day(on), day=day(days[duty])))
    if not are_set:
        console.print(
            _(
                "No unit has these tasks before a day is set. The same command with `--propose-days` sets the proposed "
                "ones, `thidua extend` others."
            )
        )


def options(act_type: type[Command], extra: Sequence[str]) -> dict[str, Any]:
    """Return the fields given as options: --unit dong-da, --report.title "…", JSON for lists.

    Raises:
        InputError: an option is no field of the act, has no value, or is given twice.
    """
    fields: dict[str, Any] = {}
    words = list(extra)
    while words:
        option = words.pop(0)
        name, _eq, value = option.partition("=")
        path = name.removeprefix("--").replace("-", "_").split(".")
        path[0] = ALSO.get(path[0], path[0])
        if not option.startswith("--") or path[0] not in act_type.model_fields:
            raise InputError("field_unknown", act=act_type.NAME, field=option, fields=", ".join(names_of(act_type)))
        if not _eq:
            if not words:
                raise InputError("field_value_missing", field=option)
            value = words.pop(0)
        inner = fields
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InputError("field_twice", field=option)
        if path[-1] in inner:
            raise InputError("field_twice", field=option)
        inner[path[-1]] = _value(value)
    return fields


ALSO = {"on_draft": "on"}
"""Other option names for fields whose own name is an option of `thidua act`: `--on` is the day."""


def names_of(act_type: type[Command]) -> list[str]:
    """Return the option names of an act's fields."""
    other = {field: option for option, field in ALSO.items()}
    return [other.get(name, name) for name in act_type.model_fields]


def complete(act_type: type[Command], fields: dict[str, Any]) -> None:
    """Ask for required fields that are missing.

    Raises:
        InputError: fields are missing, and stdin is no terminal.
    """
    missing = [name for name, field in act_type.model_fields.items() if field.is_required() and name not in fields]
    if missing and not sys.stdin.isatty():
        raise InputError("field_missing", fields=", ".join(missing), first=missing[0])
    with interruptible():
        for question in form_fields(act_type):
            if question.name in missing:
                fields[question.name] = asked(question)


def asked(question: FormField, prefix: str = "") -> Any:
    """Ask for a field, for its parts one by one, or for entries until the user wants no more. None when left empty."""
    name = f"{prefix}{question.name}"
    if question.many:
        entries: list[Any] = []
        while True:
            more = question.as_one(f"{question.name}[{len(entries) + 1}]")
            text = _("One more entry: {name}?").format(name=f"{prefix}{more.name}")
            if not Confirm.ask(escape(text), default=question.required and not entries, console=asking()):
                return entries or None
            entries.append(asked(more, prefix))
    if question.parts:
        found = {part.name: asked(part, f"{name}.") for part in question.parts}
        return {part: value for part, value in found.items() if value is not None} or None
    hint = f"{name} ({', '.join(question.choices)}, …)" if question.choices and not question.closed else name
    choices = list(question.choices) if question.closed else None
    hint = hint if question.required else _("{name} (may stay empty)").format(name=hint)
    while True:
        if question.required:
            text = Prompt.ask(escape(hint), choices=choices, console=asking()).strip()
        else:
            text = Prompt.ask(
                escape(hint), choices=choices and [*choices, ""], default="", show_default=False, console=asking()
            )
        if not text and not question.required:
            return None
        if text and _readable(question, text):
            return _value(text)


def _readable(question: FormField, text: str) -> bool:
    """True when an answer is of the right kind. A wrong day is asked for again, so that other answers are not lost."""
    if question.kind != "day":
        return True
    try:
        day_of(text)
    except InputError as error:
        say(sentence(error.code, error.facts))
        return False
    return True


def day_of(text: str) -> date:
    """Return a typed day.

    Raises:
        InputError: the text is no day.
    """
    return parse_day(text, code="not_a_date")


def _uuid(text: str | None) -> UUID | None:
    if not text:
        return None
    if (found := uuid_of(text)) is None:
        raise InputError("not_a_command_id", found=text)
    return found


def _value(text: str) -> Any:
    if text[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text, parse_float=str, object_pairs_hook=_unique_keys)
    except RecursionError:
        raise InputError("field_too_deep") from None
    except ValueError:
        return text


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if doubled := repeated(name for name, _value in pairs):
        raise InputError("file_key_twice", key=doubled[0])
    return dict(pairs)


async def _receipt(app: Session, stream: str, versions: Sequence[int]) -> list[dict[str, Any]]:
    """Return the events of an act from the ledger: only what is stored there counts, not the workflow's answer."""
    if not versions:
        return []
    rows = await app.ledger.load(stream, min(versions) - 1)
    return [
        {
            "position": row.position,
            "version": row.version,
            "type": row.type,
            "provenance": row.provenance,
            "happened": [row.happened_earliest.isoformat(), row.happened_latest.isoformat()],
            "recorded_at": row.recorded_at.isoformat(),
            "digest": row.digest.hex(),
        }
        for row in rows
        if row.version in versions
    ]


def _show_receipt(found: dict[str, Any]) -> None:
    console = terminal()
    head = _("This stood in the register already:") if found["known"] else _("Recorded:")
    console.print(head)
    for row in found["events"]:
        console.print(
            _("  act {version}, position {position}, code {code}").format(
                version=row["version"], position=row["position"], code=row["digest"][:8]
            )
        )
