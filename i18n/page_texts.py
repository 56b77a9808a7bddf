"""Sentences of the web pages' own refusals (login, forms, tables, accounts), and the topics of events."""

from __future__ import annotations

from collections.abc import Mapping

from i18n import N_

SENTENCES: Mapping[str, str] = {
    "account_exists": N_("{person} has an account already."),
    "account_closed": N_("This account is closed, or its last day is over. Ask the secretariat."),
    "auditor_needs_end": N_("An auditor's access must have a last day."),
    "bad_day": N_("“{found}” is no day; write 05/02/2020."),
    "bad_email": N_("{found} is no mail address."),
    "bad_request": N_("What was sent cannot be used."),
    "code_does_not_fit": N_("The code does not fit, or was used before. Wait for the next one."),
    "field_bad": N_("{place} cannot be used: {found}"),
    "file_empty": N_("Choose a file."),
    "upload_too_large": N_("The file has {found} bytes; at most {most} are taken."),
    "upload_type": N_("This is no file of a type that is taken: {types}"),
    "form_not_ours": N_("This form is too old, or comes from elsewhere. Open the page again."),
    "id_reserved": N_("{person} is a name of the register itself; choose another."),
    "invitation_void": N_("This invitation was used already, or is older than a week. Ask for a new one."),
    "login_does_not_fit": N_("Account and password do not fit. Nothing is locked; the answer only comes more slowly."),
    "login_needed": N_("Log in first."),
    "code_needed": N_("Set up one-time codes first."),
    "login_ran_out": N_("Your login ran out."),
    "meeting_without_kind": N_("Say which kind of meeting it was."),
    "method_not_allowed": N_("This address takes no such thing."),
    "no_such_act": N_("There is no act {version} here."),
    "no_such_calendar": N_("There is no such calendar; a new address may have been made."),
    "no_such_job": N_("That is over or was never begun. Begin again."),
    "no_such_minutes": N_("There are no minutes {meeting} here."),
    "nobody_is_late": N_("Nobody is late in the clusters that were chosen."),
    "not_yours_to_manage": N_("Only an administrator may make or change such an account."),
    "not_yours_to_read": N_("This is not yours to read."),
    "not_yours_to_say": N_("This is not yours to enter; the unit itself, the head or the secretariat does it."),
    "nothing_chosen": N_("Choose at least one cluster."),
    "our_bug_web": N_("Something is wrong with the program; it was written down under {request}."),
    "page_not_found": N_("There is no such page."),
    "password_does_not_fit": N_("The password does not fit. Nothing was entered."),
    "password_too_short": N_("A password has at least {least} characters."),
    "passwords_differ": N_("The two passwords differ."),
    "port_taken": N_("Something else answers on port {port}; set THIDUA_WEB_PORT to another one."),
    "range_backwards_web": N_("The range of days ends before it begins."),
    "not_kept": N_("This is too much to keep: nothing was entered. Send it in two parts."),
    "drafts_full": N_(
        "You keep {most} drafts already, or {millions} million characters in all of them: more is not kept. Send or "
        "delete some of those under “Begun and not sent” on the page of your tasks; what you typed here stays in "
        "this form."
    ),
    "form_too_large": N_(
        "The form is too large: at most {fields} fields, {files} files, and 200,000 letters in a field. Go back, and "
        "send it in parts."
    ),
    "too_many_acts_in_minutes": N_("Minutes hold at most {most} acts. Enter these, and begin others for the rest."),
    "too_many_files": N_("{found} files at once: at most {most} for an act. Take some out, or send a second act."),
    "too_many_minutes": N_("You keep minutes of {most} meetings already, the most there may be. Enter or delete some."),
    "too_many_parts": N_("What was sent holds more than {most} values. Send it in parts."),
    "too_many_requests": N_(
        "More requests than people send came from you: after many at once, {most} a second are answered. Wait a "
        "moment, then try again."
    ),
    "uploads_of_a_day": N_(
        "You have stored files of {most} MB within a day, the most that is taken. Try again in some hours, or store "
        "smaller files."
    ),
    "too_busy": N_("Much is being worked on at this moment. Try again in a minute; nothing was entered."),
    "unit_unknown_web": N_("No cluster has a unit {unit}; write its id as it stands on the cluster's page."),
    "unit_elsewhere": N_("{unit} is no unit of your clusters; an administrator can enter its people."),
    "reason_missing": N_("A reason is missing; it stays visible for ever."),
    "stand_in_dates": N_("From and to must be days, the second not before the first."),
    "stand_in_unknown": N_("Choose somebody else who has an account."),
    "table_cell_missing": N_("Line {line}: the column {column} is empty."),
    "table_empty": N_("Paste a table, or choose a file."),
    "table_head": N_("The first row must name the columns: {expected}. Found: {found}"),
    "table_too_large": N_("The table is too large: {found}, at most {most}."),
    "table_unreadable": N_("The file cannot be read as a table: {problem}"),
    "table_wrong": N_("{place}: {problem}"),
    "token_needed": N_("A personal token is needed, and this one is missing or void."),
    "token_too_weak": N_("This token's scope does not reach so far."),
    "too_large": N_("What was sent is too large: {most} MB at most."),
    "too_many_attempts": N_("Too many at once from here. Wait a moment."),
    "cluster_of_one": N_("{cluster} has one unit only."),
    "cluster_without_overseer": N_("{cluster} has no overseer."),
    "contact_without_mail": N_("{person} has no mail address: no invitation, no reminder."),
    "overseers_differ": N_("{cluster} has two overseers; the first one is taken, not {found}."),
    "unit_twice_in_table": N_("{unit} stands in the table twice."),
    "units_without_contact": N_("{cluster}: nobody to reach in {whom}"),
}

STEPS: Mapping[str, str] = {
    "lifecycle": N_("the cycle itself"),
    "membership": N_("members and roles"),
    "succession": N_("mergers"),
    "drafting": N_("papers"),
    "commenting": N_("comments"),
    "signing": N_("signing"),
    "targets": N_("targets"),
    "meetings": N_("meetings"),
    "letters": N_("letters"),
    "midyear": N_("mid-year reports"),
    "scores": N_("scores"),
    "voting": N_("votes"),
    "conclusion": N_("ranking and awards"),
    "awards": N_("what became of awards"),
    "deadlines": N_("deadlines"),
    "manual_reminders": N_("reminders by hand"),
    "corrections": N_("corrections and sources"),
    "signatories": N_("signatories"),
}
"""The topic of an event, by the step module that it belongs to."""
