"""Sentences of the web pages' own refusals (login, forms, tables, accounts), and the topics of events."""

from __future__ import annotations

from collections.abc import Mapping

from i18n import N_

SENTENCES: Mapping[str, str] = {
    "account_exists": N_("There is such an account already; nothing was changed."),
    "account_closed": N_("This account is closed, or its last day has passed. Ask the secretariat."),
    "account_key_unfit": N_(
        "{file} is not the key file that the one-time codes were stored with. The operator puts the right one back, or "
        "finishes `thidua account rotate-key`."
    ),
    "account_key_unreadable": N_(
        "{file}, the key file of accounts, is missing or damaged: the operator must see to it."
    ),
    "account_key_open": N_("Others may read {file}, the key file of accounts: the operator must see to it."),
    "auditor_needs_end": N_("An auditor's access must have a last day."),
    "bad_address": N_("The address is too long, or holds characters that cannot be used. Open the page from the menu."),
    "bad_day": N_("“{found}” is no day; write 05/02/2020."),
    "bad_email": N_("{found} is no mail address."),
    "bad_header": N_(
        "The browser, or a program on its way here, sends something that cannot be read. Close the browser and open it "
        "again; if that does not help, tell the operator."
    ),
    "bad_request": N_("What was sent cannot be used."),
    "code_does_not_fit": N_("The code is wrong, or was used before. Wait for the next one."),
    "code_missing": N_("Type the six digits of your telephone, or a recovery code, too."),
    "token_needs_code": N_(
        "A token that acts needs a login with password and one-time code. Set up one-time codes, then make the token."
    ),
    "criteria_none": N_("No criterion was found under the names of the columns."),
    "criteria_too_many": N_("The table has more criteria than rules can have: {most} at most."),
    "criterion_without_title": N_("The criterion needs a title."),
    "edition_bad_name": N_("This name cannot be used: small letters without marks, digits and hyphens only."),
    "edition_busy": N_("Others are saving these rules at this moment. Save once more."),
    "edition_no_such_choice": N_("This is none of the possible choices."),
    "edition_no_such_field": N_("Rules have no such field here."),
    "edition_list_too_long": N_("A list of these rules has {found} lines; at most {most} are taken."),
    "edition_too_much": N_("These rules hold more than {most} values, more than any rules need. Nothing was taken."),
    "edition_no_table": N_("The file holds no rules: it must be a table of names and values, as rules are downloaded."),
    "edition_in_archive": N_(
        "“{name}” is a file of the kind {found}. Unpack it, and choose the file in it: rules as a YAML file, "
        "or a table of criteria as an Excel workbook (.xlsx) or a CSV file."
    ),
    "edition_in_other_file": N_(
        "“{name}” is a file of the kind {found}, from which rules are not read. Rules are taken from a YAML "
        "file, as they are downloaded here; the table of criteria from an Excel workbook (.xlsx) or a CSV file."
    ),
    "edition_in_word": N_(
        "“{name}” is a file of the kind {found}, from which rules are not read. Copy the table of criteria "
        "out of it, and paste it on the page “Bring in a table of criteria” of your rules."
    ),
    "edition_without_rules": N_(
        "“{name}” is a YAML file, but holds no rules: none of its names is one that rules have. Choose a "
        "file of rules, as they are downloaded here."
    ),
    "edition_no_way": N_("Choose the way in which points are given."),
    "edition_other_part": N_("This does not belong to “{part}”. Change it in its own part."),
    "edition_name_twice": N_("A name stands here that stood before already."),
    "edition_takes_too_long": N_("These rules hold so much that working on them takes too long. Nothing was changed."),
    "edition_unfit": N_("The rules “{title}” cannot be used yet: something is wrong in them. Open them and look."),
    "editions_full": N_("{most} drafts of rules are kept at most. Delete one that is not needed any more."),
    "in_force_to_come": N_(
        "{on} has not come yet (today is {now}). Put the rules in force on that day, or leave the day empty."
    ),
    "no_cluster_chosen": N_("Tick the clusters in which the rules come into force."),
    "paper_unnamed": N_("Give the number or the title of the paper, or leave all of it empty."),
    "too_many_clusters": N_("{most} clusters at most at once; take the others afterwards."),
    "field_bad": N_("{place} cannot be used: {found}"),
    "file_empty": N_("Choose a file."),
    "upload_too_large": N_("The file has {found} bytes; at most {most} are taken."),
    "upload_type": N_("{name} is of a kind that is not accepted. Save it as PDF, Word or Excel, then send that."),
    "upload_kind": N_(
        "{name} is a file of the kind {found}, which is not accepted. Save it as {instead}, then send that."
    ),
    "upload_heic": N_(
        "{name} is a picture of the kind HEIC, which many computers cannot open. Save it as JPEG, then send that "
        "(on an iPhone: Settings, Camera, Formats, Most Compatible)."
    ),
    "upload_video": N_("{name} is a video, which is not accepted. Put it where others can see it, and give its link."),
    "upload_locked": N_("{name} is locked by a password, or by rights. Take the lock off, then send it again."),
    "upload_macros": N_("{name} holds macros (programs). Save it as DOCX, XLSX or PDF, then send that."),
    "form_unreadable": N_("What the form has sent cannot be read; nothing was entered. Go back and send it again."),
    "form_from_other_address": N_(
        "The form was sent from {found}, but the register is served at {address}. Nothing was recorded. Open the "
        "register at {address}; what you typed is still there when you go back. Both addresses are in the log."
    ),
    "form_of_other_person": N_("The form was opened by another person in the same browser."),
    "form_not_ours": N_("This form is too old, or comes from elsewhere. Open the page again."),
    "id_taken": N_("The account name “{person}” is taken; choose another."),
    "id_reserved": N_("The account name “{person}” is a name of the register itself; choose another."),
    "invitation_void": N_(
        "This link was used already, or is too old: an invitation works for a week, a link for a new password for an "
        "hour. If you have chosen a password with it, log in; otherwise ask for a new link."
    ),
    "json_expected": N_("The body must be JSON in UTF-8, with the content type application/json."),
    "json_key_twice": N_("An object of the JSON body has the same key twice."),
    "json_too_deep": N_("The JSON body has more than {most} lists and objects inside each other."),
    "json_unreadable": N_("The body is no readable JSON."),
    "links_for_nobody": N_("None of those who were chosen lacks a mail address and a password."),
    "links_not_confirmed": N_("Tick that you print the links and hand them over yourself: they are shown once."),
    "link_too_long": N_("The link to this form fills in too much to be kept. Open the form from the cluster's page."),
    "last_day_past": N_("{day} is past; write today or a later day."),
    "last_day_was": N_("The account's last day was {day}: set a later one first."),
    "login_does_not_fit": N_(
        "The account or the password is wrong. Nothing is locked; the answer only comes more slowly. A mail address or "
        "a telephone number that several people share opens no account: type the name of yours."
    ),
    "logins_busy": N_("Many are logging in now. Wait a few seconds, then send it again."),
    "login_needed": N_("Log in first."),
    "code_needed": N_("Set up one-time codes first."),
    "login_ran_out": N_("Your login has expired."),
    "meeting_without_kind": N_("Say which kind of meeting it was."),
    "method_not_allowed": N_("This page does not take such a request."),
    "no_such_act": N_("There is no act {version} here."),
    "no_such_calendar": N_("There is no such calendar; a new address may have been made."),
    "no_such_job": N_("That is over or was never begun. Begin again."),
    "no_such_minutes": N_("There are no such minutes here."),
    "nobody_reads_mail": N_("Nobody in this unit gets mail: please telephone, and record that."),
    "nobody_is_late": N_("Nobody is late in the clusters that were chosen."),
    "not_yours_to_manage": N_("Only an administrator may make or change such an account."),
    "no_such_person": N_("There is no such person among those whose accounts you manage."),
    "not_yours_to_correct": N_("This person's data are corrected by themselves or by an administrator."),
    "not_yours_to_read": N_("You may not read this."),
    "not_yours_to_say": N_("This is not yours to enter; the unit itself, the head or the secretariat does it."),
    "number_too_large": N_("A number is too large to be meant."),
    "no_line_chosen": N_("Tick at least one line."),
    "nothing_chosen": N_("Choose at least one cluster."),
    "our_bug_web": N_("Something went wrong in the program; it was written down under {request}."),
    "page_not_found": N_("There is no such page."),
    "password_does_not_fit": N_("The password is wrong. Nothing was entered."),
    "password_common": N_("This password is among the first that are guessed. A sentence that only you know is good."),
    "password_own_name": N_("This password consists of your name, your account, your unit or your addresses."),
    "password_too_long": N_("A password has at most {most} characters."),
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
    "too_many_files_of_unit": N_(
        "{unit}: {found} files, and a score sheet takes at most {most}. Take some out, or write a link or the number "
        "of the document instead."
    ),
    "too_many_files": N_("{found} files at once: at most {most} for an act. Take some out, or send a second act."),
    "too_many_lines": N_("At most {most} lines are answered at once. Untick some."),
    "too_many_minutes": N_(
        "Minutes of {most} meetings are begun here already, the most there may be. Enter some first."
    ),
    "too_many_parts": N_("What was sent holds more than {most} values. Send it in parts."),
    "too_many_requests": N_(
        "You are sending more requests than a person would: after many at once, only {most} a second are answered. "
        "Wait a moment, then try again."
    ),
    "uploads_of_a_day": N_(
        "You have stored files of {most} MB within a day, the most that is taken. Try again in some hours, or store "
        "smaller files."
    ),
    "too_busy": N_("The register is very busy at this moment. Try again in a minute; nothing was entered."),
    "year_bad": N_("Year: type four digits, such as 2027."),
    "unit_unknown_web": N_(
        "No cluster has a unit “{unit}”; choose one from the list. For an auditor of a body that is in no cluster, "
        "type a short name of small letters and hyphens."
    ),
    "unit_elsewhere": N_("This unit is not of your clusters; an administrator can enter its people."),
    "reason_missing": N_("A reason is missing; it stays visible for ever."),
    "stand_in_dates": N_("From and to must be days, the second not before the first."),
    "stand_in_unknown": N_("Choose a colleague of the same unit who has an open account of the same kind."),
    "stands_in_no_more": N_("You do not stand in for this person today."),
    "setting_bad_address": N_(
        "THIDUA_WEB_ADDRESS: “{found}” is no address of a site; write one such as https://thidua.example.vn, no path."
    ),
    "setting_bad_host": N_("{setting}: “{found}” is no address to listen on; write one such as 127.0.0.1."),
    "setting_bad_log_format": N_("{setting}: “{found}” is no format of logs; write `json` or `text`."),
    "setting_bad_traces": N_("{setting}: “{found}” is not supported; write {possible}."),
    "traces_not_installed": N_(
        "Traces are asked for ({setting}), but what sends them is not installed. Install the package with its extra: "
        "`pip install thidua[traces]`; or remove the setting."
    ),
    "metrics_port_taken": N_(
        "Metrics cannot be served at {host}, port {port} ({problem}). Choose another one, or stop what uses it."
    ),
    "setting_bad_port": N_("{setting}: “{found}” is no port; write a number from 1 to 65535."),
    "setting_bad_proxies": N_(
        "THIDUA_WEB_PROXIES: “{found}” is neither an address nor a network; write them like 10.0.0.7,192.168.4.0/24."
    ),
    "table_broken": N_("The workbook is damaged. Open it in Excel, save it under another name, and choose that file."),
    "table_cell_bad": N_("Column “{column}”, {problem}."),
    "table_cell_missing": N_("Line {line}: the column {column} is empty."),
    "table_empty": N_("Paste a table, or choose a file."),
    "table_encoding": N_(
        "The letters of the file cannot be read. Open it in the program it comes from, and save it as an Excel "
        "workbook (.xlsx), or as “CSV UTF-8”."
    ),
    "table_formula": N_(
        "Line {line}: the column {column} holds a formula without a result ({found}). Open the file in Excel and save "
        "it, or type the text in place of the formula."
    ),
    "table_head": N_("Which column is this: {missing}? Choose below what each column holds."),
    "table_letters_lost": N_(
        "Letters were lost when this file was saved: line {line} has {words}. Open the original, and save it as an "
        "Excel workbook (.xlsx), or as “CSV UTF-8”."
    ),
    "table_line_too_long": N_("A line of the table is too long; at most {most} characters."),
    "sheet_cell": N_("Cell {cell}: {what}"),
    "sheet_cell_of": N_("Cell {cell} ({title}): {what}"),
    "sheet_empty": N_("Nothing is filled in in the file."),
    "sheet_not_chosen": N_("Choose the file that was filled in."),
    "sheet_not_ours": N_(
        "This file is no score sheet that was saved from here, or its head was changed. Save the sheet from this page, "
        "and fill that in."
    ),
    "sheet_of_another": N_(
        "The file belongs to another form: its {label} is “{found}”, and that of this form “{wanted}”. Nothing was "
        "read from it."
    ),
    "sheet_of_other_rules": N_(
        "The rules “{title}” have changed since the file was saved. Save the sheet anew, and copy into it what was "
        "filled in. Nothing was read from the file."
    ),
    "sheet_too_much": N_("The workbook holds too much to be read. Save the sheet from this page, and fill that in."),
    "table_locked": N_(
        "The workbook is locked with a password. Remove the password in Excel, and choose the file again."
    ),
    "table_no_table": N_(
        "This is a file of the kind {found}, and no table. Choose an Excel workbook (.xlsx) or a CSV file; a "
        "table that stands in it can be copied into Excel."
    ),
    "table_of_rules": N_(
        "This is a YAML file, such as rules are saved in, and no table. Rules in a file are brought in on "
        "the page “Rules editions”; here choose an Excel workbook (.xlsx) or a CSV file."
    ),
    "table_old_workbook": N_(
        "This is a workbook of another kind than .xlsx, such as .xls of old Excel. Open it, choose Save As, and the "
        "kind Excel Workbook (.xlsx)."
    ),
    "table_too_large": N_("The table is too large; at most {most} MB."),
    "table_too_long": N_("The table has too many rows; at most {most}."),
    "table_too_much": N_(
        "The workbook holds too much to be read. Copy only the table of clusters and units into a new workbook, and "
        "choose that one."
    ),
    "table_too_wide": N_("The table has too many columns; at most {most}."),
    "table_unit_elsewhere": N_(
        "Line {line}: {unit} stands in line {first} already, in {cluster}. A unit is in one cluster; give two units of "
        "the same name different unit codes."
    ),
    "table_web_page": N_(
        "This file is a web page under the name of a workbook. Open it in Excel, choose Save As, and the kind Excel "
        "Workbook (.xlsx)."
    ),
    "table_without_units": N_("Below the row with the names of the columns there are no units."),
    "table_wrong": N_("{place}: {problem}"),
    "token_needed": N_("A personal token is needed, and this one is missing or void."),
    "too_large": N_("What was sent is too large: {most} MB at most."),
    "too_many_attempts": N_(
        "Too many attempts failed. Nothing is locked: wait {seconds} seconds, then try again. A device that you have "
        "logged in with before need not wait, nor one where you have just chosen a new password by mail."
    ),
    "bad_phone": N_("{found} is no telephone number and was left out."),
    "cells_beyond_columns": N_("More cells than there are columns; this was not read: {found}."),
    "cluster_of_one": N_("{cluster} has one unit only."),
    "cluster_without_overseer": N_("{cluster} has no overseer."),
    "clusters_alike": N_("“{cluster}” and “{other}” are spelled differently, so they are two clusters. Are they one?"),
    "column_not_read": N_("The column “{column}” is not read; choose above what it holds, if it is needed."),
    "contact_without_mail": N_("{person} has no mail address: no invitation, no reminder."),
    "contact_without_name": N_("{unit}: {found} stands there without a person's name and was left out."),
    "day_in_column": N_("The column {column} holds a day ({found}), which was left out."),
    "formula_without_result": N_("The column {column} holds a formula without a result ({found}), which was left out."),
    "more_mails": N_("Several mail addresses: {taken} is taken, not {found}."),
    "namesakes": N_("{unit} has two contacts called {person}: with different addresses, they are two persons."),
    "overseers_differ": N_("{cluster} has two overseers; the first one is taken, not {found}."),
    "rows_hidden": N_("Rows that are hidden in the workbook were read, too: {count}."),
    "sheets_not_read": N_("The sheet “{sheet}” was read; not read: {others}."),
    "unit_names_differ": N_("{unit} and {found} have the same code {code}: they are taken for one unit."),
    "unit_twice_in_table": N_("{unit} is in the table already, in line {first}."),
    "units_alike": N_("“{unit}” and “{other}” are spelled differently, so they are two units. Are they one?"),
    "units_without_contact": N_("{cluster}: nobody to reach in {whom}"),
}

STEPS: Mapping[str, str] = {
    "lifecycle": N_("the cycle itself"),
    "membership": N_("members and roles"),
    "joint_acts": N_("units named later"),
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
    "clock": N_("deadlines"),
    "extensions": N_("extensions of deadlines"),
    "escalation": N_("escalation to the overseer"),
    "manual_reminders": N_("reminders by hand"),
    "corrections": N_("corrections and sources"),
    "signatories": N_("signatories"),
    "cross_checks": N_("who cross-checks whom"),
    "together": N_("acts done together"),
    "naming": N_("naming of units"),
}
"""The topic of an event, by the step module that it belongs to."""
