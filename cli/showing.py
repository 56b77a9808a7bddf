"""Commands that only read: board, tasks, inbox, acts, people, and what an auditor asks. Temporal is never asked."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from activities.telling import told_of
from audit.replay import digests_in, replay, view
from audit.verify import Report, verify
from cli.acting import day_of
from cli.fields import InputError, Question, questions
from cli.outcome import Exit, answer, grid, say, terminal
from cli.session import Session, session
from cli.timeline import describe
from domain.codec import plain
from domain.cycle import CYCLE, business_now, members_and_organiser
from domain.kernel import day_ending
from domain.notices import notices
from domain.obligations import tasks as tasks_of
from domain.rights import MAY
from domain.rules import Edition, edition_of
from domain.streams import DEFAULT_ORGANISER, full_name, is_cycle
from eventstore.checkpoints import all_checkpoints, write_checkpoint
from eventstore.postgres import checkpoint
from eventstore.store import load_all
from i18n import _
from i18n.messages import day, label, message_of, word
from readmodels.board import glance
from readmodels.postgres import Board

_BOARD = (
    "cycle", "cluster", "year", "step", "steps", "clock", "rehearsed", "deviations", "extensions_asked",
    "escalations", "filed",
)  # fmt: skip


async def board(year: str | None, *, as_json: bool) -> int:
    """All cycles on one board."""
    async with session("ledger", say) as open_:
        read = Board(open_.ledger, open_.texts)
        await read.catch_up()
        lines = await read.lines(year)
    now = datetime.now(UTC)
    rows = []
    for line in lines:
        seen = glance(line, now)
        rows.append({
            **{key: line[key] for key in _BOARD},
            "next_deadline": day_ending(seen.next_due).isoformat() if seen.next_due else None,
            "waiting_for": list(seen.waiting_for),
            "overdue": [{key: o[key] for key in ("unit", "duty", "subject", "due")} for o in seen.overdue],
        })  # fmt: skip

    def show() -> None:
        table = grid(
            _("cycle"), _("step"), _("next deadline"), _("waiting for"), _("overdue"), _("departures"), _("how sure")
        )
        for row in rows:
            found = row["deviations"]
            table.add_row(
                _short(row["cycle"]), word(row["step"]), day(row["next_deadline"]) if row["next_deadline"] else "-",
                ", ".join(row["waiting_for"]) or "-", str(len(row["overdue"])),
                _("{open} open, {remarks} remarks").format(**found),
                word("rehearsed") if row["rehearsed"] else word("stated"),
            )  # fmt: skip
        terminal().print(table if rows else _("No cycle is open yet: `thidua year start FILE`."))

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def tasks(unit: str, *, as_json: bool) -> int:
    """What a unit owes, in all cycles it belongs to."""
    rows: list[dict[str, Any]] = []
    async with session("ledger", say) as open_:
        await _must_know(open_, unit)
        for stream in await _cycles(open_):
            state, rules = await open_.state(stream)
            names = members_and_organiser(state)
            now = business_now(state, datetime.now(UTC))
            open_tasks = tasks_of(state, rules, unit) if state.frame.filed is None else ()
            rows.extend(
                {
                    "cycle": stream, "duty": owed.duty.value, "subject": owed.subject or None,
                    "due": day_ending(owed.due).isoformat() if owed.due else None, "extended": owed.extended,
                    "overdue": owed.overdue(now), "waits_for": list(owed.waits_for),
                    "waits_for_names": [names.get(u, u) for u in owed.waits_for],
                    "days_left": (day_ending(owed.due) - day_ending(now)).days if owed.due else None,
                    "rehearsed": state.frame.clock == "stepped",
                }
                for owed in open_tasks
            )  # fmt: skip

    def show() -> None:
        table = grid(_("cycle"), _("task"), _("due"), _("days left"), _("waiting for"))
        for row in rows:
            mark = f" ({word('rehearsed')})" if row["rehearsed"] else ""
            late = f" ({_('overdue')})" if row["overdue"] else ""
            table.add_row(
                _short(row["cycle"]) + mark, f"{label('duty', row['duty'])} {row['subject'] or ''}".strip(),
                (day(row["due"]) if row["due"] else "-") + late, str(row["days_left"] if row["due"] else "-"),
                ", ".join(row["waits_for_names"]) or "-",
            )  # fmt: skip
        terminal().print(table if rows else _("Nothing to do."))

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def inbox(unit: str, *, as_json: bool) -> int:
    """What a unit was told, newest first."""
    rows: list[dict[str, Any]] = []
    async with session("ledger", say) as open_:
        await _must_know(open_, unit)
        for stream in await _cycles(open_):
            state = CYCLE.empty()
            for row in await load_all(open_.ledger, stream):
                told = told_of(row)
                state = CYCLE.evolve(state, told)
                for notice in notices(told, state):
                    if notice.to == unit:
                        rehearsed = row.provenance == "rehearsed"
                        subject, body = message_of(notice, state, stream, rehearsed=rehearsed)
                        rows.append({
                            "cycle": stream, "version": row.version, "kind": notice.kind,
                            "subject": subject, "text": body, "happened": day(row.happened_latest),
                            "recorded_at": row.recorded_at.isoformat(), "rehearsed": rehearsed,
                        })  # fmt: skip
    rows.sort(key=lambda row: row["recorded_at"], reverse=True)

    def show() -> None:
        table = grid(_("date"), _("cycle"), _("subject"))
        for row in rows:
            table.add_row(row["happened"], _short(row["cycle"]), row["subject"])
        terminal().print(table if rows else _("Nothing has come in."))

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def acts(name: str | None, *, as_json: bool) -> int:
    """The acts that people may enter, with their fields and who may."""
    found: list[dict[str, Any]] = []
    for act, parties in sorted(MAY.items(), key=lambda pair: pair[0].NAME):
        if {p.value for p in parties} == {"clock"} or (name and name != act.NAME):
            continue
        found.append({
            "act": act.NAME, "about": _((act.__doc__ or "").strip().splitlines()[0]),
            "who": sorted(p.value for p in parties),
            "fields": {
                q.name: {"required": q.required, "choices": q.choices, "many": q.many, "inner": _inner(q)}
                for q in questions(act)
            },
        })  # fmt: skip
    if name and not found:
        raise InputError("unknown_act", act=name)

    def show() -> None:
        table = grid(_("act"), _("about"), _("fields (* required)"), _("who"))
        for one in found:
            fields = "\n".join(_field(n, f) for n, f in one["fields"].items())
            table.add_row(one["act"], one["about"], fields, ", ".join(map(word, one["who"])))
        terminal().print(table)

    answer(found, as_json=as_json, show=show)
    return Exit.DONE


async def people(*, as_json: bool) -> int:
    """Who is entered in the book."""
    async with session("ledger", say) as open_:
        rows = [asdict(contact) for contact in await open_.people.everyone()]

    def show() -> None:
        table = grid("id", _("unit"), _("name"), _("office"))
        for row in rows:
            table.add_row(row["id"], row["unit"], row["name"], row["office"] or "-")
        terminal().print(table)

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def timeline(cycle: str, *, as_json: bool) -> int:
    """The stream's events as plain sentences."""
    stream = full_name(cycle)
    async with session("ledger", say) as open_:
        history = await open_.history(stream)
        state = CYCLE.fold(told for _row, told in history)
        texts = await open_.texts.get(digests_in([plain(told.event) for _row, told in history]))
    names = members_and_organiser(state)
    rows = [
        {
            "version": row.version, "position": row.position, "type": row.type, "text": describe(told, names, texts),
            "happened": [row.happened_earliest.isoformat(), row.happened_latest.isoformat()],
            "recorded_at": row.recorded_at.isoformat(), "actor": row.actor, "unit": row.unit,
            "provenance": row.provenance, "source": row.source, "meeting": row.meeting, "digest": row.digest.hex(),
            "corrected_by": state.register.corrected.get(row.version),
        }
        for row, told in history
    ]  # fmt: skip

    def show() -> None:
        table = grid("#", _("date"), _("what happened"), _("entered by"), _("how sure"))
        for (row, _told), one in zip(history, rows, strict=True):
            text = str(one["text"])
            if one["corrected_by"]:
                text += " " + _("(corrected by {by})").format(by=one["corrected_by"])
            sure = word(row.provenance) + (f": {row.source}" if row.source else "")
            table.add_row(str(row.version), _dates(row), text, row.actor, sure)
        terminal().print(table)

    answer(rows, as_json=as_json, show=show)
    return Exit.DONE


async def replay_(cycle: str, at: str | None, version: int | None, known_on: str | None, *, as_json: bool) -> int:
    """The state as it was."""
    stream = full_name(cycle)
    if at is not None and version is not None:
        raise InputError("one_of_two")
    at_day, known_day = (day_of(at) if at else None), (day_of(known_on) if known_on else None)
    async with session("ledger", say) as open_:
        rows = [row for row, _told in await open_.history(stream)]
        if version is not None and not 0 < version <= len(rows):
            raise InputError("no_such_event", version=version, last=len(rows))
        found = replay(
            stream, rows, await _editions(open_, rows), at=at_day, version=version, known_on=known_day,
        )  # fmt: skip
        texts = await open_.texts.get(digests_in(plain(found.state)))
    data = view(found, texts)

    def show() -> None:
        console = terminal()
        console.print(_("{stream}: state after {events} events").format(stream=stream, events=found.events))
        table = grid(_("step"), _("done"), _("waiting for"))
        for step in data.get("steps", ()):
            table.add_row(
                word(step["step"]), day(step["done"]) if step["done"] else "-", ", ".join(step["waiting_for"]) or "-"
            )
        console.print(table)
        console.print(_signatures(found.state))
        for deviation in data.get("deviations", ()):
            settled = f" ({_('settled')})" if deviation["settled"] else ""
            facts = ", ".join(str(fact) for fact in deviation["facts"].values() if fact not in {"", None})
            about = f" ({facts})" if facts else ""
            console.print(f"  • {word(deviation['code'])}: {deviation['article'] or _('remark')}{about}{settled}")
        console.print(_("state digest {digest}").format(digest=data["state_digest"]))

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


async def verify_(*, as_json: bool) -> int:
    """Check the whole ledger, and what lies beside it."""
    async with session("ledger", say) as open_:
        folder = open_.places.data / "checkpoints"
        report = await verify(
            open_.ledger, open_.edition, open_.installed.id, open_.ledger.epoch,
            checkpoints=tuple(all_checkpoints(folder)), entry_key=open_.installed.public_key,
            progress=lambda n: say(_("{n} events checked").format(n=n)) if n % 10_000 == 0 else None,
        )  # fmt: skip
        beside = [
            *({"code": "text_altered", "detail": digest} for digest in await open_.texts.altered()),
            *({"code": "person_renamed", "detail": person} for person in await _renamed(open_, report)),
        ]
        ok = report.ok and not beside
        if ok and (mark := await checkpoint(open_.ledger)) is not None:
            write_checkpoint(folder, mark)
    data = {
        "ok": ok, "events": report.events, "streams": len(report.streams), "signatures": report.signatures,
        "clock_acts": report.clock_acts, "first_broken_position": report.first_broken, "root": report.root,
        "problems": [asdict(problem) for problem in report.problems], "beside": beside,
    }  # fmt: skip

    def show() -> None:
        console = terminal()
        console.print(
            _("{events} events in {streams} streams, {signatures} signatures, {clock_acts} acts of the clock").format(
                **data
            )
        )
        if ok:
            console.print(_("The chain is whole. Root {root}").format(root=report.root))
        if report.first_broken is not None:
            console.print(_("BROKEN at position {position}").format(position=report.first_broken))
        for problem in report.problems:
            console.print(f"  {problem.position} {problem.stream}: {problem.code} {problem.detail}")
        for one in beside:
            console.print(f"  {one['code']} {one['detail']}")

    answer(data, as_json=as_json, show=show)
    return Exit.DONE if ok else Exit.NOT_VERIFIED


async def _renamed(open_: Session, report: Report) -> set[str]:
    """Persons whose name does not fit the commitment that they signed with."""
    others = {
        contact.id
        for contact in await open_.people.everyone()
        if report.commitments.get(contact.id, contact.commitment) != contact.commitment
    }
    return others | set(await open_.people.renamed())


async def _cycles(open_: Session) -> list[str]:
    return [stream for stream, _head in await open_.ledger.streams() if is_cycle(stream)]


async def _editions(open_: Session, rows: Any) -> dict[str, Edition]:
    digests = set().union(
        *(digests_in(plain(told_of(row).event)) for row in rows if row.type in {"CycleOpened", "EditionAdopted"})
    )
    found = {}
    for digest in digests:
        if (body := await open_.texts.edition(digest)) is not None:
            found[digest] = edition_of(body)
    return found


def _inner(question: Question) -> list[str]:
    return question.paths() if question.parts else []


def _field(name: str, field: dict[str, Any]) -> str:
    """One field for a reader: name, star when required, choices or subfields."""
    text = name + ("*" if field["required"] else "") + (" […]" if field["many"] else "")
    if field["choices"]:
        return f"{text}: {' | '.join(field['choices'])}"
    return f"{text}: {', '.join(field['inner'])}" if field["inner"] else text


def _short(stream: str) -> str:
    """A cycle's short name, as it can be typed."""
    return stream.removeprefix(f"{DEFAULT_ORGANISER}/")


async def _must_know(open_: Session, unit: str) -> None:
    """An officer who mistypes the unit must not read that there is nothing to do."""
    for stream in await _cycles(open_):
        state, _rules = await open_.state(stream)
        if unit in members_and_organiser(state):
            return
    raise InputError("unknown_unit", unit=unit)


def _dates(row: Any) -> str:
    if row.happened_earliest == row.happened_latest:
        return day(row.happened_earliest)
    first, last = day(row.happened_earliest), day(day_ending(row.happened_latest))
    return first if first == last else f"{first} - {last}"


def _signatures(state: Any) -> str:
    signed = state.signing.signatures
    kinds = ", ".join(f"{word(kind)} {n}" for kind, n in sorted(_count(s.sureness for s in signed.values()).items()))
    return _("signatures: {count} ({kinds})").format(count=len(signed), kinds=kinds or "-")


def _count(values: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found
