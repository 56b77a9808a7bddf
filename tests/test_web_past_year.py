"""The page of a year that is entered afterwards: what is told, who is not named, and no work for anybody."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from web_help import Site

from application.recording.run import record_file

FILE = """
organiser: {organiser}
organiser_name: "Ủy ban MTTQ Việt Nam thành phố"
year: 2025
cluster:
  id: cum-1
  name: "Cụm thi đua số 1"
  level: cấp xã
  regrouped: "bỏ cấp huyện"
  unnamed: 3
  unnamed_kinds: [{{kind: "xã", count: 3}}]
  units: [{{id: xa-an-binh, name: "Xã An Bình"}}]
sources:
  - {{id: bao, title: "Báo Ví Dụ"}}
people:
  - {{id: {secretary}, unit: {organiser}, name: "Nguyễn Văn A", office: "thư ký"}}
meetings:
  - id: so-ket
    kind: sơ kết
    also: chuyên đề
    held: trực tuyến
    attendance: 100
    attendance_exactness: gần
    on: 12/08/2025
    acts:
      - {{act: cùng ký giao ước}}
      - {{act: cùng nộp báo cáo sơ kết, source: bao}}
acts:
  - {{act: công bố kết quả, on: 12/2025, source: bao}}
  - act: ghi kiểm tra thực tế
    on: 11/2025
    source: bao
    fields: {{id: kt, unit: unknown, unnamed: 3, places_per_unit: 2}}
"""


async def recorded(site: Site, tmp_path: Path) -> str:
    organiser, secretary = f"o-{uuid4().hex[:8]}", f"tk-{uuid4().hex[:8]}"
    file = tmp_path / "nam.yaml"
    file.write_text(FILE.format(organiser=organiser, secretary=secretary))
    await record_file(site.app, file, secretary)
    return f"{organiser}/2025/cum-1"


async def test_the_page_and_the_timeline_tell_what_is_told(site: Site, tmp_path: Path) -> None:
    stream = await recorded(site, tmp_path)
    await site.person("kiem-tra", "thanh-tra", "auditor")
    auditor = await site.log_in("kiem-tra")
    page = await auditor.get(f"/cum/{stream}")
    told = ("cấp xã", "có nguồn, 12/08/2025", "nguồn không nêu", "cùng ký: 3 đơn vị chưa nêu tên", "trực tuyến")
    assert [words for words in told if words not in page] == []
    untrue = ("Chưa ký (", "chưa ký", "quá hạn", "▶", "bản 0", "Chưa có văn bản nào", "Chưa có ý kiến nào")
    assert [words for words in untrue if words in page] == []
    assert "3 đơn vị chưa nêu tên: nộp báo cáo sơ kết" in page
    assert "họp vào thời điểm khác thường" in page
    timeline = await auditor.get(f"/cum/{stream}/so")
    told = (
        "Xã An Bình và 3 đơn vị chưa nêu tên cùng ký giao ước.",
        "Xã An Bình và 3 đơn vị chưa nêu tên nộp báo cáo sơ kết.",
        "3 đơn vị chưa nêu tên, mỗi đơn vị 2 nơi",
        "không nêu nguồn",
        "Chia lại cụm: bỏ cấp huyện.",
    )
    assert [words for words in told if words not in timeline] == []
