"""Charts of scores: drawn for our pages, with a table beside each, and nothing of what is closed to the reader."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

from engine_help import CITY, open_cycle, submit, units
from speech import RULES
from web_help import Site

from application.pictures import Chart, Series, picture
from i18n import in_language

HOSTILE = "</title><script>alert(1)</script>\"'&"


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


def test_a_picture_has_no_styles_scripts_or_colours_alone_and_says_what_it_shows() -> None:
    series = [Series(f"{HOSTILE}{n}", [Decimal("12.5"), None, 3]) for n in range(6)]
    for kind in ("bars", "lying bars", "ranks"):
        chart = Chart("x", HOSTILE, "Mô tả", ["2024", HOSTILE, "2026"], series, kind)
        with in_language("vi"):
            drawn = picture(chart)
        root = parsed(drawn)
        assert {one.tag for one in root.iter()} <= {
            *("svg", "title", "desc", "defs", "pattern", "g", "rect", "path", "text", "circle", "line"),
        }, "no styles, no scripts"
        names = {name for one in root.iter() for name in one.attrib}
        assert not {name for name in names if name.startswith("on")} | (names & {"style", "href", "xmlns"})
        assert (root.get("role"), root.get("aria-labelledby")) == ("img", "x-title x-desc")
        assert [root[0].text, root[1].text] == [HOSTILE, "Mô tả"]
        told = [one.text for one in root.iter("title")][1:]
        assert sorted(told) == sorted(
            f"{label}, {one.title}: {value}" for one in series for label, value in (("2024", "12,5"), ("2026", "3"))
        )
        if kind != "ranks":
            fills = [one.get("fill") for one in root.iter("rect") if one.find("title") is not None]
            assert len(set(fills)) == len(series), "a pattern for each series"
            patterns = {f"url(#{one.get('id')})": ET.tostring(one[-1]) for one in root.iter("pattern")}
            assert set(fills) <= set(patterns)
            assert len(set(patterns.values())) == len(series)
    assert all("&lt;" not in one and "x-p" in one for one, _title in chart.legend)


async def test_a_cluster_is_charted_as_far_as_its_points_are_open(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(5))
    points = {"don-vi-1": ("30", "10", "20"), "don-vi-2": ("33", "11", "22"), "don-vi-4": ("37", "13", "31")}
    for unit, given in points.items():
        sheet = [{"criterion": leaf, "points": one} for leaf, one in zip(("a1", "a2", "b"), given, strict=True)]
        await submit(site.app, stream, unit, "score-self", {"unit": unit, "sheet": sheet})
    appraised = [
        {"criterion": leaf, "points": one, "reason": "x"} for leaf, one in (("a1", "29"), ("a2", "9"), ("b", "7"))
    ]
    await submit(site.app, stream, CITY, "appraise", {"unit": "don-vi-1", "sheet": appraised})
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat")
    an, secretary = await site.log_in("an"), await site.log_in("thu-ky")
    page = html.unescape(await secretary.get(f"/cum/{stream}/bieu-do-diem"))
    assert page.count('class="picture"') == 3
    for told in ("Biểu đồ điểm", "Trung bình của 3 đơn vị", "Phân bố tổng điểm", "Tổng điểm theo thứ hạng"):
        assert told in page
    mean = re.search(r'<th scope="row">A</th><td class="figure"[^>]*>60</td>(.*?)</tr>', page, re.DOTALL)
    assert mean is not None
    assert re.findall(r">([\d,]+)<", mean.group(1)) == ["44,67", "38"]
    ranks = re.findall(r'<td class="figure">(\d+)</td><th scope="row"><a [^>]+>([^<]+)</a>', page)
    assert ranks == [("1", "Đơn vị 4"), ("2", "Đơn vị 2"), ("3", "Đơn vị 1")]
    assert "<title>1, Tổng: 81</title>" in page
    assert "style=" not in page
    one = html.unescape(await secretary.get(f"/cum/{stream}/bieu-do-diem?don_vi=don-vi-4"))
    assert "<title>2, tự chấm: 77,5</title>" in one, "31 of 40"
    await secretary.get(f"/cum/{stream}/bieu-do-diem?don_vi=khongco")
    assert secretary.status == 422
    # A member sees its own unit and the one that it checks; neither ranks nor the distribution.
    own = html.unescape(await an.get(f"/cum/{stream}/bieu-do-diem"))
    assert own.count('class="picture"') == 1
    assert "Trung bình của 2 đơn vị" in own
    assert not {"Phân bố tổng điểm", "Tổng điểm theo thứ hạng", "thẩm định"} & set(re.split(r"[<>]", own))
    assert "<title>1, tự chấm: 70</title>" in own, "the mean of 40 and 44, of 60"
    closed = await an.get(f"/cum/{stream}/bieu-do-diem?don_vi=don-vi-4")
    assert 'class="picture"' not in closed
    years = html.unescape(await an.get(f"/cum/{stream}/bieu-do-diem/don-vi-4"))
    assert "81" not in re.findall(r"<td[^>]*>([^<]*)</td>", years)
    for path in ("", "/don-vi-1"):
        assert f'href="/cum/{stream}/bieu-do-diem' in await an.get(f"/cum/{stream}/bang-diem{path}")


async def test_a_unit_over_the_years_has_what_each_year_opens(site: Site) -> None:
    first, second = [
        await open_cycle(site.app, RULES, members=["don-vi-7x", other]) for other in ("don-vi-8x", "don-vi-9x")
    ]
    for stream, points in ((first, "20"), (second, "30")):
        sheet = [{"criterion": leaf, "points": one} for leaf, one in (("a1", points), ("a2", "10"), ("b", "10"))]
        await submit(site.app, stream, "don-vi-7x", "score-self", {"unit": "don-vi-7x", "sheet": sheet})
    await site.person("khac", "don-vi-9x")
    await site.person("thu-ky", CITY, "secretariat")
    other, secretary = await site.log_in("khac"), await site.log_in("thu-ky")
    path = f"/cum/{second}/bieu-do-diem/don-vi-7x"
    page = html.unescape(await secretary.get(path))
    assert re.findall(r"<title>([^<]+: [\d,]+)</title>", page)[:2] == [
        f"2026{again}, Tổng: {total}"
        for again, total in zip(("", " (2)"), (40, 50) if first < second else (50, 40), strict=True)
    ]
    assert page.count('class="picture"') == 2, "totals and ranks"
    rows = re.findall(r'<tr><th scope="row">2026</th>', page)
    assert len(rows) == 2
    seen = html.unescape(await other.get(path))
    assert len(re.findall(r'<tr><th scope="row">2026</th>', seen)) == 1, "it was no member of the first cluster"
