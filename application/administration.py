"""Administration of accounts for pages and command line: recorded in the ledger, then carried out in the tables."""

from __future__ import annotations

from uuid import uuid4

from accounts.following import follow
from application.application import Application
from application.engine import EngineClient, RefusedError
from application.gate import Submitter
from domain.administration import INSTALLATION
from domain.commands import CommandPayload
from domain.installation import STREAM
from domain.records import AlreadyRecorded, Command, Refused
from domain.rules import NO_RULES
from ledger.events import Draft, StreamTip
from ledger.mapping import authenticate, to_draft, to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Appended, Part, load_all
from ledger.receipts import CommandOutcome, Receipt
from ledger.signing import BatchItem, Header, SignedBatch

ATTEMPTS = 5
"""How often a command is decided when other writers append first, before it is refused as `too_busy`."""


class Administration:
    """What entry points administer accounts with. Without `client`, the application's workflow engine decides.

    The event is the record, and the tables follow it. A process that dies between the two leaves nothing undone: the
    worker, or the next administrator, lets the tables follow.
    """

    def __init__(self, application: Application, client: EngineClient | None = None) -> None:
        self._application, self._own_client = application, client

    async def record(self, submitter: Submitter, *commands: Command) -> None:
        """Sign commands for the submitter as one batch, record their events, and let the tables follow.

        Raises:
            GateClosedError, RefusedError, PendingError, UnreachableError
        """
        items = [BatchItem(STREAM, uuid4(), CommandPayload.of(one).model_dump_json()) for one in commands]
        application = self._application
        client = self._own_client or application.client
        if client is None:
            raise RuntimeError("this application only reads")
        await application.answers.submit(client, STREAM, await application.gate.sign(submitter, items))
        await follow(application.ledger.pool, application.ledger)


class DirectEngine:
    """Decides commands of the installation's stream itself and appends them: for the command line (`EngineClient`).

    The first administrator must be made, and a lost login reset, where no workflow engine answers. The decision and the
    append are those of the workflow; which of the two comes second finds the ledger ahead, and decides again.
    """

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        """See `EngineClient`.

        Raises:
            RefusedError
        """
        header = Header.parse(batch.header)
        for _ in range(ATTEMPTS):
            rows = await load_all(self._ledger, stream)
            state, tip = INSTALLATION.fold(map(to_envelope, rows)), rows[-1].tip if rows else StreamTip()
            drafts: list[Draft] = []
            outcomes: list[CommandOutcome] = []
            commands = []
            for index, item in enumerate(batch.items):
                signed = batch.command(item, header.unit)
                try:
                    envelopes = INSTALLATION.decide(
                        authenticate(item, header), state, NO_RULES, tip.version + len(drafts)
                    )
                except AlreadyRecorded as earlier:
                    outcomes.append(CommandOutcome(item.command_id, [earlier.version], known=True))
                    continue
                except Refused as error:
                    raise RefusedError(error.code, error.facts, index) from None
                state = INSTALLATION.fold(envelopes, state)
                drafts += [to_draft(envelope, signed.digest) for envelope in envelopes]
                commands.append((item.command_id, signed))
                outcomes.append(CommandOutcome(item.command_id, [envelope.meta.version for envelope in envelopes]))
            if not drafts:
                return Receipt(outcomes)
            request = Append((Part(stream, tip, tuple(drafts)),), tuple(commands), header.expires, header.read)
            if isinstance(await self._ledger.append(request), Appended):
                return Receipt(outcomes)
        raise RefusedError("too_busy", {})
