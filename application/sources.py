"""The entry for a source in files that people write; recording files and scenario files share it."""

from __future__ import annotations

from datetime import date

from domain.types import FrozenModel, Label


class Source(FrozenModel):
    """Where stated facts come from. `misprints` lists errors of the source that were noted and not copied."""

    id: Label
    title: Label
    published: date | None = None
    address: Label | None = None
    misprints: tuple[Label, ...] = ()
