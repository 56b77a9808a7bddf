"""How values are told in lists: units by the part in which they differ, deviations by one way of counting."""

from __future__ import annotations

import pytest

from i18n.values import open_deviations_told, short_unit


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Ủy ban MTTQ Việt Nam phường Bồ Đề", "Phường Bồ Đề"),
        ("Uỷ ban Mặt trận Tổ quốc Việt Nam xã Đông Anh", "Xã Đông Anh"),
        ("Ủy ban MTTQ quận Long Biên", "Quận Long Biên"),
        ("Ủy ban MTTQ Việt Nam", "Việt Nam"),
        ("Công an phường Bồ Đề", "Công an phường Bồ Đề"),
        ("Đơn vị 1", "Đơn vị 1"),
        ("", ""),
    ],
)
def test_a_unit_is_told_by_the_part_in_which_it_differs(name: str, short: str) -> None:
    assert short_unit(name) == short


def test_remarks_are_among_the_open_deviations() -> None:
    assert open_deviations_told(0, 1) == "1 chưa xử lý, trong đó 1 lưu ý"
    assert open_deviations_told(2, 0) == "2 chưa xử lý"
