"""How much work the common jobs are: pages, clicks and keys of each, counted in a real browser. `make jobs`.

Prepares rehearsed cycles on an engine of its own, logs people in, and does each job from the task page on, as somebody
would who knows the pages. Counted are the pages that are loaded after the first one, every click (into an input, too,
unless it has the focus already), and the characters that are typed; what the pages fill in costs nothing.

A job is a short function of steps: when a page changes, its steps change, and then the figures.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Browser, Locator, Page, Response, async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from application.application import Application

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

CITY, YEAR = "mttq-hanoi", 2026
PASSWORD = "mot cau dai de nho"  # noqa: S105 - of people who are rehearsed
SECRETARY = "thu-ky-dien-tap"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
UNITS = ("Phường Láng", "Phường Cửa Nam", "Phường Ba Đình", "Phường Giảng Võ", "Phường Ngọc Hà", "Phường Tây Hồ")
PEOPLE_TO_INVITE, REPORTS, DEVIATIONS, SHEETS = 15, 5, 26, 5
ATTENDING = 40
REDIRECTS = 3  # statuses of three hundred and more

# What is typed in the jobs.
COMMENT = "Đề nghị nêu rõ chỉ tiêu vận động quỹ Vì người nghèo của từng phường."
TITLE = "Báo cáo sơ kết sáu tháng phường X"
REASON = "Chờ số liệu của ba tổ dân phố."
TARGETS = (
    "Vận động quỹ Vì người nghèo đạt 105 % kế hoạch",
    "Sửa hai nhà Đại đoàn kết",
    "Mỗi khu dân cư một mô hình tự quản",
)
POINTS = {"nv-1": "18", "nv-2": "18,5", "ct-1": "14", "ct-2": "13,5", "cb": "27"}
VOTES, PAPERS = ("9", "5"), ("15", "15", "1", "0")
VOTE_KEYS = sum(len(one) + 2 for one in VOTES) + sum(len(one) + 1 for one in PAPERS)
NUMBER, DAY = "412/QĐ-MTTQ-BTT", "20/01/2027"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job costs."""

    pages: int
    clicks: int
    keys: int

    def __str__(self) -> str:
        return f"{self.pages}, {self.clicks}, {self.keys}"

    def exceeds(self, most: Cost) -> bool:
        """Whether one of the figures is above the other's."""
        return self.pages > most.pages or self.clicks > most.clicks or self.keys > most.keys


# Somebody at work ---------------------------------------------------------------------------


@dataclass(slots=True)
class Worker:
    """Somebody at a browser whose work is counted."""

    page: Page
    address: str
    pages: int = 0
    clicks: int = 0
    keys: int = 0
    _response: list[Response] = field(default_factory=list)

    def watch(self) -> None:
        """Count from now on."""
        self.pages = self.clicks = self.keys = 0
        self.page.on("response", lambda answer: self._loaded(answer))  # noqa: PLW0108 - the library marks what it gets

    def _loaded(self, answer: Response) -> None:
        request = answer.request
        is_page = request.is_navigation_request() and request.frame == self.page.main_frame
        if is_page and answer.status // 100 != REDIRECTS:
            self.pages += 1

    @property
    def cost(self) -> Cost:
        """What was counted so far."""
        return Cost(self.pages, self.clicks, self.keys)

    def link(self, part: str) -> Locator:
        """A link of the page whose address holds a text."""
        return self.page.locator(f'main a[href*="{part}"]').last

    def button(self, words: str) -> Locator:
        """A button of the page, by its words."""
        return self.page.locator("main").get_by_role("button", name=words).first

    async def follow(self, where: Locator) -> None:
        """Click what leads to a page."""
        async with self.page.expect_navigation():
            await where.click()
        self.clicks += 1

    async def type(self, name: str, text: str) -> None:
        """Type into an input."""
        box = self.page.locator(f'main [name="{name}"]:not([type=hidden])').first
        if not await box.evaluate("one => one === document.activeElement"):
            await box.click()
            self.clicks += 1
        await box.fill(text)
        self.keys += len(text)

    async def choose(self, name: str, value: str) -> None:
        """Choose from a list: one click, on the line."""
        box = self.page.locator(f'main select[name="{name}"]').first
        await box.focus()
        await box.select_option(value)
        self.clicks += 1

    async def go_on(self, text: str, *, inputs: int = 1) -> None:
        """Go to a later input by Enter, and type there."""
        for _ in range(inputs):
            await self.page.keyboard.press("Enter")
        await self.page.keyboard.type(text)
        self.keys += inputs + len(text)

    async def writes_minutes(self, cycle: str, kind: str) -> None:
        """Begin minutes of a meeting; what is counted begins on their page."""
        await self.page.goto(f"{self.address}/cum/{cycle}/hoi-nghi?kind={kind}")
        await self.page.fill("#when-on", f"05/01/{YEAR}")
        await self.follow(self.button("Mở biên bản"))
        self.pages = self.clicks = self.keys = 0

    async def attach(self, name: str, file: Path) -> None:
        """Choose a file, and wait until it is sent."""
        await self.page.locator(f'main input[type=file][name="{name}"]').set_input_files(file)
        self.clicks += 1
        await self.page.locator(".files ul li").first.wait_for()

    async def is_told(self, words: str) -> None:
        """Wait until the form says that this would be recorded: nothing is sent that was not shown."""
        await self.page.locator("#summary").get_by_text(words).first.wait_for()

    async def press(self, where: Locator) -> None:
        """Click something that changes the page."""
        await where.click()
        self.clicks += 1

    async def answer_paper(self, step: str) -> None:
        """Send an answer on a paper's page, which then says that it stands in the register."""
        await self.follow(self.page.locator(f"main button[value={step}]"))
        await self.page.locator("main [data-done]").wait_for()

    async def listed(self, name: str, least: int) -> int:
        """How many lines can be ticked.

        Raises:
            AssertionError: so few that the job is not the one that is measured.
        """
        count = await self.page.locator(f"main input[name={name}]").count()
        if count < least:
            raise AssertionError(f"{name}: {count} lines")
        return count

    async def is_answered(self, words: str) -> None:
        """Wait until the first page says what became of an answer."""
        await self.page.locator("#da-tra-loi").get_by_text(words).first.wait_for()

    async def enter(self) -> None:
        """Enter the act into the register, and look at the receipt."""
        await self.follow(self.page.locator("main button[value=shown]"))
        if "/bien-nhan/" not in self.page.url:
            raise AssertionError(await self.page.inner_text("main"))


Job = Callable[[Worker, "Office"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MeasuredJob:
    """A job, who does it, what it cost before this was measured, and the most that it may cost."""

    name: str
    who: str
    do: Job
    before: str
    most: Cost
    phone: bool = False


# The jobs -----------------------------------------------------------------------------------


async def invite(at: Worker, _office: Office) -> None:
    """Invite all people who were entered."""
    await at.follow(at.page.locator('header a[href="/nguoi-dung"]'))
    await at.follow(at.button(f"Mời tất cả {PEOPLE_TO_INVITE} người qua thư"))
    await at.page.get_by_text(f"Đã gửi {PEOPLE_TO_INVITE} trong {PEOPLE_TO_INVITE} thư mời.").first.wait_for()


async def first_login(at: Worker, office: Office) -> None:
    """From the link in the mail to the tasks."""
    await at.page.goto(at.address + office.invitation)
    at.clicks += 1  # on the link in the mail
    await at.type("_password", PASSWORD)
    await at.follow(at.page.locator("main button.main"))
    await at.page.locator("#lam-duoc").wait_for()


async def comment(at: Worker, office: Office) -> None:
    """Say what should be changed in a draft."""
    await at.follow(at.page.locator(f'main a[href*="{office.signing}/du-thao"][href$="#gop-y"]').first)
    await at.type("text", COMMENT)
    await at.answer_paper("comment")


async def sign(at: Worker, office: Office) -> None:
    """Sign the covenant."""
    await at.follow(at.page.locator(f'main a[href*="{office.signing}/du-thao"][href$="#ky"]').first)
    await at.type("_password", PASSWORD)
    await at.answer_paper("sign")


async def report(at: Worker, office: Office) -> None:
    """Hand in the mid-year report with a picture."""
    await at.follow(at.link(f"{office.midyear}/lam/report-midyear"))
    await at.type("report.title", TITLE)
    await at.attach("_file.report.title", office.picture)
    await at.is_told(office.picture.name)
    await at.enter()


async def register(at: Worker, office: Office) -> None:
    """Register three targets."""
    await at.follow(at.link(f"{office.midyear}/lam/register-targets"))
    for number, target in enumerate(TARGETS):
        await at.type(f"targets.{number}.title", target)
    await at.is_told(TARGETS[-1])
    await at.enter()


async def refuse(at: Worker, _office: Office) -> None:
    """Refuse a request for more time."""
    row = at.page.locator("main li.row-line", has_text=UNITS[-1]).first
    await at.press(row.locator("summary"))
    await at.type("reason", REASON)
    await at.press(row.locator("button[value=refuse]"))
    await at.is_answered("không gia hạn")


async def accept(at: Worker, _office: Office) -> None:
    """Accept all reports that wait."""
    count = await at.listed("_report", REPORTS)
    await at.press(at.page.locator("[data-all=_report]"))
    await at.press(at.page.locator("main button[value=accept]"))
    await at.is_answered(f"Đã ghi {count} trên {count} dòng")


async def acknowledge(at: Worker, _office: Office) -> None:
    """Acknowledge all deviations that wait."""
    count = await at.listed("_deviation", DEVIATIONS)
    await at.press(at.page.locator("#noi-dung-khac + details > summary"))
    await at.type("reason", REASON)
    await at.press(at.page.locator("[data-all=_deviation]"))
    await at.press(at.page.locator("main button[value=acknowledge]"))
    await at.is_answered(f"Đã ghi {count} trên {count} dòng")


async def decide(at: Worker, office: Office) -> None:
    """Record the award decision for two awards that were nominated."""
    await at.follow(at.link(f"{office.concluding}/lam/decide-awards"))
    await at.type("decision.number", NUMBER)
    await at.type("decision.issued", DAY)
    await at.is_told(NUMBER)
    await at.type("_password", PASSWORD)
    await at.enter()


async def appraise(at: Worker, office: Office) -> None:
    """Appraise five sheets as they are proposed."""
    await at.follow(at.link(f"{office.scoring}/cham-diem/appraised"))
    await at.press(at.page.locator("main button[name=_take][value=all]"))
    await at.page.locator("#enter", has_text=f"Ghi bảng điểm của {SHEETS} đơn vị").wait_for()
    await at.follow(at.page.locator("#enter"))
    await at.page.get_by_text(f"Đã ghi vào sổ: {SHEETS} đơn vị").first.wait_for()


async def score(at: Worker, office: Office) -> None:
    """Score the own unit in five criteria: from cell to cell by Enter."""
    await at.follow(at.link(f"{office.midyear}/cham-diem/self"))
    for criterion, points in POINTS.items():
        await at.type(f"s-1.{criterion}.points", points)
        await at.page.keyboard.press("Enter")
        at.keys += 1
    await at.page.locator("#enter", has_text="Ghi bảng điểm của 1 đơn vị").wait_for()
    await at.follow(at.page.locator("#enter"))
    if "/bien-nhan/" not in at.page.url:
        raise AssertionError(await at.page.inner_text("main"))


async def attendance(at: Worker, office: Office) -> None:
    """Say in the minutes that all of forty units are there."""
    await at.writes_minutes(office.meeting, "quarterly")
    await at.follow(at.page.locator("#parts a", has_text="Thành phần"))
    await at.press(at.button("Có mặt cả"))
    await at.page.locator("#attending-count", has_text=f"{ATTENDING}/{ATTENDING} đơn vị").wait_for()


async def vote(at: Worker, office: Office) -> None:
    """Write a vote with two choices into the minutes, in place: its figures by Enter."""
    await at.writes_minutes(office.meeting, "final")
    await at.follow(at.page.locator("#parts a", has_text="Biểu quyết"))
    await at.press(at.button("Ghi kết quả biểu quyết"))
    path = await at.page.locator(".vote").get_attribute("data-cell")
    await at.choose(f"{path}.subject", "head")
    await at.choose(f"{path}.method", "secret-ballot")
    for number, votes in enumerate(VOTES):
        await at.choose(f"{path}.choices.{number}.unit", f"h-{number + 1}")
        await at.go_on(votes, inputs=2)
    for papers in PAPERS:
        await at.go_on(papers)
    await at.page.get_by_text("✓ khớp: 9 + 5 + 1 = 15").first.wait_for()


def officer(unit: str) -> str:
    """The account of a unit's officer."""
    return f"cb-{unit}"


JOBS = (
    MeasuredJob("invite 15 people", SECRETARY, invite, "15, 15, 0", Cost(2, 3, 0)),
    MeasuredJob("first login on a phone", "", first_login, "3, 6, 109", Cost(3, 6, 45), phone=True),
    MeasuredJob("comment on the draft", officer("k-2"), comment, "4, 10, 149", Cost(2, 3, len(COMMENT))),
    MeasuredJob("sign", officer("k-2"), sign, "3, 5, 20", Cost(2, 3, 20)),
    MeasuredJob("mid-year report with a picture", officer("s-1"), report, "3, 6, 35", Cost(2, 4, 35)),
    MeasuredJob("register 3 targets", officer("s-1"), register, "7, 24, 119", Cost(2, 6, len("".join(TARGETS)))),
    MeasuredJob("grant / refuse an extension", SECRETARY, refuse, "3, 5, 36", Cost(1, 2, len(REASON))),
    MeasuredJob("accept 5 reports", SECRETARY, accept, "20, 15, 0", Cost(2, 3, 0)),
    MeasuredJob("acknowledge 26 deviations", SECRETARY, acknowledge, "78, 78, …", Cost(2, 3, len(REASON))),
    MeasuredJob("appraise 5 sheets unchanged", SECRETARY, appraise, "20, 15, 0", Cost(2, 3, 0)),
    MeasuredJob("self-score of 5 criteria", officer("s-1"), score, "3, 8, 14", Cost(2, 2, 19)),
    MeasuredJob("attendance of 40 units", SECRETARY, attendance, "41, 41, 0", Cost(1, 2, 0)),
    MeasuredJob("a vote with 2 choices", SECRETARY, vote, "4, 19, …", Cost(1, 6, VOTE_KEYS)),
    MeasuredJob("award decision, 2 awards", SECRETARY, decide, "5, 17, 76", Cost(2, 5, len(NUMBER + DAY + PASSWORD))),
)

# The rehearsed installation -----------------------------------------------------------------


@dataclass(slots=True)
class Office:
    """What the jobs find: cycles in three parts of their year, people, a picture."""

    signing: str
    """A cycle whose covenant is being signed."""
    midyear: str
    """One in the middle of its year."""
    concluding: str
    """One whose nominations were submitted."""
    scoring: str
    """One whose sheets wait for the appraisal."""
    meeting: str
    """One of forty units, whose head keeps minutes."""
    picture: Path
    newcomer: str
    invitation: str = ""


class Preparation:
    """Prepares what the jobs find, by acts as they are entered at the command line."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def office(self, folder: Path) -> Office:
        """The cycles and the people."""
        await self._person(SECRETARY, CITY, "Trần Thị Thư Ký", "secretariat")
        await self._person("cb-moi", "don-vi-moi", "Lê Văn Mới", None)
        signing, midyear, concluding = [await self._cycle(kind) for kind in ("k", "s", "t")]
        scoring = await self._cycle("d", SHEETS)
        await self._until_signing(signing, "k", 2)
        await self._until_midyear(midyear)
        await self._until_nominated(concluding)
        await self._until_checked(scoring)
        meeting = await self._cycle("h", ATTENDING)
        await self._signed_late(await self._cycle("m", DEVIATIONS))
        for number in range(PEOPLE_TO_INVITE):
            await self._person(f"moi-{number}", f"k-{number % len(UNITS) + 1}", f"Phạm Thị Chưa Mời {number}", None)
        picture = folder / "anh-hoi-nghi.png"
        picture.write_bytes(PICTURE)
        return Office(signing, midyear, concluding, scoring, meeting, picture, "cb-moi")

    async def _person(self, person: str, unit: str, name: str, kind: Any) -> None:
        from accounts.store import Accounts  # noqa: PLC0415 - the path is known when this runs
        from domain.administration import MakeAccount  # noqa: PLC0415

        await self.app.people.enter(
            person, unit, f"{name} (diễn tập)", office="cán bộ", email=f"{person}@example.invalid"
        )
        if kind is not None:
            made = MakeAccount(person=person, kind=kind, administrator=kind == "secretariat", until=None)
            await self.app.administer(made)  # type: ignore[attr-defined]
            await Accounts(self.app.ledger.pool).set_password(person, PASSWORD)

    async def _cycle(self, kind: str, count: int = len(UNITS)) -> str:
        """Open a cycle of so many units, each with an officer."""
        from application.yaml_files import read_model  # noqa: PLC0415
        from domain.rules import Edition  # noqa: PLC0415

        edition = read_model(ROOT / "rules" / "rehearsal-2026.yaml", Edition)
        digest = await self.app.texts.put_edition(edition.model_dump_json())
        stream = f"{CITY}/{YEAR}/cum-{kind}"
        names = [*UNITS[:count], *(f"Phường {n}" for n in range(len(UNITS) + 1, count + 1))]
        units = [{"id": f"{kind}-{n}", "name": name} for n, name in enumerate(names, 1)]
        for unit in units:
            await self._person(officer(unit["id"]), unit["id"], f"Cán bộ {unit['name']}", "staff")
        fields = {
            "organiser": CITY,
            "organiser_name": "Ủy ban MTTQ thành phố (diễn tập)",
            "cluster_name": {
                "d": "Cụm chấm điểm",
                "h": "Cụm họp",
                "k": "Cụm ký giao ước",
                "m": "Cụm ký muộn",
                "s": "Cụm sơ kết",
                "t": "Cụm tổng kết",
            }[kind],
            "year": YEAR,
            "edition": digest,
            "units": units,
            "clock": "stepped",
            "starts": _moment(1, 5).isoformat(),
        }
        await self._enter(stream, "", ("open-cycle", fields))
        return stream

    async def _enter(
        self, stream: str, unit: str, *acts: tuple[str, dict[str, Any]], meeting: str | None = None
    ) -> None:
        from application.application import CommandInput  # noqa: PLC0415
        from application.gate import at_command_line  # noqa: PLC0415

        who = await self.app.people.get(officer(unit) if unit else SECRETARY)
        if who is None:
            raise LookupError(unit)
        inputs = [CommandInput(stream, act, fields, meeting=meeting) for act, fields in acts]
        await self.app.submit(stream, at_command_line(who), inputs)

    async def _step(self, stream: str, month: int, day: int) -> None:
        await self._enter(stream, "", ("step-to", {"now": _moment(month, day).isoformat()}))

    async def _until_signing(self, stream: str, kind: str, month: int) -> None:
        """Papers are presented; with a month after February, late."""
        await self._step(stream, month, 10)
        papers = {"plan": "Kế hoạch", "bylaws": "Quy chế", "covenant": "Giao ước"}
        for paper, title in papers.items():
            text = f"{title} thi đua năm {YEAR} (diễn tập).\nĐiều 1. Chỉ tiêu chung."
            document = {"title": f"{title} {kind}", "text": text}
            await self._enter(stream, "", ("present-draft", {"kind": paper, "document": document}))

    async def _until_midyear(self, stream: str) -> None:
        """All but the first unit have reported; the last one asks for more time for its signature."""
        await self._until_signing(stream, "s", 3)
        ask = {"unit": "s-6", "duty": "signature", "until": f"{YEAR}-07-31", "reason": "Chờ họp Ban Thường trực."}
        await self._enter(stream, "s-6", ("ask-extension", ask))
        await self._step(stream, 7, 3)
        for number in range(2, len(UNITS) + 1):
            document = {
                "title": "Báo cáo sơ kết (diễn tập)",
                "number": f"{number}/BC",
                "text": "Đạt 52 % chỉ tiêu năm.",
            }
            await self._enter(stream, f"s-{number}", ("report-midyear", {"unit": f"s-{number}", "report": document}))

    async def _signed_late(self, stream: str) -> None:
        """Every unit signs after the last day: so many deviations."""
        await self._until_signing(stream, "m", 3)
        await self._step(stream, 7, 3)
        for number in range(1, DEVIATIONS + 1):
            await self._enter(stream, f"m-{number}", ("sign", {"unit": f"m-{number}"}))

    async def _until_checked(self, stream: str) -> None:
        """All units have scored themselves and each other."""
        await self._step(stream, 11, 2)
        sheet = [{"criterion": criterion, "points": points} for criterion, points in POINTS.items()]
        units = [f"d-{number}" for number in range(1, SHEETS + 1)]
        for unit in units:
            await self._enter(stream, unit, ("score-self", {"unit": unit, "sheet": sheet}))
        await self._step(stream, 11, 12)
        for by, unit in zip(units, [*units[1:], units[0]], strict=True):
            await self._enter(stream, by, ("cross-check", {"unit": unit, "by": by, "sheet": sheet}))

    async def _until_nominated(self, stream: str) -> None:
        """Two units are nominated, and the nominations are submitted."""
        await self._step(stream, 12, 10)
        await self._enter(stream, "", ("record-meeting", {"id": "tong-ket", "kind": "final", "place": "Hà Nội"}))
        named = [("nominate", {"unit": f"t-{n}", "award": award}) for n, award in ((1, "co-thi-dua"), (2, "bang-khen"))]
        await self._enter(stream, "", *named, meeting="tong-ket")
        await self._enter(stream, "", ("submit", {"submission": {"number": "07/TTr-MTTQ"}}))


def _moment(month: int, day: int) -> datetime:
    from domain.times import ICT  # noqa: PLC0415

    return datetime(YEAR, month, day, 9, tzinfo=ICT)


PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f0001040100"
    "5fe5c34b0000000049454e44ae426082"
)
"""A picture of one point."""


# Measuring ----------------------------------------------------------------------------------


@asynccontextmanager
async def _at_work(browser: Browser, address: str, job: MeasuredJob) -> AsyncIterator[Worker]:
    """Somebody who has logged in and looks at the tasks; a newcomer has yet to."""
    context = await browser.new_context(locale="vi-VN", **(PHONE if job.phone else {}))
    context.set_default_timeout(20_000)
    page = await context.new_page()
    if job.who:
        await page.goto(f"{address}/dang-nhap")
        await page.fill("#person", job.who)
        await page.fill("#password", PASSWORD)
        async with page.expect_navigation():
            await page.click("main button.main")
        await page.goto(f"{address}/viec")
    yield Worker(page, address)
    await context.close()


async def measure(browser: Browser, address: str, office: Office) -> dict[str, Cost]:
    """Do every job, and return what each cost.

    Raises:
        AssertionError: a job did not come to its receipt.
    """
    found: dict[str, Cost] = {}
    for job in JOBS:
        async with _at_work(browser, address, job) as at:
            at.watch()
            await job.do(at, office)
            found[job.name] = at.cost
    return found


def table(found: dict[str, Cost]) -> str:
    """The figures of all jobs; those that are above what they should be are marked."""
    rows = [("job", "before", "at most", "now")]
    for job in JOBS:
        mark = " (above)" if found[job.name].exceeds(job.most) else ""
        rows.append((job.name, job.before, str(job.most), f"{found[job.name]}{mark}"))
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["pages, clicks, keys of each job, from the task page on", *lines])


async def _measured(say: Callable[[str], None], folder: Path) -> dict[str, Cost]:
    from accounts.store import Accounts  # noqa: PLC0415 - it reads its folders from the environment
    from cli.session import session  # noqa: PLC0415
    from tools.browser import SWITCHES  # noqa: PLC0415

    found = subprocess.run(["sh", "tools/chromium.sh"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607, ASYNC221 - the shell of the machine, before anything runs
    program = found.stdout.strip().splitlines()[-1]
    async with session("web", say, rehearsal=True) as app, async_playwright() as playwright:
        office = await Preparation(app).office(folder)
        await invite_newcomer(app, Accounts(app.ledger.pool), office)
        browser = await playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        costs = await measure(browser, app.endpoints.web_address or "", office)
        await browser.close()
        return costs


async def invite_newcomer(app: Any, accounts: Any, office: Office) -> None:
    """Give the newcomer the link that the mail would bring."""
    from domain.administration import MakeAccount  # noqa: PLC0415

    await app.administer(MakeAccount(person=office.newcomer, kind="staff", administrator=False, until=None))
    office.invitation = f"/loi-moi/{await accounts.invite(office.newcomer)}"


def failures(found: dict[str, Cost]) -> Sequence[str]:
    """The jobs that cost more than they may."""
    return [f"{job.name}: {found[job.name]}" for job in JOBS if found[job.name].exceeds(job.most)]


def main() -> int:
    """Prepare, measure, print."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        os.environ.update(THIDUA_DATA=f"{made}/data", THIDUA_LOGS=f"{made}/logs")
        found = asyncio.run(_measured(lambda text: print(text, file=sys.stderr), Path(made)))
    print(table(found))
    for line in failures(found):
        print(f"above its bound: {line}", file=sys.stderr)
    return 1 if failures(found) else 0


if __name__ == "__main__":
    sys.exit(main())
