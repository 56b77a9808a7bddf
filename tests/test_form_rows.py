"""Rows of lists in forms: added and taken out in the page or by the server, announced, and without an id to type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from browser_help import a_user
from engine_help import open_cycle, state_of, units
from playwright.async_api import Browser, Page, expect
from speech import RULES
from web_help import PASSWORD, Site

from domain.cycle import ENTERED_BY_PERSONS
from domain.steps.targets import RegisterTargets
from web.forms import Input, field_name, inputs

MORE = "Thêm: chỉ tiêu"
FIVE = re.compile("Thêm 5 dòng")
PASTE = """text => { const clipboardData = new DataTransfer(); clipboardData.setData("text", text);
const pasted = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
document.activeElement.dispatchEvent(pasted); }"""
TITLES = "[name^='targets.'][name$='.title']"


async def a_form(site: Site) -> tuple[str, str]:
    """A cycle, and the form in which its first unit registers targets."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    return stream, f"/cum/{stream}/lam/register-targets?unit=don-vi-1"


async def registered(site: Site, stream: str) -> list[str]:
    registration = (await state_of(site.app, stream)).targets.registrations["don-vi-1"]
    assert len({one.id for one in registration.event.targets}) == len(registration.event.targets)
    return [one.title for one in registration.event.targets]


async def focused(page: Page) -> str:
    found: str = await page.evaluate("document.activeElement.name + ' ' + document.activeElement.value")
    return found


async def test_rows_are_added_and_taken_out_in_the_page(site: Site, browser: Browser) -> None:
    stream, path = await a_form(site)
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto(path)
        page, said = an.page, an.page.locator("#said")
        assert await page.locator(TITLES).count() == 3, "most units have several targets"
        await page.get_by_role("button", name=MORE, exact=True).click()
        assert await focused(page) == "targets.3.title "
        await expect(said).to_have_text("Đã thêm một dòng: Các chỉ tiêu")
        await page.keyboard.type("Xây 2 nhà")
        await page.get_by_role("button", name=FIVE).last.click()
        assert await focused(page) == "targets.4.title "
        await expect(said).to_have_text("Đã thêm 5 dòng: Các chỉ tiêu")
        assert await page.locator(TITLES).count() == 9
        await page.keyboard.type("Sai")
        await an.fill({"targets.5.title": "Quỹ đạt 100 %"})
        await page.locator("button[value='targets.4']").click()
        await expect(said).to_have_text("Đã bỏ một dòng: Các chỉ tiêu")
        assert await focused(page) == "_less targets.5", "the focus stays in the list"
        assert await page.locator(
            "fieldset[data-rows=targets] > .entry > fieldset > legend .nth"
        ).all_inner_texts() == [str(n) for n in range(1, 9)]
        assert page.url.endswith("register-targets?unit=don-vi-1")
        await an.press("Xem tóm tắt")
        await an.press("Ghi vào sổ")
        await an.goto(f"/cum/{stream}/lam/report-result?unit=don-vi-1")
        offered = await an.page.locator("select[name=target] option").all_inner_texts()
        assert offered[1:] == ["Xây 2 nhà (Đơn vị 1)", "Quỹ đạt 100 % (Đơn vị 1)"], "chosen by its title"
    assert await registered(site, stream) == ["Xây 2 nhà", "Quỹ đạt 100 %"], "rows in which nothing was typed are none"


async def test_lines_of_a_spreadsheet_are_pasted_into_rows(site: Site, browser: Browser) -> None:
    stream, path = await a_form(site)
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto(path)
        await an.page.get_by_role("button", name=MORE, exact=True).click()
        await an.page.evaluate(PASTE, "Xây nhà\t2\tnhà\r\nQuỹ\t100\t%\r\n")
        await an.press("Xem tóm tắt")
        assert "2 nhà" in await an.page.inner_text("main")
        await an.press("Ghi vào sổ")
    assert await registered(site, stream) == ["Xây nhà", "Quỹ"]


async def test_the_same_without_a_script(site: Site, browser: Browser) -> None:
    stream, path = await a_form(site)
    async with a_user(browser, site.address, "an", PASSWORD, java_script_enabled=False) as an:
        await an.goto(path)
        await an.press(f"{FIVE.pattern}.*chỉ tiêu")
        assert await an.page.locator(TITLES).count() == 8
        await an.fill({"targets.0.title": "Sai", "targets.1.title": "Xây 2 nhà", "targets.3.title": "Quỹ đạt 100 %"})
        await an.page.locator("button[value='targets.0']").click()
        assert await an.page.locator("[autofocus]").get_attribute("name") == "_more"
        assert await an.page.locator("[name='targets.0.title']").input_value() == "Xây 2 nhà"
        await an.press("Xem tóm tắt")
        await an.press("Ghi vào sổ")
    assert await registered(site, stream) == ["Xây 2 nhà", "Quỹ đạt 100 %"]


async def test_rows_that_the_line_cut_off_come_back(site: Site, browser: Browser) -> None:
    _stream, path = await a_form(site)
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto(path)
        await an.page.context.set_offline(True)
        await an.page.get_by_role("button", name=FIVE).last.click()
        await an.fill({"targets.2.title": "Quỹ đạt 100 %"})
        await an.page.context.set_offline(False)
        await an.page.evaluate("window.onbeforeunload = null")
        await an.goto(path)
        assert await an.page.locator("[name='targets.2.title']").input_value() == "Quỹ đạt 100 %"


def typed(one: Input) -> Iterator[Input]:
    """The inputs into which somebody types a line, with those of a blank row."""
    inner = (*one.parts, *one.rows, *([one.blank] if one.blank else []))
    if inner:
        for part in inner:
            yield from typed(part)
    elif one.kind == "line" and not one.choices and not one.made:
        yield one


# fmt: off
WORDS = {
    "about", "address", "cluster_name", "evidence", "group", "issuer", "kind", "measure", "misprints", "name",
    "notes", "number", "object", "office", "organiser_name", "outside", "paper", "place", "regrouped", "round",
    "says", "since", "source", "starts", "term", "title", "titles", "words",
}
"""Fields into which people type words: the rest is chosen, or made by the page."""
# fmt: on

CHOSEN = {"award", "criterion", "edition", "handed_to", "id", "key", "letter", "met", "subject", "target", "to"}
"""Fields that a form offers by titles (`titled_choices`, `offered_choices`), or in the table of a sheet."""


def test_nobody_types_an_id() -> None:
    left = {
        (act.NAME, one.path)
        for act in ENTERED_BY_PERSONS
        if act.NAME not in {"open-cycle", "step-to"}  # by the start of a year, and a rehearsal's clock
        for field in inputs(act, {})
        for one in typed(field)
        if field_name(one.path) not in WORDS | CHOSEN
    }
    assert left == set()


def test_made_ids_are_of_each_row() -> None:
    (field,) = [
        one for one in inputs(RegisterTargets, {"targets": [{"title": "a"}, {"title": "b"}]}) if one.path == "targets"
    ]
    assert field.blank is not None
    made = [next(part for part in row.parts if part.path.endswith(".id")) for row in (*field.rows, field.blank)]
    assert all(one.made for one in made)
    assert len({one.value for one in made}) == 3
    assert made[-1].value.endswith("-__0__"), "a script puts the number of the row there"
