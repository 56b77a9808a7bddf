"""One cluster's year."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.wire import HandedIn, Receipt, WireOrder
    from domain.kernel import Refused
    from domain.streams import is_cycle
    from workflows.folded import refused
    from workflows.register import Register


@workflow.defn(name="ClusterCycle")
class ClusterCycle(Register):
    """The workflow of a cycle's stream; its id is the stream's name."""

    @workflow.run
    async def run(self, stream: str) -> None:
        """Live until the cycle is filed."""
        await self.live(stream)

    @workflow.update(name="hand_in")
    async def take(self, handed: HandedIn) -> Receipt:
        """Carry out signed commands."""
        return await self.hand_in(handed)

    @take.validator
    def check_take(self, handed: HandedIn) -> None:
        """Refuse what is no command, before it enters history."""
        self.check(handed)

    def _reach(self, handed: HandedIn) -> list[tuple[int, WireOrder]]:
        """All of them: a meeting may close one year and open the next, and then both are told or neither."""
        for place, order in enumerate(handed.orders):
            if not is_cycle(order.stream):
                raise refused(Refused("not_a_cycle_name", name=order.stream[:80]), place)
        return list(enumerate(handed.orders))

    @workflow.signal
    def reload(self) -> None:
        """Another stream's workflow has written into ours."""
        self._reload = True

    @workflow.query
    def standing(self) -> dict[str, object]:
        """For operators: what this run has folded."""
        return {"version": self._own.version, "digest": self._own.digest, "acts": self._acts}
