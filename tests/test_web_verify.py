"""The page that verifies the ledger: a job outside the web's loop, which a second request joins."""

from __future__ import annotations

import asyncio
from typing import Any

from conftest import eventually
from engine_help import open_cycle, submit, units
from speech import RULES
from web_help import Site

from application.jobs import Jobs
from application.verification_job import KeptCheckpoints, VerificationJob, start_verification
from ledger.checkpoints import CheckpointFile, CheckpointLog
from ledger.notes import SignedCheckpoint
from local.log_key import LOG_KEY_FILE, log_key


async def checkpoint(site: Site) -> tuple[SignedCheckpoint, str]:
    """A checkpoint of the ledger as it is, and the key that signed it."""
    signer = log_key(site.app.paths.data / LOG_KEY_FILE)
    file = CheckpointFile(site.app.paths.data / "checkpoints.jsonl")
    made = await CheckpointLog(site.app.ledger.pool, file, signer).advance()
    assert made.signed is not None
    return made.signed, str(signer.verifier)


async def verified(site: Site, auditor: Any, **fields: str) -> str:
    """Begin a verification and return the page with its result."""
    await auditor.get("/kiem-tra")
    await auditor.post("/kiem-tra", **fields)
    assert auditor.status == 200, auditor.page

    async def ended() -> bool:
        await auditor.get(auditor.at)
        return "hx-get" not in auditor.page

    await eventually(ended)
    return str(auditor.page)


async def test_the_page_says_what_it_compared_with(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    await site.person("kiem-tra", "thanh-tra", "auditor")
    auditor = await site.log_in("kiem-tra")
    page = await verified(site, auditor)
    assert "Mọi thứ trong sổ khớp với nhau" in page
    assert "Chưa đối chiếu với mốc kiểm tra nào." in page
    assert "Không ai sửa gì" not in page
    signed, key = await checkpoint(site)
    page = await verified(site, auditor, checkpoint=signed.note, key=key)
    assert "Không ai sửa gì" in page
    assert "Sổ khớp với 1 mốc kiểm tra được giữ ở nơi khác" in page
    # What is pasted wrongly is said on the form, which keeps what was typed.
    for field, wrong in (("key", "x"), ("checkpoint", signed.note[:40])):
        await auditor.get("/kiem-tra")
        await auditor.post("/kiem-tra", **{"checkpoint": signed.note, "key": key, field: wrong})
        assert auditor.status == 422
        assert wrong.splitlines()[0] in auditor.page
    await auditor.get("/kiem-tra/none")
    assert auditor.status == 404


async def test_a_second_request_joins_the_first(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))
    application, jobs = site.services.application, site.services.jobs
    signed, key = await checkpoint(site)
    first = await start_verification(application, jobs)
    assert await start_verification(application, jobs) == first
    job = await _ended(jobs, first)
    assert job.report is not None
    assert (job.failed, job.report.problems, job.report.events >= 3) == ("", [], True)
    again = await start_verification(application, jobs, KeptCheckpoints(signed.note, key))
    assert again != first
    found = (await _ended(jobs, again)).report
    assert found is not None
    assert found.proven == signed.checkpoint.size == found.events


async def _ended(jobs: Jobs, id_: str) -> VerificationJob:
    """The job when it has ended."""

    async def ended() -> bool:
        return not jobs.get(id_, VerificationJob).runs

    await eventually(ended)
    return jobs.get(id_, VerificationJob)


async def test_a_page_tells_of_one_moment_of_a_job() -> None:
    """A page is made in a thread while the job goes on: half of it would tell of an earlier moment."""
    jobs, later = Jobs(), asyncio.Event()
    job = VerificationJob(KeptCheckpoints())

    async def work() -> None:
        await later.wait()
        job.failed = "ended"

    id_ = jobs.start(job, work())
    found, (_id, listed) = jobs.get(id_, VerificationJob), jobs.of_kind(VerificationJob)[0]
    later.set()
    await _ended(jobs, id_)
    assert (found.failed, listed.failed) == ("", "")


async def test_a_verification_whose_process_ends_says_so(site: Site) -> None:
    application, jobs = site.services.application, site.services.jobs
    application.ledger.url = application.ledger.url.replace("thidua_web", "nobody")
    job = await _ended(jobs, await start_verification(application, jobs))
    assert (job.report, job.failed) == (None, "ended")
