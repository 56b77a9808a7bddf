"""Calendar feeds, read by the `icalendar` package: lasting ids, what moves, what is over, alarms, two units' feeds."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from engine_help import CITY, YEAR, open_cycle, submit, units
from icalendar import Calendar, Event
from speech import RULES
from web_help import Site, Visitor

from domain.times import ICT
from domain.workdays import Calendar as DaysOff


async def feed_of(visitor: Visitor) -> str:
    """The address of a visitor's feed."""
    await visitor.get("/toi")
    await visitor.post("/toi", _do="calendar")
    found = re.search(r"/lich/\S+?\.ics", visitor.page)
    assert found is not None
    return found.group(0)


async def events(visitor: Visitor, feed: str, duty: str = "") -> list[Event]:
    """The entries of a feed, of one duty by the address on which it is done."""
    body = Calendar.from_ical((await visitor.http.get(feed)).content)
    assert isinstance(body, Calendar)
    assert body["method"] == "PUBLISH"
    return [event for event in body.walk("VEVENT") if duty in str(event["url"])]


async def entry(visitor: Visitor, feed: str, duty: str) -> Event:
    (found,) = await events(visitor, feed, duty)
    return found


def facts(event: Event) -> tuple[str, int, str]:
    return str(event["uid"]), int(event["sequence"]), str(event["status"])


async def test_an_entry_is_not_busy_and_rings_in_office_hours(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    found = await events(an, await feed_of(an))
    assert len(found) > 3
    working = DaysOff()
    for event in found:
        assert event["transp"] == "TRANSPARENT"
        assert event["x-microsoft-cdo-busystatus"] == "FREE"
        assert not re.search(r"mttq-hanoi|don-vi-1|midyear|self-score", f"{event['summary']}")
        (alarm,) = event.walk("VALARM")
        first = event["dtstart"].dt
        assert isinstance(first, date)
        rings = datetime(first.year, first.month, first.day, tzinfo=ICT) + alarm["trigger"].dt
        assert rings.hour == 8
        assert working.works(rings.date())
        assert working.after(rings.date(), 1) >= first, "the last working day before it"
        assert rings.date() < first


async def test_an_entry_leads_to_every_act_that_does_its_duty(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(1))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    feed = await feed_of(an)
    stance, report = await entry(an, feed, "viec=stance"), await entry(an, feed, "report-midyear")
    other = r"\nHoặc góp ý sửa nội dung: http\S+/du-thao\?viec=stance&don_vi=don-vi-1#gop-y$"
    assert re.search(other, str(stance["description"]))
    assert "Hoặc" not in str(report["description"])


async def test_the_id_lasts_while_the_day_moves_and_the_duty_is_done(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    feed = await feed_of(an)
    before = await entry(an, feed, "report-midyear")
    assert facts(before)[1:] == (0, "CONFIRMED")
    assert (await an.http.get(feed)).content == (await an.http.get(feed)).content, "nothing changes by itself"
    pool = site.services.calendars._pool
    await pool.execute("update accounts.calendar_entry set changed_at = changed_at - interval '1 hour'")
    before = await entry(an, feed, "report-midyear")
    until = f"{YEAR}-07-30"
    await submit(site.app, stream, CITY, "extend", {"duty": "midyear-report", "until": until, "reason": "Lũ."})
    moved = await entry(an, feed, "report-midyear")
    assert facts(moved) == (facts(before)[0], 1, "CONFIRMED")
    assert moved["dtstart"].dt == date(YEAR, 7, 30)
    assert moved["last-modified"].dt > before["last-modified"].dt
    other = await entry(an, feed, "viec=stance")
    assert facts(other)[1] == 0, "an entry that stays as it is has no new sequence"
    report = {"unit": "don-vi-1", "report": {"title": "BC"}}
    await submit(site.app, stream, "don-vi-1", "report-midyear", report)
    done = await entry(an, feed, "report-midyear")
    assert facts(done) == (facts(before)[0], 2, "CANCELLED")
    assert done.walk("VALARM") == []
    await submit(site.app, stream, "don-vi-1", "withdraw-report", {"unit": "don-vi-1"})
    again = await entry(an, feed, "report-midyear")
    assert facts(again) == (facts(before)[0], 3, "CONFIRMED")


async def test_what_is_over_leaves_the_feed_after_some_weeks(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(1))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    feed = await feed_of(an)
    assert await events(an, feed, "report-midyear")
    report = {"unit": "don-vi-1", "report": {"title": "BC"}}
    await submit(site.app, stream, "don-vi-1", "report-midyear", report)
    assert len(await events(an, feed, "report-midyear")) == 1
    pool = site.services.calendars._pool
    await pool.execute("update accounts.calendar_entry set changed_at = changed_at - $1::interval", timedelta(days=61))
    assert await events(an, feed, "report-midyear") == []


async def test_two_units_feeds_in_one_calendar_do_not_overwrite_each_other(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))
    found: dict[str, list[Any]] = {}
    for person, unit in (("an", "don-vi-1"), ("binh", "don-vi-2")):
        await site.person(person, unit)
        visitor = await site.log_in(person)
        found[unit] = await events(visitor, await feed_of(visitor))
    first, second = ({str(event["uid"]) for event in found[unit]} for unit in ("don-vi-1", "don-vi-2"))
    assert first
    assert not first & second
    titles = {str(event["summary"]) for unit in found for event in found[unit]}
    assert {"[diễn tập] ký giao ước (Đơn vị 1)", "[diễn tập] ký giao ước (Đơn vị 2)"} <= titles


async def test_a_board_that_lags_behind_strikes_nothing(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(1))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    feed = await feed_of(an)
    before = [facts(event) for event in await events(an, feed)]
    shown = await site.services.calendars.follow("don-vi-1", {}, datetime.now(ICT), complete=False)
    assert [(f"{one.id}@thidua", one.sequence, one.over) for one in shown] == [(uid, n, False) for uid, n, _ in before]
