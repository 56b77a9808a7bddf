"""The kinds of notice: what each tells, in which words, and whether its addressee may know it before publication.

`domain.notices` says which event causes which notice, and to whom.
"""

from __future__ import annotations

from typing import Any, ClassVar

from domain.duties import Duty
from domain.keywords import Keywords, is_flag, is_text, register, tells_fields
from domain.msgids import N_, Plural
from domain.rules import DraftKind
from domain.times import Day
from domain.types import AwardId, FrozenModel, Label, LastInstant, Text, UnitId


class Notice(FrozenModel):
    """A notice to one addressee. Each kind is a class whose fields are its facts.

    The texts are class keywords: msgids with the fields in braces. A keyword that is missing is an error at import.
    """

    NAME: ClassVar[str]
    """Stored in the events of the post; it never changes."""
    SUBJECT: ClassVar[str]
    BODY: ClassVar[str | Plural]
    BEFORE_PUBLICATION: ClassVar[bool]
    """A member may know its facts before the results are published. Otherwise no member receives it until then."""
    KNOWN: ClassVar[dict[str, type[Notice]]] = {}

    to: str
    """A unit's id, the organiser's id, or `OVERSEER`."""

    @property
    def asks(self) -> tuple[Duty, str, str] | None:
        """The duty that the notice is about, whose it is, and the unit that it is about ("" for the bearer itself)."""
        duty = getattr(self, "duty", None)
        return (
            None
            if duty is None
            else (duty, getattr(self, "unit", None) or self.to, getattr(self, "subject", None) or "")
        )

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        subject: str = "",
        body: str | Plural = "",
        before_publication: bool = False,
        **_unknown: object,
    ) -> None:
        """Declare the keywords' types. The defaults are never used: `__pydantic_init_subclass__` asks for each."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **record: Any) -> None:
        super().__pydantic_init_subclass__()
        given = Keywords(cls, record)
        cls.NAME = given.take("name", is_text)
        cls.SUBJECT = given.take("subject", lambda text: is_text(text) and tells_fields(cls, text))
        cls.BODY = given.take("body", lambda text: bool(text) and tells_fields(cls, text))
        cls.BEFORE_PUBLICATION = given.take("before_publication", is_flag)
        given.finish()
        register(Notice.KNOWN, cls.NAME, cls)


OVERSEER = "overseer"
"""Stands for the addressee where a notice goes to the overseer of the cluster."""


class CycleOpenedNotice(
    Notice,
    name="cycle_opened",
    subject=N_("the year {year} is open"),
    body=N_("The emulation year {year} of your cluster is open."),
    before_publication=True,
):
    year: int


class CycleGoesLiveNotice(
    Notice,
    name="cycle_goes_live",
    subject=N_("the year {year} goes on in the register"),
    body=N_("From now on the year {year} of your cluster is kept in the register as it happens."),
    before_publication=True,
):
    year: int


class DraftPresentedNotice(
    Notice,
    name="draft_presented",
    subject=N_("{draft}, version {number}, is presented"),
    body=N_("Version {number} of the {draft} is presented. Please answer it."),
    before_publication=True,
):
    draft: DraftKind
    number: int
    due: LastInstant | None = None

    @property
    def asks(self) -> tuple[Duty, str, str] | None:
        return Duty.STANCE, self.to, ""


class DraftReissuedNotice(
    Notice,
    name="draft_reissued",
    subject=N_("{draft} is re-issued after the signing (version {number})"),
    body=N_("Version {number} of the {draft} follows the one that was signed."),
    before_publication=True,
):
    draft: DraftKind
    number: int


class RemindedNotice(
    Notice,
    name="reminded",
    subject=N_("due on {due}: {duty}"),
    body=N_("This is due soon, and your unit has not done it yet."),
    before_publication=True,
):
    """`subject` is the unit that the duty is about, where it is another."""

    duty: Duty
    subject: UnitId | None
    due: LastInstant
    article: Label | None = None


class RemindedByHandNotice(
    Notice,
    name="reminded_by_hand",
    subject=N_("the secretariat reminds you: {duty}"),
    body=N_("The secretariat asks your unit to do this soon."),
    before_publication=True,
):
    duty: Duty
    due: LastInstant | None = None
    article: Label | None = None
    reason: Text | None = None


class OverdueNotice(
    Notice,
    name="overdue",
    subject=N_("overdue since {due}: {duty}"),
    body=N_(
        "The last day has passed, and your unit has not done this. It can still be done, marked late; or ask for more "
        "time."
    ),
    before_publication=True,
):
    duty: Duty
    subject: UnitId | None
    due: LastInstant
    article: Label | None = None


class OverdueOfUnitNotice(
    Notice,
    name="overdue_of_unit",
    subject=N_("{unit} is overdue: {duty}"),
    body=N_("{unit} has not done this in time."),
    before_publication=True,
):
    unit: UnitId
    duty: Duty
    subject: UnitId | None
    due: LastInstant
    article: Label | None = None


class EscalationProposedNotice(
    Notice,
    name="escalation_proposed",
    subject=N_("escalation proposed: {duty}"),
    body=N_("Still waiting for {units}. The overseer is told only when you confirm it."),
    before_publication=True,
):
    duty: Duty
    units: tuple[UnitId, ...]
    due: LastInstant | None = None
    article: Label | None = None


class EscalationConfirmedNotice(
    Notice,
    name="escalation_confirmed",
    subject=N_("please step in: {duty}"),
    body=N_("The secretariat asks you to step in. Still waiting for {units}."),
    before_publication=True,
):
    duty: Duty
    units: tuple[UnitId, ...]
    due: LastInstant | None = None
    article: Label | None = None


class EscalatedToNobodyNotice(
    Notice,
    name="escalated_to_nobody",
    subject=N_("this cluster has no overseer: {duty}"),
    body=N_("You put {units} before the overseer, but nobody is named: name the overseer, and tell them yourself."),
    before_publication=True,
):
    """The overseer should hear of it, and the cluster has none."""

    duty: Duty
    units: tuple[UnitId, ...]


class EscalatedNotice(
    Notice,
    name="escalated",
    subject=N_("reported to the overseer: {duty}"),
    body=N_("Your unit is late with this, and the overseer has been told."),
    before_publication=True,
):
    duty: Duty
    due: LastInstant | None = None
    article: Label | None = None


class ExtensionAskedNotice(
    Notice,
    name="extension_asked",
    subject=N_("{unit} asks for more time: {duty}"),
    body=N_("{unit} asks for more time until {until}. Grant it, or refuse it with a reason."),
    before_publication=True,
):
    unit: UnitId
    duty: Duty
    until: Day
    due: LastInstant | None = None
    reason: Text


class ExtensionGrantedNotice(
    Notice,
    name="extension_granted",
    subject=N_("more time until {until}: {duty}"),
    body=N_("Your unit has more time for this, until the end of {until}."),
    before_publication=True,
):
    duty: Duty
    until: Day
    reason: Text


class ExtensionRefusedNotice(
    Notice,
    name="extension_refused",
    subject=N_("no more time: {duty}"),
    body=N_("Your request for more time was refused. The last day stays as it was."),
    before_publication=True,
):
    duty: Duty
    due: LastInstant | None = None
    reason: Text


class ReportSentBackNotice(
    Notice,
    name="report_sent_back",
    subject=N_("the mid-year report needs a correction"),
    body=N_("Your mid-year report was sent back, because something is missing or wrong."),
    before_publication=True,
):
    due: LastInstant | None = None
    reason: Text | None = None

    @property
    def asks(self) -> tuple[Duty, str, str] | None:
        return Duty.CORRECTION, self.to, ""


class CorrectionAnsweredNotice(
    Notice,
    name="correction_answered",
    subject=N_("{unit} has answered the correction"),
    body=N_("{unit} has answered the correction to its mid-year report."),
    before_publication=True,
):
    unit: UnitId


class ReportAcceptedNotice(
    Notice,
    name="report_accepted",
    subject=N_("the mid-year report is accepted"),
    body=N_("Your mid-year report is accepted."),
    before_publication=True,
):
    pass


class OwnActWithdrawnNotice(
    Notice,
    name="own_act_withdrawn",
    subject=N_("{by} has taken back what you handed in: {duty}"),
    body=N_(
        "{by} has taken back what your unit had handed in. You owe it again. If no meeting decided so, and you did "
        "not ask for it, tell the secretariat."
    ),
    before_publication=True,
):
    """To the unit whose own act another unit withdrew. The facts are the addressee's own."""

    by: UnitId
    duty: Duty
    due: LastInstant | None = None


class OwnActReplacedNotice(
    Notice,
    name="own_act_replaced",
    subject=N_("{by} has entered for your unit: {duty}"),
    body=N_(
        "{by} has entered this in the name of your unit. If it is not as you said, or as a meeting decided, tell the "
        "secretariat."
    ),
    before_publication=True,
):
    """To the unit in whose name another unit entered what it owes. It may stand in the place of its own act."""

    by: UnitId
    duty: Duty


class OwnActCorrectedNotice(
    Notice,
    name="own_act_corrected",
    subject=N_("{by} has corrected an act of your unit"),
    body=Plural(
        "{by} has corrected the act number {versions} that your unit had entered.",
        "{by} has corrected the acts number {versions} that your unit had entered.",
        "versions",
    ),
    before_publication=True,
):
    """To the unit whose act another unit corrected."""

    by: UnitId
    versions: tuple[int, ...]


class DutyReopenedNotice(
    Notice,
    name="duty_reopened",
    subject=N_("open again: {duty}"),
    body=N_("The secretariat has opened this again."),
    before_publication=True,
):
    duty: Duty
    due: LastInstant | None = None
    reason: Text | None = None


class SubmittedNotice(
    Notice,
    name="submitted",
    subject=N_("the nominations are submitted"),
    body=N_("The cluster has submitted its nominations: {title}."),
    before_publication=True,
):
    title: Label | None


class ResultsPublishedNotice(
    Notice,
    name="results_published",
    subject=N_("the results are published"),
    body=N_("The results of the year are published."),
    before_publication=True,
):
    pass


class AwardHeldNotice(
    Notice,
    name="award_held",
    subject=N_("held back: {award}"),
    body=N_("The award {award} of your unit is held back while a matter is looked into. This is no refusal."),
    before_publication=True,
):
    """Before publication, too: it is about the addressee's own award."""

    award: AwardId


class AwardReleasedNotice(
    Notice,
    name="award_released",
    subject=N_("released: {award}"),
    body=N_("The award {award} of your unit goes its way again."),
    before_publication=True,
):
    """Before publication, too, as `AwardHeldNotice`."""

    award: AwardId


class AwardAnnulledNotice(
    Notice,
    name="award_annulled",
    subject=N_("annulled: {award}"),
    body=N_("The award {award} of your unit was annulled by a decision."),
    before_publication=True,
):
    """Before publication, too, as `AwardHeldNotice`."""

    award: AwardId


class ComplaintFiledNotice(
    Notice,
    name="complaint_filed",
    subject=N_("a complaint was filed"),
    body=N_("Complaint number {number} was entered in the register."),
    before_publication=False,
):
    number: int


class ActCorrectedNotice(
    Notice,
    name="act_corrected",
    subject=N_("an act was corrected"),
    body=Plural(
        "The act number {versions} in the register was corrected.",
        "The acts number {versions} in the register were corrected.",
        "versions",
    ),
    before_publication=True,
):
    versions: tuple[int, ...]
