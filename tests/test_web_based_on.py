"""Pages and interface carry which version was read: a covenant that was presented anew meanwhile is not signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_help import CITY, enter_staff, open_cycle, submit, units
from speech import RULES
from web_help import PASSWORD, Site, a_site

from application.application import CommandInput
from application.engine import RefusedError
from application.gate import at_command_line
from cli.session import Session


@pytest.fixture
async def site(app: Session, tmp_path: Path):
    async with a_site(app, tmp_path / "outbox") as made:
        yield made


async def present(site: Site, stream: str, title: str) -> None:
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": title}})


async def signed(site: Site, stream: str) -> list[int]:
    history = await site.app.history(stream)
    return [envelope.event.number for _row, envelope in history if envelope.event.NAME == "CovenantSigned"]


async def test_a_version_that_came_while_the_summary_was_read_is_not_signed(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await present(site, stream, "Giao ước bản 1")
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    an = await site.log_in("an")
    way = f"/cum/{stream}/lam/sign"
    await an.get(f"{way}?unit=don-vi-1")
    read = an.hidden()["_read"]
    await an.post(way, **{**an.hidden(), "unit": "don-vi-1", "covenant": "covenant"}, _step="look")
    assert an.hidden()["_read"] == read, "the summary carries what was read"
    await present(site, stream, "Giao ước bản 2")
    await an.post(way, **an.hidden(), _step="send", _password=PASSWORD)
    assert (an.status, await signed(site, stream)) == (422, [])
    for told in ("Những mục đã ghi sau khi bạn đọc", "Giao ước bản 2", "Thành phố"):
        assert told in an.page
    assert "don-vi-1" not in an.page.split("<h1>")[1].split("<form")[0], "no id in what is told"
    again = {**an.hidden(), "unit": "don-vi-1", "covenant": "covenant", "number": "2"}
    assert int(again["_read"]) > int(read)
    await an.post(way, **again, _step="look")
    await an.post(way, **an.hidden(), _step="send", _password=PASSWORD)
    assert await signed(site, stream) == [2]


async def test_the_form_names_the_version_that_the_page_shows(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await present(site, stream, "Giao ước bản 1")
    await present(site, stream, "Giao ước bản 2")
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    await an.get(f"/cum/{stream}/lam/sign?unit=don-vi-1")
    assert 'name="number"' in an.page
    assert '<option value="2" selected>' in an.page.split('name="number"')[1].split("</select>")[0]


async def test_the_interface_takes_what_was_read(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    secretary = await enter_staff(site.app, CITY)
    read = len(await site.app.history(stream))
    fields = {"role": "head", "manner": "appointed"}
    first, second = (
        CommandInput(stream, "assign-role", {**fields, "holder": unit}, based_on=read) for unit in units(2)
    )
    await site.app.submit(stream, at_command_line(secretary), [first])
    with pytest.raises(RefusedError) as refused:
        await site.app.submit(stream, at_command_line(secretary), [second])
    assert (refused.value.code, refused.value.facts["version"]) == ("changed_since", read + 1)
