"""What is wrong with a value: pydantic's codes and ours, as parts of a sentence, in English."""

from __future__ import annotations

from collections.abc import Mapping

from i18n import N_, Plural

PROBLEMS: Mapping[str, str | Plural] = {
    "missing": N_("this is required"),
    "extra_forbidden": N_("there is no such field"),
    "no_such_field": N_("there is no such field {nearest}; there are: {fields}"),
    "string_type": N_('a text is expected; a number or a word such as no stands in quotes: "12"'),
    "text_with_colon": N_('a text is expected; one with a colon stands in quotes: "Báo cáo: năm 2023"'),
    "string_too_short": Plural(
        "at least {min_length} character is expected", "at least {min_length} characters are expected", "min_length"
    ),
    "string_too_long": Plural(
        "at most {max_length} character is expected", "at most {max_length} characters are expected", "max_length"
    ),
    "string_pattern_mismatch": N_("small letters, digits and single hyphens are expected"),
    "digest": N_("a digest of 64 digits is expected"),
    "int_type": N_("a whole number is expected"),
    "int_parsing": N_("a whole number is expected"),
    "int_from_float": N_("a whole number is expected"),
    "bool_type": N_("yes or no (true or false) is expected"),
    "bool_parsing": N_("yes or no (true or false) is expected"),
    "decimal_type": N_("a number is expected"),
    "decimal_parsing": N_("a number is expected"),
    "finite_number": N_("a finite number is expected"),
    "decimal_max_places": Plural(
        "at most {decimal_places} decimal place is expected",
        "at most {decimal_places} decimal places are expected",
        "decimal_places",
    ),
    "greater_than": N_("more than {gt} is expected"),
    "greater_than_equal": N_("at least {ge} is expected"),
    "less_than": N_("less than {lt} is expected"),
    "less_than_equal": N_("at most {le} is expected"),
    "literal_error": N_("one of these is expected: {expected} {nearest}"),
    "enum": N_("one of these is expected: {expected} {nearest}"),
    "list_type": N_("a list is expected"),
    "tuple_type": N_("a list is expected"),
    "dict_type": N_("a table of fields is expected"),
    "model_type": N_("a table of fields is expected"),
    "model_attributes_type": N_("a table of fields is expected"),
    "dataclass_type": N_("a table of fields is expected"),
    "too_short": Plural(
        "at least {min_length} entry is expected", "at least {min_length} entries are expected", "min_length"
    ),
    "too_long": Plural(
        "at most {max_length} entry is expected", "at most {max_length} entries are expected", "max_length"
    ),
    "date_type": N_("a date such as 20/07/2026 is expected"),
    "date_parsing": N_("a date such as 20/07/2026 is expected"),
    "date_from_datetime_parsing": N_("a date such as 20/07/2026 is expected"),
    "date_from_datetime_inexact": N_("a date without a time is expected"),
    "datetime_type": N_("a date with time and zone, such as 2026-07-20T08:00:00+07:00, is expected"),
    "datetime_parsing": N_("a date with time and zone, such as 2026-07-20T08:00:00+07:00, is expected"),
    "datetime_from_date_parsing": N_("a date with time and zone, such as 2026-07-20T08:00:00+07:00, is expected"),
    "marks": N_("a letter has more than {most} marks"),
    "timezone_aware": N_("a time zone is missing, such as +07:00"),
    "kinds_beyond_unnamed": N_("{found} units by kind, but only {known} units are not named"),
    "no_such_day": N_("a date such as 20/07/2026 is expected"),
    "text_unquoted": N_('there is no such field; a text with a comma stands in quotes: "Báo cáo, biên bản"'),
    "yaml_colon": N_('a text with a colon stands in quotes: "Báo cáo: năm 2023"'),
    "yaml_indentation": N_(
        "the indentation differs; what belongs together begins in one column, two spaces further in"
    ),
    "yaml_after_quotes": N_('something stands behind the closing quotes; a " inside a text is written as \\"'),
    "yaml_quote_open": N_("quotes are opened and not closed"),
    "yaml_bracket_open": N_("a comma or a closing bracket is missing, or a text with a comma or colon needs quotes"),
    "yaml_first_character": N_("a text that begins with such a character stands in quotes"),
    "yaml_no_colon": N_("a name needs a colon and a space after it, then its value"),
    "figure_unquoted": N_('there is no such field; a figure with a comma stands in quotes: "18,5"'),
    "number_in_two_ways": N_("{found} can be read in two ways: write {thousands}, or {decimal} if these are decimals"),
    "number_unreadable": N_("a number such as 9,5 or 1250 or 9.000.000 is expected"),
    "character": N_("the character {character} is not allowed"),
    "character_at": N_("line {line}, “{words}”: the character at ▯ cannot be kept; delete it, or type it again"),
    "sign_of_font": N_(
        "line {line}, “{words}”: the sign at ▯ is known to the fonts Symbol or Wingdings only; "
        "type the sign that is meant"
    ),
    "letter_lost": N_("line {line}, “{words}”: the letter at ▯ was lost when this was copied; type it again"),
    "old_font": N_(
        "line {line}, “{words}”, is written in the old encoding {font}; convert it to Unicode "
        "(in UniKey: Ctrl+Shift+F6), then paste it again"
    ),
    "mail_address": N_("a mail address such as an@phuong.gov.vn is expected"),
    "line_break": N_("a line break is not allowed here"),
    "date_bounds": N_("a date between {earliest} and {latest} is expected"),
    "range_backwards": N_("the range ends before it begins"),
    "person_is_nobody": N_("a person needs an id or an office"),
    "document_is_nothing": N_("a document needs a title, a number, a date or an issuer"),
    "voice_is_one": N_("one of unit (`unit`), person (`person`) and people together (`group`) is expected"),
    "nobody_in_cluster": N_("a cluster needs units, or a number of unnamed ones"),
    "cluster_twice": N_("the cluster {name} appears twice"),
    "unit_in_two_clusters": N_("{name} is in two clusters"),
    "units_twice": N_("named twice: {units}"),
    "organiser_is_member": N_("the organiser cannot be a member of its own cluster"),
    "day_not_every_year": N_("{day}/{month} is no day of every year"),
    "deadline_twice": N_("two deadlines for {duties}"),
    "steps_not_falling": N_("the steps must fall, each value once"),
    "band_gives_one": N_("a band gives either points or a change of them"),
    "band_backwards": N_("the band ends before it begins"),
    "bands_overlap": N_("the bands from {first} and from {second} overlap, or the first has no end"),
    "class_end_is_one": N_("a class ends at `most` or below `under`, not both"),
    "class_backwards": N_("the class ends before it begins"),
    "condition_is_one": N_("a condition is a share of each criterion or a fact, one of them"),
    "no_such_class": N_("there is no class {name} in this edition"),
    "no_such_fact": N_("there is no fact {name} in this edition"),
    "share_beyond_all": N_("{share} is more than all"),
    "choice_is_one": N_("a choice is either a unit or words"),
    "vote_rule_twice": N_("two rules for votes on {subjects}"),
    "no_such_issue_date": N_("a date such as 20/07/2026, 07/2026 or 2026 is expected"),
    "no_such_date": N_("a date such as 20/07/2026, 07/2026, 2026, or two of them with .. between is expected"),
    "no_such_act_name": N_("there is no act called {act} {nearest}; `thidua acts` lists all"),
    "no_such_source": N_("there is no source {source} in this file {nearest}; there are: {names}"),
    "named_again": N_("named twice: {names}"),
    "quota_by_one": N_("a quota is a number or a share, not both"),
    "holiday_too_long": Plural("a holiday takes less than {most} day", "a holiday takes less than {most} days", "most"),
    "holidays_overlap": N_("holidays overlap: {titles}"),
    "round_of_no_criterion": N_("round {round}: {criterion} is no criterion that takes points"),
    "signatories_of_nobody": N_("name who prepared, approved or signed, or on whose behalf"),
    "sure_in_one_way": N_("one of `source`, `inferred_from` and `rehearsed` is expected"),
    "year_wrong_by_one": N_(
        "a meeting that closes {year} and opens {next} was held on {on}: does it close {likely}? Then write "
        "`year: {likely}` and the year after it under `next`; if not, `year_is_right: true` in the head of the file"
    ),
    "next_year_wrong": N_(
        "the year after {year} is {likely}; if it is meant, write `year_is_right: true` in the head of the file"
    ),
    "no_next_cycle": N_("the file opens no cycle: tell it under `next`"),
    "penalty_adds": N_("{criterion} is a penalty, but each one adds {each} points: write it with a minus"),
    "least_penalty_adds": N_("{criterion} is a penalty: write the most that it takes away with a minus, -{least}"),
    "ceiling_below_maximum": N_("{criterion}: the ceiling {ceiling} is below the maximum {max}"),
    "no_such_kind": N_("one of these is expected: {names} {nearest}"),
    "nothing_told": N_("the file tells of no meeting and no act"),
    "criteria_too_deep": N_("criteria are nested more than {most} deep"),
    "criterion_stands_twice": N_("criterion {criterion} appears twice"),
    "reserved_id": N_("{person} cannot be a person's id"),
    "person_twice": N_("{name} appears twice"),
    "unit_of_nobody": N_("{name}: no unit {unit} in this file (a person of another body needs an office)"),
}
"""A code without an entry is shown in pydantic's own English words."""
