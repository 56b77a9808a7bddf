"""What stopped people at their first use of the pages: words that say nothing, codes to type, texts not at hand."""

from __future__ import annotations

import html
import re
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from speech import RULES, Case
from web_help import Site, Visitor

from accounts.logins import today
from domain import post
from domain.records import Event
from domain.steps.drafting import PresentDraft
from domain.types import Document
from i18n import in_language
from i18n.details import NOT_SHOWN
from i18n.fields import field_label
from i18n.state_text import state_lines


async def a_city(site: Site, *, clock: str = "stepped") -> tuple[str, Visitor]:
    """A cycle with two units, and its secretary, who is an administrator, too."""
    stream = await open_cycle(site.app, RULES, members=units(2), clock=clock)
    await site.person("thu-ky", CITY, "secretariat", name="Trần Thị Thư", administrator=True)

    async def known() -> bool:
        return "don-vi-1" in dict(await site.services.people.units(CITY))

    await eventually(known)
    return stream, await site.log_in("thu-ky")


def shown(page: str) -> str:
    """The text of the main part of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.split("<main", 1)[-1])).split())


# Logging in -----------------------------------------------------------------------------------------------------


async def test_after_choosing_a_password_one_is_in(site: Site) -> None:
    await site.person("an", "don-vi-1")
    way = f"/loi-moi/{await site.services.accounts.invite('an')}"
    visitor = await site.log_in("ai-do")
    await visitor.get(way)
    await visitor.post(way, _password="mot cau dai de nho", _again="mot cau dai de nho")
    assert visitor.at == "/viec"
    assert "Nguyễn An" in visitor.page
    assert "hãy đăng nhập" in await visitor.get(way), "a link that was used leads on"


async def test_whoever_must_have_codes_is_told_why_and_what_is_needed(real_site: Site) -> None:
    await real_site.person("thu-ky", CITY, "secretariat")
    secretary = await real_site.log_in("thu-ky")
    assert secretary.at == "/ma-mot-lan"
    assert "Thư ký và người quản trị đăng nhập bằng mật khẩu và mã" in secretary.page
    assert "Google Authenticator" in secretary.page


# People ---------------------------------------------------------------------------------------------------------


async def test_a_unit_is_typed_by_its_name_for_every_kind_of_account(site: Site, tmp_path: Path) -> None:
    _stream, secretary = await a_city(site)
    until = today().replace(year=today().year + 1).strftime("%d/%m/%Y")
    for number, kind in enumerate(("staff", "secretariat", "auditor")):
        await secretary.get("/nguoi-dung")
        await secretary.post(
            "/nguoi-dung",
            name=f"Người {'abc'[number]}",
            unit="đơn vị 1",
            kind=kind,
            until=until,
            email=f"nguoi-{number}@example.invalid",
        )
        assert secretary.status == 200, (kind, shown(secretary.page)[:200])
        assert (await site.services.accounts.must(f"nguoi-{'abc'[number]}")).kind == kind
    await secretary.get("/nguoi-dung")
    await secretary.post("/nguoi-dung", name="Người Lạ", unit="Thanh tra Nhà nước", kind="auditor", until=until)
    assert (secretary.status, "nối bằng gạch" in secretary.page) == (422, True)
    mails = [BytesParser(policy=default).parsebytes(file.read_bytes()) for file in (tmp_path / "outbox").glob("*.eml")]
    reads = {mail["To"].partition("@")[0]: "Bạn được giao kiểm tra sổ" in mail.get_content() for mail in mails}
    assert reads == {"nguoi-0": False, "nguoi-1": False, "nguoi-2": True}


async def test_the_states_of_accounts_are_those_of_accounts(site: Site) -> None:
    _stream, secretary = await a_city(site)
    (states,) = re.findall(r'<select id="f-state".*?</select>', await secretary.get("/nguoi-dung"), re.DOTALL)
    assert "đã khóa" in states
    assert "chưa công khai" not in states, "that is said of points"


# Forms ----------------------------------------------------------------------------------------------------------


async def test_persons_are_chosen_by_name_and_codes_are_typed_by_nobody(site: Site) -> None:
    stream, secretary = await a_city(site)
    await site.person("an", "don-vi-1", name="Nguyễn Văn An")
    form = await secretary.get(f"/cum/{stream}/lam/name-overseer")
    assert re.search(r'<option value="an">\s*Nguyễn Văn An, cán bộ \(Đơn vị 1\)</option>', form)
    assert "datalist" not in form
    for way in (f"/cum/{stream}/lam/record-ballot", f"/cum/{stream}/lam/record-letter", f"/cum/{stream}/hoi-nghi"):
        found = re.findall(r'<input[^>]*name="id"[^>]*>', await secretary.get(way))
        assert [('type="hidden"' in one, re.search(r'value="\w\w-\w{6}"', one) is not None) for one in found] == [
            (True, True)
        ], way


async def test_enter_in_a_field_of_the_minutes_goes_on_and_adds_no_row(site: Site) -> None:
    stream, secretary = await a_city(site)
    form = (await secretary.get(f"/cum/{stream}/hoi-nghi")).split(f'action="/cum/{stream}/hoi-nghi"', 1)[1]
    first = re.search(r"<button[^>]*>", form)
    assert first is not None
    assert "_more" not in first.group(), "a browser presses the first button of a form"


async def test_who_answers_or_signs_drafts_has_them_at_hand(site: Site) -> None:
    stream, secretary = await a_city(site)
    assert "Theo quy định còn phải trình" not in await secretary.get(f"/cum/{stream}/lam/take-stance")
    for kind in ("plan", "covenant"):
        title = {"title": f"Dự thảo {kind.upper()}"}
        await submit(site.app, stream, CITY, "present-draft", {"kind": kind, "document": title})
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    for act in ("take-stance", "comment"):
        form = await an.get(f"/cum/{stream}/lam/{act}?unit=don-vi-1")
        assert [f"/du-thao/{kind}?den=1" in form for kind in ("plan", "covenant")] == [True, True], act
    form = await an.get(f"/cum/{stream}/lam/sign?unit=don-vi-1")
    assert [f"/du-thao/{kind}?den=1" in form for kind in ("plan", "covenant")] == [False, True]
    paper = await an.get(f"/cum/{stream}/du-thao/covenant")
    assert "Giao ước: Dự thảo COVENANT" in shown(paper), "a paper is called what it is, not what its reader is"
    assert [f'value="{step}"' in paper for step in ("agree", "comment", "sign")] == [True] * 3, (
        "all of it is done there"
    )
    lacking = [kind for kind in RULES.required_drafts if kind not in {"plan", "covenant"}]
    assert lacking
    assert "Theo quy định còn phải trình: quy chế" in await secretary.get(f"/cum/{stream}/lam/present-draft")


async def test_the_end_of_backfilling_is_offered_while_there_is_any(site: Site) -> None:
    offered = []
    for clock in ("wall", "backfill"):
        stream = await open_cycle(site.app, RULES, members=units(2), clock=clock)
        await site.person("thu-ky", CITY, "secretariat")
        secretary = await site.log_in("thu-ky")
        offered.append("lam/change-calendar" in await secretary.get(f"/cum/{stream}/lam"))
    assert offered == [False, True]


async def test_the_secretariat_gives_itself_more_time_and_does_not_ask_for_it(site: Site) -> None:
    stream, secretary = await a_city(site)
    tasks = await secretary.get("/viec")
    assert f"/cum/{stream}/lam/extend?" in tasks
    assert "lam/ask-extension" not in tasks


async def test_minutes_that_were_begun_are_told_apart(site: Site) -> None:
    stream, secretary = await a_city(site)
    for number, name in ((1, "Hội nghị phát động"), (2, "Hội nghị sơ kết cụm")):
        await secretary.get(f"/cum/{stream}/hoi-nghi")
        typed = {"_on": "01/01/2026", "kind": ("other", "thematic")[number - 1], "name": name}
        await secretary.post(f"/cum/{stream}/hoi-nghi", **secretary.hidden(), **typed)
        assert secretary.status == 200
    begun = shown(await secretary.get(f"/cum/{stream}/hoi-nghi"))
    assert "Hội nghị phát động, 01/01/2026" in begun
    assert "Hội nghị sơ kết cụm, 01/01/2026" in begun


async def test_a_year_that_is_none_is_answered_with_what_to_type(site: Site) -> None:
    _stream, secretary = await a_city(site)
    await secretary.get("/bat-dau-nam")
    typed = {"organiser_name": "Hà Nội", "table": "a", "edition": "specimen-2020.yaml"}
    await secretary.post("/bat-dau-nam", year="hai nghìn", **typed)
    assert (secretary.status, "gõ bốn chữ số, ví dụ 2027" in secretary.page) == (422, True)


# Lists ----------------------------------------------------------------------------------------------------------


def test_a_state_tells_files_by_their_names() -> None:
    paper = Document(title=f"Kế hoạch tep/{'a' * 64}/ke%20hoach.pdf")
    lines = "\n".join(state_lines(Case().when(PresentDraft(kind="plan", document=paper)).state, {}))
    assert "Kế hoạch ke hoach.pdf" in lines
    assert "tep/" not in lines


ON_NO_PAGE = frozenset({post.__name__})


def test_every_field_that_is_shown_has_a_label() -> None:
    shown_fields = {
        (event.__name__, name)
        for event in Event.KNOWN.values()
        for name in event.model_fields
        if (event.__name__, name) not in NOT_SHOWN and event.__module__ not in ON_NO_PAGE
    }
    assert len(shown_fields) > 300
    with in_language("vi"):
        bare = {(event, name) for event, name in shown_fields if field_label(name).casefold().replace(" ", "_") == name}
    assert bare == set()
