"""The rules that a year can be started with: the organiser's own, and those of the program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from application.edition_checks import check_edition
from application.edition_texts import values_of
from application.visits import Visitor
from application.work import beside
from application.yaml_files import read_model
from domain.rules import Edition
from errors import InputError
from resources import RULES
from web.services import Services

Named = list[tuple[str, str]]
"""What a form sends for each edition, and its title."""


async def own_editions(services: Services, visitor: Visitor) -> Named:
    """The organiser's own editions."""
    return [(one.id, one.title) for one in await services.edition_drafts.list(visitor.unit)]


def program_editions() -> Named:
    """The program's editions; of the same title each with the year in its id."""
    known = [(file.name, read_model(file, Edition)) for file in sorted(RULES.glob("*.yaml"))]
    titles = Counter(edition.title for _file, edition in known)
    return [(name, one.title + _told_apart(one.id) * (titles[one.title] > 1)) for name, one in known]


def _told_apart(edition: str) -> str:
    years = re.findall("[0-9]{4}", edition)
    return f" ({years[-1]})" if years else ""


async def chosen_edition(services: Services, visitor: Visitor, typed: Mapping[str, Any]) -> Edition:
    """The edition of a form.

    Raises:
        InputError: there is none, or something is wrong in it.
    """
    name = str(typed.get("edition", ""))
    own = await services.edition_drafts.get(visitor.unit, name)
    if own is not None:
        values = await beside(values_of, own.body, own.title)
        found = (await beside(check_edition, values, {})).edition
        if found is None:
            raise InputError("edition_unfit", "edition", title=own.title)
        return found
    file = RULES / name
    if file.parent != RULES or not file.is_file():
        raise InputError("edition_missing", edition=name)
    return await beside(read_model, file, Edition)
