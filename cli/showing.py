"""Commands that read, for secretariat and staff: board, tasks, inbox, acts, people. They read PostgreSQL only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from application.act_descriptions import describe_act, offered_acts
from application.fields import FormField, form_fields
from application.task_links import act_of, command_for, other_act_of
from audit.replay import digests_in
from cli.outcome import Exit, answer, grid, say, say_page, terminal
from cli.session import Session, session
from domain.codec import plain
from domain.cycle import CYCLE, ENTERED_BY_PERSONS
from domain.notices import notices
from domain.streams import DEFAULT_ORGANISER
from domain.times import day_ending
from domain.titles import names_of
from errors import InputError
from i18n import _
from i18n.acts import names_in_files, readable_names, stored_names
from i18n.messages import day, days_left, word
from i18n.notices import Circumstances, message_of
from i18n.values import open_deviations_told
from ledger.mapping import to_envelope
from ledger.paging import ALL_ROWS, Paged, PageRequest
from ledger.protocol import load_all
from local.paths import is_rehearsal, paths
from projections.board import glance
from projections.board_lines import BoardLines, Line, LineFilter
from projections.board_table import Board
from projections.known_editions import KnownEditions

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


async def board(year: str | None, asked: PageRequest = ALL_ROWS, *, as_json: bool) -> int:
    """Print all cycles on one board, or a page of them."""
    now = datetime.now(UTC)
    async with session("ledger", say, reads=True) as app:
        projection = await _projection(app)
        found = await projection.board_page(LineFilter(year=year), now, asked)
        years = await projection.years() if year is not None and not found.total else []
        reasons = await app.texts.get({one["reason"] for line in found.rows for one in line["extensions_asked"]})
    if years:
        raise InputError("no_cycle_of_year", place="--year", year=year, years=", ".join(years))
    rows, lines = [], found.rows
    for line in lines:
        seen = glance(line, now)
        rows.append(
            {
                **{key: line[key] for key in _BOARD},
                "extensions_asked": [
                    {**one, "reason": reasons.get(one["reason"], "…")} for one in line["extensions_asked"]
                ],
                "next_deadline": day_ending(seen.next_due).isoformat() if seen.next_due else None,
                "waiting_for": list(seen.waiting_for),
                "overdue": [{key: one[key] for key in ("unit", "duty", "subject", "due")} for one in seen.overdue],
            }
        )

    def show() -> None:
        table = grid(
            _("cycle"), _("step"), _("next deadline"), _("waiting for"), _("overdue"), _("deviations"), _("how sure")
        )
        for row, line in zip(rows, lines, strict=True):
            found, names = row["deviations"], line["names"]
            table.add_row(
                _short(row["cycle"]),
                word("step", row["step"]),
                day(row["next_deadline"]) if row["next_deadline"] else "-",
                ", ".join(names.get(unit, unit) for unit in row["waiting_for"]) or "-",
                str(len(row["overdue"])),
                open_deviations_told(found["open"], found["remarks"]),
                word("sureness", "rehearsed" if row["rehearsed"] else "stated"),
            )
        terminal().print(table if rows else _("No cycle is open yet: `thidua year start FILE`."))

    answer(rows, as_json=as_json, show=show)
    say_page(found)
    return Exit.DONE


async def tasks(unit: str, asked: PageRequest = ALL_ROWS, *, as_json: bool) -> int:
    """Print the open tasks of a unit in all its cycles: overdue first, then by date, undated ones last."""
    async with session("ledger", say, reads=True) as app:
        projection = await _projection(app)
        await _check_unit(projection, unit)
        found = await projection.tasks_page(unit, asked)
    real_now = datetime.now(UTC)
    rows = [_task_row(line, owed, real_now) for line, owed in found.rows]

    def show() -> None:
        table = grid(_("cycle"), _("task"), _("due"), _("act"), _("waiting for"))
        for row, (line, _owed) in zip(rows, found.rows, strict=True):
            names = line["names"]
            mark = f" ({word('sureness', 'rehearsed')})" if row["rehearsed"] else ""
            due = f"{day(row['due'])} ({days_left(row['days_left'], over=row['overdue'])})" if row["due"] else "-"
            table.add_row(
                _short(row["cycle"]) + mark,
                f"{word('duty', row['duty'])} {names.get(row['subject'], row['subject'] or '')}".strip(),
                due,
                "-" if row["waits_for"] or row["closed"] else _acts_for(row["duty"]),
                _blocked_by(row) or "-",
            )
        terminal().print(table if rows else _("Nothing to do. `thidua inbox` has the notices."))

    answer(rows, as_json=as_json, show=show)
    say_page(found)
    return Exit.DONE


def _task_row(line: Line, owed: dict[str, Any], real_now: datetime) -> dict[str, Any]:
    now = datetime.fromisoformat(line["now"]) if line["now"] else real_now
    due = datetime.fromisoformat(owed["due"]) if owed["due"] else None
    closed = owed["duty"] in line["closed"]
    asked = (_short(line["cycle"]), owed["duty"], owed["unit"], owed["subject"] or "")
    can_be_done = not owed["waits_for"] and not closed
    return {
        "cycle": line["cycle"],
        "duty": owed["duty"],
        "subject": owed["subject"],
        "due": day_ending(due).isoformat() if due else None,
        "extended": owed["extended"],
        "overdue": due is not None and now >= due,
        "waits_for": owed["waits_for"],
        "waits_for_names": [line["names"].get(unit, unit) for unit in owed["waits_for"]],
        "days_left": (day_ending(due) - day_ending(now)).days if due else None,
        "article": owed["article"],
        "awaited": owed["awaited"],
        "closed": closed,
        "command": command_for(*asked) if can_be_done else None,
        "other_command": command_for(*asked, other=True) if can_be_done else None,
        "rehearsed": line["rehearsed"],
    }


def _acts_for(duty: str) -> str:
    """Return the acts that fulfil a duty, as they are typed; "-" for the final meeting."""
    names = names_in_files()
    return ", ".join(names.get(act, act) for act in (act_of(duty), other_act_of(duty)) if act is not None) or "-"


def _blocked_by(row: dict[str, Any]) -> str:
    """Return for what a task waits, or that it is closed; "" where it can be done now."""
    if row["closed"]:
        return _("closed; ask the secretariat")
    if not row["waits_for"]:
        return ""
    return f"{', '.join(row['waits_for_names'])}: {word('duty', row['awaited'])}"


async def inbox(unit: str, asked: PageRequest = ALL_ROWS, *, as_json: bool) -> int:
    """Print the notices to a unit, newest first."""
    async with session("ledger", say, reads=True) as app:
        projection = await _projection(app)
        await _check_unit(projection, unit)
        found, complete = await _newest_notices(app, await projection.streams_of(unit), unit, asked)
    rows = found.rows

    def show() -> None:
        table = grid(_("date"), _("cycle"), _("subject"))
        for row in rows:
            table.add_row(row["happened"], _short(row["cycle"]), row["subject"])
        terminal().print(table if rows else _("Nothing has come in. `thidua tasks` has what is to do."))

    answer(rows, as_json=as_json, show=show)
    say_page(found, complete=complete)
    return Exit.DONE


async def _newest_notices(
    app: Session, streams: Sequence[tuple[str, datetime]], unit: str, asked: PageRequest
) -> tuple[Paged[dict[str, Any]], bool]:
    """Return a page of a unit's notices, newest first, and whether its count is that of all notices.

    `streams` are its cycles, each with the time of its last event, the latest first. A cycle in which nothing has
    happened since the last notice of the page is not read any more.
    """
    found: list[tuple[datetime, dict[str, Any]]] = []
    wanted = None if asked.size is None else asked.offset + asked.size
    for stream, last in streams:
        if wanted is not None and len(found) > wanted and found[wanted][0] > last:
            return Paged.of([row for _at, row in found], asked), False
        found.extend(await _notices_of(app, stream, unit))
        found.sort(key=lambda one: one[0], reverse=True)
    return Paged.of([row for _at, row in found], asked), True


async def _notices_of(app: Session, stream: str, unit: str) -> list[tuple[datetime, dict[str, Any]]]:
    """Return the notices of a cycle to a unit, in order, each with the time of its recording."""
    state, found = CYCLE.empty(), list[tuple[datetime, dict[str, Any]]]()
    entered_by: dict[int, str] = {}
    editions, board = KnownEditions(app.texts), BoardLines(app.ledger.pool)
    for row in await load_all(app.ledger, stream):
        envelope = to_envelope(row)
        state = CYCLE.evolve(state, envelope)
        entered_by[row.version] = row.unit
        rules = await editions.in_force(state)
        for notice in notices(envelope, state, entered_by, rules):
            if notice.to != unit:
                continue
            rehearsed = row.provenance == "rehearsed"
            lifecycle = state.lifecycle
            told = Circumstances(
                sender=names_of(state, rules).get(row.unit) or lifecycle.organiser_name,
                texts=await app.texts.get(digests_in(plain(notice))),
                namesake=await board.has_namesake(lifecycle.cluster_name, lifecycle.organiser),
            )
            subject, body = message_of(notice, state, rules, rehearsed=rehearsed, told=told)
            values = {
                "cycle": stream,
                "version": row.version,
                "kind": notice.NAME,
                "subject": subject,
                "text": body,
                "happened": day(envelope.meta.happened),
                "recorded_at": row.recorded_at.isoformat(),
                "rehearsed": rehearsed,
            }
            found.append((row.recorded_at, values))
    return found


async def acts(name: str | None, *, as_json: bool) -> int:
    """Print the acts that people may enter, with their fields and the parties that may enter them."""
    found: list[dict[str, Any]] = []
    vietnamese = {stored: name_vi for name_vi, stored in stored_names().items()}
    name = readable_names().get(name.lower(), name) if name else None
    offered = ENTERED_BY_PERSONS if name else offered_acts(rehearsal=is_rehearsal(paths().data))
    for act in sorted(offered, key=lambda act: act.NAME):
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
    async with session("ledger", say, reads=True) as app:
        rows = [asdict(contact) for contact in await app.people.everyone()]

    def show() -> None:
        table = grid("id", _("unit"), _("name"), _("office"))
        for row in rows:
            table.add_row(row["id"], row["unit"], row["name"], row["office"] or "-")
        terminal().print(table)

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def _projection(app: Session) -> Board:
    """Return the board, up to date also when no worker runs."""
    found = Board(app.ledger, app.texts)
    await found.catch_up()
    return found


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


async def _check_unit(projection: Board, unit: str) -> None:
    """Raise an error for an unknown unit: for a typing error, "Nothing to do" would be a wrong answer.

    Raises:
        InputError
    """
    if not await projection.knows_unit(unit):
        raise InputError("unknown_unit", unit=unit)
