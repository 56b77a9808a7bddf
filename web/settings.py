"""Settings of the web process, from its environment."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from mail.smtp import SmtpSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the process listens, and what it connects to. `address` is that of the site, for mail and calendars."""

    database_url: str
    temporal: str
    namespace: str
    key_file: Path
    outbox: Path | None
    smtp: SmtpSettings | None
    sender: str
    host: str = "127.0.0.1"
    port: int = 8320
    address: str = "http://127.0.0.1:8320"
    metrics_port: int | None = None
    secure_cookies: bool = False
    account_key_file: Path = Path("account-key.json")
    """Of the key that secrets of one-time codes are encrypted under."""
    proxies: str = "127.0.0.1"
    """Addresses of proxies that are trusted to name the client of a request."""

    @classmethod
    def of_environment(cls) -> Settings:
        """Read the settings; end the process with a message where one is missing."""
        port = int(os.environ.get("THIDUA_WEB_PORT", "8320"))
        address = os.environ.get("THIDUA_WEB_ADDRESS", f"http://127.0.0.1:{port}").rstrip("/")
        metrics = os.environ.get("THIDUA_WEB_METRICS")
        outbox = os.environ.get("THIDUA_OUTBOX")
        return cls(
            database_url=_setting("THIDUA_WEB_DATABASE_URL"),
            temporal=_setting("THIDUA_TEMPORAL_ADDRESS"),
            namespace=_setting("THIDUA_NAMESPACE"),
            key_file=Path(_setting("THIDUA_WEB_KEY_FILE")),
            outbox=Path(outbox) if outbox else None,
            smtp=SmtpSettings.of(os.environ),
            sender=os.environ.get("THIDUA_SENDER", "so-thi-dua@localhost"),
            host=os.environ.get("THIDUA_WEB_HOST", "127.0.0.1"),
            port=port,
            address=address,
            metrics_port=int(metrics) if metrics else None,
            account_key_file=Path(_setting("THIDUA_ACCOUNT_KEY_FILE")),
            secure_cookies=address.startswith("https://"),
            proxies=os.environ.get("THIDUA_WEB_PROXIES", "127.0.0.1"),
        )


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"web: {name} is not set")
    return value
