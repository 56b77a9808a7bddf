"""Activities that load from the ledger and append to it: the only way into the ledger for events of streams.

The append makes the binding check of a command's signature. All of them answer workflows of ours only
(`activities.callers`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.callers import check_caller, told_once
from domain.commands import AuthenticatedCommand
from domain.law import LawPutInForce
from domain.records import CLOCK, RESERVED
from domain.rules import Edition, edition_of, in_force
from domain.steps.clock import clock_command_id
from domain.streams import folded
from domain.times import When
from ledger.bodies import BadBodyError
from ledger.events import Draft, RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.protocol import (
    Append,
    Appended,
    Behind,
    CommandReused,
    Diverged,
    Expired,
    KeysChanged,
    Ledger,
    Part,
    load_all,
)
from ledger.signing import (
    LIFETIME,
    SKEW,
    BatchItem,
    Header,
    Keys,
    KeySource,
    NotSignedError,
    SignedBatch,
    SignedCommand,
)
from vault.texts import Texts
from workflows.messages import (
    AppendAnswer,
    AppendRequest,
    EventMessage,
    LoadRequest,
    RecallRequest,
    coded,
    event_message,
)

T = TypeVar("T")

NAMES_EDITION = {"CycleOpened", "EditionAdopted", "YearPlanIssued"}
"""Events that name an edition. The edition must be stored first: without it, their stream cannot be decided on."""

INSTANTS_PER_CALL = 50
"""How many instants of the clock are appended per call; a workflow calls again for more."""


class LedgerActivities:
    """The activities to register on a worker. `now` is the database's time; tests of deadlines give another one."""

    def __init__(
        self, ledger: Ledger, texts: Texts, keys: KeySource, now: Callable[[], Awaitable[datetime]] | None = None
    ) -> None:
        self._ledger = ledger
        self._texts = texts
        self._keys = keys
        self._now = now or ledger.now

    @activity.defn(name="load")
    @told_once
    async def load(self, request: LoadRequest) -> list[EventMessage]:
        """Return a page of a stream's events.

        Raises:
            ApplicationError: `NotOurs`: see `activities.callers`; `Diverged`: the event that the caller has folded
                last is another one in the ledger. A foreign worker may have told it of events that there are not.
        """
        await self._check_caller(request.stream)
        if not request.after:
            return [event_message(row) for row in await self._ledger.load(request.stream)]
        rows = await self._ledger.load(request.stream, request.after - 1)
        if not rows or (rows[0].version, rows[0].digest.hex()) != (request.after, request.digest):
            raise _diverged(request.stream, request.after)
        if len(rows) == 1:  # a long one may have filled the page
            rows = (*rows, *await self._ledger.load(request.stream, request.after))
        return [event_message(row) for row in rows[1:]]

    @activity.defn(name="edition")
    @told_once
    async def edition(self, digest: str) -> str:
        """Return the rules edition with this digest, as JSON.

        Raises:
            ApplicationError: `NotOurs`: see `activities.callers`; `Refused`.
        """
        await self._check_caller()
        return (await self._edition(digest)).model_dump_json()

    @activity.defn(name="recall")
    @told_once
    async def recall(self, request: RecallRequest) -> bool:
        """Check that a known command comes with the same unit and payload as before; times and signature may differ.

        Raises:
            ApplicationError: `NotSigned`, also where the command has no valid signature; `CommandReused`; `Diverged`:
                the ledger does not know the command.
        """
        batch = request.batch
        (item,) = batch.items
        await self._check_caller(item.stream)
        header = await self._with_keys(partial(_verified, batch))
        rows = await self._ledger.of_command(item.stream, item.command_id)
        if not rows:
            raise _diverged(item.stream, 0)
        digest = rows[0].command_digest
        stored = await self._ledger.command(digest) if digest is not None else None
        if stored is None or (stored.unit, stored.payload) != (header.unit, item.payload):
            raise coded(CommandReused("command_reused", command=str(item.command_id)), CommandReused.__name__)
        return True

    @activity.defn(name="append")
    @told_once
    async def append(self, request: AppendRequest) -> AppendAnswer:
        """Check the signature of a batch and append the events of its commands.

        Raises:
            ApplicationError: `NotSigned`, `Diverged`, `CommandReused` or `Refused`.
        """
        await self._check_caller(*(part.stream for part in request.parts))
        return await self._with_keys(partial(self._append_signed, request))

    async def _append_signed(self, request: AppendRequest, keys: Keys) -> AppendAnswer:
        """Check the signature with the keys, and append.

        Raises:
            NotSignedError
            KeysChanged: the ledger has newer keys.
        """
        batch, items = request.batch, request.batch.items
        events = [(part.stream, event) for part in request.parts for event in part.events]
        try:
            used = [items[index] for index in sorted({event.item for _, event in events})]
            header = keys.verify(batch.header, batch.signature, used)
            if header.actor in RESERVED or header.expires - header.issued != LIFETIME:
                raise NotSignedError("malformed")
            if header.issued > datetime.now(UTC) + SKEW:
                # Otherwise a command could be signed today and used in a year: it expires by the time of its issue.
                raise NotSignedError("issued_later")
            if any(items[event.item].stream != stream for stream, event in events):
                raise NotSignedError("not_covered")
            if any(event.draft.type == LawPutInForce.NAME for _, event in events):
                # The upgrade appends it without the engine. So no key of an entry point can, whatever it signs.
                raise NotSignedError("law_by_upgrade")
            commands = {item: batch.command(item, header.unit) for item in used}
            parts = tuple(
                Part(
                    part.stream,
                    StreamTip(part.version, bytes.fromhex(part.digest)),
                    tuple(_signed(event.draft, items[event.item], commands, header) for event in part.events),
                )
                for part in request.parts
            )
        except (ValueError, IndexError) as error:
            raise coded(NotSignedError("malformed"), "NotSigned") from error
        for _, event in events:
            if event.draft.type in NAMES_EDITION:
                await self._edition(json.loads(event.draft.payload)["edition"])
        stored = tuple((item.command_id, command) for item, command in commands.items())
        return _answer(await self._append(Append(parts, stored, header.expires, header.read, keys.version)))

    @activity.defn(name="run_due_timers")
    @told_once
    async def run_due_timers(self, request: LoadRequest) -> AppendAnswer:
        """Append the clock's commands that are due, one append for each instant.

        They are not signed, because no person issues them. They are computed here, from the stored stream and the
        database's time, so that a foreign caller can only cause what is due anyway.
        """
        await self._check_caller(request.stream)
        stream = folded(request.stream)
        rows = list(await load_all(self._ledger, request.stream))
        stream.fold([to_envelope(row) for row in rows])
        adoptions = stream.adoptions()
        rules = in_force(adoptions, {one.edition: await self._edition(one.edition) for one in adoptions})
        now = await self._now()
        for _ in range(INSTANTS_PER_CALL):
            if (due := stream.due(rules, now)) is None:
                break
            instant, commands = due
            tip = rows[-1].tip
            drafts: list[Draft] = []
            for command in commands:
                authenticated = AuthenticatedCommand(
                    stream=request.stream,
                    command=command,
                    actor=CLOCK,
                    unit="",
                    issued=instant,
                    command_id=clock_command_id(request.stream, command, instant),
                    happened=When.at(instant),
                )
                for envelope in stream.decide(authenticated, rules, tip.version + len(drafts)):
                    drafts.append(to_draft(envelope))
                    stream.evolve(envelope)
            answer = await self._append(Append((Part(request.stream, tip, tuple(drafts)),)))
            if isinstance(answer, Behind) or answer.known:
                # Another writer was faster: the workflow folds its events and calls again.
                break
            rows.extend(answer.events)
        tail = await load_all(self._ledger, request.stream, request.after)
        return AppendAnswer("appended" if tail else "silent", [event_message(row) for row in tail])

    async def _append(self, request: Append) -> Appended | Behind:
        try:
            return await self._ledger.append(request)
        except Expired as error:
            raise coded(error, "NotSigned") from error
        except (Diverged, CommandReused) as error:
            raise coded(error, type(error).__name__) from error
        except BadBodyError as error:
            raise coded(error, "Refused") from error

    async def _check_caller(self, *streams: str) -> None:
        check_caller((await self._keys.current()).installation, *streams)

    async def _with_keys(self, work: Callable[[Keys], Awaitable[T]]) -> T:
        """Do work with the keys that were read last; again with newer ones, where they are the reason of a refusal.

        Raises:
            ApplicationError: `NotSigned`: also with the newest.
        """
        keys = await self._keys.current()
        while True:
            try:
                return await work(keys)
            except (NotSignedError, KeysChanged) as error:
                # The key may have been named, or retired, a moment ago.
                if (newer := await self._keys.refresh()) is keys:
                    if isinstance(error, NotSignedError):
                        raise coded(error, "NotSigned") from None
                    raise
                keys = newer

    async def _edition(self, digest: str) -> Edition:
        body = await self._texts.edition(digest)
        if body is None:
            raise ApplicationError(
                "edition_missing", "edition_missing", {"edition": digest}, type="Refused", non_retryable=True
            )
        return edition_of(body)


async def _verified(batch: SignedBatch, keys: Keys) -> Header:
    return keys.verify(batch.header, batch.signature, batch.items)


def _diverged(stream: str, version: int) -> ApplicationError:
    return coded(Diverged("diverged", stream=stream, version=version), Diverged.__name__)


def _signed(draft: Draft, item: BatchItem, commands: Mapping[BatchItem, SignedCommand], header: Header) -> Draft:
    """Return the draft with the values that only the signed header determines."""
    return replace(
        draft,
        command_id=item.command_id,
        command_digest=commands[item].digest,
        actor=header.actor,
        unit=header.unit,
        stand_in_for=header.stand_in_for,
        happened_earliest=draft.happened_earliest.astimezone(UTC),
        happened_latest=draft.happened_latest.astimezone(UTC),
    )


def _answer(answer: Appended | Behind) -> AppendAnswer:
    rows: tuple[RecordedEvent, ...] = answer.tail if isinstance(answer, Behind) else answer.events
    status = "behind" if isinstance(answer, Behind) else "known" if answer.known else "appended"
    return AppendAnswer(status, [event_message(row) for row in rows])
