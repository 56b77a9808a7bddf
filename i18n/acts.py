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


FORMER_NAMES_VI: Mapping[str, str] = {
    "mở chu kỳ": "open-cycle",
    "ban hành bản quy định": "adopt-edition",
    "chuyển lịch": "change-calendar",
    "đóng nhận": "close-duty",
    "mở lại": "reopen-duty",
    "bổ nhiệm vai trò": "assign-role",
    "phân công phụ trách cụm": "name-overseer",
    "có ý kiến": "take-stance",
    "cùng có ý kiến": "take-stance-together",
    "góp ý": "comment",
    "tạm dừng khen thưởng": "hold-award",
    "ghi hoàn trả": "record-return",
    "khiếu nại": "file-complaint",
    "rút tự chấm điểm": "withdraw-score",
    "chọn cụm trưởng, cụm phó": "choose-next",
    "trình khen thưởng": "submit",
    "biểu quyết": "record-ballot",
    "xác nhận điểm khác quy định": "acknowledge",
    "nguồn không thống nhất": "note-disagreement",
    "báo phụ trách cụm": "confirm-escalation",
    "kiểm tra thực tế": "record-site-check",
    "đôn đốc": "remind-units",
    "kết thúc sớm": "close-early",
    "bàn giao sang cụm mới": "hand-over",
    "kế thừa chu kỳ": "take-over",
    "chứng kiến": "name-witnesses",
    "không ký": "decline-to-sign",
    "trả lại đăng ký": "return-registration",
    "chấp nhận đăng ký": "accept-registration",
    "nội dung giao ước": "state-contents",
}
"""Vietnamese names that acts had before: files that people have kept stay readable."""


def act_name(name: str) -> str:
    """An act's name as people read it, by its stored name."""
    command = Command.KNOWN.get(name)
    return _(command.LABEL) if command is not None else name.replace("-", " ")


@lru_cache
def stored_names() -> Mapping[str, str]:
    """The stored names of the acts that persons enter, by their Vietnamese names."""
    with in_language("vi"):
        return {_(command.LABEL): command.NAME for command in ENTERED_BY_PERSONS}


@lru_cache
def readable_names() -> Mapping[str, str]:
    """The stored names of the acts by all Vietnamese names that files and the command line take, former ones last."""
    return {**stored_names(), **FORMER_NAMES_VI}


def names_in_files() -> Mapping[str, str]:
    """The names by which files and the command line take an act, each with the one that the reader would type."""
    known = stored_names()
    vietnamese = language() == "vi"
    return {
        **{name: name if vietnamese else f"`{stored}`" for name, stored in known.items()},
        **{stored: name if vietnamese else f"`{stored}`" for name, stored in known.items()},
    }
