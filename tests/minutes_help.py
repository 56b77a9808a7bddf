"""People who keep minutes, with a script and without one; and minutes that were begun, as their cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from engine_help import YEAR
from web_help import PASSWORD, Site, Visitor

from application.form_values import flattened
from application.minutes_cells import ACTS, EMPTY_ROW, HEAD, HEAD_FIELDS, ON, SEED, group_text
from web import urls


def minutes_cells(
    on: str, head: Mapping[str, Any], acts: Iterable[tuple[str, Mapping[str, Any]]] = (), seed: str = ""
) -> dict[str, str]:
    """The cells of minutes with the meeting's own fields, and with acts by their names, as they are typed."""
    cells = {ON: on, SEED: seed or str(uuid4())}
    for name, value in head.items():
        if name not in HEAD_FIELDS:
            continue
        field = HEAD_FIELDS[name]
        rows = enumerate(value, 1) if field.many else [(0, value)]
        for number, one in rows:
            path = f"{HEAD}.{name}.{number:04}-abcdef" if field.many else f"{HEAD}.{name}"
            cells[path] = group_text(flattened(one)) if field.parts else str(one) or EMPTY_ROW
    for number, (name, values) in enumerate(acts, 1):
        cells[f"{ACTS}.{name}.{number:04}-abcdef"] = group_text(flattened(values))
    return cells


async def keep_minutes(site: Site, person: str, stream: str, meeting: str, cells: Mapping[str, str]) -> None:
    """Begin minutes in the name of a person."""
    await site.services.shared.save(urls.minutes_url(stream, meeting), cells, read=0, person=person)


class Keeper:
    """Somebody who keeps minutes, with a script and without one."""

    def __init__(self, visitor: Visitor, stream: str, meeting: str) -> None:
        self.visitor, self.stream, self.meeting, self.part = visitor, stream, meeting, "meeting"

    @classmethod
    async def begins(cls, site: Site, person: str, stream: str, meeting: str = "hn-1", **head: str) -> Keeper:
        keeper = cls(await site.log_in(person), stream, meeting)
        begin = urls.meetings_url(stream)
        await keeper.visitor.get(begin)
        typed = {"id": meeting, "kind": "other", "_on": f"05/01/{YEAR}", **head}
        await keeper.visitor.post(begin, **typed)
        return keeper

    @classmethod
    async def opens(cls, site: Site, person: str, stream: str, part: str = "meeting", meeting: str = "hn-1") -> Keeper:
        keeper = cls(await site.log_in(person), stream, meeting)
        await keeper.sees(part)
        return keeper

    @property
    def url(self) -> str:
        return urls.minutes_url(self.stream, self.meeting, part=self.part)

    @property
    def page(self) -> str:
        return self.visitor.page

    async def sees(self, part: str) -> str:
        self.part = part
        return await self.visitor.get(self.url)

    def fields(self) -> list[tuple[str, str]]:
        """All inputs of the page's form, as a browser without a script sends them."""
        form = re.sub(r"<template.*?</template>", "", self.page.split('id="minutes"', 1)[1], flags=re.DOTALL)
        form = form.split("</form>")[0]
        found = []
        for tag in re.findall(r"<input[^>]*>", form):
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            boxed = attributes.get("type") == "checkbox" and " checked" not in tag
            if "name" in attributes and not boxed and attributes.get("type") != "file":
                found.append((attributes["name"], attributes.get("value", "")))
        for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, flags=re.DOTALL):
            chosen = re.search(r'<option value="([^"]*)" selected', inner)
            found.append((name, chosen.group(1) if chosen else ""))
        found += re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', form)
        return found

    async def presses(self, button: str = "_step", value: str = "save", **typed: str) -> str:
        """A button of a browser without a script: the whole form goes."""
        changed = {name.replace("__", "."): text for name, text in typed.items()}
        body: dict[str, list[str]] = {}
        for name, text in self.fields():
            body.setdefault(name, []).append(changed.get(name, text))
        for name, text in changed.items():
            body.setdefault(name, [text])
        body.setdefault("_form", [])
        body[button] = [value]
        return self.visitor._keep(await self.visitor.http.post(self.url, data=body))

    async def types(self, *cells: str, **typed: str) -> dict[str, Any]:
        """What the script sends of some cells, with the revision that the page has read."""
        values = dict(self.fields())
        body = {
            "_form": [values["_form"]],
            "_revision": [values["_revision"]],
            "_step": ["save"],
            "_cell": [f"{one} x" for one in cells],
        }
        answer = await self.visitor.http.post(self.url, data={**body, **typed}, headers={"HX-Request": "true"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def adds(self, start: str) -> str:
        """Begin a row or an act; returns the path of its cell."""
        before = set(re.findall(r'data-cell="([^"]+)"', self.page))
        await self.presses("_add", start)
        (path,) = set(re.findall(r'data-cell="([^"]+)"', self.page)) - before
        return str(path)

    async def enters(self, password: str = PASSWORD) -> str:
        await self.sees("check")
        shown = dict(self.fields()).get("_shown", "")
        return await self.presses("_step", "enter", _password=password, _shown=shown)
