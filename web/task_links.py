"""From what is owed to the page on which it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from application.task_links import ACTS
from domain.rules import Duty


def task_link(cycle: str, owed: Mapping[str, Any]) -> str:
    """Where an open duty of a board's line is done."""
    duty = Duty(owed["duty"])
    if duty is Duty.FINAL_MEETING:
        return f"/cum/{cycle}/hoi-nghi?kind=final"
    act, fields = ACTS[duty]
    given = {"bearer": owed["unit"], "subject": owed.get("subject") or ""}
    return f"/cum/{cycle}/lam/{act}?{urlencode({name: given[which] for name, which in fields.items()})}"


def extension_link(cycle: str, owed: Mapping[str, Any]) -> str:
    """Where more time is asked for."""
    return f"/cum/{cycle}/lam/ask-extension?{urlencode({'unit': owed['unit'], 'duty': owed['duty']})}"
