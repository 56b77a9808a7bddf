"""The rules that a year can be started with: the organiser's own, and those of the program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from application.visits import Visitor
from application.work import beside
from application.yaml_files import read_model
from domain.rules import Edition
from errors import InputError
from i18n import _
from resources import RULES
from web.read_editions import check_of_text, draft_values
from web.render import moment
from web.services import Services

Named = list[tuple[str, str]]
"""What a form sends for each edition, and its title."""


async def own_editions(services: Services, visitor: Visitor) -> Named:
    """The organiser's own editions; of the same title each with the time at which it was saved."""
    drafts = await services.edition_drafts.list(visitor.unit)
    titles = Counter(one.title for one in drafts)
    saved = _("{title}, saved at {when}")
    return [
        (one.id, saved.format(title=one.title, when=moment(one.at)) if titles[one.title] > 1 else one.title)
        for one in drafts
    ]


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
        values = await draft_values(visitor.unit, own)
        found = (await check_of_text((visitor.unit, own.id, own.revision), values, {})).edition
        if found is None:
            raise InputError("edition_unfit", "edition", title=own.title)
        return found
    file = RULES / name
    if file.parent != RULES or not file.is_file():
        raise InputError("edition_missing", edition=name)
    return await beside(read_model, file, Edition)
