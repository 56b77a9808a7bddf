"""Events as sentences, for timelines, receipts, minutes and the search index.

An event without a sentence in `EVENT_SENTENCES` is shown by its type and fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from domain.types import Event, EventEnvelope, day_ending
from domain.units import SampledPlace
from i18n import N_, Plural, _, ngettext
from i18n.messages import day, filled, number, translated, word
from i18n.words import kind_of

EVENT_SENTENCES: Mapping[str, str | Plural] = {
    "CycleOpened": N_("The cycle {year} is opened for {cluster_name}."),
    "EditionAdopted": N_("Another rules edition is put in force."),
    "CalendarChanged": N_("From now on the register follows another clock: {clock}."),
    "YearPlanReceived": N_("The year plan has come: {document}."),
    "TimeStepped": N_("It is now {now}."),
    "DutyClosed": N_("Closed for units: {duty}."),
    "DutyReopened": N_("Opened again: {duty}."),
    "CycleFiled": N_("The year is filed."),
    "CycleReopened": N_("The filed year is taken out again."),
    "RoleAssigned": N_("{unit} is {role} ({manner})."),
    "OverseerNamed": N_("An overseer is named."),
    "UnitAdmitted": N_("{unit} joins the cluster."),
    "UnitReleased": N_("{unit} leaves the cluster."),
    "UnitsSucceeded": N_("{manner}: {gone}; from now on: {successors}{outside}."),
    "ClosedEarly": N_("The cluster ends early ({names}): {reason}"),
    "HandedOver": N_("The units belong to other clusters from now on: {names}."),
    "TakenOver": N_("This cycle goes on from {names}."),
    "DraftPresented": N_("The {kind} is presented, version {number}: {document}."),
    "StanceTaken": N_("{unit}: {stance}."),
    "StanceWithdrawn": N_("{unit} withdraws its stance."),
    "StanceTakenTogether": N_("{group}: {stance}, all together."),
    "CommentAdded": N_("{by}: {text}"),
    "CommentWithdrawn": N_("Comment {number} is withdrawn."),
    "CovenantSigned": N_("{unit} signs version {number} of the covenant."),
    "CovenantSignedJointly": N_("{units} sign version {number} of the covenant together."),
    "WitnessesNamed": N_("Witnesses: {witnesses}."),
    "SigningDeclined": N_("{unit} does not sign: {reason}"),
    "TargetsRegistered": N_("{unit} registers: {titles}{targets}."),
    "RegistrationReturned": N_("The registration of {unit} is sent back: {reason}"),
    "RegistrationAccepted": N_("The registration of {unit} is accepted."),
    "ContentsStated": Plural(
        "Contents of the {covenant}: {contents} ({stated} stated, {indicators} indicator).",
        "Contents of the {covenant}: {contents} ({stated} stated, {indicators} indicators).",
        "indicators",
    ),
    "ResultReported": N_("{unit}, {title}: {exactness} {amount} {measure}."),
    "LetterRecorded": N_("{sender} to {recipients} ({kind}): {document} {text}"),
    "LetterAnswered": N_("{by} answers {letter}: {document} {text}"),
    "SiteChecked": N_("Checked on the spot: {unit}. {findings}"),
    "MeetingHeld": N_("A meeting is held ({kind}): {place}."),
    "MidyearReported": N_("{unit} hands in its mid-year report: {report}."),
    "ReportWithdrawn": N_("{unit} takes its mid-year report back."),
    "ReportSentBack": N_("The report of {unit} is sent back: {text}"),
    "CorrectionAnswered": N_("{unit} answers: {text}"),
    "ReportAccepted": N_("The report of {unit} is accepted."),
    "SelfScored": N_("{unit} scores itself: {sheet}."),
    "SelfScoreWithdrawn": N_("{unit} takes its own score back."),
    "CrossChecked": N_("{by} cross-checks {unit}: {sheet}."),
    "ScoresAppraised": N_("The score of {unit} is appraised: {sheet}."),
    "RoundScored": N_("The score of {unit} in the round {round}: {sheet}."),
    "BallotRecorded": N_(
        "A vote is taken on {subject} ({method}): {choices}; {cast} cast, {blank} blank, {spoiled} spoiled."
    ),
    "TotalsRecorded": N_("Totals, {round}: {totals}."),
    "UnitsRanked": N_("The units are ranked: {places}."),
    "UnitExcluded": N_("{unit} is not considered: {reason}"),
    "UnitNominated": N_("{unit} is nominated: {award}."),
    "NextChosen": N_("{unit} will be {role} next year ({manner})."),
    "NominationsSubmitted": N_("The nominations are submitted: {submission}."),
    "AwardsDecided": N_("The awards are decided: {decision}."),
    "AwardHeld": N_("{award} of {unit} is held back ({cause}): {reason}"),
    "AwardReleased": N_("{award} of {unit} is released: {reason}"),
    "AwardAnnulled": N_("{award} of {unit} is annulled by {decision}: {reason}"),
    "AwardReturned": N_("{unit} returned {what} of {award}."),
    "ObjectHandedOver": N_("{object} goes to {unit}."),
    "ComplaintFiled": N_("Complaint {number}, {by}: {text}"),
    "ComplaintAnswered": N_("Complaint {number} is answered: {text}"),
    "ResultsPublished": N_("The results are published."),
    "UnitReminded": N_("The clock reminds {unit}: {duty}, by {due}."),
    "DeadlinePassed": N_("The deadline of {unit} has passed: {duty}, {due}."),
    "UnitsReminded": Plural(
        "{units} is reminded {channel}: {duty}. {text}", "{units} are reminded {channel}: {duty}. {text}", "units"
    ),
    "EscalationProposed": N_("Escalation is proposed for {units}: {duty}."),
    "EscalationConfirmed": N_("The secretariat asks the overseer to step in: {duty}, {units}."),
    "ExtensionAsked": N_("{unit} asks for more time until {until}: {duty}. {reason}"),
    "ExtensionGranted": N_("More time until {until} for {unit}: {duty}. {reason}"),
    "ExtensionRefused": N_("No more time for {unit}: {duty}. {reason}"),
    "HandsNamed": N_("Act {of}: {signatories}."),
    "SourceNamed": N_("Source {id}: {title}."),
    "DisagreementNoted": N_("Sources differ on {about}: {told}."),
    "DeviationAcknowledged": N_("The deviation {key} is acknowledged: {reason}"),
    "ActCorrected": Plural(
        "The act {versions} is corrected: {reason}", "The acts {versions} are corrected: {reason}", "versions"
    ),
}


"""By the event's stored type name."""


def describe(envelope: EventEnvelope[Event], names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """One sentence for one event, in the language in use.

    `names` are those of units and persons by id, `texts` the free texts by digest; a missing text is shown as "…".
    """
    event = envelope.event
    text = EVENT_SENTENCES.get(event.NAME)
    facts = {name: _shown(type(event), name, value, names, texts) for name, value in dict(event).items()}
    facts.update({other: facts[name] for name, other in _RENAMED_FACTS.get(event.NAME, ()) if name in facts})
    if "unit" not in facts and "holder" in facts:
        facts["unit"] = facts["holder"]
    if text is None:
        return f"{event.NAME} {facts}"
    return filled(translated(text, facts), facts, names)


_RENAMED_FACTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "YearPlanReceived": (("year_plan", "document"),),
    "ClosedEarly": (("handed_to", "names"),),
    "HandedOver": (("handed_to", "names"),),
    "TakenOver": (("predecessors", "names"),),
}
"""By event type: fields that its sentence calls by another name."""


def _shown(event: type[Event], name: str, value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    if (show := _SHOWN.get(name)) is not None:
        return show(value, names, texts)
    if value is None:
        return "-"
    kind = _kind_of_field(event, name)
    return word(kind, value) if kind is not None and isinstance(value, str) else value


@lru_cache
def _kind_of_field(event: type[Event], name: str) -> str | None:
    return kind_of(event.model_fields[name].annotation)


def _text(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return texts.get(value, "…") if value else ""


def _list(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return ", ".join(one if isinstance(one, str) else getattr(one, "title", "") or one.name for one in value) or "-"


def _after(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """A list that continues another one in the sentence."""
    return f", {_list(value, names, texts)}" if value else ""


def _units(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return ", ".join(names.get(unit, unit) for unit in value)


def _contents(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return "; ".join(one.title for one in value) or "-"


def _says(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return "; ".join(f"{one.source}: {one.says}" for one in value)


def _signatories(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    parts = [
        (_("prepared by"), "; ".join(voice(one, names) for one in value.prepared)),
        (_("approved by"), "; ".join(voice(one, names) for one in value.approved)),
        (_("signed by"), "; ".join(_signatory(one) for one in value.signed)),
        (_("entered on behalf of"), voice(value.on_behalf_of, names) if value.on_behalf_of else ""),
    ]
    return ", ".join(f"{label} {who}" for label, who in parts if who)


def _signatory(value: Any) -> str:
    who = str(value.person.office or value.person.id)
    return f"{value.capacity}. {who}" if value.capacity else who


def _sheet(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    if not isinstance(value, tuple):
        return _document(value, names, texts)  # the sheet that a covenant was signed on
    given = [item.points for item in value if item.points is not None]
    by_figures = len(value) - len(given)
    points = number(sum(given, Decimal(0))) if given else "-"
    return (
        points
        if not by_figures
        else ngettext(
            "{points} and {count} criterion by its figures",
            "{points} and {count} criteria by their figures",
            by_figures,
        ).format(points=points, count=by_figures)
    )


def _places(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    if any(isinstance(place, SampledPlace) for place in value):
        return _list(value, names, texts)
    return ", ".join(f"{place.rank}. {names.get(place.unit, place.unit)} ({number(place.total)})" for place in value)


def _by(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return names.get(value, value) if isinstance(value, str) else voice(value, names)


def _witnesses(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return "; ".join(voice(one, names) for one in value)


def _document(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    if not value:
        return "-"
    issued = day(value.issued) if value.issued else ""
    return " ".join(part for part in (value.number, value.title) if part) or f"{value.issuer or ''} {issued}".strip()


def _unit(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    if value is None:
        return _("all units")
    return value if value in names else word("holder", value) if isinstance(value, str) else value.name


def _choices(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return ", ".join(f"{names.get(one.unit, one.unit) if one.unit else one.words}: {one.votes}" for one in value)


def _totals(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return "; ".join(
        f"{names.get(one.unit, one.unit) if one.unit else one.words or _('unnamed')}: {_points(one.total)}"
        for one in value
    )


def _points(total: Any) -> str:
    if total is None:
        return "-"
    return word("amount", total) if isinstance(total, str) else number(total)


def _amount(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return _points(value)


def _due(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    return day_ending(value)


def _place(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return value or _("place not named")


def _subject(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    return word("vote_subject", value)


_SHOWN: Mapping[str, Callable[[Any, Mapping[str, str], Mapping[str, str]], Any]] = {
    "text": _text,
    "reason": _text,
    "sheet": _sheet,
    "places": _places,
    "by": _by,
    "witnesses": _witnesses,
    "document": _document,
    "report": _document,
    "submission": _document,
    "decision": _document,
    "unit": _unit,
    "holder": _unit,
    "due": _due,
    "totals": _totals,
    "choices": _choices,
    "titles": _list,
    "targets": _after,
    "contents": _contents,
    "sender": _by,
    "recipients": _witnesses,
    "findings": _text,
    "signatories": _signatories,
    "told": _says,
    "gone": _units,
    "successors": _list,
    "outside": _after,
    "handed_to": _list,
    "predecessors": _list,
    "year_plan": _document,
    "amount": _amount,
    "subject": _subject,
    "place": _place,
}
"""By field: how its value is written. Other fields are written as they are, or as the word of their type."""


def voice(by: Any, names: Mapping[str, str]) -> str:
    """Who did or said something (a `Voice`): a unit, a person with office, or a group in words."""
    if by.unit is not None:
        return names.get(by.unit, by.unit)
    if by.person is not None:
        known, office = names.get(by.person.id or ""), by.person.office
        return f"{known} ({office})" if known and office else str(known or office or by.person.id)
    return str(by.group)
