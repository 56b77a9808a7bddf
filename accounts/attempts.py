"""Failed attempts on PostgreSQL, and the sources from which a person has logged in before.

A source is a device (a secret in a cookie that lasts longer than the login) and a network (an IPv4 address, or the /64
of an IPv6 address, because a single customer has a whole /64). Attempts from a known device are counted apart, so that
failures of others do not slow it down (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from accounts.secrets import secret_digest
from ledger.connection import Pool

KNOWN_FOR = timedelta(days=180)
"""A source is known for so long after the last login from it."""

KEPT_FOR = timedelta(days=1)
"""Failed attempts are deleted after this; no limit looks further back."""


class Guess(StrEnum):
    """What is guessed. Each kind is counted apart."""

    PASSWORD = "password"  # noqa: S105
    CODE = "code"
    """One-time codes and recovery codes, after the right password."""
    SECRET = "secret"  # noqa: S105
    """Secrets of addresses and tokens: invitations, new passwords, calendars, the JSON interface."""
    FORGOTTEN = "forgotten"
    """Requests for a new password by mail. All of them count, also those that name no account."""
    MAIL = "mail"
    """Mails for a new password that were sent."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an attempt comes from. `device` is the secret of the device's cookie, "" without one."""

    network: str
    device: str = ""


def network_of(host: str) -> str:
    """Return the network that a host's attempts are counted under; a host without an IP address is its own network."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:80]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts that count against the next one: how many, and the seconds since the last one."""

    count: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Lane:
    """Attempts that are counted together, and made one at a time.

    Empty values mean any: `Lane(PASSWORD, network="192.0.2.1")` are those from a network to all accounts. Lanes without
    `device` leave out attempts from known devices; codes alone are counted together from wherever they come, because
    a guesser of codes knows the password and can have many devices.
    """

    guess: Guess
    person: str = ""
    network: str = ""
    device: bytes = b""

    @property
    def is_narrow(self) -> bool:
        """Return False for the attempts to all accounts from all networks."""
        return bool(self.person or self.network)


class Attempts:
    """The failed attempts of all persons. `pool` is of the role `thidua_web`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def known(self, guess: Guess, person: str, source: Origin) -> tuple[bool, bool]:
        """Return whether this device, and this network, are known to the person, lately.

        For codes only those are known from which a code was right.
        """
        row = await self._pool.fetchrow(
            "select coalesce(bool_or(device = $2), false), coalesce(bool_or(network = $3), false) "
            "from accounts.known_source where person = $1 and seen_at > now() - $4::interval "
            "and (device = $2 or network = $3) and (with_code or not $5)",
            _stored(person),
            secret_digest(source.device),
            source.network,
            KNOWN_FOR,
            guess is Guess.CODE,
        )
        return (bool(row[0]) and bool(source.device), bool(row[1])) if row else (False, False)

    async def is_ours(self, device: str) -> bool:
        """Return whether a person has logged in with a device that holds this secret."""
        found: bool = await self._pool.fetchval(
            "select exists (select from accounts.known_source where device = $1)", secret_digest(device)
        )
        return found

    async def failures(self, lane: Lane, window: timedelta) -> Failures:
        """Return the failed attempts of a lane in the last time."""
        row = await self._pool.fetchrow(
            "select count(*), coalesce(extract(epoch from now() - max(at)), 1e9)::float8 from accounts.attempt "
            "where guess = $1 and at > now() - $2::interval and ($3 = '' or person = $3) "
            "and ($4 = '' or network = $4) "
            "and (device is not distinct from nullif($5, ''::bytea) or ($1 = 'code' and $5 = ''::bytea))",
            lane.guess.value,
            window,
            _stored(lane.person),
            lane.network,
            lane.device,
        )
        return Failures(row[0], row[1]) if row else Failures(0, 0.0)

    async def failed(self, guess: Guess, person: str, source: Origin, *, known_device: bool) -> None:
        """Store a failed attempt, and count it on the person's account until the next login."""
        await self._pool.execute(
            "insert into accounts.attempt (guess, person, network, device) values ($1, $2, $3, $4)",
            guess.value,
            _stored(person),
            source.network,
            secret_digest(source.device) if known_device else None,
        )
        column = {Guess.PASSWORD: "failed_passwords", Guess.CODE: "failed_codes"}.get(guess)
        if column is not None:
            await self._pool.execute(
                f"update accounts.account set {column} = {column} + 1 where person = $1",  # noqa: S608 - ours
                _stored(person),
            )
        await self._pool.execute("delete from accounts.attempt where at < now() - $1::interval", KEPT_FOR)

    async def passed(self, person: str, source: Origin, *, with_code: bool) -> None:
        """The person has proved who they are: forget their failures from this source, and know it from now on.

        Failed codes are forgotten, and the source known for codes, only `with_code`: a password or a link proves none.
        Failures to other accounts from the same network stay: a login to one's own must not forgive guesses at others.
        """
        device = secret_digest(source.device) if source.device else None
        await self._pool.execute(
            "with forgiven as (delete from accounts.attempt where person = $1 "
            "and (guess = 'password' or (guess = 'code' and $5)) "
            "and (device = $2 or (device is null and network = $3))), "
            "old as (delete from accounts.known_source where person = $1 and seen_at < now() - $4::interval "
            "and (device, network) <> (coalesce($2, ''), $3)) "
            "insert into accounts.known_source (person, device, network, with_code) "
            "values ($1, coalesce($2, ''), $3, $5) "
            "on conflict (person, device, network) do update set seen_at = now(), "
            "with_code = known_source.with_code or excluded.with_code",
            _stored(person),
            device,
            source.network,
            KNOWN_FOR,
            with_code,
        )


def _stored(person: str) -> str:
    """Return what was typed as an account as it can be stored: it may be long, or hold what no text can."""
    return person[:80].encode("utf-8", "replace").decode().replace("\0", "")
