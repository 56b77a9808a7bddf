"""Who came first, in a sentence behind that of a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.records import CLOCK
from domain.times import ICT
from i18n import _

WHO, UNIT, AT, VERSION = "earlier_who", "earlier_unit", "earlier_at", "earlier_version"
"""The facts of a refusal: the person's name ("" where it is not told), the unit's, the instant, the act's number."""


def who_came_first(facts: Mapping[str, Any]) -> str:
    """Return who did before what a refusal tells of, and when; "" where its facts do not say."""
    if VERSION not in facts:
        return ""
    who, unit = str(facts.get(WHO, "")), str(facts.get(UNIT, ""))
    if who == CLOCK:
        text = _("The register did so by itself on {when} (act number {number}).")
    elif who:
        text = _("{who} ({unit}) entered it on {when} (act number {number}).")
    else:
        text = _("{unit} entered it on {when} (act number {number}).")
    when = f"{datetime.fromisoformat(str(facts[AT])).astimezone(ICT):%d/%m/%Y %H:%M}"
    return text.format(who=who, unit=unit or "…", when=when, number=facts[VERSION])
