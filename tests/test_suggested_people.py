"""Whom the inputs that ask for a person offer: never somebody whom the visitor may not see."""

from __future__ import annotations

import re

from engine_help import CITY, open_cycle, submit, units
from speech import RULES
from web_help import Site

from web import urls

FIRST, SECOND = units(2)


def offered(page: str, field: str) -> set[str]:
    found = re.search(rf'<select[^>]* name="{re.escape(field)}".*?</select>', page, re.DOTALL)
    return {one for one in re.findall(r'<option value="([^"]*)"', found[0]) if one} if found else set()


async def test_staff_are_offered_their_own_unit_and_whom_the_pages_name(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    for person, unit in (("an", FIRST), ("anh", FIRST), ("binh", SECOND), ("bac", SECOND), ("xa", "don-vi-xa")):
        await site.person(person, unit)
    await site.person("lan", CITY, "secretariat")
    meeting = {
        "id": "hn-1",
        "kind": "other",
        "guests": [{"person": {"id": "binh"}}, {"person": {"id": "xa"}}],
    }
    await submit(site.app, stream, CITY, "record-meeting", meeting)
    form, field = urls.act_url(stream, "comment"), "by.person.id"
    an = await site.log_in("an")
    page = await an.get(form)
    assert offered(page, field) == {"an", "anh", "binh"}, "nobody of another organiser, nobody who is named nowhere"
    assert "binh@" not in page
    assert not re.search(r"Binh, cán bộ", page), "only the name that the pages tell"
    lan = await site.log_in("lan")
    assert {"an", "anh", "binh", "bac"} <= offered(await lan.get(form), field)
    assert "xa" not in offered(lan.page, field)
