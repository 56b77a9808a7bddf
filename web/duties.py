"""From what is owed to the page on which it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from domain.rules import Duty

_ACTS: Mapping[Duty, tuple[str, Mapping[str, str]]] = {
    Duty.DRAFT: ("present-draft", {}),
    Duty.STANCE: ("take-stance", {"unit": "bearer"}),
    Duty.SIGNATURE: ("sign", {"unit": "bearer"}),
    Duty.MIDYEAR_REPORT: ("report-midyear", {"unit": "bearer"}),
    Duty.CORRECTION: ("answer-correction", {"unit": "bearer"}),
    Duty.MIDYEAR_ACCEPTANCE: ("accept-report", {"unit": "subject"}),
    Duty.SELF_SCORE: ("score-self", {"unit": "bearer"}),
    Duty.CROSS_CHECK: ("cross-check", {"unit": "subject", "by": "bearer"}),
    Duty.APPRAISAL: ("appraise", {"unit": "subject"}),
    Duty.SUBMISSION: ("submit", {}),
    Duty.DECISION: ("decide-awards", {}),
    Duty.PUBLICATION: ("publish", {}),
    Duty.FILING: ("file-cycle", {}),
}
"""The act, and which of its fields are the bearer or the subject. The final meeting is kept in meeting mode."""


def act_of(duty: Duty | str) -> str | None:
    """The act that does a duty; None for the final meeting."""
    found = _ACTS.get(Duty(duty))
    return found[0] if found else None


def way_to(cycle: str, owed: Mapping[str, Any]) -> str:
    """Where an open duty of a board's line is done."""
    duty = Duty(owed["duty"])
    if duty is Duty.FINAL_MEETING:
        return f"/cum/{cycle}/hoi-nghi?kind=final"
    act, fields = _ACTS[duty]
    given = {"bearer": owed["unit"], "subject": owed.get("subject") or ""}
    return f"/cum/{cycle}/lam/{act}?{urlencode({name: given[which] for name, which in fields.items()})}"


def extension_of(cycle: str, owed: Mapping[str, Any]) -> str:
    """Where more time is asked for."""
    return f"/cum/{cycle}/lam/ask-extension?{urlencode({'unit': owed['unit'], 'duty': owed['duty']})}"
