"""From what is owed to the act that does it: what terminal and page offer next."""

from __future__ import annotations

from collections.abc import Mapping

from domain.obligations import Obligation
from domain.rules import Duty

ACTS: Mapping[Duty, tuple[str, Mapping[str, str]]] = {
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
    found = ACTS.get(Duty(duty))
    return found[0] if found else None


def command_for(cycle: str, owed: Obligation) -> str | None:
    """What a person types to do it, with what is known filled in; None for the final meeting, which takes minutes."""
    if owed.duty not in ACTS:
        return None
    act, fields = ACTS[owed.duty]
    given = {"bearer": owed.bearer, "subject": owed.subject}
    filled = "".join(f" --{name} {given[which]}" for name, which in fields.items())
    return f"thidua act {cycle} {act}{filled}"
