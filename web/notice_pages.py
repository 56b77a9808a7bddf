"""Which pages a notice leads to: where its addressee does what it asks for, else where it can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain import notice_kinds as kinds
from domain.duties import Duty
from domain.notice_kinds import Notice
from web import urls


def pages_of(notice: Notice, stream: str, site: str) -> tuple[str, tuple[str, str] | None]:
    """The address of the page; and another act that does the same duty, with its page, where there is one.

    `site` is the address of the site.
    """
    page = _PAGES[type(notice)]
    if isinstance(notice, kinds.ExtensionAskedNotice):
        refused = urls.act_url(stream, "refuse-extension", unit=notice.unit, duty=notice.duty.value)
        return site + page(notice, stream), ("refuse-extension", site + refused)
    other = urls.other_task_url(stream, *notice.asks) if page is _task and notice.asks is not None else None
    return site + page(notice, stream), other and (other[0], site + other[1])


def _task(notice: Notice, stream: str) -> str:
    return urls.task_url(stream, *notice.asks) if notice.asks is not None else urls.cycle_url(stream)


def _cycle(_notice: Notice, stream: str) -> str:
    return urls.cycle_url(stream)


def _extension(notice: kinds.ExtensionAskedNotice, stream: str) -> str:
    return urls.act_url(stream, "extend", unit=notice.unit, duty=notice.duty.value, until=f"{notice.until:%d/%m/%Y}")


def _escalation(notice: kinds.EscalationProposedNotice, stream: str) -> str:
    return urls.act_url(stream, "confirm-escalation", duty=notice.duty.value)


def _midyear_answer(notice: kinds.CorrectionAnsweredNotice, stream: str) -> str:
    return urls.task_url(stream, Duty.MIDYEAR_ACCEPTANCE, notice.to, notice.unit)


def _act(notice: Any, stream: str) -> str:
    return urls.receipt_url(stream, notice.versions[0])


def _paper(notice: kinds.DraftReissuedNotice, stream: str) -> str:
    return urls.draft_url(stream, notice.draft, notice.number)


_PAGES: Mapping[type[Notice], Callable[[Any, str], str]] = {
    kinds.CycleOpenedNotice: _cycle,
    kinds.CycleGoesLiveNotice: _cycle,
    kinds.DraftPresentedNotice: _task,
    kinds.DraftReissuedNotice: _paper,
    kinds.RemindedNotice: _task,
    kinds.RemindedByHandNotice: _task,
    kinds.OverdueNotice: _task,
    kinds.OverdueOfUnitNotice: _cycle,
    kinds.EscalationProposedNotice: _escalation,
    kinds.EscalationConfirmedNotice: _cycle,
    kinds.EscalatedToNobodyNotice: lambda _notice, stream: urls.act_url(stream, "name-overseer"),
    kinds.EscalatedNotice: _task,
    kinds.ExtensionAskedNotice: _extension,
    kinds.ExtensionGrantedNotice: _task,
    kinds.ExtensionRefusedNotice: _task,
    kinds.ReportSentBackNotice: _task,
    kinds.CorrectionAnsweredNotice: _midyear_answer,
    kinds.ReportAcceptedNotice: _cycle,
    kinds.OwnActWithdrawnNotice: _task,
    kinds.OwnActReplacedNotice: _cycle,
    kinds.OwnActCorrectedNotice: _act,
    kinds.DutyReopenedNotice: _task,
    kinds.SubmittedNotice: lambda _notice, stream: urls.act_url(stream, "decide-awards"),
    kinds.ResultsPublishedNotice: _cycle,
    kinds.AwardHeldNotice: _cycle,
    kinds.AwardReleasedNotice: _cycle,
    kinds.AwardAnnulledNotice: _cycle,
    kinds.ComplaintFiledNotice: _cycle,
    kinds.ActCorrectedNotice: _act,
}
if unknown := set(Notice.KNOWN.values()) - set(_PAGES):
    raise TypeError(f"no page is named for {sorted(kind.NAME for kind in unknown)}")
