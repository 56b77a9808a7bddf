"""Load, append and let the clock speak: the only way into the ledger, for a workflow of ours in our own worker.

The append is the binding check of a command. It refuses to run as a normal activity: whoever reaches the Temporal
server can schedule those, from a workflow of their own.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.telling import draft_of, told_of
from activities.wire import AppendAnswer, AppendRequest, LoadRequest, RecallRequest, WireDraft, WireEvent, wire_event
from documents.postgres import Texts
from domain.deadlines import clock_command_id
from domain.kernel import CLOCK, RESERVED, When
from domain.rules import NO_RULES, Edition, edition_of
from domain.saying import Saying
from domain.streams import law_of
from eventstore.envelope import Draft, Envelope, Head
from eventstore.signing import Handover, Header, Keys, NotSignedError, Order
from eventstore.store import (
    Append,
    Appended,
    Behind,
    CommandReused,
    Diverged,
    Expired,
    Ledger,
    Part,
    SignedCommand,
    load_all,
)

NAMES_EDITION = {"CycleOpened", "EditionAdopted", "YearPlanIssued"}
"""Events after which a stream cannot be folded without the edition they name: it must be stored first."""

INSTANTS_PER_CALL = 50
"""One append for each instant of the clock; a workflow calls again for more."""


class LedgerActivities:
    """Registered on a worker. `now` is the ledger's time unless a test of deadlines brings its own."""

    def __init__(
        self, ledger: Ledger, texts: Texts, keys: Keys, now: Callable[[], Awaitable[datetime]] | None = None
    ) -> None:
        self._ledger = ledger
        self._texts = texts
        self._keys = keys
        self._now = now or ledger.now

    @activity.defn(name="load")
    async def load(self, request: LoadRequest) -> list[WireEvent]:
        """A page of a stream."""
        return [wire_event(row) for row in await self._ledger.load(request.stream, request.after)]

    @activity.defn(name="edition")
    async def edition(self, digest: str) -> str:
        """A rules edition by digest."""
        return (await self._edition(digest)).model_dump_json()

    @activity.defn(name="recall")
    async def recall(self, request: RecallRequest) -> bool:
        """True when a known command says the same again: unit and payload; times and signature are not compared."""
        order = request.order
        rows = await load_all(self._ledger, order.stream)
        row = next((row for row in rows if str(row.command_id) == order.command_id), None)
        kept = await self._ledger.command(row.command_digest) if row is not None and row.command_digest else None
        if kept is None or (kept.unit, kept.payload) != (request.unit, order.payload):
            raise ApplicationError(
                "command_reused",
                "command_reused",
                {"command": order.command_id},
                type="CommandReused",
                non_retryable=True,
            )
        return True

    @activity.defn(name="append")
    async def append(self, request: AppendRequest) -> AppendAnswer:
        """Append the events of signed commands."""
        _only_local()
        handover = Handover(request.handed.header, bytes.fromhex(request.handed.signature))
        orders = [Order(o.stream, UUID(o.command_id), o.payload) for o in request.handed.orders]
        events = [(part.stream, event) for part in request.parts for event in part.events]
        used = [orders[index] for index in sorted({event.order for _, event in events})]
        try:
            header = self._keys.verify(handover, used)
            if header.actor in RESERVED:
                raise NotSignedError("malformed")
            if any(orders[event.order].stream != stream for stream, event in events):
                raise NotSignedError("not_covered")
            parts = tuple(
                Part(
                    part.stream,
                    Head(part.version, bytes.fromhex(part.digest)),
                    tuple(_signed_draft(event, orders[event.order], header, handover) for event in part.events),
                )
                for part in request.parts
            )
        except NotSignedError as error:
            raise ApplicationError(error.code, error.code, error.facts, type="NotSigned", non_retryable=True) from None
        except (ValueError, OverflowError) as error:
            raise ApplicationError("malformed", "malformed", {}, type="NotSigned", non_retryable=True) from error
        for _, event in events:
            if event.type in NAMES_EDITION:
                await self._edition(json.loads(event.payload)["edition"])
        commands = tuple((o.command_id, SignedCommand(handover, o.payload, header.unit)) for o in used)
        return _answer(await self._append(Append(parts, commands, header.expires)))

    @activity.defn(name="speak")
    async def speak(self, request: LoadRequest) -> AppendAnswer:
        """Let the clock say what is due on the stream as the ledger has it, instant by instant.

        The clock's acts are not signed: nobody hands them in. They are worked out here, from the ledger's stream and
        the ledger's time, so whoever calls this can only make true what is due anyway.
        """
        _only_local()
        law = law_of(request.stream)
        rows = list(await load_all(self._ledger, request.stream))
        told = [told_of(row) for row in rows]
        state = law.fold(told)
        rules = await self._rules(law.edition(state))
        now = await self._now()
        for _ in range(INSTANTS_PER_CALL):
            if (ripe := law.due(state, rules, now)) is None:
                break
            instant, acts = ripe
            head = rows[-1].head
            drafts: list[Draft] = []
            for act in acts:
                saying = Saying(
                    stream=request.stream,
                    act=act,
                    actor=CLOCK,
                    unit="",
                    issued=instant,
                    command_id=clock_command_id(request.stream, act, instant),
                    happened=When.at(instant),
                )
                for one in law.decide(saying, state, rules, head.version + len(drafts)):
                    drafts.append(draft_of(one, None))
                    state = law.evolve(state, one)
            answer = await self._append(Append((Part(request.stream, head, tuple(drafts)),)))
            if isinstance(answer, Behind) or answer.known:
                # Another writer was first; the workflow folds what is there and asks again.
                break
            rows.extend(answer.events)
        tail = await load_all(self._ledger, request.stream, request.after)
        return AppendAnswer("appended" if tail else "silent", [wire_event(row) for row in tail])

    async def _append(self, request: Append) -> Appended | Behind:
        try:
            return await self._ledger.append(request)
        except Expired as error:
            raise ApplicationError(error.code, error.code, error.facts, type="NotSigned", non_retryable=True) from error
        except (Diverged, CommandReused) as error:
            raise ApplicationError(
                error.code, error.code, error.facts, type=type(error).__name__, non_retryable=True
            ) from error

    async def _rules(self, digest: str | None) -> Edition:
        return NO_RULES if digest is None else await self._edition(digest)

    async def _edition(self, digest: str) -> Edition:
        body = await self._texts.edition(digest)
        if body is None:
            raise ApplicationError(
                "edition_missing", "edition_missing", {"edition": digest}, type="Refused", non_retryable=True
            )
        return edition_of(body)


def _only_local() -> None:
    if not activity.info().is_local:
        raise ApplicationError("not_local", "not_local", {}, type="NotSigned", non_retryable=True)


def _signed_draft(event: WireDraft, order: Order, header: Header, handover: Handover) -> Draft:
    return Draft(
        type=event.type,
        schema=event.schema,
        payload=event.payload,
        command_id=order.command_id,
        command_digest=handover.command_digest(order.payload),
        actor=header.actor,
        unit=header.unit,
        stand_in_for=header.stand_in_for,
        provenance=event.provenance,
        source=event.source,
        meeting=event.meeting,
        happened_earliest=datetime.fromisoformat(event.earliest).astimezone(UTC),
        happened_latest=datetime.fromisoformat(event.latest).astimezone(UTC),
        effective=None if event.effective is None else datetime.fromisoformat(event.effective).date(),
        act_key=event.act_key,
    )


def _answer(answer: Appended | Behind) -> AppendAnswer:
    rows: tuple[Envelope, ...] = answer.tail if isinstance(answer, Behind) else answer.events
    status = "behind" if isinstance(answer, Behind) else "known" if answer.known else "appended"
    return AppendAnswer(status, [wire_event(row) for row in rows])
