"""Recording files on the real engine: what happened is entered once, corrected by a later file, refused by its line."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from engine_help import assert_ledger_verifies, event_names
from pydantic_core import PydanticCustomError

from application.recording.file import RecordFile
from application.recording.plan import Plan
from application.recording.run import record_file
from cli.session import Session
from domain.cycle import CYCLE
from domain.dates import parse_when
from domain.times import When
from errors import InputError
from i18n.messages import sentence

ROOT = Path(__file__).parent.parent
REAL = ROOT / "scenarios" / "real"
SECRETARY = "thu-ky"


SEEN = {
    "BP-K7-2018-final-sign": {"final_next_year", "contents_differ"},
    "DL-C6-2015-final": {"final_next_year"},
    "DN-C2-2022-final": {"head_nominated"},
    "NB-CTXH-2025-final": {"head_nominated"},
    "TH-C3-2023-final-sign": {"final_next_year"},
}
"""The deviations that docs/cases.md tells of."""


class Copy:
    """A real file under an organiser of its own: all tests share one engine, where a cycle's name is a run's."""

    def __init__(self, folder: Path, name: str) -> None:
        self.text = (REAL / f"{name}.yaml").read_text()
        old = re.search(r"^organiser: (\S+)$", self.text, re.MULTILINE)
        secretary = re.search(r"- \{id: (\S+),", self.text[self.text.index("people:") :])
        assert old is not None
        assert secretary is not None
        self.organiser = f"o-{uuid4().hex[:8]}"
        self.text = self.text.replace(old[1], self.organiser).replace(secretary[1], SECRETARY)
        self.file = folder / f"{name}.yaml"
        self.file.write_text(self.text)

    def but(self, old: str, new: str) -> Path:
        """The file with a change."""
        assert old in self.text
        self.file.write_text(self.text.replace(old, new))
        return self.file

    def as_it_was(self) -> Path:
        """The file without one."""
        self.file.write_text(self.text)
        return self.file


def codes(done: dict[str, Any]) -> set[str]:
    """The deviations of all cycles of a file."""
    return {one["code"] for cycle in done["cycles"] for one in cycle["deviations"]}


@pytest.fixture
def dak_lak(tmp_path: Path) -> Copy:
    return Copy(tmp_path, "DL-C6-2015-final")


async def test_a_meeting_is_entered_once(app: Session, dak_lak: Copy) -> None:
    first = await record_file(app, dak_lak.as_it_was(), SECRETARY)
    assert first["counts"] == {"entered": 7, "known": 0, "corrected": 0}
    again = await record_file(app, dak_lak.as_it_was(), SECRETARY)
    assert again["counts"] == {"entered": 0, "known": 7, "corrected": 0}
    history = await app.history(f"{dak_lak.organiser}/2015/cum-6")
    assert [row.provenance for row, _told in history] == ["inferred", *["stated"] * 6]
    held = next(told for row, told in history if row.type == "MeetingHeld")
    assert held.meta.happened == When.on(date(2016, 1, 1), date(2016, 1, 31)), "of the day only the month is known"
    await assert_ledger_verifies(app)


async def test_a_changed_file_corrects_and_rewrites_nothing(app: Session, dak_lak: Copy) -> None:
    await record_file(app, dak_lak.as_it_was(), SECRETARY)
    file = dak_lak.but("{unit: buon-ho, award: bang-khen}", "{unit: buon-ho, award: giay-khen}")
    assert (await record_file(app, file, SECRETARY))["counts"] == {"entered": 0, "known": 6, "corrected": 1}
    assert (await record_file(app, file, SECRETARY))["counts"] == {"entered": 0, "known": 7, "corrected": 0}
    assert (await record_file(app, dak_lak.as_it_was(), SECRETARY))["counts"]["corrected"] == 1, "and back again"
    found = await event_names(app, f"{dak_lak.organiser}/2015/cum-6")
    assert found.count("ActCorrected") == 2
    state = CYCLE.fold(told for _row, told in await app.history(f"{dak_lak.organiser}/2015/cum-6"))
    assert set(state.conclusion.nominations) == {
        ("krong-pac", "co-thi-dua"),
        ("buon-ho", "bang-khen"),
        ("ea-hleo", "bang-khen"),
    }
    await assert_ledger_verifies(app)


async def test_an_act_put_in_between_moves_no_other(app: Session, dak_lak: Copy) -> None:
    await record_file(app, dak_lak.as_it_was(), SECRETARY)
    line = "      - {act: đề nghị khen thưởng, fields: {unit: krong-pac, award: co-thi-dua}}\n"
    file = dak_lak.but(
        line, "      - {act: đề nghị khen thưởng, fields: {unit: krong-nang, award: bang-khen}}\n" + line
    )
    assert (await record_file(app, file, SECRETARY))["counts"] == {"entered": 1, "known": 7, "corrected": 0}


RESULT = '      - {{act: ghi kết quả, fields: {{unit: krong-pac, title: "{}", amount: 5, measure: "hộ"}}}}\n'


async def test_acts_put_in_taken_out_or_moved_change_no_other(app: Session, dak_lak: Copy) -> None:
    def with_results(*titles: str) -> Path:
        return dak_lak.but("    acts:\n", "    acts:\n" + "".join(map(RESULT.format, titles)))

    async def said() -> list[str]:
        state = CYCLE.fold(told for _row, told in await app.history(f"{dak_lak.organiser}/2015/cum-6"))
        return sorted(result.event.title for result in state.targets.results)

    for titles, counts, standing in (
        (("A", "B"), (9, 0), "AB"),
        (("A", "X", "B"), (1, 0), "ABX"),
        (("B", "A"), (0, 0), "ABX"),
        (("B",), (0, 0), "ABX"),
        (("X", "C", "B"), (0, 1), "BCX"),
        (("X", "C", "B"), (0, 0), "BCX"),
    ):
        done = await record_file(app, with_results(*titles), SECRETARY)
        assert (done["counts"]["entered"], done["counts"]["corrected"]) == counts, titles
        assert await said() == list(standing), titles


async def test_a_refused_act_names_its_line_and_leaves_nothing_of_its_meeting(app: Session, dak_lak: Copy) -> None:
    file = dak_lak.but("{unit: ea-hleo, award: bang-khen}", "{unit: khong-co, award: bang-khen}")
    for dry_run in (True, False):
        with pytest.raises(InputError) as stopped:
            await record_file(app, file, SECRETARY, dry_run=dry_run)
        assert stopped.value.code == "recording_stopped"
        assert stopped.value.path.endswith(f"{file.name}:27")
    assert await app.ledger.load(f"{dak_lak.organiser}/2015/cum-6") == (), "not even an empty cycle"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("đề nghị khen thưởng, fields: {unit: krong-pac", "de nghi, fields: {unit: krong-pac", 25),
        ("on: 01/2016", "on: 13/2016", 21),
        ("source: bao-dak-lak\n    place", "source: bao-khac\n    place", 22),
        ("year: 2015", "year: 20150", 4),
    ],
)
async def test_a_wrong_file_is_refused_by_its_line(app: Session, dak_lak: Copy, old: str, new: str, line: int) -> None:
    file = dak_lak.but(old, new)
    with pytest.raises(InputError) as wrong:
        await record_file(app, file, SECRETARY)
    assert wrong.value.path.endswith(f":{line}"), wrong.value.path
    assert await app.ledger.load(f"{dak_lak.organiser}/2015/cum-6") == ()


@pytest.mark.parametrize(
    ("written", "offered"), [("1.250", "1250"), ("1,250", "1,25"), ("1250", ""), ("98,5", ""), ("9.000.000.000", "")]
)
async def test_a_number_that_can_be_read_in_two_ways_is_asked_about(
    app: Session, dak_lak: Copy, written: str, offered: str
) -> None:
    line = RESULT.format("Hộ").replace("amount: 5", f'amount: "{written}"')
    file = dak_lak.but("    acts:\n", f"    acts:\n{line}")
    if not offered:
        assert (await record_file(app, file, SECRETARY))["counts"]["entered"] == 8
        return
    with pytest.raises(InputError) as wrong:
        await record_file(app, file, SECRETARY)
    assert wrong.value.path.endswith(":25")
    assert written in str(wrong.value.facts["why"])
    assert offered in str(wrong.value.facts["why"])


async def test_the_head_of_a_file_that_differs_from_the_register_is_told(app: Session, dak_lak: Copy) -> None:
    first = await record_file(app, dak_lak.as_it_was(), SECRETARY)
    assert first["unheeded"] == []
    file = dak_lak.but(
        '    - {id: buon-ho, name: "Buôn Hồ"}', '    - {id: buon-ho, name: "Thị xã"}\n    - {id: moi, name: "Mới"}'
    )
    done = await record_file(app, file, SECRETARY)
    assert [(one["code"], one["facts"].get("unit")) for one in done["unheeded"]] == [
        ("unit_called_otherwise", "buon-ho"),
        ("unit_not_in_register", "moi"),
    ]


async def test_a_body_that_nobody_knows_is_told(app: Session, dak_lak: Copy) -> None:
    file = dak_lak.but("    acts:\n", "    host: ea-hleoo\n    chairs: [{unit: krong-buk}]\n    acts:\n")
    for dry_run in (True, False):
        done = await record_file(app, file, SECRETARY, dry_run=dry_run)
        (told,) = done["unheeded"]
        assert told["facts"]["unit"] == "ea-hleoo"
        assert "(gần nhất: ea-hleo)" in sentence(told["code"], told["facts"])


async def test_a_try_enters_nothing_and_shows_the_deviations(app: Session, tmp_path: Path) -> None:
    dong_nai = Copy(tmp_path, "DN-C2-2022-final")
    tried = await record_file(app, dong_nai.file, SECRETARY, dry_run=True)
    assert tried["counts"]["entered"] == 12
    assert await app.ledger.load(f"{dong_nai.organiser}/2022/cum-ii") == ()
    assert await app.people.get(SECRETARY) is None
    done = await record_file(app, dong_nai.file, SECRETARY)
    assert codes(done) == {one["code"] for one in tried["cycles"][0]["deviations"]}
    assert "head_nominated" in codes(done)


@pytest.mark.parametrize("name", sorted(file.stem for file in REAL.glob("*.yaml")))
async def test_every_real_meeting_is_recorded_whole(app: Session, tmp_path: Path, name: str) -> None:
    real = Copy(tmp_path, name)
    done = await record_file(app, real.file, SECRETARY)
    assert done["counts"]["entered"] > 1
    assert SEEN.get(name, set()) <= codes(done)
    again = await record_file(app, real.file, SECRETARY)
    assert (again["counts"]["entered"], again["counts"]["corrected"]) == (0, 0)
    await assert_ledger_verifies(app)


def examples(guide: str) -> list[str]:
    """The recording files in a guide: every block of YAML is one."""
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / guide).read_text(), re.DOTALL)


async def test_every_example_of_the_guides_can_be_recorded_into_one_register(app: Session, tmp_path: Path) -> None:
    own, counts = uuid4().hex[:8], []
    texts = [text for guide in ("recording.md", "vi/ghi-chep.md") for text in examples(guide)]
    for index, text in enumerate(texts):
        person = f"{SECRETARY}-{'vi' if 'hoi-vi-du' in text else 'en'}-{own}"
        file = tmp_path / f"example-{index}.yaml"
        example = text.replace("mttq-vi-du", f"mttq-{own}").replace("hoi-vi-du", f"hoi-{own}")
        file.write_text(example.replace(f"id: {SECRETARY},", f"id: {person},"))
        tried = await record_file(app, file, person, dry_run=True)
        done = await record_file(app, file, person)
        assert (done["counts"]["corrected"], done["unheeded"]) == (0, []), text
        assert tried["counts"] == done["counts"]
        counts.append(done["counts"]["entered"])
    assert len(counts) == 5
    assert min(counts) > 0


def test_the_guides_have_no_example_that_is_not_recorded() -> None:
    for guide in ("recording.md", "vi/ghi-chep.md"):
        text = (ROOT / "docs" / guide).read_text()
        fences = re.findall(r"^```(\w*)$", text, re.MULTILINE)
        assert fences == ["yaml", ""] * len(examples(guide)), guide


def test_dates_as_sources_give_them() -> None:
    day = When.on(date(2022, 10, 27))
    assert [parse_when(text) for text in ("27/10/2022", "2022-10-27", date(2022, 10, 27), day)] == [day] * 4
    assert (
        parse_when("27/10/2022..02/11/2022")
        == parse_when("27/10/2022 đến 02/11/2022")
        == When.on(date(2022, 10, 27), date(2022, 11, 2))
    )
    assert parse_when("02/2024") == When.on(date(2024, 2, 1), date(2024, 2, 29))
    assert parse_when(2018) == When.on(date(2018, 1, 1), date(2018, 12, 31))
    for wrong in ("hôm qua", "31/02/2024", "1..2..3", "02/11/2022..27/10/2022", ""):
        with pytest.raises(PydanticCustomError):
            parse_when(wrong)


async def test_what_a_source_is_stands_in_the_register_once(app: Session, dak_lak: Copy) -> None:
    await record_file(app, dak_lak.as_it_was(), SECRETARY)
    state = CYCLE.fold(told for _row, told in await app.history(f"{dak_lak.organiser}/2015/cum-6"))
    (source, _version) = state.corrections.sources["bao-dak-lak"]
    assert (source.address, source.title[:14]) == ("baodaklak.vn", "Cụm thi đua số")


def test_the_schema_lets_an_editor_accept_what_we_do() -> None:
    schema = RecordFile.model_json_schema()
    meeting, entry = schema["$defs"]["MeetingEntry"]["properties"], schema["$defs"]["ActEntry"]["properties"]
    assert {"tổng kết", "final"} <= set(meeting["kind"]["enum"])
    assert {"cùng ký giao ước", "sign-jointly"} <= set(entry["act"]["enum"])
    assert "string" in meeting["on"]["type"]


def test_a_meeting_that_opens_the_next_year_is_told_there_as_the_meeting_of_its_own_year() -> None:
    meeting = {"id": "tk", "kind": "final", "on": "15/01/2020"}
    for which, of_year in (("this", 2019), ("next", 2020)):
        acts = [{"act": "rank", "cycle": "next"}, {"act": "rank", "cycle": "this"}]
        file = RecordFile.model_validate(
            {
                "organiser": "tp",
                "organiser_name": "TP",
                "year": 2019,
                "next": {"year": 2020},
                "cluster": {"id": "cum", "name": "Cụm", "units": [{"id": "a", "name": "A"}]},
                "meetings": [{**meeting, "cycle": which, "acts": acts}],
            }
        )
        (group,) = Plan(file, {}, None).groups()
        told = {one.input.stream: one.input.fields for one in group.acts if one.input.act == "record-meeting"}
        own, other = file.stream(which), file.stream("next" if which == "this" else "this")  # type: ignore[arg-type]
        assert ("of_year" in told[own], told[other]["of_year"]) == (False, of_year)
