"""Choosing whom to be with one click: in rehearsals that offer it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from engine_help import CITY, open_cycle, units
from speech import RULES
from web_help import Site, Visitor

from application.gate import Gate
from application.rehearsal_roles import Part, RehearsalRole, RehearsalRoles
from errors import InputError
from local.key_files import WEB_KEY_FILE, KeyFile
from mail.settings import MailSettings
from web import urls
from web.services import opened
from web.settings import Settings

SECRETARY, OFFICER, OTHER = "thu-ky", "can-bo-1", "can-bo-2"
STREAM = f"{CITY}/2026/cum-1"


async def offered(site: Site, tmp_path: Path) -> None:
    """Offer secretary and officer as roles; another person has an account, too, and is no role."""
    await site.person(SECRETARY, CITY, "secretariat", administrator=True)
    await site.person(OFFICER, "don-vi-1")
    await site.person(OTHER, "don-vi-2")
    parts: tuple[tuple[Part, str, str, str], ...] = (
        ("secretary", SECRETARY, CITY, "Thành phố"),
        ("officer", OFFICER, "don-vi-1", "Đơn vị 1"),
    )
    roles = RehearsalRoles(
        password="dien-tap-1234",
        roles=tuple(
            RehearsalRole(part=part, person=person, cycle=STREAM, unit=unit, unit_name=name)
            for part, person, unit, name in parts
        ),
    )
    file = tmp_path / "roles.json"
    file.write_text(roles.model_dump_json())
    site.services.settings = replace(site.services.settings, roles_file=file)


async def visitor(site: Site) -> Visitor:
    """Somebody who has not logged in, with a form of this browser."""
    found = await site.log_in("khong-co-ai")
    await found.get(urls.LOGIN)
    return found


async def test_one_click_makes_the_visitor_a_person_and_another_click_somebody_else(site: Site, tmp_path: Path) -> None:
    await open_cycle(site.app, RULES, members=units(3))
    await offered(site, tmp_path)
    one = await visitor(site)
    page = await one.get(urls.ROLES)
    assert "dien-tap-1234" in page
    assert "Nguyễn Thu Ky" in page
    assert "những gì nhập ở đây đều không có thật" in page
    assert page.count('name="_to"') == 2 * 4, "each role has its first page and three things to try"
    await one.post(urls.ROLES, person=OFFICER, _to=urls.TASKS)
    assert (one.status, one.at) == (200, urls.TASKS)
    assert "Nguyễn Can Bo 1" in one.page
    assert "Đổi vai" in one.page
    former = one.http.cookies["thidua"]
    await one.get(urls.ROLES)
    await one.post(urls.ROLES, person=SECRETARY, _to=urls.BOARD)
    assert (one.status, one.at) == (200, urls.BOARD)
    assert await site.services.accounts.login(former) is None, "one browser, one login"
    await one.get(urls.ROLES)
    await one.post(urls.ROLES, person=SECRETARY, _to="//elsewhere.example")
    assert one.at == urls.TASKS, "no link leads elsewhere"


async def test_nobody_becomes_who_is_not_offered(site: Site, tmp_path: Path) -> None:
    await offered(site, tmp_path)
    one = await visitor(site)
    for person in (OTHER, "khong-co-ai", ""):
        await one.get(urls.ROLES)
        await one.post(urls.ROLES, person=person, _to=urls.TASKS)
        assert one.status == 404
        assert "thidua" not in one.http.cookies
    await one.http.post(urls.ROLES, data={"person": OFFICER})
    assert "thidua" not in one.http.cookies, "a form of another site has no token"


async def test_a_rehearsal_without_the_file_offers_nothing(site: Site, tmp_path: Path) -> None:
    one = await visitor(site)
    assert "Đổi vai" not in one.page
    for file in (None, tmp_path / "missing.json", _broken(tmp_path)):
        site.services.settings = replace(site.services.settings, roles_file=file)
        await one.get(urls.ROLES)
        assert one.status == 404


def _broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.json"
    file.write_text('{"password": ')
    return file


async def test_a_real_installation_lets_nobody_in_whatever_the_settings_say(real_site: Site, tmp_path: Path) -> None:
    await offered(real_site, tmp_path)
    one = await visitor(real_site)
    for _claim in ("settings", "key file"):
        await one.get(urls.ROLES)
        assert one.status == 404
        await one.get(urls.LOGIN)
        await one.post(urls.ROLES, person=SECRETARY, _to=urls.BOARD)
        assert one.status == 404
        assert "thidua" not in one.http.cookies
        # Even where the process were told that this is a rehearsal, the ledger knows that it is none.
        app = real_site.app
        key_file = KeyFile(app.paths.data / WEB_KEY_FILE, "web", app.installed.id)
        real_site.services.application.gate = Gate(key_file, real_site.services.application.ledger, rehearsal=True)


async def test_pages_of_a_real_installation_do_not_start_with_roles(real_site: Site, tmp_path: Path) -> None:
    app = real_site.app
    settings = Settings(
        app.endpoints.web_url, "127.0.0.1:1", "thidua", app.paths.data / WEB_KEY_FILE, MailSettings(tmp_path),
        roles_file=tmp_path / "roles.json", tls=object(),  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(InputError, match="roles_in_earnest"):
        async with opened(settings):
            pass


async def test_a_rehearsal_has_a_page_of_samples(site: Site) -> None:
    one = await visitor(site)
    assert "Bản đồ tiến độ" in await one.get(urls.SAMPLES)
    assert one.status == 200


async def test_a_real_installation_has_no_page_of_samples(real_site: Site) -> None:
    one = await visitor(real_site)
    for _claim in ("settings", "key file"):
        await one.get(urls.SAMPLES)
        assert one.status == 404
        app = real_site.app
        key_file = KeyFile(app.paths.data / WEB_KEY_FILE, "web", app.installed.id)
        real_site.services.application.gate = Gate(key_file, real_site.services.application.ledger, rehearsal=True)
