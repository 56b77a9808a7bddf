"""The message of a notice. Its texts stand in the domain, with its kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.notice_kinds import Notice
from domain.state import State, members_and_organiser
from i18n import _
from i18n.messages import fill, translated
from i18n.values import Words, in_words


def message_of(
    notice: Notice, state: State, stream: str, *, rehearsed: bool, texts: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, str]:
    """Subject and body of a notice, in the language in use: the caller sets that of the addressee.

    `texts` are the free texts that the notice names, by digest.
    """
    facts = {name: fact for name, fact in notice if name != "to"}
    known = {name: fact for name, fact in facts.items() if fact is not None}
    words = dict.fromkeys(facts, "") | in_words(type(notice), known, Words(members_and_organiser(state), texts))
    mark = f"[{_('rehearsal')}] " if rehearsed else ""
    lines = [
        fill(translated(notice.BODY, facts), words),
        "",
        f"{state.lifecycle.cluster_name} ({stream})",
        state.lifecycle.organiser_name,
    ]
    if rehearsed:
        lines.append(_("This message belongs to a rehearsal: nothing in it happened."))
    return f"{mark}{state.lifecycle.cluster_name}: {fill(_(notice.SUBJECT), words)}", "\n".join(lines)
