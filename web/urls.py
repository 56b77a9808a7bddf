"""The addresses of the pages: each path once, as routes know it, and a function for each kind of page with parts.

Addresses are Vietnamese, because people read and bookmark them; so are the names of query parameters, which code
reaches by the English aliases below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from application.task_links import ACTS as ACTS_OF_DUTIES
from application.task_links import OTHER_ACTS
from domain.duties import Duty

HOME = "/"
LOGIN = "/dang-nhap"
LOGOUT = "/dang-xuat"
ROLES = "/dien-tap"
SAMPLES = "/mau"
CODE = "/ma-mot-lan"
INVITATION = "/loi-moi/{secret}"
FORGOTTEN = "/quen-mat-khau"
NEW_PASSWORD = "/mat-khau-moi/{secret}"  # noqa: S105 - an address
LANGUAGE = "/ngon-ngu/{language}"
ME = "/toi"
WHO = ME + "/vai-tro"
CALENDAR = "/lich/{secret}.ics"
TASKS = "/viec"
WAITING_TASKS = TASKS + "/cho-noi-khac"
OWN_ACTS = TASKS + "/da-ghi"
TASKS_SHEET = TASKS + "/ban-in"
TASKS_DOWNLOAD = TASKS + ".{extension}"
DRAFTS = "/ban-nhap"
HELP = "/tro-giup"
GUIDE = HELP + "/{name}"
FILES = "/tep"
FILE = FILES + "/{digest}/{name}"
FILE_PREVIEW = FILE + "/xem"
FILE_PAGE = FILE + "/trang/{number}"
PEOPLE = "/nguoi-dung"
PEOPLE_DOWNLOAD = PEOPLE + ".{extension}"
INVITE_ALL = PEOPLE + "/moi/tat-ca"
INVITING = PEOPLE + "/moi/{job}"
HANDOUT = PEOPLE + "/danh-sach/tai-khoan"
HANDOUT_DOWNLOAD = HANDOUT + ".{extension}"
HANDOUT_LINKS = HANDOUT + "/lien-ket"
PERSON = PEOPLE + "/{person}"
SEARCH = "/tim"
BOARD = "/bang"
BOARD_DOWNLOAD = BOARD + ".{extension}"
YEAR_SCORES = BOARD + "/diem.{extension}"
LATE_UNITS = BOARD + "/don-doc"
DEVIATIONS = "/diem-khac"
DEVIATIONS_DOWNLOAD = DEVIATIONS + ".{extension}"
VERIFICATION = "/kiem-tra"
VERIFICATION_JOB = VERIFICATION + "/{job}"
VERIFICATION_RESULT = VERIFICATION_JOB + "/ket-qua.json"
READ_LOG = "/nhat-ky-doc"
ACCOUNT_LOG = "/nhat-ky-tai-khoan"
SOON_SIGNED = ACCOUNT_LOG + "/ky-sau-cap-lai"
INSTALLATION_TIMELINE = "/nhat-ky-he-thong"
CONDITION = "/tinh-trang"
NEW_YEAR = "/bat-dau-nam"
NEW_YEAR_TEMPLATE = NEW_YEAR + "/mau.csv"
NEW_YEAR_LOOK = NEW_YEAR + "/xem"
NEW_YEAR_START = NEW_YEAR + "/mo"
NEW_YEAR_JOB = NEW_YEAR + "/{job}"

EDITIONS = "/ban-quy-dinh"
CRITERIA_TEMPLATE = EDITIONS + "/mau-bang-tieu-chi.xlsx"
EDITION = EDITIONS + "/{edition}"
EDITION_FILE = EDITION + "/tep.yaml"
EDITION_PART = EDITION + "/phan/{part}"
EDITION_TEXT = EDITION + "/van-ban/{part}"
EDITION_CRITERIA = EDITION + "/tieu-chi"
CRITERIA_TABLE = EDITION + "/nhap-bang"
CRITERIA_FILE = EDITION + "/bang-tieu-chi.xlsx"
CRITERION = EDITION_CRITERIA + "/{place}"
EDITION_TRIAL = EDITION + "/cham-thu"
EDITION_ADOPTION = EDITION + "/ap-dung"

CYCLES = "/cum"
CYCLE = CYCLES + "/{organiser}/{year}/{cluster}"
CYCLE_RULES = CYCLE + "/quy-dinh"
ACTS = CYCLE + "/lam"
ACT = ACTS + "/{act}"
ACT_SHEET = ACT + "/bang-cham.xlsx"
RECEIPT = CYCLE + "/bien-nhan/{version}"
CORRECTION = CYCLE + "/sua/{version}"
PAPERS = CYCLE + "/du-thao"
DRAFT = PAPERS + "/{kind}"
DRAFT_TEXT = DRAFT + "/toan-van/{number}"
COMMENTS = CYCLE + "/y-kien"
COMMENT = COMMENTS + "/{number}"
RECORDED = CYCLE + "/da-ghi"
ENTRY = CYCLE + "/muc/{version}"
REPORT = CYCLE + "/bao-cao/{unit}"
REPORT_TEXT = REPORT + "/toan-van"
SCORES = CYCLE + "/bang-diem"
SCORES_DOWNLOAD = SCORES + ".{extension}"
SCORE_SHEET = SCORES + "/{unit}"
SCORE_WORKBOOK = CYCLE + "/bang-diem-cong-thuc.xlsx"
SCORE_CHARTS = CYCLE + "/bieu-do-diem"
UNIT_YEARS = SCORE_CHARTS + "/{unit}"
GRID = CYCLE + "/cham-diem/{round}"
GRID_CHANGES = GRID + "/thay-doi"
GRID_REASONS = GRID + "/ly-do"
GRID_CELL = GRID + "/o/{unit}/{criterion}"
MEETINGS = CYCLE + "/hoi-nghi"
MINUTES = MEETINGS + "/{meeting}"
MINUTES_CHANGES = MINUTES + "/thay-doi"
RECORDED_MINUTES = CYCLE + "/bien-ban/{meeting}"
TIMELINE = CYCLE + "/so"
TIMELINE_DOWNLOAD = TIMELINE + ".{extension}"
MOMENT = CYCLE + "/thoi-diem"
MOMENT_DOWNLOAD = MOMENT + ".{extension}"
COMPARISON = CYCLE + "/so-sanh"
COMPARISON_DOWNLOAD = COMPARISON + ".{extension}"
RECORDING_FILE = CYCLE + "/tep-ghi-chep.yaml"
"""No page: the address by which the log of reading names what `thidua export record` has written."""

# Query parameters and hidden fields, as browsers send them.
BACK_TO = "den"
PASSWORD_CHOSEN = "mat-khau-moi"  # noqa: S105 - a parameter
LANGUAGE_BACK_TO = "ve"
YEAR = "nam"
STEP = "buoc"
MATTER = "loc"
WORDS = "tim"
PAGE = "trang"
CHANGES_PAGE = "trang-doi"
COMMENTS_PAGE = "trang-y-kien"
ACTS_PAGE = "trang-da-ghi"
REQUESTS_PAGE = "trang-gia-han"
REPORTS_PAGE = "trang-bao-cao"
DEVIATIONS_PAGE = "trang-diem-khac"
CLUSTERS_PAGE = "trang-cum"
UNIT = "don_vi"
SURENESS = "chac"
EVENT_STEP = "loai"
OLDEST_FIRST = "tu-dau"
STATE = "tinh"
ACCOUNT_KIND = "tai_khoan"
AFTER_VERSION = "sau"
DAY = "ngay"
KNOWN_ON = "biet"
FROM = "tu"
TO = "den"
PART = "phan"
WHOLE = "du"
CORRECTS = "_sua"
AGAIN = "_lai"
"""On a form: the version of the withdrawn act that it is filled in with."""
SUMMARY = "_xem"
KNOWN_BEFORE = "truoc"
ENTERED_AS = "vao-so"
EDITION_NAMED = "quy-dinh"
EDITION_NUMBER = "ban"
PART_OF = "trong"
CRITERIA_PART = "tieu-chi"
"""The part of a rules edition that has pages of its own."""
ANSWERED_COMMENT = "tra-loi"
ANSWER_OPENING = "mo-dau"
TAKEN_UP, EXPLAINED = "tiep-thu", "giai-trinh"
"""How an answer to a comment begins: that it was taken up, or why it was not."""
PARAGRAPH = "doan"
DUTY = "viec"
ANSWER_PART = "tra-loi"
COMMENT_PART = "gop-y"
SIGNING_PART = "ky"
"""Parts of a paper's page, as an address names them."""
MINUTES_PARTS: Mapping[str, str] = {
    "meeting": "hoi-nghi",
    "people": "thanh-phan",
    "papers": "tai-lieu",
    "comments": "y-kien",
    "votes": "bieu-quyet",
    "awards": "khen-thuong",
    "next": "cum-truong",
    "signing": "ky",
    "rest": "ket-luan",
    "check": "kiem-tra",
}
"""Parts of the page of minutes, as an address names them."""
PERSON_OF = "nguoi"
ONLY_EXPORTS = "tai-xuong"


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """A path with a query; empty values are left out."""
    text = urlencode({name: value for name, value in query.items() if value not in {"", None}})
    return f"{path}?{text}" if text else path


def _filled(path: str, **parts: object) -> str:
    return path.format(**{name: quote(str(part), safe="") for name, part in parts.items()})


def _in_cycle(path: str, stream: str, **parts: object) -> str:
    organiser, year, cluster = stream.split("/")
    return _filled(path, organiser=organiser, year=year, cluster=cluster, **parts)


def cycle_rules_url(stream: str, number: int | None = None) -> str:
    """The rules of a cycle, for all who may read it: those in force, or its edition with a number, from 1."""
    return with_query(_in_cycle(CYCLE_RULES, stream), {EDITION_NUMBER: number})


def edition_url(edition: str) -> str:
    """A rules edition's own page."""
    return _filled(EDITION, edition=edition)


def edition_file_url(edition: str) -> str:
    """A rules edition as a file."""
    return _filled(EDITION_FILE, edition=edition)


def edition_part_url(edition: str, part: str) -> str:
    """The form of a part of a rules edition."""
    if part == CRITERIA_PART:
        return criteria_url(edition)
    return _filled(EDITION_PART, edition=edition, part=part)


def edition_text_url(edition: str, part: str) -> str:
    """A part of a rules edition as the text of its file."""
    return _filled(EDITION_TEXT, edition=edition, part=part)


def criteria_url(edition: str) -> str:
    """The table of criteria of a rules edition."""
    return _filled(EDITION_CRITERIA, edition=edition)


def criteria_table_url(edition: str) -> str:
    """Where a table of criteria is brought in."""
    return _filled(CRITERIA_TABLE, edition=edition)


def criteria_file_url(edition: str) -> str:
    """The table of criteria as a spreadsheet."""
    return _filled(CRITERIA_FILE, edition=edition)


def criterion_url(edition: str, place: str, **fields: object) -> str:
    """The form of one criterion, by its place in the table."""
    return with_query(_filled(CRITERION, edition=edition, place=place), fields)


def edition_trial_url(edition: str) -> str:
    """Trial sheets of a rules edition."""
    return _filled(EDITION_TRIAL, edition=edition)


def edition_adoption_url(edition: str, entered: str = "") -> str:
    """Where a rules edition is put in force; `entered`: with the receipts of what a page has entered."""
    return with_query(_filled(EDITION_ADOPTION, edition=edition), {ENTERED_AS: entered})


def new_year_with(edition: str) -> str:
    """The start of a year with a rules edition."""
    return with_query(NEW_YEAR, {EDITION_NAMED: edition})


def cycle_url(stream: str) -> str:
    """A cycle's own page."""
    return _in_cycle(CYCLE, stream)


def acts_url(stream: str) -> str:
    """The choice of acts in a cycle."""
    return _in_cycle(ACTS, stream)


def act_url(stream: str, act: str, **fields: object) -> str:
    """The form of an act, with fields filled in."""
    return with_query(_in_cycle(ACT, stream, act=act), fields)


def remind_url(stream: str, duty: str, units: Iterable[str]) -> str:
    """The form that reminds units of a duty, filled in with them."""
    return act_url(stream, "remind-units", duty=duty, **{f"units.{at}": unit for at, unit in enumerate(units)})


def act_sheet_url(form: str) -> str:
    """The score sheet of an act's form, whose address with its query is `form`, to fill in without a connection."""
    path, mark, query = form.partition("?")
    return f"{path}{ACT_SHEET.removeprefix(ACT)}{mark}{query}"


def form_of_sheet(path: str) -> str:
    """The path of the form that a score sheet to fill in belongs to."""
    return path.removesuffix(ACT_SHEET.removeprefix(ACT))


def correct_as_act_url(stream: str, act: str, version: int) -> str:
    """The form of an act that takes the place of the act with a version."""
    return act_url(stream, act, **{CORRECTS: version})


def receipt_url(stream: str, version: int | str, *, known: bool = False) -> str:
    """The receipt of an act. `known`: it had been entered before."""
    return with_query(_in_cycle(RECEIPT, stream, version=version), {KNOWN_BEFORE: 1 if known else ""})


def correction_url(stream: str, version: int) -> str:
    """What can be done about an act that was wrong."""
    return _in_cycle(CORRECTION, stream, version=version)


def papers_url(stream: str) -> str:
    """The papers of a cycle."""
    return _in_cycle(PAPERS, stream)


def draft_url(stream: str, kind: str, version: int | None = None, *, part: str = "", **query: object) -> str:
    """A paper in its versions; `part` of its page.

    The query: entered_as, answers, opening (of the answer), paragraph, old (version before).
    """
    names = {
        "entered_as": ENTERED_AS,
        "answers": ANSWERED_COMMENT,
        "opening": ANSWER_OPENING,
        "paragraph": PARAGRAPH,
        "old": FROM,
    }
    asked = {names[name]: value for name, value in query.items()}
    address = with_query(_in_cycle(DRAFT, stream, kind=kind), {**asked, TO: version})
    return f"{address}#{part}" if part else address


def draft_text_url(stream: str, kind: str, version: int) -> str:
    """The whole text of a version of a paper."""
    return _in_cycle(DRAFT_TEXT, stream, kind=kind, number=version)


def comment_url(stream: str, number: int) -> str:
    """A comment in whole."""
    return _in_cycle(COMMENT, stream, number=number)


def report_url(stream: str, unit: str) -> str:
    """The mid-year report of a unit."""
    return _in_cycle(REPORT, stream, unit=unit)


def report_text_url(stream: str, unit: str) -> str:
    """The whole text of the mid-year report of a unit."""
    return _in_cycle(REPORT_TEXT, stream, unit=unit)


def preview_url(reference: str) -> str:
    """Where a file is looked at; `reference` is what acts hold of it."""
    return f"/{reference}{FILE_PREVIEW.removeprefix(FILE)}"


def file_page_url(digest: str, name: str, number: int) -> str:
    """A page of a file as a picture."""
    return _filled(FILE_PAGE, digest=digest, name=name, number=number)


def comments_url(stream: str, number: int = 1) -> str:
    """All stances and comments of a cycle."""
    return with_query(_in_cycle(COMMENTS, stream), {COMMENTS_PAGE: number if number > 1 else ""})


def recorded_url(stream: str, step: str = "", number: int = 1) -> str:
    """What stands in a cycle's register, of one topic or of all."""
    return with_query(_in_cycle(RECORDED, stream), {EVENT_STEP: step, ACTS_PAGE: number if number > 1 else ""})


def entry_url(stream: str, version: int) -> str:
    """One entry of a cycle's register in full, for all who may read it."""
    return _in_cycle(ENTRY, stream, version=version)


def scores_url(stream: str, extension: str = "") -> str:
    """The points of all units of a cycle, or their download."""
    return _page_or_download(SCORES, SCORES_DOWNLOAD, stream, extension)


def score_sheet_url(stream: str, unit: str) -> str:
    """A unit's score sheet in all rounds."""
    return _in_cycle(SCORE_SHEET, stream, unit=unit)


def score_workbook_url(stream: str) -> str:
    """The points that count, as a workbook that computes."""
    return _in_cycle(SCORE_WORKBOOK, stream)


def score_charts_url(stream: str, unit: str = "") -> str:
    """The charts of a cycle's scores; of one unit's where one is named."""
    return with_query(_in_cycle(SCORE_CHARTS, stream), {UNIT: unit})


def unit_years_url(stream: str, unit: str) -> str:
    """A unit's results over the years."""
    return _in_cycle(UNIT_YEARS, stream, unit=unit)


def grid_url(stream: str, round_: str, *, unit: str = "", page: int = 1) -> str:
    """The score sheets of a round as a grid; that of one unit as a list, or a page of the units."""
    query = {UNIT: unit, PAGE: page if page > 1 else ""}
    return with_query(_in_cycle(GRID, stream, round=round_), query)


def grid_changes_url(stream: str, round_: str) -> str:
    """What others have saved in a grid since a revision."""
    return _in_cycle(GRID_CHANGES, stream, round=round_)


def grid_reasons_url(stream: str, round_: str) -> str:
    """The changes of a grid that need a reason."""
    return _in_cycle(GRID_REASONS, stream, round=round_)


def grid_cell_url(stream: str, round_: str, unit: str, criterion: str) -> str:
    """What belongs to a cell of a grid."""
    return _in_cycle(GRID_CELL, stream, round=round_, unit=unit, criterion=criterion)


def meetings_url(stream: str, *, kind: str = "") -> str:
    """New minutes of a `kind` of meeting."""
    return with_query(_in_cycle(MEETINGS, stream), {"kind": kind})


def minutes_url(stream: str, meeting: str, *, part: str = "", whole: bool = False) -> str:
    """Minutes that are being written, one part of them. Without a part, their shared draft has this name.

    `whole`: the page tells also what is missing.
    """
    return with_query(
        _in_cycle(MINUTES, stream, meeting=meeting), {PART: MINUTES_PARTS.get(part, ""), WHOLE: 1 if whole else ""}
    )


def minutes_part(slug: str) -> str:
    """The part of minutes that an address names; the first one where it names none."""
    return next((part for part, named in MINUTES_PARTS.items() if named == slug), next(iter(MINUTES_PARTS)))


def minutes_changes_url(stream: str, meeting: str) -> str:
    """What others have saved in minutes since a revision."""
    return _in_cycle(MINUTES_CHANGES, stream, meeting=meeting)


def recorded_minutes_url(stream: str, meeting: str, version: int | None = None) -> str:
    """The minutes of a recorded meeting; `version` where they have just been entered."""
    return with_query(_in_cycle(RECORDED_MINUTES, stream, meeting=meeting), {ENTERED_AS: version})


def recording_file_url(stream: str) -> str:
    """By what the log of reading names the recording file of a cycle."""
    return _in_cycle(RECORDING_FILE, stream)


def timeline_url(stream: str, extension: str = "") -> str:
    """The timeline of a cycle, or its download."""
    return _page_or_download(TIMELINE, TIMELINE_DOWNLOAD, stream, extension)


def moment_url(stream: str, extension: str = "", **query: object) -> str:
    """The state of a cycle at a moment, or its download; the query is named as in code."""
    names = {"version": AFTER_VERSION, "day": DAY, "known_on": KNOWN_ON}
    path = _page_or_download(MOMENT, MOMENT_DOWNLOAD, stream, extension)
    return with_query(path, {names[name]: value for name, value in query.items()})


def comparison_url(stream: str, extension: str = "", *, first: str = "", second: str = "") -> str:
    """Two moments of a cycle compared, or the download."""
    path = _page_or_download(COMPARISON, COMPARISON_DOWNLOAD, stream, extension)
    return with_query(path, {FROM: first, TO: second})


def _page_or_download(path: str, download: str, stream: str, extension: str) -> str:
    return _in_cycle(download, stream, extension=extension) if extension else _in_cycle(path, stream)


def task_url(stream: str, duty: Duty | str, unit: str, subject: str = "") -> str:
    """The page on which an open duty of a unit is done."""
    if (duty := Duty(duty)) is Duty.FINAL_MEETING:
        return meetings_url(stream, kind="final")
    if duty in _ON_PAPERS:
        return paper_to_answer_url(stream, duty, unit, _ON_PAPERS[duty])
    if duty in ON_GRIDS:
        return grid_url(stream, ON_GRIDS[duty])
    return _filled_in(stream, *ACTS_OF_DUTIES[duty], unit, subject)


ON_GRIDS = {Duty.SELF_SCORE: "self", Duty.CROSS_CHECK: "cross-checked", Duty.APPRAISAL: "appraised"}
"""Duties that are done on a score grid, each with its round."""

_ON_PAPERS = {Duty.STANCE: ANSWER_PART, Duty.SIGNATURE: SIGNING_PART}
"""Duties that are done on the page of a paper, each with the part of the page."""


def paper_to_answer_url(stream: str, duty: Duty, unit: str, part: str) -> str:
    """The first paper with which a unit has yet to do a duty; the address leads on to it."""
    return f"{with_query(papers_url(stream), {DUTY: duty.value, UNIT: unit})}#{part}"


def other_task_url(stream: str, duty: Duty | str, unit: str, subject: str = "") -> tuple[str, str] | None:
    """Another act that does the same duty, with the page on which it is done; None where there is one act only."""
    if (other := OTHER_ACTS.get(duty := Duty(duty))) is None:
        return None
    if duty in _ON_PAPERS:
        return other[0], paper_to_answer_url(stream, duty, unit, COMMENT_PART)
    return other[0], _filled_in(stream, *other, unit, subject)


def form_of_task_url(stream: str, duty: Duty | str, unit: str, subject: str = "") -> str:
    """The form of the act that does a duty of a unit, as who enters it for the unit fills it in."""
    return _filled_in(stream, *ACTS_OF_DUTIES[Duty(duty)], unit, subject)


def _filled_in(stream: str, act: str, fields: Mapping[str, str], unit: str, subject: str) -> str:
    parties = {"bearer": unit, "subject": subject}
    return act_url(stream, act, **{name: parties[party] for name, party in fields.items()})


def extension_url(stream: str, duty: str, unit: str) -> str:
    """The page on which a unit asks for more time."""
    return act_url(stream, "ask-extension", unit=unit, duty=duty)


def deviations_url(extension: str = "", *, year: str = "", state: str = "", words: str = "") -> str:
    """The deviations of all cycles that fit, or their download."""
    path = _filled(DEVIATIONS_DOWNLOAD, extension=extension) if extension else DEVIATIONS
    return with_query(path, {YEAR: year, STATE: state, WORDS: words})


def board_url(filters: Mapping[str, Any], *, page: int = 1) -> str:
    """The city board with filters, on a page."""
    return with_query(BOARD, {**filters, PAGE: page if page > 1 else ""})


def board_download_url(extension: str, filters: Mapping[str, Any]) -> str:
    """The city board with filters, for a spreadsheet."""
    return with_query(_filled(BOARD_DOWNLOAD, extension=extension), filters)


def year_scores_url(extension: str, year: str) -> str:
    """The points of all clusters of a year, for a spreadsheet."""
    return with_query(_filled(YEAR_SCORES, extension=extension), {YEAR: year})


def tasks_download_url(extension: str) -> str:
    """The tasks of the visitor's unit, for a spreadsheet."""
    return _filled(TASKS_DOWNLOAD, extension=extension)


def people_download_url(extension: str, filters: Mapping[str, Any]) -> str:
    """The persons that fit the filters, for a spreadsheet."""
    return with_query(_filled(PEOPLE_DOWNLOAD, extension=extension), filters)


def inviting_url(job: str) -> str:
    """How far the invitations of a job are."""
    return _filled(INVITING, job=job)


def handout_url(extension: str) -> str:
    """The list of accounts to hand out, for a spreadsheet."""
    return _filled(HANDOUT_DOWNLOAD, extension=extension)


def late_units_url(year: str = "") -> str:
    """The late units, of a year or of all."""
    return with_query(LATE_UNITS, {YEAR: year})


def chosen_url() -> str:
    """The login after a password was chosen by a link."""
    return with_query(LOGIN, {PASSWORD_CHOSEN: "1"})


def login_url(back_to: str) -> str:
    """The login, which leads back to an address."""
    return with_query(LOGIN, {BACK_TO: back_to})


def language_url(language: str, back_to: str) -> str:
    """The switch to a language, which leads back to an address."""
    return with_query(_filled(LANGUAGE, language=language), {LANGUAGE_BACK_TO: back_to})


def guide_url(name: str) -> str:
    """A guide."""
    return _filled(GUIDE, name=name)


def person_url(person: str) -> str:
    """A person's account, for those who manage accounts."""
    return _filled(PERSON, person=person)


def invitation_url(secret: str) -> str:
    """An invitation; the secret in it is good once."""
    return _filled(INVITATION, secret=secret)


def new_password_url(secret: str) -> str:
    """Where a forgotten password is replaced; the secret in it is good once, for a short time."""
    return _filled(NEW_PASSWORD, secret=secret)


def account_log_url(person: str) -> str:
    """What was done to and by one person."""
    return with_query(ACCOUNT_LOG, {PERSON_OF: person})


def exports_url() -> str:
    """What was taken out of the register."""
    return with_query(READ_LOG, {ONLY_EXPORTS: 1})


def calendar_url(secret: str) -> str:
    """The private address of a calendar."""
    return _filled(CALENDAR, secret=secret)


def verification_url(job: str) -> str:
    """How far a verification is."""
    return _filled(VERIFICATION_JOB, job=job)


def verification_result_url(job: str) -> str:
    """The result of a verification as JSON."""
    return _filled(VERIFICATION_RESULT, job=job)


def new_year_url(job: str) -> str:
    """How far the opening of a year is."""
    return _filled(NEW_YEAR_JOB, job=job)


def shows_form_again(path: str) -> bool:
    """Whether a form sent to an address can be shown again as it was left, without doing anything."""
    acts, meetings = ACTS.removeprefix(CYCLE), MEETINGS.removeprefix(CYCLE)
    return f"{acts}/" in path or meetings in path or path.endswith(NEW_YEAR)


def stream_in(path: str) -> str:
    """The stream of the cycle that the page of a path belongs to; "" for other pages."""
    parts, pattern = path.partition("?")[0].split("/"), CYCLE.split("/")
    same = all(one == part for one, part in zip(parts, pattern, strict=False) if not part.startswith("{"))
    of_cycle = [one for one, part in zip(parts, pattern, strict=False) if part.startswith("{")]
    return "/".join(of_cycle) if same and len(parts) >= len(pattern) else ""


def local_path(value: str) -> str:
    """The path, or the first page where it leads out of this site: no link of ours leads elsewhere."""
    local = value.startswith("/") and not value.startswith(("//", "/\\")) and value.isprintable()
    return value if local else HOME
