"""The message of a notice. Its texts stand in the domain, with its kind; here they get the layout of all our mails.

A mail says what there is to do, by which day, why, who asks, and where it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.notice_kinds import Notice
from domain.rules import Edition
from domain.state import State
from domain.titles import cluster_title, names_of
from i18n import _, ngettext
from i18n.acts import act_name
from i18n.messages import fill, translated, word
from i18n.values import Words, in_words


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a message says besides its notice.

    `sender` is who asks, in words; `page` the address where it is done, "" for a reader without an account. Then
    `ask` says whom to ask. `other` is another act that does the same, with the address of its page. `texts` are free
    texts by digest. `namesake`: another organiser has a cluster of this name.
    """

    sender: str = ""
    page: str = ""
    other: tuple[str, str] | None = None
    ask: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    namesake: bool = False


def message_of(
    notice: Notice, state: State, rules: Edition, *, rehearsed: bool, told: Circumstances | None = None
) -> tuple[str, str]:
    """Subject and body of a notice, in the language in use: the caller sets that of the addressee."""
    told, lifecycle = told or Circumstances(), state.lifecycle
    facts = {name: fact for name, fact in notice if name != "to"}
    known = {name: fact for name, fact in facts.items() if fact is not None}
    texts = {**dict.fromkeys(_texts_of(known), ""), **told.texts}
    words = dict.fromkeys(facts, "") | in_words(type(notice), known, Words(names_of(state, rules), texts))
    mark = f"[{_('rehearsal')}] " if rehearsed else ""
    cluster = cluster_title(lifecycle.cluster_name, lifecycle.organiser_name, namesake=told.namesake)
    foot = [f"{lifecycle.cluster_name}, {lifecycle.year}", lifecycle.organiser_name]
    if rehearsed:
        foot.append(_("This message belongs to a rehearsal: nothing in it happened."))
    body = mail_text(fill(translated(notice.BODY, facts), words), _lines(notice, words, told), [told.ask], foot)
    return f"{mark}{cluster}: {fill(_(notice.SUBJECT), words)}", body


def _texts_of(facts: Mapping[str, object]) -> Iterable[str]:
    return (str(facts[name]) for name in ("reason",) if name in facts)


def _lines(notice: Notice, words: Mapping[str, str], told: Circumstances) -> list[tuple[str, str]]:
    owed = ""
    if notice.asks is not None:
        owed = word("duty", notice.asks[0])
        owed = f"{owed}: {words['subject']}" if words.get("subject") else owed
    return [
        (_("What"), owed),
        (_("Last day"), words.get("due", "")),
        (_("Under"), words.get("article", "")),
        (_("Reason"), words.get("reason", "")),
        (_("Sent by"), told.sender),
        (_("Page"), told.page),
        or_act(*told.other) if told.other is not None else ("", ""),
    ]


def or_act(act: str, address: str) -> tuple[str, str]:
    """Another act that does the same duty: the label of a line, and the address of the act's page."""
    return _("Or {act}").format(act=act_name(act)), address


def mail_text(what: str, lines: Iterable[tuple[str, str]], more: Iterable[str] = (), foot: Sequence[str] = ()) -> str:
    """The text of a mail: what it is about, its facts line by line (those that are known), and who writes."""
    facts = "\n".join(f"{label}: {text}" for label, text in lines if text)
    return "\n\n".join(filter(None, (what, facts, *more, "\n".join(foot)))) + "\n"


def gathered(messages: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Subject and body of one mail with several messages; equal ones stand in it once."""
    parts = list(dict.fromkeys(messages))
    if len(parts) == 1:
        return parts[0]
    others = len(parts) - 1
    subject = ngettext("{first}, and {count} more notice", "{first}, and {count} more notices", others)
    body = "\n\n".join(f"{number}. {one}\n\n{text}" for number, (one, text) in enumerate(parts, start=1))
    return subject.format(first=parts[0][0], count=others), body
