"""Settings of the web process, from its environment."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from application.logs import log_format
from application.metrics import HOST as METRICS_HOST
from application.traces import check_traces
from domain.numbers import whole_number
from errors import InputError
from local.certificates import ClientTls
from local.private_files import secret_of
from mail.settings import MailSettings

_LOCAL_HOST = "127.0.0.1"
_PORT = "8320"
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the process listens, and what it connects to. `address` is that of the site, for mail and calendars."""

    database_url: str
    temporal: str
    namespace: str
    key_file: Path
    mail: MailSettings
    host: str = "127.0.0.1"
    port: int = 8320
    address: str = "http://127.0.0.1:8320"
    metrics_port: int | None = None
    account_key_file: Path = Path("account-key.json")
    """Of the key that secrets of one-time codes are encrypted under."""
    proxies: str = _LOCAL_HOST
    """Addresses and networks of proxies that are trusted to name the client of a request."""
    tls: ClientTls | None = None
    """What the process shows to Temporal; it is enough for rehearsals to show nothing."""
    roles_file: Path | None = None
    """Whom a visitor may choose to be without a password (`web.rehearsal_roles`). Only rehearsals may have one."""

    @property
    def behind_tls(self) -> bool:
        """Whether browsers reach the site over TLS."""
        return self.address.startswith("https://")

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings of an environment; end the process with a message where one is missing.

        Raises:
            InputError: `setting_bad_...`: a value cannot be used; as `secret_of`.
        """
        check_settings(env)
        host, port = _listens_at(env)
        metrics = env.get("THIDUA_WEB_METRICS")
        return cls(
            database_url=secret_of(env, "THIDUA_WEB_DATABASE_URL") or _setting(env, "THIDUA_WEB_DATABASE_URL"),
            temporal=_setting(env, "THIDUA_TEMPORAL_ADDRESS"),
            namespace=_setting(env, "THIDUA_NAMESPACE"),
            key_file=Path(_setting(env, "THIDUA_WEB_KEY_FILE")),
            mail=MailSettings.of(env),
            host=host,
            port=port,
            address=site_address(env),
            metrics_port=int(metrics) if metrics else None,
            account_key_file=Path(_setting(env, "THIDUA_ACCOUNT_KEY_FILE")),
            proxies=env.get("THIDUA_WEB_PROXIES") or _LOCAL_HOST,
            tls=ClientTls.of(env),
            roles_file=Path(roles) if (roles := env.get("THIDUA_WEB_ROLES_FILE")) else None,
        )


def _listens_at(env: Mapping[str, str]) -> tuple[str, int]:
    return env.get("THIDUA_WEB_HOST") or _LOCAL_HOST, int(env.get("THIDUA_WEB_PORT") or _PORT)


def site_address(env: Mapping[str, str]) -> str:
    """The address of the site, for links in mail: the one that is set, or the one that the pages are served on."""
    return (env.get("THIDUA_WEB_ADDRESS") or default_address(*_listens_at(env))).rstrip("/")


def default_address(host: str, port: int) -> str:
    """The address of the site where none is set: that of `host`, or of loopback where every address is listened on."""
    listens_everywhere = host != "localhost" and ip_address(host).is_unspecified
    shown = _LOCAL_HOST if listens_everywhere else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def check_settings(env: Mapping[str, str]) -> None:
    """Check the values that an operator sets, before anything is started.

    Raises:
        InputError: `setting_bad_...`: a value cannot be used.
    """
    for name in ("THIDUA_WEB_PORT", "THIDUA_WEB_METRICS", "THIDUA_METRICS", "THIDUA_SMTP_PORT"):
        found = env.get(name, "")
        if found and not 0 < (whole_number(found) or 0) <= _LAST_PORT:
            raise InputError("setting_bad_port", setting=name, found=found[:80])
    if (host := env.get("THIDUA_WEB_HOST", "")) and host != "localhost" and not _is_address(host):
        raise InputError("setting_bad_host", setting="THIDUA_WEB_HOST", found=host[:80])
    # A name, too: in compose that of this container in the network of Prometheus.
    if (host := env.get(METRICS_HOST, "")) and not _is_address(host) and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", host):
        raise InputError("setting_bad_host", setting=METRICS_HOST, found=host[:80])
    log_format(env)
    check_traces(env)
    if (address := env.get("THIDUA_WEB_ADDRESS", "")) and not _is_site(address):
        raise InputError("setting_bad_address", found=address[:80])
    for proxy in filter(None, env.get("THIDUA_WEB_PROXIES", "").split(",")):
        # uvicorn takes a name, or a network with bits outside its mask, for a socket's name that never comes.
        if not _is_network(proxy.strip()):
            raise InputError("setting_bad_proxies", found=proxy.strip()[:80])


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_site(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain and port != 0 and text.isascii()


def _setting(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        sys.exit(f"web: {name} is not set")
    return value
