"""What was changed in texts that were pasted, in words."""

from __future__ import annotations

from collections.abc import Mapping

from i18n import Plural
from i18n.fields import path_label
from i18n.messages import translated

_CHANGES: Mapping[str, Plural] = {
    "bullets": Plural("{count} list sign became a plain bullet", "{count} list signs became plain bullets", "count"),
    "from_above": Plural(
        "{count} empty cell was read like the one above it", "{count} empty cells were read like those above", "count"
    ),
    "invisible": Plural(
        "{count} invisible character was removed", "{count} invisible characters were removed", "count"
    ),
    "joined": Plural("{count} line break became a space", "{count} line breaks became spaces", "count"),
    "objects": Plural(
        "{count} picture or object was left out: only text is kept here",
        "{count} pictures or objects were left out: only text is kept here",
        "count",
    ),
    "zeros": Plural(
        "{count} number got the leading 0 back that the spreadsheet had dropped",
        "{count} numbers got the leading 0 back that the spreadsheet had dropped",
        "count",
    ),
}


def cleaning_notes(changes: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A sentence for each field that was changed, by the paths of the fields; `changes` counts by kind."""
    return [f"{path_label(path)}: {_in_words(counts)}." for path, counts in changes.items()]


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(translated(_CHANGES[kind], {"count": count}).format(count=count) for kind, count in counts.items())
