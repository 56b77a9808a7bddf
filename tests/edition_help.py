"""An organiser's rules on the pages: bringing them in, reading and sending their forms; an edition that says it all."""

from __future__ import annotations

import html
import re
from typing import Any

from conftest import eventually
from engine_help import CITY
from web_help import Site, Visitor

from web import urls


async def secretary(site: Site, person: str = "thu-ky") -> Visitor:
    await site.person(person, CITY, "secretariat")
    visitor = await site.log_in(person)
    await visitor.get(urls.EDITIONS)
    assert visitor.status == 200
    return visitor


async def reached(site: Site) -> None:
    """Wait until the board holds what was entered."""
    position = await site.app.ledger.last_position()

    async def there() -> bool:
        return await site.services.board.wait_until_reached(position)

    await eventually(there)


def key_of(visitor: Visitor) -> str:
    """The key of the edition whose page was read last."""
    return visitor.at.removeprefix(urls.EDITIONS + "/").partition("/")[0]


async def upload(visitor: Visitor, path: str, name: str, body: bytes, **fields: str) -> str:
    data = {**visitor.hidden_in(path), **fields}
    return visitor._keep(await visitor.http.post(path, data=data, files={"file": (name, body)}))


async def brought_in(visitor: Visitor, text: str) -> str:
    """The key of a draft that was made of a file."""
    await visitor.get(urls.EDITIONS)
    await upload(visitor, urls.EDITIONS, "quy-dinh.yaml", text.encode(), _do="file")
    assert visitor.status == 200
    return key_of(visitor)


async def file_of(visitor: Visitor, key: str) -> str:
    answer = await visitor.http.get(urls.edition_file_url(key))
    assert "attachment" in answer.headers["content-disposition"]
    return answer.text


def form_fields(page: str, action: str) -> dict[str, str]:
    """What a browser would send of the form of an address: hidden and typed fields, as they stand."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form is not None
    body = form.group()
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", body):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name is None or ('type="checkbox"' in tag and " checked" not in tag) or 'type="file"' in tag:
            continue
        found[name.group(1)] = html.unescape(value.group(1)) if value else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', body, re.DOTALL):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = html.unescape(chosen.group(1)) if chosen else ""
    return {name: value for name, value in found.items() if "__" not in name}  # a blank row for the script


def shown_pairs(page: str) -> list[tuple[str, str]]:
    """The hidden fields of the page that shows what would be recorded."""
    found = re.findall(r'name="(\w+)" value="([^"]*)"', page)
    return [(name, html.unescape(value)) for name, value in found if name not in {"_step", "_password"}]


async def posted(visitor: Visitor, address: str, data: dict[str, Any]) -> None:
    """Send a form in which a field has several values."""
    visitor._keep(await visitor.http.post(address, data=data))


async def send(visitor: Visitor, address: str, pairs: list[tuple[str, str]], **more: str) -> None:
    """Press the last button."""
    data: dict[str, Any] = {"_step": "send"}
    for name, value in [*pairs, *more.items()]:
        data.setdefault(name, []).append(value)
    await posted(visitor, address, data)


FULL = """
id: thu
title: Quy định thử
number: 9/QĐ
issued: 2026-01-05
issuer: Ban Thường trực
valid_from: 2026-01-01
valid_until: 2026-12-31
replaces: [Quy định cũ]
sources: [Công văn]
papers:
- {part: criteria, document: {title: Hướng dẫn, number: 9/HD, issued: 2026-01-05}}
required_drafts: [plan, criteria]
covenants: [covenant, term-covenant]
covenant_years: {first: 2026, last: 2030}
answer_correction_days: 5
answer_correction_in: working-days
inherits: [signature, duties]
deadlines:
- duty: draft
  due: {month: 2, day: 15}
  if_day_off: next
  article: Điều 1
- duty: self-score
  due: {counted_from: last-day, days: -10}
  figures_until: {month: 11, day: 30}
  article: Điều 2
  remind_days_before: [7, 3]
  escalate_days_after: 2
  close_days_after: 30
- duty: decision
  due: {year: 1, month: 1, day: 31}
  article: Điều 3
criteria:
- id: a
  number: I
  title: Nhóm một
  max: 60
  take: sum
  least_share: '0.5'
  children:
  - id: a1
    number: '1'
    title: Bậc
    max: 20
    way: {way: steps, of: percent, steps: [{at_least: 80, points: 20}, {at_least: 50, points: 10}]}
  - id: a2
    title: Mức
    max: 20
    way:
      way: bands
      bands: [{low: 0, high: 5, points: 20}, {low: 5, above: true, change: -10}]
      value_rounding: {places: 1}
  - {id: a3, title: Tỷ lệ, max: 10, way: {way: linear, ceiling: none}}
  - id: a4
    title: Điều kiện
    max: 10
    way: {way: all-or-nothing, conditions: [{id: x, title: Đủ hồ sơ}, {id: y, title: Đúng hạn}]}
- id: b
  title: Tay
  max: 40
  kinds: [mien-nui]
  exempt_kinds: [hai-dao]
  exempt_gives: maximum
  rounding: {step: '0.5'}
  way: {way: hand, step: '0.25', least: 5}
  source: Mục 2
  contents: 3
  conditions: 4
- {id: c, title: Thưởng, part: bonus, max: 10, way: {way: relative, at_target: '0.6', tolerance: '0.01'}}
- {id: d, title: Trừ, part: penalty, max: 5, way: {way: count, each: -1}}
total: 110
scoring:
  stated_base: 100
  rounding: {places: 1}
  total_rounding: {places: 0, mode: half-even}
  bonus_cap: 10
  penalty_least: 5
  pass_marks: [{least: 50, kinds: [mien-nui]}, {least: 60}]
  tie_tolerance: '0.01'
  ties_by: [a1, b]
  classes_of: percent
  classes:
  - {id: tot, title: Tốt, least: 80, passed: true}
  - {id: kha, title: Khá, least: 50, under: 80}
  - {id: dau, title: Dẫn đầu, share: 1/3, share_of: left, share_rounding: up, from_top: true}
  facts: [{id: ky-luat, title: Có kỷ luật}]
  class_conditions:
  - {classes: [tot], each_share: '0.5'}
  - {fact: ky-luat, holds: false, otherwise: none}
rounds:
- {id: self, title: Tự chấm, by: own}
- {id: to, title: Tổ chấm, by: team, criteria: [a1, b], article: Mục 3}
cross_checks: next-in-list
awards:
- {id: co, title: Cờ, quota: 1, kinds: [mien-nui]}
- {id: bk, title: Bằng khen, share: '0.5', share_rounding: half-up, article: Điều 7}
votes:
- subject: co
  method: secret-ballot
  threshold: '0.5'
  strict: false
  base: valid
  quorum: 2/3
  least_members: 3
  article: Điều 9
- {subject: head, method: consensus, threshold: '0.5', base: present, article: Điều 4}
calendar:
  weekend: [7]
  days_off: [{first: 2026-02-14, last: 2026-02-22, title: Tết}]
  worked: [2026-03-01]
period: {first: {month: 2, day: 1}, last: {year: 1, month: 1, day: 31}}
articles: {head_known: Điều 5, all_units_sign: Điều 6}
"""
"""An edition in which every part says something."""
