"""A rules edition in words: its title, and what it changes of the edition before it."""

from __future__ import annotations

from domain.edition_changes import DeadlineChange, changed_deadlines, changed_parts
from domain.rules import Edition, PeriodDay, YearDay
from i18n import _, ngettext
from i18n.messages import word


def edition_title(edition: Edition) -> str:
    """The title in quotation marks, with the number if there is one."""
    title = _("“{title}”").format(title=edition.title)
    return f"{title} ({edition.number})" if edition.number else title


def edition_with_changes(before: Edition, after: Edition) -> str:
    """The title, and what the edition changes of the one before."""
    changes = [*map(_deadline, changed_deadlines(before, after))]
    if parts := ", ".join(word("edition_part", part) for part in changed_parts(before, after)):
        changes.append(_("other {parts}").format(parts=parts))
    if not changes:
        return _("{edition}, which changes nothing of {before}").format(
            edition=edition_title(after), before=edition_title(before)
        )
    return _("{edition}, in place of {before}: {changes}").format(
        edition=edition_title(after), before=edition_title(before), changes="; ".join(changes)
    )


def _deadline(change: DeadlineChange) -> str:
    duty = word("duty", change.duty.value)
    if change.before is None or change.after is None:
        text = _("no more date for: {duty}") if change.after is None else _("{duty}: now due {after}")
        return text.format(duty=duty, after=change.after and year_day(change.after))
    return _("{duty}: due {after} in place of {before}").format(
        duty=duty, after=year_day(change.after), before=year_day(change.before)
    )


def year_day(day: YearDay | PeriodDay) -> str:
    """A day of a rule, such as 15/03, 15/01 of the next year, or 10 days before the last day of the period."""
    if isinstance(day, PeriodDay):
        return _period_day(day)
    if day.year > 1:
        return _("{day} in two years").format(day=f"{day.day:02}/{day.month:02}")
    text = f"{day.day:02}/{day.month:02}"
    return _("{day} of the next year").format(day=text) if day.year else text


def _period_day(day: PeriodDay) -> str:
    of = word("period_end", day.counted_from)
    if day.days == 0:
        return of
    count = abs(day.days)
    text = (
        ngettext("{count} day before the {of}", "{count} days before the {of}", count)
        if day.days < 0
        else ngettext("{count} day after the {of}", "{count} days after the {of}", count)
    )
    return text.format(count=count, of=of)
