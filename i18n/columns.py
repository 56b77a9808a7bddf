"""The headings of tables that people save as files for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from i18n import NC_, _

COLUMNS: Mapping[str, str] = {
    "about": NC_("column", "about whom"),
    "absent": NC_("column", "stands in for"),
    "account": NC_("column", "kind of account"),
    "account_name": NC_("column", "account name"),
    "act": NC_("column", "number of the act"),
    "article": NC_("column", "article"),
    "asked_until": NC_("column", "more time asked until"),
    "cluster": NC_("column", "cluster"),
    "criterion": NC_("column", "criterion"),
    "corrected_by": NC_("column", "corrected by act"),
    "details": NC_("column", "details"),
    "days_late": NC_("column", "days overdue"),
    "deviations": NC_("column", "open deviations"),
    "digest": NC_("column", "digest"),
    "due": NC_("column", "due"),
    "email": NC_("column", "mail address"),
    "evidence": NC_("column", "evidence, reason"),
    "extensions_asked": NC_("column", "extensions asked for"),
    "figures": NC_("column", "figures"),
    "head": NC_("column", "head of the cluster"),
    "how_sure": NC_("column", "how sure"),
    "least": NC_("column", "at least"),
    "level": NC_("column", "level"),
    "line": NC_("column", "what stands there"),
    "moment": NC_("column", "moment"),
    "most": NC_("column", "at most"),
    "name": NC_("column", "name"),
    "next_deadline": NC_("column", "next deadline"),
    "office": NC_("column", "office"),
    "on": NC_("column", "date"),
    "ordinal": NC_("column", "no."),
    "only": NC_("column", "only at this moment"),
    "organiser": NC_("column", "organiser"),
    "overdue": NC_("column", "overdue tasks"),
    "phone": NC_("column", "telephone"),
    "position": NC_("column", "position in the register"),
    "rank": NC_("column", "rank"),
    "points": NC_("column", "points"),
    "reason": NC_("column", "reason of the acknowledgement"),
    "recorded": NC_("column", "recorded at"),
    "reminded": NC_("column", "last reminded"),
    "round": NC_("column", "round"),
    "source": NC_("column", "source"),
    "state": NC_("column", "state"),
    "step": NC_("column", "step"),
    "task": NC_("column", "task"),
    "text": NC_("column", "what happened"),
    "unit": NC_("column", "unit"),
    "until": NC_("column", "last day of access"),
    "waiting_for": NC_("column", "waiting for"),
    "way_in": NC_("column", "how one gets in"),
    "what": NC_("column", "deviation"),
    "who": NC_("column", "entered by"),
    "year": NC_("column", "year"),
}


def headings(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the headings of columns in the language in use.

    Raises:
        KeyError: a column has no heading.
    """
    return tuple(_(COLUMNS[name]) for name in columns)
