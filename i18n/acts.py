"""Vietnamese names of acts for recording files. English names stand in the domain; both are accepted."""

from __future__ import annotations

from collections.abc import Mapping

ACTS_VI: Mapping[str, str] = {
    "bổ nhiệm vai trò": "assign-role",
    "phân công phụ trách cụm": "name-overseer",
    "kết nạp đơn vị": "admit-unit",
    "đơn vị rời cụm": "release-unit",
    "trình dự thảo": "present-draft",
    "có ý kiến": "take-stance",
    "cùng có ý kiến": "take-stance-together",
    "góp ý": "comment",
    "ký giao ước": "sign",
    "cùng ký giao ước": "sign-jointly",
    "chứng kiến": "name-witnesses",
    "không ký": "decline-to-sign",
    "nộp báo cáo sơ kết": "report-midyear",
    "tự chấm điểm": "score-self",
    "chấm chéo": "cross-check",
    "thẩm định điểm": "appraise",
    "biểu quyết": "record-ballot",
    "ghi tổng điểm": "record-totals",
    "xếp hạng": "rank",
    "đề nghị khen thưởng": "nominate",
    "chọn cụm trưởng, cụm phó": "choose-next",
    "trình khen thưởng": "submit",
    "quyết định khen thưởng": "decide-awards",
    "công bố kết quả": "publish",
    "tạm dừng khen thưởng": "hold-award",
    "tiếp tục xét khen thưởng": "release-award",
    "hủy khen thưởng": "annul-award",
    "ghi hoàn trả": "record-return",
    "khiếu nại": "file-complaint",
    "trả lời khiếu nại": "answer-complaint",
    "ban hành bản quy định": "adopt-edition",
}

MEETINGS_VI: Mapping[str, str] = {
    "phát động": "launching",
    "chuyên đề": "thematic",
    "quý": "quarterly",
    "sơ kết": "mid-year",
    "tổng kết": "final",
    "khác": "other",
}
"""Vietnamese kinds of meetings."""
