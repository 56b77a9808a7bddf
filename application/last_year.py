"""The organiser's last year, as a start for the next: its name, and its clusters as a table."""

from __future__ import annotations

from dataclasses import dataclass

from application.application import Application
from application.tables import Rows
from application.year_columns import COLUMNS
from application.year_table import unit_slug
from domain.city_year import CITY_YEAR
from domain.streams import is_year
from domain.units import Unit


@dataclass(frozen=True, slots=True)
class LastYear:
    """A year, what its organiser was called, and its clusters, a row for each unit."""

    year: int
    organiser_name: str
    rows: Rows


async def last_year(app: Application, organiser: str, before: int | None = None) -> LastYear | None:
    """Return the last year that an organiser started, before another one if that is given; None without one.

    Units get the ids they had: where the name does not give it, the id stands as their code. Persons who oversee a
    cluster are left out: they change.
    """
    years = [stream for stream, _tip in await app.ledger.streams() if is_year(stream)]
    found: LastYear | None = None
    for stream in [one for one in years if one.startswith(f"{organiser}/")]:
        year = CITY_YEAR.fold([envelope for _row, envelope in await app.history(stream)]).year
        if year.year is None or year.organiser_name is None or (before is not None and year.year >= before):
            continue
        if found is None or year.year > found.year:
            rows = [list(COLUMNS)]
            for cluster in year.clusters.values():
                office = cluster.overseer.office if cluster.overseer else None
                rows += [[cluster.name, one.name, _code(one), one.kind or "", office or ""] for one in cluster.units]
            found = LastYear(year.year, year.organiser_name, rows)
    return found


def _code(unit: Unit) -> str:
    return "" if unit_slug(unit.name) == unit.id else unit.id
