"""The columns of the table that starts a year: clusters, units and contacts, as offices call them."""

from __future__ import annotations

from collections.abc import Mapping

from application.table_columns import UNUSED, Head, Vocabulary, find_head
from application.tables import Rows

COLUMNS = (
    "cụm",
    "đơn vị",
    "mã đơn vị",
    "loại",
    "phụ trách cụm",
    "người liên hệ",
    "chức vụ",
    "thư điện tử",
    "điện thoại",
)
"""What columns can hold, in any order; the first two are required."""

REQUIRED = COLUMNS[:2]
_HEADS: Mapping[str, str] = {
    "cụm": "cụm thi đua|khối|khối thi đua|cụm khối|cụm khối thi đua|thuộc cụm|cụm số|nhóm",
    "đơn vị": "đơn vị thành viên|thành viên|xã phường|phường xã|phường|xã|quận huyện|địa phương|cơ quan đơn vị"
    "|đơn vị thi đua|đơn vị cơ sở|đơn vị địa phương|mttq phường xã|ubmttq",
    "mã đơn vị": "mã|mã số|mã đv|mã định danh",
    "loại": "loại đơn vị|loại hình|phân loại|nhóm đơn vị",
    "phụ trách cụm": "phụ trách|lãnh đạo phụ trách|lãnh đạo phụ trách cụm|người phụ trách cụm|đồng chí phụ trách"
    "|đồng chí phụ trách cụm|thường trực phụ trách",
    "người liên hệ": "họ|họ tên|họ và|họ và tên|đầu mối|người đầu mối|cán bộ đầu mối|đầu mối liên hệ|liên hệ"
    "|cán bộ phụ trách|họ tên người liên hệ|họ và tên người liên hệ|họ tên cán bộ|cán bộ theo dõi|người đại diện",
    "chức vụ": "chức danh|chức vụ chức danh|chức danh chức vụ|chức vụ công tác",
    "thư điện tử": "email|e mail|mail|gmail|địa chỉ email|địa chỉ mail|địa chỉ thư điện tử|hộp thư|hòm thư"
    "|hộp thư điện tử|thư công vụ|email công vụ",
    "điện thoại": "sđt|đt|số đt|số điện thoại|điện thoại liên hệ|số điện thoại liên hệ|di động|số di động|đtdđ"
    "|sđt liên hệ|điện thoại di động|số máy|phone|zalo|số zalo",
    UNUSED: "stt|tt|số tt|thứ tự|số thứ tự|ghi chú",
}
"""How offices call them, without words in brackets and without "tên" in front."""

YEAR_TABLE = Vocabulary(COLUMNS, REQUIRED, _HEADS)


def find_year_head(rows: Rows, choices: Mapping[int, str]) -> Head:
    """Return the head of a table that starts a year (`find_head`)."""
    return find_head(YEAR_TABLE, rows, choices)
