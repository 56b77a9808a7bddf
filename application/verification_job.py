"""The verification of the whole ledger as a background job, for pages and the JSON interface."""

from __future__ import annotations

from dataclasses import dataclass, field

from application.application import Application
from application.jobs import Jobs
from application.verification import verify_all
from audit.verify import VerificationReport


@dataclass(slots=True)
class VerificationJob:
    """A verification under way. `events` is how many there were when it began; `failed` the name of what stopped it."""

    events: int
    seen: int = 0
    report: VerificationReport | None = None
    failed: str = ""
    beside: list[dict[str, str]] = field(default_factory=list)
    """What lies beside the ledger and does not fit it: code and detail."""

    async def run(self, application: Application) -> None:
        """Verify, noting the progress."""

        def progress(seen: int) -> None:
            self.seen = seen

        try:
            self.report, self.beside = await verify_all(application, progress=progress)
        except Exception as error:  # noqa: BLE001 - whatever stops it is shown on the page
            self.failed = type(error).__name__


async def start_verification(application: Application, jobs: Jobs) -> str:
    """Begin to verify the ledger; returns the job's id."""
    job = VerificationJob(await application.ledger.last_position())
    return jobs.start(job, job.run(application))
