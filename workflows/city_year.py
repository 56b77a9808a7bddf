"""The organiser's year: takes its own commands, then opens the cycles that were ordered with them."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.telling import saying_of
    from activities.wire import (
        AppendAnswer,
        AppendRequest,
        HandedIn,
        LoadRequest,
        Opening,
        RecallRequest,
        Receipt,
        WireEvent,
        WireOrder,
        WirePart,
        wire_draft,
    )
    from domain.codec import plain
    from domain.kernel import AlreadySaid, Refused
    from domain.rules import NO_RULES
    from domain.streams import is_cycle, law_of
    from eventstore.signing import Header
    from workflows.folded import locally
    from workflows.register import ACTS_PER_RUN, Register, start_cycle


@workflow.defn(name="CityYear")
class CityYear(Register):
    """The workflow of a year's stream; its id is the stream's name."""

    @workflow.run
    async def run(self, stream: str) -> None:
        """Live on: a year can be added to at any time."""
        await self.live(stream)

    @workflow.update(name="hand_in")
    async def take(self, handed: HandedIn) -> Receipt:
        """Carry out the year's own commands, then open every cycle whose command came with them.

        A cycle that cannot be opened is listed with its reason; the others are open.
        """
        receipt = await self.hand_in(handed)
        others = [order for order in handed.orders if order.stream != self.stream]
        failed = await asyncio.gather(*(self._open(handed, order) for order in others))
        receipt.failed = [failure for failure in failed if failure is not None]
        if others:
            # A run keeps something of every child it started, for as long as the child lives: go on in a new one.
            self._acts = ACTS_PER_RUN
        return receipt

    @take.validator
    def check_take(self, handed: HandedIn) -> None:
        """Refuse what is no command, before it enters history."""
        self.check(handed)

    @workflow.signal
    def reload(self) -> None:
        """Another stream's workflow has written into ours."""
        self._reload = True

    async def _open(self, handed: HandedIn, order: WireOrder) -> Opening | None:
        try:
            if not is_cycle(order.stream) or not order.stream.startswith(f"{self.stream}/"):
                raise Refused("not_a_cycle_name", name=order.stream)
            await self._append_opening(handed, order)
        except Refused as error:
            return Opening(order.stream, error.code, plain(error.facts))
        except AlreadySaid:
            return Opening(order.stream, "cycle_is_open", {"cluster": order.stream})
        except ActivityError as error:
            cause = error.cause
            code = cause.message if isinstance(cause, ApplicationError) else "engine_trouble"
            return Opening(order.stream, code, {})
        # It may run already: a repeated opening, or an act that came first.
        await start_cycle(order.stream)
        return None

    async def _append_opening(self, handed: HandedIn, order: WireOrder) -> None:
        page = await locally("load", LoadRequest(order.stream, 0), list[WireEvent])
        header = Header.parse(handed.header)
        if any(event.command_id == order.command_id for event in page):
            await locally("recall", RecallRequest(order, header.unit), bool)
            return
        law = law_of(order.stream)
        state = law.fold(event.told() for event in page)
        told = law.decide(saying_of(order.stream, order.command_id, order.payload, header), state, NO_RULES, len(page))
        # Only this cycle's command travels on: with all of them, opening a city would cost the square of its clusters.
        alone = HandedIn(handed.header, handed.signature, [order])
        part = WirePart(order.stream, 0, bytes(32).hex(), [wire_draft(0, one) for one in told])
        request = AppendRequest([part], alone)
        answer = await locally("append", request, AppendAnswer)
        if answer.status == "behind":
            raise Refused("cycle_is_open", cluster=order.stream)
