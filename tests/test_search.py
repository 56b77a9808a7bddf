"""The search index holds the same rows whatever the worker's language, and answers in the reader's."""

from __future__ import annotations

import pytest
from engine_help import CITY, open_cycle, submit, unit_name, units
from speech import RULES

from cli.session import Session
from i18n import in_language
from projections.search import SearchIndex


async def test_the_rows_do_not_depend_on_the_workers_language(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch số 1"}})
    await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    index, rows = SearchIndex(app.ledger), {}
    for language in ("en", "vi"):
        monkeypatch.setenv("THIDUA_LANG", language)
        await index.forget()
        await index.catch_up()
        rows[language] = await app.ledger.pool.fetch(
            "select stream, kind, ref, unit, titles, at, words from projections.search_entry order by stream, kind, ref"
        )
    assert len(rows["en"]) >= 6
    assert rows["en"] == rows["vi"]


async def test_an_act_is_found_by_the_words_of_either_language_and_named_in_the_readers(app: Session) -> None:
    members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "KH"}})
    await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    index = SearchIndex(app.ledger)
    await index.catch_up()
    titles = {"vi": f"{unit_name(members[0])}: thống nhất.", "en": f"{unit_name(members[0])}: agreed."}
    for language, title in titles.items():
        for words in ("thong nhat", "agreed"):
            with in_language(language):
                found = await index.find(words, streams=CITY)
            assert [one.title for one in found.rows] == [title], (language, words)
    with in_language("en"):
        (unit,) = (await index.find(members[1], streams=CITY)).rows
    assert (unit.kind, unit.title) == ("unit", unit_name(members[1]))
