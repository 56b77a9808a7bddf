"""Drafts of an organiser's rules editions on PostgreSQL: each a whole text, shared by the organiser's secretariat.

A draft is saved with the revision that its writer had read: of two writers the second is told, and nothing is
overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from errors import QuotaError
from ledger.connection import Pool


@dataclass(frozen=True, slots=True)
class PutInForce:
    """That a draft was put in force: as the edition with a digest, by whom, when; `page` names the receipts' page."""

    digest: str
    person: str
    at: datetime
    page: str


@dataclass(frozen=True, slots=True)
class EditionDraft:
    """A draft: its text is YAML, `person` saved it last; `writers` says who changed a part last, and when.

    `in_force` has the times when it was put in force, the latest first.
    """

    id: str
    title: str
    body: str
    revision: int
    maker: str
    made_at: datetime
    person: str
    at: datetime
    writers: Mapping[str, tuple[str, datetime]]
    in_force: tuple[PutInForce, ...]


_COLUMNS = "id, title, body, revision, maker, made_at, person, at, writers, in_force"

MOST_TIMES = 50
"""So many times at which it was put in force are kept of a draft."""


def _draft(row: Any) -> EditionDraft:
    told = json.loads(row["writers"])
    writers = {part: (one["person"], datetime.fromisoformat(one["at"])) for part, one in told.items()}
    times = [{**one, "at": datetime.fromisoformat(one["at"])} for one in json.loads(row["in_force"])]
    facts = {name: row[name] for name in ("id", "title", "body", "revision", "maker", "made_at", "person", "at")}
    return EditionDraft(**facts, writers=writers, in_force=tuple(PutInForce(**one) for one in reversed(times)))


class EditionDrafts:
    """The drafts of all organisers. An organiser keeps at most `most`, each of at most so many `characters`."""

    def __init__(self, pool: Pool, most: int, characters: int) -> None:
        self._pool, self._most, self._characters = pool, most, characters

    async def list(self, organiser: str) -> tuple[EditionDraft, ...]:
        """Return an organiser's drafts, the one that was saved last first."""
        rows = await self._pool.fetch(
            f"select {_COLUMNS} from accounts.edition_draft where organiser = $1 order by at desc, id",  # noqa: S608 - ours
            organiser,
        )
        return tuple(map(_draft, rows))

    async def get(self, organiser: str, draft: str) -> EditionDraft | None:
        """Return a draft; None where the organiser has none of this id."""
        row = await self._pool.fetchrow(
            f"select {_COLUMNS} from accounts.edition_draft where organiser = $1 and id = $2",  # noqa: S608 - ours
            organiser,
            draft,
        )
        return None if row is None else _draft(row)

    async def add(self, organiser: str, title: str, body: str, person: str) -> str:
        """Keep a new draft and return its id.

        Raises:
            QuotaError: `not_kept`: it is too long; `editions_full`: the organiser keeps too many.
        """
        self._check(body)
        draft = uuid4().hex[:12]
        done = await self._pool.execute(
            "insert into accounts.edition_draft (organiser, id, title, body, maker, person) "
            "select $1, $2, $3, $4, $5, $5 "
            "where (select count(*) from accounts.edition_draft where organiser = $1) < $6",
            organiser,
            draft,
            title,
            body,
            person,
            self._most,
        )
        if done != "INSERT 0 1":
            raise QuotaError("editions_full", most=self._most)
        return draft

    async def save(self, organiser: str, read: EditionDraft, title: str, body: str, person: str, part: str) -> bool:
        """Save a draft with a changed part in place of the revision that was read; False where it is another by now.

        Raises:
            QuotaError: `not_kept`: it is too long.
        """
        self._check(body)
        done = await self._pool.execute(
            "update accounts.edition_draft set title = $4, body = $5, person = $6, at = now(), "
            "revision = revision + 1, writers = writers "
            "|| jsonb_build_object($7::text, jsonb_build_object('person', $6::text, 'at', now())) "
            "where organiser = $1 and id = $2 and revision = $3",
            organiser,
            read.id,
            read.revision,
            title,
            body,
            person,
            part,
        )
        return bool(done == "UPDATE 1")

    async def note_in_force(self, organiser: str, draft: str, digest: str, person: str, page: str = "") -> None:
        """Note that a draft was put in force as the edition with a digest: once for each page ("": a year)."""
        await self._pool.execute(
            "update accounts.edition_draft set in_force = (select coalesce(jsonb_agg(one order by number), '[]') from "
            "jsonb_array_elements(in_force || jsonb_build_object('digest', $3::text, 'person', $4::text, 'page', "
            "$5::text, 'at', now())) with ordinality as told (one, number) "
            "where number > jsonb_array_length(in_force) + 1 - $6) where organiser = $1 and id = $2 "
            "and not in_force @> jsonb_build_array(jsonb_build_object('digest', $3::text, 'page', $5::text))",
            organiser,
            draft,
            digest,
            person,
            page,
            MOST_TIMES,
        )

    async def drop(self, organiser: str, draft: str, revision: int) -> bool:
        """Delete a draft; False where it is not the one of this revision."""
        done = await self._pool.execute(
            "delete from accounts.edition_draft where organiser = $1 and id = $2 and revision = $3",
            organiser,
            draft,
            revision,
        )
        return bool(done == "DELETE 1")

    def _check(self, body: str) -> None:
        if len(body) > self._characters:
            raise QuotaError("not_kept")
