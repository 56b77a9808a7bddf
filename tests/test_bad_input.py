"""Bad input is a use case: each is refused with its place and its mend, and nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_help import commands
from pydantic import ValidationError

from application.engine import PendingError, RefusedError, UnreachableError
from application.yaml_files import read_model, read_yaml
from application.year_file import YearFile
from cli.acting import complete, day_of, options
from cli.outcome import Exit, explain
from domain.commands import parse_command
from domain.records import Command, Refused
from domain.rules import Edition
from errors import InputError
from i18n.messages import sentence
from ledger.protocol import Stopped
from local.process import EngineUnavailableError

YEAR = """\
organiser: mttq-hanoi
organiser_name: Thành phố
year: 2026
plan: {number: 1/KH}
edition: e.yaml
clusters:
  - id: cum-1
    name: Cụm 1
    units:
      - {id: a, name: A}
"""


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "year.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: [1, 2\nb: 3", "file_not_yaml", 2),
        ("a: \x07", "file_not_yaml", None),
        ("a: &x [1]\nb: *x", "file_alias", 2),
        ("a: 1\nb: 2\na: 3", "file_key_twice", 3),
        ("[" * 10_000, "file_too_deep", 1),
        ("a: 2020-02-30", "file_value", 1),
        ('a: 1\nb: "x\\uE123y"', "file_value", 2),
    ],
)
def test_a_file_that_is_no_good_yaml_names_its_line(tmp_path: Path, text: str, code: str, line: int | None) -> None:
    with pytest.raises(InputError) as wrong:
        read_yaml(write(tmp_path, text))
    assert wrong.value.code == code
    if line is not None:
        assert wrong.value.path.endswith(f"year.yaml:{line}")


def test_a_file_that_is_too_large_or_no_text_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    with file.open("wb") as out:
        out.truncate(100_000_000)
    for path, code in (
        (file, "file_too_large"),
        (write(tmp_path, b"\xff\xfe\x00"), "file_not_utf8"),
        (tmp_path / "no", "file_unreadable"),
        (tmp_path, "file_unreadable"),
    ):
        with pytest.raises(InputError) as wrong:
            read_yaml(path)
        assert wrong.value.code == code


@pytest.mark.parametrize(
    ("change", "place", "line"),
    [
        (("year: 2026", "year: hai nghìn"), "year", 3),
        (("year: 2026", "year: 2026\ncolour: red"), "colour", 4),
        (("id: a,", "id: Đơn vị,"), "clusters.0.units.0.id", 10),
        (("name: Cụm 1", "name: [1]"), "clusters.0.name", 8),
        (("plan: {number: 1/KH}", "plan: {}"), "plan", 4),
        (("- {id: a, name: A}", "- {id: a, name: A}\n      - {id: a, name: B}"), "clusters.0", 7),
        (("units:\n      - {id: a, name: A}", "units: []"), "clusters.0", 7),
        (("year: 2026", "year: 2026.0"), "year", 3),
    ],
)
def test_a_wrong_field_names_file_line_and_place(
    tmp_path: Path, change: tuple[str, str], place: str, line: int
) -> None:
    with pytest.raises(InputError) as wrong:
        read_model(write(tmp_path, YEAR.replace(*change)), YearFile)
    assert wrong.value.facts["place"] == place
    assert wrong.value.path.endswith(f":{line}")
    code, text = explain(wrong.value)
    assert (code, "year.yaml" in text) == (Exit.WRONG_INPUT, True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("clusters:\n", "clusters:\n  - {id: cum-1, name: C, units: [{id: z, name: Z}]}\n"), "cluster_twice"),
        (("clusters:\n", "clusters:\n  - {id: khac, name: C, units: [{id: a, name: A}]}\n"), "unit_in_two_clusters"),
    ],
)
def test_what_stands_twice_in_a_year_is_found_before_an_engine_is_started(
    tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    with pytest.raises(InputError) as wrong:
        read_model(write(tmp_path, YEAR.replace(*change)), YearFile)
    assert wrong.value.facts["problem"] == problem


def test_a_comma_without_quotes_is_told_from_an_unknown_field(tmp_path: Path) -> None:
    data, _lines = read_yaml(write(tmp_path, "unit: a\nsheet:\n  - {criterion: nv-1, points: 18,5}\n"))
    with pytest.raises(Refused) as wrong:
        parse_command("score-self", data)
    assert (wrong.value.facts["problem"], wrong.value.facts["place"]) == ("figure_unquoted", "sheet.0.5")
    assert '"18,5"' in sentence(wrong.value.code, wrong.value.facts)


def test_the_control_a_good_file_is_read(tmp_path: Path) -> None:
    assert read_model(write(tmp_path, YEAR), YearFile).year == 2026


@pytest.mark.parametrize("points", [".nan", ".inf", "NaN", "-1", "1e400", "[]"])
def test_points_are_decimals(tmp_path: Path, points: str) -> None:
    file = write(tmp_path, f"id: e\ntitle: E\ncriteria:\n  - id: a\n    title: A\n    max: {points}\n")
    with pytest.raises(InputError) as wrong:
        read_model(file, Edition)
    assert wrong.value.path.endswith(":6")


def test_points_keep_every_digit(tmp_path: Path) -> None:
    file = write(tmp_path, "id: e\ntitle: E\ncriteria:\n  - id: a\n    title: A\n    max: 0.1\n")
    assert str(read_model(file, Edition).criteria[0].max) == "0.1"


def test_options_become_fields() -> None:
    sign = Command.KNOWN["report-midyear"]
    fields = options(sign, ["--unit", "a", "--report.title=Báo cáo", "--report.issued", "2026-07-01"])
    assert fields == {"unit": "a", "report": {"title": "Báo cáo", "issued": "2026-07-01"}}
    assert options(Command.KNOWN["sign-jointly"], ["--units", '["a","b"]']) == {"units": ["a", "b"]}
    for extra, code in (
        (["--colour", "red"], "field_unknown"),
        (["unit"], "field_unknown"),
        (["--unit"], "field_value_missing"),
    ):
        with pytest.raises(InputError) as wrong:
            options(sign, extra)
        assert wrong.value.code == code
    with pytest.raises(InputError) as missing:
        complete(sign, {"unit": "a"})
    assert (missing.value.code, missing.value.facts["fields"]) == ("field_missing", "report")
    with pytest.raises(InputError):
        day_of("31/02/2026")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("who_acts"), 2),
        (Refused("not_yours"), 10),
        (RefusedError("not_yours", {}), 10),
        (Refused("unknown_act", act="x"), 2),
        (PendingError(), 5),
        (UnreachableError(), 3),
        (EngineUnavailableError("no_postgresql"), 3),
        (Stopped("clock_stopped", why="x"), 3),
        (ConnectionRefusedError("x"), 3),
        (KeyError("x"), 70),
    ],
)
def test_every_error_has_its_exit_code_and_a_sentence(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THIDUA_LOGS", str(tmp_path))
    found, text = explain(error)
    assert (int(found), bool(text), "Traceback" in text) == (code, True, False)


def test_a_wrong_model_is_pydantics_to_say() -> None:
    with pytest.raises(ValidationError):
        YearFile.model_validate({})


# The command itself -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(folder: Path) -> dict[str, str]:
    place = folder / "command"
    return {
        **os.environ,
        "THIDUA_DATA": str(place / "data"),
        "THIDUA_LOGS": str(place / "logs"),
        "THIDUA_TEMPORAL": "built",
        "THIDUA_LANG": "en",
    }


@pytest.fixture(scope="module")
def thidua(home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Runs commands that share their imports."""
    with commands(home, tmp_path_factory.mktemp("said")) as opened:
        yield opened.run


def itself(home: dict[str, str], *words: str) -> Any:
    """The program as such."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("thidua")), *words],
        env=home,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def test_nothing_is_written_when_input_is_wrong(
    home: dict[str, str], thidua: Callable[..., Any], tmp_path: Path
) -> None:
    for words, code, says in (
        (("act", "2026/cum-1", "fly", "--as", "x"), 2, "no act called fly"),
        (("act", "cum-1", "sign", "--unit", "a", "--as", "x"), 2, "no name of a cycle"),
        (("act", "2026/cum-1", "sign", "--as", "x"), 2, "Missing: `unit`"),
        (("act", "2026/cum-1", "sign", "--unit", "a"), 2, "--as PERSON"),
        (("act", "2026/cum-1", "sign", "--unit", "a", "--as", "nobody"), 2, "Nobody is entered"),
        (("year", "start", str(write(tmp_path, "a: [")), "--as", "x"), 2, "year.yaml:1"),
        (("audit", "replay", "2026/cum-9", "--json"), 2, "no cycle"),
        (("audit", "replay", "2026/cum-9", "--at", "tomorrow"), 2, "no date"),
        (("board", "--nonsense"), 2, "nonsense"),
        (("act", "2026/cum-1", "sign", "--unit", "a", "--as", "x", "--source", "x\ue123y"), 2, "--source"),
        (("act", "2026/cum-1", "sign", "--unit", "a", "--as", "x", "--on", "2024-02-30"), 2, "2024-02-30"),
        (("act", "2026/cum-1", "sign", "--unit", "a", "--as", "x", "--on", "30/02/2024"), 2, "30/02/2024"),
        (("account", "create", "p p", "--unit", "a", "--name", "An"), 2, "Id:"),
        (("account", "create", "an", "--unit", "a", "--name", ""), 2, "Name:"),
        (("account", "create", "an", "--unit", "a", "--name", "An", "--email", "x\ny@z"), 2, "Mail address:"),
    ):
        done = thidua(home, *words)
        assert done.returncode == code, (words, done.stderr)
        assert says in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr
    assert json.loads(thidua(home, "people", "--json").stdout) == []
    verified = json.loads(thidua(home, "audit", "verify", "--json").stdout)
    # What the installation keeps itself proves nothing; an auditor keeps it elsewhere, with the key.
    assert (verified["ok"], verified["proven"]) == (True, 0)
    assert {one["source"] for one in verified["compared"]} <= {"file", "database"}
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes((Path(home["THIDUA_DATA"]) / "checkpoints" / "checkpoints.jsonl").read_bytes())
    words = ("--checkpoint", str(kept), "--key", verified["log_key"], "--processes", "1", "--json")
    again = json.loads(thidua(home, "audit", "verify", *words).stdout)
    assert (again["ok"], again["proven"]) == (True, verified["events"])
    assert [one["source"] for one in again["compared"]] == ["kept", "file", "database"]
    kept.write_bytes(kept.read_bytes()[:80])
    for wrong in (("--checkpoint", str(kept)), ("--key", "x"), ("--checkpoint", str(tmp_path / "none"))):
        done = thidua(home, "audit", "verify", *wrong)
        assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (2, 1, False), done.stderr
    assert json.loads(thidua(home, "rebuild", "--json").stdout) == {"events": verified["events"]}
    assert json.loads(thidua(home, "board", "--json").stdout) == []
    assert json.loads(thidua(home, "people", "--json").stdout) == []


def test_the_operator_resets_accounts_and_renews_their_key(
    home: dict[str, str], thidua: Callable[..., Any], folder: Path
) -> None:
    own = {**home, "THIDUA_DATA": str(folder / "accounts")}
    assert thidua(own, "account", "reset", "an").returncode == 2, "there is no installation"
    made = thidua(own, "account", "create", "an", "--unit", "don-vi-1", "--name", "An", "--json")
    assert made.returncode == 0, made.stderr
    file = folder / "accounts" / "account-key.json"
    key = file.read_text()
    done = thidua(own, "account", "rotate-key", "--json")
    assert (done.returncode, json.loads(done.stdout), file.read_text() != key) == (0, {"encrypted": 0}, True)
    done = thidua(own, "account", "reset", "an", "--json")
    assert "/loi-moi/" in json.loads(done.stdout)["invitation"] != json.loads(made.stdout)["invitation"]
    timeline = thidua(own, "audit", "timeline", "installation", "--json")
    found = [(one["type"], one["actor"]) for one in json.loads(timeline.stdout)][5:]
    assert found == [(type_, "operator") for type_ in ("AccountMade", "InvitedToAccount", "LoginReset")]
    for words in (("reset", "khong-co"), ("kind", "an", "--kind", "king"), ("kind", "an", "--kind", "auditor")):
        done = thidua(own, "account", *words)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert thidua(own, "account", "kind", "an", "--kind", "staff", "--administrator").returncode == 0
    timeline = thidua(own, "audit", "timeline", "installation", "--json")
    assert json.loads(timeline.stdout)[-1]["text"] == "The kind of the account of An was changed: unit staff."
    verified = thidua(own, "audit", "verify", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["events"]) == (0, 9), "what was refused left nothing"


def test_an_audit_of_a_folder_that_holds_nothing_finds_nothing_good(
    home: dict[str, str], thidua: Callable[..., Any], tmp_path: Path
) -> None:
    empty = tmp_path / "typo"
    for words in (("verify",), ("timeline", "2026/cum-1"), ("replay", "2026/cum-1")):
        done = thidua({**home, "THIDUA_DATA": str(empty)}, "audit", *words)
        assert (done.returncode, str(empty) in done.stderr) == (2, True), done.stderr
    assert not empty.exists()


ANSWERS = """
import sys
from cli.outcome import answer, run, terminal
async def work():
    many = ["x" * 70] * 3_000
    answer(many, as_json=sys.argv[2] == "json", show=lambda: [terminal().print(one) for one in many])
    return int(sys.argv[1])
sys.exit(run(work))
"""


def test_whoever_reads_the_first_lines_only_is_no_error(home: dict[str, str], tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("thidua"))
    done = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {program} acts --json | head -c 20"],
        env=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answering = tmp_path / "answers.py"
    answering.write_text(ANSWERS)
    for code, form in ((0, "json"), (4, "json"), (0, "table"), (4, "table")):
        done = subprocess.run(
            ["/bin/bash", "-c", f"set -o pipefail; {sys.executable} {answering} {code} {form} | head -c 20"],
            env=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (code, ""), "what the command says by its code stands"


def test_help_and_reading_commands_answer(home: dict[str, str]) -> None:
    assert itself(home, "--help").returncode == 0
    assert itself(home, "acts", "sign", "--json").returncode == 0
    assert json.loads(itself(home, "status", "--json").stdout)["up"] is False
    assert json.loads(itself(home, "board", "--json").stdout) == []
