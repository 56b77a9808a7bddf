"""The message of a notice. Its texts stand in the domain, with its kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.notice_kinds import Notice
from domain.rules import Edition
from domain.state import State
from domain.titles import cluster_title, names_of
from i18n import _
from i18n.messages import fill, translated
from i18n.values import Words, in_words


def message_of(
    notice: Notice,
    state: State,
    rules: Edition,
    *,
    rehearsed: bool,
    namesake: bool = False,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, str]:
    """Subject and body of a notice, in the language in use: the caller sets that of the addressee.

    `namesake`: another organiser has a cluster of this name. `texts` are the free texts that the notice names, by
    digest.
    """
    facts = {name: fact for name, fact in notice if name != "to"}
    known = {name: fact for name, fact in facts.items() if fact is not None}
    words = dict.fromkeys(facts, "") | in_words(type(notice), known, Words(names_of(state, rules), texts))
    mark = f"[{_('rehearsal')}] " if rehearsed else ""
    lifecycle = state.lifecycle
    cluster = cluster_title(lifecycle.cluster_name, lifecycle.organiser_name, namesake=namesake)
    lines = [
        fill(translated(notice.BODY, facts), words),
        "",
        f"{lifecycle.cluster_name}, {lifecycle.year}",
        lifecycle.organiser_name,
    ]
    if rehearsed:
        lines.append(_("This message belongs to a rehearsal: nothing in it happened."))
    return f"{mark}{cluster}: {fill(_(notice.SUBJECT), words)}", "\n".join(lines)
