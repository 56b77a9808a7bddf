"""What was done to accounts in words, and what failed before a login."""

from __future__ import annotations

import re
from collections.abc import Mapping

from accounts import Before
from accounts.log import AccountChange, AccountLog, Door, LogEntry, SoonSigned
from domain.cycle import BINDING_EVENTS, COMMANDS, EVENTS_OF
from domain.steps.corrections import CorrectAct
from domain.times import ICT
from i18n import N_, _, ngettext
from i18n.acts import act_name
from i18n.messages import day, word
from ledger.paging import Paged, PageRequest

SENTENCES: Mapping[AccountChange, str] = {
    AccountChange.MADE: N_("{by} made an account for {person}: {kind}{administrator}{until}."),
    AccountChange.INVITED: N_("{by} invited {person} to choose a password."),
    AccountChange.LINK_SHOWN: N_("{by} printed the link with which {person} chooses a password."),
    AccountChange.CLOSED: N_("{by} closed the account of {person}."),
    AccountChange.OPENED: N_("{by} opened the account of {person} again."),
    AccountChange.LAST_DAY_CHANGED: N_("{by} changed the last day of the account of {person}{until}."),
    AccountChange.KIND_CHANGED: N_("{by} changed the kind of the account of {person}: {kind}{administrator}."),
    AccountChange.PASSWORD_CHOSEN: N_("{person} chose a password by an invitation."),
    AccountChange.PASSWORD_CHANGED: N_("{person} changed their password."),
    AccountChange.PASSWORD_LINK_SENT: N_("{by} asked for a new password of {person}: a link was sent by mail."),
    AccountChange.PASSWORD_RESET: N_("{person} chose a new password by a link that was sent by mail."),
    AccountChange.RESET: N_("{by} reset the account of {person}: password, one-time codes and all access became void."),
    AccountChange.CODES_SET_UP: N_("{person} set up one-time codes."),
    AccountChange.CODES_REMOVED: N_("{by} took the one-time codes of {person} away."),
    AccountChange.RECOVERY_CODES_MADE: N_("{person} got new recovery codes."),
    AccountChange.RECOVERY_CODE_USED: N_("{person} used a recovery code; {left} are left."),
    AccountChange.CONTACT_CHANGED: N_("{by} changed how to reach {person}: {fields}."),
    AccountChange.TOKEN_MADE: N_("{person} made a token for programs: {scope}{until}."),
    AccountChange.TOKEN_REVOKED: N_("{person} made a token void."),
    AccountChange.STAND_IN_NAMED: N_("{by} named {person} as stand-in for {for_person}, {since} to {last}."),
    AccountChange.STAND_IN_ENDED: N_("{by} ended that {person} stands in for {for_person}."),
    AccountChange.CALENDAR_MADE: N_("{person} made a new address for their calendar."),
    AccountChange.ERASED: N_("{by} erased what the register kept of {person}."),
    AccountChange.SIGNATURE_TOLD: N_(
        "{person} entered an act that binds soon after the login was renewed: {act} (act number {version}). {mail}"
    ),
}
"""The sentence of each change."""


def told(entry: LogEntry, names: Mapping[str, str]) -> str:
    """An entry as a sentence. `names` of persons by id; who has none any more is called so."""
    text = SENTENCES.get(AccountChange(entry.change)) if entry.change in set(AccountChange) else None
    if text is None:
        return entry.change
    facts = entry.facts
    until = facts.get("until", "")
    return _(text).format(
        by=_who(entry, names),
        person=_named(entry.person, names),
        kind=word("account", facts.get("kind", "")),
        administrator=f", {_('administrator')}" if facts.get("administrator") == "yes" else "",
        until=f", {_('until {day}').format(day=day(until))}" if until else "",
        left=facts.get("left", ""),
        fields=", ".join(word("contact_field", one) for one in re.split(r",\s*", facts.get("fields", ""))),
        scope=word("scope", facts.get("scope", "")),
        for_person=_named(facts.get("for_person", ""), names),
        since=day(facts["since"]) if "since" in facts else "",
        last=day(until) if until else "",
        act=act_name(facts.get("act", "")) if "act" in facts else "",
        version=facts.get("version", ""),
        mail=_("A mail told them.") if facts.get("mail") == "yes" else _("No mail could tell them."),
    )


RENEWED: Mapping[AccountChange, str] = {
    AccountChange.PASSWORD_RESET: N_("a new password by mail"),
    AccountChange.PASSWORD_CHOSEN: N_("a new password by an invitation"),
    AccountChange.RESET: N_("the account was reset"),
    AccountChange.CODES_SET_UP: N_("new one-time codes"),
    AccountChange.CODES_REMOVED: N_("one-time codes were taken away"),
    AccountChange.RECOVERY_CODE_USED: N_("a recovery code"),
}
"""How a login was renewed."""

_ACT_OF: Mapping[str, str] = {
    event.NAME: command.NAME for command in COMMANDS for event in EVENTS_OF[command] if event in BINDING_EVENTS
}


def act_of_event(type_: str) -> str:
    """The name of the act by which a binding event came; any other event is of a correction."""
    return act_name(_ACT_OF.get(type_, CorrectAct.NAME))


async def soon_signed(log: AccountLog, asked: PageRequest) -> Paged[SoonSigned]:
    """A page of what was signed soon after a login was renewed."""
    return await log.soon_signed(sorted(event.NAME for event in BINDING_EVENTS), asked)


def _named(person: str, names: Mapping[str, str]) -> str:
    return names.get(person) or _("a person without a name here")


def _who(entry: LogEntry, names: Mapping[str, str]) -> str:
    if entry.by.person is not None:
        return _named(entry.by.person, names)
    return operator_name() if entry.by.door is Door.COMMAND_LINE else _("Somebody at the login page")


def operator_name() -> str:
    """How logs call a user of the command line who names no person."""
    return _("The operator of the machine")


def before_login(before: Before) -> str:
    """What failed before a login, and since when; a code fails only after the right password."""
    since = (
        _("Your last login was on {time}.").format(time=f"{before.last_login.astimezone(ICT):%d/%m/%Y %H:%M}")
        if before.last_login is not None
        else _("This is your first login.")
    )
    passwords = ngettext(
        "Before this one, {count} attempt failed with a wrong password.",
        "Before this one, {count} attempts failed with a wrong password.",
        before.failed_passwords,
    ).format(count=before.failed_passwords)
    codes = ngettext(
        "{count} attempt had the right password and a wrong code: if that was not you, somebody knows your password.",
        "{count} attempts had the right password and a wrong code: if that was not you, somebody knows your password.",
        before.failed_codes,
    ).format(count=before.failed_codes)
    parts = [since, passwords if before.failed_passwords else "", codes if before.failed_codes else ""]
    return " ".join(part for part in parts if part)
