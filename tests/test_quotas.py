"""Quotas: what is too much is refused with its number and what to do, and nothing typed is lost."""

from __future__ import annotations

import pytest
from engine_help import open_cycle, units
from speech import RULES
from test_web_api import bearer
from web_help import Site, Visitor

from errors import QuotaError
from web import quotas, urls
from web.request_rate import RequestRate

PDF = b"%PDF-1.7 "


@pytest.fixture
async def stream(site: Site) -> str:
    return await open_cycle(site.app, RULES, members=units(2))


async def officer(site: Site) -> Visitor:
    await site.person("an", "don-vi-1")
    return await site.log_in("an")


async def test_drafts_of_a_person_are_bounded_and_the_text_stays_in_the_form(site: Site, stream: str) -> None:
    visitor = await officer(site)
    site.services.drafts._most = 2
    path, typed = urls.act_url(stream, "comment"), "Một ý kiến dài"
    for number in (1, 2):
        await visitor.get(f"{path}?on=plan&answers={number}")
        await visitor.post(f"{path}?on=plan&answers={number}", text="Ý kiến", _step="save")
        assert visitor.status == 200
    await visitor.get(path)
    for step in ("save", "look"):
        await visitor.post(path, **{"by.unit": "don-vi-1", "text": typed, "_step": step})
        assert (visitor.status, "2 bản nháp" in visitor.page, typed in visitor.page) == (413, True, True)
    # A draft that is there is saved again, and an act is sent without one.
    await visitor.post(f"{path}?on=plan&answers=1", text="Ý kiến khác", _step="save")
    assert visitor.status == 200
    await visitor.get(path)
    await visitor.post(path, **{**visitor.hidden(), "by.unit": "don-vi-1", "text": typed, "_step": "send"})
    assert (visitor.status, "/bien-nhan/" in visitor.at) == (200, True)


async def test_characters_of_all_drafts_are_bounded(site: Site) -> None:
    await site.person("an", "don-vi-1")
    drafts = site.services.drafts
    drafts._characters = 1_000
    await drafts.save("an", "/mot", {"text": "x" * 600})
    with pytest.raises(QuotaError, match="drafts_full"):
        await drafts.save("an", "/hai", {"text": "x" * 600})
    await drafts.save("an", "/mot", {"text": "x" * 900})  # in its own place
    await drafts.drop("an", "/mot")
    await drafts.save("an", "/hai", {"text": "x" * 600})


async def test_minutes_that_a_person_begins_are_bounded(
    site: Site, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.person("thu-ky", "mttq-hanoi", "secretariat")
    visitor = await site.log_in("thu-ky")
    monkeypatch.setattr(quotas, "MINUTES", 1)
    monkeypatch.setattr(quotas, "ACTS_IN_MINUTES", 1)
    path = urls.meetings_url(stream)
    for id_, status in (("mot", 200), ("hai", 413), ("mot", 200)):
        await visitor.get(path)
        await visitor.post(path, id=id_, kind="final", _on="01/01/2026", name="Hội trường tầng hai", _sure="yes")
        assert visitor.status == status, visitor.page
        assert status == 200 or "Hội trường tầng hai" in visitor.page
    act = urls.minutes_url(stream, "mot", part="comments")
    for status in (200, 413):
        await visitor.get(act)
        typed = {"_cell": "stance.don-vi-1 x", "stance.don-vi-1": "agreed"}
        await visitor.post(act, _add="acts.comment", **typed)
        assert (visitor.status, 'value="agreed" selected' in visitor.page) == (status, True)


async def test_files_are_bounded_by_act_and_by_day(site: Site, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = await officer(site)
    await visitor.get(urls.FILES)
    token = visitor.page.split('name="_form" value="', 1)[1].split('"', 1)[0]
    site.services.files._bytes_a_day = 100
    sizes = ((60, 200), (60, 429), (20, 200))
    for number, (size, status) in enumerate(sizes):
        sent = {"file": (f"{number}.pdf", PDF + bytes([number]) * (size - len(PDF)))}
        answer = await visitor.http.post(urls.FILES, data={"_form": token}, files=sent)
        assert answer.status_code == status
    monkeypatch.setattr(quotas, "FILES_PER_ACT", 2)
    path, fields = (
        urls.act_url(stream, "comment"),
        {"_form": token, "by.unit": "don-vi-1", "text": "Ý kiến", "_step": "look"},
    )
    three = [(f"_file.text.{n}", (f"{n}.pdf", PDF)) for n in range(3)]
    answer = await visitor.http.post(path, data=fields, files=three)
    assert (answer.status_code, "Ý kiến" in answer.text, "nhiều nhất 2 tệp" in answer.text) == (413, True, True)


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    rate = RequestRate(person=(2, 5), address=(1, 3), now=lambda: now[0])
    rate.learn("cookie", "an")
    for _ in range(5):
        rate.take("cookie", "10.0.0.1")
    with pytest.raises(QuotaError) as refused:
        rate.take("cookie", "10.0.0.1")
    assert (refused.value.http_status, refused.value.retry_after) == (429, 1)
    now[0] += 1
    rate.take("cookie", "10.0.0.1")
    for invented in ("a", "b", "c"):  # cookies that prove nobody share the bucket of their address
        rate.take(invented, "10.0.0.1")
    with pytest.raises(QuotaError):
        rate.take("d", "10.0.0.1")
    rate.take("d", "10.0.0.2")


async def test_too_many_requests_are_told_and_what_was_typed_stays(site: Site, stream: str) -> None:
    visitor = await officer(site)
    path, headers = urls.act_url(stream, "comment"), await bearer(site, "an", "read")
    await visitor.get(path)
    site.services.rate = RequestRate(person=(0.000_1, 3), address=(0.000_1, 100))
    statuses = []
    for _ in range(6):
        await visitor.post(path, **{"by.unit": "don-vi-1", "text": "Ý kiến", "_step": "save"})
        statuses.append(visitor.status)
    assert statuses == [200, 200, 200, 200, 429, 429], "the first proves whose cookie it is"
    assert "Ý kiến" in visitor.page
    answer = await visitor.http.post(path, data={"text": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    for _ in range(2):
        answer = await visitor.http.get("/api/v1/me", headers=headers)
    assert (answer.status_code, set(answer.json())) == (429, {"code", "text", "place"})
    for free in ("/healthz", "/static/site.css"):
        assert (await visitor.http.get(free)).status_code in {200, 404}


async def test_a_request_that_is_too_large_says_how_much_is_taken(site: Site, stream: str) -> None:
    visitor = await officer(site)
    headers = {**await bearer(site, "an", "act"), "Content-Type": "application/json"}
    for body in (b" " * (quotas.API_BYTES + 1), b"[" + b"[]," * quotas.API_PARTS + b"[]]"):
        answer = await visitor.http.post(f"/api/v1/cycles/{stream}/acts/try", content=body, headers=headers)
        assert (answer.status_code, set(answer.json())) == (413, {"code", "text", "place"}), answer.text
    path = urls.act_url(stream, "comment")
    await visitor.get(path)
    many = {f"f{n}": "" for n in range(quotas.FORM_FIELDS + 1)}
    for fields in (many, {"text": "ế" * 300_000}):
        await visitor.post(path, **fields)
        assert (visitor.status, "10000 ô" in visitor.page) == (413, True), visitor.page


async def test_a_text_of_the_greatest_length_is_sent_from_its_summary(site: Site, stream: str) -> None:
    """The summary carries it in a form whose fields take nine characters for a letter such as ế."""
    visitor = await officer(site)
    path = urls.act_url(stream, "comment")
    await visitor.get(path)
    fields = {**visitor.hidden(), "by.unit": "don-vi-1", "text": "ế" * 200_000}
    await visitor.post(path, **{**fields, "_step": "send"})
    assert (visitor.status, "/bien-nhan/" in visitor.at) == (200, True), visitor.page[:3_000]
