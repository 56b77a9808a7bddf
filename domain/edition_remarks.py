"""Remarks on a rules edition beside its score table: what is odd in its dates, periods, covenants and cross-checks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.due_dates import usual_due
from domain.duties import Duty
from domain.rules import Edition
from domain.scoring.remarks import Remark, first_place
from domain.times import end_of

_ANY_YEAR = 2023
_OF_FIGURES = (Duty.SELF_SCORE, Duty.MIDYEAR_REPORT)
"""Duties in which a unit states figures; the mid-year report covers the first half of the period."""


def edition_remarks(edition: Edition) -> tuple[Remark, ...]:
    """Return what is odd in an edition. Nothing is repaired."""
    return (*_figures(edition), *_covenants(edition), *_validity(edition), *_cross_checks(edition), *_shares(edition))


def _figures(edition: Edition) -> Iterator[Remark]:
    """Find figures that are due before the time that they are of has ended, and that are cut off too late."""
    last = edition.period.last.of(_ANY_YEAR)
    first = edition.period.first.of(_ANY_YEAR)
    middle = first + (last - first) // 2
    for duty, end in zip(_OF_FIGURES, (last, middle), strict=True):
        due, deadline = usual_due(duty, _ANY_YEAR, edition), edition.deadline(duty)
        if due is None or deadline is None:
            continue
        if deadline.figures_until is not None:
            if end_of(deadline.figures_until.of(_ANY_YEAR)) > due:
                yield _remark("figures_after_due", duty=duty.value)
        elif due < end_of(end):
            yield _remark("due_before_period_ends", duty=duty.value)


def _covenants(edition: Edition) -> Iterator[Remark]:
    """Find a covenant for a term without its years, and years without such a covenant."""
    if "term-covenant" in edition.covenants and edition.covenant_years is None:
        yield _remark("term_without_years")
    if "term-covenant" not in edition.covenants and edition.covenant_years is not None:
        yield _remark("years_without_term")
    if edition.deadline(Duty.SIGNATURE) is not None and not edition.covenants:
        yield _remark("deadline_without_covenant")


def _validity(edition: Edition) -> Iterator[Remark]:
    """Find an edition that is in force before its own date."""
    if edition.issued is not None and edition.valid_from is not None and edition.valid_from < edition.issued:
        yield _remark("in_force_before_its_date", first=_day(edition.valid_from), issued=_day(edition.issued))


def _cross_checks(edition: Edition) -> Iterator[Remark]:
    """Find cross-checks that are asked for when the edition does not say who checks whom."""
    asked = edition.deadline(Duty.CROSS_CHECK) is not None or edition.round_rule("cross-checked") is not None
    if asked and edition.cross_checks is None:
        yield _remark("cross_checks_by_act")


def _shares(edition: Edition) -> Iterator[Remark]:
    """Find awards whose share gives a small cluster no place."""
    for award in edition.awards:
        if award.share is not None and (least := first_place(award.share, award.share_rounding)) not in {None, 1}:
            yield _remark("share_needs_units", name=award.title, least=str(least))


def _day(day: date) -> str:
    return day.isoformat()


def _remark(code: str, /, **facts: str) -> Remark:
    return Remark(code, None, tuple(facts.items()))
