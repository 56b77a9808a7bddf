"""The kinds of obligations in a year."""

from __future__ import annotations

from enum import StrEnum


class Duty(StrEnum):
    """A kind of obligation, in the order of the year."""

    DRAFT = "draft"
    STANCE = "stance"
    SIGNATURE = "signature"
    MIDYEAR_REPORT = "midyear-report"
    CORRECTION = "correction"
    MIDYEAR_ACCEPTANCE = "midyear-acceptance"
    SELF_SCORE = "self-score"
    CROSS_CHECK = "cross-check"
    APPRAISAL = "appraisal"
    FINAL_MEETING = "final-meeting"
    SUBMISSION = "submission"
    DECISION = "decision"
    PUBLICATION = "publication"
    FILING = "filing"
