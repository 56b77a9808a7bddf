"""Addresses of pages: people have bookmarked them, so they stay; each is written once."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import APIRoute
from starlette.routing import Match

from web import urls
from web.api import router as api_router
from web.pages import routers

ROOT = Path(__file__).parent.parent
STREAM = "mttq-hanoi/2026/cum-1"
BOOKMARKED = (
    "/",
    "/ban-nhap",
    "/ban-quy-dinh",
    "/ban-quy-dinh/mau-bang-tieu-chi.xlsx",
    "/ban-quy-dinh/specimen-2020",
    "/ban-quy-dinh/specimen-2020/ap-dung",
    "/ban-quy-dinh/specimen-2020/bang-tieu-chi.xlsx",
    "/ban-quy-dinh/specimen-2020/cham-thu",
    "/ban-quy-dinh/specimen-2020/nhap-bang",
    "/ban-quy-dinh/specimen-2020/phan/lich",
    "/ban-quy-dinh/specimen-2020/tep.yaml",
    "/ban-quy-dinh/specimen-2020/tieu-chi",
    "/ban-quy-dinh/specimen-2020/tieu-chi/0",
    "/ban-quy-dinh/specimen-2020/van-ban/lich",
    "/bang",
    "/bang.csv",
    "/bang.xlsx",
    "/bang/don-doc",
    "/bat-dau-nam",
    "/bat-dau-nam/mau.csv",
    "/bat-dau-nam/xem",
    "/cum",
    "/cum/mttq-hanoi/2026/cum-1",
    "/cum/mttq-hanoi/2026/cum-1/bang-diem",
    "/cum/mttq-hanoi/2026/cum-1/bang-diem.csv",
    "/cum/mttq-hanoi/2026/cum-1/bang-diem.xlsx",
    "/cum/mttq-hanoi/2026/cum-1/bang-diem/don-vi-1",
    "/cum/mttq-hanoi/2026/cum-1/bang-diem-cong-thuc.xlsx",
    "/cum/mttq-hanoi/2026/cum-1/bieu-do-diem",
    "/cum/mttq-hanoi/2026/cum-1/bieu-do-diem/don-vi-1",
    "/cum/mttq-hanoi/2026/cum-1/bao-cao/don-vi-1",
    "/cum/mttq-hanoi/2026/cum-1/bao-cao/don-vi-1/toan-van",
    "/cum/mttq-hanoi/2026/cum-1/bien-ban/hn-1",
    "/cum/mttq-hanoi/2026/cum-1/bien-nhan/3",
    "/cum/mttq-hanoi/2026/cum-1/da-ghi",
    "/cum/mttq-hanoi/2026/cum-1/du-thao",
    "/cum/mttq-hanoi/2026/cum-1/du-thao/covenant",
    "/cum/mttq-hanoi/2026/cum-1/du-thao/covenant/toan-van/1",
    "/cum/mttq-hanoi/2026/cum-1/hoi-nghi",
    "/cum/mttq-hanoi/2026/cum-1/hoi-nghi/hn-1",
    "/cum/mttq-hanoi/2026/cum-1/hoi-nghi/hn-1/thay-doi",
    "/cum/mttq-hanoi/2026/cum-1/lam",
    "/cum/mttq-hanoi/2026/cum-1/lam/sign",
    "/cum/mttq-hanoi/2026/cum-1/muc/3",
    "/cum/mttq-hanoi/2026/cum-1/so",
    "/cum/mttq-hanoi/2026/cum-1/so-sanh",
    "/cum/mttq-hanoi/2026/cum-1/so-sanh.csv",
    "/cum/mttq-hanoi/2026/cum-1/so-sanh.json",
    "/cum/mttq-hanoi/2026/cum-1/so.csv",
    "/cum/mttq-hanoi/2026/cum-1/so.json",
    "/cum/mttq-hanoi/2026/cum-1/sua/3",
    "/cum/mttq-hanoi/2026/cum-1/thoi-diem",
    "/cum/mttq-hanoi/2026/cum-1/y-kien/1",
    "/cum/mttq-hanoi/2026/cum-1/thoi-diem.csv",
    "/cum/mttq-hanoi/2026/cum-1/thoi-diem.json",
    "/cum/mttq-hanoi/2026/cum-1/y-kien",
    "/dang-nhap",
    "/diem-khac",
    "/diem-khac.csv",
    "/diem-khac.json",
    "/diem-khac.xlsx",
    "/kiem-tra",
    "/kiem-tra/x",
    "/kiem-tra/x/ket-qua.json",
    "/lich/x.ics",
    "/loi-moi/x",
    "/ma-mot-lan",
    "/ngon-ngu/en",
    "/mau",
    "/nguoi-dung",
    "/nguoi-dung.xlsx",
    "/nhat-ky-doc",
    "/tep",
    "/tep/x/y.pdf",
    "/tep/x/y.pdf/trang/1",
    "/tep/x/y.pdf/xem",
    "/tim",
    "/toi",
    "/toi/vai-tro",
    "/tro-giup",
    "/tro-giup/can-bo",
    "/viec",
    "/viec.xlsx",
    "/viec/ban-in",
    "/viec/cho-noi-khac",
    "/viec/da-ghi",
)


def test_bookmarked_addresses_lead_to_pages() -> None:
    routes = [route for router in routers() for route in router.routes]

    def known(path: str) -> bool:
        scope = {"type": "http", "method": "GET", "path": path}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    assert [path for path in BOOKMARKED if not known(path)] == []
    assert not known("/khong-co")


def test_functions_of_addresses_fill_in_what_a_page_asks_for() -> None:
    assert urls.cycle_url(STREAM) == "/cum/mttq-hanoi/2026/cum-1"
    assert urls.act_url(STREAM, "sign", unit="don-vi-1") == f"/cum/{STREAM}/lam/sign?unit=don-vi-1"
    assert urls.act_url(STREAM, "sign", on=None) == f"/cum/{STREAM}/lam/sign"
    assert urls.correct_as_act_url(STREAM, "score-self", 7) == f"/cum/{STREAM}/lam/score-self?_sua=7"
    assert urls.receipt_url(STREAM, 7, known=True) == f"/cum/{STREAM}/bien-nhan/7?truoc=1"
    assert urls.moment_url(STREAM, "json", version=0) == f"/cum/{STREAM}/thoi-diem.json?sau=0"
    assert urls.comparison_url(STREAM, first="1", second="2") == f"/cum/{STREAM}/so-sanh?tu=1&den=2"
    assert urls.task_url(STREAM, "final-meeting", "don-vi-1") == f"/cum/{STREAM}/hoi-nghi?kind=final"
    papers = f"/cum/{STREAM}/du-thao"
    assert urls.task_url(STREAM, "signature", "don-vi-1") == f"{papers}?viec=signature&don_vi=don-vi-1#ky"
    assert urls.task_url(STREAM, "stance", "don-vi-1") == f"{papers}?viec=stance&don_vi=don-vi-1#tra-loi"
    assert urls.other_task_url(STREAM, "stance", "don-vi-1") == (
        "comment",
        f"{papers}?viec=stance&don_vi=don-vi-1#gop-y",
    )
    assert urls.draft_url(STREAM, "plan", 2, old=1, part="gop-y") == f"{papers}/plan?tu=1&den=2#gop-y"
    assert urls.board_url({urls.YEAR: "2026", urls.STEP: ""}, page=2) == "/bang?nam=2026&trang=2"
    assert urls.login_url("/cum?x=1") == "/dang-nhap?den=%2Fcum%3Fx%3D1"


def test_no_link_of_ours_leads_to_another_site() -> None:
    assert urls.local_path("/viec?x=1") == "/viec?x=1"
    for elsewhere in ("//example.invalid", "/\\example.invalid", "https://example.invalid", "", "viec", "/a\nb"):
        assert urls.local_path(elsewhere) == "/"


def test_an_address_is_written_in_one_module() -> None:
    segments = {part for path in BOOKMARKED for part in re.findall(r"/[a-z-]+", path)} - {"/so", "/covenant", "/sign"}
    vietnamese = "|".join(sorted(segments - {"/mttq-hanoi", "/cum-", "/x", "/y", "/hn-", "/don-vi-"}))
    written = re.compile(rf"[\"'}}]({vietnamese})(?![a-z-])")
    files = [
        *(file for file in (ROOT / "web").rglob("*.py") if file.name != "urls.py"),
        *(ROOT / "web" / "templates").glob("*.html"),
        ROOT / "web" / "static" / "desk.js",
    ]
    assert {(file.name, found) for file in files for found in written.findall(file.read_text())} == set()


def test_parameters_have_english_names_in_code() -> None:
    paths = {route.path for route in api_router.routes if isinstance(route, APIRoute)}
    assert {"/deviations", "/departures"} <= paths
    names = {
        field.name
        for router in routers()
        for route in router.routes
        if isinstance(route, APIRoute)
        for field in (*route.dependant.query_params, *route.dependant.path_params)
    }
    assert names & {"nam", "buoc", "loc", "tim", "trang", "tu", "den", "sau", "ngay", "biet", "ve", "sua"} == set()
