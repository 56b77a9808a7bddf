"""Account administration and erasures: commands, events and the decider of the installation's own stream.

Persons stand here by their id only, and no secret does. The accounts' tables follow the events (`accounts.following`).
Events of keys are in the same stream; `domain.installation` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.access import Reader, may_manage, readers
from domain.commands import AuthenticatedCommand
from domain.decider import compose
from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT
from domain.records import OPERATOR, AlreadyRecorded, Command, Event, EventEnvelope, Meta, Refused, StepDecider
from domain.rules import Adoption, Edition
from domain.strengths import Strength, require_strength
from domain.times import ICT, When
from domain.types import Digest, PersonId, Provenance, with_entry

AccountKind = Literal["secretariat", "staff", "auditor"]
ContactField = Literal["name", "office", "email", "phone"]
ContactFields = Annotated[tuple[ContactField, ...], Field(min_length=1)]

_COMMON: Mapping[str, Any] = {
    "allowed": SECRETARIAT,
    "about": None,
    "closed_by": None,
    "binding": False,
    "after_filing": False,
    "in_minutes": False,
    "names_any_unit": False,
}
"""What all commands of this stream have in common. Who may issue which one, `_managed` says."""

_EVENT: Mapping[str, Any] = {"schema": 1, "correctable": False, "in_summary": None}


# Accounts: commands and events ------------------------------------------------------------


class MakeAccount(
    Command,
    name="make-account",
    label=NC_("act", "make account"),
    summary=N_("Make an account for a person who is entered."),
    **_COMMON,
):
    """`until` is the last day on which the account is valid; auditors must have one."""

    person: PersonId
    kind: AccountKind
    administrator: bool = False
    until: date | None = None


class AccountMade(Event, name="AccountMade", sentence=N_("An account was made for {person}: {kind}."), **_EVENT):
    person: PersonId
    kind: AccountKind
    administrator: bool
    until: date | None


class InviteToAccount(
    Command,
    name="invite-to-account",
    label=NC_("act", "invite to account"),
    summary=N_("Invite a person to choose a password."),
    **_COMMON,
):
    person: PersonId


class InvitedToAccount(
    Event, name="InvitedToAccount", sentence=N_("{person} was invited to choose a password."), **_EVENT
):
    """Earlier invitations are void. The new link is a secret, so it is made after the event."""

    person: PersonId


class CloseAccount(
    Command,
    name="close-account",
    label=NC_("act", "close account"),
    summary=N_("Close an account: it opens nothing any more."),
    **_COMMON,
):
    person: PersonId


class AccountClosed(Event, name="AccountClosed", sentence=N_("The account of {person} was closed."), **_EVENT):
    person: PersonId


class OpenAccount(
    Command,
    name="open-account",
    label=NC_("act", "open account"),
    summary=N_("Open a closed account again."),
    **_COMMON,
):
    person: PersonId


class AccountOpened(Event, name="AccountOpened", sentence=N_("The account of {person} was opened again."), **_EVENT):
    person: PersonId


class SetLastDay(
    Command,
    name="set-last-day",
    label=NC_("act", "set last day"),
    summary=N_("Set the last day on which an account is valid, or none."),
    **_COMMON,
):
    person: PersonId
    until: date | None = None


class LastDaySet(Event, name="LastDaySet", sentence=N_("The last day of the account of {person} was set."), **_EVENT):
    person: PersonId
    until: date | None


class ChangeAccountKind(
    Command,
    name="change-account-kind",
    label=NC_("act", "change account kind"),
    summary=N_("Make an account one of another kind; its logins and tokens end."),
    **_COMMON,
):
    person: PersonId
    kind: AccountKind
    administrator: bool = False


class AccountKindChanged(
    Event,
    name="AccountKindChanged",
    sentence=N_("The kind of the account of {person} was changed: {kind}."),
    **_EVENT,
):
    person: PersonId
    kind: AccountKind
    administrator: bool


class ResetLogin(
    Command,
    name="reset-login",
    label=NC_("act", "reset login"),
    summary=N_("Make password and one-time codes of an account void, and end all its access."),
    **_COMMON,
):
    person: PersonId


class LoginReset(
    Event,
    name="LoginReset",
    sentence=N_("The login of {person} was reset: password, one-time codes and all access became void."),
    **_EVENT,
):
    person: PersonId


class RemoveCodes(
    Command,
    name="remove-codes",
    label=NC_("act", "remove codes"),
    summary=N_("Take the one-time codes of an account away; they are set up anew."),
    **_COMMON,
):
    person: PersonId


class CodesRemoved(
    Event, name="CodesRemoved", sentence=N_("The one-time codes of {person} were taken away."), **_EVENT
):
    person: PersonId


class CorrectContact(
    Command,
    name="correct-contact",
    label=NC_("act", "correct contact"),
    summary=N_("Correct how another person is called and reached."),
    **_COMMON,
):
    """`fields` says what is corrected. The new name and addresses stand in the vault only."""

    person: PersonId
    fields: ContactFields


class ContactCorrected(
    Event,
    name="ContactCorrected",
    sentence=N_("How {person} is called and reached was corrected: {fields}."),
    **_EVENT,
):
    person: PersonId
    fields: ContactFields


class NameStandIn(
    Command,
    name="name-stand-in",
    label=NC_("act", "name stand-in"),
    summary=N_("Let a colleague act for an absent person on some days."),
    **_COMMON,
):
    """`person` acts for `for_person` from `since` to `until`, both days included."""

    person: PersonId
    for_person: PersonId
    since: date
    until: date


class StandInNamed(
    Event,
    name="StandInNamed",
    sentence=N_("{person} was named as stand-in for {for_person}, {since} to {until}."),
    **_EVENT,
):
    person: PersonId
    for_person: PersonId
    since: date
    until: date


class EndStandIn(
    Command,
    name="end-stand-in",
    label=NC_("act", "end stand-in"),
    summary=N_("End that a person stands in for another."),
    **_COMMON,
):
    person: PersonId
    for_person: PersonId


class StandInEnded(Event, name="StandInEnded", sentence=N_("{person} no longer stands in for {for_person}."), **_EVENT):
    person: PersonId
    for_person: PersonId


# Erasures: commands and events ------------------------------------------------------------


class EraseText(
    Command,
    name="erase-text",
    label=NC_("act", "erase text"),
    summary=N_("Erase a stored text; its digest stays in the acts that name it."),
    **_COMMON,
):
    """`text` is its digest."""

    text: Digest


class TextErased(Event, name="TextErased", sentence=N_("A stored text was erased."), **_EVENT):
    """`text` is its digest. Verification finds a text that is gone without this event."""

    text: Digest


class ErasePerson(
    Command,
    name="erase-person",
    label=NC_("act", "erase person"),
    summary=N_("Erase a person's names and addresses; the id stays in the acts that name it."),
    **_COMMON,
):
    person: PersonId


class PersonErased(Event, name="PersonErased", sentence=N_("What the register kept of {person} was erased."), **_EVENT):
    """Verification finds a person whose name is gone without this event."""

    person: PersonId


# State ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account. Each `…_version` is that of the event which set the field before it."""

    kind: AccountKind
    administrator: bool
    kind_version: int
    until: date | None
    until_version: int
    closed: bool
    closed_version: int

    def open_on(self, day: date) -> bool:
        """Return whether the account is valid on a day."""
        return not self.closed and (self.until is None or day <= self.until)


Accounts = Mapping[str, AccountState]
"""The accounts by person."""


@dataclass(frozen=True, slots=True)
class ErasedState:
    """What was erased, with the version of the event: texts by digest, persons by id."""

    texts: Mapping[str, int] = field(default_factory=dict)
    persons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstallationState:
    """The state of the installation's own stream, without its keys."""

    accounts: Accounts = field(default_factory=dict)
    erased: ErasedState = field(default_factory=ErasedState)


# Decisions --------------------------------------------------------------------------------


def _account(person: str, state: InstallationState) -> AccountState:
    if (found := state.accounts.get(person)) is None:
        raise Refused("unknown_person", person=person)
    return found


def _day(meta: Meta) -> date:
    """Return the day of a command, in Việt Nam."""
    return meta.happened.earliest.astimezone(ICT).date()


def _check_last_day(kind: AccountKind, until: date | None, day: date) -> None:
    if kind == "auditor" and until is None:
        raise Refused("auditor_needs_end")
    if until is not None and until < day:
        raise Refused("last_day_past", day=until)


def _check_days_left(account: AccountState, day: date) -> None:
    """Refuse to open or invite where the last day is over: the login would be refused."""
    if account.until is not None and account.until < day:
        raise Refused("last_day_was", day=account.until)


def make(cmd: MakeAccount, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[AccountMade]:
    if cmd.person in state.accounts:
        raise Refused("account_exists", person=cmd.person)
    _check_last_day(cmd.kind, cmd.until, _day(meta))
    yield AccountMade(**dict(cmd))


def invite(cmd: InviteToAccount, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[InvitedToAccount]:
    _check_days_left(_account(cmd.person, state), _day(meta))
    yield InvitedToAccount(person=cmd.person)


def close(cmd: CloseAccount, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[AccountClosed]:
    if (account := _account(cmd.person, state)).closed:
        raise AlreadyRecorded(account.closed_version)
    yield AccountClosed(person=cmd.person)


def open_again(cmd: OpenAccount, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[AccountOpened]:
    account = _account(cmd.person, state)
    _check_days_left(account, _day(meta))
    if not account.closed:
        raise AlreadyRecorded(account.closed_version)
    yield AccountOpened(person=cmd.person)


def set_last_day(cmd: SetLastDay, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[LastDaySet]:
    account = _account(cmd.person, state)
    _check_last_day(account.kind, cmd.until, _day(meta))
    if cmd.until == account.until:
        raise AlreadyRecorded(account.until_version)
    yield LastDaySet(**dict(cmd))


def change_kind(
    cmd: ChangeAccountKind, meta: Meta, state: InstallationState, rules: Edition
) -> Iterator[AccountKindChanged]:
    account = _account(cmd.person, state)
    if cmd.kind == "auditor" and account.until is None:
        raise Refused("auditor_needs_end")
    if (cmd.kind, cmd.administrator) == (account.kind, account.administrator):
        raise AlreadyRecorded(account.kind_version)
    yield AccountKindChanged(**dict(cmd))


def reset(cmd: ResetLogin, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[LoginReset]:
    _account(cmd.person, state)
    yield LoginReset(person=cmd.person)


def remove_codes(cmd: RemoveCodes, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[CodesRemoved]:
    _account(cmd.person, state)
    yield CodesRemoved(person=cmd.person)


def correct_contact(
    cmd: CorrectContact, meta: Meta, state: InstallationState, rules: Edition
) -> Iterator[ContactCorrected]:
    yield ContactCorrected(**dict(cmd))


def name_stand_in(cmd: NameStandIn, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[StandInNamed]:
    person, absent = _account(cmd.person, state), _account(cmd.for_person, state)
    if cmd.person == cmd.for_person or person.kind != absent.kind:
        raise Refused("stand_in_unknown")
    if cmd.until < cmd.since:
        raise Refused("stand_in_dates")
    if cmd.until < _day(meta):
        raise Refused("last_day_past", day=cmd.until)
    yield StandInNamed(**dict(cmd))


def end_stand_in(cmd: EndStandIn, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[StandInEnded]:
    # Persons name their own stand-ins, which is no administration: so this stream does not know all that there are.
    yield StandInEnded(**dict(cmd))


def erase_text(cmd: EraseText, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[TextErased]:
    if (version := state.erased.texts.get(cmd.text)) is not None:
        raise AlreadyRecorded(version)
    yield TextErased(text=cmd.text)


def erase_person(cmd: ErasePerson, meta: Meta, state: InstallationState, rules: Edition) -> Iterator[PersonErased]:
    if (version := state.erased.persons.get(cmd.person)) is not None:
        raise AlreadyRecorded(version)
    yield PersonErased(person=cmd.person)


# Evolution --------------------------------------------------------------------------------


def _made(accounts: Accounts, e: AccountMade, m: Meta) -> Accounts:
    made = AccountState(e.kind, e.administrator, m.version, e.until, m.version, closed=False, closed_version=m.version)
    return with_entry(accounts, e.person, made)


def _changed(accounts: Accounts, person: str, **changes: Any) -> Accounts:
    return with_entry(accounts, person, replace(accounts[person], **changes))


def _closed(accounts: Accounts, e: AccountClosed, m: Meta) -> Accounts:
    return _changed(accounts, e.person, closed=True, closed_version=m.version)


def _opened(accounts: Accounts, e: AccountOpened, m: Meta) -> Accounts:
    return _changed(accounts, e.person, closed=False, closed_version=m.version)


def _last_day_set(accounts: Accounts, e: LastDaySet, m: Meta) -> Accounts:
    return _changed(accounts, e.person, until=e.until, until_version=m.version)


def _kind_changed(accounts: Accounts, e: AccountKindChanged, m: Meta) -> Accounts:
    return _changed(accounts, e.person, kind=e.kind, administrator=e.administrator, kind_version=m.version)


def _unchanged(accounts: Accounts, _event: Event, _meta: Meta) -> Accounts:
    """Decides nothing later: what it did to secrets and addresses is no part of the state."""
    return accounts


def _text_erased(erased: ErasedState, e: TextErased, m: Meta) -> ErasedState:
    return replace(erased, texts=with_entry(erased.texts, e.text, m.version))


def _person_erased(erased: ErasedState, e: PersonErased, m: Meta) -> ErasedState:
    return replace(erased, persons=with_entry(erased.persons, e.person, m.version))


_accounts: StepDecider[Accounts, InstallationState, Edition] = StepDecider(
    slice_name="accounts",
    decides={
        MakeAccount: make,
        InviteToAccount: invite,
        CloseAccount: close,
        OpenAccount: open_again,
        SetLastDay: set_last_day,
        ChangeAccountKind: change_kind,
        ResetLogin: reset,
        RemoveCodes: remove_codes,
        CorrectContact: correct_contact,
        NameStandIn: name_stand_in,
        EndStandIn: end_stand_in,
    },
    evolves={
        AccountMade: _made,
        AccountClosed: _closed,
        AccountOpened: _opened,
        LastDaySet: _last_day_set,
        AccountKindChanged: _kind_changed,
        InvitedToAccount: _unchanged,
        LoginReset: _unchanged,
        CodesRemoved: _unchanged,
        ContactCorrected: _unchanged,
        StandInNamed: _unchanged,
        StandInEnded: _unchanged,
    },
)
_erasures: StepDecider[ErasedState, InstallationState, Edition] = StepDecider(
    slice_name="erased",
    decides={EraseText: erase_text, ErasePerson: erase_person},
    evolves={TextErased: _text_erased, PersonErased: _person_erased},
)
_COMPOSITION = compose((_accounts, _erasures))

ADMINISTRATION: tuple[type[Event], ...] = tuple(_COMPOSITION.evolves)
"""The events that this decider decides. The others of the stream (its first one, its keys) have rules of their own."""


# Who may ----------------------------------------------------------------------------------


def _managed(command: Command, state: InstallationState) -> Iterator[tuple[AccountKind, bool]]:
    """Yield the kinds of account, and whether of an administrator, that one must be able to manage for a command."""
    if isinstance(command, (EraseText, ErasePerson)):
        yield "staff", True
        return
    if isinstance(command, (MakeAccount, ChangeAccountKind)):
        yield command.kind, command.administrator
    person = command.for_person if isinstance(command, (NameStandIn, EndStandIn)) else getattr(command, "person", "")
    account = state.accounts.get(person)
    kind: AccountKind
    kind, administrator = ("staff", False) if account is None else (account.kind, account.administrator)
    if isinstance(command, CorrectContact) and "email" not in command.fields:
        # A mail address opens an account; the rest does not, so it may be corrected of accounts of every kind.
        kind = "staff"
    yield kind, administrator


def _may(authenticated: AuthenticatedCommand, day: date, state: InstallationState) -> bool:
    """Return whether the actor may issue the command: by their own account, or at the machine's command line."""
    if authenticated.actor == OPERATOR:
        return authenticated.strength in {Strength.OS_ACCOUNT, Strength.REHEARSAL}
    own = state.accounts.get(authenticated.actor)
    if own is None or not own.open_on(day):
        return False
    who: frozenset[Reader] = readers(authenticated.actor, authenticated.unit, own.kind, administrator=own.administrator)
    managed = _managed(authenticated.command, state)
    return all(may_manage(kind, who, administrator=administrator) for kind, administrator in managed)


class InstallationDecider:
    """The decider of the installation's own stream (see `domain.decider.Decider`)."""

    def empty(self) -> InstallationState:
        return InstallationState()

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        state: InstallationState,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...] = (),
    ) -> tuple[EventEnvelope[Event], ...]:
        """See `domain.decider.Decider`. A command happens when it is signed, whatever its payload says."""
        decides = _COMPOSITION.decides.get(type(authenticated.command))
        if decides is None:
            raise Refused("not_yours", act=authenticated.command.NAME)
        require_strength(authenticated.strength, for_organiser=True, binding=authenticated.command.BINDING)
        is_rehearsed = authenticated.strength is Strength.REHEARSAL
        provenance = Provenance(kind="rehearsed" if is_rehearsed else "stated")
        meta = authenticated.meta(version + 1, When.at(authenticated.issued), provenance)
        if authenticated.stand_in_for is not None or not _may(authenticated, _day(meta), state):
            raise Refused("not_yours_to_manage")
        events = decides(authenticated.command, meta, state, rules)
        return tuple(EventEnvelope(e, meta._replace(version=version + n)) for n, e in enumerate(events, start=1))

    def evolve(self, state: InstallationState, envelope: EventEnvelope[Event]) -> InstallationState:
        """Return the state after an event. Keys and the first event are no part of it."""
        changes: dict[str, Any] = {
            name: change(getattr(state, name), envelope.event, envelope.meta)
            for name, change in _COMPOSITION.evolves.get(type(envelope.event), ())
        }
        return replace(state, **changes)

    def fold(self, history: Iterable[EventEnvelope[Event]], onto: InstallationState | None = None) -> InstallationState:
        """See `domain.decider.Decider`."""
        state = InstallationState() if onto is None else onto
        for envelope in history:
            state = self.evolve(state, envelope)
        return state

    def adoptions(self, state: InstallationState) -> tuple[Adoption, ...]:
        return ()

    def now(self, state: InstallationState, real_now: datetime) -> datetime:
        return real_now

    def next_due(self, state: InstallationState, rules: Edition) -> datetime | None:
        return None

    def due(
        self, state: InstallationState, rules: Edition, now: datetime
    ) -> tuple[datetime, tuple[Command, ...]] | None:
        return None


INSTALLATION = InstallationDecider()
