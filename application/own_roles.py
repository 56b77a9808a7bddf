"""Who a visitor is in a cycle: the roles of their unit there, and their own, as the board's line has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from application.visits import Visitor
from projections.board import title_of

Part = Literal["organiser", "head", "deputy", "member", "former", "overseer"]


@dataclass(frozen=True, slots=True)
class OwnCycle:
    """A cycle of the visitor: the parts that their unit and they have in it, and the names of its head and organiser.

    `step` is how far its year is; "filed" once it is filed.
    """

    cycle: str
    cluster: str
    year: int
    step: str
    rehearsed: bool
    parts: tuple[Part, ...]
    head: str
    organiser: str

    @property
    def keeps_minutes(self) -> bool:
        """Whether the visitor's unit may enter what a meeting decided."""
        return bool({"head", "deputy", "organiser"} & set(self.parts))


def own_cycle(line: Mapping[str, Any], visitor: Visitor) -> OwnCycle:
    """Return who the visitor is in the cycle of a board's line."""
    unit, names = visitor.unit, line["names"]
    organiser = line["cycle"].split("/")[0]
    parts: dict[Part, bool] = {
        "organiser": unit == organiser,
        "head": unit == line["head"],
        "deputy": unit == line["deputy"],
        "member": unit in line["members"] and unit not in {line["head"], line["deputy"]},
        "former": unit in names and unit != organiser and unit not in line["members"],
        "overseer": visitor.contact.id == line["overseer"],
    }
    return OwnCycle(
        line["cycle"],
        title_of(line),
        line["year"],
        line["step"],
        line["rehearsed"],
        tuple(part for part, is_so in parts.items() if is_so),
        names.get(line["head"], ""),
        line["organiser_name"] or "",
    )
