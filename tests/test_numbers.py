"""Numbers are read alike in files, on pages and by programs; what can mean two numbers is asked about."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from application.fields import FieldFiller
from application.form_values import as_fields, as_typed
from application.yaml_files import read_model, read_yaml
from domain.numbers import JSON_PATTERN, is_canonical, read_number, write_number
from domain.records import Command
from domain.rules import Edition
from domain.types import TYPED, Amount
from errors import InputError
from i18n import in_language
from i18n.messages import sentence
from resources import STATIC

AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Amount)

READ = {
    "1250": "1250",
    "9,5": "9.5",
    "9.5": "9.5",
    "0,125": "0.125",
    "18,5550": "18.5550",
    "1250,125": "1250.125",
    "9.000.000.000": "9000000000",
    "9,000,000,000": "9000000000",
    "9 000 000": "9000000",
    "9\u00a0000,5": "9000.5",
    "1.250,5": "1250.5",
    "1,250.5": "1250.5",
    "1.250.000,25": "1250000.25",
    "–5": "-5",
    "− 5,5": "-5.5",
    " 98,5 ": "98.5",
    "unknown": "unknown",
    "1/3": "1/3",
}
TWO_WAYS = {
    "1.250": ("1250", "1,25"),
    "18,555": ("18555", "18,5550"),
    "-1,250": ("-1250", "-1,25"),
    "100.000": ("100000", "100"),
}
NO_NUMBER = ["1.2.3", "1,2,3", "1.250,", "12.50.000", "1.250.00", "1,250,5", "9,,5"]


@pytest.mark.parametrize(("typed", "number"), READ.items())
def test_what_means_one_number_is_read(typed: str, number: str) -> None:
    assert read_number(typed) == number
    if is_canonical(number):
        assert re.match(JSON_PATTERN, typed)
        assert AMOUNT.validate_python(typed.lstrip("–− ")) == abs(Decimal(number))


@pytest.mark.parametrize(("typed", "ways"), TWO_WAYS.items())
def test_what_means_two_numbers_is_asked_about(typed: str, ways: tuple[str, str]) -> None:
    with pytest.raises(PydanticCustomError) as asked:
        read_number(typed)
    assert asked.value.type == "number_in_two_ways"
    facts = asked.value.context or {}
    assert (facts["thousands"], facts["decimal"]) == ways
    said = sentence("number_in_two_ways", facts)
    assert ways[0] in said
    assert ways[1] in said
    for way in ways:
        read_number(way)  # each answer is read


def test_a_whole_number_has_one_reading() -> None:
    assert read_number("1.250", whole=True) == read_number("1,250", whole=True) == "1250"
    assert read_number("9,5", whole=True) == "9.5", "the field refuses it"
    with pytest.raises(PydanticCustomError, match="number_unreadable"):
        read_number("1_000", whole=True)  # `int` would take it


@pytest.mark.parametrize("typed", NO_NUMBER)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(PydanticCustomError) as wrong:
        read_number(typed)
    assert wrong.value.type == "number_unreadable"


DECIMALS = st.decimals(Decimal(-(10**9)), Decimal(10**9), places=4, allow_nan=False)


@given(DECIMALS, st.sampled_from(",."))
def test_what_is_written_into_a_field_is_read_back(value: Decimal, mark: str) -> None:
    assert Decimal(read_number(write_number(value, mark))) == value


@pytest.mark.parametrize("text", ["1e20000000", "-1e20000000", "1e-20000000", "0e20000000", "NaN", "Infinity"])
def test_a_number_of_millions_of_zeros_is_not_written_out(text: str) -> None:
    assert len(write_number(Decimal(text))) < 20
    assert not is_canonical(write_number(Decimal(text), "."))


def test_stored_numbers_are_as_they_are() -> None:
    """A payload in the ledger has "18.555" for 18,555: only what a person typed is asked about."""
    assert AMOUNT.validate_json('"18.555"') == Decimal("18.555")
    with pytest.raises(ValidationError):
        AMOUNT.validate_python("18.555", context=TYPED)


class _Nothing:
    async def put(self, body: str, /) -> str:
        raise AssertionError(body)

    async def get(self, person: str, /) -> None:
        raise AssertionError(person)


RESULT = Command.KNOWN["report-result"]


async def test_files_and_pages_read_alike(tmp_path: Path) -> None:
    """A file's fields and a form's go through one place: the same text gives the same number, or the same question."""
    filler = FieldFiller(_Nothing(), _Nothing())
    for typed in (*READ, *TWO_WAYS, *NO_NUMBER):
        file = tmp_path / "f.yaml"
        file.write_text(f'amount: "{typed}"\n', encoding="utf-8")
        answers = []
        for fields in (read_yaml(file)[0], as_fields(RESULT, {"amount": typed})):
            try:
                answers.append((await filler.fill(RESULT, fields))["amount"])
            except InputError as error:
                answers.append((error.code, error.path))
        assert answers[0] == answers[1], typed


async def test_an_unquoted_number_of_a_file_is_read_as_its_text(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("a: 1.250\nb: 9.000.000.000\nc: 1250\nd: 0125\ne: 12:30\nf: -3\n")
    data, _lines = read_yaml(file)
    assert data == {"a": "1.250", "b": "9.000.000.000", "c": 1250, "d": "0125", "e": "12:30", "f": -3}


@pytest.mark.parametrize(("maximum", "right"), [("1.250", False), ("1250", True), ('"12,5"', True), ("9.000", False)])
def test_editions_ask_too(tmp_path: Path, maximum: str, right: bool) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(f"id: e\ntitle: E\ncriteria:\n  - {{id: a, title: A, max: {maximum}}}\n")
    if right:
        assert read_model(file, Edition).criteria[0].max is not None
        return
    with pytest.raises(InputError) as asked:
        read_model(file, Edition)
    assert (asked.value.facts["problem"], asked.value.path[-2:]) == ("number_in_two_ways", ":4")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_form_that_shows_a_stored_number_can_be_sent_as_it_is(language: str) -> None:
    with in_language(language):
        shown = as_typed(RESULT, {"title": "T", "amount": "18.555", "measure": "hộ"})
    assert Decimal(read_number(shown["amount"])) == Decimal("18.555")


def test_the_script_of_the_pages_reads_no_numbers() -> None:
    script = (STATIC / "desk.js").read_text()
    assert not re.search(r"parseFloat|parseInt|Number\(|toLocaleString|Intl\.|valueAsNumber", script)
