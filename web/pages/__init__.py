"""The pages, a module for each thing that people do."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import acting, audit, board, chain, cycle, entrance, files, home, meeting, people, receipts, search, year

MODULES = (home, entrance, acting, receipts, meeting, board, year, cycle, audit, chain, people, search, files)


def routers() -> tuple[APIRouter, ...]:
    """All routes of pages."""
    return tuple(module.router for module in MODULES)
