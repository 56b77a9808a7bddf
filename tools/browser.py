"""How Chromium is started for tests and tools: it asks for nothing outside this machine."""

from __future__ import annotations

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
