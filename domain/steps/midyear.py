"""Mid-year check: a report per unit, sent back where something is missing, answered, accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain.rules import Edition
from domain.steps.membership import require_member
from domain.types import (
    AlreadySaid,
    Command,
    Document,
    Event,
    Meta,
    Refused,
    StepDecider,
    Text,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State


# What people say -------------------------------------------------------------------------


class ReportMidyear(Command, name="report-midyear"):
    """A unit hands in its report on the first half of the year, or a new one in its place."""

    unit: UnitId
    report: Document


class WithdrawReport(Command, name="withdraw-report"):
    """A unit takes its report back before it is accepted; it owes one again."""

    unit: UnitId


class SendBack(Command, name="send-back"):
    """The report needs a correction; the unit is told which."""

    unit: UnitId
    text: Text


class AnswerCorrection(Command, name="answer-correction"):
    """The unit answers the correction that was asked."""

    unit: UnitId
    text: Text
    report: Document | None = None


class AcceptReport(Command, name="accept-report"):
    """The report stands."""

    unit: UnitId


# What happened ---------------------------------------------------------------------------


class MidyearReported(Event, name="MidyearReported"):
    unit: UnitId
    report: Document


class ReportWithdrawn(Event, name="ReportWithdrawn"):
    unit: UnitId


class ReportSentBack(Event, name="ReportSentBack"):
    unit: UnitId
    text: Text


class CorrectionAnswered(Event, name="CorrectionAnswered"):
    unit: UnitId
    text: Text
    report: Document | None


class ReportAccepted(Event, name="ReportAccepted"):
    unit: UnitId


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MidyearReport:
    """A unit's mid-year report. `asked` and `answered` speak of the last correction; `due` is counted from `asked`."""

    document: Document
    when: When
    sureness: str
    version: int
    asked: When | None = None
    asked_text: str | None = None
    asked_version: int | None = None
    answered: When | None = None
    accepted: When | None = None
    first: When | None = None
    """When the unit first reported: a new report in its place does not make it late."""


Reports = Mapping[str, MidyearReport]


def report(cmd: ReportMidyear, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if (existing := state.midyear.get(cmd.unit)) is not None:
        if existing.document == cmd.report:
            raise AlreadySaid(existing.version)
        if existing.accepted is not None:
            raise Refused("report_is_accepted", unit=cmd.unit)
    yield MidyearReported(**dict(cmd))


def _report_of(unit: str, state: State) -> MidyearReport:
    if (existing := state.midyear.get(unit)) is None:
        raise Refused("no_report", unit=unit)
    return existing


def withdraw(cmd: WithdrawReport, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if _report_of(cmd.unit, state).accepted is not None:
        raise Refused("report_is_accepted", unit=cmd.unit)
    yield ReportWithdrawn(unit=cmd.unit)


def send_back(cmd: SendBack, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = _report_of(cmd.unit, state)
    if existing.accepted is not None:
        raise Refused("report_is_accepted", unit=cmd.unit)
    if existing.asked_version is not None and existing.answered is None:
        if existing.asked_text == cmd.text:
            raise AlreadySaid(existing.asked_version)
        raise Refused("correction_is_open", unit=cmd.unit)
    yield ReportSentBack(**dict(cmd))


def answer(cmd: AnswerCorrection, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = _report_of(cmd.unit, state)
    if existing.asked is None or existing.answered is not None:
        raise Refused("no_correction_asked", unit=cmd.unit)
    yield CorrectionAnswered(**dict(cmd))


def accept(cmd: AcceptReport, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = _report_of(cmd.unit, state)
    if existing.accepted is not None:
        raise Refused("report_is_accepted", unit=cmd.unit)
    yield ReportAccepted(**dict(cmd))


def correction_due(existing: MidyearReport, rules: Edition) -> When | None:
    """Until when an open correction is to be answered; None when none is open."""
    if existing.asked is None or existing.answered is not None or existing.accepted is not None:
        return None
    return When.on(rules.days_after(existing.asked.day))


def _reported(reports: Reports, e: MidyearReported, m: Meta) -> Reports:
    new = MidyearReport(e.report, m.happened, m.provenance.kind, m.version, first=m.happened)
    if (before := reports.get(e.unit)) is not None:
        new = replace(before, document=e.report, when=m.happened, sureness=m.provenance.kind, version=m.version)
    return with_entry(reports, e.unit, new)


def _changed(reports: Reports, unit: str, **changes: object) -> Reports:
    # A replay to a date may fold an answer whose report is missing from the subset.
    if (existing := reports.get(unit)) is None:
        return reports
    return with_entry(reports, unit, replace(existing, **changes))  # type: ignore[arg-type]


def _answered(reports: Reports, e: CorrectionAnswered, m: Meta) -> Reports:
    reports = _changed(reports, e.unit, answered=m.happened)
    return reports if e.report is None else _changed(reports, e.unit, document=e.report)


decider = StepDecider(
    slice_name="midyear",
    empty={},
    decides={
        ReportMidyear: report,
        WithdrawReport: withdraw,
        SendBack: send_back,
        AnswerCorrection: answer,
        AcceptReport: accept,
    },
    evolves={
        MidyearReported: _reported,
        ReportWithdrawn: lambda r, e, m: {unit: one for unit, one in r.items() if unit != e.unit},
        ReportSentBack: lambda r, e, m: _changed(
            r, e.unit, asked=m.happened, asked_text=e.text, asked_version=m.version, answered=None
        ),
        CorrectionAnswered: _answered,
        ReportAccepted: lambda r, e, m: _changed(r, e.unit, accepted=m.happened),
    },
)
