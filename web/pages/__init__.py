"""The pages, a module for each thing that people do. No page imports another: what they share lies beside or below."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import (
    account_log,
    acting,
    audit,
    board,
    chain,
    codes,
    cycle,
    entrance,
    files,
    home,
    inviting,
    links,
    me,
    meeting,
    minutes_acts,
    people,
    receipts,
    rehearsal,
    search,
    year,
)

MODULES = (
    home,
    entrance,
    rehearsal,
    codes,
    links,
    acting,
    receipts,
    meeting,
    minutes_acts,
    board,
    year,
    cycle,
    audit,
    chain,
    account_log,
    inviting,
    people,
    me,
    search,
    files,
)


def routers() -> tuple[APIRouter, ...]:
    """All routes of pages."""
    return tuple(module.router for module in MODULES)
