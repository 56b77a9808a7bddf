"""Mid-year check: a unit reports; the report is sent back for a correction, answered, and accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from domain.duties import Duty
from domain.joint_acts import JointContext, UnitNamed, acting_together
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, OWN_UNIT, SECRETARIAT, Readers, Section
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import When, earlier_of
from domain.types import Document, Text, UnitId, with_entry
from domain.units import (
    DoneJointly,
    JointFields,
    OwnActsContext,
    TogetherUnits,
    require_member,
    require_own_or_decided,
)


class MidyearContext(JointContext, OwnActsContext, Protocol):
    """What the mid-year check reads of the cycle."""

    @property
    def midyear(self) -> MidyearReports: ...


# Commands --------------------------------------------------------------------------------


class ReportMidyear(
    Command,
    name="report-midyear",
    label=NC_("act", "report midyear"),
    summary=N_("Submit a unit's report on the first half of the year, or a new one that replaces it."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.MIDYEAR_REPORT,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"midyear/{command.unit}",),
):
    unit: UnitId
    report: Document


class ReportMidyearTogether(
    Command,
    JointFields,
    name="report-midyear-together",
    label=NC_("act", "report midyear together"),
    summary=N_("Record that units reported on the first half of the year, where a source does not tell of each."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    report: Document | None = None


class WithdrawReport(
    Command,
    name="withdraw-report",
    label=NC_("act", "withdraw report"),
    summary=N_("Withdraw a report that is not accepted yet; the unit owes one again."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.MIDYEAR_REPORT,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"midyear/{command.unit}",),
):
    unit: UnitId


class SendBack(
    Command,
    name="send-back",
    label=NC_("act", "send back"),
    summary=N_("Send a report back for a correction, and say which."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"midyear/{command.unit}",),
):
    unit: UnitId
    text: Text


class AnswerCorrection(
    Command,
    name="answer-correction",
    label=NC_("act", "answer correction"),
    summary=N_("Answer the correction that was asked for."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.CORRECTION,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"midyear/{command.unit}",),
):
    unit: UnitId
    text: Text
    report: Document | None = None


class AcceptReport(
    Command,
    name="accept-report",
    label=NC_("act", "accept report"),
    summary=N_("Accept a unit's report."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"midyear/{command.unit}",),
):
    unit: UnitId


# Events ----------------------------------------------------------------------------------


class MidyearReported(
    Event,
    name="MidyearReported",
    schema=1,
    sentence=N_("{unit} hands in its mid-year report: {report}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MIDYEAR_REPORTS,
    subjects=lambda event: (f"midyear/{event.unit}",),
):
    unit: UnitId
    report: Document


class MidyearReportedTogether(
    Event,
    DoneJointly,
    name="MidyearReportedTogether",
    schema=1,
    sentence=lambda event: (
        N_("{units} hand in their mid-year reports."),
        {"units": TogetherUnits(units=event.units, unnamed=event.unnamed)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MIDYEAR_REPORTS,
    subjects=lambda event: tuple(f"midyear/{unit}" for unit in event.units),
):
    report: Document | None


class ReportWithdrawn(
    Event,
    name="ReportWithdrawn",
    schema=1,
    sentence=N_("{unit} takes its mid-year report back."),
    sentence_if_decided=N_("By decision of the meeting, the mid-year report of {unit} is taken back."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MIDYEAR_REPORTS,
    subjects=lambda event: (f"midyear/{event.unit}",),
):
    unit: UnitId


class ReportSentBack(
    Event,
    name="ReportSentBack",
    schema=1,
    sentence=N_("The report of {unit} is sent back: {text}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MIDYEAR_REPORTS,
    subjects=lambda event: (f"midyear/{event.unit}",),
):
    unit: UnitId
    text: Text


class CorrectionAnswered(
    Event,
    name="CorrectionAnswered",
    schema=1,
    sentence=N_("{unit} answers: {text}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MIDYEAR_REPORTS,
    subjects=lambda event: (f"midyear/{event.unit}",),
):
    unit: UnitId
    text: Text
    report: Document | None


class ReportAccepted(
    Event,
    name="ReportAccepted",
    schema=1,
    sentence=N_("The report of {unit} is accepted."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MIDYEAR_REPORTS,
    subjects=lambda event: (f"midyear/{event.unit}",),
):
    unit: UnitId


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MidyearReport:
    """A unit's mid-year report; `asked` and `answered` are when the last correction was asked for and answered.

    `document` is None where only a joint act tells of the report.
    """

    document: Document | None
    when: When
    sureness: str
    version: int
    asked: When | None = None
    asked_text: str | None = None
    asked_version: int | None = None
    answered: When | None = None
    accepted: When | None = None
    first: When | None = None
    """When the unit first reported: a later replacement does not make it late."""


MidyearReports = Mapping[str, MidyearReport]


# Decisions -------------------------------------------------------------------------------


def report_midyear(
    command: ReportMidyear, meta: Meta, state: MidyearContext, rules: Edition
) -> Iterator[MidyearReported]:
    require_member(command.unit, meta, state)
    if (existing := state.midyear.get(command.unit)) is not None:
        if existing.document == command.report:
            raise AlreadyRecorded(existing.version)
        _require_unaccepted(existing, command.unit, meta)
        require_own_or_decided(command.unit, meta, state)
    yield MidyearReported(**dict(command))


def report_together(
    command: ReportMidyearTogether, meta: Meta, state: MidyearContext, rules: Edition
) -> Iterator[MidyearReportedTogether]:
    yield MidyearReportedTogether(
        **dict(acting_together("midyear-report", command, meta, state)), report=command.report
    )


def _report_of(unit: str, state: MidyearContext) -> MidyearReport:
    if (existing := state.midyear.get(unit)) is None:
        raise Refused("no_report", unit=unit)
    return existing


def _require_unaccepted(report: MidyearReport, unit: str, meta: Meta) -> None:
    """Refuse what comes after the acceptance of a report; a paper of an earlier day may be entered later."""
    if report.accepted is not None and not meta.happened.before(report.accepted):
        raise Refused("report_is_accepted", unit=unit)


def withdraw_report(
    command: WithdrawReport, meta: Meta, state: MidyearContext, rules: Edition
) -> Iterator[ReportWithdrawn]:
    if _report_of(command.unit, state).accepted is not None:
        raise Refused("report_is_accepted", unit=command.unit)
    require_own_or_decided(command.unit, meta, state)
    yield ReportWithdrawn(unit=command.unit)


def send_back(command: SendBack, meta: Meta, state: MidyearContext, rules: Edition) -> Iterator[ReportSentBack]:
    existing = _report_of(command.unit, state)
    _require_unaccepted(existing, command.unit, meta)
    if existing.asked_version is not None and existing.answered is None:
        if existing.asked_text == command.text:
            raise AlreadyRecorded(existing.asked_version)
        raise Refused("correction_is_open", unit=command.unit)
    yield ReportSentBack(**dict(command))


def answer_correction(
    command: AnswerCorrection, meta: Meta, state: MidyearContext, rules: Edition
) -> Iterator[CorrectionAnswered]:
    existing = _report_of(command.unit, state)
    if existing.asked is None or existing.answered is not None:
        raise Refused("no_correction_asked", unit=command.unit)
    yield CorrectionAnswered(**dict(command))


def accept_report(command: AcceptReport, meta: Meta, state: MidyearContext, rules: Edition) -> Iterator[ReportAccepted]:
    existing = _report_of(command.unit, state)
    if existing.accepted is not None:
        raise Refused("report_is_accepted", unit=command.unit)
    yield ReportAccepted(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _reported(reports: MidyearReports, event: MidyearReported, meta: Meta) -> MidyearReports:
    new = MidyearReport(event.report, meta.happened, meta.provenance.kind, meta.version, first=meta.happened)
    if (existing := reports.get(event.unit)) is not None:
        existing = replace(existing, first=earlier_of(existing.first, meta.happened))
        # A paper of an earlier day that comes later does not replace a later one.
        new = (
            existing
            if existing.document is not None and meta.happened.before(existing.when)
            else replace(
                existing, document=event.report, when=meta.happened, sureness=meta.provenance.kind, version=meta.version
            )
        )
    return with_entry(reports, event.unit, new)


def _reported_together(reports: MidyearReports, event: MidyearReportedTogether, meta: Meta) -> MidyearReports:
    for unit in event.units:
        reports = _inferred(reports, unit, event.report, meta.happened, meta)
    return reports


def _unit_named(reports: MidyearReports, event: UnitNamed, meta: Meta) -> MidyearReports:
    shared = event.shared("midyear-report")
    return reports if shared is None else _inferred(reports, event.unit.id, shared.document, shared.on, meta)


def _inferred(reports: MidyearReports, unit: str, document: Document | None, when: When, meta: Meta) -> MidyearReports:
    """Return the reports with one that only a joint act tells of; a unit's own report stays."""
    if (existing := reports.get(unit)) is not None:
        return with_entry(reports, unit, replace(existing, first=earlier_of(existing.first, when)))
    kind = "rehearsed" if meta.provenance.kind == "rehearsed" else "inferred"
    return with_entry(reports, unit, MidyearReport(document, when, kind, meta.version, first=when))


def _with_changes(reports: MidyearReports, unit: str, **changes: object) -> MidyearReports:
    # A replay to a date can fold an answer without its report.
    if (existing := reports.get(unit)) is None:
        return reports
    return with_entry(reports, unit, replace(existing, **changes))  # type: ignore[arg-type]


def _correction_answered(reports: MidyearReports, event: CorrectionAnswered, meta: Meta) -> MidyearReports:
    reports = _with_changes(reports, event.unit, answered=meta.happened)
    return reports if event.report is None else _with_changes(reports, event.unit, document=event.report)


decider: StepDecider[MidyearReports, MidyearContext, Edition] = StepDecider(
    title=N_("The mid-year review"),
    slice_name="midyear",
    decides={
        ReportMidyear: report_midyear,
        ReportMidyearTogether: report_together,
        WithdrawReport: withdraw_report,
        SendBack: send_back,
        AnswerCorrection: answer_correction,
        AcceptReport: accept_report,
    },
    evolves={
        MidyearReported: _reported,
        MidyearReportedTogether: _reported_together,
        UnitNamed: _unit_named,
        ReportWithdrawn: lambda reports, event, meta: {
            unit: report for unit, report in reports.items() if unit != event.unit
        },
        ReportSentBack: lambda reports, event, meta: _with_changes(
            reports, event.unit, asked=meta.happened, asked_text=event.text, asked_version=meta.version, answered=None
        ),
        CorrectionAnswered: _correction_answered,
        ReportAccepted: lambda reports, event, meta: _with_changes(reports, event.unit, accepted=meta.happened),
    },
)
