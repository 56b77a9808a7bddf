"""A rules edition as a visitor has opened it: a draft of the organiser's, a stored one, or one of the program's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from accounts.edition_drafts import EditionDraft
from application.edition_checks import EditionCheck
from application.edition_parts import BY_ID, EditionPart, part_values, with_part
from application.edition_texts import Values, check_amount, mark_of, values_of_stored
from application.edition_work import checked_edition, read_edition, written_edition
from application.visits import Visitor
from application.work import beside
from domain.access import Matter
from domain.numbers import whole_number
from errors import InputError, NotFoundError
from i18n import _
from i18n.messages import sentence
from resources import RULES
from web.auth import reads
from web.form_problems import form_sentence
from web.read_editions import check_of_text, draft_values, names_units
from web.services import Services, get_services

Secretary = Annotated[Visitor, Depends(reads(Matter.YEAR))]
_DRAFT, _DIGEST = re.compile(r"[0-9a-f]{12}"), re.compile(r"[0-9a-f]{64}")
SHOWN = "_shown"
"""The field of a form that says what the page had shown of the part."""

_TRIES = 5
"""So often a draft is saved anew that others are saving, too."""


@dataclass(frozen=True)
class OpenEdition:
    """An edition: its values as the file has them. `draft` is None for one that cannot be changed."""

    key: str
    values: Values
    draft: EditionDraft | None
    names: Mapping[str, str]
    """The names of the organiser's units, by id, where the edition names units."""

    check: EditionCheck
    """What is wrong or odd in it."""

    @property
    def title(self) -> str:
        """Its title; words in the place of a missing one."""
        return title_of(self.values)

    async def check_of(self, values: Values) -> EditionCheck:
        """Return what is wrong or odd in it with other values, such as those that a form holds."""
        return self.check if values == self.values else await checked_edition(values, self.names)


async def _with_check(
    services: Services, visitor: Visitor, key: str, values: Values, draft: EditionDraft | None
) -> OpenEdition:
    names = await _names(services, visitor, values)
    text = (key,) if draft is None else (visitor.unit, key, draft.revision)
    return OpenEdition(key, values, draft, names, await check_of_text(text, values, names))


def title_of(values: Mapping[str, Any]) -> str:
    """The title of an edition; words in the place of a missing one."""
    title = values.get("title")
    return title if isinstance(title, str) and title.strip() else _("(without a title)")


@lru_cache
def own_files() -> Mapping[str, Path]:
    """The editions that come with the program, by key."""
    files = [*sorted(RULES.glob("*.yaml")), *sorted((RULES / "real").glob("*.yaml"))]
    return {file.stem: file for file in files if not file.stem.endswith(".sheet")}


async def opened(request: Request, visitor: Secretary, edition: str) -> OpenEdition:
    """A dependency: the edition of an address.

    Raises:
        NotFoundError: there is none.
    """
    services = get_services(request)
    draft, values = None, dict[str, Any]()
    if _DRAFT.fullmatch(edition) and (draft := await services.edition_drafts.get(visitor.unit, edition)) is not None:
        values = await draft_values(visitor.unit, draft)
    elif _DIGEST.fullmatch(edition) and (body := await services.application.texts.edition(edition)) is not None:
        values = await beside(values_of_stored, body)
    elif (file := own_files().get(edition)) is not None:
        values = await read_edition(file.read_text(encoding="utf-8"), file.name)
    else:
        raise NotFoundError("page_not_found")
    return await _with_check(services, visitor, edition, values, draft)


async def opened_draft(edition: Annotated[OpenEdition, Depends(opened)]) -> OpenEdition:
    """A dependency: the organiser's own edition of an address, which can be changed.

    Raises:
        NotFoundError: it is none of the organiser's own.
    """
    if edition.draft is None:
        raise NotFoundError("page_not_found")
    return edition


Opened = Annotated[OpenEdition, Depends(opened)]
OpenedDraft = Annotated[OpenEdition, Depends(opened_draft)]


def part_named(part: str) -> EditionPart:
    """The part of an address.

    Raises:
        NotFoundError
    """
    if part not in BY_ID:
        raise NotFoundError("page_not_found")
    return BY_ID[part]


async def _names(services: Services, visitor: Visitor, values: Values) -> Mapping[str, str]:
    return await unit_names(services, visitor) if names_units(values) else {}


async def unit_names(services: Services, visitor: Visitor) -> Mapping[str, str]:
    """The names of the units in the organiser's open clusters, by id."""
    streams = [stream for stream, _cluster, _year in await services.board.open_cycles(visitor.unit)]
    lines = await services.board.lines_of(streams, visitor.unit)
    return {unit: name for line in lines.values() for unit, name in line["names"].items() if unit != visitor.unit}


async def change(
    services: Services,
    visitor: Visitor,
    opened: OpenEdition,
    part: EditionPart,
    held: Callable[[Values], Any],
    read: str,
    new: Callable[[Values], Values],
) -> OpenEdition | None:
    """Change a part of a draft and save it; None where it was done.

    `held` takes what is changed out of the values; `read` is the mark (`mark_of`) of what the page had shown of it.
    Where somebody has changed it since, nothing is saved, and the edition as it is now comes back. What others change
    in other parts stays.

    Raises:
        QuotaError, InputError: it is too long.
        NotFoundError: the draft was deleted meanwhile.
    """
    for _try in range(_TRIES):
        draft = await services.edition_drafts.get(visitor.unit, opened.key)
        if draft is None:
            raise NotFoundError("page_not_found")
        values = await draft_values(visitor.unit, draft)
        if mark_of(held(values)) != read:
            return await _with_check(services, visitor, opened.key, values, draft)
        made = new(values)
        check_amount(made, title_of(made))
        person = visitor.contact.id
        text = await written_edition(made)
        if await services.edition_drafts.save(visitor.unit, draft, title_of(made), text, person, part.id):
            return None
    raise InputError("edition_busy")


async def change_part(
    services: Services, visitor: Visitor, opened: OpenEdition, part: EditionPart, read: str, values: Values
) -> OpenEdition | None:
    """Give a part of a draft other values; as `change`."""
    return await change(
        services,
        visitor,
        opened,
        part,
        lambda whole: part_values(whole, part),
        read,
        lambda whole: with_part(whole, part, values),
    )


async def copied(services: Services, visitor: Visitor, values: Values) -> str:
    """Keep values as a new draft of the organiser; returns its key.

    Raises:
        QuotaError
    """
    text = await written_edition(values)
    return await services.edition_drafts.add(visitor.unit, title_of(values), text, visitor.contact.id)


async def conflict_of(request: Request, now: OpenEdition, part: EditionPart, summary: Any) -> dict[str, Any]:
    """Who has saved a part meanwhile, when, and what stands there now."""
    person, at = ("", None) if now.draft is None else now.draft.writers.get(part.id, (now.draft.person, now.draft.at))
    people = await get_services(request).application.people.names({person})
    return {"person": people.get(person, _("Somebody")), "at": at, "summary": summary}


def file_sentence(error: InputError) -> str:
    """The sentence of an error in a file or a text, with its line where that is known."""
    line = error.path.rpartition(":")[2]
    # The name is one of the file's own, which the line shows better than a sentence.
    text = sentence("edition_name_twice") if error.code == "file_key_twice" else form_sentence(error)
    return _("Line {line}: {text}").format(line=line, text=text) if whole_number(line) is not None else text
