"""Every kind of notice as the message that travels: subject, headers, facts in words, the page it leads to."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.parser import BytesParser
from email.policy import compat32, default
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from post_help import SENDER, SITE
from shown_texts import found_in
from speech import CITY, DIGEST, RULES, STREAM, TEXT, Case, day

from domain.duties import Duty
from domain.notice_kinds import Notice
from domain.steps.lifecycle import OpenCycle
from domain.units import Unit
from i18n import in_language
from i18n.notices import Circumstances, message_of
from mail.messages import compose, raw
from web.notice_pages import pages_of

AT = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)
UNITS = {
    "van-mieu": "Ủy ban MTTQ Việt Nam phường Văn Miếu - Quốc Tử Giám",
    "ea-hleo": "UBMTTQVN xã Ea H'leo",
    "o-cho-dua": "Ủy ban MTTQ Việt Nam phường Ô Chợ Dừa",
}
CITY_NAME, CLUSTER = "Ủy ban MTTQ Việt Nam thành phố Hà Nội", "Cụm thi đua các phường trung tâm"
WHO = f"Trần Thị Thư - {CITY_NAME}"
WHY = "Bảng tổng hợp còn thiếu số liệu của hai chi hội."

FACTS: dict[str, tuple[Any, tuple[str, str]]] = {
    "article": ("Điều 4", ("Điều 4", "Điều 4")),
    "award": ("co", ("Cờ", "Cờ")),
    "by": ("o-cho-dua", (UNITS["o-cho-dua"],) * 2),
    "draft": ("covenant", ("giao ước", "covenant")),
    "due": (day(7, 11, 0), ("10/07/2026",) * 2),
    "duty": (Duty.CROSS_CHECK, ("chấm chéo", "cross-check")),
    "number": (3, ("3", "3")),
    "reason": (TEXT, (WHY, WHY)),
    "subject": ("ea-hleo", (UNITS["ea-hleo"],) * 2),
    "title": ("Tờ trình 12/TTr", ("Tờ trình 12/TTr",) * 2),
    "unit": ("ea-hleo", (UNITS["ea-hleo"],) * 2),
    "units": (("ea-hleo", "o-cho-dua"), (UNITS["o-cho-dua"],) * 2),
    "until": (date(2026, 7, 25), ("25/07/2026",) * 2),
    "versions": ((7, 9), ("9", "9")),
    "year": (2026, ("2026", "2026")),
}
"""What a field of a notice holds here, and the words in which the mail tells it, in Vietnamese and in English."""


def opened() -> Case:
    units = tuple(Unit(id=unit, name=name) for unit, name in UNITS.items())
    return Case(opened=False).when(
        OpenCycle(
            organiser=CITY,
            organiser_name=CITY_NAME,
            cluster_name=CLUSTER,
            year=2026,
            units=units,
            edition=DIGEST,
            clock="wall",
            starts=day(1, 1, 0),
        )
    )


def notice_of(kind: type[Notice]) -> Notice:
    """A notice of the kind with every field filled."""
    return kind(to="van-mieu", **{name: FACTS[name][0] for name in kind.model_fields if name != "to"})


def mail_of(notice: Notice, language: str) -> tuple[str, str, bytes]:
    """Subject and text as they were written, and the bytes that travel."""
    case = opened()
    with in_language(language):
        page, other = pages_of(notice, STREAM, SITE)
        told = Circumstances(sender=WHO, page=page, other=other, texts={TEXT: WHY})
        subject, text = message_of(notice, case.state, RULES, rehearsed=False, told=told)
    identity = uuid5(NAMESPACE_URL, notice.NAME)
    message = compose(sender=SENDER, to="an@example.invalid", subject=subject, text=text, identity=identity, at=AT)
    return subject, text, raw(message)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", Notice.KNOWN.values(), ids=list(Notice.KNOWN))
def test_a_mail_of_each_kind_arrives_whole_and_tells_all_facts(kind: type[Notice], language: str) -> None:
    notice = notice_of(kind)
    subject, text, content = mail_of(notice, language)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    for policy in (default, compat32):
        found: Any = BytesParser(policy=policy).parsebytes(content)
        assert found["Auto-Submitted"] == "auto-generated"
        assert found["Message-ID"] == f"<{uuid5(NAMESPACE_URL, kind.NAME)}@thidua.example.vn>"
        assert parsedate_to_datetime(found["Date"]) == AT
        assert found.get_payload(decode=True).decode().replace("\r\n", "\n") == text
    read: Any = BytesParser(policy=default).parsebytes(content)
    assert read["Subject"] == subject
    assert subject.startswith(f"{CLUSTER}: ")
    for name in kind.model_fields:
        if name != "to":
            assert FACTS[name][1][language == "en"] in f"{subject}\n{text}", name
    assert re.search(rf"^(Làm hoặc xem tại|Page): {re.escape(SITE)}/\S+$", text, re.MULTILINE)
    assert WHO in text
    assert f"{CLUSTER}, 2026\n{CITY_NAME}\n" in text
    assert not re.search(r"[{}]", f"{subject}{text}")
    assert found_in(f"{subject}\n{text}", "mail", language) == ()
