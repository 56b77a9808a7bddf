"""Rules editions and score sheets as files: check, show, calculate. No engine is needed for a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from application.edition_checks import all_remarks, remark_text
from application.yaml_files import line_of, read_model, read_yaml, where
from cli.outcome import Exit, answer, grid, say, terminal
from cli.session import session
from domain.records import Refused
from domain.rules import Edition, edition_of
from domain.scoring.calculation import SheetFile, calculate_scores
from domain.scoring.criteria import Criterion
from domain.scoring.methods import Undetermined
from domain.scoring.remarks import Remark
from domain.scoring.results import CriterionLine, UnitResult
from errors import InputError
from i18n import _
from i18n.editions import year_day
from i18n.messages import day, number, sentence, word

if TYPE_CHECKING:
    from rich.console import Console


async def check(file: Path, *, as_json: bool) -> int:
    """Print what is unknown, open or contradictory in an edition."""
    edition = read_model(file, Edition)
    found = all_remarks(edition)
    data = {"edition": edition.id, "digest": _digest(edition), "remarks": [_remark(one) for one in found]}

    def show() -> None:
        console = terminal()
        console.print(f"{edition.id}: {edition.title}")
        for one in found:
            console.print(f"  {one.criterion or edition.id}: {remark_text(one, {})}")
        if not found:
            console.print(_("The table is whole: every maximum known, every sum as stated."))

    answer(data, as_json=as_json, show=show)
    return Exit.DONE


async def show_edition(name: str, *, as_json: bool) -> int:
    """Print an edition: a file, or a stored edition by its digest or the beginning of it."""
    if re.fullmatch(r"[0-9a-f]{8,64}", name) is None:
        edition = read_model(Path(name), Edition)
    else:
        async with session("ledger", say, reads=True) as app:
            body = await app.texts.edition_like(name)
        if body is None:
            raise InputError("edition_missing", edition=name)
        edition = edition_of(body)

    def show() -> None:
        console = terminal()
        console.print(f"{edition.title} ({edition.number or edition.id})")
        if edition.specimen:
            console.print(_("A specimen: not the organiser's rules."))
        table = grid(_("criterion"), _("title"), _("at most"), _("way"), _("source"))
        for depth, node in _nodes(edition.criteria, 0):
            table.add_row(
                "  " * depth + node.id,
                node.numbered_title,
                _points(node.max),
                "" if node.children else _way(node),
                node.source or "",
            )
        console.print(table)
        for line in (*_duties(edition), *_terms(edition)):
            console.print(f"  {line}")

    answer(edition.model_dump(mode="json"), as_json=as_json, show=show)
    return Exit.DONE


def _duties(edition: Edition) -> Iterator[str]:
    """Yield lines on deadlines, votes, awards and rounds."""
    for one in edition.deadlines:
        moved = "" if one.if_day_off == "stays" else f", {word('day_off', one.if_day_off)}"
        yield f"{word('duty', one.duty.value)}: {year_day(one.due)}{moved} ({one.article})"
    for vote in edition.votes:
        share = f"{'>' if vote.strict else '≥'} {vote.threshold} {word('vote_base', vote.base)}"
        yield f"{word('vote_subject', vote.subject)}: {word('vote_method', vote.method)}, {share} ({vote.article})"
    for award in edition.awards:
        most = award.quota if award.share is None else award.share
        yield f"{award.title}: {most if most is not None else '?'} ({award.article or '-'})"
    for round_ in edition.rounds:
        yield f"{round_.title}: {', '.join(round_.criteria) or _('all criteria')}"


def _terms(edition: Edition) -> Iterator[str]:
    """Yield lines on the documents of an edition, its period, what it replaces, and its digest."""
    for paper in edition.papers:
        yield f"{word('paper', paper.part)}: {' '.join(p for p in (paper.document.number, paper.document.title) if p)}"
    if edition.valid_from or edition.valid_until:
        first, last = (day(end) if end else "…" for end in (edition.valid_from, edition.valid_until))
        yield _("in force from {first} to {last}").format(first=first, last=last)
    if edition.replaces:
        yield _("replaces: {papers}").format(papers=", ".join(edition.replaces))
    yield _("digest {digest}").format(digest=_digest(edition))


async def score(edition_file: Path, sheet_file: Path, *, as_json: bool) -> int:
    """Print the scores of a cluster, calculated from its sheets under an edition."""
    edition, sheets = read_model(edition_file, Edition), read_model(sheet_file, SheetFile)
    for index, sheet in enumerate(sheets.units):
        try:
            calculate_scores(edition, (sheet,))
        except Refused as error:
            at = where(sheet_file, line_of(("units", index), read_yaml(sheet_file)[1]))
            raise InputError("sheet_refused", at, unit=sheet.unit, why=sentence(error.code, error.facts)) from None
    results = calculate_scores(edition, sheets.units)

    def show() -> None:
        console = terminal()
        for result in results:
            console.print(_title(result))
            table = grid(_("criterion"), _("title"), _("points"), _("at most"), _("remark"))
            for line in result.lines:
                indent = "  " * line.depth
                table.add_row(
                    indent + line.criterion, line.title, _points(line.points), _points(line.maximum), _why(line)
                )
            console.print(table)
        _summary(console, edition, results)

    answer([_result(result) for result in results], as_json=as_json, show=show)
    return Exit.DONE


def _summary(console: Console, edition: Edition, results: tuple[UnitResult, ...]) -> None:
    classes = edition.scoring.class_titles
    table = grid(_("unit"), _("base"), _("bonus"), _("penalty"), _("total"), _("rank"), _("class"), _("pass mark"))
    for one in sorted(results, key=lambda one: (one.rank is None, one.rank or 0, one.unit)):
        passed = {True: _("reached"), False: _("not reached"), None: "-"}[one.passed]
        rank = one.excluded or (str(one.rank) if one.rank is not None else f"- ({sentence(one.unranked or '')})")
        table.add_row(
            one.unit,
            _points(one.base),
            _points(one.bonus),
            _points(one.penalty),
            _points(one.total) + ("" if one.complete else f" ({_('incomplete')})"),
            rank,
            _class(one, classes),
            f"{_points(one.pass_mark)} {passed}" if one.pass_mark is not None else passed,
        )
    console.print(table)


def _class(result: UnitResult, classes: Mapping[str, str]) -> str:
    """Return the class in the edition's words, with the reason where it is open or lowered."""
    why = result.class_open or result.class_because
    title = "?" if result.class_open is not None else classes.get(result.class_ or "", "-")
    return title if why is None else f"{title} ({sentence(why.code, dict(why.facts))})"


def _title(result: UnitResult) -> str:
    excluded = f" - {_('not considered')}: {result.excluded}" if result.excluded else ""
    return f"{result.unit}{excluded}"


def _why(line: CriterionLine) -> str:
    parts = [sentence(line.undetermined.code, dict(line.undetermined.facts))] if line.undetermined is not None else []
    if line.capped_from is not None:
        parts.append(_("capped, the parts give {points}").format(points=_points(line.capped_from)))
    if line.floor_missed:
        parts.append(_("below its floor"))
    return "; ".join(parts)


def _way(node: Criterion) -> str:
    """Return the scoring method of a criterion with its parameters, as the edition has them."""
    parameters = node.way.model_dump(mode="json", exclude_defaults=True, exclude={"way"})
    limits = {
        "least_share": node.least_share,
        "part": None if node.part == "base" else node.part,
        "kinds": ", ".join(node.kinds),
        "exempt_kinds": ", ".join(node.exempt_kinds),
    }
    parameters.update({name: str(value) for name, value in limits.items() if value})
    return "\n".join(
        (word("scoring_method", node.way.way), *(f"{name}: {_short(value)}" for name, value in parameters.items()))
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_short(entry) for entry in value)
    if isinstance(value, dict):
        return " ".join(f"{name} {entry}" for name, entry in value.items())
    return str(value)


def _points(value: Decimal | None) -> str:
    """Return points as text; "?" for unknown ones."""
    if value is None:
        return "?"
    return number(value)


def _nodes(criteria: tuple[Criterion, ...], depth: int) -> Any:
    for node in criteria:
        yield depth, node
        yield from _nodes(node.children, depth + 1)


def _remark(one: Remark) -> dict[str, Any]:
    return {"criterion": one.criterion, "code": one.code, **dict(one.facts)}


def _digest(edition: Edition) -> str:
    return sha256(edition.model_dump_json().encode()).hexdigest()


def _reason(why: Undetermined | None) -> dict[str, str] | None:
    return None if why is None else {"code": why.code, **dict(why.facts)}


def _result(r: UnitResult) -> dict[str, Any]:
    def text(value: Decimal | None) -> str | None:
        return None if value is None else f"{value:f}"

    return {
        "unit": r.unit,
        "base": text(r.base),
        "bonus": text(r.bonus),
        "penalty": text(r.penalty),
        "total": text(r.total),
        "complete": r.complete,
        "rank": r.rank,
        "class": r.class_,
        "class_open": _reason(r.class_open),
        "class_because": _reason(r.class_because),
        "unranked": r.unranked,
        "excluded": r.excluded,
        "pass_mark": text(r.pass_mark),
        "passed": r.passed,
        "lines": [
            {
                "criterion": line.criterion,
                "points": text(line.points),
                "most": text(line.maximum),
                "open": _reason(line.undetermined),
                "floor_missed": line.floor_missed,
                "capped_from": text(line.capped_from),
            }
            for line in r.lines
        ],
    }
