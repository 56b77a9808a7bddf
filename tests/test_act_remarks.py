"""What the summary of an act says beside what it would record, where the law has nothing to say."""

from __future__ import annotations

from engine_help import CITY, submit
from speech import RULES
from test_task_flow import a_cycle, to_summary
from web_help import Site

NO_SUBMISSION = "Cụm chưa trình kết quả và đề nghị khen thưởng"
NO_POINTS = "Chưa đơn vị nào có điểm, trong khi hội nghị tổng kết xét điểm."


async def test_a_decision_without_a_submission_and_a_final_meeting_without_points_are_told_before(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    await site.person("thu-ky", CITY, kind="secretariat")
    secretary = await site.log_in("thu-ky")
    meeting = {"id": "tong-ket", "kind": "final", "place": "Hội trường"}
    way = f"/cum/{stream}/lam/record-meeting"
    await to_summary(secretary, way, **meeting)
    assert NO_POINTS in secretary.page
    await to_summary(secretary, way, **meeting, of_year="2025")
    assert NO_POINTS not in secretary.page, "the points of another year are in that year's register"
    await to_summary(secretary, way, **{**meeting, "kind": "thematic"})
    assert NO_POINTS not in secretary.page
    totals = {"round": "self", "totals": [{"unit": "don-vi-1", "total": "91"}]}
    await submit(site.app, stream, CITY, "record-totals", totals)
    await to_summary(secretary, way, **meeting)
    assert NO_POINTS not in secretary.page
    way = f"/cum/{stream}/lam/decide-awards"
    grant = {"grants.0.unit": "don-vi-1", "grants.0.award": RULES.awards[0].id}
    decision = {"decision.title": "Quyết định", "reason": "Theo kết quả năm.", **grant}
    await to_summary(secretary, way, **decision)
    assert NO_SUBMISSION in secretary.page
    nominated = {"unit": "don-vi-1", "award": RULES.awards[0].id}
    await submit(site.app, stream, CITY, "nominate", nominated)
    await submit(site.app, stream, CITY, "submit", {"submission": {"title": "Tờ trình"}})
    await secretary.get(way)
    await secretary.post(way, **secretary.hidden(), _step="drop")  # what was kept is based on what stood there before
    await to_summary(secretary, way, **decision)
    assert NO_SUBMISSION not in secretary.page
