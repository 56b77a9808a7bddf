"""What a person has begun and not sent, each draft by what it is and for which cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from i18n import _
from i18n.acts import act_name
from web import urls
from web.services import Services


@dataclass(frozen=True, slots=True)
class BegunDraft:
    """A draft in a list. `cluster` is how its cluster is named, "" for a draft that belongs to none."""

    url: str
    title: str
    cluster: str
    saved: datetime


async def begun_drafts(services: Services, found: Sequence[tuple[str, datetime]]) -> list[BegunDraft]:
    """Return the drafts of paths with the times at which they were saved."""
    streams = {path: stream for path, _saved in found if (stream := urls.stream_in(path))}
    titles = await services.board.titles(set(streams.values()))
    return [BegunDraft(path, _title(path), titles.get(streams.get(path, ""), ""), saved) for path, saved in found]


def _title(path: str) -> str:
    if path == urls.NEW_YEAR:
        return _("Start a year")
    name = act_name(path.partition("?")[0].rpartition("/")[2])
    return name[:1].upper() + name[1:]
