"""Subject and body of each kind of notice, in English; translations stand in the catalogues."""

from __future__ import annotations

from collections.abc import Mapping

from i18n import N_, Plural

NOTICES: Mapping[str, tuple[str, str | Plural]] = {
    "cycle_opened": (
        N_("the year {year} is open"),
        N_("The emulation year {year} of your cluster is open. Your tasks and dates are in the register."),
    ),
    "cycle_goes_live": (
        N_("the year {year} goes on in the register"),
        N_("From now on the year {year} of your cluster is kept in the register as it happens."),
    ),
    "draft_presented": (
        N_("{draft}, version {number}, is presented"),
        N_("Version {number} of the {draft} is presented. Please answer it."),
    ),
    "draft_reissued": (
        N_("{draft} is re-issued after the signing (version {number})"),
        N_("Version {number} of the {draft} follows the one that was signed."),
    ),
    "reminded": (N_("due on {due}: {duty}"), N_("Please remember: {duty} {subject}, by {due}.")),
    "reminded_by_hand": (
        N_("the secretariat reminds you: {duty}"),
        N_("The secretariat asks you once more: please {duty}."),
    ),
    "overdue": (
        N_("overdue since {due}: {duty}"),
        N_("The date has passed ({due}): {duty} {subject}. It can still be done, marked late; or ask for more time."),
    ),
    "overdue_of_unit": (N_("{unit} is overdue: {duty}"), N_("{unit} has not done this by {due}: {duty} {subject}.")),
    "escalation_proposed": (
        N_("escalation proposed: {duty}"),
        N_("Still waiting for {units}: {duty}. The overseer is told only when you confirm it."),
    ),
    "escalation_confirmed": (
        N_("please step in: {duty}"),
        N_("The secretariat asks you to step in. Still waiting for {units}: {duty}."),
    ),
    "escalated_to_nobody": (
        N_("nobody oversees this cluster: {duty}"),
        N_("You put {units} before the overseer, but nobody is named: name the overseer, and tell them yourself."),
    ),
    "escalated": (
        N_("reported to the overseer: {duty}"),
        N_("Your unit is late with this, and the overseer has been told: {duty}."),
    ),
    "extension_asked": (
        N_("{unit} asks for more time: {duty}"),
        N_("{unit} asks for more time until {until}: {duty}."),
    ),
    "extension_granted": (N_("more time until {until}: {duty}"), N_("You have more time, until {until}: {duty}.")),
    "extension_refused": (N_("no more time: {duty}"), N_("Your request for more time was refused: {duty}.")),
    "report_sent_back": (
        N_("the mid-year report needs a correction"),
        N_("Your mid-year report was sent back; the register says what is missing."),
    ),
    "correction_answered": (
        N_("{unit} has answered the correction"),
        N_("{unit} has answered the correction to its mid-year report."),
    ),
    "report_accepted": (N_("the mid-year report is accepted"), N_("Your mid-year report is accepted.")),
    "duty_reopened": (N_("open again: {duty}"), N_("The secretariat has opened this again: {duty}.")),
    "submitted": (N_("the nominations have come in"), N_("The cluster has submitted its nominations: {title}.")),
    "results_published": (
        N_("the results are published"),
        N_("The results of the year are published. You can read them in the register."),
    ),
    "award_held": (
        N_("held back: {award}"),
        N_("The award {award} of your unit is held back while a matter is looked into. This is no refusal."),
    ),
    "award_released": (N_("released: {award}"), N_("The award {award} of your unit goes its way again.")),
    "award_annulled": (N_("annulled: {award}"), N_("The award {award} of your unit was annulled by a decision.")),
    "complaint_filed": (N_("a complaint has come in"), N_("Complaint number {number} was entered in the register.")),
    "act_corrected": (
        N_("an act was corrected"),
        Plural(
            "The act number {versions} in the register was corrected.",
            "The acts number {versions} in the register were corrected.",
            "versions",
        ),
    ),
}
"""Subject and body of each kind of notice."""
