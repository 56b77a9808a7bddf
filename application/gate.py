"""The gate: the one place where a person's commands are checked against how the person came in, and then signed.

Pages, minutes, bulk actions, the JSON interface and the command line all pass it. Nothing else holds the key, so no
entry point can forget it. What a unit may do is decided by the domain; the gate asks whether this person, with this
account and this proof, may say it. docs/web.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from accounts import Kind
from accounts.store import Accounts
from application.key_ring import KeyRing, OwnKeyError
from domain.access import Reader, readers
from domain.codec import UnknownEventError
from domain.commands import CommandPayload
from domain.installation import STREAM, KeyHolder, KeyRole
from domain.law import PutLawInForce
from domain.numbers import whole_number
from domain.records import OPERATOR, Refused
from domain.rights import is_binding
from domain.state import State
from domain.steps.corrections import CorrectAct
from domain.steps.lifecycle import CycleOpened
from domain.streams import is_cycle, is_year
from domain.strengths import Strength, weakness
from errors import CodedError
from errors import Kind as ErrorKind
from i18n.messages import sentence
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from ledger.signing import BatchItem, SignedBatch, Signer
from local.key_files import KeyFile
from vault.persons import Contact

log = structlog.get_logger()

ASKS_AGAIN = frozenset({Strength.PASSWORD, Strength.PASSWORD_AND_CODE, Strength.REHEARSAL})
"""Proofs of logins on pages: binding commands need the password once more."""


class GateClosedError(CodedError):
    """This account, or this way of coming in, may not write that. `code` says why."""

    kind = ErrorKind.FORBIDDEN


class Asked(Protocol):
    """A command to be entered, as far as the gate looks at it."""

    @property
    def stream(self) -> str:
        """The stream that it is for."""

    @property
    def act(self) -> str:
        """The command's name."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Its fields, as typed or as signed."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who writes, and how they were authenticated.

    `absent` is the person that they stand in for. `confirmed`: the password was asked for once more, and it fitted.
    """

    contact: Contact
    proof: Strength
    absent: Contact | None = None
    confirmed: bool = False

    @property
    def unit(self) -> str:
        """The unit that the person acts for."""
        return self.contact.unit if self.absent is None else self.absent.unit


def at_command_line(contact: Contact) -> Submitter:
    """A person at the command line, where the account of the operating system is the proof. No page may call it."""
    return Submitter(contact, Strength.OS_ACCOUNT)


def operator() -> Submitter:
    """The operator at the machine's command line: no person, so without a name in the vault. No page may call it."""
    return at_command_line(Contact(OPERATOR, "", "", None, None, None, ""))


def account_may_write(kind: Kind | None, *, for_organiser: bool) -> bool:
    """Whether an account of this kind may write on pages and interface; `for_organiser`: what the organiser says."""
    return kind == "secretariat" or (kind == "staff" and not for_organiser)


@dataclass(frozen=True, slots=True)
class _Command:
    """A command as its signed bytes tell it."""

    stream: str
    act: str
    fields: Mapping[str, Any]


class Gate:
    """The gate of an open installation."""

    def __init__(self, key_file: KeyFile, ledger: PostgresLedger, *, rehearsal: bool) -> None:
        self._key_file, self._ledger, self._accounts = key_file, ledger, Accounts(ledger.pool)
        self._keys = KeyRing(ledger, key_file.installation, ledger.epoch)
        self.rehearsal = rehearsal
        self._organisers: dict[str, str] = {}  # of opened cycles; it never changes

    @property
    def installation(self) -> str:
        """The installation's id."""
        return self._key_file.installation

    def strength_of(self, submitter: Submitter) -> Strength:
        """The strength that the header of the submitter's commands states."""
        return Strength.REHEARSAL if self.rehearsal else submitter.proof

    async def sign(self, submitter: Submitter, items: Sequence[BatchItem]) -> SignedBatch:
        """Check every item, and sign all of them for the submitter.

        Raises:
            GateClosedError, Refused: as `check`.
            OwnKeyError: the key of this process is not accepted.
            InputError: its file cannot be read.
        """
        await self.check(submitter, [_command(item) for item in items])
        signer = await self._signer()
        return signer.sign(
            items,
            actor=submitter.contact.id,
            commitment=submitter.contact.commitment or None,
            unit=submitter.unit,
            issued=datetime.now(UTC),
            strength=self.strength_of(submitter),
            read=await self._ledger.tip(),
            stand_in_for=submitter.absent.id if submitter.absent is not None else None,
        )

    async def _signer(self) -> Signer:
        """Return what signs now: the file may have got a new key, and the ledger may have retired the one in it."""
        own, holder = self._key_file.read(), KeyHolder(self._key_file.kind)
        try:
            await self._keys.check_own(own.key, own.public, KeyRole.ENTRY, holder)
        except OwnKeyError as error:
            if holder is not KeyHolder.WEB:
                raise
            # The operator reads the log; a visitor is not told which command to type.
            log.warning(sentence(error.code, error.facts))
            raise OwnKeyError(error.code.replace("own_", "web_")) from None
        return own.signer(self._ledger.epoch)

    async def check(self, submitter: Submitter, asked: Iterable[Asked], *, trying: bool = False) -> None:
        """Check that the submitter may enter these commands. `trying`: nothing is entered, and no password asked again.

        Raises:
            GateClosedError: the account or the proof does not suffice, or only the upgrade may do it.
            Refused: `not_a_cycle_name`.
        """
        if submitter.proof is Strength.REHEARSAL and not self.rehearsal:
            raise GateClosedError("rehearsal_elsewhere")
        await self.check_person(submitter.contact.id)
        for one in asked:
            if one.act == PutLawInForce.NAME:
                raise GateClosedError("law_by_upgrade")
            binding = await self.binds(one)
            if binding and not trying and not submitter.confirmed and submitter.proof in ASKS_AGAIN:
                raise GateClosedError("password_needed")
            if one.stream == STREAM:
                for_organiser = True
                await self._check_administrator(submitter)
            elif for_organiser := submitter.unit == await self._organiser_of(one.stream):
                await self._check_secretariat(submitter)
            code = weakness(submitter.proof, for_organiser=for_organiser and not self.rehearsal, binding=binding)
            if code is not None:
                raise GateClosedError(code)

    async def check_person(self, person: str) -> None:
        """Check that the person is no auditor: auditors write nothing, at no entry point.

        Raises:
            GateClosedError: `auditors_only_read`.
        """
        account = await self._accounts.get(person)
        if account is not None and account.kind == "auditor":
            raise GateClosedError("auditors_only_read")

    async def readers_of(self, submitter: Submitter, stream: str, state: State) -> frozenset[Reader]:
        """Return the submitter's reader roles for a cycle. At the command line no account is needed."""
        account = await self._accounts.get(submitter.contact.id)
        kind = "secretariat" if account is None else account.kind
        administrator = account is not None and account.administrator
        unit = submitter.unit
        return readers(submitter.contact.id, unit, kind, administrator=administrator, stream=stream, state=state)

    async def binds(self, asked: Asked) -> bool:
        """Whether a command binds or publishes, or takes back what did."""
        if is_binding(asked.act, asked.fields):
            return True
        version = whole_number(str(asked.fields.get("version"))) if asked.act == CorrectAct.NAME else None
        if version is None:
            return False
        row = await self._ledger.row(asked.stream, version)
        signed = await self._ledger.command(row.command_digest) if row is not None and row.command_digest else None
        if signed is None:
            return False
        wrong = CommandPayload.model_validate_json(signed.payload)
        return is_binding(wrong.act, wrong.fields)

    async def _check_secretariat(self, submitter: Submitter) -> None:
        """Check that what the organiser says comes from its secretariat, or from its command line.

        Who stands in for a secretary must belong to the same secretariat: a stand-in gains no right by an absence.

        Raises:
            GateClosedError: `organiser_needs_secretariat`.
        """
        if submitter.proof is Strength.OS_ACCOUNT:
            return
        account = await self._accounts.get(submitter.contact.id)
        kind = None if account is None else account.kind
        if not account_may_write(kind, for_organiser=True) or submitter.contact.unit != submitter.unit:
            raise GateClosedError("organiser_needs_secretariat")

    async def _check_administrator(self, submitter: Submitter) -> None:
        """Check that account administration comes from one who manages accounts, or from the command line.

        A stand-in administers nothing in the name of another. Whose account one may manage is decided by the domain.

        Raises:
            GateClosedError: `not_yours_to_manage`.
        """
        if submitter.proof is Strength.OS_ACCOUNT:
            return
        account = await self._accounts.get(submitter.contact.id)
        manages = account is not None and (account.administrator or account.kind == "secretariat")
        if not manages or submitter.absent is not None:
            raise GateClosedError("not_yours_to_manage")

    async def _organiser_of(self, stream: str) -> str:
        """Return the organiser of a stream: that of the opened cycle, or else the first part of the stream's name.

        Raises:
            Refused: `not_a_cycle_name`.
        """
        if not is_cycle(stream) and not is_year(stream):
            raise Refused("not_a_cycle_name", name=stream[:80])
        if (known := self._organisers.get(stream)) is not None:
            return known
        named = stream.split("/", maxsplit=1)[0]
        first = await self._ledger.row(stream, 1) if is_cycle(stream) else None
        if first is None:
            return named
        try:
            opened = to_envelope(first).event
        except (UnknownEventError, ValueError):  # it was changed: verification tells of it
            return named
        self._organisers[stream] = opened.organiser if isinstance(opened, CycleOpened) else named
        return self._organisers[stream]


def _command(item: BatchItem) -> _Command:
    """What the exact bytes of an item say.

    Raises:
        Refused: `malformed_command`.
    """
    try:
        payload = CommandPayload.model_validate_json(item.payload)
    except ValueError:
        raise Refused("malformed_command") from None
    return _Command(item.stream, payload.act, payload.fields)
