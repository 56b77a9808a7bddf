"""The columns of a table of criteria: what each holds, how a cell is read into the file, and how it is written back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from application.edition_texts import new_id
from application.slugs import slug_of
from application.table_columns import UNUSED, Vocabulary
from domain.numbers import write_number
from domain.problems import first_problem
from domain.types import TYPED, Points
from i18n import LANGUAGES, _, in_language
from i18n.edition_fields import NO_CEILING, edition_choices
from i18n.messages import problem_in_words, word
from i18n.sorting import folded
from i18n.words import WORDS

NUMBER, TITLE, GROUP, MOST, PART, WAY = "số", "tiêu chí", "nhóm", "điểm tối đa", "loại điểm", "cách chấm"

_POINTS: TypeAdapter[Decimal] = TypeAdapter(Points)
_MOST_POINTS = 60
"""A cell with more characters holds no number of points."""

# For texts without two blanks beside each other, and of at most `_MOST_POINTS` characters.
_POINTS_AROUND = re.compile(
    r"(?:tối đa|không quá|tổng|trừ|cộng|thưởng)? ?:? ?(?P<number>[-–−+]? ?[0-9][0-9.,]*) ?(?:đ|điểm|điểm/lần)?\.?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(?:từ ?)?0 ?(?:[-–]|đến) ?(?P<number>[0-9][0-9.,]*) ?(?:đ|điểm)?", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*[;\n]\s*")


class CellError(Exception):
    """A cell cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class CriteriaColumn:
    """A column beside number, title and group. `path` is the field of a criterion; `way`: it belongs to these methods.

    `read` makes a cell's text the field's value, `write` the reverse.
    """

    name: str
    path: tuple[str, ...]
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    ways: tuple[str, ...] = ()


def read_points(text: str) -> Any:
    """A number as people write it into such tables: 9,5; "10 điểm"; "tối đa 10"; 0-10.

    Raises:
        CellError
    """
    text = " ".join(text.split())
    if len(text) > _MOST_POINTS:
        raise CellError(_not_a_number(text))
    found = _RANGE.fullmatch(text) or _POINTS_AROUND.fullmatch(text)
    typed = found["number"].replace(" ", "") if found else text
    try:
        value = _POINTS.validate_python(typed, context=TYPED)
    except ValidationError as error:
        problem = first_problem(error)
        if problem["problem"] == "decimal_parsing":
            raise CellError(_not_a_number(text)) from None
        raise CellError(problem_in_words(str(problem["problem"]), problem["given"])) from None
    written = write_number(value, ".")
    return int(written) if re.fullmatch(r"-?[0-9]{1,9}", written) else written


def _not_a_number(text: str) -> str:
    shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
    return _("“{found}” is no number; type a number, such as 9.5").format(found=shown)


_SHOWN_CHARS = 40


def _write_number(value: Any) -> str:
    return str(value).replace(".", ",")


def _whole(text: str) -> Any:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise CellError(_("a whole number is needed here"))
    return int(text)


def _share(text: str) -> Any:
    if re.fullmatch(r"[1-9][0-9]?/[1-9][0-9]?", text):
        return text
    if found := re.fullmatch(r"(?P<number>[0-9]{1,3}(?:[.,][0-9]{1,2})?)\s*%", text):
        return write_number(Decimal(found["number"].replace(",", ".")) / 100, ".")
    return read_points(text)


def _ceiling(text: str) -> Any:
    return "none" if text.casefold() in _in_all_languages(lambda: _(NO_CEILING)) else read_points(text)


def _write_ceiling(value: Any) -> str:
    return _(NO_CEILING) if value == "none" else _write_number(value)


def _in_all_languages(say: Callable[[], str]) -> set[str]:
    found: set[str] = set()
    for language in LANGUAGES:
        with in_language(language):
            found.add(say().casefold())
    return found


def _conditions(text: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for title in filter(None, _SEPARATOR.split(text)):
        found.append({"id": new_id(title, {one["id"] for one in found}), "title": title})
    return found


def _write_conditions(value: Any) -> str:
    entries = value if isinstance(value, list) else []
    return "; ".join(str(one.get("title", "")) for one in entries if isinstance(one, Mapping))


def _kinds(text: str) -> list[str]:
    return [slug_of(one, "") for one in re.split(r"\s*[;,\n]\s*", text) if one]


def _listed(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _write_kinds(value: Any) -> str:
    return _listed(value).replace("-", " ")


def _ticked(text: str) -> bool:
    plain = folded(text)
    if plain in {"x", "co", "yes", "✓", "v", "1"}:
        return True
    if plain in {"", "khong", "no", "0", "-"}:
        return False
    raise CellError(_("an x for yes, nothing for no"))


_PART_WORDS: Mapping[str, tuple[str, ...]] = {
    "base": ("co ban", "chinh", "diem chuan", "tieu chi"),
    "bonus": ("thuong", "diem thuong", "diem cong", "cong"),
    "penalty": ("tru", "diem tru"),
}


def read_part(text: str) -> str:
    """Which kind of points a cell names.

    Raises:
        CellError
    """
    return _named(text, lambda: edition_choices("part"), _PART_WORDS)


def _write_part(value: Any) -> str:
    return dict(edition_choices("part")).get(str(value), "")


_WAY_WORDS: Mapping[str, tuple[str, ...]] = {
    "hand": ("cham tay", "cho diem", "cham diem truc tiep"),
    "linear": ("ty le", "theo ty le", "ty le thuan"),
    "all-or-nothing": ("dat/khong dat", "dat hoac khong", "dat khong dat"),
    "count": ("so lan", "dem", "dem so lan", "moi lan"),
    "relative": ("so voi don vi dan dau", "so voi cao nhat", "so voi don vi cao nhat"),
    "mean": ("so voi binh quan", "so voi trung binh"),
}


def read_way(text: str) -> str:
    """Which scoring method a cell names.

    Raises:
        CellError
    """
    return _named(text, _ways, _WAY_WORDS)


def _ways() -> list[tuple[str, str]]:
    return [(value, word("scoring_method", value)) for value in WORDS["scoring_method"].words]


def _named(text: str, choices: Callable[[], Iterable[tuple[str, str]]], usual: Mapping[str, tuple[str, ...]]) -> str:
    """The value that a cell names, by its words in any language, or by those that are usual for it.

    Raises:
        CellError
    """
    plain, known = folded(text), dict[str, str]()
    for language in LANGUAGES:
        with in_language(language):
            known |= {folded(words): value for value, words in choices()}
    known |= {one: value for value, words in usual.items() for one in words}
    if plain not in known:
        told = ", ".join(words for _value, words in choices())
        raise CellError(_("one of these is needed here: {words}").format(words=told))
    return known[plain]


CELLS: tuple[CriteriaColumn, ...] = (
    CriteriaColumn("bước điểm", ("way", "step"), read_points, _write_number, ("hand",)),
    CriteriaColumn("điểm mỗi lần", ("way", "each"), read_points, _write_number, ("count",)),
    CriteriaColumn("điểm thấp nhất", ("way", "least"), read_points, _write_number, ("hand", "count")),
    CriteriaColumn("điều kiện", ("way", "conditions"), _conditions, _write_conditions, ("all-or-nothing",)),
    CriteriaColumn("điểm khi vượt chỉ tiêu", ("way", "ceiling"), _ceiling, _write_ceiling, ("linear",)),
    CriteriaColumn("sai số coi như bằng", ("way", "tolerance"), read_points, _write_number, ("relative",)),
    CriteriaColumn("mức phải đạt", ("least_share",), _share, _write_number),
    CriteriaColumn("chỉ cho đơn vị", ("units",), list, _listed),
    CriteriaColumn("chỉ cho loại đơn vị", ("kinds",), _kinds, _write_kinds),
    CriteriaColumn("căn cứ", ("source",), str, str),
    CriteriaColumn("số nội dung", ("contents",), _whole, str),
    CriteriaColumn("số điều kiện", ("conditions",), _whole, str),
    CriteriaColumn("còn thiếu mục con", ("partial",), _ticked, lambda value: "x" if value else ""),
)
UNITS = next(one for one in CELLS if one.path == ("units",))
"""Its cells hold names of units, which only the reader of the whole table knows."""

_USUAL: Mapping[str, str] = {
    NUMBER: "stt|tt|số tt|thứ tự|số thứ tự|mục|mã tiêu chí|ký hiệu",
    TITLE: "nội dung|nội dung tiêu chí|nội dung thi đua|nội dung đánh giá|các tiêu chí|tiêu chí thi đua"
    "|tiêu chí đánh giá|nội dung tiêu chí thi đua|nội dung chấm điểm|nội dung và tiêu chí|nội dung công việc|nhiệm vụ",
    GROUP: "nhóm tiêu chí|lĩnh vực|nhóm nội dung|phần",
    MOST: "điểm|điểm chuẩn|thang điểm|số điểm|điểm tối đa|điểm số|mức điểm|khung điểm|điểm quy định|tổng điểm"
    "|điểm cao nhất",
    PART: "loại|phân loại|loại tiêu chí",
    WAY: "cách tính|cách tính điểm|phương pháp chấm|cách chấm điểm|phương pháp tính",
    "điểm mỗi lần": "điểm một lần|mỗi lần",
    "điều kiện": "các điều kiện|điều kiện đạt",
    "căn cứ": "nguồn|văn bản|căn cứ văn bản|cơ sở",
    UNUSED: "ghi chú|điểm tự chấm|tự chấm|điểm thẩm định|thẩm định|kết quả|tài liệu kiểm chứng|minh chứng|điểm đạt"
    "|đơn vị tự chấm|cụm chấm",
}
TABLE = Vocabulary(
    (NUMBER, TITLE, GROUP, MOST, PART, WAY, *(one.name for one in CELLS)),
    (TITLE,),
    _USUAL,
)
"""What the columns of a table of criteria can hold."""


def cell_of(node: Mapping[str, Any], column: CriteriaColumn, names: Mapping[str, str]) -> str:
    """Return what a column says of a criterion; "" where it says nothing."""
    value: Any = node
    for part in column.path:
        value = value.get(part) if isinstance(value, Mapping) else None
    if value in (None, "", [], False):
        return ""
    if column is UNITS and isinstance(value, list):
        value = [names.get(str(one), str(one)) for one in value]
    return column.write(value)


def part_cell(node: Mapping[str, Any]) -> str:
    """Return the kind of points of a criterion in words; "" for the usual one."""
    return _write_part(node["part"]) if node.get("part", "base") != "base" else ""


def way_cell(node: Mapping[str, Any]) -> str:
    """Return the scoring method of a criterion in words; "" for points by hand."""
    way = node.get("way")
    name = way.get("way") if isinstance(way, Mapping) else None
    return word("scoring_method", name) if isinstance(name, str) and name != "hand" else ""


def in_table(paths: Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Return the fields of a criterion that columns of these names hold."""
    named = set(paths)
    return frozenset(one.path for one in CELLS if one.name in named)
