"""From an obligation to the command that fulfils it, for links and suggestions of terminal and pages."""

from __future__ import annotations

from collections.abc import Mapping

from domain.duties import Duty

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
"""The command of each duty, and the fields that hold its bearer or subject. Minutes fulfil the final meeting."""

OTHER_ACTS: Mapping[Duty, tuple[str, Mapping[str, str]]] = {Duty.STANCE: ("comment", {"by.unit": "bearer"})}
"""Another command that fulfils the same duty, where there is one: both are offered."""


def act_of(duty: Duty | str) -> str | None:
    """Return the name of the command that fulfils a duty; None for the final meeting."""
    entry = ACTS.get(Duty(duty))
    return entry[0] if entry else None


def other_act_of(duty: Duty | str) -> str | None:
    """Return the name of another command that fulfils the same duty; None where there is one only."""
    entry = OTHER_ACTS.get(Duty(duty))
    return entry[0] if entry else None


def command_for(cycle: str, duty: Duty | str, bearer: str, subject: str, *, other: bool = False) -> str | None:
    """Return the command line that fulfils an obligation, known fields filled in; None for the final meeting.

    `other`: that of the other command which fulfils it; None where there is one only.
    """
    if (entry := (OTHER_ACTS if other else ACTS).get(Duty(duty))) is None:
        return None
    act, fields = entry
    values = {"bearer": bearer, "subject": subject}
    options = "".join(f" --{name} {values[which]}" for name, which in fields.items())
    return f"thidua act {cycle} {act}{options}"
