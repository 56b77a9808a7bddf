"""What was read, in words: an address of a page or of the interface as its title and what it is about.

The log keeps addresses, because titles and names change; here they are put in words for the readers of the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.routing import compile_path

from application.board import organiser_of
from application.visits import Visitor
from domain.numbers import whole_number
from domain.streams import cycle_stream
from i18n import N_, _
from i18n.acts import act_name
from i18n.messages import word
from i18n.words import WORDS
from projections.board import title_of
from projections.board_lines import BoardLines, Line
from vault.persons import People
from web import urls

API = "/api/v1"
_API_CYCLE = API + "/cycles/{organiser}/{year}/{cluster}"

TITLES: Mapping[str, str] = {
    urls.HOME: N_("First page"),
    urls.ME: N_("Own page"),
    urls.WHO: N_("Who you are here, and what you may do"),
    urls.CODE: N_("One-time codes"),
    urls.TASKS: N_("Tasks"),
    urls.WAITING_TASKS: N_("Waits for others"),
    urls.OWN_ACTS: N_("Entered lately"),
    urls.TASKS_SHEET: N_("Task list"),
    urls.TASKS_DOWNLOAD: N_("Tasks, as a table"),
    urls.DRAFTS: N_("Begun and not sent"),
    urls.ROLES: N_("Whom would you like to be?"),
    urls.SAMPLES: N_("Samples of all parts"),
    urls.FILES: N_("Files"),
    f"{urls.FILES}/{{digest}}": N_("A file"),
    urls.PEOPLE: N_("People"),
    urls.PEOPLE_DOWNLOAD: N_("People, as a table"),
    urls.PERSON: N_("A person's account"),
    urls.INVITE_ALL: N_("People"),
    urls.INVITING: N_("Invite people"),
    urls.HANDOUT: N_("Accounts to hand out"),
    urls.HANDOUT_DOWNLOAD: N_("Accounts to hand out, as a table"),
    urls.HANDOUT_LINKS: N_("Links on paper"),
    urls.SEARCH: N_("Search"),
    urls.BOARD: N_("City board"),
    urls.BOARD_DOWNLOAD: N_("City board, as a table"),
    urls.YEAR_SCORES: N_("Points of all clusters of a year, as a table"),
    urls.LATE_UNITS: N_("Late units"),
    urls.DEVIATIONS: N_("Deviations from the rules"),
    urls.DEVIATIONS_DOWNLOAD: N_("Deviations from the rules, as a file"),
    urls.VERIFICATION: N_("Verify the chain"),
    urls.VERIFICATION_JOB: N_("Verify the chain"),
    urls.VERIFICATION_RESULT: N_("Result of verifying the chain, as a file"),
    urls.READ_LOG: N_("What was read and exported"),
    urls.ACCOUNT_LOG: N_("What was done to accounts"),
    urls.SOON_SIGNED: N_("Signed soon after a login was renewed"),
    urls.INSTALLATION_TIMELINE: N_("Timeline of the register itself"),
    urls.CONDITION: N_("Condition of the system"),
    urls.NEW_YEAR: N_("Start a year"),
    urls.NEW_YEAR_TEMPLATE: N_("Template for a year"),
    urls.NEW_YEAR_LOOK: N_("Start a year"),
    urls.NEW_YEAR_START: N_("Start a year"),
    urls.NEW_YEAR_JOB: N_("Opening the year"),
    urls.CYCLES: N_("My clusters"),
    urls.CYCLE: N_("The cluster's page"),
    urls.ACTS: N_("What do you want to enter?"),
    urls.ACT: N_("Form"),
    urls.ACT_SHEET: N_("Score sheet to fill in, as a table"),
    urls.RECEIPT: N_("Receipt"),
    urls.CORRECTION: N_("Put right"),
    urls.PAPERS: N_("Papers"),
    urls.DRAFT: N_("Paper in its versions"),
    urls.COMMENTS: N_("Stances and comments"),
    urls.RECORDED: N_("What is in the register"),
    urls.ENTRY: N_("An entry of the register"),
    urls.DRAFT_TEXT: N_("Paper in whole"),
    urls.COMMENT: N_("Comment in whole"),
    urls.REPORT: N_("Mid-year report"),
    urls.REPORT_TEXT: N_("Mid-year report"),
    urls.SCORES: N_("Points of all units"),
    urls.CYCLE_RULES: N_("Rules in force"),
    urls.SCORES_DOWNLOAD: N_("Points of all units, as a table"),
    urls.SCORE_SHEET: N_("Score sheet"),
    urls.SCORE_WORKBOOK: N_("Points with formulas, as a table"),
    urls.SCORE_CHARTS: N_("Charts of the scores"),
    urls.UNIT_YEARS: N_("A unit over the years"),
    urls.GRID: N_("Score sheet"),
    urls.GRID_CHANGES: N_("Score sheet"),
    urls.GRID_REASONS: N_("Score sheet"),
    urls.GRID_CELL: N_("Score sheet"),
    urls.MEETINGS: N_("Minutes of a meeting"),
    **dict.fromkeys(
        (
            urls.EDITIONS,
            urls.CRITERIA_TEMPLATE,
            urls.EDITION,
            urls.EDITION_FILE,
            urls.EDITION_PART,
            urls.EDITION_TEXT,
            urls.EDITION_CRITERIA,
            urls.CRITERIA_TABLE,
            urls.CRITERIA_FILE,
            urls.CRITERION,
            urls.EDITION_TRIAL,
            urls.EDITION_ADOPTION,
        ),
        N_("Rules: criteria, deadlines, awards"),
    ),
    urls.MINUTES: N_("Minutes of a meeting"),
    urls.MINUTES_CHANGES: N_("Minutes of a meeting"),
    urls.RECORDED_MINUTES: N_("Minutes"),
    urls.TIMELINE: N_("Timeline"),
    urls.TIMELINE_DOWNLOAD: N_("Timeline, as a file"),
    urls.MOMENT: N_("Time machine"),
    urls.MOMENT_DOWNLOAD: N_("Time machine, as a file"),
    urls.COMPARISON: N_("Compare two moments"),
    urls.COMPARISON_DOWNLOAD: N_("Two moments compared, as a file"),
    urls.RECORDING_FILE: N_("Recording file of the cluster's year"),
    f"{API}/me": N_("Own page"),
    f"{API}/tasks": N_("Tasks"),
    f"{API}/cycles": N_("My clusters"),
    f"{API}/board": N_("City board"),
    f"{API}/departures": N_("Deviations from the rules"),
    f"{API}/deviations": N_("Deviations from the rules"),
    f"{API}/search": N_("Search"),
    f"{API}/people": N_("People"),
    f"{API}/installation/timeline": N_("Timeline of the register itself"),
    f"{API}/acts": N_("What do you want to enter?"),
    f"{API}/verifications": N_("Verify the chain"),
    f"{API}/verifications/{{job}}": N_("Verify the chain"),
    _API_CYCLE: N_("State of the cluster's year"),
    f"{_API_CYCLE}/timeline": N_("Timeline"),
    f"{_API_CYCLE}/moment": N_("Time machine"),
    f"{_API_CYCLE}/acts": N_("Form"),
    f"{_API_CYCLE}/acts/try": N_("Form"),
}
"""The titles of the pages that can be read, by route, and of a recording file. A test compares it with the routes."""

_PATTERNS: Sequence[tuple[re.Pattern[str], str]] = tuple(
    # A fixed part comes before one that can be anything, as in the order of the routes.
    (compile_path(path)[0], TITLES[path])
    for path in sorted(TITLES, key=lambda path: (path.count("{"), path))
)


@dataclass(frozen=True, slots=True)
class ReadingWords:
    """A page's title, what it is about, and whether a program asked for it."""

    title: str
    subject: str
    by_program: bool


async def in_words(
    paths: Iterable[str], board: BoardLines, people: People, reader: Visitor
) -> Mapping[str, ReadingWords]:
    """Return each address in words, for a reader of the log. Clusters of another organiser are not named."""
    found = {path: _matched(path) for path in paths}
    streams = {stream for _title, parts in found.values() if (stream := _stream(parts))}
    lines = await board.lines_of(sorted(streams), organiser_of(reader))
    names = await people.names({parts["person"] for _title, parts in found.values() if "person" in parts})
    return {
        path: ReadingWords(_(title), "; ".join(_subjects(parts, lines, names)), path.startswith(f"{API}/"))
        for path, (title, parts) in found.items()
    }


def _matched(path: str) -> tuple[str, Mapping[str, str]]:
    for pattern, title in _PATTERNS:
        if (found := pattern.match(path)) is not None:
            return title, {name: unquote(value) for name, value in found.groupdict().items()}
    return N_("A page that no longer exists"), {}


def _stream(parts: Mapping[str, str]) -> str:
    if not {"organiser", "year", "cluster"} <= set(parts):
        return ""
    return cycle_stream(parts["organiser"], parts["year"], parts["cluster"])


def _subjects(parts: Mapping[str, str], lines: Mapping[str, Line], names: Mapping[str, str]) -> Iterable[str]:
    line: Mapping[str, Any] = lines.get(_stream(parts), {})
    if _stream(parts):
        yield f"{title_of(line)}, {line['year']}" if line else _("a cluster of another organiser")
    if "unit" in parts:
        yield line.get("names", {}).get(parts["unit"], _("a unit"))
    if "person" in parts:
        yield names.get(parts["person"], _("a person who was erased"))
    if (kind := parts.get("kind", "")) in WORDS["draft"].words:
        yield word("draft", kind)
    if "act" in parts:
        yield act_name(parts["act"])
    if (version := whole_number(parts.get("version", ""))) is not None:
        yield _("act number {number}").format(number=version)
