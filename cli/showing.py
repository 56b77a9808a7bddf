"""Commands that read, for secretariat and staff: board, tasks, inbox, acts, people. They read PostgreSQL only."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from application.act_descriptions import describe_act
from application.fields import FormField, form_fields
from application.task_links import act_of, command_for
from cli.outcome import Exit, answer, grid, say, terminal
from cli.session import Session, session
from domain.cycle import CYCLE, ENTERED_BY_PERSONS
from domain.notices import notices
from domain.obligations import tasks as tasks_of
from domain.state import members_and_organiser
from domain.steps.lifecycle import business_now
from domain.streams import DEFAULT_ORGANISER, is_cycle
from domain.times import day_ending
from errors import InputError
from i18n import _, ngettext
from i18n.acts import stored_names
from i18n.messages import day, days_left, word
from i18n.notices import message_of
from ledger.mapping import to_envelope
from ledger.protocol import load_all
from projections.board import glance
from projections.board_table import Board

_BOARD = (
    "cycle",
    "cluster",
    "year",
    "step",
    "steps",
    "clock",
    "rehearsed",
    "deviations",
    "extensions_asked",
    "escalations",
    "filed",
)


async def board(year: str | None, *, as_json: bool) -> int:
    """Print all cycles on one board."""
    async with session("ledger", say) as app:
        projection = Board(app.ledger, app.texts)
        await projection.catch_up()
        lines = await projection.lines(year)
        years = await projection.years() if year is not None and not lines else []
    if years:
        raise InputError("no_cycle_of_year", place="--year", year=year, years=", ".join(years))
    now = datetime.now(UTC)
    rows = []
    for line in lines:
        seen = glance(line, now)
        rows.append(
            {
                **{key: line[key] for key in _BOARD},
                "next_deadline": day_ending(seen.next_due).isoformat() if seen.next_due else None,
                "waiting_for": list(seen.waiting_for),
                "overdue": [{key: one[key] for key in ("unit", "duty", "subject", "due")} for one in seen.overdue],
            }
        )

    def show() -> None:
        table = grid(
            _("cycle"), _("step"), _("next deadline"), _("waiting for"), _("overdue"), _("deviations"), _("how sure")
        )
        for row in rows:
            found = row["deviations"]
            table.add_row(
                _short(row["cycle"]),
                word("step", row["step"]),
                day(row["next_deadline"]) if row["next_deadline"] else "-",
                ", ".join(row["waiting_for"]) or "-",
                str(len(row["overdue"])),
                ngettext("{open} open, {remarks} remark", "{open} open, {remarks} remarks", found["remarks"]).format(
                    **found
                ),
                word("sureness", "rehearsed" if row["rehearsed"] else "stated"),
            )
        terminal().print(table if rows else _("No cycle is open yet: `thidua year start FILE`."))

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def tasks(unit: str, *, as_json: bool) -> int:
    """Print the open tasks of a unit in all its cycles."""
    rows: list[dict[str, Any]] = []
    async with session("ledger", say) as app:
        await _check_unit(app, unit)
        for stream in await _cycles(app):
            state, rules = await app.state(stream)
            names = members_and_organiser(state)
            now = business_now(state.lifecycle, datetime.now(UTC))
            open_tasks = tasks_of(state, rules, unit) if state.lifecycle.filed is None else ()
            rows.extend(
                {
                    "cycle": stream,
                    "duty": owed.duty.value,
                    "subject": owed.subject or None,
                    "due": day_ending(owed.due).isoformat() if owed.due else None,
                    "extended": owed.extended,
                    "overdue": owed.overdue(now),
                    "waits_for": list(owed.waits_for),
                    "waits_for_names": [names.get(u, u) for u in owed.waits_for],
                    "days_left": (day_ending(owed.due) - day_ending(now)).days if owed.due else None,
                    "article": owed.article,
                    "command": command_for(_short(stream), owed),
                    "rehearsed": state.lifecycle.rehearsed,
                }
                for owed in open_tasks
            )

    def show() -> None:
        table = grid(_("cycle"), _("task"), _("due"), _("act"), _("waiting for"))
        for row in rows:
            mark = f" ({word('sureness', 'rehearsed')})" if row["rehearsed"] else ""
            due = f"{day(row['due'])} ({days_left(row['days_left'], over=row['overdue'])})" if row["due"] else "-"
            table.add_row(
                _short(row["cycle"]) + mark,
                f"{word('duty', row['duty'])} {row['subject'] or ''}".strip(),
                due,
                act_of(row["duty"]) or "-",
                ", ".join(row["waits_for_names"]) or "-",
            )
        terminal().print(table if rows else _("Nothing to do."))

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def inbox(unit: str, *, as_json: bool) -> int:
    """Print the notices to a unit, newest first."""
    rows: list[dict[str, Any]] = []
    async with session("ledger", say) as app:
        await _check_unit(app, unit)
        for stream in await _cycles(app):
            state = CYCLE.empty()
            for row in await load_all(app.ledger, stream):
                envelope = to_envelope(row)
                state = CYCLE.evolve(state, envelope)
                for notice in notices(envelope, state):
                    if notice.to == unit:
                        rehearsed = row.provenance == "rehearsed"
                        subject, body = message_of(notice, state, stream, rehearsed=rehearsed)
                        rows.append(
                            {
                                "cycle": stream,
                                "version": row.version,
                                "kind": notice.NAME,
                                "subject": subject,
                                "text": body,
                                "happened": day(envelope.meta.happened),
                                "recorded_at": row.recorded_at.isoformat(),
                                "rehearsed": rehearsed,
                            }
                        )
    rows.sort(key=lambda row: row["recorded_at"], reverse=True)

    def show() -> None:
        table = grid(_("date"), _("cycle"), _("subject"))
        for row in rows:
            table.add_row(row["happened"], _short(row["cycle"]), row["subject"])
        terminal().print(table if rows else _("Nothing has come in."))

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def acts(name: str | None, *, as_json: bool) -> int:
    """Print the acts that people may enter, with their fields and the parties that may enter them."""
    found: list[dict[str, Any]] = []
    vietnamese = {stored: name_vi for name_vi, stored in stored_names().items()}
    name = stored_names().get(name.lower(), name) if name else None
    for act in sorted(ENTERED_BY_PERSONS, key=lambda act: act.NAME):
        if name and name != act.NAME:
            continue
        described = describe_act(act)
        found.append(
            {
                "act": act.NAME,
                "vi": vietnamese[act.NAME],
                "about": described.about,
                "who": [party.value for party in described.who],
                "fields": {
                    q.name: {"required": q.required, "choices": q.choices, "many": q.many, "inner": _inner(q)}
                    for q in form_fields(act)
                },
                "schema": described.fields,
            }
        )
    if name and not found:
        raise InputError("unknown_act", act=name)

    def show() -> None:
        table = grid(_("act"), _("about"), _("fields (* required)"), _("who"))
        for one in found:
            fields = "\n".join(_field(n, f) for n, f in one["fields"].items())
            table.add_row(
                f"{one['act']}\n{one['vi']}",
                one["about"],
                fields,
                ", ".join(word("party", party) for party in one["who"]),
            )
        terminal().print(table)

    answer(found, as_json=as_json, show=show)
    return Exit.DONE


async def people(*, as_json: bool) -> int:
    """Print the persons of the installation."""
    async with session("ledger", say) as app:
        rows = [asdict(contact) for contact in await app.people.everyone()]

    def show() -> None:
        table = grid("id", _("unit"), _("name"), _("office"))
        for row in rows:
            table.add_row(row["id"], row["unit"], row["name"], row["office"] or "-")
        terminal().print(table)

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def _cycles(app: Session) -> list[str]:
    return [stream for stream, _tip in await app.ledger.streams() if is_cycle(stream)]


def _inner(question: FormField) -> list[str]:
    return question.paths() if question.parts else []


def _field(name: str, field: dict[str, Any]) -> str:
    """Return a field as text: its name, a star when it is required, its choices or subfields."""
    text = name + ("*" if field["required"] else "") + (" […]" if field["many"] else "")
    if field["choices"]:
        return f"{text}: {' | '.join(field['choices'])}"
    return f"{text}: {', '.join(field['inner'])}" if field["inner"] else text


def _short(stream: str) -> str:
    """Return a cycle's name without the default organiser, as users can type it."""
    return stream.removeprefix(f"{DEFAULT_ORGANISER}/")


async def _check_unit(app: Session, unit: str) -> None:
    """Raise an error for an unknown unit: for a typing error, "Nothing to do" would be a wrong answer.

    Raises:
        InputError
    """
    for stream in await _cycles(app):
        state, _rules = await app.state(stream)
        if unit in members_and_organiser(state):
            return
    raise InputError("unknown_unit", unit=unit)
