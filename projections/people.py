"""The people of an organiser's units, with their accounts: in pages, filtered, found by words without diacritics.

The secretariat of an organiser sees the people of its own unit, of the units of its clusters, and the overseers of
those. It manages the people of its own unit and of units that no other organiser names.
Everything here is asked for an organiser; None, for administrators, stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

from accounts import Kind
from accounts.invitations import LIFETIMES
from accounts.stand_ins import StandIn
from i18n.sorting import folded, natural_key
from ledger.connection import Connection, Pool
from ledger.paging import ALL_ROWS, ROWS, Conditions, Paged, PageRequest, fetch_page
from vault.persons import folded_name, folded_phone

MOST_UNITS = 300
"""Units that a page offers as choices; where there are more, people type."""

STATES = ("open", "invited", "closed", "none")
"""States of an account: none stands for a person without one."""

_VISIBLE = """($1::text is null or p.unit = $1
    or p.unit in (select unit from projections.organiser_unit where organiser = $1)
    or '@' || p.id in (select unit from projections.organiser_unit where organiser = $1))"""

_OTHERS = """exists (select from projections.organiser_unit other where other.unit = {unit}
    and (other.organiser <> $1 or other.organiser = other.unit) and {unit} <> $1)"""
"""The unit is another organiser's too, or is one. It is left to the administrators: who names it proves nothing."""

_MANAGED = f"""($1::text is null or p.unit = $1
    or (p.unit in (select unit from projections.organiser_unit where organiser = $1)
        and not {_OTHERS.format(unit="p.unit")}))"""  # noqa: S608 - ours

_MANAGED_UNITS = f"""projections.organiser_unit mine where unit not like '@%'
    and ($1::text is null or organiser = $1 and not {_OTHERS.format(unit="mine.unit")})"""

_STATE = """case when a.person is null then 'none' when a.disabled_at is not null or a.until < {0}::date then 'closed'
    when a.password is null then 'invited' else 'open' end"""

_PERSONS = "vault.person p"

_SOURCE = f"{_PERSONS} left join accounts.account a on a.person = p.id"

_UNIT_FITS = "(p.unit like {0} or p.unit in (select unit from projections.organiser_unit where words like {0}))"

_FITS = f"(p.search like {{0}} or p.id like {{0}} or {_UNIT_FITS})"

_MEMBERS = f"""(select p.id, p.unit, p.name, p.office, u.name as unit_name, p.email, {_STATE.format("$2")} as state,
    exists (select from accounts.invitation i where i.person = p.id and i.purpose = 'invitation' and i.used_at is null
        and i.made_at > now() - $3::interval) as invited, u.sort_key as unit_key, p.sort_key
    from {_SOURCE} cross join lateral (select name, sort_key from projections.organiser_unit named
        where named.unit = p.unit and ($1::text is null or named.organiser = $1) order by named.organiser limit 1) u
    where p.erased_at is null and {_MANAGED} and (a.person is null or a.kind = 'staff' and not a.administrator)
    and not exists (select from projections.organiser_unit one where one.unit = p.unit and one.organiser = p.unit)
    ) m"""  # noqa: S608 - ours

_UNINVITED = "state in ('none', 'invited') and not invited"

MOST_INVITED = 1_000
"""So many people are counted as not invited yet, and invited at a time: the page does not look at every person."""


def _first_uninvited(limit: int | None) -> str:
    """Those of `_MEMBERS` who were not invited, in an order that needs no sorting; all without a limit."""
    return f"(select * from {_MEMBERS} where {_UNINVITED} order by unit, id limit {limit or 'all'}) m"  # noqa: S608 - ours


_COLUMNS = f"""p.id, p.unit, coalesce((select name from projections.organiser_unit u where u.unit = p.unit
    order by u.organiser <> coalesce($1, u.unit), u.organiser limit 1), p.unit),
    p.name, p.office, case when managed then p.email end, case when managed then p.phone end,
    a.kind, coalesce(a.administrator, false), a.until, {_STATE.format("$2")}, managed"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person with the account. `kind` is None for a person without one; `state` is one of `STATES`."""

    id: str
    unit: str
    unit_name: str
    name: str
    office: str | None
    email: str | None
    phone: str | None
    kind: Kind | None
    administrator: bool
    until: date | None
    state: str
    managed: bool
    """Whether the organiser may manage the person; without that it sees no mail address and no telephone number."""


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A person of a unit that is a member of a cluster. `invited`: an invitation works that the person has not used."""

    id: str
    name: str
    office: str | None
    unit_name: str
    email: str | None
    state: str
    invited: bool


@dataclass(frozen=True, slots=True)
class Uninvited:
    """How many were not invited yet: those with a mail address, and those without, with the first of them.

    `digest` is one of whom a button invites by mail: those who were counted, and no others. `more`: the first
    `MOST_INVITED` were counted, and there may be others.
    """

    by_mail: int
    without_mail: int
    named: tuple[MemberLine, ...]
    digest: str
    more: bool


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """Which persons: `words` stand in name, mail, telephone or unit, `unit` in the unit; "" for all."""

    words: str = ""
    unit: str = ""
    kind: str = ""
    state: str = ""


class PeopleDirectory:
    """The people on PostgreSQL."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, organiser: str | None, query: PeopleQuery, today: date, asked: PageRequest
    ) -> Paged[PersonLine]:
        """Return a page of the persons that fit, by given name. An unknown kind or state is not asked for."""
        kind = query.kind if query.kind in get_args(Kind) else None
        state = query.state if query.state in STATES else None
        # Only what is asked for stands in the query: a plan for all that might be asked for reads every person.
        conditions = Conditions(organiser)
        conditions.add(_VISIBLE)
        conditions.add("p.erased_at is null")
        conditions.add(_FITS, _like(query.words))
        conditions.add(_UNIT_FITS, _like(query.unit))
        conditions.add("a.kind = {}", kind)
        conditions.add(f"{_STATE} = {{1}}", today, state)
        source = f"{_SOURCE if kind or state else _PERSONS} where {conditions.where()}"
        filtered, arguments = query != PeopleQuery(), conditions.arguments
        found = await fetch_page(self._pool, asked, "p.id", source, "p.sort_key, p.id", *arguments, once=filtered)
        # Only now the columns, some of which cost a look-up for each row: not for the rows before the page.
        shown = [row["id"] for row in found.rows]
        return found.with_rows(await self._fetch("p.id = any($3)", "", organiser, today, shown))

    async def person(self, organiser: str | None, person: str, today: date) -> PersonLine | None:
        """Return a person whom the organiser sees; None for any other, whether there is one or not."""
        rows = await self._fetch(f"{_VISIBLE} and p.erased_at is null and p.id = $3", "", organiser, today, person)
        return rows[0] if rows else None

    async def of_unit(self, organiser: str | None, unit: str, today: date) -> tuple[PersonLine, ...]:
        """Return the persons of a unit whom the organiser sees, by given name, `ROWS` at most."""
        condition = f"{_VISIBLE} and p.erased_at is null and p.unit = $3"
        return await self._fetch(condition, f"limit {ROWS}", organiser, today, unit)

    async def alike(
        self, organiser: str | None, today: date, *, name: str, email: str | None, phone: str | None, unit: str
    ) -> tuple[PersonLine, ...]:
        """Return persons who may be the same: the name in the unit, or the mail address or the telephone number.

        Only persons whom the organiser sees, ten at most.
        """
        condition = f"""{_VISIBLE} and p.erased_at is null and (
            (p.unit = $3 and split_part(p.search, E'\\n', 1) = $4) or
            split_part(p.search, E'\\n', 2) = nullif($5, '') or split_part(p.search, E'\\n', 3) = nullif($6, ''))"""
        typed = (folded_name(name), (email or "").lower(), folded_phone(phone or ""))
        return await self._fetch(condition, "limit 10", organiser, today, unit, *typed)

    async def choices(self, organiser: str | None) -> list[tuple[str, str]]:
        """Return the units that `units` does; none when they are too many to choose among: people type then."""
        query = f"select count(*) from (select distinct unit from {_MANAGED_UNITS} limit {MOST_UNITS + 1}) few"  # noqa: S608 - ours
        few = await self._pool.fetchval(query, organiser) <= MOST_UNITS
        return await self.units(organiser) if few else []

    async def units(self, organiser: str | None, words: str = "", limit: int = MOST_UNITS) -> list[tuple[str, str]]:
        """Return id and name of units whose people the organiser manages, and in which the words stand, by name."""
        rows = await self._pool.fetch(
            f"select unit, min(name) from {_MANAGED_UNITS} and ($2::text is null or words like $2) "  # noqa: S608 - ours
            "group by unit order by min(sort_key), unit limit $3",
            organiser,
            _like(words),
            limit,
        )
        return [(unit, name) for unit, name in rows]

    async def members(self, organiser: str | None, today: date, asked: PageRequest) -> Paged[MemberLine]:
        """Return a page of the people of units that are members of clusters, whom the organiser manages, by unit."""
        return await self._members(_MEMBERS, organiser, today, asked)

    async def uninvited(self, organiser: str | None, today: date, most: int) -> Uninvited:
        """Count those of the members' people who have neither an account in use nor an invitation that still works.

        `most`: so many of those without a mail address are given, by unit.
        """
        arguments = _given(organiser, today)
        for limit in (MOST_INVITED, None):
            query = f"""select count(*) filter (where email <> ''), count(*),
                coalesce(md5(string_agg(id, ' ' order by unit, id) filter (where email <> '')), '')
                from {_first_uninvited(limit)}"""  # noqa: S608 - ours
            [(by_mail, every, digest)] = await self._pool.fetch(query, *arguments)
            if by_mail or every < MOST_INVITED:
                break
        named: tuple[MemberLine, ...] = ()
        if every > by_mail:
            source = f"{_first_uninvited(limit)} where coalesce(email, '') = ''"
            named = (await self._members(source, organiser, today, PageRequest(size=most))).rows
        return Uninvited(by_mail, every - by_mail, named, digest, more=limit is not None and every == limit)

    async def uninvited_by_mail(self, organiser: str | None, today: date) -> tuple[MemberLine, ...]:
        """Return those whom `uninvited` counts who have a mail address, by unit."""
        for limit in (MOST_INVITED, None):
            source = f"{_first_uninvited(limit)} where email <> ''"
            if found := (await self._members(source, organiser, today, ALL_ROWS)).rows:
                return found
        return ()

    async def without_mail(self, organiser: str | None, today: date) -> tuple[MemberLine, ...]:
        """Return those of the members' people who have neither a mail address nor a password."""
        source = f"{_MEMBERS} where state in ('none', 'invited') and coalesce(email, '') = ''"
        return (await self._members(source, organiser, today, ALL_ROWS)).rows

    async def _members(self, source: str, organiser: str | None, today: date, asked: PageRequest) -> Paged[MemberLine]:
        columns, order = "id, name, office, unit_name, email, state, invited", "unit_key, unit_name, sort_key, id"
        found = await fetch_page(self._pool, asked, columns, source, order, *_given(organiser, today))
        return found.map(lambda row: MemberLine(*row))

    async def stand_ins(self, organiser: str | None, today: date) -> tuple[tuple[StandIn, str, str], ...]:
        """Return the stand-ins of today and later, with both names, for persons whom the organiser sees."""
        rows = await self._pool.fetch(
            "select s.person, s.for_person, s.since, s.until, s.named_by, q.name, p.name "  # noqa: S608 - ours
            "from accounts.stand_in s join vault.person p on p.id = s.for_person "
            "join vault.person q on q.id = s.person "
            f"where s.ended_at is null and s.until >= $2 and {_VISIBLE} order by s.since, s.person limit {ROWS}",
            organiser,
            today,
        )
        return tuple((StandIn(*row[:5]), row[5] or row[0], row[6] or row[1]) for row in rows)

    async def _fetch(self, condition: str, end: str, *given: Any) -> tuple[PersonLine, ...]:
        # Without the offset PostgreSQL would ask for each column again whether the organiser manages the person.
        managed = f"cross join lateral (select {_MANAGED} as managed offset 0) m"
        query = f"select {_COLUMNS} from {_SOURCE} {managed} where {condition} order by p.sort_key, p.id {end}"  # noqa: S608 - ours
        return tuple(PersonLine(*row) for row in await self._pool.fetch(query, *given))


def _given(organiser: str | None, today: date) -> tuple[Any, ...]:
    """The arguments of `_MEMBERS`."""
    return organiser, today, LIFETIMES["invitation"]


async def write_units(connection: Connection, stream: str, line: dict[str, Any]) -> None:
    """Store whose people the organiser of a cycle sees, from the cycle's line on the board."""
    organiser = stream.split("/", maxsplit=1)[0]
    units = {organiser: line["names"].get(organiser, organiser), **line["names"]}
    if line["overseer"]:
        units[f"@{line['overseer']}"] = ""
    await connection.execute(
        "insert into projections.organiser_unit as known (organiser, unit, name, sort_key, words) "
        "select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[]) "
        "on conflict (organiser, unit) do update "
        "set name = excluded.name, sort_key = excluded.sort_key, words = excluded.words "
        "where known.name <> excluded.name",
        organiser,
        list(units),
        list(units.values()),
        [natural_key(name) for name in units.values()],
        [folded(f"{name} {unit} {name.replace(' ', '')}") for unit, name in units.items()],
    )


def _like(words: str) -> str | None:
    """The pattern of words that stand in this order; None without words."""
    parts = folded(words).replace("%", " ").replace("_", " ").replace("\\", " ").replace("\0", " ").split()
    return f"%{'%'.join(parts)}%" if parts else None
