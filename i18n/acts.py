"""Names of acts for people. Recording files and the command line take the Vietnamese name and the stored one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from domain.cycle import ENTERED_BY_PERSONS
from domain.records import Command
from i18n import _, in_language, language

MEETINGS_VI: Mapping[str, str] = {
    "phát động": "launching",
    "chuyên đề": "thematic",
    "quý": "quarterly",
    "sơ kết": "mid-year",
    "tổng kết": "final",
    "khác": "other",
}
"""Vietnamese kinds of meetings."""


MEETING_FORMS_VI: Mapping[str, str] = {"trực tiếp": "in-person", "trực tuyến": "online", "kết hợp": "both"}
"""Vietnamese forms of meetings; "kết hợp": in person and online."""

LEVELS_VI: Mapping[str, str] = {
    "trung ương": "central",
    "cấp tỉnh": "province",
    "cấp huyện": "district",
    "cấp xã": "commune",
}
"""Vietnamese levels of clusters."""

EXACTNESS_VI: Mapping[str, str] = {
    "đúng": "exact",
    "gần": "nearly",
    "ít nhất": "at-least",
    "hơn": "more-than",
    "dưới": "less-than",
    "khoảng": "about",
    "ước": "estimated",
}
"""Vietnamese words for how exact a number is."""


def act_name(name: str) -> str:
    """An act's name as people read it, by its stored name."""
    command = Command.KNOWN.get(name)
    return _(command.LABEL) if command is not None else name.replace("-", " ")


@lru_cache
def stored_names() -> Mapping[str, str]:
    """The stored names of the acts that persons enter, by their Vietnamese names."""
    with in_language("vi"):
        return {_(command.LABEL): command.NAME for command in ENTERED_BY_PERSONS}


def names_in_files() -> Mapping[str, str]:
    """The names by which files and the command line take an act, each with the one that the reader would type."""
    known = stored_names()
    vietnamese = language() == "vi"
    return {
        **{name: name if vietnamese else f"`{stored}`" for name, stored in known.items()},
        **{stored: name if vietnamese else f"`{stored}`" for name, stored in known.items()},
    }
