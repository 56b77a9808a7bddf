"""Charts as SVG that stands inside a page: drawn by pygal, then made fit for our pages.

Our pages forbid styles and scripts inside them, so looks are attributes. What belongs together has one pattern (plain,
hatched, dotted, …), so that it is told apart without colours, too. Each bar says its value as a title.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from xml.etree import ElementTree as ET

import pygal

from i18n.messages import number

WIDTH = 360
"""Units of a picture's width. Letters have 12 of them, and can still be read on a telephone."""

_HEIGHT, _LETTERS = 240, 12
_DARK, _PALE, _LINE = "#3B2F2A", "#FFFFFF", "#8C7F75"
_STROKES = ("", "6 3", "2 3", "9 3 2 3")
_SVG = "http://www.w3.org/2000/svg"

_SWATCH = (
    '<svg viewBox="0 0 24 14" class="swatch" aria-hidden="true" focusable="false">'
    '<rect x="1" y="1" width="22" height="12" fill="url(#{name}-p{number})" stroke="#3B2F2A" /></svg>'
)

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("#7A1F1F", ""),
    ("#F3D9A4", "M0 8 L8 0 M-2 2 L2 -2 M6 10 L10 6"),
    ("#FFFFFF", "M4 3 h2 v2 h-2 z"),
    ("#C9D8E6", "M0 4 H8"),
    ("#DDE8CF", "M0 0 L8 8 M0 8 L8 0"),
    ("#FFFFFF", "M4 0 V8"),
)
"""The ground and the strokes of each pattern, on a square of 8 units."""


@dataclass(frozen=True, slots=True)
class Series:
    """What belongs together in a chart: a value for each label; None: there is none."""

    title: str
    values: Sequence[Decimal | int | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows. `name` makes the ids in it: no other chart of the page has it.

    `kind`: bars, bars from left to right with a line for each label, or ranks as a line, the first on top. `ticks` are
    the figures of the scale; without them they follow from the values.
    """

    name: str
    title: str
    description: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: Literal["bars", "lying bars", "ranks"] = "bars"
    ticks: Sequence[int] | None = None

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The pattern of each series, as SVG that refers to the picture, and its title."""
        return [(_SWATCH.format(name=self.name, number=n), one.title) for n, one in enumerate(self.series)]


def picture(chart: Chart) -> str:
    """Return a chart as SVG."""
    if chart.kind == "ranks":
        made, height = pygal.Line, _HEIGHT
    elif chart.kind == "bars":
        made, height = pygal.Bar, _HEIGHT
    else:
        rows = len(chart.labels) * max(1, len(chart.series))
        made, height = pygal.HorizontalBar, 60 + 14 * rows + 10 * len(chart.labels)
    drawn = made(**_settings(chart, height), inverse_y_axis=chart.kind == "ranks", dots_size=4)
    return _drawn(drawn, chart, height)


def _settings(chart: Chart, height: int) -> dict[str, Any]:
    return {
        "width": WIDTH,
        "height": height,
        "css": [],
        "js": [],
        "no_prefix": True,
        "disable_xml_declaration": True,
        "show_legend": False,
        "margin": 8,
        "margin_right": 20,
        "spacing": 6,
        "range": (chart.ticks[0], chart.ticks[-1]) if chart.ticks else None,
        "y_labels": list(chart.ticks) if chart.ticks else None,
        "style": pygal.style.Style(label_font_size=_LETTERS, major_label_font_size=_LETTERS, value_font_size=_LETTERS),
        "max_scale": 6,
        "formatter": _figure,
        "value_formatter": _figure,
    }


def _figure(value: Any) -> str:
    return "" if value is None else number(Decimal(repr(round(float(value), 4))))


def _drawn(made: Any, chart: Chart, height: int) -> str:
    def turn(found: Sequence[Any]) -> list[Any]:
        return list(found)[:: -1 if chart.kind == "lying bars" else 1]  # lying, pygal begins at the foot

    made.x_labels = turn(chart.labels)
    for one in chart.series:
        made.add(one.title, [None if value is None else float(value) for value in turn(one.values)])
    root = made.render_tree()
    _without_styles(root)
    titles = [
        turn([f"{label}, {one.title}: {_figure(value)}" for label, value in _pairs(chart, one)]) for one in chart.series
    ]
    _look(root, chart.name, titles)
    for tag, text in (("desc", chart.description), ("title", chart.title)):
        told = ET.Element(tag, {"id": f"{chart.name}-{tag}"})
        told.text = text
        root.insert(0, told)
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": f"0 0 {WIDTH} {height}",
            "class": "picture",
            "role": "img",
            "aria-labelledby": f"{chart.name}-title {chart.name}-desc",
        }
    )
    return ET.tostring(root, encoding="unicode").replace(f' xmlns="{_SVG}"', "")


def _pairs(chart: Chart, one: Series) -> Iterable[tuple[str, Any]]:
    return [(label, value) for label, value in zip(chart.labels, one.values, strict=True) if value is not None]


def _without_styles(parent: Any) -> None:
    """Take out what our pages do not allow or do not need: styles, scripts, tooltips, comments."""
    for child in list(parent):
        classes = child.get("class", "").split() if isinstance(child.tag, str) else []
        is_needless = not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in {
            "style",
            "script",
            "desc",
            "title",
        }
        if is_needless or {"tooltip-overlay", "text-overlay", "titles", "legends"} & set(classes):
            parent.remove(child)
        else:
            child.attrib.pop("style", None)
            child.attrib.pop("id", None)
            _without_styles(child)


def _look(root: Any, name: str, titles: Sequence[Sequence[str]]) -> None:
    """Give each part its look by attributes, and each bar or point its title."""
    patterns = ET.Element("defs")
    for number_ in range(len(titles)):
        patterns.append(_pattern(f"{name}-p{number_}", *_PATTERNS[number_ % len(_PATTERNS)]))
    _look_of(root, name, "", None, {number_: iter(one) for number_, one in enumerate(titles)})
    root.insert(0, patterns)


def _pattern(id_: str, ground: str, strokes: str) -> Any:
    made = ET.Element("pattern", {"id": id_, "width": "8", "height": "8", "patternUnits": "userSpaceOnUse"})
    ET.SubElement(made, "rect", {"width": "8", "height": "8", "fill": ground})
    if strokes:
        ET.SubElement(made, "path", {"d": strokes, "stroke": _DARK, "fill": "none"})
    return made


def _look_of(node: Any, name: str, axis: str, series: int | None, titles: Mapping[int, Any]) -> None:
    for child in node:
        classes, tag = child.get("class", "").split(), child.tag.rpartition("}")[2]
        child.attrib.pop("class", None)
        here = next((one for one in ("x", "y") if "axis" in classes and one in classes), axis)
        of = next((int(one.removeprefix("serie-")) for one in classes if one.startswith("serie-")), series)
        if tag == "text":
            anchor = "middle" if here == "x" else "end"
            child.attrib.update({"text-anchor": anchor, "font-size": str(_LETTERS), "fill": _DARK})
        elif tag == "rect":
            child.attrib.update({"fill": "none"} if of is None else {"fill": f"url(#{name}-p{of})", "stroke": _DARK})
        elif tag == "path":
            dashes = {"stroke-dasharray": "2 4"} if "guide" in classes else {}
            if of is not None:
                dashes = {"stroke-width": "2", "stroke-dasharray": _STROKES[of % len(_STROKES)]}
            child.attrib.update({"fill": "none", "stroke": _LINE if of is None else _DARK, **dashes})
        elif tag == "circle":
            child.attrib.update({"fill": _DARK, "stroke": _PALE})
        if of is not None and tag in {"rect", "circle"} and (told := next(titles[of], "")):
            ET.SubElement(child, "title").text = told
        _look_of(child, name, here, of, titles)
