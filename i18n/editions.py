"""A rules edition in words: its title, and what it changes of the edition before it."""

from __future__ import annotations

from domain.edition_changes import DeadlineChange, changed_deadlines, changed_parts
from domain.rules import Edition, YearDay
from i18n import _
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


def year_day(day: YearDay) -> str:
    """A day of a rule, such as 15/03, or 15/01 of the next year."""
    text = f"{day.day:02}/{day.month:02}"
    return _("{day} of the next year").format(day=text) if day.year else text
