"""The verification of the whole ledger as a background job, for pages and the JSON interface.

It is done by a process of its own, this module run as a program, so that the loop that answers people goes on. It reads
one line of settings, and writes lines of progress and one with the report. It ends when its input does, so it does not
outlive the process that started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter

from application.application import Application
from application.jobs import Jobs
from application.key_ring import KeyRing
from application.log_keys import keys_to_verify_with, log_of_given
from application.verification import marks_of, verify_all
from audit.report import VerificationReport
from errors import AwayError, InputError
from i18n import _
from ledger.checkpoints import given_checkpoints
from ledger.notes import LogIdentity, NoteVerifier
from ledger.postgres import open_ledger
from resources import CHILD_ENVIRONMENT

PROGRESS_S = 0.2
"""Between two lines of progress."""

LINE_BYTES = 10_000_000
CHECKPOINT_CHARS = 20_000
"""The most characters of checkpoints that a person may paste: some sixty of them."""

_REPORT: TypeAdapter[VerificationReport] = TypeAdapter(VerificationReport)


class VerificationRunsError(AwayError):
    """A verification runs that compares the ledger with other checkpoints: this one must wait for it."""

    def __init__(self) -> None:
        super().__init__("verification_runs")


@dataclass(frozen=True, slots=True)
class KeptCheckpoints:
    """Checkpoints that a person has kept, as text, and the key that must have signed them, as a verifier key."""

    text: str = ""
    key: str = ""

    def check(self) -> None:
        """Raise an error unless they can be read.

        Raises:
            NoteError, InputError: as `NoteVerifier.parse` and `given_checkpoints`.
        """
        if len(self.text) > CHECKPOINT_CHARS:
            raise InputError("text_too_long", found=len(self.text), most=CHECKPOINT_CHARS)
        if self.text:
            given_checkpoints(self.text, LogIdentity.of(NoteVerifier.parse(self.key)), _("the text"))


@dataclass(slots=True)
class VerificationJob:
    """A verification under way. `events` is about how many there are; `failed` the name of what stopped it."""

    kept: KeptCheckpoints
    events: int = 0
    part: int = 1
    seen: int = 0
    report: VerificationReport | None = None
    failed: str = ""
    by: str = ""
    """The name of the person who had it verified."""

    ended: datetime | None = None

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.report is None and not self.failed

    @property
    def done(self) -> float:
        """How much of the work is done, from 0 to 1: each part counts as a half."""
        return (self.part - 1 + self.seen / max(self.events, 1)) / 2

    async def run(self, application: Application) -> None:
        """Verify, noting the progress."""
        try:
            await self._follow(application)
        except Exception as error:  # noqa: BLE001 - whatever stops it is shown on the page
            self.failed = type(error).__name__
        if self.runs:
            self.failed = "ended"

    async def _follow(self, application: Application) -> None:
        settings = {
            "url": application.ledger.url,
            "installation": application.gate.installation,
            "text": self.kept.text,
            "key": self.kept.key,
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-s",
            "-m",
            "application.verification_job",
            env=CHILD_ENVIRONMENT,
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
        )
        if child.stdin is None or child.stdout is None:
            return
        try:
            child.stdin.write(json.dumps(settings).encode() + b"\n")
            while line := await child.stdout.readline():
                said = json.loads(line)
                if "report" in said:
                    self.report = _REPORT.validate_python(said["report"])
                    self.ended = datetime.now(UTC)
                else:
                    self.part, self.seen, self.events = said["part"], said["seen"], said["events"]
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()


async def start_verification(
    application: Application, jobs: Jobs, kept: KeptCheckpoints | None = None, *, by: str = ""
) -> str:
    """Begin to verify the ledger, or join the verification that runs; returns the job's id.

    Raises:
        VerificationRunsError: one runs that compares with other checkpoints.
        NoteError, InputError: what was given is no checkpoint, or no key.
    """
    kept = kept or KeptCheckpoints()
    kept.check()
    for id_, job in jobs.of_kind(VerificationJob):
        if job.runs:
            if kept.text and job.kept != kept:
                raise VerificationRunsError
            return id_
    job = VerificationJob(kept, by=by, events=await application.ledger.last_position())
    return jobs.start(job, job.run(application))


# The process ------------------------------------------------------------------------------


async def _work(settings: dict[str, str]) -> None:
    said_at, loop = 0.0, asyncio.get_running_loop()

    def progress(part: int, seen: int, events: int) -> None:
        nonlocal said_at
        if loop.time() - said_at >= PROGRESS_S:
            said_at = loop.time()
            _say({"part": part, "seen": seen, "events": events})

    ledger = await open_ledger(settings["url"], settings["installation"], writing=False)
    kept = []
    log = None
    if settings["text"]:
        keys = KeyRing(ledger, settings["installation"], ledger.epoch)
        log = log_of_given(await keys_to_verify_with(keys), NoteVerifier.parse(settings["key"]))
        kept = given_checkpoints(settings["text"], log)
    report = await verify_all(
        ledger, settings["installation"], marks=await marks_of(ledger, log, kept=kept), progress=progress
    )
    _say({"report": _REPORT.dump_python(report, mode="json")})
    await ledger.close()


def _say(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Verify as the first line of the input says."""
    os.nice(5)
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    asyncio.run(_work(settings))


if __name__ == "__main__":
    main()
