"""Commands for auditors: the timeline, the state at an earlier time, verification. They read PostgreSQL only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from application.event_texts import Background, event_texts
from application.key_ring import KeyRing, OwnKeyError
from application.log_keys import keys_to_verify_with, log_identity, log_of_given
from application.moments import Moment
from application.timeline import installation_timeline
from application.timeline import timeline as timeline_entries
from application.verification import chain_warning, marks_of, verify_all
from application.verification_text import beside_text, problem_text, untrusted_text, verification_lines
from audit.replay import Replay, digests_in, replay, replay_as_json, select
from audit.verify import Progress
from cli.acting import day_of
from cli.outcome import Exit, answer, asking, grid, say, say_page, terminal
from cli.session import Session, session
from domain.city_year import CityState
from domain.codec import plain
from domain.cycle import CYCLE
from domain.deviations import deviations
from domain.installation import STREAM, KeyRole
from domain.records import Event, EventEnvelope
from domain.rules import NO_RULES, Edition, edition_of
from domain.state import State, members_and_organiser
from domain.streams import is_cycle, parse_cycle_name
from domain.titles import names_of
from errors import InputError
from i18n import _, ngettext
from i18n.details import Detail
from i18n.messages import day, sentence, word
from i18n.state_text import deviation_text, state_lines
from i18n.timeline import EventText
from i18n.values import unnamed_units
from ledger.checkpoints import FILE, CheckpointFile, CheckpointLog, read_given
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.notes import NoteVerifier
from ledger.paging import ALL_ROWS, Paged, PageRequest
from local.paths import CHECKPOINTS
from web.urls import moment_url, timeline_url


async def timeline(cycle: str, asked: PageRequest = ALL_ROWS, *, as_json: bool) -> int:
    """Print the events of a stream, or a page of them, as plain sentences."""
    stream = STREAM if cycle == STREAM else parse_cycle_name(cycle)
    async with session("ledger", say, reads=True) as app:
        history = await app.history(stream)
        shown = Paged.of(history, asked)
        if stream == STREAM:
            entries = list((await installation_timeline(app, asked)).rows)
        else:
            state = CYCLE.fold(envelope for _row, envelope in history)
            background = await _background(app, [envelope for _row, envelope in history], state)
            entries = await timeline_entries(app, shown.rows, background, state.corrections.corrected)
            if as_json:
                await app.note_export(timeline_url(stream, "json"))
    rows = [
        {
            "version": entry.row.version,
            "position": entry.row.position,
            "type": entry.row.type,
            "text": entry.text,
            "details": entry.told.values(),
            "happened": [entry.row.happened_earliest.isoformat(), entry.row.happened_latest.isoformat()],
            "recorded_at": entry.row.recorded_at.isoformat(),
            "actor": entry.row.actor,
            "unit": entry.row.unit,
            "provenance": entry.row.provenance,
            "source": entry.row.source,
            "meeting": entry.row.meeting,
            "digest": entry.row.digest.hex(),
            "corrected_by": entry.corrected_by,
        }
        for entry in entries
    ]

    def show() -> None:
        table = grid("#", _("date"), _("what happened"), _("entered by"), _("how sure"))
        for entry in entries:
            row = entry.row
            text = "\n".join((entry.text, *(f"  {one}" for one in (*entry.told.details, *_beside(entry.told)))))
            if entry.corrected_by:
                text += " " + _("(corrected by {by})").format(by=entry.corrected_by)
            sure = word("sureness", row.provenance) + (f": {row.source}" if row.source else "")
            table.add_row(str(row.version), entry.on, text, entry.who, sure)
        terminal().print(table)

    answer(rows, as_json=as_json, show=show)
    say_page(shown)
    return _warn_if_changed([row for row, _envelope in history])


async def _background(app: Session, envelopes: Sequence[EventEnvelope[Event]], state: State) -> Background:
    """What the words of a stream's events need. The auditor at the command line reads everything."""
    rules = await app.rules(CYCLE.adoptions(state)) if state.lifecycle.opened else NO_RULES
    return Background(envelopes, rules, members_and_organiser(state))


def _beside(told: EventText) -> Sequence[Detail]:
    """The circumstances of an act that the table has no column for: all but its date, which is the first."""
    return told.circumstances[1:]


def _warn_if_changed(rows: Sequence[RecordedEvent]) -> Exit:
    """Warn when the rows that were shown do not fit their digests: they were changed in the database."""
    if not (warning := chain_warning(rows)):
        return Exit.DONE
    say(warning)
    return Exit.NOT_VERIFIED


async def replay_(cycle: str, at: str | None, version: int | None, known_on: str | None, *, as_json: bool) -> int:
    """Print the state at an earlier time: after a version, or at the end of a day, as known on a day."""
    stream = parse_cycle_name(cycle)
    if at is not None and version is not None:
        raise InputError("one_of_two")
    at_day, known_day = (day_of(at) if at else None), (day_of(known_on) if known_on else None)
    async with session("ledger", say, reads=True) as app:
        rows = [row for row, _envelope in await app.history(stream)]
        if version is not None and not 0 < version <= len(rows):
            raise InputError("no_such_event", version=version, last=len(rows))
        found = replay(
            stream,
            rows,
            await _editions(app, rows),
            at=at_day,
            version=version,
            known_on=known_day,
        )
        texts = await app.texts.get(digests_in(plain(found.state)))
        people = {one.id: one.name for one in await app.people.everyone()}
        titles, acts = await _acts(app, found, rows, Moment(version, at_day, known_day))
        if as_json and is_cycle(stream):
            await app.note_export(moment_url(stream, "json"))
    data = replay_as_json(found, texts)

    def show() -> None:
        console = terminal()
        console.print(
            ngettext(
                "{stream}: state after {events} event", "{stream}: state after {events} events", found.events
            ).format(stream=stream, events=found.events)
        )
        names = names_of(found.state, found.rules) if isinstance(found.state, State) else {}
        table = grid(_("step"), _("done"), _("waiting for"))
        for step in data.get("steps", ()):
            unnamed = (unnamed_units(step["unnamed"]),) if step["unnamed"] else ()
            open_ = "-" if step["told"] is None else _("not stated")
            table.add_row(
                word("step", step["step"]),
                f"{day(step['done'])} ({word('sureness', step['sureness'] or 'stated')})" if step["done"] else open_,
                ", ".join((*(names.get(unit, unit) for unit in step["waiting_for"]), *unnamed)) or "-",
            )
        console.print(table)
        if isinstance(found.state, State):
            for line in state_lines(found.state, texts, {**people, **titles}, found.sure.by_event):
                console.print(line)
            for one in deviations(found.state, found.rules):
                console.print(f"  • {deviation_text(one, names, found.sure.by_when)}")
        console.print(_("The acts until then:"))
        for number, words in acts:
            console.print(f"  {number}. {words}", soft_wrap=True)
        console.print(_("state digest {digest}").format(digest=data["state_digest"]))

    answer(data, as_json=as_json, show=show)
    return _warn_if_changed(rows)


async def _acts(
    app: Session, found: Replay[State] | Replay[CityState], rows: Sequence[RecordedEvent], moment: Moment
) -> tuple[Mapping[str, str], list[tuple[int, EventText]]]:
    """Names and titles at a moment, and the acts until then that no correction had taken back, in words."""
    selected, _possible = select(rows, at=moment.at, version=moment.version, known_on=moment.known_on)
    envelopes = [to_envelope(row) for row in selected]
    if isinstance(found.state, State):
        background = await _background(app, envelopes, found.state)
        corrected = set(found.state.corrections.corrected)
    else:
        year, corrected = found.state.year, set()
        background = Background(envelopes, names={year.organiser: year.organiser_name})
    standing = [one for one in envelopes if one.meta.version not in corrected]
    words = await event_texts(app, background, standing)
    return background.titled, [(one.meta.version, of) for one, of in zip(standing, words, strict=True)]


async def verify_(files: Sequence[Path], key: str | None, processes: int | None, *, as_json: bool) -> int:
    """Verify the ledger and the vault, and compare them with checkpoints. When all is right, make a checkpoint."""
    async with session("ledger", say, reads=True) as app:
        own = app.installed.key("log")
        keys = KeyRing(app.ledger, app.installed.id, app.ledger.epoch)
        known, verifier = await keys_to_verify_with(keys), own.note_signer.verifier
        own_log = log_identity(known, verifier)
        given_log = own_log if key is None else log_of_given(known, _given_key(key))
        kept = [one for file in files for one in read_given(file, given_log)]
        file = app.paths.data / CHECKPOINTS / FILE
        with _progress() as progress:
            report = await verify_all(
                app.ledger,
                app.installed.id,
                marks=await marks_of(app.ledger, own_log, file, kept),
                root_key=app.installed.root_public_key,
                processes=processes,
                progress=progress,
            )
        if report.ok:
            try:
                await keys.check_own(own.key, own.public, KeyRole.LOG, KeyRole.LOG)
            except OwnKeyError as error:
                say(sentence(error.code, error.facts))
            else:
                await CheckpointLog(app.ledger.pool, CheckpointFile(file), own.note_signer, own_log).advance()
    data = {
        "installation": app.installed.id,
        "folder": str(app.paths.data),
        "ok": report.ok,
        "events": report.events,
        "streams": report.streams,
        "signatures": report.signatures,
        "signed_events": report.signed_events,
        "clock_acts": report.clock_acts,
        "founded": report.founded,
        "unsigned": report.unsigned,
        "law": report.law,
        "undecided": report.undecided,
        "first_broken_position": report.first_broken,
        "first_decided_otherwise_position": report.first_decided_otherwise,
        "root": report.root,
        "log_key": str(verifier),
        "compared": [asdict(one) for one in report.compared],
        "proven": report.proven,
        "problems": [asdict(problem) for problem in report.problems],
        "beside": [asdict(one) for one in report.beside],
        "remarks": [asdict(one) for one in report.remarks],
        "untrusted": [asdict(one) for one in report.untrusted],
    }

    def show() -> None:
        console = terminal()
        console.print(_("Installation {installation}, in {folder}").format(**data), soft_wrap=True)
        for line in verification_lines(report):
            console.print(line)
        for problem in report.problems:
            where = f"{problem.position or '-'} {problem.stream}".rstrip()
            console.print(f"  {where}: {problem_text(problem)}", soft_wrap=True)
        for signed in report.untrusted:
            console.print(
                f"  {signed.position} {signed.stream}: `{signed.key}`, {untrusted_text(signed)}", soft_wrap=True
            )
        for one in (*report.beside, *report.remarks):
            console.print(f"  {beside_text(one)}", soft_wrap=True)
        console.print(_("Key of the checkpoints: {key}").format(key=verifier), soft_wrap=True)

    answer(data, as_json=as_json, show=show)
    return Exit.DONE if report.ok else Exit.NOT_VERIFIED


def _given_key(key: str) -> NoteVerifier:
    """Return the key that was given: itself, or in a file.

    Raises:
        NoteError: `note_key_bad`.
    """
    with suppress(OSError, ValueError):
        if Path(key).is_file():
            key = Path(key).read_text(encoding="utf-8")
    return NoteVerifier.parse(key)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show the progress as a bar on a terminal, and not at all elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    titles = {1: _("order and digests"), 2: _("signatures and decisions")}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    tasks: dict[int, TaskID] = {}
    with Bar(*columns, console=asking(), transient=True, disable=not sys.stderr.isatty()) as bar:

        def progress(part: int, done: int, about: int) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(titles[part])
            bar.update(tasks[part], completed=done, total=about)

        yield progress


async def _editions(app: Session, rows: Any) -> dict[str, Edition]:
    digests = set().union(
        *(digests_in(plain(to_envelope(row).event)) for row in rows if row.type in {"CycleOpened", "EditionAdopted"})
    )
    found = {}
    for digest in digests:
        if (body := await app.texts.edition(digest)) is not None:
            found[digest] = edition_of(body)
    return found
