"""Every oddity of every documented meeting shows where the documentation says it does."""

from __future__ import annotations

import re

from engine_help import assert_ledger_verifies

from application.recording.cases import REAL, Seen, all_cases, is_seen, record_case
from cli.cases import TABLE, table
from cli.session import Session
from i18n.timeline import describe
from ledger.mapping import to_envelope

TWENTY = 20


def test_every_case_has_its_files_and_no_file_is_left_over() -> None:
    files = [file for case in all_cases() for file in case.files()]
    assert all(case.files() for case in all_cases())
    assert sorted(files) == sorted(REAL.glob("*.yaml"))
    assert len(all_cases()) == TWENTY


def test_the_documentation_tells_the_same() -> None:
    assert table() in TABLE.read_text(), "write it with `python -m cli.cases --write`"


async def test_every_oddity_is_seen(app: Session) -> None:
    for case in all_cases():
        recorded = await record_case(app, case)
        for one in case.oddities:
            assert is_seen(one.seen, recorded), f"{case.case}: {one.told}"
        for _which, row in recorded.rows:
            sentence = describe(to_envelope(row), {}, {})
            assert sentence, row.type
            assert not re.search(r"[{}]|object at|None", sentence), sentence
        # The control: what nobody told is not found.
        assert not is_seen(Seen(deviation="khong-co"), recorded)
        assert not is_seen(Seen.model_validate({"event": "MeetingHeld", "with": {"place": "không có"}}), recorded)
    await assert_ledger_verifies(app)
