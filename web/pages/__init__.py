"""The pages, a module for each thing that people do. No page imports another: what they share lies beside or below."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import (
    account_log,
    acting,
    audit,
    board,
    chain,
    charts,
    cluster,
    codes,
    condition,
    cycle,
    edition_adopting,
    edition_criteria,
    edition_trial,
    editions,
    entrance,
    files,
    home,
    inviting,
    late,
    links,
    me,
    meeting,
    papers,
    people,
    person,
    receipts,
    rehearsal,
    reports,
    samples,
    score_files,
    score_grid,
    search,
    whole_texts,
    year,
)

MODULES = (
    home,
    entrance,
    rehearsal,
    samples,
    codes,
    links,
    acting,
    receipts,
    meeting,
    board,
    late,
    year,
    edition_criteria,
    edition_trial,
    edition_adopting,
    editions,
    cluster,
    cycle,
    score_files,
    charts,
    score_grid,
    papers,
    reports,
    whole_texts,
    audit,
    chain,
    account_log,
    condition,
    inviting,
    people,
    person,
    me,
    search,
    files,
)


def routers() -> tuple[APIRouter, ...]:
    """All routes of pages."""
    return tuple(module.router for module in MODULES)
