"""The words of the trade: what the catalogue said once and must not say again (`data/wording-vi.json`).

Each row has the text as it was (`now`), the text in its place (`better`), and how the old one is looked for: as a whole
text, inside a text, as the label of an act's field, or as a name of the program that no text holds.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from i18n import in_language
from i18n.fields import field_label

ROOT = Path(__file__).resolve().parent.parent
ROWS: list[dict[str, str]] = json.loads((ROOT / "tests/data/wording-vi.json").read_text())
GUIDES = [file for file in sorted((ROOT / "docs/vi").glob("*.md")) if file.name != "ghi-chep.md"]


@cache
def catalogue() -> tuple[str, ...]:
    with (ROOT / "i18n/catalogues/vi.po").open("rb") as file:
        messages = [one for one in read_po(file, locale="vi") if one.id]
    return tuple(text for one in messages for text in ([one.string] if isinstance(one.string, str) else one.string))


def said(row: dict[str, str], texts: Iterable[str]) -> list[str]:
    """The texts that hold the old wording of a row."""
    old = row["now"].casefold()
    if row["match"] == "whole":
        return [text for text in texts if text.casefold().strip(" .:") == old]
    if row["match"] == "inside":
        return [text for text in texts if old in text.casefold()]
    # What stands in braces is filled in, and what follows `thidua` or -- is typed.
    bare = {text: re.sub(r"\{[^}]*\}|`thidua[^`]*`|--\S+", "", text) for text in texts}
    return [text for text, left in bare.items() if re.search(rf"(?<![\w-]){re.escape(row['now'])}(?![\w-])", left)]


TYPERS = frozenset(
    {
        "Aborted.",
        "Arguments",
        "Commands",
        "Missing command.",
        "No such command {name!r}.",
        "Options",
        "Try [blue]'{command_path} {help_option}'[/] for help.",
        "[default: {}]",
        "[required]",
    }
)
"""Texts of the library of the command line."""


def texts_in_code() -> set[str]:
    """All strings of the program's Python files and templates."""
    found = set()
    folders = ("accounts", "activities", "application", "audit", "cli", "domain", "i18n", "ledger", "local", "mail")
    for folder in (*folders, "projections", "vault", "web", "workflows"):
        for file in (ROOT / folder).rglob("*.py"):
            nodes = ast.walk(ast.parse(file.read_text()))
            found |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for file in (ROOT / "web/templates").glob("*.html"):
        text = file.read_text()
        found |= {*re.findall(r'"([^"]*)"', text), *re.findall(r"'([^']*)'", text)}
        # Inside an attribute's quotes the pairs above are read from the wrong side.
        found |= {text for _quote, text in re.findall(r"""(?:_|gettext)\((["'])(.*?)\1""", text)}
    return found


def test_the_catalogue_has_no_text_that_nothing_shows() -> None:
    with (ROOT / "i18n/catalogues/vi.po").open("rb") as file:
        messages = [one.id if isinstance(one.id, str) else one.id[0] for one in read_po(file, locale="vi") if one.id]
    assert set(messages) - texts_in_code() - TYPERS == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['now']} {row.get('act', '')}".strip())
def test_the_old_words_are_gone_and_the_better_ones_stand(row: dict[str, str]) -> None:
    texts = catalogue()
    if row["match"] == "label":
        with in_language("vi"):
            assert field_label(row["field"], row["act"]) == row["better"]
        return
    assert said(row, texts) == []
    better = row["better"].casefold()
    assert not better or any(better in text.casefold() for text in texts)


@pytest.mark.parametrize("row", [row for row in ROWS if row["match"] != "label"], ids=lambda row: row["now"])
def test_an_old_word_is_found_where_it_stands(row: dict[str, str]) -> None:
    assert said(row, ["Một câu khác.", row["now"]]) == [row["now"]]


def test_the_guides_speak_like_the_pages() -> None:
    guides = {file.name: file.read_text() for file in GUIDES}
    found = [(row["now"], name) for row in ROWS if row["match"] == "inside" for name in said(row, guides.values())]
    assert found == []
